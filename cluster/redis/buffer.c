/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redis/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 1 << 14 };

static int redis_buffer_grow(struct redis_buffer *b, size_t need)
{
	size_t cap = b->cap ? b->cap : FIRST_CAP;
	uint8_t *p;

	while (cap < need)
		cap *= 2;
	p = malloc(cap);
	if (!p)
		return -ENOMEM;
	if (b->end > b->start)
		memcpy(p, b->p + b->start, b->end - b->start);
	free(b->p);
	b->p = p;
	b->cap = cap;
	b->end -= b->start;
	b->start = 0;
	return 0;
}

uint8_t *redis_buffer_room(struct redis_buffer *b, size_t n)
{
	size_t waiting = b->end - b->start;

	if (n > b->max || waiting > b->max - n)
		return NULL;
	/* moving is only for a buffer at most half full, or each byte would be moved again and again */
	if (n > b->cap - b->end && waiting + n > b->cap / 2) {
		if (redis_buffer_grow(b, 2 * (waiting + n)))
			return NULL;
	} else if (n > b->cap - b->end) {
		memmove(b->p, b->p + b->start, waiting);
		b->start = 0;
		b->end = waiting;
	}
	return b->p + b->end;
}

void redis_buffer_grew(struct redis_buffer *b, size_t n)
{
	assert(n <= b->cap - b->end);
	b->end += n;
}

void redis_buffer_cut(struct redis_buffer *b, size_t waiting)
{
	assert(waiting <= b->end - b->start);
	b->end = b->start + waiting;
}

int redis_buffer_put(struct redis_buffer *b, struct bytes in)
{
	uint8_t *p;

	if (in.n > b->max || b->end - b->start > b->max - in.n)
		return -ENOSPC;
	if (in.n == 0)
		return 0;
	p = redis_buffer_room(b, in.n);
	if (!p)
		return -ENOMEM;
	memcpy(p, in.p, in.n);
	redis_buffer_grew(b, in.n);
	return 0;
}

struct bytes redis_buffer_bytes(const struct redis_buffer *b)
{
	return b->end > b->start ? bytes_mem(b->p + b->start, b->end - b->start)
				 : (struct bytes){ 0 };
}

void redis_buffer_eat(struct redis_buffer *b, size_t n)
{
	assert(n <= b->end - b->start);
	b->start += n;
	if (b->start == b->end)
		b->start = b->end = 0;
}

void redis_buffer_clear(struct redis_buffer *b)
{
	free(b->p);
	*b = (struct redis_buffer){ .max = b->max };
}
