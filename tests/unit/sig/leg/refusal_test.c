/* SPDX-License-Identifier: Apache-2.0 */
/* What ends a call for its caller is saved before it is said, and kept until the caller has acknowledged it. */
#include "tests/unit/sig/line.h"

static void ring(struct line *l)
{
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&l->b).n);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 180").n);
}

static void busy(struct line *l)
{
	phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
}

static void acknowledge(struct line *l)
{
	phone_write(&l->a, "ACK", "", "");
}

static uint32_t finals(const struct line *l, const char *begin)
{
	return rig_count(l->r, &l->a.addr, begin);
}

static void saves_go_on(struct line *l)
{
	l->r->hold_saves = false;
	rig_run(l->r);
}

static void saved_before_said(void **state)
{
	struct line *l = *state;

	ring(l);
	l->r->hold_saves = true;
	busy(l);
	assert_int_equal(finals(l, "SIP/2.0 486"), 0);
	saves_go_on(l);
	assert_int_equal(finals(l, "SIP/2.0 486"), 1);
	acknowledge(l);
	assert_int_equal(rig_counts(l->r).calls, 0);
	line_assert_cdr(l, 486, 17, ENDED_BY_B);
}

/* The caller hears its 200, and 487 when that is saved. */
static void cancelled(void **state)
{
	struct line *l = *state;

	ring(l);
	l->r->hold_saves = true;
	phone_cancel(&l->a);
	assert_int_equal(finals(l, "SIP/2.0 200"), 1);
	assert_int_equal(finals(l, "SIP/2.0 487"), 0);
	saves_go_on(l);
	assert_int_equal(finals(l, "SIP/2.0 487"), 1);
	acknowledge(l);
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

/* RFC 3261 15.1.2: both are answered, behind one save. */
static void bye_before_the_answer(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&l->b).n);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
	l->r->hold_saves = true;
	phone_request(&l->a, "BYE", "", "");
	assert_int_equal(finals(l, "SIP/2.0 487"), 0);
	assert_int_equal(finals(l, "SIP/2.0 200"), 0);
	saves_go_on(l);
	assert_int_equal(finals(l, "SIP/2.0 487"), 1);
	assert_int_equal(finals(l, "SIP/2.0 200"), 1);
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

static void killed_before_the_save(void **state)
{
	struct line *l = *state;

	ring(l);
	l->r->hold_saves = true;
	busy(l);
	line_restart(l, line_stored(l));
	assert_int_equal(finals(l, "SIP/2.0 486"), 0);
	busy(l); /* timer G: nobody has acknowledged it */
	assert_int_equal(finals(l, "SIP/2.0 486"), 1);
	acknowledge(l);
	line_assert_cdr(l, 486, 17, ENDED_BY_B);
}

/* The caller may have heard it or not: it hears the same again, and the phone nothing. */
static void killed_behind_the_save(void **state)
{
	struct line *l = *state;
	uint32_t asked;

	ring(l);
	asked = rig_count(l->r, &l->b.addr, "INVITE ");
	busy(l);
	assert_int_equal(finals(l, "SIP/2.0 486"), 1);
	line_restart(l, line_stored(l));
	assert_int_equal(finals(l, "SIP/2.0 486"), 2);
	phone_write(&l->a, "INVITE", "", PHONE_SDP_A); /* a copy */
	assert_int_equal(finals(l, "SIP/2.0 486"), 3);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), asked);
	assert_int_equal(l->r->cdr_count, 0);
	acknowledge(l);
	assert_int_equal(rig_counts(l->r).calls, 0);
	line_assert_cdr(l, 486, 17, ENDED_BY_B);
}

/* The same text, whatever it has beside the status. */
static void killed_twice(void **state)
{
	struct line *l = *state;
	struct bytes first, last;

	ring(l);
	phone_answer_as(&l->b, l->b.invite, l->b.tag, "480 Gone", "Retry-After: 7\r\n", "");
	first = rig_take(l->r, &l->a.addr, "SIP/2.0 480");
	assert_true(rig_has(first, "Retry-After: 7\r\n"));
	line_restart(l, line_stored(l));
	(void)rig_take(l->r, &l->a.addr, "SIP/2.0 480");
	line_restart(l, line_stored(l));
	last = rig_take(l->r, &l->a.addr, "SIP/2.0 480");
	assert_true(bytes_eq(first, last));
	acknowledge(l);
	line_assert_cdr(l, 480, 18, ENDED_BY_B);
}

static void nobody_answers_before_a_kill(void **state)
{
	struct line *l = *state;

	ring(l);
	rig_wait_ms(l->r, 180001);
	assert_int_equal(finals(l, "SIP/2.0 408"), 1);
	line_restart(l, line_stored(l));
	assert_int_equal(finals(l, "SIP/2.0 408"), 2);
	acknowledge(l);
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	line_assert_cdr(l, 408, 19, ENDED_BY_NODE);
}

/* Timer H (RFC 3261 17.2.1) */
static void nobody_acknowledges(void **state)
{
	struct line *l = *state;

	ring(l);
	busy(l);
	rig_wait_ms(l->r, 31000);
	assert_int_equal(rig_counts(l->r).calls, 1);
	assert_int_equal(l->r->cdr_count, 0);
	rig_wait_ms(l->r, 2000);
	assert_int_equal(rig_counts(l->r).calls, 0);
	line_assert_cdr(l, 486, 17, ENDED_BY_B);
}

/* Nothing waits for it. */
static void store_is_away(void **state)
{
	struct line *l = *state;

	ring(l);
	shard_degraded(l->r->shard, true, l->r->now);
	l->r->hold_saves = true;
	busy(l);
	assert_int_equal(finals(l, "SIP/2.0 486"), 1);
	acknowledge(l);
	saves_go_on(l);
	line_assert_cdr(l, 486, 17, ENDED_BY_B);
}

/* An address that the node has no more: nobody can be told, and nothing is left. */
static void its_address_is_gone(void **state)
{
	struct line *l = *state;

	ring(l);
	busy(l);
	l->r->settings.locals[0].bind = rig_addr("192.0.2.9:5060");
	l->r->settings.locals[0].transport = SIP_TCP;
	line_restart(l, line_stored(l));
	line_assert_cdr(l, 486, 17, ENDED_BY_B);
}

static uint32_t saves_of_a_call(const struct line *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->r->save_count; i++)
		n += l->r->saves[i].kind == EFFECT_CALL_SAVE;
	return n;
}

/* A call that is answered pays nothing for it, and one that is refused has one save for its end, as before. */
static void saves_are_counted(void **state)
{
	struct line *l = *state;
	uint32_t before;

	phones_talk(&l->a, &l->b);
	phone_request(&l->a, "BYE", "", "");
	assert_int_equal(saves_of_a_call(l), 5);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	before = saves_of_a_call(l);
	ring(l);
	busy(l);
	acknowledge(l);
	assert_int_equal(saves_of_a_call(l) - before, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(saved_before_said),
		LINE_TEST(cancelled),
		LINE_TEST(bye_before_the_answer),
		LINE_TEST(killed_before_the_save),
		LINE_TEST(killed_behind_the_save),
		LINE_TEST(killed_twice),
		LINE_TEST(nobody_answers_before_a_kill),
		LINE_TEST(nobody_acknowledges),
		LINE_TEST(store_is_away),
		LINE_TEST(its_address_is_gone),
		LINE_TEST(saves_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
