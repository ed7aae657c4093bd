/* SPDX-License-Identifier: Apache-2.0 */
/* Parties of two shards who speak with each other, and understand a=record: each shard tells its own one what the other shard says. */
#include "tests/unit/sig/aware.h"
#include "tests/unit/sig/far.h"
#include "tests/unit/sig/joins.h"

static void b_calls_c(struct far *f)
{
	phone_invite(&f->second, "1004", PHONE_SDP_B);
	assert_true(phone_rings(&f->near.c).n);
	phone_answer_as(&f->near.c, f->near.c.invite, f->near.c.tag, "200 OK", AWARE, SDP_C);
	assert_true(phone_hears(&f->second, "SIP/2.0 200").n);
	phone_ack(&f->second);
	assert_true(rig_take(f->other, &f->near.c.addr, "ACK ").n);
}

static void answer_all(struct far *f, struct rig *r, struct phone *p, const char *sdp)
{
	struct bytes m;

	while ((m = rig_take(r, &p->addr, "INVITE ")).n) {
		phone_answer(p, m, "200 OK", sdp);
		far_run(f);
	}
}

static void settle(struct far *f)
{
	for (int i = 0; i < 8; i++) {
		far_wait_ms(f, 100);
		answer_all(f, f->near.l.r, &f->near.l.a, PHONE_SDP_A);
		answer_all(f, f->other, &f->near.c, SDP_C);
	}
}

static void b_leaves(struct far *f, struct phone *p)
{
	trio_assert_left(p);
	far_run(f);
}

/* A on the first shard, C on the other one. B, who had both, is gone. */
static int talks(void **state)
{
	char to[512];
	struct far *f;

	if (far_setup(state))
		return -1;
	f = *state;
	recorded(f->near.l.r, "1001", RECORD_ON_DEMAND);
	recorded(f->other, "1004", RECORD_ON_DEMAND);
	(void)aware_talk(&f->near.l, AWARE, "");
	b_calls_c(f);
	(void)snprintf(to, sizeof(to), "sip:1004@%s?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s",
		       phone_domain(&f->near.l.b), f->second.call_id, f->second.remote_tag,
		       f->second.tag);
	refer(&f->near.l.b, to);
	far_run(f);
	assert_notified(&f->near.l.b, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	settle(f);
	assert_notified(&f->near.l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	b_leaves(f, &f->second);
	b_leaves(f, &f->near.l.b);
	settle(f);
	trio_assert_talks(f->near.l.r, 0, 2);
	trio_assert_talks(f->other, 1, 2);
	return 0;
}

#define TALKS_TEST(fn) cmocka_unit_test_setup_teardown(fn, talks, far_teardown)

static void order(struct rig *r, uint8_t leg, enum order_record what)
{
	assert_int_equal(shard_call_record(r->shard, the_call(r), leg, what, NULL, r->now), 0);
	rig_wait_ms(r, 1);
}

/* It is asked with that, and takes it. */
static void phone_is_told(struct far *f, struct phone *p, const char *what, const char *sdp)
{
	struct bytes m = { 0 };
	char line[64];

	(void)snprintf(line, sizeof(line), "a=record:%s\r\n", what);
	for (int i = 0; i < 40 && !m.n; i++) {
		far_wait_ms(f, 50);
		m = rig_take(p->r, &p->addr, "INVITE ");
	}
	if (!rig_has(rig_body(m), line))
		fail_msg("%s is not told %s: " BYTES_FMT, p->user, what, BYTES_ARG(m));
	phone_answer(p, m, "200 OK", sdp);
	assert_true(rig_take(p->r, &p->addr, "ACK ").n);
	far_run(f);
}

static void both_are_told(struct far *f, const char *what)
{
	phone_is_told(f, &f->near.l.a, what, PHONE_SDP_A);
	phone_is_told(f, &f->near.c, what, SDP_C);
}

static void nobody_else_is_asked(struct far *f)
{
	far_wait_ms(f, 6000);
	assert_false(rig_take(f->near.l.r, &f->near.l.a.addr, "INVITE ").n);
	assert_false(rig_take(f->other, &f->near.c.addr, "INVITE ").n);
}

static void here(void **state)
{
	static const struct {
		enum order_record order;
		const char *told;
	} steps[] = { { ORDER_RECORD_ON, "on" },
		      { ORDER_RECORD_PAUSE, "paused" },
		      { ORDER_RECORD_RESUME, "on" },
		      { ORDER_RECORD_OFF, "off" } };
	struct far *f = *state;

	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		order(f->near.l.r, 0, steps[i].order);
		both_are_told(f, steps[i].told);
		nobody_else_is_asked(f);
	}
}

/* The shard that does not record tells its own what it was told, and comes to an end with that. */
static void there(void **state)
{
	struct far *f = *state;

	order(f->other, 1, ORDER_RECORD_ON);
	both_are_told(f, "on");
	nobody_else_is_asked(f);
	order(f->other, 1, ORDER_RECORD_OFF);
	both_are_told(f, "off");
	nobody_else_is_asked(f);
}

/* What it was told last, if anything. */
static const char *last_told(struct far *f, struct phone *p, const char *sdp, const char *before)
{
	static const char *const words[] = { "on", "paused", "off" };
	struct bytes m;

	while ((m = rig_take(p->r, &p->addr, "INVITE ")).n) {
		for (size_t i = 0; i < COUNT_OF(words); i++) {
			char line[64];

			(void)snprintf(line, sizeof(line), "a=record:%s\r\n", words[i]);
			before = rig_has(rig_body(m), line) ? words[i] : before;
		}
		phone_answer(p, m, "200 OK", sdp);
		assert_true(rig_take(p->r, &p->addr, "ACK ").n);
		far_run(f);
	}
	return before;
}

static void both_know(struct far *f, const char *want)
{
	static const char *of_a, *of_c;

	for (int i = 0; i < 40; i++) {
		far_wait_ms(f, 100);
		of_a = last_told(f, &f->near.l.a, PHONE_SDP_A, of_a);
		of_c = last_told(f, &f->near.c, SDP_C, of_c);
	}
	assert_string_equal(of_a, want);
	assert_string_equal(of_c, want);
	nobody_else_is_asked(f);
}

/* Each shard records its own: what one ends, the other goes on with. */
static void on_both(void **state)
{
	struct far *f = *state;

	order(f->near.l.r, 0, ORDER_RECORD_ON);
	both_know(f, "on");
	order(f->other, 1, ORDER_RECORD_ON);
	both_know(f, "on");
	order(f->near.l.r, 0, ORDER_RECORD_OFF);
	both_know(f, "on");
	order(f->other, 1, ORDER_RECORD_OFF);
	both_know(f, "off");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TALKS_TEST(here),
		TALKS_TEST(there),
		TALKS_TEST(on_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
