/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lease of a shard as its owner sees it: a pure state machine that says what to ask of Redis, which
 * claimants to tell, until when the owner may speak, and whether the store is healthy. All times
 * are of CLOCK_BOOTTIME. The claimant's side is below.
 *
 *            WANT               GRANTED             LINK_DOWN, LATE,
 *   IDLE ----------> ASKING ---------------> HELD --------------------> DOUBT
 *     ^                |  TAKEN, UNKNOWN      ^    no answer, MISSING     |
 *     +----------------+                      +---------------------------+
 *                                              GRANTED; after LATE also ACKED
 *   Any of them: a higher epoch is seen -> FENCED, until it is wanted again.
 * HELD, DOUBT: valid_until_ns has passed -> LAPSED, until a claim of its own counts:
 *   CLAIMED -> HELD.
 *   HELD: GIVE -> IDLE. The answer of Redis is not awaited: Redis says who the owner is.
 *
 * HELD is healthy. In DOUBT the shard goes on (no other node may have taken it) but must not wait
 * for Redis. Redis may still carry out commands of an older link of ours: each assertion makes a
 * new fence, which old commands lack, and which all commands sent after it carry.
 *
 * Where claimants are named, the owner speaks until valid_until_ns: the length of the lease after
 * it sent a renewal that Redis cannot forget, or that enough of the named have acked (roster.h).
 * Without names it never falls silent.
 */
#ifndef CLUSTER_LEASE_H
#define CLUSTER_LEASE_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "cluster/roster.h"

/* The higher pair owns the shard. */
struct lease_epoch {
	uint64_t counter; /* below 2^53: Redis' scripts count in doubles */
	uint64_t incarnation;
};

enum lease_state {
	LEASE_IDLE,
	LEASE_ASKING,
	LEASE_HELD,
	LEASE_DOUBT,
	LEASE_FENCED,
	LEASE_LAPSED,
};

enum lease_event_type {
	LEASE_WANT, /* the owner wants the shard */
	LEASE_LINK_UP,
	LEASE_LINK_DOWN,
	LEASE_LATE,    /* a save got no answer in time, or Redis takes no writes */
	LEASE_ACKED,   /* a save under the lease was acknowledged in time */
	LEASE_TIMER,   /* next_ns has come */
	LEASE_GRANTED, /* epoch: ours from now on */
	LEASE_TAKEN,   /* another owner holds it and is alive */
	LEASE_UNKNOWN, /* no answer or an error */
	LEASE_MISSING, /* Redis knows of no lease: it lost its data */
	LEASE_SEEN,    /* epoch: what Redis holds instead of ours */
	LEASE_RENEWED, /* epoch: of an owner that Redis shows to live */
	LEASE_ACK,     /* from, sent_ns: a named claimant acks what it was told then */
	LEASE_CLAIMED, /* epoch, renewal, sent_ns: our claim counts */
	LEASE_GIVE,    /* the owner is silent, and about to write another one into the lease */
};

struct lease_event {
	enum lease_event_type type;
	struct lease_epoch epoch;
	bool answer; /* to the question under way, which is settled by it */
	bool kept;   /* GRANTED: each server that may come to be the primary has it */
	uint64_t from;
	uint64_t sent_ns;
	uint64_t renewal;
};

/* What the owner does next; more than one may be set. */
enum lease_action {
	LEASE_SEND_ACQUIRE = 1, /* take a shard that is free */
	LEASE_SEND_ASSERT = 2,  /* say again that it is ours, with a new link number */
	LEASE_SEND_RENEW = 4,
	LEASE_HEALTHY = 8,
	LEASE_DEGRADED = 16,
	LEASE_FENCE = 32,     /* fall silent */
	LEASE_ANEW = 64,      /* with HEALTHY: Redis may have lost what it had acknowledged */
	LEASE_LAPSE = 128,    /* fall silent until a claim of ours counts */
	LEASE_ANNOUNCE = 256, /* tell the named of told_ns, which their acks bring back */
};

struct lease {
	_Atomic uint64_t valid_until_ns; /* may speak until then; read by other threads */
	struct lease_epoch epoch;
	enum lease_state state;
	enum lease_action question; /* under way; 0: none */
	uint32_t link;              /* of the newest acquire or assertion: part of the fence */
	uint64_t heard;             /* highest counter ever seen */
	uint64_t next_ns;           /* when LEASE_TIMER is due */
	uint64_t length_ns;
	uint64_t probe_ns; /* wait before the next probe while in doubt */
	uint64_t sent_ns;  /* of the question under way */
	bool link_up;
	bool kept; /* what Redis granted last it cannot forget */
	/* Others are there and could not be named yet: what Redis grants counts, kept or not. */
	bool unnamed;
	bool stale; /* assertion due: the link or Redis' data are not those of the last one */

	uint64_t granted_ns; /* when the question was sent that Redis granted last, */
	uint64_t kept_ns;    /* and the last one that it cannot forget */
	uint64_t renewal;    /* of the newest question: never twice the same in an incarnation */
	uint64_t told_ns;    /* when the named were last told */
	uint64_t tell_ns;    /* when they are told again: LEASE_TIMER */
	struct members named;
	/* Nodes that cannot be named yet, while nobody is: they learn that it is owned. */
	struct members others;
	uint64_t acked_ns[MEMBERS_MAX]; /* told_ns of what each has acked */
	struct members wanted;          /* instead of named, once that counts */
	uint64_t wanted_acked_ns[MEMBERS_MAX];
	uint64_t wanted_ns; /* since when; 0: nobody else is wanted */
};

/* A shard that was claimed, or handed over: what LEASE_CLAIMED says, and who is named. */
struct lease_grant {
	struct lease_epoch epoch;
	uint64_t renewal;
	uint64_t sent_ns; /* it is valid from then on */
	struct members named;
};

void lease_open(struct lease *l, uint64_t incarnation, uint64_t length_ns);
/*
 * Sets the names from now on. A change takes a renewal that Redis cannot forget, and acks of the
 * former names, which then support no claim by the old list; until then acks of both lists are
 * needed. Not while another change is under way. Setting the first names, or none any more, needs
 * Redis alone: not while Redis may forget them, or is away.
 */
void lease_name(struct lease *l, const struct members *named, uint64_t now_ns);
/* Returns actions, set of enum lease_action. */
unsigned lease_step(struct lease *l, const struct lease_event *event, uint64_t now_ns) NODISCARD;
/* Whether a is higher than b. */
bool lease_epoch_above(struct lease_epoch a, struct lease_epoch b);
/* This owner alone had it then: what it sent was sent as owner. */
bool lease_covers(const struct lease *l, uint64_t at_ns);
/* Nodes are to be told that it is owned: LEASE_TIMER is due at tell_ns, too. */
bool lease_tells(const struct lease *l);

enum { LEASE_FENCE_TEXT = 64 };
/* "counter.incarnation.link": what Redis compares. */
void lease_fence_write(struct writer *w, const struct lease *l);

/*
 * How a node may come to own a shard that has a silent owner: a pure state machine, one for each
 * shard and node. The owner's side is above; roster.h says which nodes are named. Times are of
 * CLOCK_BOOTTIME of this node, and are never compared with those of another.
 *
 *   WATCH -- the lease unchanged for 1.1 lengths, and not bound to another node --> ASK
 *   ASK   -- consents --> CLAIM -- it counts --> owner
 *   ASK, CLAIM -- the lease changed, or of another history; too late; refused --> WATCH
 *
 * A node is bound to one other at a time, for 1.1 lengths: to the owner that it has acked, or to
 * the claimant to which it has consented. Bound, it acks and consents to that one alone, and claims
 * nothing. It cannot know its promises of before a restart: so after a start it is bound to an
 * unknown node for as long.
 *
 * A keeper says when an owner's process is gone, and its addresses with it. Then nobody waits for
 * that owner: a node that acked it is free, and asks once another look shows that owner still. The
 * notice is of one epoch, which is of one process. So it may come late, or twice, and frees nobody
 * from a consent, which may be to the next process of that node.
 */

enum claim_state {
	CLAIM_WATCH,
	CLAIM_REQUEST,
	CLAIM_CLAIM,
};

/*
 * The lease as Redis shows it. history changes with the process and the replication that answer:
 * what was seen of another history says nothing. Where Redis has no lease, the reader leaves a
 * note: counter 0, and a renewal that no other node writes. So
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
	CLAIM_OWNER,     /* from, epoch, named, sent_ns: an owner that is valid */
	CLAIM_ASKED,     /* from, sent_ns, and what that claimant knows: epoch, named, record */
	CLAIM_CONSENTED, /* from, epoch, sent_ns: of our question */
	CLAIM_NEWER,     /* epoch, named, record: another node knows newer ones */
	CLAIM_WON,       /* the lease in Redis is ours; kept as in lease.h */
	CLAIM_REFUSED,   /* it is not what we had seen, or nobody knows */
	CLAIM_DEAD,      /* epoch: the process that owned it is gone */
	CLAIM_NAMED,     /* lease without history: names of that renewal */
};

struct claim_event {
	enum claim_event_type type;
	struct claim_lease lease;
	struct lease_epoch epoch;
	struct members named;
	uint64_t record; /* owner of that epoch */
	uint64_t from;
	/* When it was sent, by the clock of the asker, which alone compares it. */
	uint64_t sent_ns;
	bool kept;
	bool owning; /* this node is the owner now, and valid */
};

enum claim_action {
	CLAIM_SEND_LOOK = 1,
	CLAIM_SEND_ACK = 2,     /* to the event's sender, with its sent_ns */
	CLAIM_SEND_CONSENT = 4, /* likewise, with heard */
	CLAIM_SEND_REQUEST = 8, /* to all that vote */
	CLAIM_SEND_CLAIM = 16,  /* compare and set: seen, with its history, is to become next */
	CLAIM_OWNED = 32,       /* it counts, from asked_ns on: LEASE_CLAIMED */
	CLAIM_SEND_NEWER = 64,  /* to the event's sender: heard, named, record */
	CLAIM_SEND_DEAD = 128,  /* with ASK, and before it: gone */
	CLAIM_SEND_NAMES = 256, /* to the event's sender: named, of renewed */
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
	struct lease_epoch gone;    /* epoch of the process that is gone; 0: none */
	uint64_t gone_ns;           /* when this node was told */
	uint64_t asked_ns;
	uint64_t consents;         /* one bit for each in named, and one for the owner of record */
	uint64_t looked_ns;        /* when Redis last answered */
	uint64_t look_ns;          /* when it looks again */
	uint64_t ask_ns;           /* not before it asks again */
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
/* It has or had an owner, as far as is known. Until Redis has shown it, it may have one. */
bool claim_may_be_owned(const struct claim *c);

#endif
