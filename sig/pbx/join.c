/* SPDX-License-Identifier: Apache-2.0 */
/* Joins two calls into one, and splits one into two. A join moves a leg into the other call,
 * renegotiates media where the two sessions do not fit (join.h describes the order of re-INVITEs),
 * and ends the call that was left; a split does the reverse for a call of two parties. Records of
 * both calls change in one transaction, so no successor sees a leg in both. Used by call.join and
 * call.split, by transfers, by Replaces and by conferences. */

#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/invite.h"
#include "sig/call/legs.h"
#include "sig/call/order.h"
#include "sig/call/originate.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/reinvite.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/model/call.h"
#include "sig/model/call_order.h"
#include "sig/pbx/join.h"
#include "sig/pbx/transfer.h"
#include "sig/sip/lex.h"

int meet_reoffer(struct call_host *h, struct call *c, uint8_t leg, const struct leg *with)
{
	int err;

	if (c->state != CALL_ESTABLISHED || !bridge_has(c, leg))
		return -ENOTCONN;
	err = invite_for(h, c, leg, with);
	if (err)
		return err;
	LOG_INFO("call", c->id, "a party is asked for what it is to be joined by",
		 LOG_U64("leg", leg));
	c->reoffer = REOFFER_CALLER | (call_callee(c) ? REOFFER_CALLEE : 0);
	c->meet_ns = h->now.ns + MEET_MS * NS_PER_MS;
	return 0;
}

void meet_over(struct call *c)
{
	c->meet_ns = 0;
	outbox_touch(&c->out);
}

static bool is_held_by(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	return l->held || l->holds || session_is_holding(c, leg);
}

/* For a party alone: the party that held it is gone, and a hold by its own phone is not ours to
 * end. */
static bool session_was_reduced(const struct call *c, uint8_t leg, uint8_t peer)
{
	bool held = peer == LEG_NONE ? c->legs[leg]->holds : is_held_by(c, peer);

	return !held && !session_was_offered_all(c, leg);
}

/* It gets no media until its re-INVITE. */
static bool meet_is_unheard(const struct call_host *h, const struct call *c, uint8_t leg)
{
	return call_leg(c, leg) && flows_moved(h, c, leg);
}

static bool pair_fits(const struct call *c)
{
	return !call_callee(c) || session_fits_whole(call_caller(c), call_callee(c));
}

static uint8_t next_to_reoffer(const struct call_host *h, const struct call *c)
{
	bool both = c->reoffer == (REOFFER_CALLER | REOFFER_CALLEE) && call_callee(c);
	bool callee = !(c->reoffer & REOFFER_CALLER);

	if (both && meet_is_unheard(h, c, c->bridge.callee))
		callee = !meet_is_unheard(h, c, c->bridge.caller);
	else if (both && !meet_is_unheard(h, c, c->bridge.caller) && !pair_fits(c))
		callee = session_is_wider(call_callee(c), call_caller(c));
	return callee ? c->bridge.callee : c->bridge.caller;
}

static void meet_leg(struct call_host *h, struct call *c, uint8_t leg)
{
	uint8_t peer = bridge_peer(c, leg);

	c->reoffer &= (uint8_t)~bridge_reoffer_side(c, leg);
	outbox_touch(&c->out);
	if (!call_leg(c, leg) ||
	    (!meet_is_unheard(h, c, leg) && !session_was_reduced(c, leg, peer) && pair_fits(c)))
		return;
	if (!invite_own(h, c, peer == LEG_NONE ? leg : peer))
		return;
	LOG_WARN("call", c->id, "a party is not told the media of its new other party",
		 LOG_U64("leg", leg));
	if (meet_is_unheard(h, c, leg))
		reoffer_unheard(h, c, leg);
}

/* order_ns: one will be asked again (reinvite.h) */
static bool meet_may_reinvite(const struct call *c)
{
	return c->state == CALL_ESTABLISHED && !invite_is_open(c) && c->order_ns == 0;
}

/* The other call has not reported its result: the remaining party is re-INVITEd without it. */
static const struct deadline meet_deadlines[] = {
	{ .name = "meet",
	  .at = offsetof(struct call, meet_ns),
	  .saved = true,
	  .on = meet_may_reinvite },
	{ 0 },
};

static bool meet_may_reoffer(const struct call *c)
{
	return !c->meet_ns && meet_may_reinvite(c);
}

static void meet_reoffer_legs(struct call_host *h, struct call *c)
{
	while (c->reoffer && meet_may_reoffer(c))
		meet_leg(h, c, next_to_reoffer(h, c));
	if (!c->reoffer && meet_may_reoffer(c))
		transfer_met(h, c);
}

static enum refusal may_give(const struct call_host *h, const struct call *c, uint8_t leg)
{
	if ((c->state != CALL_ANSWERING && c->state != CALL_ESTABLISHED) || !bridge_has(c, leg) ||
	    c->transfer)
		return REFUSED_NO_DIALOG;
	return c->state == CALL_ANSWERING || invite_is_open(c) || !call_may_join(h, c)
		       ? REFUSED_CHANGING
		       : REFUSED_NOT;
}

static void join_hand_over(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct call_join *join = ev->join;
	uint8_t leg = ev->leg;
	struct call_ending e = { .cause = CAUSE_TRANSFERRED,
				 .by = join->ordered ? ENDED_BY_OPERATOR
						     : call_ended_by(c, bridge_peer(c, leg)),
				 .status = 480 };

	join->refused = may_give(h, c, leg);
	if (!join->refused && calls_join(h, c, leg, join->to, &join->leg))
		join->refused = REFUSED_MEMORY;
	if (join->refused)
		return;
	prompts_stop(h, c);
	call_end(h, c, &e);
}

/* What a call needs to go on with one party. */
struct share {
	struct text from;
	struct plan plan;
};

static void share_clear(struct share *s)
{
	text_clear(&s->from);
	plan_clear(&s->plan);
}

static int share_make(struct share *s, struct bytes user, struct bytes application)
{
	if (text_set(&s->from, user))
		return -ENOMEM;
	if (application.n == 0)
		return 0;
	return plan_add(&s->plan, user, PLAN_CALLED, PLAN_FIRST) ||
			       text_set(&s->plan.steps[0].application, application)
		       ? -ENOMEM
		       : 0;
}

static bool may_split(const struct call_host *h, const struct call *c)
{
	return !invite_is_open(c) && !c->transfer && !c->out.count && call_may_join(h, c);
}

/* For its peer; a party that is told less because of it gets a re-INVITE. */
void split_orders_end(struct call_host *h, const struct call *c, uint8_t leg, struct leg *l)
{
	if (l->held)
		call_publish_leg(h, c, SIG_CALL_RESUMED, leg);
	if (l->muted)
		call_publish_leg(h, c, SIG_CALL_UNMUTED, leg);
	l->held = l->muted = false;
}

void pair_leave_one(struct call_host *h, struct call *c, uint8_t stays, enum call_cause cause,
		    enum call_ended_by by)
{
	if (segment_end(h, c, cause, by))
		LOG_WARN("call", c->id, "no memory for another CDR: this one goes on");
	split_orders_end(h, c, stays, c->legs[stays]);
	c->bridge = (struct bridge){ .caller = stays, .callee = LEG_NONE, .offerer = stays };
	c->answer_utc_ms = c->setup_utc_ms;
	c->status = 200;
	c->reoffer = REOFFER_CALLER;
	c->meet_ns = c->order_ns = 0;
}

static void split_go_on(struct call *c, uint8_t leg, struct share *share)
{
	c->bridge = (struct bridge){ .caller = leg, .callee = LEG_NONE, .offerer = leg };
	c->state = CALL_ESTABLISHED;
	c->answer_utc_ms = c->setup_utc_ms;
	c->status = 200;
	c->reoffer = REOFFER_CALLER;
	c->order_ns = 0;
	text_clear(&c->from);
	text_clear(&c->to);
	plan_clear(&c->plan);
	c->from = share->from;
	c->plan = share->plan;
	*share = (struct share){ 0 };
	outbox_touch(&c->out);
}

static void begin(struct call *to, const struct call *c)
{
	to->early_media = c->early_media;
	to->video = c->video;
	to->setup_utc_ms = c->setup_utc_ms;
}

static void tell(struct call_host *h, struct call *c, const struct call *other)
{
	char id[ID_TEXT_LEN];

	event_put_number(call_publish(h, c, SIG_CALL_SPLIT), EV_OTHER, other->id);
	id_call_put(id, other->id);
	LOG_INFO("call", c->id, "a party goes on alone",
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("other", bytes_mem(id, sizeof(id))));
	session_refresh(h, c);
}

/* A repeated order is answered by either call. */
static void keep_order(struct call_host *h, struct call *c, const struct call_split *split)
{
	if (!split->by)
		return;
	(void)orders_keep(&c->orders, split->by->id);
	order_wait(h, split->to, split->by, 0);
}

static int split_make(struct call_host *h, struct call *c, uint8_t leg,
		      const struct call_split *split, struct share *stays, struct share *goes)
{
	uint8_t peer = bridge_peer(c, leg), as;
	struct bytes application = split->application.n ? split->application : call_application(c);
	int err = share_make(stays, call_leg_user(c, peer), application);

	if (!err)
		err = share_make(goes, call_leg_user(c, leg), application);
	if (!err)
		err = calls_join(h, c, leg, split->to, &as);
	if (err)
		return err;
	split_orders_end(h, c, peer, c->legs[peer]);
	split_orders_end(h, c, leg, split->to->legs[as]);
	if (segment_end(h, c, CAUSE_SPLIT, ENDED_BY_OPERATOR))
		LOG_WARN("call", c->id, "no memory for another CDR: this one goes on");
	begin(split->to, c);
	split_go_on(c, peer, stays);
	split_go_on(split->to, as, goes);
	return 0;
}

enum refusal split_start(struct call_host *h, struct call *c, uint8_t leg,
			 const struct call_split *split)
{
	struct share stays = { 0 }, goes = { 0 };
	int err;

	if (!may_split(h, c))
		return REFUSED_CHANGING;
	prompts_stop(h, c);
	err = split_make(h, c, leg, split, &stays, &goes);
	share_clear(&stays);
	share_clear(&goes);
	if (err)
		return REFUSED_MEMORY;
	metric_add(h->metrics->calls_started, 1);
	metric_add(h->metrics->calls_answered, 1);
	keep_order(h, c, split);
	tell(h, c, split->to);
	tell(h, split->to, c);
	return 0;
}

/* ---- by command ---- */

static enum refusal join_with(const struct call_host *h, const struct call *other,
			      struct call_order *order, struct transfer_with *with)
{
	enum refusal r = transfer_is_under_way(h, other)
				 ? REFUSED_TRANSFER_OPEN
				 : transfer_order_leg(other, order->with_leg, &with->leg);

	order->of_with = r != REFUSED_NOT;
	if (r)
		return r;
	with->call = other->id;
	with->peer = bridge_peer(other, with->leg);
	return 0;
}

enum refusal join_party(const struct call_host *h, const struct call *c, enum shard_leg named,
			struct call_remote *out)
{
	const struct leg *left;
	uint8_t leg;
	enum refusal r = transfer_is_under_way(h, c) ? REFUSED_TRANSFER_OPEN
						     : transfer_order_leg(c, named, &leg);

	if (r)
		return r;
	left = call_leg(c, call_is_alone(c) ? leg : bridge_peer(c, leg));
	if (!left)
		return REFUSED_NOT_ESTABLISHED;
	*out = (struct call_remote){ .shard = id_shard(c->id),
				     .alone = call_is_alone(c),
				     .user = call_leg_user(c, leg),
				     .call_id = text_bytes(&left->dialog.call_id),
				     .from_tag = text_bytes(&left->dialog.remote_tag) };
	id_tag_put(out->to_tag, &left->dialog.tag);
	return 0;
}

static enum refusal order_join_remote(const struct call_host *h, struct call *c,
				      const struct call_order *order)
{
	const struct call_remote *remote = order->remote;
	struct transfer_there there = { .shard = remote->shard,
					.joins = remote->alone,
					.dialog = { .call_id = remote->call_id,
						    .to_tag = bytes_mem(remote->to_tag, ID_TAG_LEN),
						    .from_tag = remote->from_tag },
					.member = remote->member };
	struct transfer_request ask = { .ordered = true };
	uint8_t stays;
	enum refusal r = transfer_is_under_way(h, c) ? REFUSED_TRANSFER_OPEN
						     : transfer_order_leg(c, order->leg, &stays);

	if (r)
		return r;
	ask.leg = bridge_peer(c, stays);
	return transfer_begin_remote(
		c, &ask, lex_is_token(remote->user) ? remote->user : BYTES_LIT("anonymous"),
		&there);
}

static enum refusal order_join(struct call_host *h, struct call *c, struct call_order *order)
{
	const struct call *other = h->services->calls->find(h->owner, order->with);
	struct transfer_request ask = { .ordered = true };
	struct transfer_with with;
	uint8_t stays;
	enum refusal r;

	if (order->remote)
		return order_join_remote(h, c, order);
	r = transfer_is_under_way(h, c) ? REFUSED_TRANSFER_OPEN
					: transfer_order_leg(c, order->leg, &stays);
	if (r)
		return r;
	order->of_with = !other || other == c || other->tenant != c->tenant;
	if (order->of_with)
		return other == c ? REFUSED_SAME_CALL : REFUSED_NO_CALL;
	r = join_with(h, other, order, &with);
	if (r)
		return r;
	ask.leg = bridge_peer(c, stays);
	return transfer_begin_with(c, &ask, &with);
}

static enum refusal order_split(struct call_host *h, struct call *c, struct call_order *order)
{
	return split_start(h, c, order_leg_of(c, order), order->split);
}

/* ---- between calls ---- */

static void join_on_meet(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (ev->meeting)
		ev->meeting->err = meet_reoffer(h, c, ev->leg, ev->meeting->with);
	else
		meet_over(c);
}

static const struct module_event join_events[] = {
	{ CALL_EV_JOIN, join_hand_over },
	{ CALL_EV_MEET, join_on_meet },
	{ 0 },
};

static const struct module_order join_orders[] = {
	{ ORDER_JOIN, NEEDS_NOBODY, order_join },
	{ ORDER_SPLIT, NEEDS_PAIR, order_split },
	{ 0 },
};

const struct module join_module = {
	.orders = join_orders,
	.events = join_events,
	.settle = meet_reoffer_legs,
	.deadlines = meet_deadlines,
};
