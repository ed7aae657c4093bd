/* SPDX-License-Identifier: Apache-2.0 */
/* libsrtp2 as the other side, and as the oracle of what SRTP is. */
#ifndef TESTS_UNIT_ENGINE_LIBSRTP_H
#define TESTS_UNIT_ENGINE_LIBSRTP_H

#include <srtp2/srtp.h>

#include "media/flow.h"

#define SUITE_80 MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80
#define SUITE_32 MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32

enum { LIBSRTP_WINDOW = 128 };

static UNUSED struct media_key key_from(enum media_suite suite, uint8_t seed)
{
	struct media_key key = { .suite = (uint8_t)suite, .length = 30 };

	for (uint8_t i = 0; i < key.length; i++)
		key.octets[i] = (uint8_t)(seed + 7 * i);
	return key;
}

/* One direction: all SSRCs in, or all SSRCs out. */
static UNUSED srtp_t libsrtp_open(struct media_key key, srtp_ssrc_type_t direction)
{
	static bool inited;
	srtp_policy_t policy = { .ssrc.type = direction,
				 .key = key.octets,
				 .window_size = LIBSRTP_WINDOW };
	srtp_t s;

	if (!inited)
		assert_int_equal(srtp_init(), srtp_err_status_ok);
	inited = true;
	if (key.suite == SUITE_80)
		srtp_crypto_policy_set_rtp_default(&policy.rtp);
	else
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
	srtp_crypto_policy_set_rtcp_default(&policy.rtcp); /* RFC 4568 6.2.2 */
	assert_int_equal(srtp_create(&s, &policy), srtp_err_status_ok);
	return s;
}

/* False: refused. *n: octets before and after; p has room for SRTP_MAX_TRAILER_LEN more. */
static UNUSED bool libsrtp_protect(srtp_t s, bool is_rtcp, uint8_t *p, size_t *n)
{
	int length = (int)*n;
	srtp_err_status_t status =
		is_rtcp ? srtp_protect_rtcp(s, p, &length) : srtp_protect(s, p, &length);

	*n = (size_t)length;
	return status == srtp_err_status_ok;
}

static UNUSED bool libsrtp_unprotect(srtp_t s, bool is_rtcp, uint8_t *p, size_t *n)
{
	int length = (int)*n;
	srtp_err_status_t status =
		is_rtcp ? srtp_unprotect_rtcp(s, p, &length) : srtp_unprotect(s, p, &length);

	*n = (size_t)length;
	return status == srtp_err_status_ok;
}

#endif
