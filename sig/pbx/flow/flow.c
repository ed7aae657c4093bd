/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out flows (flow.h) as a module of the call: READY -> (caller answered) -> WAITS -> ENDED
 * -> READY of the next verb (turn.c). Here is what happens to a call in a flow: numbers lead to it,
 * saves, prompts, deadlines and replies of helper processes (HTTP, store, mail) move it on. Verbs
 * of their own file (dial, play, directory and so on) report their outcome by flow_ended. */

#include "sig/pbx/flow/flow.h"

#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/fork.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/resolve.h"
#include "sig/call/wait.h"
#include "sig/host/programs.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/model/transfer.h"

enum { FLOW_SETUP_MS = PLAN_STEP_MAX_MS }; /* a caller that is not answered waits no longer */

/* ---- begin ---- */

/* It waits in its plan, which has no more steps. */
static enum refusal plan_leads_to_flow(struct call_host *h, struct call *c)
{
	c->plan.steps[c->plan.count - 1].awaits = AWAITS_FLOW;
	c->bridge.callee = LEG_NONE;
	c->ring_ns = 0;
	c->plan.until_ns = h->now.ns + FLOW_SETUP_MS * NS_PER_MS;
	outbox_touch(&c->out);
	return REFUSED_NOT;
}

static enum refusal flow_enter(struct call_host *h, struct call *c, struct bytes flow,
			       struct bytes display, struct call_refusal *refusal)
{
	const struct flow_program *p =
		programs_named(h->programs, bytes_str(call_tenant(h, c)),
			       bytes_sub(flow, 0, bytes_find(flow, FLOW_BOX[0])));
	enum refusal refused = p ? REFUSED_NOT : REFUSED_NOT_FOUND;

	if (!p)
		LOG_WARN("flow", c->id, "a number leads to a flow that is not there",
			 LOG_BYTES("flow", flow));
	else if (call_name_set(c, display))
		refused = REFUSED_MEMORY;
	else
		refused = flow_run_new(h, c, p, flow, c->run ? c->run->at.visit : 0);
	if (refused)
		return call_refuse(refusal, refused);
	(void)plan_leads_to_flow(h, c);
	run_ready(h, c);
	return REFUSED_NOT;
}

static struct bytes flow_of_number(const struct call_host *h, const struct call *c,
				   struct bytes number)
{
	return h->programs ? programs_number(h->programs, bytes_str(call_tenant(h, c)), number)
			   : (struct bytes){ 0 };
}

static bool flow_dialled(struct call_host *h, struct call *c, const struct plan_target *at,
			 enum refusal *refused, struct call_refusal *refusal)
{
	struct bytes flow = bytes_starts(at->user, FLOW_WORD)
				    ? bytes_from(at->user, strlen(FLOW_WORD))
				    : flow_of_number(h, c, at->user);
	struct toll_terms unused;
	bool help = flow.n && !h->services->toll->limits(h->owner, c->tenant, (struct bytes){ 0 },
							 at->user, &unused);

	if (!flow.n || help || plan_is_of_user(h, c, at->user))
		return false;
	*refused = flow_enter(h, c, flow, at->display, refusal);
	return true;
}

static bool flow_answers(const struct call_host *h, const struct call *c, struct bytes user,
			 struct bytes number)
{
	(void)user;
	return bytes_starts(number, FLOW_WORD) || flow_of_number(h, c, number).n;
}

/* Dialled as the numbers of rooms are. */
static bool flow_begun(struct call_host *h, struct call *c, const struct call_start *start,
		       enum refusal *refused, struct call_refusal *refusal)
{
	struct bytes flow = { 0 };

	if (start->set && start->set->room && !start->set->member.n && !start->set->conference &&
	    !start->set->joins && !start->set->away)
		flow = flow_of_number(h, c, start->to);
	if (!flow.n)
		return false;
	*refused = plan_add(&c->plan, start->to, PLAN_CALLED, PLAN_FIRST)
			   ? call_refuse(refusal, REFUSED_MEMORY)
			   : flow_enter(h, c, flow, start->display, refusal);
	return true;
}

/* The caller is established without peer, or waits for an application. */
static enum refusal order_run_flow(struct call_host *h, struct call *c, struct call_order *order)
{
	const struct flow_program *p = programs_find(h->programs, order->program);
	bool waits = call_awaits_application(c) ||
		     (plan_awaits(&c->plan, AWAITS_FLOW) && !call_is_alone(c));
	enum refusal refused;

	if (!waits && !(call_is_alone(c) && c->state == CALL_ESTABLISHED && !c->transfer))
		return REFUSED_NOT_ALONE;
	if (!p)
		return REFUSED_NOT_FOUND;
	refused = flow_run_new(h, c, p, order->to, 0);
	if (refused)
		return refused;
	prompts_stop(h, c);
	place_leave(h, c);
	if (waits) {
		text_clear(&c->plan.steps[c->plan.count - 1].application);
		(void)plan_leads_to_flow(h, c);
	}
	run_ready(h, c);
	return REFUSED_NOT;
}

static const struct module_order flow_orders[] = {
	{ ORDER_RUN, NEEDS_NOBODY, order_run_flow },
	{ 0 },
};

/* ---- what happens ---- */

static void flow_saved(struct call_host *h, struct call *c)
{
	if (!c->run || c->state == CALL_ENDING || c->parting_ns)
		return;
	c->run->answers_notify = false;
	run_go_on(h, c);
	if (c->run->state != RUN_READY)
		return;
	if (c->run->gate > c->out.released && !h->degraded) /* something else was saved */
		return;
	if (c->run->help)
		return;
	run_start(h, c);
	run_go_on(h, c);
}

void flow_again(struct call_host *h, struct call *c)
{
	c->run->kept_ns = 0;
	flow_saved(h, c);
}

void flow_leave_rung(struct call_host *h, struct call *c)
{
	const struct leg_farewell f = { 0 };

	resolve_stop(&c->plan);
	fork_leave_rung(h, c, &f);
	fork_forget_best(c);
}

void flow_back(struct call_host *h, struct call *c)
{
	struct text number = { 0 };

	flow_leave_rung(h, c);
	if (text_set(&number, text_bytes(&c->to)))
		LOG_WARN("call", c->id, "no memory for the number of a flow");
	plan_clear(&c->plan);
	c->ring_s = 0;
	if (!plan_add(&c->plan, text_bytes(&number), PLAN_CALLED, PLAN_FIRST))
		(void)plan_leads_to_flow(h, c);
	text_clear(&number);
}

/* The called target does not take the call. */
static bool flow_unanswered(struct call_host *h, struct call *c, const struct call_ending *e)
{
	if (!flow_has_caller(c) || c->run->state != RUN_WAITS || c->run->kind != RUN_DIAL)
		return false;
	/* whether that is known at once, or the store was asked, is the same to the flow */
	c->run->status = e->cause == CAUSE_UNREACHABLE ? 0 : e->status;
	if (c->transfer) /* it has its caller back */
		return false;
	flow_back(h, c);
	run_ready(h, c);
	return true;
}

static bool flow_overdue(struct call_host *h, struct call *c)
{
	if (!plan_awaits(&c->plan, AWAITS_FLOW))
		return false;
	if (c->run)
		run_end_call(h, c, CAUSE_NO_ANSWER, 480);
	else
		call_untaken(h, c,
			     &(struct call_ending){ .cause = CAUSE_NO_ANSWER,
						    .by = ENDED_BY_NODE,
						    .status = 480 });
	return true;
}

static enum flow_outcome prompt_outcome_of(const struct prompt_result *result, bool *value)
{
	*value = false;
	switch (result->outcome) {
	case PROMPT_FAILED:
		return OUTCOME_FAILED;
	case PROMPT_TIMEOUT:
		if (!result->recording && !result->digits.n)
			return OUTCOME_TIMEOUT;
		break;
	case PROMPT_ENDED:
	case PROMPT_DIGIT:
	case PROMPT_STOPPED:
	case PROMPT_HANGUP:
	case PROMPT_OUTCOMES:
		break;
	}
	if (result->recording && result->few)
		return OUTCOME_TIMEOUT;
	*value = true;
	return OUTCOME_NEXT;
}

/* A step may say what follows a recording that no key has ended. */
static bool prompt_leads_to_none(const struct call_host *h, const struct call *c,
				 const struct prompt_result *result)
{
	const struct flow_program *p = programs_find(h->programs, c->run->at.program);
	const struct flow_branch *b =
		p && c->run->at.step < p->count
			? step_branch(p, &p->steps[c->run->at.step], OUTCOME_NONE)
			: NULL;

	return result->recording && result->outcome != PROMPT_DIGIT && b &&
	       b->outcome == OUTCOME_NONE;
}

static void run_failed(const struct call_host *h, const struct call *c, const char *why)
{
	const struct flow_program *p = programs_find(h->programs, c->run->at.program);
	const struct flow_step *s =
		p && c->run->at.step < p->count ? &p->steps[c->run->at.step] : NULL;

	LOG_WARN("flow", c->id, "what a verb plays has failed", LOG_STR("flow", c->run->name),
		 LOG_STR("step", s ? s->name : ""), LOG_STR("reason", why ? why : "it has no end"));
}

static void flow_on_directory(struct call_host *h, struct call *c, int outcome)
{
	if (outcome == VERB_AGAIN)
		run_ready(h, c);
	else
		flow_ended(c, (enum flow_outcome)outcome);
}

static void flow_prompted(struct call_host *h, struct call *c, const struct prompt_result *result)
{
	char name[ID_TEXT_LEN + 8];
	struct writer w = writer_over(name, sizeof(name));
	struct bytes value = result->digits;
	enum flow_outcome outcome;
	bool gives;

	if (!flow_has_caller(c) || c->run->state != RUN_WAITS || c->run->kind != RUN_PROMPTS)
		return;
	if (directory_reads(c)) {
		flow_on_directory(h, c, directory_prompted(c, result));
		return;
	}
	outcome = prompt_outcome_of(result, &gives);
	if (outcome == OUTCOME_NEXT && prompt_leads_to_none(h, c, result))
		outcome = OUTCOME_NONE;
	if ((outcome == OUTCOME_FAILED && !result->none) || result->why)
		run_failed(h, c, result->why);
	if (result->recording) {
		id_call_put(name, c->id);
		w.n = ID_TEXT_LEN;
		writer_number(&w, "-", result->recording, "");
		value = writer_done(&w);
	}
	if (result->few)
		message_leave(h, c);
	if (gives && text_set(&c->run->value, value))
		outcome = OUTCOME_FAILED;
	flow_ended(c, outcome);
}

static void flow_time_over(struct call_host *h, struct call *c)
{
	const struct queueing_service *queueing = h->services->queueing;
	struct flow_run *r = c->run;
	int outcome = r->kind == RUN_TIME || r->kind == RUN_STREAM ? OUTCOME_NEXT
		      : r->kind == RUN_REFER                       ? OUTCOME_TIMEOUT
		      : r->kind == RUN_QUEUE                       ? queueing->overdue(h, c)
								   : place_overdue(h, c);

	if (outcome >= 0)
		flow_ended(c, (enum flow_outcome)outcome);
}

static bool run_has_time(const struct call *c)
{
	const struct flow_run *r = c->run;

	return r->state == RUN_WAITS && (r->kind == RUN_TIME || r->kind == RUN_PARK ||
					 r->kind == RUN_PICKUP || r->kind >= RUN_REFER);
}

static void flow_not_there(struct call_host *h, struct call *c)
{
	c->run->serial = 0;
	if (flow_has_caller(c) && c->run->state != RUN_WAITS && c->state != CALL_ENDING)
		run_lost(h, c, "its program is not known");
}

/* ---- what a helper process did ---- */

static void run_publish_http(struct call_host *h, struct call *c, const struct flow_step *step,
			     const struct helper_reply *new_state)
{
	struct sig_event *e = call_publish(h, c, SIG_CALL_HTTP);

	event_put_str(e, EV_STEP, step->name);
	event_put_str(e, EV_URL, new_state->url);
	event_put_number(e, EV_HTTP_STATUS, new_state->status);
	event_put_number(e, EV_MS, new_state->ms);
	event_put_str(e, EV_REASON, new_state->reason);
}

/* A late answer is a failure, unless the step says otherwise. */
static enum flow_outcome help_outcome(const struct flow_program *p, const struct flow_step *step,
				      const struct helper_reply *new_state)
{
	const struct flow_branch *b = step_branch(p, step, OUTCOME_TIMEOUT);

	if (new_state->result == HELPER_OK)
		return OUTCOME_NEXT;
	if (new_state->result == HELPER_TIMEOUT && b && b->outcome == OUTCOME_TIMEOUT)
		return OUTCOME_TIMEOUT;
	return new_state->reason && !strcmp(new_state->reason, HELPER_CONFLICT) &&
			       step->verb->outcomes & 1 << OUTCOME_FULL
		       ? OUTCOME_FULL
		       : OUTCOME_FAILED;
}

/* What it answered is a program, which takes the place of this one. */
static void run_on_program(struct call_host *h, struct call *c, const struct flow_program *p,
			   const struct flow_step *step)
{
	struct flow_turn_of t = { h, c, p, NULL };
	struct flow_world world = flow_world_of(&t);
	struct flow_run *r = c->run;

	world.left(world.arg, step, "program");
	if (!r->asker.n && !text_set(&r->asker, bytes_mem(r->at.program, sizeof(r->at.program))))
		r->asker_step = r->at.step;
	run_ask_drop(r);
	r->outcome = OUTCOME_NEXT;
	run_next(h, c, p);
}

static void run_on_help(struct call_host *h, struct call *c, const struct helper_reply *new_state)
{
	const struct flow_program *p = run_program(h, c), *next;
	const struct flow_step *step;
	enum flow_outcome outcome;

	if (!p) { /* it was held */
		flow_ended(c, OUTCOME_FAILED);
		return;
	}
	step = &p->steps[c->run->at.step];
	outcome = help_outcome(p, step, new_state);
	if (!strcmp(step->verb->name, "http"))
		run_publish_http(h, c, step, new_state);
	next = new_state->is_program ? programs_find(h->programs, new_state->program) : NULL;
	if (next) {
		run_on_program(h, c, next, step);
		return;
	}
	if (new_state->is_program || (outcome == OUTCOME_NEXT && new_state->value.n &&
				      text_set(&c->run->value, new_state->value)))
		outcome = OUTCOME_FAILED;
	if (outcome == OUTCOME_FAILED)
		(void)run_back_to_asker(h, c->run, p, step);
	flow_ended(c, outcome);
}

static void flow_helped(struct call_host *h, struct call *c, const struct reply *reply)
{
	if (flow_has_caller(c) && c->run->help && c->run->help == reply->help.serial &&
	    c->state != CALL_ENDING)
		run_on_help(h, c, &reply->help);
}

static void flow_help_late(struct call_host *h, struct call *c)
{
	const struct helper_reply late = { .result = HELPER_TIMEOUT, .reason = "helper" };
	const struct flow_program *p;

	if (!flow_has_caller(c) || c->state == CALL_ENDING)
		return;
	p = run_program(h, c);
	if (p && !strcmp(p->steps[c->run->at.step].verb->name, "http"))
		run_on_help(h, c, &late);
	else
		flow_ended(c, OUTCOME_FAILED);
}

static void flow_queue_due(struct call_host *h, struct call *c)
{
	h->services->queueing->wait_due(h, c);
}

static const struct deadline flow_deadlines[] = {
	{ .name = "pause",
	  .owner = offsetof(struct call, run),
	  .at = offsetof(struct flow_run, until_ns),
	  .saved = true,
	  .on = run_has_time,
	  .due = flow_time_over },
	{ .name = "conversation",
	  .owner = offsetof(struct call, run),
	  .at = offsetof(struct flow_run, limit_ns),
	  .saved = true,
	  .due = dial_limit_over },
	{ .name = "key of the callee who answered",
	  .owner = offsetof(struct call, run),
	  .at = offsetof(struct flow_run, screen_ns),
	  .due = dial_screen_overdue },
	{ .name = "order of a dial",
	  .owner = offsetof(struct call, run),
	  .at = offsetof(struct flow_run, kept_ns),
	  .due = dial_kept_overdue },
	{ .name = "place in a queue",
	  .owner = offsetof(struct call, run),
	  .at = offsetof(struct flow_run, queue_ns),
	  .due = flow_queue_due },
	{ .name = "program",
	  .owner = offsetof(struct call, run),
	  .at = offsetof(struct flow_run, asked_ns),
	  .due = flow_not_there },
	{ .name = "help",
	  .owner = offsetof(struct call, run),
	  .at = offsetof(struct flow_run, help_ns),
	  .due = flow_help_late },
	{ 0 },
};

static void flow_replied(struct call_host *h, struct call *c, const struct reply *reply)
{
	struct flow_run *r = c->run;

	if (!r || !r->serial || r->serial != reply->program.serial)
		return;
	if (!reply->program.found) {
		/* it is asked for once more when its time is over */
		if (r->state == RUN_WAITS || r->state == RUN_OVER)
			return;
		r->asked_ns = 0;
		flow_not_there(h, c);
		return;
	}
	r->serial = r->asked_ns = 0;
	if (r->state == RUN_READY)
		flow_saved(h, c);
}

static void flow_kept(struct call_host *h, struct call *c, const struct reply *reply)
{
	dial_replied(h, c, reply);
	h->services->queueing->replied(h, c, reply);
}

static const struct module_reply flow_replies[] = {
	{ ASK_PROGRAM, flow_replied }, { ASK_PARK, place_replied }, { ASK_HELPER, flow_helped },
	{ ASK_BOX, message_replied },  { ASK_KV, flow_kept },       { 0 },
};

/* The verb that began is over without a result: another order was carried out meanwhile, or the
 * target did not take the caller. The verb begins again, with the time that is left. */
static bool run_begins_again(const struct call *c)
{
	bool alone = call_is_alone(c) && c->state == CALL_ESTABLISHED && !c->member && !c->park &&
		     (!c->transfer || c->transfer->state == TRANSFER_FAILED);

	return alone && ((c->run->kind == RUN_PROMPTS && !c->prompts) || c->run->kind == RUN_DIAL);
}

/* The caller has a peer. */
static bool run_is_answered(const struct call *c)
{
	return c->state == CALL_ESTABLISHED && c->bridge.callee != LEG_NONE &&
	       !(c->transfer && c->transfer->state == TRANSFER_RINGING);
}

/* ... or it waits elsewhere. */
static bool run_is_taken(const struct call *c)
{
	return run_is_answered(c) ||
	       (c->member && !c->member->asks && c->run->kind != RUN_CONFERENCE) ||
	       (c->park && !c->park->asks && c->run->kind != RUN_PARK);
}

/* What it waits for is looked at, as it is now. Agents of a queue ring behind a save of their own:
 * they wait for none before it. */
static void run_look(struct call_host *h, struct call *c)
{
	bool queued = c->run->kind == RUN_QUEUE;
	int outcome = c->run->kind == RUN_REFER   ? refer_look(h, c)
		      : c->run->kind == RUN_QUEUE ? h->services->queueing->look(h, c)
		      : c->run->kind >= RUN_PARK  ? place_look(c)
		      : run_begins_again(c)       ? VERB_AGAIN
						  : VERB_BEGUN;

	if (outcome >= 0) {
		flow_ended(c, (enum flow_outcome)outcome);
	} else if (outcome == VERB_AGAIN && queued) {
		run_is_ready(c);
		run_start(h, c);
	} else if (outcome == VERB_AGAIN) {
		run_ready(h, c);
	}
}

static void flow_settle(struct call_host *h, struct call *c)
{
	struct flow_run *r = c->run;

	if (!r || c->state == CALL_ENDING || c->parting_ns)
		return;
	prompts_settle(h, c);
	h->services->queueing->settle(h, c);
	if (run_is_taken(c))
		text_clear(&r->missed);
	if (r->state == RUN_OVER
		    ? r->after && !dial_goes_on(c)
		    : run_is_taken(c) && !(run_is_answered(c) && dial_answered(h, c))) {
		run_over(h, c);
		return;
	}
	if ((r->state == RUN_WAITS || r->after) && !r->held && !r->serial)
		(void)run_program(h, c);
	dial_settle(h, c);
	r = c->run; /* a number may have led to another flow */
	if (r->state == RUN_ANSWERS && c->state == CALL_ESTABLISHED && call_is_alone(c))
		run_start(h, c);
	else if (r->state == RUN_WAITS)
		run_look(h, c);
	if (r->notified)
		refer_notify_answer(h, c);
	run_go_on(h, c);
}

/* A digit or a REFER result that the previous process had received, with its answer lost. */
static bool flow_repeated(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct response ok = { .status = 200 };

	if (!c->run || !c->restored || !ev->slot ||
	    (ev->message->method != SIP_INFO && ev->message->method != SIP_NOTIFY) ||
	    ev->message->cseq != c->legs[ev->leg]->dialog.remote_cseq)
		return false;
	respond(h, ev->slot, ev->message, &ok);
	return true;
}

/* The call ends, or goes on elsewhere. */
static void flow_call_ends(struct call_host *h, struct call *c)
{
	if (!c->run)
		return;
	h->services->queueing->over(h, c, "abandoned");
	dial_spoke(h, c);
	c->run->limit_ns = 0;
	http_leave(h, c);
	run_sends(h, c);
	run_over(h, c);
}

static void flow_released(struct call_host *h, const struct call *c)
{
	if (!c->run)
		return;
	h->services->queueing->released(h, c);
	run_let_go(h, c->run);
}

/* First where a call begins or is routed, as the list has it; what is left of a step is its. */
static const struct module_rank flow_ranks[] = {
	{ HOOK_REQUEST, 1 }, { HOOK_RESPONSE, 1 }, { HOOK_SETTLE, 2 }, { 0 }
};

const struct module flow_module = {
	.ranks = flow_ranks,
	.orders = flow_orders,
	.replied = flow_replies,
	.begun = flow_begun,
	.dialled = flow_dialled,
	.answers = flow_answers,
	.request = refer_notified,
	.response = refer_answered,
	.saved = flow_saved,
	.repeated = flow_repeated,
	.overdue = flow_overdue,
	.unanswered = flow_unanswered,
	.prompted = flow_prompted,
	.settle = flow_settle,
	.screen_ms = dial_screen_ms,
	.screened = dial_screened,
	.answered = dial_announce,
	.deadlines = flow_deadlines,
	.outside = dial_outside,
	.parted = dial_parted,
	.over = flow_call_ends,
	.released = flow_released,
};
