/* SPDX-License-Identifier: Apache-2.0 */
/* EVP_MAC allocates for each message; the functions below do not, and OpenSSL 3 keeps them. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#include "base/hmac_sha1.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

static_assert((int)HMAC_SHA1_LEN == (int)SHA_DIGEST_LENGTH, "a whole digest");

enum { INNER = 0x36, OUTER = 0x5c };

static void sha1_block(struct bytes key, uint8_t block[SHA_CBLOCK])
{
	memset(block, 0, SHA_CBLOCK);
	if (key.n > SHA_CBLOCK)
		(void)SHA1(key.p, key.n, block);
	else if (key.n > 0)
		memcpy(block, key.p, key.n);
}

static void pad_begin(SHA_CTX *hash, const uint8_t block[SHA_CBLOCK], uint8_t pad)
{
	uint8_t padded[SHA_CBLOCK];

	for (size_t i = 0; i < sizeof(padded); i++)
		padded[i] = block[i] ^ pad;
	SHA1_Init(hash);
	SHA1_Update(hash, padded, sizeof(padded));
	OPENSSL_cleanse(padded, sizeof(padded));
}

void hmac_sha1_of(struct bytes key, const struct bytes *parts, size_t count,
		  uint8_t out[HMAC_SHA1_LEN])
{
	uint8_t block[SHA_CBLOCK], digest[SHA_DIGEST_LENGTH];
	SHA_CTX hash;

	sha1_block(key, block);
	pad_begin(&hash, block, INNER);
	for (size_t i = 0; i < count; i++)
		SHA1_Update(&hash, parts[i].p, parts[i].n);
	SHA1_Final(digest, &hash);
	pad_begin(&hash, block, OUTER);
	SHA1_Update(&hash, digest, sizeof(digest));
	SHA1_Final(out, &hash);
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(&hash, sizeof(hash));
}
