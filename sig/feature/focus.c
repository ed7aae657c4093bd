/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/feature/focus.h"

#include "sig/call/conference.h"
#include "sig/call/reinvite.h"

/* The room is not known yet; or through to another shard: that one's room is on its way, as was said when it was called (meetme.c). */
static bool focus_is_coming(const struct call *c, uint8_t leg)
{
	const struct leg *peer = call_leg(c, bridge_peer(c, leg));

	if (conference_waits(c))
		return true;
	return peer && peer->dialog.hop.transport == SIP_INTER_SHARD && peer->state < LEG_CONFIRMED;
}

static void focus_leg(struct call_host *h, struct call *c, uint8_t leg)
{
	uint8_t space[ROOM_USER_MAX];
	struct leg *l = call_leg(c, leg);

	if (l && !focus_is_coming(c, leg) && conference_focus(l, conference_named(c, leg, space)))
		refresh_say(h, c, leg);
}

static void focus_go(struct call_host *h, struct call *c)
{
	if (c->state == CALL_ENDING)
		return;
	focus_leg(h, c, c->bridge.caller);
	focus_leg(h, c, c->bridge.callee);
}

/* What no record has. */
static void focus_resume(struct call_host *h, struct call *c)
{
	uint8_t space[ROOM_USER_MAX];

	(void)h;
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && conference_is_remote(c, i))
			(void)conference_focus(c->legs[i], conference_named(c, i, space));
	}
}

const struct call_feature focus_feature = { .go = focus_go, .resume = focus_resume };
