/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands as Redis reads them (RESP2: an array of bulk strings), appended to a buffer by hand: a save is written some 3,000 times a
 * second, and printf would cost more than all the rest of it. 0, -ENOSPC or -ENOMEM; after a failure the buffer has what fitted.
 */
#ifndef CLUSTER_REDIS_RESP_H
#define CLUSTER_REDIS_RESP_H

#include "cluster/redis/buffer.h"

/* Most octets that a head, an argument's length and the ends of lines take. */
enum { RESP_FRAME = 32 };

/* A command of n arguments begins. */
int resp_command(struct redis_buffer *b, size_t n) NODISCARD;
int resp_text(struct redis_buffer *b, struct bytes text) NODISCARD;
int resp_number(struct redis_buffer *b, uint64_t number) NODISCARD;
/* An argument of n octets, which the caller writes: where. NULL: as -ENOSPC. Closed by resp_closed. */
uint8_t *resp_open(struct redis_buffer *b, size_t n) NODISCARD;
void resp_closed(struct redis_buffer *b, size_t n);
/* A whole command. */
int resp_words(struct redis_buffer *b, const struct bytes *words, size_t n) NODISCARD;

#endif
