/* SPDX-License-Identifier: Apache-2.0 */
/* Several phones behind one address ring: each has an early dialog of its own, and so has the caller with each of them (RFC 3261 12.1.2,
 * 13.2.2.4, RFC 3262 5, RFC 3311). */
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/prack.h"

#define SDP(who, port, codecs)                                                              \
	"v=0\r\no=" who " 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio " port " RTP/AVP " codecs "\r\n"
#define ONE SDP("one", "5000", "8")
#define TWO SDP("two", "6000", "0")
#define SDP_A_MOVED                                                                   \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4400 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

enum { TAG_ROOM = 128 };

/* One of the phones at B's address says something to the INVITE; rseq 0: not reliably. */
static void says(struct line *l, const char *tag, const char *status, unsigned rseq,
		 const char *lines, const char *sdp)
{
	char extra[256];

	(void)snprintf(extra, sizeof(extra), rseq ? "Require: 100rel\r\nRSeq: %u\r\n%s" : "%.0d%s",
		       rseq, lines);
	phone_answer_as(&l->b, l->b.invite, tag, status, extra, sdp);
}

/* What A hears next that begins so, and under which tag. */
static struct bytes hears(struct line *l, const char *begin, char tag[TAG_ROOM])
{
	struct bytes m = phone_hears(&l->a, begin);

	assert_true(m.n);
	phone_copy(tag, TAG_ROOM, bytes_str(l->a.remote_tag));
	return m;
}

static struct bytes prack_to(struct line *l, const char *tag, const char *rack)
{
	struct bytes m = rig_take(l->r, &l->b.addr, "PRACK ");
	char wanted[64];

	assert_true(m.n);
	(void)snprintf(wanted, sizeof(wanted), ";tag=%s", tag);
	assert_true(rig_has(rig_header(m, "To"), wanted));
	assert_true(bytes_is(rig_header(m, "RAck"), rack));
	return m;
}

static void assert_acked(struct line *l, const char *tag)
{
	struct bytes m = rig_take(l->r, &l->b.addr, "ACK ");
	char wanted[64];

	(void)snprintf(wanted, sizeof(wanted), ";tag=%s", tag);
	assert_true(rig_has(rig_header(m, "To"), wanted));
}

static void assert_media_of(struct line *l, unsigned port, uint8_t type)
{
	const struct flow_spec spec = line_last_spec(l->r, 1);

	assert_int_equal(spec.remote_rtp.port, port);
	assert_int_equal(spec.rules[0].in, type);
}

/* One says that early, the other one takes the call. */
static void another_answers(void **state)
{
	struct line *l = *state;
	char first[TAG_ROOM], second[TAG_ROOM];
	struct bytes m;

	prack_call(l, "", PHONE_SDP_A);
	says(l, "one", "183 Session Progress", 0, "", ONE);
	m = hears(l, "SIP/2.0 183", first);
	assert_true(rig_has(m, " RTP/AVP 8"));
	says(l, "two", "200 OK", 0, "", TWO);
	m = hears(l, "SIP/2.0 200", second);
	assert_true(rig_has(m, " RTP/AVP 0"));
	assert_string_not_equal(first, second);
	assert_acked(l, "two");
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_media_of(l, 6000, 0);
}

/* Both have said so; answers: the one that says 200, without SDP where it was said reliably. */
static void either_answers(struct line *l, bool reliable, bool first_answers)
{
	const char *answers = first_answers ? "one" : "two";
	char first[TAG_ROOM], second[TAG_ROOM], last[TAG_ROOM];
	struct bytes m;

	prack_call(l, "", PHONE_SDP_A);
	says(l, "one", "183 Session Progress", reliable ? 5 : 0, "", ONE);
	(void)hears(l, "SIP/2.0 183", first);
	says(l, "two", "183 Session Progress", reliable ? 900 : 0, "", TWO);
	m = hears(l, "SIP/2.0 183", second);
	assert_true(rig_has(m, " RTP/AVP 0"));
	assert_string_not_equal(first, second);
	assert_media_of(l, 6000, 0);
	if (reliable) {
		phone_answer(&l->b, prack_to(l, "one", "5 1 INVITE"), "200 OK", "");
		phone_answer(&l->b, prack_to(l, "two", "900 1 INVITE"), "200 OK", "");
	}
	/* it rings on: A hears the other one still */
	says(l, "one", "183 Session Progress", 0, "", ONE);
	assert_media_of(l, 6000, 0);
	says(l, answers, "200 OK", 0, "", reliable ? "" : first_answers ? ONE : TWO);
	m = hears(l, "SIP/2.0 200", last);
	assert_string_equal(last, first_answers ? first : second);
	assert_true(rig_has(m, first_answers ? " RTP/AVP 8" : " RTP/AVP 0"));
	assert_acked(l, answers);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_media_of(l, first_answers ? 5000 : 6000, first_answers ? 8 : 0);
}

static void each_may_answer(void **state)
{
	for (int i = 0; i < 4; i++) {
		if (i) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(prack_setup(state), 0);
		}
		either_answers(*state, i & 1, i & 2);
	}
}

/* A acknowledges each in its own dialog, which begins with the CSeq of the INVITE and has numbers of its own. */
static void caller_acknowledges(void **state)
{
	struct line *l = *state;
	char first[TAG_ROOM], second[TAG_ROOM], last[TAG_ROOM];
	struct bytes m;

	prack_call(l, CAN, PHONE_SDP_A);
	says(l, "one", "183 Session Progress", 5, "", ONE);
	m = hears(l, "SIP/2.0 183", first);
	assert_true(prack_wanted(m));
	says(l, "two", "183 Session Progress", 900, "", TWO);
	assert_int_equal(rig_take(l->r, &l->a.addr, "SIP/2.0 183").n, 0); /* one at a time */
	prack_say(&l->a, m, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	m = hears(l, "SIP/2.0 183", second);
	assert_string_not_equal(first, second);
	assert_true(rig_has(m, " RTP/AVP 0"));
	prack_say(&l->a, m, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	phone_copy(l->a.remote_tag, sizeof(l->a.remote_tag), bytes_str(first));
	prack_say_number(&l->a, 1, 102, ""); /* not its number */
	phone_answer(&l->b, prack_to(l, "one", "5 1 INVITE"), "200 OK", "");
	phone_answer(&l->b, prack_to(l, "two", "900 1 INVITE"), "200 OK", "");
	says(l, "one", "200 OK", 0, "", "");
	m = hears(l, "SIP/2.0 200", last);
	assert_string_equal(last, first);
	assert_int_equal(rig_body(m).n, 0); /* RFC 6337 3.1.1: it has the answer */
	phone_ack(&l->a);
	assert_media_of(l, 5000, 8);
}

/* The answer does not wait for the PRACK of another dialog (RFC 3262 3), which is taken when it comes. */
static void answered_before_the_prack(void **state)
{
	struct line *l = *state;
	char first[TAG_ROOM], second[TAG_ROOM];
	struct bytes said;

	prack_call(l, CAN, PHONE_SDP_A);
	says(l, "one", "183 Session Progress", 5, "", ONE);
	said = hears(l, "SIP/2.0 183", first);
	says(l, "two", "200 OK", 0, "", TWO);
	assert_true(rig_has(hears(l, "SIP/2.0 200", second), " RTP/AVP 0"));
	phone_copy(l->a.remote_tag, sizeof(l->a.remote_tag), bytes_str(first));
	prack_say(&l->a, said, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	phone_copy(l->a.remote_tag, sizeof(l->a.remote_tag), bytes_str(second));
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	rig_wait_ms(l->r, 40000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_media_of(l, 6000, 0);
}

/* Each has its own target and route set; those of the one that answers stay. */
static void targets_and_routes(void **state)
{
	struct line *l = *state;
	struct bytes m;
	char tag[TAG_ROOM];

	prack_call(l, "", PHONE_SDP_A);
	says(l, "one", "183 Session Progress", 5, "Record-Route: <sip:192.0.2.12:5070;lr>\r\n",
	     ONE);
	says(l, "two", "183 Session Progress", 900, "Record-Route: <sip:192.0.2.12:5080;lr>\r\n",
	     TWO);
	{
		const struct addr via_one = rig_addr("192.0.2.12:5070"),
				  via_two = rig_addr("192.0.2.12:5080");

		m = rig_take(l->r, &via_one, "PRACK ");
		assert_true(bytes_is(rig_header(m, "CSeq"), "2 PRACK"));
		assert_true(bytes_is(rig_header(m, "Route"), "<sip:192.0.2.12:5070;lr>"));
		m = rig_take(l->r, &via_two, "PRACK ");
		assert_true(bytes_is(rig_header(m, "CSeq"), "2 PRACK"));
		assert_true(bytes_is(rig_header(m, "Route"), "<sip:192.0.2.12:5080;lr>"));
		says(l, "one", "183 Session Progress", 0, "", ONE);
		says(l, "two", "200 OK", 0, "Record-Route: <sip:192.0.2.12:5080;lr>\r\n", "");
		(void)hears(l, "SIP/2.0 200", tag);
		assert_true(rig_take(l->r, &via_two, "ACK ").n);
		phone_ack(&l->a);
		phone_request(&l->a, "BYE", "", "");
		m = rig_take(l->r, &via_two, "BYE ");
		assert_true(rig_has(rig_header(m, "To"), ";tag=two"));
	}
}

/* Before it answers B wants to know who asks: the INVITE is a new one, whoever has rung. */
static void asked_anew(void **state)
{
	struct line *l = *state;
	char first[TAG_ROOM], second[TAG_ROOM];
	struct bytes m;

	l->r->settings.session_expires_s = 1800;
	shard_configure(l->r->shard, &l->r->settings);
	prack_call(l, "", PHONE_SDP_A);
	says(l, "one", "183 Session Progress", 5, "Record-Route: <sip:192.0.2.12:5070;lr>\r\n",
	     ONE);
	(void)hears(l, "SIP/2.0 183", first);
	says(l, "two", "180 Ringing", 0, "", "");
	says(l, "one", "422 Session Interval Too Small", 0, "Min-SE: 3600\r\n", "");
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(bytes_starts(m, "INVITE sip:1002@192.0.2.12:5060 "));
	assert_false(rig_has(rig_header(m, "To"), ";tag="));
	assert_int_equal(rig_header(m, "Route").n, 0);
	l->b.invite = m;
	says(l, "one", "200 OK", 0, "", TWO);
	assert_true(rig_has(hears(l, "SIP/2.0 200", second), " RTP/AVP 0"));
	assert_string_not_equal(first, second);
	phone_ack(&l->a);
	assert_media_of(l, 6000, 0);
}

/* kill -9: each PRACK is said again in its dialog, and each dialog of the caller is what it was. */
static void killed(void **state)
{
	for (int first_answers = 0; first_answers < 2; first_answers++) {
		char first[TAG_ROOM], second[TAG_ROOM], last[TAG_ROOM];
		struct line *l;

		if (first_answers) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(prack_setup(state), 0);
		}
		l = *state;
		prack_call(l, "", PHONE_SDP_A);
		says(l, "one", "183 Session Progress", 5, "", ONE);
		(void)hears(l, "SIP/2.0 183", first);
		says(l, "two", "183 Session Progress", 900, "", TWO);
		(void)hears(l, "SIP/2.0 183", second);
		(void)prack_to(l, "one", "5 1 INVITE");
		(void)prack_to(l, "two", "900 1 INVITE");
		rig_wait_ms(l->r, 50);
		prack_restart(l);
		phone_answer(&l->b, prack_to(l, "one", "5 1 INVITE"), "200 OK", "");
		phone_answer(&l->b, prack_to(l, "two", "900 1 INVITE"), "200 OK", "");
		says(l, "one", "183 Session Progress", 6, "", "");
		phone_answer(&l->b, prack_to(l, "one", "6 1 INVITE"), "200 OK", "");
		prack_restart(l);
		says(l, first_answers ? "one" : "two", "200 OK", 0, "", "");
		(void)hears(l, "SIP/2.0 200", last);
		assert_string_equal(last, first_answers ? first : second);
		assert_acked(l, first_answers ? "one" : "two");
		phone_ack(&l->a);
		assert_int_equal(rig_counts(l->r).calls_established, 1);
		assert_media_of(l, first_answers ? 5000 : 6000, first_answers ? 8 : 0);
	}
}

/* UPDATE, RFC 3311: A moves in its first early dialog; in the other one all is as it was. */
static void update_of_the_caller(void **state)
{
	struct line *l = *state;
	char first[TAG_ROOM], second[TAG_ROOM];
	struct bytes m;

	prack_call(l, CAN, PHONE_SDP_A);
	says(l, "one", "183 Session Progress", 5, "", ONE);
	m = hears(l, "SIP/2.0 183", first);
	prack_say(&l->a, m, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	says(l, "two", "183 Session Progress", 900, "", TWO);
	m = hears(l, "SIP/2.0 183", second);
	prack_say(&l->a, m, 102, "");
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	phone_copy(l->a.remote_tag, sizeof(l->a.remote_tag), bytes_str(first));
	l->a.cseq = 102;
	phone_request(&l->a, "UPDATE", "", SDP_A_MOVED);
	m = rig_take(l->r, &l->a.addr, "SIP/2.0 200");
	assert_true(rig_has(rig_header(m, "CSeq"), " UPDATE"));
	assert_true(rig_has(m, " RTP/AVP 8"));
	assert_media_of(l, 5000, 8);
	assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, 4400);
	l->a.cseq = 101;
	says(l, "two", "200 OK", 0, "", "");
	(void)hears(l, "SIP/2.0 200", first);
	assert_string_equal(first, second);
	phone_ack(&l->a);
	assert_media_of(l, 6000, 0);
	assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, 4000);
	/* the other one has ended */
	l->a.cseq = 104;
}

/* It knows the tags of an early dialog of another's call: that changes nobody's early media. */
static void stranger_in_another_dialog(void **state)
{
	struct line *l = *state;
	char first[TAG_ROOM], second[TAG_ROOM];
	struct phone thief;

	prack_call(l, "", PHONE_SDP_A);
	says(l, "one", "183 Session Progress", 0, "", ONE);
	(void)hears(l, "SIP/2.0 183", first);
	says(l, "two", "183 Session Progress", 0, "", TWO);
	(void)hears(l, "SIP/2.0 183", second);
	assert_media_of(l, 6000, 0);
	thief = l->a;
	thief.addr = rig_addr("203.0.113.66:5060");
	phone_copy(thief.remote_tag, sizeof(thief.remote_tag), bytes_str(first));
	for (unsigned i = 0; i < 4; i++) {
		static const char *methods[] = { "UPDATE", "INFO", "PRACK", "INVITE" };

		phone_request(&thief, methods[i], "", "");
		assert_true(rig_take(l->r, &thief.addr, "SIP/2.0 40").n);
		assert_media_of(l, 6000, 0);
	}
	thief = l->b;
	thief.addr = rig_addr("203.0.113.66:5060");
	(void)snprintf(thief.tag, sizeof(thief.tag), "one"); /* the same of who is called */
	phone_request(&thief, "UPDATE", "", ONE);
	assert_true(rig_take(l->r, &thief.addr, "SIP/2.0 40").n);
	assert_media_of(l, 6000, 0);
	phone_copy(l->a.remote_tag, sizeof(l->a.remote_tag), bytes_str(second));
	says(l, "two", "200 OK", 0, "", TWO);
	(void)hears(l, "SIP/2.0 200", first);
	assert_string_equal(first, second);
	phone_ack(&l->a);
	assert_media_of(l, 6000, 0);
}

static void update_of_a_callee(void **state)
{
	struct line *l = *state;
	char first[TAG_ROOM], second[TAG_ROOM];
	struct bytes m;

	prack_call(l, "", PHONE_SDP_A);
	says(l, "one", "183 Session Progress", 5, "", ONE);
	phone_answer(&l->b, prack_to(l, "one", "5 1 INVITE"), "200 OK", "");
	(void)hears(l, "SIP/2.0 183", first);
	says(l, "two", "183 Session Progress", 900, "", TWO);
	phone_answer(&l->b, prack_to(l, "two", "900 1 INVITE"), "200 OK", "");
	(void)hears(l, "SIP/2.0 183", second);
	phone_copy(l->b.tag, sizeof(l->b.tag), BYTES_LIT("one"));
	phone_request(&l->b, "UPDATE", "", SDP("one", "5500", "8"));
	m = rig_take(l->r, &l->b.addr, "SIP/2.0 200");
	assert_true(rig_has(rig_header(m, "CSeq"), " UPDATE"));
	assert_true(rig_has(m, " RTP/AVP 8"));
	phone_request(&l->b, "UPDATE", "", ""); /* and one that only says that it is there */
	assert_true(rig_take(l->r, &l->b.addr, "SIP/2.0 200").n);
	says(l, "three", "183 Session Progress", 70, "", SDP("three", "7000", "8 0"));
	phone_answer(&l->b, prack_to(l, "three", "70 1 INVITE"), "200 OK", "");
	phone_copy(l->b.tag, sizeof(l->b.tag), BYTES_LIT("three"));
	phone_request(&l->b, "UPDATE", "", SDP("three", "7700", "0"));
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "SIP/2.0 200"), " RTP/AVP 0"));
	phone_copy(l->b.tag, sizeof(l->b.tag), BYTES_LIT("nobody"));
	phone_request(&l->b, "UPDATE", "", "");
	assert_true(rig_take(l->r, &l->b.addr, "SIP/2.0 481").n);
	says(l, "one", "200 OK", 0, "", "");
	(void)hears(l, "SIP/2.0 200", second);
	assert_string_equal(first, second);
	phone_ack(&l->a);
	assert_media_of(l, 5500, 8);
}

/* What one of them offers is A's to answer in a dialog of its own. */
static void late_offers(void **state)
{
	struct line *l = *state;
	char first[TAG_ROOM], second[TAG_ROOM];
	struct bytes m;

	prack_call(l, CAN, "");
	says(l, "one", "183 Session Progress", 5, "", ONE);
	m = hears(l, "SIP/2.0 183", first);
	prack_say(&l->a, m, 102, SDP_A_MOVED);
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	m = prack_to(l, "one", "5 1 INVITE");
	assert_true(rig_has(m, "m=audio "));
	phone_answer(&l->b, m, "200 OK", "");
	says(l, "two", "183 Session Progress", 900, "", TWO);
	m = hears(l, "SIP/2.0 183", second);
	assert_string_not_equal(first, second);
	prack_say(&l->a, m, 102, PHONE_SDP_A);
	assert_true(prack_answer_to(&l->a, "SIP/2.0 200").n);
	m = prack_to(l, "two", "900 1 INVITE");
	assert_true(rig_has(m, "m=audio "));
	phone_answer(&l->b, m, "200 OK", "");
	assert_media_of(l, 6000, 0);
	says(l, "one", "200 OK", 0, "", "");
	m = hears(l, "SIP/2.0 200", second);
	assert_string_equal(first, second);
	assert_int_equal(rig_body(m).n, 0);
	assert_int_equal(rig_body(rig_take(l->r, &l->b.addr, "ACK ")).n, 0);
	phone_ack(&l->a);
	assert_media_of(l, 5000, 8);
}

/* One does not go on with its early dialog, another one says that it has ended: who rings on may answer. */
static void one_ends(void **state)
{
	struct line *l = *state;
	char first[TAG_ROOM], second[TAG_ROOM];

	prack_call(l, "", PHONE_SDP_A);
	says(l, "one", "183 Session Progress", 5, "", ONE);
	(void)hears(l, "SIP/2.0 183", first);
	says(l, "two", "183 Session Progress", 900, "", TWO);
	(void)hears(l, "SIP/2.0 183", second);
	says(l, "three", "180 Ringing", 0, "", "");
	phone_answer(&l->b, prack_to(l, "one", "5 1 INVITE"), "200 OK", "");
	phone_answer(&l->b, prack_to(l, "two", "900 1 INVITE"), "481 No", "");
	says(l, "three", "199 Early Dialog Terminated", 0, "", "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 0);
	says(l, "one", "200 OK", 0, "", "");
	(void)hears(l, "SIP/2.0 200", second);
	assert_string_equal(first, second);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_media_of(l, 5000, 8);
}

/* The phone registers from another port meanwhile: each of its early dialogs is there by now. */
static void moves(void **state)
{
	struct line *l = *state;
	const struct addr there = rig_addr("192.0.2.12:5999");
	struct sip_hop from = { .remote = l->b.addr }, to = { .remote = there };
	struct bytes m;

	prack_call(l, "", PHONE_SDP_A);
	says(l, "one", "183 Session Progress", 5, "", ONE);
	phone_answer(&l->b, prack_to(l, "one", "5 1 INVITE"), "200 OK", "");
	says(l, "two", "183 Session Progress", 900, "", TWO);
	phone_answer(&l->b, prack_to(l, "two", "900 1 INVITE"), "200 OK", "");
	shard_phone_moved(l->r->shard, TENANT_DEFAULT, BYTES_LIT("1002"), &from, &to, l->r->now);
	rig_run(l->r);
	says(l, "one", "183 Session Progress", 6, "", "");
	m = rig_take(l->r, &there, "PRACK ");
	assert_true(rig_has(rig_header(m, "To"), ";tag=one"));
	says(l, "two", "183 Session Progress", 901, "", "");
	m = rig_take(l->r, &there, "PRACK ");
	assert_true(rig_has(rig_header(m, "To"), ";tag=two"));
}

/* A phone that makes up forks gets eight, and whoever answers is taken all the same. */
static void bounded(void **state)
{
	struct line *l = *state;
	char tag[TAG_ROOM];

	prack_call(l, "", PHONE_SDP_A);
	for (unsigned i = 0; i < 40; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "f%u", i);
		says(l, name, "183 Session Progress", i + 1, "", ONE);
	}
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 183"), 8);
	rig_wait_ms(l->r, 50);
	prack_restart(l);
	says(l, "f39", "200 OK", 0, "", TWO);
	(void)hears(l, "SIP/2.0 200", tag);
	assert_acked(l, "f39");
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_media_of(l, 6000, 0);
}

/* ---- in any order ---- */

enum { SEEDS = 150, STEPS = 40, NAMES = 10 };

static void one_says(struct line *l, struct rand_source *rand, unsigned *rseq)
{
	static const char *const statuses[] = { "180 Ringing", "183 Session Progress",
						"183 Session Progress",
						"199 Early Dialog Terminated",
						"181 Call Is Being Forwarded" };
	static const char *const sdps[] = { "", ONE, TWO, ONE, "v=0\r\n" };
	unsigned who = rand_below(rand, NAMES);
	char tag[16];

	(void)snprintf(tag, sizeof(tag), "n%u", who);
	rseq[who] += rand_below(rand, 8) != 0;
	says(l, tag, statuses[rand_below(rand, COUNT_OF(statuses))],
	     rand_below(rand, 3) ? rseq[who] + 1 : 0, "", sdps[rand_below(rand, COUNT_OF(sdps))]);
}

/* A says PRACK to the newest that wants one, or UPDATE, in whichever dialog it was. */
static void caller_says(struct line *l, struct rand_source *rand)
{
	struct bytes m = rig_take(l->r, &l->a.addr, "SIP/2.0 18");
	uint32_t cseq = 102 + rand_below(rand, 3);
	char name[256];

	if (m.n)
		phone_split(rig_header(m, "To"), name, sizeof(name), l->a.remote_tag,
			    sizeof(l->a.remote_tag));
	if (m.n && prack_wanted(m)) {
		prack_say(&l->a, m, cseq, rand_below(rand, 4) ? "" : SDP_A_MOVED);
		return;
	}
	l->a.cseq = cseq;
	phone_request(&l->a, "UPDATE", "", rand_below(rand, 2) ? SDP_A_MOVED : "");
	l->a.cseq = 101;
}

static void callee_says(struct line *l, struct rand_source *rand)
{
	struct bytes m = rig_take(l->r, &l->b.addr, "PRACK ");

	(void)snprintf(l->b.tag, sizeof(l->b.tag), "n%u", rand_below(rand, NAMES));
	if (m.n)
		phone_answer(&l->b, m, rand_below(rand, 6) ? "200 OK" : "481 No", "");
	else
		phone_request(&l->b, "UPDATE", "", rand_below(rand, 2) ? TWO : "");
}

static void any_step(struct line *l, struct rand_source *rand, unsigned *rseq)
{
	switch (rand_below(rand, 10)) {
	case 0:
		rig_wait_ms(l->r, rand_below(rand, 2000));
		break;
	case 1:
		l->r->hold_saves = rand_below(rand, 2);
		rig_run(l->r);
		break;
	case 2:
		if (rig_stored(l->r)->version && rand_below(rand, 3) == 0)
			prack_restart(l);
		break;
	case 3:
	case 4:
		caller_says(l, rand);
		break;
	case 5:
	case 6:
		callee_says(l, rand);
		break;
	default:
		one_says(l, rand, rseq);
		break;
	}
}

static void all_is_over(struct line *l, struct rand_source *rand, const char *branch)
{
	struct bytes m;
	char tag[16];

	l->r->hold_saves = false;
	rig_run(l->r);
	(void)snprintf(tag, sizeof(tag), "n%u", rand_below(rand, NAMES));
	switch (rand_below(rand, 3)) {
	case 0:
		says(l, tag, "200 OK", 0, "", TWO);
		break;
	case 1:
		says(l, tag, "486 Busy Here", 0, "", "");
		break;
	default:
		phone_copy(l->a.branch, sizeof(l->a.branch), bytes_str(branch));
		l->a.remote_tag[0] = '\0';
		phone_cancel(&l->a);
		break;
	}
	for (int i = 0; i < 40; i++) {
		if ((m = rig_take(l->r, &l->b.addr, "CANCEL ")).n) {
			phone_answer(&l->b, m, "200 OK", "");
			says(l, tag, "487 Request Terminated", 0, "", "");
		}
		if ((m = rig_take(l->r, &l->b.addr, "BYE ")).n)
			phone_answer(&l->b, m, "200 OK", "");
		if ((m = rig_take(l->r, &l->b.addr, "PRACK ")).n)
			phone_answer(&l->b, m, "200 OK", "");
		if ((m = phone_hears(&l->a, "SIP/2.0 200")).n &&
		    rig_has(rig_header(m, "CSeq"), "INVITE")) {
			phone_ack(&l->a);
			l->a.cseq = 200;
			phone_request(&l->a, "BYE", "", "");
		}
		rig_wait_ms(l->r, 500);
	}
	line_assert_idle(l->r);
}

/* Nothing is lost or left, whatever they say, and whoever is killed. */
static void in_any_order(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		unsigned rseq[NAMES] = { 0 };
		struct rand_source rand;
		char branch[TAG_ROOM];
		struct line *l;

		if (seed > 1) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(prack_setup(state), 0);
		}
		l = *state;
		l->r->rolling = true;
		rand_open_seed(&rand, seed);
		prack_call(l, rand_below(&rand, 2) ? CAN : "",
			   rand_below(&rand, 4) ? PHONE_SDP_A : "");
		phone_copy(branch, sizeof(branch), bytes_str(l->a.branch));
		for (int i = 0; i < STEPS; i++)
			any_step(l, &rand, rseq);
		all_is_over(l, &rand, branch);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PRACK_TEST(another_answers),
		PRACK_TEST(each_may_answer),
		PRACK_TEST(caller_acknowledges),
		PRACK_TEST(answered_before_the_prack),
		PRACK_TEST(targets_and_routes),
		PRACK_TEST(asked_anew),
		PRACK_TEST(killed),
		PRACK_TEST(update_of_the_caller),
		PRACK_TEST(stranger_in_another_dialog),
		PRACK_TEST(update_of_a_callee),
		PRACK_TEST(late_offers),
		PRACK_TEST(one_ends),
		PRACK_TEST(bounded),
		PRACK_TEST(moves),
		PRACK_TEST(in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
