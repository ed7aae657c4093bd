/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out control's commands on the worker, one after the other, between two batches: opens,
 * updates, moves and closes flows, sends digits, and answers queries. It also sends the worker's
 * events to control, with limits for those that a party can cause. No command is applied while the
 * answer to the last one does not fit into the event ring, so control never loses a
 * MEDIA_FLOW_CLOSED; and none while the kernel still forwards for the flow (shortcut.h).
 */

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/worker/control.h"
#include "engine/worker/dtls_flow.h"
#include "engine/worker/feedback.h"
#include "engine/worker/flow.h"
#include "engine/worker/job.h"
#include "engine/worker/shortcut.h"
#include "engine/worker/srtp_flow.h"
#include "engine/worker/worker.h"

struct media_event event_of(const struct flow *f, enum media_event_kind kind)
{
	return (struct media_event){
		.kind = kind,
		.id = f->id,
		.call = f->call,
		.leg = f->leg,
		.line = f->line,
		.resume = flow_resume_read(f),
		.stats = flow_stats_read(f),
	};
}

bool event_send(struct worker *w, const struct media_event *event)
{
	return ring_push(&w->events, event);
}

enum { DIGITS_REPORTED_PER_S = 20 };

/* As if they came evenly, with a second's worth at once. */
static bool may_report_digit(struct flow *f, uint64_t now_ns)
{
	const uint64_t every_ns = NS_PER_S / DIGITS_REPORTED_PER_S;

	if (f->digit_reported_ns + NS_PER_S < now_ns + every_ns)
		f->digit_reported_ns =
			now_ns + every_ns > NS_PER_S ? now_ns + every_ns - NS_PER_S : 0;
	if (f->digit_reported_ns > now_ns)
		return false;
	f->digit_reported_ns += every_ns;
	return true;
}

static void digit_notify(struct worker *w, struct flow *f, const struct media_event *key)
{
	struct media_event event;

	if (!may_report_digit(f, w->now_ns)) {
		metric_add(w->metrics->digits_untold, 1);
		return;
	}
	event = event_of(f, MEDIA_FLOW_DIGIT);
	event.digit = key->digit;
	event.duration_ms = key->duration_ms;
	event.relayed = key->relayed;
	event.tone = key->tone;
	if (event.digit && !event_send(w, &event))
		metric_add(w->metrics->events_lost, 1);
}

void event_digit(struct worker *w, struct flow *f, const struct event_done *done)
{
	digit_notify(w, f,
		     &(struct media_event){ .digit = telephone_event_digit(done->event),
					    .duration_ms =
						    event_duration_ms(done, f->event_clock_hz),
					    .relayed = f->event_relayed });
}

void event_tone(struct worker *w, struct flow *f, char digit, uint32_t duration_ms)
{
	metric_add(w->metrics->digits_detected, 1);
	digit_notify(w, f,
		     &(struct media_event){
			     .digit = digit, .duration_ms = duration_ms, .relayed = 1, .tone = 1 });
}

void event_flag(struct worker *w, struct flow *f, uint64_t now_ns)
{
	struct media_event event;

	if (f->noticed_ns != 0 && now_ns - f->noticed_ns < EVENT_LATCHED_EVERY_NS)
		return;
	event = event_of(f, MEDIA_FLOW_LATCHED);
	if (!event_send(w, &event))
		return; /* full: it stays due */
	f->notice = 0;
	f->noticed_ns = now_ns;
	f->sent_reported = event.resume.sent;
}

void stage_flag(struct worker *w, struct batch *b)
{
	struct pkt *p = LIKELY(!b->notices) ? b->list + b->done : b->list;

	for (; p < b->list + b->count; p++)
		if (UNLIKELY(p->flow && p->flow->notice))
			event_flag(w, p->flow, b->now_ns);
}

void control_answer(struct worker *w, const struct media_event *event)
{
	assert(!w->holds);
	if (event_send(w, event))
		return;
	w->held = *event;
	w->holds = true;
}

static bool held_delivered(struct worker *w)
{
	if (w->holds && event_send(w, &w->held))
		w->holds = false;
	return !w->holds;
}

static void flow_count_publish(struct worker *w)
{
	metric_set(w->metrics->flows, w->flows.count);
	pace_set(w);
}

/* A shared port belongs to no flow (flow_transport.c). */
static void own_set(struct worker *w, const struct flow *f, bool open)
{
	struct local who = { .slot = f->id.slot, .worker = w->index };

	if (!w->own || (f->transport & TRANSPORT_NO_SOCKET))
		return;
	for (; who.channel < CHANNELS; who.channel++) {
		if (open)
			own_ports_add(w->own, &f->local[who.channel], &who);
		else
			own_ports_del(w->own, &f->local[who.channel]);
	}
}

static void open_failed(struct worker *w, const struct media_command *c, int err)
{
	struct media_event event = {
		.kind = MEDIA_FLOW_FAILED,
		.id = c->spec.id,
		.call = c->spec.call,
		.leg = c->spec.leg,
		.line = c->spec.line,
		.error = err,
		.parcel = c->parcel,
	};

	if (c->rtp_fd >= 0)
		(void)close(c->rtp_fd);
	if (c->rtcp_fd >= 0)
		(void)close(c->rtcp_fd);
	control_answer(w, &event);
}

/* A flow that cannot be a member of its room hears nothing there; control is told besides the
 * answer to its command. */
static void source_set(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	struct media_event event;
	int err = listener_set(w, f, spec);

	if (!err)
		return;
	event = event_of(f, MEDIA_FLOW_FAILED);
	event.error = err;
	if (!event_send(w, &event))
		metric_add(w->metrics->events_lost, 1);
}

static void apply_open(struct worker *w, const struct media_command *c, uint64_t now_ns)
{
	const int fd[CHANNELS] = { c->rtp_fd, c->rtcp_fd };
	struct flow *f;
	int err = flow_open(&w->flows, &c->spec, now_ns, &f);

	if (err) {
		open_failed(w, c, err);
		return;
	}
	err = flow_transport_open(w, f, &c->spec, c->rtp_fd < 0);
	if (!err)
		err = srtp_flow_open(&w->flows, f, &c->spec, &w->rand);
	if (!err)
		err = dtls_flow_open(w, f, &c->spec);
	if (!err)
		err = transcoder_set(w, f, &c->spec);
	if (!err)
		err = overlay_set(w, f, &c->spec);
	if (!err)
		err = detector_set(w, f, &c->spec);
	if (!err && !(f->transport & TRANSPORT_NO_SOCKET))
		err = w->port->ops->flow_add(w->port, c->spec.id.slot, fd);
	if (err) {
		detector_leave(w, f);
		overlay_leave(w, f);
		transcoder_leave(w, f);
		dtls_flow_close(w, f);
		flow_transport_close(w, f);
		flow_close(&w->flows, f);
		open_failed(w, c, err);
		return;
	}
	own_set(w, f, true);
	if (!(f->transport & TRANSPORT_NO_SOCKET))
		shortcut_open(w, f);
	feedback_stamp(w, f);
	resend_set(w, f, c->spec.nack);
	source_set(w, f, &c->spec);
	capture_flow_opened(w, f);
	tick_connection(w, f, now_ns); /* a restored call: connect at once */
	flow_count_publish(w);
	if (c->parcel)
		flow_move_arrive(w, f, c->parcel);
}

/* A bundle that cannot be joined, or an unusable key or codec: nothing passes, control is told. */
static void update_transport(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	struct media_event event;
	int err = flow_transport_update(w, f, spec);
	int err_srtp = srtp_flow_update(&w->flows, f, spec, &w->rand);
	int err_dtls = dtls_flow_update(w, f, spec);
	int err_transcoder = transcoder_set(w, f, spec);
	int err_overlay = overlay_set(w, f, spec);
	int err_ear = detector_set(w, f, spec);

	if (!err)
		err = err_srtp         ? err_srtp
		      : err_dtls       ? err_dtls
		      : err_transcoder ? err_transcoder
		      : err_overlay    ? err_overlay
				       : err_ear;
	feedback_stamp(w, f);
	if (!err)
		return;
	event = event_of(f, MEDIA_FLOW_FAILED);
	event.error = err;
	control_answer(w, &event);
}

static void apply_update(struct worker *w, const struct flow_spec *spec, uint64_t now_ns)
{
	struct flow *f = flow_find(&w->flows, spec->id);

	if (!f) {
		metric_add(w->metrics->stale_commands, 1);
		return;
	}
	w->flows.own -= f->own;
	w->flows.tapped -= f->taps != 0;
	if (spec->tap && spec->tap != f->tap_number[TAP_RECORD])
		digits_drop_queued(f);
	keyframe_note_update(f, spec);
	flow_update(f, spec, now_ns);
	w->flows.own += f->own;
	w->flows.tapped += f->taps != 0;
	digits_update(w, f);
	/* a re-INVITE may move the party: the socket must accept any source again */
	if (f->connected && w->port->ops->connect(w->port, spec->id.slot, NULL) == 0)
		f->connected = 0;
	f->latch_rtp.since_ns = now_ns;
	update_transport(w, f, spec);
	resend_set(w, f, spec->nack);
	source_set(w, f, spec);
}

/* Received already: the slot may have another flow before they are processed. */
static void batch_forget(struct batch *b, uint32_t slot)
{
	BATCH_EACH(p, b)
	{
		if (p->slot == slot)
			p->verdict = VERDICT_NO_FLOW;
	}
}

void control_flow_end(struct worker *w, struct flow *f)
{
	bool has_socket = !(f->transport & TRANSPORT_NO_SOCKET);

	shortcut_close(w, f);
	own_set(w, f, false);
	listener_leave(w, f);
	detector_leave(w, f);
	digits_close(w, f);
	overlay_leave(w, f);
	transcoder_leave(w, f);
	resend_set(w, f, false);
	dtls_flow_close(w, f);
	flow_transport_close(w, f);
	if (has_socket)
		w->port->ops->flow_del(w->port, f->id.slot);
	flow_close(&w->flows, f);
	flow_count_publish(w);
}

/* Of a flow that is gone (its open failed): closed all the same, with nothing counted. */
static void apply_close(struct worker *w, struct flow_id id)
{
	struct flow *f = flow_find(&w->flows, id);
	struct media_event event = { .kind = MEDIA_FLOW_CLOSED, .id = id };
	struct event_done done;

	if (f) {
		if (event_tracker_stop(&f->events, &done))
			event_digit(w, f, &done);
		detector_leave(w, f);
		digits_stop(w, f);
		tick_icmp(w, f);
		event = event_of(f, MEDIA_FLOW_CLOSED);
		event.detail = detail_read(f, w->now_ns);
		flow_transport_report(w, f, &event);
		batch_forget(&w->batch, id.slot);
		control_flow_end(w, f);
	} else {
		metric_add(w->metrics->stale_commands, 1);
	}
	control_answer(w, &event);
}

static void apply_query(struct worker *w, struct flow_id id)
{
	struct flow *f = flow_find(&w->flows, id);
	struct media_event event;

	if (!f) {
		metric_add(w->metrics->stale_commands, 1);
		return;
	}
	tick_icmp(w, f);
	event = event_of(f, MEDIA_FLOW_STATS);
	event.detail = detail_read(f, w->now_ns);
	flow_transport_report(w, f, &event);
	control_answer(w, &event);
}

static void apply_digit(struct worker *w, const struct media_command *c)
{
	struct flow *f = flow_find(&w->flows, c->id);

	if (f)
		digits_put(w, f, c->digit, c->duration_ms);
	else
		metric_add(w->metrics->stale_commands, 1);
}

static void apply_flight(struct worker *w, const struct media_command *c)
{
	struct flow *f = flow_find(&w->flows, c->id);

	if (f)
		dtls_flow_flight(w, f, c->association, &c->flight);
	else
		metric_add(w->metrics->stale_commands, 1);
}

/* id.slot: the number of the port. */
static void apply_shared_port(struct worker *w, const struct media_command *c)
{
	struct media_event event = { .kind = MEDIA_FLOW_FAILED,
				     .error = shared_port_add(w, c->id.slot, c->rtp_fd) };

	if (event.error == 0)
		return;
	(void)close(c->rtp_fd);
	control_answer(w, &event);
}

static void control_apply(struct worker *w, const struct media_command *c, uint64_t now_ns)
{
	switch (c->kind) {
	case MEDIA_FLOW_OPEN:
		apply_open(w, c, now_ns);
		break;
	case MEDIA_FLOW_UPDATE:
		apply_update(w, &c->spec, now_ns);
		break;
	case MEDIA_FLOW_CLOSE:
		apply_close(w, c->id);
		break;
	case MEDIA_FLOW_QUERY:
		apply_query(w, c->id);
		break;
	case MEDIA_FLOW_DIGIT_SEND:
		apply_digit(w, c);
		break;
	case MEDIA_FLOW_FLIGHT:
		apply_flight(w, c);
		break;
	case MEDIA_FLOW_YIELD:
		flow_move_yield(w, c);
		break;
	case MEDIA_JOB_OPEN:
		job_control_open(w, c);
		break;
	case MEDIA_JOB_CLOSE:
		job_control_close(w, c->job);
		break;
	case MEDIA_JOB_QUERY:
		job_control_query(w, c->job);
		break;
	case MEDIA_SHARED_PORT:
		apply_shared_port(w, c);
		break;
	case MEDIA_STOP:
		w->stopping = true;
		break;
	}
}

/* The kernel must forward nothing for the flow meanwhile. False: ask again with the next turn. */
static bool control_may(struct worker *w, const struct media_command *c)
{
	switch (c->kind) {
	case MEDIA_FLOW_UPDATE:
		return shortcut_rest(w, c->spec.id);
	case MEDIA_FLOW_DIGIT_SEND:
		return shortcut_rest_to(w, c->id);
	case MEDIA_FLOW_CLOSE:
	case MEDIA_FLOW_YIELD:
		return shortcut_rest(w, c->id);
	case MEDIA_FLOW_QUERY:
		shortcuts_read(w, c->id);
		return true;
	case MEDIA_FLOW_OPEN:
	case MEDIA_FLOW_FLIGHT:
	case MEDIA_JOB_OPEN:
	case MEDIA_JOB_CLOSE:
	case MEDIA_JOB_QUERY:
	case MEDIA_SHARED_PORT:
	case MEDIA_STOP:
		return true;
	}
	return true;
}

void control_drain(struct worker *w, uint64_t now_ns)
{
	const struct media_command *c;

	while (held_delivered(w) && (c = ring_peek(&w->commands)) != NULL && control_may(w, c)) {
		control_apply(w, c, now_ns);
		ring_release(&w->commands); /* engine_mark sees it done */
	}
}

void control_close_all(struct worker *w)
{
	while (w->flows.count > 0) {
		uint32_t slot = w->flows.active[w->flows.count - 1];

		control_flow_end(w, &w->flows.list[slot]);
	}
	flow_count_publish(w);
}
