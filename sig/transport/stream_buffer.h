/* SPDX-License-Identifier: Apache-2.0 */
/* Octets on their way: appended at the end, taken from the front. Idle connections hold no memory. Private to transport_stream*.c. */
#ifndef SIG_TRANSPORT_STREAM_BUFFER_H
#define SIG_TRANSPORT_STREAM_BUFFER_H

#include "base/bytes.h"

struct stream_buffer { /* zeroed: empty */
	uint8_t *p;
	size_t from, to; /* p[from..to) */
	size_t cap;
};

/* 0, -ENOMEM. */
int stream_buffer_add(struct stream_buffer *b, struct bytes in) NODISCARD;
void stream_buffer_take(struct stream_buffer *b, size_t n); /* frees the memory when empty */
void stream_buffer_clear(struct stream_buffer *b);
static inline struct bytes stream_buffer_bytes(const struct stream_buffer *b)
{
	return bytes_mem(b->p + b->from, b->to - b->from);
}

#endif
