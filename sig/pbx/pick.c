/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the party of a ringing call for the call of the user who picks up (pick.h), and answers
 * that call's request in the ringing call. Cancels the phones with the Reason of RFC 3326, so they
 * show no missed call, answers the caller with the SDP agreed by the other call, and meets it by a
 * transfer. Names of the form put by pick_name_put carry the request to the shard of the ringing
 * call. */

#include "sig/pbx/pick.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/flow_spec.h"
#include "sig/call/fork.h"
#include "sig/call/plan.h"
#include "sig/call/wait.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/model/transfer.h"
#include "sig/sip/id.h"

#define RUNG_NAME_BEGINS "rung-"

static_assert(sizeof(RUNG_NAME_BEGINS) + ID_TEXT_LEN <= PICK_NAME_MAX, "with its NUL");

void pick_name_put(char out[PICK_NAME_MAX], uint64_t call)
{
	size_t n = sizeof(RUNG_NAME_BEGINS) - 1;

	memcpy(out, RUNG_NAME_BEGINS, n);
	id_call_put(out + n, call);
	out[n + ID_TEXT_LEN] = '\0';
}

bool pick_name_get(struct bytes user, uint64_t *call)
{
	return bytes_starts(user, RUNG_NAME_BEGINS) &&
	       !id_call_get(bytes_from(user, sizeof(RUNG_NAME_BEGINS) - 1), call);
}

bool pick_is_promised(const struct call_host *h, const struct call *c)
{
	const struct call *by = c->picker ? h->services->calls->find(h->owner, c->picker) : NULL;

	return by && by->state != CALL_ENDING && by->replaces.call == c->id;
}

static bool pick_was_taken(const struct call *c)
{
	struct bytes by;

	return plan_went_to(&c->plan, &by) == PLAN_PICKED && c->transfer && c->transfer->replaced &&
	       c->transfer->leg == LEG_NONE;
}

bool pick_is_on(const struct call *c)
{
	return pick_was_taken(c) && c->bridge.callee == LEG_NONE;
}

bool pick_is_done(const struct call *c)
{
	return pick_was_taken(c) && c->bridge.callee != LEG_NONE;
}

/* RFC 3326: a phone that stops ringing so shows no missed call. */
static void pick_leave_rung(struct call_host *h, struct call *c)
{
	const struct leg_farewell f = { .reason = BYTES_LIT(LEG_COMPLETED) };

	fork_leave_rung(h, c, &f);
	fork_forget_best(c);
}

/* The caller's answer says what the phone of the other call has agreed on. */
static enum refusal pick_answer(struct call_host *h, struct call *c)
{
	struct call_refusal refusal = { .status = 500, .reason = REFUSED_MEMORY };
	struct bridge before = c->bridge;
	enum refusal refused;

	c->bridge = (struct bridge){ .caller = before.caller,
				     .callee = LEG_NONE,
				     .offerer = before.caller };
	refused = wait_answer_caller(h, c, &refusal);
	if (refused)
		c->bridge = before;
	return refused;
}

enum refusal pick_up(struct call_host *h, struct call *c, uint64_t by)
{
	const struct call *other = h->services->calls->find(h->owner, by);
	struct bytes user = other ? text_bytes(&other->from) : (struct bytes){ 0 };
	uint8_t last = c->plan.count - 1;

	if (!call_is_ringing(c))
		return 0;
	c->picker = by;
	if (pick_answer(h, c))
		return REFUSED_SDP;
	outbox_touch(&c->out);
	pick_leave_rung(h, c);
	if (plan_add(&c->plan, user, PLAN_PICKED, last))
		LOG_WARN("call", c->id, "no memory: nobody is told who took the call");
	LOG_INFO("call", c->id, "a call that rings is taken",
		 LOG_BYTES("by", cdr_number(h, c, user)),
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, text_bytes(&c->to))));
	return 0;
}

void pick_notify(struct call_host *h, const struct call *c)
{
	struct bytes by;

	(void)plan_went_to(&c->plan, &by);
	event_put(call_publish(h, c, SIG_CALL_PICKED_UP), EV_TO, cdr_number(h, c, by));
}

void pick_fail(struct call_host *h, struct call *c)
{
	const struct call_ending e = { .cause = CAUSE_HANGUP, .by = ENDED_BY_B, .status = 480 };

	call_end(h, c, &e);
}

static enum refusal order_pick(struct call_host *h, struct call *c, struct call_order *order)
{
	return order->known ? plan_forward_to(h, c, order->to, PLAN_PICKED) : REFUSED_NO_EXTENSION;
}

static const struct module_order pick_orders[] = {
	{ ORDER_PICK, NEEDS_NOBODY, order_pick },
	{ 0 },
};

static void pick_on_event(struct call_host *h, struct call *c, const struct call_event *ev)
{
	(void)h;
	c->picker = ev->version;
}

static const struct module_event pick_events[] = {
	{ CALL_EV_PICK, pick_on_event },
	{ 0 },
};

const struct module pick_module = {
	.orders = pick_orders,
	.events = pick_events,
};
