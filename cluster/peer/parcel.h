/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What crosses a channel between two nodes (channel.h): a message for a connection of the other
 * node or from one, and its result. Messages and transports are opaque here. The octets:
 *
 *     kind (1) | transport (1) | connection (8) | bound (19) | remote (19) | the message
 *
 * A kind that is not known is one of a later program. No two texts mean the same. Pure.
 */
#ifndef CLUSTER_PEER_PARCEL_H
#define CLUSTER_PEER_PARCEL_H

#include "base/addr.h"
#include "cluster/lease.h"

enum parcel_kind {
	PARCEL_SEND = 1, /* on that connection of the receiver's */
	PARCEL_RECEIVED, /* on that connection of the sender's, for a shard of the receiver's */
	PARCEL_GONE,     /* the sender has no such connection; of data as much as was said */
	PARCEL_SEND_DATAGRAM,  /* from that address of the receiver's */
	PARCEL_HEARD_DATAGRAM, /* at that address of the sender's, for a shard of the receiver's */
	PARCEL_INTER_SHARD, /* from a shard of the sender (remote) to one of the receiver (bound) */
	PARCEL_STATES, /* of users that are watched (sig/remote/remote_watch.h): it has no ends */
	PARCEL_SEND_FLOW,  /* a datagram by that address of the receiver's, which stays with it */
	PARCEL_HEARD_FLOW, /* a datagram at that address of the sender's, which stays with it */
	PARCEL_BACK,       /* on that connection of the receiver; the sender lost the shard */
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
	/* Its ends: the node's, which a connection may lack, and the peer's. */
	struct addr bound, remote;
	struct bytes data;
};

static inline bool parcel_is_datagram(const struct parcel *p)
{
	return p->kind == PARCEL_SEND_DATAGRAM || p->kind == PARCEL_HEARD_DATAGRAM;
}
static inline bool parcel_has_connection(const struct parcel *p)
{
	return !parcel_is_datagram(p) && p->kind != PARCEL_INTER_SHARD && p->kind != PARCEL_STATES;
}
/* data: PARCEL_DATA_MAX at most. */
void parcel_write(struct writer *w, const struct parcel *p);
/* 0; -EPROTONOSUPPORT: of a later program; -EBADMSG. data lies within octets. */
int parcel_read(struct parcel *p, struct bytes octets) NODISCARD;

/*
 * What nodes tell each other about shards: the words of lease.h as octets. Several share one
 * datagram (line.h). Pure.
 *
 * kind (1) | octets that follow (1) | shard (2) | the kind's fields, as in struct peer_item
 *
 * A kind that is not known is one of a later program, and is skipped. Everything else is exact: no
 * two texts mean the same.
 */

enum peer_kind {
	PEER_HELLO = 1, /* no shard: the node lives */
	PEER_LEAVING,   /* no shard: likewise, and it hands over what it has */
	PEER_OWNED,     /* epoch, named, sent_ns: CLAIM_OWNER */
	PEER_ACK,       /* sent_ns: LEASE_ACK */
	PEER_ASKED,     /* epoch, named, record, sent_ns: CLAIM_ASKED */
	PEER_CONSENTED, /* epoch, sent_ns: CLAIM_CONSENTED */
	PEER_NEWER,     /* epoch, named, record: CLAIM_NEWER */
	PEER_DEAD,      /* epoch: its owner is gone, and its addresses with it */
	PEER_HOME,      /* the shard is of the node's file */
	PEER_RUNS,      /* it is live there */
	PEER_DRAINS,    /* no shard: the node takes no calls */
	PEER_MOVE,      /* the receiver is to ask for the shard (cluster.rebalance) */
	PEER_NAMES,     /* epoch, named, record, and sent_ns, which is the renewal: CLAIM_NAMED */
	PEER_KINDS,
};

/* What a kind does not have is 0. */
struct peer_item {
	enum peer_kind kind;
	uint16_t shard;
	struct lease_epoch epoch;
	struct members named;
	uint64_t record;
	uint64_t sent_ns;
};

enum { PEER_ITEM_MAX = 2 + 2 + 16 + 1 + 8 * MEMBERS_MAX + 8 + 8 };

/* False: it does not fit, and nothing of it was written. */
bool peer_item_write(struct writer *w, const struct peer_item *item) NODISCARD;
/* Takes one off *rest. 0; -EPROTONOSUPPORT: one of a later program was taken off; -EBADMSG. */
int peer_item_read(struct bytes *rest, struct peer_item *item) NODISCARD;

#endif
