/* SPDX-License-Identifier: Apache-2.0 */
/* Video of conferences: who sends what somebody else cannot decode is asked to send otherwise. */
#include "base/log.h"
#include "sig/call/conference.h"
#include "sig/call/pictures.h"
#include "sig/shard/shard_room.h"

#define APART_NS (20 * NS_PER_MS) /* from one to the next: not all phones answer at once */

static void member_ask(struct shard *s, struct call *c, uint64_t at_ns)
{
	const struct call_event ev = { .kind = CALL_EV_TIMER };

	LOG_INFO("call", c->id, "a party is asked for video that all in its conference have");
	c->order_leg = c->bridge.caller;
	c->order_ns = at_ns;
	shard_call_step(s, c, &ev);
}

void shard_room_show(struct shard *s, struct room *r)
{
	uint64_t calls[VIDEO_MEMBERS_MAX];
	uint32_t n = r->shows ? video_unfit_members(&s->host, r, calls) : 0;

	r->shows = false;
	for (uint32_t i = 0; i < n; i++) {
		struct call *c = shard_call_find(s, calls[i]);

		if (c && !c->order_ns && conference_speaks(c))
			member_ask(s, c, s->host.now.ns + i * APART_NS);
	}
}
