/* SPDX-License-Identifier: Apache-2.0 */
/* Between leases*.c. */
#ifndef TESTS_SIM_LEASES_STATE_H
#define TESTS_SIM_LEASES_STATE_H

#include "base/rand.h"
#include "tests/sim/leases.h"
#include "tests/sim/queue.h"

enum { REDIS_PAST_MAX = 4096 };

/* As Redis has it. */
struct redis_lease {
	bool has;
	struct lease_epoch epoch;
	uint64_t owner; /* node; 0: a note */
	uint64_t renewal;
	uint32_t link;
	struct members named;
	uint32_t want; /* 1 + the node that asks for it; 0: none does */
};

struct redis_past {
	uint64_t ns;
	uint32_t place;
	struct redis_lease before;
};

enum lease_command_kind {
	COMMAND_QUESTION, /* what: enum lease_action */
	COMMAND_LOOK,
	COMMAND_CLAIM,
	COMMAND_WANT,
	COMMAND_GIVE, /* what: to that node */
};

/* One command to Redis, and its answer. */
struct lease_command {
	enum lease_command_kind kind;
	unsigned what;
	uint32_t node, place, process, connection;
	uint32_t waits;     /* events that will look at it */
	bool settled, done; /* done: Redis has carried it out */
	struct redis_lease write;
	struct claim_lease seen; /* of a claim, or of one who takes what it has watched */
	bool watched;
	/* the answer */
	uint32_t want;
	enum lease_event_type result;
	struct redis_lease found;
	uint64_t history;
};

/* A shard as a node has it. */
struct lease_holder {
	bool known, home;
	struct lease lease;
	struct claim_lease watch; /* cluster/store/lease.c */
	uint64_t watch_ns;
	bool live, loading, asking;
	bool grant_waits;
	struct lease_grant grant;
	struct lease_epoch loads; /* when loading began */
	uint64_t retry_ns;
	uint32_t turn;           /* of the place, when it went live */
	uint64_t live_ns;        /* when that was */
	bool acquired;           /* and not claimed */
	uint64_t wants_until_ns; /* it asks its owner for it; 0: it does not */
	uint32_t gives_to;       /* 1 + the node that asks for it; 0: none does */
	uint64_t gives_ns;
};

struct lease_node {
	struct sim *sim;
	uint32_t index;
	bool up, linked;
	uint32_t process, connection;
	uint64_t run; /* of the Redis that it has a connection to */
	uint64_t started_ns;
	uint32_t rate; /* of its clock, of a thousand */
	bool asks_cut, answers_cut;
	uint64_t stands_until_ns; /* of true time */
	uint64_t loads_until_ns;  /* likewise */
	uint64_t hello_ns, names_ns;
	uint64_t received_ns[LEASES_NODES];
	bool left[LEASES_NODES]; /* it said so */
	struct claims *claims;
	struct lease_holder holders[LEASES_PLACES];
};

struct lease_place {
	uint32_t turn;      /* how often somebody went live with it */
	uint64_t vacant_ns; /* since its owner was killed; 0: it was not */
	uint64_t given_ns;  /* since its owner gave it away; 0: it did not */
	uint64_t forgot_ns; /* when Redis forgot who owned it, or all names; 0: never */
};

struct leases {
	struct leases_settings set;
	struct rand_source rand; /* of its own: other stories stay as they were */
	struct lease_node nodes[LEASES_NODES];
	struct lease_place places[LEASES_PLACES];
	struct redis_lease redis[LEASES_PLACES];
	struct redis_past past[REDIS_PAST_MAX];
	uint64_t past_count;
	bool away, rests;
	uint64_t away_ns;   /* since when it is */
	uint64_t run, note; /* run: of the process of Redis */
	bool parted[LEASES_NODES][LEASES_NODES];
	uint32_t lost, twice, late;
	uint32_t processes;
	struct lease_command *commands;
	uint32_t command_count, command_capacity;
	struct leases_totals totals;
};

/* ---- leases.c ---- */
bool lease_chance(struct sim *s, uint32_t permille);
uint64_t lease_between_us(struct sim *s, uint32_t low, uint32_t high); /* in ns */
/* Never two owners that may speak. */
void lease_check(struct sim *s, uint32_t place);

/* ---- leases_redis.c ---- */
void redis_carry_out(struct sim *s, struct lease_command *c);
void redis_forget(struct sim *s, uint64_t ns);

/* ---- leases_link.c ---- */
void lease_ask(struct lease_node *n, const struct lease_command *command);
void lease_link_down(struct lease_node *n);
void lease_link_up(struct lease_node *n);
void lease_say(uint64_t to, const struct peer_item *item, void *node);
/* True: it stands still, and the event comes again when it goes on. */
bool lease_node_stands(struct sim *s, const struct lease_node *n, const struct event *e);

/* ---- leases_node.c ---- */
uint64_t lease_now(const struct lease_node *n);
uint64_t lease_node_id(const struct lease_node *n);
void lease_answered(struct lease_node *n, const struct lease_command *c);
void lease_heard(struct lease_node *n, uint32_t from, const struct peer_item *item);
void lease_link_told(struct lease_node *n, bool connected);
/* HELLO or LEAVING, to all others. */
void lease_hello(struct lease_node *n, enum peer_kind kind);
void lease_node_start(struct lease_node *n);

#endif
