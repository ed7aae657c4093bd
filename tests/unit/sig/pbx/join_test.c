/* SPDX-License-Identifier: Apache-2.0 */
/* By command two calls become one (FEATURES CALL-24, CALL-26). */

#include "sig/call/prompts.h"
#include "tests/unit/sig/joins.h"

/* They hear each other, and nobody was asked anything. */
static void assert_two_joined(struct trio *t)
{
	rig_wait_ms(t->l.r, 1000);
	assert_int_equal(rig_counts(t->l.r).calls, 1);
	assert_int_equal(rig_counts(t->l.r).calls_established, 1);
	trio_assert_talks(t->l.r, 0, 1);
	assert_int_equal(line_last_spec(t->l.r, 0).remote_rtp.port, 4000);
	assert_int_equal(line_last_spec(t->l.r, 1).remote_rtp.port, 6000);
	assert_false(line_last_spec(t->l.r, 0).alone || line_last_spec(t->l.r, 1).alone);
	trio_assert_ends(t, &t->c, &t->l.a);
	assert_int_equal(t->l.r->cdr_count, 3);
	assert_cdr_sum(t->l.r);
}

static void joins_two_alone(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { 0 };

	two_alone(t, &join);
	assert_int_equal(join_as(t, &join, 1), 0);
	assert_true(t->l.r->order.saved);
	assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "BYE "), 0);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "BYE "), 0);
	assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "INVITE "), 0);
	assert_int_equal(last_event(t->l.r, SIG_CALL_TRANSFERRED)->call, join.call);
	assert_int_equal(join_as(t, &join, 1), 0); /* the same command */
	assert_int_equal(t->l.r->order_count, 2);
	assert_two_joined(t);
}

/* Who watches asks whose a message is when it leaves. The call that the dialog went to is gone by then. */
static void the_last_200_is_its_calls(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct shard_join join = { 0 };
	const struct rig_sent *last;
	uint64_t stays;

	two_alone(t, &join);
	assert_int_equal(join_as(t, &join, 1), 0);
	rig_wait_ms(r, 1000);
	stays = call_at(r, 0);
	phone_request(stays == join.call ? &t->c : &t->l.a, "BYE", "", "");
	trio_assert_left(stays == join.call ? &t->l.a : &t->c);
	line_assert_idle(r);
	last = &r->sent[r->sent_count - 1];
	assert_true(bytes_starts(text_bytes(&last->data), "SIP/2.0 200 "));
	assert_int_equal(last->sender, stays);
	assert_int_not_equal(shard_message_call(r->shard, text_bytes(&last->data)), stays);
}

/* While what they hear is played, or their keys are collected. */
static void joins_who_hear_something(void **state)
{
	struct prompt_terms plays = { .times = 1, .file_count = 1, .files = { "wait.wav" } };
	struct prompt_terms collects = { .times = 1, .min = 1, .max = 4, .first_ms = 5000 };
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct shard_join join = { 0 };

	two_alone(t, &join);
	assert_int_equal(shard_call_prompt(r->shard, join.call, &plays, NULL, r->now), 0);
	assert_int_equal(shard_call_prompt(r->shard, join.with, &collects, NULL, r->now), 0);
	rig_run(r);
	assert_int_equal(join_as(t, &join, 1), 0);
	assert_string_equal(event_str(last_event(r, SIG_CALL_PLAYED), EV_REASON), "stopped");
	assert_string_equal(event_str(last_event(r, SIG_CALL_COLLECTED), EV_REASON), "stopped");
	assert_int_equal(r->play_stops, 1);
	assert_two_joined(t);
}

/* The parties of two calls: A speaks with B, and C is alone. Either may be the call that goes on. */
static void joins_one_of_two(void **state)
{
	for (int c_goes_on = 0; c_goes_on <= 1; c_goes_on++) {
		for (int callee = 0; callee <= 1; callee++) {
			enum shard_leg leg = callee ? SHARD_LEG_CALLEE : SHARD_LEG_CALLER;
			struct trio *t = *state;
			struct shard_join join = { 0 };
			uint64_t pair, single;

			phones_talk(&t->l.a, &t->l.b);
			pair = call_at(t->l.r, 0);
			alone(t, &t->c, SDP_C);
			single = call_at(t->l.r, 0) == pair ? call_at(t->l.r, 1)
							    : call_at(t->l.r, 0);
			join.call = c_goes_on ? single : pair;
			join.with = c_goes_on ? pair : single;
			join.leg = c_goes_on ? SHARD_LEG_NONE : leg;
			join.with_leg = c_goes_on ? leg : SHARD_LEG_CALLER;
			assert_int_equal(join_as(t, &join, 1), 0);
			trio_assert_left(callee ? &t->l.a : &t->l.b);
			rig_wait_ms(t->l.r, 1000);
			assert_int_equal(rig_counts(t->l.r).calls, 1);
			assert_int_equal(rig_count(t->l.r, &t->c.addr, "BYE "), 0);
			trio_assert_ends(t, callee ? &t->l.b : &t->l.a, &t->c);
			assert_int_equal(t->l.r->cdr_count, 3);
			assert_cdr_sum(t->l.r);
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(joins_setup(state), 0);
		}
	}
}

static void joins_two_pairs(void **state)
{
	struct trio *t = *state;
	struct phone second;
	struct shard_join join = { 0 };

	two_pairs(t, &second, &join);
	assert_int_equal(join_as(t, &join, 1), 0);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 2);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "NOTIFY "), 0);
	assert_pairs_joined(t);
}

/* Both records change in one transaction, behind one that says what is to come: a kill in between leaves no party without the other. */
static void assert_saved_together(struct trio *t)
{
	struct phone second;
	struct shard_join join = { 0 };
	uint32_t saves;

	two_pairs(t, &second, &join);
	rig_wait_ms(t->l.r, 2 * SHARD_SAVE_LATER_MS);
	saves = t->l.r->save_count;
	t->l.r->hold_saves = true;
	assert_int_equal(join_as(t, &join, 1), 0);
	assert_int_equal(t->l.r->save_count, saves + 1);
	assert_int_equal(t->l.r->order_count, 0);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	rig_answer(t->l.r, saves, true);
	assert_int_equal(t->l.r->order_count, 1);
	assert_int_equal(t->l.r->save_count, saves + 3);
	assert_true(t->l.r->saves[saves + 1].call != t->l.r->saves[saves + 2].call);
}

static void joined_when_it_is_saved(void **state)
{
	assert_saved_together(*state);
}

/* As a node has it, where saves that nobody waits for come later. */
static void joined_when_others_wait(void **state)
{
	struct trio *t = *state;

	t->l.r->settings.save_later_ms = SHARD_SAVE_LATER_MS;
	shard_configure(t->l.r->shard, &t->l.r->settings);
	assert_saved_together(t);
}

/* Killed when it is saved that it is to be; and when it is done. */
static void join_over_kills(void **state)
{
	for (int done = 0; done <= 1; done++) {
		struct trio *t = *state;
		struct phone second;
		struct shard_join join = { 0 };

		two_pairs(t, &second, &join);
		t->l.r->hold_saves = !done;
		assert_int_equal(join_as(t, &join, 1), 0);
		t->l.r->hold_saves = false;
		joins_restart(t);
		rig_wait_ms(t->l.r, 100);
		assert_pairs_joined(t);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(joins_setup(state), 0);
	}
}

static void two_alone_over_kills(void **state)
{
	for (int done = 0; done <= 1; done++) {
		struct trio *t = *state;
		struct shard_join join = { 0 };

		two_alone(t, &join);
		t->l.r->hold_saves = !done;
		assert_int_equal(join_as(t, &join, 1), 0);
		t->l.r->hold_saves = false;
		joins_restart(t);
		rig_wait_ms(t->l.r, 100);
		assert_int_equal(join_as(t, &join, 1), 0);
		assert_two_joined(t);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(joins_setup(state), 0);
	}
}

static void without_the_store(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { 0 };

	two_alone(t, &join);
	shard_degraded(t->l.r->shard, true, t->l.r->now);
	t->l.r->hold_saves = true;
	assert_int_equal(join_as(t, &join, 1), 0);
	assert_int_equal(t->l.r->order_count, 1);
	assert_false(t->l.r->order.saved);
	trio_assert_talks(t->l.r, 0, 1);
	t->l.r->hold_saves = false;
	shard_degraded(t->l.r->shard, false, t->l.r->now);
	rig_run(t->l.r);
	assert_two_joined(t);
}

/* Whose phone has not said ACK yet: it is done when it has. */
static void before_the_ack(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct shard_join join = { 0 };

	alone(t, &t->c, SDP_C);
	join.with = call_at(r, 0);
	phone_invite(&t->l.a, "1003", PHONE_SDP_A);
	rig_run(r);
	join.call = call_at(r, 0) == join.with ? call_at(r, 1) : call_at(r, 0);
	assert_int_equal(shard_call_answer(r->shard, join.call, NULL, r->now), 0);
	rig_run(r);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	assert_int_equal(join_as(t, &join, 1), 0);
	assert_int_equal(rig_counts(r).calls, 2);
	joins_restart(t);
	phone_ack(&t->l.a);
	rig_wait_ms(r, 100);
	assert_two_joined(t);
}

/* ... of the other call. */
static void before_the_ack_of_the_other(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct shard_join join = { 0 };

	alone(t, &t->l.a, PHONE_SDP_A);
	join.call = call_at(r, 0);
	phone_invite(&t->c, "1003", SDP_C);
	rig_run(r);
	join.with = call_at(r, 0) == join.call ? call_at(r, 1) : call_at(r, 0);
	assert_int_equal(shard_call_answer(r->shard, join.with, NULL, r->now), 0);
	rig_run(r);
	assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
	assert_int_equal(join_as(t, &join, 1), 0);
	rig_wait_ms(r, 100);
	assert_int_equal(rig_counts(r).calls, 2);
	phone_ack(&t->c);
	rig_wait_ms(r, 100);
	assert_two_joined(t);
}

/* It never comes. */
static void ack_never_comes(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	phone_invite(&t->l.a, "1003", PHONE_SDP_A);
	rig_run(r);
	assert_int_equal(shard_call_answer(r->shard, call_at(r, 0), NULL, r->now), 0);
	rig_run(r);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	assert_int_equal(transfer(t, SHARD_LEG_NONE, "1004", 1), 0);
	rig_wait_ms(r, 33000);
	trio_assert_left(&t->l.a);
	assert_int_equal(rig_count(r, &t->c.addr, "INVITE "), 0);
	line_assert_idle(r);
}

static void join_refused(void **state)
{
	struct trio *t = *state;
	struct phone second;
	struct shard_join join = { 0 }, bad;

	two_pairs(t, &second, &join);
	bad = join;
	bad.call = 1;
	assert_int_equal(join_as(t, &bad, 1), REFUSED_NO_CALL);
	bad = join;
	bad.with = 1;
	assert_int_equal(join_as(t, &bad, 2), REFUSED_NO_CALL - 1000);
	bad.with = join.call;
	assert_int_equal(join_as(t, &bad, 3), REFUSED_SAME_CALL - 1000);
	bad = join;
	bad.leg = SHARD_LEG_NONE;
	assert_int_equal(join_as(t, &bad, 4), REFUSED_WHICH_PARTY);
	bad = join;
	bad.with_leg = SHARD_LEG_NONE;
	assert_int_equal(join_as(t, &bad, 5), REFUSED_WHICH_PARTY - 1000);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1003", 6), 0);
	assert_int_equal(rig_counts(t->l.r).calls, 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ORDER_TEST(joins_two_alone),          ORDER_TEST(the_last_200_is_its_calls),
		ORDER_TEST(joins_who_hear_something), ORDER_TEST(joins_one_of_two),
		ORDER_TEST(joins_two_pairs),          ORDER_TEST(joined_when_it_is_saved),
		ORDER_TEST(joined_when_others_wait),  ORDER_TEST(join_over_kills),
		ORDER_TEST(two_alone_over_kills),     ORDER_TEST(without_the_store),
		ORDER_TEST(before_the_ack),           ORDER_TEST(before_the_ack_of_the_other),
		ORDER_TEST(ack_never_comes),          ORDER_TEST(join_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
