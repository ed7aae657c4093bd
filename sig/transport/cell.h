/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way between the shards of a process (SIP_CELL, docs/adr/0009): whole SIP messages in bounded rings, one for each pair and
 * direction, so that each shard may have a thread of its own. It promises as little as UDP does: who hears nothing says it again.
 */
#ifndef SIG_TRANSPORT_CELL_H
#define SIG_TRANSPORT_CELL_H

#include "base/text.h"
#include "sig/sip/message.h"

enum { CELL_SHARDS_MAX = 16, CELL_MESSAGES = 256 };

struct cell;

void cell_setup(void); /* registers the metrics; main thread, once */
/* numbers: of at most CELL_SHARDS_MAX shards. 0 or -errno. */
int cell_open(struct cell **out, const uint16_t *numbers, uint32_t count) NODISCARD;
void cell_close(struct cell *c); /* NULL is fine */
/* Of shard from: queues a copy. 0, -EHOSTUNREACH (no shard of that number, or it has left), -ENOBUFS (CELL_MESSAGES wait; counted) or
 * -ENOMEM. */
int cell_send(struct cell *c, uint16_t from, const struct sip_hop *to, struct bytes message);
/* For shard to: the next message, whose text is the caller's, and by what way it is answered. False: there is none. */
bool cell_receive(struct cell *c, uint16_t to, struct sip_hop *from, struct text *message);
/* Nothing is sent to that shard any more. */
void cell_leave(struct cell *c, uint16_t shard);
/* It is again. */
void cell_enter(struct cell *c, uint16_t shard);

#endif
