/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/slot_step.h"

#include <assert.h>
#include <string.h>

#include "sig/model/outbox.h"

enum { SLOT_WAIT_MS = 5000 }; /* the store answers within its own deadline */

/* Who sends the call on; empty: it was dialled. */
static struct bytes sent_by(const struct call *c)
{
	const struct plan_step *last = &c->plan.steps[c->plan.count - 1];

	return last->from == PLAN_FIRST ? (struct bytes){ 0 }
					: text_bytes(&c->plan.steps[last->from].user);
}

bool slot_step_find(const struct call_host *h, const struct call *c, struct park_place *out)
{
	struct bytes by = sent_by(c);

	return by.n && h->parks &&
	       h->parks(h->owner, c->tenant, by, text_bytes(&c->plan.steps[c->plan.count - 1].user),
			out);
}

enum refusal slot_step_begin(struct call_host *h, struct call *c, const struct park_place *place,
			     struct bytes display, struct call_refusal *refusal)
{
	if (c->park && !c->park->asks)
		return call_refuse(refusal, REFUSED_FORWARD);
	park_clear(&c->park); /* the one before was not its own */
	if (park_make(&c->park, bytes_str(place->slot), sent_by(c), h->now.utc_ms) ||
	    text_set(&c->display, display))
		return call_refuse(refusal, REFUSED_MEMORY);
	static_assert((int)PARK_PLACE_LEN == (int)PARK_SLOT_LEN + 1, "copied whole");
	memcpy(c->park->last, place->last, sizeof(place->last));
	c->park->asks = true;
	c->bridge.callee = LEG_NONE;
	c->ring_ns = 0;
	c->plan.until_ns = h->now.ns + SLOT_WAIT_MS * NS_PER_MS;
	outbox_touch(&c->out);
	return 0;
}

bool slot_step_is_left(const struct call_host *h, const struct call *c, struct bytes user,
		       struct bytes list)
{
	struct park_place unused;
	struct bytes one;

	while (bytes_cut(&list, ',', &one)) {
		if (!c->park || c->park->asks || !h->parks ||
		    !h->parks(h->owner, c->tenant, user, one, &unused))
			return true;
	}
	return false;
}
