/* SPDX-License-Identifier: Apache-2.0 */
/* The parties of a call of this shard go into a conference of another one (EFFECT_CONFER). */
#include <errno.h>

#include "sig/call/conference.h"
#include "sig/shard/shard_room.h"

static bool was_given(const struct shard *s, const struct call *c, uint64_t room)
{
	const struct room *r = c->member ? shard_room_find(s, c->member->room) : NULL;

	return r && r->follows == room;
}

/* Whose party leaves it. By his dialog: that is where it is now, and nobody else's. NULL: there is none. */
static const struct call *give_find(const struct shard *s, const struct shard_confer_give *give,
				    enum shard_leg *leaves)
{
	struct id_tag tag = { .call = give->call, .leg = (uint8_t)(give->dialog - 1U) };
	const struct call *c;

	*leaves = SHARD_LEG_NONE;
	if (!give->dialog) {
		c = shard_call_find(s, give->call);
		*leaves = c ? shard_leg_of_user(c, give->leaves) : SHARD_LEG_NONE;
		return c;
	}
	elsewhere_follow(&s->elsewhere, &tag);
	c = shard_call_find(s, tag.call);
	if (!c || !call_callee(c) || !bridge_has(c, tag.leg) ||
	    !bytes_eq(text_bytes(&c->legs[tag.leg]->user), give->leaves))
		return NULL;
	*leaves = tag.leg == c->bridge.caller ? SHARD_LEG_CALLER : SHARD_LEG_CALLEE;
	return c;
}

/* 0 or why its parties cannot come there. */
static int may_confer_remote(const struct call *c)
{
	if (conference_is_remote(c, c->bridge.caller) ||
	    (call_callee(c) && conference_is_remote(c, c->bridge.callee)))
		return -EEXIST; /* there already */
	return shard_may_confer(c, SHARD_LEG_NONE, false);
}

/* They are a conference here, until all of them are there. */
int shard_confer_give(struct shard *s, uint16_t tenant, const struct shard_confer_give *give,
		      struct instant now)
{
	enum shard_leg leaves;
	const struct call *c = give_find(s, give, &leaves);
	struct room *r;
	int err;

	shard_begin(s, now);
	if (!c || c->tenant != tenant || id_shard(give->room) == s->settings.number)
		return -ENOENT;
	if (c->member)
		return was_given(s, c, give->room) ? 0 : -EEXIST;
	err = may_confer_remote(c);
	if (!err && !shard_may_bring(s, c, leaves))
		err = -EOPNOTSUPP;
	if (err)
		return err;
	r = shard_room_add(s, shard_call_new_id(s), tenant, (struct bytes){ 0 });
	if (!r)
		return -ENOSPC;
	(void)shard_room_comes_add(r, c, SHARD_LEG_NONE, leaves); /* the first one */
	shard_room_follow(s, r, give->room);
	shard_room_turn(s, r);
	return 0;
}
