/* SPDX-License-Identifier: Apache-2.0 */
/* Four phones on a rig that come together in conferences, for cmocka. A has two lines. */
#ifndef TESTS_UNIT_SIG_CONFERENCES_H
#define TESTS_UNIT_SIG_CONFERENCES_H

#include "tests/unit/sig/joins.h"

#define ROOM UINT64_C(0x7900000000001) /* of shard 7, derived, as those that follow */
#define RUNG UINT64_C(0x7900000000002)

struct party {
	struct trio t; /* A, B, C */
	struct phone a2, d;
};

RIG_FN int party_open(void **state, struct rig *r)
{
	struct party *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	p->t.l.r = r;
	phones_open(r, &p->t.l.a, &p->t.l.b);
	phone_open(&p->t.c, r, "1004", "192.0.2.14:5060");
	phone_bind(&p->t.c);
	phone_open(&p->d, r, "1003", "192.0.2.13:5060");
	phone_bind(&p->d);
	phone_open(&p->a2, r, "1001", "192.0.2.11:5070");
	(void)snprintf(p->a2.tag, sizeof(p->a2.tag), "t1001second");
	*state = p;
	return 0;
}

RIG_FN int party_setup(void **state)
{
	return party_open(state, rig_open());
}

#define PARTY_TEST(fn) cmocka_unit_test_setup_teardown(fn, party_setup, line_teardown)

/* The call that this phone has. */
RIG_FN uint64_t call_of_user(struct rig *r, const char *from, const char *to)
{
	struct call_view view;
	uint32_t cursor = 0;

	while (shard_call_next(r->shard, &cursor, &view)) {
		if (view.state != CALL_ENDING && !strcmp(view.from, from) &&
		    (!to || !strcmp(view.to, to)))
			return view.call;
	}
	fail_msg("there is no call of %s", from);
	return 0;
}

/* A speaks with B, and on its other line with C. */
RIG_FN void party_calls(struct party *p, uint64_t *first, uint64_t *second)
{
	phones_talk(&p->t.l.a, &p->t.l.b);
	*first = call_of_user(p->t.l.r, "1001", "1002");
	phones_talk(&p->a2, &p->t.c);
	*second = call_of_user(p->t.l.r, "1001", "1004");
}

RIG_FN struct room_view conference_of(struct rig *r, uint64_t room)
{
	struct room_view view = { 0 };

	assert_true(shard_conference_view(r->shard, room, &view));
	return view;
}

struct members {
	struct member_view list[16];
	char from[16][16];
	uint32_t count;
};

RIG_FN void members_add(const struct member_view *m, void *arg)
{
	struct members *all = arg;

	assert_true(all->count < COUNT_OF(all->list));
	(void)bytes_cstr(m->from, all->from[all->count], sizeof(all->from[0]));
	all->list[all->count++] = *m;
}

RIG_FN struct members members_of(struct rig *r, uint64_t room)
{
	struct members all = { 0 };

	shard_conference_members(r->shard, room, members_add, &all);
	return all;
}

RIG_FN const struct member_view *member_from(const struct members *all, const char *from)
{
	for (uint32_t i = 0; i < all->count; i++) {
		if (!strcmp(all->from[i], from))
			return &all->list[i];
	}
	fail_msg("%s is no member", from);
	return &all->list[0];
}

/* What the engine was told last of the call's first line. */
RIG_FN struct flow_spec spec_of_call(const struct rig *r, uint64_t call)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		const struct media_command *m = &r->media[i];

		if ((m->kind == MEDIA_FLOW_UPDATE || m->kind == MEDIA_FLOW_OPEN) &&
		    m->spec.call == call && m->spec.line == 0)
			return m->spec;
	}
	fail_msg("nothing was told");
	return (struct flow_spec){ 0 };
}

/* It hears the room of that job, and is known there by that number. */
RIG_FN void assert_in_room(const struct rig *r, uint64_t call, uint64_t room, uint32_t number)
{
	struct flow_spec s = spec_of_call(r, call);

	assert_true(s.alone && s.receive && s.send);
	assert_int_equal(s.peer.generation, 0);
	assert_int_equal(s.home, room);
	assert_int_equal(s.source.job.slot, 100);
	assert_int_equal(s.source.job.generation, 1);
	assert_int_equal(s.source.payload_type, 8);
	assert_int_equal(s.member.number, number);
}

RIG_FN int confer(struct party *p, uint64_t call, uint64_t with)
{
	const struct shard_order by = order_of(1);
	struct shard_conference_request o = {
		.room = ROOM, .call = call, .with = with, .leg = SHARD_LEG_CALLER, .by = &by
	};
	int err = shard_conference_request(p->t.l.r->shard, &o, p->t.l.r->now);

	rig_run(p->t.l.r);
	rig_wait_ms(p->t.l.r, 100);
	return err;
}

/* A, B and C are members 1, 2 and 3. */
RIG_FN void party_confers(struct party *p)
{
	uint64_t first, second;

	party_calls(p, &first, &second);
	assert_int_equal(confer(p, first, second), 0);
	trio_assert_left(&p->a2);
	assert_int_equal(conference_of(p->t.l.r, ROOM).members, 3);
}

RIG_FN int order_one(struct rig *r, uint64_t call, enum order_member what, bool on, int32_t number,
		     uint16_t in_name_of)
{
	struct call_order o = { .kind = ORDER_MEMBER,
				.member = (uint8_t)what,
				.on = on,
				.number = number,
				.in_name_of = in_name_of };
	int err = shard_call_order(r->shard, call, &o, r->now);

	rig_run(r);
	rig_wait_ms(r, 50);
	return err;
}

/* Of each call and conference the newest record that was asked for; rooms_first: in that order. */
RIG_FN void party_restart(struct party *p, bool rooms_first, bool with_rooms)
{
	struct rig *r = p->t.l.r;
	uint32_t count = r->save_count;
	const char *reason = "";

	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&p->t.l.a);
	phone_bind(&p->t.l.b);
	phone_bind(&p->t.c);
	phone_bind(&p->d);
	for (int pass = 0; pass < 2; pass++) {
		bool rooms = (pass == 0) == rooms_first;

		for (uint32_t i = 0; i < count; i++) {
			const struct rig_save *s = &r->saves[i];
			bool newest = s->kind == (rooms ? EFFECT_OBJECT_SAVE : EFFECT_CALL_SAVE) &&
				      s->record.n && (with_rooms || !rooms);

			for (uint32_t k = i + 1; k < count; k++)
				newest &= r->saves[k].call != s->call;
			if (newest && rig_restore(r, s, &reason))
				fail_msg("%s", reason);
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct rig_save *s = &r->saves[i];
		bool newest = s->kind == EFFECT_SUBSCRIPTION_SAVE && s->record.n;

		for (uint32_t k = i + 1; k < count; k++)
			newest &= r->saves[k].call != s->call;
		if (newest &&
		    shard_restore_subscription(r->shard, text_bytes(&s->record), r->now, &reason))
			fail_msg("%s", reason);
	}
	shard_resume(r->shard, r->now);
	rig_run(r);
	rig_wait_ms(r, 100);
}

#endif
