/* SPDX-License-Identifier: Apache-2.0 */
/* libsrtp2 as the other side, and as the oracle of what SRTP is. */
#ifndef TESTS_UNIT_ENGINE_SRTP_LIBSRTP_H
#define TESTS_UNIT_ENGINE_SRTP_LIBSRTP_H

#include <srtp2/srtp.h>

#include "media/flow.h"
#include "media/rtp/rtp_parse.h"

#define SUITE_80 MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80
#define SUITE_32 MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32
#define GCM_128  MEDIA_SUITE_AEAD_AES_128_GCM
#define GCM_256  MEDIA_SUITE_AEAD_AES_256_GCM

enum { LIBSRTP_WINDOW = 128 };

static const enum media_suite ALL_SUITES[] = { SUITE_80, SUITE_32, GCM_128, GCM_256 };

static UNUSED struct media_key key_from(enum media_suite suite, uint8_t seed)
{
	struct media_key key = { .suite = (uint8_t)suite, .length = 30 };

	if (suite == GCM_128)
		key.length = 16 + 12;
	if (suite == GCM_256)
		key.length = 32 + 12;

	for (uint8_t i = 0; i < key.length; i++)
		key.octets[i] = (uint8_t)(seed + 7 * i);
	return key;
}

static UNUSED void libsrtp_policy(srtp_policy_t *policy, uint8_t suite)
{
	srtp_crypto_policy_set_rtp_default(&policy->rtp);
	srtp_crypto_policy_set_rtcp_default(&policy->rtcp); /* RFC 4568 6.2.2 */
	if (suite == SUITE_32)
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy->rtp);
	if (suite == GCM_128) {
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
	}
	if (suite == GCM_256) {
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtcp);
	}
}

/* One direction: all SSRCs in, or all SSRCs out; with the key's MKI, where it has one. rtcp: whether SRTCP is encrypted. */
static UNUSED srtp_t libsrtp_open_with(struct media_key key, srtp_ssrc_type_t direction,
				       srtp_sec_serv_t rtcp)
{
	static bool inited;
	srtp_master_key_t master = { .key = key.octets,
				     .mki_id = key.mki,
				     .mki_size = key.mki_length };
	srtp_master_key_t *masters[] = { &master };
	srtp_policy_t policy = { .ssrc.type = direction,
				 .key = key.mki_length ? NULL : key.octets,
				 .keys = key.mki_length ? masters : NULL,
				 .num_master_keys = key.mki_length ? 1 : 0,
				 .window_size = LIBSRTP_WINDOW };
	srtp_t s;

	if (!inited)
		assert_int_equal(srtp_init(), srtp_err_status_ok);
	inited = true;
	libsrtp_policy(&policy, key.suite);
	policy.rtcp.sec_serv = rtcp;
	assert_int_equal(srtp_create(&s, &policy), srtp_err_status_ok);
	return s;
}

static UNUSED srtp_t libsrtp_open(struct media_key key, srtp_ssrc_type_t direction)
{
	return libsrtp_open_with(key, direction, sec_serv_conf_and_auth);
}

/* False: refused. *n: octets before and after; p has room for SRTP_MAX_TRAILER_LEN more. */
static UNUSED bool libsrtp_protect_mki(srtp_t s, bool has_mki, bool is_rtcp, uint8_t *p, size_t *n)
{
	int length = (int)*n;
	srtp_err_status_t status = is_rtcp ? srtp_protect_rtcp_mki(s, p, &length, has_mki, 0)
					   : srtp_protect_mki(s, p, &length, has_mki, 0);

	*n = (size_t)length;
	return status == srtp_err_status_ok;
}

static UNUSED bool libsrtp_unprotect_mki(srtp_t s, bool has_mki, bool is_rtcp, uint8_t *p,
					 size_t *n)
{
	int length = (int)*n;
	srtp_err_status_t status = is_rtcp ? srtp_unprotect_rtcp_mki(s, p, &length, has_mki)
					   : srtp_unprotect_mki(s, p, &length, has_mki);

	*n = (size_t)length;
	return status == srtp_err_status_ok;
}

static UNUSED bool libsrtp_protect(srtp_t s, bool is_rtcp, uint8_t *p, size_t *n)
{
	return libsrtp_protect_mki(s, false, is_rtcp, p, n);
}

static UNUSED bool libsrtp_unprotect(srtp_t s, bool is_rtcp, uint8_t *p, size_t *n)
{
	return libsrtp_unprotect_mki(s, false, is_rtcp, p, n);
}

/* A sender that has sent a source's packets of these numbers already: its rollover counter is behind those. */
static UNUSED srtp_t libsrtp_behind(struct media_key key, uint32_t ssrc, uint16_t first,
				    uint16_t end)
{
	srtp_t s = libsrtp_open(key, ssrc_any_outbound);

	for (uint16_t i = first; i != end; i++) {
		uint8_t p[RTP_HEAD_LEN + SRTP_MAX_TRAILER_LEN] = { RTP_VERSION << 6 };
		size_t n = RTP_HEAD_LEN;

		be16_put(p + 2, i);
		be32_put(p + 8, ssrc);
		assert_true(libsrtp_protect(s, false, p, &n));
	}
	return s;
}

#endif
