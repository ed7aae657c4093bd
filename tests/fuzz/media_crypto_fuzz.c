/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: what follows "a=crypto:". Oracle: what is understood is within its bounds and comes back the same after it was
 * written; what is not leaves nothing behind; and the input's octets as a key survive being written and read.
 */
#include <assert.h>
#include <string.h>

#include "media/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct crypto *a, const struct crypto *b)
{
	assert(a->tag == b->tag && a->lifetime == b->lifetime);
	assert(a->key.suite == b->key.suite && a->key.length == b->key.length);
	assert(memcmp(a->key.octets, b->key.octets, sizeof(a->key.octets)) == 0);
	assert(a->key.mki_length == b->key.mki_length);
	assert(memcmp(a->key.mki, b->key.mki, sizeof(a->key.mki)) == 0);
}

static void check_round(const struct crypto *c)
{
	uint8_t buf[160];
	struct writer w = writer_over(buf, sizeof(buf));
	struct crypto again;

	crypto_write(&w, c);
	assert(!w.overflow);
	assert(crypto_parse(&again, writer_done(&w)) == 0);
	check_same(c, &again);
}

static void check_as_key(const uint8_t *data, size_t size)
{
	struct crypto c = { .tag = size ? data[0] : 1 };

	c.key.suite = (uint8_t)(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80 + c.tag % 4);
	c.key.mki_length = (uint8_t)(size > 1 ? data[1] % (MEDIA_MKI_MAX + 1) : 0);
	if (c.key.mki_length)
		c.key.mki[c.key.mki_length - 1] = (uint8_t)(data[1] | 1);
	c.key.length = crypto_key_length(c.key.suite);
	if (size)
		memcpy(c.key.octets, data, size < c.key.length ? size : c.key.length);
	check_round(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct crypto zero;
	struct crypto c;

	check_as_key(data, size);
	if (crypto_parse(&c, bytes_mem(data, size))) {
		assert(memcmp(&c, &zero, sizeof(c)) == 0);
		return 0;
	}
	assert(c.tag <= CRYPTO_TAG_MAX && c.lifetime <= UINT64_C(1) << 48);
	assert(c.key.mki_length <= MEDIA_MKI_MAX);
	assert(c.key.length && c.key.length == crypto_key_length(c.key.suite));
	check_round(&c);
	return 0;
}
