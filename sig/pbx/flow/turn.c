/* SPDX-License-Identifier: Apache-2.0 */
/* Turns of a flow: from the end of a verb to the begin of the next one. The interpreter
 * (sig/flow/program.h) chooses it, and it begins when its position is saved, as others can observe
 * it from then on. Programs are looked up by name and version, held while they run, and asked for
 * when they are not in memory. flow.c has what happens to a call meanwhile. */

#include "sig/pbx/flow/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/wait.h"
#include "sig/host/programs.h"
#include "sig/pbx/transfer.h"

enum { FLOW_PROGRAM_MS = 5000 }; /* for a program that is not in memory */

/* ---- programs ---- */

void run_let_go(const struct call_host *h, struct flow_run *r)
{
	if (r->held)
		programs_release(h->programs, r->at.program);
	r->held = false;
	r->serial = r->asked_ns = 0;
}

static void run_hold(const struct call_host *h, struct flow_run *r)
{
	if (!r->held)
		programs_hold(h->programs, r->at.program);
	r->held = true;
	r->serial = r->asked_ns = 0;
}

const struct flow_program *run_program(struct call_host *h, struct call *c)
{
	struct flow_run *r = c->run;
	const struct flow_program *p = programs_find(h->programs, r->at.program);

	if (p) {
		run_hold(h, r);
		http_link(h, c, p);
		return p;
	}
	if (r->serial)
		return NULL;
	r->serial = rand_u64_from(h->rand) | 1;
	r->asked_ns = h->now.ns + FLOW_PROGRAM_MS * NS_PER_MS;
	/* without memory its time runs */
	(void)effects_request(h->effects, EFFECT_PROGRAM, c->id, r->serial,
			      EFFECT_TEXTS(bytes_str(call_tenant(h, c)),
					   bytes_mem(r->at.program, sizeof(r->at.program))));
	return NULL;
}

void run_ask_drop(struct flow_run *r)
{
	r->help = r->help_ns = 0;
}

/* ---- the end ---- */

void run_over(const struct call_host *h, struct call *c)
{
	message_leave(h, c);
	run_let_go(h, c->run);
	run_ask_drop(c->run);
	text_wipe(&c->run->value);
	explicit_bzero(c->run->ahead, sizeof(c->run->ahead));
	c->run->after = 0;
	c->run->state = RUN_OVER;
	c->run->until_ns = 0;
	outbox_touch_later(&c->out);
}

void run_end_call(struct call_host *h, struct call *c, enum call_cause cause, uint16_t status)
{
	const struct call_ending e = { .cause = cause, .by = ENDED_BY_NODE, .status = status };

	run_over(h, c);
	call_end(h, c, &e);
}

struct call_ending flow_ending(const struct call *c)
{
	static const enum call_cause causes[FLOW_OUTCOMES] = {
		[OUTCOME_BUSY] = CAUSE_REFUSED,
		[OUTCOME_REJECTED] = CAUSE_REFUSED,
		[OUTCOME_NO_ANSWER] = CAUSE_NO_ANSWER,
		[OUTCOME_FAILED] = CAUSE_UNREACHABLE,
	};
	uint8_t dialled = call_caller(c)->state != LEG_CONFIRMED ? c->run->dialled : OUTCOME_NEXT;

	return (struct call_ending){ .cause = causes[dialled] ? causes[dialled] : CAUSE_HANGUP,
				     .by = ENDED_BY_NODE,
				     .status = dialled == OUTCOME_BUSY ? 486 : 480 };
}

void run_lost(struct call_host *h, struct call *c, const char *why)
{
	LOG_WARN("flow", c->id, "a call cannot go on in its flow", LOG_STR("flow", c->run->name),
		 LOG_STR("reason", why));
	run_end_call(h, c, CAUSE_HANGUP, 500);
}

/* ---- verbs ---- */

static void run_publish(const struct flow_turn_of *t, const char *event)
{
	struct sig_event *e = call_publish(t->h, t->c, SIG_CALL_FLOW);

	event_put_str(e, EV_STEP, t->v->step->name);
	event_put_str(e, EV_VERB, t->v->verb->name);
	event_put_str(e, EV_BY, event);
	LOG_DEBUG("flow", t->c->id, "a verb begins", LOG_STR("flow", t->c->run->name),
		  LOG_STR("step", t->v->step->name), LOG_STR("verb", t->v->verb->name));
}

void flow_ended(struct call *c, enum flow_outcome outcome)
{
	run_ask_drop(c->run);
	c->run->state = RUN_ENDED;
	c->run->kind = RUN_NOTHING;
	c->run->outcome = (uint8_t)outcome;
	c->run->by = g_flow_outcomes[outcome];
	c->run->until_ns = 0;
	outbox_touch(&c->out);
}

/* True: the caller is up and alone; else it is on its way to be, or the flow has it no longer. */
static bool run_answers(struct call_host *h, struct call *c)
{
	struct call_refusal refusal = { .status = 500, .reason = REFUSED_MEMORY };

	if (c->state == CALL_ESTABLISHED && call_is_alone(c))
		return true;
	c->run->state = RUN_ANSWERS;
	outbox_touch(&c->out);
	if (c->state == CALL_ANSWERING)
		return false;
	if (wait_answer_caller(h, c, &refusal)) {
		run_over(h, c);
		wait_refuse(h, c, &refusal);
	}
	return false;
}

bool run_back_to_asker(const struct call_host *h, struct flow_run *r, const struct flow_program *p,
		       const struct flow_step *step)
{
	if (!r->asker.n || step_branch(p, step, OUTCOME_FAILED))
		return false;
	run_let_go(h, r);
	memcpy(r->at.program, r->asker.p, sizeof(r->at.program));
	r->at.step = r->asker_step;
	text_clear(&r->asker);
	return true;
}

static void run_act(struct flow_turn_of *t)
{
	const struct flow_act *act = flow_act_of(t->v);
	struct flow_run *r = t->c->run;
	int outcome = OUTCOME_FAILED;

	if (act && (act->alone || (act->begin == verb_dial && dial_answers(t))) &&
	    !run_answers(t->h, t->c))
		return;
	if (!r->target && !r->kept && !flow_queues(t->c))
		run_publish(t, r->by);
	if (act)
		outcome = act->begin(t);
	if (outcome == VERB_LEAVES)
		return;
	if (outcome == VERB_ASKS) {
		r->state = RUN_READY; /* a successor asks again */
		return;
	}
	if (outcome == OUTCOME_FAILED && act && act->begin == verb_http)
		(void)run_back_to_asker(t->h, r, t->p, t->v->step);
	if (outcome != VERB_BEGUN) {
		flow_ended(t->c, (enum flow_outcome)outcome);
		return;
	}
	r->state = RUN_WAITS;
	if (r->kind == RUN_PROMPTS)
		outbox_touch_lazily(&t->c->out);
	else
		outbox_touch_later(&t->c->out);
	prompts_on_digits_kept(t->h, t->c);
}

void run_start(struct call_host *h, struct call *c)
{
	struct flow_turn_of t = { h, c, run_program(h, c), NULL };
	struct flow_world world = flow_world_of(&t);

	if (!t.p)
		return;
	if (!call_is_alone(c) && !plan_awaits(&c->plan, AWAITS_FLOW)) {
		run_over(h, c);
		return;
	}
	outbox_touch_lazily(&c->out); /* before anything waits for it */
	t.v = malloc(sizeof(*t.v));
	if (t.v && program_verb(t.p, &c->run->at, &world, t.v))
		run_act(&t);
	else
		flow_ended(c, OUTCOME_FAILED);
	if (t.v)
		explicit_bzero(t.v, sizeof(*t.v));
	free(t.v);
	if (c->run->state == RUN_WAITS && c->run->kind == RUN_DIAL)
		transfer_go(h, c); /* what rings is in the same save */
}

void run_is_ready(struct call *c)
{
	run_ask_drop(c->run);
	c->run->state = RUN_READY;
	c->run->kind = RUN_NOTHING;
	outbox_touch(&c->out);
}

void run_ready(struct call_host *h, struct call *c)
{
	struct outbox_item item = { .kind = OUTBOX_WAIT, .leg = c->bridge.caller };

	run_is_ready(c);
	c->run->gate = c->out.version;
	if (!outbox_push(&c->out, &item))
		run_start(h, c);
}

/* ---- turns ---- */

/* Another program takes its place. */
static enum flow_turn run_enter(struct flow_turn_of *t, const struct flow_program *p)
{
	struct flow_world world = flow_world_of(t);
	enum flow_turn turn;

	run_let_go(t->h, t->c->run);
	t->p = p;
	turn = program_start(p, &t->c->run->at, &world, t->v);
	run_hold(t->h, t->c->run);
	return turn;
}

/* What its name means now stays, whatever it means later. */
static enum flow_turn run_redirect(struct flow_turn_of *t)
{
	bool redirects = verb_arg_find(t->v->verb, "to");
	struct bytes name = redirects ? bytes_from(verb_text(t->v, "to"), strlen("flow:"))
				      : bytes_str(t->v->verb->name);
	const struct flow_program *p =
		programs_named(t->h->programs, bytes_str(call_tenant(t->h, t->c)), name);
	struct flow_world world = flow_world_of(t);
	struct flow_run *r = t->c->run;

	if (!p ||
	    (!redirects && variable_set(&r->at, BYTES_LIT("box"), verb_text(t->v, "box"), false)) ||
	    bytes_cstr(name, r->name, sizeof(r->name)))
		return program_next(t->p, &r->at, OUTCOME_FAILED, (struct bytes){ 0 }, &world,
				    t->v);
	world.left(world.arg, t->v->step, r->name);
	text_clear(&r->asker);
	return run_enter(t, p);
}

static enum flow_turn run_turn(struct flow_turn_of *t, const struct flow_program *enters)
{
	struct flow_run *r = t->c->run;
	struct flow_world world = flow_world_of(t);
	const struct flow_act *act;
	enum flow_turn turn;

	r->turned_utc_s = (uint64_t)((int64_t)t->h->now.utc_ms + t->h->wall_ms) / 1000;
	turn = enters ? run_enter(t, enters)
		      : program_next(t->p, &r->at, (enum flow_outcome)r->outcome,
				     text_bytes(&r->value), &world, t->v);

	while (turn == FLOW_VERB && (t->v->verb->flags & VERB_DECIDES))
		turn = run_redirect(t);
	text_wipe(&r->value);
	r->target = 0;
	r->status = 0;
	r->after = 0;
	r->limit_ms = 0;
	r->limit_ns = 0;
	text_clear(&r->targets);
	text_clear(&r->said);
	act = turn == FLOW_VERB ? flow_act_of(t->v) : NULL;
	r->saves = act && act->saves;
	explicit_bzero(t->v, sizeof(*t->v));
	return turn;
}

/* The last verb of a list asks a web server, but the URL cannot be formed. visit: the value before
 * the turn. */
static bool run_cannot_request(const struct flow_turn_of *t, uint16_t visit)
{
	const struct flow_step *s = &t->p->steps[t->c->run->at.step];

	return t->c->run->at.visit != visit && !strcmp(s->verb->name, "http") &&
	       run_back_to_asker(t->h, t->c->run, t->p, s);
}

void run_sends(struct call_host *h, struct call *c)
{
	struct flow_turn_of t = { h, c, programs_find(h->programs, c->run->at.program), NULL };
	struct flow_world world = flow_world_of(&t);
	struct flow_run *r = c->run;

	if (!t.p || !r->draft || (r->state != RUN_ENDED && r->state != RUN_READY))
		return;
	t.v = malloc(sizeof(*t.v));
	if (t.v && (r->state == RUN_READY || run_turn(&t, NULL) == FLOW_VERB) &&
	    program_verb(t.p, &r->at, &world, t.v))
		message_forward_last(&t);
	free(t.v);
}

/* The program is through. */
static void run_through(struct call_host *h, struct call *c)
{
	const struct call_ending e = flow_ending(c);

	run_over(h, c);
	call_end(h, c, &e);
}

void run_next(struct call_host *h, struct call *c, const struct flow_program *enters)
{
	struct flow_turn_of t = { h, c, run_program(h, c), NULL };
	enum flow_turn turn = FLOW_ASTRAY;
	uint16_t visit = c->run->at.visit;

	if (!t.p)
		return;
	if (!enters && c->run->at.step < t.p->count &&
	    !strcmp(t.p->steps[c->run->at.step].verb->name, "dial"))
		c->run->dialled = c->run->outcome;
	t.v = malloc(sizeof(*t.v));
	if (t.v)
		turn = run_turn(&t, enters);
	free(t.v);
	if (turn == FLOW_VERB && c->run->saves && call_is_alone(c) &&
	    c->state == CALL_ESTABLISHED) {
		run_is_ready(c); /* what others observe of it waits for a save of its own */
		run_start(h, c);
	} else if (turn == FLOW_VERB) {
		run_ready(h, c);
	} else if (turn == FLOW_OVER && run_cannot_request(&t, visit)) {
		flow_ended(c, OUTCOME_FAILED);
	} else if (turn == FLOW_OVER) {
		run_through(h, c);
	} else {
		run_lost(h, c,
			 turn == FLOW_TOO_MANY ? "it began too many verbs" : "it has no such step");
	}
}

void run_go_on(struct call_host *h, struct call *c)
{
	while (c->run && c->run->state == RUN_ENDED && !c->run->answers_notify &&
	       c->state != CALL_ENDING) {
		run_next(h, c, NULL);
		if (c->run->serial)
			return;
	}
}

/* ---- begin ---- */

/* The previous callee has forwarded it here. */
static void run_diverted(struct call *c)
{
	const struct plan_step *last = c->plan.count ? &c->plan.steps[c->plan.count - 1] : NULL;

	if (!last || last->from == PLAN_FIRST || last->from >= c->plan.count)
		return;
	c->run->diverted = last->why;
	if (text_set(&c->run->diverted_by, text_bytes(&c->plan.steps[last->from].user)))
		LOG_WARN("flow", c->id, "no memory for the callee that sent a call to a flow");
}

/* The variable box, and others by their names. False: no memory. */
static bool run_knows(struct flow_run *r, struct bytes rest)
{
	struct bytes one, name = BYTES_LIT("box");

	for (; bytes_cut(&rest, FLOW_BOX[0], &one); name = (struct bytes){ 0 }) {
		if (!name.n)
			(void)bytes_cut(&one, '=', &name);
		if (one.n && variable_set(&r->at, name, one, false))
			return false;
	}
	return true;
}

enum refusal flow_run_new(struct call_host *h, struct call *c, const struct flow_program *p,
			  struct bytes name, uint16_t visit)
{
	struct flow_run *r = calloc(1, sizeof(*r)), *former = c->run;
	struct flow_turn_of t = { h, c, p, malloc(sizeof(*t.v)) };
	enum flow_turn turn = FLOW_ASTRAY;
	struct bytes rest = name;

	(void)bytes_cut(&rest, FLOW_BOX[0], &name);
	c->run = r;
	if (r && t.v) {
		r->at.visit = visit;
		r->at.keyed = visit ? former->at.keyed : 0;
		if (former)
			message_goes_along(r, former);
		run_diverted(c);
		r->order = (uint16_t)(former ? former->order + !visit : 0);
		r->linked = former && former->linked;
		if (r->linked && !text_set(&r->asker, text_bytes(&former->asker)))
			r->asker_step = former->asker_step;
		(void)bytes_cstr(name, r->name, sizeof(r->name));
		if (run_knows(r, rest))
			turn = run_turn(&t, p);
	}
	free(t.v);
	if (turn != FLOW_VERB) {
		if (r && former)
			message_goes_along(former, r);
		c->run = former;
		former = r;
	}
	if (former && turn == FLOW_VERB) {
		c->run = former;
		h->services->queueing->over(h, c, "elsewhere");
		c->run = r;
		r->queue = former->queue;
		former->queue = NULL;
	}
	if (former)
		run_let_go(h, former);
	flow_run_clear(&former);
	if (turn == FLOW_VERB)
		return REFUSED_NOT;
	return r && turn != FLOW_ASTRAY ? REFUSED_NOT_FOUND : REFUSED_MEMORY;
}
