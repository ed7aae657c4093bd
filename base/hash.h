/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/bytes.h"

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
