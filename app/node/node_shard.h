/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shards of a node. Each has its own lease, records, calls, transactions and timers, and loses
 * them alone: one that another node has taken falls silent, and the others go on. The rest belongs
 * to the node. Control thread.
 */
#ifndef APP_NODE_NODE_SHARD_H
#define APP_NODE_NODE_SHARD_H

#include "app/doctor/ended.h"
#include "app/effect/ahead.h"
#include "app/effect/effects.h"
#include "base/validity.h"
#include "sig/location/locations.h"
#include "sig/shard/shard.h"

struct node;

enum { NODE_SHARDS_MAX = 16 };

enum node_shard_state {
	/* For its lease, or for its calls; in a cluster, perhaps until its owner is gone. */
	NODE_SHARD_WAITING,
	NODE_SHARD_LIVE,
	NODE_SHARD_LOST, /* another node has it */
};

struct node_shard;
typedef void node_shard_fn(struct node_shard *s);

/* Media sockets of a shard that another node still has (node_ahead_prepare). */
struct node_prebound {
	struct ahead sockets;
	bool peeks; /* Redis is asked what calls the shard has */
	bool loads; /* its lease is ours, and calls come in */
	/* bits: networks with sockets bound before their addresses are here; 0: no more */
	uint32_t networks;
	uint64_t until_ns;
	node_shard_fn *done;         /* called then */
	struct media_event **events; /* of flows that were opened before the shard is live */
	uint32_t event_count;
};

struct node_shard {
	struct node *node;
	uint16_t number;
	enum node_shard_state state;
	bool home;           /* of this node's file; else of another node of the cluster */
	bool listening;      /* LIVE: at its floating networks */
	bool owned;          /* WAITING: it has the lease, and its calls are to be loaded */
	bool busy;           /* WAITING: Redis was asked */
	bool watches;        /* WAITING: another has the lease, and may be alive */
	bool fenced;         /* found since the last round */
	bool silent;         /* LIVE: its lease has lapsed; reported to operators */
	uint64_t live_ns;    /* LIVE: since when, */
	int64_t live_utc_ms; /* for people */
	uint64_t withheld;   /* packets and messages until then */
	uint64_t unsaid;     /* those that the shard was told of */
	struct store_shard *store;
	struct shard *core; /* NULL: not open yet, or silent */
	struct effects_to effects_to;
	uint64_t retry_ns;       /* WAITING: when it is tried again */
	uint64_t wants_until_ns; /* WAITING: its live owner is asked for it; 0: no */
	uint64_t wants_again_ns; /* WAITING: not before */
	bool wants_now;          /* ... and all phones are known */
	bool wants_offered;      /* ... only while its owner offers it to any node */
	/* LIVE: it takes no more messages, and goes to that node once all is saved; 0: it stays */
	uint64_t gives_to;
	uint64_t gives_ns;        /* since when */
	uint64_t offered_ns;      /* LIVE: when another node was last asked to want it */
	store_done_fn *loaded;    /* WAITING: called with its calls and subscriptions */
	node_shard_fn *addressed; /* WAITING: called when its addresses are here */
	uint32_t addresses_asked; /* so many answers of the keeper are on their way */
	bool has_addresses;       /* WAITING: whatever could come has */
	bool has_calls;           /* WAITING: and subscriptions */
	struct node_prebound ahead;
	enum object_kind loads; /* WAITING: the kind of the records being read */
	uint64_t toll_day;      /* WAITING: the day of the call costs being read */
	uint32_t check_cursor;  /* where the look at records goes on; 0: at the first call */
};

/* All of them. */
struct node_shards {
	struct node_shard list[NODE_SHARDS_MAX];
	uint32_t count;
	struct validity validity; /* in their order from place 1 on */
	struct answers answers;
	struct effects_to effects_to; /* of locations; each shard has its own */
	struct ended ended;
};

/* ---- lookup ---- */

/* NULL: the node has none of that number that is live. */
struct node_shard *node_shard_find(struct node *n, uint16_t number);
/* The core of a call, or of its id;
 * if that shard is not ours, another one, which does not know the call. */
struct shard *node_core(const struct node *n, uint64_t call);
/* The day of limits of calls outside, as shard_toll_now. */
struct toll_now node_toll_now(const struct node *n, uint16_t tenant);
/* Every core that is open, from *cursor on; 0 at first. NULL: no more. */
struct shard *node_core_next(const struct node *n, uint32_t *cursor);
/* A new call by command: the same command finds the same shard while that lives. */
uint16_t node_shard_of_command(const struct node *n, struct bytes command);
/* Gives a received message to its shard. behind_ns: as shard_behind.
 * False: the shard is not here just now. */
bool node_shards_dispatch(struct node *n, const struct sip_hop *from, struct bytes message,
			  uint64_t behind_ns, struct instant now);
/* The same; a message without a shard that is not retransmitted is held (node_edge.h). */
void node_shards_receive(struct node *n, const struct sip_hop *from, struct bytes message,
			 uint64_t behind_ns, struct instant now);
/* Messages of other shards of the node to it, while it is live. False: none. */
bool node_shard_receive(struct node_shard *s);
uint32_t node_shards_live(const struct node *n);

/* ---- in a cluster ---- */

/* The node takes shards of nodes that are gone, and runs without any of its own. */
bool node_is_clustered(const struct node *n);
/* The shard that the network's address moves with; 0: the node. */
uint16_t node_network_shard(const struct node *n, uint32_t network);
/* A claim of this node counts: the shard is its own from then on, and is loaded from Redis; or its
 * lapsed lease is valid again. */
void node_shard_claimed(struct node_shard *s, const struct lease_grant *grant);
/* ... its addresses go, and it is not live; then its memory is freed, some ms for many calls. */
void node_shard_step_back(struct node_shard *s);
void node_shard_clear(struct node_shard *s);
/* Known phones, as far as Redis has newer ones. */
void node_shard_load_phones(struct node_shard *s, store_done_fn *done);
/* Its lease is asked for. */
void node_shard_claim(struct node_shard *s);
/* SIP listens at the floating networks of all live shards. */
void node_shards_listen(struct node *n);

/* ---- from a node that lives to another one: node_hand.c ---- */

/* The node asks for a shard of another one. False: it has it, or is about to. */
bool node_shard_request(struct node_shard *s);
/* Another node says that this one is to ask for it (cluster.rebalance). */
void node_shard_on_request_order(struct node_shard *s);
/* The node takes no calls: by command, or before its end. */
bool node_leaves(const struct node *n);
/* store_shard_settings.wanted, with the shard. */
void node_shard_on_request(uint64_t by, void *arg);
/* It is live, and is not about to be given away. */
bool node_shard_listens(const struct node_shard *s);
void node_hand_beat(struct node *n, uint64_t now_ns);
void node_hand_expire(struct node *n, uint64_t now_ns);
uint64_t node_hand_next_ns(const struct node *n);
/* End of a round: what waited for the answers of Redis is given. */
void node_hand_round(struct node *n, uint64_t now_ns);
/* Some node may take the shards of this one. */
bool node_hand_is_possible(const struct node *n);

/* ---- media of a shard that comes from a node that lives ---- */

/* Binds sockets for the calls that Redis has. done: in any case, if the shard is still wanted. */
void node_ahead_prepare(struct node_shard *s, node_shard_fn *done);
/* Flows of the calls that are loaded by now are opened, where the shard's addresses are here. */
void node_ahead_open(struct node_shard *s);
/* WAITING: the event is of such a flow, and is kept until the shard is live. */
bool node_ahead_keeps(struct node *n, const struct media_event *event);
/* It is live, and has been resumed. */
void node_ahead_notify(struct node_shard *s);
/* Drops what is left of it. */
void node_ahead_close(struct node_shard *s);
/* End of a round. True: a shard is being loaded, and what can wait does. */
bool node_ahead_round(struct node *n);

/* ---- sums ---- */

/* Sums, over those that are live. */
void node_counts(const struct node *n, struct shard_counts *out);
bool node_call_view(const struct node *n, uint64_t call, struct call_view *out);

/* ---- life: node_shard_life.c ---- */

/* One for each number of the settings; opens nothing. */
void node_shards_name(struct node *n);
/* Its part of what calls outside have cost (sig/host/toll.h). */
uint8_t node_shard_toll(const struct node_shard *s);
/* Its place in validity, which others read. */
uint8_t node_shard_place(const struct node_shard *s);
/* Their stores, all on the node's link. 0 or -errno. */
int node_shards_store_open(struct node *n) NODISCARD;
/* Their cores; of the settings all but the number. 0 or -errno. */
int node_shards_core_open(struct node *n, struct shard_settings *settings) NODISCARD;
/* It has the lease. done: called with s. */
void node_shard_load_calls(struct node_shard *s, store_done_fn *done);
/* Drops what was loaded so far; at a start, before any flow is opened. */
void node_shard_forget(struct node_shard *s);
/* They are there: it is live. */
void node_shard_loaded(struct node_shard *s);
/* The lease was refused. True: its holder is alive, so the shard is lost; reported to operators. */
bool node_shard_is_held(struct node_shard *s);
/* Those that wait are tried again. */
void node_shards_beat(struct node *n, uint64_t now_ns);
/* Reports which of them may not send any more, or may again. */
void node_shards_validity(struct node *n, uint64_t now_ns);
/* Looks for some records of each in Redis. */
void node_shards_check(struct node *n);
/* Those fenced since the last round fall silent. False: none is left. */
bool node_shards_fence(struct node *n);
void node_shards_expire(struct node *n, struct instant now);
uint64_t node_shards_next_ns(const struct node *n);
void node_shards_store_close(struct node *n);
void node_shards_close(struct node *n);

void node_shards_setup(void); /* metrics; main thread, once */
void node_shards_metrics(const struct node *n);
/* Adds an event that is of no call to the tenant's stream, and clears it. */
void node_event(struct node *n, const char *tenant, struct sig_event *event);
/* As a carrier of EFFECT_EVENT: all features that carry it hear the event. */
void node_event_carry(const struct effect *e, void *node);

#endif
