/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of SIP messages and media for other tools: traces of calls into files, and the export to a
 * collector (watch_sink.h). A thread of its own writes and sends, fed by bounded rings: a slow disk
 * or a missing collector delays no call; what does not fit is lost and counted. The functions here
 * are for the control thread.
 */
#ifndef APP_WATCH_WATCH_H
#define APP_WATCH_WATCH_H

#include "app/watch/watch_sink.h"
#include "sig/shard/shard.h"

struct engine;
struct watch;

enum { WATCH_TRACES_MAX = 8 /* at once */ };

struct watch_limits {
	bool decrypted; /* traces may show what is encrypted on the wire */
	uint64_t quota; /* octets of all files, with what running traces may come to */
	uint32_t files;
	uint64_t keep_ns;
};

struct watch_settings {
	const char *state_dir;
	struct engine *engine;            /* borrowed */
	const struct shard_local *locals; /* our SIP addresses, by sip_hop.local; borrowed */
	uint32_t local_count;
	struct watch_limits limits;
	struct hep_settings hep;
};

struct trace_order {
	uint64_t call;  /* 0: the next one of user */
	uint16_t shard; /* one of this node: its file has that in its name then */
	char user[64];
	char tenant[32]; /* of that user; "": any */
	enum trace_side side;
	uint64_t octets;
	uint32_t seconds;
	bool decrypted;
};

/* Of a trace that runs. */
struct trace_view {
	const char *name, *user;
	uint64_t call, octets_max, octets, packets, lost;
	uint32_t seconds;
	bool decrypted;
};

void watch_setup(void); /* registers the metrics; main thread, once */
/* Starts the thread. 0 or -errno. */
int watch_open(struct watch **out, const struct watch_settings *settings) NODISCARD;
/* Ends all traces, whole, and the thread. Before the engine closes. NULL is fine. */
void watch_close(struct watch *w);
/* After a reload. Traces that would not be allowed any more end. */
void watch_configure(struct watch *w, const struct watch_limits *limits,
		     const struct hep_settings *hep);
/* Whether any trace or export needs SIP messages: else nothing about them is computed. */
bool watch_wants(const struct watch *w);
/* A message that was received from there, or is being sent there. call: 0: of none. */
void watch_message(struct watch *w, const struct sip_hop *hop, bool sent, uint64_t call,
		   struct bytes message);
/* Whether a trace waits for a call. */
bool watch_waits(const struct watch *w);
/* A new call: a trace that waits for it begins. False: none waits. */
bool watch_catch(struct watch *w, const struct call_view *call, struct instant now,
		 struct trace_view *out);
/* For traces alone: a former message, or one made up from the call's record. */
struct watch_past {
	uint64_t call, utc_ms;
	struct sip_hop hop;
	bool sent, made, decrypted; /* decrypted: for traces that are */
	struct bytes message;
};
void watch_past(struct watch *w, const struct watch_past *p);
/* Our address of that hop. */
struct addr watch_local(const struct watch *w, const struct sip_hop *hop);
/* Twice a second: closes finished traces, and ends those of calls that are gone. */
typedef bool watch_view_fn(uint64_t call, struct call_view *out, void *arg);
void watch_tick(struct watch *w, watch_view_fn *view, void *arg, struct instant now);

/* 0 and *out (also for a repeated order), -EPERM (decrypted), -EALREADY (another trace of the call
 * runs), -EMFILE (too many run), -EDQUOT (no room in the folder), or -errno of the file. */
int watch_trace_start(struct watch *w, const struct trace_order *order, struct instant now,
		      struct trace_view *out) NODISCARD;
/* 0 or -ENOENT: none runs. It ends a moment later. */
int watch_trace_stop(struct watch *w, struct bytes name) NODISCARD;
/* The trace that writes this file, or of this call; false: it does not run. */
bool watch_trace_by_name(const struct watch *w, struct bytes name, struct trace_view *out);
bool watch_trace_by_call(const struct watch *w, uint64_t call, struct trace_view *out);
const struct trace_store *watch_trace_store(const struct watch *w);

#endif
