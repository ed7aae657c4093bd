/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/worker/worker.h"

#include "base/clock.h"
#include "engine/worker/control.h"
#include "engine/worker/copy.h"
#include "engine/worker/feedback.h"
#include "engine/worker/latch.h"
#include "engine/worker/originate.h"
#include "engine/worker/shortcut.h"
#include "engine/worker/stage.h"
#include "engine/worker/tick.h"

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

/* A packet's way but for its end. A stage never calls the next and never frees; it sets pkt->verdict. */
static void stages(struct worker *w, struct batch *b)
{
	shared_stage(w, b);   /* single-port mode: which flow's it is */
	flow_fetch(w, b);     /* where there are many */
	shortcut_stage(w, b); /* what the kernel forwarded before them */
	ordinary_stage(w, b); /* the first so many: all at once */
	demux_stage(w, b);    /* RTP, RTCP, neither, or of a flow that is not looked into */
	flow_stage(w, b);     /* whose port it came to, and who is the peer */
	capture_stage(w, b, CAPTURE_IN_WIRE);
	ice_stage(w, b);       /* WebRTC: checks, pairs, and which flow of a bundle */
	latch_stage(w, b);     /* is it from the party? */
	dtls_stage(w, b);      /* handshakes end here */
	unprotect_stage(w, b); /* SRTP: it is from the party, and plain from here on */
	bundle_stage(w, b);    /* RTCP: which flow of a bundle */
	feedback_stage(w, b);  /* WebRTC: when what the party numbers came */
	capture_stage(w, b, CAPTURE_IN_PLAIN);
	tap_in_stage(w, b);  /* for who records */
	rewrite_stage(w, b); /* RTP: the peer's numbers, or why not */
	measure_stage(w, b); /* loss, jitter, digits */
	take_stage(w, b);    /* RTP to who makes what the party hears */
	rtcp_stage(w, b);    /* RTCP: the peer's numbers, or why not */
	opaque_stage(w, b);  /* other lines: as it is, or why not */
	capture_stage(w, b, CAPTURE_OUT_PLAIN);
	tap_out_stage(w, b); /* for who records */
	protect_stage(w, b); /* SRTP: what leaves for a party with keys */
	resend_stage(w, b);  /* video: what a party may ask for again */
	capture_stage(w, b, CAPTURE_OUT_WIRE);
	notice_stage(w, b); /* what control wants to save */
}

/* What one flow of the worker sends to another: the same way again, for that one. */
static NOINLINE void relay_handed(struct worker *w, struct batch *b)
{
	uint32_t from = 0;

	for (uint32_t i = 0; hand_take(w, b, from); i++) {
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

/* RTCP of a bundle that said something of other flows than the one its packet went on with. */
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
			turn_want(&w->jobs, &w->jobs.list[t->owner]);
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

/*
 * Under load full batches are waited for, but not longer than wait_ns (tick.h): so many packets share the cost of one sleep
 * and one system call. When that brings nothing, the worker sleeps until anything comes.
 */
static void worker_receive(struct worker *w, struct batch *b)
{
	const struct port_ops *ops = w->port->ops;
	bool works = turn_is_wanted(w); /* there is no time to wait */

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
	control_drain(w, w->now_ns); /* first: a party that was told of an answer sends at once */
	worker_relay(w);
	shortcuts_begin(w); /* of whom all has left */
	dtls_results(w);
	if (w->wheel.running > 0)
		timers_expire(w);
	if (UNLIKELY(turn_is_wanted(w)))
		turn_take(w);
	if (w->now_ns >= w->tick_ns)
		tick(w, w->now_ns);
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
