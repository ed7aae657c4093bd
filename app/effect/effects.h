/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out what the signalling core asks for, in order. Answers are queued, never fed back from here. Control thread. */
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

/* Sees each SIP message that is sent, before it is. */
typedef void effects_passed_fn(const struct sip_hop *hop, bool sent, struct bytes message,
			       const char *why, void *arg);

/* An order is carried out. */
typedef void effects_ordered_fn(uint64_t call, const struct effect_order *order, void *arg);

/* EFFECT_SET; its answer is a reply. */
typedef void effects_set_fn(const struct effect *set, void *arg);

/* EFFECT_LOOKUP, EFFECT_LOOKUP_STOP. */
typedef void effects_lookup_fn(const struct effect *lookup, void *arg);

/* EFFECT_RECORD and EFFECT_FORK; what fails is a reply. */
typedef void effects_record_fn(const struct effect *record, void *arg);

/* EFFECT_CONFER. */
typedef void effects_confer_fn(const struct effect *confer, void *arg);

/* A message to a shard that is not of this node: 0 or -errno. */
typedef int effects_away_fn(uint16_t from, uint16_t to, struct bytes message, void *arg);

/* Where effects go. Its address stays the same while answers are awaited. */
struct effects_to {
	struct transport *sip;
	struct inter_shard *inter_shard; /* NULL: there is no other shard */
	struct store_shard *store;       /* NULL: of no shard, for locations */
	effects_away_fn *away;
	void *away_arg;
	uint16_t shard;            /* its number */
	struct validity *validity; /* of all shards of the node */
	uint8_t place;             /* its own there */
	struct store_shared *shared;
	struct media_queue *media;
	struct sockets_link *sockets; /* what the node's keeper has of media */
	struct ahead *ahead;          /* bound for flows to come; NULL: of no shard */
	bool hurries;                 /* parties wait for its flows: what can be told later is */
	struct answers *answers;
	uint64_t
		bind_again_until_ns; /* start-up: ports of the process before may be bound until then */
	effects_passed_fn *passed; /* NULL: nobody looks */
	void *passed_arg;
	effects_ordered_fn *ordered;
	void *ordered_arg;
	effects_set_fn *set;
	void *set_arg;
	effects_confer_fn *confer;
	void *confer_arg;
	effects_lookup_fn *lookup;
	void *lookup_arg;
	effects_record_fn *record; /* NULL: nobody records */
	void *record_arg;
	struct plays *plays;
	struct mixers *mixers;
	struct ended *ended;        /* NULL: nobody wants to know */
	struct cdrs cdrs;           /* those of one call are written here */
	char json[FIELDS_JSON_MAX]; /* one is written here */
	bool *fenced;               /* set when the store says so: nothing may be said any more */
};

void effects_setup(void); /* registers the metrics; main thread, once */
/* All of *e, then clears it. */
void effects_carry_out(struct effects_to *to, struct effects *e);
/* Only flows whose sockets are there already (ahead.h); all others stay in *e. */
void effects_open_ahead(struct effects_to *to, struct effects *e);

#endif
