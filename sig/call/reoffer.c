/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/reoffer.h"

#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/invite.h"
#include "sig/leg/flow_move.h"

/* RFC 3261 14.1: who made the Call-ID waits longer; 14.2: 500 comes where another is open there. */
void reoffer_refused(struct call_host *h, struct call *c, uint8_t leg, uint16_t status)
{
	uint32_t ms = rand_below(h->rand, 1900);

	if (invite_carried(c, leg) || c->legs[leg]->uac->joins)
		return;
	if (status != 491 && status != 500) {
		LOG_WARN("call", c->id, "a party does not take our offer",
			 LOG_U64("status", status));
		return;
	}
	if (flows_moved(h, c, leg)) /* for the next process, too */
		c->untold |= bridge_untold(c, leg);
	c->order_leg = c->legs[leg]->uac->from;
	c->order_ns = h->now.ns + (ms + (c->legs[leg]->called ? 2100 : 100)) * NS_PER_MS;
}

void reoffer_unheard(struct call_host *h, struct call *c, uint8_t leg)
{
	struct call_ending e = { .cause = CAUSE_MEDIA, .by = ENDED_BY_NODE, .status = 488 };

	LOG_WARN("call", c->id, "a party is not told where it would be heard by now",
		 LOG_U64("leg", leg));
	call_end(h, c, &e);
}

void reoffer_again(struct call_host *h, struct call *c)
{
	bool talks = c->state == CALL_ESTABLISHED;

	if (c->state == CALL_ENDING || !call_leg(c, c->order_leg))
		return;
	if (talks && !bridge_has(c, c->order_leg)) /* it gave its party away meanwhile */
		return;
	if (!talks || invite_own(h, c, c->order_leg) == -EAGAIN)
		c->order_ns = h->now.ns + NS_PER_S;
}
