/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and associations of both ends, for tests of handshakes. */
#ifndef TESTS_UNIT_ENGINE_DTLS_DTLS_PEER_H
#define TESTS_UNIT_ENGINE_DTLS_DTLS_PEER_H

#include <unistd.h>

#include "engine/dtls/certificate.h"
#include "engine/dtls/dtls.h"

enum { OURS, THEIRS, STRANGERS, IDENTITIES };

/* Made once: what they are is not what is tested. */
struct identity {
	struct certificate certificate;
	struct dtls_context *context;
};

static struct identity g_identity[IDENTITIES];

static UNUSED int identities_open(void **state)
{
	(void)state;
	for (int i = 0; i < IDENTITIES; i++) {
		char path[] = "/tmp/tandem-dtls-XXXXXX";
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		assert_int_equal(close(fd), 0);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(certificate_open(&g_identity[i].certificate, path,
						  UINT64_C(1780000000000)),
				 0);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(
			dtls_context_open(&g_identity[i].context, &g_identity[i].certificate), 0);
	}
	return 0;
}

static UNUSED int identities_close(void **state)
{
	(void)state;
	for (int i = 0; i < IDENTITIES; i++) {
		dtls_context_close(g_identity[i].context);
		certificate_close(&g_identity[i].certificate);
	}
	return 0;
}

static UNUSED const struct media_fingerprint *fingerprint_of(int who)
{
	return &g_identity[who].certificate.fingerprint;
}

static UNUSED void assert_keys_agree(const struct dtls *a, const struct dtls *b)
{
	assert_int_equal(a->outcome, DTLS_DONE);
	assert_int_equal(b->outcome, DTLS_DONE);
	assert_memory_equal(&a->key_in, &b->key_out, sizeof(a->key_in));
	assert_memory_equal(&a->key_out, &b->key_in, sizeof(a->key_in));
	assert_memory_not_equal(a->key_in.octets, a->key_out.octets, 16);
	assert_int_not_equal(a->key_in.suite, MEDIA_SUITE_NONE);
}

#endif
