/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What crosses a channel between two nodes (channel.h): a message for a connection of the other node or from one, and what became of
 * it. What the message says, and what a transport is, is not known here. The octets:
 *
 *     kind (1) | transport (1) | connection (8) | bound (19) | remote (19) | the message
 *
 * A kind that is not known is one of a later program. No two texts mean the same. Pure.
 */
#ifndef CLUSTER_PEER_PARCEL_H
#define CLUSTER_PEER_PARCEL_H

#include "base/addr.h"

enum parcel_kind {
	PARCEL_SEND = 1, /* on that connection of the receiver's */
	PARCEL_HEARD,    /* on that connection of the sender's, for a shard of the receiver's */
	PARCEL_GONE,     /* the sender has no such connection; of data as much as was said */
	PARCEL_SEND_DATAGRAM,  /* from that address of the receiver's */
	PARCEL_HEARD_DATAGRAM, /* at that address of the sender's, for a shard of the receiver's */
	PARCEL_CELL, /* of a shard of the sender's (remote) to one of the receiver's (bound) */
	PARCEL_NEWS, /* of users that are watched (sig/remote/remote_watch.h): it has no ends */
	PARCEL_SEND_FLOW,  /* a datagram by that address of the receiver's, which stays with it */
	PARCEL_HEARD_FLOW, /* a datagram at that address of the sender's, which stays with it */
	PARCEL_BACK, /* on that connection of the receiver's, for a shard that the sender has no more */
	PARCEL_KINDS,
};

enum {
	PARCEL_ADDR_LEN = 1 + 16 + 2,
	PARCEL_HEAD_LEN = 1 + 1 + 8 + 2 * PARCEL_ADDR_LEN,
	PARCEL_DATA_MAX = 65535,
	PARCEL_MAX = PARCEL_HEAD_LEN + PARCEL_DATA_MAX,
};

struct parcel {
	enum parcel_kind kind;
	uint8_t transport;
	uint64_t connection; /* or flow, as its node names it; 0: others have none */
	struct addr bound,
		remote; /* its ends: the node's, which a connection may lack, and the other's */
	struct bytes data;
};

static inline bool parcel_is_datagram(const struct parcel *p)
{
	return p->kind == PARCEL_SEND_DATAGRAM || p->kind == PARCEL_HEARD_DATAGRAM;
}
static inline bool parcel_has_connection(const struct parcel *p)
{
	return !parcel_is_datagram(p) && p->kind != PARCEL_CELL && p->kind != PARCEL_NEWS;
}
/* data: PARCEL_DATA_MAX at most. */
void parcel_write(struct writer *w, const struct parcel *p);
/* 0; -EPROTONOSUPPORT: of a later program; -EBADMSG. data lies within octets. */
int parcel_read(struct parcel *p, struct bytes octets) NODISCARD;

#endif
