/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for tests, as PEM files: who signed them, for whom, for how long. */
#ifndef TESTS_UNIT_CERTIFICATES_H
#define TESTS_UNIT_CERTIFICATES_H

#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/tls/tls.h"
#include "tests/unit/test.h"

enum { TEST_DAY_S = 86400 };

struct test_pair {
	EVP_PKEY *key;
	X509 *certificate;
	struct tls_files files;
};

static inline void test_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *e;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static inline void test_pair_write(struct test_pair *p, const char *dir, const char *name)
{
	FILE *file;

	(void)snprintf(p->files.certificate, sizeof(p->files.certificate), "%s/%s.pem", dir, name);
	(void)snprintf(p->files.key, sizeof(p->files.key), "%s/%s.key", dir, name);
	file = fopen(p->files.certificate, "we");
	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, p->certificate), 1);
	(void)fclose(file);
	file = fopen(p->files.key, "we");
	assert_non_null(file);
	assert_int_equal(PEM_write_PrivateKey(file, p->key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(file);
}

/* issuer NULL: an authority of its own. alt: "IP:127.0.0.1", or NULL. until_days: from now; may be negative. */
static inline void test_pair_make(struct test_pair *p, const char *dir, const char *name,
				  const struct test_pair *issuer, const char *alt, int until_days)
{
	static long serial = 1;
	X509 *by;

	p->key = EVP_EC_gen("P-256");
	p->certificate = X509_new();
	assert_true(p->key && p->certificate);
	by = issuer ? issuer->certificate : p->certificate;
	assert_int_equal(X509_set_version(p->certificate, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(p->certificate), serial++), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(p->certificate), "CN",
						    MBSTRING_ASC, (const unsigned char *)name, -1,
						    -1, 0),
			 1);
	assert_int_equal(X509_set_issuer_name(p->certificate, X509_get_subject_name(by)), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(p->certificate), -30L * TEST_DAY_S));
	assert_non_null(
		X509_gmtime_adj(X509_getm_notAfter(p->certificate), (long)until_days * TEST_DAY_S));
	assert_int_equal(X509_set_pubkey(p->certificate, p->key), 1);
	if (!issuer)
		test_extension(p->certificate, by, NID_basic_constraints, "critical,CA:TRUE");
	if (alt)
		test_extension(p->certificate, by, NID_subject_alt_name, alt);
	assert_true(X509_sign(p->certificate, issuer ? issuer->key : p->key, EVP_sha256()) != 0);
	test_pair_write(p, dir, name);
}

static inline void test_pair_free(struct test_pair *p)
{
	(void)unlink(p->files.certificate);
	(void)unlink(p->files.key);
	EVP_PKEY_free(p->key);
	X509_free(p->certificate);
	*p = (struct test_pair){ 0 };
}

#endif
