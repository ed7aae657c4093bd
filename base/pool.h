/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of one size, addressed by a handle (index and generation), so that a stale handle is a
 * miss and not a crash. Address space for the capacity is reserved at open; pages cost memory only
 * once used. One owner thread.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/bytes.h"

/* Generation in the upper half (never 0), index in the lower. 0 is no handle. */
typedef uint64_t pool_handle;

struct pool {
	uint8_t *slots; /* capacity * stride */
	uint32_t *meta; /* generation; odd while in use */
	uint32_t *free_list;
	size_t item_size;
	size_t stride;
	uint32_t capacity;
	uint32_t free_count;
	uint32_t touched; /* slots below this were used at least once */
	uint32_t in_use;
};

/* 0, -ENOMEM. capacity > 0. */
int pool_open(struct pool *p, size_t item_size, uint32_t capacity) NODISCARD;
void pool_close(struct pool *p);
/* Zeroed object, or NULL when full. */
void *pool_alloc(struct pool *p, pool_handle *out);
/* NULL when the handle is stale or never was. */
void *pool_get(const struct pool *p, pool_handle h);
/* False when stale. */
bool pool_free(struct pool *p, pool_handle h);
/* Walks the objects in use: start with *cursor = 0; NULL at the end. The current one may be
 * freed. */
void *pool_next(const struct pool *p, uint32_t *cursor, pool_handle *h);

#endif
