/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/feature/conference.h"

#include <errno.h>

#include "sig/call/act.h"
#include "sig/call/call_end.h"
#include "sig/call/wait.h"
#include "sig/feature/focus_refer.h"
#include "sig/feature/meetme.h"
#include "sig/feature/split.h"
#include "sig/model/transfer.h"

/* ---- they come ---- */

static int confer_pair(struct call_host *h, struct call *c, const struct call_order *order)
{
	const struct call_confer *confer = order->confer;
	bool caller = order->leg == SHARD_LEG_CALLER;
	struct conference_terms stays = { .inviter = confer->inviter,
					  .host = confer->host != SHARD_LEG_NONE &&
						  confer->host != order->leg };
	struct conference_terms goes = { .inviter = confer->inviter,
					 .host = confer->host == order->leg };
	const struct call_split split = { .to = confer->to };
	int err = split_begin(h, c, caller ? c->bridge.caller : c->bridge.callee, &split);

	if (err)
		return err;
	if (conference_join(h, c, confer->room, &stays)) /* room was made sure of before */
		return -ENOMEM;
	if (stays.host)
		goes.inviter = c->member->number;
	if (!confer->leaves && conference_join(h, confer->to, confer->room, &goes))
		return -ENOMEM;
	return 0;
}

int order_confer(struct call_host *h, struct call *c, struct call_order *order)
{
	const struct call_confer *confer = order->confer;
	struct conference_terms terms = { .inviter = confer->inviter,
					  .host = confer->host != SHARD_LEG_NONE };

	if (c->state != CALL_ESTABLISHED || c->transfer || (c->park && !c->park->asks))
		return c->state == CALL_ENDING ? -ENOENT : -EAGAIN;
	if (confer->to)
		return confer_pair(h, c, order);
	prompts_stop(h, c);
	return conference_join(h, c, confer->room, &terms);
}

/* Whom it was rung for may be gone by now. */
static void conference_established(struct call_host *h, struct call *c)
{
	const struct call_ending gone = { .cause = CAUSE_UNREACHABLE,
					  .by = ENDED_BY_NODE,
					  .status = 480 };
	struct room *r = conference_room(h, c);

	if (!c->member || !c->member->asks || c->state != CALL_ESTABLISHED || !call_is_alone(c))
		return;
	if (!r || !meetme_arrives(h, c, r))
		call_end(h, c, &gone);
	else if (!c->member->asks)
		focus_refer_tell(h, c, 200);
}

/* ---- they leave ---- */

/* Somebody else speaks with it; who rings for it may not answer. */
static bool conference_is_left(const struct call *c)
{
	return c->state == CALL_ESTABLISHED && call_callee(c) &&
	       !(c->transfer && c->transfer->state == TRANSFER_RINGS);
}

static void conference_go(struct call_host *h, struct call *c)
{
	if (!c->member)
		return;
	if (c->park && !c->park->asks)
		conference_leave(h, c, "parked");
	else if (conference_is_left(c))
		conference_leave(h, c, "connected");
	else if (c->member->asks && !c->transfer) /* a command has stopped what it was asked */
		meetme_resume(h, c);
}

static const char *left_reason(const struct call *c)
{
	if (c->cause == CAUSE_TRANSFERRED)
		return "connected";
	return c->ended_by == ENDED_BY_OPERATOR ? "dropped" : "hangup";
}

static void conference_over(struct call_host *h, struct call *c)
{
	if (!c->member)
		return;
	focus_refer_tell(h, c, c->status >= 300 ? c->status : 480);
	conference_leave(h, c, left_reason(c));
}

int conference_yield(struct call_host *h, struct call *c, uint64_t to)
{
	const struct call_ending given = { .cause = CAUSE_TRANSFERRED,
					   .by = ENDED_BY_A,
					   .status = 480 };
	const struct call *other = h->call_of ? h->call_of(h->owner, to) : NULL;
	struct room *r = conference_room(h, c);

	if (!r || c->member->asks || !other || !other->member || other->member->room != r->id)
		return -ENOENT;
	if (other->member->asks)
		return -EALREADY;
	if (r->host == c->member->number) {
		r->host = other->member->number;
		h->room_changed(h->owner, r, true);
	}
	call_end(h, c, &given);
	return 0;
}

const struct call_feature conference_feature = {
	.go = conference_go,
	.resume = meetme_resume,
	.asked = meetme_asked,
	.reached = meetme_reached,
	.established = conference_established,
	.over = conference_over,
};

/* ---- what is ordered ---- */

static enum room_deed deed_of(enum order_member what)
{
	switch (what) {
	case MEMBER_DROP:
		return ROOM_DROP;
	case MEMBER_HOST:
		return ROOM_RULE;
	case MEMBER_MUTE:
	case MEMBER_DEAF:
	case MEMBER_HOLD:
	case MEMBER_GAIN:
	case MEMBER_COACH:
		break;
	}
	return ROOM_CHANGE;
}

static int member_may(const struct room *r, const struct call *c, const struct call_order *order)
{
	const struct room_member *by;

	if (order->in_name_of == MEMBER_NOBODY)
		return 0;
	by = room_number_of(r, order->in_name_of);
	if (!by)
		return -ENXIO;
	return room_may(r, by, deed_of((enum order_member)order->member), c->member) ? 0 : -EACCES;
}

static int member_flag(struct call_host *h, struct call *c, bool *flag, bool on,
		       const char *const words[2])
{
	if (*flag == on)
		return 0;
	*flag = on;
	conference_tell_changed(h, c, words[on]);
	return 0;
}

static int member_gain(struct call_host *h, struct call *c, int32_t db)
{
	if (db > MEMBER_GAIN_DB_MAX || db < -MEMBER_GAIN_DB_MAX)
		return -EDOM;
	if (c->member->gain_db == db)
		return 0;
	c->member->gain_db = (int8_t)db;
	conference_tell_changed(h, c, "gain");
	return 0;
}

static int member_coach(struct call_host *h, struct call *c, const struct room *r, int32_t whom)
{
	if (whom < 0 || whom > MEMBER_NUMBER_MAX ||
	    (whom && (whom == c->member->number || !room_number_of(r, (uint16_t)whom))))
		return -ENXIO;
	if (c->member->coaches == whom)
		return 0;
	c->member->coaches = (uint16_t)whom;
	conference_tell_changed(h, c, "coach");
	return 0;
}

static int member_host(struct call_host *h, struct call *c, struct room *r)
{
	if (r->host == c->member->number)
		return 0;
	r->host = c->member->number;
	c->member->hosts = true;
	h->room_changed(h->owner, r, true);
	conference_tell_changed(h, c, "host");
	return 0;
}

static int member_drop(struct call_host *h, struct call *c)
{
	const struct call_ending e = { .cause = CAUSE_OPERATOR,
				       .by = ENDED_BY_OPERATOR,
				       .status = 480 };

	call_end(h, c, &e);
	return 0;
}

int order_member(struct call_host *h, struct call *c, struct call_order *order)
{
	static const char *const mute[2] = { "unmuted", "muted" },
				 *const deaf[2] = { "hears", "deaf" },
				 *const hold[2] = { "resumed", "held" };
	struct room *r = conference_room(h, c);
	int err;

	if (!r || c->member->asks)
		return -ENODATA;
	err = member_may(r, c, order);
	if (err)
		return err;
	switch ((enum order_member)order->member) {
	case MEMBER_MUTE:
		return member_flag(h, c, &c->member->muted, order->on, mute);
	case MEMBER_DEAF:
		return member_flag(h, c, &c->member->deaf, order->on, deaf);
	case MEMBER_HOLD:
		return member_flag(h, c, &c->member->held, order->on, hold);
	case MEMBER_GAIN:
		return member_gain(h, c, order->number);
	case MEMBER_COACH:
		return member_coach(h, c, r, order->number);
	case MEMBER_DROP:
		room_invite(r, conference_user(c), false);
		h->room_changed(h->owner, r, r->made);
		return member_drop(h, c);
	case MEMBER_HOST:
		return member_host(h, c, r);
	}
	return -EINVAL;
}
