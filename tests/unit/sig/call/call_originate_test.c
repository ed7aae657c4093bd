/* SPDX-License-Identifier: Apache-2.0 */
/* A call that a command makes. */

#include "sig/sip/id.h"
#include "tests/unit/sig/flows.h"

#define CALL UINT64_C(0x7800000000001) /* of shard 7, derived */

static int originate(struct line *l, const char *from, const char *to, bool auto_answer)
{
	const struct shard_originate o = {
		.call = CALL, .from = from, .to = to, .auto_answer = auto_answer
	};
	int err = shard_call_originate(l->r->shard, &o, l->r->now);

	rig_wait_ms(l->r, 1);
	return err;
}

static enum call_state state_of(const struct line *l)
{
	struct call_view v;

	assert_true(shard_call_view(l->r->shard, CALL, &v));
	return v.state;
}

static struct flow_spec last_update(const struct rig *r, uint8_t leg)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		if (r->media[i].kind == MEDIA_FLOW_UPDATE && r->media[i].spec.leg == leg)
			return r->media[i].spec;
	}
	return (struct flow_spec){ 0 };
}

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

/* A's phone rings and answers; B's phone rings then. */
static void a_answers(struct line *l)
{
	assert_true(phone_rings(&l->a).n);
	phone_answer(&l->a, l->a.invite, "180 Ringing", "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	phone_answer(&l->a, l->a.invite, "200 OK", PHONE_SDP_A);
	assert_true(rig_take(l->r, &l->a.addr, "ACK ").n); /* at once */
}

static void b_answers(struct line *l)
{
	assert_true(phone_rings(&l->b).n);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
}

/* A is told what B answered. */
static void a_is_asked_again(struct line *l)
{
	struct bytes m = rig_take(l->r, &l->a.addr, "INVITE ");

	assert_true(m.n);
	assert_true(rig_has(rig_header(m, "To"), ";tag=t1001"));
	phone_answer(&l->a, m, "200 OK", PHONE_SDP_A);
	assert_true(rig_take(l->r, &l->a.addr, "ACK ").n);
}

static void two_phones_talk(void **state)
{
	struct line *l = *state;
	struct bytes m;

	assert_int_equal(originate(l, "1001", "1002", true), 0);
	assert_int_equal(l->r->events[0].kind, SIG_CALL_NEW);
	a_answers(l);
	m = l->a.invite;
	assert_true(rig_has(m, "Alert-Info: <http://localhost>;info=alert-autoanswer\r\n"));
	assert_true(rig_has(rig_header(m, "From"), "sip:1002@"));
	assert_true(rig_has(m, "c=IN IP4 192.0.2.1\r\n"));
	assert_true(rig_has(m, "a=rtpmap:96 opus/48000/2\r\n"));
	assert_false(rig_has(m, "m=audio 9 "));
	b_answers(l);
	m = l->b.invite;
	assert_true(rig_has(rig_header(m, "From"), "sip:1001@"));
	assert_false(rig_has(m, "Alert-Info"));
	assert_int_equal(state_of(l), CALL_ESTABLISHED);
	a_is_asked_again(l);
	for (uint8_t leg = 0; leg < 2; leg++) {
		struct flow_spec s = last_update(l->r, leg);

		assert_int_equal(s.receive + s.send, 2);
		assert_int_equal(s.remote_rtp.port, leg ? 5000 : 4000);
	}
	rig_wait_ms(l->r, 40000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	phone_request(&l->b, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_B);
	assert_string_equal(l->r->cdrs[0].from, "1001");
	assert_string_equal(l->r->cdrs[0].to, "1002");
}

/* RFC 3311: while it rings A answers what it was offered, and offers anew; also where a process is killed in between. */
static void a_offers_anew(void **state)
{
	for (unsigned kills = 0; kills < 2; kills++) {
		struct line *l;
		struct bytes m;

		if (kills) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(line_setup(state), 0);
		}
		l = *state;
		assert_int_equal(originate(l, "1001", "1002", false), 0);
		assert_true(phone_rings(&l->a).n);
		phone_answer_as(&l->a, l->a.invite, l->a.tag, "183 Session Progress",
				"Require: 100rel\r\nRSeq: 7\r\n", PHONE_SDP_A);
		phone_answer(&l->a, rig_take(l->r, &l->a.addr, "PRACK "), "200 OK", "");
		phone_request(&l->a, "UPDATE", "",
			      "v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\n"
			      "t=0 0\r\nm=audio 4444 RTP/AVP 8 0\r\na=sendrecv\r\n");
		m = rig_take(l->r, &l->a.addr, "SIP/2.0 200");
		assert_true(rig_has(rig_body(m), "m=audio "));
		if (kills)
			restart(l);
		phone_answer(&l->a, l->a.invite, "200 OK", "");
		assert_true(rig_take(l->r, &l->a.addr, "ACK ").n);
		b_answers(l);
		m = rig_take(l->r, &l->a.addr, "INVITE ");
		assert_true(m.n);
		phone_answer(&l->a, m, "200 OK",
			     "v=0\r\no=a 1 3 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\n"
			     "t=0 0\r\nm=audio 4444 RTP/AVP 8\r\na=sendrecv\r\n");
		assert_int_equal(state_of(l), CALL_ESTABLISHED);
		assert_int_equal(last_update(l->r, 0).remote_rtp.port, 4444);
		assert_int_equal(last_update(l->r, 1).remote_rtp.port, 5000);
	}
}

/* A's 2xx is acknowledged when a successor would know of it: until then A says it again, to whoever is there. */
static void ack_waits_for_the_save(void **state)
{
	struct line *l = *state;
	uint32_t saves;

	assert_int_equal(originate(l, "1001", "1002", false), 0);
	assert_true(phone_rings(&l->a).n);
	saves = l->r->save_count;
	l->r->hold_saves = true;
	phone_answer(&l->a, l->a.invite, "200 OK", PHONE_SDP_A);
	assert_int_equal(rig_count(l->r, &l->a.addr, "ACK "), 0);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	assert_int_equal(l->r->save_count, saves + 1);
	rig_answer(l->r, saves, true);
	assert_int_equal(rig_count(l->r, &l->a.addr, "ACK "), 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 1);
}

/* ... also where nobody can be rung, and A hears a tone that says so: a successor would take A for one that rings. */
static void ack_waits_where_nobody_is_rung(void **state)
{
	struct line *l = *state;
	uint32_t saves;

	l->r->settings.tones = true;
	shard_configure(l->r->shard, &l->r->settings);
	assert_int_equal(originate(l, "1001", "1002", false), 0);
	assert_true(phone_rings(&l->a).n);
	assert_true(shard_extension_delete(l->r->shard, TENANT_DEFAULT, "1002"));
	saves = l->r->save_count;
	l->r->hold_saves = true;
	phone_answer(&l->a, l->a.invite, "200 OK", PHONE_SDP_A);
	assert_int_equal(rig_count(l->r, &l->a.addr, "ACK "), 0);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 0);
	assert_int_equal(l->r->save_count, saves + 1);
	rig_answer(l->r, saves, true);
	assert_int_equal(rig_count(l->r, &l->a.addr, "ACK "), 1);
}

/* A's phone is offered what its extension asks for. */
static void with_srtp(void **state)
{
	struct line *l = *state;
	struct shard_extension e = rig_extension("1001", false);
	struct bytes m;

	e.sdes_insecure = true;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	assert_int_equal(originate(l, "1001", "1002", false), 0);
	m = phone_rings(&l->a);
	assert_true(rig_has(m, " RTP/SAVP "));
	assert_true(rig_has(m, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"));
	phone_answer(&l->a, m, "200 OK",
		     "v=0\r\no=a 1 1 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n"
		     "m=audio 4000 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
		     "inline:YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2\r\n");
	b_answers(l);
	assert_false(rig_has(l->b.invite, "SAVP"));
	assert_true(rig_has(rig_take(l->r, &l->a.addr, "INVITE "), " RTP/SAVP "));
	assert_int_equal(last_update(l->r, 0).key_in.suite, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80);
	assert_int_equal(last_update(l->r, 0).key_in.octets[0], 'a');
	assert_int_equal(last_update(l->r, 1).key_in.suite, MEDIA_SUITE_NONE);
}

static void once(void **state)
{
	struct line *l = *state;

	assert_int_equal(originate(l, "1001", "1002", false), 0);
	assert_int_equal(originate(l, "1001", "1002", false), 0);
	assert_int_equal(rig_count(l->r, &l->a.addr, "INVITE "), 1);
	assert_false(rig_has(rig_take(l->r, &l->a.addr, "INVITE "), "Alert-Info"));
	assert_int_equal(rig_counts(l->r).calls, 1);
}

static void not_possible(void **state)
{
	struct line *l = *state;

	assert_int_equal(originate(l, "9999", "1002", false), REFUSED_CALLER_AWAY);
	assert_int_equal(originate(l, "1003", "1002", false), REFUSED_CALLER_AWAY);
	assert_int_equal(originate(l, "1001", "1003", false), REFUSED_NOT_REGISTERED);
	shard_drain(l->r->shard, true);
	assert_int_equal(originate(l, "1001", "1002", false), REFUSED_DRAINING);
	line_assert_idle(l->r);
	assert_int_equal(l->r->cdr_count, 0);
}

/* In place of a number; also over a kill before its phone has answered. */
static void to_a_flow(void **state)
{
	struct line *l = *state;

	assert_int_equal(originate(l, "1001", "flow:main", false), REFUSED_NO_FLOW);
	put_program(l->r, "main", "[{\"play\":\"hello\"}]");
	assert_int_equal(originate(l, "1001", "flow:main", false), 0);
	assert_true(phone_rings(&l->a).n);
	assert_true(rig_has(rig_header(l->a.invite, "From"), "<sip:main@"));
	restart(l);
	put_program(l->r, "main", "[{\"play\":\"hello\"}]");
	phone_answer(&l->a, l->a.invite, "200 OK", PHONE_SDP_A);
	assert_true(rig_take(l->r, &l->a.addr, "ACK ").n);
	rig_run(l->r);
	assert_true(plays(l, "prompt:hello"));
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	assert_string_equal(l->r->cdrs[l->r->cdr_count - 1].to, "flow:main");
}

/* What it is to know is in the call's record, for who goes on with it. */
#define KNOWS                                                                             \
	"{\"name\":\"main\",\"start\":\"a\",\"steps\":{\"a\":{\"match\":"                 \
	"\"{box} {message} {to}\",\"on\":{\"1001 m-1 1002,1003\":\"b\"},\"else\":\"c\"}," \
	"\"b\":{\"play\":[\"hello\"]},\"c\":{\"play\":[\"no\"]}}}"

static void to_a_flow_with_variables(void **state)
{
	struct line *l = *state;

	put_program(l->r, "main", KNOWS);
	assert_int_equal(originate(l, "1001", "flow:main?1001?message=m-1?to=1002,1003", false), 0);
	assert_true(phone_rings(&l->a).n);
	restart(l);
	put_program(l->r, "main", KNOWS);
	phone_answer(&l->a, l->a.invite, "200 OK", PHONE_SDP_A);
	rig_run(l->r);
	assert_true(plays(l, "prompt:hello"));
}

/* What a phone calls, or a forward names, is no flow. */
static void flows_are_not_dialled(void **state)
{
	struct line *l = *state;

	put_program(l->r, "main", "[{\"play\":\"hello\"}]");
	phone_invite(&l->a, "flow:main", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 404").n);
	phone_invite(&l->a, "flow%3Amain", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 404").n);
}

static void a_refuses(void **state)
{
	struct line *l = *state;

	assert_int_equal(originate(l, "1001", "1002", false), 0);
	phone_answer(&l->a, rig_take(l->r, &l->a.addr, "INVITE "), "486 Busy Here", "");
	line_assert_cdr(l, 486, 17, ENDED_BY_A);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
}

static void a_redirects(void **state)
{
	struct line *l = *state;

	assert_int_equal(originate(l, "1001", "1002", false), 0);
	phone_answer_as(&l->a, rig_take(l->r, &l->a.addr, "INVITE "), "t", "302 Moved Temporarily",
			"", "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	line_assert_idle(l->r);
	assert_int_equal(l->r->cdr_count, 1);
}

static void a_does_not_answer(void **state)
{
	struct line *l = *state;

	assert_int_equal(originate(l, "1001", "1002", false), 0);
	assert_true(phone_rings(&l->a).n);
	phone_answer(&l->a, l->a.invite, "180 Ringing", "");
	rig_wait_ms(l->r, 181000);
	assert_true(rig_take(l->r, &l->a.addr, "CANCEL ").n);
	phone_answer(&l->a, l->a.invite, "487 Request Terminated", "");
	line_assert_idle(l->r);
	assert_int_equal(l->r->cdrs[0].sip_status, 408);
}

/* The answer crosses the CANCEL. */
static void a_answers_too_late(void **state)
{
	struct line *l = *state;
	struct bytes bye;

	assert_int_equal(originate(l, "1001", "1002", false), 0);
	assert_true(phone_rings(&l->a).n);
	phone_answer(&l->a, l->a.invite, "180 Ringing", "");
	assert_int_equal(shard_hangup(l->r->shard, CALL, NULL, l->r->now), 0);
	rig_wait_ms(l->r, 1);
	phone_answer(&l->a, l->a.invite, "200 OK", PHONE_SDP_A);
	assert_true(rig_take(l->r, &l->a.addr, "ACK ").n);
	bye = rig_take(l->r, &l->a.addr, "BYE ");
	assert_true(bye.n);
	phone_answer(&l->a, bye, "200 OK", "");
	line_assert_idle(l->r);
}

static void b_refuses(void **state)
{
	struct line *l = *state;

	assert_int_equal(originate(l, "1001", "1002", false), 0);
	a_answers(l);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "486 Busy Here", "");
	line_assert_cdr(l, 486, 17, ENDED_BY_B);
	assert_int_equal(l->r->cdrs[0].answer_utc_ms, 0);
}

static void a_hangs_up_while_b_rings(void **state)
{
	struct line *l = *state;
	struct bytes m;

	assert_int_equal(originate(l, "1001", "1002", false), 0);
	a_answers(l);
	m = phone_rings(&l->b);
	phone_answer(&l->b, m, "180 Ringing", "");
	phone_request(&l->a, "BYE", "", "");
	assert_true(rig_take(l->r, &l->b.addr, "CANCEL ").n);
	phone_answer(&l->b, m, "487 Request Terminated", "");
	line_assert_idle(l->r);
	assert_int_equal(l->r->cdrs[0].ended_by, ENDED_BY_A);
	assert_int_equal(l->r->cdrs[0].answer_utc_ms, 0);
}

static void a_has_no_session(void **state)
{
	struct line *l = *state;

	assert_int_equal(originate(l, "1001", "1002", false), 0);
	assert_true(phone_rings(&l->a).n);
	phone_answer(&l->a, l->a.invite, "200 OK", "");
	assert_true(rig_take(l->r, &l->a.addr, "ACK ").n);
	line_assert_cdr(l, 488, 88, ENDED_BY_NODE);
}

/* The process dies after each step. */
static void survives(void **state)
{
	for (int after = 0; after < 4; after++) {
		struct line *l;

		(void)line_setup(state);
		l = *state;
		assert_int_equal(originate(l, "1001", "1002", true), 0);
		if (after == 0)
			restart(l);
		a_answers(l);
		(void)rig_take(l->r, &l->a.addr, "INVITE "); /* a copy, of the next process */
		if (after == 1)
			restart(l);
		b_answers(l);
		if (after == 2)
			restart(l);
		a_is_asked_again(l);
		if (after == 3)
			restart(l);
		rig_wait_ms(l->r, 40000);
		assert_int_equal(state_of(l), CALL_ESTABLISHED);
		assert_int_equal(originate(l, "1001", "1002", true), 0);
		assert_int_equal(rig_counts(l->r).calls, 1);
		phone_request(&l->b, "BYE", "", "");
		line_assert_cdr(l, 200, 16, ENDED_BY_B);
		(void)line_teardown(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(a_offers_anew),
		LINE_TEST(two_phones_talk),
		LINE_TEST(ack_waits_for_the_save),
		LINE_TEST(ack_waits_where_nobody_is_rung),
		LINE_TEST(with_srtp),
		LINE_TEST(once),
		LINE_TEST(not_possible),
		LINE_TEST(to_a_flow),
		LINE_TEST(to_a_flow_with_variables),
		LINE_TEST(flows_are_not_dialled),
		LINE_TEST(a_refuses),
		LINE_TEST(a_redirects),
		LINE_TEST(a_does_not_answer),
		LINE_TEST(a_answers_too_late),
		LINE_TEST(b_refuses),
		LINE_TEST(a_hangs_up_while_b_rings),
		LINE_TEST(a_has_no_session),
		cmocka_unit_test(survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
