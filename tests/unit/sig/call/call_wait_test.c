/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that wait for an application, which answers them by command. */

#include "sig/model/call_order.h"
#include "tests/unit/sig/application.h"

#define SDP_NO_CODEC                                                                  \
	"v=0\r\no=a 1 1 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 18\r\n"
#define SDP_HOLDS                                                                     \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"

static uint32_t events_of(const struct rig *r, enum sig_event_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->event_count; i++)
		n += r->events[i].kind == kind && !strcmp(r->events[i].application, "ivr");
	return n;
}

/* Saved before said, as a phone that is rung. */
static void rings_when_saved(void **state)
{
	struct line *l = *state;

	l->r->hold_saves = true;
	phone_invite(&l->a, "1004", PHONE_SDP_A);
	rig_run(l->r);
	assert_int_equal(phone_hears(&l->a, "SIP/2.0 180").n, 0);
	assert_int_equal(events_of(l->r, SIG_CALL_WAITING), 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
	assert_int_equal(events_of(l->r, SIG_CALL_WAITING), 1);
}

static void is_answered(void **state)
{
	struct line *l = *state;
	struct flow_spec s;
	struct bytes m;

	application_rings(l, PHONE_SDP_A);
	l->r->hold_saves = true;
	assert_int_equal(application_answer(l), 0);
	assert_int_equal(phone_hears(&l->a, "SIP/2.0 200").n, 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(m, "m=audio 20"));
	assert_true(rig_has(m, "telephone-event"));
	phone_ack(&l->a);
	rig_run(l->r);
	s = line_last_spec(l->r, 0);
	assert_true(s.alone && s.receive && s.send);
	assert_int_equal(s.peer.generation, 0);
	assert_int_equal(application_answer(l), REFUSED_NOT_WAITING); /* it is */
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_string_equal(l->r->cdrs[0].to, "1004");
	assert_true(l->r->cdrs[0].answer_utc_ms);
	assert_int_equal(events_of(l->r, SIG_CALL_ANSWERED), 1);
	assert_int_equal(events_of(l->r, SIG_CALL_ENDED), 1);
}

static void nobody_answers(void **state)
{
	struct line *l = *state;

	application_rings(l, PHONE_SDP_A);
	rig_wait_ms(l->r, 59000);
	assert_int_equal(phone_hears(&l->a, "SIP/2.0 480").n, 0);
	rig_wait_ms(l->r, 1100);
	assert_true(phone_hears(&l->a, "SIP/2.0 480").n);
	phone_ack(&l->a);
	assert_int_equal(events_of(l->r, SIG_CALL_MISSED), 1);
	line_assert_cdr(l, 480, 19, ENDED_BY_NODE);
}

/* To a phone, which hears who calls and for whom. */
static void goes_on(void **state)
{
	struct line *l = *state;
	struct bytes m;

	application_set(l->r, "1004",
			(struct shard_forward){ .no_answer = "1002", .application_wait_s = 5 });
	application_rings(l, PHONE_SDP_A);
	rig_wait_ms(l->r, 5100);
	m = phone_rings(&l->b);
	assert_true(rig_has(m, "1001@"));
	assert_true(rig_has(m, "Diversion: <sip:1004@"));
	assert_int_equal(application_answer(l), REFUSED_NOT_WAITING);
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_false(line_last_spec(l->r, 0).alone);
}

/* The application takes over from a phone that does not answer. */
static void comes_from_a_phone(void **state)
{
	struct line *l = *state;
	struct shard_forward f = { .no_answer = "1004", .rings = 1 };
	struct bytes m;

	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1002", &f), 0);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	rig_run(l->r);
	m = phone_rings(&l->b);
	phone_answer(&l->b, m, "180 Ringing", "");
	rig_wait_ms(l->r, 6100);
	m = rig_take(l->r, &l->b.addr, "CANCEL ");
	assert_true(m.n);
	assert_int_equal(events_of(l->r, SIG_CALL_WAITING), 1);
	assert_int_equal(application_answer(l), 0);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	application_restart(l);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static void caller_gives_up(void **state)
{
	struct line *l = *state;

	application_rings(l, PHONE_SDP_A);
	phone_cancel(&l->a);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_ack(&l->a);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

static void no_codec(void **state)
{
	struct line *l = *state;

	application_rings(l, SDP_NO_CODEC);
	assert_int_equal(application_answer(l), REFUSED_NO_CODEC);
	assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
	phone_ack(&l->a);
	line_assert_idle(l->r);
}

/* RFC 3261 13.2.1: an INVITE without an offer is answered with one. */
static void late_offer(void **state)
{
	struct line *l = *state;
	struct bytes m;

	application_rings(l, "");
	assert_int_equal(application_answer(l), 0);
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(m, "m=audio 20"));
	phone_ack_with(&l->a, PHONE_SDP_A);
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_true(line_last_spec(l->r, 0).send);
	application_restart(l);
	assert_true(line_last_spec(l->r, 0).send);
}

static void reinvites(void **state)
{
	struct line *l = *state;
	struct bytes m;

	application_answered(l);
	phone_request(&l->a, "INVITE", "", SDP_HOLDS);
	rig_run(l->r);
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(m, "a=recvonly"));
	phone_ack(&l->a);
	rig_run(l->r);
	assert_true(line_last_spec(l->r, 0).receive && !line_last_spec(l->r, 0).send);
	application_restart(l);
	assert_true(line_last_spec(l->r, 0).receive && !line_last_spec(l->r, 0).send);
	phone_request(&l->a, "INVITE", "", "");
	rig_run(l->r);
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 200"), "a=sendrecv"));
	phone_ack_with(&l->a, PHONE_SDP_A);
	rig_run(l->r);
	assert_true(line_last_spec(l->r, 0).send);
	phone_request(&l->a, "UPDATE", "", SDP_HOLDS);
	rig_run(l->r);
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 200"), "a=recvonly"));
	assert_false(line_last_spec(l->r, 0).send);
	application_restart(l);
	assert_false(line_last_spec(l->r, 0).send);
}

static void not_for_two(void **state)
{
	struct line *l = *state;
	uint64_t call;

	application_answered(l);
	call = application_call(l->r);
	assert_int_equal(shard_call_hold(l->r->shard, call, 0, NULL, l->r->now), REFUSED_NO_PARTY);
	assert_int_equal(shard_call_dtmf(l->r->shard, call, 1, BYTES_LIT("1"), 120, NULL,
					 l->r->now),
			 REFUSED_NO_PARTY);
	assert_int_equal(shard_call_mute(l->r->shard, call, 0, true, NULL, l->r->now), 0);
	rig_run(l->r);
	assert_false(line_last_spec(l->r, 0).receive);
	phone_request(&l->a, "INFO", "Content-Type: application/dtmf-relay\r\n",
		      "Signal=5\r\nDuration=160\r\n");
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_request(&l->a, "REFER", "Refer-To: <sip:1002@test.local>\r\n", "");
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 4").n);
	assert_int_equal(shard_hangup(l->r->shard, call, NULL, l->r->now), 0);
	rig_run(l->r);
	line_assert_cdr(l, 200, 16, ENDED_BY_OPERATOR);
}

static void survives_a_restart(void **state)
{
	struct line *l = *state;

	application_rings(l, PHONE_SDP_A);
	application_restart(l);
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
	assert_int_equal(events_of(l->r, SIG_CALL_WAITING), 2);
	rig_wait_ms(l->r, 50000);
	l->r->hold_saves = true;
	assert_int_equal(application_answer(l), 0);
	l->r->hold_saves = false;
	l->r->saves[l->r->save_count - 1].answered = true;
	application_restart(l); /* saved, and not said */
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	application_restart(l); /* said, and not acknowledged */
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	application_restart(l);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_true(line_last_spec(l->r, 0).alone && line_last_spec(l->r, 0).receive);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void waits_no_longer_after_a_restart(void **state)
{
	struct line *l = *state;

	application_rings(l, PHONE_SDP_A);
	application_restart(l);
	rig_wait_ms(l->r, 61000);
	assert_true(phone_rings(&l->b).n);
}

/* An application that was away hears of it: again and again, also from the next process, and no more when somebody has it. */
static void is_told_again(void **state)
{
	struct line *l = *state;

	application_rings(l, PHONE_SDP_A);
	rig_wait_ms(l->r, 9900);
	assert_int_equal(events_of(l->r, SIG_CALL_WAITING), 1);
	rig_wait_ms(l->r, 200);
	assert_int_equal(events_of(l->r, SIG_CALL_WAITING), 2);
	application_restart(l);
	rig_wait_ms(l->r, 10100);
	assert_int_equal(events_of(l->r, SIG_CALL_WAITING), 4);
	assert_int_equal(application_answer(l), 0);
	phone_ack(&l->a);
	rig_wait_ms(l->r, 30000);
	assert_int_equal(events_of(l->r, SIG_CALL_WAITING), 4);
}

static int application_order(struct line *l, enum call_order_kind kind, uint32_t seconds)
{
	struct call_order order = { .kind = kind, .has_seconds = true, .seconds = seconds };
	int err = shard_call_order(l->r->shard, application_call(l->r), &order, l->r->now);

	rig_run(l->r);
	return err;
}

/* Answered, and to be heard of every 5 s. */
static void application_holds(struct line *l, struct shard_forward f)
{
	application_set(l->r, "1004", f);
	application_rings(l, PHONE_SDP_A);
	assert_int_equal(application_order(l, ORDER_ANSWER, 5), 0);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
}

/* The caller goes on to where calls go that nobody answers, also from the next process; until then it is heard of. */
static void goes_on_from_one_that_is_gone(void **state)
{
	struct line *l = *state;
	struct bytes m;

	application_holds(l, (struct shard_forward){ .no_answer = "1009,1002" });
	rig_wait_ms(l->r, 4900);
	assert_int_equal(application_order(l, ORDER_KEEP, 5), 0);
	rig_wait_ms(l->r, 4900);
	application_restart(l);
	rig_wait_ms(l->r, 4900);
	assert_int_equal(events_of(l->r, SIG_CALL_TRANSFERRING), 0);
	rig_wait_ms(l->r, 200);
	assert_int_equal(events_of(l->r, SIG_CALL_TRANSFERRING), 1);
	m = phone_rings(&l->b);
	assert_true(rig_has(m, "1001@"));
	assert_true(rig_has(m, "Diversion: <sip:1004@"));
	application_restart(l);
	m = phone_rings(&l->b);
	phone_answer(&l->b, m, "486 Busy", "");
	rig_run(l->r);
	assert_int_equal(events_of(l->r, SIG_CALL_TRANSFER_FAILED), 1);
	rig_wait_ms(l->r, 5100); /* the next process tries once more */
	m = phone_rings(&l->b);
	phone_answer(&l->b, m, "486 Busy", "");
	rig_run(l->r);
	assert_true(rig_take(l->r, &l->a.addr, "BYE ").n);
}

static void application_gives_on(struct line *l, const char *to)
{
	struct call_order order = { .kind = ORDER_TRANSFER, .to = bytes_str(to) };

	assert_int_equal(shard_call_order(l->r->shard, application_call(l->r), &order, l->r->now),
			 0);
	rig_run(l->r);
}

/* Each application has its own time: one that gets its caller back the one that it had, also from the next process. */
static void each_has_its_time(void **state)
{
	struct line *l = *state;
	struct bytes m;

	application_holds(l, (struct shard_forward){ 0 });
	application_gives_on(l, "1002");
	m = phone_rings(&l->b);
	phone_answer(&l->b, m, "180 Ringing", "");
	rig_wait_ms(l->r, 20000);
	application_restart(l);
	phone_answer(&l->b, m, "486 Busy", "");
	rig_run(l->r);
	application_set(l->r, "1004", (struct shard_forward){ 0 });
	rig_wait_ms(l->r, 4800);
	assert_int_equal(rig_take(l->r, &l->a.addr, "BYE ").n, 0);
	rig_wait_ms(l->r, 400);
	assert_true(rig_take(l->r, &l->a.addr, "BYE ").n);
}

static void the_next_one_has_its_own(void **state)
{
	struct line *l = *state;

	application_holds(l, (struct shard_forward){ 0 });
	application_set(l->r, "1002", (struct shard_forward){ 0 });
	application_gives_on(l, "1002");
	assert_int_equal(application_order(l, ORDER_ANSWER, 20), 0);
	rig_wait_ms(l->r, 19000);
	assert_int_equal(rig_take(l->r, &l->a.addr, "BYE ").n, 0);
	rig_wait_ms(l->r, 1500);
	assert_true(rig_take(l->r, &l->a.addr, "BYE ").n);
}

static void ends_where_nobody_is(void **state)
{
	struct line *l = *state;

	application_holds(l, (struct shard_forward){ 0 });
	assert_int_equal(application_order(l, ORDER_CANCEL, 0), REFUSED_NO_TRANSFER);
	rig_wait_ms(l->r, 5100);
	assert_true(rig_take(l->r, &l->a.addr, "BYE ").n);
	assert_int_equal(events_of(l->r, SIG_CALL_ENDED), 1);
}

#define WAIT_TEST(fn) cmocka_unit_test_setup_teardown(fn, application_setup, line_teardown)

/* A caller that has still to acknowledge what a phone said before hears nothing more: one at a time (RFC 3262 3). */
static void rings_behind_an_unacknowledged_response(void **state)
{
	struct line *l = *state;
	struct shard_forward busy = { .busy = "1004" };
	struct bytes m;

	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1002", &busy), 0);
	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", "Require: 100rel\r\n", PHONE_SDP_A);
	assert_true(phone_rings(&l->b).n);
	phone_answer(&l->b, l->b.invite, "182 Queued", "");
	m = phone_hears(&l->a, "SIP/2.0 182");
	assert_true(rig_header(m, "RSeq").n);
	phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
	rig_run(l->r);
	assert_int_equal(events_of(l->r, SIG_CALL_WAITING), 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 180"), 0);
	application_restart(l);
	assert_true(bytes_eq(m, phone_hears(&l->a, "SIP/2.0 182")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WAIT_TEST(is_told_again),
		WAIT_TEST(goes_on_from_one_that_is_gone),
		WAIT_TEST(each_has_its_time),
		WAIT_TEST(the_next_one_has_its_own),
		WAIT_TEST(ends_where_nobody_is),
		WAIT_TEST(rings_when_saved),
		WAIT_TEST(is_answered),
		WAIT_TEST(nobody_answers),
		WAIT_TEST(goes_on),
		WAIT_TEST(comes_from_a_phone),
		WAIT_TEST(caller_gives_up),
		WAIT_TEST(no_codec),
		WAIT_TEST(late_offer),
		WAIT_TEST(reinvites),
		WAIT_TEST(not_for_two),
		WAIT_TEST(survives_a_restart),
		WAIT_TEST(waits_no_longer_after_a_restart),
		WAIT_TEST(rings_behind_an_unacknowledged_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
