/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocates objects of one size from reserved address space and hands out handles with a
 * generation. A handle that outlives its object fails in pool_get instead of reaching the next
 * object in that slot; calls, dialogs, trunks and DTLS sessions rely on it. Pages cost memory from
 * their first write only, so a capacity for a million objects is cheap. Under ASan free slots are
 * poisoned.
 */

#include "base/pool.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <sanitizer/asan_interface.h> /* free slots are forbidden to touch; nothing without ASan */

enum { SLOT_ALIGN = 16 }; /* that of malloc; sizes that are multiples of 64 stay on cache lines */

/* Zeroed address space; a page costs memory from its first write. */
static void *reserve(size_t item, size_t count)
{
	size_t n;
	void *p;

	if (__builtin_mul_overflow(item, count, &n))
		return NULL;
	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		 0);
	return p == MAP_FAILED ? NULL : p;
}

static void pages_release(void *p, size_t n)
{
	if (p)
		(void)munmap(p, n);
}

int pool_open(struct pool *p, size_t item_size, uint32_t capacity)
{
	assert(item_size > 0 && item_size < SIZE_MAX - SLOT_ALIGN && capacity > 0);
	*p = (struct pool){
		.item_size = item_size,
		.stride = (item_size + SLOT_ALIGN - 1) & ~(size_t)(SLOT_ALIGN - 1),
		.capacity = capacity,
	};
	p->slots = reserve(p->stride, capacity);
	p->meta = reserve(sizeof(*p->meta), capacity);
	p->free_list = reserve(sizeof(*p->free_list), capacity);
	if (p->slots && p->meta && p->free_list)
		return 0;
	pool_close(p);
	return -ENOMEM;
}

void pool_close(struct pool *p)
{
	ASAN_UNPOISON_MEMORY_REGION(p->slots, p->stride * p->touched);
	pages_release(p->slots, p->stride * p->capacity);
	pages_release(p->meta, sizeof(*p->meta) * p->capacity);
	pages_release(p->free_list, sizeof(*p->free_list) * p->capacity);
	*p = (struct pool){ 0 };
}

static void *pool_slot(const struct pool *p, uint32_t index)
{
	return p->slots + (size_t)index * p->stride;
}

static pool_handle pool_handle_of(const struct pool *p, uint32_t index)
{
	return (pool_handle)p->meta[index] << 32 | index;
}

void *pool_alloc(struct pool *p, pool_handle *out)
{
	uint32_t index;

	if (p->free_count) {
		index = p->free_list[--p->free_count];
		ASAN_UNPOISON_MEMORY_REGION(pool_slot(p, index), p->stride);
		memset(pool_slot(p, index), 0, p->stride);
	} else if (p->touched < p->capacity) {
		index = p->touched++; /* zero since mmap */
	} else {
		return NULL;
	}
	p->meta[index]++; /* odd: in use, and so never 0 */
	p->in_use++;
	*out = pool_handle_of(p, index);
	return pool_slot(p, index);
}

void *pool_get(const struct pool *p, pool_handle h)
{
	uint32_t index = (uint32_t)h;
	uint32_t generation = (uint32_t)(h >> 32);

	if (index >= p->touched || p->meta[index] != generation || generation % 2 == 0)
		return NULL;
	return pool_slot(p, index);
}

bool pool_free(struct pool *p, pool_handle h)
{
	uint32_t index = (uint32_t)h;

	if (!pool_get(p, h))
		return false;
	p->meta[index]++;
	p->in_use--;
	p->free_list[p->free_count++] = index;
	ASAN_POISON_MEMORY_REGION(pool_slot(p, index), p->stride);
	return true;
}

void *pool_next(const struct pool *p, uint32_t *cursor, pool_handle *h)
{
	while (*cursor < p->touched) {
		uint32_t index = (*cursor)++;

		if (p->meta[index] % 2) {
			*h = pool_handle_of(p, index);
			return pool_slot(p, index);
		}
	}
	return NULL;
}
