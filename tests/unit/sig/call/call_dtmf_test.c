/* SPDX-License-Identifier: Apache-2.0 */
/* REG-15: a digit reaches the other party exactly once, as it takes digits. */

#include "sig/model/call_order.h"
#include "tests/unit/sig/line.h"

#define RELAY "Content-Type: application/dtmf-relay\r\n"
#define PLAIN_B                                                                       \
	"v=0\r\no=b 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8\r\n"

static void talk(struct line *l, const char *answer)
{
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_answer(&l->b, phone_rings(&l->b), "200 OK", answer);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static uint32_t digits_sent(const struct rig *r, uint8_t leg, struct media_command *last)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->media_count; i++) {
		if (r->media[i].kind != MEDIA_FLOW_DIGIT_SEND)
			continue;
		for (uint32_t k = 0; k < r->media_count; k++) {
			if (r->media[k].kind == MEDIA_FLOW_OPEN &&
			    r->media[k].id.slot == r->media[i].id.slot)
				n += r->media[k].spec.leg == leg;
		}
		*last = r->media[i];
	}
	return n;
}

static uint32_t digit_events(const struct rig *r, uint8_t leg, char digit)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->event_count; i++)
		n += r->events[i].kind == SIG_CALL_DIGIT &&
		     (event_str(&r->events[i], EV_LEG)[0] == 'b') == leg &&
		     event_str(&r->events[i], EV_DIGIT)[0] == digit;
	return n;
}

static void pressed(struct line *l, uint8_t leg, char digit, uint8_t relayed)
{
	struct media_event ev = { .kind = MEDIA_FLOW_DIGIT,
				  .leg = leg,
				  .digit = digit,
				  .duration_ms = 200,
				  .relayed = relayed };

	for (uint32_t i = 0; i < l->r->media_count; i++) {
		const struct flow_spec *s = &l->r->media[i].spec;

		if (l->r->media[i].kind == MEDIA_FLOW_OPEN && s->leg == leg) {
			ev.id = s->id;
			ev.call = s->call;
		}
	}
	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
}

/* A takes events, and gets one: the INFO ends here. */
static void info_becomes_an_event(void **state)
{
	struct line *l = *state;
	struct media_command last;

	talk(l, PLAIN_B);
	phone_request(&l->b, "INFO", RELAY, "Signal=5\r\nDuration=250\r\n");
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "SIP/2.0 200 OK"), " INFO\r\n") ||
		    rig_has(rig_take(l->r, &l->b.addr, "SIP/2.0 200 OK"), " INFO\r\n"));
	assert_int_equal(rig_count(l->r, &l->a.addr, "INFO "), 0);
	assert_int_equal(digits_sent(l->r, 0, &last), 1);
	assert_int_equal(last.digit, '5');
	assert_int_equal(last.duration_ms, 250);
	assert_int_equal(digit_events(l->r, 1, '5'), 1);
	phone_write(&l->b, "INFO", RELAY, "Signal=5\r\nDuration=250\r\n"); /* a copy */
	assert_int_equal(digits_sent(l->r, 0, &last), 1);
	assert_int_equal(digit_events(l->r, 1, '5'), 1);
}

/* B takes none: INFO goes on as INFO, and its answer comes back. */
static void info_stays_info(void **state)
{
	struct line *l = *state;
	struct media_command last;
	struct bytes m;

	talk(l, PLAIN_B);
	phone_request(&l->a, "INFO", RELAY, "Signal=6\r\nDuration=250\r\n");
	m = rig_take(l->r, &l->b.addr, "INFO ");
	assert_true(bytes_is(rig_body(m), "Signal=6\r\nDuration=250\r\n"));
	assert_true(bytes_is(rig_header(m, "Content-Type"), "application/dtmf-relay"));
	phone_answer(&l->b, m, "200 OK", "");
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 200"), " INFO\r\n"));
	assert_int_equal(digits_sent(l->r, 1, &last), 0);
	assert_int_equal(digit_events(l->r, 0, '6'), 1);
}

/* An event that B does not take comes by INFO, one that was relayed does not. */
static void event_becomes_info(void **state)
{
	struct line *l = *state;
	struct media_command last;
	struct bytes m;

	talk(l, PLAIN_B);
	pressed(l, 0, '#', 0);
	m = rig_take(l->r, &l->b.addr, "INFO sip:1002@192.0.2.12:5060 ");
	assert_true(bytes_is(rig_body(m), "Signal=#\r\nDuration=200\r\n"));
	assert_true(bytes_is(rig_header(m, "Content-Type"), "application/dtmf-relay"));
	phone_answer(&l->b, m, "200 OK", "");
	pressed(l, 0, 'F', 0);
	m = rig_take(l->r, &l->b.addr, "INFO ");
	assert_true(bytes_is(rig_body(m), "Signal=!\r\nDuration=200\r\n"));
	phone_answer(&l->b, m, "500 Oops", "");
	pressed(l, 0, '7', 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 2);
	assert_int_equal(digits_sent(l->r, 1, &last), 0);
	assert_int_equal(digit_events(l->r, 0, '7'), 1);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* Events of another clock are said again in B's. */
static void event_becomes_an_event(void **state)
{
	struct line *l = *state;
	struct media_command last;

	talk(l, PHONE_SDP_B);
	pressed(l, 0, '1', 0);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 0);
	assert_int_equal(digits_sent(l->r, 1, &last), 1);
	assert_int_equal(last.digit, '1');
}

/* What we cannot read is for the other party to judge. */
static void unreadable_info(void **state)
{
	struct line *l = *state;
	struct media_command last;

	talk(l, PHONE_SDP_B);
	phone_request(&l->a, "INFO", RELAY, "Signal=x\r\n");
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 1);
	assert_int_equal(digits_sent(l->r, 1, &last), 0);
}

/* An INFO of ours does not overtake a re-INVITE that waits for its save. */
static void behind_a_reinvite(void **state)
{
	struct line *l = *state;
	struct bytes invite, info;

	talk(l, PLAIN_B);
	l->r->hold_saves = true;
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	pressed(l, 0, '3', 0);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	invite = rig_take(l->r, &l->b.addr, "INVITE ");
	info = rig_take(l->r, &l->b.addr, "INFO ");
	assert_true(bytes_is(rig_header(invite, "CSeq"), "2 INVITE"));
	assert_true(bytes_is(rig_header(info, "CSeq"), "3 INFO"));
	assert_true(invite.p && info.p);
}

static uint32_t left(const struct rig *r, const struct addr *to, const char *begin)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->sent_count; i++)
		n += !r->sent[i].taken && addr_eq(&r->sent[i].hop.remote, to) &&
		     bytes_starts(text_bytes(&r->sent[i].data), begin);
	return n;
}

static void assert_info(struct line *l, const char *signal, struct bytes *m)
{
	*m = rig_take(l->r, &l->b.addr, "INFO ");
	assert_true(rig_has(*m, signal));
	assert_int_equal(left(l->r, &l->b.addr, "INFO "), 0);
}

/* linphonec answers 491 while an INFO of its own is open. */
static void busy_party_is_asked_again(void **state)
{
	struct line *l = *state;
	struct bytes m;

	talk(l, PLAIN_B);
	pressed(l, 0, '1', 0);
	pressed(l, 0, '2', 0);
	for (int i = 0; i < 4; i++) {
		assert_info(l, "Signal=1\r\n", &m);
		phone_answer(&l->b, m, "491 Request Pending", "");
		rig_wait_ms(l->r, 90);
		assert_int_equal(left(l->r, &l->b.addr, "INFO "), 0);
		rig_wait_ms(l->r, 320);
	}
	assert_info(l, "Signal=1\r\n", &m);
	phone_answer(&l->b, m, "200 OK", "");
	assert_info(l, "Signal=2\r\n", &m);
	phone_answer(&l->b, m, "200 OK", "");
	assert_int_equal(left(l->r, &l->b.addr, "INFO "), 0);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* The last one. "": there was none. */
static const char *lost_for(const struct rig *r, uint32_t *count)
{
	const char *why = "";

	*count = 0;
	for (uint32_t i = 0; i < r->event_count; i++) {
		if (r->events[i].kind != SIG_CALL_DTMF_FAILED)
			continue;
		why = event_str(&r->events[i], EV_REASON);
		assert_int_equal((event_str(&r->events[i], EV_LEG)[0] == 'b'), 1);
		(*count)++;
	}
	return why;
}

/* More than may wait are not begun. */
static void too_many_are_refused(void **state)
{
	static const char keys[] = "0123456789012345678901234567890123456789";
	struct line *l = *state;
	struct call_view view;
	uint32_t cursor = 0;
	struct call_order order = { .kind = ORDER_DIGITS,
				    .leg = SHARD_LEG_CALLEE,
				    .digits = bytes_str(keys),
				    .duration_ms = 120 };

	talk(l, PLAIN_B);
	assert_true(shard_call_next(l->r->shard, &cursor, &view));
	assert_int_equal(shard_call_order(l->r->shard, view.call, &order, l->r->now), 0);
	assert_int_equal(shard_call_order(l->r->shard, view.call, &order, l->r->now),
			 REFUSED_DIGITS_FULL);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* Not for ever; and the next one has its own tries. Each loss is told. */
static void busy_party_is_given_up(void **state)
{
	struct line *l = *state;
	struct bytes m;
	uint32_t lost;
	int tries = 0;

	talk(l, PLAIN_B);
	pressed(l, 0, '1', 0);
	pressed(l, 0, '2', 0);
	while (rig_has(m = rig_take(l->r, &l->b.addr, "INFO "), "Signal=1\r\n")) {
		tries++;
		phone_answer(&l->b, m, "491 Request Pending", "");
		rig_wait_ms(l->r, 400);
	}
	assert_int_equal(tries, 8);
	assert_string_equal(lost_for(l->r, &lost), "busy");
	assert_int_equal(lost, 1);
	assert_true(rig_has(m, "Signal=2\r\n"));
	rig_wait_ms(l->r, 40000); /* it says nothing: the call goes on */
	assert_string_equal(lost_for(l->r, &lost), "no_answer");
	assert_int_equal(lost, 2);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	while (rig_take(l->r, &l->b.addr, "INFO ").n) {
	}
	pressed(l, 0, '3', 0);
	assert_info(l, "Signal=3\r\n", &m);
	phone_request(&l->a, "BYE", "", ""); /* with one open, and one that waits */
	pressed(l, 0, '4', 0);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* RFC 3261 12.2.1.2: whatever request says so. */
static void info_finds_nobody(void **state)
{
	struct line *l = *state;
	struct bytes m;

	talk(l, PLAIN_B);
	pressed(l, 0, '1', 0);
	assert_info(l, "Signal=1\r\n", &m);
	phone_answer(&l->b, m, "481 Gone", "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 0);
	line_assert_cdr(l, 200, 31, ENDED_BY_B);
}

static void relayed_info_finds_nobody(void **state)
{
	struct line *l = *state;

	talk(l, PLAIN_B);
	phone_request(&l->a, "INFO", RELAY, "Signal=6\r\n");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INFO "), "481 Gone", "");
	assert_true(rig_take(l->r, &l->a.addr, "SIP/2.0 480").n);
	assert_true(rig_find(l->r, &l->a.addr, "BYE ").n);
	line_assert_cdr(l, 200, 31, ENDED_BY_B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(info_becomes_an_event),     LINE_TEST(info_stays_info),
		LINE_TEST(event_becomes_info),        LINE_TEST(event_becomes_an_event),
		LINE_TEST(unreadable_info),           LINE_TEST(behind_a_reinvite),
		LINE_TEST(busy_party_is_asked_again), LINE_TEST(busy_party_is_given_up),
		LINE_TEST(too_many_are_refused),      LINE_TEST(info_finds_nobody),
		LINE_TEST(relayed_info_finds_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
