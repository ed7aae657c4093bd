/* SPDX-License-Identifier: Apache-2.0 */
/* CANCEL and what it may cross (RFC 3261 9, 15). */
#include "tests/unit/sig/line.h"

static void assert_cancelled(struct line *l)
{
	assert_true(phone_hears(&l->a, "SIP/2.0 200 OK").n);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_write(&l->a, "ACK", "", "");
}

/* RFC 3665 3.8 */
static void while_ringing(void **state)
{
	struct line *l = *state;
	struct bytes cancel, tag;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	(void)phone_hears(&l->a, "SIP/2.0 180");
	l->a.remote_tag[0] = '\0';
	phone_cancel(&l->a);
	tag = rig_header(rig_find(l->r, &l->a.addr, "SIP/2.0 180"), "To");
	assert_true(bytes_eq(tag, rig_header(rig_find(l->r, &l->a.addr, "SIP/2.0 200"), "To")));
	assert_true(bytes_eq(tag, rig_header(rig_find(l->r, &l->a.addr, "SIP/2.0 487"), "To")));
	assert_cancelled(l);
	cancel = rig_take(l->r, &l->b.addr, "CANCEL sip:1002@192.0.2.12:5060 ");
	assert_true(bytes_eq(rig_header(cancel, "Via"), rig_header(l->b.invite, "Via")));
	assert_true(bytes_eq(rig_header(cancel, "To"), rig_header(l->b.invite, "To")));
	assert_true(bytes_is(rig_header(cancel, "CSeq"), "1 CANCEL"));
	phone_answer(&l->b, cancel, "200 OK", "");
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 1);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
	assert_string_equal(l->r->cdrs[0].reason, "cancelled by the caller");
}

/* The INVITE still waits for its save: B never hears of it. */
static void before_the_save(void **state)
{
	struct line *l = *state;

	l->r->hold_saves = true;
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_cancel(&l->a);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 487"), 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_cancelled(l);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 0);
}

/* RFC 3261 9.1: no CANCEL before the first response. */
static void before_the_first_response(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_cancel(&l->a);
	assert_cancelled(l);
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 0);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "CANCEL "), "200 OK", "");
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

/* RFC 3261 13.3.1: who calls waits so long and no longer, also over a kill. */
static void expires(void **state)
{
	static const struct {
		const char *line;
		uint32_t rings_ms; /* 0: it does not expire */
	} rows[] = {
		{ "Expires: 20\r\n", 20000 },
		{ "Expires: 2\r\n", 2000 },
		{ "Expires: soon\r\n", 0 },
		{ "Expires: 4294967296\r\n", 0 },
	};

	for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
		uint32_t rings_ms = rows[i / 2].rings_ms;
		struct line *l;

		if (i) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(line_setup(state), 0);
		}
		l = *state;
		phone_begin(&l->a, "1002");
		phone_request(&l->a, "INVITE", rows[i / 2].line, PHONE_SDP_A);
		(void)phone_rings(&l->b);
		phone_answer(&l->b, l->b.invite, "180 Ringing", "");
		rig_wait_ms(l->r, rings_ms ? rings_ms - 100 : 25000);
		if (i % 2)
			line_restart(l, line_stored(l));
		assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 487"), 0);
		rig_wait_ms(l->r, 200);
		assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 487"), rings_ms ? 1 : 0);
		if (!rings_ms)
			continue;
		phone_write(&l->a, "ACK", "", "");
		phone_answer(&l->b, rig_take(l->r, &l->b.addr, "CANCEL "), "200 OK", "");
		phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
		line_assert_cdr(l, 487, 19, ENDED_BY_A);
	}
}

/* It has its answer by then. */
static void expires_too_late(void **state)
{
	struct line *l = *state;

	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", "Expires: 20\r\n", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	rig_wait_ms(l->r, 30000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* The same of a re-INVITE: the call goes on as it was. */
static void expires_again(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phones_talk(&l->a, &l->b);
	phone_request(&l->a, "INVITE", "Expires: 5\r\n", PHONE_SDP_A);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	phone_answer(&l->b, m, "180 Ringing", "");
	rig_wait_ms(l->r, 5100);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 487").n);
	phone_write(&l->a, "ACK", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "CANCEL "), "200 OK", "");
	phone_answer(&l->b, m, "487 Request Terminated", "");
	rig_wait_ms(l->r, 1000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
}

/* B never says anything: timer B ends it. */
static void without_any_response(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_cancel(&l->a);
	assert_cancelled(l);
	rig_wait_ms(l->r, 33000);
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 0);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

static void crossing_an_answer(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	phone_cancel(&l->a);
	assert_cancelled(l);
	(void)rig_take(l->r, &l->b.addr, "CANCEL ");
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 2);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

/* B answered, ours is being saved: the CANCEL is too late for B, and A gets the call (RFC 3261 9.2). */
static void while_the_answer_is_saved(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	l->r->hold_saves = true;
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	phone_cancel(&l->a);
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 200 OK"), "CANCEL\r\n"));
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 200 OK"), "INVITE\r\n"));
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 0);
}

/* RFC 3261 9.1: 64*T1 after the CANCEL the INVITE counts as over. */
static void callee_ignores_it(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	phone_cancel(&l->a);
	assert_cancelled(l);
	rig_wait_ms(l->r, 31000);
	assert_int_equal(rig_counts(l->r).calls, 1);
	rig_wait_ms(l->r, 2000);
	assert_int_equal(rig_counts(l->r).calls, 0);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

static void of_nothing(void **state)
{
	struct line *l = *state;

	phone_begin(&l->a, "1002");
	phone_new_branch(&l->a);
	phone_cancel(&l->a);
	assert_true(phone_hears(&l->a, "SIP/2.0 481").n);
	line_assert_idle(l->r);
}

static void twice(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	phone_cancel(&l->a);
	phone_cancel(&l->a);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 200"), 2);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 487"), 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 1);
}

/* A caller may also end an early dialog with BYE (RFC 3261 15). */
static void early_bye(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	(void)phone_hears(&l->a, "SIP/2.0 180");
	phone_request(&l->a, "BYE", "", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 200 OK").n);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "CANCEL "), "200 OK", "");
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

static void by_the_operator(void **state)
{
	struct line *l = *state;
	struct call_view v;
	uint32_t cursor = 0;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	assert_true(shard_call_next(l->r->shard, &cursor, &v));
	assert_int_equal(v.state, CALL_RINGING);
	assert_int_equal(shard_hangup(l->r->shard, v.call, NULL, l->r->now), 0);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 480").n);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "CANCEL "), "200 OK", "");
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	line_assert_cdr(l, 480, 18, ENDED_BY_OPERATOR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(expires),
		LINE_TEST(expires_too_late),
		LINE_TEST(expires_again),
		LINE_TEST(while_ringing),
		LINE_TEST(before_the_save),
		LINE_TEST(before_the_first_response),
		LINE_TEST(without_any_response),
		LINE_TEST(crossing_an_answer),
		LINE_TEST(while_the_answer_is_saved),
		LINE_TEST(callee_ignores_it),
		LINE_TEST(of_nothing),
		LINE_TEST(twice),
		LINE_TEST(early_bye),
		LINE_TEST(by_the_operator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
