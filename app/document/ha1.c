/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/ha1.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

enum { SEALED_MAX = HA1_SEALED_TEXT / 2 };

/* Bytes of each hash, in the order of enum digest_algorithm. */
static const size_t g_hash_len[DIGEST_ALGORITHMS] = {
	[DIGEST_MD5] = 16,
	[DIGEST_SHA256] = 32,
	[DIGEST_SHA512_256] = 32,
};

void ha1_write(char out[HA1_TEXT + 1], const struct digest_secret *secret)
{
	struct writer w = writer_over(out, HA1_TEXT);

	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++) {
		if (i)
			writer_u8(&w, ':');
		writer_hex(&w, bytes_mem(secret->ha1[i], g_hash_len[i]));
	}
	out[w.n] = '\0';
}

int ha1_read(struct digest_secret *out, struct bytes text)
{
	struct digest_secret found = { 0 };
	struct bytes hash;
	int err = text.n == HA1_TEXT ? 0 : -EINVAL;

	for (size_t i = 0; !err && i < DIGEST_ALGORITHMS; i++) {
		size_t n = 0;

		if (!bytes_cut(&text, ':', &hash) || hash.n != 2 * g_hash_len[i]) {
			err = -EINVAL;
		} else {
			err = hex_decode(hash, found.ha1[i], DIGEST_HASH_MAX, &n);
		}
	}
	if (!err)
		*out = found;
	OPENSSL_cleanse(&found, sizeof(found));
	return err;
}

static void ha1_octets_write(struct writer *w, const struct digest_secret *secret)
{
	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++)
		writer_mem(w, secret->ha1[i], g_hash_len[i]);
}

static void ha1_octets_read(struct digest_secret *out, const uint8_t octets[HA1_OCTETS])
{
	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++) {
		memcpy(out->ha1[i], octets, g_hash_len[i]);
		octets += g_hash_len[i];
	}
}

int ha1_seal(char out[HA1_SEALED_TEXT + 1], const struct digest_secret *secret,
	     struct bytes context, const struct seal_key *key, struct rand_source *rand)
{
	uint8_t plain[HA1_OCTETS], sealed[SEALED_MAX];
	struct writer w = writer_over(plain, sizeof(plain)), hex = writer_over(out, 2 * SEALED_MAX);
	size_t n = 0;
	int err;

	ha1_octets_write(&w, secret);
	err = seal_make(key, rand, context, writer_done(&w), sealed, sizeof(sealed), &n);
	writer_hex(&hex, bytes_mem(sealed, n));
	out[hex.n] = '\0';
	OPENSSL_cleanse(plain, sizeof(plain));
	return err;
}

int ha1_unseal(struct digest_secret *out, struct bytes hex, struct bytes context,
	       const struct seal_key *key)
{
	uint8_t plain[HA1_OCTETS], sealed[SEALED_MAX];
	enum seal_refusal why;
	size_t n, m = 0;
	int err;

	if (hex_decode(hex, sealed, sizeof(sealed), &n) || n != sizeof(sealed))
		return -EBADMSG;
	err = seal_open(key, context, bytes_mem(sealed, n), plain, sizeof(plain), &m, &why);
	if (!err)
		ha1_octets_read(out, plain);
	OPENSSL_cleanse(plain, sizeof(plain));
	return err ? -EACCES : 0;
}
