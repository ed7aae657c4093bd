/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/transport/stream_buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_MIN = 2048 };

static int stream_buffer_grow(struct stream_buffer *b, size_t need)
{
	size_t cap = b->cap ? b->cap : BUFFER_MIN;
	uint8_t *p;

	while (cap < need)
		cap *= 2;
	p = realloc(b->p, cap);
	if (!p)
		return -ENOMEM;
	b->p = p;
	b->cap = cap;
	return 0;
}

int stream_buffer_add(struct stream_buffer *b, struct bytes in)
{
	if (in.n == 0)
		return 0;
	if (b->from && b->cap - b->to < in.n) {
		memmove(b->p, b->p + b->from, b->to - b->from);
		b->to -= b->from;
		b->from = 0;
	}
	if (b->cap - b->to < in.n && stream_buffer_grow(b, b->to + in.n))
		return -ENOMEM;
	memcpy(b->p + b->to, in.p, in.n);
	b->to += in.n;
	return 0;
}

void stream_buffer_take(struct stream_buffer *b, size_t n)
{
	assert(n <= b->to - b->from);
	b->from += n;
	if (b->from == b->to)
		stream_buffer_clear(b);
}

void stream_buffer_clear(struct stream_buffer *b)
{
	free(b->p);
	*b = (struct stream_buffer){ 0 };
}
