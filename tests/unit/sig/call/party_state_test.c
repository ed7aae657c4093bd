/* SPDX-License-Identifier: Apache-2.0 */
/* What the parties of a call are at, as lists and events say it: each of the words, by calls that come there. */
#include "sig/call/party_state.h"
#include "sig/call/prompts.h"
#include "sig/model/call_order.h"
#include "sig/sip/id.h"
#include "tests/unit/sig/application.h"
#include "tests/unit/sig/flows.h"
#include "tests/unit/sig/trio.h"

#define CALL UINT64_C(0x7800000000001) /* of shard 7, derived */

/* In lists, and in the newest event where the call has had one since it changed. */
static void assert_states(const struct rig *r, uint64_t call, enum party_state a,
			  enum party_state b)
{
	line_assert_states(r, call, a, b);
	assert_string_equal(r->states[0], party_state_name(a));
	assert_string_equal(r->states[1], party_state_name(b));
}

static void in_order(struct rig *r, enum party_state a, enum party_state b)
{
	assert_states(r, first_call(r), a, b);
}

static void test_two(void **state)
{
	struct trio *t = *state;
	struct line *l = &t->l;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	rig_run(l->r);
	in_order(l->r, STATE_IDLE, STATE_IDLE);
	assert_true(phone_rings(&l->b).n);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	rig_run(l->r);
	in_order(l->r, STATE_RINGBACK, STATE_RINGING);
	l->r->hold_saves = true;
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	rig_run(l->r);
	line_assert_states(l->r, first_call(l->r), STATE_CONNECT, STATE_CONNECT);
	assert_int_equal(l->r->state_events, 0); /* that is said when it is saved */
	assert_string_equal(l->r->states[0], party_state_name(STATE_RINGBACK));
	l->r->hold_saves = false;
	rig_run(l->r);
	in_order(l->r, STATE_CONNECT, STATE_CONNECT);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	in_order(l->r, STATE_CONNECT, STATE_CONNECT);
	l->r->hold_saves = true;
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	line_assert_states(l->r, first_call(l->r), STATE_IDLE, STATE_IDLE);
	assert_int_equal(l->r->state_events, 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	in_order(l->r, STATE_IDLE, STATE_IDLE);
}

/* Who gives up hears no error. */
static void test_cancelled(void **state)
{
	struct trio *t = *state;
	struct line *l = &t->l;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&l->b).n);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	phone_cancel(&l->a);
	rig_run(l->r);
	in_order(l->r, STATE_IDLE, STATE_IDLE);
}

static void order(struct line *l, struct call_order o)
{
	assert_int_equal(shard_call_order(l->r->shard, first_call(l->r), &o, l->r->now), 0);
	rig_run(l->r);
}

static void test_held(void **state)
{
	struct trio *t = *state;
	struct line *l = &t->l;

	phones_talk(&l->a, &l->b);
	rig_run(l->r);
	order(l, (struct call_order){ .kind = ORDER_HOLD, .leg = SHARD_LEG_CALLEE });
	in_order(l->r, STATE_HOLD, STATE_HOLD);
	phone_answer(&l->a, rig_take(l->r, &l->a.addr, "INVITE "), "200 OK", PHONE_SDP_A);
	rig_run(l->r);
	order(l, (struct call_order){ .kind = ORDER_RESUME, .leg = SHARD_LEG_CALLEE });
	in_order(l->r, STATE_CONNECT, STATE_CONNECT);
}

static void test_given(void **state)
{
	struct trio *t = *state;
	struct line *l = &t->l;

	phones_talk(&l->a, &l->b);
	rig_run(l->r);
	order(l, (struct call_order){ .kind = ORDER_TRANSFER,
				      .leg = SHARD_LEG_CALLEE,
				      .to = BYTES_LIT("1004") });
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
	rig_run(l->r);
	in_order(l->r, STATE_HOLD_PENDING, STATE_RINGING);
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	rig_run(l->r);
	in_order(l->r, STATE_CONNECT, STATE_CONNECT);
}

static void test_in_vain(void **state)
{
	static const struct {
		const char *status;
		enum party_state a;
	} rows[] = {
		{ "486 Busy Here", STATE_BUSY },
		{ "480 Temporarily Unavailable", STATE_BUSY },
		{ "600 Busy Everywhere", STATE_BUSY },
		{ "408 Request Timeout", STATE_BUSY },
		{ "500 Server Internal Error", STATE_ERROR },
		{ "603 Decline", STATE_ERROR },
	};
	struct trio *t = *state;
	struct line *l = &t->l;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		phone_invite(&l->a, "1002", PHONE_SDP_A);
		assert_true(phone_rings(&l->b).n);
		phone_answer(&l->b, l->b.invite, rows[i].status, "");
		rig_run(l->r);
		in_order(l->r, rows[i].a, STATE_IDLE);
		phone_write(&l->a, "ACK", "", "");
		line_assert_idle(l->r);
		assert_string_equal(l->r->states[0], party_state_name(rows[i].a)); /* call.ended */
	}
}

static void play(struct line *l, const char *file, uint32_t message_ms)
{
	struct prompt_terms terms = { .file_count = 1,
				      .times = 1,
				      .message_max_ms = message_ms,
				      .message_silence_ms = 3000 };
	static uint64_t id;
	struct shard_order by = { .id = ++id, .ticket = 1 };

	(void)bytes_cstr(bytes_str(file), terms.files[0], sizeof(terms.files[0]));
	assert_int_equal(
		shard_call_prompt(l->r->shard, application_call(l->r), &terms, &by, l->r->now), 0);
	rig_run(l->r);
}

static void test_application(void **state)
{
	struct line *l = *state;

	application_rings(l, PHONE_SDP_A);
	in_order(l->r, STATE_CALL_PENDING, STATE_IDLE);
	assert_int_equal(application_answer(l), 0);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	in_order(l->r, STATE_AA, STATE_IDLE);
	play(l, "recording:0000000000000-1", 0); /* nothing else is said of it */
	in_order(l->r, STATE_PLAY_VM, STATE_IDLE);
	assert_int_equal(l->r->state_events, 1);
	play(l, "beep", 20000);
	played(l, PROMPT_REPLY_OPEN);
	played(l, PROMPT_REPLY_ENDED);
	in_order(l->r, STATE_RECORD, STATE_IDLE);
	play(l, "recording:0000000000000-1", 0);
	in_order(l->r, STATE_PLAY_VM, STATE_IDLE);
	play(l, "hello", 0);
	in_order(l->r, STATE_AA, STATE_IDLE);
}

/* Who is up waits for whom the flow rings, and is given away to nobody. */
static void test_flow(void **state)
{
	struct trio *t = *state;
	struct line *l = &t->l;

	call_flow(l, "[{\"answer\":{}},{\"dial\":\"1002\"}]");
	is_answered(l);
	assert_true(phone_rings(&l->b).n);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	rig_run(l->r);
	in_order(l->r, STATE_RINGBACK, STATE_RINGING);
	phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
	rig_run(l->r);
	in_order(l->r, STATE_IDLE, STATE_IDLE);
}

static void test_by_command(void **state)
{
	const struct shard_originate o = { .call = CALL, .from = "1001", .to = "1002" };
	struct trio *t = *state;
	struct line *l = &t->l;

	assert_int_equal(shard_call_originate(l->r->shard, &o, l->r->now), 0);
	rig_wait_ms(l->r, 1);
	in_order(l->r, STATE_RINGING, STATE_IDLE);
	assert_true(phone_rings(&l->a).n);
	phone_answer(&l->a, l->a.invite, "200 OK", PHONE_SDP_A);
	rig_run(l->r);
	assert_true(phone_rings(&l->b).n);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	rig_run(l->r);
	in_order(l->r, STATE_RINGBACK, STATE_RINGING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRIO_TEST(test_two),
		TRIO_TEST(test_cancelled),
		TRIO_TEST(test_held),
		TRIO_TEST(test_given),
		TRIO_TEST(test_in_vain),
		TRIO_TEST(test_flow),
		TRIO_TEST(test_by_command),
		cmocka_unit_test_setup_teardown(test_application, application_setup, line_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
