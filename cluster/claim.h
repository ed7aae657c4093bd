/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a node may come to own a shard whose owner has fallen silent: a pure machine, one for each shard and node. The owner's
 * side is lease.h, who is named is member.h. Times are of CLOCK_BOOTTIME of this node, and are never compared with those of another.
 *
 *   WATCH ----- the lease unchanged for 1.1 lengths, and bound to nobody else -----> ASK -- consents --> CLAIM -- it counts: owner
 *     ^                                                                               |                   |
 *     +---- the lease changed, or answers to another history; too late; refused ------+-------------------+
 *
 * A node is bound to one other at a time, for 1.1 lengths: to the owner whose renewal it has acked, or to the claimant to which it
 * has consented. Bound, it acks that one alone, consents to that one alone, and claims nothing. What it promised before a
 * restart it cannot know: so it is bound to somebody unknown for as long.
 *
 * An owner's process may be known to be gone, and its addresses with it: its keeper says so. Then nobody waits for it: who acked it
 * is free, and asks once another look shows that owner still. The notice is of one epoch, which is of one process. So it may come
 * late, or twice, and frees nobody from a consent, which may be to the next process of that node.
 */
#ifndef CLUSTER_CLAIM_H
#define CLUSTER_CLAIM_H

#include "cluster/lease.h"

enum claim_state {
	CLAIM_WATCH,
	CLAIM_ASK,
	CLAIM_CLAIM,
};

/*
 * The lease as Redis shows it. history changes with the process and with the replication that answer: what was seen of another
 * one says nothing. A Redis without a lease is left a note by whoever looks: counter 0, and a renewal that nobody else writes. So
 * a lease that was lost twice does not look like one that was missing all along.
 */
struct claim_lease {
	uint64_t history;
	struct lease_epoch epoch;
	uint64_t owner; /* node; 0: a note */
	uint64_t renewal;
	struct members named;
};

enum claim_event_type {
	CLAIM_TIMER,
	CLAIM_SEEN,      /* lease: the answer to a look */
	CLAIM_TOLD,      /* from, epoch, named, sent_ns: an owner that is valid */
	CLAIM_ASKED,     /* from, sent_ns, and what that claimant knows: epoch, named, record */
	CLAIM_CONSENTED, /* from, epoch, sent_ns: of our question */
	CLAIM_NEWS,      /* epoch, named, record: somebody knows better */
	CLAIM_WON,       /* the lease in Redis is ours; kept as in lease.h */
	CLAIM_REFUSED,   /* it is not what we had seen, or nobody knows */
	CLAIM_DEAD,      /* epoch: the process that owned it is gone */
	CLAIM_NAMED,     /* lease without history: whom its owner had named by that renewal */
};

struct claim_event {
	enum claim_event_type type;
	struct claim_lease lease;
	struct lease_epoch epoch;
	struct members named;
	uint64_t record; /* owner of that epoch */
	uint64_t from;
	uint64_t
		sent_ns; /* by the clock of whoever asked first: brought back, and compared by nobody else */
	bool kept;
	bool owning; /* this node is the owner now, and valid */
};

enum claim_action {
	CLAIM_SEND_LOOK = 1,
	CLAIM_SEND_ACK = 2,     /* to whom the event was from, with its sent_ns */
	CLAIM_SEND_CONSENT = 4, /* likewise, with heard */
	CLAIM_SEND_ASK = 8,     /* to all that vote */
	CLAIM_SEND_CLAIM = 16,  /* compare and set: seen, with its history, is to become next */
	CLAIM_OWNED = 32,       /* it counts, from asked_ns on: LEASE_CLAIMED */
	CLAIM_SEND_NEWS = 64,   /* to whom the event was from: heard, named, record */
	CLAIM_SEND_DEAD = 128,  /* with ASK, and before it: gone */
	CLAIM_SEND_NAMES = 256, /* to whom the event was from: named, of renewed */
	CLAIM_PASS_NAMES = 512, /* the same, to all that vote: some may not know */
};

struct claim {
	uint64_t self;
	uint64_t incarnation;
	uint64_t length_ns;
	uint64_t quiet_ns; /* 1.1 lengths: clocks may differ by a tenth */
	enum claim_state state;
	struct claim_lease seen;
	uint64_t seen_ns;     /* since when it is so; 0: nothing was seen */
	struct members named; /* of the epoch heard: as told or seen, for a Redis that lost it */
	uint64_t record;      /* owner of record, likewise */
	struct lease_epoch heard;
	struct lease_epoch renewed_epoch; /* of what Redis has shown, or others knew, */
	uint64_t renewed;                 /* the newest renewal: named is that one's */
	uint64_t bound_to;                /* 0: unknown */
	uint64_t bound_until_ns;
	struct lease_epoch
		bound_epoch;        /* of the owner that was acked; 0: to a claimant, or unknown */
	uint64_t promised_to;       /* the claimant, likewise: no owner's end frees from that, */
	uint64_t promised_until_ns; /* nor from what was promised before the start */
	struct lease_epoch gone;    /* whose process is; 0: nobody's */
	uint64_t gone_ns;           /* when that was heard */
	uint64_t asked_ns;
	uint64_t consents;  /* whose, one bit for each in named, and one for the owner of record */
	uint64_t looked_ns; /* when Redis last answered */
	uint64_t look_ns;   /* when it looks again */
	uint64_t ask_ns;    /* not before it asks again */
	struct lease_epoch next;   /* what it claims, */
	struct members next_named; /* with these: itself leaves its place to the owner of record */
};

/* now_ns: of the node's start, or later. */
void claim_open(struct claim *c, uint64_t self, uint64_t incarnation, uint64_t length_ns,
		uint64_t now_ns);
/* Returns actions, set of enum claim_action. */
unsigned claim_step(struct claim *c, const struct claim_event *event, uint64_t now_ns) NODISCARD;
/* Its owner said so within 1.1 lengths: whatever Redis shows, it is not free. */
bool claim_hears_owner(const struct claim *c, uint64_t now_ns);

#endif
