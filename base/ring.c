/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings between exactly one producing and one consuming thread, without locks. Commands to workers,
 * events from them, copies of packets and messages between shards pass through them. Each index has
 * one writer; acquire and release order the slots, and the wakeup protocol needs seq_cst, as the
 * comments at the loads say. A full ring makes ring_reserve return NULL, and the producer decides
 * what is lost.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/ring.h"

enum { HEAD = 8, ALIGN = 8 };

/* In an entry's head: its length in octets, or this mark if the rest up to the ring's end is
 * empty. */
#define SKIP UINT64_MAX

int byte_ring_open(struct byte_ring *r, size_t octets)
{
	void *memory = mmap(NULL, octets, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert(octets >= 64 && (octets & (octets - 1)) == 0);
	*r = (struct byte_ring){ 0 };
	if (memory == MAP_FAILED)
		return -ENOMEM;
	r->memory = memory;
	r->size = octets;
	return 0;
}

void byte_ring_close(struct byte_ring *r)
{
	if (r->memory)
		(void)munmap(r->memory, r->size);
	*r = (struct byte_ring){ 0 };
}

static inline uint8_t *byte_ring_at(const struct byte_ring *r, uint64_t place)
{
	return r->memory + (place & (r->size - 1));
}

static inline uint64_t entry_size(size_t n)
{
	return HEAD + ((n + ALIGN - 1) & ~(uint64_t)(ALIGN - 1));
}

static bool byte_ring_has_room(struct byte_ring *r, uint64_t end)
{
	if (LIKELY(end - r->head_seen <= r->size))
		return true;
	/* acquire: pairs with the release in byte_ring_release: entries were read first */
	r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
	return end - r->head_seen <= r->size;
}

void *byte_ring_reserve(struct byte_ring *r, size_t n)
{
	uint64_t size = entry_size(n);
	uint64_t left = r->size - (r->next & (r->size - 1));
	uint64_t skipped = left < size ? left : 0;
	uint64_t length = n;
	uint8_t *p;

	assert(size < r->size / 4);
	if (!byte_ring_has_room(r, r->next + skipped + size))
		return NULL;
	if (skipped) {
		memcpy(byte_ring_at(r, r->next), &(uint64_t){ SKIP }, HEAD);
		r->next += skipped;
	}
	p = byte_ring_at(r, r->next);
	memcpy(p, &length, HEAD);
	r->next += size;
	return p + HEAD;
}

void byte_ring_publish(struct byte_ring *r)
{
	/* release: pairs with the acquire in byte_ring_read: entries are filled first */
	atomic_store_explicit(&r->tail, r->next, memory_order_release);
}

struct bytes byte_ring_read(struct byte_ring *r)
{
	uint64_t n;

	if (r->at == r->tail_seen) {
		/* acquire: pairs with the release in byte_ring_publish */
		r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
		if (r->at == r->tail_seen)
			return (struct bytes){ 0 };
	}
	memcpy(&n, byte_ring_at(r, r->at), HEAD);
	if (n == SKIP) {
		r->at += r->size - (r->at & (r->size - 1));
		memcpy(&n, byte_ring_at(r, r->at), HEAD);
	}
	r->at += entry_size((size_t)n);
	return bytes_mem(byte_ring_at(r, r->at - entry_size((size_t)n)) + HEAD, (size_t)n);
}

void byte_ring_release(struct byte_ring *r)
{
	/* release: pairs with the acquire in byte_ring_has_room */
	atomic_store_explicit(&r->head, r->at, memory_order_release);
}

enum { RING_CAPACITY_MAX = 1 << 30 };

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

int ring_open(struct ring *r, size_t item_size, uint32_t capacity)
{
	uint32_t slots = power_of_two(capacity);

	assert(item_size > 0 && capacity > 0 && capacity <= RING_CAPACITY_MAX);
	*r = (struct ring){ .item_size = item_size, .mask = slots - 1, .wake_fd = -1 };
	r->slots = calloc(slots, item_size);
	if (!r->slots)
		return -ENOMEM;
	r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (r->wake_fd < 0) {
		int err = -errno;

		ring_close(r);
		return err;
	}
	return 0;
}

void ring_close(struct ring *r)
{
	free(r->slots);
	r->slots = NULL;
	if (r->wake_fd >= 0)
		(void)close(r->wake_fd);
	r->wake_fd = -1;
}

static uint8_t *ring_slot(const struct ring *r, uint32_t at)
{
	return r->slots + (size_t)(at & r->mask) * r->item_size;
}

static void ring_wake(struct ring *r)
{
	uint64_t one = 1;

	/* EAGAIN is a counter at its end: then the consumer is woken anyway */
	while (write(r->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

void *ring_reserve(struct ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	/* acquire: pairs with the release in ring_pop, so the slot was read before we refill it */
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	return tail - head > r->mask ? NULL : ring_slot(r, tail);
}

void ring_publish(struct ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	/* seq_cst: with ring_sleep's store of sleeping and load of tail; at least one side sees the
	 * other, so no item waits for a consumer that sleeps */
	atomic_store_explicit(&r->tail, tail + 1, memory_order_seq_cst);
	if (UNLIKELY(atomic_load_explicit(&r->sleeping, memory_order_seq_cst)) &&
	    atomic_exchange_explicit(&r->sleeping, 0, memory_order_relaxed))
		ring_wake(r);
}

uint32_t ring_mark(const struct ring *r)
{
	return atomic_load_explicit(&r->tail, memory_order_relaxed);
}

bool ring_is_past(const struct ring *r, uint32_t mark)
{
	/* acquire: pairs with the release in ring_release: the consumer is done with the slot */
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	return (int32_t)(head - mark) >= 0;
}

bool ring_push(struct ring *r, const void *item)
{
	void *slot = ring_reserve(r);

	if (!slot)
		return false;
	memcpy(slot, item, r->item_size);
	ring_publish(r);
	return true;
}

const void *ring_peek(const struct ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	/* acquire: pairs with the store in ring_publish: the slot is filled before we see tail */
	if (atomic_load_explicit(&r->tail, memory_order_acquire) == head)
		return NULL;
	return ring_slot(r, head);
}

void ring_release(struct ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (r->wipes)
		explicit_bzero(ring_slot(r, head), r->item_size);
	/* release: pairs with the acquire in ring_reserve */
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

uint32_t ring_pop(struct ring *r, void *items, uint32_t max)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	/* acquire: pairs with the store in ring_publish: the slots are filled before we see tail */
	uint32_t n = atomic_load_explicit(&r->tail, memory_order_acquire) - head;
	uint8_t *to = items;

	if (n > max)
		n = max;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(to + i * r->item_size, ring_slot(r, head + i), r->item_size);
		if (r->wipes)
			explicit_bzero(ring_slot(r, head + i), r->item_size);
	}
	/* release: pairs with the acquire in ring_push */
	atomic_store_explicit(&r->head, head + n, memory_order_release);
	return n;
}

bool ring_is_empty(const struct ring *r)
{
	return atomic_load_explicit(&r->head, memory_order_acquire) ==
	       atomic_load_explicit(&r->tail, memory_order_acquire);
}

bool ring_sleep(struct ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	/* seq_cst: see ring_push */
	atomic_store_explicit(&r->sleeping, 1, memory_order_seq_cst);
	if (atomic_load_explicit(&r->tail, memory_order_seq_cst) == head)
		return true;
	atomic_store_explicit(&r->sleeping, 0, memory_order_relaxed);
	return false;
}

void ring_awake(struct ring *r)
{
	uint64_t count;

	atomic_store_explicit(&r->sleeping, 0, memory_order_relaxed);
	while (read(r->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
}
