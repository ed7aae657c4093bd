/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One media worker: a port, its flows, and two rings to control. Everything here belongs to the
 * worker's thread, except the other ends of the rings. Tests drive it step by step on a port of
 * theirs.
 */
#ifndef ENGINE_WORKER_WORKER_H
#define ENGINE_WORKER_WORKER_H

#include <stdint.h>

#include "base/metric.h"
#include "base/rand.h"
#include "base/ring.h"
#include "base/table.h"
#include "engine/net/locals.h"
#include "engine/net/packet.h"
#include "engine/port/port.h"
#include "engine/worker/bundle.h"
#include "engine/worker/copy.h"
#include "engine/worker/detector.h"
#include "engine/worker/feedback.h"
#include "engine/worker/flow.h"
#include "engine/worker/flow_transport.h"
#include "engine/worker/job.h"
#include "engine/worker/overlay.h"
#include "engine/worker/transcoder.h"
#include "media/tap.h"

/* The media metrics that an operator sees. Registered by the main thread before workers start. */

/* Why a digit is not sent. */
enum digit_refusal {
	DIGIT_UNKNOWN, /* no telephone event */
	DIGIT_NO_PAYLOAD_TYPE,
	DIGIT_NOT_SENDING,
	DIGIT_NO_DESTINATION,
	DIGIT_QUEUE_FULL,
	DIGIT_FLOW_CHANGED, /* closed, held or no event type any more, before its turn came */
	DIGIT_REFUSALS,
};

/* What became of an ICE check. */
enum check_result {
	CHECK_ANSWERED,
	CHECK_UNAUTHENTICATED, /* 400, 401, or no answer */
	CHECK_UNKNOWN_ATTRIBUTE,
	CHECK_ROLE_CONFLICT,
	CHECK_RESULTS,
};

/* Parts of RTCP of a bundle (bundle.h). */
enum bundled_rtcp {
	BUNDLED_RTCP_MOVED,   /* to another flow than the rest of their packet */
	BUNDLED_RTCP_STRAY,   /* about no m-line: with the rest */
	BUNDLED_RTCP_NO_ROOM, /* of another flow, and lost */
	BUNDLED_RTCP_RESULTS,
};

/* What became of a number that a party misses (feedback.h). */
enum nack_result {
	NACK_ANSWERED,
	NACK_REPEATED, /* it has left again within the time to the party and back */
	NACK_LIMITED,
	NACK_NOT_FOUND, /* relayed */
	NACK_RESULTS,
};

/* What becomes of a packet of a picture that a room misses (picture_losses.h). */
enum video_missed {
	VIDEO_REPEAT_ASKED, /* each time */
	VIDEO_GIVEN_UP,
	VIDEO_MISSED_RESULTS,
};

struct media_metrics {
	metric_id packets_in, packets_out; /* RTP and RTCP; in + made = out + dropped */
	metric_id octets_in, octets_out;   /* UDP payload */
	metric_id dropped[VERDICT_COUNT];  /* of VERDICT_NONE and VERDICT_RELAY: not registered */
	metric_id send_errors, icmp_errors, events_lost, stale_commands;
	metric_id made, handed;
	metric_id withheld; /* of those out */
	metric_id checks[CHECK_RESULTS];
	metric_id bundled_rtcp[BUNDLED_RTCP_RESULTS];
	metric_id nacked[NACK_RESULTS], resend_refused;
	metric_id capture_lost, capture_refused;
	metric_id tap_lost[TAP_READERS];
	metric_id transcode_sent, transcode_failed;
	metric_id tones_mixed, tones_made, tones_missed;
	metric_id frames_encoded, frames_failed, frames_late, frames_played;
	metric_id video_shown, keyframes_requested, video_layers;
	metric_id video_missed_packets[VIDEO_MISSED_RESULTS];
	metric_id digits_sent, digits_detected, digits_refused[DIGIT_REFUSALS], digits_untold;
	/* of one worker */
	metric_id flows;
	metric_id jobs, transcoders, complexity;
	metric_id cpu_us;
	metric_id wait_us, busy;
	metric_id relayed;   /* packets sent, ours among them */
	metric_id forwarded; /* of these, in the kernel */
	metric_id rerouted;  /* flows to which it did by a next hop that is another one now */
};

enum { MEDIA_WORKERS_MAX = 16 };

/* worker: below MEDIA_WORKERS_MAX. */
void media_metrics_register_of(struct media_metrics *m, uint32_t worker);

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
	struct validity *validity; /* of the shards; NULL: no fencing */
	uint8_t index;             /* among them */
	/* At most; control changes it, the worker reads it once a second. */
	_Atomic uint64_t batch_wait_ns;
	uint64_t wait_ns; /* at present: worker.h */
	/* ease_pack: how transcoders work; control changes it likewise. */
	_Atomic uint32_t coding;
	uint64_t now_ns;       /* of the last batch */
	uint64_t tick_ns;      /* when the next tick is due */
	uint64_t cpu_us;       /* at the last tick */
	uint64_t cpu_ns;       /* when that was */
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
	uint8_t turn;         /* enum turn_line: the line with the last slice (below) */
	struct ring commands; /* control produces */
	struct ring events;   /* control consumes */
	struct capture capture;
	/* Of struct tap_packet and octets; the reader consumes them. */
	struct byte_ring taps[TAP_READERS];
	struct dtls_worker dtls;
};

/* What the flow has beside its socket, where flow.transport is not 0. */
static inline struct flow_transport *worker_transport(const struct worker *w, const struct flow *f)
{
	return &w->transports.list[f->id.slot];
}

/* The owner of its transport: itself, or its bundle's owner; NULL: that one is closed. */
static inline const struct flow *worker_owner(const struct worker *w, const struct flow *f)
{
	return f->transport & TRANSPORT_BUNDLED
		       ? flow_find(&w->flows, worker_transport(w, f)->owner)
		       : f;
}

enum { CAPTURE_WAIT = 4096 };

struct worker_settings {
	uint32_t slots, commands, events;
	/* Sockets shared by flows (flow_transport.h), as further slots of the port. */
	uint32_t shared_ports;
	uint32_t jobs;     /* that may be open */
	uint32_t captured; /* packets that may wait for their reader; 0: CAPTURE_WAIT */
	uint32_t taps;     /* octets of copies that may wait for each reader; 0: TAP_RING_OCTETS */
	uint64_t batch_wait_ns;
	uint32_t coding;           /* ease_pack; 0: the default */
	struct own_ports *own;     /* NULL: loops are not looked for, and nothing is handed over */
	struct validity *validity; /* NULL: no fencing */
	uint8_t index;             /* of the worker */
	const struct media_metrics *metrics;
};

/* Without port: set it before the first step. 0 or -errno. */
int worker_open(struct worker *w, const struct worker_settings *settings) NODISCARD;
/* Closes the flows and the port, on the thread that used them. */
void worker_leave(struct worker *w);
/* The rest, when the rings have no user any more. */
void worker_close(struct worker *w);
/* What was received goes through all stages now. */
void worker_relay(struct worker *w);
/* Receives a batch, applies waiting commands, runs the batch through all stages, then does what is
 * due by time and a slice of the jobs' work. Sleeps if there is nothing to do. */
void worker_step(struct worker *w);

/* Turns. Jobs with work wait in line. Between two polls of the port a slice is done: of the first
 * in line, and of those behind it as long as both together are no more than a slice. A job with
 * more work goes to the end of the line. Transcoders (transcoder.h), overlays (overlay.h) and
 * detectors (detector.h) have lines of their own: if several wait, they take turns. */

/* worker.turn: the last one. */
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
	TURN_NEAR = 3,        /* of waiting jobs, so many get their data prefetched */
};

/* Its timer expired, or there is something to do at once. */
void turn_queue(struct job_table *t, struct job *j);
/* A slice of work of one line, if any waits. */
void turn_slice(struct worker *w);

/* Work is in line: the worker does not sleep. */
static inline bool turn_is_queued(const struct worker *w)
{
	return w->jobs.line.first || transcoder_is_queued(&w->transcoders) ||
	       overlay_is_queued(&w->overlays) || detector_is_queued(&w->detectors);
}

/* What is due by time and not by packet. */

#define TICK_NS UINT64_C(250000000)

struct worker;
struct flow;

/* Connects the RTP socket to a stable source, and disconnects it when that changes. */
void tick_connection(struct worker *w, struct flow *f, uint64_t now_ns);
/* Counts ICMP errors about the flow's packets. */
void tick_icmp(struct worker *w, struct flow *f);
/* Now and then, at most TICK_NS apart: silence, reports of our own, telephone-events with a lost
 * end, delayed notices, sockets to connect or disconnect, failed sockets, counters of the port and
 * of CPU time. Walks all open flows: 10 ns each. */
void tick(struct worker *w, uint64_t now_ns);

/* How long a worker lets packets gather. Many of them share one sleep and one system call, at the
 * price of latency: worth it for a busy core, and not for an idle one. So the wait follows the work
 * of the last second, and is seen in the metrics. */

enum {
	PACE_LOW = 20,   /* work in thousandths of a core: up to here the least wait */
	PACE_HIGH = 100, /* and from here on all of it */
	PACE_LEAST = 4,  /* the least wait is that part of the most */
};

/* By w->busy; the worker's wait, and its metrics. */
void pace_set(struct worker *w);

#endif
