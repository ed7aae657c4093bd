/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers: one party of an established call gives the other to a target (sig/model/transfer.h).
 * By REFER or command; blind, attended within this shard or to a remote one, and as the mechanism
 * below pickup, park return and Replaces. States: asked and saved, then ringing or joining, then
 * done (NOTIFY 200, transferor released) or undone (the former pair is restored). The pair before
 * is kept in the record until the end, so a successor can finish or undo it. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/flow_spec.h"
#include "sig/call/fork.h"
#include "sig/call/invite.h"
#include "sig/call/legs.h"
#include "sig/call/order.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/host/location.h"
#include "sig/host/settings.h"
#include "sig/host/tenant_tables.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/model/call_order.h"
#include "sig/model/conference.h"
#include "sig/model/flow_run.h"
#include "sig/model/transfer.h"
#include "sig/pbx/join.h"
#include "sig/pbx/park.h"
#include "sig/pbx/pick.h"
#include "sig/pbx/refer.h"
#include "sig/pbx/remote_shard.h"
#include "sig/pbx/replace.h"
#include "sig/pbx/transfer.h"

bool transfer_is_allowed(const struct call_host *h, const struct call *c, const struct leg *l)
{
	const struct shard_extension *e =
		h->services->directory->extension(h->owner, c->tenant, text_bytes(&l->user));

	return l->trunk.n == 0 && !l->bare && (!e || !e->no_transfer) &&
	       extension_may(h->settings->tenants, e, ENTITLED_TRANSFER);
}

/* Whether there is a party to give away. A missing ACK of the caller delays the transfer. */
static bool transfer_may_start(const struct call *c, uint8_t leg)
{
	if (leg == LEG_NONE)
		return call_is_answered_alone(c) ||
		       (c->state == CALL_ESTABLISHED && call_is_alone(c));
	return (c->state == CALL_ANSWERING || c->state == CALL_ESTABLISHED) && bridge_has(c, leg) &&
	       call_callee(c);
}

static enum refusal transfer_make(struct call *c, const struct transfer_request *ask)
{
	if (c->transfer && c->transfer->state != TRANSFER_FAILED)
		return REFUSED_TRANSFER_OPEN;
	if (c->member && c->member->monitors) /* a privilege of its user alone (MON-04) */
		return REFUSED_MONITORS;
	if (!transfer_may_start(c, ask->leg))
		return REFUSED_NOT_ESTABLISHED;
	transfer_clear(&c->transfer);
	c->transfer = calloc(1, sizeof(*c->transfer));
	if (!c->transfer)
		return REFUSED_MEMORY;
	c->transfer->leg = ask->leg;
	c->transfer->given = transfer_given(&c->bridge, ask->leg);
	c->transfer->ordered = ask->ordered;
	c->transfer->replaced = ask->replaced;
	c->transfer->asked = ask->cseq;
	c->transfer->refer = ask->notify ? ask->cseq : 0;
	outbox_touch(&c->out);
	return 0;
}

enum refusal curl_transfer_start(struct call *c, const struct transfer_request *ask,
				 struct bytes user, struct bytes gruu)
{
	enum refusal r = transfer_make(c, ask);

	if (r || (!text_set(&c->transfer->target, user) && !text_set(&c->transfer->gruu, gruu)))
		return r;
	transfer_clear(&c->transfer);
	return REFUSED_MEMORY;
}

enum refusal transfer_begin_with(struct call *c, const struct transfer_request *ask,
				 const struct transfer_with *with)
{
	enum refusal r = transfer_make(c, ask);

	if (!r)
		c->transfer->with = *with;
	return r;
}

enum refusal transfer_begin_remote(struct call *c, const struct transfer_request *ask,
				   struct bytes user, const struct transfer_there *there)
{
	const struct leg *referrer = ask->ordered ? NULL : c->legs[ask->leg];
	enum refusal r = curl_transfer_start(c, ask, user, (struct bytes){ 0 });
	int err;

	if (r)
		return r;
	c->transfer->remote.joins = there->joins;
	err = there->member.n ? transfer_remote_set_member(&c->transfer->remote, there->shard,
							   there->member)
			      : transfer_remote_set(&c->transfer->remote, there->shard,
						    &there->dialog, referrer);
	if (!err)
		return REFUSED_NOT;
	transfer_clear(&c->transfer);
	return err == -EINVAL ? REFUSED_MALFORMED : REFUSED_MEMORY;
}

bool transfer_is_of(const struct call *c, uint8_t leg, uint32_t cseq)
{
	const struct transfer *t = c->transfer;

	return t && !t->ordered && !t->replaced && !t->outside && t->leg == leg && t->asked == cseq;
}

/* Queues a NOTIFY with that status. Returns false without a subscriber. */
static bool notify(struct call_host *h, struct call *c, uint16_t status)
{
	struct transfer *t = c->transfer;
	const struct leg *l = call_leg(c, t->leg);

	if (!t->refer || (!t->outside && (!l || l->state != LEG_CONFIRMED)))
		return false;
	t->last = refer_notify(h, c, status);
	return t->last;
}

static void swap(struct text *a, struct text *b)
{
	struct text old = *a;

	*a = *b;
	*b = old;
}

/* The identity of the given party, as shown to the phones that ring next: that of the transferor's
 * peer. */
static bool caller_of(const struct call *c, struct dialog_party *out)
{
	const struct leg *l = c->legs[c->transfer->given];
	const struct leg *told = call_leg(c, c->transfer->leg);

	*out = (struct dialog_party){ .local_display = flow_shown_name(c),
				      .local_user = flow_shown_number(c) };
	if (told && !fork_caller_of(told, out))
		return false;
	if (l->user.n && bytes_eq(flow_shown_number(c), text_bytes(&c->from)))
		out->local_user = text_bytes(&l->user);
	return true;
}

/* Makes the other pair the call's pair. */
static void swap_pairs(struct call *c)
{
	struct transfer *t = c->transfer;
	struct bridge bridge = c->bridge;

	c->bridge = t->other;
	t->other = bridge;
	swap(&c->from, &t->from);
	swap(&c->to, &t->to);
}

/* The side that ended the pair. */
static enum call_ended_by pair_ended_by(const struct call *c)
{
	return c->transfer->ordered ? ENDED_BY_OPERATOR : call_ended_by(c, c->transfer->leg);
}

/* Ends the pair, with what its CDR is to say. */
static void pair_ends(struct call_host *h, struct call *c, enum call_cause cause,
		      enum call_ended_by by)
{
	if (segment_end(h, c, cause, by))
		LOG_WARN("call", c->id, "no memory for another CDR: this one goes on");
}

/* The given party becomes the caller, with no branch yet. The pair before is kept. */
static int part(struct call *c)
{
	struct transfer *t = c->transfer;
	struct text from = { 0 }, to = { 0 };

	if (text_set(&from, call_leg_user(c, t->given)) || text_set(&to, text_bytes(&t->target)) ||
	    text_set(&t->application, call_application(c))) {
		text_clear(&from);
		text_clear(&to);
		return -ENOMEM;
	}
	t->state = TRANSFER_RINGING;
	t->other = (struct bridge){ .caller = t->given, .callee = LEG_NONE, .offerer = t->given };
	t->from = from;
	t->to = to;
	swap_pairs(c);
	return 0;
}

static enum refusal transfer_ring_target(struct call_host *h, struct call *c,
					 const struct dialog_party *from,
					 struct call_refusal *refusal)
{
	struct bytes target = text_bytes(&c->transfer->target);

	if (c->transfer->remote.shard)
		return remote_shard_ring(h, c, from, refusal);
	if (c->transfer->unattended)
		return plan_start_unanswered(h, c, target, from, refusal);
	return plan_start(h, c, target, text_bytes(&c->transfer->gruu), from, refusal);
}

/* Rings the target. A refusal leaves the call unchanged. *before: the plan until now. */
static enum refusal transfer_ring(struct call_host *h, struct call *c, struct plan *before,
				  struct call_refusal *refusal)
{
	struct dialog_party from;
	enum refusal refused;

	if (!caller_of(c, &from) || part(c))
		return call_refuse(refusal, REFUSED_MEMORY);
	*before = c->plan;
	c->plan = (struct plan){ 0 };
	c->ring_s = c->transfer->ring_s;
	c->ring_ns = 0;
	refused = transfer_ring_target(h, c, &from, refusal);
	if (!refused)
		return 0;
	plan_clear(&c->plan);
	c->plan = *before;
	c->ring_s = 0;
	swap_pairs(c);
	return refused;
}

static void begun(struct call_host *h, struct call *c, struct plan *before)
{
	struct plan plan = c->plan;

	swap_pairs(c);
	c->plan = *before;
	pair_ends(h, c, CAUSE_TRANSFERRED, pair_ended_by(c));
	plan_clear(&c->plan);
	c->plan = plan;
	swap_pairs(c);
	c->transfer->away_s = c->away_s;
	c->away_s = 0;
	c->state = CALL_SETUP;
	flows_update(h, c, NULL);
	call_publish(h, c, SIG_CALL_TRANSFERRING);
	LOG_INFO("call", c->id, "call is transferred",
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, text_bytes(&c->to))));
}

static void transfer_publish_failed(struct call_host *h, const struct call *c, uint16_t status)
{
	event_put_number(call_publish(h, c, SIG_CALL_TRANSFER_FAILED), EV_SIP_STATUS, status);
}

/* Turns away the party that was to replace the transferor: it has no peer. */
static void turn_away(struct call_host *h, const struct call *c)
{
	const struct call_event over = { .kind = CALL_EV_PICK_OVER };

	if (c->transfer->replaced && c->transfer->state == TRANSFER_WAITING)
		h->services->calls->step(h->owner, c->transfer->with.call, &over);
}

/* The callee that was called for the other party continues with its own peer. */
static void part_unmet(struct call_host *h, struct call *c)
{
	const struct call_event over = { .kind = CALL_EV_MEET };

	if (c->transfer->met && c->transfer->state == TRANSFER_WAITING)
		h->services->calls->step(h->owner, c->transfer->with.call, &over);
	meet_over(c);
}

void transfer_refuse(struct call_host *h, struct call *c, uint16_t status)
{
	LOG_INFO("call", c->id, "call cannot be transferred",
		 LOG_BYTES("to", cdr_number(h, c, text_bytes(&c->transfer->target))),
		 LOG_U64("status", status));
	if (c->run)
		c->run->status = status;
	transfer_publish_failed(h, c, status);
	part_unmet(h, c);
	turn_away(h, c);
	if (c->transfer->slot.number[0])
		park_failed(h, c, status);
	c->transfer->state = TRANSFER_FAILED;
	c->transfer->status = status;
	if (pick_is_on(c)) /* no other phone rings for it any more */
		pick_fail(h, c);
	else if (!notify(h, c, status))
		transfer_clear(&c->transfer);
}

static void go_ring(struct call_host *h, struct call *c)
{
	struct call_refusal refusal;
	struct plan before;

	outbox_touch(&c->out);
	prompts_stop(h, c);
	if (transfer_ring(h, c, &before, &refusal)) {
		transfer_refuse(h, c, refusal.status);
		return;
	}
	begun(h, c, &before);
	(void)notify(h, c, 100);
}

/* The former caller is the caller again; of two callers, the one given away here. */
static bool is_caller(const struct call *c, bool other_called)
{
	return c->transfer->given == c->bridge.caller || !other_called;
}

/* Finds the leg of the other call that moves. False: that call has changed since the request. */
static bool which_leg_moves(const struct call *other, const struct transfer_with *with,
			    uint8_t *leg)
{
	*leg = with->leg == LEG_NONE ? bridge_peer(other, with->peer) : with->leg;
	return call_leg(other, *leg) && bridge_has(other, *leg) &&
	       bridge_peer(other, *leg) == with->peer;
}

/* Makes the two a pair. Neither rang, so both are bridged at once. own, user: the names
 * in the call. */
static void pair_up(struct call_host *h, struct call *c, uint8_t other, bool calls,
		    struct text *own, struct text *user)
{
	uint8_t given = c->transfer->given;

	bool picked = pick_is_on(c);

	prompts_stop(h, c);
	if (!picked)
		pair_ends(h, c, CAUSE_TRANSFERRED, pair_ended_by(c));
	c->transfer->other = c->bridge;
	c->bridge = (struct bridge){ .caller = calls ? given : other,
				     .callee = calls ? other : given,
				     .offerer = calls ? given : other };
	c->reoffer = REOFFER_CALLER | REOFFER_CALLEE;
	c->meet_ns = 0;
	/* the pair is as intended; the callee is the one called, or the one that took the call for
	 * him */
	if (picked)
		return;
	swap(&c->from, calls ? own : user);
	swap(&c->to, calls ? user : own);
	c->answer_utc_ms = c->setup_utc_ms;
	c->status = 200;
	if (call_application(c).n && text_set(&c->transfer->application, call_application(c)))
		LOG_WARN("call", c->id, "no memory: its application does not hear of this");
	c->away_s = 0;
	plan_clear(&c->plan);
}

static int transfer_meet_other(struct call_host *h, struct call *c, uint8_t leg)
{
	struct call_meeting meeting = { .with = c->legs[c->transfer->given], .err = -ENOENT };
	const struct call_event ev = { .kind = CALL_EV_MEET, .leg = leg, .meeting = &meeting };

	h->services->calls->step(h->owner, c->transfer->with.call, &ev);
	return meeting.err;
}

/* They have nothing in common: the one with more capabilities is re-INVITEd with those of the
 * other, then the other one. REFUSED_CHANGING: it was sent. */
static enum refusal transfer_meet(struct call_host *h, struct call *c, const struct call *other,
				  uint8_t leg)
{
	struct transfer *t = c->transfer;
	bool given = t->met ? !(t->met & MET_GIVEN)
			    : session_is_wider(c->legs[t->given], other->legs[leg]);
	int err;

	if (other->state != CALL_ESTABLISHED || other->transfer)
		return REFUSED_NO_DIALOG;
	if (invite_is_open(other))
		return REFUSED_CHANGING;
	if (t->met == (MET_GIVEN | MET_MOVES))
		return REFUSED_SDP;
	err = given ? meet_reoffer(h, c, t->given, other->legs[leg])
		    : transfer_meet_other(h, c, leg);
	t->met |= given ? MET_GIVEN : MET_MOVES;
	outbox_touch(&c->out);
	return err == -ENOMEM || err == -ENOSPC ? REFUSED_MEMORY : REFUSED_CHANGING;
}

static void transfer_on_joined(struct call_host *h, struct call *c);

/* Joins the two calls. A refusal leaves both unchanged. */
static enum refusal transfer_join(struct call_host *h, struct call *c)
{
	const struct transfer *t = c->transfer;
	const struct call *other = h->services->calls->find(h->owner, t->with.call);
	struct call_join j = { .to = c, .ordered = t->ordered };
	struct call_event ev = { .kind = CALL_EV_JOIN, .join = &j };
	struct text own = { 0 }, user = { 0 };
	enum refusal r = REFUSED_NOT;
	bool calls;

	if (!other || !which_leg_moves(other, &t->with, &ev.leg))
		return REFUSED_NO_CALL;
	if (call_is_answered_alone(other) || !flows_dtls_may_move(other, ev.leg) ||
	    (t->replaced && replace_is_outdone(h, c, t->leg, other->id)))
		return REFUSED_CHANGING;
	if (!session_fits(c->legs[t->given], other->legs[ev.leg]))
		return transfer_meet(h, c, other, ev.leg);
	if (!call_may_join(h, c))
		return REFUSED_CHANGING;
	calls = is_caller(c, ev.leg == other->bridge.caller);
	if (text_set(&own, call_leg_user(c, t->given)) ||
	    text_set(&user, call_leg_user(other, ev.leg))) {
		r = REFUSED_MEMORY;
	} else {
		h->services->calls->step(h->owner, t->with.call, &ev);
		r = j.refused;
	}
	if (!r)
		pair_up(h, c, j.leg, calls, &own, &user);
	text_clear(&own);
	text_clear(&user);
	return r;
}

enum { AGAIN_MS = 20 };

static void join_later(const struct call_host *h, struct call *c)
{
	c->transfer->again_ns = h->now.ns + AGAIN_MS * NS_PER_MS;
}

static void go_join(struct call_host *h, struct call *c)
{
	enum refusal r = transfer_join(h, c);
	char id[ID_TEXT_LEN];

	if (r == REFUSED_CHANGING) {
		join_later(h, c);
		return;
	}
	outbox_touch(&c->out);
	if (r) {
		transfer_refuse(h, c, refusals[r].status);
		return;
	}
	id_call_put(id, c->transfer->with.call);
	LOG_INFO("call", c->id, "call is joined with another",
		 LOG_BYTES("with", bytes_mem(id, sizeof(id))),
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, text_bytes(&c->to))));
	transfer_on_joined(h, c);
	session_refresh(h, c);
}

/* Whether the transferor lost the right while the transfer waited. */
static bool is_forbidden(const struct call_host *h, const struct call *c)
{
	const struct leg *l = call_leg(c, c->transfer->leg);

	return !c->transfer->ordered && !c->transfer->replaced && l &&
	       !transfer_is_allowed(h, c, l);
}

/* Whether the transfer is in the record: then the next process mends what a kill leaves of the two
 * calls. */
static bool is_saved(const struct call_host *h, const struct call *c)
{
	return !c->transfer->ordered || h->degraded || c->out.acked == c->out.version;
}

static bool transfer_may_go(const struct call *c)
{
	return c->transfer && c->transfer->state == TRANSFER_WAITING &&
	       c->state == CALL_ESTABLISHED && !invite_is_open(c);
}

/* The store did not report the slot, or the call to be joined with may be asked again. */
static void transfer_again(struct call_host *h, struct call *c)
{
	if (c->transfer->slot.number[0])
		park_unclaimed(h, c);
	else if (!is_saved(h, c))
		join_later(h, c);
}

static const struct deadline transfer_deadlines[] = {
	{ .name = "transfer again",
	  .owner = offsetof(struct call, transfer),
	  .at = offsetof(struct transfer, again_ns),
	  .on = transfer_may_go,
	  .due = transfer_again },
	{ 0 },
};

void transfer_go(struct call_host *h, struct call *c)
{
	const struct transfer *t = c->transfer;

	if (!transfer_may_go(c))
		return;
	if (is_forbidden(h, c)) {
		outbox_touch(&c->out);
		transfer_refuse(h, c, 403);
	} else if (t->slot.number[0])
		park_go_on(h, c);
	else if (!t->with.call)
		go_ring(h, c);
	else if (!t->again_ns && is_saved(h, c))
		go_join(h, c);
}

/* Cancels the ringing branches. elsewhere: another phone takes the call (RFC 3326). */
static void leave_rung(struct call_host *h, struct call *c, bool elsewhere)
{
	struct leg_farewell f = { 0 };

	if (elsewhere)
		f.reason = BYTES_LIT(LEG_COMPLETED);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (!c->legs[i] || i == c->transfer->leg || i == c->bridge.caller)
			continue;
		leg_leave(h, c, i, &f);
		flows_close_leg(h, c, i);
	}
}

/* Gives a caller that was alone back to the application. */
static void plan_back(struct call *c)
{
	struct text application = c->transfer->application;

	c->transfer->application = (struct text){ 0 };
	plan_clear(&c->plan);
	plan_stop(c);
	c->ring_s = 0;
	c->away_s = c->transfer->away_s;
	if (application.n && !plan_add(&c->plan, text_bytes(&c->to), PLAN_CALLED, PLAN_FIRST))
		swap(&c->plan.steps[0].application, &application);
	text_clear(&application);
}

/* Restores the former pair. */
static void give_back(struct call_host *h, struct call *c, const struct call_ending *e)
{
	c->status = e->status;
	pair_ends(h, c, e->cause, e->by);
	swap_pairs(c);
	plan_back(c);
	c->state = CALL_ESTABLISHED;
	c->status = 200;
	c->answer_utc_ms = c->setup_utc_ms;
	session_refresh(h, c);
	outbox_touch(&c->out);
}

/* Whether the former pair can be restored: the transferor is still there, or there was none. */
static bool may_give_back(const struct call *c)
{
	const struct transfer *t = c->transfer;
	const struct leg *l = t ? call_leg(c, t->leg) : NULL;

	if (!t || t->state != TRANSFER_RINGING)
		return false;
	return t->leg == LEG_NONE || (l && l->state == LEG_CONFIRMED);
}

/* Returns false if no transferor could get its party back. */
static bool transfer_untaken(struct call_host *h, struct call *c, const struct call_ending *e)
{
	uint16_t status = e->status;

	if (!may_give_back(c))
		return false;
	leave_rung(h, c, false);
	give_back(h, c, e);
	fork_forget_best(c);
	transfer_refuse(h, c, status);
	return true;
}

void transfer_call_off(struct call_host *h, struct call *c)
{
	const struct call_ending e = { .cause = CAUSE_NO_ANSWER,
				       .by = ENDED_BY_NODE,
				       .status = 487 };

	assert(c->transfer->state == TRANSFER_RINGING && c->transfer->leg == LEG_NONE);
	leave_rung(h, c, true);
	give_back(h, c, &e);
	fork_forget_best(c);
	transfer_refuse(h, c, e.status);
}

/* Ends a transfer that waits or rings, by command. The call is as before. */
static enum refusal order_cancel(struct call_host *h, struct call *c, struct call_order *order)
{
	const struct call_ending e = { .cause = CAUSE_OPERATOR,
				       .by = ENDED_BY_OPERATOR,
				       .status = 487 };
	const struct transfer *t = c->transfer;

	(void)order;
	if (!t || t->slot.number[0] || pick_is_on(c) ||
	    (t->state != TRANSFER_WAITING && !may_give_back(c)))
		return REFUSED_NO_TRANSFER;
	if (t->state == TRANSFER_RINGING && c->state == CALL_ESTABLISHED)
		return REFUSED_ANSWERED; /* the callee that answered is about to be bridged */
	outbox_touch(&c->out);
	if (t->state == TRANSFER_WAITING)
		transfer_refuse(h, c, e.status);
	else
		(void)transfer_untaken(h, c, &e);
	return 0;
}

static void forget(struct call *c)
{
	transfer_clear(&c->transfer);
	outbox_touch(&c->out);
}

static void leave(struct call_host *h, struct call *c)
{
	struct leg_farewell f = { 0 };

	if (call_leg(c, c->transfer->leg))
		leg_leave(h, c, c->transfer->leg, &f);
	forget(c);
}

/* The transferor's answer to the NOTIFY is awaited: a BYE that overtakes the NOTIFY would say
 * less. */
void transfer_done(struct call_host *h, struct call *c)
{
	struct transfer *t = c->transfer;

	t->state = TRANSFER_DONE;
	flows_close_leg(h, c, t->leg);
	if (!notify(h, c, 200))
		leave(h, c);
}

/* The rung target forwarded the call, or one of several has answered: that callee is the peer. */
static void name_who_speaks(struct call *c)
{
	struct bytes user = call_answered_by(c);

	if (!user.n)
		(void)plan_went_to(&c->plan, &user);
	if (c->plan.count > 1 && user.n && text_set(&c->to, user))
		LOG_WARN("call", c->id, "no memory for the name of the speaking party");
}

static void transfer_on_joined(struct call_host *h, struct call *c)
{
	c->ring_s = 0;
	if (c->transfer->state == TRANSFER_RINGING)
		name_who_speaks(c);
	if (pick_is_done(c))
		pick_notify(h, c);
	else
		call_publish(h, c, SIG_CALL_TRANSFERRED);
	transfer_done(h, c);
}

/* Whether the pair talks. A party without peer talks with the node. */
static bool pair_speaks(const struct call *c)
{
	return !call_callee(c) || session_fits(call_caller(c), call_callee(c));
}

static void transfer_established(struct call_host *h, struct call *c)
{
	if (c->transfer && c->transfer->state == TRANSFER_RINGING && pair_speaks(c))
		transfer_on_joined(h, c);
}

void transfer_met(struct call_host *h, struct call *c)
{
	const struct call_ending e = { .cause = CAUSE_SESSION, .by = ENDED_BY_NODE, .status = 488 };

	if (!c->transfer || c->transfer->state != TRANSFER_RINGING || c->order_ns)
		return;
	transfer_established(h, c);
	if (c->transfer && c->transfer->state == TRANSFER_RINGING)
		call_untaken(h, c, &e);
}

/* Handles the answer to our NOTIFY, or its absence. */
static void transfer_notified(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct transfer *t = c->transfer;

	if (ev->user != TXN_USER_REFER || ev->kind == CALL_EV_PROVISIONAL || !t ||
	    t->last != ev->txn)
		return;
	if (t->state == TRANSFER_DONE)
		leave(h, c);
	else if (t->state == TRANSFER_FAILED)
		forget(c);
}

/* Notes that the transferor hung up. */
static void transfer_left(struct call *c, uint8_t leg)
{
	const struct transfer *t = c->transfer;

	if (t && t->leg == leg && t->state == TRANSFER_DONE && !t->outside)
		transfer_clear(&c->transfer);
	outbox_touch(&c->out);
}

/* Whether the final NOTIFY is repeated. Within the call's dialog BYE says as much; a subscription
 * with a dialog of its own outlives that. */
static bool notify_again(struct call_host *h, struct call *c)
{
	struct transfer *t = c->transfer;

	if (t->state == TRANSFER_FAILED)
		return notify(h, c, t->status);
	return t->outside && notify(h, c, 200);
}

/* What is left is to release the transferor, or to repeat the call's final NOTIFY. A call to be
 * joined with may be resumed later than this one. */
static void transfer_resume(struct call_host *h, struct call *c)
{
	struct transfer *t = c->transfer;

	if (t && t->outside)
		t->outside->local_cseq += c->cseq_gap;
	if (t && t->state == TRANSFER_WAITING && t->with.call)
		join_later(h, c);
	if (!t || t->last || (t->state != TRANSFER_DONE && t->state != TRANSFER_FAILED))
		return;
	outbox_touch(&c->out);
	if (notify_again(h, c))
		return;
	if (t->state == TRANSFER_DONE)
		leave(h, c);
	else
		forget(c);
}

static void transfer_over(struct call_host *h, struct call *c)
{
	if (!c->transfer)
		return;
	part_unmet(h, c);
	turn_away(h, c);
	if (c->transfer->slot.number[0] && c->transfer->state == TRANSFER_WAITING)
		park_failed(h, c, 487);
	if (c->transfer->state < TRANSFER_DONE)
		(void)notify(h, c, 487);
	transfer_clear(&c->transfer);
}

/* Referred-By of the transferor, to the target that is rung (RFC 3892). */
static void transfer_write_lines(struct writer *w, const struct call_host *h, const struct call *c,
				 uint8_t leg)
{
	const struct leg *l = c->transfer ? call_leg(c, c->transfer->leg) : NULL;

	if (c->transfer && c->transfer->remote.shard && transfer_has_begun(c->transfer) &&
	    c->legs[leg]->state == LEG_EARLY) {
		remote_shard_write_lines(w, h, c);
		return;
	}
	if (!l || !transfer_is_of_transferor(c, c->transfer->leg) ||
	    c->legs[leg]->state != LEG_EARLY || l->user.n == 0)
		return;
	writer_str(w, "Referred-By: <sip:");
	writer_bytes(w, text_bytes(&l->user));
	writer_str(w, "@");
	addr_write(w, &h->settings->locals[c->legs[leg]->dialog.hop.local].advertise);
	writer_str(w, ">\r\n");
}

/* ---- by command ---- */

bool transfer_is_under_way(const struct call_host *h, const struct call *c)
{
	return (c->transfer && c->transfer->state != TRANSFER_FAILED) || pick_is_promised(h, c);
}

/* Whether the target is a room, forwards its calls, or has or may have phones to ring. */
static bool is_reachable(const struct call_host *h, const struct call *c, struct bytes user)
{
	struct sip_uri uri = { .scheme = BYTES_LIT("tel"), .user = user };
	struct call_target targets[LEGS_MAX];

	return rooms_find(h->settings->rooms, c->tenant, user) ||
	       h->services->directory->forward(h->owner, c->tenant, user) ||
	       (h->services->directory->extension(h->owner, c->tenant, user) &&
		!h->services->location->is_complete(h->owner, c->tenant, user)) ||
	       h->services->location->resolve(h->owner, c->tenant, &uri, targets,
					      COUNT_OF(targets));
}

enum refusal transfer_order_leg(const struct call *c, enum shard_leg named, uint8_t *leg)
{
	*leg = named == SHARD_LEG_CALLEE ? c->bridge.callee : c->bridge.caller;
	if (c->state != CALL_ESTABLISHED && !call_is_answered_alone(c))
		return REFUSED_NOT_ESTABLISHED;
	if (!call_leg(c, *leg))
		return REFUSED_NO_LEG;
	return named == SHARD_LEG_NONE && !call_is_alone(c) ? REFUSED_WHICH_PARTY : REFUSED_NOT;
}

/* CONF-09: two members are left, and one of them is the initiator. */
static bool conference_keeps_it(const struct call_host *h, const struct call *c)
{
	const struct room *r = h->settings->conferences.release == CONFERENCE_RELEASE_INITIATOR_LEFT
				       ? conference_room(h, c)
				       : NULL;

	return r && r->kind == ROOM_STATION && r->count == 2 && room_has_initiator(r);
}

static enum refusal order_transfer(struct call_host *h, struct call *c, struct call_order *order)
{
	struct transfer_request ask = { .ordered = true };
	enum refusal r = transfer_is_under_way(h, c) ? REFUSED_TRANSFER_OPEN
						     : transfer_order_leg(c, order->leg, &ask.leg);
	uint8_t given;

	if (r)
		return r;
	if (conference_keeps_it(h, c))
		return REFUSED_TWO_LEFT;
	if (call_is_alone(c)) {
		if (order->leg != SHARD_LEG_NONE) /* there is no peer to give away */
			return REFUSED_NO_LEG;
		ask.leg = LEG_NONE;
	}
	given = transfer_given(&c->bridge, ask.leg);
	if (!order->known)
		return REFUSED_NO_EXTENSION;
	if (bytes_eq(order->to, call_leg_user(c, given)))
		return REFUSED_TO_ITSELF;
	if (!is_reachable(h, c, order->to))
		return REFUSED_NOT_REGISTERED;
	r = curl_transfer_start(c, &ask, order->to, (struct bytes){ 0 });
	if (!r)
		c->transfer->ring_s = order->seconds;
	return r;
}

static const struct module_event transfer_events[] = {
	{ CALL_EV_REFER, refer_outside },
	{ 0 },
};

static const struct module_order transfer_orders[] = {
	{ ORDER_TRANSFER, NEEDS_NOBODY, order_transfer },
	{ ORDER_CANCEL, NEEDS_NOBODY, order_cancel },
	{ 0 },
};

const struct module transfer_module = {
	.orders = transfer_orders,
	.events = transfer_events,
	.request = refer_received,
	.repeated = refer_again,
	.response = transfer_notified,
	.settle = transfer_go,
	.deadlines = transfer_deadlines,
	.resumed = transfer_resume,
	.established = transfer_established,
	.unanswered = transfer_untaken,
	.leg_left = transfer_left,
	.over = transfer_over,
	.headers = transfer_write_lines,
};
