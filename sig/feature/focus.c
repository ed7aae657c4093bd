/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/feature/focus.h"

#include "sig/call/conference.h"
#include "sig/call/refresh.h"
#include "sig/room/room_name.h"

/* Through to another shard of the node: that one's room, or none, was said when it was called (meetme.c). */
static bool focus_is_far(const struct call *c, uint8_t leg)
{
	const struct leg *peer = call_leg(c, bridge_peer(c, leg));

	return peer && peer->dialog.hop.transport == SIP_CELL;
}

static struct bytes focus_of(const struct call *c, uint8_t leg, uint8_t space[ROOM_USER_MAX])
{
	return c->member && leg == c->bridge.caller ? room_member_names(c->member, space)
						    : (struct bytes){ 0 };
}

static void focus_leg(struct call_host *h, struct call *c, uint8_t leg)
{
	uint8_t space[ROOM_USER_MAX];
	struct leg *l = call_leg(c, leg);

	if (l && !focus_is_far(c, leg) && conference_focus(l, focus_of(c, leg, space)))
		refresh_say(h, c, leg);
}

static void focus_go(struct call_host *h, struct call *c)
{
	if (c->state == CALL_ENDING)
		return;
	focus_leg(h, c, c->bridge.caller);
	focus_leg(h, c, c->bridge.callee);
}

const struct call_feature focus_feature = { .go = focus_go };
