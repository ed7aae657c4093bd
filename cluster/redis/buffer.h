/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes waiting to be written to Redis: grows as needed up to a bound, is eaten from the front. */
#ifndef CLUSTER_REDIS_BUFFER_H
#define CLUSTER_REDIS_BUFFER_H

#include "base/bytes.h"

struct redis_buffer {
	uint8_t *p;
	size_t cap;
	size_t start, end; /* what waits */
	size_t max;        /* most that may wait */
};

/* 0, -ENOSPC (more than max would wait) or -ENOMEM; all or nothing. */
int redis_buffer_put(struct redis_buffer *b, struct bytes in) NODISCARD;
/* Room for n octets behind what waits, for the caller to write: he says then how far it grew. NULL: -ENOSPC or -ENOMEM. */
uint8_t *redis_buffer_room(struct redis_buffer *b, size_t n) NODISCARD;
void redis_buffer_grew(struct redis_buffer *b, size_t n);
/* Takes back what was put last: so many octets wait then. */
void redis_buffer_cut(struct redis_buffer *b, size_t waiting);
struct bytes redis_buffer_bytes(const struct redis_buffer *b);
void redis_buffer_eat(struct redis_buffer *b, size_t n);
/* Empties it and gives the memory back. */
void redis_buffer_clear(struct redis_buffer *b);

#endif
