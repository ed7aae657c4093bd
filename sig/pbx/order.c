/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/log.h"
#include "sig/call/account.h"
#include "sig/call/call_end.h"
#include "sig/call/call_waiting.h"
#include "sig/call/conference.h"
#include "sig/call/invite.h"
#include "sig/call/media_stream.h"
#include "sig/call/originate.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/recording.h"
#include "sig/call/relay.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/host/tenant_tables.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/leg.h"
#include "sig/model/call_order.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/join.h"
#include "sig/pbx/order.h"
#include "sig/pbx/park.h"
#include "sig/pbx/pick.h"
#include "sig/pbx/transfer.h"
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

/* 0 or -errno as in sig/shard/shard.h: nothing has changed. */
static int order_transfer(struct call_host *h, struct call *c, struct call_order *order)
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

static int order_park(struct call_host *h, struct call *c, struct call_order *order)
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

static int order_join(struct call_host *h, struct call *c, struct call_order *order)
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

/* RFC 6665 knows no such notification without a subscription, phones do: it is how a button of a switchboard takes a call off hold. */
static int ask_to_talk(struct call_host *h, struct call *c, uint8_t leg)
{
	struct dialog_request r = { .method = SIP_NOTIFY,
				    .max_forwards = -1,
				    .contact = true,
				    .extra = BYTES_LIT("Event: talk\r\n"
						       "Subscription-State: active\r\n") };
	struct leg *l = c->legs[leg];
	struct txn_slot *slot;

	if (!l->takes_talk)
		return -EOPNOTSUPP;
	slot = leg_request(h, &l->dialog, &r, TXN_USER_TALK);
	if (!slot)
		return -EAGAIN;
	relay_start(h, c, leg, slot->self);
	return 0;
}

void order_talk_answered(const struct call *c, const struct call_event *ev)
{
	if (ev->kind == CALL_EV_FAILURE)
		LOG_WARN("call", c->id, "a phone does not end its hold", LOG_U64("leg", ev->leg),
			 LOG_U64("status", ev->message->status));
}

static uint8_t order_leg_of(const struct call *c, const struct call_order *order)
{
	return order->leg == SHARD_LEG_CALLEE ? c->bridge.callee : c->bridge.caller;
}

/* The media changes at once, whatever the party that is told says to it. */
static int order_hold_set(struct call_host *h, struct call *c, uint8_t leg, bool on)
{
	struct leg *l = c->legs[leg];
	int err;

	if (!on && session_is_holding(c, leg)) /* its offer to go on ends what we do for it, too */
		return ask_to_talk(h, c, leg);
	if (l->held == on)
		return 0;
	if (invite_is_open(c))
		return -EAGAIN;
	l->held = on;
	err = invite_own(h, c, leg);
	if (err) {
		l->held = !on;
		return -EAGAIN;
	}
	c->order_ns = 0;
	if (session_apply(h, c))
		LOG_WARN("call", c->id, "the media could not be changed", LOG_U64("leg", leg));
	call_publish_leg(h, c, on ? SIG_CALL_HELD : SIG_CALL_RESUMED, leg);
	return 0;
}

static int order_hold(struct call_host *h, struct call *c, struct call_order *order)
{
	return order_hold_set(h, c, order_leg_of(c, order), true);
}

static int order_resume(struct call_host *h, struct call *c, struct call_order *order)
{
	return order_hold_set(h, c, order_leg_of(c, order), false);
}

static int order_mute(struct call_host *h, struct call *c, struct call_order *order)
{
	uint8_t leg = order_leg_of(c, order);
	bool on = order->on;
	struct leg *l = c->legs[leg];
	int err;

	if (l->muted == on)
		return 0;
	l->muted = on;
	err = session_apply(h, c);
	if (err) {
		l->muted = !on;
		return err;
	}
	outbox_touch(&c->out);
	call_publish_leg(h, c, on ? SIG_CALL_MUTED : SIG_CALL_UNMUTED, leg);
	return 0;
}

static int order_digits(struct call_host *h, struct call *c, struct call_order *order)
{
	if (order->digits.n > leg_digits_room(c->legs[order_leg_of(c, order)]))
		return -ENOBUFS;
	for (size_t i = 0; i < order->digits.n; i++) {
		struct dtmf dtmf = { .digit = (char)order->digits.p[i],
				     .duration_ms = order->duration_ms };

		dtmf_send(h, c, order_leg_of(c, order), &dtmf);
	}
	return 0;
}

static int order_split(struct call_host *h, struct call *c, struct call_order *order)
{
	return split_begin(h, c, order_leg_of(c, order), order->split);
}

static int order_prompt(struct call_host *h, struct call *c, struct call_order *order)
{
	return prompts_start(h, c, order->prompt, orders_next(c->orders));
}

static int order_control(struct call_host *h, struct call *c, struct call_order *order)
{
	return prompts_control(h, c, (enum prompt_control)order->control, order->ms);
}

static int order_media_stream(struct call_host *h, struct call *c, struct call_order *order)
{
	return media_stream_order(h, c, order_leg_of(c, order), order->media_stream,
				  orders_next(c->orders));
}

static int order_application(struct call_host *h, struct call *c, struct call_order *order)
{
	int err = wait_answer(h, c);

	return err || !order->has_seconds ? err : attend_order(c, order);
}

static int order_keep(struct call_host *h, struct call *c, struct call_order *order)
{
	(void)h;
	return attend_order(c, order);
}

static int order_cancel(struct call_host *h, struct call *c, struct call_order *order)
{
	(void)order;
	return transfer_cancel(h, c);
}

static int order_deflect(struct call_host *h, struct call *c, struct call_order *order)
{
	return order->known ? plan_forward_to(h, c, order->to, PLAN_DEFLECTED) : -ENXIO;
}

static int order_pick(struct call_host *h, struct call *c, struct call_order *order)
{
	return order->known ? plan_forward_to(h, c, order->to, PLAN_PICKED) : -ENXIO;
}

static int order_accept(struct call_host *h, struct call *c, struct call_order *order)
{
	(void)order;
	return call_waiting_accept(h, c);
}

/* A status that a callee could not have said to the caller is none: it would speak of a request of ours, or of a server. */
static int order_reject(struct call_host *h, struct call *c, struct call_order *order)
{
	char phrase[ORDER_PHRASE_MAX + 1];
	struct call_ending e = { .cause = CAUSE_OPERATOR,
				 .by = ENDED_BY_OPERATOR,
				 .status = order->status };
	int err = plan_is_open(c);

	if (err)
		return err;
	if (order->status < 400 || order->status > 699 ||
	    refusal_for_other(order->status) != order->status)
		return -EDOM;
	if (order->phrase.n && !bytes_cstr(order->phrase, phrase, sizeof(phrase)))
		e.phrase = phrase;
	call_untaken(h, c, &e);
	return 0;
}

static int order_record(struct call_host *h, struct call *c, struct call_order *order)
{
	return recording_order(h, c, order_leg_of(c, order), (enum order_record)order->record,
			       (enum order_record_to)order->record_to,
			       order->by_page ? RECORDING_BY_PAGE : RECORDING_BY_COMMAND);
}

static int order_account(struct call_host *h, struct call *c, struct call_order *order)
{
	return account_set(h, c, LEG_NONE, order->to);
}

/* Whom an order needs in the call. */
enum needs { NEEDS_NOBODY, NEEDS_LEG, NEEDS_PAIR };

static int has_what_it_needs(const struct call *c, const struct call_order *order, enum needs needs)
{
	if (needs == NEEDS_NOBODY)
		return 0;
	if (c->state != CALL_ESTABLISHED)
		return -ENOTCONN;
	if (!call_leg(c, order_leg_of(c, order)) || (needs == NEEDS_PAIR && !call_callee(c)))
		return -ENODEV;
	return 0;
}

static int order_run(struct call_host *h, struct call *c, struct call_order *order)
{
	static const struct {
		int (*go)(struct call_host *h, struct call *c, struct call_order *order);
		enum needs needs;
	} kinds[] = {
		[ORDER_HOLD] = { order_hold, NEEDS_PAIR },
		[ORDER_RESUME] = { order_resume, NEEDS_PAIR },
		[ORDER_MUTE] = { order_mute, NEEDS_LEG },
		[ORDER_DIGITS] = { order_digits, NEEDS_LEG },
		[ORDER_PROMPT] = { order_prompt, NEEDS_NOBODY },
		[ORDER_CONTROL] = { order_control, NEEDS_NOBODY },
		[ORDER_MEDIA_STREAM] = { order_media_stream, NEEDS_LEG },
		[ORDER_ANSWER] = { order_application, NEEDS_NOBODY },
		[ORDER_DEFLECT] = { order_deflect, NEEDS_NOBODY },
		[ORDER_REJECT] = { order_reject, NEEDS_NOBODY },
		[ORDER_ACCEPT] = { order_accept, NEEDS_NOBODY },
		[ORDER_TRANSFER] = { order_transfer, NEEDS_NOBODY },
		[ORDER_JOIN] = { order_join, NEEDS_NOBODY },
		[ORDER_SPLIT] = { order_split, NEEDS_PAIR },
		[ORDER_PARK] = { order_park, NEEDS_NOBODY },
		[ORDER_PICK] = { order_pick, NEEDS_NOBODY },
		[ORDER_MEMBER] = { order_member, NEEDS_NOBODY },
		[ORDER_CONFER] = { order_confer, NEEDS_NOBODY },
		[ORDER_RECORD] = { order_record, NEEDS_LEG },
		[ORDER_ACCOUNT] = { order_account, NEEDS_NOBODY },
		[ORDER_KEEP] = { order_keep, NEEDS_NOBODY },
		[ORDER_CANCEL] = { order_cancel, NEEDS_NOBODY },
	};
	int err = has_what_it_needs(c, order, kinds[order->kind].needs);

	return err ? err : kinds[order->kind].go(h, c, order);
}

/* Whoever gives it again gets the first answer again. */
static bool was_carried_out(struct call_host *h, struct call *c, const struct shard_order *by)
{
	const struct order_kept *kept = by ? orders_find(c->orders, by->id) : NULL;

	if (kept)
		order_wait(h, c, by, kept->number);
	return kept;
}

void order_carry_out(struct call_host *h, struct call *c, struct call_order *order)
{
	const struct order_kept *kept;

	if (outbox_count(&c->out, OUTBOX_ORDER) >= OUTBOX_ORDERS_MAX) {
		order->err = -EAGAIN;
		return;
	}
	if (was_carried_out(h, c, order->by))
		return;
	order->err = order_run(h, c, order);
	if (!order->err)
		attend_on_order(c);
	if (order->err || order->later || !order->by)
		return;
	kept = orders_keep(&c->orders, order->by->id);
	order_wait(h, c, order->by, kept ? kept->number : 0);
}
