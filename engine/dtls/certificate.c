/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's self-signed certificate for DTLS-SRTP: reads it, or creates it, computes its
 * fingerprint for SDP (RFC 8122), and compares the fingerprints of parties. Only the fingerprint is
 * ever checked (RFC 5763 5), so names, chains and dates are placeholders. The PEM file is created
 * with mode 0600 under another name and renamed; a file that other users can read is refused.
 */

#include "engine/dtls/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "base/log.h"

enum {
	FILE_MAX = 4096,
	SERIAL_BITS = 63,
	DAY_S = 86400,
};

/* ---- fingerprints ---- */

static const EVP_MD *digest_of(uint8_t hash)
{
	switch ((enum media_hash)hash) {
	case MEDIA_HASH_SHA256:
		return EVP_sha256();
	case MEDIA_HASH_SHA384:
		return EVP_sha384();
	case MEDIA_HASH_SHA512:
		return EVP_sha512();
	case MEDIA_HASH_NONE:
		break;
	}
	return NULL;
}

bool certificate_has(const X509 *x509, const struct media_fingerprint *want)
{
	const EVP_MD *md = digest_of(want->hash);
	uint8_t octets[EVP_MAX_MD_SIZE];
	unsigned n;

	return md && x509 && X509_digest(x509, md, octets, &n) && n <= sizeof(want->octets) &&
	       CRYPTO_memcmp(octets, want->octets, n) == 0;
}

static int fingerprint_fill(struct certificate *c)
{
	uint8_t octets[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!X509_digest(c->x509, EVP_sha256(), octets, &n))
		return -ENOMEM;
	c->fingerprint.hash = MEDIA_HASH_SHA256;
	memcpy(c->fingerprint.octets, octets, n);
	return 0;
}

/* ---- reading ---- */

/* No password is asked for, for an encrypted key. */
static int no_password(char *to, int size, int writing, void *arg)
{
	(void)to;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int pem_parse(struct certificate *c, struct bytes text)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);

	if (!bio)
		return -ENOMEM;
	c->key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	c->x509 = PEM_read_bio_X509(bio, NULL, no_password, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (!c->key || !c->x509 || X509_check_private_key(c->x509, c->key) != 1) {
		ERR_clear_error();
		certificate_close(c);
		return -EINVAL;
	}
	return fingerprint_fill(c);
}

static int file_check(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)) ? -EPERM : 0;
}

static int certificate_file_read(struct certificate *c, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint8_t text[FILE_MAX];
	ssize_t n = 0;
	int err;

	if (fd < 0)
		return -errno;
	err = file_check(fd);
	if (!err)
		n = read(fd, text, sizeof(text));
	if (n < 0)
		err = -errno;
	(void)close(fd);
	if (!err)
		err = pem_parse(c, bytes_mem(text, (size_t)n));
	OPENSSL_cleanse(text, sizeof(text));
	return err;
}

static bool is_running_out(const struct certificate *c, uint64_t utc_ms)
{
	time_t then = (time_t)(utc_ms / 1000) + (time_t)CERTIFICATE_RENEW_DAYS * DAY_S;

	return X509_cmp_time(X509_get0_notAfter(c->x509), &then) < 0;
}

/* ---- making ---- */

static bool serial_set(X509 *x509)
{
	BIGNUM *n = BN_new();
	bool ok = n && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		  BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x509));

	BN_free(n);
	return ok;
}

static bool name_set(X509 *x509)
{
	static const uint8_t NAME[] = "tandem";
	X509_NAME *name = X509_get_subject_name(x509);

	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, NAME, -1, -1, 0) &&
	       X509_set_issuer_name(x509, name);
}

/* From the day before: the clocks of parties differ. */
static bool fields_set(struct certificate *c, uint64_t utc_ms)
{
	time_t now = (time_t)(utc_ms / 1000);
	X509 *x509 = c->x509;

	return X509_set_version(x509, X509_VERSION_3) && serial_set(x509) && name_set(x509) &&
	       X509_time_adj_ex(X509_getm_notBefore(x509), -1, 0, &now) &&
	       X509_time_adj_ex(X509_getm_notAfter(x509), CERTIFICATE_DAYS, 0, &now) &&
	       X509_set_pubkey(x509, c->key) && X509_sign(x509, c->key, EVP_sha256());
}

static int certificate_new(struct certificate *c, uint64_t utc_ms)
{
	c->key = EVP_EC_gen("P-256");
	c->x509 = X509_new();
	if (!c->key || !c->x509 || !fields_set(c, utc_ms)) {
		ERR_clear_error();
		certificate_close(c);
		return -ENOMEM;
	}
	return fingerprint_fill(c);
}

/* ---- writing ---- */

/* A mem BIO: what was in it is wiped when it goes. */
static int certificate_file_write(const struct certificate *c, const char *path)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text;
	int err = -ENOMEM;
	long n;

	if (bio && PEM_write_bio_PrivateKey(bio, c->key, NULL, NULL, 0, NULL, NULL) &&
	    PEM_write_bio_X509(bio, c->x509)) {
		n = BIO_get_mem_data(bio, &text);
		err = file_replace(path, 0600, bytes_mem(text, (size_t)n));
		OPENSSL_cleanse(text, (size_t)n);
	}
	BIO_free(bio);
	ERR_clear_error();
	return err;
}

static int make_file(struct certificate *c, const char *path, uint64_t utc_ms)
{
	int err = certificate_new(c, utc_ms);

	if (!err)
		err = certificate_file_write(c, path);
	if (err)
		certificate_close(c);
	else
		LOG_INFO("dtls", 0, "made a certificate for media", LOG_STR("file", path));
	return err;
}

/* ---- */

int certificate_open(struct certificate *out, const char *path, uint64_t utc_ms)
{
	int err;

	*out = (struct certificate){ 0 };
	err = certificate_file_read(out, path);
	if (err == -ENOENT) {
		err = make_file(out, path, utc_ms);
	} else if (!err && is_running_out(out, utc_ms)) {
		certificate_close(out);
		err = make_file(out, path, utc_ms);
	}
	if (err) {
		LOG_ERROR("dtls", 0,
			  err == -EPERM ? "the certificate for media must be a file of this user "
					  "that no other may read: chmod 600 it"
			  : err == -EINVAL ? "the file holds no certificate for media with its "
					     "key: remove it, and it is made again"
					   : "cannot open the certificate for media",
			  LOG_STR("file", path), LOG_STR("error", strerror(-err)));
	}
	return err;
}

void certificate_close(struct certificate *c)
{
	EVP_PKEY_free(c->key);
	X509_free(c->x509);
	*c = (struct certificate){ 0 };
}
