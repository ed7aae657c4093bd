/* SPDX-License-Identifier: Apache-2.0 */
/* Saved before said: what leaves only after the store has acknowledged, and what happens when it does not. */
#include "tests/unit/sig/line.h"

/* One message after another, the store silent: nothing that depends on a save may leave. */
static void order(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	r->hold_saves = true;
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	rig_wait_ms(r, 400);
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 100"), 0);
	assert_int_equal(rig_count(r, &l->b.addr, "INVITE "), 0);
	assert_int_equal(r->save_count, 1);
	assert_int_equal(r->saves[0].version, 1);
	rig_answer(r, 0, true);
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 100"), 1);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 180"), 1); /* not saved first */
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	rig_wait_ms(r, 400);
	assert_int_equal(r->save_count, 2); /* one in flight; the answer goes into the next */
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 200"), 0);
	assert_int_equal(rig_count(r, &l->b.addr, "ACK "), 0);
	rig_answer(r, 1, true);
	assert_int_equal(r->save_count, 3);
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 200"), 0);
	rig_answer(r, 2, true);
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 200"), 1);
	assert_int_equal(rig_count(r, &l->b.addr, "ACK "), 1);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	assert_int_equal(r->save_count, 4);
	phone_request(&l->a, "BYE", "", "");
	assert_int_equal(rig_count(r, &l->b.addr, "BYE "), 1); /* not saved first */
	phone_answer(&l->b, rig_take(r, &l->b.addr, "BYE "), "200 OK", "");
	assert_int_equal(r->cdr_count, 0); /* the end is a save like the others: one in flight */
	rig_answer(r, 3, true);
	assert_int_equal(r->cdr_count, 1);
	assert_int_equal(r->saves[4].kind, EFFECT_CALL_END);
	assert_int_equal(rig_counts(r).calls, 1);
	rig_answer(r, 4, true);
	assert_int_equal(rig_counts(r).calls, 0);
	line_assert_idle(r);
}

/* Whom 100 stops from saying its re-INVITE again is known to a successor. */
static void reinvite_is_saved(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;
	uint32_t trying;

	phones_talk(&l->a, &l->b);
	trying = rig_count(r, &l->a.addr, "SIP/2.0 100");
	r->hold_saves = true;
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	rig_wait_ms(r, 100);
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 100"), trying);
	r->hold_saves = false;
	rig_run(r);
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 100"), trying + 1);
	phone_answer(&l->b, rig_take(r, &l->b.addr, "INVITE "), "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 100"), trying + 1);
}

/* The answer was saved in version 3; an older or unknown acknowledgement releases nothing. */
static void wrong_acknowledgements(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	r->hold_saves = true;
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	shard_call_saved(r->shard, r->saves[0].call, 7, true, r->now);
	shard_call_saved(r->shard, r->saves[0].call, 0, true, r->now);
	shard_call_saved(r->shard, r->saves[0].call + 1, 1, true, r->now);
	shard_call_ended(r->shard, r->saves[0].call, true, r->now);
	rig_drain(r);
	assert_int_equal(rig_count(r, &l->b.addr, "INVITE "), 0);
	assert_int_equal(rig_counts(r).calls, 1);
	rig_answer(r, 0, true);
	assert_int_equal(rig_count(r, &l->b.addr, "INVITE "), 1);
}

/* The deadline passed: the promise is degraded, the call goes on. */
static void a_save_fails(void **state)
{
	struct line *l = *state;
	struct call_view v;
	uint32_t cursor = 0;

	l->r->fail_saves = true;
	phones_talk(&l->a, &l->b);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_true(shard_call_next(l->r->shard, &cursor, &v));
	assert_false(v.saved);
	l->r->fail_saves = false;
	rig_wait_ms(l->r, 2100); /* and it is tried again */
	cursor = 0;
	assert_true(shard_call_next(l->r->shard, &cursor, &v));
	assert_true(v.saved);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* The store breaks its word and never answers: 5 s, then the call goes on. */
static void a_save_is_never_answered(void **state)
{
	struct line *l = *state;

	l->r->hold_saves = true;
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	rig_wait_ms(l->r, 4900);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	rig_wait_ms(l->r, 200);
	assert_true(rig_count(l->r, &l->b.addr, "INVITE ") > 0);
	phone_cancel(&l->a);
	rig_wait_ms(l->r, 120000);
	assert_int_equal(rig_counts(l->r).calls, 0);
	assert_int_equal(rig_counts(l->r).txns, 0);
}

static void degraded(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	r->hold_saves = true;
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_int_equal(rig_count(r, &l->b.addr, "INVITE "), 0);
	rig_degraded(r, true); /* what waits goes at once */
	rig_run(r);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(r).calls_established, 1);
	assert_true(rig_counts(r).degraded);
	r->hold_saves = false;
	for (uint32_t i = 0; i < r->save_count; i++)
		rig_answer(r, i, false);
	rig_degraded(r, false);
	rig_wait_ms(r, 100); /* everything is asserted */
	assert_int_equal(rig_record(r)->answered, true);
	assert_int_equal(rig_counts(r).saves_pending, 0);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void back_again(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;
	uint64_t before;
	uint32_t saves;

	phones_talk(&l->a, &l->b);
	before = rig_record(r)->version;
	saves = r->save_count;
	rig_degraded(r, true);
	rig_degraded(r, false);
	rig_wait_ms(r, 50);
	assert_int_equal(r->save_count, saves + 3); /* the call and two registrations */
	assert_true(rig_record(r)->version == before + 1);
}

/* The store was late, and lost nothing: what it has is not saved again, what it may not have is. */
static void late_no_more(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;
	uint32_t saves;

	rig_degraded(r, true);
	r->fail_saves = true;
	phones_talk(&l->a, &l->b);
	r->fail_saves = false;
	saves = r->save_count;
	rig_caught_up(r);
	rig_wait_ms(r, 100);
	assert_int_equal(r->save_count, saves + 1); /* the call, not the registrations */
	assert_int_equal(rig_record(r)->answered, true);
	rig_degraded(r, true);
	rig_caught_up(r);
	rig_wait_ms(r, 100);
	assert_int_equal(r->save_count, saves + 1);
	/* a pass over all that was broken off is begun again */
	rig_degraded(r, true);
	rig_degraded(r, false);
	rig_degraded(r, true);
	saves = r->save_count;
	rig_caught_up(r);
	rig_wait_ms(r, 100);
	assert_int_equal(r->save_count, saves + 3);
}

/* Answered while the store is away: what a successor needs for its CDR is asked to be kept, once, until the store has the call. */
static void answered_meanwhile(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	rig_degraded(r, true);
	r->fail_saves = true;
	phones_talk(&l->a, &l->b);
	assert_int_equal(r->open_count, 1);
	assert_string_equal(r->open.from, "1001");
	assert_int_equal(r->open.sip_status, 200);
	assert_true(r->open.answer_utc_ms > 0);
	assert_string_equal(r->open.reason, "could not go on after a restart");
	rig_wait_ms(r, 1000);
	r->fail_saves = false;
	assert_int_equal(r->open_count, 1);
	rig_degraded(r, false);
	rig_wait_ms(r, 100);
	assert_int_equal(rig_record(r)->answered, true);
	/* the store has it: away once more, nothing is asked for it */
	rig_degraded(r, true);
	rig_wait_ms(r, 100);
	assert_int_equal(r->open_count, 1);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* The end is asked for again; the CDR is the same. */
static void the_end_fails(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	phones_talk(&l->a, &l->b);
	phone_request(&l->a, "BYE", "", "");
	r->fail_saves = true;
	phone_answer(&l->b, rig_take(r, &l->b.addr, "BYE "), "200 OK", "");
	assert_int_equal(r->cdr_count, 1);
	r->fail_saves = false;
	rig_wait_ms(r, 1500);
	assert_int_equal(r->cdr_count, 2);
	assert_memory_equal(&r->cdrs[0], &r->cdrs[1], sizeof(r->cdrs[0]));
	line_assert_idle(r);
}

/* ---- what nobody waits for ---- */

/* Those that come from now on are counted. */
static void saves_forget(struct rig *r)
{
	for (uint32_t i = 0; i < r->save_count; i++) {
		text_clear(&r->saves[i].record);
		text_clear(&r->saves[i].tenant);
		text_clear(&r->saves[i].user);
	}
	r->save_count = 0;
}

static int later_setup(void **state)
{
	struct shard_settings settings = rig_settings();
	struct line *l = calloc(1, sizeof(*l));

	if (!l)
		return -1;
	settings.save_later_ms = SHARD_SAVE_LATER_MS;
	l->r = rig_open_with(&settings);
	phones_open(l->r, &l->a, &l->b);
	rig_wait_ms(l->r, 1); /* past a moment at which they are saved */
	saves_forget(l->r);
	*state = l;
	return 0;
}

#define LATER_TEST(fn) cmocka_unit_test_setup_teardown(fn, later_setup, line_teardown)

/* Two saves before somebody may speak, one of all that follows, and the end. */
static void later_goes_together(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_int_equal(r->save_count, 1);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 180"), 1);
	assert_int_equal(r->save_count, 1);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(r->save_count, 2); /* at once: the ringing is in it */
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 200"), 1);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	assert_int_equal(r->save_count, 2);
	assert_int_equal(rig_counts(r).saves_pending, 1);
	rig_wait_ms(r, SHARD_SAVE_LATER_MS);
	assert_int_equal(r->save_count, 3);
	assert_int_equal(rig_counts(r).saves_pending, 0);
	rig_wait_ms(r, 100);
	assert_int_equal(r->save_count, 3);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(r->save_count, 4); /* the end */
}

/* Who hangs up hears 200 when the end is in the store, and not before. */
static void end_waits(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	phones_talk(&l->a, &l->b);
	rig_wait_ms(r, SHARD_SAVE_LATER_MS + 1);
	saves_forget(r);
	r->hold_saves = true;
	phone_request(&l->a, "BYE", "", "");
	phone_answer(&l->b, rig_take(r, &l->b.addr, "BYE "), "200 OK", "");
	assert_int_equal(r->save_count, 0);
	assert_int_equal(rig_counts(r).saves_pending, 1); /* a clean stop waits for it */
	rig_wait_ms(r, SHARD_SAVE_LATER_MS);
	assert_int_equal(r->save_count, 1);
	assert_int_equal(r->saves[0].kind, EFFECT_CALL_END);
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 200 OK"), 1); /* to its INVITE */
	rig_answer(r, 0, true);
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 200 OK"), 2);
	r->hold_saves = false;
	line_assert_idle(r);
}

/* B does not say whether it heard the BYE: A is not kept waiting for that. */
static void bye_is_answered(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	phones_talk(&l->a, &l->b);
	rig_wait_ms(r, SHARD_SAVE_LATER_MS + 1);
	phone_request(&l->a, "BYE", "", "");
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 200 OK"), 1);
	rig_wait_ms(r, SHARD_SAVE_LATER_MS);
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 200 OK"), 2);
	assert_int_equal(r->cdr_count, 0);
	line_assert_idle(r);
}

/* Calls wait for the same moments. */
static void calls_meet(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	phones_talk(&l->a, &l->b);
	rig_wait_ms(r, SHARD_SAVE_LATER_MS + 1);
	phone_request(&l->a, "BYE", "", "");
	phone_answer(&l->b, rig_take(r, &l->b.addr, "BYE "), "200 OK", "");
	rig_wait_ms(r, 1);
	assert_int_equal(r->cdr_count, 0);
	rig_wait_ms(r, SHARD_SAVE_LATER_MS - r->now.ns / NS_PER_MS % SHARD_SAVE_LATER_MS - 1);
	assert_int_equal(r->cdr_count, 0);
	rig_wait_ms(r, 1);
	assert_int_equal(r->cdr_count, 1);
	line_assert_idle(r);
}

/* A hangs up, and B says 200 to that. */
static void ends(struct line *l)
{
	phone_request(&l->a, "BYE", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
}

/* A shard that is given away has no time: what waits is saved now, and what follows at once. */
static void shard_hurries(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	phones_talk(&l->a, &l->b);
	rig_wait_ms(r, SHARD_SAVE_LATER_MS + 1);
	ends(l);
	assert_int_equal(rig_counts(r).saves_pending, 1);
	shard_hurry(r->shard, true, r->now);
	rig_run(r);
	assert_int_equal(rig_counts(r).saves_pending, 0);
	assert_int_equal(r->cdr_count, 1);
	line_assert_idle(r);
}

/* ... and stays after all. */
static void shard_hurries_no_more(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	shard_hurry(r->shard, true, r->now);
	shard_hurry(r->shard, false, r->now);
	phones_talk(&l->a, &l->b);
	rig_wait_ms(r, SHARD_SAVE_LATER_MS + 1);
	ends(l);
	assert_int_equal(rig_counts(r).saves_pending, 1);
	assert_int_equal(r->cdr_count, 0);
	line_assert_idle(r);
	assert_int_equal(r->cdr_count, 1);
}

/* What the store did not take in time is saved by nobody else once the shard is given away. */
static void shard_hurries_behind(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	phones_talk(&l->a, &l->b);
	rig_wait_ms(r, SHARD_SAVE_LATER_MS + 1);
	assert_int_equal(rig_counts(r).unsaved, 0);
	rig_degraded(r, true);
	r->fail_saves = true;
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	phone_answer(&l->b, rig_take(r, &l->b.addr, "INVITE "), "200 OK", PHONE_SDP_B);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	assert_int_equal(rig_counts(r).saves_pending, 0); /* nobody waits for it, and yet: */
	assert_int_equal(rig_counts(r).unsaved, 1);
	shard_hurry(r->shard, true, r->now); /* while it is away nothing is saved */
	shard_hurry(r->shard, false, r->now);
	assert_int_equal(rig_counts(r).saves_pending, 0);
	rig_caught_up(r);
	r->fail_saves = false;
	assert_int_equal(rig_counts(r).unsaved, 1);
	shard_hurry(r->shard, true, r->now);
	assert_int_equal(rig_counts(r).saves_pending, 1);
	rig_run(r);
	assert_int_equal(rig_counts(r).saves_pending, 0);
	assert_int_equal(rig_counts(r).unsaved, 0);
	ends(l);
	line_assert_idle(r);
}

/* While the store is away there is no round to be spared. */
static void not_while_degraded(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	phones_talk(&l->a, &l->b);
	rig_wait_ms(r, SHARD_SAVE_LATER_MS + 1);
	rig_degraded(r, true);
	phone_request(&l->a, "BYE", "", "");
	phone_answer(&l->b, rig_take(r, &l->b.addr, "BYE "), "200 OK", "");
	assert_int_equal(r->cdr_count, 1);
	line_assert_idle(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(order),
		LINE_TEST(reinvite_is_saved),
		LINE_TEST(wrong_acknowledgements),
		LINE_TEST(a_save_fails),
		LINE_TEST(a_save_is_never_answered),
		LINE_TEST(degraded),
		LINE_TEST(back_again),
		LINE_TEST(the_end_fails),
		LINE_TEST(late_no_more),
		LINE_TEST(answered_meanwhile),
		LATER_TEST(later_goes_together),
		LATER_TEST(end_waits),
		LATER_TEST(bye_is_answered),
		LATER_TEST(calls_meet),
		LATER_TEST(shard_hurries),
		LATER_TEST(shard_hurries_no_more),
		LATER_TEST(shard_hurries_behind),
		LATER_TEST(not_while_degraded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
