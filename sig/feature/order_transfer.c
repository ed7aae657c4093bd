/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/feature/order_transfer.h"

#include <errno.h>

#include "sig/call/conference.h"
#include "sig/call/wait.h"
#include "sig/feature/park.h"
#include "sig/feature/pick.h"
#include "sig/feature/transfer.h"
#include "sig/host/room_terms.h"
#include "sig/model/call_order.h"
#include "sig/sip/lex.h"

/* Or is about to be: another call has been told that it has the place of one of its legs. */
static bool is_transferred(const struct call_host *h, const struct call *c)
{
	return (c->transfer && c->transfer->state != TRANSFER_FAILED) || pick_is_promised(h, c);
}

/* Its phones can be rung, or another node may know of some, or its calls go elsewhere. */
static bool is_reachable(const struct call_host *h, const struct call *c, struct bytes user)
{
	struct sip_uri uri = { .scheme = BYTES_LIT("tel"), .user = user };
	struct call_target targets[LEGS_MAX];

	return rooms_find(h->settings->rooms, c->tenant, user) ||
	       (h->forward_of && h->forward_of(h->owner, c->tenant, user)) ||
	       (h->extension_of && h->extension_of(h->owner, c->tenant, user) && h->user_known &&
		!h->user_known(h->owner, c->tenant, user)) ||
	       h->targets_of(h->owner, c->tenant, &uri, targets, COUNT_OF(targets));
}

/* The leg of the pair that was named. Of a caller that is alone none need be. */
static int transfer_order_leg(const struct call *c, enum shard_leg named, uint8_t *leg)
{
	*leg = named == SHARD_LEG_CALLEE ? c->bridge.callee : c->bridge.caller;
	if (c->state != CALL_ESTABLISHED && !call_is_answered_alone(c))
		return -ENOTCONN;
	if (!call_leg(c, *leg))
		return -ENODEV;
	return named == SHARD_LEG_NONE && !call_is_alone(c) ? -EDESTADDRREQ : 0;
}

/* CONF-09: two are left, of whom one began it. */
static bool conference_keeps_it(const struct call_host *h, const struct call *c)
{
	const struct room *r = h->settings->conferences.release == CONFERENCE_RELEASE_INITIATOR_LEFT
				       ? conference_room(h, c)
				       : NULL;

	return r && r->kind == ROOM_STATION && r->count == 2 && room_has_initiator(r);
}

int order_transfer(struct call_host *h, struct call *c, struct call_order *order)
{
	struct transfer_ask ask = { .ordered = true };
	int err = is_transferred(h, c) ? -EALREADY : transfer_order_leg(c, order->leg, &ask.leg);
	uint8_t given;

	if (err)
		return err;
	if (conference_keeps_it(h, c))
		return -EPROTOTYPE;
	if (call_is_alone(c)) {
		if (order->leg != SHARD_LEG_NONE) /* nobody else is there to be given away */
			return -ENODEV;
		ask.leg = LEG_NONE;
	}
	given = transfer_given(&c->bridge, ask.leg);
	if (!order->known)
		return -ENXIO;
	if (bytes_eq(order->to, call_leg_user(c, given)))
		return -ELOOP;
	if (!is_reachable(h, c, order->to))
		return -EHOSTUNREACH;
	err = transfer_begin(c, &ask, order->to, (struct bytes){ 0 });
	if (!err)
		c->transfer->ring_s = order->seconds;
	return err;
}

int order_park(struct call_host *h, struct call *c, struct call_order *order)
{
	struct transfer_ask ask = { .ordered = true };
	struct park_place place = { 0 };
	uint8_t stays;
	int err;

	(void)h;
	order->later = true;
	if (park_waits_for(c, order->by))
		return 0;
	err = is_transferred(h, c) ? -EALREADY : transfer_order_leg(c, order->leg, &stays);
	if (err)
		return err;
	if (c->park && !c->park->asks) {
		order->later = false;
		return order->last.n || bytes_is(order->to, c->park->slot) ? 0 : -EISCONN;
	}
	ask.leg = bridge_peer(c, stays);
	if (bytes_cstr(order->to, place.slot, sizeof(place.slot)) ||
	    bytes_cstr(order->last, place.last, sizeof(place.last)))
		return -EINVAL;
	return park_begin(c, &ask, &place, order->by);
}

static int join_with(const struct call_host *h, const struct call *other, struct call_order *order,
		     struct transfer_with *with)
{
	int err = is_transferred(h, other) ? -EALREADY
					   : transfer_order_leg(other, order->with_leg, &with->leg);

	order->of_with = err != 0;
	if (err)
		return err;
	with->call = other->id;
	with->peer = bridge_peer(other, with->leg);
	return 0;
}

int order_remote(const struct call_host *h, const struct call *c, enum shard_leg named,
		 struct call_remote *out)
{
	const struct leg *left;
	uint8_t leg;
	int err = is_transferred(h, c) ? -EALREADY : transfer_order_leg(c, named, &leg);

	if (err)
		return err;
	left = call_leg(c, call_is_alone(c) ? leg : bridge_peer(c, leg));
	if (!left)
		return -ENOTCONN;
	*out = (struct call_remote){ .shard = id_shard(c->id),
				     .alone = call_is_alone(c),
				     .user = call_leg_user(c, leg),
				     .call_id = text_bytes(&left->dialog.call_id),
				     .from_tag = text_bytes(&left->dialog.remote_tag) };
	id_tag_put(out->to_tag, &left->dialog.tag);
	return 0;
}

static int order_join_remote(const struct call_host *h, struct call *c,
			     const struct call_order *order)
{
	const struct call_remote *remote = order->remote;
	struct transfer_there there = { .shard = remote->shard,
					.joins = remote->alone,
					.dialog = { .call_id = remote->call_id,
						    .to_tag = bytes_mem(remote->to_tag, ID_TAG_LEN),
						    .from_tag = remote->from_tag },
					.member = remote->member };
	struct transfer_ask ask = { .ordered = true };
	uint8_t stays;
	int err = is_transferred(h, c) ? -EALREADY : transfer_order_leg(c, order->leg, &stays);

	if (err)
		return err;
	ask.leg = bridge_peer(c, stays);
	return transfer_begin_remote(
		c, &ask, lex_is_token(remote->user) ? remote->user : BYTES_LIT("anonymous"),
		&there);
}

int order_join(struct call_host *h, struct call *c, struct call_order *order)
{
	const struct call *other = h->call_of ? h->call_of(h->owner, order->with) : NULL;
	struct transfer_ask ask = { .ordered = true };
	struct transfer_with with;
	uint8_t stays;
	int err;

	if (order->remote)
		return order_join_remote(h, c, order);
	err = is_transferred(h, c) ? -EALREADY : transfer_order_leg(c, order->leg, &stays);

	if (err)
		return err;
	order->of_with = !other || other == c || other->tenant != c->tenant;
	if (order->of_with)
		return other == c ? -ELOOP : -ENOENT;
	err = join_with(h, other, order, &with);
	if (err)
		return err;
	ask.leg = bridge_peer(c, stays);
	return transfer_begin_with(c, &ask, &with);
}
