/* SPDX-License-Identifier: Apache-2.0 */
/* Commands put a party on hold, or mute it. */
#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/invite.h"
#include "sig/call/module.h"
#include "sig/call/order.h"
#include "sig/call/relay.h"
#include "sig/call/session.h"
#include "sig/leg/leg.h"
#include "sig/model/event.h"

/* What a phone says to Event: talk. */
static void hold_response(struct call_host *h, struct call *c, const struct call_event *ev)
{
	(void)h;
	if (ev->user == TXN_USER_TALK && ev->kind == CALL_EV_FAILURE)
		LOG_WARN("call", c->id, "a phone does not do what Event: talk asks for",
			 LOG_U64("leg", ev->leg), LOG_U64("status", ev->message->status));
}

/* The media changes at once, whatever the party that is told says to it. */
static enum refusal order_hold_set(struct call_host *h, struct call *c, uint8_t leg, bool on)
{
	struct leg *l = c->legs[leg];

	if (!on && session_is_holding(c, leg)) /* its offer to go on ends what we do for it, too */
		return order_talk(h, c, leg);
	if (l->held == on)
		return 0;
	if (invite_is_open(c))
		return REFUSED_CHANGING;
	l->held = on;
	if (invite_own(h, c, leg)) {
		l->held = !on;
		return REFUSED_CHANGING;
	}
	c->order_ns = 0;
	if (session_apply(h, c))
		LOG_WARN("call", c->id, "the media could not be changed", LOG_U64("leg", leg));
	call_publish_leg(h, c, on ? SIG_CALL_HELD : SIG_CALL_RESUMED, leg);
	return 0;
}

static enum refusal order_hold(struct call_host *h, struct call *c, struct call_order *order)
{
	return order_hold_set(h, c, order_leg_of(c, order), true);
}

static enum refusal order_resume(struct call_host *h, struct call *c, struct call_order *order)
{
	return order_hold_set(h, c, order_leg_of(c, order), false);
}

static enum refusal order_mute(struct call_host *h, struct call *c, struct call_order *order)
{
	uint8_t leg = order_leg_of(c, order);
	bool on = order->on;
	struct leg *l = c->legs[leg];

	if (l->muted == on)
		return 0;
	l->muted = on;
	if (session_apply(h, c)) {
		l->muted = !on;
		return REFUSED_CHANGING;
	}
	outbox_touch(&c->out);
	call_publish_leg(h, c, on ? SIG_CALL_MUTED : SIG_CALL_UNMUTED, leg);
	return 0;
}

static const struct module_order hold_orders[] = {
	{ ORDER_HOLD, NEEDS_PAIR, order_hold },
	{ ORDER_RESUME, NEEDS_PAIR, order_resume },
	{ ORDER_MUTE, NEEDS_LEG, order_mute },
	{ 0 },
};

const struct module hold_module = { .orders = hold_orders, .response = hold_response };
