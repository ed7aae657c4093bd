/* SPDX-License-Identifier: Apache-2.0 */
/* The verb dial: whom it rings, and what follows when they have spoken with the caller. */
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/flow_spec.h"
#include "sig/call/invite.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/session.h"
#include "sig/host/groups.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/pbx/flow/flow.h"
#include "sig/pbx/join.h"
#include "sig/pbx/transfer.h"

/* Words of the argument how, in their order. */
enum dial_how { DIAL_TOGETHER, DIAL_IN_TURN, DIAL_ROTATING, DIAL_RANDOM, DIAL_LONGEST_IDLE };
enum { RING_MS = 5000, DIAL_WEIGHT = 1 };
#define OF_CALLER "!" /* before a number that its caller has had put in */

/* ---- whom ---- */

struct dial_target {
	struct bytes number;
	uint8_t weight; /* of a random order */
	bool of_caller;
};

struct dial_terms {
	uint32_t how; /* enum dial_how */
	uint32_t ring_ms, total_ms;
	struct dial_target list[PLAN_STEPS_MAX];
	uint8_t count;
};

static bool dial_add(struct dial_terms *terms, struct dial_target target)
{
	if (terms->count == COUNT_OF(terms->list))
		return false;
	terms->list[terms->count++] = target;
	return true;
}

/* Who is rung by a group sees by which, and which number was called. */
static void group_shown(const struct flow_turn_of *t, const struct ring_group *g)
{
	uint8_t space[GROUP_SHOWN_MAX - 1];
	struct writer w = writer_over(space, sizeof(space));
	struct flow_run *r = t->c->run;
	struct bytes name = text_bytes(&t->c->display);

	writer_str(&w, g->prefix);
	if (g->show_called) {
		writer_str(&w, w.n ? " " : "");
		writer_bytes(&w, text_bytes(r->called.n ? &r->called : &t->c->to));
	}
	if (w.n && name.n) {
		writer_str(&w, ": ");
		writer_bytes(&w, name);
	}
	if (text_set(&r->group, bytes_str(g->name)) ||
	    text_set(&r->shown, w.overflow ? (struct bytes){ 0 } : writer_done(&w)))
		LOG_WARN("flow", t->c->id, "no memory for the name of a group");
}

/* Those that are logged in; what has no room does not ring. */
static void dial_add_group(const struct flow_turn_of *t, struct bytes name, struct dial_terms *out)
{
	const struct ring_group *g = groups_find(t->h->groups, t->c->tenant, name);
	const struct flow_verb *v = t->v;

	for (uint8_t i = 0; g && i < g->count; i++) {
		if (group_rings(t->h->groups, g, i))
			(void)dial_add(out, (struct dial_target){
						    .number = bytes_str(g->members[i].number),
						    .weight = g->members[i].weight });
	}
	if (!g || verb_value(v, "to")->count > 1)
		return;
	group_shown(t, g);
	if (!verb_value(v, "how")->given)
		out->how = g->how;
	if (g->ring_s && !verb_value(v, "ring_s")->given && !verb_value(v, "rings")->given)
		out->ring_ms = g->ring_s * 1000U;
	if (g->total_s && !verb_value(v, "total_s")->given)
		out->total_ms = g->total_s * 1000U;
}

static bool dial_terms_of(const struct flow_turn_of *t, struct dial_terms *out)
{
	const struct flow_verb *v = t->v;
	const struct flow_value *to = verb_value(v, "to");

	*out = (struct dial_terms){ .how = verb_number(v, "how"),
				    .ring_ms = verb_value(v, "ring_s")->given
						       ? verb_number(v, "ring_s")
						       : verb_number(v, "rings") * RING_MS,
				    .total_ms = verb_number(v, "total_s") };
	text_clear(&t->c->run->group);
	text_clear(&t->c->run->shown);
	for (uint8_t i = 0; i < to->count; i++) {
		struct bytes text = v->texts[to->first + i];

		if (bytes_starts(text, "group:"))
			dial_add_group(t, bytes_from(text, strlen("group:")), out);
		else if (!dial_add(out, (struct dial_target){ .number = text,
							      .weight = DIAL_WEIGHT,
							      .of_caller = !step_text_is_plain(
								      v->step, "to", i) }))
			return false;
	}
	return true;
}

/* Who has more weight comes earlier more often. */
static void dial_shuffle(const struct call_host *h, struct dial_terms *terms)
{
	for (uint8_t i = 0; i < terms->count; i++) {
		struct dial_target first = terms->list[i];
		uint32_t sum = 0, at;
		uint8_t k = i;

		for (uint8_t j = i; j < terms->count; j++)
			sum += terms->list[j].weight;
		at = rand_below(h->rand, sum);
		while (at >= terms->list[k].weight)
			at -= terms->list[k++].weight;
		terms->list[i] = terms->list[k];
		terms->list[k] = first;
	}
}

/* The list stands in the record, in its order: another process goes on with the same one. */
static bool dial_keep(struct flow_turn_of *t, const struct dial_terms *terms)
{
	uint8_t space[RUN_TARGETS_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct flow_run *r = t->c->run;

	for (uint8_t i = 0; i < terms->count; i++) {
		WRITER_TEXTS(&w, i ? " " : "", terms->list[i].of_caller ? OF_CALLER : "");
		writer_bytes(&w, terms->list[i].number);
	}
	r->together = terms->how == DIAL_TOGETHER;
	r->ring_ms = terms->ring_ms;
	r->until_ns = t->h->now.ns + terms->total_ms * NS_PER_MS;
	r->after = step_branch(t->p, t->v->step, OUTCOME_NEXT) ? AFTER_ANSWER : 0;
	return !w.overflow && !text_set(&r->targets, writer_done(&w));
}

/* False: there are not so many. */
static bool dial_target_at(const struct flow_run *r, uint8_t i, struct bytes *number)
{
	struct bytes rest = text_bytes(&r->targets);

	do {
		if (!bytes_cut(&rest, ' ', number))
			return false;
	} while (i--);
	return true;
}

bool dial_is_of_caller(const struct call *c)
{
	struct bytes number;

	return c->run->target && dial_target_at(c->run, (uint8_t)(c->run->target - 1), &number) &&
	       bytes_starts(number, OF_CALLER);
}

/* ---- they ring ---- */

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

/* What is left for the next target; 0: nothing. */
static uint32_t dial_ring_s(const struct call_host *h, const struct flow_run *r)
{
	uint64_t left_ms = r->until_ns > h->now.ns ? (r->until_ns - h->now.ns) / NS_PER_MS : 0;

	return (uint32_t)((r->ring_ms < left_ms ? r->ring_ms : left_ms) / 1000);
}

/* The next one, where there is one. */
static bool dial_take(struct flow_run *r, struct bytes *number)
{
	if (!dial_target_at(r, r->target, number))
		return false;
	r->target++;
	if (bytes_starts(*number, OF_CALLER))
		*number = bytes_from(*number, strlen(OF_CALLER));
	return true;
}

/* A caller that is not answered hears it ring there. */
static bool dial_ring(struct call_host *h, struct call *c, struct bytes to)
{
	const struct dialog_party from = { .local_display = flow_shown_name(c),
					   .local_user = text_bytes(&c->from) };
	struct call_refusal refusal = { 0 };

	if (!plan_start(h, c, to, (struct bytes){ 0 }, &from, &refusal))
		return true;
	c->run->status = refusal.status == 486 || refusal.status == 403 ? refusal.status : 0;
	return false;
}

/* One that is up is given away as by command, and comes back where nobody answers. */
static bool dial_give(struct call *c, struct bytes to, uint32_t ring_s)
{
	const struct transfer_request ask = { .leg = LEG_NONE, .ordered = true };

	if (text_set(&c->run->called, text_bytes(&c->to)) || c->transfer ||
	    transfer_begin(c, &ask, to, (struct bytes){ 0 }))
		return false;
	c->transfer->ring_s = ring_s;
	return true;
}

static bool dial_next(struct call_host *h, struct call *c, struct bytes to, uint32_t ring_s)
{
	struct flow_run *r = c->run;
	bool rings = false;

	r->status = 0;
	if (call_is_alone(c))
		return dial_give(c, to, ring_s);
	c->ring_s = ring_s;
	c->ring_ns = 0;
	do
		rings |= dial_ring(h, c, to);
	while (c->run == r && r->together && dial_take(r, &to));
	if (!rings)
		flow_back(h, c);
	return rings;
}

/* What was begun goes on by what the record has. */
static int dial_go_on(struct flow_turn_of *t)
{
	struct flow_run *r = t->c->run;
	struct bytes to;
	uint32_t ring_s;

	while ((ring_s = dial_ring_s(t->h, r)) != 0 && dial_take(r, &to)) {
		if (!dial_next(t->h, t->c, to, ring_s))
			continue;
		if (t->c->run != r) { /* the number led to another flow, and r is gone */
			flow_leave_rung(t->h, t->c);
			return VERB_LEAVES;
		}
		r->kind = RUN_DIAL;
		return VERB_BEGUN;
	}
	return (int)outcome_of_status(r->status);
}

int verb_dial(struct flow_turn_of *t)
{
	static const char *const lacks[] = { "caller_id",    "skip_busy", "whisper",
					     "confirm",      "announce",  "limit_s",
					     "confirm_keys", "video",     NULL };
	struct dial_terms terms;

	if (t->c->run->targets.n)
		return dial_go_on(t);
	if (verb_has_any(t->v, lacks) || !dial_terms_of(t, &terms) || terms.how == DIAL_ROTATING ||
	    terms.how == DIAL_LONGEST_IDLE)
		return OUTCOME_FAILED;
	if (terms.how == DIAL_RANDOM)
		dial_shuffle(t->h, &terms);
	return dial_keep(t, &terms) ? dial_go_on(t) : OUTCOME_FAILED;
}

/* A caller that is up is given to the first of several: now that it rings there, the others ring, too. */
void dial_settle(struct call_host *h, struct call *c)
{
	struct flow_run *r = c->run;
	struct bytes to;

	if (r->state != RUN_WAITS || r->kind != RUN_DIAL || !r->together || !c->transfer ||
	    c->transfer->state != TRANSFER_RINGING || c->state > CALL_RINGING)
		return;
	while (dial_take(r, &to)) {
		outbox_touch(&c->out);
		(void)dial_ring(h, c, to);
		if (c->run != r) {
			flow_leave_rung(h, c);
			return;
		}
	}
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
