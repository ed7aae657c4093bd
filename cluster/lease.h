/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns a shard, as the owner sees it: a pure machine that says what to ask Redis for and how healthy the store is.
 *
 *            WANT               GRANTED             LINK_DOWN, LATE,
 *   IDLE ----------> ASKING ---------------> HELD --------------------> DOUBT
 *     ^                |  TAKEN, UNKNOWN      ^    no answer, MISSING     |
 *     +----------------+                      +---------------------------+
 *                                              GRANTED; after LATE also ACKED
 *   Any of them: a higher epoch is seen -> FENCED, until it is wanted again.
 *
 * HELD is healthy. In DOUBT the shard goes on (nobody else may have taken it) but must not wait for Redis. What went over
 * an older link of ours may still be carried out by Redis: each assertion makes a new fence, which old commands lack, and
 * which all commands sent after it carry.
 */
#ifndef CLUSTER_LEASE_H
#define CLUSTER_LEASE_H

#include <stdatomic.h>

#include "base/bytes.h"

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
};

struct lease_event {
	enum lease_event_type type;
	struct lease_epoch epoch;
	bool answer; /* to the question under way, which is settled by it */
};

/* What the owner does next; more than one may be set. */
enum lease_action {
	LEASE_SEND_ACQUIRE = 1, /* take a shard that is free */
	LEASE_SEND_ASSERT = 2,  /* say again that it is ours, with a new link number */
	LEASE_SEND_RENEW = 4,
	LEASE_HEALTHY = 8,
	LEASE_DEGRADED = 16,
	LEASE_FENCE = 32, /* fall silent */
	LEASE_ANEW = 64,  /* with HEALTHY: Redis may have lost what it had acknowledged */
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
	bool stale; /* assertion due: the link or Redis' data are not those of the last one */
	bool peers; /* others may claim the shard */
};

/* peers false: nobody else ever claims it, so it is valid until somebody is seen to have done so. */
void lease_open(struct lease *l, uint64_t incarnation, uint64_t length_ns, bool peers);
/* Returns actions, set of enum lease_action. */
unsigned lease_step(struct lease *l, const struct lease_event *event, uint64_t now_ns) NODISCARD;
/* Whether a is higher than b. */
bool lease_epoch_above(struct lease_epoch a, struct lease_epoch b);

enum { LEASE_FENCE_TEXT = 64 };
/* "counter.incarnation.link": what Redis compares. */
void lease_fence_write(struct writer *w, const struct lease *l);

#endif
