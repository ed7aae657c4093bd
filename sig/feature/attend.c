/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/feature/attend.h"

#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/plan.h"
#include "sig/call/wait.h"
#include "sig/feature/transfer.h"
#include "sig/model/call_order.h"

void attend_heard(struct call *c)
{
	c->abandoned = false;
	c->away_ns = 0;
}

int attend_order(struct call *c, const struct call_order *order)
{
	if (!call_application(c).n)
		return -ENOLINK;
	if (order->has_seconds && order->seconds != c->away_s) {
		c->away_s = order->seconds;
		outbox_touch(&c->out);
	}
	attend_heard(c);
	return 0;
}

/* The application has its caller, and nobody else does. */
static bool is_attended(const struct call *c)
{
	return c->state == CALL_ESTABLISHED && call_is_alone(c) && call_application(c).n &&
	       !c->transfer && !c->park && !c->member;
}

/* Whom it goes on to instead is asked as if a phone had not answered. */
static bool attend_forward(struct call_host *h, struct call *c)
{
	const struct transfer_ask ask = { .leg = LEG_NONE, .ordered = true };
	const struct plan_step *last = &c->plan.steps[c->plan.count - 1];

	if (!plan_goes_on(h, c, PLAN_NO_ANSWER) ||
	    transfer_begin(c, &ask, text_bytes(&last->user), (struct bytes){ 0 }))
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
	c->away_ns = 0;
	if (again) /* nobody answered there, either */
		call_end(h, c, &e);
	else
		LOG_WARN("call", c->id, "its application has given no order for too long",
			 LOG_BYTES("application", call_application(c)),
			 LOG_U64("seconds", c->away_s),
			 LOG_STR("next", "call.keep says that the application is there"));
	if (!again && !attend_forward(h, c))
		call_end(h, c, &e);
}

static void attend_caller(struct call_host *h, struct call *c)
{
	if (!c->away_s || !is_attended(c))
		c->away_ns = 0;
	else if (c->abandoned || (c->away_ns && c->away_ns <= h->now.ns))
		attend_gone(h, c);
	else if (!c->away_ns)
		c->away_ns = h->now.ns + c->away_s * NS_PER_S;
}

static void attend_waiting(struct call_host *h, struct call *c)
{
	const uint64_t next_ns = h->now.ns + ATTEND_AGAIN_S * NS_PER_S;

	if (!call_waits(c)) {
		c->again_ns = 0;
	} else if (!c->again_ns) {
		c->again_ns = next_ns;
	} else if (c->again_ns <= h->now.ns) {
		c->again_ns = next_ns;
		call_publish(h, c, SIG_CALL_WAITING);
	}
}

static void attend_go(struct call_host *h, struct call *c)
{
	attend_waiting(h, c);
	attend_caller(h, c);
}

static uint64_t attend_due_ns(const struct call *c)
{
	if (c->abandoned && is_attended(c)) /* it could not go on, and ends now */
		return 1;
	return c->again_ns ? c->again_ns : c->away_ns;
}

const struct call_feature attend_feature = {
	.go = attend_go,
	.due_ns = attend_due_ns,
};
