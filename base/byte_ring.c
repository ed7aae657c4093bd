/* SPDX-License-Identifier: Apache-2.0 */
#include "base/byte_ring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { HEAD = 8, ALIGN = 8 };

/* Of the head: the entry's octets, or that there is none until the start. */
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
	/* acquire: pairs with the release in byte_ring_release, so what lay there was read before it is written over */
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
	/* release: pairs with the acquire in byte_ring_take, so entries are filled before they are seen */
	atomic_store_explicit(&r->tail, r->next, memory_order_release);
}

struct bytes byte_ring_take(struct byte_ring *r)
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
