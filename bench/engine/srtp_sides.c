/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/srtp_sides.h"

#include <string.h>

#include "engine/srtp/srtp_mb.h"

enum { RAW_LEN = SRTP_RTP_LEN + 4 }; /* with the rollover counter */

/* A key and the states of its hash, as ipsec-mb wants them. */
struct raw_key {
	uint8_t key[SRTP_MB_GCM_ROOM];
};

struct raw_key_ctr {
	uint8_t key[SRTP_MB_CTR_ROOM];
	uint32_t inner[SRTP_MB_HASH_WORDS], outer[SRTP_MB_HASH_WORDS];
} CACHE_ALIGNED;

static bool is_gcm(const struct srtp_streams *o)
{
	return o->suite == MEDIA_SUITE_AEAD_AES_128_GCM || o->suite == MEDIA_SUITE_AEAD_AES_256_GCM;
}

static bool is_long(const struct srtp_streams *o)
{
	return o->suite == MEDIA_SUITE_AEAD_AES_256_GCM;
}

static struct media_key key_of(const struct srtp_streams *o, uint32_t stream)
{
	struct media_key key = { .suite = (uint8_t)o->suite,
				 .length = crypto_key_length(o->suite) };

	memset(key.octets, 0x5a, key.length);
	be32_put(key.octets, stream);
	return key;
}

/* ---- open ---- */

static void ours_open(struct srtp_side *s, const struct srtp_streams *o, bool portable)
{
	int (*open)(struct srtp_stream **, const struct media_key *) =
		portable ? srtp_stream_open_portable : srtp_stream_open;

	s->ours_out = srtp_table(o->count, sizeof(struct srtp_stream *));
	s->ours_in = srtp_table(o->count, sizeof(struct srtp_stream *));
	for (uint32_t i = 0; i < o->count; i++) {
		struct media_key key = key_of(o, i);

		if (open(&s->ours_out[i], &key) || open(&s->ours_in[i], &key))
			srtp_fail("no stream");
		srtp_stream_start(s->ours_out[i], 1, 1);
		srtp_stream_limit(s->ours_out[i], SRTP_INDEX_END, SRTCP_INDEX_END);
	}
}

static void theirs_suite(srtp_policy_t *policy, const struct srtp_streams *o)
{
	srtp_crypto_policy_set_rtp_default(&policy->rtp);
	srtp_crypto_policy_set_rtcp_default(&policy->rtcp);
	if (o->suite == MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32)
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy->rtp);
	if (is_gcm(o) && is_long(o))
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
	else if (is_gcm(o))
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
	if (is_gcm(o))
		policy->rtcp = policy->rtp;
}

static srtp_t theirs_one(const struct srtp_streams *o, uint32_t stream, srtp_ssrc_type_t direction)
{
	struct media_key key = key_of(o, stream);
	srtp_policy_t policy = { .ssrc.type = direction, .key = key.octets, .window_size = 128 };
	srtp_t s;

	theirs_suite(&policy, o);
	if (srtp_create(&s, &policy) != srtp_err_status_ok)
		srtp_fail("libsrtp2: no stream");
	return s;
}

static void theirs_open(struct srtp_side *s, const struct srtp_streams *o)
{
	s->theirs_out = srtp_table(o->count, sizeof(srtp_t));
	s->theirs_in = srtp_table(o->count, sizeof(srtp_t));
	if (srtp_init() != srtp_err_status_ok)
		srtp_fail("libsrtp2");
	for (uint32_t i = 0; i < o->count; i++) {
		s->theirs_out[i] = theirs_one(o, i, ssrc_any_outbound);
		s->theirs_in[i] = theirs_one(o, i, ssrc_any_inbound);
	}
}

static void *raw_of(const struct srtp_side *s, const struct srtp_streams *o, uint32_t stream,
		    bool protects)
{
	return s->raw + (stream + (protects ? 0 : o->count)) * s->raw_size;
}

/* False: this build or CPU has no ipsec-mb. */
static bool raw_open(struct srtp_side *s, const struct srtp_streams *o)
{
	bool done = true;

	s->raw_size = is_gcm(o) ? sizeof(struct raw_key) : sizeof(struct raw_key_ctr);
	s->raw = aligned_alloc(SRTP_MB_KEY_ALIGN, 2 * o->count * s->raw_size);
	if (!s->raw)
		srtp_fail("no memory");
	memset(s->raw, 0, 2 * o->count * s->raw_size);
	for (uint32_t i = 0; i < 2 * o->count && done; i++) {
		struct media_key key = key_of(o, i);
		void *raw = raw_of(s, o, i, true);

		done = is_gcm(o) ? srtp_mb_gcm_key(raw, key.octets, is_long(o))
				 : srtp_mb_ctr_key(raw, key.octets);
	}
	return done;
}

bool srtp_side_open(struct srtp_side *s, enum srtp_who who, const struct srtp_streams *o)
{
	switch (who) {
	case OURS:
	case PORTABLE:
		ours_open(s, o, who == PORTABLE);
		return true;
	case THEIRS:
		theirs_open(s, o);
		return true;
	case RAW:
		return raw_open(s, o);
	case WHO:
		break;
	}
	return false;
}

/* ---- run ---- */

static void ours_run(const struct srtp_side *s, struct srtp_packets *p, bool protects)
{
	struct srtp_job jobs[BATCH_MAX];

	for (uint32_t i = 0; i < BATCH_MAX; i++)
		jobs[i] = (struct srtp_job){
			.stream = (protects ? s->ours_out : s->ours_in)[p->stream[i]],
			.data = p->octets[i],
			.length = (uint16_t)p->length[i],
			.capacity = SRTP_ROOM,
		};
	(protects ? srtp_jobs_protect : srtp_jobs_unprotect)(jobs, BATCH_MAX);
	for (uint32_t i = 0; i < BATCH_MAX; i++)
		p->length[i] = jobs[i].verdict == VERDICT_NONE ? jobs[i].length : 0;
}

static void theirs_run(const struct srtp_side *s, struct srtp_packets *p, bool protects)
{
	for (uint32_t i = 0; i < BATCH_MAX; i++) {
		int n = (int)p->length[i];
		srtp_err_status_t status =
			protects ? srtp_protect(s->theirs_out[p->stream[i]], p->octets[i], &n)
				 : srtp_unprotect(s->theirs_in[p->stream[i]], p->octets[i], &n);

		p->length[i] = status == srtp_err_status_ok ? (uint32_t)n : 0;
	}
}

static void raw_run_gcm(const struct srtp_side *s, const struct srtp_streams *o,
			struct srtp_packets *p, bool protects)
{
	static uint8_t iv[SRTP_MB_IV_LEN], tag[SRTP_MB_TAG_LEN];
	struct srtp_mb_aead jobs[BATCH_MAX];

	for (uint32_t i = 0; i < BATCH_MAX; i++)
		jobs[i] = (struct srtp_mb_aead){ .key = raw_of(s, o, p->stream[i], protects),
						 .iv = iv,
						 .associated = p->octets[i],
						 .associated_n = SRTP_RTP_HEAD,
						 .p = p->octets[i] + SRTP_RTP_HEAD,
						 .n = SRTP_RTP_LEN - SRTP_RTP_HEAD,
						 .tag = tag,
						 .is_long = is_long(o) };
	(protects ? srtp_mb_seal : srtp_mb_open)(jobs, BATCH_MAX);
}

static void raw_run(const struct srtp_side *s, const struct srtp_streams *o, struct srtp_packets *p,
		    bool protects)
{
	static uint8_t iv[SRTP_MB_BLOCK_LEN], hashes[BATCH_MAX][SRTP_MB_HASH_LEN];
	struct srtp_mb_crypt crypt[BATCH_MAX];
	struct srtp_mb_hash hash[BATCH_MAX];

	for (uint32_t i = 0; i < BATCH_MAX; i++) {
		const struct raw_key_ctr *key = raw_of(s, o, p->stream[i], protects);

		crypt[i] = (struct srtp_mb_crypt){ .key = key->key,
						   .p = p->octets[i] + SRTP_RTP_HEAD,
						   .n = SRTP_RTP_LEN - SRTP_RTP_HEAD,
						   .iv = iv };
		hash[i] = (struct srtp_mb_hash){ .inner = key->inner,
						 .outer = key->outer,
						 .p = p->octets[i],
						 .n = RAW_LEN,
						 .hash = hashes[i] };
	}
	srtp_mb_crypt(crypt, BATCH_MAX);
	srtp_mb_hash(hash, BATCH_MAX);
}

void srtp_side_run(struct srtp_side *s, enum srtp_who who, const struct srtp_streams *o,
		   struct srtp_packets *p, bool protects)
{
	switch (who) {
	case OURS:
	case PORTABLE:
		ours_run(s, p, protects);
		break;
	case THEIRS:
		theirs_run(s, p, protects);
		break;
	case RAW:
		(is_gcm(o) ? raw_run_gcm : raw_run)(s, o, p, protects);
		break;
	case WHO:
		break;
	}
}
