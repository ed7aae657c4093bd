/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Envelopes recordings with OpenSSL's CMS as a stream, and checks certificates before they are
 * used. tandem-store's children write envelopes; the node checks settings by envelope_fits.
 * OpenSSL's defaults (PKCS #1 v1.5, SHA-1) are replaced for each recipient. A certificate with a
 * key that cannot encrypt is an error at once, since a recording for it could never be opened.
 */

#include "app/record/envelope.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { PIECE = 65536, RSA_BITS_MIN = 2048 };

struct certificates {
	uint32_t count;
	X509 *of[ENVELOPE_CERTIFICATES_MAX];
};

static void certificates_close(struct certificates *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		X509_free(c->of[i]);
	c->count = 0;
}

/* -E2BIG: too many; -EBADMSG: one cannot be read, or the text has none. */
static int certificates_read(struct certificates *c, struct bytes pem)
{
	BIO *text = pem.n <= ENVELOPE_PEM_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	int err = text ? 0 : -EBADMSG;
	X509 *one;

	*c = (struct certificates){ 0 };
	while (!err && (one = PEM_read_bio_X509(text, NULL, NULL, NULL))) {
		if (c->count < ENVELOPE_CERTIFICATES_MAX) {
			c->of[c->count++] = one;
		} else {
			X509_free(one);
			err = -E2BIG;
		}
	}
	/* the end of the text is said as an error, too */
	if (!err && (!c->count || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
		err = -EBADMSG;
	ERR_clear_error();
	BIO_free(text);
	if (err)
		certificates_close(c);
	return err;
}

/* ---- what fits ---- */

static bool certificate_key_fits(const X509 *certificate)
{
	const EVP_PKEY *key = X509_get0_pubkey(certificate);

	if (!key)
		return false;
	return EVP_PKEY_is_a(key, "EC") ||
	       (EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN);
}

static uint64_t certificate_expires(const X509 *certificate)
{
	struct tm tm = { 0 };
	time_t at;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
		return 0;
	at = timegm(&tm);
	return at > 0 ? (uint64_t)at : 0;
}

static const char *certificates_wrong(const struct certificates *c)
{
	for (uint32_t i = 0; i < c->count; i++) {
		if (!certificate_key_fits(c->of[i]))
			return "its key must be RSA of 2048 bits or more, or EC: openssl req -x509 "
			       "-newkey rsa:3072 makes one";
	}
	return NULL;
}

static const char *certificates_unreadable(int err)
{
	return err == -E2BIG ? "it has more than 8 certificates"
			     : "it has no certificate in PEM, or one that is broken: it must begin "
			       "with -----BEGIN CERTIFICATE-----";
}

bool envelope_fits(struct bytes pem, uint64_t *expires_utc_s, char reason[ENVELOPE_REASON_MAX])
{
	static const char private_key[] = "PRIVATE KEY-----";
	struct certificates c;
	const char *why;
	int err;

	*expires_utc_s = UINT64_MAX;
	if (pem.n && memmem(pem.p, pem.n, private_key, sizeof(private_key) - 1))
		why = "it contains a private key: anybody who takes this machine could read the "
		      "recordings; keep the certificate alone here";
	else if ((err = certificates_read(&c, pem)))
		why = certificates_unreadable(err);
	else {
		why = certificates_wrong(&c);
		for (uint32_t i = 0; i < c.count; i++) {
			uint64_t expires = certificate_expires(c.of[i]);

			if (expires < *expires_utc_s)
				*expires_utc_s = expires;
		}
		certificates_close(&c);
	}
	(void)snprintf(reason, ENVELOPE_REASON_MAX, "%s", why ? why : "");
	return !why;
}

/* ---- writing ---- */

/* OpenSSL's defaults are outdated: PKCS #1 v1.5, and SHA-1. */
static bool recipient_tune(CMS_RecipientInfo *recipient)
{
	EVP_PKEY_CTX *ctx = recipient ? CMS_RecipientInfo_get0_pkey_ctx(recipient) : NULL;

	if (!ctx)
		return false;
	if (CMS_RecipientInfo_type(recipient) != CMS_RECIPINFO_TRANS)
		return EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) > 0;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0;
}

static CMS_ContentInfo *envelope_open(const struct certificates *c)
{
	CMS_ContentInfo *cms = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
	bool good = cms != NULL;

	for (uint32_t i = 0; good && i < c->count; i++) {
		unsigned by_key_id = X509_get0_subject_key_id(c->of[i]) ? CMS_USE_KEYID : 0;

		good = recipient_tune(
			CMS_add1_recipient_cert(cms, c->of[i], CMS_KEY_PARAM | by_key_id));
	}
	if (good)
		return cms;
	CMS_ContentInfo_free(cms);
	return NULL;
}

/* n octets of it are in the piece. */
static int envelope_octets(BIO *through, int from, uint8_t piece[PIECE], ssize_t n)
{
	for (; n > 0; n = read(from, piece, PIECE)) {
		if (BIO_write(through, piece, (int)n) != n)
			return errno ? -errno : -EIO;
	}
	if (n < 0)
		return -errno;
	return BIO_flush(through) == 1 ? 0 : errno ? -errno : -EIO;
}

static int envelope_stream(CMS_ContentInfo *cms, int from, int to, uint8_t piece[PIECE], ssize_t n)
{
	BIO *out = BIO_new_fd(to, BIO_NOCLOSE), *buffer = BIO_new(BIO_f_buffer()), *through;
	int err = -ENOMEM;

	/* the octets of ASN.1 come by the dozen */
	through = out && buffer && BIO_set_write_buffer_size(buffer, PIECE) > 0
			  ? BIO_new_CMS(BIO_push(buffer, out), cms)
			  : NULL;
	errno = 0;
	if (through)
		err = envelope_octets(through, from, piece, n);
	while (through && through != buffer) {
		BIO *next = BIO_pop(through);

		BIO_free(through);
		through = next;
	}
	BIO_free(buffer);
	BIO_free(out);
	return err;
}

static int envelope_content(CMS_ContentInfo *cms, int from, int to)
{
	static _Thread_local uint8_t piece[PIECE];
	ssize_t n = read(from, piece, sizeof(piece));
	int err = n < 0 ? -errno : n ? 0 : -ENODATA;

	if (!err)
		err = envelope_stream(cms, from, to, piece, n);
	explicit_bzero(piece, sizeof(piece));
	return err;
}

int envelope_write(struct bytes pem, int from, int to)
{
	struct certificates c;
	CMS_ContentInfo *cms;
	int err = certificates_read(&c, pem);

	if (err)
		return err;
	cms = envelope_open(&c);
	err = cms ? envelope_content(cms, from, to) : -EKEYREJECTED;
	CMS_ContentInfo_free(cms);
	certificates_close(&c);
	ERR_clear_error();
	return err;
}
