/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded ring of entries of any length between exactly one producing and one consuming thread. Nobody is woken: the consumer asks
 * now and then. What was reserved is seen by the consumer when it was published, many entries at once.
 *
 * Each entry lies in one piece behind a head of 8 octets, and is aligned to 8. What does not fit before the end begins at the start.
 */
#ifndef BASE_BYTE_RING_H
#define BASE_BYTE_RING_H

#include <stdatomic.h>

#include "base/bytes.h"

struct byte_ring {
	CACHE_ALIGNED _Atomic uint64_t head; /* octets ever read; written by the consumer */
	CACHE_ALIGNED _Atomic uint64_t tail; /* octets ever written; written by the producer */
	/* the producer's */
	CACHE_ALIGNED uint64_t
		next; /* where the next entry goes; what is behind tail is not published */
	uint64_t head_seen;
	uint8_t *memory;
	uint64_t size;
	/* the consumer's */
	CACHE_ALIGNED uint64_t at, tail_seen;
};

/* octets: a power of two, whose memory is touched as it is used. 0 or -ENOMEM. */
int byte_ring_open(struct byte_ring *r, size_t octets) NODISCARD;
void byte_ring_close(struct byte_ring *r);
/* Producer: memory for an entry of n octets, less than a quarter of the ring; NULL when it is full. */
void *byte_ring_reserve(struct byte_ring *r, size_t n);
/* Producer: what was reserved until now is filled. */
void byte_ring_publish(struct byte_ring *r);
/* Consumer: the oldest entry that was not taken, where it lies until the next release; p NULL: none. */
struct bytes byte_ring_take(struct byte_ring *r);
/* Consumer: what was taken until now is not read any more. */
void byte_ring_release(struct byte_ring *r);

#endif
