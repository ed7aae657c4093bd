/* SPDX-License-Identifier: Apache-2.0 */
/* A room's number is one shard's among all: who calls it waits for what the store says, or is rung through to whose it is. */
#include "tests/unit/sig/claims.h"

/* Those who come later are not asked for: the number is the shard's until the last one has left. */
static void first_waits(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	uint64_t room;

	claims_dials(x, &x->f.near.l.a);
	assert_false(claims_is_answered(&x->f.near.l.a));
	room = claims_park(r, PARK_ROOM_CLAIM)->call;
	assert_int_equal(room, claims_room(r).room);
	assert_int_equal(claims_room(r).asking, 1);
	claims_told(x, r, PARK_OK, 0);
	claims_is_in(x, &x->f.near.l.a);
	claims_dials(x, &x->f.near.l.b);
	claims_is_in(x, &x->f.near.l.b);
	assert_int_equal(r->park_count, 1);
	assert_int_equal(claims_room(r).members, 2);
	assert_false(claims_room(r).apart);
	claims_hangs_up(x, &x->f.near.l.a);
	assert_int_equal(r->park_count, 1);
	claims_hangs_up(x, &x->f.near.l.b);
	assert_int_equal(claims_park(r, PARK_ROOM_FREE)->call, room);
}

/* Two callers at once, of two shards: one has it, and the other one comes to it. */
static void two_at_once(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	struct room_view v;
	uint64_t owner;

	claims_dials(x, &x->f.near.l.a);
	claims_dials(x, &x->f.near.c);
	claims_dials(x, &x->f.near.l.b); /* waits for the same answer */
	assert_int_equal(r->park_count, 1);
	owner = claims_park(x->f.other, PARK_ROOM_CLAIM)->call;
	claims_told(x, x->f.other, PARK_OK, 0);
	claims_is_in(x, &x->f.near.c);
	claims_told(x, r, PARK_TAKEN, owner);
	claims_is_in(x, &x->f.near.l.a);
	claims_is_in(x, &x->f.near.l.b);
	assert_int_equal(claims_room(x->f.other).members, 3);
	assert_false(claims_has_room(r, &v));
	assert_int_equal(r->park_count, 1); /* there is nothing to be freed */
	claims_hangs_up(x, &x->f.near.l.a);
	assert_int_equal(claims_room(x->f.other).members, 2);
}

/* Whoever calls behind the answer, and before the room that nobody waits in is gone, is not left in it. */
static void calls_behind_the_answer(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	const struct rig_park *asked;
	struct room_view v;
	uint64_t owner;

	claims_dials(x, &x->f.near.c);
	owner = claims_park(x->f.other, PARK_ROOM_CLAIM)->call;
	claims_told(x, x->f.other, PARK_OK, 0);
	claims_is_in(x, &x->f.near.c);
	claims_dials(x, &x->f.near.l.a);
	asked = claims_park(r, PARK_ROOM_CLAIM);
	rig_reply(r, (struct reply){ .ask = ASK_PARK,
				     .of = asked->call,
				     .park = { .serial = asked->serial,
					       .told = PARK_TAKEN,
					       .owner = owner } });
	claims_dials(x, &x->f.near.l.b);
	claims_is_in(x, &x->f.near.l.a);
	assert_false(claims_is_answered(&x->f.near.l.b));
	claims_told(x, r, PARK_TAKEN, owner);
	claims_is_in(x, &x->f.near.l.b);
	assert_int_equal(claims_room(x->f.other).members, 3);
	assert_false(claims_has_room(r, &v));
}

/* Who came while the store was away goes on to the others, also if the answer is there before its ACK. */
static void answered_behind_the_answer(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	struct room_view v;
	uint64_t owner;

	claims_dials(x, &x->f.near.c);
	owner = claims_park(x->f.other, PARK_ROOM_CLAIM)->call;
	claims_told(x, x->f.other, PARK_OK, 0);
	claims_is_in(x, &x->f.near.c);
	shard_degraded(r->shard, true, r->now);
	claims_dials(x, &x->f.near.l.a);
	shard_degraded(r->shard, false, r->now);
	far_wait_ms(&x->f, 2100);
	claims_told(x, r, PARK_TAKEN, owner);
	far_wait_ms(&x->f, 500);
	assert_int_equal(r->park_count, 1); /* nobody asks without end */
	claims_is_in(x, &x->f.near.l.a);
	far_wait_ms(&x->f, 2000);
	assert_int_equal(claims_room(x->f.other).members, 2);
	assert_false(claims_has_room(r, &v));
}

/* As behind that answer, where no room can be open: that caller is asked for, too. */
static void calls_behind_a_refusal(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	const struct rig_park *asked;

	claims_dials(x, &x->f.near.l.a);
	asked = claims_park(r, PARK_ROOM_CLAIM);
	rig_reply(r, (struct reply){ .ask = ASK_PARK,
				     .of = asked->call,
				     .park = { .serial = asked->serial, .told = PARK_FULL } });
	claims_dials(x, &x->f.near.l.b);
	assert_true(phone_hears(&x->f.near.l.a, "SIP/2.0 503").n);
	far_wait_ms(&x->f, 20);
	claims_told(x, r, PARK_OK, 0);
	claims_is_in(x, &x->f.near.l.b);
}

/* Nobody is answered by a process that does not know whose the number is. */
static void killed_while_it_waits(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	uint64_t room;

	claims_dials(x, &x->f.near.l.a);
	room = claims_park(r, PARK_ROOM_CLAIM)->call;
	claims_killed(x, r);
	assert_false(claims_is_answered(&x->f.near.l.a));
	assert_int_equal(r->park_count, 2);
	assert_int_equal(claims_park(r, PARK_ROOM_CLAIM)->call, room);
	claims_told(x, r, PARK_OK, 0);
	claims_is_in(x, &x->f.near.l.a);
	assert_int_equal(claims_room(r).members, 1);
}

/* What the store was told of a call behind its first records is lost with the process. */
static void saves_are_lost(struct rig *r, uint64_t call, uint32_t from)
{
	for (uint32_t i = from; i < r->save_count; i++) {
		if (r->saves[i].call == call) {
			r->saves[i].call = 0;
			text_clear(&r->saves[i].record);
		}
	}
}

/* A room that one waited in had ended when the next one called: both come into the same one, and its number is claimed once. */
static void killed_behind_another(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	uint64_t call, gone = room_of_shard(8);
	uint32_t saves, cursor = 0, parks;
	struct room_view v;

	claims_dials(x, &x->f.near.l.a);
	call = rig_record(r)->call;
	saves = r->save_count;
	claims_told(x, r, PARK_TAKEN, gone);
	claims_dials(x, &x->f.near.l.b);
	saves_are_lost(r, call, saves);
	parks = r->park_count;
	claims_killed(x, r);
	assert_int_equal(r->park_count, parks + 1);
	claims_told(x, r, PARK_OK, 0);
	claims_is_in(x, &x->f.near.l.a);
	claims_is_in(x, &x->f.near.l.b);
	assert_true(shard_conference_next(r->shard, &cursor, &v));
	assert_int_equal(v.members, 2);
	assert_false(shard_conference_next(r->shard, &cursor, &v));
}

/* The end of one that nobody is in any more was not saved: who calls it is in the one that is open. */
static void killed_behind_its_end(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	uint32_t cursor = 0;
	uint64_t first;
	struct room_view v;

	claims_dials(x, &x->f.near.l.a);
	claims_told(x, r, PARK_OK, 0);
	claims_is_in(x, &x->f.near.l.a);
	first = claims_room(r).room;
	claims_hangs_up(x, &x->f.near.l.a);
	for (uint32_t i = 0; i < r->save_count; i++) {
		if (r->saves[i].call == first && !r->saves[i].record.n)
			r->saves[i].call = 0;
	}
	claims_dials(x, &x->f.near.l.b);
	claims_told(x, r, PARK_OK, 0);
	claims_is_in(x, &x->f.near.l.b);
	claims_killed(x, r);
	assert_true(shard_conference_next(r->shard, &cursor, &v));
	assert_true(v.room != first);
	assert_int_equal(v.members, 1);
	assert_false(shard_conference_next(r->shard, &cursor, &v));
}

/* Members go on, and the store is asked again. */
static void killed_with_members(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;

	claims_dials(x, &x->f.near.l.a);
	claims_told(x, r, PARK_OK, 0);
	claims_is_in(x, &x->f.near.l.a);
	claims_killed(x, r);
	assert_int_equal(claims_room(r).members, 1);
	claims_dials(x, &x->f.near.l.b);
	claims_is_in(x, &x->f.near.l.b);
	assert_int_equal(r->park_count, 2);
	claims_told(x, r, PARK_OK, 0);
	far_wait_ms(&x->f, 10000);
	assert_int_equal(r->park_count, 2);
}

static void gives_up(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	uint64_t room;
	struct room_view v;

	claims_dials(x, &x->f.near.l.a);
	room = claims_park(r, PARK_ROOM_CLAIM)->call;
	phone_cancel(&x->f.near.l.a);
	far_wait_ms(&x->f, 60);
	assert_true(phone_hears(&x->f.near.l.a, "SIP/2.0 487").n);
	assert_false(claims_has_room(r, &v));
	assert_int_equal(claims_park(r, PARK_ROOM_FREE)->call, room);
}

/* One of this very shard, which ended while the store was away. */
static void left_behind(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;
	uint64_t gone = room_of_shard(7);

	claims_dials(x, &x->f.near.l.a);
	claims_told(x, r, PARK_TAKEN, gone);
	assert_int_equal(r->park_count, 3);
	assert_int_equal(r->parks[1].act, PARK_ROOM_FREE);
	assert_int_equal(r->parks[1].call, gone);
	assert_false(claims_is_answered(&x->f.near.l.a));
	claims_told(x, r, PARK_OK, 0);
	claims_is_in(x, &x->f.near.l.a);
}

/* ... and of another one: who is rung through opens it there. */
static void left_behind_elsewhere(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r, *o = x->f.other;
	uint64_t gone = room_of_shard(8);

	claims_dials(x, &x->f.near.l.a);
	claims_told(x, r, PARK_TAKEN, gone);
	assert_false(claims_is_answered(&x->f.near.l.a));
	claims_told(x, o, PARK_TAKEN, gone);
	claims_told(x, o, PARK_OK, 0);
	claims_is_in(x, &x->f.near.l.a);
	assert_int_equal(claims_room(o).members, 1);
}

static void no_more_rooms(void **state)
{
	struct claims *x = *state;
	struct room_view v;

	claims_dials(x, &x->f.near.l.a);
	claims_told(x, x->f.near.l.r, PARK_FULL, 0);
	assert_true(phone_hears(&x->f.near.l.a, "SIP/2.0 503").n);
	far_wait_ms(&x->f, 60);
	assert_false(claims_has_room(x->f.near.l.r, &v));
}

/* Callers are not turned away, and the store is asked until it says. */
static void store_is_away(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;

	shard_degraded(r->shard, true, r->now);
	claims_dials(x, &x->f.near.l.a);
	claims_is_in(x, &x->f.near.l.a);
	assert_int_equal(r->park_count, 0);
	assert_true(claims_room(r).apart);
	shard_degraded(r->shard, false, r->now);
	far_wait_ms(&x->f, 2100);
	claims_told(x, r, PARK_OK, 0);
	assert_false(claims_room(r).apart);
}

static void store_does_not_say(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;

	claims_dials(x, &x->f.near.l.a);
	claims_told(x, r, PARK_UNKNOWN, 0);
	claims_is_in(x, &x->f.near.l.a);
	assert_true(claims_room(r).apart);
	far_wait_ms(&x->f, 2100);
	assert_int_equal(r->park_count, 2); /* and no answer at all to this one */
	far_wait_ms(&x->f, 5100);
	assert_int_equal(r->park_count, 3);
	claims_told(x, r, PARK_OK, 0);
	assert_false(claims_room(r).apart);
	claims_dials(x, &x->f.near.l.b);
	claims_is_in(x, &x->f.near.l.b);
}

static void no_answer_at_all(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r;

	claims_dials(x, &x->f.near.l.a);
	far_wait_ms(&x->f, 4900);
	assert_false(claims_is_answered(&x->f.near.l.a));
	far_wait_ms(&x->f, 200);
	claims_is_in(x, &x->f.near.l.a);
	assert_true(claims_room(r).apart);
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
	claims_dials(x, &x->f.near.l.a);
	claims_is_in(x, &x->f.near.l.a);
	claims_dials(x, &x->f.near.c);
	claims_is_in(x, &x->f.near.c);
	assert_int_equal(claims_room(x->f.near.l.r).members, 1);
	assert_int_equal(claims_room(x->f.other).members, 1);
}

/* The store says that the number is that of the first shard. */
static void store_decides(struct claims *x)
{
	uint64_t owner;

	away(x, false);
	far_wait_ms(&x->f, 2100);
	owner = claims_park(x->f.near.l.r, PARK_ROOM_CLAIM)->call;
	claims_told(x, x->f.near.l.r, PARK_OK, 0);
	claims_told(x, x->f.other, PARK_TAKEN, owner);
}

static void come_together(void **state)
{
	struct claims *x = *state;
	struct rig *r = x->f.near.l.r, *o = x->f.other;
	struct room_view v;

	two_apart(x);
	store_decides(x);
	far_wait_ms(&x->f, 200);
	assert_int_equal(claims_room(r).members, 2);
	assert_false(claims_has_room(o, &v));
	assert_true(spec_of_call(o, call_of_user(o, "1004", NULL)).peer.generation != 0);
	claims_hangs_up(x, &x->f.near.c);
	assert_int_equal(claims_room(r).members, 1);
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
	all = members_of(r, claims_room(r).room);
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
	assert_int_equal(claims_room(r).members, 1);
	assert_int_equal(claims_room(o).members, 1);
	assert_true(claims_room(o).apart);
	claims_hangs_up(x, &x->f.near.l.a);
	far_wait_ms(&x->f, 2000);
	claims_told(x, o, PARK_OK, 0); /* it is free by now */
	far_wait_ms(&x->f, 3000);
	assert_int_equal(claims_room(o).members, 1);
	assert_false(claims_room(o).apart);
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
	claims_dials(x, &d);
	claims_is_in(x, &d);
	far_wait_ms(&x->f, 200);
	assert_int_equal(claims_room(x->f.near.l.r).members, 3);
}

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
		CLAIM_TEST(killed_behind_another),
		CLAIM_TEST(killed_behind_its_end),
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
