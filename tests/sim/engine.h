/* SPDX-License-Identifier: Apache-2.0 */
/* The media engine as control sees it: flows that are opened, hear their party, and give their counters when they are closed. */
#ifndef TESTS_SIM_ENGINE_H
#define TESTS_SIM_ENGINE_H

#include "media/flow.h"

struct sim;
struct node;
struct event;

enum { ENGINE_FLOWS_MAX = 192, ENGINE_STREAMS_MAX = 512 };

struct engine_flow {
	bool open;
	struct node *node;
	bool closing; /* it was told to close: whom it had for a peer may have another one by now */
	uint64_t serial;
	struct flow_spec spec;
	uint64_t opened_ns;
	uint64_t srtp_next;   /* next index that would be sent */
	uint64_t key_serial;  /* keys it has had */
	uint64_t counted_ns;  /* up to when packets are counted in it */
	uint64_t received_ns; /* when the party was heard last, or what is expected of it changed */
	bool silent;          /* and was told */
};

/* The indexes sent under one key and SSRC, over all restarts (RFC 3711 9.1: none twice). */
struct engine_stream {
	struct media_key key;
	uint32_t ssrc;
	uint64_t next; /* above all that were sent */
	/* The latest flow that sends, where it began, and above all of those before it. */
	uint64_t sender, first, before;
};

/* Of all nodes. */
struct engine {
	struct engine_flow flows[ENGINE_FLOWS_MAX];
	uint32_t open_count;
	uint64_t serial;
	struct engine_stream streams[ENGINE_STREAMS_MAX];
	uint32_t stream_count;
	uint32_t fail, digit; /* of a thousand */
};

void engine_command(struct node *n, const struct media_command *c, uint64_t call);
/* Flows of a shard send no more (node_shard.silent_ns): what they did is counted. */
void engine_silence(struct node *n, uint16_t shard);
/* Some of a shard are open still. */
bool engine_has(const struct node *n, uint16_t shard);
/* The process is gone, and all flows with it. */
void engine_crash(struct node *n);
/* Peers point at each other; NULL or what is wrong. Between two steps of the node. */
const char *engine_look(struct engine *e);

/* ---- for the engine's own files ---- */
/* event.who and .a are place and serial of a flow; NULL: it is gone. */
struct engine_flow *engine_flow_at(struct sim *s, const struct event *e);
struct media_event engine_event_of(const struct engine_flow *f, enum media_event_kind kind);
void engine_listen(struct sim *s, uint32_t at);
/* It has a new key. */
void engine_key(struct sim *s, struct engine_flow *f, const struct media_key *in,
		const struct media_key *out);

/* ---- engine_dtls.c ---- */
/* It may want keys: they come when the browser knows of it. */
void engine_dtls_look(struct sim *s, struct engine_flow *f);
/* Which keys it goes on with. */
void engine_dtls_update(struct engine_flow *f, const struct flow_spec *before);
/* What the browser waits for leaves. */
void engine_flight(struct sim *s, struct engine_flow *f);

#endif
