/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media sockets of a shard that another node is about to hand over: bound at an address that moves
 * with the shard, while the other node still has it. No packet reaches them until then, and none is
 * sent before a flow has them. Control thread.
 */
#ifndef APP_NODE_AHEAD_H
#define APP_NODE_AHEAD_H

#include "base/addr.h"
#include "base/table.h"

struct prebound_pair {
	struct addr rtp, rtcp;
	uint8_t dscp;
	int fd[2]; /* RTP, RTCP; -1: taken */
};

struct ahead {
	struct prebound_pair *list;
	uint32_t count, capacity, left; /* left: not taken yet */
	struct table by_port;           /* number in list + 1 */
};

/* Of a zeroed one, or one that was closed. most: pairs; none is bound beyond. 0 or -ENOMEM. */
int prebound_open(struct ahead *a, uint32_t most) NODISCARD;
/* What cannot be bound now is bound when its flow is opened. */
void prebound_bind(struct ahead *a, const struct addr *rtp, const struct addr *rtcp, uint8_t dscp);
/* There are sockets for this flow. */
bool prebound_has(const struct ahead *a, const struct addr *rtp, const struct addr *rtcp,
		  uint8_t dscp);
/* True: they are the caller's. */
bool prebound_pop(struct ahead *a, const struct addr *rtp, const struct addr *rtcp, uint8_t dscp,
		  int fd[2]);
/* Closes those that no flow took. */
void prebound_close(struct ahead *a);

#endif
