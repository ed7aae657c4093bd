/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that wait for an application (wait.h): begins the waiting step, signals 180 or ringback,
 * tells the application after the save, and answers the caller when the application, a flow or a
 * module orders it. Also the predicates about calls without a peer that modules use. A call that
 * the application does not take in time is forwarded as unanswered. */

#include "sig/call/wait.h"

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/fork.h"
#include "sig/call/invite.h"
#include "sig/call/module.h"
#include "sig/call/originate.h"
#include "sig/call/plan.h"
#include "sig/call/session.h"
#include "sig/model/transfer.h"

struct bytes call_application(const struct call *c)
{
	const struct plan *p = &c->plan;

	return p->count ? text_bytes(&p->steps[p->count - 1].application) : (struct bytes){ 0 };
}

bool call_awaits_application(const struct call *c)
{
	return (c->state == CALL_SETUP || c->state == CALL_RINGING) && !c->parting_ns &&
	       call_application(c).n;
}

void call_application_answered(struct call *c)
{
	c->abandoned = false;
	c->away_ns = 0;
}

bool call_awaits_user(const struct call *c)
{
	return plan_awaits(&c->plan, AWAITS_USER) && c->state <= CALL_RINGING && !c->parting_ns;
}

bool call_awaits_phone(const struct call *c)
{
	return plan_awaits(&c->plan, AWAITS_PHONE) && c->state <= CALL_RINGING && !c->parting_ns;
}

struct bytes call_waits_for(const struct call *c)
{
	struct bytes user = { 0 };

	if (call_awaits_user(c) || call_awaits_phone(c))
		(void)plan_went_to(&c->plan, &user);
	return user;
}

bool call_is_ringing(const struct call *c)
{
	const struct leg *a = call_caller(c);
	bool waits = a->uas ? a->state == LEG_EARLY : a->state == LEG_CONFIRMED && !a->uac;

	return (c->state == CALL_SETUP || c->state == CALL_RINGING) && !plan_is_open(c) && waits &&
	       !c->transfer && !call_awaits_application(c) && fork_is_ringing(c);
}

bool call_is_by_itself(const struct call *c)
{
	return c->bridge.callee == LEG_NONE &&
	       (c->answer_utc_ms || plan_is_for_node(&c->plan) || slot_step_asks(c) ||
		c->leg_count > 1 || !call_caller(c)->outbound);
}

static uint64_t application_wait_ns(const struct shard_forward *f)
{
	return (f->application_wait_s ? f->application_wait_s : APPLICATION_WAIT_S) * NS_PER_S;
}

enum refusal wait_start(struct call_host *h, struct call *c, const struct shard_forward *f,
			struct bytes display, struct call_refusal *refusal)
{
	struct outbox_item item = { .kind = OUTBOX_WAIT, .leg = c->bridge.caller };
	struct plan_step *step = &c->plan.steps[c->plan.count - 1];

	if (text_set(&step->application, bytes_str(f->application)) || call_name_set(c, display))
		return call_refuse(refusal, REFUSED_MEMORY);
	c->bridge.callee = LEG_NONE;
	c->ring_ns = 0;
	c->plan.until_ns = h->now.ns + application_wait_ns(f);
	if (c->ring_s && plan_ring_for_ns(h, c) < application_wait_ns(f))
		c->plan.until_ns = h->now.ns + plan_ring_for_ns(h, c);
	outbox_touch(&c->out);
	if (!outbox_push(&c->out, &item))
		wait_on_saved(h, c);
	return 0;
}

/* Its caller is up, and was told nothing yet. */
static bool is_answered_up(const struct call *c)
{
	return c->state == CALL_ANSWERING && call_is_alone(c) && call_caller_is_up(c) &&
	       !call_caller(c)->uas;
}

static void wait_joined(struct call_host *h, struct call *c)
{
	c->state = CALL_ESTABLISHED;
	c->reoffer = REOFFER_CALLER;
	outbox_touch(&c->out);
	session_refresh(h, c);
	originate_answered_by(h, c);
	modules_established(h, c);
}

void wait_on_saved(struct call_host *h, struct call *c)
{
	if (is_answered_up(c)) {
		wait_joined(h, c);
		return;
	}
	if (!call_awaits_application(c))
		return;
	if (call_caller(c)->uas)
		invite_ring(h, c, c->bridge.caller);
	call_publish(h, c, SIG_CALL_WAITING);
}

void wait_overdue(struct call_host *h, struct call *c)
{
	struct call_ending e = { .cause = CAUSE_NO_ANSWER, .by = ENDED_BY_NODE, .status = 480 };

	call_publish(h, c, SIG_CALL_MISSED);
	if (!plan_next(h, c, PLAN_NO_ANSWER))
		call_untaken(h, c, &e);
}

/* What the node cannot answer, no phone of this call can. */
void wait_refuse(struct call_host *h, struct call *c, const struct call_refusal *refusal)
{
	struct call_ending e = { .cause = CAUSE_SESSION,
				 .by = ENDED_BY_NODE,
				 .status = refusal->status };

	LOG_WARN("call", c->id, "the node cannot answer what is offered",
		 LOG_U64("status", refusal->status),
		 LOG_STR("reason",
			 refusal->text ? refusal->text : refusals[refusal->reason].words));
	call_untaken(h, c, &e);
}

/* No offer or answer is due: the agreed session holds. */
static enum refusal answer_up(struct call_host *h, struct call *c, struct call_refusal *refusal)
{
	struct outbox_item item = { .kind = OUTBOX_WAIT, .leg = c->bridge.caller };
	enum refusal refused = session_alone_check(h, c, refusal);

	if (refused)
		return refused;
	outbox_touch(&c->out);
	c->state = CALL_ANSWERING;
	if (!outbox_push(&c->out, &item))
		wait_on_saved(h, c);
	return 0;
}

enum refusal wait_answer_caller(struct call_host *h, struct call *c, struct call_refusal *refusal)
{
	bool asks = call_caller(c)->uas;
	enum refusal refused;

	c->answer_utc_ms = h->now.utc_ms;
	refused = asks ? invite_answer_own(h, c, c->bridge.caller, refusal)
		       : answer_up(h, c, refusal);
	if (refused) {
		c->answer_utc_ms = 0;
		return refused;
	}
	if (asks)
		c->state = CALL_ANSWERING;
	c->status = 200;
	plan_stop(c);
	return 0;
}

enum refusal wait_answer(struct call_host *h, struct call *c)
{
	struct call_refusal refusal = { .status = 500, .reason = REFUSED_MEMORY };
	enum refusal refused;

	if (!call_awaits_application(c))
		return REFUSED_NOT_WAITING;
	refused = wait_answer_caller(h, c, &refusal);
	if (refused && refusal.status == 503)
		return REFUSED_PORTS_FULL;
	if (!refused)
		return REFUSED_NOT;
	wait_refuse(h, c, &refusal);
	return REFUSED_NO_CODEC;
}
