/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of a worker thread: receive a batch, apply commands, run the stages in order, do what is
 * due by time, and one slice of jobs; and the tick, four times a second, which walks all flows for
 * silence, reports, notices and faults. All media goes through worker_step; there is no lock, no
 * allocation and no log line on that path. It also decides how long to gather packets before a
 * wake, by the load of the last second.
 */

#include <assert.h>
#include <stddef.h>

#include "base/clock.h"
#include "engine/worker/control.h"
#include "engine/worker/copy.h"
#include "engine/worker/feedback.h"
#include "engine/worker/latch.h"
#include "engine/worker/originate.h"
#include "engine/worker/shortcut.h"
#include "engine/worker/stage.h"
#include "engine/worker/worker.h"

enum {
	IDLE_S = 3600,
	GATHER = 2 * BATCH_MAX, /* packets that end the wait for more */
};

static inline void capture_stage(struct worker *w, const struct batch *b, enum capture_point point)
{
	if (UNLIKELY(w->flows.watched))
		capture_copy(w, b, point);
}

static inline void tap_in_stage(struct worker *w, const struct batch *b)
{
	if (UNLIKELY(w->flows.tapped))
		leg_tap_in(w, b);
}

static inline void tap_out_stage(struct worker *w, const struct batch *b)
{
	if (UNLIKELY(w->flows.tapped))
		leg_tap_out(w, b);
}

/* A packet's path without its end. A stage never calls the next nor frees; it sets pkt->verdict. */
static void stages(struct worker *w, struct batch *b)
{
	shared_stage(w, b);   /* single-port mode: which flow's it is */
	flow_fetch(w, b);     /* prefetch, if there are many */
	shortcut_stage(w, b); /* what the kernel forwarded before them */
	ordinary_stage(w, b); /* the first so many: all at once */
	demux_stage(w, b);    /* RTP, RTCP, neither, or of a flow that is not looked into */
	flow_stage(w, b);     /* its port, flow and peer */
	capture_stage(w, b, CAPTURE_IN_WIRE);
	ice_stage(w, b);       /* WebRTC: checks, pairs, and which flow of a bundle */
	latch_stage(w, b);     /* is it from the party? */
	dtls_stage(w, b);      /* handshakes end here */
	unprotect_stage(w, b); /* SRTP: it is from the party, and plain from here on */
	bundle_stage(w, b);    /* RTCP: which flow of a bundle */
	feedback_stage(w, b);  /* WebRTC: when what the party numbers came */
	capture_stage(w, b, CAPTURE_IN_PLAIN);
	tap_in_stage(w, b);  /* for recorders */
	rewrite_stage(w, b); /* RTP: the peer's numbers, or why not */
	measure_stage(w, b); /* loss, jitter, digits */
	consume_stage(w, b); /* RTP to the job that the party hears */
	rtcp_stage(w, b);    /* RTCP: the peer's numbers, or why not */
	opaque_stage(w, b);  /* other lines: as it is, or why not */
	capture_stage(w, b, CAPTURE_OUT_PLAIN);
	tap_out_stage(w, b); /* for recorders */
	protect_stage(w, b); /* SRTP: what leaves for a party with keys */
	resend_stage(w, b);  /* video: what a party may ask for again */
	capture_stage(w, b, CAPTURE_OUT_WIRE);
	stage_flag(w, b); /* what control wants to save */
}

/* What one flow of the worker sends to another: the same way again, for that one. */
static NOINLINE void relay_handed(struct worker *w, struct batch *b)
{
	uint32_t from = 0;

	for (uint32_t i = 0; hand_over(w, b, from); i++) {
		from = b->count;
		stages(w, &w->handed);
		hand_back(w, b);
		if (i == HANDS_MAX - 1) {
			hand_refuse(w, b, from);
			return;
		}
	}
}

static void relay(struct worker *w, struct batch *b)
{
	stages(w, b);
	if (UNLIKELY(w->flows.own > 0 && w->own))
		relay_handed(w, b);
	out_stage(w, b); /* sent or dropped, and counted */
}

/* RTCP of a bundle about other flows than the one its packet went on with. */
static void relay_parts(struct worker *w, struct batch *b)
{
	if (LIKELY(w->parts.count == 0))
		return;
	bundle_parts(w, b);
	capture_stage(w, b, CAPTURE_IN_PLAIN);
	tap_in_stage(w, b);
	rtcp_stage(w, b);
	capture_stage(w, b, CAPTURE_OUT_PLAIN);
	tap_out_stage(w, b);
	protect_stage(w, b);
	capture_stage(w, b, CAPTURE_OUT_WIRE);
	out_stage(w, b);
}

static uint64_t sleep_ns(const struct worker *w)
{
	uint64_t next_ns = w->tick_ns;

	if (w->flows.count == 0 && !w->holds)
		return IDLE_S * NS_PER_S;
	if (w->wheel.running > 0 && wheel_next_ns(&w->wheel) < next_ns)
		next_ns = wheel_next_ns(&w->wheel);
	return next_ns > w->now_ns ? next_ns - w->now_ns : 0;
}

/* What is due within the 20 ms of a packet. */
static void timers_expire(struct worker *w)
{
	struct wheel_timer *t;

	while ((t = wheel_expire(&w->wheel, w->now_ns)) != NULL) {
		switch ((enum worker_timer)t->kind) {
		case TIMER_DIGIT:
			digits_expire(w, &w->flows.list[t->owner]);
			break;
		case TIMER_FEEDBACK:
			feedback_expire(w, &w->flows.list[t->owner]);
			break;
		case TIMER_JOB:
			turn_queue(&w->jobs, &w->jobs.list[t->owner]);
			break;
		case TIMER_OVERLAY:
			overlay_expire(w, &w->flows.list[t->owner]);
			break;
		case TIMER_EAR:
			detector_expire(w, &w->flows.list[t->owner]);
			break;
		}
	}
	originate_flush(w);
}

/* Under load full batches are waited for, but not longer than wait_ns (worker.h): so many packets
 * share the cost of one sleep and one system call. Without any, the worker sleeps until something
 * comes. */
static void worker_receive(struct worker *w, struct batch *b)
{
	const struct port_ops *ops = w->port->ops;
	bool works = turn_is_queued(w); /* there is no time to wait */

	if (w->flows.count > 0) {
		ops->rx(w->port, b, GATHER, works ? 0 : w->wait_ns);
		w->now_ns = b->now_ns;
	}
	if (b->count == 0 && !works) {
		bool idle = ring_sleep(&w->commands) && dtls_sleep(w);

		ops->rx(w->port, b, 1, idle ? sleep_ns(w) : 0);
		if (idle)
			ring_awake(&w->commands);
		dtls_awake(w);
	}
	w->now_ns = b->now_ns;
	if (UNLIKELY(w->wheel.tick == 0))
		wheel_open(&w->wheel, w->now_ns);
}

void worker_relay(struct worker *w)
{
	relay(w, &w->batch);
	relay_parts(w, &w->batch);
	resend_flush(w);
}

void worker_step(struct worker *w)
{
	worker_receive(w, &w->batch);
	capture_drain(w);
	control_drain(w, w->now_ns); /* first: a party that got an SDP answer sends at once */
	worker_relay(w);
	shortcuts_start(w); /* of flows with everything sent */
	dtls_results(w);
	if (w->wheel.running > 0)
		timers_expire(w);
	if (UNLIKELY(turn_is_queued(w)))
		turn_slice(w);
	if (w->now_ns >= w->tick_ns)
		tick(w, w->now_ns);
}

/* Between the two it grows in proportion. */
static uint64_t pace_wait_ns(uint64_t most_ns, uint32_t busy)
{
	uint64_t least_ns = most_ns / PACE_LEAST;

	if (busy <= PACE_LOW)
		return least_ns;
	if (busy >= PACE_HIGH)
		return most_ns;
	return least_ns + (most_ns - least_ns) * (busy - PACE_LOW) / (PACE_HIGH - PACE_LOW);
}

int worker_open(struct worker *w, const struct worker_settings *s)
{
	int err;

	*w = (struct worker){ .metrics = s->metrics,
			      .own = s->own,
			      .validity = s->validity,
			      .index = s->index,
			      .batch_wait_ns = s->batch_wait_ns,
			      .coding = s->coding ? s->coding
						  : ease_pack(CODING_COMPLEXITY, EASE_BUSY),
			      .wait_ns = pace_wait_ns(s->batch_wait_ns, 0) };
	w->commands.wake_fd = w->events.wake_fd = -1;
	w->capture.packets.wake_fd = w->capture.orders.wake_fd = -1;
	w->transcoders.complexity =
		(uint8_t)ease_most(atomic_load_explicit(&w->coding, memory_order_relaxed));
	rand_open_system(&w->rand);
	w->cname_key = (struct hash_key){ rand_u64_from(&w->rand), rand_u64_from(&w->rand) };
	err = flow_table_open(&w->flows, s->slots);
	if (!err)
		err = flow_transports_open(&w->transports, s->slots, s->shared_ports, &w->rand);
	if (!err)
		err = resend_pool_open(&w->resend);
	if (!err)
		err = job_table_open(&w->jobs, s->jobs);
	if (!err)
		err = transcoder_line_open(&w->transcoders, s->slots);
	if (!err)
		err = overlay_line_open(&w->overlays, s->slots);
	if (!err)
		err = detector_line_open(&w->detectors, s->slots);
	if (!err)
		err = ring_open(&w->commands, sizeof(struct media_command), s->commands);
	if (!err)
		err = ring_open(&w->events, sizeof(struct media_event), s->events);
	if (!err)
		err = capture_open(&w->capture, s->captured ? s->captured : CAPTURE_WAIT);
	for (int i = 0; !err && i < TAP_READERS; i++)
		err = byte_ring_open(&w->taps[i], s->taps ? s->taps : TAP_RING_OCTETS);
	w->commands.wipes = w->events.wipes = true; /* keys */
	if (err)
		worker_close(w);
	return err;
}

void worker_leave(struct worker *w)
{
	if (!w->port)
		return;
	control_close_all(w);
	w->port->ops->close(w->port);
	w->port = NULL;
}

void worker_close(struct worker *w)
{
	worker_leave(w);
	ring_close(&w->commands);
	ring_close(&w->events);
	capture_close(&w->capture);
	for (int i = 0; i < TAP_READERS; i++)
		byte_ring_close(&w->taps[i]);
	resend_pool_close(&w->resend);
	job_table_close(&w->jobs);
	transcoder_line_close(&w->transcoders);
	overlay_line_close(&w->overlays);
	detector_line_close(&w->detectors);
	flow_transports_close(&w->transports);
	flow_table_close(&w->flows);
	dtls_worker_close(w);
	*w = (struct worker){ 0 };
}

void pace_set(struct worker *w)
{
	uint32_t busy = atomic_load_explicit(&w->busy, memory_order_relaxed);

	w->wait_ns =
		pace_wait_ns(atomic_load_explicit(&w->batch_wait_ns, memory_order_relaxed), busy);
	/* without flows there is nothing to wait for: it sleeps until it is called */
	metric_set(w->metrics->wait_us, w->flows.count > 0 ? w->wait_ns / NS_PER_US : 0);
	metric_set(w->metrics->busy, busy);
}

enum { TICK_PREFETCH = 4 }; /* flows */

void tick_connection(struct worker *w, struct flow *f, uint64_t now_ns)
{
	struct latch *l = &f->latch_rtp;
	/* a check may come from anywhere */
	bool stable = !(f->transport & TRANSPORT_PAIRS) && latch_is_stable(f, now_ns);

	if (stable == f->connected)
		return;
	if (w->port->ops->connect(w->port, f->id.slot, stable ? &l->source : NULL) == 0)
		f->connected = stable;
	else
		l->since_ns = now_ns; /* without a route, say: not connected */
}

void tick_icmp(struct worker *w, struct flow *f)
{
	uint32_t n = w->port->ops->icmp_errors(w->port, f->id.slot);

	if (LIKELY(n == 0))
		return;
	f->stats.icmp_errors += n;
	metric_add(w->metrics->icmp_errors, n);
}

/* A party that only listens sends RTCP, at least once. */
static bool is_expected(const struct flow *f)
{
	return f->receive || (f->send && !flow_has_received(f));
}

static void silence_tick(struct worker *w, struct flow *f, uint64_t now_ns)
{
	struct media_event event;
	uint64_t since_ns;

	if (f->silence_ns == 0 || !is_expected(f))
		return;
	since_ns = flow_received_ns(f);
	if (since_ns == f->silent_told_ns || now_ns - since_ns < f->silence_ns)
		return;
	event = event_of(f, MEDIA_FLOW_SILENT);
	event.listens = !f->receive;
	if (event_send(w, &event)) /* full: it stays due */
		f->silent_told_ns = since_ns;
}

/* Before anything is made: if a bundle's owner ends, all its flows lose their path, which packets
 * of this tick would use. */
static void transports_tick(struct worker *w, uint64_t now_ns)
{
	if (w->transports.count == 0)
		return;
	for (uint32_t i = 0; i < w->flows.count; i++) {
		struct flow *f = &w->flows.list[w->flows.active[i]];

		if (f->transport)
			flow_transport_tick(w, f, now_ns);
	}
}

static void lines_fetch(const struct flow *f, size_t from, size_t to)
{
	for (size_t at = from / FLOW_LINE * FLOW_LINE; at < to; at += FLOW_LINE)
		__builtin_prefetch((const char *)f + at);
}

/* What of a flow a tick looks at. Of many that are idle it is in no cache. */
static void flow_tick_fetch(const struct flow *f)
{
	lines_fetch(f, 0, offsetof(struct flow, jitter));
	lines_fetch(f, offsetof(struct flow, events), sizeof(*f));
}

static void flows_tick(struct worker *w, uint64_t now_ns)
{
	for (uint32_t i = 0; i < w->flows.count; i++) {
		struct flow *f = &w->flows.list[w->flows.active[i]];
		struct event_done done;

		if (i + TICK_PREFETCH < w->flows.count)
			flow_tick_fetch(&w->flows.list[w->flows.active[i + TICK_PREFETCH]]);
		shortcut_tick(w, f, now_ns);
		if (event_tracker_expire(&f->events, now_ns, &done))
			event_digit(w, f, &done);
		if (f->notice || flow_last_sent_outran(&w->flows, f))
			event_flag(w, f, now_ns);
		tick_connection(w, f, now_ns);
		tick_icmp(w, f);
		silence_tick(w, f, now_ns);
		flow_pace_tick(f);
		reports_tick(w, f, now_ns);
		keyframe_tick(w, f);
	}
}

/* The flow stays open, deaf, until control closes it. */
static void faults_tick(struct worker *w)
{
	struct port_fault fault;

	while (w->port->ops->fault(w->port, &fault)) {
		struct media_event event = { .kind = MEDIA_FLOW_FAILED };

		if (fault.slot < w->flows.capacity) /* else it is of no one flow */
			event = event_of(&w->flows.list[fault.slot], MEDIA_FLOW_FAILED);
		event.error = fault.error;
		if (!event_send(w, &event))
			metric_add(w->metrics->events_lost, 1);
	}
}

/* Smoothed over some four ticks. */
static void busy_tick(struct worker *w, uint64_t cpu_us, uint64_t now_ns)
{
	uint64_t passed_us = (now_ns - w->cpu_ns) / NS_PER_US;
	uint64_t busy = passed_us ? (cpu_us - w->cpu_us) * 1000 / passed_us : 0;
	uint64_t before = atomic_load_explicit(&w->busy, memory_order_relaxed);

	busy = (3 * before + (busy > 1000 ? 1000 : busy)) / 4;
	atomic_store_explicit(&w->busy, (uint32_t)busy, memory_order_relaxed);
	w->cpu_ns = now_ns;
}

static void metrics_tick(struct worker *w, uint64_t now_ns)
{
	uint64_t cpu_us = clock_thread_cpu_ns() / NS_PER_US;

	busy_tick(w, cpu_us, now_ns);
	pace_set(w);
	ease_set(w);
	metric_add(w->metrics->send_errors, w->port->ops->send_errors(w->port));
	if (UNLIKELY(w->port->withheld > 0)) {
		metric_add(w->metrics->withheld, w->port->withheld);
		w->port->withheld = 0;
	}
	metric_add(w->metrics->cpu_us, cpu_us - w->cpu_us);
	w->cpu_us = cpu_us;
}

void tick(struct worker *w, uint64_t now_ns)
{
	w->tick_ns = now_ns + TICK_NS;
	transports_tick(w, now_ns);
	flows_tick(w, now_ns);
	dtls_tick(w, now_ns);
	originate_flush(w);
	faults_tick(w);
	w->transports.refusals = 0;
	metrics_tick(w, now_ns);
}

static metric_id walk_counter(const char *name, const char *labels, const char *help)
{
	return metric_register(METRIC_COUNTER, name, labels, help);
}

#define WORKER(n) "worker=\"" #n "\""

static const char *const WORKER_LABELS[MEDIA_WORKERS_MAX] = {
	WORKER(0),  WORKER(1),  WORKER(2),  WORKER(3),  WORKER(4),  WORKER(5),
	WORKER(6),  WORKER(7),  WORKER(8),  WORKER(9),  WORKER(10), WORKER(11),
	WORKER(12), WORKER(13), WORKER(14), WORKER(15),
};

void media_metrics_register_of(struct media_metrics *m, uint32_t worker)
{
	static const char TAP_LOST[] =
		"Packets of tapped calls that were not copied for their reader for lack of room";
	static const char *const DIGIT_LABELS[DIGIT_REFUSALS] = {
		[DIGIT_UNKNOWN] = "reason=\"unknown_digit\"",
		[DIGIT_NO_PAYLOAD_TYPE] = "reason=\"no_payload_type\"",
		[DIGIT_NOT_SENDING] = "reason=\"not_sending\"",
		[DIGIT_NO_DESTINATION] = "reason=\"no_destination\"",
		[DIGIT_QUEUE_FULL] = "reason=\"queue_full\"",
		[DIGIT_FLOW_CHANGED] = "reason=\"flow_changed\"",
	};
	static const char *const CHECK_LABELS[CHECK_RESULTS] = {
		[CHECK_ANSWERED] = "result=\"answered\"",
		[CHECK_UNAUTHENTICATED] = "result=\"unauthenticated\"",
		[CHECK_UNKNOWN_ATTRIBUTE] = "result=\"unknown_attribute\"",
		[CHECK_ROLE_CONFLICT] = "result=\"role_conflict\"",
	};
	static const char *const PART_LABELS[BUNDLED_RTCP_RESULTS] = {
		[BUNDLED_RTCP_MOVED] = "result=\"moved\"",
		[BUNDLED_RTCP_STRAY] = "result=\"stray\"",
		[BUNDLED_RTCP_NO_ROOM] = "result=\"no_room\"",
	};
	static const char *const NACK_LABELS[NACK_RESULTS] = {
		[NACK_ANSWERED] = "result=\"answered\"",
		[NACK_REPEATED] = "result=\"repeated\"",
		[NACK_LIMITED] = "result=\"limited\"",
		[NACK_NOT_FOUND] = "result=\"not_found\"",
	};
	static const char *const MISSED_LABELS[VIDEO_MISSED_RESULTS] = {
		[VIDEO_REPEAT_ASKED] = "result=\"asked\"",
		[VIDEO_GIVEN_UP] = "result=\"given_up\"",
	};
	static const char PACKETS[] = "RTP and RTCP packets on the media ports";
	static const char FRAMES[] = "Frames of sounds that are played by what became of them";
	static const char CODED[] = "RTP packets between parties without a common codec: "
				    "transcoded and sent, or not to be decoded, encoded or sent";
	static const char TONES[] = "RTP packets of tones within a conversation: mixed into what "
				    "came, made where nothing came, or without the tone";
	static const char OCTETS[] = "UDP payload on the media ports";

	assert(worker < MEDIA_WORKERS_MAX);
	m->packets_in = walk_counter("tandem_media_packets_total", "direction=\"in\"", PACKETS);
	m->packets_out = walk_counter("tandem_media_packets_total", "direction=\"out\"", PACKETS);
	m->octets_in = walk_counter("tandem_media_bytes_total", "direction=\"in\"", OCTETS);
	m->octets_out = walk_counter("tandem_media_bytes_total", "direction=\"out\"", OCTETS);
	for (enum verdict v = VERDICT_RELAY + 1; v < VERDICT_COUNT; v++)
		m->dropped[v] = walk_counter("tandem_media_dropped_packets_total", verdict_label(v),
					     "Packets received on the media ports and not relayed");
	m->handed = walk_counter(
		"tandem_media_handed_packets_total", NULL,
		"RTP and RTCP packets from one flow of a worker to another, of a conversation "
		"over two shards: handed over and not sent, and counted as sent and received");
	m->withheld = walk_counter(
		"tandem_media_withheld_packets_total", NULL,
		"Packets counted as sent that were not after all: before the call of the kernel "
		"the lease of a shard was past");
	m->made = walk_counter(
		"tandem_media_made_packets_total", NULL,
		"RTP and RTCP packets made here: digits, sounds, reports, parts of RTCP of "
		"bundles, video sent again");
	m->tap_lost[TAP_RECORD] =
		walk_counter("tandem_media_tap_lost_packets_total", "reader=\"record\"", TAP_LOST);
	m->tap_lost[TAP_LIVE] =
		walk_counter("tandem_media_tap_lost_packets_total", "reader=\"live\"", TAP_LOST);
	m->tap_lost[TAP_FORK] =
		walk_counter("tandem_media_tap_lost_packets_total", "reader=\"fork\"", TAP_LOST);
	m->capture_lost =
		walk_counter("tandem_media_capture_lost_packets_total", NULL,
			     "Packets of watched flows that were not copied for lack of room");
	m->capture_refused = walk_counter("tandem_media_capture_refused_total", NULL,
					  "Calls that were not watched because too many are");
	m->digits_sent = walk_counter("tandem_media_digits_sent_total", NULL,
				      "Digits sent as telephone events, or as tones");
	m->digits_detected = walk_counter("tandem_media_digits_heard_total", NULL,
					  "Digits of parties that were heard as tones");
	m->digits_untold =
		walk_counter("tandem_media_digits_untold_total", NULL,
			     "Digits of parties beyond 20 a second: relayed, and told to nobody");
	for (enum digit_refusal why = 0; why < DIGIT_REFUSALS; why++)
		m->digits_refused[why] = walk_counter(
			"tandem_media_digits_refused_total", DIGIT_LABELS[why],
			"Digits that were to be sent as telephone events, or tones, and were not");
	for (enum check_result r = 0; r < CHECK_RESULTS; r++)
		m->checks[r] = walk_counter("tandem_media_ice_checks_total", CHECK_LABELS[r],
					    "ICE checks of parties");
	for (enum bundled_rtcp r = 0; r < BUNDLED_RTCP_RESULTS; r++)
		m->bundled_rtcp[r] =
			walk_counter("tandem_media_bundled_rtcp_parts_total", PART_LABELS[r],
				     "Parts of RTCP of bundles by what became of them");
	for (enum nack_result r = 0; r < NACK_RESULTS; r++)
		m->nacked[r] =
			walk_counter("tandem_media_nacked_packets_total", NACK_LABELS[r],
				     "Video packets that parties missed by what became of that");
	m->resend_refused =
		walk_counter("tandem_media_resend_refused_total", NULL,
			     "Video flows without a buffer of packets for lack of room");
	m->frames_encoded =
		walk_counter("tandem_media_job_frames_total", "result=\"encoded\"", FRAMES);
	m->frames_failed =
		walk_counter("tandem_media_job_frames_total", "result=\"failed\"", FRAMES);
	m->frames_late = walk_counter("tandem_media_job_frames_total", "result=\"late\"", FRAMES);
	m->frames_played = walk_counter("tandem_media_job_packets_total", NULL,
					"RTP packets of sounds that were played to parties");
	m->video_shown = walk_counter("tandem_media_picture_packets_total", NULL,
				      "Video packets that members of conferences were sent");
	m->keyframes_requested =
		walk_counter("tandem_media_picture_requests_total", NULL,
			     "Key frames that members of conferences were asked for");
	m->video_layers = walk_counter(
		"tandem_media_picture_layer_changes_total", NULL,
		"Times that members of conferences got another size of a picture that comes in "
		"several (simulcast, RFC 8853)");
	for (enum video_missed r = 0; r < VIDEO_MISSED_RESULTS; r++)
		m->video_missed_packets[r] = walk_counter(
			"tandem_media_picture_losses_total", MISSED_LABELS[r],
			"Video packets of members that conferences missed, by what became of that");
	m->transcode_sent =
		walk_counter("tandem_media_coded_packets_total", "result=\"sent\"", CODED);
	m->transcode_failed =
		walk_counter("tandem_media_coded_packets_total", "result=\"failed\"", CODED);
	m->tones_mixed = walk_counter("tandem_media_tone_packets_total", "result=\"mixed\"", TONES);
	m->tones_made = walk_counter("tandem_media_tone_packets_total", "result=\"made\"", TONES);
	m->tones_missed =
		walk_counter("tandem_media_tone_packets_total", "result=\"missed\"", TONES);
	m->send_errors = walk_counter("tandem_media_send_errors_total", NULL,
				      "Relayed packets that the kernel refused to send");
	m->icmp_errors = walk_counter("tandem_media_icmp_errors_total", NULL,
				      "ICMP errors that came back for packets sent to parties");
	m->events_lost = walk_counter("tandem_media_events_lost_total", NULL,
				      "Digits not reported because control did not keep up");
	m->stale_commands = walk_counter("tandem_media_stale_commands_total", NULL,
					 "Commands for flows that are gone");
	m->flows = metric_register(METRIC_GAUGE, "tandem_media_flows", WORKER_LABELS[worker],
				   "Open flows");
	m->jobs = metric_register(METRIC_GAUGE, "tandem_media_jobs", WORKER_LABELS[worker],
				  "Open jobs: sounds that are played, and late echoes");
	m->transcoders =
		metric_register(METRIC_GAUGE, "tandem_media_coders", WORKER_LABELS[worker],
				"Flows of parties with audio that is transcoded for the other one");
	m->complexity = metric_register(
		METRIC_GAUGE, "tandem_media_coder_complexity", WORKER_LABELS[worker],
		"Complexity of Opus, 0 to 10, with which audio is transcoded now: less under load");
	m->cpu_us = metric_register_per(METRIC_COUNTER, "tandem_media_worker_cpu_seconds_total",
					WORKER_LABELS[worker], "CPU time of the media workers",
					1000000);
	m->wait_us = metric_register_per(
		METRIC_GAUGE, "tandem_media_worker_wait_seconds", WORKER_LABELS[worker],
		"How long the worker lets packets gather; 0: it sleeps until one comes", 1000000);
	m->busy = metric_register_per(METRIC_GAUGE, "tandem_media_worker_busy_ratio",
				      WORKER_LABELS[worker],
				      "Work of the worker in the last second, of one core", 1000);
	m->relayed = walk_counter("tandem_media_worker_packets_total", WORKER_LABELS[worker],
				  "RTP and RTCP packets sent by each worker");
	m->forwarded = walk_counter("tandem_media_forwarded_packets_total", WORKER_LABELS[worker],
				    "RTP packets of these that the kernel forwarded itself");
	m->rerouted = walk_counter("tandem_media_rerouted_total", WORKER_LABELS[worker],
				   "Parties with a next hop that changed, or was lost, while the "
				   "kernel forwarded to them");
}
