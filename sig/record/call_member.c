/* SPDX-License-Identifier: Apache-2.0 */
/* What a room knows of the call's party (sig/room/room.h). */
#include "sig/model/recording.h"
#include "sig/record/call_pack.h"
#include "sig/record/call_read.h"
#include "sig/room/room.h"
#include "sig/sip/conf_name.h"

void packing_member(struct packing *p, const struct call *c)
{
	const struct room_member *m = c->member;

	p->call.in_room = c->in_room;
	if (!m)
		return;
	tandem__call__member__init(&p->member);
	p->member.room = m->room;
	p->member.number = m->number;
	p->member.inviter = m->inviter;
	p->member.coaches = m->coaches;
	p->member.gain_db = m->gain_db;
	p->member.muted = m->muted;
	p->member.deaf = m->deaf;
	p->member.held = m->held;
	p->member.asks = m->asks;
	p->member.hosts = m->hosts;
	p->member.tries = m->tries;
	p->member.monitors = m->monitors;
	p->member.referrer = m->referrer;
	p->member.refer = m->refer;
	p->member.taken = m->taken;
	p->member.admitted = m->admitted;
	p->member.made = m->made;
	p->member.naming = m->naming;
	p->member.name = m->name;
	p->member.number_called = packing_octets(m->number_called, bytes_str(m->number_called).n);
	p->member.named = packing_octets(m->named, bytes_str(m->named).n);
	p->member.joined_utc_ms = m->joined_utc_ms;
	p->call.member = &p->member;
}

static bool member_fits(const struct reading *r, const Tandem__Call__Member *in)
{
	return in->room && id_shard(in->room) == r->h->settings->number &&
	       in->number <= MEMBER_NUMBER_MAX && in->inviter <= MEMBER_NUMBER_MAX &&
	       in->coaches <= MEMBER_NUMBER_MAX && in->gain_db <= MEMBER_GAIN_DB_MAX &&
	       in->gain_db >= -MEMBER_GAIN_DB_MAX && in->tries <= UINT8_MAX &&
	       in->name <= RECORDING_NUMBER_MAX && (in->asks || !in->naming) &&
	       in->asks == (in->number == MEMBER_NOBODY);
}

static bool reading_number_called(struct reading *r, struct room_member *m,
				  const ProtobufCBinaryData *in)
{
	if (!room_number_is(reading_slice(in)))
		return reading_wrong(r, "member: room");
	(void)bytes_cstr(reading_slice(in), m->number_called, sizeof(m->number_called));
	return true;
}

static bool reading_named(struct reading *r, struct room_member *m, const ProtobufCBinaryData *in)
{
	struct bytes name = reading_slice(in);
	uint64_t id;

	if (!name.n)
		return true;
	if (!m->made || !conf_name_is_secret(name) || !conf_name_get(name, &id) ||
	    id_shard(id) != id_shard(m->room) || bytes_cstr(name, m->named, sizeof(m->named)))
		return reading_wrong(r, "member: name of the room");
	return true;
}

bool reading_member(struct reading *r, const Tandem__Call__Call *from)
{
	const Tandem__Call__Member *in = from->member;
	struct room_member *m;

	r->c->in_room = from->in_room;
	if (!in)
		return true;
	if (!member_fits(r, in))
		return reading_wrong(r, "member: number");
	if (room_member_make(&r->c->member, in->room, r->c->id))
		return reading_wrong(r, "out of memory");
	m = r->c->member;
	m->number = (uint16_t)in->number;
	m->inviter = (uint16_t)in->inviter;
	m->coaches = (uint16_t)in->coaches;
	m->gain_db = (int8_t)in->gain_db;
	m->muted = in->muted;
	m->deaf = in->deaf;
	m->held = in->held;
	m->asks = in->asks;
	m->monitors = in->monitors;
	m->admitted = in->admitted;
	m->made = in->made && !in->number_called.len;
	m->naming = in->naming;
	m->name = (uint8_t)in->name;
	m->hosts = in->hosts;
	m->tries = (uint8_t)in->tries;
	m->referrer = in->referrer;
	m->refer = in->refer;
	m->taken = in->taken;
	m->joined_utc_ms = in->joined_utc_ms;
	return reading_number_called(r, m, &in->number_called) && reading_named(r, m, &in->named);
}
