/* SPDX-License-Identifier: Apache-2.0 */
/* What is enveloped opens with the private key alone, and not where an octet is another one. */
#include "tests/unit/test.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "app/record/envelope.h"

enum { PLAIN = 200000, EXPIRES_S = 1900000000 };

struct party {
	EVP_PKEY *key;
	X509 *certificate;
	char pem[8192];
};

static void party_extension(X509 *certificate)
{
	X509V3_CTX ctx;
	X509_EXTENSION *key_id;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, certificate, certificate, NULL, NULL, 0);
	key_id = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_key_identifier, "hash");
	assert_int_equal(X509_add_ext(certificate, key_id, -1), 1);
	X509_EXTENSION_free(key_id);
}

static void party_make(struct party *p, EVP_PKEY *key, bool with_key_id)
{
	BIO *text = BIO_new(BIO_s_mem());
	X509_NAME *name;
	int n;

	p->key = key;
	p->certificate = X509_new();
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(p->certificate), 7), 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(p->certificate), 1700000000));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(p->certificate), EXPIRES_S));
	name = X509_get_subject_name(p->certificate);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
						    (const uint8_t *)"office", -1, -1, 0),
			 1);
	assert_int_equal(X509_set_issuer_name(p->certificate, name), 1);
	assert_int_equal(X509_set_version(p->certificate, 2), 1);
	assert_int_equal(X509_set_pubkey(p->certificate, key), 1);
	if (with_key_id)
		party_extension(p->certificate);
	assert_true(X509_sign(p->certificate, key,
			      EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(text, p->certificate), 1);
	n = BIO_read(text, p->pem, sizeof(p->pem) - 1);
	assert_true(n > 0);
	p->pem[n] = '\0';
	BIO_free(text);
}

static void party_close(struct party *p)
{
	X509_free(p->certificate);
	EVP_PKEY_free(p->key);
}

static int file_of(const uint8_t *octets, size_t n)
{
	int fd = memfd_create("envelope", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, octets, n, 0), n);
	return fd;
}

/* The envelope of that many octets, each the number of its place. */
static size_t envelope_make(const char *pem, size_t plain, uint8_t **out)
{
	uint8_t *octets = malloc(plain + 1);
	int from, to = memfd_create("to", MFD_CLOEXEC);
	size_t n;

	for (size_t i = 0; i < plain; i++)
		octets[i] = (uint8_t)(i * 7);
	from = file_of(octets, plain);
	free(octets);
	assert_int_equal(envelope_write(bytes_str(pem), from, to), 0);
	n = (size_t)lseek(to, 0, SEEK_END);
	*out = malloc(n);
	assert_int_equal(pread(to, *out, n, 0), n);
	(void)close(from);
	(void)close(to);
	return n;
}

/* Opened with that key: what was in it, or -1. */
static long envelope_read(const struct party *p, const uint8_t *octets, size_t n)
{
	BIO *in = BIO_new_mem_buf(octets, (int)n), *out = BIO_new(BIO_s_mem());
	CMS_ContentInfo *cms = d2i_CMS_bio(in, NULL);
	const uint8_t *plain;
	long length = -1;

	if (cms && CMS_decrypt(cms, p->key, p->certificate, NULL, out, 0) == 1) {
		length = BIO_get_mem_data(out, &plain);
		for (long i = 0; i < length; i++)
			assert_int_equal(plain[i], (uint8_t)(i * 7));
	}
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	BIO_free(out);
	return length;
}

static void opens_with_each_key(void **state)
{
	static const size_t lengths[] = { 1, 2, 65535, 65536, 65537, PLAIN };
	struct party rsa, ec, other;
	char both[16384];

	(void)state;
	party_make(&rsa, EVP_RSA_gen(2048), true);
	party_make(&ec, EVP_EC_gen("P-256"), false);
	party_make(&other, EVP_RSA_gen(2048), true);
	(void)snprintf(both, sizeof(both), "%s\n# the second one\n%s", rsa.pem, ec.pem);
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		uint8_t *octets;
		size_t n = envelope_make(both, lengths[i], &octets);

		assert_int_equal(envelope_read(&rsa, octets, n), lengths[i]);
		assert_int_equal(envelope_read(&ec, octets, n), lengths[i]);
		assert_int_equal(envelope_read(&other, octets, n), -1);
		free(octets);
	}
	party_close(&rsa);
	party_close(&ec);
	party_close(&other);
}

/* Authenticated: another octet anywhere in the content, or a missing end, and it does not open. */
static void does_not_open_when_changed(void **state)
{
	struct party p;
	uint8_t *octets;
	size_t n;

	(void)state;
	party_make(&p, EVP_EC_gen("P-256"), true);
	n = envelope_make(p.pem, PLAIN, &octets);
	for (size_t at = 1000; at < n - 1000; at += n / 7) {
		octets[at] ^= 1;
		assert_int_equal(envelope_read(&p, octets, n), -1);
		octets[at] ^= 1;
	}
	octets[n - 5] ^= 1; /* of the tag */
	assert_int_equal(envelope_read(&p, octets, n), -1);
	octets[n - 5] ^= 1;
	assert_int_equal(envelope_read(&p, octets, n - 100), -1);
	assert_int_equal(envelope_read(&p, octets, n), PLAIN);
	free(octets);
	party_close(&p);
}

static void says_what_does_not_fit(void **state)
{
	static struct party small, ed, good;
	static char many[65536], cut[8192 + 256], secret[8192 + 64];
	uint64_t expires;
	char reason[ENVELOPE_REASON_MAX];

	(void)state;
	party_make(&good, EVP_EC_gen("P-384"), true);
	party_make(&small, EVP_RSA_gen(1024), true);
	party_make(&ed, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), true);
	for (unsigned i = 0; i < ENVELOPE_CERTIFICATES_MAX + 1; i++)
		(void)strncat(many, good.pem, sizeof(many) - strlen(many) - 1);
	(void)snprintf(cut, sizeof(cut), "%s%.200s", good.pem, good.pem);
	(void)snprintf(secret, sizeof(secret), "%s-----BEGIN PRIVATE KEY-----\n", good.pem);
	{
		const struct {
			const char *name, *pem, *want;
		} rows[] = {
			{ "good", good.pem, "" },
			{ "a short key", small.pem, "RSA of 2048 bits" },
			{ "a key for signatures", ed.pem, "RSA of 2048 bits" },
			{ "nothing", "", "no certificate" },
			{ "no PEM", "hello", "no certificate" },
			{ "cut off", cut, "broken" },
			{ "nine", many, "more than 8" },
			{ "with its key", secret, "private key" },
		};

		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			bool fits = envelope_fits(bytes_str(rows[i].pem), &expires, reason);

			ROW_ASSERT(rows[i].name, fits == (rows[i].want[0] == '\0'));
			ROW_ASSERT(rows[i].name, strstr(reason, rows[i].want));
		}
	}
	assert_true(envelope_fits(bytes_str(good.pem), &expires, reason));
	assert_int_equal(expires, EXPIRES_S);
	party_close(&good);
	party_close(&small);
	party_close(&ed);
}

static void what_cannot_be_written_is_an_error(void **state)
{
	struct party p;
	uint8_t octets[4096] = { 0 };
	int from = file_of(octets, sizeof(octets)), to;
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	to = fileno(full);
	party_make(&p, EVP_EC_gen("P-256"), true);
	assert_true(envelope_write(bytes_str(p.pem), from, to) < 0);
	assert_int_equal(envelope_write(bytes_str(p.pem), from, to), -ENODATA); /* at its end */
	assert_int_equal(envelope_write(bytes_str("no certificate"), from, to), -EBADMSG);
	(void)close(from);
	(void)fclose(full);
	party_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_with_each_key),
		cmocka_unit_test(does_not_open_when_changed),
		cmocka_unit_test(says_what_does_not_fit),
		cmocka_unit_test(what_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
