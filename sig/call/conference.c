/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/conference.h"

#include <assert.h>
#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/recording.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/model/saved.h"
#include "sig/model/transfer.h"

/* What a room knows of the call's party (sig/room/room.h). */

static bool member_name_fits(const struct room_member *m)
{
	struct bytes name = bytes_str(m->named);
	uint64_t id;

	return !name.n || (m->made && conf_name_is_secret(name) && conf_name_get(name, &id) &&
			   id_shard(id) == id_shard(m->room));
}

static bool member_check(struct schema_reader *r, void *object)
{
	const struct call_loader *l = loader_of(r);
	struct room_member *m = object;
	struct bytes number = bytes_str(m->number_called);

	if (!m->room || id_shard(m->room) != l->h->settings->number || (m->naming && !m->asks) ||
	    m->asks != (m->number == MEMBER_NOBODY))
		return false;
	if (!room_number_is(number))
		return schema_wrong(r, "member: room");
	m->call = l->c->id;
	m->made = m->made && !number.n;
	return member_name_fits(m) || schema_wrong(r, "member: name of the room");
}

static const struct schema member_rows[] = {
	{ "room", 1, SCHEMA_FIXED64, SCHEMA_AT(struct room_member, room) },
	{ "number", 2, SCHEMA_UINT, SCHEMA_AT(struct room_member, number) },
	{ "inviter", 3, SCHEMA_UINT, SCHEMA_AT(struct room_member, inviter) },
	{ "coaches", 4, SCHEMA_UINT, SCHEMA_AT(struct room_member, coaches) },
	{ "gain_db", 5, SCHEMA_SINT, SCHEMA_AT(struct room_member, gain_db),
	  .max = MEMBER_GAIN_DB_MAX },
	{ "muted", 6, SCHEMA_BOOL, SCHEMA_AT(struct room_member, muted) },
	{ "deaf", 7, SCHEMA_BOOL, SCHEMA_AT(struct room_member, deaf) },
	{ "held", 8, SCHEMA_BOOL, SCHEMA_AT(struct room_member, held) },
	{ "asks", 9, SCHEMA_BOOL, SCHEMA_AT(struct room_member, asks) },
	{ "hosts", 10, SCHEMA_BOOL, SCHEMA_AT(struct room_member, hosts) },
	{ "tries", 11, SCHEMA_UINT, SCHEMA_AT(struct room_member, tries) },
	{ "joined_utc_ms", 12, SCHEMA_UINT, SCHEMA_AT(struct room_member, joined_utc_ms) },
	{ "monitors", 13, SCHEMA_BOOL, SCHEMA_AT(struct room_member, monitors) },
	{ "number_called", 14, SCHEMA_CSTR, SCHEMA_AT(struct room_member, number_called),
	  .wrong = "member: room" },
	{ "referrer", 15, SCHEMA_FIXED64, SCHEMA_AT(struct room_member, referrer) },
	{ "refer", 16, SCHEMA_UINT, SCHEMA_AT(struct room_member, refer) },
	{ "admitted", 17, SCHEMA_BOOL, SCHEMA_AT(struct room_member, admitted) },
	{ "naming", 18, SCHEMA_BOOL, SCHEMA_AT(struct room_member, naming) },
	{ "name", 19, SCHEMA_UINT, SCHEMA_AT(struct room_member, name),
	  .max = RECORDING_NUMBER_MAX },
	{ "taken", 20, SCHEMA_UINT, SCHEMA_AT(struct room_member, taken) },
	{ "made", 21, SCHEMA_BOOL, SCHEMA_AT(struct room_member, made) },
	{ "named", 22, SCHEMA_CSTR, SCHEMA_AT(struct room_member, named),
	  .wrong = "member: name of the room" },
	{ 0 },
};

const struct schema member_saved[] = {
	{ "member", 63, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct call, member, struct room_member), .of = member_rows,
	  .check = member_check, .wrong = "member: number" },
	{ "in_room", 64, SCHEMA_FIXED64, SCHEMA_AT(struct call, in_room) },
	{ 0 },
};

bool conference_speaks(const struct call *c)
{
	return c->member && !c->member->asks && c->state == CALL_ESTABLISHED && call_is_alone(c) &&
	       !c->park && !c->parting_ns;
}

bool conference_is_held(const struct call *c)
{
	return c->member->held || c->member->waits || call_caller(c)->holds;
}

bool conference_was_dialled(const struct call *c)
{
	struct bytes user;

	(void)plan_went_to(&c->plan, &user);
	return !call_caller(c)->outbound || (user.n && bytes_is(user, c->member->number_called));
}

struct room *conference_room(const struct call_host *h, const struct call *c)
{
	return c->member && h->room_of ? h->room_of(h->owner, c->member->room) : NULL;
}

struct flow_member conference_flow(const struct call *c)
{
	const struct room_member *m = c->member;

	if (!conference_speaks(c))
		return (struct flow_member){ 0 };
	return (struct flow_member){ .number = m->number,
				     .coaches = m->coaches,
				     .gain_db = m->gain_db,
				     .muted = m->muted,
				     .deaf = m->deaf };
}

uint64_t conference_home(const struct call *c)
{
	return conference_speaks(c) ? c->member->room : 0;
}

static void member_publish(struct call_host *h, const struct call *c, const struct room *r,
			   enum sig_event_kind kind, const char *reason)
{
	struct sig_event *event = call_publish_start(h, c, kind);

	if (!event)
		return;
	event->room = c->member->room;
	event->member = c->member->number;
	event->reason = reason;
	if (r)
		cdr_put(event->number, sizeof(event->number), bytes_str(r->number));
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

bool conference_focus(struct leg *l, struct bytes name)
{
	return !bytes_eq(text_bytes(&l->dialog.focus), name) && !text_set(&l->dialog.focus, name);
}

void conference_focus_settle(struct call *c)
{
	uint8_t space[ROOM_USER_MAX];
	struct leg *l = c->leg_count ? call_caller(c) : NULL;

	if (l)
		(void)conference_focus(l, c->member ? room_member_names(c->member, space)
						    : (struct bytes){ 0 });
}

/* Of that room. 0 or -ENOMEM. */
static int member_begin(struct call *c, const struct room *r)
{
	struct room_member *m;

	if (room_member_make(&m, r->id, c->id))
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
	if (member_begin(c, r))
		return REFUSED_MEMORY;
	c->member->asks = true;
	if (!c->leg_count || !call_caller_is_up(c)) /* who is up is told when it may come in */
		conference_focus_settle(c);
	room_enter(r, c->member);
	h->room_changed(h->owner, r, false);
	outbox_touch(&c->out);
	return 0;
}

static enum refusal conference_may_enter(const struct call *c, const struct room *r)
{
	bool asked = c->member && c->member->asks && c->member->room == r->id;

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
	c->in_room = r->follows ? r->follows : r->id;
	outbox_touch(&c->out);
	h->room_changed(h->owner, r, true);
}

static void member_take(struct room_member *m, const struct conference_terms *terms)
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
	enum refusal refused = conference_may_enter(c, r);

	if (refused)
		return refused;
	if (number == MEMBER_NOBODY)
		return REFUSED_MEMBERS_FULL;
	if (!c->member && member_begin(c, r))
		return REFUSED_MEMORY;
	m = c->member;
	if (m->asks)
		room_step_out(r, m);
	member_take(m, terms);
	room_invite(r, conference_user(c), true);
	member_enter(h, c, r, number);
	if (terms->host && !r->host)
		r->host = number;
	member_log(h, c, "a party is in a conference");
	member_publish(h, c, r, SIG_CONFERENCE_JOINED, NULL);
	room_member_on_join(r, m, cdr_number(h, c, text_bytes(&c->from)), m->joined_utc_ms);
	return 0;
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
		h->room_changed(h->owner, r, was_host);
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
