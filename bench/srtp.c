/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP of G.711 packets: ours in batches as a worker has them, libsrtp2 packet by packet, and what the transforms alone cost in
 * ipsec-mb over the same octets (one burst of ciphers and one of hashes, or GCM), with a key for each way of each stream.
 *
 *   srtp --streams 8192 [--suite AEAD_AES_128_GCM] [--turns 15] [--ms 40]     one JSON line: ns per packet, medians over turns in turn about
 *
 * Each packet is protected, then taken by the other side, which must find what was put in.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/packet.h"
#include "engine/srtp.h"
#include "engine/srtp_mb.h"
#include "media/crypto.h"

enum {
	RTP_LEN = 172,
	RTP_HEAD = 12,
	ROOM = 256,
	TURNS_MAX = 99,
	INTERRUPTED = 8,       /* a batch that took so many times the shortest */
	RAW_LEN = RTP_LEN + 4, /* with the rollover counter */
};

enum who { OURS, PORTABLE, THEIRS, RAW, WHO };

struct options {
	uint32_t streams, turns, ms;
	enum media_suite suite;
};

/* A key and the states of its hash, as ipsec-mb wants them. */
struct raw_key {
	uint8_t key[SRTP_MB_GCM_ROOM];
};

struct raw_key_ctr {
	uint8_t key[SRTP_MB_CTR_ROOM];
	uint32_t inner[SRTP_MB_HASH_WORDS], outer[SRTP_MB_HASH_WORDS];
} CACHE_ALIGNED;

/* One contestant: both sides of each stream. */
struct side {
	struct srtp_stream **ours_out, **ours_in;
	srtp_t *theirs_out, *theirs_in;
	uint8_t *raw; /* as many out, then in */
	size_t raw_size;
	uint16_t *sequence;
	uint32_t next; /* stream whose turn it is */
	uint64_t packets, lost, timed, protect_ns, unprotect_ns;
	uint64_t least_ns; /* of a batch */
	double protect[TURNS_MAX], unprotect[TURNS_MAX];
};

static struct side g_sides[WHO];
static uint8_t g_packets[BATCH_MAX][ROOM];
static uint32_t g_stream_of[BATCH_MAX];
static uint32_t g_length[BATCH_MAX];

_Noreturn static void fail(const char *what)
{
	(void)fprintf(stderr, "srtp: %s\n", what);
	exit(1);
}

static bool is_gcm(const struct options *o)
{
	return o->suite == MEDIA_SUITE_AEAD_AES_128_GCM || o->suite == MEDIA_SUITE_AEAD_AES_256_GCM;
}

static bool is_long(const struct options *o)
{
	return o->suite == MEDIA_SUITE_AEAD_AES_256_GCM;
}

static struct media_key key_of(const struct options *o, uint32_t stream)
{
	struct media_key key = { .suite = (uint8_t)o->suite,
				 .length = crypto_key_length(o->suite) };

	memset(key.octets, 0x5a, key.length);
	be32_put(key.octets, stream);
	return key;
}

static void *table(uint32_t count, size_t size)
{
	void *t = calloc(count, size);

	if (!t)
		fail("no memory");
	return t;
}

/* ---- open ---- */

static void ours_open(struct side *s, const struct options *o, bool portable)
{
	int (*open)(struct srtp_stream **, const struct media_key *) =
		portable ? srtp_stream_open_portable : srtp_stream_open;

	s->ours_out = table(o->streams, sizeof(struct srtp_stream *));
	s->ours_in = table(o->streams, sizeof(struct srtp_stream *));
	for (uint32_t i = 0; i < o->streams; i++) {
		struct media_key key = key_of(o, i);

		if (open(&s->ours_out[i], &key) || open(&s->ours_in[i], &key))
			fail("no stream");
		srtp_stream_start(s->ours_out[i], 1, 1);
		srtp_stream_limit(s->ours_out[i], SRTP_INDEX_END, SRTCP_INDEX_END);
	}
}

static void theirs_suite(srtp_policy_t *policy, const struct options *o)
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

static srtp_t theirs_one(const struct options *o, uint32_t stream, srtp_ssrc_type_t direction)
{
	struct media_key key = key_of(o, stream);
	srtp_policy_t policy = { .ssrc.type = direction, .key = key.octets, .window_size = 128 };
	srtp_t s;

	theirs_suite(&policy, o);
	if (srtp_create(&s, &policy) != srtp_err_status_ok)
		fail("libsrtp2: no stream");
	return s;
}

static void theirs_open(struct side *s, const struct options *o)
{
	s->theirs_out = table(o->streams, sizeof(srtp_t));
	s->theirs_in = table(o->streams, sizeof(srtp_t));
	if (srtp_init() != srtp_err_status_ok)
		fail("libsrtp2");
	for (uint32_t i = 0; i < o->streams; i++) {
		s->theirs_out[i] = theirs_one(o, i, ssrc_any_outbound);
		s->theirs_in[i] = theirs_one(o, i, ssrc_any_inbound);
	}
}

static void *raw_of(const struct side *s, const struct options *o, uint32_t stream, bool protects)
{
	return s->raw + (stream + (protects ? 0 : o->streams)) * s->raw_size;
}

/* False: this build or CPU has no ipsec-mb. */
static bool raw_open(struct side *s, const struct options *o)
{
	bool done = true;

	s->raw_size = is_gcm(o) ? sizeof(struct raw_key) : sizeof(struct raw_key_ctr);
	s->raw = aligned_alloc(SRTP_MB_KEY_ALIGN, 2 * o->streams * s->raw_size);
	if (!s->raw)
		fail("no memory");
	memset(s->raw, 0, 2 * o->streams * s->raw_size);
	for (uint32_t i = 0; i < 2 * o->streams && done; i++) {
		struct media_key key = key_of(o, i);
		void *raw = raw_of(s, o, i, true);

		done = is_gcm(o) ? srtp_mb_gcm_key(raw, key.octets, is_long(o))
				 : srtp_mb_ctr_key(raw, key.octets);
	}
	return done;
}

/* ---- packets ---- */

static void batch_make(struct side *s, const struct options *o)
{
	for (uint32_t i = 0; i < BATCH_MAX; i++) {
		uint32_t stream = s->next++ % o->streams;
		uint8_t *p = g_packets[i];

		memset(p, 0x55, RTP_LEN);
		p[0] = 0x80;
		p[1] = 0;
		be16_put(p + 2, ++s->sequence[stream]);
		be32_put(p + 8, stream);
		g_stream_of[i] = stream;
		g_length[i] = RTP_LEN;
	}
}

static void ours_run(struct side *s, bool protects)
{
	struct srtp_job jobs[BATCH_MAX];

	for (uint32_t i = 0; i < BATCH_MAX; i++)
		jobs[i] = (struct srtp_job){
			.stream = (protects ? s->ours_out : s->ours_in)[g_stream_of[i]],
			.data = g_packets[i],
			.length = (uint16_t)g_length[i],
			.capacity = ROOM,
		};
	(protects ? srtp_jobs_protect : srtp_jobs_unprotect)(jobs, BATCH_MAX);
	for (uint32_t i = 0; i < BATCH_MAX; i++)
		g_length[i] = jobs[i].verdict == VERDICT_NONE ? jobs[i].length : 0;
}

static void theirs_run(struct side *s, bool protects)
{
	for (uint32_t i = 0; i < BATCH_MAX; i++) {
		int n = (int)g_length[i];
		srtp_err_status_t status =
			protects ? srtp_protect(s->theirs_out[g_stream_of[i]], g_packets[i], &n)
				 : srtp_unprotect(s->theirs_in[g_stream_of[i]], g_packets[i], &n);

		g_length[i] = status == srtp_err_status_ok ? (uint32_t)n : 0;
	}
}

static void raw_run_gcm(struct side *s, const struct options *o, bool protects)
{
	static uint8_t iv[SRTP_MB_IV_LEN], tag[SRTP_MB_TAG_LEN];

	for (uint32_t i = 0; i < BATCH_MAX; i++) {
		struct srtp_mb_aead job = { .key = raw_of(s, o, g_stream_of[i], protects),
					    .iv = iv,
					    .associated = g_packets[i],
					    .associated_n = RTP_HEAD,
					    .p = g_packets[i] + RTP_HEAD,
					    .n = RTP_LEN - RTP_HEAD,
					    .tag = tag };

		(protects ? srtp_mb_seal : srtp_mb_open)(&job, is_long(o));
	}
}

static void raw_run(struct side *s, const struct options *o, bool protects)
{
	static uint8_t iv[SRTP_MB_BLOCK_LEN], hashes[BATCH_MAX][SRTP_MB_HASH_LEN];
	struct srtp_mb_crypt crypt[BATCH_MAX];
	struct srtp_mb_hash hash[BATCH_MAX];

	for (uint32_t i = 0; i < BATCH_MAX; i++) {
		const struct raw_key_ctr *key = raw_of(s, o, g_stream_of[i], protects);

		crypt[i] = (struct srtp_mb_crypt){ .key = key->key,
						   .p = g_packets[i] + RTP_HEAD,
						   .n = RTP_LEN - RTP_HEAD,
						   .iv = iv };
		hash[i] = (struct srtp_mb_hash){ .inner = key->inner,
						 .outer = key->outer,
						 .p = g_packets[i],
						 .n = RAW_LEN,
						 .hash = hashes[i] };
	}
	srtp_mb_crypt(crypt, BATCH_MAX);
	srtp_mb_hash(hash, BATCH_MAX);
}

static void way_run(enum who who, struct side *s, const struct options *o, bool protects)
{
	switch (who) {
	case OURS:
	case PORTABLE:
		ours_run(s, protects);
		break;
	case THEIRS:
		theirs_run(s, protects);
		break;
	case RAW:
		(is_gcm(o) ? raw_run_gcm : raw_run)(s, o, protects);
		break;
	case WHO:
		break;
	}
}

static bool is_back(uint32_t i)
{
	const uint8_t *p = g_packets[i];

	return g_length[i] == RTP_LEN && p[RTP_HEAD] == 0x55 && p[RTP_LEN - 1] == 0x55;
}

static void batch_run(enum who who, struct side *s, const struct options *o)
{
	uint64_t start_ns, middle_ns, end_ns;

	batch_make(s, o);
	start_ns = clock_now_ns();
	way_run(who, s, o, true);
	middle_ns = clock_now_ns();
	way_run(who, s, o, false);
	end_ns = clock_now_ns();
	if (s->least_ns == 0 || end_ns - start_ns < s->least_ns)
		s->least_ns = end_ns - start_ns;
	/* another program had the core meanwhile: that time is nobody's */
	if (end_ns - start_ns < INTERRUPTED * s->least_ns) {
		s->unprotect_ns += end_ns - middle_ns;
		s->protect_ns += middle_ns - start_ns;
		s->timed += BATCH_MAX;
	}
	s->packets += BATCH_MAX;
	for (uint32_t i = 0; who != RAW && i < BATCH_MAX; i++)
		s->lost += !is_back(i);
}

/* Turns last as long for each; who is slow has fewer packets in them. */
static void turn_run(enum who who, const struct options *o, uint32_t turn)
{
	struct side *s = &g_sides[who];
	uint64_t end_ns = clock_now_ns() + o->ms * NS_PER_MS;

	s->timed = s->protect_ns = s->unprotect_ns = 0;
	while (clock_now_ns() < end_ns || s->timed == 0)
		batch_run(who, s, o);
	s->protect[turn] = (double)s->protect_ns / (double)s->timed;
	s->unprotect[turn] = (double)s->unprotect_ns / (double)s->timed;
}

/* ---- figures ---- */

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *list, uint32_t count)
{
	qsort(list, count, sizeof(*list), double_compare);
	return list[count / 2];
}

static void print(const struct options *o, bool raw)
{
	static const char *const NAMES[WHO] = { "", "portable_", "libsrtp2_", "ipsec_mb_" };

	(void)printf("{\"suite\": \"%s\", \"streams\": %u, \"turns\": %u",
		     crypto_suite_name(o->suite), o->streams, o->turns);
	for (enum who who = OURS; who < WHO; who++) {
		struct side *s = &g_sides[who];

		if (who == RAW && !raw)
			continue;
		(void)printf(", \"%spackets\": %" PRIu64 ", \"%slost\": %" PRIu64
			     ", \"%sprotect_ns\": %.1f, \"%sunprotect_ns\": %.1f",
			     NAMES[who], s->packets, NAMES[who], s->lost, NAMES[who],
			     median(s->protect, o->turns), NAMES[who],
			     median(s->unprotect, o->turns));
	}
	(void)printf("}\n");
}

static void run(const struct options *o)
{
	bool raw;

	for (enum who who = OURS; who < WHO; who++)
		g_sides[who].sequence = table(o->streams, sizeof(uint16_t));
	ours_open(&g_sides[OURS], o, false);
	ours_open(&g_sides[PORTABLE], o, true);
	theirs_open(&g_sides[THEIRS], o);
	raw = raw_open(&g_sides[RAW], o);
	for (uint32_t turn = 0; turn < o->turns; turn++)
		for (enum who who = OURS; who < WHO; who++)
			if (who != RAW || raw)
				turn_run(who, o, turn);
	print(o, raw);
}

static enum media_suite suite_read(const char *name)
{
	static const enum media_suite SUITES[] = { MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
						   MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32,
						   MEDIA_SUITE_AEAD_AES_128_GCM,
						   MEDIA_SUITE_AEAD_AES_256_GCM };

	for (size_t i = 0; i < COUNT_OF(SUITES); i++) {
		if (strcmp(name, crypto_suite_name(SUITES[i])) == 0)
			return SUITES[i];
	}
	fail("no such suite (RFC 4568 6.2, RFC 7714 14.2)");
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{ "streams", required_argument, NULL, 's' },
		{ "suite", required_argument, NULL, 'c' },
		{ "turns", required_argument, NULL, 't' },
		{ "ms", required_argument, NULL, 'm' },
		{ 0 },
	};
	struct options o = {
		.streams = 1, .turns = 15, .ms = 40, .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80
	};
	int c;

	while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
		if (c == 's')
			o.streams = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'c')
			o.suite = suite_read(optarg);
		else if (c == 't')
			o.turns = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'm')
			o.ms = (uint32_t)strtoul(optarg, NULL, 10);
		else
			fail("usage: srtp [--streams N] [--suite NAME] [--turns N] [--ms N]");
	}
	if (o.streams == 0 || o.turns == 0 || o.turns > TURNS_MAX || o.ms == 0)
		fail("--streams, --turns (to 99) and --ms are 1 or more");
	run(&o);
	return 0;
}
