/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes the content coding aes128gcm (RFC 8188) with OpenSSL: HKDF for key and nonce,
 * AES-128-GCM for each record. tandem-store encrypts messages of mailboxes with it; copies and the
 * sound thread read them at any offset. Every record that is handed out was authenticated, and the
 * delimiter of the last one proves that the file was not cut.
 */

#include "app/record/aes128gcm.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

enum {
	SALT = 16,
	SECRET = 32, /* of SHA-256 */
	CEK = 16,
	NONCE = 12,
	TAG = 16,
	GOES_ON = 1, /* delimiter octets (section 2) */
	ENDS = 2,
	TEXT = AES128GCM_RECORD - AES128GCM_OVERHEAD,
};

/* HKDF with one block (RFC 5869): the salt, then the purpose. */
static bool secret_expand(const uint8_t prk[SECRET], const char *what, size_t n,
			  uint8_t out[SECRET])
{
	uint8_t info[64];

	memcpy(info, what, n); /* with the zero behind it */
	info[n] = 1;
	return HMAC(EVP_sha256(), prk, SECRET, info, n + 1, out, NULL);
}

static bool cipher_start(struct aes128gcm_file *f, struct bytes key, const uint8_t salt[SALT],
			 int seals)
{
	static const char cek_of[] = "Content-Encoding: aes128gcm",
			  nonce_of[] = "Content-Encoding: nonce";
	uint8_t prk[SECRET], cek[SECRET], nonce[SECRET];
	bool good = HMAC(EVP_sha256(), salt, SALT, key.p, key.n, prk, NULL) &&
		    secret_expand(prk, cek_of, sizeof(cek_of), cek) &&
		    secret_expand(prk, nonce_of, sizeof(nonce_of), nonce);

	f->cipher = good ? EVP_CIPHER_CTX_new() : NULL;
	good = f->cipher &&
	       EVP_CipherInit_ex(f->cipher, EVP_aes_128_gcm(), NULL, cek, NULL, seals) == 1;
	memcpy(f->nonce, nonce, NONCE);
	explicit_bzero(prk, sizeof(prk));
	explicit_bzero(cek, sizeof(cek));
	if (!good)
		aes128gcm_close(f);
	return good;
}

void aes128gcm_close(struct aes128gcm_file *f)
{
	EVP_CIPHER_CTX_free(f->cipher);
	f->cipher = NULL;
}

/* The nonce of that record: its number is XORed into the last octets. */
static bool cipher_record(struct aes128gcm_file *f, uint64_t record)
{
	uint8_t nonce[NONCE];

	memcpy(nonce, f->nonce, NONCE);
	for (unsigned i = 0; i < sizeof(record); i++)
		nonce[NONCE - 1 - i] ^= (uint8_t)(record >> 8 * i);
	return EVP_CipherInit_ex(f->cipher, NULL, NULL, NULL, nonce, -1) == 1;
}

/* ---- writing ---- */

static int sealed_write(int to, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t written = write(to, p, n);

		if (written < 0)
			return -errno;
		p += written;
		n -= (size_t)written;
	}
	return 0;
}

/* As many as there are, up to n. */
static ssize_t sealed_source(int from, uint8_t *p, size_t n)
{
	size_t had = 0;
	ssize_t more = 1;

	while (had < n && (more = read(from, p + had, n - had)) > 0)
		had += (size_t)more;
	return more < 0 ? -errno : (ssize_t)had;
}

/* Seals n octets of text; the last record has no successor. */
static int sealed_record(struct aes128gcm_file *f, uint64_t record, uint8_t text[TEXT + 1],
			 size_t n, bool last, int to)
{
	static _Thread_local uint8_t sealed[AES128GCM_RECORD];
	int out = 0, rest = 0;

	text[n] = last ? ENDS : GOES_ON;
	if (!cipher_record(f, record) ||
	    EVP_EncryptUpdate(f->cipher, sealed, &out, text, (int)n + 1) != 1 ||
	    EVP_EncryptFinal_ex(f->cipher, sealed + out, &rest) != 1 ||
	    EVP_CIPHER_CTX_ctrl(f->cipher, EVP_CTRL_GCM_GET_TAG, TAG, sealed + n + 1) != 1)
		return -EIO;
	return sealed_write(to, sealed, n + AES128GCM_OVERHEAD);
}

static int sealed_records(struct aes128gcm_file *f, int from, int to)
{
	static _Thread_local uint8_t text[TEXT + 1], next[TEXT];
	ssize_t n = sealed_source(from, text, TEXT), more = n;
	int err = n < 0 ? (int)n : 0;

	for (uint64_t record = 0; !err; record++) {
		more = n < TEXT ? 0 : sealed_source(from, next, TEXT);
		err = more < 0 ? (int)more : sealed_record(f, record, text, (size_t)n, !more, to);
		if (!more)
			break;
		if (!err)
			memcpy(text, next, (size_t)more);
		n = more;
	}
	explicit_bzero(text, sizeof(text));
	explicit_bzero(next, sizeof(next));
	return err;
}

int aes128gcm_write(struct bytes key, int from, int to)
{
	struct aes128gcm_file f = { .fd = to };
	uint8_t head[AES128GCM_HEAD] = { 0 };
	int err;

	be32_put(head + SALT, AES128GCM_RECORD);
	if (RAND_bytes(head, SALT) != 1 || !cipher_start(&f, key, head, 1))
		return -EIO;
	err = sealed_write(to, head, sizeof(head));
	if (!err)
		err = sealed_records(&f, from, to);
	aes128gcm_close(&f);
	return err;
}

/* ---- reading ---- */

int aes128gcm_open(struct aes128gcm_file *f, struct bytes key, int fd, uint64_t size)
{
	uint8_t head[AES128GCM_HEAD];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	*f = (struct aes128gcm_file){ .fd = fd, .size = size };
	if (n < 0)
		return -errno;
	if (n < (ssize_t)sizeof(head) || size < sizeof(head))
		return -EAGAIN;
	f->head = AES128GCM_HEAD + head[AES128GCM_HEAD - 1];
	f->record = be32_get(head + SALT);
	if (f->record <= AES128GCM_OVERHEAD || f->record > AES128GCM_RECORD_MAX)
		return -EBADMSG;
	return cipher_start(f, key, head, 0) ? 0 : -EIO;
}

uint64_t aes128gcm_plain(const struct aes128gcm_file *f)
{
	uint64_t sealed = f->size > f->head ? f->size - f->head : 0, whole, last;

	if (!sealed)
		return 0;
	whole = (sealed - 1) / f->record;
	last = sealed - whole * f->record;
	if (last > AES128GCM_OVERHEAD)
		last -= AES128GCM_OVERHEAD;
	else /* only a cut file ends in an empty record behind others: reading it fails */
		last = whole || last < AES128GCM_OVERHEAD;
	return whole * (f->record - AES128GCM_OVERHEAD) + last;
}

uint64_t aes128gcm_arrived(const struct aes128gcm_file *f)
{
	uint64_t sealed = f->size > f->head ? f->size - f->head : 0;

	return sealed ? (sealed - 1) / f->record * (f->record - AES128GCM_OVERHEAD) : 0;
}

/* Opens that record: at most f->record - AES128GCM_OVERHEAD octets. No padding is written. */
static ssize_t record_open(struct aes128gcm_file *f, uint64_t record, uint8_t *text)
{
	static _Thread_local uint8_t sealed[AES128GCM_RECORD_MAX];
	uint64_t at = f->head + record * f->record, left = f->size > at ? f->size - at : 0;
	size_t n = left < f->record ? (size_t)left : f->record;
	ssize_t had = pread(f->fd, sealed, n, (off_t)at);
	int out = 0, rest = 0;

	if (had < 0)
		return -errno;
	if ((size_t)had < n || n < AES128GCM_OVERHEAD || !cipher_record(f, record) ||
	    EVP_CIPHER_CTX_ctrl(f->cipher, EVP_CTRL_GCM_SET_TAG, TAG, sealed + n - TAG) != 1 ||
	    EVP_DecryptUpdate(f->cipher, text, &out, sealed, (int)n - TAG) != 1 ||
	    EVP_DecryptFinal_ex(f->cipher, text + out, &rest) != 1 ||
	    text[n - AES128GCM_OVERHEAD] != (left <= f->record ? ENDS : GOES_ON))
		return -EBADMSG;
	return (ssize_t)(n - AES128GCM_OVERHEAD);
}

ssize_t aes128gcm_read(struct aes128gcm_file *f, void *out, size_t n, uint64_t at)
{
	static _Thread_local uint8_t text[AES128GCM_RECORD_MAX];
	uint32_t each = f->record - AES128GCM_OVERHEAD;
	uint64_t all = aes128gcm_plain(f);
	size_t had = 0;

	if (!all) /* an empty text has a record of its own, which must be authentic */
		return record_open(f, 0, text);
	while (had < n && at + had < all) {
		size_t skip = (size_t)((at + had) % each), some = n - had;
		ssize_t got = record_open(f, (at + had) / each, text);

		if (got <= (ssize_t)skip) /* an empty one behind others */
			return got < 0 ? got : -EBADMSG;
		if ((size_t)got - skip < some)
			some = (size_t)got - skip;
		memcpy((uint8_t *)out + had, text + skip, some);
		had += some;
	}
	return (ssize_t)had;
}
