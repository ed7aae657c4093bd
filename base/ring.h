/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded ring of values between exactly one producing and one consuming thread. wake is an eventfd
 * that the producer writes only while the consumer is marked as sleeping.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdatomic.h>

#include "base/bytes.h"

struct ring {
	CACHE_ALIGNED _Atomic uint32_t head; /* next to read; written by the consumer */
	_Atomic uint32_t sleeping;           /* 1 while the consumer waits on wake_fd */
	CACHE_ALIGNED _Atomic uint32_t tail; /* next to write; written by the producer */
	CACHE_ALIGNED uint8_t *slots;
	size_t item_size;
	uint32_t mask;
	int wake_fd;
	bool wipes; /* set after open: items hold secrets, which are erased once read */
};

/* capacity: rounded up to a power of two. 0, -ENOMEM or -errno of eventfd. */
int ring_open(struct ring *r, size_t item_size, uint32_t capacity) NODISCARD;
void ring_close(struct ring *r);
/* Producer. Copies the item in; wakes the consumer if it sleeps. False when full. */
bool ring_push(struct ring *r, const void *item);
/* Producer: the next item's memory, to be filled in place and then published; NULL when full. */
void *ring_reserve(struct ring *r);
void ring_publish(struct ring *r);
/* Producer: where the next item goes; ring_is_past: the consumer has released all items before
 * it. */
uint32_t ring_mark(const struct ring *r);
bool ring_is_past(const struct ring *r, uint32_t mark);
/* Consumer. Copies up to max items out; returns how many. */
uint32_t ring_pop(struct ring *r, void *items, uint32_t max);
/* Consumer: the oldest item in place, until it is released; NULL: the ring is empty. */
const void *ring_peek(const struct ring *r);
void ring_release(struct ring *r);
bool ring_is_empty(const struct ring *r);
/* Consumer, before it waits on wake_fd: true if it may sleep, false if something came meanwhile. */
bool ring_sleep(struct ring *r);
/* Consumer, after waking: clears the sleeping mark and drains wake_fd. */
void ring_awake(struct ring *r);

/*
 * Bounded ring of entries of any length between exactly one producing and one consuming thread. It
 * wakes nobody: the consumer polls. The consumer sees reserved entries once they are published,
 * many at once.
 *
 * Each entry is contiguous, behind a head of 8 octets, and aligned to 8. An entry that does not fit
 * before the end begins at the start.
 */

struct byte_ring {
	CACHE_ALIGNED _Atomic uint64_t head; /* octets ever read; written by the consumer */
	CACHE_ALIGNED _Atomic uint64_t tail; /* octets ever written; written by the producer */
	/* the producer's */
	/* Where the next entry goes; entries behind tail are not published. */
	CACHE_ALIGNED uint64_t next;
	uint64_t head_seen;
	uint8_t *memory;
	uint64_t size;
	/* the consumer's */
	CACHE_ALIGNED uint64_t at, tail_seen;
};

/* octets: a power of two; its memory is touched only as it is used. Returns 0 or -ENOMEM. */
int byte_ring_open(struct byte_ring *r, size_t octets) NODISCARD;
void byte_ring_close(struct byte_ring *r);
/* Producer: memory for an entry of n octets, less than a quarter of the ring; NULL when it is
 * full. */
void *byte_ring_reserve(struct byte_ring *r, size_t n);
/* Producer: what was reserved until now is filled. */
void byte_ring_publish(struct byte_ring *r);
/* Consumer: the oldest unread entry, in place until the next release; p NULL: the ring is empty. */
struct bytes byte_ring_read(struct byte_ring *r);
/* Consumer: what was taken until now is not read any more. */
void byte_ring_release(struct byte_ring *r);

#endif
