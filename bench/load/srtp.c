/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/srtp.h"

#include <srtp2/srtp.h>
#include <stdlib.h>

#include "engine/srtp/srtp.h"

enum { KEY_LEN = 30 };

struct load_srtp {
	struct srtp_stream *out, *in;
	srtp_t libsrtp_out, libsrtp_in; /* instead */
	bool started;
};

static bool key_read(const char *text, struct media_key *key)
{
	struct bytes rest = bytes_str(text), hex;
	size_t n = 0;

	if (!bytes_cut(&rest, '/', &hex))
		return false;
	*key = (struct media_key){ .suite = bytes_is(rest, "32")
						    ? MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32
						    : MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
				   .length = KEY_LEN };
	return hex_decode(hex, key->octets, sizeof(key->octets), &n) == 0 && n == KEY_LEN;
}

static bool libsrtp_open(srtp_t *out, struct media_key *key, srtp_ssrc_type_t direction)
{
	srtp_policy_t policy = { .ssrc.type = direction, .key = key->octets, .window_size = 1024 };

	if (key->suite == MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80)
		srtp_crypto_policy_set_rtp_default(&policy.rtp);
	else
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
	srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
	return srtp_create(out, &policy) == srtp_err_status_ok;
}

static bool by_libsrtp_open(struct load_srtp *s, struct media_key *send, struct media_key *hear)
{
	static bool inited;

	if (!inited && srtp_init() != srtp_err_status_ok)
		return false;
	inited = true;
	return libsrtp_open(&s->libsrtp_out, send, ssrc_any_outbound) &&
	       libsrtp_open(&s->libsrtp_in, hear, ssrc_any_inbound);
}

static bool by_ours_open(struct load_srtp *s, const struct media_key *send,
			 const struct media_key *hear)
{
	if (srtp_stream_open(&s->out, send) || srtp_stream_open(&s->in, hear))
		return false;
	srtp_stream_limit(s->out, SRTP_INDEX_END, 0);
	return true;
}

struct load_srtp *load_srtp_open(const char *send_key, const char *hear_key, bool by_libsrtp)
{
	struct load_srtp *s = calloc(1, sizeof(*s));
	struct media_key send, hear;

	if (!s || !key_read(send_key, &send) || !key_read(hear_key, &hear))
		return NULL;
	if (by_libsrtp)
		return by_libsrtp_open(s, &send, &hear) ? s : NULL;
	return by_ours_open(s, &send, &hear) ? s : NULL;
}

struct load_srtp *load_srtp_open_keys(const struct media_key *send, const struct media_key *hear)
{
	struct load_srtp *s = calloc(1, sizeof(*s));

	return s && by_ours_open(s, send, hear) ? s : NULL;
}

size_t load_srtp_protect(struct load_srtp *s, uint8_t *p, size_t n)
{
	struct srtp_job job = { .stream = s->out,
				.data = p,
				.length = (uint16_t)n,
				.capacity = (uint16_t)(n + LOAD_SRTP_TRAILER) };
	int length = (int)n;

	if (s->libsrtp_out)
		return srtp_protect(s->libsrtp_out, p, &length) == srtp_err_status_ok
			       ? (size_t)length
			       : 0;
	if (!s->started)
		srtp_stream_start(s->out, be16_get(p + 2), 0);
	s->started = true;
	srtp_jobs_protect(&job, 1);
	return job.verdict == VERDICT_NONE ? job.length : 0;
}

size_t load_srtp_unprotect(struct load_srtp *s, uint8_t *p, size_t n)
{
	struct srtp_job job = { .stream = s->in, .data = p, .length = (uint16_t)n };
	int length = (int)n;

	if (s->libsrtp_in)
		return srtp_unprotect(s->libsrtp_in, p, &length) == srtp_err_status_ok
			       ? (size_t)length
			       : 0;
	srtp_jobs_unprotect(&job, 1);
	return job.verdict == VERDICT_NONE ? job.length : 0;
}

size_t load_srtcp_unprotect(struct load_srtp *s, uint8_t *p, size_t n)
{
	struct srtp_job job = { .stream = s->in, .data = p, .length = (uint16_t)n, .is_rtcp = 1 };

	if (!s->in)
		return 0;
	srtp_jobs_unprotect(&job, 1);
	return job.verdict == VERDICT_NONE ? job.length : 0;
}
