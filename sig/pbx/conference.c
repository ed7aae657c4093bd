/* SPDX-License-Identifier: Apache-2.0 */
/* Membership of conference rooms: a call joins (dialled, ordered, or from another shard by a member
 * name in the Request-URI), gets its number and terms, and leaves at its end or by order. Members
 * of rooms on remote shards are named by member_name_put, and let in by that name without a PIN.
 * Also carries out the orders on one member: mute, gain, coach, host and drop. Publishes joined,
 * changed and left events. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/number_claim.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/model/flow_run.h"
#include "sig/model/transfer.h"
#include "sig/pbx/conference.h"
#include "sig/pbx/focus.h"
#include "sig/pbx/join.h"
#include "sig/pbx/meetme.h"
#include "sig/pbx/recording/recording.h"
#include "sig/sip/id.h"

/* ---- what a party is called that goes to another shard ---- */

#define MEMBER_NAME_BEGINS "conference-"
enum {
	GAIN_NONE = 50, /* written with two digits, without a sign */
	NAMED_HOST = 1,
	NAMED_MUTED = 2,
	NAMED_DEAF = 4,
	NAMED_HELD = 8,
	NAMED_BEEPS = 16,
};

/* conference-ID-FLAGS-GAIN, then -MOST if set. Fields that an older node does not know are written
 * only when set. */
void member_name_put(char out[MEMBER_NAME_MAX], const struct member_name *name)
{
	unsigned flags = (name->host ? NAMED_HOST : 0U) | (name->muted ? NAMED_MUTED : 0U) |
			 (name->deaf ? NAMED_DEAF : 0U) | (name->held ? NAMED_HELD : 0U) |
			 (name->beeps ? NAMED_BEEPS : 0U);
	struct writer w = writer_over(out, MEMBER_NAME_MAX - 1);
	char id[ID_TEXT_LEN];

	id_call_put(id, name->room);
	writer_str(&w, MEMBER_NAME_BEGINS);
	writer_bytes(&w, bytes_mem(id, sizeof(id)));
	writer_fmt(&w, "-%x-%d", flags, GAIN_NONE + name->gain_db);
	if (name->most)
		writer_fmt(&w, "-%u", name->most);
	out[w.overflow ? 0 : w.n] = '\0';
}

static bool named_flags(struct bytes text, unsigned *flags)
{
	static const char digits[] = "0123456789abcdef";
	bool beeps = text.n == 2 && text.p[0] == '1';
	uint8_t last = text.n == 1U + beeps ? text.p[text.n - 1] : 0;
	const char *at = last ? strchr(digits, last) : NULL;

	*flags = at ? (unsigned)(at - digits) | (beeps ? NAMED_BEEPS : 0U) : 0;
	return at;
}

static bool named_most(struct bytes text, uint16_t *most)
{
	uint32_t value;

	if (!text.n || text.p[0] == '0' || bytes_u32(text, &value) || value > UINT16_MAX)
		return false;
	*most = (uint16_t)value;
	return true;
}

static bool named_gain(struct bytes text, int8_t *db)
{
	uint32_t value;

	if (text.n != 2 || bytes_u32(text, &value) || value < GAIN_NONE - MEMBER_GAIN_DB_MAX ||
	    value > GAIN_NONE + MEMBER_GAIN_DB_MAX)
		return false;
	*db = (int8_t)((int)value - GAIN_NONE);
	return true;
}

bool member_name_get(struct bytes user, struct member_name *out)
{
	struct bytes id, flags, gain;
	unsigned set;

	*out = (struct member_name){ 0 };
	if (!bytes_starts(user, MEMBER_NAME_BEGINS))
		return false;
	user = bytes_from(user, strlen(MEMBER_NAME_BEGINS));
	if (!bytes_cut(&user, '-', &id) || !bytes_cut(&user, '-', &flags) ||
	    id_call_get(id, &out->room) || !named_flags(flags, &set))
		return false;
	gain = bytes_sub(user, 0, bytes_find(user, '-'));
	if (!named_gain(gain, &out->gain_db) ||
	    (gain.n < user.n && !named_most(bytes_from(user, gain.n + 1), &out->most)))
		return false;
	out->host = set & NAMED_HOST;
	out->muted = set & NAMED_MUTED;
	out->deaf = set & NAMED_DEAF;
	out->held = set & NAMED_HELD;
	out->beeps = set & NAMED_BEEPS;
	return true;
}

/* ---- a member of a room ---- */

bool conference_was_dialled(const struct call *c)
{
	struct bytes user;

	(void)plan_went_to(&c->plan, &user);
	return !call_caller(c)->outbound || (user.n && bytes_is(user, c->member->number_called));
}

static void member_publish(struct call_host *h, const struct call *c, const struct room *r,
			   enum sig_event_kind kind, const char *reason)
{
	struct sig_event *event = call_publish(h, c, kind);

	event_put_number(event, EV_CONFERENCE, c->member->room);
	event_put_number(event, EV_MEMBER, c->member->number);
	event_put_str(event, EV_REASON, reason);
	if (r)
		event_put_str(event, EV_NUMBER, r->number);
}

static void member_log(const struct call_host *h, const struct call *c, const char *what)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, c->member->room);
	LOG_INFO("call", c->id, what, LOG_BYTES("conference", bytes_mem(id, sizeof(id))),
		 LOG_U64("member", c->member->number),
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))));
}

bool conference_is_remote(const struct call *c, uint8_t leg)
{
	const struct leg *peer = call_leg(c, bridge_peer(c, leg));

	return peer && peer->dialog.confers && peer->dialog.hop.transport == SIP_INTER_SHARD;
}

struct bytes conference_named(const struct call *c, uint8_t leg, uint8_t space[ROOM_USER_MAX])
{
	struct sip_uri uri;

	if (c->member)
		return leg == c->bridge.caller ? room_member_names(c->member, space)
					       : (struct bytes){ 0 };
	if (!conference_is_remote(c, leg) ||
	    sip_uri_parse(&uri, text_bytes(&c->legs[bridge_peer(c, leg)]->dialog.target)))
		return (struct bytes){ 0 };
	return uri.user;
}

struct bytes conference_user(const struct call *c)
{
	const struct leg *l = call_caller(c);

	return l->user.n || l->dialog.hop.transport != SIP_INTER_SHARD ? text_bytes(&l->user)
								       : text_bytes(&c->from);
}

/* Of that room. 0 or -ENOMEM. */
static int member_add(struct call *c, const struct room *r)
{
	struct room_member *m;

	if (room_member_make(&m, r->object.id, c->id))
		return -ENOMEM;
	cdr_put(m->number_called, sizeof(m->number_called), bytes_str(r->number));
	m->made = r->made;
	memcpy(m->named, r->name, sizeof(m->named));
	c->member = m;
	return 0;
}

enum refusal conference_add_pending(struct call_host *h, struct call *c, struct room *r)
{
	if (c->member)
		return REFUSED_IN_CONFERENCE;
	if (room_is_full(r, 1))
		return REFUSED_MEMBERS_FULL;
	if (member_add(c, r))
		return REFUSED_MEMORY;
	c->member->asks = true;
	/* an established caller is told when it may join */
	if (!c->leg_count || !call_caller_is_up(c))
		conference_focus_settle(c);
	room_enter(r, c->member);
	h->services->rooms->changed(h->owner, r, false);
	outbox_touch(&c->out);
	return 0;
}

static enum refusal conference_may_admit(const struct call *c, const struct room *r)
{
	bool asked = c->member && c->member->asks && c->member->room == r->object.id;

	if (c->member && !asked)
		return REFUSED_IN_CONFERENCE;
	if (c->state != CALL_ESTABLISHED || !call_is_alone(c) || c->parting_ns ||
	    (c->transfer && c->transfer->state < TRANSFER_DONE))
		return REFUSED_NOT_ESTABLISHED;
	return room_is_full(r, !asked) ? REFUSED_MEMBERS_FULL : REFUSED_NOT;
}

static uint64_t wall_utc_ms(const struct call_host *h)
{
	return (uint64_t)((int64_t)h->now.utc_ms + h->wall_ms);
}

/* It has its number from now on. */
static void member_enter(struct call_host *h, struct call *c, struct room *r, uint16_t number)
{
	struct room_member *m = c->member;

	m->asks = false;
	m->tries = 0;
	m->number = r->last = number;
	m->joined_utc_ms = wall_utc_ms(h);
	room_enter(r, m);
	c->in_room = r->object.follows ? r->object.follows : r->object.id;
	outbox_touch(&c->out);
	h->services->rooms->changed(h->owner, r, true);
}

static void member_apply_terms(struct room_member *m, const struct conference_terms *terms)
{
	m->inviter = terms->inviter;
	m->coaches = terms->coaches;
	m->muted = terms->muted;
	m->monitors = terms->monitors;
	m->hosts = terms->host;
}

enum refusal conference_join(struct call_host *h, struct call *c, struct room *r,
			     const struct conference_terms *terms)
{
	uint16_t number = room_number_next(r);
	struct room_member *m = NULL;
	enum refusal refused = conference_may_admit(c, r);

	if (refused)
		return refused;
	if (number == MEMBER_NOBODY)
		return REFUSED_MEMBERS_FULL;
	if (!c->member && member_add(c, r))
		return REFUSED_MEMORY;
	m = c->member;
	if (m->asks)
		room_step_out(r, m);
	member_apply_terms(m, terms);
	room_invite(r, conference_user(c), true);
	member_enter(h, c, r, number);
	if (terms->host && !r->host)
		r->host = number;
	member_log(h, c, "a party is in a conference");
	member_publish(h, c, r, SIG_CONFERENCE_JOINED, NULL);
	room_member_on_join(r, m, cdr_number(h, c, text_bytes(&c->from)), m->joined_utc_ms);
	return 0;
}

void conference_change(struct call_host *h, struct call *c, const struct conference_terms *terms)
{
	struct room *r = conference_room(h, c);

	c->member->coaches = terms->coaches;
	c->member->takes = terms->takes;
	c->member->muted = terms->muted;
	c->member->monitors = terms->monitors;
	conference_publish_changed(h, c, "monitor");
	if (r)
		h->services->rooms->changed(h->owner, r, false);
}

void conference_leave(struct call_host *h, struct call *c, const char *reason)
{
	struct room *r = conference_room(h, c);
	bool was_host;

	assert(c->member);
	was_host = r && !c->member->asks && r->host == c->member->number;
	if (!c->member->asks) {
		member_log(h, c, "a party has left a conference");
		member_publish(h, c, r, SIG_CONFERENCE_LEFT, reason);
	}
	if (r) {
		if (!c->member->asks)
			room_member_on_leave(r, c->member, wall_utc_ms(h));
		room_leave(r, c->member);
		if (was_host)
			r->host = MEMBER_NOBODY;
		h->services->rooms->changed(h->owner, r, was_host);
	}
	if (c->member->name)
		recording_name_forget(h, c, c->member->name);
	room_member_clear(&c->member);
	if (c->state != CALL_ENDING)
		outbox_touch(&c->out);
}

void conference_publish_changed(struct call_host *h, struct call *c, const char *reason)
{
	outbox_touch(&c->out);
	member_publish(h, c, conference_room(h, c), SIG_CONFERENCE_CHANGED, reason);
}

/* ---- they come ---- */

static enum refusal conference_pair(struct call_host *h, struct call *c,
				    const struct call_order *order)
{
	const struct call_conference *to_conference = order->to_conference;
	bool caller = order->leg == SHARD_LEG_CALLER;
	struct conference_terms stays = { .inviter = to_conference->inviter,
					  .host = to_conference->host != SHARD_LEG_NONE &&
						  to_conference->host != order->leg };
	struct conference_terms goes = { .inviter = to_conference->inviter,
					 .host = to_conference->host == order->leg };
	const struct call_split split = { .to = to_conference->to };
	enum refusal r = split_start(h, c, caller ? c->bridge.caller : c->bridge.callee, &split);

	if (r)
		return r;
	if (conference_join(h, c, to_conference->room, &stays)) /* room was made sure of before */
		return REFUSED_MEMORY;
	if (stays.host)
		goes.inviter = c->member->number;
	if (!to_conference->leaves &&
	    conference_join(h, to_conference->to, to_conference->room, &goes))
		return REFUSED_MEMORY;
	return 0;
}

static enum refusal order_conference(struct call_host *h, struct call *c, struct call_order *order)
{
	const struct call_conference *to_conference = order->to_conference;
	struct conference_terms terms = { .inviter = to_conference->inviter,
					  .host = to_conference->host != SHARD_LEG_NONE };

	if (c->state != CALL_ESTABLISHED || c->transfer || (c->park && !c->park->asks))
		return c->state == CALL_ENDING ? REFUSED_NO_CALL : REFUSED_CHANGING;
	if (to_conference->to)
		return conference_pair(h, c, order);
	prompts_stop(h, c);
	return conference_join(h, c, to_conference->room, &terms);
}

/* ---- they leave ---- */

/* It has another peer; a ringing one may not answer. */
static bool conference_is_left(const struct call *c)
{
	return c->state == CALL_ESTABLISHED && call_callee(c) &&
	       !(c->transfer && c->transfer->state == TRANSFER_RINGING);
}

static void conference_go(struct call_host *h, struct call *c)
{
	if (!c->member)
		return;
	if (c->park && !c->park->asks)
		conference_leave(h, c, "parked");
	else if (conference_is_left(c))
		conference_leave(h, c, "connected");
	else if (c->member->asks && !c->transfer)
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
	focus_refer_notify(h, c, c->status >= 300 ? c->status : 480);
	conference_leave(h, c, left_reason(c));
}

enum refusal conference_yield(struct call_host *h, struct call *c, uint64_t to)
{
	const struct call_ending given = { .cause = CAUSE_TRANSFERRED,
					   .by = ENDED_BY_A,
					   .status = 480 };
	const struct call *other = h->services->calls->find(h->owner, to);
	struct room *r = conference_room(h, c);

	if (!r || c->member->asks || !other || !other->member ||
	    other->member->room != r->object.id)
		return REFUSED_NO_CALL;
	if (other->member->asks)
		return REFUSED_CHANGING;
	if (r->host == c->member->number) {
		r->host = other->member->number;
		h->services->rooms->changed(h->owner, r, true);
	}
	call_end(h, c, &given);
	return 0;
}

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

static enum refusal member_may(const struct room *r, const struct call *c,
			       const struct call_order *order)
{
	const struct room_member *by;

	if (order->in_name_of == MEMBER_NOBODY)
		return 0;
	by = room_number_of(r, order->in_name_of);
	if (!by)
		return REFUSED_NO_MEMBER;
	return room_may(r, by, deed_of((enum order_member)order->member), c->member)
		       ? REFUSED_NOT
		       : REFUSED_NOT_HOST;
}

static enum refusal member_flag(struct call_host *h, struct call *c, bool *flag, bool on,
				const char *const words[2])
{
	if (*flag == on)
		return 0;
	*flag = on;
	conference_publish_changed(h, c, words[on]);
	return 0;
}

static enum refusal member_gain(struct call_host *h, struct call *c, int32_t db)
{
	if (db > MEMBER_GAIN_DB_MAX || db < -MEMBER_GAIN_DB_MAX)
		return REFUSED_BAD_GAIN;
	if (c->member->gain_db == db)
		return 0;
	c->member->gain_db = (int8_t)db;
	conference_publish_changed(h, c, "gain");
	return 0;
}

static enum refusal member_coach(struct call_host *h, struct call *c, const struct room *r,
				 int32_t of_party)
{
	if (of_party < 0 || of_party > MEMBER_NUMBER_MAX ||
	    (of_party && (of_party == c->member->number || !room_number_of(r, (uint16_t)of_party))))
		return REFUSED_NO_COACHED;
	if (c->member->coaches == of_party)
		return 0;
	c->member->coaches = (uint16_t)of_party;
	conference_publish_changed(h, c, "coach");
	return 0;
}

static enum refusal member_host(struct call_host *h, struct call *c, struct room *r)
{
	if (r->host == c->member->number)
		return 0;
	r->host = c->member->number;
	c->member->hosts = true;
	h->services->rooms->changed(h->owner, r, true);
	conference_publish_changed(h, c, "host");
	return 0;
}

static enum refusal member_drop(struct call_host *h, struct call *c)
{
	const struct call_ending e = { .cause = CAUSE_OPERATOR,
				       .by = ENDED_BY_OPERATOR,
				       .status = 480 };

	if (flow_confers(c))
		conference_leave(h, c, "dropped");
	else
		call_end(h, c, &e);
	return 0;
}

static enum refusal order_member(struct call_host *h, struct call *c, struct call_order *order)
{
	static const char *const mute[2] = { "unmuted", "muted" },
				 *const deaf[2] = { "hears", "deaf" },
				 *const hold[2] = { "resumed", "held" };
	struct room *r = conference_room(h, c);
	enum refusal refused;

	if (!r || c->member->asks)
		return REFUSED_NO_MEMBERSHIP;
	refused = member_may(r, c, order);
	if (refused)
		return refused;
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
		h->services->rooms->changed(h->owner, r, r->made);
		return member_drop(h, c);
	case MEMBER_HOST:
		return member_host(h, c, r);
	}
	return REFUSED_NOT;
}

static const struct module_order conference_orders[] = {
	{ ORDER_MEMBER, NEEDS_NOBODY, order_member },
	{ ORDER_CONFERENCE, NEEDS_NOBODY, order_conference },
	{ 0 },
};

/* Another shard gives a party into a conference of this one. */
static enum number_verdict conference_claim(struct call_host *h, const struct number_request *ask,
					    struct number_claimed *out, struct call_refusal *why)
{
	const struct sip_message *m = ask->invite;
	struct member_name name;
	const struct room *r;

	(void)why;
	if (m->hop.transport != SIP_INTER_SHARD || !member_name_get(m->uri.user, &name))
		return NUMBER_FREE;
	r = h->services->rooms->find(h->owner, name.room);
	out->set.room = true;
	out->set.member = m->uri.user;
	(void)bytes_cstr(r && r->number[0] ? bytes_str(r->number) : BYTES_LIT("conference"),
			 out->to, ROUTE_USER_MAX);
	return NUMBER_CLAIMED;
}

const struct number_claim conference_numbers[] = { { 0, conference_claim }, { 0 } };

const struct module conference_module = {
	.orders = conference_orders,
	.settle = conference_go,
	.over = conference_over,
};
