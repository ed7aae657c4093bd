/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Map from a 64-bit hash to 64-bit values (pool handles). Several values may share a hash: the
 * caller compares the real key. Grows by doubling up to its capacity. One owner thread.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/bytes.h"

struct table_slot {
	uint64_t hash;
	uint64_t value; /* 0: empty */
};

struct table {
	struct table_slot *slots;
	uint32_t mask;
	uint32_t count;
	uint32_t capacity; /* most entries ever */
};

/* 0 or -ENOMEM. */
int table_open(struct table *t, uint32_t capacity) NODISCARD;
void table_close(struct table *t);
/* value != 0. 0, -ENOSPC (capacity reached) or -ENOMEM. */
int table_put(struct table *t, uint64_t hash, uint64_t value) NODISCARD;
/* All values of a hash, one per call, from *cursor = 0 on. 0 at the end. No put or del in
 * between. */
uint64_t table_next(const struct table *t, uint64_t hash, uint32_t *cursor);
/* False when the pair is not there. */
bool table_del(struct table *t, uint64_t hash, uint64_t value);

/* SipHash-2-4: keyed, so that a peer cannot choose collisions. */
struct hash_key {
	uint64_t k0, k1;
};
uint64_t hash_sip(const struct hash_key *key, struct bytes in);
/* CRC-32C (RFC 3720 B.4), start with 0. */
uint32_t hash_crc32c(uint32_t crc, struct bytes in);
/* The same on a processor that has no instruction for it: 40 times slower. */
uint32_t hash_crc32c_table(uint32_t crc, struct bytes in);

/* HMAC-SHA1 (RFC 2104) of octets that lie in several places. Nothing is allocated. */

enum { HMAC_SHA1_LEN = 20 };

void hmac_sha1_of(struct bytes key, const struct bytes *parts, size_t count,
		  uint8_t out[HMAC_SHA1_LEN]);

#endif
