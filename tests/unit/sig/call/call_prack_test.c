/* SPDX-License-Identifier: Apache-2.0 */
/* Provisional responses that the node acknowledges (RFC 3262 4), as the called phone sees it. */
#include "tests/unit/sig/prack.h"

static struct bytes taken(struct phone *b)
{
	return rig_take(b->r, &b->addr, "PRACK ");
}

static void answers(struct line *l)
{
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* An early offer is always for a phone that knows it; a late one only where the caller can answer early, too. */
static void who_is_offered_it(void **state)
{
	static const struct {
		const char *line, *sdp;
		bool offered;
	} rows[] = {
		{ "", PHONE_SDP_A, true }, { CAN, PHONE_SDP_A, true }, { "", "", false },
		{ CAN, "", true },         { MUST, "", true },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct line *l;

		if (i) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(prack_setup(state), 0);
		}
		l = *state;
		prack_call(l, rows[i].line, rows[i].sdp);
		ROW_ASSERT(rows[i].line, rig_has(rig_header(l->b.invite, "Supported"), "100rel") ==
						 rows[i].offered);
	}
}

/* It leaves when what it acknowledges is saved, once for all copies. */
static void acknowledged(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, "", PHONE_SDP_A);
	l->r->hold_saves = true;
	prack_rings(&l->b, "183 Session Progress", 77, PHONE_SDP_B);
	assert_int_equal(taken(&l->b).n, 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	m = taken(&l->b);
	assert_true(bytes_starts(m, "PRACK sip:1002@192.0.2.12:5060 SIP/2.0\r\n"));
	assert_true(bytes_is(rig_header(m, "RAck"), "77 1 INVITE"));
	assert_true(bytes_is(rig_header(m, "CSeq"), "2 PRACK"));
	assert_true(rig_has(rig_header(m, "To"), ";tag=t1002"));
	assert_int_equal(rig_body(m).n, 0);
	prack_rings(&l->b, "183 Session Progress", 77, PHONE_SDP_B);
	prack_rings(&l->b, "183 Session Progress", 79, PHONE_SDP_B); /* one is missing */
	assert_int_equal(taken(&l->b).n, 0);
	phone_answer(&l->b, m, "200 OK", "");
	prack_rings(&l->b, "183 Session Progress", 77, PHONE_SDP_B);
	assert_int_equal(taken(&l->b).n, 0);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 183"), 1);
	prack_rings(&l->b, "180 Ringing", 78, "");
	m = taken(&l->b);
	assert_true(bytes_is(rig_header(m, "RAck"), "78 1 INVITE"));
	phone_answer(&l->b, m, "200 OK", "");
	answers(l);
}

/* The first SDP is the answer (RFC 6337 3.1.1): the 2xx has none, also where the caller was not told before. */
static void answer_without_sdp(void **state)
{
	struct line *l = *state;

	phone_open(&l->a, l->r, "1001", "192.0.2.11:5060"); /* no early media */
	prack_call(l, "", PHONE_SDP_A);
	prack_rings(&l->b, "183 Session Progress", 1, PHONE_SDP_B);
	phone_answer(&l->b, taken(&l->b), "200 OK", "");
	assert_int_equal(rig_body(phone_hears(&l->a, "SIP/2.0 180")).n, 0);
	phone_answer(&l->b, l->b.invite, "200 OK", "");
	assert_true(rig_has(rig_body(phone_hears(&l->a, "SIP/2.0 200")), "m=audio "));
	phone_ack(&l->a);
	assert_int_equal(line_last_spec(l->r, 1).remote_rtp.port, 5000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static void repeated_until_answered(void **state)
{
	struct line *l = *state;

	prack_call(l, "", PHONE_SDP_A);
	prack_rings(&l->b, "180 Ringing", 5, "");
	rig_wait_ms(l->r, 1600);
	assert_int_equal(rig_count(l->r, &l->b.addr, "PRACK "), 3);
	phone_answer(&l->b, taken(&l->b), "200 OK", "");
	rig_wait_ms(l->r, 40000);
	assert_int_equal(rig_count(l->r, &l->b.addr, "PRACK "), 3);
}

/* A branch that does not take it is left. */
static void refused(void **state)
{
	struct line *l = *state;
	struct bytes cancel;

	prack_call(l, "", PHONE_SDP_A);
	prack_rings(&l->b, "180 Ringing", 5, "");
	phone_answer(&l->b, taken(&l->b), "481 Call/Transaction Does Not Exist", "");
	cancel = rig_take(l->r, &l->b.addr, "CANCEL ");
	assert_true(cancel.n);
	assert_true(phone_hears(&l->a, "SIP/2.0 480").n);
	phone_write(&l->a, "ACK", "", "");
	phone_answer(&l->b, cancel, "200 OK", "");
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	line_assert_cdr(l, 480, 31, ENDED_BY_NODE);
}

static void never_answered(void **state)
{
	struct line *l = *state;

	prack_call(l, "", PHONE_SDP_A);
	prack_rings(&l->b, "180 Ringing", 5, "");
	rig_wait_ms(l->r, 32100);
	assert_true(phone_hears(&l->a, "SIP/2.0 408").n);
	phone_write(&l->a, "ACK", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "CANCEL "), "200 OK", "");
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	line_assert_cdr(l, 408, 18, ENDED_BY_NODE);
}

/* ---- late offers (RFC 6337 3.1.2) ---- */

/* B's offer goes to A, A's answer in its PRACK to B: the 2xx and the ACKs have nothing more. */
static void late_offer(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, CAN, "");
	prack_rings(&l->b, "183 Session Progress", 9, PHONE_SDP_B);
	assert_int_equal(taken(&l->b).n, 0);
	m = phone_hears(&l->a, "SIP/2.0 183");
	assert_true(prack_wanted(m) && rig_has(rig_body(m), "m=audio "));
	prack_say(&l->a, m, 102, PHONE_SDP_A);
	m = prack_answer_to(&l->a, "SIP/2.0 200");
	assert_true(m.n && rig_body(m).n == 0);
	m = taken(&l->b);
	assert_true(rig_has(rig_body(m), "m=audio ") && rig_has(m, "RAck: 9 1 INVITE\r\n"));
	assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, 4000);
	assert_int_equal(line_last_spec(l->r, 1).remote_rtp.port, 5000);
	phone_answer(&l->b, m, "200 OK", "");
	phone_answer(&l->b, l->b.invite, "200 OK", "");
	m = rig_take(l->r, &l->b.addr, "ACK ");
	assert_true(m.n && rig_body(m).n == 0);
	assert_int_equal(rig_body(phone_hears(&l->a, "SIP/2.0 200")).n, 0);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	phone_answer(&l->b, l->b.invite, "200 OK", ""); /* its ACK was lost */
	m = rig_take(l->r, &l->b.addr, "ACK ");
	assert_true(m.n && rig_body(m).n == 0);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* RFC 3261 13.2.1: who requires it hears nothing before the offer. */
static void late_offer_and_ringing(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, MUST, "");
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 18"), 0);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_body(m).n);
	phone_ack_with(&l->a, PHONE_SDP_A);
	assert_true(rig_body(rig_take(l->r, &l->b.addr, "ACK ")).n);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static void late_offer_without_an_answer(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, CAN, "");
	prack_rings(&l->b, "183 Session Progress", 9, PHONE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 183");
	prack_say(&l->a, m, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 488").n);
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 488").n);
	phone_write(&l->a, "ACK", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "CANCEL "), "200 OK", "");
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	line_assert_cdr(l, 488, 88, ENDED_BY_NODE);
}

/* At each step of a late offer. */
static void late_offer_and_kills(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, CAN, "");
	prack_restart(l);
	prack_rings(&l->b, "183 Session Progress", 9, PHONE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 183");
	assert_true(m.n);
	prack_restart(l);
	assert_true(bytes_eq(m, phone_hears(&l->a, "SIP/2.0 183")));
	prack_say(&l->a, m, 102, PHONE_SDP_A);
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	m = taken(&l->b);
	assert_true(rig_body(m).n);
	prack_restart(l);
	assert_true(bytes_eq(m, taken(&l->b)));
	phone_answer(&l->b, m, "200 OK", "");
	prack_restart(l);
	assert_int_equal(taken(&l->b).n, 0);
	phone_answer(&l->b, l->b.invite, "200 OK", "");
	prack_restart(l);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, 4000);
	assert_int_equal(line_last_spec(l->r, 1).remote_rtp.port, 5000);
}

/* B's offer in a 183, A's answer in its PRACK. */
static void agree_late(struct line *l)
{
	struct bytes m;

	prack_call(l, CAN, "");
	prack_rings(&l->b, "183 Session Progress", 9, PHONE_SDP_B);
	prack_say(&l->a, phone_hears(&l->a, "SIP/2.0 183"), 102, PHONE_SDP_A);
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	m = taken(&l->b);
	assert_true(m.n);
	phone_answer(&l->b, m, "200 OK", "");
}

/* Its record is one that can be read: whoever answered is in the call. */
static void asks_again_before_a_kill(struct line *l)
{
	phone_request(&l->b, "INVITE", "", PHONE_SDP_B);
	assert_true(rig_take(l->r, &l->a.addr, "INVITE ").n);
	prack_restart(l);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* The ACK to B has nothing to wait for: whoever goes on says it with the answer to A. */
static void late_offer_killed_at_the_answer(void **state)
{
	struct line *l = *state;
	uint32_t acks;

	agree_late(l);
	phone_answer(&l->b, l->b.invite, "200 OK", "");
	acks = rig_count(l->r, &l->b.addr, "ACK ");
	prack_restart(l);
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), acks + 1);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	asks_again_before_a_kill(l);
}

/* What was agreed on with one phone is not with another behind the same address: A gets the offer of the one that answers, in
 * another early dialog, and its answer goes to that one. */
static void late_offer_of_another_fork(void **state)
{
	struct line *l = *state;
	struct bytes m;
	char first[256];

	agree_late(l);
	phone_copy(first, sizeof(first), bytes_str(l->a.remote_tag));
	phone_copy(l->b.tag, sizeof(l->b.tag), BYTES_LIT("other"));
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(rig_body(m), "m=audio "));
	assert_string_not_equal(first, l->a.remote_tag);
	phone_ack_with(&l->a, PHONE_SDP_A);
	m = rig_take(l->r, &l->b.addr, "ACK ");
	assert_true(rig_has(rig_header(m, "To"), ";tag=other"));
	assert_true(rig_has(rig_body(m), "m=audio "));
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	asks_again_before_a_kill(l);
}

/* ---- kills ---- */

/* The same PRACK again: for the phone a copy. */
static void killed_at_the_prack(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, "", PHONE_SDP_A);
	prack_rings(&l->b, "180 Ringing", 5, "");
	m = taken(&l->b);
	assert_true(m.n);
	prack_restart(l);
	assert_true(bytes_eq(m, taken(&l->b)));
	phone_answer(&l->b, m, "200 OK", "");
	prack_restart(l);
	prack_rings(&l->b, "180 Ringing", 5, ""); /* a late copy */
	assert_int_equal(taken(&l->b).n, 0);
	answers(l);
}

/* Killed before the save: the phone says it again, and the caller hears it once. */
static void killed_before_the_save(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, "", PHONE_SDP_A);
	l->r->hold_saves = true;
	prack_rings(&l->b, "180 Ringing", 5, "");
	prack_restart(l);
	assert_int_equal(taken(&l->b).n, 0);
	prack_rings(&l->b, "180 Ringing", 5, "");
	m = taken(&l->b);
	assert_true(m.n);
	phone_answer(&l->b, m, "200 OK", "");
	answers(l);
}

/* ---- forks ---- */

/* Two phones behind one address: each is acknowledged in its own early dialog, and the one that answers is talked to. */
static void forks_behind_one_address(void **state)
{
	struct line *l = *state;
	struct bytes one, two;

	prack_call(l, "", PHONE_SDP_A);
	prack_rings(&l->b, "180 Ringing", 5, "");
	one = taken(&l->b);
	phone_answer_as(&l->b, l->b.invite, "other", "180 Ringing",
			"Require: 100rel\r\nRSeq: 900\r\n", "");
	two = taken(&l->b);
	assert_true(rig_has(rig_header(two, "To"), ";tag=other"));
	assert_true(bytes_is(rig_header(two, "RAck"), "900 1 INVITE"));
	phone_answer_as(&l->b, l->b.invite, "other", "180 Ringing",
			"Require: 100rel\r\nRSeq: 900\r\n", ""); /* a copy */
	assert_int_equal(taken(&l->b).n, 0);
	phone_answer(&l->b, one, "200 OK", "");
	phone_answer(&l->b, two, "481 Call/Transaction Does Not Exist", ""); /* it ends nothing */
	phone_answer_as(&l->b, l->b.invite, "other", "200 OK", "", PHONE_SDP_B);
	assert_true(rig_has(rig_header(rig_take(l->r, &l->b.addr, "ACK "), "To"), ";tag=other"));
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* A phone that makes up forks gets as many as anybody has. */
static void endless_forks(void **state)
{
	struct line *l = *state;

	prack_call(l, "", PHONE_SDP_A);
	for (unsigned i = 0; i < 50; i++) {
		char tag[16];

		(void)snprintf(tag, sizeof(tag), "f%u", i);
		phone_answer_as(&l->b, l->b.invite, tag, "180 Ringing",
				"Require: 100rel\r\nRSeq: 1\r\n", "");
	}
	assert_int_equal(rig_count(l->r, &l->b.addr, "PRACK "), 8); /* EARLY_MAX */
}

#define SDP_PORT(port, lines)                                                         \
	"v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio " port " RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n" lines

/* B has answered early, and that was acknowledged. */
static void answers_early(struct line *l, const char *line)
{
	prack_call(l, line, PHONE_SDP_A);
	prack_rings(&l->b, "183 Session Progress", 5, PHONE_SDP_B);
	phone_answer(&l->b, taken(&l->b), "200 OK", "");
}

/* RFC 3311 5.1: the node's answer, which is of the session that B has. */
static void offers_anew(struct line *l, const char *sdp, const char *has)
{
	struct bytes m;

	phone_request(&l->b, "UPDATE", "", sdp);
	m = rig_take(l->r, &l->b.addr, "SIP/2.0 ");
	assert_true(bytes_starts(m, "SIP/2.0 200"));
	assert_true(rig_has(rig_header(m, "CSeq"), " UPDATE"));
	assert_true(rig_has(rig_body(m), "m=audio "));
	assert_true(rig_has(rig_body(m), has));
}

static void answers_at_last(struct line *l, bool told)
{
	struct bytes m;

	phone_answer(&l->b, l->b.invite, "200 OK", "");
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(m.n);
	assert_int_equal(rig_body(m).n == 0, told);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, 4000);
}

/* Where who calls hears early media, and where it was told nothing; over a kill before the answer of the call, and behind it. */
static void another_port_before_the_answer(void **state)
{
	static const struct {
		const char *user, *line;
		bool kills, now;
	} rows[] = {
		{ "1003", "", false, true },  { "1003", "", true, true },
		{ "1003", CAN, false, true }, { "1003", CAN, true, true },
		{ "1001", "", false, false }, { "1001", "", true, false },
		{ "1001", CAN, true, false },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct line *l;
		bool told;

		if (i) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(prack_setup(state), 0);
		}
		l = *state;
		phone_open(&l->a, l->r, rows[i].user, "192.0.2.11:5060");
		answers_early(l, rows[i].line);
		told = rows[i].now && rows[i].line[0];
		if (told)
			prack_say(&l->a, phone_hears(&l->a, "SIP/2.0 183"), 102, "");
		offers_anew(l, SDP_PORT("5555", "a=sendrecv\r\n"), "a=sendrecv\r\n");
		if (rows[i].now)
			assert_int_equal(line_last_spec(l->r, 1).remote_rtp.port, 5555);
		if (rows[i].kills)
			prack_restart(l);
		offers_anew(l, SDP_PORT("5557", "a=sendrecv\r\n"), "a=sendrecv\r\n");
		answers_at_last(l, told);
		if (rows[i].kills)
			prack_restart(l);
		assert_int_equal(line_last_spec(l->r, 1).remote_rtp.port, 5557);
		rig_wait_ms(l->r, 100);
		assert_int_equal(rig_take(l->r, &l->a.addr, "INVITE ").n, 0);
		phone_request(&l->a, "BYE", "", "");
		line_assert_cdr(l, 200, 16, ENDED_BY_A);
	}
}

/* The caller was told nothing: each codec that it has is free yet. */
static void another_codec_before_the_answer(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_open(&l->a, l->r, "1001", "192.0.2.11:5060");
	prack_call(l, "", PHONE_SDP_A);
	prack_rings(&l->b, "183 Session Progress", 5,
		    "v=0\r\no=b 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n"
		    "m=audio 5000 RTP/AVP 0\r\n");
	phone_answer(&l->b, taken(&l->b), "200 OK", "");
	offers_anew(l, SDP_PORT("5555", ""), " RTP/AVP 8 ");
	prack_restart(l);
	phone_answer(&l->b, l->b.invite, "200 OK", "");
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(rig_body(m), " RTP/AVP 8 "));
	phone_ack(&l->a);
	assert_int_equal(line_last_spec(l->r, 1).remote_rtp.port, 5555);
	assert_int_equal(line_last_spec(l->r, 1).rules[0].in, 8);
}

/* Who was told that B hears and speaks is told otherwise when its call is up, and not before. */
static void hold_before_the_answer(void **state)
{
	struct line *l = *state;
	struct bytes m;

	answers_early(l, "");
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 183"), "m=audio "));
	offers_anew(l, SDP_PORT("5000", "a=sendonly\r\n"), "a=recvonly\r\n");
	assert_int_equal(line_last_spec(l->r, 1).send, 0);
	prack_restart(l);
	phone_answer(&l->b, l->b.invite, "200 OK", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	assert_int_equal(rig_count(l->r, &l->a.addr, "INVITE "), 0);
	phone_ack(&l->a);
	m = rig_take(l->r, &l->a.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	phone_answer(&l->a, m, "200 OK", PHONE_SDP_A);
	assert_int_equal(line_last_spec(l->r, 1).send, 0);
}

/* Behind its own offer, which who calls has answered. */
static void late_offer_and_another(void **state)
{
	struct line *l = *state;
	struct bytes m;

	prack_call(l, CAN, "");
	prack_rings(&l->b, "183 Session Progress", 9, PHONE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 183");
	phone_request(&l->b, "UPDATE", "", SDP_PORT("5555", ""));
	assert_true(bytes_starts(rig_take(l->r, &l->b.addr, "SIP/2.0 "), "SIP/2.0 491"));
	prack_say(&l->a, m, 102, PHONE_SDP_A);
	phone_answer(&l->b, taken(&l->b), "200 OK", "");
	offers_anew(l, SDP_PORT("5555", "a=sendrecv\r\n"), "a=sendrecv\r\n");
	assert_int_equal(line_last_spec(l->r, 1).remote_rtp.port, 5555);
	prack_restart(l);
	answers_at_last(l, true);
	assert_int_equal(line_last_spec(l->r, 1).remote_rtp.port, 5555);
}

/* A codec that who calls has not, a line more: what was agreed stays. */
static void offers_nothing_that_fits(void **state)
{
	static const char *const rows[] = {
		("v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n"
		 "m=audio 5555 RTP/AVP 3\r\n"),
		SDP_PORT("5555", "m=audio 5557 RTP/AVP 8\r\n"),
	};
	struct line *l = *state;

	answers_early(l, "");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		phone_request(&l->b, "UPDATE", "", rows[i]);
		assert_true(bytes_starts(rig_take(l->r, &l->b.addr, "SIP/2.0 "), "SIP/2.0 488"));
	}
	answers_at_last(l, false);
	assert_int_equal(line_last_spec(l->r, 1).remote_rtp.port, 5000);
}

/* An early dialog has no end but that of its INVITE, and no session to change before it has answered (RFC 3311 5.2). */
static void what_an_early_phone_may_ask(void **state)
{
	static const struct {
		const char *method, *sdp, *want;
	} rows[] = {
		{ "BYE", "", "SIP/2.0 481" },
		{ "UPDATE", "", "SIP/2.0 200" },
		{ "UPDATE", PHONE_SDP_B, "SIP/2.0 491" },
		{ "PRACK", "", "SIP/2.0 481" },
	};
	struct line *l = *state;

	prack_call(l, "", PHONE_SDP_A);
	prack_rings(&l->b, "180 Ringing", 5, "");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		phone_request(&l->b, rows[i].method, "", rows[i].sdp);
		ROW_ASSERT(rows[i].method, rig_take(l->r, &l->b.addr, rows[i].want).n);
	}
	answers(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PRACK_TEST(who_is_offered_it),
		PRACK_TEST(acknowledged),
		PRACK_TEST(answer_without_sdp),
		PRACK_TEST(repeated_until_answered),
		PRACK_TEST(refused),
		PRACK_TEST(never_answered),
		PRACK_TEST(late_offer),
		PRACK_TEST(late_offer_and_ringing),
		PRACK_TEST(late_offer_without_an_answer),
		PRACK_TEST(late_offer_and_kills),
		PRACK_TEST(late_offer_killed_at_the_answer),
		PRACK_TEST(late_offer_of_another_fork),
		PRACK_TEST(killed_at_the_prack),
		PRACK_TEST(killed_before_the_save),
		PRACK_TEST(forks_behind_one_address),
		PRACK_TEST(endless_forks),
		PRACK_TEST(another_port_before_the_answer),
		PRACK_TEST(another_codec_before_the_answer),
		PRACK_TEST(hold_before_the_answer),
		PRACK_TEST(late_offer_and_another),
		PRACK_TEST(offers_nothing_that_fits),
		PRACK_TEST(what_an_early_phone_may_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
