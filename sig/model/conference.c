/* SPDX-License-Identifier: Apache-2.0 */
/* The membership of a call's party in a room (conference.h): its place, held state, the flow
 * parameters for the mixer, and the isfocus Contact of its leg (RFC 4579). With the record rows of
 * a member. Joining and leaving are in sig/pbx/conference.c, the room itself in sig/room. */

#include "sig/model/conference.h"

#include "media/flow.h"
#include "sig/host/settings.h"
#include "sig/model/recording.h"
#include "sig/model/saved.h"
#include "sig/sip/id.h"

bool conference_is_held(const struct call *c)
{
	return c->member->held || c->member->waits || call_caller(c)->holds;
}

struct room *conference_room(const struct call_host *h, const struct call *c)
{
	return c->member ? h->services->rooms->find(h->owner, c->member->room) : NULL;
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

/* ---- what is saved ---- */

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
	{ "beeps", 23, SCHEMA_BOOL, SCHEMA_AT(struct room_member, beeps) },
	{ "takes", 24, SCHEMA_UINT, SCHEMA_AT(struct room_member, takes) },
	{ 0 },
};

const struct schema member_saved[] = {
	{ "member", 63, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct call, member, struct room_member), .of = member_rows,
	  .check = member_check, .wrong = "member: number" },
	{ "in_room", 64, SCHEMA_FIXED64, SCHEMA_AT(struct call, in_room) },
	{ 0 },
};
