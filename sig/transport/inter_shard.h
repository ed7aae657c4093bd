/* SPDX-License-Identifier: Apache-2.0 */
/* The transport between the shards of a process (SIP_INTER_SHARD, docs/adr/0009): whole SIP
 * messages in bounded rings, one for each pair and direction, so each shard may have a thread of
 * its own. Unreliable like UDP: messages are retransmitted by their senders. */
#ifndef SIG_TRANSPORT_INTER_SHARD_H
#define SIG_TRANSPORT_INTER_SHARD_H

#include "base/bytes.h"
#include "sig/sip/message.h"

enum { INTER_SHARD_MAX = 16, INTER_SHARD_MESSAGES = 256 };

struct inter_shard;

void inter_shard_setup(void); /* registers the metrics; main thread, once */
/* numbers: of at most INTER_SHARD_MAX shards. 0 or -errno. */
int inter_shard_open(struct inter_shard **out, const uint16_t *numbers, uint32_t count) NODISCARD;
void inter_shard_close(struct inter_shard *c); /* NULL is fine */
/* For shard from: queues a copy. Returns 0, -EHOSTUNREACH (no shard of that number, or it has
 * left), -ENOBUFS (INTER_SHARD_MESSAGES wait; counted) or -ENOMEM. */
int inter_shard_send(struct inter_shard *c, uint16_t from, const struct sip_hop *to,
		     struct bytes message);
/* For shard to: the next message, with its text the caller's, and the hop for its response. Returns
 * false if no message waits. */
bool inter_shard_receive(struct inter_shard *c, uint16_t to, struct sip_hop *from,
			 struct text *message);
/* Nothing is sent to that shard any more. */
void inter_shard_leave(struct inter_shard *c, uint16_t shard);
/* It is again. */
void inter_shard_enter(struct inter_shard *c, uint16_t shard);

#endif
