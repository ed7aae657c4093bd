/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for an answer, in the order of the commands: Redis answers in that order only. One whose deadline has come
 * keeps its place until its answer comes, so that the next answer does not go to the wrong one.
 */
#ifndef CLUSTER_REDIS_QUEUE_H
#define CLUSTER_REDIS_QUEUE_H

#include "cluster/redis/redis.h"

/* A command as it was sent: it may have to be sent to another server. */
struct redis_said {
	size_t n;
	uint8_t p[];
};

struct redis_wait {
	redis_reply_fn *fn; /* NULL: nobody wants the answer */
	void *arg;
	uint64_t deadline_ns;
	bool expired;
	bool even_late;          /* fn is called again with what comes after the deadline */
	struct redis_said *said; /* freed by who takes it out; NULL: it is sent once */
};

struct redis_queue {
	struct redis_wait *slots;
	uint32_t capacity;
	uint32_t head;
	uint32_t count;
	uint64_t next_ns; /* no deadline that has not expired comes before it */
};

/* 0 or -ENOMEM. */
int redis_queue_open(struct redis_queue *q, uint32_t capacity) NODISCARD;
void redis_queue_close(struct redis_queue *q);
/* False when full. */
bool redis_queue_push(struct redis_queue *q, const struct redis_wait *wait);
/* The oldest, taken out. False when empty. */
bool redis_queue_pop(struct redis_queue *q, struct redis_wait *out);
/* NULL when empty. */
const struct redis_wait *redis_queue_oldest(const struct redis_queue *q);
/* The waits whose deadline has come, one each call, marked as expired; start with *cursor = 0. False at the end. Pushing
 * between calls is fine, popping is not. */
bool redis_queue_expire(struct redis_queue *q, uint64_t now_ns, uint32_t *cursor,
			struct redis_wait *out);

#endif
