/* SPDX-License-Identifier: Apache-2.0 */
#include "app/ctl/certificate.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/addr.h"
#include "base/file.h"

enum {
	FILES = 4,
	SERIAL_LEN = 16,
	VERSION_3 = 2,
	BACKDATE_S = 3600, /* phones whose clock is a little slow */
	CA_DAYS = 7300,
	NODE_DAYS = 3650,
	SECONDS_PER_DAY = 86400,
	ALT_NAMES_MAX = 4096,
};

static const char *const g_files[FILES] = { "ca.pem", "ca.key", "node.pem", "node.key" };

struct pair {
	EVP_PKEY *key;
	X509 *certificate;
};

static void pair_free(struct pair *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->certificate);
}

/* RFC 5280 4.1.2.2: positive, unpredictable */
static int set_serial(X509 *x)
{
	uint8_t raw[SERIAL_LEN];
	BIGNUM *number;
	int ok;

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return 0;
	raw[0] = (raw[0] & 0x7f) | 0x40;
	number = BN_bin2bn(raw, sizeof(raw), NULL);
	ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
	BN_free(number);
	return ok;
}

static int add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;
	int ok;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ok = extension && X509_add_ext(x, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

static int set_name(X509 *x, const char *name)
{
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
					  (const unsigned char *)name, -1, -1, 0);
}

static bool pair_fill(struct pair *p, const char *name, long days)
{
	p->key = EVP_EC_gen("P-256");
	p->certificate = X509_new();
	return p->key && p->certificate && X509_set_version(p->certificate, VERSION_3) == 1 &&
	       set_serial(p->certificate) && set_name(p->certificate, name) &&
	       X509_gmtime_adj(X509_getm_notBefore(p->certificate), -BACKDATE_S) &&
	       X509_gmtime_adj(X509_getm_notAfter(p->certificate), days * SECONDS_PER_DAY) &&
	       X509_set_pubkey(p->certificate, p->key) == 1;
}

static bool sign(struct pair *p, const struct pair *issuer)
{
	return X509_set_issuer_name(p->certificate, X509_get_subject_name(issuer->certificate)) ==
		       1 &&
	       add_extension(p->certificate, issuer->certificate, NID_subject_key_identifier,
			     "hash") &&
	       add_extension(p->certificate, issuer->certificate, NID_authority_key_identifier,
			     "keyid:always") &&
	       X509_sign(p->certificate, issuer->key, EVP_sha256()) != 0;
}

static bool make_ca(struct pair *ca, const char *name)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "tandem CA of %.40s", name);
	return pair_fill(ca, text, CA_DAYS) &&
	       add_extension(ca->certificate, ca->certificate, NID_basic_constraints,
			     "critical,CA:TRUE,pathlen:0") &&
	       add_extension(ca->certificate, ca->certificate, NID_key_usage,
			     "critical,keyCertSign,cRLSign") &&
	       sign(ca, ca);
}

/* An address is named as a host as well: linphone's TLS looks at names of hosts only. Nobody who looks at addresses minds. */
static void write_alt_names(struct writer *w, const struct certificate_names *names)
{
	for (uint32_t i = 0; i < names->count; i++) {
		struct addr a;
		bool ip = !addr_parse(&a, bytes_str(names->list[i]));

		writer_fmt(w, "%sDNS:%s", w->n ? "," : "", names->list[i]);
		if (ip)
			writer_fmt(w, ",IP:%s", names->list[i]);
	}
	writer_u8(w, 0);
}

static bool make_node(struct pair *node, const struct pair *ca,
		      const struct certificate_names *names)
{
	char alt[ALT_NAMES_MAX];
	struct writer w = writer_over(alt, sizeof(alt));

	write_alt_names(&w, names);
	/* clientAuth: the node shows it to those it calls, too */
	return !w.overflow && pair_fill(node, names->list[0], NODE_DAYS) &&
	       add_extension(node->certificate, ca->certificate, NID_basic_constraints,
			     "critical,CA:FALSE") &&
	       add_extension(node->certificate, ca->certificate, NID_key_usage,
			     "critical,digitalSignature") &&
	       add_extension(node->certificate, ca->certificate, NID_ext_key_usage,
			     "serverAuth,clientAuth") &&
	       add_extension(node->certificate, ca->certificate, NID_subject_alt_name, alt) &&
	       sign(node, ca);
}

static int write_file(const char *dir, const char *name, unsigned mode, BIO *text)
{
	char path[PATH_MAX];
	char *data;
	long n = BIO_get_mem_data(text, &data);

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return n > 0 ? file_create(path, mode, bytes_mem(data, (size_t)n)) : -EINVAL;
}

static int write_certificates(const char *dir, const char *name, X509 *first, X509 *second)
{
	BIO *text = BIO_new(BIO_s_mem());
	int err = -EINVAL;

	if (text && PEM_write_bio_X509(text, first) == 1 &&
	    (!second || PEM_write_bio_X509(text, second) == 1))
		err = write_file(dir, name, 0644, text);
	BIO_free(text);
	return err;
}

static int certificate_write_key(const char *dir, const char *name, EVP_PKEY *key)
{
	BIO *text = BIO_new(BIO_s_secmem());
	int err = -EINVAL;

	if (text && PEM_write_bio_PKCS8PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1)
		err = write_file(dir, name, 0600, text);
	BIO_free(text);
	return err;
}

/* How many of the files there are now; -errno of the first that failed goes to *err. */
static int pairs_write(const char *dir, const struct pair *ca, const struct pair *node, int *err)
{
	*err = write_certificates(dir, g_files[0], ca->certificate, NULL);
	if (*err)
		return 0;
	*err = certificate_write_key(dir, g_files[1], ca->key);
	if (*err)
		return 1;
	*err = write_certificates(dir, g_files[2], node->certificate, ca->certificate);
	if (*err)
		return 2;
	*err = certificate_write_key(dir, g_files[3], node->key);
	return *err ? 3 : FILES;
}

static int check_free(const char *dir)
{
	for (int i = 0; i < FILES; i++) {
		char path[PATH_MAX];
		struct stat st;

		(void)snprintf(path, sizeof(path), "%s/%s", dir, g_files[i]);
		if (!lstat(path, &st))
			return -EEXIST;
	}
	return 0;
}

static void take_away(const char *dir, int count)
{
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];

		(void)snprintf(path, sizeof(path), "%s/%s", dir, g_files[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

int certificates_make(const char *dir, const struct certificate_names *names)
{
	struct pair ca = { 0 }, node = { 0 };
	int err = mkdir(dir, 0700) && errno != EEXIST ? -errno : 0;
	int made;

	if (!err)
		err = check_free(dir);
	if (err)
		return err;
	if (!make_ca(&ca, names->list[0]) || !make_node(&node, &ca, names)) {
		err = -EINVAL;
		take_away(dir, 0);
	} else {
		made = pairs_write(dir, &ca, &node, &err);
		if (err)
			take_away(dir, made);
	}
	pair_free(&ca);
	pair_free(&node);
	return err;
}
