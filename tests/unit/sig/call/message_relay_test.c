/* SPDX-License-Identifier: Apache-2.0 */
/* MESSAGE within a call (RFC 3428): what of it reaches the other party, and what of the answer comes back. */
#include "tests/unit/sig/line.h"

#define TEXT "Content-Type: text/plain;charset=UTF-8\r\n"

static int message_setup(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	phones_talk(&l->a, &l->b);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	return 0;
}

/* What the callee gets of the caller's. */
static struct bytes message_passes(struct line *l, const char *extra, const char *body)
{
	phone_request(&l->a, "MESSAGE", extra, body);
	return rig_take(l->r, &l->b.addr, "MESSAGE ");
}

static void goes_to_the_other(void **state)
{
	struct line *l = *state;
	struct bytes m = message_passes(l,
					TEXT "Subject: x\r\nContent-Language: de\r\n"
					     "Reply-To: <sip:me@192.0.2.99>\r\n",
					"Gr\xc3\xbc\xc3\x9f"
					"e");

	assert_true(bytes_starts(m, "MESSAGE sip:1002@192.0.2.12:5060 "));
	assert_true(bytes_is(rig_header(m, "Content-Type"), "text/plain;charset=UTF-8"));
	assert_true(bytes_is(rig_header(m, "Subject"), "x"));
	assert_true(bytes_is(rig_header(m, "Content-Language"), "de"));
	assert_true(bytes_is(rig_header(m, "Max-Forwards"), "69"));
	assert_true(bytes_is(rig_body(m), "Gr\xc3\xbc\xc3\x9f"
					  "e"));
	assert_int_equal(rig_header(m, "Contact").n + rig_header(m, "Reply-To").n, 0);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 2"), 1); /* of the INVITE */
	phone_answer_as(&l->b, m, l->b.tag, "202 Accepted", "", "none");
	m = rig_take(l->r, &l->a.addr, "SIP/2.0 202");
	assert_true(rig_has(m, " MESSAGE\r\n"));
	assert_int_equal(rig_body(m).n + rig_header(m, "Contact").n, 0);
	phone_request(&l->b, "MESSAGE", TEXT, "back");
	m = rig_take(l->r, &l->a.addr, "MESSAGE ");
	assert_true(bytes_is(rig_body(m), "back"));
	phone_answer(&l->a, m, "200 OK", "");
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "SIP/2.0 200"), " MESSAGE\r\n"));
}

/* The method is the sender's own: it may hear that the other phone does not know it. */
static void is_refused_by_the_other(void **state)
{
	static const struct {
		const char *said, *extra, *heard, *header, *value;
		bool ends;
	} rows[] = {
		{ "415 No", "Accept: text/html\r\n", "SIP/2.0 415", "Accept", "text/html", false },
		{ "405 No", "Allow: INVITE\r\n", "SIP/2.0 405", "Allow", "INVITE, ACK", false },
		{ "501 No", "", "SIP/2.0 405", "Allow", "INVITE, ACK", false },
		{ "480 No", "Retry-After: 7\r\n", "SIP/2.0 480", "Retry-After", "7", false },
		{ "503 No", "", "SIP/2.0 500", "To", "", false },
		{ "603 No", "", "SIP/2.0 603", "To", "", false },
		{ "481 No", "", "SIP/2.0 480", "To", "", true },
	};
	struct line *l = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes m = message_passes(l, TEXT, "x");

		phone_answer_as(&l->b, m, l->b.tag, rows[i].said, rows[i].extra, "");
		m = rig_take(l->r, &l->a.addr, rows[i].heard);
		ROW_ASSERT(rows[i].said, m.n);
		ROW_ASSERT(rows[i].said, rig_has(rig_header(m, rows[i].header), rows[i].value));
		ROW_ASSERT(rows[i].said, !rig_has(rig_header(m, "Allow"), "MESSAGE"));
		ROW_ASSERT(rows[i].said,
			   (rig_take(l->r, &l->a.addr, "BYE ").n != 0) == rows[i].ends);
	}
}

static void is_not_answered(void **state)
{
	struct line *l = *state;

	assert_true(message_passes(l, TEXT, "x").n);
	rig_wait_ms(l->r, 33000);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 504").n);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* RFC 3428 8: over UDP nothing else keeps it from being too much for the way. */
static void has_a_size(void **state)
{
	struct line *l = *state;
	char body[1302];

	memset(body, 'x', 1301);
	body[1301] = '\0';
	assert_int_equal(message_passes(l, TEXT, body).n, 0);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 413").n);
	body[1300] = '\0';
	assert_int_equal(rig_body(message_passes(l, TEXT, body)).n, 1300);
}

static void waits_for_the_one_before(void **state)
{
	struct line *l = *state;
	struct bytes first = message_passes(l, TEXT, "1");

	assert_int_equal(message_passes(l, TEXT, "2").n, 0);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 491").n);
	phone_request(&l->b, "MESSAGE", TEXT, "the other way");
	assert_true(rig_take(l->r, &l->a.addr, "MESSAGE ").n);
	phone_answer(&l->b, first, "200 OK", "");
	assert_true(bytes_is(rig_body(message_passes(l, TEXT, "3")), "3"));
}

/* What congestion does to a stream is the stream's. */
static void over_a_connection(void **state)
{
	struct line *l = *state;
	char body[2001];

	l->a.hop = (struct sip_hop){ .transport = SIP_TCP,
				     .connection = 5,
				     .remote = rig_addr("192.0.2.11:5060") };
	phones_talk(&l->a, &l->b);
	memset(body, 'x', 2000);
	body[2000] = '\0';
	for (int i = 0; i < 2; i++) {
		phone_request(&l->b, "MESSAGE", TEXT, body);
		assert_int_equal(rig_body(rig_take(l->r, &l->a.addr, "MESSAGE ")).n, 2000);
	}
	assert_int_equal(message_passes(l, TEXT, body).n, 0);
}

/* Its INVITE was not acknowledged yet. */
static void comes_too_soon(void **state)
{
	struct line *l = *state;

	phone_request(&l->a, "BYE", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	rig_wait_ms(l->r, 40000);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_answer(&l->b, phone_rings(&l->b), "200 OK", PHONE_SDP_B);
	phone_request(&l->b, "MESSAGE", TEXT, "x");
	assert_true(rig_take(l->r, &l->b.addr, "SIP/2.0 480").n);
}

/* The call ends behind it: it has its answer all the same. */
static void outlives_the_call(void **state)
{
	struct line *l = *state;
	struct bytes m = message_passes(l, TEXT, "x");

	phone_request(&l->a, "BYE", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	phone_answer(&l->b, m, "200 OK", "");
	(void)rig_take(l->r, &l->a.addr, "SIP/2.0 200"); /* of the BYE */
	assert_true(rig_has(rig_take(l->r, &l->a.addr, "SIP/2.0 200"), " MESSAGE\r\n"));
	line_assert_idle(l->r);
}

/* It has the higher number than an INVITE that waits for its save, and leaves behind it. */
static void goes_behind_an_invite(void **state)
{
	struct line *l = *state;

	l->r->hold_saves = true;
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	assert_int_equal(message_passes(l, TEXT, "x").n, 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "INVITE "), "CSeq: 2 INVITE"));
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "MESSAGE "), "CSeq: 3 MESSAGE"));
}

/* Nobody knows of it any more, so it is said again, and gets its answer (as INFO). */
static void is_said_again_after_a_kill(void **state)
{
	struct line *l = *state;
	const struct rig_save *s = rig_stored(l->r);
	const char *reason = "";
	struct bytes m = message_passes(l, TEXT, "x");

	assert_true(m.n);
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	assert_int_equal(
		shard_restore_call(l->r->shard, text_bytes(&s->record), l->r->now, &reason), 0);
	shard_resume(l->r->shard, l->r->now);
	phone_write(&l->a, "MESSAGE", TEXT, "x");
	m = rig_take(l->r, &l->b.addr, "MESSAGE ");
	assert_true(bytes_is(rig_body(m), "x"));
	phone_answer(&l->b, m, "200 OK", "");
	assert_true(rig_has(rig_take(l->r, &l->a.addr, "SIP/2.0 200"), " MESSAGE\r\n"));
}

/* Who may send it is told so, in a dialog and outside. */
static void allow_says_so(void **state)
{
	struct line *l = *state;
	struct bytes m = rig_find(l->r, &l->b.addr, "INVITE ");

	assert_true(rig_has(rig_header(m, "Allow"), ", MESSAGE"));
	m = rig_find(l->r, &l->a.addr, "SIP/2.0 200");
	assert_true(rig_has(rig_header(m, "Allow"), ", MESSAGE"));
	phone_request(&l->b, "OPTIONS", "", "");
	m = rig_take(l->r, &l->b.addr, "SIP/2.0 200");
	assert_true(rig_has(rig_header(m, "Allow"), ", MESSAGE"));
	(void)rig_take(l->r, &l->a.addr, "SIP/2.0 200"); /* to its INVITE */
	phone_begin(&l->a, "1002");
	phone_request(&l->a, "OPTIONS", "", "");
	m = rig_take(l->r, &l->a.addr, "SIP/2.0 200");
	assert_true(rig_has(rig_header(m, "CSeq"), "OPTIONS"));
	assert_true(rig_has(rig_header(m, "Allow"), ", MESSAGE"));
}

#define MESSAGE_TEST(fn) cmocka_unit_test_setup_teardown(fn, message_setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MESSAGE_TEST(goes_to_the_other),
		MESSAGE_TEST(is_refused_by_the_other),
		MESSAGE_TEST(is_not_answered),
		MESSAGE_TEST(has_a_size),
		MESSAGE_TEST(waits_for_the_one_before),
		LINE_TEST(over_a_connection),
		MESSAGE_TEST(comes_too_soon),
		MESSAGE_TEST(outlives_the_call),
		MESSAGE_TEST(goes_behind_an_invite),
		MESSAGE_TEST(is_said_again_after_a_kill),
		MESSAGE_TEST(allow_says_so),
	};

	return cmocka_run_group_tests_name("sig/message_relay", tests, NULL, NULL);
}
