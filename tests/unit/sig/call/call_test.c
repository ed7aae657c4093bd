/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from the first INVITE to the last BYE, seen from the phones. */
#include <errno.h>

#include "tests/unit/sig/line.h"

/* RFC 3665 3.1 through a B2BUA. */
static void full_call(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 100").n);
	m = phone_rings(&l->b);
	assert_true(bytes_starts(m, "INVITE sip:1002@192.0.2.12:5060 SIP/2.0\r\n"));
	assert_true(rig_has(m, "Max-Forwards: 69\r\n"));
	assert_true(rig_has(m, "From: \"Phone\" <sip:1001@192.0.2.1:5060>;tag="));
	assert_true(rig_has(m, "c=IN IP4 192.0.2.1\r\n"));
	assert_false(rig_has(m, "192.0.2.11"));
	assert_false(rig_has(m, "call-1001"));
	phone_answer(&l->b, m, "180 Ringing", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(rig_take(l->r, &l->b.addr, "ACK sip:1002@192.0.2.12:5060 ").n);
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(m, "c=IN IP4 192.0.2.1\r\n"));
	assert_false(rig_has(m, "192.0.2.12"));
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	rig_wait_ms(l->r, 5000);
	phone_request(&l->a, "BYE", "Reason: Q.850;cause=16\r\n", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	m = rig_take(l->r, &l->b.addr, "BYE ");
	assert_true(rig_has(m, "Reason: Q.850;cause=16\r\n"));
	phone_answer(&l->b, m, "200 OK", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(l->r->cdrs[0].a.packets_in, 50);
	assert_int_equal(l->r->cdrs[0].b.packets_in, 51);
	assert_int_equal(l->r->cdrs[0].end_utc_ms - l->r->cdrs[0].answer_utc_ms, 5000);
	assert_string_equal(l->r->cdrs[0].from, "1001");
	assert_string_equal(l->r->cdrs[0].facts.from_name, "Phone");
	assert_string_equal(l->r->cdrs[0].to, "1002");
	assert_string_equal(l->r->cdrs[0].reason, "hung up");
}

/* Whatever a name is made of, a successor reads its record. */
static void odd_name(void **state)
{
	struct line *l = *state;

	phone_begin(&l->a, "1002");
	(void)snprintf(l->a.local, sizeof(l->a.local),
		       "\"\t\\\"A\\\" x"
		       "\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc"
		       "\u00fc\u00fc"
		       "\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc"
		       "\u00fc\u00fc"
		       "\u00fc\u00fc\" <sip:1001@test.local>");
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	rig_run(l->r);
	line_restart(l, line_stored(l));
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_string_equal(
		l->r->cdrs[0].facts.from_name,
		" \"A\" "
		"x\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc"
		"\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc"
		"\u00fc\u00fc");
}

static void callee_hangs_up(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	phone_request(&l->b, "BYE", "", "");
	assert_true(rig_take(l->r, &l->b.addr, "SIP/2.0 200 OK").n);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE sip:1001@192.0.2.11:5060 "), 1);
	line_assert_cdr(l, 200, 16, ENDED_BY_B);
	assert_string_equal(l->r->cdrs[0].facts.missed, "");
}

static void both_hang_up(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	phone_request(&l->b, "BYE", "", "");
	phone_request(&l->a, "BYE", "", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	assert_int_equal(rig_counts(l->r).calls, 0);
	line_assert_cdr(l, 200, 16, ENDED_BY_B);
}

static void operator_hangs_up(void **state)
{
	struct line *l = *state;
	struct call_view v;
	uint32_t cursor = 0;

	phones_talk(&l->a, &l->b);
	assert_true(shard_call_next(l->r->shard, &cursor, &v));
	assert_int_equal(v.state, CALL_ESTABLISHED);
	assert_int_equal(shard_hangup(l->r->shard, v.call, NULL, l->r->now), 0);
	rig_run(l->r);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1);
	line_assert_cdr(l, 200, 16, ENDED_BY_OPERATOR);
	assert_int_equal(shard_hangup(l->r->shard, v.call, NULL, l->r->now), REFUSED_NO_CALL);
}

/* What B says, and what A hears. */
static void refused(void **state)
{
	static const struct {
		const char *said, *heard;
		uint16_t status, q850;
	} rows[] = {
		{ "486 Busy Here", "SIP/2.0 486 Busy Here\r\n", 486, 17 },
		{ "603 Decline", "SIP/2.0 603 Decline\r\n", 603, 21 },
		{ "600 Busy Everywhere", "SIP/2.0 600 ", 600, 17 },
		{ "488 Not Acceptable Here", "SIP/2.0 488 ", 488, 65 },
		{ "302 Moved Temporarily", "SIP/2.0 480 ", 480, 18 },
		{ "401 Unauthorized", "SIP/2.0 500 ", 500, 41 },
		{ "407 Proxy Authentication Required", "SIP/2.0 500 ", 500, 41 },
		{ "503 Service Unavailable", "SIP/2.0 500 ", 500, 41 },
		{ "481 Call/Transaction Does Not Exist", "SIP/2.0 480 ", 480, 18 },
		{ "420 Bad Extension", "SIP/2.0 502 ", 502, 38 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct line *l;

		if (i) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(line_setup(state), 0);
		}
		l = *state;
		phone_invite(&l->a, "1002", PHONE_SDP_A);
		(void)phone_rings(&l->b);
		phone_answer(&l->b, l->b.invite, rows[i].said, "");
		ROW_ASSERT(rows[i].said, rig_count(l->r, &l->b.addr, "ACK ") == 1);
		ROW_ASSERT(rows[i].said, phone_hears(&l->a, rows[i].heard).n);
		phone_write(&l->a, "ACK", "", "");
		rig_wait_ms(l->r, 20000);
		ROW_ASSERT(rows[i].said, rig_count(l->r, &l->a.addr, rows[i].heard) == 1);
		line_assert_cdr(l, rows[i].status, rows[i].q850, ENDED_BY_B);
		assert_string_equal(l->r->cdrs[0].facts.missed, "1002");
	}
}

/* The ACK to a failure repeats the INVITE's branch and has B's tag (RFC 3261 17.1.1.3). */
static void ack_of_failure(void **state)
{
	struct line *l = *state;
	struct bytes ack;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
	ack = rig_take(l->r, &l->b.addr, "ACK sip:1002@192.0.2.12:5060 SIP/2.0\r\n");
	assert_true(bytes_eq(rig_header(ack, "Via"), rig_header(l->b.invite, "Via")));
	assert_true(bytes_eq(rig_header(ack, "From"), rig_header(l->b.invite, "From")));
	assert_true(rig_has(rig_header(ack, "To"), ";tag=t1002"));
	assert_true(bytes_is(rig_header(ack, "CSeq"), "1 ACK"));
	assert_true(bytes_is(rig_header(ack, "Content-Length"), "0"));
	phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 2);
}

static void failure_is_repeated_until_acked(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
	rig_wait_ms(l->r, 40000);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 486"), 11);
	line_assert_cdr(l, 486, 17, ENDED_BY_B);
}

static void nobody_answers(void **state)
{
	struct line *l = *state;
	struct bytes cancel;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	rig_wait_ms(l->r, 179000);
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 0);
	rig_wait_ms(l->r, 2000);
	assert_true(phone_hears(&l->a, "SIP/2.0 408").n);
	phone_write(&l->a, "ACK", "", "");
	cancel = rig_take(l->r, &l->b.addr, "CANCEL ");
	assert_true(bytes_eq(rig_header(cancel, "Via"), rig_header(l->b.invite, "Via")));
	phone_answer(&l->b, cancel, "200 OK", "");
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	line_assert_cdr(l, 408, 19, ENDED_BY_NODE);
	assert_string_equal(l->r->cdrs[0].facts.missed, "1002");
}

/* Timer B */
static void callee_is_silent(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	rig_wait_ms(l->r, 33000);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 7);
	assert_true(phone_hears(&l->a, "SIP/2.0 408").n);
	phone_write(&l->a, "ACK", "", "");
	line_assert_cdr(l, 408, 18, ENDED_BY_NODE);
}

static void callee_is_unreachable(void **state)
{
	struct line *l = *state;
	struct sip_hop hop = { .remote = l->b.addr };

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	shard_send_failed(l->r->shard, &hop, ECONNREFUSED, l->r->now);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 480").n);
	phone_write(&l->a, "ACK", "", "");
	line_assert_cdr(l, 480, 18, ENDED_BY_NODE);
}

/* An ICMP error from there is none of an INVITE's that was not sent yet. */
static void another_is_unreachable(void **state)
{
	struct line *l = *state;
	struct sip_hop hop = { .remote = l->b.addr };

	l->r->hold_saves = true;
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	shard_send_failed(l->r->shard, &hop, ECONNREFUSED, l->r->now);
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_true(phone_rings(&l->b).n);
}

static void ringing_is_passed_once(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "100 Trying", "");
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	phone_answer(&l->b, l->b.invite, "182 Queued", "");
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 100"), 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 180"), 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 183"), 0);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 182"), 1);
	assert_int_equal(l->r->events[1].kind, SIG_CALL_RINGING);
}

/* REG-02: 183 with SDP only where the caller's extension has early media; else a plain 180. */
static void early_media_off(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	m = phone_hears(&l->a, "SIP/2.0 180");
	assert_true(m.n);
	assert_int_equal(rig_body(m).n, 0);
	assert_int_equal(l->r->media_count, 2); /* only the two OPENs */
}

/* The newest command of that kind for a leg; all zero when there is none. */
static struct flow_spec last_media(const struct rig *r, enum media_command_kind kind, uint8_t leg)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		if (r->media[i].kind == kind && r->media[i].spec.leg == leg)
			return r->media[i].spec;
	}
	return (struct flow_spec){ 0 };
}

/* The engine learns of both flows before their ports are named, and of the parties when they have answered. */
static void media_commands(void **state)
{
	struct line *l = *state;
	struct flow_spec a, b;

	l->r->hold_saves = true;
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	a = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	b = last_media(l->r, MEDIA_FLOW_OPEN, 1);
	assert_int_equal(l->r->media_count, 2);
	assert_int_equal(a.peer.slot, b.id.slot);
	assert_int_equal(b.peer.generation, a.id.generation);
	assert_int_equal(a.receive + a.send + a.rule_count, 0);
	assert_int_equal(a.local_rtcp.port, a.local_rtp.port + 1);
	assert_true(a.ssrc_out != b.ssrc_out);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	a = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	b = last_media(l->r, MEDIA_FLOW_UPDATE, 1);
	assert_int_equal(a.remote_rtp.port, 4000);
	assert_int_equal(b.remote_rtp.port, 5000);
	assert_int_equal(a.receive + a.send, 2);
	assert_int_equal(a.rules[0].in, 8);
	assert_int_equal(b.rule_count, 2);
}

static void early_media_on(void **state)
{
	struct line *l = *state;
	struct bytes early, final;

	phone_open(&l->a, l->r, "1003", "192.0.2.13:5060");
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	early = phone_hears(&l->a, "SIP/2.0 183");
	assert_true(rig_has(early, "m=audio "));
	assert_int_equal(last_media(l->r, MEDIA_FLOW_UPDATE, 1).remote_rtp.port, 5000);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	assert_int_equal(rig_body(phone_hears(&l->a, "SIP/2.0 180")).n, 0);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	final = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(bytes_eq(rig_body(early), rig_body(final))); /* RFC 3261 13.2.1 */
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* REG-12: the profile of the caller's address may say so, too. */
static void early_media_by_profile(void **state)
{
	struct line *l = *state;
	const struct shard_profile profile = { .name = PROFILE_DEFAULT, .early_media = true };

	assert_int_equal(shard_profile_put(l->r->shard, TENANT_DEFAULT, &profile), 0);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 183"), "m=audio "));
}

/* What has no sound is no early media: the caller's phone rings by itself, and hears what comes behind that. */
static void early_answer_without_sound(void **state)
{
	static const char silent[] =
		"v=0\r\no=b 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n"
		"m=audio 0 RTP/AVP 8\r\n";
	struct line *l = *state;

	for (unsigned reliable = 0; reliable < 2; reliable++) {
		const char *lines = reliable ? "Require: 100rel\r\nRSeq: 7\r\n" : "";

		if (reliable) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(line_setup(state), 0);
			l = *state;
		}
		phone_open(&l->a, l->r, "1003", "192.0.2.13:5060");
		phone_begin(&l->a, "1002");
		phone_request(&l->a, "INVITE", "Supported: 100rel\r\n", PHONE_SDP_A);
		(void)phone_rings(&l->b);
		phone_answer_as(&l->b, l->b.invite, l->b.tag, "183 Session Progress", lines,
				silent);
		assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 183"), 0);
		assert_int_equal(rig_body(phone_hears(&l->a, "SIP/2.0 180")).n, 0);
		if (reliable)
			continue;
		phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
		assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 183"), "m=audio "));
	}
}

/* B's 2xx may leave out what its 183 said. */
static void early_answer_stands(void **state)
{
	struct line *l = *state;

	phone_open(&l->a, l->r, "1003", "192.0.2.13:5060");
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	phone_answer(&l->b, l->b.invite, "200 OK", "");
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 200"), "m=audio "));
}

static void answer_is_repeated_until_acked(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	rig_wait_ms(l->r, 3600); /* at 0, 0.5, 1.5, 3.5 s */
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 200"), 4);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	rig_wait_ms(l->r, 20000);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 200"), 4);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static void answer_is_never_acked(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	rig_wait_ms(l->r, 33000);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 200"), 11);
	assert_true(rig_count(l->r, &l->a.addr, "BYE ") > 0);
	assert_true(rig_count(l->r, &l->b.addr, "BYE ") > 0);
	line_assert_cdr(l, 200, 102, ENDED_BY_NODE);
}

static void callee_repeats_its_answer(void **state)
{
	struct line *l = *state;
	struct bytes first, second;

	phones_talk(&l->a, &l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 2);
	first = rig_take(l->r, &l->b.addr, "ACK ");
	second = rig_take(l->r, &l->b.addr, "ACK ");
	assert_true(bytes_eq(first, second));
	rig_wait_ms(l->r, 40000); /* the transaction is gone */
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 3);
}

/* RFC 3261 13.2.2.4: a second fork that answers is acknowledged and ended. */
static void another_fork_answers(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phones_talk(&l->a, &l->b);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	phone_answer_as(&l->b, l->b.invite, "other", "200 OK", "", PHONE_SDP_B);
	m = rig_take(l->r, &l->b.addr, "ACK ");
	assert_true(rig_has(rig_header(m, "To"), ";tag=other"));
	m = rig_take(l->r, &l->b.addr, "BYE ");
	assert_true(rig_has(rig_header(m, "To"), ";tag=other"));
	phone_answer(&l->b, m, "200 OK", "");
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static void invite_is_repeated(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_write(&l->a, "INVITE", "", PHONE_SDP_A);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 100"), 2);
	assert_int_equal(rig_counts(l->r).calls, 1);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	phone_write(&l->a, "INVITE", "", PHONE_SDP_A);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 180"), 2);
}

/* B's SDP cannot be an answer: B is acknowledged and ended, A hears so. */
static void answer_without_sense(void **state)
{
	static const char *const bodies[] = { "", "v=0\r\n" };

	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct line *l;

		if (i) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(line_setup(state), 0);
		}
		l = *state;
		phone_invite(&l->a, "1002", PHONE_SDP_A);
		(void)phone_rings(&l->b);
		phone_answer(&l->b, l->b.invite, "200 OK", bodies[i]);
		assert_int_equal(rig_count(l->r, &l->b.addr, "ACK "), 1);
		assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1);
		assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
		phone_write(&l->a, "ACK", "", "");
		line_assert_cdr(l, 488, 88, ENDED_BY_NODE);
		assert_int_equal(l->r->cdrs[0].answer_utc_ms, 0);
	}
}

/* Of the first m-line. */
static unsigned sdp_port(struct bytes message)
{
	const char *at = message.n ? strstr((const char *)message.p, "m=audio ") : NULL;

	return at ? (unsigned)strtoul(at + 8, NULL, 10) : 0;
}

static void ports_fail(void **state)
{
	struct line *l = *state;
	struct media_command *m = l->r->media;

	l->r->hold_saves = true;
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	shard_media_failed(l->r->shard, m[0].id, m[0].spec.call, -EMFILE, l->r->now);
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 503").n);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	phone_write(&l->a, "ACK", "", "");
	line_assert_cdr(l, 503, 47, ENDED_BY_NODE);
}

/* Something else holds the ports: others are named, as nobody was told of these. */
static void ports_are_held(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	r->hold_saves = true;
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	for (uint32_t i = 0; i < 4; i++) { /* both, twice */
		shard_media_failed(r->shard, r->media[i].id, r->media[i].spec.call, -EADDRINUSE,
				   r->now);
		rig_drain(r);
		assert_int_equal(r->media_count, 3 + i);
		assert_int_equal(r->media[2 + i].kind, MEDIA_FLOW_OPEN);
		assert_true(r->media[2 + i].spec.local_rtp.port != r->media[i].spec.local_rtp.port);
	}
	rig_answer(r, 0, true); /* of the ports that failed */
	assert_int_equal(rig_count(r, &l->b.addr, "INVITE "), 0);
	r->hold_saves = false;
	rig_run(r);
	assert_int_equal(sdp_port(phone_rings(&l->b)), r->media[5].spec.local_rtp.port);
	assert_true(bytes_is(rig_header(l->b.invite, "CSeq"), "1 INVITE"));
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(sdp_port(phone_hears(&l->a, "SIP/2.0 200")),
			 r->media[4].spec.local_rtp.port);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(r).calls_established, 1);
	assert_int_equal(rig_counts(r).ports_free, 98);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* It goes on for some time, not for ever. */
static void all_ports_are_held(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;

	r->hold_saves = true;
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	for (uint32_t i = 0; i < r->media_count && r->media[i].kind == MEDIA_FLOW_OPEN; i++) {
		shard_media_failed(r->shard, r->media[i].id, r->media[i].spec.call, -EADDRINUSE,
				   r->now);
		rig_drain(r);
	}
	r->hold_saves = false;
	rig_run(r);
	assert_true(phone_hears(&l->a, "SIP/2.0 503").n);
	assert_int_equal(rig_count(r, &l->b.addr, "INVITE "), 0);
	phone_write(&l->a, "ACK", "", "");
	line_assert_cdr(l, 503, 47, ENDED_BY_NODE);
}

/* B's answer names A's port: it was told, and the call cannot go on without it. */
static void a_named_port_is_held(void **state)
{
	struct line *l = *state;
	const struct media_command *m = l->r->media;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	shard_media_failed(l->r->shard, m[1].id, m[1].spec.call, -EADDRINUSE, l->r->now);
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 503").n);
	phone_write(&l->a, "ACK", "", "");
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	line_assert_cdr(l, 503, 47, ENDED_BY_NODE);
}

/* The CDR waits 200 ms for the last counters, no longer. */
static void engine_is_silent(void **state)
{
	struct line *l = *state;
	struct bytes bye;

	phones_talk(&l->a, &l->b);
	l->r->hold_media = true;
	phone_request(&l->a, "BYE", "", "");
	bye = rig_take(l->r, &l->b.addr, "BYE ");
	phone_answer(&l->b, bye, "200 OK", "");
	rig_wait_ms(l->r, 198);
	assert_int_equal(l->r->cdr_count, 0);
	rig_wait_ms(l->r, 4);
	assert_int_equal(l->r->cdr_count, 1);
	assert_int_equal(l->r->cdrs[0].a.packets_in, 0);
	assert_int_equal(rig_counts(l->r).calls, 0);
	line_assert_idle(l->r);
}

static void digits_and_latching(void **state)
{
	struct line *l = *state;
	struct media_event ev = { .kind = MEDIA_FLOW_DIGIT, .leg = 0, .digit = '5' };
	const struct rig_save *before;
	struct call_view v;
	uint32_t cursor = 0, told;

	phones_talk(&l->a, &l->b);
	before = rig_record(l->r);
	assert_true(shard_call_next(l->r->shard, &cursor, &v));
	ev.call = v.call;
	ev.id = v.flows[0].id;
	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
	assert_int_equal(l->r->events[l->r->event_count - 1].kind, SIG_CALL_DIGIT);
	assert_int_equal(event_str(&l->r->events[l->r->event_count - 1], EV_DIGIT)[0], '5');
	assert_ptr_equal(rig_record(l->r), before);
	/* digits may be PINs: unless they are to be shown nobody is told */
	l->r->settings.digits_shown = false;
	shard_configure(l->r->shard, &l->r->settings);
	told = l->r->event_count;
	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
	assert_int_equal(l->r->event_count, told);
	ev.kind = MEDIA_FLOW_LATCHED;
	ev.resume.source_rtp = rig_addr("198.51.100.7:4242");
	ev.resume.source_ssrc = 77;
	ev.resume.started = 1;
	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
	assert_true(rig_record(l->r)->version == before->version + 1);
	cursor = 0;
	assert_true(shard_call_next(l->r->shard, &cursor, &v));
	assert_int_equal(v.flows[0].resume.source_ssrc, 77);
	assert_true(v.saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(full_call),
		LINE_TEST(odd_name),
		LINE_TEST(callee_hangs_up),
		LINE_TEST(both_hang_up),
		LINE_TEST(operator_hangs_up),
		LINE_TEST(refused),
		LINE_TEST(ack_of_failure),
		LINE_TEST(failure_is_repeated_until_acked),
		LINE_TEST(nobody_answers),
		LINE_TEST(callee_is_silent),
		LINE_TEST(callee_is_unreachable),
		LINE_TEST(another_is_unreachable),
		LINE_TEST(ringing_is_passed_once),
		LINE_TEST(early_media_off),
		LINE_TEST(media_commands),
		LINE_TEST(early_media_on),
		LINE_TEST(early_media_by_profile),
		LINE_TEST(early_answer_stands),
		LINE_TEST(early_answer_without_sound),
		LINE_TEST(answer_is_repeated_until_acked),
		LINE_TEST(answer_is_never_acked),
		LINE_TEST(callee_repeats_its_answer),
		LINE_TEST(another_fork_answers),
		LINE_TEST(invite_is_repeated),
		LINE_TEST(answer_without_sense),
		LINE_TEST(ports_fail),
		LINE_TEST(ports_are_held),
		LINE_TEST(all_ports_are_held),
		LINE_TEST(a_named_port_is_held),
		LINE_TEST(engine_is_silent),
		LINE_TEST(digits_and_latching),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
