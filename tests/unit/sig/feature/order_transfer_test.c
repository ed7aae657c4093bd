/* SPDX-License-Identifier: Apache-2.0 */
/* By command a party is given to somebody else, and two calls become one (FEATURES CALL-23, CALL-24, CALL-26, CALL-29). */
#include <errno.h>

#include "sig/call/act.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/trio.h"

#define SDP_G722                                                                      \
	"v=0\r\no=c 1 1 IN IP4 192.0.2.14\r\ns=-\r\nc=IN IP4 192.0.2.14\r\nt=0 0\r\n" \
	"m=audio 6000 RTP/AVP 9 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
#define SDP_C                                                                         \
	"v=0\r\no=c 1 1 IN IP4 192.0.2.14\r\ns=-\r\nc=IN IP4 192.0.2.14\r\nt=0 0\r\n" \
	"m=audio 6000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
#define SDP_OF(version, formats)                                                                \
	"v=0\r\no=x 1 " version " IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP " formats "\r\na=sendrecv\r\n"

static void application_set(struct rig *r)
{
	struct shard_forward f = { 0 };

	(void)bytes_cstr(BYTES_LIT("ivr"), f.application, sizeof(f.application));
	assert_int_equal(shard_forward_set(r->shard, "1003", &f), 0);
}

static int setup(void **state)
{
	struct trio *t;

	(void)trio_setup(state);
	t = *state;
	application_set(t->l.r);
	return 0;
}

#define ORDER_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, line_teardown)

static void restart(struct trio *t)
{
	trio_restart(t);
	application_set(t->l.r);
}

/* The i-th call of the shard. */
static uint64_t call_at(struct rig *r, uint32_t i)
{
	struct call_view view;
	uint32_t cursor = 0;

	for (uint32_t n = 0; n <= i; n++)
		assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

static struct shard_order order_of(uint64_t id)
{
	return (struct shard_order){ .id = id, .ticket = id + 100 };
}

static int transfer(struct trio *t, enum shard_leg leg, const char *to, uint64_t id)
{
	struct rig *r = t->l.r;
	struct shard_order by = order_of(id);
	int err = shard_call_transfer(r->shard, call_at(r, 0), leg, to, id ? &by : NULL, r->now);

	rig_run(r);
	return err;
}

/* What the last event of that kind says. */
static const struct sig_event *last_event(const struct rig *r, enum sig_event_kind kind)
{
	static const struct sig_event none;

	for (uint32_t i = r->event_count; i-- > 0;) {
		if (r->events[i].kind == kind)
			return &r->events[i];
	}
	return &none;
}

/* A phone that calls the application, and is answered. */
static void alone(struct trio *t, struct phone *p, const char *sdp)
{
	struct rig *r = t->l.r;
	struct call_view view;
	uint32_t cursor = 0;

	phone_invite(p, "1003", sdp);
	rig_run(r);
	assert_true(phone_hears(p, "SIP/2.0 180").n);
	while (shard_call_next(r->shard, &cursor, &view)) {
		if (view.state == CALL_RINGING)
			assert_int_equal(shard_call_answer(r->shard, view.call, NULL, r->now), 0);
	}
	rig_run(r);
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	phone_ack(p);
	rig_run(r);
}

static void rings(struct trio *t)
{
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
}

static void refuses(struct trio *t)
{
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
}

static void assert_failed(const struct rig *r, uint16_t status, const char *application)
{
	const struct sig_event *event = last_event(r, SIG_CALL_TRANSFER_FAILED);

	assert_int_equal(event->status, status);
	assert_string_equal(event->application, application);
}

/* What the CDRs say of the time that was talked is the time that passed. */
static void assert_cdr_sum(const struct rig *r)
{
	for (uint32_t i = 1; i < r->cdr_count; i++) {
		if (r->cdrs[i].call == r->cdrs[i - 1].call)
			assert_int_equal(r->cdrs[i].setup_utc_ms, r->cdrs[i - 1].end_utc_ms);
	}
}

/* ---- transfer ---- */

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

/* Who is alone with the node hears ringback, then whoever answers. */
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
	struct act_terms terms = { .times = 1, .file_count = 1, .files = { "sorry.wav" } };
	struct trio *t = *state;
	struct rig *r = t->l.r;

	alone(t, &t->l.a, PHONE_SDP_A);
	for (uint64_t i = 1; i <= 2; i++) {
		assert_int_equal(shard_call_act(r->shard, call_at(r, 0), &terms, NULL, r->now), 0);
		rig_run(r);
		assert_int_equal(transfer(t, SHARD_LEG_NONE, "1004", i), 0);
		assert_string_equal(last_event(r, SIG_CALL_PLAYED)->reason, "stopped");
		assert_string_equal(last_event(r, SIG_CALL_PLAYED)->application, "ivr");
		rings(t);
		assert_int_equal(shard_call_act(r->shard, call_at(r, 0), &terms, NULL, r->now),
				 -EISCONN);
		if (i == 2)
			restart(t);
		refuses(t);
		assert_failed(r, 486, "ivr");
		restart(t);
		assert_true(line_last_spec(r, 0).alone);
	}
	assert_int_equal(shard_call_act(r->shard, call_at(r, 0), &terms, NULL, r->now), 0);
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
				restart(t);
			t->l.r->hold_saves = at == 1;
			if (at == 1) {
				phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
				t->l.r->hold_saves = false;
				restart(t);
				assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
				(void)trio_told_again(given, PHONE_SDP_B);
			} else {
				trio_c_answers(t, given, pair ? PHONE_SDP_B : PHONE_SDP_A);
			}
			if (at == 2)
				restart(t);
			if (pair)
				trio_assert_left(&t->l.a);
			assert_int_equal(rig_counts(t->l.r).calls_established, 1);
			trio_assert_ends(t, given, &t->c);
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(setup(state), 0);
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
	restart(t);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 1), 0);
	assert_int_equal(t->l.r->order_count, 3);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 2), -EALREADY);
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
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 1), -ENODEV);
	assert_int_equal(transfer(t, SHARD_LEG_NONE, "1009", 2), -ENXIO);
	assert_int_equal(transfer(t, SHARD_LEG_NONE, "1001", 3), -ELOOP);
	phone_request(&t->l.a, "BYE", "", "");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	line_assert_idle(t->l.r);
	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&t->l.b).n);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 4), -ENOTCONN);
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1004", 5), -ENOTCONN);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_ack(&t->l.a);
	assert_int_equal(transfer(t, SHARD_LEG_NONE, "1004", 6), -EDESTADDRREQ);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1002", 7), -ELOOP);
	trio_assert_talks(t->l.r, 0, 1);
	assert_int_equal(t->l.r->order_count, 0);
}

static void unregistered(void **state)
{
	struct trio *t = *state;
	struct shard_forward none = { 0 };

	assert_int_equal(shard_forward_set(t->l.r->shard, "1003", &none), 0);
	phones_talk(&t->l.a, &t->l.b);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1003", 1), -EHOSTUNREACH);
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

/* ---- join ---- */

static int join_as(struct trio *t, const struct shard_join *what, uint64_t id)
{
	struct shard_order by = order_of(id);
	struct shard_join join = *what;
	int err;

	join.by = &by;
	err = shard_call_join(t->l.r->shard, &join, t->l.r->now);
	rig_run(t->l.r);
	return join.of_with ? err - 1000 : err;
}

static void two_alone(struct trio *t, struct shard_join *join)
{
	alone(t, &t->l.a, PHONE_SDP_A);
	join->call = call_at(t->l.r, 0);
	alone(t, &t->c, SDP_C);
	join->with = call_at(t->l.r, 0) == join->call ? call_at(t->l.r, 1) : call_at(t->l.r, 0);
}

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

/* While what they hear is played, or their keys are collected. */
static void joins_who_hear_something(void **state)
{
	struct act_terms plays = { .times = 1, .file_count = 1, .files = { "wait.wav" } };
	struct act_terms collects = { .times = 1, .min = 1, .max = 4, .first_ms = 5000 };
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct shard_join join = { 0 };

	two_alone(t, &join);
	assert_int_equal(shard_call_act(r->shard, join.call, &plays, NULL, r->now), 0);
	assert_int_equal(shard_call_act(r->shard, join.with, &collects, NULL, r->now), 0);
	rig_run(r);
	assert_int_equal(join_as(t, &join, 1), 0);
	assert_string_equal(last_event(r, SIG_CALL_PLAYED)->reason, "stopped");
	assert_string_equal(last_event(r, SIG_CALL_COLLECTED)->reason, "stopped");
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
			assert_int_equal(setup(state), 0);
		}
	}
}

/* A speaks with B, and another B with C: who stays is for the command to say. */
static void two_pairs(struct trio *t, struct phone *second, struct shard_join *join)
{
	phones_talk(&t->l.a, &t->l.b);
	join->call = call_at(t->l.r, 0);
	phone_open(second, t->l.r, "1002", "192.0.2.12:5060");
	(void)snprintf(second->tag, sizeof(second->tag), "second");
	phone_invite(second, "1004", PHONE_SDP_B);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "200 OK", SDP_C);
	assert_true(phone_hears(second, "SIP/2.0 200").n);
	phone_ack(second);
	assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
	join->with = call_at(t->l.r, 0) == join->call ? call_at(t->l.r, 1) : call_at(t->l.r, 0);
	join->leg = SHARD_LEG_CALLER;
	join->with_leg = SHARD_LEG_CALLEE;
}

static void assert_pairs_joined(struct trio *t)
{
	struct bytes m;

	while ((m = rig_take(t->l.r, &t->l.b.addr, "BYE ")).n)
		phone_answer(&t->l.b, m, "200 OK", "");
	rig_wait_ms(t->l.r, 40000);
	assert_int_equal(rig_counts(t->l.r).calls, 1);
	trio_assert_talks(t->l.r, 0, 2);
	assert_int_equal(line_last_spec(t->l.r, 0).remote_rtp.port, 4000);
	assert_int_equal(line_last_spec(t->l.r, 2).remote_rtp.port, 6000);
	trio_assert_ends(t, &t->c, &t->l.a);
	assert_int_equal(t->l.r->cdr_count, 3);
	assert_cdr_sum(t->l.r);
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
static void joined_when_it_is_saved(void **state)
{
	struct trio *t = *state;
	struct phone second;
	struct shard_join join = { 0 };
	uint32_t saves;

	two_pairs(t, &second, &join);
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
		restart(t);
		rig_wait_ms(t->l.r, 100);
		assert_pairs_joined(t);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(setup(state), 0);
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
		restart(t);
		rig_wait_ms(t->l.r, 100);
		assert_int_equal(join_as(t, &join, 1), 0);
		assert_two_joined(t);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(setup(state), 0);
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
	restart(t);
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
	assert_int_equal(join_as(t, &bad, 1), -ENOENT);
	bad = join;
	bad.with = 1;
	assert_int_equal(join_as(t, &bad, 2), -ENOENT - 1000);
	bad.with = join.call;
	assert_int_equal(join_as(t, &bad, 3), -ELOOP - 1000);
	bad = join;
	bad.leg = SHARD_LEG_NONE;
	assert_int_equal(join_as(t, &bad, 4), -EDESTADDRREQ);
	bad = join;
	bad.with_leg = SHARD_LEG_NONE;
	assert_int_equal(join_as(t, &bad, 5), -EDESTADDRREQ - 1000);
	assert_int_equal(transfer(t, SHARD_LEG_CALLER, "1003", 6), 0);
	assert_int_equal(rig_counts(t->l.r).calls, 2);
}

/* ---- two that have no codec in common, or not all ---- */

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
				restart(t);
				m = asked_for(&t->l.a, "RTP/AVP 9 101\r\n");
			}
			t->l.r->hold_saves = at == 1;
			if (refuses)
				phone_answer(&t->l.a, m, "488 Not Acceptable Here", "");
			else
				phone_answer(&t->l.a, m, "200 OK", SDP_OF("2", "9"));
			t->l.r->hold_saves = false;
			if (at == 1)
				restart(t);
			rig_wait_ms(t->l.r, 100);
			if (at == 2)
				restart(t);
			if (!refuses) {
				assert_one_call(t, 9);
			} else {
				while ((m = rig_take(t->l.r, &t->l.a.addr, "INVITE ")).n)
					takes_none(&t->l.a, m);
				rig_wait_ms(t->l.r, 100);
				m = asked_for(&t->c, "RTP/AVP 8 0 101\r\n");
				if (at == 3)
					restart(t);
				takes_none(&t->c, m);
				rig_wait_ms(t->l.r, 1000);
				assert_int_equal(rig_counts(t->l.r).calls_established, 2);
				assert_failed(t->l.r, 488, "ivr");
			}
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(setup(state), 0);
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
			restart(t);
			m = asked_for(&t->l.a, "RTP/AVP 9 101\r\n");
		}
		takes(&t->l.a, m, SDP_OF("2", "9"));
		rig_wait_ms(r, killed ? 36000 : 1000);
		takes(&t->l.a, asked_for(&t->l.a, "RTP/AVP 8 101\r\n"), SDP_OF("3", "8"));
		trio_assert_talks(r, 0, 1);
		assert_hears(r, 0, 8);
		trio_assert_ends(t, &t->l.a, &t->l.b);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(setup(state), 0);
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
		assert_int_equal(setup(state), 0);
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
	assert_int_equal(join_as(t, &back, 2), -EALREADY - 1000);
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
		ORDER_TEST(caller_gives_callee),
		ORDER_TEST(callee_gives_caller),
		ORDER_TEST(nobody_takes_it),
		ORDER_TEST(alone_goes_on),
		ORDER_TEST(alone_comes_back),
		ORDER_TEST(alone_hangs_up),
		ORDER_TEST(transfer_over_kills),
		ORDER_TEST(same_command_again),
		ORDER_TEST(answered_when_saved),
		ORDER_TEST(transfer_refused),
		ORDER_TEST(unregistered),
		ORDER_TEST(behind_an_invite),
		ORDER_TEST(who_was_held),
		ORDER_TEST(refer_meanwhile),
		ORDER_TEST(joins_two_alone),
		ORDER_TEST(joins_who_hear_something),
		ORDER_TEST(joins_one_of_two),
		ORDER_TEST(joins_two_pairs),
		ORDER_TEST(joined_when_it_is_saved),
		ORDER_TEST(join_over_kills),
		ORDER_TEST(two_alone_over_kills),
		ORDER_TEST(without_the_store),
		ORDER_TEST(before_the_ack),
		ORDER_TEST(before_the_ack_of_the_other),
		ORDER_TEST(ack_never_comes),
		ORDER_TEST(join_refused),
		ORDER_TEST(who_has_more_is_asked),
		ORDER_TEST(then_the_other_one),
		ORDER_TEST(no_codec_in_common),
		ORDER_TEST(unlike_over_kills),
		ORDER_TEST(who_comes_leaves),
		ORDER_TEST(back_to_whom_it_has),
		ORDER_TEST(back_in_the_other_call),
		ORDER_TEST(asked_for_less),
		ORDER_TEST(each_with_the_other),
		ORDER_TEST(other_call_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
