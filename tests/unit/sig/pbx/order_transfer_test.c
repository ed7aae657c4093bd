/* SPDX-License-Identifier: Apache-2.0 */
/* By command a party is given to somebody else (FEATURES CALL-23, CALL-29). */

#include "sig/call/prompts.h"
#include "tests/unit/sig/joins.h"

static void caller_gives_callee(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 1), 0);
	assert_int_equal(t->l.r->order.ticket, 101);
	assert_true(t->l.r->order.saved);
	rings(t);
	assert_true(rig_has(rig_header(t->c.invite, "From"), "sip:1002@"));
	assert_true(rig_has(t->c.invite, "\r\nReferred-By: <sip:1001@"));
	trio_c_answers(t, &t->l.b, PHONE_SDP_B);
	trio_assert_left(&t->l.a);
	assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "NOTIFY "), 0);
	trio_assert_talks(t->l.r, 1, 2);
	trio_assert_ends(t, &t->l.b, &t->c);
	assert_int_equal(t->l.r->cdr_count, 2);
	assert_string_equal(t->l.r->cdrs[0].reason, "transferred");
	assert_int_equal(t->l.r->cdrs[0].ended_by, ENDED_BY_OPERATOR);
	assert_cdr_sum(t->l.r);
}

static void callee_gives_caller(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(transfer(t, SHARD_LEG_CALLEE, "1004", 1), 0);
	rings(t);
	assert_true(rig_has(rig_header(t->c.invite, "From"), "sip:1001@"));
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	trio_assert_left(&t->l.b);
	trio_assert_talks(t->l.r, 0, 2);
	trio_assert_ends(t, &t->l.a, &t->c);
}

static void nobody_takes_it(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 1), 0);
	rings(t);
	refuses(t);
	trio_assert_talks(t->l.r, 0, 1);
	assert_failed(t->l.r, 486, "");
	assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "NOTIFY "), 0);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 2), 0); /* and once more */
	rings(t);
	rig_wait_ms(t->l.r, 181000);
	assert_true(rig_take(t->l.r, &t->c.addr, "CANCEL ").n);
	phone_answer(&t->c, t->c.invite, "487 Request Terminated", "");
	assert_failed(t->l.r, 408, "");
	trio_assert_talks(t->l.r, 0, 1);
	trio_assert_ends(t, &t->l.a, &t->l.b);
}

/* Who has no other party hears ringback, then whoever answers. */
static void alone_goes_on(void **state)
{
	static const struct job_id ringback[MEDIA_CODECS] = {
		[MEDIA_CODEC_PCMA] = { .slot = 5, .generation = 7 },
	};
	struct trio *t = *state;

	shard_track_set(t->l.r->shard, SHARD_TRACK_RINGBACK, ringback);
	alone(t, &t->l.a, PHONE_SDP_A);
	assert_int_equal(transfer(t, SHARD_LEG_NONE, "1004", 1), 0);
	assert_true(t->l.r->order.saved);
	rings(t);
	assert_true(rig_has(rig_header(t->c.invite, "From"), "sip:1001@"));
	assert_false(rig_has(t->c.invite, "\r\nReferred-By: "));
	assert_int_equal(line_last_spec(t->l.r, 0).source.job.slot, 5);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	trio_assert_talks(t->l.r, 0, 1);
	assert_false(line_last_spec(t->l.r, 0).alone);
	assert_int_equal(last_event(t->l.r, SIG_CALL_TRANSFERRED)->kind, SIG_CALL_TRANSFERRED);
	trio_assert_ends(t, &t->l.a, &t->c);
	assert_int_equal(t->l.r->cdr_count, 2);
	assert_string_equal(t->l.r->cdrs[0].to, "1003");
	assert_string_equal(t->l.r->cdrs[1].to, "1004");
	assert_true(t->l.r->cdrs[0].answer_utc_ms && t->l.r->cdrs[1].answer_utc_ms);
	assert_cdr_sum(t->l.r);
}

/* It is its application's again, which may play something. */
static void alone_comes_back(void **state)
{
	struct prompt_terms terms = { .times = 1, .file_count = 1, .files = { "sorry.wav" } };
	struct trio *t = *state;
	struct rig *r = t->l.r;

	alone(t, &t->l.a, PHONE_SDP_A);
	for (uint64_t i = 1; i <= 2; i++) {
		assert_int_equal(shard_call_prompt(r->shard, call_at(r, 0), &terms, NULL, r->now),
				 0);
		rig_run(r);
		assert_int_equal(transfer(t, SHARD_LEG_NONE, "1004", i), 0);
		assert_string_equal(event_str(last_event(r, SIG_CALL_PLAYED), EV_REASON),
				    "stopped");
		assert_string_equal(last_event(r, SIG_CALL_PLAYED)->application, "ivr");
		rings(t);
		assert_int_equal(shard_call_prompt(r->shard, call_at(r, 0), &terms, NULL, r->now),
				 REFUSED_NOT_ALONE);
		if (i == 2)
			joins_restart(t);
		refuses(t);
		assert_failed(r, 486, "ivr");
		joins_restart(t);
		assert_true(line_last_spec(r, 0).alone);
	}
	assert_int_equal(shard_call_prompt(r->shard, call_at(r, 0), &terms, NULL, r->now), 0);
	rig_run(r);
	assert_string_equal(r->played, "sorry.wav");
	phone_request(&t->l.a, "BYE", "", "");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	line_assert_idle(r);
	assert_int_equal(r->cdr_count, 5);
	assert_cdr_sum(r);
}

static void alone_hangs_up(void **state)
{
	struct trio *t = *state;

	alone(t, &t->l.a, PHONE_SDP_A);
	assert_int_equal(transfer(t, SHARD_LEG_NONE, "1004", 1), 0);
	rings(t);
	phone_request(&t->l.a, "BYE", "", "");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	assert_true(rig_take(t->l.r, &t->c.addr, "CANCEL ").n);
	phone_answer(&t->c, t->c.invite, "487 Request Terminated", "");
	line_assert_idle(t->l.r);
}

/* Killed while C rings, when C has answered, and when all is done. */
static void transfer_over_kills(void **state)
{
	struct trio *t = *state;

	for (int pair = 0; pair <= 1; pair++) {
		for (int at = 0; at < 3; at++) {
			struct phone *given = pair ? &t->l.b : &t->l.a;

			if (pair)
				phones_talk(&t->l.a, &t->l.b);
			else
				alone(t, &t->l.a, PHONE_SDP_A);
			assert_int_equal(transfer(t, pair ? SHARD_LEG_CALLER : SHARD_LEG_NONE,
						  "1004", 1),
					 0);
			rings(t);
			if (at == 0)
				joins_restart(t);
			t->l.r->hold_saves = at == 1;
			if (at == 1) {
				phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
				t->l.r->hold_saves = false;
				joins_restart(t);
				assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
				(void)trio_told_again(given, PHONE_SDP_B);
			} else {
				trio_c_answers(t, given, pair ? PHONE_SDP_B : PHONE_SDP_A);
			}
			if (at == 2)
				joins_restart(t);
			if (pair)
				trio_assert_left(&t->l.a);
			assert_int_equal(rig_counts(t->l.r).calls_established, 1);
			trio_assert_ends(t, given, &t->c);
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(joins_setup(state), 0);
			t = *state;
		}
	}
}

/* Twice is once, also after a restart; another one is refused meanwhile. */
static void same_command_again(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 1), 0);
	rings(t);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 1), 0);
	assert_int_equal(t->l.r->order_count, 2);
	joins_restart(t);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 1), 0);
	assert_int_equal(t->l.r->order_count, 3);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 2), REFUSED_TRANSFER_OPEN);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "CANCEL "), 0);
	trio_c_answers(t, &t->l.b, PHONE_SDP_B);
	trio_assert_left(&t->l.a);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 1), 0);
	assert_int_equal(t->l.r->order_count, 4);
	trio_assert_ends(t, &t->l.b, &t->c);
}

static void answered_when_saved(void **state)
{
	struct trio *t = *state;
	uint32_t saves;

	phones_talk(&t->l.a, &t->l.b);
	saves = t->l.r->save_count;
	t->l.r->hold_saves = true;
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 1), 0);
	assert_int_equal(t->l.r->order_count, 0);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 0);
	rig_answer(t->l.r, saves, true);
	assert_int_equal(t->l.r->order_count, 1);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 1);
}

static void transfer_refused(void **state)
{
	struct trio *t = *state;

	alone(t, &t->l.a, PHONE_SDP_A);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 1), REFUSED_NO_LEG);
	assert_int_equal(transfer(t, SHARD_LEG_NONE, "1009", 2), REFUSED_NO_EXTENSION);
	assert_int_equal(transfer(t, SHARD_LEG_NONE, "1001", 3), REFUSED_TO_ITSELF);
	phone_request(&t->l.a, "BYE", "", "");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	line_assert_idle(t->l.r);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&t->l.b).n);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 4), REFUSED_NOT_ESTABLISHED);
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 5), REFUSED_NOT_ESTABLISHED);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_ack(&t->l.a);
	assert_int_equal(transfer(t, SHARD_LEG_NONE, "1004", 6), REFUSED_WHICH_PARTY);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1002", 7), REFUSED_TO_ITSELF);
	trio_assert_talks(t->l.r, 0, 1);
	assert_int_equal(t->l.r->order_count, 0);
}

static void unregistered(void **state)
{
	struct trio *t = *state;
	struct shard_forward none = { 0 };

	assert_int_equal(shard_forward_set(t->l.r->shard, TENANT_DEFAULT, "1003", &none), 0);
	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1003", 1), REFUSED_NOT_REGISTERED);
	assert_int_equal(last_event(t->l.r, SIG_CALL_TRANSFER_FAILED)->version, 0);
}

/* It begins when the open INVITE is over. */
static void behind_an_invite(void **state)
{
	struct trio *t = *state;
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	phone_request(&t->l.b, "INVITE", "", PHONE_SDP_B);
	m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 1), 0);
	assert_int_equal(t->l.r->order_count, 1);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 0);
	phone_answer(&t->l.a, m, "200 OK", PHONE_SDP_A);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	phone_ack(&t->l.b);
	rings(t);
}

/* Who was held by command hears ringback, and is held no longer. */
static void who_was_held(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(shard_call_hold(r->shard, call_at(r, 0), 0, NULL, r->now), 0);
	rig_run(r);
	m = rig_take(r, &t->l.b.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendonly"));
	phone_answer(&t->l.b, m, "200 OK", PHONE_SDP_B);
	assert_true(rig_take(r, &t->l.b.addr, "ACK ").n);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 1), 0);
	rings(t);
	trio_c_answers(t, &t->l.b, PHONE_SDP_B);
	trio_assert_left(&t->l.a);
	trio_assert_talks(r, 1, 2);
	trio_assert_ends(t, &t->l.b, &t->c);
}

/* A REFER of the phone comes while a command has it given away. */
static void refer_meanwhile(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 1), 0);
	rings(t);
	phone_request(&t->l.a, "REFER", "Refer-To: <sip:1003@test.local>\r\n", "");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 491").n);
	phone_request(&t->l.b, "REFER", "Refer-To: <sip:1003@test.local>\r\n", "");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 4").n);
	trio_c_answers(t, &t->l.b, PHONE_SDP_B);
	trio_assert_left(&t->l.a);
	trio_assert_ends(t, &t->c, &t->l.b);
}

/* CALL-25: who is given to an application waits for it, over a kill too; whoever had it is left when that has answered. */
static void to_an_application(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1003", 1), 0);
	assert_string_equal(last_event(r, SIG_CALL_WAITING)->application, "ivr");
	assert_int_equal(rig_count(r, &t->l.a.addr, "BYE "), 0);
	joins_restart(t);
	assert_int_equal(shard_call_answer(r->shard, call_at(r, 0), NULL, r->now), 0);
	rig_run(r);
	trio_assert_left(&t->l.a);
	assert_true(line_last_spec(r, 1).alone);
	phone_request(&t->l.b, "BYE", "", "");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	line_assert_idle(r);
	assert_int_equal(r->cdr_count, 2);
	assert_string_equal(r->cdrs[0].reason, "transferred");
	assert_string_equal(r->cdrs[1].to, "1003");
	assert_cdr_sum(r);
}

/* It refreshes its session meanwhile: 481 would end its dialog (RFC 3261 12.2.1.2). */
static void asks_anew_on_the_way(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1003", 1), 0);
	phone_request(&t->l.b, "INVITE", "", PHONE_SDP_B);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 491").n);
	phone_ack(&t->l.b);
	assert_int_equal(shard_call_answer(r->shard, call_at(r, 0), NULL, r->now), 0);
	rig_run(r);
	trio_assert_left(&t->l.a);
	assert_true(line_last_spec(r, 1).alone);
}

/* It does not answer: the two speak as before. */
static void to_a_silent_application(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1003", 1), 0);
	rig_wait_ms(t->l.r, APPLICATION_WAIT_S * 1000 + 100);
	assert_failed(t->l.r, 480, "");
	trio_assert_talks(t->l.r, 0, 1);
	trio_assert_ends(t, &t->l.a, &t->l.b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ORDER_TEST(caller_gives_callee),  ORDER_TEST(callee_gives_caller),
		ORDER_TEST(nobody_takes_it),      ORDER_TEST(alone_goes_on),
		ORDER_TEST(alone_comes_back),     ORDER_TEST(alone_hangs_up),
		ORDER_TEST(transfer_over_kills),  ORDER_TEST(same_command_again),
		ORDER_TEST(answered_when_saved),  ORDER_TEST(transfer_refused),
		ORDER_TEST(unregistered),         ORDER_TEST(behind_an_invite),
		ORDER_TEST(who_was_held),         ORDER_TEST(refer_meanwhile),
		ORDER_TEST(to_an_application),    ORDER_TEST(to_a_silent_application),
		ORDER_TEST(asks_anew_on_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
