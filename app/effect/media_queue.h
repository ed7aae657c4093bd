/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands to the engine in order, also while the worker's ring is full. Bounded: a later update of
 * a flow replaces a waiting one, so no flow has more than an open, an update and a close here.
 * Control thread.
 */
#ifndef APP_NODE_MEDIA_QUEUE_H
#define APP_NODE_MEDIA_QUEUE_H

#include "media/flow.h"

struct engine;

struct media_queue {
	struct media_command **list; /* owned; from head on */
	uint32_t head, count, capacity;
	struct engine *engine;
};

/* slots: flow slots of the engine. 0 or -ENOMEM. */
int media_queue_open(struct media_queue *q, struct engine *engine, uint32_t slots) NODISCARD;
/* Waiting opens have their sockets closed. */
void media_queue_close(struct media_queue *q);
/* Takes over the command (malloc'ed) and, with an OPEN, its sockets or sound. 0 or -EAGAIN (full:
 * the command stays the caller's). */
int media_queue_put(struct media_queue *q, struct media_command *command) NODISCARD;
/* Hands on what the ring takes now. True when nothing waits any more. */
bool media_queue_flush(struct media_queue *q);

#endif
