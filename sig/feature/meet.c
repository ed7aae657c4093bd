/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/feature/meet.h"

#include <errno.h>

#include "base/log.h"
#include "sig/call/invite.h"
#include "sig/call/reinvite.h"
#include "sig/call/session.h"
#include "sig/feature/transfer.h"
#include "sig/leg/flow_move.h"

int meet_ask(struct call_host *h, struct call *c, uint8_t leg, const struct leg *with)
{
	int err;

	if (c->state != CALL_ESTABLISHED || !bridge_has(c, leg))
		return -ENOTCONN;
	err = invite_for(h, c, leg, with);
	if (err)
		return err;
	LOG_INFO("call", c->id, "a party is asked for what it is to be joined by",
		 LOG_U64("leg", leg));
	c->untold = UNTOLD_CALLER | (call_callee(c) ? UNTOLD_CALLEE : 0);
	c->meet_ns = h->now.ns + MEET_MS * NS_PER_MS;
	return 0;
}

void meet_over(struct call *c)
{
	c->meet_ns = 0;
	outbox_touch(&c->out);
}

static uint64_t meet_due_ns(const struct call *c)
{
	bool waits = c->untold && c->state == CALL_ESTABLISHED && !invite_is_open(c);

	return waits && !c->order_ns ? c->meet_ns : 0;
}

static bool is_held_by(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	return l->held || l->holds || session_is_holding(c, leg);
}

/* Of a party alone: whoever held it is not there any more, and what its own phone holds is not ours to end. */
static bool was_told_less(const struct call *c, uint8_t leg, uint8_t peer)
{
	bool held = peer == LEG_NONE ? c->legs[leg]->holds : is_held_by(c, peer);

	return !held && !session_was_offered_all(c, leg);
}

/* It hears nobody until it is asked. */
static bool meet_is_unheard(const struct call_host *h, const struct call *c, uint8_t leg)
{
	return call_leg(c, leg) && flows_moved(h, c, leg);
}

static bool pair_fits(const struct call *c)
{
	return !call_callee(c) || session_fits_whole(call_caller(c), call_callee(c));
}

static uint8_t next_untold(const struct call_host *h, const struct call *c)
{
	bool both = c->untold == (UNTOLD_CALLER | UNTOLD_CALLEE) && call_callee(c);
	bool callee = !(c->untold & UNTOLD_CALLER);

	if (both && meet_is_unheard(h, c, c->bridge.callee))
		callee = !meet_is_unheard(h, c, c->bridge.caller);
	else if (both && !meet_is_unheard(h, c, c->bridge.caller) && !pair_fits(c))
		callee = session_is_wider(call_callee(c), call_caller(c));
	return callee ? c->bridge.callee : c->bridge.caller;
}

static void meet_leg(struct call_host *h, struct call *c, uint8_t leg)
{
	uint8_t peer = bridge_peer(c, leg);

	c->untold &= (uint8_t)~bridge_untold(c, leg);
	outbox_touch(&c->out);
	if (!call_leg(c, leg) ||
	    (!meet_is_unheard(h, c, leg) && !was_told_less(c, leg, peer) && pair_fits(c)))
		return;
	if (!invite_own(h, c, peer == LEG_NONE ? leg : peer))
		return;
	LOG_WARN("call", c->id, "a party is not told what holds with whom it speaks now",
		 LOG_U64("leg", leg));
	if (meet_is_unheard(h, c, leg))
		reoffer_unheard(h, c, leg);
}

static bool may_tell(const struct call_host *h, const struct call *c)
{
	return c->state == CALL_ESTABLISHED && !invite_is_open(c) && c->meet_ns <= h->now.ns &&
	       c->order_ns == 0; /* one will be asked again (reoffer.h) */
}

static void meet_tell(struct call_host *h, struct call *c)
{
	while (c->untold && may_tell(h, c))
		meet_leg(h, c, next_untold(h, c));
	if (c->untold || !may_tell(h, c))
		return;
	c->meet_ns = 0;
	transfer_met(h, c);
}

const struct call_feature meet_feature = { .go = meet_tell, .due_ns = meet_due_ns };
