/* SPDX-License-Identifier: Apache-2.0 */
/* Several phones of one extension on a rig, for cmocka: 1001 calls 1002. */
#ifndef TESTS_UNIT_SIG_HUNT_H
#define TESTS_UNIT_SIG_HUNT_H

#include "tests/unit/sig/line.h"

enum { PHONES = 3 };

/* 1001 calls 1002, which has three phones; 1003 calls with early media, 1004 has one phone more. */
struct hunt {
	struct rig *r;
	struct phone a, b[PHONES], c;
};

RIG_FN void bind_all(struct hunt *t)
{
	phone_bind(&t->a);
	phones_bind(t->b, PHONES);
	phone_bind(&t->c);
}

RIG_FN void hunt_open(struct hunt *t)
{
	static const char *const addresses[PHONES] = { "192.0.2.21:5060", "192.0.2.22:5060",
						       "192.0.2.23:5060" };
	static const char *const tags[PHONES] = { "b0", "b1", "b2" };

	phone_open(&t->a, t->r, "1001", "192.0.2.11:5060");
	phone_open(&t->c, t->r, "1004", "192.0.2.14:5060");
	for (unsigned i = 0; i < PHONES; i++) {
		phone_open(&t->b[i], t->r, "1002", addresses[i]);
		(void)snprintf(t->b[i].tag, sizeof(t->b[i].tag), "%s", tags[i]);
	}
	bind_all(t);
}

RIG_FN int hunt_setup(void **state)
{
	struct hunt *t = calloc(1, sizeof(*t));

	if (!t)
		return -1;
	t->r = rig_open();
	hunt_open(t);
	*state = t;
	return 0;
}

RIG_FN int hunt_teardown(void **state)
{
	struct hunt *t = *state;

	rig_close(t->r);
	free(t);
	return 0;
}

#define HUNT_TEST(fn) cmocka_unit_test_setup_teardown(fn, hunt_setup, hunt_teardown)

RIG_FN void ring(struct hunt *t)
{
	phone_invite(&t->a, "1002", PHONE_SDP_A);
	for (unsigned i = 0; i < PHONES; i++)
		assert_true(phone_rings(&t->b[i]).n);
}

RIG_FN void ring_all(struct hunt *t)
{
	ring(t);
	for (unsigned i = 0; i < PHONES; i++)
		phone_answer(&t->b[i], t->b[i].invite, "180 Ringing", "");
}

/* A phone that is cancelled does what it should. */
RIG_FN void cancelled(struct phone *p)
{
	struct bytes cancel = rig_take(p->r, &p->addr, "CANCEL ");

	assert_true(cancel.n);
	assert_true(bytes_eq(rig_header(cancel, "Via"), rig_header(p->invite, "Via")));
	phone_answer(p, cancel, "200 OK", "");
	phone_answer(p, p->invite, "487 Request Terminated", "");
}

RIG_FN void assert_ended(struct hunt *t, uint16_t status, enum call_ended_by by)
{
	line_assert_idle(t->r);
	assert_int_equal(t->r->cdr_count, 1);
	assert_int_equal(t->r->cdrs[0].sip_status, status);
	assert_int_equal(t->r->cdrs[0].ended_by, by);
}

RIG_FN void hang_up(struct hunt *t, struct phone *to)
{
	struct bytes bye;

	phone_request(&t->a, "BYE", "", "");
	bye = rig_take(t->r, &to->addr, "BYE ");
	assert_true(bye.n);
	phone_answer(to, bye, "200 OK", "");
}

RIG_FN struct call_view view(const struct rig *r)
{
	struct call_view v = { 0 };
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &v));
	return v;
}

RIG_FN void assert_talking(struct hunt *t, const struct phone *to)
{
	struct call_view v = view(t->r);

	assert_int_equal(v.state, CALL_ESTABLISHED);
	assert_int_equal(v.leg_count, 2);
	assert_int_equal(v.flow_count, 2);
	assert_true(addr_eq(&v.remote[1], &to->addr));
	for (uint32_t i = 0; i < v.flow_count; i++)
		assert_int_equal(v.flows[i].remote.port, v.flows[i].leg ? 5000 : 4000);
	assert_int_equal(rig_counts(t->r).ports_free, 98);
}

/* The new process: another random seed and hash key, what the store holds, an engine without flows. */
RIG_FN void restart(struct hunt *t)
{
	struct rig *r = t->r;
	const struct rig_save *s = rig_stored(r);
	const char *reason = "";

	shard_close(r->shard);
	rand_open_seed(&r->rand, 4711);
	rig_start_shard(r);
	bind_all(t);
	if (shard_restore_call(r->shard, text_bytes(&s->record), r->now, &reason))
		fail_msg("restore: %s", reason);
	rig_run(r);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

/* kill -9, and a successor that has this record. What was on its way to the store is lost. */
RIG_FN void kill_and_restart(struct hunt *t, struct bytes record)
{
	struct rig *r = t->r;
	const char *reason = "";

	shard_close(r->shard);
	for (uint32_t i = 0; i < r->save_count; i++) {
		if (!r->saves[i].answered)
			r->saves[i].kind = EFFECT_SEND;
	}
	r->hold_saves = false;
	rig_start_shard(r);
	bind_all(t);
	if (shard_restore_call(r->shard, record, r->now, &reason))
		fail_msg("restore: %s", reason);
	rig_run(r);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

RIG_FN struct bytes stored(const struct hunt *t)
{
	return text_bytes(&rig_stored(t->r)->record);
}

#endif
