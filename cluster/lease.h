/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns a shard, as the owner sees it: a pure machine that says what to ask Redis for, whom to tell, until when the owner may
 * speak, and how healthy the store is. All times are of CLOCK_BOOTTIME. A claimant's side of it is claim.h.
 *
 *            WANT               GRANTED             LINK_DOWN, LATE,
 *   IDLE ----------> ASKING ---------------> HELD --------------------> DOUBT
 *     ^                |  TAKEN, UNKNOWN      ^    no answer, MISSING     |
 *     +----------------+                      +---------------------------+
 *                                              GRANTED; after LATE also ACKED
 *   Any of them: a higher epoch is seen -> FENCED, until it is wanted again.
 *   HELD, DOUBT: valid_until_ns has passed -> LAPSED, until a claim of its own counts (claim.h): CLAIMED -> HELD.
 *   HELD: GIVE -> IDLE. What Redis answers to that is not waited for: whoever is the owner there is it.
 *
 * HELD is healthy. In DOUBT the shard goes on (nobody else may have taken it) but must not wait for Redis. What went over
 * an older link of ours may still be carried out by Redis: each assertion makes a new fence, which old commands lack, and
 * which all commands sent after it carry.
 *
 * Where others are named who may claim the shard, the owner speaks until valid_until_ns: the length of the lease after a renewal
 * was sent that Redis cannot forget, or that enough of the named have acked (member.h). Without names it never falls silent.
 */
#ifndef CLUSTER_LEASE_H
#define CLUSTER_LEASE_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "cluster/member.h"

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
	LEASE_TAKEN,   /* somebody else holds it and is alive */
	LEASE_UNKNOWN, /* no answer or an error */
	LEASE_MISSING, /* Redis knows of no lease: it lost its data */
	LEASE_SEEN,    /* epoch: what Redis holds instead of ours */
	LEASE_RENEWED, /* epoch: of an owner that Redis shows to live */
	LEASE_HEARD,   /* from, sent_ns: a named claimant acks what it was told then */
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
	LEASE_FENCE = 32,  /* fall silent */
	LEASE_ANEW = 64,   /* with HEALTHY: Redis may have lost what it had acknowledged */
	LEASE_LAPSE = 128, /* fall silent until a claim of ours counts */
	LEASE_TELL = 256,  /* tell the named of told_ns, which their acks bring back */
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
	bool unnamed; /* others are there, and it could not name them yet: what Redis grants carries it, kept or not */
	bool stale; /* assertion due: the link or Redis' data are not those of the last one */

	uint64_t granted_ns; /* when the question was sent that Redis granted last, */
	uint64_t kept_ns;    /* and the last one that it cannot forget */
	uint64_t renewal;    /* of the newest question: never twice the same in an incarnation */
	uint64_t told_ns;    /* when the named were last told */
	uint64_t tell_ns;    /* when they are told again: LEASE_TIMER */
	struct members named;
	struct members
		others; /* who is there and cannot be named yet, while nobody is: they hear that it is owned */
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
 * Whom to name from now on. A change takes a renewal that Redis cannot forget, and acks of those who were named, who then support
 * no claim by the old list; until then acks of both lists are needed. Not while another change is under way. The first names, and
 * none any more, are a matter of Redis alone: not while it may forget them, or is away.
 */
void lease_name(struct lease *l, const struct members *named, uint64_t now_ns);
/* Returns actions, set of enum lease_action. */
unsigned lease_step(struct lease *l, const struct lease_event *event, uint64_t now_ns) NODISCARD;
/* Whether a is higher than b. */
bool lease_epoch_above(struct lease_epoch a, struct lease_epoch b);
/* Somebody is to hear that it is owned: LEASE_TIMER is due at tell_ns, too. */
bool lease_tells(const struct lease *l);

enum { LEASE_FENCE_TEXT = 64 };
/* "counter.incarnation.link": what Redis compares. */
void lease_fence_write(struct writer *w, const struct lease *l);

#endif
