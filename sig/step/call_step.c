/* SPDX-License-Identifier: Apache-2.0 */
/* Event in, effects out; and what follows each step: the save, the end, the timer. */
#include "base/log.h"
#include "sig/call/audio_source.h"
#include "sig/call/call_digits.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/flow_spec.h"
#include "sig/call/invite.h"
#include "sig/call/legs.h"
#include "sig/call/module.h"
#include "sig/call/order.h"
#include "sig/call/originate.h"
#include "sig/call/party_state.h"
#include "sig/call/prompts.h"
#include "sig/call/reinvite.h"
#include "sig/call/reliable.h"
#include "sig/call/resolve.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/model/call.h"
#include "sig/model/call_order.h"
#include "sig/model/event.h"
#include "sig/model/leg.h"
#include "sig/record/call_record.h"
#include "sig/step/step.h"

/* The store answers within its own deadline; this is for one that does not answer at all. */
enum { SAVE_OVERDUE_MS = 5000, SAVE_LAZY_MS = 500 };

static void ask_save(struct call_host *h, struct call *c)
{
	struct text record = { 0 };
	struct effect *e;

	if (!h->settings->calls_unsaved && call_encode(h, c, &record))
		return;
	e = effects_add(h->effects, EFFECT_CALL_SAVE, c->id, 0);
	if (!e) {
		text_clear(&record);
		return;
	}
	*(struct request_save *)e->request = (struct request_save){ record, c->out.version };
	outbox_save_started(&c->out);
	c->later_ns = 0;
	c->save_ns = h->now.ns + SAVE_OVERDUE_MS * NS_PER_MS;
	metric_add(h->metrics->saves[SAVE_STARTED], 1);
}

/* As if the call had ended when it was answered. */
static void cdr_cut(struct cdr *cdr)
{
	cdr->sip_status = 200;
	cdr->end_utc_ms = cdr->answer_utc_ms;
	cdr->ended_by = ENDED_BY_NODE;
	cdr->q850 = call_cause_q850(CAUSE_NOT_CONTINUED, 200);
	cdr_put(cdr->reason, sizeof(cdr->reason), bytes_str(call_cause_text(CAUSE_NOT_CONTINUED)));
}

/* An established call may not be in the store yet: the store is told how to end it should this
 * process be killed. */
static void note_open(struct call_host *h, struct call *c)
{
	struct request_cdrs *open;

	if (c->out.acked == c->out.version) {
		c->noted = false;
		return;
	}
	if (!h->degraded || c->noted || !c->answer_utc_ms || c->state == CALL_ENDING)
		return;
	open = effects_cdrs(h->effects, EFFECT_CALL_OPEN, c->id, cdrs_count(c));
	if (!open)
		return;
	c->noted = true;
	cdrs_fill(open->list, h, c);
	cdr_cut(&open->list[c->segment_count]);
}

/* Calls wait for common moments: what they save then is one round trip to the store. Ringing that
 * is answered at once, and a BYE that ends the call, are not saved separately. */
static bool later_is_due(const struct call_host *h, struct call *c)
{
	uint64_t step_ns = h->settings->save_later_ms * NS_PER_MS, at_ns = h->now.ns;

	if (!step_ns || h->degraded || h->hurries || c->out.hurried)
		return true;
	if (c->out.dirty && c->out.lazy)
		at_ns += SAVE_LAZY_MS * NS_PER_MS;
	at_ns = (at_ns / step_ns + 1) * step_ns;
	if (!c->later_ns || at_ns < c->later_ns)
		c->later_ns = at_ns;
	return false;
}

bool call_settle(struct call_host *h, struct call *c)
{
	bool over = call_is_over(c);

	if (deadline_is_by(settle_deadlines, c, h->now.ns))
		deadlines_handle(settle_deadlines, h, c);
	call_digits_settle(c);
	modules_follow(h, c);
	party_states_settle(h, c);
	if (c->end_done)
		return false;
	audio_source_settle(h, c);
	legs_trim(h, c);
	note_open(h, c);
	/* one save is in flight at a time, the end being the last one: also if a fork answers after
	 * it */
	if (over && c->out.in_flight == 0 && c->end_tries == 0) {
		if (later_is_due(h, c))
			call_end_request(h, c);
	} else if (!over && c->end_tries == 0 && outbox_wants_save(&c->out) && later_is_due(h, c)) {
		ask_save(h, c);
	}
	wheel_aim(h->wheel, &c->timer, call_deadlines_next(h, c));
	return true;
}

enum { HOP_TEXT = 64 }; /* a MAC address and an interface, in words */

enum { SAVE_RETRY_MS = 2000 };

/* Such a response to one in-dialog request ends the dialog (RFC 3261 12.2.1.2), except to NOTIFY,
 * where it ends the subscription (RFC 6665 4.2.2). A missing response proves nothing: many phones
 * do not answer INFO. */
static void gone(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (ev->kind == CALL_EV_FAILURE && ev->message->method != SIP_NOTIFY &&
	    c->legs[ev->leg]->state == LEG_CONFIRMED &&
	    (ev->message->status == 481 || ev->message->status == 408))
		call_on_party_gone(h, c, ev->leg, ev->message->status);
}

/* It sent BYE. If the call goes on, a successor must not send one to it. */
static void left(struct call *c, uint8_t leg)
{
	leg_close(c->legs[leg]);
	if (c->state != CALL_ENDING)
		outbox_touch(&c->out);
}

static void response(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = c->legs[ev->leg];
	bool open = l->uac && ev->txn == l->uac->client && ev->txn;

	switch (ev->user) {
	case TXN_USER_INVITE:
		if (open && ev->kind == CALL_EV_PROVISIONAL) {
			invite_provisional(h, c, ev);
		} else if (open && ev->kind == CALL_EV_FAILURE) {
			invite_failure(h, c, ev);
		} else if (open && ev->kind == CALL_EV_SUCCESS) {
			call_data_hear(c, ev->message);
			invite_success(h, c, ev);
		} else if (ev->kind == CALL_EV_SUCCESS) {
			invite_stray(h, c, ev->leg, ev->message);
		}
		break;
	case TXN_USER_BYE:
		if (ev->kind != CALL_EV_PROVISIONAL)
			left(c, ev->leg);
		break;
	case TXN_USER_FORK:
		if (ev->kind != CALL_EV_PROVISIONAL)
			forks_answered(c, ev->leg, ev->txn);
		break;
	case TXN_USER_DIGIT:
		leg_digits_answered(h, c, ev);
		gone(h, c, ev);
		break;
	case TXN_USER_REFRESH:
		refresh_answered(h, c, ev);
		break;
	case TXN_USER_PRACK:
		prack_answered(h, c, ev);
		break;
	case TXN_USER_TALK:
	case TXN_USER_FLOW_REFER:
		modules_response(h, c, ev);
		gone(h, c, ev);
		break;
	case TXN_USER_RELAY:
		gone(h, c, ev);
		break;
	case TXN_USER_REFER:
		modules_response(h, c, ev);
		break;
	case TXN_USER_NONE:
	case TXN_USER_REGISTER:
	case TXN_USER_CANCEL:
	case TXN_USER_SUBSCRIPTION:
	case TXN_USER_SIPREC:
	case TXN_USER_MESSAGE:
		break;
	}
}

static void timed_out(struct call_host *h, struct call *c, const struct call_event *ev)
{
	const struct invite_uac *uac = c->legs[ev->leg]->uac;

	if (ev->user == TXN_USER_INVITE && uac && ev->txn == uac->client) {
		invite_timeout(h, c, ev);
	} else if (ev->user == TXN_USER_BYE) {
		left(c, ev->leg);
	} else if (ev->user == TXN_USER_FORK) {
		forks_answered(c, ev->leg, ev->txn);
	} else if (ev->user == TXN_USER_DIGIT) {
		leg_digits_answered(h, c, ev);
	} else if (ev->user == TXN_USER_REFRESH) {
		refresh_answered(h, c, ev);
	} else if (ev->user == TXN_USER_REFER || ev->user == TXN_USER_FLOW_REFER) {
		modules_response(h, c, ev);
	} else if (ev->user == TXN_USER_PRACK) {
		prack_answered(h, c, ev);
	}
}

static void saved(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (!outbox_save_done(&c->out, ev->version, ev->ok)) {
		metric_add(h->metrics->saves[SAVE_LATE], 1);
		return;
	}
	/* no retries while the store is away: all calls are saved again when it is back */
	c->save_ns = ev->ok || h->degraded ? 0 : h->now.ns + SAVE_RETRY_MS * NS_PER_MS;
	metric_add(h->metrics->saves[ev->ok ? SAVE_DONE : SAVE_FAILED], 1);
}

/* Not relayed as it was: the peer takes INFO or tones, or events of another clock rate. */
static void digit(struct call_host *h, struct call *c, uint8_t leg, const struct media_event *m)
{
	struct dtmf dtmf = {
		.digit = m->digit,
		.duration_ms =
			(uint16_t)(m->duration_ms < UINT16_MAX ? m->duration_ms : UINT16_MAX),
	};

	if (m->tone && !dtmf_came_as_tone(h, c, leg, m->digit))
		return;
	if (call_digits_asked(h, c, leg, m->digit))
		return;
	if (m->relayed && !m->tone)
		call_digits_pass(h, c, leg);
	else if (call_digits_on_digit(h, c, leg, &dtmf))
		return;
	call_publish_digit(h, c, leg, m->digit);
	if (!m->relayed && c->state == CALL_ESTABLISHED && bridge_peer(c, leg) != LEG_NONE)
		dtmf_send(h, c, bridge_peer(c, leg), &dtmf);
}

/* A party with packets on another line is there, though it is silent on a line that it only
 * receives. */
static bool has_audio_outside(const struct call *c, const struct call_flow *f)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		const struct call_flow *o = &c->flows[i];

		if (o != f && o->leg == f->leg && o->resume.source_rtp.family != ADDR_NONE)
			return true;
	}
	return false;
}

static void silent(struct call_host *h, struct call *c, struct call_flow *f, bool listens)
{
	struct call_ending e = { .cause = CAUSE_MEDIA_TIMEOUT, .by = ENDED_BY_NODE, .status = 480 };

	if (listens && has_audio_outside(c, f))
		return;
	f->silent = true; /* until the ACK it may still begin */
	if (c->state != CALL_ESTABLISHED)
		return;
	LOG_INFO("call", c->id, "a party is silent", LOG_U64("leg", f->leg));
	call_party_left(h, c, f->leg, &e);
}

static void hop_write(struct writer *w, const struct media_hop *hop)
{
	const uint8_t *m = hop->mac;

	if (hop->ifindex == 0)
		writer_str(w, "unknown");
	else
		writer_fmt(w, "%02x:%02x:%02x:%02x:%02x:%02x by interface %u", m[0], m[1], m[2],
			   m[3], m[4], m[5], hop->ifindex);
}

/* The worker uses the new hop already, so nothing is to be done; it is logged for those who trace
 * packets. */
static void rerouted(const struct call *c, const struct call_flow *f, const struct media_hops *hops)
{
	char was_room[HOP_TEXT], now_room[HOP_TEXT];
	struct writer was = writer_over(was_room, sizeof(was_room)),
		      now = writer_over(now_room, sizeof(now_room));

	hop_write(&was, &hops->was);
	hop_write(&now, &hops->now);
	LOG_WARN("media", c->id, "the next hop has changed of what the kernel forwards",
		 LOG_U64("leg", f->leg), LOG_U64("line", f->line), LOG_ADDR("party", &hops->party),
		 LOG_BYTES("was", writer_done(&was)), LOG_BYTES("now", writer_done(&now)));
}

static void media_event(struct call_host *h, struct call *c, const struct media_event *m)
{
	struct call_flow *f = flow_by_id(c, m->id);

	if (!f)
		return;
	flow_dtls_age(h, f);
	switch (m->kind) {
	case MEDIA_FLOW_LATCHED:
		f->resume = m->resume;
		if (c->state != CALL_ENDING)
			outbox_touch_later(&c->out);
		break;
	case MEDIA_FLOW_DIGIT:
		digit(h, c, f->leg, m);
		break;
	case MEDIA_FLOW_CLOSED:
		call_flow_closed(h, c, m);
		break;
	case MEDIA_FLOW_FAILED:
		call_flow_failed(h, c, m->id, m->error);
		break;
	case MEDIA_FLOW_KEYED:
		if (flow_dtls_keyed(h, c, f, m))
			session_refresh(h, c);
		break;
	case MEDIA_FLOW_RESERVE:
		secret_reserve(h, c, f, &m->resume);
		break;
	case MEDIA_FLOW_SILENT:
		silent(h, c, f, m->listens);
		break;
	case MEDIA_FLOW_REROUTED:
		rerouted(c, f, &m->hops);
		break;
	case MEDIA_FLOW_STATS:
	case MEDIA_FLOW_YIELDED:
	case MEDIA_FLOW_MOVED:
	case MEDIA_JOB_PLACE:
	case MEDIA_JOB_ENDED:
	case MEDIA_ROOM_TALKS:
	case MEDIA_JOB_CLOSED:
		break;
	}
}

static void hangup(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct call_ending e = { .cause = CAUSE_OPERATOR, .by = ENDED_BY_OPERATOR, .status = 480 };

	if (ev->transferred) {
		e.cause = CAUSE_TRANSFERRED;
		e.by = ENDED_BY_A;
	} else if (ev->over) { /* its parties have left */
		for (uint8_t i = 0; i < c->leg_count; i++) {
			if (c->legs[i])
				leg_close(c->legs[i]);
		}
		e.cause = CAUSE_NOT_CONTINUED;
		e.by = ENDED_BY_NODE;
	}
	call_end(h, c, &e);
	if (ev->order)
		order_wait(h, c, ev->order->by, 0);
}

/* Digits that were reported as sent are reported as lost. */
static void digits_lost(struct call_host *h, const struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		struct leg *l = c->legs[i];

		if (!l || !l->digits_lost)
			continue;
		event_put_str(call_publish_leg(h, c, SIG_CALL_DTMF_FAILED, i), EV_REASON,
			      l->digits_lost);
		l->digits_lost = NULL;
	}
}

/* What may go goes, in order. */
static void call_release(struct call_host *h, struct call *c)
{
	struct outbox_item item;

	while (outbox_pop(&c->out, h->degraded || c->end_done, &item)) {
		switch (item.kind) {
		case OUTBOX_INVITE:
			invite_on_saved(h, c, item.leg);
			break;
		case OUTBOX_ANSWER:
			invite_answer_on_saved(h, c, item.leg);
			break;
		case OUTBOX_ACK:
			invite_ack_on_saved(h, c, item.leg);
			break;
		case OUTBOX_LATE:
			invite_late_on_saved(h, c, item.leg);
			break;
		case OUTBOX_FORK:
			forks_on_saved(h, c, item.leg, item.line);
			break;
		case OUTBOX_REFUSED:
			txns_ack_go(h->txns, item.txn);
			break;
		case OUTBOX_RELAY:
			relay_on_saved(h, item.txn);
			break;
		case OUTBOX_RESERVE:
			secret_granted(h, c, &item);
			break;
		case OUTBOX_FLIGHT:
			flow_dtls_saved(h, c, &item);
			break;
		case OUTBOX_UPDATE:
			refresh_answer_on_saved(h, c, &item);
			break;
		case OUTBOX_WAIT:
			wait_on_saved(h, c);
			modules_saved(h, c);
			break;
		case OUTBOX_ORDER:
			order_answer(h, c, &item);
			break;
		case OUTBOX_PROVISIONAL:
			reliable_on_saved(h, c, item.leg);
			break;
		case OUTBOX_PRACK:
			prack_on_saved(h, c, item.leg);
			break;
		case OUTBOX_PRACKED:
			reliable_prack_on_saved(h, c, &item);
			break;
		case OUTBOX_REFUSAL:
			refusal_on_saved(h, c, item.leg);
			break;
		case OUTBOX_RESPONSE:
			respond_later(h, c, &item);
			break;
		}
	}
}

static void call_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
	switch (reply->ask) {
	case ASK_PLAY:
		prompts_on_reply(h, c, &reply->play);
		break;
	case ASK_LOOKUP:
		if (leg_places_on_lookup(h, c, reply->lookup))
			break;
		modules_replied(h, c, reply);
		resolve_on_answer(h, c, reply->lookup);
		break;
	case ASK_USER:
		resolve_on_user(h, c, reply->user);
		break;
	case ASK_KV:
	case ASK_PROGRAM:
	case ASK_HELPER:
	case ASK_BOX:
	case ASK_CONTACT:
	case ASK_MEDIA_STREAM:
	case ASK_PARK:
	case ASK_RECORD:
	case ASK_SET:
	case ASK_WAKE:
		modules_replied(h, c, reply);
		break;
	case ASK_PUBLISH: /* of no call */
		break;
	}
}

static bool is_of_leg(const struct call_event *ev)
{
	return ev->kind <= CALL_EV_STRAY;
}

void call_step(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (is_of_leg(ev) && ev->leg == LEG_OF_MODULE) {
		modules_dialog(h, c, ev);
		return;
	}
	if (is_of_leg(ev) && !call_leg(c, ev->leg)) /* what lost the race is gone */
		return;
	switch (ev->kind) {
	case CALL_EV_REQUEST:
		request_received(h, c, ev);
		break;
	case CALL_EV_CANCEL:
		invite_cancel(h, c, ev);
		break;
	case CALL_EV_PROVISIONAL:
	case CALL_EV_SUCCESS:
	case CALL_EV_FAILURE:
		response(h, c, ev);
		break;
	case CALL_EV_STRAY:
		invite_stray(h, c, ev->leg, ev->message);
		break;
	case CALL_EV_TIMEOUT:
		timed_out(h, c, ev);
		break;
	case CALL_EV_TIMER:
		call_deadlines_handle(h, c);
		break;
	case CALL_EV_SAVED:
		saved(h, c, ev);
		break;
	case CALL_EV_ENDED:
		call_end_done(h, c, ev->ok);
		break;
	case CALL_EV_MEDIA:
		media_event(h, c, ev->media);
		break;
	case CALL_EV_MEDIA_FAILED:
		call_flow_failed(h, c, ev->flow, ev->error);
		break;
	case CALL_EV_HANGUP:
		hangup(h, c, ev);
		break;
	case CALL_EV_REPLY:
		call_replied(h, c, ev->reply);
		break;
	case CALL_EV_ORDER:
		order_carry_out(h, c, ev->order);
		break;
	case CALL_EV_RELEASE:
		break;
	case CALL_EV_ASSERT:
		modules_on_event(h, c, ev);
		outbox_touch(&c->out);
		break;
	case CALL_EV_RESUME:
		call_resume(h, c);
		break;
	case CALL_EV_FOCUS:
	case CALL_EV_JOIN:
	case CALL_EV_MEET:
	case CALL_EV_PICK:
	case CALL_EV_PICK_OVER:
	case CALL_EV_REFER:
	case CALL_EV_REPLACE:
	case CALL_EV_YIELD:
		modules_on_event(h, c, ev);
		break;
	}
	modules_settle(h, c);
	digits_lost(h, c);
	call_release(h, c);
}
