/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node: its shards, which are the real ones, their locations, and app/effect/effects.c and app/daemon/round.c in small. It can be killed
 * between any two effects; then what had left stays said, and a new process starts from the store. A shard of it can be lost alone.
 */
#ifndef TESTS_SIM_NODE_H
#define TESTS_SIM_NODE_H

#include "base/bytes.h"
#include "sig/host/settings.h"
#include "sig/shard/shard.h"
#include "sig/sip/hop.h"

struct sim;
struct store_command;
struct inter_shard;

enum { LOCALS = SIP_TRANSPORTS }; /* listening addresses, then those of IPv6 */
enum { NODE_PORTS = 64 };         /* pairs, of each family */
enum { NODES_MAX = 3, NODE_HOME_MAX = 4, SHARDS_MAX = NODES_MAX * NODE_HOME_MAX };
enum { NODE_EXTENSIONS = 16 };
enum { SHARD_FIRST = 7 }; /* the others follow, node by node */

enum { NODE_ORDERS_MAX = 64 };

/* Below these: hold, resume, mute, unmute and dtmf, of leg a and of leg b each. */
enum order_what {
	ORDER_OF_APPLICATION = 10, /* answers */
	ORDER_SPLIT_A,
	ORDER_SPLIT_B,
	ORDER_PLAYS,
	ORDER_COLLECTS,
	ORDER_STOPS,
	ORDER_WHATS,
	/* of stories alone */
	ORDER_DIALS = ORDER_WHATS,
	ORDER_ECHOES_LATE,
	ORDER_PAUSES,
	ORDER_GOES_ON,
	ORDER_GOES_BACK,
	ORDER_RECORDS, /* of leg a: as enum order_record */
	ORDER_RECORD_WHATS = 4,
	ORDER_RECORD_PAUSES = ORDER_RECORDS + 1,
	ORDER_RECORD_GOES_ON,
	ORDER_RECORD_STOPS,
	ORDER_LEAVES_MESSAGE,
	ORDER_ACCOUNTS, /* its account code */
	ORDER_PAGES,    /* the record page of leg a has it recorded */
};

/* A command to a call, as its client has it. */
struct node_order {
	uint64_t call, id, what;
	uint64_t with;   /* joins alone: the other call */
	uint32_t number; /* of its answer; 0: none came */
	uint32_t sent;   /* how often it was given */
};

/* What was commanded, of all nodes. */
struct node_orders {
	struct node_order list[NODE_ORDERS_MAX];
	uint32_t count, calls; /* calls: that commands made */
};

struct node_shard {
	struct shard *core; /* NULL: down, or lost, or with another node */
	struct shard *idle; /* what this process had as its core, without calls */
	uint16_t number;
	bool fenced;    /* it knows: not one word more */
	uint32_t epoch; /* of its owner */
	uint64_t
		silent_ns; /* its lease is past since then, and nothing of it leaves; 0: it is not */
	bool withheld;     /* something that it said meanwhile */
	bool leaving;      /* by plan: it does nothing but to wait for saves */
	bool degraded;     /* ... cannot wait for any now */
	uint32_t run;      /* each of an owner is another one */
};

/* Where addresses go with their shards: who has which, by its place. */
struct node_owner {
	uint32_t node; /* whose it is, or was */
	uint32_t epoch;
	bool vacant;  /* that one is dead, and nobody has taken it yet */
	uint32_t run; /* each of an owner is another one */
};

enum { NODE_HELD = 256, NODE_FARS = 8 };

/* A message of a connection, for a shard that nobody runs just now (app/node/node_edge.h). */
struct node_held {
	struct sip_hop from;
	struct text message;
	uint64_t until_ns;
};

/* A command that waits for what another node says of the other call (app/command/command_request.h). */
struct node_far {
	uint64_t order, serial; /* serial: 0: none */
};

struct node {
	struct sim *sim;
	uint32_t index;
	struct locations *locations; /* NULL: down */
	struct node_shard shards[SHARDS_MAX];
	uint32_t shard_count;
	struct inter_shard *inter_shard;           /* between several */
	struct shard_shared_tables *shared_tables; /* of several */
	struct hop_edges edges;                    /* connections of others (link.h) */
	struct node_held *held;
	uint32_t held_count;
	struct node_far fars[NODE_FARS];
	uint64_t lamps_heard; /* the processes that were heard a second ago, as one number */
	struct quota *quota;  /* of this process */
	struct tenants *tenants;
	struct rooms *rooms; /* NULL: there is none to call */
	struct dial_plans *dials;
	struct trunks *trunks;
	struct sites *sites;
	struct trunk_numbers *numbers;
	struct toll *toll;
	uint16_t tenant, other_tenant; /* of the phones, and of decoys.h */
	struct shard_settings settings;
	struct rand_source rand; /* of its shards */
	uint32_t incarnation;    /* each process of the run has another one */
	uint64_t timer_ns;       /* for when a look at the timers is queued */
	uint32_t crashes_left;
	uint32_t crash_in; /* effects until the next kill; 0: none is planned */
	uint32_t fence_in; /* effects until another owner takes the shard; 0: none will */
	bool degraded;
	bool cut;                         /* the store is there, and this node does not reach it */
	bool deaf;                        /* ... or does not hear it */
	uint64_t away_ns;                 /* when that, or an outage, ended last */
	uint64_t degraded_ns, started_ns; /* when it was last, and began */
	uint64_t health_serial;
	int64_t utc_step_ms;                 /* the wall clock is not steady */
	uint64_t documents[NODE_EXTENSIONS]; /* versions of those that it has */
	uint64_t
		restored_ns; /* its last start that found something to go on with, or its last shard of another node */
};

/* ---- which ---- */
bool node_is_up(const struct node *n);
/*
 * A place is an address where phones register: that of a node, or where addresses go with their shards (sim.floats) that of a shard.
 * False: it is none.
 */
bool node_place_at(const struct sim *s, const struct addr *addr, uint32_t *place);
struct addr node_place(const struct sim *s, uint32_t place);
/* Who has it now. It may be down, or not have it any more. */
struct node *node_of_place(struct sim *s, uint32_t place);
/* Somebody answers there. */
bool node_place_lives(const struct sim *s, uint32_t place);
/* The process, or the owner of the shard: after a kill another one. */
uint32_t node_run(const struct sim *s, uint32_t place);
/* Of the shard that has the call, which may leave a process and come back to it. place: where the phone speaks with it. */
uint32_t node_run_of_call(const struct sim *s, uint64_t call, uint32_t place);
/* NULL: none of them has that address. */
struct node *node_at(struct sim *s, const struct addr *addr);
/* That process; NULL: it is gone. */
struct node *node_of_process(struct sim *s, uint32_t incarnation);
/* Whose shard has the call, whether it is up or not. Of an id that is of none: the first. */
struct node *node_of_call(const struct sim *s, uint64_t call);
/* The place of that shard: with links a phone's call may be at another one than its connection. Without: the one given. */
uint32_t node_place_of_call(const struct sim *s, uint64_t call, uint32_t otherwise);
/* The shard that has the call; NULL: it is down, or lost. */
struct shard *node_core(const struct sim *s, uint64_t call);
/* Nobody else has taken it. */
bool node_shard_is_owner(const struct node *n, const struct node_shard *shard);
/* The shard of that number there; NULL: it is not there. */
struct shard *node_core_of(struct node *n, uint64_t call);
/* As the node has it, live or not; NULL: it never has it. */
const struct node_shard *node_shard_there(struct node *n, uint64_t call);
/* Its first shard that lives, or NULL. */
struct shard *node_core_any(const struct node *n);
/* All calls of all nodes, in their order. */
struct node_calls {
	uint32_t node, shard, call;
};
bool node_call_next(const struct sim *s, struct node_calls *cursor, struct call_view *out);

/* The lease of a shard is past: its owner stands still, or nobody hears it. Nothing happens where it has none. */
void node_lapse_at(struct sim *s, uint32_t place);
/* A shard is handed over, all of it saved. Nothing happens where that cannot be now. */
void node_hand_over(struct sim *s, uint32_t place, uint32_t to);

void node_begin(struct sim *s);
void node_close(struct sim *s);
/* With its settings as they are now, and from what the store has. */
void node_restart(struct node *n);
/* The store says that the shard is another owner's. */
void node_fenced(struct node *n, struct node_shard *shard);
/* The store came or went. */
void node_health(struct node *n, bool healthy);
/* So it is for the node; each shard was told by itself. */
void node_health_of(struct node *n, bool healthy);

/* ---- node_lease.c: where leases say whose a shard is (sim.leases) ---- */
void node_leases_begin(struct sim *s);
/* What a lease says. */
bool node_lease_may_load(const struct sim *s, uint32_t node, uint32_t place);
void node_lease_live(struct sim *s, uint32_t node, uint32_t place, uint32_t epoch);
void node_lease_again(struct sim *s, uint32_t node, uint32_t place, uint32_t epoch);
void node_lease_past(struct sim *s, uint32_t node, uint32_t place);
void node_lease_gone(struct sim *s, uint32_t node, uint32_t place);
void node_lease_health(struct sim *s, uint32_t node, uint32_t place, bool healthy);
void node_lease_wanted(struct sim *s, uint32_t node, uint32_t place);
void node_lease_stays(struct sim *s, uint32_t node, uint32_t place);
bool node_lease_may_give(const struct sim *s, uint32_t node, uint32_t place);
void node_lease_give(struct sim *s, uint32_t node, uint32_t place);
/* What a scenario does. */
void node_stand(struct node *n, uint64_t ns);
void node_want(struct sim *s, uint32_t place, uint32_t to);
/* It does nothing, and nothing leaves it. */
bool node_stands(const struct node *n);

/* ---- events; nothing happens while the node is down ---- */
void node_receive(struct node *n, const struct sip_hop *from, struct bytes message);
void node_send_failed(struct node *n, const struct sip_hop *to);
void node_send_failed_by(struct node *n, const struct sip_hop *to, int error);
void node_connection_closed(struct node *n, const struct sip_hop *hop);
void node_saved(struct node *n, const struct store_command *c, bool ok);
void node_media_event(struct node *n, const struct media_event *ev);
/* Told later: an effect is being carried out. */
void node_media_failed(struct node *n, struct flow_id id, uint64_t call);
void node_hangup(struct sim *s, uint64_t call);
/* A command that makes a call. */
void node_originate(struct node *n, uint32_t from, uint32_t to);
/* One of the commands to a call (enum order_what). Its client may give it again. */
void node_command(struct sim *s, uint64_t call, uint64_t what);
/* A party is given to an extension, or the caller that is alone goes on to it. */
void node_transfer(struct sim *s, uint64_t call, enum shard_leg leg, uint32_t to);
/* It rings, and goes on to an extension. */
/* status: 400 to 699 */
void node_reject(struct sim *s, uint64_t call, uint32_t status);
void node_deflect(struct sim *s, uint64_t call, uint32_t to);
/* One of each call speaks with one of the other. */
void node_join(struct sim *s, uint64_t call, enum shard_leg leg, uint64_t with,
	       enum shard_leg with_leg);
/* Calls of two of its shards become one conversation. False: there are none. */
/* Two calls become a conference; with 0: one, with an extension that it rings. */
void node_confer(struct sim *s, uint64_t call, uint64_t with, uint32_t to);
/* The parties of the other one come into the conference of the call. */
void node_confer_into(struct sim *s, uint64_t call, uint64_t with);
bool node_join_any(struct node *n, struct rand_source *rand);
/* The last of these once more. */
void node_again(struct sim *s);

/* Something of it changed beside an event. */
void node_carry_on(struct node *n);
/* What became of a feature code. */
void node_set_told(struct node *n, uint32_t extension, uint64_t call,
		   const struct set_reply *outcome);

/* What a name leads to. The node is there. */
void node_lookup_told(struct node *n, uint64_t call, const struct lookup_reply *outcome);

uint16_t node_local(const struct sim *s, uint32_t place, enum sip_transport transport,
		    uint8_t family);
struct instant node_now(const struct node *n);
/* Its clock at that time of the run. */
uint64_t node_boot_ns(const struct node *n, uint64_t now_ns);
const char *node_extension(uint32_t i, char out[16]);
uint32_t node_extension_index(const char *number);

#endif
