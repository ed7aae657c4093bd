/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded ring of values between exactly one producing and one consuming thread. wake is an eventfd
 * that the producer writes only while the consumer says it sleeps.
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
	bool wipes; /* set after open: items hold secrets, of which nothing stays once they were read */
};

/* capacity: rounded up to a power of two. 0, -ENOMEM or -errno of eventfd. */
int ring_open(struct ring *r, size_t item_size, uint32_t capacity) NODISCARD;
void ring_close(struct ring *r);
/* Producer. Copies the item in; wakes the consumer if it sleeps. False when full. */
bool ring_push(struct ring *r, const void *item);
/* Producer: the next item's memory, to be filled in place and then published; NULL when full. */
void *ring_reserve(struct ring *r);
void ring_publish(struct ring *r);
/* Producer: where the next item goes; ring_is_past: the consumer has released all that came before it. */
uint32_t ring_mark(const struct ring *r);
bool ring_is_past(const struct ring *r, uint32_t mark);
/* Consumer. Copies up to max items out; returns how many. */
uint32_t ring_pop(struct ring *r, void *items, uint32_t max);
/* Consumer: the oldest item where it lies, until it is released; NULL: none. */
const void *ring_peek(const struct ring *r);
void ring_release(struct ring *r);
bool ring_is_empty(const struct ring *r);
/* Consumer, before it waits on wake_fd: true when it may sleep, false when something came meanwhile. */
bool ring_sleep(struct ring *r);
/* Consumer, after waking: clears the sleeping mark and drains wake_fd. */
void ring_awake(struct ring *r);

#endif
