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
	uint32_t small;    /* how often in a row it was emptied of much less than it has room for */
};

/* 0, -ENOSPC (more than max would wait) or -ENOMEM; all or nothing. */
int redis_buffer_put(struct redis_buffer *b, struct bytes in) NODISCARD;
/* Takes back what was put last: so many octets wait then. */
void redis_buffer_cut(struct redis_buffer *b, size_t waiting);
struct bytes redis_buffer_bytes(const struct redis_buffer *b);
void redis_buffer_eat(struct redis_buffer *b, size_t n);
/* Empties it and gives the memory back. */
void redis_buffer_clear(struct redis_buffer *b);

/* Commands as Redis reads them (RESP2: an array of bulk strings), appended to a buffer by hand:
 * 3,000 saves a second are written so, and printf would cost more than all the rest of a save. 0,
 * -ENOSPC or -ENOMEM; after a failure the buffer has what fitted. */

/* Most octets that a head, an argument's length and the ends of lines take. */
enum { RESP_FRAME = 32 };

/* A command of n arguments begins. */
int resp_command(struct redis_buffer *b, size_t n) NODISCARD;
int resp_text(struct redis_buffer *b, struct bytes text) NODISCARD;
int resp_number(struct redis_buffer *b, uint64_t number) NODISCARD;
/* Begins an argument of n octets: returns where the caller writes them. NULL: as -ENOSPC.
 * resp_closed ends it. */
uint8_t *resp_open(struct redis_buffer *b, size_t n) NODISCARD;
void resp_closed(struct redis_buffer *b, size_t n);
/* A whole command. */
int resp_words(struct redis_buffer *b, const struct bytes *words, size_t n) NODISCARD;

#endif
