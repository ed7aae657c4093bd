/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis, its link and cluster/store*.c as the shard knows them: commands are carried out in order, some are slow, some answers are
 * lost, and for a while nothing answers at all (then ends of calls go to the spool). What was written survives the node.
 */
#ifndef TESTS_SIM_STORE_H
#define TESTS_SIM_STORE_H

#include "sig/host/effect.h"
#include "tests/sim/node.h"

struct sim;

enum { STORE_RECORDS_MAX = 256, STORE_COMMANDS_MAX = 8192, STORE_TOLLS_MAX = 64 };

struct store_call {
	uint64_t call, version;
	struct text record;
};

struct store_entry {
	struct text user, record; /* user: TENANT:USER */
	uint64_t version, expires_ns;
};

enum store_fate {
	STORE_FATE_GOOD,
	STORE_FATE_SLOW,    /* happens after the deadline */
	STORE_FATE_NO_ACK,  /* happens, and nobody hears of it */
	STORE_FATE_DROPPED, /* does not happen */
};

struct store_command {
	enum effect_kind kind;
	enum store_fate fate;
	bool flushed, applied, answered, conflict, refused;
	uint32_t incarnation; /* of the node that asked */
	uint32_t epoch;       /* of its shard's owner */
	bool spooled;         /* on the disk of that node */
	uint32_t node, run;   /* whose; of the shard */
	uint16_t link, shard; /* over which it went, by its shard; whose it is, 0: the node's */
	uint64_t call, version, expected, ttl_ms;
	struct text user, record;
	struct cdr *cdrs;
	uint32_t cdr_count;
	/* what was there before */
	uint64_t applied_ns, before_version, before_expires_ns;
	struct text before;
};

/* What calls outside have cost a day, by shard; name: TENANT:USER. */
struct store_toll {
	char name[64];
	uint16_t shard;
	uint64_t day;
	int64_t ms;
};

struct store {
	struct store_toll tolls[STORE_TOLLS_MAX];
	uint32_t toll_count;
	struct store_call calls[STORE_RECORDS_MAX];    /* record empty: free */
	struct store_call blf_keys[STORE_RECORDS_MAX]; /* subscriptions, by their ids */
	struct store_call rooms[STORE_RECORDS_MAX];    /* conferences, likewise */
	struct store_entry entries[STORE_RECORDS_MAX];
	struct store_command *commands;  /* all of the run, in order */
	uint32_t command_count, applied; /* all below were carried out or dropped */
	uint64_t last_ns;                /* nothing is carried out before */
	bool down;
	uint32_t taken
		[SHARDS_MAX]; /* what nodes up to this incarnation ask for is refused: the shard is another's */
	uint32_t trouble; /* of a thousand commands */
	uint64_t latency_max_us;
};

void store_close(struct store *t);
/* The effects that are saves. shard: NULL of the locations. */
void store_save(const struct node *n, const struct node_shard *shard, const struct effect *e);
/* The node's buffers reach the kernel: what a kill afterwards does not undo. */
void store_flush(struct sim *s);
void store_crash(const struct node *n);
/* Another node takes a shard of a dead one: what had left that one arrives, and what is in its spool does not. */
void store_leave(const struct node *n, uint16_t shard);
/* Nobody answers this node. */
bool store_is_away(const struct node *n);
/* That node alone does not reach it until store_mend. */
void store_cut(struct node *n);
void store_mend(struct node *n);
/* It asks, and hears no answer, likewise. */
void store_deafen(struct node *n);
/* Nothing answers until store_up. */
void store_down(struct sim *s);
void store_up(struct sim *s);
/* It died and is back without what it was told in that time: acknowledged all the same. */
void store_forget(struct sim *s, uint64_t ns);
/* Of a binding. */
void store_key(struct text *out, const struct effect *e);
/* user: TENANT:USER */
const struct store_entry *store_entry(const struct sim *s, struct bytes user);
/* NULL: there is none. */
const struct store_call *store_find(const struct store *t, uint64_t call);
/* The same of a subscription. */
const struct store_call *store_find_lamp(const struct store *t, uint64_t id);
/* What a new process loads: records in the order of ids. Call after store_settle. */
void store_settle(const struct node *n);

#endif
