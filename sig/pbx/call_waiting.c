/* SPDX-License-Identifier: Apache-2.0 */
/* Call waiting in the node (FEATURES CALL-12, CALL-13, CALL-14), as call_waiting.h describes it:
 * the step begins when the plan meets a busy user, is saved, and is looked at again behind each
 * step of the call until the user is free or the time is over. Which calls a user has comes from
 * the shard (calls_of_user). The call waiting tone is an overlay on the media of the talking
 * leg. */

#include "sig/pbx/call_waiting.h"

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/invite.h"
#include "sig/call/order.h"
#include "sig/call/plan.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/model/flow_run.h"

/* ---- what it meets ---- */

/* What the call meets at its user. */
enum call_waiting_verdict {
	CALL_WAITING_FREE, /* his phones ring */
	CALL_WAITING_BUSY,
	CALL_WAITING_WAITS,
};

/* Calls go in order of arrival, also when the user has no other call just now. */
static enum call_waiting_verdict waiting_verdict_of(const struct user_calls *e, uint8_t most)
{
	if (!e->talks && !e->waits)
		return CALL_WAITING_FREE;
	return e->waits < most ? CALL_WAITING_WAITS : CALL_WAITING_BUSY;
}

/* A group, or a list of numbers, rings its next one instead. */
static bool waiting_is_of_several(const struct call *c)
{
	return flow_has_caller(c) && (c->run->group.n || flow_dials_members(c));
}

static enum call_waiting_verdict call_waiting_meets(const struct call_host *h, const struct call *c,
						    const struct shard_forward *f,
						    struct bytes user)
{
	struct user_calls e;
	bool several = waiting_is_of_several(c);

	if (!f || c->emergency ||
	    (f->call_waiting == CALL_WAITING_PHONE && (several || !f->live_call)))
		return CALL_WAITING_FREE;
	e = h->services->calls->others(h->owner, c, user);
	if (several)
		return e.calls ? CALL_WAITING_BUSY : CALL_WAITING_FREE;
	if (f->live_call && e.soon)
		return e.waits < CALL_WAITING_MOST ? CALL_WAITING_WAITS : CALL_WAITING_BUSY;
	switch ((enum call_waiting)f->call_waiting) {
	case CALL_WAITING_PHONE:
		break;
	case CALL_WAITING_OFF:
		return e.calls ? CALL_WAITING_BUSY : CALL_WAITING_FREE;
	case CALL_WAITING_SINGLE:
		return waiting_verdict_of(&e, 1);
	case CALL_WAITING_MULTIPLE:
		return waiting_verdict_of(&e, CALL_WAITING_MOST);
	}
	return CALL_WAITING_FREE;
}

/* ---- it waits ---- */

/* The last step does from now on. */
static enum refusal call_waiting_start(struct call_host *h, struct call *c, struct bytes display,
				       struct call_refusal *refusal)
{
	struct outbox_item item = { .kind = OUTBOX_WAIT, .leg = c->bridge.caller };

	if (call_name_set(c, display))
		return call_refuse(refusal, REFUSED_MEMORY);
	c->plan.steps[c->plan.count - 1].awaits = AWAITS_USER;
	c->bridge.callee = LEG_NONE;
	plan_start_ringing(h, c);
	outbox_touch(&c->out);
	if (!outbox_push(&c->out, &item))
		modules_saved(h, c);
	return 0;
}

static void call_waiting_on_saved(struct call_host *h, struct call *c)
{
	struct bytes user;

	if (!call_awaits_user(c))
		return;
	(void)plan_went_to(&c->plan, &user);
	if (call_caller(c)->uas)
		invite_ring(h, c, c->bridge.caller);
	event_put(call_publish(h, c, SIG_CALL_CALL_WAITING), EV_TO, cdr_number(h, c, user));
	LOG_INFO("call", c->id, "a call waits for an extension that has another one",
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, user)));
}

static enum refusal call_waiting_admit(const struct call_host *h, const struct call *c,
				       const struct plan_target *at, enum plan_why *why,
				       struct call_refusal *refusal)
{
	if (call_waiting_meets(h, c, at->forward, at->user) != CALL_WAITING_BUSY)
		return 0;
	*why = PLAN_BUSY;
	return call_refuse(refusal, REFUSED_BUSY_WITHOUT_WAITING);
}

static bool call_waiting_dialled(struct call_host *h, struct call *c, const struct plan_target *at,
				 enum refusal *refused, struct call_refusal *refusal)
{
	if (call_waiting_meets(h, c, at->forward, at->user) != CALL_WAITING_WAITS)
		return false;
	*refused = call_waiting_start(h, c, at->display, refusal);
	return true;
}

/* ---- behind each step ---- */

static void waiting_look(struct call_host *h, struct call *c)
{
	struct user_calls e;
	struct bytes user;

	if (!call_awaits_user(c))
		return;
	(void)plan_went_to(&c->plan, &user);
	e = h->services->calls->others(h->owner, c, user);
	if (!e.talks && !e.behind && !e.unsure)
		plan_wake(h, c);
}

/* ---- the tone ---- */

static bool waiting_is_shown_to(const struct call_host *h, const struct call *c,
				const struct call_flow *f)
{
	const struct leg *l = call_leg(c, f->leg);

	return l && l->user.n && (l->state == LEG_ANSWERED || l->state == LEG_CONFIRMED) &&
	       h->services->calls->has_waiting(h->owner, c->tenant, text_bytes(&l->user));
}

static bool waiting_is_tone(const struct media_tone *a, const struct media_tone *b)
{
	return a->hz == b->hz && a->level == b->level && a->ms == b->ms && a->gap_ms == b->gap_ms;
}

bool call_waiting_tone_plays(const struct call_host *h, const struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].overlay.tone.ms &&
		    waiting_is_tone(&c->flows[i].overlay.tone,
				    &h->settings->call_waiting_tone.tone))
			return true;
	}
	return false;
}

/* Once begun it goes on as it began. */
static bool call_waiting_overlay(const struct call_host *h, const struct call *c,
				 const struct call_flow *f, struct media_overlay *out)
{
	const struct media_overlay *o = &h->settings->call_waiting_tone;

	if (!o->tone.ms || !waiting_is_shown_to(h, c, f))
		return false;
	*out = *o;
	out->begun_ns =
		waiting_is_tone(&o->tone, &f->overlay.tone) ? f->overlay.begun_ns : h->now.ns;
	return true;
}

/* It waits no longer, whatever calls its user has. */
static enum refusal order_accept(struct call_host *h, struct call *c, struct call_order *order)
{
	(void)order;
	if (!call_awaits_user(c))
		return REFUSED_NO_CALL_WAITING;
	plan_wake(h, c);
	return 0;
}

static const struct module_order call_waiting_orders[] = {
	{ ORDER_ACCEPT, NEEDS_NOBODY, order_accept },
	{ 0 },
};

/* What forwards or rejects the call decides first; what others did in a step is seen. */
static const struct module_rank call_waiting_ranks[] = { { HOOK_SETTLE, 1 },
							 { HOOK_ADMIT, 1 },
							 { 0 } };

const struct module call_waiting_module = { .ranks = call_waiting_ranks,
					    .admit = call_waiting_admit,
					    .dialled = call_waiting_dialled,
					    .orders = call_waiting_orders,
					    .settle = waiting_look,
					    .overlay = call_waiting_overlay,
					    .saved = call_waiting_on_saved };
