/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out effects of the signalling core, in order. Answers are queued, never fed from here. */
#ifndef APP_NODE_EFFECTS_H
#define APP_NODE_EFFECTS_H

#include "app/effect/answers.h"
#include "app/effect/media_queue.h"
#include "app/schema/fields.h"
#include "cluster/store/store.h"
#include "sig/host/effect.h"

struct inter_shard;
struct transport;
struct validity;

/* Sees each SIP message before it is sent. call: its call; 0: unknown. */
typedef void effects_passed_fn(const struct sip_hop *hop, bool sent, uint64_t call,
			       struct bytes message, const char *why, void *node);

/* An effect that another part of the node carries out; an ask is answered by a reply. */
typedef void effects_node_fn(const struct effect *e, void *node);

/* A message to a shard that is not of this node: 0 or -errno. */
typedef int effects_away_fn(uint16_t from, uint16_t to, struct bytes message, void *node);

/* Where effects go. Its address stays the same while answers are awaited. */
struct effects_to {
	struct transport *sip;
	struct inter_shard *inter_shard; /* NULL: there is no other shard */
	struct store_shard *store;       /* NULL: of no shard, for locations */
	effects_away_fn *away;
	uint16_t shard;            /* its number */
	struct validity *validity; /* of all shards of the node */
	uint8_t place;             /* its own there */
	struct store_shared *shared;
	struct media_queue *media;
	struct sockets_link *sockets; /* sockets that the node's keeper holds */
	struct ahead *ahead;          /* bound for flows to come; NULL: of no shard */
	bool hurries;                 /* parties wait for its flows: what can be told later is */
	struct answers *answers;
	/* At a start, ports of the former process may still be bound until then. */
	uint64_t bind_again_until_ns;
	effects_passed_fn *passed;
	/* by enum effect_kind; NULL: it is carried out here */
	effects_node_fn *const *carries;
	void *node; /* for all of these */
	struct plays *plays;
	struct mixers *mixers;
	struct ended *ended;        /* NULL: not recorded */
	struct cdrs cdrs;           /* those of one call are written here */
	char json[FIELDS_JSON_MAX]; /* one is written here */
	bool *fenced;               /* set when the store says so: the shard falls silent */
};

void effects_setup(void); /* registers the metrics; main thread, once */
/* All of *e, then clears it. */
void effects_carry_out(struct effects_to *to, struct effects *e);
/* Only flows that have their sockets already (ahead.h); all others stay in *e. */
void effects_open_prebound(struct effects_to *to, struct effects *e);

#endif
