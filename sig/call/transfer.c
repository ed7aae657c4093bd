/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/transfer.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/fork.h"
#include "sig/call/invite.h"
#include "sig/call/segment.h"
#include "sig/call/session.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/leg/refer.h"

void transfer_clear(struct transfer **t)
{
	if (!*t)
		return;
	text_clear(&(*t)->target);
	text_clear(&(*t)->from);
	text_clear(&(*t)->to);
	free(*t);
	*t = NULL;
}

int transfer_begin(struct call *c, uint8_t leg, struct bytes user, uint32_t refer)
{
	if (c->transfer)
		return -EALREADY;
	if (c->state != CALL_ESTABLISHED || !bridge_has(c, leg) || !call_callee(c))
		return -ENOTCONN;
	c->transfer = calloc(1, sizeof(*c->transfer));
	if (!c->transfer || text_set(&c->transfer->target, user)) {
		transfer_clear(&c->transfer);
		return -ENOMEM;
	}
	c->transfer->leg = leg;
	c->transfer->refer = refer;
	outbox_touch(&c->out);
	return 0;
}

static void notify(struct call_host *h, struct call *c, uint16_t status)
{
	const struct transfer *t = c->transfer;
	const struct leg *l = call_leg(c, t->leg);

	if (t->refer && l && l->state == LEG_CONFIRMED)
		refer_notify(h, c, t->leg, t->refer, status);
}

static void swap(struct text *a, struct text *b)
{
	struct text old = *a;

	*a = *b;
	*b = old;
}

/* Whose phone the transferor's party is, as whoever rings then is told. */
static bool caller_of(const struct call *c, uint8_t given, struct dialog_party *out)
{
	const struct leg *l = c->legs[given];

	if (!fork_caller_of(c->legs[c->transfer->leg], out))
		return false;
	if (l->user.n)
		out->local_user = text_bytes(&l->user);
	return true;
}

/* The pair of the call is the other one from now on. */
static void swap_pairs(struct call *c)
{
	struct transfer *t = c->transfer;
	struct bridge bridge = c->bridge;

	c->bridge = t->other;
	t->other = bridge;
	swap(&c->from, &t->from);
	swap(&c->to, &t->to);
}

/* What its CDR is to say. */
static void pair_ends(struct call_host *h, struct call *c, enum call_cause cause,
		      enum call_ended_by by)
{
	if (segment_end(h, c, cause, by))
		LOG_WARN("call", c->id, "no memory for another CDR: this one goes on");
}

/* The party that is given away calls, and nobody is asked yet. The transferor's pair is kept. */
static int part(struct call *c, uint8_t given)
{
	struct transfer *t = c->transfer;
	struct text from = { 0 }, to = { 0 };

	if (text_set(&from, call_leg_user(c, given)) || text_set(&to, text_bytes(&t->target))) {
		text_clear(&from);
		return -ENOMEM;
	}
	t->state = TRANSFER_RINGS;
	t->other = (struct bridge){ .caller = given, .callee = LEG_NONE, .offerer = given };
	t->from = from;
	t->to = to;
	swap_pairs(c);
	return 0;
}

/* 0 or -errno with *refusal: nothing has changed. */
static int ring(struct call_host *h, struct call *c, struct call_refusal *refusal)
{
	uint8_t given = bridge_peer(c, c->transfer->leg);
	struct plan plan = c->plan;
	struct dialog_party from;
	int err;

	if (!caller_of(c, given, &from) || part(c, given))
		return call_refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY);
	c->plan = (struct plan){ 0 };
	err = plan_begin(h, c, text_bytes(&c->transfer->target), &from, refusal);
	if (!err) {
		plan_clear(&plan);
		return 0;
	}
	plan_clear(&c->plan);
	c->plan = plan;
	swap_pairs(c);
	return err;
}

static void begun(struct call_host *h, struct call *c)
{
	swap_pairs(c);
	pair_ends(h, c, CAUSE_TRANSFERRED, call_ended_by(c, c->transfer->leg));
	swap_pairs(c);
	c->state = CALL_SETUP;
	flows_update(h, c, NULL);
	call_publish(h, c, SIG_CALL_TRANSFERRING);
	LOG_INFO("call", c->id, "call is transferred", LOG_U64("leg", c->transfer->leg),
		 LOG_BYTES("from", text_bytes(&c->from)), LOG_BYTES("to", text_bytes(&c->to)));
}

static void refused(struct call_host *h, struct call *c, uint16_t status)
{
	LOG_INFO("call", c->id, "call cannot be transferred", LOG_U64("leg", c->transfer->leg),
		 LOG_BYTES("to", text_bytes(&c->transfer->target)), LOG_U64("status", status));
	notify(h, c, status);
	transfer_clear(&c->transfer);
}

void transfer_go(struct call_host *h, struct call *c)
{
	struct call_refusal refusal;

	if (!c->transfer || c->transfer->state != TRANSFER_WAITS || c->state != CALL_ESTABLISHED ||
	    invite_is_open(c))
		return;
	outbox_touch(&c->out);
	if (ring(h, c, &refusal)) {
		refused(h, c, refusal.status);
		return;
	}
	begun(h, c);
	notify(h, c, 100);
}

/* Whoever rings is left. */
static void leave_rung(struct call_host *h, struct call *c)
{
	struct leg_farewell f = { 0 };

	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (!c->legs[i] || i == c->transfer->leg || i == c->bridge.caller)
			continue;
		leg_leave(h, c, i, &f);
		flows_close_leg(h, c, i);
	}
}

/* The transferor's pair is the call's again. */
static void give_back(struct call_host *h, struct call *c, const struct call_ending *e)
{
	c->status = e->status;
	pair_ends(h, c, e->cause, e->by);
	swap_pairs(c);
	plan_clear(&c->plan);
	plan_stop(c);
	c->state = CALL_ESTABLISHED;
	c->status = 200;
	c->answer_utc_ms = c->setup_utc_ms;
	session_refresh(h, c);
	outbox_touch(&c->out);
}

bool transfer_failed(struct call_host *h, struct call *c, const struct call_ending *e)
{
	const struct leg *l = c->transfer ? call_leg(c, c->transfer->leg) : NULL;
	uint16_t status = e->status;

	if (!l || c->transfer->state != TRANSFER_RINGS || l->state != LEG_CONFIRMED)
		return false;
	leave_rung(h, c);
	give_back(h, c, e);
	call_publish(h, c, SIG_CALL_TRANSFER_FAILED);
	fork_forget_best(c);
	refused(h, c, status);
	return true;
}

/* Whoever was told waits for its answer: a BYE that overtakes the NOTIFY would say less. */
void transfer_joined(struct call_host *h, struct call *c)
{
	struct transfer *t = c->transfer;
	const struct leg *l = t ? call_leg(c, t->leg) : NULL;

	if (!t || t->state != TRANSFER_RINGS)
		return;
	t->state = TRANSFER_DONE;
	flows_close_leg(h, c, t->leg);
	call_publish(h, c, SIG_CALL_TRANSFERRED);
	notify(h, c, 200);
	if (!t->refer || !l || l->state != LEG_CONFIRMED)
		transfer_resume(h, c);
}

void transfer_notified(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (ev->kind != CALL_EV_PROVISIONAL && c->transfer && c->transfer->leg == ev->leg)
		transfer_resume(h, c);
}

void transfer_left(struct call *c, uint8_t leg)
{
	if (c->transfer && c->transfer->leg == leg && c->transfer->state == TRANSFER_DONE)
		transfer_clear(&c->transfer);
	outbox_touch(&c->out);
}

/* What is left to do is to leave. */
void transfer_resume(struct call_host *h, struct call *c)
{
	struct leg_farewell f = { 0 };

	if (!c->transfer || c->transfer->state != TRANSFER_DONE)
		return;
	if (call_leg(c, c->transfer->leg))
		leg_leave(h, c, c->transfer->leg, &f);
	transfer_left(c, c->transfer->leg);
}

void transfer_over(struct call_host *h, struct call *c)
{
	if (!c->transfer)
		return;
	if (c->transfer->state != TRANSFER_DONE)
		notify(h, c, 487);
	transfer_clear(&c->transfer);
}

void transfer_write_lines(struct writer *w, const struct call_host *h, const struct call *c,
			  uint8_t leg)
{
	const struct leg *l = c->transfer ? call_leg(c, c->transfer->leg) : NULL;

	if (!l || !transfer_is_beside(c, c->transfer->leg) || c->legs[leg]->state != LEG_EARLY ||
	    l->user.n == 0)
		return;
	writer_str(w, "Referred-By: <sip:");
	writer_bytes(w, text_bytes(&l->user));
	writer_str(w, "@");
	addr_write(w, &h->settings->locals[c->legs[leg]->dialog.hop.local].advertise);
	writer_str(w, ">\r\n");
}
