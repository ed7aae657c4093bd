/* SPDX-License-Identifier: Apache-2.0 */
/* A party gives the other one to somebody else by REFER (FEATURES CALL-23, CALL-28). */
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
	line_restart(&t->l, line_stored(&t->l));
	trio_assert_ends(t, &t->c, &t->l.b);
	assert_string_equal(t->l.r->cdrs[0].facts.from_name, "Phone");
	assert_string_equal(t->l.r->cdrs[1].from, "1002");
	assert_string_equal(t->l.r->cdrs[1].facts.from_name, ""); /* that is not its name */
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

/* Who was given up, and had answered, hears two BYEs cross. What it says of ours, later, is not of the next leg with that number. */
static void late_answer_to_a_bye(void **state)
{
	struct trio *t = *state;
	struct bytes bye;

	phones_talk(&t->l.a, &t->l.b);
	give_away(t, &t->l.b);
	rig_wait_ms(t->l.r, 181000);
	assert_true(rig_take(t->l.r, &t->c.addr, "CANCEL ").n);
	phone_answer(&t->c, t->c.invite, "200 OK", PHONE_SDP_B);
	bye = rig_take(t->l.r, &t->c.addr, "BYE ");
	assert_true(bye.n);
	phone_request(&t->c, "BYE", "", "");
	assert_notified(&t->l.b, "SIP/2.0 408 Request Timeout\r\n", "terminated;reason=noresource");
	while (rig_take(t->l.r, &t->l.b.addr, "NOTIFY ").n) /* copies */
		;
	give_away(t, &t->l.b);
	phone_answer(&t->c, bye, "481 Call/Transaction Does Not Exist", "");
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	trio_assert_talks(t->l.r, 0, 2);
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

/* ADM-90 */
static void not_entitled(void **state)
{
	struct trio *t = *state;
	struct shard_extension e = rig_extension("1002", false);

	e.withheld = 1u << ENTITLED_TRANSFER;
	assert_int_equal(shard_extension_put(t->l.r->shard, &e), 0);
	phones_talk(&t->l.a, &t->l.b);
	refer(&t->l.b, "sip:1004@test.local");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 403").n);
	give_away(t, &t->l.a); /* the other one may */
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

/* The caller's ACK is on its way: the transfer waits for it, in the next process as well. */
static void behind_an_answer(void **state)
{
	struct trio *t = *state;

	phone_invite(&t->l.a, "1002", PHONE_SDP_A);
	(void)phone_rings(&t->l.b);
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	refer(&t->l.b, "sip:1004@test.local");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 202").n);
	trio_restart(t);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 0);
	phone_ack(&t->l.a);
	assert_notified(&t->l.b, "SIP/2.0 100 Trying\r\n", "Subscription-State: active");
	assert_true(phone_rings(&t->c).n);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "terminated;reason=noresource");
	trio_assert_left(&t->l.b);
	trio_assert_talks(t->l.r, 0, 2);
	trio_assert_ends(t, &t->l.a, &t->c);
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
	assert_non_null(leg_users_next(u, TENANT_DEFAULT, BYTES_LIT("1002"), NULL));
	assert_non_null(leg_users_next(u, TENANT_DEFAULT, BYTES_LIT("1004"), NULL));
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

/* RFC 3261 12.2.2: what comes with a lower CSeq than another request is refused. */
static void message_behind_a_waiting_notify(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;
	uint32_t before;

	phones_talk(&t->l.a, &t->l.b);
	r->hold_saves = true;
	refer(&t->l.b, "sip:1999@test.local");
	before = r->sent_count;
	phone_request(&t->l.a, "MESSAGE", "Content-Type: text/plain\r\n", "x");
	r->hold_saves = false;
	rig_run(r);
	assert_int_equal(rig_count(r, &t->l.b.addr, "MESSAGE "), 1);
	for (uint32_t i = before; i < r->sent_count; i++) {
		if (bytes_starts(text_bytes(&r->sent[i].data), "NOTIFY "))
			return;
		assert_false(bytes_starts(text_bytes(&r->sent[i].data), "MESSAGE "));
	}
	fail();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TRIO_TEST(message_behind_a_waiting_notify),
		TRIO_TEST(callee_gives_away),
		TRIO_TEST(given_away_hears_ringback),
		TRIO_TEST(caller_gives_away),
		TRIO_TEST(held_party),
		TRIO_TEST(nobody_takes_it),
		TRIO_TEST(late_answer_to_a_bye),
		TRIO_TEST(nobody_is_there),
		TRIO_TEST(nobody_has_it),
		TRIO_TEST(not_permitted),
		TRIO_TEST(not_entitled),
		TRIO_TEST(permitted_no_longer),
		TRIO_TEST(given_away_hears_why),
		TRIO_TEST(transferor_has_left),
		TRIO_TEST(transferor_leaves_in_time),
		TRIO_TEST(given_away_hangs_up),
		TRIO_TEST(behind_an_invite),
		TRIO_TEST(behind_an_answer),
		TRIO_TEST(without_subscription),
		TRIO_TEST(refused),
		TRIO_TEST(after_a_restart),
		TRIO_TEST(after_a_late_restart),
		TRIO_TEST(saved_before_said),
		TRIO_TEST(after_it_left),
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
