/* SPDX-License-Identifier: Apache-2.0 */
/* Calls controlled by an application, which may die. The node publishes a waiting call again and
 * again, so an application that comes back learns of it. If an application has answered a caller
 * and gives no order for the time that it stated, it loses the call: the call goes on to
 * forward_no_answer of the callee, and ends if that is not set or not answered. While the caller
 * talks, is parked or in a conference, no order is due. */
#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/fork.h"
#include "sig/call/module.h"
#include "sig/call/order.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/relay.h"
#include "sig/call/wait.h"
#include "sig/leg/dtmf.h"
#include "sig/pbx/transfer.h"

enum { ATTEND_AGAIN_S = 10 };

static enum refusal attend_order(struct call *c, const struct call_order *order)
{
	if (!call_application(c).n)
		return REFUSED_NO_APPLICATION;
	if (order->has_seconds && order->seconds != c->away_s) {
		c->away_s = order->seconds;
		outbox_touch(&c->out);
	}
	call_application_answered(c);
	return 0;
}

/* The application has the caller, without a peer, and must give an order in time. */
static bool is_attended(const struct call *c)
{
	return c->away_s && c->state == CALL_ESTABLISHED && call_is_alone(c) &&
	       call_application(c).n && !c->transfer && !c->park && !c->member;
}

/* The target of the forward is asked as if a phone had not answered. */
static bool attend_forward(struct call_host *h, struct call *c)
{
	const struct transfer_request ask = { .leg = LEG_NONE, .ordered = true };
	const struct plan_step *last = &c->plan.steps[c->plan.count - 1];

	if (!plan_has_forward(h, c, PLAN_NO_ANSWER) ||
	    curl_transfer_start(c, &ask, text_bytes(&last->user), (struct bytes){ 0 }))
		return false;
	c->transfer->unattended = true;
	return true;
}

static void attend_gone(struct call_host *h, struct call *c)
{
	const struct call_ending e = { .cause = CAUSE_NO_ANSWER,
				       .by = ENDED_BY_NODE,
				       .status = 480 };
	bool again = c->abandoned;

	c->abandoned = true;
	c->away_ns = h->now.ns; /* where it cannot go on it ends at once */
	if (again)              /* unanswered there, too */
		call_end(h, c, &e);
	else
		LOG_WARN("call", c->id, "its application has given no order for too long",
			 LOG_BYTES("application", call_application(c)),
			 LOG_U64("seconds", c->away_s),
			 LOG_STR("next", "call.keep says that the application is there"));
	if (!again && !attend_forward(h, c))
		call_end(h, c, &e);
}

static void attend_again(struct call_host *h, struct call *c)
{
	call_publish(h, c, SIG_CALL_WAITING);
}

static void attend_go(struct call_host *h, struct call *c)
{
	if (!call_awaits_application(c))
		c->again_ns = 0;
	else if (!c->again_ns)
		c->again_ns = h->now.ns + ATTEND_AGAIN_S * NS_PER_S;
	if (c->abandoned)
		return;
	if (!is_attended(c))
		c->away_ns = 0;
	else if (!c->away_ns)
		c->away_ns = h->now.ns + c->away_s * NS_PER_S;
}

static const struct deadline application_deadlines[] = {
	{ .name = "application asked again",
	  .at = offsetof(struct call, again_ns),
	  .on = call_awaits_application,
	  .due = attend_again },
	{ .name = "application away",
	  .at = offsetof(struct call, away_ns),
	  .on = is_attended,
	  .due = attend_gone },
	{ 0 },
};

/* ---- what it orders ---- */

/* One ringing phone, of the extension if given, takes the call; the others are cancelled. Phones
 * with Event: talk go first. */
static enum refusal order_taken(struct call_host *h, struct call *c, struct bytes extension)
{
	enum refusal r = REFUSED_NOT_WAITING;

	for (unsigned n = 2 * c->leg_count, i = 0; r && i < n; i++) {
		uint8_t leg = (uint8_t)(i % c->leg_count);
		const struct leg *l = c->legs[leg];

		if (l && l->state == LEG_EARLY && l->uac && l->uac->state == UAC_PROCEEDING &&
		    l->dialog.remote_tag.n &&
		    (!extension.n || bytes_eq(extension, text_bytes(&l->user))))
			r = i == leg ? order_talk(h, c, leg) : fork_auto_answer(h, c, leg);
	}
	return r;
}

static enum refusal order_application(struct call_host *h, struct call *c, struct call_order *order)
{
	enum refusal r =
		call_awaits_application(c) ? wait_answer(h, c) : order_taken(h, c, order->to);

	return r || !order->has_seconds ? r : attend_order(c, order);
}

static enum refusal order_keep(struct call_host *h, struct call *c, struct call_order *order)
{
	(void)h;
	return attend_order(c, order);
}

static enum refusal order_prompt(struct call_host *h, struct call *c, struct call_order *order)
{
	return prompts_start(h, c, order->prompt, orders_next(c->orders));
}

static enum refusal order_control(struct call_host *h, struct call *c, struct call_order *order)
{
	return prompts_control(h, c, (enum prompt_control)order->control, order->ms);
}

static enum refusal order_digits(struct call_host *h, struct call *c, struct call_order *order)
{
	if (order->digits.n > leg_digits_room(c->legs[order_leg_of(c, order)]))
		return REFUSED_DIGITS_FULL;
	for (size_t i = 0; i < order->digits.n; i++) {
		struct dtmf dtmf = { .digit = (char)order->digits.p[i],
				     .duration_ms = order->duration_ms };

		dtmf_send(h, c, order_leg_of(c, order), &dtmf);
	}
	return 0;
}

static enum refusal order_deflect(struct call_host *h, struct call *c, struct call_order *order)
{
	return order->known ? plan_forward_to(h, c, order->to, PLAN_DEFLECTED)
			    : REFUSED_NO_EXTENSION;
}

/* A status that a callee could not send to the caller is refused: it would speak of our request, or
 * of a server. */
static enum refusal order_reject(struct call_host *h, struct call *c, struct call_order *order)
{
	char phrase[ORDER_PHRASE_MAX + 1];
	struct call_ending e = { .cause = CAUSE_OPERATOR,
				 .by = ENDED_BY_OPERATOR,
				 .status = order->status };
	enum refusal r = plan_is_open(c);

	if (r)
		return r;
	if (order->status < 400 || order->status > 699 ||
	    refusal_for_other(order->status) != order->status)
		return REFUSED_BAD_STATUS;
	if (order->user.n)
		return fork_decline(h, c, order->user, order->status) ? 0 : REFUSED_NOT_RINGING;
	if (order->phrase.n && !bytes_cstr(order->phrase, phrase, sizeof(phrase)))
		e.phrase = phrase;
	call_untaken(h, c, &e);
	return 0;
}

static const struct module_order application_orders[] = {
	{ ORDER_ANSWER, NEEDS_NOBODY, order_application },
	{ ORDER_KEEP, NEEDS_NOBODY, order_keep },
	{ ORDER_PROMPT, NEEDS_NOBODY, order_prompt },
	{ ORDER_CONTROL, NEEDS_NOBODY, order_control },
	{ ORDER_DIGITS, NEEDS_LEG, order_digits },
	{ ORDER_DEFLECT, NEEDS_NOBODY, order_deflect },
	{ ORDER_REJECT, NEEDS_NOBODY, order_reject },
	{ 0 },
};

const struct module application_module = {
	.orders = application_orders,
	.settle = attend_go,
	.deadlines = application_deadlines,
};
