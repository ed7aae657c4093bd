/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nodes tell each other about shards: the words of lease.h and claim.h as octets. Several share one datagram (packet.h). Pure.
 *
 *     kind (1) | octets that follow (1) | shard (2) | what the kind has, in the order of struct peer_item
 *
 * A kind that is not known is one of a later program, and passed over. Everything else is exact: no two texts mean the same.
 */
#ifndef CLUSTER_PEER_ITEM_H
#define CLUSTER_PEER_ITEM_H

#include "cluster/lease.h"

enum peer_kind {
	PEER_HELLO = 1, /* no shard: the node lives */
	PEER_LEAVING,   /* no shard: likewise, and it hands over what it has */
	PEER_TOLD,      /* epoch, named, sent_ns: CLAIM_TOLD */
	PEER_ACK,       /* sent_ns: LEASE_HEARD */
	PEER_ASKED,     /* epoch, named, record, sent_ns: CLAIM_ASKED */
	PEER_CONSENTED, /* epoch, sent_ns: CLAIM_CONSENTED */
	PEER_NEWS,      /* epoch, named, record: CLAIM_NEWS */
	PEER_DEAD,      /* epoch: its owner is gone, and its addresses with it */
	PEER_HOME,      /* the shard is of the node's file */
	PEER_RUNS,      /* it is live there */
	PEER_DRAINS,    /* no shard: the node takes no calls */
	PEER_TAKE,      /* whoever hears it is to ask for the shard (cluster.rebalance) */
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
