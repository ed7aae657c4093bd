/* SPDX-License-Identifier: Apache-2.0 */
/* The verb dial: who answers takes the call by a key, and hears something before they speak. */
#include "sig/pbx/flow/flow.h"
#include "tests/unit/sig/application.h"
#include "tests/unit/sig/flows.h"
#include "tests/unit/sig/trio.h"

enum { PROMPT = 600 };

static const struct job_id g_music[MEDIA_CODECS] = {
	[MEDIA_CODEC_PCMA] = { .slot = 3, .generation = 7 },
};

#define DIALS(start, to, more)                                                       \
	"{\"name\":\"main\",\"start\":\"" start "\",\"steps\":{"                     \
	"\"up\":{\"answer\":{},\"next\":\"a\"},"                                     \
	"\"a\":{\"dial\":{\"to\":" to more "},\"busy\":\"no\",\"no_answer\":\"no\"," \
	"\"rejected\":\"no\",\"failed\":\"no\"},\"no\":{\"reject\":{\"status\":486}}}}"
#define CONFIRM ",\"confirm\":[\"press\"]"
#define BOTH    "[\"1002\",\"1004\"]"
/* Steps that nobody reaches are refused. */
#define FIRST(to, more)                                                              \
	"{\"name\":\"main\",\"start\":\"a\",\"steps\":{"                             \
	"\"a\":{\"dial\":{\"to\":" to more "},\"busy\":\"no\",\"no_answer\":\"no\"," \
	"\"rejected\":\"no\",\"failed\":\"no\"},\"no\":{\"reject\":{\"status\":486}}}}"

static void presses(struct line *l, uint8_t leg, char digit)
{
	struct media_event ev = { .kind = MEDIA_FLOW_DIGIT,
				  .id = line_last_spec(l->r, leg).id,
				  .call = first_call(l->r),
				  .digit = digit,
				  .duration_ms = 100 };

	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
}

static void answers(struct phone *p)
{
	assert_true(phone_rings(p).n);
	phone_answer(p, p->invite, "200 OK", PHONE_SDP_B);
	rig_run(p->r);
	assert_true(rig_take(p->r, &p->addr, "ACK ").n);
}

static void hears(const struct line *l, uint8_t leg, uint32_t slot)
{
	struct flow_spec s = line_last_spec(l->r, leg);

	assert_int_equal(s.source.job.slot, slot);
	assert_int_equal(s.send, 1);
}

/* It is asked, and hears nobody else; the caller knows nothing of it. */
static void is_asked(struct trio *t, uint8_t leg)
{
	struct flow_spec s = line_last_spec(t->l.r, leg);

	assert_true(plays(&t->l, "prompt:press"));
	assert_int_equal(s.alone, 1);
	assert_int_equal(s.receive, 1);
	assert_int_equal(s.peer.generation, 0);
	assert_true(s.rule_count);
	played(&t->l, PROMPT_REPLY_OPEN);
	hears(&t->l, leg, PROMPT);
	assert_false(phone_hears(&t->l.a, "SIP/2.0 200").n);
}

static void they_speak(struct trio *t, uint8_t leg, struct phone *p)
{
	is_answered(&t->l);
	trio_assert_talks(t->l.r, 0, leg);
	trio_assert_ends(t, &t->l.a, p);
}

static void test_key(void **state)
{
	struct trio *t = *state;

	call_flow(&t->l, FIRST("\"1002\"", CONFIRM));
	answers(&t->l.b);
	is_asked(t, 1);
	presses(&t->l, 1, '5');
	they_speak(t, 1, &t->l.b);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "ACK "), 1);
	assert_int_equal(t->l.r->cdr_count, 1);
	assert_int_equal(t->l.r->cdrs[0].sip_status, 200);
}

/* A voicemail presses none: the next one rings. Other keys do not count. */
static void test_voicemail(void **state)
{
	struct trio *t = *state;

	call_flow(&t->l, FIRST(BOTH, CONFIRM ",\"how\":\"in_turn\",\"confirm_keys\":\"1\""));
	answers(&t->l.b);
	presses(&t->l, 1, '2');
	rig_wait_ms(t->l.r, 19900);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	rig_wait_ms(t->l.r, 200);
	trio_assert_left(&t->l.b);
	answers(&t->c);
	is_asked(t, 2);
	presses(&t->l, 2, '1');
	they_speak(t, 2, &t->c);
}

/* Both answer, and the other one takes the call. */
static void test_together(void **state)
{
	struct trio *t = *state;

	call_flow(&t->l, FIRST(BOTH, CONFIRM));
	answers(&t->l.b);
	is_asked(t, 1);
	answers(&t->c);
	is_asked(t, 2);
	hears(&t->l, 1, PROMPT);
	presses(&t->l, 2, '1');
	trio_assert_left(&t->l.b);
	they_speak(t, 2, &t->c);
}

/* Who is asked hangs up, while the other one rings. */
static void test_hangs_up(void **state)
{
	struct trio *t = *state;

	call_flow(&t->l, FIRST(BOTH, CONFIRM));
	answers(&t->l.b);
	is_asked(t, 1);
	phone_request(&t->l.b, "BYE", "", "");
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "CANCEL "), 0);
	answers(&t->c);
	is_asked(t, 2);
	phone_request(&t->c, "BYE", "", "");
	assert_true(phone_hears(&t->c, "SIP/2.0 200").n);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 486").n);
	phone_write(&t->l.a, "ACK", "", "");
	line_assert_idle(t->l.r);
}

/* The caller gives up. */
static void test_cancelled(void **state)
{
	struct trio *t = *state;

	call_flow(&t->l, FIRST(BOTH, CONFIRM));
	answers(&t->l.b);
	assert_true(phone_rings(&t->c).n);
	phone_answer(&t->c, t->c.invite, "180 Ringing", "");
	phone_cancel(&t->l.a);
	rig_run(t->l.r);
	trio_assert_left(&t->l.b);
	assert_true(rig_take(t->l.r, &t->c.addr, "CANCEL ").n);
	phone_answer(&t->c, t->c.invite, "487 Request Terminated", "");
	assert_true(phone_hears(&t->l.a, "SIP/2.0 487").n);
	phone_write(&t->l.a, "ACK", "", "");
	line_assert_idle(t->l.r);
}

static void test_up(void **state)
{
	struct trio *t = *state;
	struct bytes m;

	call_flow(&t->l, DIALS("up", BOTH, CONFIRM));
	is_answered(&t->l);
	answers(&t->l.b);
	assert_int_equal(line_last_spec(t->l.r, 1).peer.generation, 0);
	presses(&t->l, 1, '1');
	assert_true(phone_rings(&t->c).n);
	m = rig_take(t->l.r, &t->l.a.addr, "INVITE ");
	if (m.n) {
		phone_answer(&t->l.a, m, "200 OK", PHONE_SDP_A);
		assert_true(rig_take(t->l.r, &t->l.a.addr, "ACK ").n);
	}
	trio_assert_talks(t->l.r, 0, 1);
}

static void restart(struct trio *t, const char *flow)
{
	line_restart(&t->l, line_stored(&t->l));
	phone_bind(&t->c);
	put_flow(t->l.r, flow);
	rig_reply(t->l.r,
		  (struct reply){ .ask = ASK_PROGRAM,
				  .of = first_call(t->l.r),
				  .program = { .serial = t->l.r->program, .found = true } });
	rig_run(t->l.r);
}

static void test_killed(void **state)
{
	static const char flow[] = FIRST(BOTH, CONFIRM);
	struct trio *t = *state;

	call_flow(&t->l, flow);
	answers(&t->l.b);
	restart(t, flow);
	is_asked(t, 1);
	rig_wait_ms(t->l.r, 10000);
	restart(t, flow);
	is_asked(t, 1);
	rig_wait_ms(t->l.r, 9000);
	assert_int_equal(rig_count(t->l.r, &t->l.b.addr, "BYE "), 0);
	presses(&t->l, 1, '1');
	restart(t, flow);
	they_speak(t, 1, &t->l.b);
}

/* A caller that hears the phone before it answers hears it ring while that is asked. */
static void test_early_media(void **state)
{
	struct trio *t = *state;
	struct phone d;

	phone_open(&d, t->l.r, "1003", "192.0.2.13:5060");
	phone_bind(&d);
	put_flow(t->l.r, FIRST("\"1002\"", CONFIRM));
	phone_invite(&d, "700", PHONE_SDP_A);
	rig_run(t->l.r);
	assert_true(phone_rings(&t->l.b).n);
	phone_answer(&t->l.b, t->l.b.invite, "183 Session Progress", PHONE_SDP_B);
	rig_run(t->l.r);
	assert_true(phone_hears(&d, "SIP/2.0 183").n);
	trio_assert_talks(t->l.r, 0, 1);
	phone_answer(&t->l.b, t->l.b.invite, "200 OK", PHONE_SDP_B);
	rig_run(t->l.r);
	assert_int_equal(line_last_spec(t->l.r, 0).receive, 0);
	assert_int_equal(line_last_spec(t->l.r, 1).peer.generation, 0);
	presses(&t->l, 1, '1');
	assert_true(phone_hears(&d, "SIP/2.0 200").n);
	phone_ack(&d);
	rig_run(t->l.r);
	trio_assert_talks(t->l.r, 0, 1);
}

/* One that leaves the offer to who answers is answered first. */
static void test_late_offer(void **state)
{
	struct trio *t = *state;

	put_flow(t->l.r, FIRST("\"1002\"", CONFIRM));
	phone_invite(&t->l.a, "700", "");
	rig_run(t->l.r);
	assert_true(phone_hears(&t->l.a, "SIP/2.0 200").n);
	phone_write(&t->l.a, "ACK", "", PHONE_SDP_A);
	rig_run(t->l.r);
	answers(&t->l.b);
	presses(&t->l, 1, '1');
	trio_assert_talks(t->l.r, 0, 1);
}

/* A key by INFO is in the record before the phone hears that it came. */
static void test_info(void **state)
{
	struct trio *t = *state;

	call_flow(&t->l, FIRST("\"1002\"", CONFIRM));
	answers(&t->l.b);
	t->l.r->hold_saves = true;
	phone_request(&t->l.b, "INFO", "Content-Type: application/dtmf-relay\r\n",
		      "Signal=1\r\nDuration=100\r\n");
	rig_run(t->l.r);
	assert_false(phone_hears(&t->l.b, "SIP/2.0 200").n);
	t->l.r->hold_saves = false;
	rig_run(t->l.r);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	they_speak(t, 1, &t->l.b);
}

/* A flash (RFC 4733 table 7) is no key, by event or INFO: it takes no call. */
static void test_flash(void **state)
{
	struct trio *t = *state;

	call_flow(&t->l, FIRST("\"1002\"", CONFIRM));
	answers(&t->l.b);
	is_asked(t, 1);
	presses(&t->l, 1, 'F');
	phone_request(&t->l.b, "INFO", "Content-Type: application/dtmf-relay\r\n",
		      "Signal=16\r\nDuration=100\r\n");
	rig_run(t->l.r);
	assert_true(phone_hears(&t->l.b, "SIP/2.0 200").n);
	assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "SIP/2.0 200"), 0);
	presses(&t->l, 1, '5');
	they_speak(t, 1, &t->l.b);
}

/* An extension is not asked where only numbers outside are. */
static void test_outside_alone(void **state)
{
	struct trio *t = *state;

	call_flow(&t->l, FIRST("\"1002\"", CONFIRM ",\"confirm_for\":\"outside\""));
	answers(&t->l.b);
	they_speak(t, 1, &t->l.b);
}

/* One is told first, then both. */
static void test_whisper(void **state)
{
	struct trio *t = *state;

	shard_track_set(t->l.r->shard, SHARD_TRACK_MUSIC, g_music);
	call_flow(&t->l, FIRST("\"1002\"", ",\"whisper\":\"sales\",\"announce\":\"press\""));
	answers(&t->l.b);
	is_answered(&t->l);
	assert_true(plays(&t->l, "prompt:sales"));
	played(&t->l, PROMPT_REPLY_OPEN);
	hears(&t->l, 0, 3);
	hears(&t->l, 1, PROMPT);
	line_restart(&t->l, line_stored(&t->l));
	shard_track_set(t->l.r->shard, SHARD_TRACK_MUSIC, g_music);
	played(&t->l, PROMPT_REPLY_OPEN);
	hears(&t->l, 1, PROMPT);
	played(&t->l, PROMPT_REPLY_ENDED);
	assert_true(plays(&t->l, "prompt:press"));
	played(&t->l, PROMPT_REPLY_OPEN);
	hears(&t->l, 0, PROMPT);
	hears(&t->l, 1, PROMPT);
	played(&t->l, PROMPT_REPLY_ENDED);
	trio_assert_talks(t->l.r, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRIO_TEST(test_key),           TRIO_TEST(test_voicemail),
		TRIO_TEST(test_together),      TRIO_TEST(test_hangs_up),
		TRIO_TEST(test_cancelled),     TRIO_TEST(test_up),
		TRIO_TEST(test_killed),        TRIO_TEST(test_info),
		TRIO_TEST(test_outside_alone), TRIO_TEST(test_whisper),
		TRIO_TEST(test_early_media),   TRIO_TEST(test_late_offer),
		TRIO_TEST(test_flash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
