/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of two shards become one conference: A speaks with B in the one, and B with C in the other (CONF-05). */

#include "tests/unit/sig/conferences.h"
#include "tests/unit/sig/far.h"

/* B's conference, of both calls. */
struct far_confer {
	uint64_t first, second;
	struct shard_conference_request o;
};

static void two_calls(struct far *f, struct far_confer *c)
{
	phones_talk(&f->near.l.a, &f->near.l.b);
	phones_talk(&f->second, &f->near.c);
	c->first = call_at(f->near.l.r, 0);
	c->second = call_at(f->other, 0);
	c->o = (struct shard_conference_request){
		.room = ROOM, .call = c->first, .with = c->second, .leg = SHARD_LEG_CALLEE
	};
}

static int begins(struct far *f, struct far_confer *c)
{
	int err = shard_conference_request(f->near.l.r->shard, &c->o, f->near.l.r->now);

	rig_run(f->near.l.r);
	return err;
}

static int gives(struct far *f, const struct far_confer *c)
{
	const struct shard_conference_give give = { .call = c->second,
						    .room = c->o.room,
						    .leaves = bytes_str(c->o.host) };
	int err = shard_conference_give(f->other->shard, TENANT_DEFAULT, &give, f->other->now);

	rig_run(f->other);
	far_wait_ms(f, 300);
	return err;
}

static bool has_room(struct rig *r)
{
	struct room_view v;
	uint32_t cursor = 0;

	return shard_conference_next(r->shard, &cursor, &v);
}

/* Who is in both leaves the second one. */
static void two_shards(void **state)
{
	struct far *f = *state;
	struct far_confer c;
	struct members all;

	two_calls(f, &c);
	assert_int_equal(begins(f, &c), 0);
	assert_string_equal(c.o.host, "1002");
	assert_int_equal(gives(f, &c), 0);
	trio_assert_left(&f->second);
	all = members_of(f->near.l.r, ROOM);
	assert_int_equal(all.count, 3);
	assert_true(member_from(&all, "1002")->host);
	assert_int_equal(member_from(&all, "1004")->inviter, member_from(&all, "1002")->number);
	assert_false(has_room(f->other));
	assert_true(spec_of_call(f->other, c.second).peer.generation != 0);
	assert_int_equal(gives(f, &c), REFUSED_IN_CONFERENCE); /* again: nothing changes */
	assert_int_equal(members_of(f->near.l.r, ROOM).count, 3);
}

/* Both who are given come, where none of them is the host. */
static void both_come(void **state)
{
	struct far *f = *state;
	struct far_confer c;

	two_calls(f, &c);
	c.o.leg = SHARD_LEG_CALLER;
	assert_int_equal(begins(f, &c), 0);
	assert_string_equal(c.o.host, "1001");
	assert_int_equal(gives(f, &c), 0);
	assert_int_equal(members_of(f->near.l.r, ROOM).count, 4);
	assert_false(has_room(f->other));
}

/* Nobody is sent: the two speak as before. */
static void nobody_is_sent(void **state)
{
	struct far *f = *state;
	struct far_confer c;

	two_calls(f, &c);
	assert_int_equal(begins(f, &c), 0);
	far_wait_ms(f, 11000);
	assert_false(has_room(f->near.l.r));
	assert_false(has_room(f->other));
}

/* The other conference is gone when they come: they are a call of two again. */
static void nobody_takes_them(void **state)
{
	struct far *f = *state;
	struct far_confer c;

	two_calls(f, &c);
	c.o.room = ROOM;
	assert_int_equal(gives(f, &c), 0);
	assert_true(has_room(f->other));
	far_wait_ms(f, 15000);
	assert_false(has_room(f->other));
	assert_false(has_room(f->near.l.r));
}

static void refused(void **state)
{
	struct far *f = *state;
	struct far_confer c;

	two_calls(f, &c);
	assert_int_equal(gives(f, &c), 0);
	c.o.room++;
	assert_int_equal(gives(f, &c), REFUSED_IN_CONFERENCE);
	c.second++;
	assert_int_equal(gives(f, &c), REFUSED_NO_CALL);
	c.second--;
	c.o.room = c.second;
	assert_int_equal(gives(f, &c), REFUSED_NO_CALL);
}

/* The parties of a call of another shard come into a conference that is there (conference.join). */
static void joins(void **state)
{
	struct far *f = *state;
	struct far_confer c;
	struct shard_conference_request o = { .room = ROOM };
	struct rig *r = f->near.l.r;
	struct phone third, fourth;

	two_calls(f, &c);
	assert_int_equal(begins(f, &c), 0);
	assert_int_equal(gives(f, &c), 0);
	phone_open(&third, f->other, "1003", "192.0.2.13:5060");
	phone_open(&fourth, f->other, "1001", "192.0.2.11:5070");
	phone_bind(&fourth);
	phones_talk(&third, &fourth);
	o.call = c.second = call_of_user(f->other, "1003", "1001");
	assert_int_equal(shard_conference_into(r->shard, &o, r->now), 0);
	rig_run(r);
	assert_int_equal(r->to_conference.call, o.call);
	assert_int_equal(r->to_conference.dialog, 0);
	c.o.host[0] = '\0';
	assert_int_equal(gives(f, &c), 0);
	assert_int_equal(members_of(r, ROOM).count, 5);
	assert_false(has_room(f->other));
	assert_int_equal(gives(f, &c), REFUSED_IN_CONFERENCE); /* it is there already */
	far_wait_ms(f, 12000);
	assert_int_equal(members_of(r, ROOM).count, 5);
	o.call = (UINT64_C(99) << 48) | 5; /* of a shard that nobody knows */
	assert_int_equal(shard_conference_into(r->shard, &o, r->now), REFUSED_NO_CALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAR_TEST(two_shards),        FAR_TEST(both_come), FAR_TEST(nobody_is_sent),
		FAR_TEST(nobody_takes_them), FAR_TEST(refused),   FAR_TEST(joins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
