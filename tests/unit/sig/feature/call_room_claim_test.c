/* SPDX-License-Identifier: Apache-2.0 */
/* A room's number is one shard's among all: who calls it waits for what the store says, or is rung through to whose it is. */
#include "sig/host/room_terms.h"
#include "tests/unit/sig/conferences.h"
#include "tests/unit/sig/far.h"

struct claims {
	struct far f; /* A and B of shard 7, C of shard 8 */
	struct tenants *tenants;
	struct rooms *rooms;
};

/* An id of one that is gone. */
static uint64_t room_of_shard(uint64_t shard)
{
	return shard << 48 | 0x1234;
}

static struct rig *claims_rig(const struct claims *x, uint16_t number)
{
	struct shard_settings s = rig_settings();

	s.number = number;
	s.cell_count = 2;
	s.cells[0] = 7;
	s.cells[1] = 8;
	s.rooms_claimed = true;
	s.rooms = x->rooms;
	return rig_open_with(&s);
}

static int claims_setup(void **state)
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

static int claims_teardown(void **state)
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

static const struct rig_park *last_park(const struct rig *r, enum park_act act)
{
	const struct rig_park *last = &r->parks[(r->park_count - 1) % RIG_LOOKUPS_MAX];

	assert_true(r->park_count > 0);
	assert_int_equal(last->act, act);
	assert_string_equal(last->slot, "700");
	assert_string_equal(last->tenant, "default");
	return last;
}

static void told(struct claims *x, struct rig *r, enum park_told told, uint64_t owner)
{
	const struct rig_park *asked = last_park(r, PARK_ROOM_CLAIM);

	shard_park_told(r->shard, asked->call, asked->serial, told, owner ? owner : asked->call,
			(struct bytes){ 0 }, r->now);
	rig_run(r);
	far_run(&x->f);
}

/* ---- who calls ---- */

static void dials(struct claims *x, struct phone *p)
{
	phone_invite(p, "700", PHONE_SDP_A);
	rig_run(p->r);
	far_run(&x->f);
}

static void is_in(struct claims *x, struct phone *p)
{
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	phone_ack(p);
	far_wait_ms(&x->f, 60);
}

static bool is_answered(struct phone *p)
{
	return rig_count(p->r, &p->addr, "SIP/2.0 200") != 0;
}

static void hangs_up(struct claims *x, struct phone *p)
{
	phone_request(p, "BYE", "", "");
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	far_wait_ms(&x->f, 200);
}

static bool has_room(struct rig *r, struct room_view *v)
{
	uint32_t cursor = 0;

	return shard_conference_next(r->shard, &cursor, v);
}

static struct room_view room_of(struct rig *r)
{
	struct room_view v = { 0 };

	assert_true(has_room(r, &v));
	return v;
}

/* Its process is killed, and the next one reads all that was saved. */
static void killed(struct claims *x, struct rig *r)
{
	uint32_t count = r->save_count;
	const char *reason = "";

	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&x->f.near.l.a);
	phone_bind(&x->f.near.l.b);
	for (uint32_t i = 0; i < count; i++) {
		const struct rig_save *s = &r->saves[i];
		bool newest = s->record.n;

		for (uint32_t k = i + 1; k < count; k++)
			newest &= r->saves[k].call != s->call;
		if (newest &&
		    (s->kind == EFFECT_ROOM_SAVE ? shard_restore_room : shard_restore_call)(
			    r->shard, text_bytes(&s->record), r->now, &reason))
			fail_msg("%s", reason);
	}
	shard_resume(r->shard, r->now);
	rig_run(r);
	far_wait_ms(&x->f, 20);
}

/* ---- */

/* Those who come later are not asked for: the number is the shard's until the last one has left. */
static void first_waits(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	uint64_t room;

	dials(x, &x->f.near.l.a);
	assert_false(is_answered(&x->f.near.l.a));
	room = last_park(r, PARK_ROOM_CLAIM)->call;
	assert_int_equal(room, room_of(r).room);
	assert_int_equal(room_of(r).asking, 1);
	told(x, r, PARK_OK, 0);
	is_in(x, &x->f.near.l.a);
	dials(x, &x->f.near.l.b);
	is_in(x, &x->f.near.l.b);
	assert_int_equal(r->park_count, 1);
	assert_int_equal(room_of(r).members, 2);
	assert_false(room_of(r).apart);
	hangs_up(x, &x->f.near.l.a);
	assert_int_equal(r->park_count, 1);
	hangs_up(x, &x->f.near.l.b);
	assert_int_equal(last_park(r, PARK_ROOM_FREE)->call, room);
}

/* Two callers at once, of two shards: one has it, and the other one comes to it. */
static void two_at_once(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	struct room_view v;
	uint64_t owner;

	dials(x, &x->f.near.l.a);
	dials(x, &x->f.near.c);
	dials(x, &x->f.near.l.b); /* waits for the same answer */
	assert_int_equal(r->park_count, 1);
	owner = last_park(x->f.other, PARK_ROOM_CLAIM)->call;
	told(x, x->f.other, PARK_OK, 0);
	is_in(x, &x->f.near.c);
	told(x, r, PARK_TAKEN, owner);
	is_in(x, &x->f.near.l.a);
	is_in(x, &x->f.near.l.b);
	assert_int_equal(room_of(x->f.other).members, 3);
	assert_false(has_room(r, &v));
	assert_int_equal(r->park_count, 1); /* there is nothing to be freed */
	hangs_up(x, &x->f.near.l.a);
	assert_int_equal(room_of(x->f.other).members, 2);
}

/* Whoever calls behind the answer, and before the room that nobody waits in is gone, is not left in it. */
static void calls_behind_the_answer(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	const struct rig_park *asked;
	struct room_view v;
	uint64_t owner;

	dials(x, &x->f.near.c);
	owner = last_park(x->f.other, PARK_ROOM_CLAIM)->call;
	told(x, x->f.other, PARK_OK, 0);
	is_in(x, &x->f.near.c);
	dials(x, &x->f.near.l.a);
	asked = last_park(r, PARK_ROOM_CLAIM);
	shard_park_told(r->shard, asked->call, asked->serial, PARK_TAKEN, owner,
			(struct bytes){ 0 }, r->now);
	dials(x, &x->f.near.l.b);
	is_in(x, &x->f.near.l.a);
	assert_false(is_answered(&x->f.near.l.b));
	told(x, r, PARK_TAKEN, owner);
	is_in(x, &x->f.near.l.b);
	assert_int_equal(room_of(x->f.other).members, 3);
	assert_false(has_room(r, &v));
}

/* Who came while the store was away goes on to the others, also if the answer is there before its ACK. */
static void answered_behind_the_answer(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	struct room_view v;
	uint64_t owner;

	dials(x, &x->f.near.c);
	owner = last_park(x->f.other, PARK_ROOM_CLAIM)->call;
	told(x, x->f.other, PARK_OK, 0);
	is_in(x, &x->f.near.c);
	shard_degraded(r->shard, true, r->now);
	dials(x, &x->f.near.l.a);
	shard_degraded(r->shard, false, r->now);
	far_wait_ms(&x->f, 2100);
	told(x, r, PARK_TAKEN, owner);
	far_wait_ms(&x->f, 500);
	assert_int_equal(r->park_count, 1); /* nobody asks without end */
	is_in(x, &x->f.near.l.a);
	far_wait_ms(&x->f, 2000);
	assert_int_equal(room_of(x->f.other).members, 2);
	assert_false(has_room(r, &v));
}

/* As behind that answer, where no room can be open: that caller is asked for, too. */
static void calls_behind_a_refusal(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	const struct rig_park *asked;

	dials(x, &x->f.near.l.a);
	asked = last_park(r, PARK_ROOM_CLAIM);
	shard_park_told(r->shard, asked->call, asked->serial, PARK_FULL, 0, (struct bytes){ 0 },
			r->now);
	dials(x, &x->f.near.l.b);
	assert_true(phone_hears(&x->f.near.l.a, "SIP/2.0 503").n);
	far_wait_ms(&x->f, 20);
	told(x, r, PARK_OK, 0);
	is_in(x, &x->f.near.l.b);
}

/* Nobody is answered by a process that does not know whose the number is. */
static void killed_while_it_waits(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	uint64_t room;

	dials(x, &x->f.near.l.a);
	room = last_park(r, PARK_ROOM_CLAIM)->call;
	killed(x, r);
	assert_false(is_answered(&x->f.near.l.a));
	assert_int_equal(r->park_count, 2);
	assert_int_equal(last_park(r, PARK_ROOM_CLAIM)->call, room);
	told(x, r, PARK_OK, 0);
	is_in(x, &x->f.near.l.a);
	assert_int_equal(room_of(r).members, 1);
}

/* Members go on, and the store is asked again. */
static void killed_with_members(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;

	dials(x, &x->f.near.l.a);
	told(x, r, PARK_OK, 0);
	is_in(x, &x->f.near.l.a);
	killed(x, r);
	assert_int_equal(room_of(r).members, 1);
	dials(x, &x->f.near.l.b);
	is_in(x, &x->f.near.l.b);
	assert_int_equal(r->park_count, 2);
	told(x, r, PARK_OK, 0);
	far_wait_ms(&x->f, 10000);
	assert_int_equal(r->park_count, 2);
}

static void gives_up(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	uint64_t room;
	struct room_view v;

	dials(x, &x->f.near.l.a);
	room = last_park(r, PARK_ROOM_CLAIM)->call;
	phone_cancel(&x->f.near.l.a);
	far_wait_ms(&x->f, 60);
	assert_true(phone_hears(&x->f.near.l.a, "SIP/2.0 487").n);
	assert_false(has_room(r, &v));
	assert_int_equal(last_park(r, PARK_ROOM_FREE)->call, room);
}

/* One of this very shard, which ended while the store was away. */
static void left_behind(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	uint64_t gone = room_of_shard(7);

	dials(x, &x->f.near.l.a);
	told(x, r, PARK_TAKEN, gone);
	assert_int_equal(r->park_count, 3);
	assert_int_equal(r->parks[1].act, PARK_ROOM_FREE);
	assert_int_equal(r->parks[1].call, gone);
	assert_false(is_answered(&x->f.near.l.a));
	told(x, r, PARK_OK, 0);
	is_in(x, &x->f.near.l.a);
}

/* ... and of another one: who is rung through opens it there. */
static void left_behind_elsewhere(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r, *o = x->f.other;
	uint64_t gone = room_of_shard(8);

	dials(x, &x->f.near.l.a);
	told(x, r, PARK_TAKEN, gone);
	assert_false(is_answered(&x->f.near.l.a));
	told(x, o, PARK_TAKEN, gone);
	told(x, o, PARK_OK, 0);
	is_in(x, &x->f.near.l.a);
	assert_int_equal(room_of(o).members, 1);
}

static void no_more_rooms(void **state)
{
	struct claims *x = *state;
	struct room_view v;

	dials(x, &x->f.near.l.a);
	told(x, x->f.near.l.r, PARK_FULL, 0);
	assert_true(phone_hears(&x->f.near.l.a, "SIP/2.0 503").n);
	far_wait_ms(&x->f, 60);
	assert_false(has_room(x->f.near.l.r, &v));
}

/* Callers are not turned away, and the store is asked until it says. */
static void store_is_away(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;

	shard_degraded(r->shard, true, r->now);
	dials(x, &x->f.near.l.a);
	is_in(x, &x->f.near.l.a);
	assert_int_equal(r->park_count, 0);
	assert_true(room_of(r).apart);
	shard_degraded(r->shard, false, r->now);
	far_wait_ms(&x->f, 2100);
	told(x, r, PARK_OK, 0);
	assert_false(room_of(r).apart);
}

static void store_does_not_say(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;

	dials(x, &x->f.near.l.a);
	told(x, r, PARK_UNKNOWN, 0);
	is_in(x, &x->f.near.l.a);
	assert_true(room_of(r).apart);
	far_wait_ms(&x->f, 2100);
	assert_int_equal(r->park_count, 2); /* and no answer at all to this one */
	far_wait_ms(&x->f, 5100);
	assert_int_equal(r->park_count, 3);
	told(x, r, PARK_OK, 0);
	assert_false(room_of(r).apart);
	dials(x, &x->f.near.l.b);
	is_in(x, &x->f.near.l.b);
}

static void no_answer_at_all(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;

	dials(x, &x->f.near.l.a);
	far_wait_ms(&x->f, 4900);
	assert_false(is_answered(&x->f.near.l.a));
	far_wait_ms(&x->f, 200);
	is_in(x, &x->f.near.l.a);
	assert_true(room_of(r).apart);
}

/* ---- two of one number ---- */

static void away(struct claims *x, bool is)
{
	shard_degraded(x->f.near.l.r->shard, is, x->f.near.l.r->now);
	shard_degraded(x->f.other->shard, is, x->f.other->now);
}

/* Both are apart, with A here, and C there. */
static void two_apart(struct claims *x)
{
	away(x, true);
	dials(x, &x->f.near.l.a);
	is_in(x, &x->f.near.l.a);
	dials(x, &x->f.near.c);
	is_in(x, &x->f.near.c);
	assert_int_equal(room_of(x->f.near.l.r).members, 1);
	assert_int_equal(room_of(x->f.other).members, 1);
}

/* The store says that the number is that of the first shard. */
static void store_decides(struct claims *x)
{
	uint64_t owner;

	away(x, false);
	far_wait_ms(&x->f, 2100);
	owner = last_park(x->f.near.l.r, PARK_ROOM_CLAIM)->call;
	told(x, x->f.near.l.r, PARK_OK, 0);
	told(x, x->f.other, PARK_TAKEN, owner);
}

static void come_together(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r, *o = x->f.other;
	struct room_view v;

	two_apart(x);
	store_decides(x);
	far_wait_ms(&x->f, 200);
	assert_int_equal(room_of(r).members, 2);
	assert_false(has_room(o, &v));
	assert_true(spec_of_call(o, call_of_user(o, "1004", NULL)).peer.generation != 0);
	hangs_up(x, &x->f.near.c);
	assert_int_equal(room_of(r).members, 1);
}

/* It is asked for no PIN, and is there what it was. */
static void comes_as_it_was(void **state)
{
	struct room_terms t = { .number = "700",
				.max_members = 4,
				.talkers = 3,
				.rate = 16000,
				.pin = "4711",
				.muted = true };
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r, *o = x->f.other;
	struct members all;
	uint64_t c;

	two_apart(x);
	c = call_of_user(o, "1004", NULL);
	assert_int_equal(order_one(o, c, MEMBER_HOST, true, 0, 0), 0);
	assert_int_equal(order_one(o, c, MEMBER_GAIN, true, -6, 0), 0);
	assert_int_equal(rooms_put(x->rooms, &t), 0);
	store_decides(x);
	far_wait_ms(&x->f, 200);
	all = members_of(r, room_of(r).room);
	assert_int_equal(all.count, 2);
	assert_true(all.list[1].host);
	assert_int_equal(all.list[1].gain_db, -6);
	assert_false(all.list[1].muted);
}

/* Whose the number is refuses them: they stay where they are. */
static void refused(void **state)
{
	struct room_terms t = { .number = "700", .max_members = 1, .talkers = 3, .rate = 16000 };
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r, *o = x->f.other;

	assert_int_equal(rooms_put(x->rooms, &t), 0);
	two_apart(x);
	store_decides(x);
	far_wait_ms(&x->f, 1500);
	assert_int_equal(room_of(r).members, 1);
	assert_int_equal(room_of(o).members, 1);
	assert_true(room_of(o).apart);
	hangs_up(x, &x->f.near.l.a);
	far_wait_ms(&x->f, 2000);
	told(x, o, PARK_OK, 0); /* it is free by now */
	far_wait_ms(&x->f, 3000);
	assert_int_equal(room_of(o).members, 1);
	assert_false(room_of(o).apart);
}

/* Who calls the one that goes is rung through to the other one. */
static void calls_one_that_goes(void **state)
{
	struct claims *x = *state;
	struct phone d;

	phone_open(&d, x->f.other, "1003", "192.0.2.13:5060");
	phone_bind(&d);
	two_apart(x);
	store_decides(x);
	dials(x, &d);
	is_in(x, &d);
	far_wait_ms(&x->f, 200);
	assert_int_equal(room_of(x->f.near.l.r).members, 3);
}

#define CLAIM_TEST(fn) cmocka_unit_test_setup_teardown(fn, claims_setup, claims_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_TEST(first_waits),
		CLAIM_TEST(two_at_once),
		CLAIM_TEST(calls_behind_the_answer),
		CLAIM_TEST(answered_behind_the_answer),
		CLAIM_TEST(calls_behind_a_refusal),
		CLAIM_TEST(killed_while_it_waits),
		CLAIM_TEST(killed_with_members),
		CLAIM_TEST(gives_up),
		CLAIM_TEST(left_behind),
		CLAIM_TEST(left_behind_elsewhere),
		CLAIM_TEST(no_more_rooms),
		CLAIM_TEST(store_is_away),
		CLAIM_TEST(store_does_not_say),
		CLAIM_TEST(no_answer_at_all),
		CLAIM_TEST(come_together),
		CLAIM_TEST(comes_as_it_was),
		CLAIM_TEST(refused),
		CLAIM_TEST(calls_one_that_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
