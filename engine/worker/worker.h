/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One media worker: a port, its flows, and two rings to control. Everything here belongs to the worker's thread, but the far
 * ends of the rings. Tests drive it step by step on a port of theirs.
 */
#ifndef ENGINE_WORKER_WORKER_H
#define ENGINE_WORKER_WORKER_H

#include "base/rand.h"
#include "base/ring.h"
#include "base/table.h"
#include "engine/net/locals.h"
#include "engine/port/port.h"
#include "engine/worker/bundle.h"
#include "engine/worker/copy.h"
#include "engine/worker/detector.h"
#include "engine/worker/feedback.h"
#include "engine/worker/flow.h"
#include "engine/worker/flow_transport.h"
#include "engine/worker/job.h"
#include "engine/worker/metrics.h"
#include "engine/worker/overlay.h"
#include "engine/worker/transcoder.h"

/* Of worker.wheel; the owner is the slot of a flow, or of a job. */
enum worker_timer {
	TIMER_DIGIT,
	TIMER_FEEDBACK,
	TIMER_JOB,
	TIMER_OVERLAY,
	TIMER_EAR,
};

struct worker {
	struct port *port;
	const struct media_metrics *metrics;
	struct own_ports *own;     /* of all workers; NULL: not known */
	struct validity *validity; /* of the shards; NULL: all may speak */
	uint8_t index;             /* among them */
	_Atomic uint64_t
		batch_wait_ns; /* at most; control changes it, the worker reads it once a second */
	uint64_t wait_ns;      /* at present: tick.h */
	_Atomic uint32_t
		coding;   /* ease_pack: how transcoders are to work; control changes it likewise */
	uint64_t now_ns;  /* of the last batch */
	uint64_t tick_ns; /* when the next tick is due */
	uint64_t cpu_us;  /* at the last tick */
	uint64_t cpu_ns;  /* when that was */
	_Atomic uint32_t busy; /* work of the last second or so, in thousandths; control reads it */
	struct flow_table flows;
	struct flow_transports transports;
	struct wheel wheel; /* opened at the first step */
	struct rand_source rand;
	struct hash_key cname_key;
	bool stopping;
	bool holds; /* held did not fit into the event ring yet */
	struct media_event held;
	struct batch batch;
	struct batch handed; /* stage.h */
	struct bundle_parts parts;
	struct resend_pool resend;
	struct job_table jobs;
	struct transcoder_line transcoders;
	struct overlay_line overlays;
	struct detector_line detectors;
	uint8_t turn; /* enum turn_line: whose slice was the last one (engine/worker/worker.h) */
	struct ring commands; /* control produces */
	struct ring events;   /* control consumes */
	struct capture capture;
	struct byte_ring
		taps[TAP_READERS]; /* of struct tap_packet and octets; the reader consumes */
	struct dtls_worker dtls;
};

/* What the flow has beside its socket, where flow.transport is not 0. */
static inline struct flow_transport *worker_transport(const struct worker *w, const struct flow *f)
{
	return &w->transports.list[f->id.slot];
}

/* Whose transport it is reached by: its own, or that of its bundle; NULL: the bundle's owner is gone. */
static inline const struct flow *worker_owner(const struct worker *w, const struct flow *f)
{
	return f->transport & TRANSPORT_BUNDLED
		       ? flow_find(&w->flows, worker_transport(w, f)->owner)
		       : f;
}

enum { CAPTURE_WAIT = 4096 };

struct worker_settings {
	uint32_t slots, commands, events;
	uint32_t
		shared_ports; /* sockets that flows share (shared.h); the port has so many slots more */
	uint32_t jobs;        /* that may be open */
	uint32_t captured; /* packets that may wait for their reader; 0: CAPTURE_WAIT */
	uint32_t taps;     /* octets of copies that may wait for each reader; 0: TAP_RING_OCTETS */
	uint64_t batch_wait_ns;
	uint32_t coding;           /* ease_pack; 0: the default */
	struct own_ports *own;     /* NULL: loops are not looked for, and nothing is handed over */
	struct validity *validity; /* NULL: all may speak */
	uint8_t index;             /* of the worker */
	const struct media_metrics *metrics;
};

/* Without port: set it before the first step. 0 or -errno. */
int worker_open(struct worker *w, const struct worker_settings *settings) NODISCARD;
/* Closes the flows and the port, on the thread that used them. */
void worker_leave(struct worker *w);
/* The rest, when nobody uses the rings any more. */
void worker_close(struct worker *w);
/* What was received goes through all stages now. */
void worker_relay(struct worker *w);
/* Receives a batch, applies the commands that wait, takes the batch through all stages, then does what is due by time and a slice of what jobs have to do. Sleeps when there is nothing to do. */
void worker_step(struct worker *w);

/*
 * Who works next. Jobs whose time has come stand in line. Between two polls of the port a slice is done: of the first in line, and of
 * those behind it as long as both together are no more than a slice. Who has more to do goes to the end of the line. Transcoders (coder.h) and
 * overlays (overlay.h) have lines of their own, and detectors (ear.h): where several wait, they take turns.
 */

/* worker.turn: who had it last. */
enum turn_line {
	TURN_JOBS,
	TURN_TRANSCODERS,
	TURN_OVERLAYS,
	TURN_DETECTORS,
	TURN_LINES,
};

enum {
	TURN_SLICE = 64,      /* packets; what else is done is counted as so many (track.c) */
	TURN_PACKET_NS = 200, /* of one through protect and out */
	TURN_NEAR = 3,        /* of those who wait, so many have what they need brought near */
};

/* Its timer expired, or there is something to do at once. */
void turn_want(struct job_table *t, struct job *j);
/* A slice of work of one line, if any waits. */
void turn_take(struct worker *w);

/* Somebody is in line: the worker does not sleep. */
static inline bool turn_is_wanted(const struct worker *w)
{
	return w->jobs.line.first || transcoder_is_wanted(&w->transcoders) ||
	       overlay_is_wanted(&w->overlays) || detector_is_wanted(&w->detectors);
}

#endif
