/* SPDX-License-Identifier: Apache-2.0 */
/* Parties that are up, and speak with the node alone by now: of a call that an application has answered for them. */

#include "sig/call/prompts.h"

#include "tests/unit/sig/line.h"

#define CALL      UINT64_C(0x7800000000001) /* of shard 7, derived */
#define REFRESHED "Supported: timer\r\nSession-Expires: 200;refresher=uas\r\n"
#define SDP_AGAIN                                                                     \
	"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

static const struct job_id g_ringback[MEDIA_CODECS] = {
	[MEDIA_CODEC_PCMA] = { .slot = 5, .generation = 7 },
};

static void application_set(struct rig *r)
{
	struct shard_forward f = { .application = "ivr", .application_wait_s = 5 };

	assert_int_equal(shard_forward_set(r->shard, TENANT_DEFAULT, "1004", &f), 0);
	shard_track_set(r->shard, SHARD_TRACK_RINGBACK, g_ringback);
}

static int setup(void **state)
{
	(void)line_setup(state);
	application_set(((struct line *)*state)->r);
	return 0;
}

static uint64_t the_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

static uint32_t events_of(const struct rig *r, enum sig_event_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->event_count; i++)
		n += r->events[i].kind == kind;
	return n;
}

static int answer(struct line *l)
{
	int err = shard_call_answer(l->r->shard, the_call(l->r), NULL, l->r->now);

	rig_run(l->r);
	return err;
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
	application_set(r);
	if (shard_restore_call(r->shard, text_bytes(&r->saves[last].record), r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

static void assert_alone(struct line *l)
{
	struct flow_spec s = line_last_spec(l->r, 0);

	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_true(s.alone && s.receive && s.send);
	assert_int_equal(s.peer.generation, 0);
	assert_int_equal(s.source.job.generation, 0);
}

/* Nobody is there who could read what it writes. */
static void writes_to_nobody(struct line *l)
{
	struct bytes m;

	phone_request(&l->a, "MESSAGE", "Content-Type: text/plain\r\n", "x");
	m = rig_take(l->r, &l->a.addr, "SIP/2.0 405");
	assert_true(rig_header(m, "Allow").n && !rig_has(rig_header(m, "Allow"), "MESSAGE"));
}

/* ---- by command ---- */

static void originated(struct line *l)
{
	const struct shard_originate o = { .call = CALL, .from = "1001", .to = "1004" };

	assert_int_equal(shard_call_originate(l->r->shard, &o, l->r->now), 0);
	rig_wait_ms(l->r, 1);
	assert_true(phone_rings(&l->a).n);
	phone_answer(&l->a, l->a.invite, "180 Ringing", "");
	phone_answer(&l->a, l->a.invite, "200 OK", PHONE_SDP_A);
	assert_true(rig_take(l->r, &l->a.addr, "ACK ").n);
}

/* It hears ringback of the node, and the application of the call. */
static void waits(void **state)
{
	struct line *l = *state;

	originated(l);
	assert_int_equal(events_of(l->r, SIG_CALL_WAITING), 1);
	assert_int_equal(line_last_spec(l->r, 0).source.job.slot, 5);
	restart(l);
	assert_int_equal(events_of(l->r, SIG_CALL_WAITING), 2);
	assert_int_equal(answer(l), 0);
	assert_int_equal(events_of(l->r, SIG_CALL_ANSWERED), 1);
	assert_alone(l);
	writes_to_nobody(l);
	assert_int_equal(answer(l), REFUSED_NOT_WAITING);
	rig_wait_ms(l->r, 10000);
	restart(l);
	assert_alone(l);
	assert_int_equal(rig_count(l->r, &l->a.addr, "INVITE "), 1);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_string_equal(l->r->cdrs[0].to, "1004");
	assert_true(l->r->cdrs[0].answer_utc_ms);
}

/* Saved before said, here to the application alone. */
static void answer_is_saved(void **state)
{
	struct line *l = *state;

	originated(l);
	l->r->hold_saves = true;
	assert_int_equal(answer(l), 0);
	assert_int_equal(events_of(l->r, SIG_CALL_ANSWERED), 0);
	l->r->hold_saves = false;
	l->r->saves[l->r->save_count - 1].answered = true;
	restart(l);
	assert_int_equal(events_of(l->r, SIG_CALL_ANSWERED), 1);
	assert_alone(l);
	restart(l);
	assert_alone(l);
}

static void nobody_answers(void **state)
{
	struct line *l = *state;

	originated(l);
	rig_wait_ms(l->r, 5100);
	assert_int_equal(events_of(l->r, SIG_CALL_MISSED), 1);
	assert_int_equal(answer(l), REFUSED_NOT_WAITING);
	rig_wait_ms(l->r, 6000);
	line_assert_cdr(l, 480, 19, ENDED_BY_NODE);
}

/* The caller hears by now that nobody answers. */
static void answers_too_late(void **state)
{
	struct line *l = *state;

	l->r->settings.tones = true;
	shard_configure(l->r->shard, &l->r->settings);
	for (unsigned i = SHARD_TRACK_BUSY; i <= SHARD_TRACK_INFORMATION; i++)
		shard_track_set(l->r->shard, (enum shard_track)i, g_ringback);
	originated(l);
	rig_wait_ms(l->r, 5100);
	assert_int_equal(rig_counts(l->r).calls, 1);
	assert_int_equal(answer(l), REFUSED_NOT_WAITING);
	restart(l);
	assert_int_equal(answer(l), REFUSED_NOT_WAITING);
	rig_wait_ms(l->r, 6000);
	line_assert_cdr(l, 480, 19, ENDED_BY_NODE);
}

static void caller_leaves(void **state)
{
	struct line *l = *state;

	originated(l);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
	assert_int_equal(l->r->cdrs[0].answer_utc_ms, 0);
}

/* It has agreed on what the node offered, and takes nothing that the node can say. */
static void nothing_to_say(void **state)
{
	struct line *l = *state;
	uint64_t call;

	originated(l);
	call = the_call(l->r);
	assert_int_equal(answer(l), 0);
	assert_int_equal(shard_call_prompt(l->r->shard, call,
					   &(struct prompt_terms){ .files = { "a.wav" },
								   .file_count = 1,
								   .times = 1 },
					   NULL, l->r->now),
			 0);
	rig_run(l->r);
	assert_string_equal(l->r->played, "a.wav");
	assert_int_equal(l->r->play_codec, MEDIA_CODEC_PCMA);
}

/* ---- by transfer ---- */

static void given_away(struct line *l)
{
	struct bytes m;

	phones_talk(&l->a, &l->b);
	phone_request(&l->b, "INVITE", "",
		      "v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n"
		      "m=audio 5000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
		      "a=sendonly\r\n");
	m = rig_take(l->r, &l->a.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	phone_answer(&l->a, m, "200 OK",
		     "v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n"
		     "m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
		     "a=recvonly\r\n");
	assert_true(phone_hears(&l->b, "SIP/2.0 200").n);
	phone_ack(&l->b);
	phone_request(&l->b, "REFER", "Refer-To: <sip:1004@test.local>\r\n", "");
	assert_true(phone_hears(&l->b, "SIP/2.0 202").n);
	m = rig_take(l->r, &l->b.addr, "NOTIFY ");
	assert_true(rig_has(m, "SIP/2.0 100"));
	phone_answer(&l->b, m, "200 OK", "");
}

static void notified(struct line *l, const char *status)
{
	struct bytes m = rig_take(l->r, &l->b.addr, "NOTIFY ");

	assert_true(rig_has(m, status));
	phone_answer(&l->b, m, "200 OK", "");
}

/* Whoever gave it away leaves when the application has answered; who was held by it is told that it is not. */
static void is_given_away(void **state)
{
	struct line *l = *state;
	struct bytes m;

	given_away(l);
	assert_int_equal(events_of(l->r, SIG_CALL_WAITING), 1);
	assert_int_equal(line_last_spec(l->r, 0).source.job.slot, 5);
	restart(l);
	assert_int_equal(answer(l), 0);
	notified(l, "SIP/2.0 200 OK");
	m = rig_take(l->r, &l->b.addr, "BYE ");
	assert_true(m.n);
	phone_answer(&l->b, m, "200 OK", "");
	rig_wait_ms(l->r, 100);
	m = rig_take(l->r, &l->a.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendrecv\r\n"));
	restart(l); /* the same once more */
	m = rig_take(l->r, &l->a.addr, "INVITE ");
	phone_answer(&l->a, m, "200 OK", SDP_AGAIN);
	assert_true(rig_take(l->r, &l->a.addr, "ACK ").n);
	assert_alone(l);
	restart(l);
	assert_alone(l);
	phone_request(&l->a, "BYE", "", "");
	rig_wait_ms(l->r, 70000);
	assert_int_equal(l->r->cdr_count, 2);
	assert_string_equal(l->r->cdrs[1].to, "1004");
}

static void is_given_back(void **state)
{
	struct line *l = *state;

	given_away(l);
	rig_wait_ms(l->r, 5100);
	notified(l, "SIP/2.0 480");
	assert_int_equal(events_of(l->r, SIG_CALL_TRANSFER_FAILED), 1);
	assert_int_equal(answer(l), REFUSED_NOT_WAITING);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_true(line_last_spec(l->r, 0).peer.generation);
}

/* ---- what its session lives by ---- */

/* A phone that takes no UPDATE is asked by INVITE, in the same words. */
static void is_refreshed(void **state)
{
	struct line *l = *state;
	struct bytes m, said;

	l->r->settings.session_expires_s = 200;
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	phone_bind(&l->a);
	application_set(l->r);
	phone_begin(&l->a, "1004");
	phone_request(&l->a, "INVITE", REFRESHED, PHONE_SDP_A);
	assert_int_equal(answer(l), 0);
	said = rig_body(phone_hears(&l->a, "SIP/2.0 200"));
	phone_ack(&l->a);
	rig_wait_ms(l->r, 101000);
	m = rig_take(l->r, &l->a.addr, "INVITE ");
	assert_true(bytes_eq(rig_body(m), said));
	phone_answer_as(&l->a, m, "", "200 OK", "Session-Expires: 200;refresher=uac\r\n",
			PHONE_SDP_A);
	assert_true(rig_take(l->r, &l->a.addr, "ACK ").n);
	phone_answer_as(&l->a, m, "", "200 OK", "Session-Expires: 200;refresher=uac\r\n",
			PHONE_SDP_A); /* our ACK was lost */
	assert_int_equal(rig_body(rig_take(l->r, &l->a.addr, "ACK ")).n, 0);
	assert_alone(l);
	rig_wait_ms(l->r, 101000);
	assert_true(rig_take(l->r, &l->a.addr, "INVITE ").n);
	rig_wait_ms(l->r, 33000); /* it says nothing to it */
	assert_int_equal(rig_counts(l->r).calls_established, 0);
}

#define ALONE_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE_TEST(waits),
		ALONE_TEST(answer_is_saved),
		ALONE_TEST(nobody_answers),
		ALONE_TEST(caller_leaves),
		ALONE_TEST(nothing_to_say),
		ALONE_TEST(is_given_away),
		ALONE_TEST(is_given_back),
		ALONE_TEST(is_refreshed),
		ALONE_TEST(answers_too_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
