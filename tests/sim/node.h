/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node: the real shard, and app/node/effects.c and app/node/node_round.c in small. It can be killed between any two effects; then what had
 * left stays said, and a new shard starts from the store.
 */
#ifndef TESTS_SIM_NODE_H
#define TESTS_SIM_NODE_H

#include "sig/shard/shard.h"

struct sim;
struct store_command;

enum { LOCALS = SIP_TRANSPORTS }; /* listening addresses, then those of IPv6 */
enum { NODE_PORTS = 64 };         /* pairs, of each family */

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
};

/* A command to a call, as its client has it. */
struct node_order {
	uint64_t call, id, what;
	uint64_t with;   /* joins alone: the other call */
	uint32_t number; /* of its answer; 0: none came */
	uint32_t sent;   /* how often it was given */
};

struct node {
	struct shard *shard; /* NULL: down */
	struct locations *locations;
	struct quota *quota; /* of this process */
	struct tenants *tenants;
	uint16_t tenant, other_tenant; /* of the phones, and of decoys.h */
	struct shard_settings settings;
	struct rand_source rand; /* the shard's */
	uint32_t incarnation;
	uint64_t timer_ns; /* for when a look at the timers is queued */
	uint32_t crashes_left;
	uint32_t effects;  /* carried out */
	uint32_t crash_in; /* effects until the next kill; 0: none is planned */
	uint32_t fence_in; /* effects until another owner takes the shard; 0: none will */
	bool fenced;       /* it knows: not one word more */
	bool degraded;
	uint64_t health_serial;
	int64_t utc_step_ms; /* the wall clock is not steady */
	struct addr addr;
	uint32_t commands; /* that made calls */
	struct node_order orders[NODE_ORDERS_MAX];
	uint32_t order_count;
};

void node_begin(struct sim *s);
void node_close(struct sim *s);
/* With its settings as they are now, and from what the store has. */
void node_restart(struct sim *s);
/* The store says that the shard is another owner's. */
void node_fenced(struct sim *s);
/* The store came or went. */
void node_health(struct sim *s, bool healthy);

/* ---- events; nothing happens while the node is down ---- */
void node_receive(struct sim *s, const struct sip_hop *from, struct bytes message);
void node_send_failed(struct sim *s, const struct sip_hop *to);
void node_connection_closed(struct sim *s, const struct sip_hop *hop);
void node_saved(struct sim *s, const struct store_command *c, bool ok);
void node_media_event(struct sim *s, const struct media_event *ev);
/* Told later: an effect is being carried out. */
void node_media_failed(struct sim *s, struct flow_id id, uint64_t call);
void node_hangup(struct sim *s, uint64_t call);
/* A command that makes a call. */
void node_originate(struct sim *s, uint32_t from, uint32_t to);
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
/* The last of these once more. */
void node_again(struct sim *s);

/* What became of a feature code. */
void node_set_told(struct sim *s, uint32_t extension, uint64_t call, const struct set_news *news);

/* What a name leads to. The node is there. */
void node_lookup_told(struct sim *s, uint64_t call, const struct lookup_news *news);

uint16_t node_local(enum sip_transport transport, uint8_t family);
struct instant node_now(const struct sim *s);
const char *node_extension(uint32_t i, char out[16]);
uint32_t node_extension_index(const char *number);

#endif
