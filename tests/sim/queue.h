/* SPDX-License-Identifier: Apache-2.0 */
/* What is going to happen, in virtual time. Events of one moment happen in the order they were put in, so a run has one story. */
#ifndef TESTS_SIM_QUEUE_H
#define TESTS_SIM_QUEUE_H

#include "base/addr.h"
#include "base/bytes.h"

struct sim;
struct event;
typedef void event_fn(struct sim *s, const struct event *e);

struct event {
	uint64_t ns;
	event_fn *fire;
	uint32_t who;     /* phone */
	uint64_t a, b;    /* what fire wants to know */
	struct text data; /* owned by the queue until it has fired */
	struct addr from, to;
};

/* Events are large, and stay where they are. */
struct queue_key {
	uint64_t ns, seq;
	uint32_t at; /* in events */
};

struct event_queue {
	struct queue_key *heap;
	struct event *events;
	uint32_t count, capacity;
	uint64_t seq;
};

void queue_close(struct event_queue *q);
/* Takes over e->data. */
void queue_put(struct event_queue *q, const struct event *e);
/* The next one; its data is the caller's. False: nothing is left. */
bool queue_take(struct event_queue *q, struct event *out);

#endif
