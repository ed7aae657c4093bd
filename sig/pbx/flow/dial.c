/* SPDX-License-Identifier: Apache-2.0 */
/* The verb dial: whom it rings, and what follows when they have spoken with the caller. */
#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/flow_spec.h"
#include "sig/call/invite.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/session.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/pbx/flow/flow.h"
#include "sig/pbx/join.h"
#include "sig/pbx/transfer.h"

enum { RING_MS = 5000 };
enum { DIAL_TOGETHER, DIAL_IN_TURN };

/* Why nobody took the call. */
static enum flow_outcome outcome_of_status(uint16_t status)
{
	switch (status) {
	case 486:
	case 600:
		return OUTCOME_BUSY;
	case 403:
	case 603:
		return OUTCOME_REJECTED;
	case 408:
	case 480:
	case 487:
		return OUTCOME_NO_ANSWER;
	default:
		return OUTCOME_FAILED;
	}
}

static struct bytes dial_target(const struct flow_verb *v, uint8_t i)
{
	return v->texts[verb_value(v, "to")->first + i];
}

/* What is left for the next target; 0: nothing. */
static uint32_t dial_ring_s(struct flow_turn_of *t)
{
	const struct flow_verb *v = t->v;
	struct flow_run *r = t->c->run;
	uint32_t ms = verb_value(v, "ring_s")->given ? verb_number(v, "ring_s")
						     : verb_number(v, "rings") * RING_MS;
	uint64_t left_ms;

	if (!r->until_ns)
		r->until_ns = t->h->now.ns + verb_number(v, "total_s") * NS_PER_MS;
	left_ms = r->until_ns > t->h->now.ns ? (r->until_ns - t->h->now.ns) / NS_PER_MS : 0;
	return (uint32_t)((ms < left_ms ? ms : left_ms) / 1000);
}

/* A caller that is not answered hears it ring there. */
static bool dial_ring(struct flow_turn_of *t, struct bytes to)
{
	struct call *c = t->c;
	const struct dialog_party from = { .local_display = text_bytes(&c->display),
					   .local_user = text_bytes(&c->from) };
	struct call_refusal refusal = { 0 };

	if (!plan_start(t->h, c, to, (struct bytes){ 0 }, &from, &refusal))
		return true;
	c->run->status = refusal.status == 486 || refusal.status == 403 ? refusal.status : 0;
	return false;
}

/* One that is up is given away as by command, and comes back where nobody answers. */
static bool dial_give(struct flow_turn_of *t, struct bytes to, uint32_t ring_s)
{
	const struct transfer_request ask = { .leg = LEG_NONE, .ordered = true };

	if (text_set(&t->c->run->called, text_bytes(&t->c->to)) || t->c->transfer ||
	    transfer_begin(t->c, &ask, to, (struct bytes){ 0 }))
		return false;
	t->c->transfer->ring_s = ring_s;
	return true;
}

static bool dial_next(struct flow_turn_of *t, uint32_t ring_s, bool together)
{
	struct flow_run *r = t->c->run;
	uint8_t count = verb_value(t->v, "to")->count;
	bool rings = false;

	r->status = 0;
	if (call_is_alone(t->c))
		return dial_give(t, dial_target(t->v, r->target++), ring_s);
	t->c->ring_s = ring_s;
	t->c->ring_ns = 0;
	do
		rings |= dial_ring(t, dial_target(t->v, r->target++));
	while (t->c->run == r && together && r->target < count);
	if (!rings)
		flow_back(t->h, t->c);
	return rings;
}

int verb_dial(struct flow_turn_of *t)
{
	static const char *const lacks[] = { "caller_id",    "skip_busy", "whisper",
					     "confirm",      "announce",  "limit_s",
					     "confirm_keys", "video",     NULL };
	const struct flow_value *to = verb_value(t->v, "to");
	uint32_t how = verb_number(t->v, "how"), ring_s;
	struct flow_run *r = t->c->run;

	if (verb_has_any(t->v, lacks) || how > DIAL_IN_TURN ||
	    (how == DIAL_TOGETHER && to->count > 1 && call_is_alone(t->c)))
		return OUTCOME_FAILED;
	while (r->target < to->count && (ring_s = dial_ring_s(t)) != 0) {
		if (!dial_next(t, ring_s, how == DIAL_TOGETHER))
			continue;
		if (t->c->run != r) { /* the number led to another flow, and r is gone */
			flow_leave_rung(t->h, t->c);
			return VERB_LEAVES;
		}
		r->kind = RUN_DIAL;
		r->after = step_branch(t->p, t->v->step, OUTCOME_NEXT) ? AFTER_ANSWER : 0;
		return VERB_BEGUN;
	}
	return (int)outcome_of_status(r->status);
}

/* ---- the conversation ---- */

bool dial_answered(struct call *c)
{
	struct flow_run *r = c->run;

	if (r->state != RUN_WAITS || r->after != AFTER_ANSWER)
		return false;
	r->after = (uint8_t)(c->bridge.callee + 1);
	r->state = RUN_OVER;
	r->until_ns = 0;
	outbox_touch(&c->out);
	return true;
}

/* A transfer that rings may yet fail. */
bool dial_goes_on(const struct call *c)
{
	return (c->bridge.callee + 1 == c->run->after && !c->member && !c->park) ||
	       (c->transfer && c->transfer->state == TRANSFER_RINGING);
}

static bool dial_may_go_on(const struct call *c, uint8_t leg)
{
	const struct flow_run *r = c->run;

	return r && r->state == RUN_OVER && r->after == leg + 1 && leg == c->bridge.callee &&
	       c->state == CALL_ESTABLISHED && dial_goes_on(c) && !invite_is_open(c) &&
	       (!c->transfer || c->transfer->state == TRANSFER_FAILED);
}

void flow_called_back(struct call *c)
{
	struct text called = c->to;

	if (c->run->called.n) {
		c->to = c->run->called;
		c->run->called = called;
	}
	text_clear(&c->run->called);
}

bool dial_parted(struct call_host *h, struct call *c, uint8_t leg, const struct call_ending *e)
{
	const struct leg_farewell f = { .reason = e->reason };
	const struct flow_run *r = c->run;

	if (!dial_may_go_on(c, leg))
		return false;
	prompts_stop(h, c);
	leg_leave(h, c, leg, &f);
	flows_close_leg(h, c, leg);
	pair_leave_one(h, c, c->bridge.caller, e->cause, e->by);
	transfer_clear(&c->transfer);
	plan_clear(&c->plan);
	flow_called_back(c);
	LOG_INFO("flow", c->id, "they have spoken, and the flow goes on", LOG_STR("flow", r->name));
	flow_ended(c, OUTCOME_NEXT);
	session_refresh(h, c);
	return true;
}
