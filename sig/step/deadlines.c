/* SPDX-License-Identifier: Apache-2.0 */
/* The deadlines of a call and of its legs, in the order in which they are handled. */
#include "base/log.h"
#include "sig/call/call_digits.h"
#include "sig/call/call_end.h"
#include "sig/call/invite.h"
#include "sig/call/module.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/reinvite.h"
#include "sig/call/reliable.h"
#include "sig/call/resolve.h"
#include "sig/call/trunk_route.h"
#include "sig/call/wait.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/step/step.h"

/* ---- of a call ---- */

static void ring_overdue(struct call_host *h, struct call *c)
{
	const struct call_ending no_answer = { .cause = CAUSE_NO_ANSWER,
					       .by = ENDED_BY_NODE,
					       .status = 408 };

	if (c->ring_s || !plan_next(h, c, PLAN_NO_ANSWER))
		call_untaken(h, c, &no_answer);
}

static void target_overdue(struct call_host *h, struct call *c)
{
	bool silent = trunk_route_silent_leg(c) != LEG_NONE;

	if (!resolve_next_server(h, c) &&
	    !plan_next(h, c, silent ? PLAN_UNREACHABLE : PLAN_NO_ANSWER))
		LOG_DEBUG("call", c->id, "no further target: the branches that ring go on");
}

static void step_overdue(struct call_host *h, struct call *c)
{
	if (call_awaits_application(c))
		wait_overdue(h, c);
	else if (!modules_overdue(h, c))
		target_overdue(h, c);
}

static void save_overdue(struct call_host *h, struct call *c)
{
	if (c->end_tries && !c->end_done) { /* the store did not take it, or never answered */
		call_end_request(h, c);
		return;
	}
	if (c->out.in_flight == 0) { /* it was refused: once more */
		outbox_touch(&c->out);
		return;
	}
	LOG_WARN("call", c->id, "no answer to a save", LOG_U64("version", c->out.in_flight));
	metric_add(h->metrics->saves[SAVE_LATE], 1);
	(void)outbox_save_done(&c->out, c->out.in_flight, false);
	outbox_touch(&c->out);
}

static void later_due(struct call_host *h, struct call *c)
{
	(void)h;
	c->out.hurried = true;
}

#define OF_CALL(field) .at = offsetof(struct call, field)

const struct deadline call_deadlines[] = {
	{ .name = "look-up",
	  .owner = offsetof(struct call, plan.resolve),
	  .at = offsetof(struct resolve, due_ns),
	  .due = resolve_on_timeout },
	{ .name = "step", OF_CALL(plan.until_ns), .saved = true, .due = step_overdue },
	{ .name = "ring", OF_CALL(ring_ns), .saved = true, .due = ring_overdue },
	{ .name = "parting", OF_CALL(parting_ns), .saved = true, .due = parting_end },
	{ 0 },
};

const struct deadline call_late_deadlines[] = {
	{ .name = "prompts",
	  .owner = offsetof(struct call, prompts),
	  .at = offsetof(struct prompts, until_ns),
	  .saved = true,
	  .due = prompts_on_timeout },
	{ .name = "order", OF_CALL(order_ns), .due = reoffer_again },
	{ .name = "save", OF_CALL(save_ns), .due = save_overdue },
	/* call_is_over looks at it */
	{ .name = "flows", OF_CALL(flows_ns) },
	{ 0 },
};

const struct deadline settle_deadlines[] = {
	{ .name = "later save", OF_CALL(later_ns), .due = later_due },
	{ 0 },
};

/* ---- of a leg ---- */

static void uas_overdue(struct call_host *h, struct call *c, uint8_t leg)
{
	bool answered = c->legs[leg]->uas->state == UAS_ACCEPTED;

	(answered ? invite_answer_lost : reliable_lost)(h, c, leg);
}

static void uas_again(struct call_host *h, struct call *c, uint8_t leg)
{
	bool answered = c->legs[leg]->uas->state == UAS_ACCEPTED;

	(answered ? invite_answer_again : reliable_again)(h, c, leg);
}

static void uas_expired(struct call_host *h, struct call *c, uint8_t leg)
{
	if (c->legs[leg]->uas->state == UAS_PROCEEDING)
		invite_expired(h, c, leg);
}

static void uac_overdue(struct call_host *h, struct call *c, uint8_t leg)
{
	if (leg_is_open(c->legs[leg]))
		invite_again_overdue(h, c, leg, 408);
}

static void refusal_unacknowledged(struct call_host *h, struct call *c, uint8_t leg)
{
	(void)h;
	refusal_clear(c->legs[leg]);
}

/* RFC 3261 9.1 */
static void cancelled_long_ago(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];

	if (l->uac)
		txns_drop(h->txns, l->uac->client);
	leg_close(l);
}

#define OF_LEG(field) .at = offsetof(struct leg, field)
#define OF_UAS(field) .owner = offsetof(struct leg, uas), .at = offsetof(struct invite_uas, field)

const struct deadline leg_deadlines[] = {
	{ .name = "ACK or PRACK", OF_UAS(deadline_ns), .due_of = uas_overdue },
	{ .name = "response again", OF_UAS(retransmit_ns), .due_of = uas_again },
	{ .name = "Expires", OF_UAS(expires_ns), .saved = true, .due_of = uas_expired },
	{ .name = "re-INVITE",
	  .owner = offsetof(struct leg, uac),
	  .at = offsetof(struct invite_uac, deadline_ns),
	  .due_of = uac_overdue },
	{ .name = "ACK to refusal",
	  .owner = offsetof(struct leg, refusal),
	  .at = offsetof(struct leg_refusal, until_ns),
	  .due_of = refusal_unacknowledged },
	{ .name = "CANCEL", OF_LEG(leave_ns), .due_of = cancelled_long_ago },
	{ .name = "dialog look-up",
	  .owner = offsetof(struct leg, dialog.places),
	  .at = offsetof(struct dialog_places, due_ns),
	  .due_of = leg_places_overdue },
	{ .name = "INFO again",
	  .owner = offsetof(struct leg, digits),
	  .at = offsetof(struct leg_digits, again_ns),
	  .due_of = leg_digits_again },
	{ .name = "code digit",
	  .owner = offsetof(struct leg, code_digits),
	  .at = offsetof(struct leg_code_digits, until_ns),
	  .saved = true,
	  .due_of = call_digits_pass },
	{ .name = "digit behind a code",
	  .owner = offsetof(struct leg, entry),
	  .at = offsetof(struct leg_entry, until_ns),
	  .saved = true,
	  .due_of = call_digits_code_overdue },
	{ .name = "session", OF_LEG(timer.expires_ns), .saved = true, .due_of = refresh_overdue },
	{ .name = "refresh", OF_LEG(timer.refresh_ns), .saved = true, .due_of = refresh_if_due },
	{ 0 },
};

/* A leg may be gone after each row. */
static void leg_deadlines_handle(struct call_host *h, struct call *c, uint8_t leg)
{
	for (const struct deadline *d = leg_deadlines; d->at && call_leg(c, leg); d++)
		deadline_handle(d, c->legs[leg], h, c, leg);
}

void call_deadlines_handle(struct call_host *h, struct call *c)
{
	deadlines_handle(call_deadlines, h, c);
	for (uint8_t i = 0; i < c->leg_count; i++)
		leg_deadlines_handle(h, c, i);
	deadlines_handle(call_late_deadlines, h, c);
}

/* The earliest deadline of an object, or next if that is earlier. Called after each step: for
 * tables known here the compiler generates straight code. They have no conditions. */
static inline uint64_t deadlines_next(const struct deadline *table, uint32_t count, void *object,
				      uint64_t next)
{
#pragma GCC unroll 16
	for (uint32_t i = 0; i < count; i++) {
		if (deadline_is_by(&table[i], object, next - 1))
			next = *deadline_field(&table[i], object);
	}
	return next;
}

#define DEADLINES_NEXT(table, object, next) deadlines_next(table, COUNT_OF(table) - 1, object, next)

uint64_t call_deadlines_next(const struct call_host *h, struct call *c)
{
	uint64_t next = DEADLINES_NEXT(call_deadlines, c, UINT64_MAX);

	next = DEADLINES_NEXT(call_late_deadlines, c, next);
	next = DEADLINES_NEXT(settle_deadlines, c, next);
	next = modules_next(h, c, next);
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i])
			next = DEADLINES_NEXT(leg_deadlines, c->legs[i], next);
	}
	return next;
}
