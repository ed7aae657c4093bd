/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output buffer of a link to Redis, and RESP2 commands written into it without printf. redis.c
 * and store/batch.c fill it on the save path of each call. It grows by doubling up to its bound,
 * and gives memory back after a burst only when many small batches have followed, so a busy link
 * does not allocate.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/redis/buffer.h"

enum { DIGITS_MAX = 20 };

/* "$12\r\n" */
static size_t head_put(uint8_t *p, char kind, uint64_t n)
{
	struct writer w = writer_over(p, RESP_FRAME);

	writer_u8(&w, (uint8_t)kind);
	writer_u64(&w, n);
	writer_mem(&w, "\r\n", 2);
	return w.n;
}

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

/* Room for n octets behind what waits, for the caller to write, then redis_buffer_grew. NULL:
 * -ENOSPC or -ENOMEM. */
static uint8_t *redis_buffer_room(struct redis_buffer *b, size_t n)
{
	size_t waiting = b->end - b->start;

	if (n > b->max || waiting > b->max - n)
		return NULL;
	/* only a buffer at most half full is moved, or each byte would be moved again and again */
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

static void redis_buffer_grew(struct redis_buffer *b, size_t n)
{
	assert(n <= b->cap - b->end);
	b->end += n;
}

int resp_command(struct redis_buffer *b, size_t n)
{
	uint8_t *p = redis_buffer_room(b, RESP_FRAME);

	if (!p)
		return -ENOSPC;
	redis_buffer_grew(b, head_put(p, '*', n));
	return 0;
}

uint8_t *resp_open(struct redis_buffer *b, size_t n)
{
	uint8_t *p = redis_buffer_room(b, RESP_FRAME + n);

	if (!p)
		return NULL;
	redis_buffer_grew(b, head_put(p, '$', n));
	return redis_buffer_room(b, n + 2); /* which is there */
}

void resp_closed(struct redis_buffer *b, size_t n)
{
	uint8_t *p = redis_buffer_room(b, n + 2);

	memcpy(p + n, "\r\n", 2);
	redis_buffer_grew(b, n + 2);
}

int resp_text(struct redis_buffer *b, struct bytes text)
{
	uint8_t *p = resp_open(b, text.n);

	if (!p)
		return -ENOSPC;
	if (text.n)
		memcpy(p, text.p, text.n);
	resp_closed(b, text.n);
	return 0;
}

int resp_number(struct redis_buffer *b, uint64_t number)
{
	uint8_t digits[DIGITS_MAX];
	struct writer w = writer_over(digits, sizeof(digits));

	writer_u64(&w, number);
	return resp_text(b, writer_done(&w));
}

int resp_words(struct redis_buffer *b, const struct bytes *words, size_t n)
{
	int err = resp_command(b, n);

	for (size_t i = 0; i < n && !err; i++)
		err = resp_text(b, words[i]);
	return err;
}

/* Memory of a burst is freed after so many small batches: a busy buffer would only grow again. */
enum { SMALL_MAX = 16 };

static void redis_buffer_emptied(struct redis_buffer *b)
{
	b->small = b->cap > FIRST_CAP && b->end <= b->cap / 8 ? b->small + 1 : 0;
	b->start = b->end = 0;
	if (b->small == SMALL_MAX)
		redis_buffer_clear(b);
}

void redis_buffer_cut(struct redis_buffer *b, size_t waiting)
{
	assert(waiting <= b->end - b->start);
	if (waiting)
		b->end = b->start + waiting;
	else
		redis_buffer_emptied(b);
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
		redis_buffer_emptied(b);
}

void redis_buffer_clear(struct redis_buffer *b)
{
	free(b->p);
	*b = (struct redis_buffer){ .max = b->max };
}
