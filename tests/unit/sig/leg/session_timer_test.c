/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4028 on both legs: what is agreed, who refreshes and how, and the end of calls that nobody refreshes. */
#include "tests/unit/sig/line.h"

#define TIMER   "Supported: timer\r\n"
#define UPDATES "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n"

static int setup(void **state)
{
	struct line *l = calloc(1, sizeof(*l));
	struct shard_settings s = rig_settings();

	s.session_expires_s = 1800;
	l->r = rig_open_with(&s);
	phones_open(l->r, &l->a, &l->b);
	*state = l;
	return 0;
}

/* A call whose 2xx to A is returned. */
static struct bytes talk(struct line *l, const char *a, const char *b)
{
	struct bytes m;

	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", a, PHONE_SDP_A);
	phone_answer_as(&l->b, phone_rings(&l->b), l->b.tag, "200 OK", b, PHONE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(m.n);
	phone_ack(&l->a);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	return m;
}

static uint32_t untaken(const struct rig *r, const struct addr *to, const char *begin)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->sent_count; i++)
		n += !r->sent[i].taken && addr_eq(&r->sent[i].hop.remote, to) &&
		     bytes_starts(text_bytes(&r->sent[i].data), begin);
	return n;
}

static void wait_s(struct line *l, uint64_t s)
{
	rig_wait_ms(l->r, s * 1000);
}

/* The request as soon as it comes, before it is said again. */
static struct bytes hears_within(struct line *l, const struct phone *p, const char *begin, int s)
{
	for (int i = 0; i < s * 10 && untaken(l->r, &p->addr, begin) == 0; i++)
		rig_wait_ms(l->r, 100);
	return rig_take(l->r, &p->addr, begin);
}

static bool says(struct bytes m, const char *header, const char *value)
{
	return bytes_is(rig_header(m, header), value);
}

/* What A asks for and what it is told; the rows of RFC 4028 table 2. */
static void agreed_with_the_caller(void **state)
{
	static const struct {
		const char *lines, *answer, *require;
	} rows[] = {
		{ "", "1800;refresher=uas", "" },
		{ TIMER, "1800;refresher=uas", "" },
		{ TIMER "Session-Expires: 600\r\n", "600;refresher=uas", "" },
		{ TIMER "x: 7200;refresher=uac\r\n", "1800;refresher=uac", "timer" },
		{ TIMER "Session-Expires: 300 ;refresher=uas\r\n", "300;refresher=uas", "" },
		{ "Session-Expires: 30\r\n", "90;refresher=uas", "" }, /* a proxy's */
		{ TIMER "Session-Expires: 3000\r\nMin-SE: 2400\r\n", "2400;refresher=uas", "" },
		{ TIMER "Session-Expires: soon\r\n", "1800;refresher=uas", "" },
		{ "Require: timer\r\nSession-Expires: 120;refresher=uac\r\n", "120;refresher=uac",
		  "timer" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes m;

		if (i) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(setup(state), 0);
		}
		m = talk(*state, rows[i].lines, "");
		ROW_ASSERT(rows[i].lines, says(m, "Session-Expires", rows[i].answer));
		ROW_ASSERT(rows[i].lines, says(m, "Require", rows[i].require));
		ROW_ASSERT(rows[i].lines,
			   says(m, "Supported", "100rel, timer, replaces, tdialog, norefersub"));
	}
}

static void too_small(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", TIMER "Session-Expires: 89\r\n", PHONE_SDP_A);
	m = phone_hears(&l->a, "SIP/2.0 422");
	assert_true(says(m, "Min-SE", "90"));
	phone_write(&l->a, "ACK", "", "");
	assert_int_equal(rig_counts(l->r).calls, 0);
	(void)talk(l, TIMER "Session-Expires: 90\r\n", "");
	phone_request(&l->a, "INVITE", TIMER "Session-Expires: 10\r\n", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 422").n);
	phone_write(&l->a, "ACK", "", "");
	phone_request(&l->a, "UPDATE", TIMER "Session-Expires: 10\r\n", "");
	assert_true(says(phone_hears(&l->a, "SIP/2.0 422"), "Min-SE", "90"));
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* B wants longer sessions: it is asked for one. */
static void callee_wants_longer(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	m = phone_rings(&l->b);
	assert_true(says(m, "Session-Expires", "1800") &&
		    says(m, "Supported", "100rel, timer, replaces, tdialog, norefersub"));
	assert_int_equal(rig_header(m, "Min-SE").n, 0);
	phone_answer_as(&l->b, m, l->b.tag, "422 Session Interval Too Small", "Min-SE: 3600\r\n",
			"");
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
	m = phone_rings(&l->b);
	assert_true(says(m, "Session-Expires", "3600") && says(m, "Min-SE", "3600"));
	assert_true(says(m, "CSeq", "2 INVITE"));
	phone_answer_as(&l->b, m, l->b.tag, "422 Session Interval Too Small", "Min-SE: 3600\r\n",
			"");
	assert_true(phone_hears(&l->a, "SIP/2.0 502").n); /* once is enough */
}

/* We refresh both legs, A by UPDATE and B by a re-INVITE that says nothing new; each session goes on. */
static void we_refresh(void **state)
{
	struct line *l = *state;
	struct bytes first, m;

	(void)talk(l, TIMER UPDATES, TIMER "Session-Expires: 1800;refresher=uac\r\n");
	first = rig_body(l->b.invite);
	for (int i = 0; i < 3; i++) {
		wait_s(l, 895);
		assert_int_equal(untaken(l->r, &l->a.addr, "UPDATE "), 0);
		assert_int_equal(untaken(l->r, &l->b.addr, "INVITE "), 0);
		m = hears_within(l, &l->a, "UPDATE ", 10);
		assert_true(says(m, "Session-Expires", "1800;refresher=uac"));
		assert_true(rig_header(m, "Contact").n && rig_body(m).n == 0);
		phone_answer_as(&l->a, m, "", "200 OK",
				"Require: timer\r\nSession-Expires: 1800;refresher=uac\r\n", "");
		m = hears_within(l, &l->b, "INVITE ", 5);
		assert_true(says(m, "Session-Expires", "1800;refresher=uac"));
		assert_true(bytes_eq(rig_body(m), first)); /* RFC 3264 8: the same version */
		phone_answer_as(&l->b, m, "", "200 OK", "Session-Expires: 1800;refresher=uac\r\n",
				PHONE_SDP_B);
		assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
		assert_int_equal(rig_counts(l->r).calls_established, 1);
	}
	assert_int_equal(untaken(l->r, &l->a.addr, "INVITE "), 0);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* Phones without the extension are asked all the same; that they refuse shows that they are there. */
static void parties_without_it(void **state)
{
	struct line *l = *state;
	struct bytes m;

	(void)talk(l, "", "");
	for (int i = 0; i < 4; i++) {
		m = hears_within(l, &l->a, "INVITE ", 905);
		phone_answer(&l->a, m, "200 OK", PHONE_SDP_A);
		m = hears_within(l, &l->b, "INVITE ", 10);
		phone_answer(&l->b, m, "488 No", "");
		assert_int_equal(rig_counts(l->r).calls_established, 1);
	}
	wait_s(l, 5000); /* both have vanished */
	assert_int_equal(rig_counts(l->r).calls, 0);
	assert_int_equal(l->r->cdr_count, 1);
}

/* The phone is gone: its call ends within the interval, and the other one hears of it. */
static void nobody_answers_the_refresh(void **state)
{
	struct line *l = *state;
	struct bytes m;

	(void)talk(l, TIMER UPDATES, TIMER UPDATES "Session-Expires: 1800;refresher=uas\r\n");
	wait_s(l, 901);
	assert_int_equal(untaken(l->r, &l->b.addr, "UPDATE "), 0); /* B refreshes */
	assert_true(rig_take(l->r, &l->a.addr, "UPDATE ").n);
	wait_s(l, 33);
	m = rig_take(l->r, &l->b.addr, "BYE ");
	assert_true(says(m, "Reason", "Q.850;cause=102"));
	phone_answer(&l->b, m, "200 OK", "");
	line_assert_cdr(l, 200, 102, ENDED_BY_NODE);
}

static void refresher_is_silent(void **state)
{
	struct line *l = *state;

	(void)talk(l, TIMER "Session-Expires: 600;refresher=uac\r\n",
		   TIMER "Session-Expires: 1800;refresher=uas\r\n");
	wait_s(l, 560);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	wait_s(l, 10); /* RFC 4028 10: 32 s before it would have run out */
	assert_true(rig_find(l->r, &l->a.addr, "BYE ").n && rig_find(l->r, &l->b.addr, "BYE ").n);
	line_assert_cdr(l, 200, 102, ENDED_BY_NODE);
}

/* By UPDATE, or by any re-INVITE. */
static void party_refreshes(void **state)
{
	struct line *l = *state;
	struct bytes m;

	(void)talk(l, TIMER "Session-Expires: 600;refresher=uac\r\n",
		   TIMER "Session-Expires: 90;refresher=uas\r\n");
	for (int i = 0; i < 20; i++) {
		wait_s(l, 45);
		phone_request(&l->b, "UPDATE", TIMER "Session-Expires: 90;refresher=uac\r\n", "");
		m = phone_hears(&l->b, "SIP/2.0 200");
		assert_true(says(m, "Session-Expires", "90;refresher=uac"));
		assert_true(says(m, "Require", "timer") && rig_body(m).n == 0);
		if (i % 10 == 9) {
			phone_request(&l->a, "INVITE",
				      TIMER "Session-Expires: 600;refresher=uac\r\n", PHONE_SDP_A);
			m = rig_take(l->r, &l->b.addr, "INVITE ");
			assert_true(says(m, "Session-Expires", "90;refresher=uas"));
			phone_answer_as(&l->b, m, "", "200 OK",
					"Session-Expires: 90;refresher=uas\r\n", PHONE_SDP_B);
			m = phone_hears(&l->a, "SIP/2.0 200");
			assert_true(says(m, "Session-Expires", "600;refresher=uac"));
			phone_ack(&l->a);
		}
	}
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "UPDATE "), 0);
}

static void refused_refreshes(void **state)
{
	struct line *l = *state;
	struct bytes m;

	(void)talk(l, TIMER UPDATES, TIMER "Session-Expires: 1800;refresher=uas\r\n");
	m = hears_within(l, &l->a, "UPDATE ", 901);
	phone_answer_as(&l->a, m, "", "422 Too Small", "Min-SE: 2000\r\n", "");
	m = rig_take(l->r, &l->a.addr, "UPDATE ");
	assert_true(says(m, "Session-Expires", "2000;refresher=uac") && says(m, "Min-SE", "2000"));
	phone_answer(&l->a, m, "491 Request Pending", "");
	assert_int_equal(untaken(l->r, &l->a.addr, "UPDATE "), 0);
	phone_answer(&l->a, hears_within(l, &l->a, "UPDATE ", 5), "405 No", "");
	m = rig_take(l->r, &l->a.addr, "INVITE "); /* at once */
	phone_answer(&l->a, m, "403 No", "");
	wait_s(l, 190);
	m = hears_within(l, &l->a, "INVITE ", 20);
	phone_answer(&l->a, m, "481 Gone", "");
	line_assert_cdr(l, 200, 31, ENDED_BY_A);
}

/* RFC 3261 14.1; each time in the same words, and once. */
static void reinvites_cross(void **state)
{
	struct line *l = *state;
	struct bytes first, m;

	(void)talk(l, TIMER "Session-Expires: 1800;refresher=uac\r\n",
		   "Session-Expires: 1800;refresher=uac\r\n");
	first = rig_body(l->b.invite);
	m = hears_within(l, &l->b, "INVITE ", 905);
	for (int i = 0; i < 3; i++) {
		phone_answer(&l->b, m, "491 Request Pending", "");
		assert_int_equal(untaken(l->r, &l->b.addr, "INVITE "), 0);
		m = hears_within(l, &l->b, "INVITE ", 5);
		assert_true(bytes_eq(rig_body(m), first));
	}
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	wait_s(l, 20);
	assert_int_equal(untaken(l->r, &l->b.addr, "INVITE "), 0);
}

/* A callee that raises Min-SE by one each time does not keep us busy. */
static void callee_wants_ever_longer(void **state)
{
	struct line *l = *state;
	struct bytes m;
	unsigned min = 2000;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	while ((m = phone_rings(&l->b)).n) {
		char line[32];

		(void)snprintf(line, sizeof(line), "Min-SE: %u\r\n", min++);
		phone_answer_as(&l->b, m, l->b.tag, "422 Session Interval Too Small", line, "");
	}
	assert_int_equal(min, 2002);
	assert_true(phone_hears(&l->a, "SIP/2.0 502").n);
}

/* RFC 3311: it says that a session is still there. What it changes: call_update_test.c. */
static void updates_with_offers(void **state)
{
	struct line *l = *state;
	struct bytes first, m;

	first = rig_body(talk(l, "", ""));
	phone_request(&l->a, "UPDATE", "", PHONE_SDP_A);
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(bytes_eq(rig_body(m), first));
	phone_request(&l->a, "UPDATE", "Content-Type: text/plain\r\n", "x");
	assert_true(phone_hears(&l->a, "SIP/2.0 415").n);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static void restart(struct line *l, uint64_t away_s)
{
	struct rig *r = l->r;
	const char *reason = "";
	const struct rig_save *s = rig_stored(r);

	shard_close(r->shard);
	r->now.ns += away_s * NS_PER_S;
	r->now.utc_ms += away_s * 1000;
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	if (shard_restore_call(r->shard, text_bytes(&s->record), r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

/* A is held for B by command, and never hears of it: what it is told again are its own last words, before and after. */
static void refresh_of_a_held_call(void **state)
{
	struct line *l = *state;
	struct call_view v;
	struct bytes first, m;
	uint32_t cursor = 0;

	first = rig_body(talk(l, TIMER, TIMER UPDATES "Session-Expires: 1800;refresher=uas\r\n"));
	assert_true(shard_call_next(l->r->shard, &cursor, &v));
	assert_int_equal(shard_call_hold(l->r->shard, v.call, 0, NULL, l->r->now), 0);
	m = hears_within(l, &l->b, "INVITE ", 1);
	assert_true(rig_has(m, "a=sendonly\r\n"));
	phone_answer_as(&l->b, m, "", "200 OK", "Session-Expires: 1800;refresher=uas\r\n",
			PHONE_SDP_B);
	for (int i = 0; i < 2; i++) {
		if (i)
			restart(l, 1);
		m = hears_within(l, &l->a, "INVITE ", 905);
		assert_true(bytes_eq(rig_body(m), first));
		phone_answer_as(&l->a, m, "", "200 OK", "Session-Expires: 1800;refresher=uac\r\n",
				PHONE_SDP_A);
		phone_request(&l->b, "UPDATE", TIMER "Session-Expires: 1800;refresher=uac\r\n", "");
		l->b.cseq += 100; /* whatever it says besides */
	}
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* While another INVITE is open none of ours goes. */
static void refresh_meets_a_reinvite(void **state)
{
	struct line *l = *state;
	struct bytes m;

	(void)talk(l, TIMER UPDATES, TIMER "Session-Expires: 1800;refresher=uas\r\n");
	wait_s(l, 895);
	phone_request(&l->a, "INVITE", TIMER, PHONE_SDP_A);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	phone_answer(&l->b, m, "100 Trying", "");
	wait_s(l, 30);
	assert_int_equal(untaken(l->r, &l->a.addr, "UPDATE "), 0);
	phone_answer_as(&l->b, m, "", "200 OK", "Session-Expires: 1800;refresher=uas\r\n",
			PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	wait_s(l, 890); /* it was a refresh */
	assert_int_equal(untaken(l->r, &l->a.addr, "UPDATE "), 0);
	assert_true(hears_within(l, &l->a, "UPDATE ", 20).n);
}

static void survives_a_restart(void **state)
{
	struct line *l = *state;

	(void)talk(l, TIMER UPDATES "Session-Expires: 600\r\n",
		   TIMER "Session-Expires: 1200;refresher=uas\r\n");
	restart(l, 200);
	wait_s(l, 90);
	assert_int_equal(untaken(l->r, &l->a.addr, "UPDATE "), 0);
	phone_answer_as(&l->a, hears_within(l, &l->a, "UPDATE ", 15), "", "200 OK",
			"Session-Expires: 600;refresher=uac\r\n", "");
	(void)hears_within(l, &l->a, "UPDATE ", 305);
	restart(l, 1); /* before it was answered */
	phone_answer_as(&l->a, hears_within(l, &l->a, "UPDATE ", 21), "", "200 OK",
			"Session-Expires: 600;refresher=uac\r\n", "");
	restart(l, 5000); /* both are late: A is asked soon, B has a while */
	phone_answer_as(&l->a, hears_within(l, &l->a, "UPDATE ", 21), "", "200 OK",
			"Session-Expires: 600;refresher=uac\r\n", "");
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	wait_s(l, 65);
	line_assert_cdr(l, 200, 102, ENDED_BY_NODE);
}

/* The party goes by what was agreed. */
static void switched_off_meanwhile(void **state)
{
	struct line *l = *state;

	(void)talk(l, TIMER UPDATES "Session-Expires: 600\r\n",
		   TIMER "Session-Expires: 1800;refresher=uas\r\n");
	l->r->settings.session_expires_s = 0;
	shard_configure(l->r->shard, &l->r->settings);
	for (int i = 0; i < 2; i++) {
		struct bytes m = hears_within(l, &l->a, "UPDATE ", 305);

		assert_true(says(m, "Session-Expires", "600;refresher=uac"));
		phone_answer_as(&l->a, m, "", "200 OK", "Session-Expires: 600;refresher=uac\r\n",
				"");
	}
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static void off(void **state)
{
	struct line *l = *state;
	struct bytes m;

	m = talk(l, TIMER "Session-Expires: 30\r\n", "");
	assert_int_equal(rig_header(m, "Session-Expires").n, 0);
	assert_int_equal(rig_header(l->b.invite, "Session-Expires").n, 0);
	wait_s(l, 100000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "INVITE "), 0);
	phone_request(&l->a, "INVITE", "Require: timer\r\n", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 420").n);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(agreed_with_the_caller),
		TEST(too_small),
		TEST(callee_wants_longer),
		TEST(we_refresh),
		TEST(parties_without_it),
		TEST(nobody_answers_the_refresh),
		TEST(refresher_is_silent),
		TEST(party_refreshes),
		TEST(refused_refreshes),
		TEST(updates_with_offers),
		TEST(reinvites_cross),
		TEST(callee_wants_ever_longer),
		TEST(refresh_of_a_held_call),
		TEST(refresh_meets_a_reinvite),
		TEST(survives_a_restart),
		TEST(switched_off_meanwhile),
		LINE_TEST(off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
