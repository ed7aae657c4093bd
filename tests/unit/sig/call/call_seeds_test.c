/* SPDX-License-Identifier: Apache-2.0 */
/* What seeds of the simulator showed (tests/sim/seeds.txt), told without it: two phones, and kills before a save. */
#include "tests/unit/sig/line.h"

/* What that phone heard: messages that begin so and have this line in them. */
static uint32_t heard(const struct rig *r, const struct phone *p, const char *begin,
		      const char *line)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->sent_count; i++) {
		struct bytes m = text_bytes(&r->sent[i].data);

		n += addr_eq(&r->sent[i].hop.remote, &p->addr) && bytes_starts(m, begin) &&
		     rig_has(m, line);
	}
	return n;
}

static uint32_t number_of(struct bytes m)
{
	struct bytes cseq = rig_header(m, "CSeq");
	uint64_t n = 0;

	assert_int_equal(bytes_u64(bytes_sub(cseq, 0, bytes_find(cseq, ' ')), &n), 0);
	return (uint32_t)n;
}

/* ---- the end of a call, and a kill ---- */

/* Who was told that it is over never says so again: so the 200 waits until the end is in the record. */
static void killed_at_a_bye(struct line *l, struct phone *first, struct phone *second)
{
	struct rig *r = l->r;

	phones_talk(&l->a, &l->b);
	r->hold_saves = true;
	phone_request(first, "BYE", "", "");
	assert_int_equal(heard(r, first, "SIP/2.0 200", " BYE\r\n"), 0);
	line_restart(l, line_stored(l));
	assert_int_equal(rig_counts(r).calls_established, 1);
	phone_write(first, "BYE", "", ""); /* its next copy */
	assert_int_equal(heard(r, first, "SIP/2.0 200", " BYE\r\n"), 1);
	phone_answer(second, rig_take(r, &second->addr, "BYE "), "200 OK", "");
	line_assert_idle(r);
	assert_int_equal(r->cdr_count, 1);
}

static void killed_at_the_callers_bye(void **state)
{
	struct line *l = *state;

	killed_at_a_bye(l, &l->a, &l->b);
	assert_int_equal(l->r->cdrs[0].ended_by, ENDED_BY_A);
}

static void killed_at_the_callees_bye(void **state)
{
	struct line *l = *state;

	killed_at_a_bye(l, &l->b, &l->a);
	assert_int_equal(l->r->cdrs[0].ended_by, ENDED_BY_B);
}

/* A says another BYE, as a shard does that was killed: both have their answer when its end is in the record. */
static void another_bye(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	phones_talk(&l->a, &l->b);
	r->hold_saves = true;
	phone_request(&l->a, "BYE", "", "");
	phone_request(&l->a, "BYE", "", "");
	assert_int_equal(heard(r, &l->a, "SIP/2.0 200", " BYE\r\n"), 0);
	r->hold_saves = false;
	rig_run(r);
	assert_int_equal(heard(r, &l->a, "SIP/2.0 200", " BYE\r\n"), 2);
	phone_answer(&l->b, rig_take(r, &l->b.addr, "BYE "), "200 OK", "");
	line_assert_idle(r);
	assert_int_equal(r->cdr_count, 1);
}

/* The asked side hangs up and never answers the re-INVITE, which it had said to be trying: its transaction ends all the same. */
static void bye_of_the_asked_side(void **state)
{
	struct line *l = *state;
	struct bytes invite;

	phones_talk(&l->a, &l->b);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	invite = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(invite.n);
	phone_answer(&l->b, invite, "100 Trying", "");
	phone_request(&l->b, "BYE", "", "");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 487").n);
	phone_write(&l->a, "ACK", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_B);
}

/* ---- CSeq numbers (RFC 3261 12.2.1.1) ---- */

/* An INFO relayed while a re-INVITE waits for its save has the higher number, and leaves behind it. */
static void info_behind_a_waiting_invite(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;
	uint32_t before;

	phones_talk(&l->a, &l->b);
	r->hold_saves = true;
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	phone_request(&l->a, "INFO", "", "x=1");
	assert_int_equal(rig_count(r, &l->b.addr, "INVITE "), 1);
	assert_int_equal(rig_count(r, &l->b.addr, "INFO "), 0);
	before = r->sent_count;
	r->hold_saves = false;
	rig_run(r);
	assert_true(number_of(rig_take(r, &l->b.addr, "INVITE ")) <
		    number_of(rig_find(r, &l->b.addr, "INFO ")));
	for (uint32_t i = before; i < r->sent_count; i++) {
		if (bytes_starts(text_bytes(&r->sent[i].data), "INVITE "))
			return;
		assert_false(bytes_starts(text_bytes(&r->sent[i].data), "INFO "));
	}
	fail();
}

static uint32_t info_number(struct line *l)
{
	struct bytes m;

	phone_request(&l->a, "INFO", "", "x=1");
	m = rig_take(l->r, &l->b.addr, "INFO ");
	assert_true(m.n);
	phone_answer(&l->b, m, "200 OK", "");
	return number_of(m);
}

/* Each process goes on far above its record. Two from one record use the same numbers: where B refuses one for that, the call
 * stays, and the numbers grow on. */
static void two_kills_before_a_save(void **state)
{
	struct line *l = *state;
	struct text record = { 0 };
	uint32_t first, second;

	phones_talk(&l->a, &l->b);
	assert_int_equal(text_set(&record, line_stored(l)), 0);
	first = info_number(l);
	line_restart(l, text_bytes(&record));
	second = info_number(l);
	assert_true(second > first);
	line_restart(l, text_bytes(&record));
	phone_request(&l->a, "INFO", "", "x=1");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INFO "), "500 Out of order", "");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 500").n);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_true(info_number(l) > second);
	text_clear(&record);
}

/* Where they know which of the shard's owners they are, each one has numbers of its own. */
static void each_process_has_its_numbers(void **state)
{
	struct line *l = *state;
	struct text record = { 0 };
	uint32_t last = 0;

	shard_incarnate(l->r->shard, 7);
	phones_talk(&l->a, &l->b);
	assert_int_equal(text_set(&record, line_stored(l)), 0);
	for (l->r->incarnation = 8; l->r->incarnation < 12; l->r->incarnation++) {
		uint32_t number;

		line_restart(l, text_bytes(&record));
		number = info_number(l);
		assert_true(number > last);
		last = number;
	}
	text_clear(&record);
}

/* The store has an older record than it had acknowledged: the numbers said since then are passed over. */
static void store_forgot_numbers(void **state)
{
	struct line *l = *state;
	struct text record = { 0 };
	uint32_t said = 0;

	phones_talk(&l->a, &l->b);
	assert_int_equal(text_set(&record, line_stored(l)), 0);
	for (int i = 0; i < 20; i++)
		said = info_number(l);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_true(!bytes_eq(text_bytes(&record), line_stored(l)));
	line_restart(l, text_bytes(&record));
	assert_true(info_number(l) > said + 1);
	text_clear(&record);
}

/* A asks anew and hangs up before the first save of that: our BYE passes the re-INVITE, which never leaves. Killed then, the successor has
 * a record that knows the re-INVITE alone: B hears it under its lower number, and B's answer ends nothing. */
static void killed_behind_a_bye_that_passed(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;
	struct bytes bye, invite;
	const struct rig_save *with_invite;

	phones_talk(&l->a, &l->b);
	r->hold_saves = true;
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	with_invite = rig_record(r);
	phone_request(&l->a, "BYE", "", "");
	bye = rig_take(r, &l->b.addr, "BYE ");
	assert_true(bye.n);
	assert_int_equal(rig_count(r, &l->b.addr, "INVITE "), 1);
	line_restart(l, text_bytes(&with_invite->record));
	invite = rig_take(r, &l->b.addr, "INVITE ");
	assert_int_equal(number_of(invite), number_of(bye) - 1);
	phone_answer(&l->b, invite, "481 Gone", "");
	phone_write(&l->a, "BYE", "", ""); /* its next copy */
	assert_int_equal(heard(r, &l->a, "SIP/2.0 200", " BYE\r\n"), 1);
}

/* ---- answers, CANCEL, and a kill ---- */

static void ring(struct line *l)
{
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
}

/* A gave up, which is in no record, and so it did not hear 487; then B picks up. A acknowledges nothing, so both are told to go. */
static void killed_before_487(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	ring(l);
	r->hold_saves = true;
	phone_cancel(&l->a);
	assert_int_equal(rig_count(r, &l->a.addr, "SIP/2.0 487"), 0);
	line_restart(l, line_stored(l));
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(heard(r, &l->a, "SIP/2.0 200", " INVITE\r\n") > 0);
	rig_wait_ms(r, 33000);
	phone_answer(&l->b, rig_take(r, &l->b.addr, "BYE "), "200 OK", "");
	phone_answer(&l->a, rig_take(r, &l->a.addr, "BYE "), "481 Gone", "");
	assert_int_equal(rig_counts(r).calls, 0);
	line_assert_idle(r);
	assert_int_equal(r->cdr_count, 1);
}

/* B's 2xx waits for its save when the process dies: nobody was told, so A may still give up, and B is told to go. */
static void nobody_was_told_of_the_2xx(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	ring(l);
	r->hold_saves = true;
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(heard(r, &l->a, "SIP/2.0 200", "\r\n"), 0);
	assert_int_equal(rig_count(r, &l->b.addr, "ACK "), 0);
	line_restart(l, line_stored(l));
	phone_cancel(&l->a);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	phone_write(&l->a, "ACK", "", "");
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B); /* its next copy */
	assert_int_equal(rig_count(r, &l->b.addr, "ACK "), 1);
	assert_int_equal(rig_count(r, &l->b.addr, "BYE "), 1);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

/* The same, killed twice: no process knows of the 2xx, nobody was promised anything, and its next copy is the answer once it is saved. */
static void killed_twice_before_the_2xx(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;
	struct text record = { 0 };

	ring(l);
	assert_int_equal(text_set(&record, line_stored(l)), 0);
	for (int kill = 0; kill < 2; kill++) {
		r->hold_saves = true;
		phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
		assert_int_equal(heard(r, &l->a, "SIP/2.0 200", "\r\n"), 0);
		assert_int_equal(rig_count(r, &l->b.addr, "ACK "), 0);
		line_restart(l, text_bytes(&record));
	}
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(!bytes_eq(text_bytes(&record), line_stored(l)));
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_count(r, &l->b.addr, "ACK "), 1);
	assert_int_equal(rig_counts(r).calls_established, 1);
	text_clear(&record);
}

static void cancel_and_answer(struct line *l)
{
	ring(l);
	phone_cancel(&l->a);
	(void)phone_hears(&l->a, "SIP/2.0 487");
	phone_write(&l->a, "ACK", "", "");
	(void)rig_take(l->r, &l->b.addr, "CANCEL ");
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
}

/* The BYE of who answered too late is answered, and the call is over. */
static void assert_late_one_left(struct line *l)
{
	struct bytes bye = rig_take(l->r, &l->b.addr, "BYE ");

	assert_true(rig_has(rig_header(bye, "To"), ";tag="));
	phone_answer(&l->b, bye, "200 OK", "");
	assert_int_equal(rig_counts(l->r).calls, 0);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

/* B's 2xx crossed the CANCEL and was acknowledged; the BYE never left. The successor knows the dialog, and says it. */
static void killed_between_ack_and_bye(void **state)
{
	struct line *l = *state;
	struct text record = { 0 };

	cancel_and_answer(l);
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 1);
	assert_int_equal(text_set(&record, line_stored(l)), 0);
	assert_true(rig_take(l->r, &l->b.addr, "BYE ").n); /* this one is lost */
	line_restart(l, text_bytes(&record));
	assert_late_one_left(l);
	text_clear(&record);
}

/* Before the save nothing is said to the 2xx: B says it again, to the successor. */
static void killed_before_that_ack(void **state)
{
	struct line *l = *state;
	struct text record = { 0 };

	ring(l);
	phone_cancel(&l->a);
	(void)phone_hears(&l->a, "SIP/2.0 487");
	phone_write(&l->a, "ACK", "", "");
	assert_int_equal(text_set(&record, line_stored(l)), 0);
	l->r->hold_saves = true;
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 0);
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 0);
	line_restart(l, text_bytes(&record));
	(void)phone_hears(&l->a, "SIP/2.0 487"); /* it is not known that A has heard it */
	phone_write(&l->a, "ACK", "", "");
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 1);
	assert_late_one_left(l);
	text_clear(&record);
}

/* ---- silence ---- */

#define HOLD_SDP                                                                      \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"
#define HELD_SDP                                                                      \
	"v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=recvonly\r\n"

static struct flow_spec newest_spec(const struct rig *r, uint8_t leg)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		if (r->media[i].kind == MEDIA_FLOW_UPDATE && r->media[i].spec.leg == leg)
			return r->media[i].spec;
	}
	return (struct flow_spec){ 0 };
}

/* The offer that would end a hold is refused: the hold stays (RFC 3261 14.1), and of who is held nothing is expected. */
static void hold_is_not_lifted(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	phone_request(&l->a, "INVITE", "", HOLD_SDP);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", HELD_SDP);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(newest_spec(l->r, 1).receive, 0);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "488 No", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
	phone_write(&l->a, "ACK", "", "");
	assert_int_equal(newest_spec(l->r, 0).receive, 1);
	assert_int_equal(newest_spec(l->r, 0).send, 0);
	assert_int_equal(newest_spec(l->r, 1).receive, 0);
	assert_int_equal(newest_spec(l->r, 1).send, 1);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(killed_at_the_callers_bye),
		LINE_TEST(killed_at_the_callees_bye),
		LINE_TEST(another_bye),
		LINE_TEST(bye_of_the_asked_side),
		LINE_TEST(info_behind_a_waiting_invite),
		LINE_TEST(two_kills_before_a_save),
		LINE_TEST(each_process_has_its_numbers),
		LINE_TEST(store_forgot_numbers),
		LINE_TEST(killed_behind_a_bye_that_passed),
		LINE_TEST(killed_before_487),
		LINE_TEST(nobody_was_told_of_the_2xx),
		LINE_TEST(killed_between_ack_and_bye),
		LINE_TEST(killed_before_that_ack),
		LINE_TEST(hold_is_not_lifted),
		LINE_TEST(killed_twice_before_the_2xx),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
