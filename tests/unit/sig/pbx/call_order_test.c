/* SPDX-License-Identifier: Apache-2.0 */
/* Hold, mute and digits by command. */

#include "sig/model/call.h"
#include "sig/model/outbox.h"
#include "tests/unit/sig/line.h"

#define SDP_B(direction)                                                              \
	"v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=" direction "\r\n"
#define SDP_A(direction)                                                              \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=" direction "\r\n"
#define SDP_NO_EVENTS                                                                 \
	"v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8\r\n"

static int talking(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	phones_talk(&l->a, &l->b);
	return 0;
}

static uint64_t the_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

static struct flow_spec last_update(const struct rig *r, uint8_t leg)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		if (r->media[i].kind == MEDIA_FLOW_UPDATE && r->media[i].spec.leg == leg)
			return r->media[i].spec;
	}
	return (struct flow_spec){ 0 };
}

static void assert_flow(const struct line *l, uint8_t leg, int receive, int send)
{
	struct flow_spec s = last_update(l->r, leg);

	assert_int_equal(s.receive, receive);
	assert_int_equal(s.send, send);
}

static const struct sig_event *last_event(const struct rig *r)
{
	return &r->events[r->event_count - 1];
}

/* The rig carries out what a command asked for. */
static void settle(struct line *l)
{
	rig_wait_ms(l->r, 1);
}

/* The process dies; the next one has what the store holds. */
static void restart(struct line *l)
{
	struct rig *r = l->r;
	const char *reason = "";
	uint32_t last = r->save_count - 1;

	while (r->saves[last].kind != EFFECT_CALL_SAVE)
		last--;
	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	if (shard_restore_call(r->shard, text_bytes(&r->saves[last].record), r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

static void hold(struct line *l, uint8_t leg, int want)
{
	assert_int_equal(shard_call_hold(l->r->shard, the_call(l->r), leg, NULL, l->r->now), want);
	settle(l);
}

static void resume(struct line *l, uint8_t leg, int want)
{
	assert_int_equal(shard_call_resume(l->r->shard, the_call(l->r), leg, NULL, l->r->now),
			 want);
	settle(l);
}

static void held(struct line *l)
{
	struct bytes m;

	hold(l, 0, 0);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	assert_false(rig_has(m, "a=sendrecv\r\n"));
	phone_answer(&l->b, m, "200 OK", SDP_B("recvonly"));
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "ACK "), "CSeq: 2 ACK\r\n"));
}

static void hold_and_resume(void **state)
{
	struct line *l = *state;
	struct bytes m;

	hold(l, 0, 0);
	assert_flow(l, 0, 0, 0); /* at once */
	assert_flow(l, 1, 0, 0);
	assert_int_equal(last_event(l->r)->kind, SIG_CALL_HELD);
	assert_int_equal((event_str(last_event(l->r), EV_LEG)[0] == 'b'), 0);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	phone_answer(&l->b, m, "200 OK", SDP_B("recvonly"));
	assert_flow(l, 0, 0, 0);
	assert_flow(l, 1, 0, 0);
	hold(l, 0, 0); /* it is */
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
	resume(l, 0, 0);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendrecv\r\n"));
	assert_true(rig_has(m, "CSeq: 3 INVITE\r\n"));
	phone_answer(&l->b, m, "200 OK", SDP_B("sendrecv"));
	assert_flow(l, 0, 1, 1);
	assert_flow(l, 1, 1, 1);
	assert_int_equal(last_event(l->r)->kind, SIG_CALL_RESUMED);
	assert_int_equal(rig_take(l->r, &l->a.addr, "INVITE ").n, 0); /* A was never asked */
	rig_wait_ms(l->r, 40000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* The callee's side may hold as well. */
static void callee_holds(void **state)
{
	struct line *l = *state;
	struct bytes m;

	hold(l, 1, 0);
	m = rig_take(l->r, &l->a.addr, "INVITE sip:1001@192.0.2.11:5060 ");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	phone_answer(&l->a, m, "200 OK", PHONE_SDP_A);
	assert_int_equal(rig_count(l->r, &l->a.addr, "ACK "), 1);
	assert_flow(l, 0, 0, 0);
	assert_int_equal((event_str(last_event(l->r), EV_LEG)[0] == 'b'), 1);
}

/* CALL-07: held by command, taken up by the phone. */
static void own_phone_resumes(void **state)
{
	struct line *l = *state;
	struct bytes m;

	held(l);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendrecv\r\n"));
	phone_answer(&l->b, m, "200 OK", SDP_B("sendrecv"));
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_flow(l, 0, 1, 1);
	assert_int_equal(last_event(l->r)->kind, SIG_CALL_RESUMED);
	hold(l, 0, 0); /* and it may be held again */
	assert_true(rig_take(l->r, &l->b.addr, "INVITE ").n);
}

/* ... whose offer the other one refuses: it stays held. */
static void own_phone_is_refused(void **state)
{
	struct line *l = *state;

	held(l);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "488 Not Acceptable Here", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
	phone_write(&l->a, "ACK", "", "");
	hold(l, 0, 0);
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
	assert_flow(l, 0, 0, 0);
}

/* The held one's own offer does not let it hear again. */
static void held_one_reinvites(void **state)
{
	struct line *l = *state;
	struct bytes m;

	held(l);
	phone_request(&l->b, "INVITE", "", SDP_B("sendrecv"));
	m = rig_take(l->r, &l->a.addr, "INVITE ");
	phone_answer(&l->a, m, "200 OK", PHONE_SDP_A);
	m = phone_hears(&l->b, "SIP/2.0 200");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	phone_ack(&l->b);
	assert_flow(l, 0, 0, 0);
	assert_flow(l, 1, 0, 0);
}

/* RFC 3261 14.1 */
static void meets_another(void **state)
{
	struct line *l = *state;
	struct bytes m;

	hold(l, 0, 0);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	resume(l, 0, REFUSED_CHANGING);
	phone_request(&l->b, "INVITE", "", SDP_B("sendrecv"));
	assert_true(rig_take(l->r, &l->b.addr, "SIP/2.0 491").n);
	phone_write(&l->b, "ACK", "", "");
	l->b.invite = m;
	phone_answer(&l->b, m, "491 Request Pending", "");
	rig_wait_ms(l->r, 2000);
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
	rig_wait_ms(l->r, 2100);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	while (rig_take(l->r, &l->b.addr, "INVITE ").n)
		; /* copies, while it had no answer */
	phone_answer(&l->b, m, "200 OK", SDP_B("recvonly"));
	rig_wait_ms(l->r, 10000);
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
	assert_flow(l, 0, 0, 0);
}

static void refused(void **state)
{
	struct line *l = *state;

	hold(l, 0, 0);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "488 Not Acceptable Here", "");
	assert_flow(l, 0, 0, 0); /* it hears nothing all the same */
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	resume(l, 0, 0);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", SDP_B("sendrecv"));
	assert_flow(l, 0, 1, 1);
}

static void party_is_gone(void **state)
{
	struct line *l = *state;

	hold(l, 0, 0);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "481 Gone", "");
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 1);
	line_assert_cdr(l, 200, 31, ENDED_BY_B);
}

/* The INVITE waits for the save, and so does the ACK. */
static void saved_before_said(void **state)
{
	struct line *l = *state;
	struct bytes m;

	l->r->hold_saves = true;
	hold(l, 0, 0);
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
	rig_answer(l->r, l->r->save_count - 1, true);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(m.n);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	phone_answer(&l->b, m, "200 OK", SDP_B("recvonly"));
	assert_int_equal(rig_take(l->r, &l->b.addr, "ACK ").n, 0);
	rig_answer(l->r, l->r->save_count - 1, true);
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
}

static void mute(void **state)
{
	struct line *l = *state;
	uint64_t call = the_call(l->r);

	assert_int_equal(shard_call_mute(l->r->shard, call, 0, true, NULL, l->r->now), 0);
	settle(l);
	assert_flow(l, 0, 0, 1);
	assert_flow(l, 1, 1, 1);
	assert_int_equal(last_event(l->r)->kind, SIG_CALL_MUTED);
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
	hold(l, 0, 0);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", SDP_B("recvonly"));
	resume(l, 0, 0);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", SDP_B("sendrecv"));
	assert_flow(l, 0, 0, 1); /* still */
	assert_int_equal(shard_call_mute(l->r->shard, call, 0, false, NULL, l->r->now), 0);
	settle(l);
	assert_flow(l, 0, 1, 1);
	assert_int_equal(last_event(l->r)->kind, SIG_CALL_UNMUTED);
}

static void survives_a_restart(void **state)
{
	struct line *l = *state;

	held(l);
	assert_int_equal(shard_call_mute(l->r->shard, the_call(l->r), 1, true, NULL, l->r->now), 0);
	settle(l);
	l->r->media_count = 0;
	restart(l);
	assert_int_equal(l->r->media_count, 2);
	for (uint32_t i = 0; i < l->r->media_count; i++)
		assert_int_equal(l->r->media[i].spec.receive + l->r->media[i].spec.send, 0);
	hold(l, 0, 0);
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
	resume(l, 0, 0);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", SDP_B("sendrecv"));
	assert_flow(l, 0, 1, 1);
	assert_flow(l, 1, 0, 1);
}

/* With the INVITE of ours open, and answered. */
static void restart_in_the_middle(void **state)
{
	struct line *l = *state;
	struct bytes m;

	hold(l, 0, 0);
	(void)rig_take(l->r, &l->b.addr, "INVITE ");
	restart(l);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	phone_answer(&l->b, m, "200 OK", SDP_B("recvonly"));
	restart(l);
	resume(l, 0, 0);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendrecv\r\n"));
}

static uint32_t digits_sent(const struct rig *r, char *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->media_count; i++) {
		if (r->media[i].kind == MEDIA_FLOW_DIGIT_SEND)
			out[n++] = r->media[i].digit;
	}
	out[n] = '\0';
	return n;
}

static void digits_as_events(void **state)
{
	struct line *l = *state;
	char sent[RIG_LIST_MAX + 1];

	assert_int_equal(shard_call_dtmf(l->r->shard, the_call(l->r), 1, BYTES_LIT("12#A"), 150,
					 NULL, l->r->now),
			 0);
	settle(l);
	assert_int_equal(digits_sent(l->r, sent), 4);
	assert_string_equal(sent, "12#A");
	assert_int_equal(l->r->media[l->r->media_count - 1].duration_ms, 150);
	assert_int_equal(rig_take(l->r, &l->b.addr, "INFO ").n, 0);
}

static void digits_by_info(void **state)
{
	struct line *l = *state;
	char sent[RIG_LIST_MAX + 1];
	struct bytes m;

	phone_request(&l->b, "INVITE", "", SDP_NO_EVENTS);
	phone_answer(&l->a, rig_take(l->r, &l->a.addr, "INVITE "), "200 OK", PHONE_SDP_A);
	assert_true(phone_hears(&l->b, "SIP/2.0 200").n);
	phone_ack(&l->b);
	assert_int_equal(shard_call_dtmf(l->r->shard, the_call(l->r), 1, BYTES_LIT("7*"), 120, NULL,
					 l->r->now),
			 0);
	settle(l);
	assert_int_equal(digits_sent(l->r, sent), 0);
	m = rig_take(l->r, &l->b.addr, "INFO ");
	assert_true(rig_has(m, "Content-Type: application/dtmf-relay\r\n"));
	assert_true(rig_has(m, "Signal=7\r\nDuration=120\r\n"));
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 1); /* in order: one at a time */
	phone_answer(&l->b, m, "200 OK", "");
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "INFO "), "Signal=*\r\n"));
}

/* B holds A, and what its phone can do is known from this INVITE. */
static void phone_holds(struct line *l, const char *extra)
{
	struct bytes m;

	phone_request(&l->b, "INVITE", extra, SDP_B("sendonly"));
	m = rig_take(l->r, &l->a.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	phone_answer(&l->a, m, "200 OK", SDP_A("recvonly"));
	assert_true(phone_hears(&l->b, "SIP/2.0 200").n);
	phone_ack(&l->b);
	assert_flow(l, 1, 1, 0); /* it may play music */
}

/* CALL-07: the command takes off what a phone holds, by that phone's own re-INVITE. */
static void phone_is_told_to_talk(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_holds(l, "Allow-Events: hold, talk\r\n");
	resume(l, 0, 0); /* A holds nobody */
	assert_int_equal(rig_count(l->r, &l->a.addr, "NOTIFY "), 0);
	restart(l);
	resume(l, 1, 0);
	m = rig_take(l->r, &l->b.addr, "NOTIFY ");
	assert_true(rig_has(m, "Event: talk\r\n") && rig_has(m, "Subscription-State: active\r\n"));
	assert_true(rig_has(m, "Contact: ") && rig_has(rig_header(m, "To"), ";tag=t1002"));
	phone_answer(&l->b, m, "200 OK", "");
	phone_request(&l->b, "INVITE", "", SDP_B("sendrecv"));
	m = rig_take(l->r, &l->a.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendrecv\r\n"));
	phone_answer(&l->a, m, "200 OK", PHONE_SDP_A);
	assert_flow(l, 0, 1, 1);
	assert_flow(l, 1, 1, 1);
	(void)phone_hears(&l->b, "SIP/2.0 200");
	phone_ack(&l->b);
	resume(l, 1, 0); /* it is */
	assert_int_equal(rig_count(l->r, &l->b.addr, "NOTIFY "), 1);
}

static void phone_does_not_talk(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_holds(l, "");
	resume(l, 1, REFUSED_NO_TALK);
	phone_request(&l->b, "INVITE", "Allow-Events: talk\r\n", SDP_B("inactive"));
	m = rig_take(l->r, &l->a.addr, "INVITE ");
	phone_answer(&l->a, m, "200 OK", SDP_A("inactive"));
	resume(l, 0, 0); /* A only answers to it */
	resume(l, 1, 0);
	m = rig_take(l->r, &l->b.addr, "NOTIFY ");
	phone_answer(&l->b, m, "489 Bad Event", "");
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	resume(l, 1, 0);
	m = rig_take(l->r, &l->b.addr, "NOTIFY ");
	phone_answer(&l->b, m, "481 Gone", ""); /* that subscription is (RFC 6665 4.2.2) */
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static void shown(void **state)
{
	struct line *l = *state;
	struct shard_profile p = { .name = "lan" };
	struct shard_range range = { .first = l->b.addr, .last = l->b.addr, .profile = "lan" };
	struct call_view v;

	assert_int_equal(shard_profile_put(l->r->shard, TENANT_DEFAULT, &p), 0);
	assert_int_equal(shard_ranges_set(l->r->shard, TENANT_DEFAULT, &range, 1), 0);
	held(l);
	assert_int_equal(shard_call_mute(l->r->shard, the_call(l->r), 1, true, NULL, l->r->now), 0);
	settle(l);
	assert_true(shard_call_view(l->r->shard, the_call(l->r), &v));
	assert_true(v.legs[0].held && !v.legs[0].muted);
	assert_true(!v.legs[1].held && v.legs[1].muted);
	assert_string_equal(v.legs[0].profile, "default");
	assert_string_equal(v.legs[1].profile, "lan");
	assert_string_equal(v.legs[0].codecs, "PCMA");
	assert_string_equal(v.legs[1].codecs, "PCMA");
	assert_string_equal(v.legs[0].suite, "");
	assert_int_equal(v.legs[0].transport, SIP_UDP);
}

static void not_now(void **state)
{
	struct line *l = *state;
	struct shard *s = l->r->shard;

	assert_int_equal(shard_call_hold(s, 1, 0, NULL, l->r->now), REFUSED_NO_CALL);
	assert_int_equal(shard_call_dtmf(s, 1, 0, BYTES_LIT("1"), 120, NULL, l->r->now),
			 REFUSED_NO_CALL);
	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	hold(l, 0, REFUSED_NOT_ESTABLISHED);
	resume(l, 0, REFUSED_NOT_ESTABLISHED);
	assert_int_equal(shard_call_mute(s, the_call(l->r), 0, true, NULL, l->r->now),
			 REFUSED_NOT_ESTABLISHED);
	assert_int_equal(shard_call_dtmf(s, the_call(l->r), 0, BYTES_LIT("1"), 120, NULL,
					 l->r->now),
			 REFUSED_NOT_ESTABLISHED);
}

/* ---- orders whose answers are waited for ---- */

static int order_mute(struct line *l, uint64_t id, bool on)
{
	struct shard_order by = { .id = id, .ticket = 100 + id };
	int err = shard_call_mute(l->r->shard, the_call(l->r), 0, on, &by, l->r->now);

	settle(l);
	return err;
}

static void dial(struct line *l, uint64_t id, const char *digits)
{
	struct shard_order by = { .id = id, .ticket = 100 + id };

	assert_int_equal(shard_call_dtmf(l->r->shard, the_call(l->r), 1, bytes_str(digits), 120,
					 &by, l->r->now),
			 0);
	settle(l);
}

static uint32_t digit_count(const struct rig *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->media_count; i++)
		n += r->media[i].kind == MEDIA_FLOW_DIGIT_SEND;
	return n;
}

static void assert_ordered(const struct line *l, uint32_t count, uint64_t id, uint32_t number)
{
	assert_int_equal(l->r->order_count, count);
	assert_int_equal(l->r->order.ticket, 100 + id);
	assert_int_equal(l->r->order.number, number);
	assert_true(l->r->order.saved);
}

static void answered_when_saved(void **state)
{
	struct line *l = *state;

	l->r->hold_saves = true;
	assert_int_equal(order_mute(l, 1, true), 0);
	assert_flow(l, 0, 0, 1); /* it is done */
	assert_int_equal(l->r->order_count, 0);
	l->r->hold_saves = false;
	settle(l);
	assert_ordered(l, 1, 1, 1);
}

/* What it was told already is answered again, by another process, too. */
static void order_given_again(void **state)
{
	struct line *l = *state;

	dial(l, 1, "12");
	assert_ordered(l, 1, 1, 1);
	dial(l, 2, "3");
	assert_ordered(l, 2, 2, 2);
	dial(l, 1, "12");
	assert_ordered(l, 3, 1, 1);
	assert_int_equal(digit_count(l->r), 3);
	restart(l);
	l->r->media_count = 0;
	dial(l, 2, "3");
	assert_ordered(l, 4, 2, 2);
	assert_int_equal(digit_count(l->r), 0);
	dial(l, 3, "4");
	assert_ordered(l, 5, 3, 3);
	assert_int_equal(digit_count(l->r), 1);
}

static void older_orders_are_forgotten(void **state)
{
	struct line *l = *state;

	for (uint64_t id = 1; id <= ORDERS_KEPT + 1; id++)
		dial(l, id, "1");
	dial(l, 2, "1");
	assert_ordered(l, ORDERS_KEPT + 2, 2, 2);
	assert_int_equal(digit_count(l->r), ORDERS_KEPT + 1);
	dial(l, 1, "1");
	assert_ordered(l, ORDERS_KEPT + 3, 1, ORDERS_KEPT + 2);
}

static void order_without_the_store(void **state)
{
	struct line *l = *state;

	l->r->fail_saves = true;
	assert_int_equal(order_mute(l, 1, true), 0);
	assert_int_equal(l->r->order_count, 1);
	assert_false(l->r->order.saved);
	l->r->fail_saves = false;
	assert_int_equal(order_mute(l, 1, true), 0);
	assert_ordered(l, 2, 1, 1);
}

static void too_many_orders_wait(void **state)
{
	struct line *l = *state;

	l->r->hold_saves = true;
	for (uint64_t id = 1; id <= OUTBOX_ORDERS_MAX; id++)
		assert_int_equal(order_mute(l, id, id % 2), 0);
	assert_int_equal(order_mute(l, 99, true), REFUSED_ORDERS_FULL);
	l->r->hold_saves = false;
	settle(l);
	assert_ordered(l, OUTBOX_ORDERS_MAX, OUTBOX_ORDERS_MAX, OUTBOX_ORDERS_MAX);
}

/* Nobody waits for ever: the end of the call is what is stored. */
static void call_ends_meanwhile(void **state)
{
	struct line *l = *state;
	struct shard_order by = { .id = 9, .ticket = 109 };

	l->r->hold_saves = true;
	assert_int_equal(order_mute(l, 1, true), 0);
	assert_int_equal(shard_hangup(l->r->shard, the_call(l->r), &by, l->r->now), 0);
	settle(l);
	assert_int_equal(l->r->order_count, 0);
	l->r->hold_saves = false;
	settle(l);
	assert_ordered(l, 2, 9, 0);
	line_assert_cdr(l, 200, 16, ENDED_BY_OPERATOR);
}

#define TALK_TEST(fn) cmocka_unit_test_setup_teardown(fn, talking, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TALK_TEST(answered_when_saved),
		TALK_TEST(order_given_again),
		TALK_TEST(older_orders_are_forgotten),
		TALK_TEST(order_without_the_store),
		TALK_TEST(too_many_orders_wait),
		TALK_TEST(call_ends_meanwhile),
		TALK_TEST(hold_and_resume),
		TALK_TEST(callee_holds),
		TALK_TEST(own_phone_resumes),
		TALK_TEST(own_phone_is_refused),
		TALK_TEST(held_one_reinvites),
		TALK_TEST(meets_another),
		TALK_TEST(refused),
		TALK_TEST(party_is_gone),
		TALK_TEST(saved_before_said),
		TALK_TEST(mute),
		TALK_TEST(survives_a_restart),
		TALK_TEST(restart_in_the_middle),
		TALK_TEST(digits_as_events),
		TALK_TEST(digits_by_info),
		TALK_TEST(phone_is_told_to_talk),
		TALK_TEST(phone_does_not_talk),
		TALK_TEST(shown),
		LINE_TEST(not_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
