/* SPDX-License-Identifier: Apache-2.0 */
/* Phones of two shards that call a room, 700 of no tenant. Its number is one shard's among all. */
#ifndef TESTS_UNIT_SIG_CLAIMS_H
#define TESTS_UNIT_SIG_CLAIMS_H

#include "sig/host/tenant_tables.h"
#include "tests/unit/sig/conferences.h"
#include "tests/unit/sig/far.h"

struct claims {
	struct far f; /* A and B of shard 7, C of shard 8 */
	struct tenants *tenants;
	struct rooms *rooms;
};

#define CLAIM_TEST(fn) cmocka_unit_test_setup_teardown(fn, claims_setup, claims_teardown)

/* An id of one that is gone. */
RIG_FN uint64_t room_of_shard(uint64_t shard)
{
	return shard << 48 | 0x1234;
}

RIG_FN struct rig *claims_rig(const struct claims *x, uint16_t number)
{
	struct shard_settings s = rig_settings();

	s.number = number;
	s.peer_shard_count = 2;
	s.peer_shards[0] = 7;
	s.peer_shards[1] = 8;
	s.rooms_claimed = true;
	s.rooms = x->rooms;
	return rig_open_with(&s);
}

RIG_FN int claims_setup(void **state)
{
	static const struct hash_key key = { 1, 2 };
	struct room_terms t = { .number = "700", .max_members = 4, .talkers = 3, .rate = 16000 };
	struct claims *x = calloc(1, sizeof(*x));

	if (!x || tenants_open(&x->tenants, &key) || rooms_open(&x->rooms, x->tenants) ||
	    rooms_put(x->rooms, &t))
		return -1;
	x->f.near.l.r = claims_rig(x, 7);
	x->f.other = claims_rig(x, 8);
	phones_open(x->f.near.l.r, &x->f.near.l.a, &x->f.near.l.b);
	phone_open(&x->f.near.c, x->f.other, "1004", "192.0.2.14:5060");
	phone_bind(&x->f.near.c);
	*state = x;
	return 0;
}

RIG_FN int claims_teardown(void **state)
{
	struct claims *x = *state;

	rig_close(x->f.near.l.r);
	rig_close(x->f.other);
	rooms_close(x->rooms);
	tenants_close(x->tenants);
	free(x);
	return 0;
}

/* ---- what is asked ---- */

RIG_FN const struct rig_park *claims_park(const struct rig *r, enum park_act act)
{
	const struct rig_park *last = &r->parks[(r->park_count - 1) % RIG_LOOKUPS_MAX];

	assert_true(r->park_count > 0);
	assert_int_equal(last->act, act);
	assert_string_equal(last->slot, "700");
	assert_string_equal(last->tenant, "default");
	return last;
}

RIG_FN void claims_told(struct claims *x, struct rig *r, enum park_result told, uint64_t owner)
{
	const struct rig_park *asked = claims_park(r, PARK_ROOM_CLAIM);

	rig_reply(r, (struct reply){ .ask = ASK_PARK,
				     .of = asked->call,
				     .park = { .serial = asked->serial,
					       .told = told,
					       .owner = owner ? owner : asked->call } });
	rig_run(r);
	far_run(&x->f);
}

/* ---- who calls ---- */

RIG_FN void claims_dials(struct claims *x, struct phone *p)
{
	phone_invite(p, "700", PHONE_SDP_A);
	rig_run(p->r);
	far_run(&x->f);
}

RIG_FN void claims_is_in(struct claims *x, struct phone *p)
{
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	phone_ack(p);
	far_wait_ms(&x->f, 60);
}

RIG_FN bool claims_is_answered(struct phone *p)
{
	return rig_count(p->r, &p->addr, "SIP/2.0 200") != 0;
}

RIG_FN void claims_hangs_up(struct claims *x, struct phone *p)
{
	phone_request(p, "BYE", "", "");
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	far_wait_ms(&x->f, 200);
}

RIG_FN bool claims_has_room(struct rig *r, struct room_view *v)
{
	uint32_t cursor = 0;

	return shard_conference_next(r->shard, &cursor, v);
}

RIG_FN struct room_view claims_room(struct rig *r)
{
	struct room_view v = { 0 };

	assert_true(claims_has_room(r, &v));
	return v;
}

/* Its process is killed, and the next one reads all that was saved. */
RIG_FN void claims_killed(struct claims *x, struct rig *r)
{
	uint32_t count = r->save_count;
	const char *reason = "";

	shard_close(r->shard);
	rig_start_shard(r);
	if (r == x->f.other) {
		phone_bind(&x->f.near.c);
	} else {
		phone_bind(&x->f.near.l.a);
		phone_bind(&x->f.near.l.b);
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct rig_save *s = &r->saves[i];
		bool newest = s->record.n;

		for (uint32_t k = i + 1; k < count; k++)
			newest &= r->saves[k].call != s->call;
		if (newest && rig_restore(r, s, &reason))
			fail_msg("%s", reason);
	}
	shard_resume(r->shard, r->now);
	rig_run(r);
	far_wait_ms(&x->f, 20);
}

#endif
