/* SPDX-License-Identifier: Apache-2.0 */
/* Two calls become one whose parties have no codec in common, or not all (FEATURES CALL-24, CALL-26). */

#include "tests/unit/sig/joins.h"

/* A has more than C: two alone. */
static void two_unlike(struct trio *t, struct shard_join *join)
{
	alone(t, &t->l.a, PHONE_SDP_A);
	join->call = call_at(t->l.r, 0);
	alone(t, &t->c, SDP_G722);
	join->with = call_at(t->l.r, 0) == join->call ? call_at(t->l.r, 1) : call_at(t->l.r, 0);
	assert_int_equal(join_as(t, join, 1), 0);
	assert_true(t->l.r->order.saved);
}

/* It is asked for what the other one has. */
static struct bytes asked_for(struct phone *p, const char *formats)
{
	struct bytes m = rig_take(p->r, &p->addr, "INVITE ");

	assert_true(m.n);
	assert_true(rig_has(m, formats));
	assert_true(rig_has(m, "a=sendrecv\r\n"));
	return m;
}

static void takes(struct phone *p, struct bytes invite, const char *sdp)
{
	phone_answer(p, invite, "200 OK", sdp);
	assert_true(rig_take(p->r, &p->addr, "ACK ").n);
}

static void takes_none(struct phone *p, struct bytes invite)
{
	phone_answer(p, invite, "488 Not Acceptable Here", "");
	assert_true(rig_take(p->r, &p->addr, "ACK ").n);
}

/* What comes of one under that number goes to the other one so. */
static void assert_hears(struct rig *r, uint8_t leg, uint8_t number)
{
	struct flow_spec s = line_last_spec(r, leg);

	for (uint8_t i = 0; i < s.rule_count; i++) {
		if (s.rules[i].in == number && !s.rules[i].event) {
			assert_int_equal(s.rules[i].out, number);
			return;
		}
	}
	fail_msg("leg %u may not send %u", leg, number);
}

static void assert_one_call(struct trio *t, uint8_t number)
{
	rig_wait_ms(t->l.r, 60000);
	assert_int_equal(rig_counts(t->l.r).calls, 1);
	trio_assert_talks(t->l.r, 0, 1);
	assert_hears(t->l.r, 0, number);
	assert_hears(t->l.r, 1, number);
	assert_int_equal(rig_take(t->l.r, &t->l.a.addr, "INVITE ").n, 0);
	assert_int_equal(rig_take(t->l.r, &t->c.addr, "INVITE ").n, 0);
	trio_assert_ends(t, &t->c, &t->l.a);
	assert_cdr_sum(t->l.r);
}

/* Both go on as they were. */
static void assert_two_calls(struct trio *t)
{
	rig_wait_ms(t->l.r, 60000);
	assert_failed(t->l.r, 488, "ivr");
	assert_int_equal(rig_counts(t->l.r).calls_established, 2);
	assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "INVITE "), 1);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 1);
	assert_true(line_last_spec(t->l.r, 0).alone);
	phone_request(&t->l.a, "BYE", "", "");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_request(&t->c, "BYE", "", "");
	assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
	line_assert_idle(t->l.r);
}

static void who_has_more_is_asked(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { 0 };

	two_unlike(t, &join);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 0);
	assert_int_equal(rig_counts(t->l.r).calls_established, 2);
	takes(&t->l.a, asked_for(&t->l.a, "RTP/AVP 9 101\r\n"), SDP_OF("2", "9"));
	assert_one_call(t, 9);
}

static void then_the_other_one(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { 0 };

	two_unlike(t, &join);
	takes_none(&t->l.a, asked_for(&t->l.a, "RTP/AVP 9 101\r\n"));
	rig_wait_ms(t->l.r, 30);
	takes(&t->c, asked_for(&t->c, "RTP/AVP 8 0 101\r\n"),
	      "v=0\r\no=c 1 2 IN IP4 192.0.2.14\r\ns=-\r\nc=IN IP4 192.0.2.14\r\nt=0 0\r\n"
	      "m=audio 6000 RTP/AVP 0\r\n");
	rig_wait_ms(t->l.r, 30);
	/* A may send 8, which C does not take */
	takes(&t->l.a, asked_for(&t->l.a, "RTP/AVP 0\r\n"), SDP_OF("2", "0"));
	assert_one_call(t, 0);
}

static void no_codec_in_common(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { 0 };

	two_unlike(t, &join);
	takes_none(&t->l.a, asked_for(&t->l.a, "RTP/AVP 9 101\r\n"));
	rig_wait_ms(t->l.r, 30);
	takes_none(&t->c, asked_for(&t->c, "RTP/AVP 8 0 101\r\n"));
	assert_two_calls(t);
}

/* Killed whenever somebody was asked or has answered. */
static void unlike_over_kills(void **state)
{
	for (int refuses = 0; refuses <= 1; refuses++) {
		for (int at = 0; at < 4; at++) {
			struct trio *t = *state;
			struct shard_join join = { 0 };
			struct bytes m;

			two_unlike(t, &join);
			m = asked_for(&t->l.a, "RTP/AVP 9 101\r\n");
			if (at == 0) {
				joins_restart(t);
				m = asked_for(&t->l.a, "RTP/AVP 9 101\r\n");
			}
			t->l.r->hold_saves = at == 1;
			if (refuses)
				phone_answer(&t->l.a, m, "488 Not Acceptable Here", "");
			else
				phone_answer(&t->l.a, m, "200 OK", SDP_OF("2", "9"));
			t->l.r->hold_saves = false;
			if (at == 1)
				joins_restart(t);
			rig_wait_ms(t->l.r, 100);
			if (at == 2)
				joins_restart(t);
			if (!refuses) {
				assert_one_call(t, 9);
			} else {
				while ((m = rig_take(t->l.r, &t->l.a.addr, "INVITE ")).n)
					takes_none(&t->l.a, m);
				rig_wait_ms(t->l.r, 100);
				m = asked_for(&t->c, "RTP/AVP 8 0 101\r\n");
				if (at == 3)
					joins_restart(t);
				takes_none(&t->c, m);
				rig_wait_ms(t->l.r, 1000);
				assert_int_equal(rig_counts(t->l.r).calls_established, 2);
				assert_failed(t->l.r, 488, "ivr");
			}
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(joins_setup(state), 0);
		}
	}
}

/* C has hung up before A answers: A goes on as it is. */
static void who_comes_leaves(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { 0 };
	struct bytes m;

	two_unlike(t, &join);
	m = asked_for(&t->l.a, "RTP/AVP 9 101\r\n");
	phone_request(&t->c, "BYE", "", "");
	takes(&t->l.a, m, SDP_OF("2", "9"));
	rig_wait_ms(t->l.r, 1000);
	assert_failed(t->l.r, 481, "ivr");
	assert_true(line_last_spec(t->l.r, 0).alone);
	phone_request(&t->l.a, "BYE", "", "");
	line_assert_idle(t->l.r);
}

/* A speaks with B, and C is alone. A took what C has, and C leaves: A is asked for what B has. */
static void back_to_whom_it_has(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { .leg = SHARD_LEG_CALLER };
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	join.call = call_at(t->l.r, 0);
	alone(t, &t->c, SDP_G722);
	join.with = call_at(t->l.r, 0) == join.call ? call_at(t->l.r, 1) : call_at(t->l.r, 0);
	assert_int_equal(join_as(t, &join, 1), 0);
	m = asked_for(&t->l.a, "RTP/AVP 9 101\r\n");
	phone_request(&t->c, "BYE", "", "");
	takes(&t->l.a, m, SDP_OF("2", "9"));
	rig_wait_ms(t->l.r, 1000);
	assert_failed(t->l.r, 481, "");
	takes(&t->l.a, asked_for(&t->l.a, "RTP/AVP 8 101\r\n"), SDP_OF("3", "8"));
	trio_assert_talks(t->l.r, 0, 1);
	assert_hears(t->l.r, 0, 8);
	trio_assert_ends(t, &t->l.a, &t->l.b);
}

/* As if the node had been killed before it asked for what that call saved since. */
static void unsave(struct rig *r, uint64_t call, uint32_t since)
{
	for (uint32_t i = since; i < r->save_count; i++) {
		if (r->saves[i].call != call)
			continue;
		r->saves[i].kind = EFFECT_BINDING_SAVE;
		r->saves[i].answered = true;
		r->saves[i].call = 0;
	}
}

/* The same where A's call is the one that C's call is joined with: it was asked by that one. */
static void back_in_the_other_call(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	for (int killed = 0; killed <= 1; killed++) {
		struct shard_join join = { .with_leg = SHARD_LEG_CALLER };
		uint32_t saves;
		struct bytes m;

		phones_talk(&t->l.a, &t->l.b);
		join.with = call_at(r, 0);
		alone(t, &t->c, SDP_G722);
		join.call = call_at(r, 0) == join.with ? call_at(r, 1) : call_at(r, 0);
		assert_int_equal(join_as(t, &join, 1), 0);
		m = asked_for(&t->l.a, "RTP/AVP 9 101\r\n");
		saves = r->save_count;
		r->hold_saves = killed;
		phone_request(&t->c, "BYE", "", "");
		r->hold_saves = false;
		if (killed) {
			unsave(r, join.with, saves);
			joins_restart(t);
			m = asked_for(&t->l.a, "RTP/AVP 9 101\r\n");
		}
		takes(&t->l.a, m, SDP_OF("2", "9"));
		rig_wait_ms(r, killed ? 36000 : 1000);
		takes(&t->l.a, asked_for(&t->l.a, "RTP/AVP 8 101\r\n"), SDP_OF("3", "8"));
		trio_assert_talks(r, 0, 1);
		assert_hears(r, 0, 8);
		trio_assert_ends(t, &t->l.a, &t->l.b);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(joins_setup(state), 0);
		t = *state;
		r = t->l.r;
	}
}

/* They speak at once, and who might send what the other one does not take is asked. */
static void asked_for_less(void **state)
{
	for (int refuses = 0; refuses <= 1; refuses++) {
		struct trio *t = *state;
		struct shard_join join = { 0 };
		struct bytes m;

		alone(t, &t->l.a, PHONE_SDP_A);
		join.call = call_at(t->l.r, 0);
		alone(t, &t->c, PHONE_SDP_B);
		join.with =
			call_at(t->l.r, 0) == join.call ? call_at(t->l.r, 1) : call_at(t->l.r, 0);
		assert_int_equal(join_as(t, &join, 1), 0);
		assert_int_equal(rig_counts(t->l.r).calls_established, 1);
		trio_assert_talks(t->l.r, 0, 1);
		m = asked_for(&t->l.a, "RTP/AVP 8 101\r\n");
		if (refuses) {
			takes_none(&t->l.a, m);
			takes(&t->c, asked_for(&t->c, "RTP/AVP 8 0 101\r\n"), PHONE_SDP_B);
		} else {
			takes(&t->l.a, m, SDP_OF("2", "8"));
		}
		assert_one_call(t, 8);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(joins_setup(state), 0);
	}
}

/* Each with the other, at once: one goes ahead. */
static void each_with_the_other(void **state)
{
	struct trio *t = *state;
	struct phone second;
	struct shard_join join = { 0 }, back;

	two_pairs(t, &second, &join);
	back = (struct shard_join){
		.call = join.with, .with = join.call, .leg = join.with_leg, .with_leg = join.leg
	};
	t->l.r->hold_saves = true;
	assert_int_equal(join_as(t, &join, 1), 0);
	assert_int_equal(join_as(t, &back, 2), REFUSED_TRANSFER_OPEN - 1000);
	t->l.r->hold_saves = false;
	rig_run(t->l.r);
	rig_wait_ms(t->l.r, 100);
	assert_pairs_joined(t);
}

/* The other call ends before it is done. */
static void other_call_ends(void **state)
{
	struct trio *t = *state;
	struct phone second;
	struct shard_join join = { 0 };
	uint32_t saves;

	two_pairs(t, &second, &join);
	saves = t->l.r->save_count;
	t->l.r->hold_saves = true;
	assert_int_equal(join_as(t, &join, 1), 0);
	phone_request(&t->c, "BYE", "", "");
	t->l.r->hold_saves = false;
	for (uint32_t i = saves; i < t->l.r->save_count; i++)
		rig_answer(t->l.r, i, true);
	rig_run(t->l.r);
	assert_failed(t->l.r, 481, "");
	trio_assert_talks(t->l.r, 0, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ORDER_TEST(who_has_more_is_asked),  ORDER_TEST(then_the_other_one),
		ORDER_TEST(no_codec_in_common),     ORDER_TEST(unlike_over_kills),
		ORDER_TEST(who_comes_leaves),       ORDER_TEST(back_to_whom_it_has),
		ORDER_TEST(back_in_the_other_call), ORDER_TEST(asked_for_less),
		ORDER_TEST(each_with_the_other),    ORDER_TEST(other_call_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
