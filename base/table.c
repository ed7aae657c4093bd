/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash table of base/table.h, and the hashes: SipHash for keys that others choose, CRC-32C for
 * records, and HMAC-SHA1 for STUN. Linear probing, at most three quarters full, deletion by
 * shifting back: without tombstones a table that lives for months is as fast as a fresh one. It
 * grows by doubling up to its capacity, and refuses more.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

/* EVP_MAC allocates for each message; the functions below do not, and OpenSSL 3 keeps them. */

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

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

static void hmac_pad_init(SHA_CTX *hash, const uint8_t block[SHA_CBLOCK], uint8_t pad)
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
	hmac_pad_init(&hash, block, INNER);
	for (size_t i = 0; i < count; i++)
		SHA1_Update(&hash, parts[i].p, parts[i].n);
	SHA1_Final(digest, &hash);
	hmac_pad_init(&hash, block, OUTER);
	SHA1_Update(&hash, digest, sizeof(digest));
	SHA1_Final(out, &hash);
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(&hash, sizeof(hash));
}

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

static uint64_t hash_rotate_left(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static uint64_t le_get(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static void sip_rounds(uint64_t v[4], int rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[1] = hash_rotate_left(v[1], 13) ^ v[0];
		v[0] = hash_rotate_left(v[0], 32);
		v[2] += v[3];
		v[3] = hash_rotate_left(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = hash_rotate_left(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = hash_rotate_left(v[1], 17) ^ v[2];
		v[2] = hash_rotate_left(v[2], 32);
	}
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
}

/* Aumasson, Bernstein: SipHash, 2012 */
uint64_t hash_sip(const struct hash_key *key, struct bytes in)
{
	uint64_t v[4] = {
		key->k0 ^ UINT64_C(0x736f6d6570736575),
		key->k1 ^ UINT64_C(0x646f72616e646f6d),
		key->k0 ^ UINT64_C(0x6c7967656e657261),
		key->k1 ^ UINT64_C(0x7465646279746573),
	};
	size_t whole = in.n - in.n % 8;

	for (size_t i = 0; i < whole; i += 8)
		sip_word(v, le_get(in.p + i, 8));

	uint64_t last = (uint64_t)in.n << 56;

	if (in.n % 8)
		last |= le_get(in.p + whole, in.n % 8);
	sip_word(v, last);
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Castagnoli polynomial 0x1edc6f41, reflected; one row per nibble. */
static const uint32_t g_crc_nibble[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t hash_crc32c_table(uint32_t crc, struct bytes in)
{
	crc = ~crc;
	for (size_t i = 0; i < in.n; i++) {
		crc ^= in.p[i];
		crc = crc >> 4 ^ g_crc_nibble[crc & 15];
		crc = crc >> 4 ^ g_crc_nibble[crc & 15];
	}
	return ~crc;
}

#if defined(__x86_64__)
/* SSE4.2's instruction takes eight octets in three cycles: 0.13 us for a record of 1.5 kB; the
 * table takes 5 us. */
FOR_CPU("sse4.2") static uint32_t crc_by_instruction(uint32_t crc, struct bytes in)
{
	uint64_t sum = ~crc, word;
	size_t i = 0;

	for (; in.n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, in.p + i, sizeof(word));
		sum = _mm_crc32_u64(sum, word);
	}
	crc = (uint32_t)sum;
	for (; i < in.n; i++)
		crc = _mm_crc32_u8(crc, in.p[i]);
	return ~crc;
}

uint32_t hash_crc32c(uint32_t crc, struct bytes in)
{
	return __builtin_cpu_supports("sse4.2") ? crc_by_instruction(crc, in)
						: hash_crc32c_table(crc, in);
}
#else
uint32_t hash_crc32c(uint32_t crc, struct bytes in)
{
	return hash_crc32c_table(crc, in);
}
#endif

enum { SLOTS_MIN = 16, TABLE_CAPACITY_MAX = 1 << 30 };

/* The upper bits of a multiplication: plain numbers as hashes do no harm. */
static uint32_t home_of(uint64_t hash, uint32_t mask)
{
	return (uint32_t)((hash * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;
}

int table_open(struct table *t, uint32_t capacity)
{
	assert(capacity > 0 && capacity <= TABLE_CAPACITY_MAX);
	*t = (struct table){ .mask = SLOTS_MIN - 1, .capacity = capacity };
	t->slots = calloc(SLOTS_MIN, sizeof(*t->slots));
	return t->slots ? 0 : -ENOMEM;
}

void table_close(struct table *t)
{
	free(t->slots);
	*t = (struct table){ 0 };
}

static void slots_put(struct table_slot *slots, uint32_t mask, struct table_slot entry)
{
	uint32_t i = home_of(entry.hash, mask);

	while (slots[i].value)
		i = (i + 1) & mask;
	slots[i] = entry;
}

static int table_grow(struct table *t)
{
	uint32_t mask = t->mask * 2 + 1;
	struct table_slot *slots = calloc((size_t)mask + 1, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i <= t->mask; i++) {
		if (t->slots[i].value)
			slots_put(slots, mask, t->slots[i]);
	}
	free(t->slots);
	t->slots = slots;
	t->mask = mask;
	return 0;
}

int table_put(struct table *t, uint64_t hash, uint64_t value)
{
	assert(value != 0);
	if (t->count >= t->capacity)
		return -ENOSPC;
	if (((uint64_t)t->count + 1) * 4 > ((uint64_t)t->mask + 1) * 3) {
		int err = table_grow(t);

		if (err)
			return err;
	}
	slots_put(t->slots, t->mask, (struct table_slot){ .hash = hash, .value = value });
	t->count++;
	return 0;
}

uint64_t table_next(const struct table *t, uint64_t hash, uint32_t *cursor)
{
	uint32_t home = home_of(hash, t->mask);

	for (;;) {
		const struct table_slot *slot = &t->slots[(home + *cursor) & t->mask];

		if (slot->value == 0)
			return 0;
		(*cursor)++;
		if (slot->hash == hash)
			return slot->value;
	}
}

/* Knuth, TAOCP 3, 6.4 algorithm R: pull back what would no longer be found behind the hole. */
static void close_hole(struct table *t, uint32_t hole)
{
	for (uint32_t i = (hole + 1) & t->mask; t->slots[i].value; i = (i + 1) & t->mask) {
		uint32_t home = home_of(t->slots[i].hash, t->mask);

		if (((i - home) & t->mask) >= ((i - hole) & t->mask)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole] = (struct table_slot){ 0 };
}

bool table_del(struct table *t, uint64_t hash, uint64_t value)
{
	uint32_t i = home_of(hash, t->mask);

	for (; t->slots[i].value; i = (i + 1) & t->mask) {
		if (t->slots[i].hash == hash && t->slots[i].value == value) {
			close_hole(t, i);
			t->count--;
			return true;
		}
	}
	return false;
}
