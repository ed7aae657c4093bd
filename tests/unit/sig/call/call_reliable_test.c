/* SPDX-License-Identifier: Apache-2.0 */
/* Provisional responses that the caller acknowledges (RFC 3262 3), as it hears them. */
#include "tests/unit/sig/prack.h"

static void talk_and_end(struct line *l)
{
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* RFC 3262 3: who requires it gets no other, who supports it gets the one with SDP, and nobody else any. */
static void who_is_told_reliably(void **state)
{
	static const struct {
		const char *lines, *status, *sdp;
		bool reliable;
	} rows[] = {
		{ MUST, "180 Ringing", "", true },
		{ MUST, "183 Session Progress", PHONE_SDP_B, true },
		{ CAN, "180 Ringing", "", false },
		{ CAN, "183 Session Progress", PHONE_SDP_B, true },
		{ "", "183 Session Progress", PHONE_SDP_B, false },
		{ "Supported: timer, 100rel\r\n", "183 Session Progress", PHONE_SDP_B, true },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct line *l;
		struct bytes m;

		if (i) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(prack_setup(state), 0);
		}
		l = *state;
		prack_call(l, rows[i].lines, PHONE_SDP_A);
		phone_answer(&l->b, l->b.invite, rows[i].status, rows[i].sdp);
		m = phone_hears(&l->a, "SIP/2.0 18");
		ROW_ASSERT(rows[i].lines, m.n && prack_wanted(m) == rows[i].reliable);
		ROW_ASSERT(rows[i].lines, (rig_body(m).n != 0) == (rows[i].sdp[0] != 0));
	}
}

static void acknowledged(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, MUST, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 183");
	assert_true(prack_wanted(m) && rig_has(rig_header(m, "Allow"), "PRACK"));
	assert_in_range(prack_number(m, "RSeq"), 1, 0x7fffffff);
	rig_wait_ms(l->r, 400);
	prack_say(&l->a, m, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	rig_wait_ms(l->r, 40000);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 183"), 1);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_int_equal(rig_body(m).n, 0); /* RFC 6337 3.1.1 */
	phone_ack(&l->a);
	talk_and_end(l);
}

/* T1, doubled without a bound, for 64*T1; then RFC 3262 3 wants a 5xx. */
static void never_acknowledged(void **state)
{
	struct line *l = *state;

	prack_call(l, MUST, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	rig_wait_ms(l->r, 31900);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 180"), 7);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 504"), 0);
	rig_wait_ms(l->r, 200);
	assert_true(phone_hears(&l->a, "SIP/2.0 504").n);
	phone_write(&l->a, "ACK", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "CANCEL "), "200 OK", "");
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	line_assert_cdr(l, 504, 102, ENDED_BY_NODE);
}

/* The next one waits for the PRACK, and has the next number. */
static void one_at_a_time(void **state)
{
	struct line *l = *state;
	struct bytes first, second;

	prack_call(l, MUST, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	first = phone_hears(&l->a, "SIP/2.0 180");
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	phone_answer(&l->b, l->b.invite, "182 Queued", "");
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 183"), 0);
	prack_say(&l->a, first, 102, "");
	second = phone_hears(&l->a, "SIP/2.0 183");
	assert_true(rig_body(second).n);
	assert_int_equal(prack_number(second, "RSeq"), prack_number(first, "RSeq") + 1);
	prack_say(&l->a, second, 103, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
}

/* RFC 3262 3: a 2xx waits where SDP is unacknowledged, else it goes. */
static void answer_waits(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, CAN, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 183");
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 200"), 0);
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 1);
	rig_wait_ms(l->r, 600);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 183"), 2);
	prack_say(&l->a, m, 102, "");
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 200"), " PRACK\r\n"));
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 200"), " INVITE\r\n"));
	phone_ack(&l->a);
	talk_and_end(l);
}

static void answer_goes(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, MUST, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	m = phone_hears(&l->a, "SIP/2.0 180");
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(rig_body(phone_hears(&l->a, "SIP/2.0 200")).n);
	prack_say(&l->a, m, 102, ""); /* it crossed the 2xx */
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 180"), 1);
	talk_and_end(l);
}

/* The ACK overtakes the PRACK, which is answered all the same, once. */
static void acknowledged_after_the_ack(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, MUST, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	m = phone_hears(&l->a, "SIP/2.0 180");
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	prack_say(&l->a, m, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	prack_say(&l->a, m, 103, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 481").n);
	l->a.cseq = 103;
	talk_and_end(l);
}

/* B answers, and A takes its call back before it has acknowledged. */
static void cancelled_while_the_answer_waits(void **state)
{
	struct line *l = *state;
	char tag[256];

	prack_call(l, MUST, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 183").n);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	memcpy(tag, l->a.remote_tag, sizeof(tag));
	l->a.remote_tag[0] = '\0';
	(void)snprintf(l->a.branch, sizeof(l->a.branch), "z9hG4bK%s.%u", l->a.user, l->a.branches);
	phone_cancel(&l->a);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 487").n);
	memcpy(l->a.remote_tag, tag, sizeof(tag));
	phone_write(&l->a, "ACK", "", "");
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

/* What fits nothing gets 481 and costs no transaction. */
static void fits_nothing(void **state)
{
	struct line *l = *state;
	struct bytes m;
	uint32_t txns;

	prack_call(l, MUST, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	m = phone_hears(&l->a, "SIP/2.0 180");
	txns = rig_counts(l->r).txns;
	for (uint32_t i = 0; i < 50; i++) {
		prack_say_number(&l->a, prack_number(m, "RSeq") + 1 + i, 102 + i, "");
		assert_true(prack_answer_to(&l->a, "SIP/2.0 481").n);
	}
	phone_request(&l->a, "PRACK", "", "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 481").n);
	phone_request(&l->a, "PRACK", "RAck: 1\r\n", "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 481").n);
	assert_int_equal(rig_counts(l->r).txns, txns);
	assert_int_equal(rig_counts(l->r).calls, 1);
}

/* RFC 6337 3.2: another offer beside the PRACK to the answer has its answer in the 200. */
static void offer_in_prack(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, CAN, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 183");
	prack_say(&l->a, m, 102,
		  "v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n"
		  "m=audio 4444 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
		  "a=sendonly\r\n");
	m = prack_answer_to(&l->a, "SIP/2.0 200");
	assert_true(rig_has(rig_body(m), "a=recvonly\r\n"));
	assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, 4444);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_body(phone_hears(&l->a, "SIP/2.0 200")).n, 0);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	phone_ack(&l->a);
	m = rig_take(l->r, &l->b.addr, "INVITE "); /* B hears of it now */
	assert_true(rig_has(rig_body(m), "a=sendonly\r\n"));
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, 4444);
}

#define OFFER(port, direction)                                                                \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n"         \
	"m=audio " port " RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=" direction \
	"\r\n"

/* UPDATE of the caller before its INVITE is answered; the dialog's CSeq is that of the INVITE again afterwards. */
static struct bytes update_says(struct phone *p, uint32_t cseq, const char *sdp, const char *status)
{
	uint32_t invite = p->cseq;
	struct bytes m;

	p->cseq = cseq - 1;
	phone_request(p, "UPDATE", "", sdp);
	p->cseq = invite;
	while ((m = rig_take(p->r, &p->addr, status)).n) {
		if (rig_has(rig_header(m, "CSeq"), " UPDATE"))
			return m;
	}
	return m;
}

/* RFC 3311 5.1: the caller has acknowledged the answer, and offers again before the call is answered. */
static void offer_in_update(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, CAN, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 183");
	assert_true(update_says(&l->a, 102, OFFER("4444", "sendonly"), "SIP/2.0 488").n);
	prack_say(&l->a, m, 103, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	m = update_says(&l->a, 104, OFFER("4444", "sendonly"), "SIP/2.0 200");
	assert_true(rig_has(rig_body(m), "a=recvonly\r\n"));
	assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, 4444);
	m = update_says(&l->a, 105, OFFER("4446", "sendonly"), "SIP/2.0 200");
	assert_true(rig_has(rig_body(m), "a=recvonly\r\n"));
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_body(phone_hears(&l->a, "SIP/2.0 200")).n, 0);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	phone_ack(&l->a);
	m = rig_take(l->r, &l->b.addr, "INVITE "); /* B hears of it now */
	assert_true(rig_has(rig_body(m), "a=sendonly\r\n"));
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, 4446);
}

/* Saved before said; the next process goes on with it, and answers the same once more. */
static void offer_in_update_and_a_kill(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, MUST, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	prack_say(&l->a, phone_hears(&l->a, "SIP/2.0 183"), 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	l->r->hold_saves = true;
	assert_int_equal(update_says(&l->a, 103, OFFER("4444", "sendonly"), "SIP/2.0 200").n, 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	rig_wait_ms(l->r, 100);
	assert_true(rig_has(rig_body(phone_hears(&l->a, "SIP/2.0 200")), "a=recvonly\r\n"));
	prack_restart(l);
	m = update_says(&l->a, 103, OFFER("4444", "sendonly"), "SIP/2.0 200");
	assert_true(rig_has(rig_body(m), "a=recvonly\r\n"));
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_body(phone_hears(&l->a, "SIP/2.0 200")).n, 0);
	assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, 4444);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	phone_ack(&l->a);
	assert_true(rig_has(rig_body(rig_take(l->r, &l->b.addr, "INVITE ")), "a=sendonly\r\n"));
}

/* RFC 6337 3.1.1: before there is an answer there is no other offer; the provisional response stays to be acknowledged. */
static void offer_too_early(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, MUST, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	m = phone_hears(&l->a, "SIP/2.0 180");
	prack_say(&l->a, m, 102, PHONE_SDP_A);
	assert_true(prack_answer_to(&l->a, "SIP/2.0 488").n);
	prack_say(&l->a, m, 103, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
}

/* ---- kills ---- */

/* Saved before said: its number and text are in the record. */
static void saved_before_said(void **state)
{
	struct line *l = *state;
	struct bytes first, again;

	prack_call(l, MUST, PHONE_SDP_A);
	l->r->hold_saves = true;
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 183"), 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	first = phone_hears(&l->a, "SIP/2.0 183");
	prack_restart(l);
	again = phone_hears(&l->a, "SIP/2.0 183");
	assert_true(bytes_eq(first, again));
	prack_say(&l->a, first, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	talk_and_end(l);
}

/* A PRACK is answered when it is in the record: its copy finds the same answer after a kill. */
static void killed_at_the_prack(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, MUST, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	m = phone_hears(&l->a, "SIP/2.0 180");
	l->r->hold_saves = true;
	prack_say(&l->a, m, 102, "");
	assert_int_equal(prack_answer_to(&l->a, "SIP/2.0 200").n, 0);
	prack_restart(l); /* before the save: it is said again, and acknowledged by the copy */
	prack_say(&l->a, m, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	prack_restart(l); /* behind it: no more of it, and a copy is no stranger */
	prack_say(&l->a, m, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	rig_wait_ms(l->r, 40000);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 180"), 2);
	assert_int_equal(rig_counts(l->r).calls, 1);
}

/* So does a copy of the PRACK before: its 200 was lost with the process. */
static void an_older_prack_after_a_kill(void **state)
{
	struct line *l = *state;
	struct bytes first, second;

	prack_call(l, MUST, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	first = phone_hears(&l->a, "SIP/2.0 180");
	prack_say(&l->a, first, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	phone_answer(&l->b, l->b.invite, "182 Queued", "");
	second = phone_hears(&l->a, "SIP/2.0 182");
	prack_say(&l->a, second, 103, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	prack_restart(l);
	prack_say(&l->a, first, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	assert_int_equal(rig_counts(l->r).calls, 1);
}

/* The 2xx that waits for a PRACK waits in the next process, too. */
static void killed_while_the_answer_waits(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, CAN, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 183");
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	prack_restart(l);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 200"), 0);
	prack_say(&l->a, m, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	talk_and_end(l);
}

/* The call ends while the 200 to a PRACK waits for the store: it is said all the same, and nothing is left. */
static void ended_at_the_prack(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, MUST, PHONE_SDP_A);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	m = phone_hears(&l->a, "SIP/2.0 180");
	l->r->hold_saves = true;
	prack_say(&l->a, m, 102, "");
	phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 486").n);
	phone_write(&l->a, "ACK", "", "");
	line_assert_cdr(l, 486, 17, ENDED_BY_B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PRACK_TEST(who_is_told_reliably),
		PRACK_TEST(acknowledged),
		PRACK_TEST(never_acknowledged),
		PRACK_TEST(one_at_a_time),
		PRACK_TEST(answer_waits),
		PRACK_TEST(answer_goes),
		PRACK_TEST(acknowledged_after_the_ack),
		PRACK_TEST(cancelled_while_the_answer_waits),
		PRACK_TEST(fits_nothing),
		PRACK_TEST(offer_in_prack),
		PRACK_TEST(offer_in_update),
		PRACK_TEST(offer_in_update_and_a_kill),
		PRACK_TEST(offer_too_early),
		PRACK_TEST(saved_before_said),
		PRACK_TEST(killed_at_the_prack),
		PRACK_TEST(an_older_prack_after_a_kill),
		PRACK_TEST(killed_while_the_answer_waits),
		PRACK_TEST(ended_at_the_prack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
