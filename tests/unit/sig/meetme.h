/* SPDX-License-Identifier: Apache-2.0 */
/* Phones that call a room, 700 of no tenant. */
#ifndef TESTS_UNIT_SIG_MEETME_H
#define TESTS_UNIT_SIG_MEETME_H

#include "sig/host/tenant_tables.h"
#include "tests/unit/sig/conferences.h"

struct meetme {
	struct party p;
	struct tenants *tenants;
	struct rooms *rooms;
};

/* more: of the settings; NULL: none. */
RIG_FN int meetme_open(void **state, void (*more)(struct shard_settings *s))
{
	static const struct hash_key key = { 1, 2 };
	struct shard_settings s = rig_settings();
	struct meetme *m = calloc(1, sizeof(*m));
	struct rig *r;

	if (!m || tenants_open(&m->tenants, &key) || rooms_open(&m->rooms, m->tenants))
		return -1;
	s.tenants = m->tenants;
	s.rooms = m->rooms;
	if (more)
		more(&s);
	r = m->p.t.l.r = rig_open_with(&s);
	phones_open(r, &m->p.t.l.a, &m->p.t.l.b);
	phone_open(&m->p.t.c, r, "1004", "192.0.2.14:5060");
	phone_bind(&m->p.t.c);
	*state = m;
	return 0;
}

RIG_FN int meetme_setup(void **state)
{
	return meetme_open(state, NULL);
}

RIG_FN int meetme_teardown(void **state)
{
	struct meetme *m = *state;

	rig_close(m->p.t.l.r);
	rooms_close(m->rooms);
	tenants_close(m->tenants);
	free(m);
	return 0;
}

RIG_FN struct room_terms board(const char *pin, const char *host_pin)
{
	struct room_terms t = { .number = "700", .max_members = 3, .talkers = 3, .rate = 16000 };

	(void)bytes_cstr(bytes_str(pin), t.pin, sizeof(t.pin));
	(void)bytes_cstr(bytes_str(host_pin), t.host_pin, sizeof(t.host_pin));
	return t;
}

RIG_FN void put(struct meetme *m, const struct room_terms *t)
{
	assert_int_equal(rooms_put(m->rooms, t), 0);
}

/* The room is called, and answers. */
RIG_FN void calls(struct phone *p)
{
	struct bytes m;

	phone_invite(p, "700", PHONE_SDP_A);
	m = phone_hears(p, "SIP/2.0 200");
	assert_true(rig_has(rig_header(m, "Contact"), "<sip:700@192.0.2.1:5060>;isfocus"));
	assert_true(rig_has(m, "\r\nAllow-Events: conference\r\n"));
	phone_ack(p);
	rig_wait_ms(p->r, 50);
}

RIG_FN uint64_t call_from(struct meetme *m, const char *user)
{
	return call_of_user(m->p.t.l.r, user, "700");
}

RIG_FN void keys(struct meetme *m, uint64_t call, const char *digits)
{
	struct rig *r = m->p.t.l.r;

	for (; *digits; digits++) {
		struct media_event ev = { .kind = MEDIA_FLOW_DIGIT,
					  .call = call,
					  .id = spec_of_call(r, call).id,
					  .digit = *digits,
					  .duration_ms = 100 };

		shard_media_event(r->shard, &ev, r->now);
		rig_run(r);
	}
	rig_wait_ms(r, 50);
}

RIG_FN uint64_t the_room(struct meetme *m)
{
	struct room_view v;
	uint32_t cursor = 0;

	assert_true(shard_conference_next(m->p.t.l.r->shard, &cursor, &v));
	return v.room;
}

RIG_FN void hangs_up(struct phone *p)
{
	phone_request(p, "BYE", "", "");
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	rig_wait_ms(p->r, 100);
}

#endif
