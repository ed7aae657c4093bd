/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a call (call_end.h): releases its legs by BYE, CANCEL or a final response, closes
 * their flows, drops what waited for a save, writes its CDRs, and asks the store to end the record.
 * The call is over only when legs, counters and the store are done. Also partings, in which an
 * established party hears the tone of the cause first, and calls of a former process that cannot
 * continue here. Publishes call events for the other modules. */

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "sig/call/audio_source.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/flow_spec.h"
#include "sig/call/fork.h"
#include "sig/call/invite.h"
#include "sig/call/module.h"
#include "sig/call/order.h"
#include "sig/call/originate.h"
#include "sig/call/party_state.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/host/sig_metric.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"
#include "sig/model/recording.h"
#include "sig/model/transfer.h"

/* It has answered a call by command, or is transferred, and no callee has answered it. */
static bool caller_waits(const struct call *c)
{
	const struct leg *l = call_caller(c);

	return c->state < CALL_ANSWERING && call_caller_is_up(c) && l->state == LEG_CONFIRMED &&
	       !l->uas && !l->uac;
}

/* Its track may not be open yet: a process begins with restored calls, and has its tones some
 * milliseconds later. */
static bool audio_source_tone(const struct call_host *h, const struct call *c, uint8_t leg)
{
	enum media_codec codec;

	return h->settings->tones && audio_source_codec(c, leg, &codec);
}

/* Cancels the branches that still ring. */
static void others_leave(struct call_host *h, struct call *c)
{
	const struct leg_farewell f = { 0 };

	fork_leave_rung(h, c, &f);
}

static void parting_start(struct call_host *h, struct call *c, const struct call_ending *e,
			  uint32_t ms)
{
	c->cause = e->cause;
	c->ended_by = e->by;
	c->status = e->status;
	c->parting_ns = h->now.ns + ms * NS_PER_MS;
}

bool call_may_part(const struct call_host *h, const struct call *c)
{
	return caller_waits(c) && audio_source_tone(h, c, c->bridge.caller);
}

void call_part(struct call_host *h, struct call *c, const struct call_ending *e)
{
	if (!call_may_part(h, c)) {
		call_end(h, c, e);
		return;
	}
	parting_start(h, c, e, PARTING_MS);
	plan_stop(c);
	others_leave(h, c);
	fork_forget_best(c);
	outbox_touch_later(&c->out);
	LOG_INFO("call", c->id, "nobody takes the call, the waiting party hears why",
		 LOG_U64("status", c->status), LOG_STR("reason", call_cause_text(c->cause)));
}

void parting_for(struct call_host *h, struct call *c, const struct call_ending *e, uint32_t ms)
{
	parting_start(h, c, e, ms);
	if (audio_source_tone(h, c, c->bridge.caller))
		outbox_touch(&c->out);
	else
		call_end(h, c, e);
}

void parting_end(struct call_host *h, struct call *c)
{
	const struct call_ending e = { .cause = c->cause, .by = c->ended_by, .status = c->status };

	call_end(h, c, &e);
}

enum {
	FLOWS_WAIT_MS = 200, /* for the last counters: a CDR shall not wait for a dead engine */
	END_RETRY_MS = 1000,
	END_OVERDUE_MS =
		5000,  /* the store answers within its own deadline; this is for none at all */
	END_TRIES = 5, /* the store keeps CDRs on disk while Redis is away: a refusal is an error */
};

/* An application that gave its caller away gets the events of that until the call is answered, even
 * if he is controlled by another one. */
static struct bytes application_of_event(const struct call *c, enum sig_event_kind kind)
{
	const struct transfer *t = c->transfer;
	bool of_it = kind == SIG_CALL_TRANSFERRING || kind == SIG_CALL_TRANSFERRED ||
		     kind == SIG_CALL_TRANSFER_FAILED;

	return t && t->application.n && (of_it || !call_application(c).n)
		       ? text_bytes(&t->application)
		       : call_application(c);
}

struct sig_event *call_publish(struct call_host *h, const struct call *c, enum sig_event_kind kind)
{
	struct sig_event *event = effects_event(h->effects, kind, c->id, c->out.version,
						bytes_str(call_tenant(h, c)));

	if (!event)
		return NULL;
	cdr_put(event->application, sizeof(event->application), application_of_event(c, kind));
	call_event_put(event, h, c);
	event_put_str(event, EV_A_STATE, party_state_name(party_state_of(c, false)));
	event_put_str(event, EV_B_STATE, party_state_name(party_state_of(c, true)));
	return event;
}

struct sig_event *call_publish_leg(struct call_host *h, const struct call *c,
				   enum sig_event_kind kind, uint8_t leg)
{
	struct sig_event *event = call_publish(h, c, kind);

	event_put_str(event, EV_LEG, leg == c->bridge.caller ? "a" : "b");
	return event;
}

void call_publish_digit(struct call_host *h, const struct call *c, uint8_t leg, char digit)
{
	struct sig_event *event;

	if (!h->settings->digits_shown || recordings_pause(c->recordings) || !dtmf_is_key(digit))
		return;
	event = call_publish(h, c, SIG_CALL_DIGIT);
	event_put_str(event, EV_LEG, leg ? "b" : "a");
	event_put(event, EV_DIGIT, bytes_mem(&digit, 1));
}

/* A re-INVITE that is still open gets its answer before the dialog ends (RFC 3261 15.1.2). */
static void close_uac(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];

	if (invite_ack_waits(c, leg))
		leg_ack(h, c, leg);
	if (l->uac->state == UAC_QUEUED)
		txns_drop(h->txns, l->uac->client);
	txns_limit(h->txns, l->uac->client, h->now.ns);
	leg_uac_clear(l);
}

static void close_uas(struct call_host *h, struct leg *l)
{
	struct response r = { .status = 487, .dialog = &l->dialog };

	if (l->uas->state < UAS_ACCEPTED)
		respond(h, txns_get(h->txns, l->uas->server), NULL, &r);
	leg_uas_clear(l);
}

static void close_reinvites(struct call_host *h, struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->uac && c->legs[i]->state != LEG_LEAVING)
			close_uac(h, c, i);
	}
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->uas)
			close_uas(h, c->legs[i]);
	}
}

/* No response is due any more, but our 2xx may still get its ACK. */
static void forget_uas(struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		struct leg *l = c->legs[i];

		if (l && l->uas && (l->uas->state != UAS_ACCEPTED || l->state != LEG_ANSWERED))
			leg_uas_clear(l);
	}
}

enum call_ended_by call_ended_by(const struct call *c, uint8_t leg)
{
	return leg == c->bridge.caller ? ENDED_BY_A : ENDED_BY_B;
}

static void response_waits(struct call_host *h, struct call *c, const struct outbox_item *item)
{
	outbox_touch_later(&c->out);
	if (!outbox_push(&c->out, item))
		respond_later(h, c, item);
}

/* Requests waiting for a save are dropped, and their senders told. Orders, a BYE and a REFER were
 * carried out: their answers wait for the save of the end. */
static void forget_waiting(struct call_host *h, struct call *c)
{
	struct response taken = { .status = 200 }, gone = { .status = 481 };
	struct outbox_item item;

	for (uint32_t left = c->out.count; left && outbox_pop(&c->out, true, &item); left--) {
		if (item.kind == OUTBOX_RELAY)
			relay_drop(h, item.txn);
		else if (item.kind == OUTBOX_PRACKED)
			respond(h, txns_get(h->txns, item.txn), NULL, &taken);
		else if (item.kind == OUTBOX_UPDATE)
			respond(h, txns_get(h->txns, item.txn), NULL, &gone);
		else if (item.kind == OUTBOX_ORDER)
			order_wait(h, c, &(struct shard_order){ .ticket = item.txn }, item.number);
		else if (item.kind == OUTBOX_REFUSAL)
			refusal_hold_for_save(h, c, item.leg);
		else if (item.kind == OUTBOX_RESPONSE)
			response_waits(h, c, &item);
		else if (item.kind == OUTBOX_REFUSED)
			invite_refusal_holds_ack(h, c, item.txn);
		else if (item.kind == OUTBOX_LATE)
			invite_late(h, c, item.leg);
		else if (item.kind == OUTBOX_FORK)
			forks_hold_for_save(h, c, item.leg, item.line);
	}
}

static void log_end(const struct call_host *h, const struct call *c)
{
	LOG_INFO("call", c->id, "call ended",
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, text_bytes(&c->to))),
		 LOG_U64("status", c->status), LOG_STR("reason", call_cause_text(c->cause)),
		 LOG_U64("talk_ms", segments_talk_ms(c)));
}

static void note_end(struct call_host *h, struct call *c, const struct call_ending *e)
{
	const struct call_ending parting = { .cause = c->cause,
					     .by = c->ended_by,
					     .status = c->status };
	bool begins = c->state < CALL_ESTABLISHED;

	prompts_end(h, c);
	if (c->parting_ns) /* it ended before */
		e = &parting;
	c->state = CALL_ENDING;
	c->cause = e->cause;
	c->ended_by = e->by;
	if (call_caller(c)->state == LEG_EARLY || (call_caller_is_up(c) && begins)) {
		c->status = e->status;
		c->answer_utc_ms = 0;                    /* B answered, but A was never told */
	} else if (c->segment_count && c->status == 0) { /* the INVITE was of an earlier pair */
		c->status = c->answer_utc_ms ? 200 : e->status;
	}
	c->end_utc_ms = h->now.utc_ms;
	if (c->end_utc_ms < c->setup_utc_ms)
		c->end_utc_ms = c->setup_utc_ms;
	if (c->answer_utc_ms > c->end_utc_ms) /* the wall clock was set back */
		c->end_utc_ms = c->answer_utc_ms;
	plan_stop(c);
	c->parting_ns = 0;
}

/* What call_end notes and tells of it, and nothing else. */
static void call_end_note(struct call_host *h, struct call *c, const struct call_ending *e)
{
	if (c->state == CALL_ENDING)
		return;
	note_end(h, c, e);
	metric_add(h->metrics->calls_ended, 1);
	event_put_number(call_publish(h, c, SIG_CALL_ENDED), EV_SIP_STATUS, c->status);
	log_end(h, c);
}

void call_end(struct call_host *h, struct call *c, const struct call_ending *e)
{
	struct leg_farewell f = {
		.status = e->status, .phrase = e->phrase, .extra = e->extra, .reason = e->reason
	};

	if (c->state == CALL_ENDING)
		return;
	if (c->state == CALL_ESTABLISHED)
		close_reinvites(h, c);
	note_end(h, c, e);
	modules_over(h, c);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i])
			leg_leave(h, c, i, &f);
	}
	forget_uas(c);
	fork_forget_best(c);
	forget_waiting(h, c);
	outbox_touch_later(&c->out);
	c->cdr = calloc(1, sizeof(*c->cdr));
	flows_close(h, c);
	c->flows_ns = h->now.ns + FLOWS_WAIT_MS * NS_PER_MS;
	metric_add(h->metrics->calls_ended, 1);
	event_put_number(call_publish(h, c, SIG_CALL_ENDED), EV_SIP_STATUS, c->status);
	log_end(h, c);
}

void call_untaken(struct call_host *h, struct call *c, const struct call_ending *e)
{
	if (!modules_unanswered(h, c, e))
		call_part(h, c, e);
}

void call_party_left(struct call_host *h, struct call *c, uint8_t leg, const struct call_ending *e)
{
	if (c->state == CALL_ENDING || !modules_parted(h, c, leg, e))
		call_end(h, c, e);
}

void call_on_party_gone(struct call_host *h, struct call *c, uint8_t leg, uint16_t status)
{
	struct call_ending e = {
		.cause = CAUSE_LOST,
		.by = call_ended_by(c, leg),
		.status = 480,
	};

	if (status == 481)
		c->legs[leg]->state = LEG_CLOSED;
	call_party_left(h, c, leg, &e); /* its open INVITE gets its limit */
	if (status == 481)
		leg_close(c->legs[leg]);
}

/* The call goes on without it. */
static bool is_left_behind(const struct call *c, uint8_t leg)
{
	const struct leg *l = call_leg(c, leg);

	return !bridge_has(c, leg) || (c->state != CALL_ENDING && l && l->state >= LEG_LEAVING);
}

/* To the CDR of the last pair that its leg was in. */
static void add_counters(struct call *c, const struct call_flow *f, const struct media_event *ev)
{
	struct segment *s = is_left_behind(c, f->leg) ? segment_of(c, f->leg) : NULL;

	if (s) {
		cdr_add_flow(&s->cdr, f->leg == s->caller, c, f, ev);
		if (c->state != CALL_ENDING)
			outbox_touch_later(&c->out);
	} else if (c->cdr && bridge_has(c, f->leg)) {
		cdr_add_flow(c->cdr, f->leg == c->bridge.caller, c, f, ev);
	}
}

void call_flow_closed(struct call_host *h, struct call *c, const struct media_event *ev)
{
	struct call_flow *f = flow_by_id(c, ev->id);

	if (!f || !f->closing) /* not requested: the texts still name its ports */
		return;
	add_counters(c, f, ev);
	flow_drop(h, c, f);
}

/* The port is in use by another program: until it was signalled, another one will do. */
static bool replaced(struct call_host *h, struct call *c, struct call_flow *f, int error)
{
	uint16_t port = f->port;

	if (error != -EADDRINUSE || f->closing || session_replace(h, c, f))
		return false;
	LOG_WARN("call", c->id, "media port is held by something else, another is taken",
		 LOG_U64("port", port));
	return true;
}

void call_flow_failed(struct call_host *h, struct call *c, struct flow_id id, int error)
{
	struct call_ending e = { .cause = CAUSE_MEDIA, .by = ENDED_BY_NODE, .status = 503 };
	struct call_flow *f = flow_by_id(c, id);
	bool closing;

	if (!f)
		return;
	f->open = false;
	if (replaced(h, c, f, error))
		return;
	LOG_ERROR("call", c->id, "media port failed", LOG_INT("error", error),
		  LOG_U64("port", flow_port(f)));
	closing = f->closing;
	flow_drop(h, c, f);
	if (!closing)
		call_end(h, c, &e);
}

static bool legs_are_closed(const struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && (c->legs[i]->state != LEG_CLOSED || c->legs[i]->refusal ||
				   forks_are_open(c->legs[i])))
			return false;
	}
	return true;
}

bool call_is_over(const struct call *c)
{
	return c->state == CALL_ENDING && legs_are_closed(c) &&
	       (c->flows_ns == 0 || c->flow_count == 0);
}

static void add_sounds(const struct call *c)
{
	for (uint8_t i = 0; i < c->segment_count; i++)
		sound_metrics_add(&c->segments[i].cdr);
	if (c->cdr)
		sound_metrics_add(c->cdr);
}

void call_end_request(struct call_host *h, struct call *c)
{
	struct request_call_end *end;

	if (c->end_tries == END_TRIES) {
		LOG_ERROR("call", c->id, "the store did not take the end of the call");
		c->end_done = true;
		return;
	}
	c->save_ns = h->now.ns + END_OVERDUE_MS * NS_PER_MS;
	c->later_ns = 0;
	end = effects_cdrs(h->effects, EFFECT_CALL_END, c->id, cdrs_count(c));
	if (end) {
		if (c->cdr)
			end->cdrs.list[c->segment_count] = *c->cdr;
		cdrs_fill(end->cdrs.list, h, c);
		end->again = c->restored;
		end->ago_ms = h->now.utc_ms > c->end_utc_ms ? h->now.utc_ms - c->end_utc_ms : 0;
		modules_ended(h, c, end);
	}
	if (c->end_tries++ == 0)
		add_sounds(c);
}

void call_end_done(struct call_host *h, struct call *c, bool ok)
{
	if (c->end_tries == 0 || c->end_done)
		return;
	metric_add(h->metrics->saves[ok ? SAVE_DONE : SAVE_FAILED], 1);
	if (ok) {
		c->end_done = c->end_saved = true;
	} else {
		c->save_ns = h->now.ns + END_RETRY_MS * NS_PER_MS;
	}
}

#define TRY_AGAIN "Retry-After: 5\r\n"

static const struct call_ending g_given_up = { .cause = CAUSE_NOT_CONTINUED,
					       .by = ENDED_BY_NODE,
					       .status = 503,
					       .extra = BYTES_LIT(TRY_AGAIN) };

void call_obstacle(struct call *c, const char *reason)
{
	if (!c->obstacle)
		c->obstacle = reason;
}

static void count_one(struct call_host *h)
{
	h->given_up++;
	metric_add(h->metrics->given_up, 1);
}

static void close_lost(struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && (c->lost & BIT64(i)))
			leg_close(c->legs[i]);
	}
}

/* The record does not say whether the INVITE reached the party and it rings: CANCEL is right if it
 * does. */
static void count_as_ringing(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];
	struct txn_slot *slot = l->uac ? txns_get(h->txns, l->uac->client) : NULL;

	if (!leg_is_open(l))
		return;
	if (!slot) { /* no room for the transaction: nothing of it can be cancelled */
		leg_close(l);
		return;
	}
	l->uac->state = UAC_PROCEEDING;
	slot->txn.state = TXN_PROCEEDING;
	slot->started = 1;
	if (l->state == LEG_LEAVING) {
		l->leave = true;
		leg_leave_now(h, c, leg);
	}
}

/* Its BYE again. */
static void leave_again(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg_farewell f = { .status = g_given_up.status };
	struct leg *l = c->legs[leg];

	if (l->state != LEG_LEAVING || l->uac)
		return;
	l->state = LEG_CONFIRMED;
	leg_leave(h, c, leg, &f);
}

/* Our 2xx left, or may have: the dialog has its receiver, and the ACK to come belongs to no
 * call. */
static bool asker_has_answer(const struct call *c)
{
	const struct leg *l = call_caller(c);

	return (l->state == LEG_EARLY || l->state == LEG_ANSWERED) && l->uas &&
	       l->uas->state >= UAS_ANSWERED && !(c->lost & BIT64(c->bridge.caller));
}

static void leave_asker(struct call_host *h, struct call *c)
{
	struct leg_farewell f = { .status = g_given_up.status };

	struct leg *l = call_caller(c);

	l->state = LEG_CONFIRMED;
	l->leave = false;
	leg_leave(h, c, c->bridge.caller, &f);
	leg_uas_clear(l);
}

void call_abandon(struct call_host *h, struct call *c)
{
	bool answered = asker_has_answer(c);

	LOG_WARN("call", c->id, "the call cannot go on after the restart and is ended",
		 LOG_STR("reason", c->obstacle));
	count_one(h);
	close_lost(c);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i]) {
			session_timer_stop(&c->legs[i]->timer);
			count_as_ringing(h, c, i);
		}
	}
	if (c->state == CALL_ENDING) {
		for (uint8_t i = 0; i < c->leg_count; i++) {
			if (c->legs[i])
				leave_again(h, c, i);
		}
	}
	call_end(h, c, &g_given_up);
	if (answered)
		leave_asker(h, c);
	outbox_touch(&c->out);
}

static void bye_once(struct call_host *h, struct leg *l)
{
	struct writer w = writer_over(h->space, HOST_SPACE);
	struct dialog_request r = { .method = SIP_BYE,
				    .max_forwards = -1,
				    .cseq = l->dialog.local_cseq += RESUME_CSEQ_GAP,
				    .branch = rand_u64_from(h->rand) };

	dialog_write_request(&w, &l->dialog, &r, h->settings);
	if (!w.overflow)
		txns_send(h->txns, &l->dialog.hop, writer_done(&w));
}

void call_abandon_unlisted(struct call_host *h, struct call *c)
{
	LOG_WARN("call", c->id, "there is no room for the call after the restart: it is ended",
		 LOG_STR("reason", c->obstacle));
	count_one(h);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		struct leg *l = c->legs[i];

		if (l && !(c->lost & BIT64(i)) && l->dialog.remote_tag.n &&
		    l->state != LEG_CLOSED && (l->state != LEG_EARLY || l->uas))
			bye_once(h, l);
	}
	call_end_note(h, c, &g_given_up);
	call_end_request(h, c);
}
