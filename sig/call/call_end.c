/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/call_end.h"

#include <stdlib.h>

#include "base/log.h"
#include "sig/call/cdr_fill.h"
#include "sig/call/flow.h"
#include "sig/call/invite.h"
#include "sig/call/leg.h"
#include "sig/call/respond.h"

enum {
	FLOWS_WAIT_MS = 200, /* for the last counters: a CDR shall not wait for a dead engine */
	END_RETRY_MS = 1000,
	END_OVERDUE_MS =
		5000,  /* the store answers within its own deadline; this is for none at all */
	END_TRIES = 5, /* the store keeps CDRs on disk while Redis is away: a refusal is an error */
};

static struct sig_event *publish(struct call_host *h, const struct call *c,
				 enum sig_event_kind kind)
{
	struct effect *e = effects_add(h->effects, EFFECT_EVENT);
	struct sig_event *event = e ? calloc(1, sizeof(*event)) : NULL;

	if (!event) {
		if (e)
			h->effects->count--;
		return NULL;
	}
	e->call = c->id;
	e->event = event;
	event->kind = kind;
	event->call = c->id;
	event->version = c->out.version;
	event->status = c->status;
	cdr_put(event->tenant, sizeof(event->tenant), bytes_str(h->settings->tenant));
	cdr_put(event->from, sizeof(event->from), text_bytes(&c->from));
	cdr_put(event->to, sizeof(event->to), text_bytes(&c->to));
	return event;
}

void call_publish(struct call_host *h, const struct call *c, enum sig_event_kind kind)
{
	(void)publish(h, c, kind);
}

void call_publish_digit(struct call_host *h, const struct call *c, uint8_t leg, char digit)
{
	struct sig_event *event = publish(h, c, SIG_CALL_DIGIT);

	if (!event)
		return;
	event->leg = leg;
	event->digit = digit;
}

/* A re-INVITE that is still open gets its answer before the dialog ends (RFC 3261 15.1.2). */
static void close_reinvite(struct call_host *h, struct call *c)
{
	struct invite *inv = &c->invite;
	struct response r = { .status = 487, .dialog = &c->legs[inv->from].dialog };

	if (!inv->again || inv->state == INVITE_NONE)
		return;
	if (invite_ack_waits(c, leg_other(inv->from)))
		leg_ack(h, c, leg_other(inv->from));
	if (inv->state == INVITE_QUEUED)
		txns_drop(h->txns, inv->client);
	txns_limit(h->txns, inv->client, h->now.ns);
	if (inv->state < INVITE_ACCEPTED)
		respond(h, txns_get(h->txns, inv->server), NULL, &r);
	invite_clear(inv);
}

static void log_end(const struct call *c)
{
	LOG_INFO("call", c->id, "call ended", LOG_BYTES("from", text_bytes(&c->from)),
		 LOG_BYTES("to", text_bytes(&c->to)), LOG_U64("status", c->status),
		 LOG_STR("reason", call_cause_text(c->cause)),
		 LOG_U64("talk_ms", c->answer_utc_ms ? c->end_utc_ms - c->answer_utc_ms : 0));
}

static void note_end(struct call_host *h, struct call *c, const struct call_ending *e)
{
	c->state = CALL_ENDING;
	c->cause = e->cause;
	c->ended_by = e->by;
	if (c->legs[LEG_A].state == LEG_EARLY) {
		c->status = e->status;
		c->answer_utc_ms = 0; /* B answered, but A was never told */
	}
	c->end_utc_ms = h->now.utc_ms;
	if (c->end_utc_ms < c->setup_utc_ms)
		c->end_utc_ms = c->setup_utc_ms;
	if (c->answer_utc_ms > c->end_utc_ms) /* the wall clock was set back */
		c->end_utc_ms = c->answer_utc_ms;
	c->ring_ns = 0;
}

/* An ACK or the end of a cancelled INVITE may still be awaited. */
static bool invite_is_needed(const struct call *c)
{
	const struct invite *inv = &c->invite;

	if (inv->state == INVITE_ACCEPTED)
		return c->legs[LEG_A].state == LEG_ANSWERED;
	return (inv->state == INVITE_CALLING || inv->state == INVITE_PROCEEDING) &&
	       c->legs[LEG_B].state == LEG_LEAVING;
}

void call_end(struct call_host *h, struct call *c, const struct call_ending *e)
{
	struct leg_farewell f = { .status = e->status, .extra = e->extra, .reason = e->reason };

	if (c->state == CALL_ENDING)
		return;
	note_end(h, c, e);
	close_reinvite(h, c);
	leg_leave(h, c, LEG_A, &f);
	leg_leave(h, c, LEG_B, &f);
	if (!invite_is_needed(c))
		invite_clear(&c->invite);
	outbox_clear(&c->out);
	outbox_touch(&c->out);
	c->cdr = calloc(1, sizeof(*c->cdr));
	flows_close(h, c);
	c->flows_ns = h->now.ns + FLOWS_WAIT_MS * NS_PER_MS;
	metric_add(h->metrics->calls_ended, 1);
	call_publish(h, c, SIG_CALL_ENDED);
	log_end(c);
}

void call_flow_closed(struct call_host *h, struct call *c, const struct media_event *ev)
{
	struct call_flow *f = flow_by_id(c, ev->id);

	if (!f)
		return;
	if (c->cdr)
		cdr_add_flow(c->cdr, f, &ev->stats);
	f->open = false;
	flow_give(h, c, f);
}

void call_flow_failed(struct call_host *h, struct call *c, struct flow_id id, int error)
{
	struct call_ending e = { .cause = CAUSE_MEDIA, .by = ENDED_BY_NODE, .status = 503 };
	struct call_flow *f = flow_by_id(c, id);

	if (!f)
		return;
	LOG_ERROR("call", c->id, "media port failed", LOG_INT("error", error),
		  LOG_U64("port", f->port));
	f->open = false;
	flow_give(h, c, f);
	call_end(h, c, &e);
}

static bool flows_are_back(const struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].open)
			return false;
	}
	return true;
}

bool call_is_over(const struct call *c)
{
	return c->state == CALL_ENDING && c->legs[LEG_A].state == LEG_CLOSED &&
	       c->legs[LEG_B].state == LEG_CLOSED && (c->flows_ns == 0 || flows_are_back(c));
}

void call_end_ask(struct call_host *h, struct call *c)
{
	struct effect *e;
	struct cdr *cdr;

	if (c->end_tries == END_TRIES) {
		LOG_ERROR("call", c->id, "the store did not take the end of the call");
		c->end_done = true;
		return;
	}
	c->end_tries++;
	c->save_ns = h->now.ns + END_OVERDUE_MS * NS_PER_MS;
	e = effects_add(h->effects, EFFECT_CALL_END);
	cdr = e ? calloc(1, sizeof(*cdr)) : NULL;
	if (!cdr) {
		if (e)
			h->effects->count--;
		return;
	}
	if (c->cdr)
		*cdr = *c->cdr;
	cdr_fill(cdr, c, h->settings->tenant);
	e->call = c->id;
	e->version = c->out.version;
	e->cdr = cdr;
}

void call_end_done(struct call_host *h, struct call *c, bool ok)
{
	if (c->end_tries == 0 || c->end_done)
		return;
	metric_add(h->metrics->saves[ok ? SAVE_DONE : SAVE_FAILED], 1);
	if (ok) {
		c->end_done = true;
	} else {
		c->save_ns = h->now.ns + END_RETRY_MS * NS_PER_MS;
	}
}
