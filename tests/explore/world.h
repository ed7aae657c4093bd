/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three nodes and Redis, as small as they can be: the real machines of cluster/lease.h and cluster/lease.h, what is under way
 * between them, and one step after the other. A world is a value: copied to go back.
 */
#ifndef TESTS_EXPLORE_WORLD_H
#define TESTS_EXPLORE_WORLD_H

#include "cluster/lease.h"

enum {
	NODES_MAX = 3,
	SERVERS_MAX = 2,
	LENGTH = 1200, /* of the lease; a tick is a third of it by a true clock, */
	TICK = 400,
	TICK_FAST = 436, /* and by one that runs 9 % faster */
};

/* What is broken on purpose, to see that it is found. */
enum broken {
	BROKEN_NOTHING,
	BROKEN_QUIET,         /* a claimant waits for one length */
	BROKEN_START,         /* a claimant consents and claims just after its start */
	BROKEN_ANSWER,        /* the owner is valid from the answer */
	BROKEN_HISTORY_WATCH, /* a watch goes on over another process or replication */
	BROKEN_HISTORY_CLAIM, /* a claim is carried out there */
	BROKEN_KEPT,          /* a renewal counts that the replica lacks */
	BROKEN_ACKED,         /* a claimant consents though it has acked */
	BROKEN_NOTE,          /* nobody leaves a note where the lease is missing */
	BROKEN_LAPSED,        /* an owner that has lapsed goes on when it is acked */
	BROKEN_ALONE,         /* a claimant needs no consent */
	BROKEN_LATE,          /* a claim counts whenever the answer comes */
	BROKEN_RENEWAL,       /* a claim compares the epoch alone */
	BROKEN_ONE,           /* one claimant alone claims though Redis may forget it */
	BROKEN_DEAD_ALIVE,    /* a notice says of a process that lives that it is gone */
	BROKEN_DEAD_CONSENT,  /* a notice frees from a consent as well */
	BROKEN_COUNT,
};

struct world_settings {
	const char *name;
	uint32_t nodes;   /* the first one is the owner, all others are named */
	uint32_t servers; /* 2: the first one has a replica */
	uint32_t crashes, flushes, failovers, restarts, losses; /* at most so many */
	bool messages; /* between nodes: else all are lost */
	bool notices;  /* a keeper says when its node's process is gone */
	bool slow_owner; /* the owner's clock is true, all others are fast; else the other way round */
	enum broken broken;
	uint32_t cut; /* the story begins when the owner has not reached Redis for so many ticks, */
	bool heard;   /* and was heard by its claimants */
	bool split; /* the owner reaches the new primary alone, the others the old one, and messages of before are still under way */
	bool emptied; /* Redis has nothing from the start */
};

struct server {
	struct claim_lease lease;
	uint32_t link;
	bool has;
	bool replica;
	uint64_t run, replication;
	struct claim_lease disk; /* what a crash leaves */
	uint32_t disk_link;
	bool disk_has;
};

enum stage {
	STAGE_NONE,
	STAGE_SENT,
	STAGE_DONE, /* Redis has done it, the answer is under way */
};

/* One command to Redis, and its answer. */
struct exchange {
	enum stage stage;
	unsigned what; /* enum lease_action; 0: a claim */
	struct claim_lease lease, seen;
	uint32_t link;
	uint32_t server;
	enum lease_event_type result;
	struct lease_epoch result_epoch;
};

enum message_kind {
	MESSAGE_TOLD,
	MESSAGE_ACK,
	MESSAGE_ASK,
	MESSAGE_CONSENT,
	MESSAGE_NEWS,
	MESSAGE_DEAD, /* of a keeper, or of a claimant that heard it: comes once or twice, late or never */
	MESSAGE_KINDS,
};

struct message {
	bool full;
	struct lease_epoch epoch;
	struct members named;
	uint64_t record;
	uint64_t sent_ns;
	uint32_t again; /* it comes so many times more */
};

struct node {
	struct lease lease;
	struct claim claim;
	uint64_t now_ns;
	bool dead;
	bool looking;
	struct exchange renewal, claimed;
	struct exchange lost; /* given up, and may still be carried out */
};

struct world {
	struct node nodes[NODES_MAX];
	struct server servers[SERVERS_MAX];
	struct message messages[MESSAGE_KINDS][NODES_MAX][NODES_MAX];
	uint32_t crashes, flushes, failovers, restarts, losses;
	uint64_t fresh; /* of notes, runs and incarnations */
};

enum step_kind {
	STEP_TICK,
	STEP_RUN,     /* a: node; its timers */
	STEP_DO,      /* b: server; carries out what a has asked of its lease */
	STEP_ANSWER,  /* ... and a hears of it */
	STEP_LOSE,    /* ... or never does, and has a new link */
	STEP_LOOK,    /* a at b */
	STEP_CLAIM,   /* a at b */
	STEP_CLAIMED, /* the answer to a */
	STEP_CLAIM_LOSE,
	STEP_LATE,    /* what a has given up is carried out by b */
	STEP_DELIVER, /* b: kind, from, to */
	STEP_REPLICATE,
	STEP_FAILOVER,
	STEP_HEAL,  /* the old primary is a replica now */
	STEP_CRASH, /* b: server; what was not on disk is gone */
	STEP_SYNC,
	STEP_FLUSH,
	STEP_RESTART, /* a */
};

struct step {
	enum step_kind kind;
	uint32_t a, b, c;
};

enum { STEPS_MAX = 96 };

void world_start(struct world *w, const struct world_settings *s);
/* All that may happen next. */
uint32_t world_steps(const struct world *w, const struct world_settings *s,
		     struct step steps[STEPS_MAX]);
void world_step(struct world *w, const struct world_settings *s, const struct step *step);
/* Owners that may speak now. */
uint32_t world_owners(const struct world *w);
/* Alike in all that matters: times count from now. */
uint64_t world_hash(const struct world *w);
void step_print(const struct step *step, const struct world *w);
/* Before the story begins. */
void world_cut(struct world *w, const struct world_settings *s);
/* From here on nothing fails any more but those that are dead, for so many ticks. True: one owner that may speak. */
bool world_recovers(struct world w, const struct world_settings *s, uint32_t ticks);

#endif
