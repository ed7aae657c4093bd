/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's part in the ownership of shards: a claimant (lease.h) for each watched shard, its own
 * ones too, and what nodes say about them (parcel.h). It asks Redis, its leases and the network by
 * handlers, so it is pure. Times are as in lease.h.
 */
#ifndef CLUSTER_PEER_CLAIMS_H
#define CLUSTER_PEER_CLAIMS_H

#include "cluster/lease.h"
#include "cluster/peer/parcel.h"

enum { CLAIMS_MAX = 1024 };

struct claims_handlers {
	/* The lease as Redis shows it: claims_looked answers. Not again before it does. */
	void (*look)(uint16_t shard, void *arg);
	/* seen, with its history, is to become next, with next_named: claims_answered answers. */
	void (*claim)(uint16_t shard, const struct claim *c, void *arg);
	/* The claim counts, from asked_ns on: LEASE_CLAIMED. */
	void (*owned)(uint16_t shard, const struct claim *c, void *arg);
	/* Whether this node owns it, and may speak. */
	bool (*owning)(uint16_t shard, void *arg);
	/* A named claimant of an own shard acks: LEASE_ACK. */
	void (*heard)(uint16_t shard, uint64_t from, uint64_t sent_ns, void *arg);
	/* It has or had an owner with that epoch: LEASE_SEEN. */
	void (*seen)(uint16_t shard, struct lease_epoch epoch, void *arg);
	/* Between two looks its owner has renewed it: LEASE_RENEWED. */
	void (*renewed)(uint16_t shard, struct lease_epoch epoch, void *arg);
	void (*say)(uint64_t to, const struct peer_item *item, void *arg);
};

struct claims;

/* incarnation: of the process. 0 or -ENOMEM. */
int claims_open(struct claims **out, uint64_t self, uint64_t incarnation, uint64_t length_ns,
		const struct claims_handlers *handlers, void *arg) NODISCARD;
void claims_close(struct claims *c);
/* From then on, or since; it begins as after a start. 0 or -ENOSPC. */
int claims_watch(struct claims *c, uint16_t shard, uint64_t now_ns) NODISCARD;
void claims_unwatch(struct claims *c, uint16_t shard);
/* NULL: it is not watched. */
const struct claim *claims_of(const struct claims *c, uint16_t shard);
/* What is due by now: at least ten times in a length. */
void claims_beat(struct claims *c, uint64_t now_ns);
/* from: as peers_item_fn has it. */
void claims_item(struct claims *c, const struct peer_item *item, uint64_t from, uint64_t now_ns);
/* lease: NULL where Redis did not answer. */
void claims_looked(struct claims *c, uint16_t shard, const struct claim_lease *lease,
		   uint64_t now_ns);
void claims_answered(struct claims *c, uint16_t shard, bool won, bool kept, uint64_t now_ns);
/* An own lease has LEASE_ANNOUNCE: sends told to its named claimants and to those of next.
 * renewal: its newest question, where the names stay as they are; 0: they change. */
void claims_notify(struct claims *c, const struct peer_item *told, const struct members *next,
		   uint64_t renewal);

#endif
