/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/feature/split.h"

#include <errno.h>

#include "base/log.h"
#include "sig/call/act.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/invite.h"
#include "sig/call/originate.h"
#include "sig/call/plan.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/feature/join.h"

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

static int may_split(const struct call_host *h, const struct call *c)
{
	return invite_is_open(c) || c->transfer || c->out.count || !join_is_settled(h, c) ? -EAGAIN
											  : 0;
}

/* Of the other one; who is told less because of it is asked again (meet.h). */
void split_orders_end(struct call_host *h, const struct call *c, uint8_t leg, struct leg *l)
{
	if (l->held)
		call_publish_leg(h, c, SIG_CALL_RESUMED, leg);
	if (l->muted)
		call_publish_leg(h, c, SIG_CALL_UNMUTED, leg);
	l->held = l->muted = false;
}

static void split_go_on(struct call *c, uint8_t leg, struct share *share)
{
	c->bridge = (struct bridge){ .caller = leg, .callee = LEG_NONE, .offerer = leg };
	c->state = CALL_ESTABLISHED;
	c->answer_utc_ms = c->setup_utc_ms;
	c->status = 200;
	c->untold = UNTOLD_CALLER;
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
	struct sig_event *event = call_publish_begin(h, c, SIG_CALL_SPLIT);
	char id[ID_TEXT_LEN];

	if (event)
		event->other = other->id;
	id_call_put(id, other->id);
	LOG_INFO("call", c->id, "a party goes on alone",
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("other", bytes_mem(id, sizeof(id))));
	session_refresh(h, c);
}

/* Who repeats it is answered by either call. */
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
		err = join_take_leg(h, c, leg, split->to, &as);
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

int split_begin(struct call_host *h, struct call *c, uint8_t leg, const struct call_split *split)
{
	struct share stays = { 0 }, goes = { 0 };
	int err = may_split(h, c);

	if (err)
		return err;
	prompts_stop(h, c);
	err = split_make(h, c, leg, split, &stays, &goes);
	share_clear(&stays);
	share_clear(&goes);
	if (err)
		return err;
	metric_add(h->metrics->calls_started, 1);
	metric_add(h->metrics->calls_answered, 1);
	keep_order(h, c, split);
	tell(h, c, split->to);
	tell(h, split->to, c);
	return 0;
}
