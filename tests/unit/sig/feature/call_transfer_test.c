/* SPDX-License-Identifier: Apache-2.0 */
/* A party gives the other one to somebody else by REFER (FEATURES CALL-23, CALL-28). */
#include "sig/call.pb-c.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/trio.h"

static void callee_gives_away(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	assert_true(rig_has(rig_header(t->c.invite, "From"), "sip:1001@"));
	assert_true(rig_has(t->c.invite, "\r\nReferred-By: <sip:1002@"));
	assert_int_equal(line_last_spec(t->l.r, 0).send, 0);
	assert_int_equal(line_last_spec(t->l.r, 1).send, 0);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&t->l.b);
	trio_assert_talks(t->l.r, 0, 2);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* MED-04: not silence. */
static void given_away_hears_ringback(void **state)
{
	static const struct job_id ringback[MEDIA_CODECS] = {
		[MEDIA_CODEC_PCMA] = { .slot = 5, .generation = 7 },
	};
	struct trio *t = *state;
	struct flow_spec s;

	shard_track_set(t->l.r->shard, SHARD_TRACK_RINGBACK, ringback);
	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	s = line_last_spec(t->l.r, 0);
	assert_int_equal(s.source.job.slot, 5);
	assert_int_equal(s.send, 1);
	assert_int_equal(line_last_spec(t->l.r, 1).source.job.generation, 0);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_int_equal(line_last_spec(t->l.r, 0).source.job.generation, 0);
	trio_assert_talks(t->l.r, 0, 2);
}

static void caller_gives_away(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.a);
	assert_true(rig_has(rig_header(t->c.invite, "From"), "sip:1002@"));
	trio_c_answers(t, &t->l.b, PHONE_SDP_B);
	assert_notified(&t->l.a, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&t->l.a);
	trio_assert_talks(t->l.r, 1, 2);
	rig_wait_ms(t->l.r, 40000); /* leg 0 is gone: timers and saves still find the call */
	assert_int_equal(rig_counts(t->l.r).calls_established, 1);
	trio_assert_ends(t, &t->c, &t->l.b);
}

/* Whoever was held when it was given away is not. */
static void held_party(void **state)
{
	struct trio *t = *state;
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	phone_request(&t->l.b, "INVITE", "",
		      "v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n"
		      "m=audio 5000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
		      "a=sendonly\r\n");
	m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	phone_answer(&t->l.a, m, "200 OK",
		     "v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n"
		     "m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
		     "a=recvonly\r\n");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	phone_ack(&t->l.b);
	give_away(t, &t->l.b);
	assert_true(rig_has(t->c.invite, "a=sendrecv\r\n"));
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&t->l.b);
	trio_assert_talks(t->l.r, 0, 2);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* The transferor gets its party back. */
static void nobody_takes_it(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	assert_notified(&t->l.b, "SIP/2.0 486 Busy Here\r\n", "terminated;reason=noresource");
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	trio_assert_talks(t->l.r, 0, 1);
	give_away(t, &t->l.b); /* and once more */
	rig_wait_ms(t->l.r, 181000);
	assert_true(rig_take(t->l.r, &t->c.addr, "CANCEL ").n);
	phone_answer(&t->c, t->c.invite, "487 Request Terminated", "");
	assert_notified(&t->l.b, "SIP/2.0 408 Request Timeout\r\n", "terminated;reason=noresource");
	trio_assert_talks(t->l.r, 0, 1);
	trio_assert_ends(t, &t->l.b, &t->l.a);
}

static void nobody_is_there(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	refer(&t->l.b, "sip:1003@test.local");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	assert_notified(&t->l.b, "SIP/2.0 480 Temporarily Unavailable\r\n",
			"terminated;reason=noresource");
	trio_assert_talks(t->l.r, 0, 1);
	trio_assert_ends(t, &t->l.b, &t->l.a);
}

/* Of a number that nobody has it is told so. */
static void nobody_has_it(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	refer(&t->l.b, "sip:1009@test.local");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	assert_notified(&t->l.b, "SIP/2.0 404 Not Found\r\n", "terminated;reason=noresource");
	trio_assert_talks(t->l.r, 0, 1);
	trio_assert_ends(t, &t->l.b, &t->l.a);
}

static void permit(struct trio *t, const char *number, bool transfer)
{
	struct shard_extension e = rig_extension(number, false);

	e.no_transfer = !transfer;
	assert_int_equal(shard_extension_put(t->l.r->shard, &e), 0);
}

/* CALL-27 */
static void not_permitted(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	permit(t, "1002", false);
	refer(&t->l.b, "sip:1004@test.local");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 403").n);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 0);
	trio_assert_talks(t->l.r, 0, 1);
	give_away(t, &t->l.a); /* the other one may */
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	assert_notified(&t->l.a, "SIP/2.0 486 Busy Here\r\n", "terminated;reason=noresource");
	permit(t, "1002", true);
	give_away(t, &t->l.b);
}

/* It was allowed when it was accepted, and waits behind an INVITE. */
static void permitted_no_longer(void **state)
{
	struct trio *t = *state;
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	phone_request(&t->l.a, "INVITE", "", PHONE_SDP_A);
	m = rig_take(t->l.r, &t->l.b.addr, "INVITE ");
	refer(&t->l.b, "sip:1004@test.local");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	permit(t, "1002", false);
	phone_answer(&t->l.b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_ack(&t->l.a);
	assert_notified(&t->l.b, "SIP/2.0 403 Forbidden\r\n", "terminated;reason=noresource");
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 0);
	trio_assert_talks(t->l.r, 0, 1);
	trio_assert_ends(t, &t->l.b, &t->l.a);
}

/* CALL-28: who gave it away and left gets nothing back. */
static void transferor_has_left(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	phone_request(&t->l.b, "BYE", "", "");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	trio_assert_left(&t->l.a);
	line_assert_idle(t->l.r);
}

static void transferor_leaves_in_time(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	phone_request(&t->l.b, "BYE", "", "");
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_int_equal(rig_take(t->l.r, &t->l.b.addr, "NOTIFY ").n, 0);
	trio_assert_talks(t->l.r, 0, 2);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* Whom it gave away hangs up while C rings. */
static void given_away_hangs_up(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	phone_request(&t->l.a, "BYE", "", "");
	assert_notified(&t->l.b, "SIP/2.0 487 Request Terminated\r\n",
			"terminated;reason=noresource");
	trio_assert_left(&t->l.b);
	assert_true(rig_take(t->l.r, &t->c.addr, "CANCEL ").n);
	phone_answer(&t->c, t->c.invite, "487 Request Terminated", "");
	line_assert_idle(t->l.r);
}

/* It begins when the open INVITE is over. */
static void behind_an_invite(void **state)
{
	struct trio *t = *state;
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	phone_request(&t->l.b, "INVITE", "", PHONE_SDP_B);
	m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
	refer(&t->l.b, "sip:1004@test.local");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 0);
	phone_answer(&t->l.a, m, "200 OK", PHONE_SDP_A);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	t->l.b.cseq--;
	phone_ack(&t->l.b);
	assert_true(phone_rings(&t->c).n);
}

static void without_subscription(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	phone_request(&t->l.b, "REFER", "Refer-To: sip:1004@test.local\r\nRefer-Sub: false\r\n",
		      "");
	assert_true(rig_has(phone_hears(&t->l.b, "SIP/2.0 202"), "\r\nRefer-Sub: false\r\n"));
	assert_true(phone_rings(&t->c).n);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	trio_assert_left(&t->l.b);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "NOTIFY "), 0);
	trio_assert_ends(t, &t->l.a, &t->c);
}

static void refused(void **state)
{
	static const struct {
		const char *extra, *status;
	} rows[] = {
		{ "", "SIP/2.0 400" },
		{ "Refer-To: sip:1004@test.local\r\nRefer-To: sip:1003@test.local\r\n",
		  "SIP/2.0 400" },
		{ "Refer-To: <sip:1004@test.local\r\n", "SIP/2.0 400" },
		{ "Refer-To: mailto:1004@test.local\r\n", "SIP/2.0 4" },
		{ "Refer-To: sip:1004@example.org\r\n", "SIP/2.0 404" },
		{ "Refer-To: sip:test.local\r\n", "SIP/2.0 404" },
	};
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		phone_request(&t->l.b, "REFER", rows[i].extra, "");
		assert_true(phone_hears(&t->l.b, rows[i].status).n);
	}
	give_away(t, &t->l.b);
	refer(&t->l.b, "sip:1003@test.local"); /* one at a time */
	assert_true(phone_hears(&t->l.b, "SIP/2.0 491").n);
	phone_request(&t->l.b, "OPTIONS", "", "");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
}

/* Killed while C rings. */
/* MED-04: it hears why, and is left then. Killed in between, too. */
static void given_away_hears_why(void **state)
{
	static const struct job_id busy[MEDIA_CODECS] = {
		[MEDIA_CODEC_PCMA] = { .slot = 6, .generation = 7 },
	};
	struct trio *t = *state;

	t->l.r->settings.tones = true;
	shard_configure(t->l.r->shard, &t->l.r->settings);
	shard_track_set(t->l.r->shard, SHARD_TRACK_BUSY, busy);
	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.a);
	phone_request(&t->l.a, "BYE", "", "");
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	assert_int_equal(line_last_spec(t->l.r, 1).source.job.slot, 6);
	trio_restart_last(t);
	shard_track_set(t->l.r->shard, SHARD_TRACK_BUSY, busy);
	rig_wait_ms(t->l.r, 1);
	assert_int_equal(line_last_spec(t->l.r, 1).source.job.slot, 6);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	rig_wait_ms(t->l.r, 5000);
	trio_assert_left(&t->l.b);
	line_assert_idle(t->l.r);
}

static void after_a_restart(void **state)
{
	struct trio *t = *state;

	for (int taken = 0; taken <= 1; taken++) {
		if (taken) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(trio_setup(state), 0);
			t = *state;
		}
		phones_talk(&t->l.a, &t->l.b);
		give_away(t, &t->l.b);
		trio_restart_last(t);
		if (taken) {
			trio_c_answers(t, &t->l.a, PHONE_SDP_A);
			assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated");
			trio_assert_left(&t->l.b);
			trio_assert_talks(t->l.r, 0, 2);
			trio_assert_ends(t, &t->l.a, &t->c);
		} else {
			phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
			assert_notified(&t->l.b, "SIP/2.0 486 Busy Here\r\n", "terminated");
			trio_assert_talks(t->l.r, 0, 1);
			trio_assert_ends(t, &t->l.b, &t->l.a);
		}
	}
}

/* Killed before the transferor answered the last NOTIFY: it is left all the same. */
static void after_a_late_restart(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	trio_restart_last(t);
	trio_assert_left(&t->l.b);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* Killed when the transferor is gone: it hears nothing more. */
static void after_it_left(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated");
	trio_assert_left(&t->l.b);
	trio_restart_last(t);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 1);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* Nothing is said before it is saved. */
static void saved_before_said(void **state)
{
	struct trio *t = *state;
	uint32_t saves;

	phones_talk(&t->l.a, &t->l.b);
	saves = t->l.r->save_count;
	t->l.r->hold_saves = true;
	refer(&t->l.b, "sip:1004@test.local");
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "SIP/2.0 202"), 0);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "NOTIFY "), 0);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 0);
	assert_int_equal(t->l.r->save_count, saves + 1);
	rig_answer(t->l.r, saves, true);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "SIP/2.0 202"), 1);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "NOTIFY "), 1);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 1);
}

/* ---- to whom it speaks with in another call (RFC 3891; CALL-24, CALL-26) ---- */

#define HOLD_B                                                                        \
	"v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"
#define HELD_A                                                                        \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=recvonly\r\n"
#define SDP_C                                                                         \
	"v=0\r\no=c 1 1 IN IP4 192.0.2.14\r\ns=-\r\nc=IN IP4 192.0.2.14\r\nt=0 0\r\n" \
	"m=audio 6000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

/* B holds A and has another dialog, with C: who of the two called is for the test. */
static void hold_and_ask(struct trio *t, struct phone *second, bool b_called)
{
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	phone_request(&t->l.b, "INVITE", "", HOLD_B);
	m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
	phone_answer(&t->l.a, m, "200 OK", HELD_A);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	phone_ack(&t->l.b);
	assert_true(rig_take(t->l.r, &t->l.a.addr, "ACK ").n);
	phone_open(second, t->l.r, "1002", "192.0.2.12:5060");
	(void)snprintf(second->tag, sizeof(second->tag), "second");
	if (b_called) {
		phone_invite(second, "1004", PHONE_SDP_B);
		assert_true(phone_rings(&t->c).n);
		phone_answer(&t->c, t->c.invite, "200 OK", SDP_C);
		assert_true(phone_hears(second, "SIP/2.0 200").n);
		phone_ack(second);
		assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
	} else {
		phone_invite(&t->c, "1002", SDP_C);
		assert_true(phone_rings(second).n);
		phone_answer(second, second->invite, "200 OK", PHONE_SDP_B);
		assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
		phone_ack(&t->c);
		assert_true(rig_take(t->l.r, &second->addr, "ACK ").n);
	}
	assert_int_equal(rig_counts(t->l.r).calls_established, 2);
}

static void refer_to(struct phone *p, const struct phone *second)
{
	size_t at = strcspn(second->call_id, "@");
	char to[512];

	(void)snprintf(to, sizeof(to),
		       "sip:1004@test.local?Replaces=%.*s%s%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s",
		       (int)at, second->call_id, second->call_id[at] ? "%40" : "",
		       second->call_id + at + (second->call_id[at] != 0), second->remote_tag,
		       second->tag);
	refer(p, to);
}

/* B is out of both calls, A and C have one. */
static void assert_joined(struct trio *t, struct phone *second)
{
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(second);
	trio_assert_left(&t->l.b);
	(void)trio_told_again(&t->l.a, PHONE_SDP_A);
	rig_wait_ms(t->l.r, 40000);
	assert_int_equal(rig_counts(t->l.r).calls, 1);
	assert_int_equal(rig_counts(t->l.r).calls_established, 1);
	trio_assert_talks(t->l.r, 0, 2);
	assert_int_equal(line_last_spec(t->l.r, 0).remote_rtp.port, 4000);
	assert_int_equal(line_last_spec(t->l.r, 2).remote_rtp.port, 6000);
}

static void attended(void **state)
{
	struct trio *t = *state;
	struct phone second;

	for (int b_called = 0; b_called <= 1; b_called++) {
		if (b_called) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(trio_setup(state), 0);
			t = *state;
		}
		hold_and_ask(t, &second, b_called);
		refer_to(&t->l.b, &second);
		assert_joined(t, &second);
		phone_request(&t->c, "OPTIONS", "",
			      ""); /* its dialog is found by tags of another call */
		assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
		trio_assert_ends(t, b_called ? &t->c : &t->l.a, b_called ? &t->l.a : &t->c);
		assert_int_equal(t->l.r->cdr_count, 3);
	}
}

/* Killed when all is saved, and before anybody answered: both legs are one call, and the other one ends. */
static void joined_after_a_restart(void **state)
{
	struct trio *t = *state;
	struct phone second;
	struct bytes m;

	hold_and_ask(t, &second, true);
	refer_to(&t->l.b, &second);
	trio_restart(t);
	while ((m = rig_take(t->l.r, &t->l.b.addr, "BYE ")).n)
		phone_answer(&t->l.b, m, "200 OK", "");
	while ((m = rig_take(t->l.r, &t->l.a.addr, "INVITE ")).n)
		phone_answer(&t->l.a, m, "200 OK", PHONE_SDP_A);
	rig_wait_ms(t->l.r, 40000);
	assert_int_equal(rig_counts(t->l.r).calls, 1);
	trio_assert_talks(t->l.r, 0, 2);
	phone_request(&t->c, "OPTIONS", "", "");
	assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
	trio_assert_ends(t, &t->c, &t->l.a);
}

/* The flow of that leg is told to go to where its new peer is, and only that one. */
static bool came_along(const struct rig *r, uint32_t since, uint8_t leg)
{
	bool moved = false;

	for (uint32_t i = since; i < r->media_count; i++) {
		if (r->media[i].kind != MEDIA_FLOW_UPDATE || !r->media[i].moves)
			continue;
		assert_int_equal(r->media[i].spec.leg, leg);
		moved = true;
	}
	return moved;
}

/* The records of both calls change together, and nothing is said before. */
static void joined_in_one_save(void **state)
{
	struct trio *t = *state;
	struct phone second;
	uint32_t saves, updates;

	hold_and_ask(t, &second, true);
	saves = t->l.r->save_count;
	updates = t->l.r->media_count;
	t->l.r->hold_saves = true;
	refer_to(&t->l.b, &second);
	assert_int_equal(t->l.r->save_count, saves + 2);
	assert_true(t->l.r->saves[saves].call != t->l.r->saves[saves + 1].call);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "SIP/2.0 202"), 0);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "NOTIFY "), 0);
	assert_true(came_along(t->l.r, updates, 2)); /* who was held hears the other at once */
	assert_int_equal(line_last_spec(t->l.r, 0).peer.slot, line_last_spec(t->l.r, 2).id.slot);
	assert_int_equal(line_last_spec(t->l.r, 0).send, 1);
}

/* While a save is on its way the calls stay two. */
static void joined_behind_a_save(void **state)
{
	struct trio *t = *state;
	struct phone second;
	uint32_t saves;

	hold_and_ask(t, &second, true);
	saves = t->l.r->save_count;
	t->l.r->hold_saves = true;
	phone_request(&second, "UPDATE", "", ""); /* the other call is being saved */
	assert_int_equal(t->l.r->save_count, saves + 1);
	refer_to(&t->l.b, &second);
	assert_int_equal(rig_counts(t->l.r).calls_established, 2);
	t->l.r->hold_saves = false;
	for (uint32_t i = saves; i < t->l.r->save_count; i++)
		rig_answer(t->l.r, i, true);
	rig_wait_ms(t->l.r, 100);
	assert_joined(t, &second);
}

/* As a program wrote it that knew neither who comes nor who is given away. */
static void make_older(struct text *record)
{
	Tandem__Call__Call *in =
		tandem__call__call__unpack(NULL, record->n, (const uint8_t *)record->p);
	uint8_t space[1 << 14];

	assert_non_null(in);
	assert_int_equal(in->transfer->comes, 2);
	assert_int_equal(in->transfer->given, 1);
	in->transfer->comes = in->transfer->given = 0;
	assert_in_range(tandem__call__call__get_packed_size(in), 1, sizeof(space));
	assert_int_equal(text_set(record, bytes_mem(space, tandem__call__call__pack(in, space))),
			 0);
	tandem__call__call__free_unpacked(in, NULL);
}

static void joined_by_an_older_record(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	struct phone second;
	struct bytes m;

	hold_and_ask(t, &second, true);
	r->hold_saves = true;
	phone_request(&second, "UPDATE", "", ""); /* the other call is being saved */
	refer_to(&t->l.b, &second);
	r->hold_saves = false;
	make_older(&r->saves[r->save_count - 1].record);
	trio_restart(t);
	rig_wait_ms(r, 100);
	while ((m = rig_take(r, &t->l.b.addr, "BYE ")).n)
		phone_answer(&t->l.b, m, "200 OK", "");
	while ((m = rig_take(r, &t->l.b.addr, "NOTIFY ")).n)
		phone_answer(&t->l.b, m, "200 OK", "");
	while ((m = rig_take(r, &t->l.b.addr, "BYE ")).n)
		phone_answer(&t->l.b, m, "200 OK", "");
	(void)trio_told_again(&t->l.a, PHONE_SDP_A);
	rig_wait_ms(r, 40000);
	assert_int_equal(rig_counts(r).calls, 1);
	trio_assert_talks(r, 0, 2);
	trio_assert_ends(t, &t->c, &t->l.a);
}

/* Whom the transferor rings yet is rung for its party. */
static void who_rings_yet(void **state)
{
	struct trio *t = *state;
	struct phone second;

	phones_talk(&t->l.a, &t->l.b);
	phone_open(&second, t->l.r, "1002", "192.0.2.12:5060");
	(void)snprintf(second.tag, sizeof(second.tag), "second");
	phone_invite(&second, "1004", PHONE_SDP_B);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
	assert_true(phone_hears(&second, "SIP/2.0 180").n);
	refer_to(&t->l.b, &second);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	assert_true(rig_take(t->l.r, &t->c.addr, "CANCEL ").n);
	phone_answer(&t->c, t->c.invite, "487 Request Terminated", "");
	assert_true(rig_take(t->l.r, &second.addr, "SIP/2.0 480").n);
	phone_write(&second, "ACK", "", "");
	assert_notified(&t->l.b, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	assert_true(phone_rings(&t->c).n);
	assert_true(rig_has(rig_header(t->c.invite, "From"), "sip:1001@"));
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&t->l.b);
	trio_assert_ends(t, &t->l.a, &t->c);
	assert_int_equal(t->l.r->cdr_count, 3); /* B to C, and the two pairs of the other call */
	assert_string_equal(t->l.r->cdrs[0].reason, "transferred");
	assert_int_equal(t->l.r->cdrs[0].ended_by, ENDED_BY_A);
}

static void not_joined(void **state)
{
	struct trio *t = *state;
	struct phone second;

	hold_and_ask(t, &second, true);
	refer_to(&t->l.a, &second); /* another's dialog */
	assert_true(phone_hears(&t->l.a, "SIP/2.0 403").n);
	(void)snprintf(second.call_id, sizeof(second.call_id), "no-such-call");
	refer_to(&t->l.b, &second);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 481").n);
	refer(&t->l.b, "sip:1004@test.local?Replaces=x");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 400").n);
	refer_to(&t->l.b, &t->l.b); /* the very dialog */
	assert_true(phone_hears(&t->l.b, "SIP/2.0 481").n);
	assert_int_equal(rig_counts(t->l.r).calls_established, 2);
}

#define SDP_OF(who, port, version, formats)                                               \
	"v=0\r\no=x 1 " version " IN IP4 192.0.2." who "\r\ns=-\r\nc=IN IP4 192.0.2." who \
	"\r\nt=0 0\r\nm=audio " port " RTP/AVP " formats "\r\na=sendrecv\r\n"

/* B talks with A, and by another dialog with C, in a codec that A's call does not have. */
static void ask_unlike(struct trio *t, struct phone *second)
{
	phones_talk(&t->l.a, &t->l.b);
	phone_open(second, t->l.r, "1002", "192.0.2.12:5060");
	(void)snprintf(second->tag, sizeof(second->tag), "second");
	phone_invite(second, "1004", SDP_OF("12", "5000", "1", "9"));
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "200 OK", SDP_OF("14", "6000", "1", "9"));
	assert_true(phone_hears(second, "SIP/2.0 200").n);
	phone_ack(second);
	assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
	refer_to(&t->l.b, second);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
}

static struct bytes asked_for(struct phone *p, const char *formats)
{
	struct bytes m = rig_take(p->r, &p->addr, "INVITE ");

	assert_true(m.n);
	assert_true(rig_has(m, formats));
	assert_true(rig_has(m, "a=sendrecv\r\n"));
	return m;
}

static void answers(struct phone *p, struct bytes invite, const char *status, const char *sdp)
{
	phone_answer(p, invite, status, sdp);
	assert_true(rig_take(p->r, &p->addr, "ACK ").n);
}

static void assert_rule(struct rig *r, uint8_t leg, uint8_t number)
{
	struct flow_spec s = line_last_spec(r, leg);

	for (uint8_t i = 0; i < s.rule_count; i++) {
		if (s.rules[i].in == number && s.rules[i].out == number)
			return;
	}
	fail_msg("leg %u may not send %u", leg, number);
}

static void no_codec_in_common(void **state)
{
	struct trio *t = *state;
	struct phone second;

	ask_unlike(t, &second);
	answers(&t->l.a, asked_for(&t->l.a, "RTP/AVP 9\r\n"), "488 Not Acceptable Here", "");
	rig_wait_ms(t->l.r, 30);
	answers(&t->c, asked_for(&t->c, "RTP/AVP 8 0 101\r\n"), "488 Not Acceptable Here", "");
	rig_wait_ms(t->l.r, 30);
	assert_notified(&t->l.b, "SIP/2.0 488 Not Acceptable Here\r\n",
			"terminated;reason=noresource");
	assert_int_equal(rig_counts(t->l.r).calls_established, 2);
	rig_wait_ms(t->l.r, 60000);
	assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "INVITE "), 1);
	phone_request(&second, "BYE", "", "");
	trio_assert_left(&t->c);
	trio_assert_ends(t, &t->l.a, &t->l.b);
}

/* A had been offered what B has: it has what C has, too. Killed when it was asked, and when it answered. */
static void asked_for_what_c_has(void **state)
{
	for (int killed = 0; killed <= 2; killed++) {
		struct trio *t = *state;
		struct phone second;
		struct bytes m;

		ask_unlike(t, &second);
		m = asked_for(&t->l.a, "RTP/AVP 9\r\n");
		if (killed == 1) {
			trio_restart(t);
			m = asked_for(&t->l.a, "RTP/AVP 9\r\n");
		}
		answers(&t->l.a, m, "200 OK", SDP_OF("11", "4000", "2", "9"));
		if (killed == 2)
			trio_restart(t);
		rig_wait_ms(t->l.r, 100);
		while ((m = rig_take(t->l.r, &t->l.b.addr, "NOTIFY ")).n)
			phone_answer(&t->l.b, m, "200 OK", "");
		while ((m = rig_take(t->l.r, &t->l.b.addr, "BYE ")).n)
			phone_answer(&t->l.b, m, "200 OK", "");
		rig_wait_ms(t->l.r, 60000);
		assert_int_equal(rig_counts(t->l.r).calls, 1);
		trio_assert_talks(t->l.r, 0, 2);
		assert_rule(t->l.r, 0, 9);
		assert_rule(t->l.r, 2, 9);
		assert_int_equal(rig_take(t->l.r, &t->l.a.addr, "INVITE ").n, 0);
		trio_assert_ends(t, &t->c, &t->l.a);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(trio_setup(state), 0);
	}
}

/* C takes what A once offered, and not what A has agreed on with B: A is asked for it before B is left. */
static void rung_takes_another_codec(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	assert_true(rig_has(t->c.invite, "RTP/AVP 8 0 101\r\n"));
	answers(&t->c, t->c.invite, "200 OK", SDP_OF("14", "6000", "1", "0"));
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	answers(&t->l.a, asked_for(&t->l.a, "RTP/AVP 0\r\n"), "200 OK",
		SDP_OF("11", "4000", "2", "0"));
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&t->l.b);
	trio_assert_talks(t->l.r, 0, 2);
	assert_rule(t->l.r, 0, 0);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* ... and A does not: nor does C take anything else. B has its party back. Killed in between, too. */
static void rung_is_left_again(void **state)
{
	for (int killed = 0; killed <= 2; killed++) {
		struct trio *t = *state;
		struct bytes m;

		phones_talk(&t->l.a, &t->l.b);
		give_away(t, &t->l.b);
		answers(&t->c, t->c.invite, "200 OK", SDP_OF("14", "6000", "1", "0"));
		m = asked_for(&t->l.a, "RTP/AVP 0\r\n");
		if (killed == 1) {
			trio_restart_last(t);
			m = asked_for(&t->l.a, "RTP/AVP 0\r\n");
		}
		answers(&t->l.a, m, "488 Not Acceptable Here", "");
		m = asked_for(&t->c, "RTP/AVP 8 0 101\r\n");
		if (killed == 2) {
			trio_restart_last(t);
			m = asked_for(&t->c, "RTP/AVP 8 0 101\r\n");
		}
		answers(&t->c, m, "488 Not Acceptable Here", "");
		assert_notified(&t->l.b, "SIP/2.0 488 Not Acceptable Here\r\n",
				"terminated;reason=noresource");
		trio_assert_left(&t->c);
		trio_assert_talks(t->l.r, 0, 1);
		assert_rule(t->l.r, 0, 8);
		trio_assert_ends(t, &t->l.a, &t->l.b);
		assert_int_equal(line_teardown(state), 0);
		assert_int_equal(trio_setup(state), 0);
	}
}

/* ... and B has left meanwhile: nobody is there to have A back. */
static void rung_and_left_by_all(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	answers(&t->c, t->c.invite, "200 OK", SDP_OF("14", "6000", "1", "0"));
	phone_request(&t->l.b, "BYE", "", "");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	answers(&t->l.a, asked_for(&t->l.a, "RTP/AVP 0\r\n"), "488 Not Acceptable Here", "");
	answers(&t->c, asked_for(&t->c, "RTP/AVP 8 0 101\r\n"), "488 Not Acceptable Here", "");
	trio_assert_left(&t->l.a);
	trio_assert_left(&t->c);
	line_assert_idle(t->l.r);
}

/* What the simulator showed (tests/sim/seeds.txt). */

static const struct call *the_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return shard_call_find(r->shard, view.call);
}

/* What the engine was asked for while it said nothing. */
static void closes_all(struct rig *r)
{
	uint32_t count = r->media_count;

	r->hold_media = false;
	for (uint32_t i = 0; i < count; i++) {
		if (r->media[i].kind == MEDIA_FLOW_CLOSE)
			rig_media_closed(r, &r->media[i]);
	}
}

/* The retry of an offer of whoever has left meanwhile. */
static void offer_of_who_left(void **state)
{
	struct trio *t = *state;
	const struct call *c;
	uint32_t asked;
	struct bytes m;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
	phone_answer(&t->l.a, m, "491 Request Pending", "");
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated");
	trio_assert_left(&t->l.b);
	refer(&t->c, "sip:1002@test.local");
	assert_true(phone_hears(&t->c, "SIP/2.0 202").n);
	assert_notified(&t->c, "SIP/2.0 100 Trying\r\n", "active");
	assert_true(phone_rings(&t->l.b).n);
	t->l.r->hold_media = true; /* its leg waits for its last counters, and is there */
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
	phone_answer(&t->l.a, m, "200 OK", PHONE_SDP_A);
	assert_notified(&t->c, "SIP/2.0 200 OK\r\n", "terminated");
	trio_assert_left(&t->c);
	c = the_call(t->l.r);
	assert_int_equal(c->order_leg, 2);
	assert_true(c->order_ns);
	asked = rig_count(t->l.r, &t->l.a.addr, "INVITE ");
	rig_wait_ms(t->l.r, 4500);
	assert_non_null(call_leg(c, 2));
	assert_int_equal(c->order_ns, 0); /* nor will it be tried once more */
	assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "INVITE "), asked);
	closes_all(t->l.r);
	rig_wait_ms(t->l.r, 40000);
	trio_assert_ends(t, &t->l.a, &t->l.b);
}

/* The answer to the first NOTIFY comes behind the end: BYE waits for that to the last. */
static void late_answer_to_a_notify(void **state)
{
	struct trio *t = *state;
	struct bytes first;

	phones_talk(&t->l.a, &t->l.b);
	refer(&t->l.b, "sip:1004@test.local");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	first = rig_take(t->l.r, &t->l.b.addr, "NOTIFY ");
	assert_true(phone_rings(&t->c).n);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	phone_answer(&t->l.b, first, "200 OK", "");
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated");
	trio_assert_left(&t->l.b);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* Its 202 was lost with the process that said it. */
static void refer_comes_again(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	trio_restart_last(t);
	t->l.b.cseq--;
	refer(&t->l.b, "sip:1004@test.local");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	refer(&t->l.b, "sip:1004@test.local");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 491").n);
	t->l.b.cseq--;
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated");
	trio_assert_left(&t->l.b);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* Until it has an answer. */
static void last_notify_comes_again(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	assert_true(rig_take(t->l.r, &t->l.b.addr, "NOTIFY ").n);
	trio_restart_last(t);
	assert_notified(&t->l.b, "SIP/2.0 486 Busy Here\r\n", "terminated");
	trio_restart_last(t);
	assert_int_equal(rig_take(t->l.r, &t->l.b.addr, "NOTIFY ").n, 0);
	give_away(t, &t->l.b);
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	assert_true(rig_take(t->l.r, &t->l.b.addr, "NOTIFY ").n);
	give_away(t, &t->l.b); /* nobody waits for that answer */
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated");
	trio_assert_left(&t->l.b);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* Killed behind C's answer: the next process tells of it, and waits. */
static void taken_by_the_next_process(void **state)
{
	struct trio *t = *state;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	t->l.r->hold_saves = true;
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	t->l.r->hold_saves = false;
	trio_restart_last(t);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated");
	trio_assert_left(&t->l.b);
}

/* What waits for a save when the call ends has an answer all the same. */
static void asked_before_the_end(void **state)
{
	struct trio *t = *state;
	uint32_t saves;

	phones_talk(&t->l.a, &t->l.b);
	saves = t->l.r->save_count;
	t->l.r->hold_saves = true;
	refer(&t->l.b, "sip:1004@test.local");
	phone_request(&t->l.a, "BYE", "", "");
	t->l.r->hold_saves = false;
	for (uint32_t i = saves; i < t->l.r->save_count; i++)
		rig_answer(t->l.r, i, true);
	rig_run(t->l.r);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	assert_notified(&t->l.b, "SIP/2.0 487", "terminated");
	trio_assert_left(&t->l.b);
	line_assert_idle(t->l.r);
}

/* Whoever was called and is the caller now is still found by its own name. */
static void given_away_keeps_its_name(void **state)
{
	struct trio *t = *state;
	struct leg_users *u;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.a);
	trio_c_answers(t, &t->l.b, PHONE_SDP_B);
	assert_notified(&t->l.a, "SIP/2.0 200 OK\r\n", "terminated");
	trio_assert_left(&t->l.a);
	trio_restart_last(t);
	u = &t->l.r->shard->legs;
	assert_non_null(leg_users_next(u, BYTES_LIT("1002"), NULL));
	assert_non_null(leg_users_next(u, BYTES_LIT("1004"), NULL));
}

/* A branch that is still being cancelled names for whom it was asked. */
static void branch_outlives_who_asked(void **state)
{
	struct trio *t = *state;
	struct phone two[2];
	struct bytes m;

	phone_open(&two[0], t->l.r, "1003", "192.0.2.15:5060");
	phone_open(&two[1], t->l.r, "1003", "192.0.2.16:5060");
	phones_bind(two, 2);
	phone_invite(&t->l.a, "1003", PHONE_SDP_A);
	assert_true(phone_rings(&two[0]).n);
	assert_true(phone_rings(&two[1]).n);
	phone_answer(&two[1], two[1].invite, "180 Ringing", "");
	phone_answer(&two[0], two[0].invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_ack(&t->l.a);
	m = rig_take(t->l.r, &two[1].addr, "CANCEL ");
	phone_answer(&two[1], m, "200 OK", "");
	give_away(t, &t->l.a);
	trio_c_answers(t, &two[0], PHONE_SDP_B);
	assert_notified(&t->l.a, "SIP/2.0 200 OK\r\n", "terminated");
	trio_assert_left(&t->l.a);
	trio_restart_last(t);
	phone_answer(&two[1], two[1].invite, "487 Request Terminated", "");
	trio_assert_ends(t, &t->c, &two[0]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TRIO_TEST(callee_gives_away),
		TRIO_TEST(given_away_hears_ringback),
		TRIO_TEST(caller_gives_away),
		TRIO_TEST(held_party),
		TRIO_TEST(nobody_takes_it),
		TRIO_TEST(nobody_is_there),
		TRIO_TEST(nobody_has_it),
		TRIO_TEST(not_permitted),
		TRIO_TEST(permitted_no_longer),
		TRIO_TEST(given_away_hears_why),
		TRIO_TEST(transferor_has_left),
		TRIO_TEST(transferor_leaves_in_time),
		TRIO_TEST(given_away_hangs_up),
		TRIO_TEST(behind_an_invite),
		TRIO_TEST(without_subscription),
		TRIO_TEST(refused),
		TRIO_TEST(after_a_restart),
		TRIO_TEST(after_a_late_restart),
		TRIO_TEST(saved_before_said),
		TRIO_TEST(after_it_left),
		TRIO_TEST(attended),
		TRIO_TEST(joined_after_a_restart),
		TRIO_TEST(joined_in_one_save),
		TRIO_TEST(joined_behind_a_save),
		TRIO_TEST(joined_by_an_older_record),
		TRIO_TEST(who_rings_yet),
		TRIO_TEST(not_joined),
		TRIO_TEST(no_codec_in_common),
		TRIO_TEST(asked_for_what_c_has),
		TRIO_TEST(rung_takes_another_codec),
		TRIO_TEST(rung_is_left_again),
		TRIO_TEST(rung_and_left_by_all),
		TRIO_TEST(offer_of_who_left),
		TRIO_TEST(late_answer_to_a_notify),
		TRIO_TEST(refer_comes_again),
		TRIO_TEST(last_notify_comes_again),
		TRIO_TEST(taken_by_the_next_process),
		TRIO_TEST(asked_before_the_end),
		TRIO_TEST(given_away_keeps_its_name),
		TRIO_TEST(branch_outlives_who_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
