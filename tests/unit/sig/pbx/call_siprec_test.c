/* SPDX-License-Identifier: Apache-2.0 */
/* Calls with an external recorder (REC-02): its session by policy and by command, over pauses, transfers, refusals and kills. */
#include <errno.h>

#include "tests/unit/sig/recorder.h"
#include "tests/unit/sig/ways.h"

/* What doctors see of it. */
static struct call_view_recorder seen(struct rig *r)
{
	static struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	assert_int_equal(view.recording_count, 1);
	assert_true(view.recordings[0].recorder.external);
	return view.recordings[0].recorder;
}

static void taken(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct bytes m;

	order(t, ORDER_RECORD_ON, 0);
	m = is_asked(t);
	assert_true(bytes_starts(m, "INVITE sip:srs@192.0.2.77:5060 SIP/2.0\r\n"));
	assert_true(rig_has(m, "To: <sip:srs@192.0.2.77:5060>\r\n"));
	assert_true(rig_has(m, "Content-Type: multipart/mixed;boundary=tandem-"));
	assert_true(rig_has(m, "aor=\"sip:1001@"));
	assert_true(rig_has(m, "aor=\"sip:1002@"));
	assert_true(rig_has(m, "a=label:1\r\na=sendonly\r\n"));
	assert_true(rig_has(m, "a=label:2\r\na=sendonly\r\n"));
	assert_tapped(r, false); /* nobody takes it yet */
	assert_toned(r, false);
	assert_int_equal(r->record_count, 0);
	phone_answer(&g_recorder, m, "200 OK", TAKES);
	assert_true(rig_take(r, &g_recorder.addr, "ACK ").n);
	assert_tapped(r, true);
	assert_toned(r, true);
	assert_true(r->forks);
	assert_true(seen(r).taken);
	assert_int_equal(seen(r).speak, 2);
	assert_int_equal(seen(r).takes, 2);
	assert_int_equal(seen(r).at.port, 5060);
	for (uint16_t i = 0; i < FORK_STREAMS; i++) {
		assert_int_equal(r->fork.stream[i].on, 1);
		assert_int_equal(r->fork.stream[i].leg, i);
		assert_int_equal(r->fork.stream[i].remote.port, 4000 + 2 * i);
		assert_int_not_equal(r->fork.stream[i].local.port, 0);
		assert_int_equal(r->fork.stream[i].key.suite, MEDIA_SUITE_NONE);
	}
	phone_answer(&g_recorder, m, "200 OK", TAKES); /* it did not hear the ACK */
	assert_true(rig_take(r, &g_recorder.addr, "ACK ").n);
	assert_int_equal(rig_count(r, &g_recorder.addr, "INVITE "), 1);
	hangs_up(t);
	hears_bye(t);
	assert_false(r->forks);
	line_assert_idle(r);
	assert_int_equal(r->cdrs[0].recordings, 2);
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 0);
	assert_int_equal(told(r, SIG_CALL_RECORDING_ENDED), 1);
}

static void by_policy(void **state)
{
	struct trio *t = *state;

	hangs_up(t);
	line_assert_idle(t->l.r);
	allowed(t->l.r, "1002", RECORD_AUTO);
	phones_talk(&t->l.a, &t->l.b);
	takes(t);
	assert_int_equal(t->l.r->fork.stream[0].leg, 1); /* whose recording it is */
	assert_tapped(t->l.r, true);
	hangs_up(t);
	hears_bye(t);
	line_assert_idle(t->l.r);
}

/* All that it is asked by now, also when who talks is known better. */
static void recorder_takes_all(struct trio *t)
{
	struct bytes m;

	while ((m = phone_rings(&g_recorder)).n) {
		phone_answer(&g_recorder, m, "200 OK", TAKES);
		assert_true(rig_take(t->l.r, &g_recorder.addr, "ACK ").n);
	}
}

/* One for each place that a setting asks for: what two ask for at one place is one, and the event says so. */
static void each_place_has_one(void **state)
{
	enum { NONE = 99 };
	static const struct {
		uint8_t a, b; /* enum record_to */
		uint32_t files, recorders;
		uint8_t a_tap, b_tap;
		bool for_both;
	} rows[] = {
		{ RECORD_TO_FILES, RECORD_TO_SIPREC, 1, 1, 1, 0, false },
		{ RECORD_TO_SIPREC, RECORD_TO_FILES, 1, 1, 0, 2, false },
		{ RECORD_TO_MAILBOX, RECORD_TO_SIPREC, 1, 1, 1, 0, false },
		{ RECORD_TO_FILES, RECORD_TO_MAILBOX, 2, 0, 1, 2, false },
		{ RECORD_TO_MAILBOX, RECORD_TO_MAILBOX, 2, 0, 1, 2, false },
		{ RECORD_TO_FILES, RECORD_TO_FILES, 1, 0, 1, 0, true },
		{ RECORD_TO_SIPREC, RECORD_TO_SIPREC, 0, 1, 0, 0, true },
		{ RECORD_TO_SIPREC, NONE, 0, 1, 0, 0, false },
		{ NONE, RECORD_TO_SIPREC, 0, 1, 0, 0, false },
	};

	for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
		uint32_t begun = 0;
		struct trio *t;
		struct rig *r;

		if (i) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(siprec_setup(state), 0);
		}
		t = *state;
		r = t->l.r;
		hangs_up(t);
		line_assert_idle(r);
		for (int leg = 0; leg < 2; leg++) {
			struct shard_extension e = rig_extension(leg ? "1002" : "1001", false);

			e.record_to = leg ? rows[i / 2].b : rows[i / 2].a;
			e.record = e.record_to == NONE ? RECORD_OFF : RECORD_AUTO;
			e.record_to = e.record_to == NONE ? 0 : e.record_to;
			assert_int_equal(shard_extension_put(r->shard, &e), 0);
		}
		r->event_count = 0;
		phones_talk(&t->l.a, &t->l.b);
		recorder_takes_all(t);
		if (i % 2) { /* all go on in the next process */
			line_restart(&t->l, line_stored(&t->l));
			recorder_takes_all(t);
		}
		for (uint32_t k = 0; k < r->record_count; k++)
			begun += r->records[k].record.act == RECORD_START;
		assert_int_equal(begun, rows[i / 2].files);
		assert_int_equal(line_last_spec(r, 0).tap, rows[i / 2].a_tap);
		assert_int_equal(line_last_spec(r, 1).tap, rows[i / 2].b_tap);
		assert_int_equal(line_last_spec(r, 0).tap_fork, rows[i / 2].recorders);
		assert_int_equal(line_last_spec(r, 1).tap_fork, rows[i / 2].recorders);
		assert_int_equal(told(r, SIG_CALL_RECORDING),
				 rows[i / 2].files + rows[i / 2].recorders);
		for (uint32_t k = 0; k < r->event_count; k++) {
			if (r->events[k].kind == SIG_CALL_RECORDING)
				assert_int_equal((event_str(&r->events[k], EV_ALSO)[0] != 0),
						 rows[i / 2].for_both);
		}
	}
}

static void paused(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct bytes m;

	is_taken(t);
	order(t, ORDER_RECORD_PAUSE, 0);
	assert_tapped(r, false); /* at once */
	assert_toned(r, false);
	assert_int_equal(r->fork.stream[0].on + r->fork.stream[1].on, 0);
	m = is_asked(t);
	assert_true(rig_has(m, "a=label:1\r\na=inactive\r\n"));
	order(t, ORDER_RECORD_RESUME, 0); /* before it has answered */
	assert_int_equal(rig_count(r, &g_recorder.addr, "INVITE "), 2);
	phone_answer(&g_recorder, m, "200 OK", ANSWER("inactive"));
	assert_tapped(r, false);
	takes(t);
	assert_tapped(r, true);
	order(t, ORDER_RECORD_OFF, 0);
	assert_tapped(r, false);
	hears_bye(t);
	hangs_up(t);
	line_assert_idle(r);
}

/* Nobody hears whom it holds: the recorder does not either. */
static void held(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	is_taken(t);
	assert_int_equal(shard_call_mute(r->shard, siprec_call(r), 0, true, NULL, r->now), 0);
	rig_wait_ms(r, 1);
	assert_int_equal(line_last_spec(r, 0).tap_fork, 0);
	assert_int_equal(line_last_spec(r, 1).tap_fork, 1);
	assert_true(rig_has(is_asked(t), "a=label:1\r\na=inactive\r\n"));
	phone_answer(&g_recorder, g_recorder.invite, "200 OK", TAKES);
	hangs_up(t);
	hears_bye(t);
	line_assert_idle(r);
}

/* The order is of 1001, whoever it speaks with. */
static void given_away(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct bytes m;

	is_taken(t);
	give_away(t, &t->l.b);
	m = phone_rings(&g_recorder);
	if (m.n)
		phone_answer(&g_recorder, m, "200 OK", TAKES);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	m = phone_rings(&g_recorder);
	assert_true(rig_has(m, "aor=\"sip:1004@"));
	assert_false(rig_has(m, "aor=\"sip:1002@"));
	phone_answer(&g_recorder, m, "200 OK", TAKES);
	assert_int_equal(r->fork.stream[1].leg, 2);
	assert_int_equal(line_last_spec(r, 2).tap_fork, 1);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
	trio_assert_left(&t->l.b);
	phone_request(&t->l.a, "BYE", "", "");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	trio_assert_left(&t->c);
	hears_bye(t);
	line_assert_idle(r);
}

/* ---- recorders that do not take it ---- */

static const struct {
	const char *name, *status, *body;
	bool bye; /* it has taken what cannot be used */
} g_refusals[] = {
	{ "refused", "503 Service Unavailable", "", false },
	{ "not a recorder", "420 Bad Extension", "", false },
	{ "without SDP", "200 OK", "", true },
	{ "neither stream", "200 OK",
	  "v=0\r\no=- 1 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\n"
	  "m=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n",
	  true },
	{ "to ourselves", "200 OK",
	  "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	  "m=audio 5060 RTP/AVP 0\r\nm=audio 5060 RTP/AVP 0\r\n",
	  true },
};

static void refused(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	order(t, ORDER_RECORD_ON, 0);
	assert_null(seen(r).reason);
	for (size_t i = 0; i < COUNT_OF(g_refusals); i++) {
		print_message("# %s\n", g_refusals[i].name);
		phone_answer(&g_recorder, is_asked(t), g_refusals[i].status, g_refusals[i].body);
		assert_true(rig_take(r, &g_recorder.addr, "ACK ").n);
		if (g_refusals[i].bye)
			hears_bye(t);
		assert_tapped(r, false);
		assert_true(seen(r).lost && seen(r).refused && !seen(r).taken);
		assert_int_equal(seen(r).status,
				 g_refusals[i].bye ? 0 : atoi(g_refusals[i].status));
		assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 1); /* once */
		rig_wait_ms(r, (UINT64_C(1000) << i) - 100);
		assert_int_equal(rig_count(r, &g_recorder.addr, "INVITE "), i + 1);
		rig_wait_ms(r, 200);
	}
	takes(t);
	assert_null(seen(r).reason);
	assert_int_equal(told(r, SIG_CALL_RECORDING_TAKEN), 1);
	assert_tapped(r, true);
	hangs_up(t);
	hears_bye(t);
	line_assert_idle(r);
}

/* It takes the session and no stream, as some do whose disk is full. */
static void takes_no_stream(void **state)
{
	struct trio *t = *state;

	order(t, ORDER_RECORD_ON, 0);
	phone_answer(&g_recorder, is_asked(t), "200 OK", ANSWER("inactive"));
	assert_true(rig_take(t->l.r, &g_recorder.addr, "ACK ").n);
	assert_true(seen(t->l.r).taken);
	assert_int_equal(seen(t->l.r).speak, 2);
	assert_int_equal(seen(t->l.r).takes, 0);
	order(t, ORDER_RECORD_PAUSE, 0);
	phone_answer(&g_recorder, is_asked(t), "200 OK", ANSWER("inactive"));
	assert_true(rig_take(t->l.r, &g_recorder.addr, "ACK ").n);
	assert_int_equal(seen(t->l.r).speak, 0);
}

/* It says nothing at all; the call ends meanwhile as any other. */
static void silent(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	order(t, ORDER_RECORD_ON, 0);
	rig_wait_ms(r, 40000);
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 1);
	assert_true(rig_count(r, &g_recorder.addr, "INVITE ") > 1);
	hangs_up(t);
	assert_int_equal(r->cdr_count, 1); /* it waits for no recorder */
	line_assert_idle(r);
}

static void unreachable(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct sip_hop hop = { .transport = SIP_UDP, .remote = g_recorder.addr };

	order(t, ORDER_RECORD_ON, 0);
	assert_true(is_asked(t).n);
	shard_send_failed(r->shard, &hop, ECONNREFUSED, r->now);
	rig_run(r);
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 1);
	assert_true(seen(r).lost && seen(r).reason && !seen(r).refused);
	rig_wait_ms(r, 1001);
	takes(t);
	hangs_up(t);
	hears_bye(t);
	line_assert_idle(r);
}

static void ended_by_recorder(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	is_taken(t);
	phone_request(&g_recorder, "OPTIONS", "", "");
	assert_true(phone_hears(&g_recorder, "SIP/2.0 200").n);
	phone_request(&g_recorder, "BYE", "", "");
	assert_true(rig_take(r, &g_recorder.addr, "SIP/2.0 200").n);
	assert_tapped(r, false);
	assert_int_equal(told(r, SIG_CALL_RECORDING_LOST), 1);
	phone_request(&g_recorder, "BYE", "", "");
	assert_true(rig_take(r, &g_recorder.addr, "SIP/2.0 481").n);
	rig_wait_ms(r, 1001);
	takes(t);
	hangs_up(t);
	hears_bye(t);
	line_assert_idle(r);
}

/* It takes what is over already: it hears so. */
static void late(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct bytes m;

	order(t, ORDER_RECORD_ON, 0);
	m = is_asked(t);
	order(t, ORDER_RECORD_OFF, 0);
	phone_answer(&g_recorder, m, "200 OK", TAKES);
	assert_true(rig_take(r, &g_recorder.addr, "ACK ").n);
	hears_bye(t);
	order(t, ORDER_RECORD_ON, 0);
	m = is_asked(t);
	phone_answer(&g_recorder, m, "180 Ringing", "");
	hangs_up(t);
	assert_true(rig_take(r, &g_recorder.addr, "CANCEL ").n);
	phone_answer(&g_recorder, m, "200 OK", TAKES); /* they have crossed, and the call is gone */
	assert_true(rig_take(r, &g_recorder.addr, "ACK ").n);
	hears_bye(t);
	line_assert_idle(r);
}

static void nowhere(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	allowed(l->r, "1001", RECORD_ON_DEMAND);
	phones_talk(&l->a, &l->b);
	assert_int_equal(shard_call_record(l->r->shard, siprec_call(l->r), 0, ORDER_RECORD_ON, NULL,
					   l->r->now),
			 REFUSED_NO_RECORDER);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	(void)line_teardown(state);
}

/* ---- over kills ---- */

static void killed(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	char call_id[128];
	struct bytes m;

	is_taken(t);
	phone_copy(call_id, sizeof(call_id), rig_header(g_recorder.invite, "Call-ID"));
	line_restart(&t->l, line_stored(&t->l));
	m = phone_rings(&g_recorder);
	assert_true(rig_has(m, "a=label:1\r\na=sendonly\r\n"));
	assert_true(bytes_is(rig_header(m, "Call-ID"), call_id));
	assert_true(rig_has(rig_header(m, "To"), ";tag="));
	assert_tapped(r, false);
	phone_answer(&g_recorder, m, "481 Call Does Not Exist", ""); /* it was killed, too */
	assert_true(rig_take(r, &g_recorder.addr, "ACK ").n);
	rig_wait_ms(r, 1001);
	takes(t);
	assert_tapped(r, true);
	hangs_up(t);
	hears_bye(t);
	line_assert_idle(r);
}

/* Before it has answered: another session. */
static void killed_early(void **state)
{
	struct trio *t = *state;

	order(t, ORDER_RECORD_ON, 0);
	assert_true(is_asked(t).n);
	line_restart(&t->l, line_stored(&t->l));
	takes(t);
	assert_tapped(t->l.r, true);
	hangs_up(t);
	hears_bye(t);
	line_assert_idle(t->l.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIPREC_TEST(taken),
		SIPREC_TEST(by_policy),
		SIPREC_TEST(each_place_has_one),
		SIPREC_TEST(paused),
		SIPREC_TEST(held),
		SIPREC_TEST(given_away),
		SIPREC_TEST(refused),
		SIPREC_TEST(takes_no_stream),
		SIPREC_TEST(silent),
		SIPREC_TEST(unreachable),
		SIPREC_TEST(ended_by_recorder),
		SIPREC_TEST(late),
		cmocka_unit_test(nowhere),
		SIPREC_TEST(killed),
		SIPREC_TEST(killed_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
