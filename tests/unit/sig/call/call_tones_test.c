/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of parties that have neither telephone-events nor INFO: tones in their sound (MED-03). */
#include "media/codec.h"
#include "sig/call/prompts.h"
#include "sig/host/tenant_tables.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/application.h"

#define RELAY    "Content-Type: application/dtmf-relay\r\n"
#define NO_INFO  "Allow: INVITE, ACK, CANCEL, BYE, UPDATE\r\n"
#define HAS_INFO "Allow: INVITE, ACK, CANCEL, BYE, INFO\r\n"
#define PLAIN_A                                                                       \
	"v=0\r\no=a 1 1 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8\r\n"
#define PLAIN_B                                                                       \
	"v=0\r\no=b 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8\r\n"

static void talk(struct line *l, const char *offer, const char *allow, const char *answer)
{
	phone_invite(&l->a, "1002", offer);
	phone_answer_as(&l->b, phone_rings(&l->b), l->b.tag, "200 OK", allow, answer);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* tone: it was heard, and by the other party, too. */
static void pressed(struct line *l, uint8_t leg, char digit, bool tone)
{
	struct flow_spec s = line_last_spec(l->r, leg);
	struct media_event m = { .kind = MEDIA_FLOW_DIGIT,
				 .id = s.id,
				 .call = s.call,
				 .leg = leg,
				 .digit = digit,
				 .duration_ms = 200,
				 .relayed = tone,
				 .tone = tone };

	shard_media_event(l->r->shard, &m, l->r->now);
	rig_wait_ms(l->r, 1);
}

/* What the engine was to make for that party. */
static void assert_made(struct line *l, uint8_t leg, const char *want)
{
	struct flow_spec to = line_last_spec(l->r, leg);
	char got[64] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < l->r->media_count; i++) {
		const struct media_command *m = &l->r->media[i];

		if (m->kind == MEDIA_FLOW_DIGIT_SEND && flow_id_eq(m->id, to.id) &&
		    n + 1 < sizeof(got))
			got[n++] = m->digit;
	}
	assert_string_equal(got, want);
}

/* ---- to a party ---- */

static void event_becomes_a_tone(void **state)
{
	struct line *l = *state;

	talk(l, PHONE_SDP_A, NO_INFO, PLAIN_B);
	pressed(l, 0, '5', false);
	assert_made(l, 1, "5");
	assert_int_equal(line_last_spec(l->r, 1).event_pt, PAYLOAD_NONE);
	assert_int_equal(line_last_spec(l->r, 1).accepted_count, 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 0);
}

static void info_becomes_a_tone(void **state)
{
	struct line *l = *state;

	talk(l, PLAIN_A, NO_INFO, PLAIN_B);
	phone_request(&l->a, "INFO", RELAY, "Signal=7\r\nDuration=250\r\n");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	assert_made(l, 1, "7");
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 0);
}

/* It says that it takes INFO, and that is what it gets. */
static void not_to_one_that_takes_info(void **state)
{
	struct line *l = *state;

	talk(l, PHONE_SDP_A, HAS_INFO, PLAIN_B);
	pressed(l, 0, '5', false);
	assert_made(l, 1, "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 1);
}

/* It does not know what to do with it: these are tones, and all that follow. After a kill, too. */
static void refused(struct line *l, const char *status)
{
	talk(l, PHONE_SDP_A, "", PLAIN_B);
	pressed(l, 0, '1', false);
	pressed(l, 0, '2', false);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INFO "), status, "");
	assert_made(l, 1, "12");
	pressed(l, 0, '3', false);
	assert_made(l, 1, "123");
	rig_wait_ms(l->r, 1000);
	line_restart(l, line_stored(l));
	pressed(l, 0, '4', false);
	assert_made(l, 1, "1234");
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 1);
}

static void refused_as_method(void **state)
{
	refused(*state, "405 Method Not Allowed");
}

static void refused_as_body(void **state)
{
	refused(*state, "415 Unsupported Media Type");
}

static void refused_as_package(void **state)
{
	refused(*state, "469 Bad Info Package");
}

static void refused_as_unknown(void **state)
{
	refused(*state, "501 Not Implemented");
}

#define G729_B                                                                        \
	"v=0\r\no=b 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n"
#define G729_A                                                                        \
	"v=0\r\no=a 1 1 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 18 101\r\na=rtpmap:18 G729/8000\r\n"                    \
	"a=rtpmap:101 telephone-event/8000\r\n"

/* Nobody here can say a tone in it: INFO, whatever it has in its Allow. */
static void not_in_a_codec_that_is_not_coded(void **state)
{
	struct line *l = *state;

	talk(l, G729_A, NO_INFO, G729_B);
	pressed(l, 0, '5', false);
	assert_made(l, 1, "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 1);
}

/* Its module is there. Of this process from now on, so it is the last test. */
static void in_a_codec_of_a_module(void **state)
{
	struct line *l = *state;

	media_codec_code(MEDIA_CODEC_G729);
	talk(l, G729_A, NO_INFO, G729_B);
	pressed(l, 0, '5', false);
	assert_made(l, 1, "5");
	assert_int_equal(line_last_spec(l->r, 1).accepted_count, 1);
	assert_int_equal(line_last_spec(l->r, 1).accepted[0].codec, MEDIA_CODEC_G729);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 0);
}

/* ---- of a party ---- */

static const struct prompt_terms g_pin = { .files = { "pin.wav" },
					   .file_count = 1,
					   .times = 1,
					   .interruptible = true,
					   .min = 4,
					   .max = 6,
					   .first_ms = 5000,
					   .inter_ms = 2000,
					   .ends = "#" };
static const struct prompt_terms g_deaf = { .files = { "a.wav" }, .file_count = 1, .times = 1 };

static void act_by(struct line *l, const struct prompt_terms *terms, uint64_t id)
{
	struct shard_order by = { .id = id, .ticket = id };

	assert_int_equal(
		shard_call_prompt(l->r->shard, application_call(l->r), terms, &by, l->r->now), 0);
	rig_run(l->r);
}

static void answered(struct line *l, const char *sdp)
{
	application_rings(l, sdp);
	assert_int_equal(application_answer(l), 0);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
}

static void assert_collected(struct line *l, const char *digits)
{
	const struct sig_event *e = NULL;

	for (uint32_t i = 0; i < l->r->event_count; i++)
		if (l->r->events[i].kind == SIG_CALL_COLLECTED)
			e = &l->r->events[i];
	if (!e)
		fail_msg("nothing was collected");
	else
		assert_string_equal(event_str(e, EV_DIGITS), digits);
}

/* Only while somebody wants keys. */
static void heard_for_an_application(void **state)
{
	struct line *l = *state;

	answered(l, PLAIN_A);
	assert_false(line_last_spec(l->r, 0).detects_dtmf);
	act_by(l, &g_deaf, 1);
	assert_false(line_last_spec(l->r, 0).detects_dtmf);
	act_by(l, &g_pin, 2);
	assert_true(line_last_spec(l->r, 0).detects_dtmf);
	for (const char *key = "1234#"; *key; key++)
		pressed(l, 0, *key, true);
	assert_collected(l, "1234");
	assert_false(line_last_spec(l->r, 0).detects_dtmf);
}

static void heard_after_a_kill(void **state)
{
	struct line *l = *state;

	answered(l, PLAIN_A);
	act_by(l, &g_pin, 1);
	pressed(l, 0, '1', true);
	pressed(l, 0, '2', true);
	rig_wait_ms(l->r, 100);
	application_restart(l);
	assert_true(line_last_spec(l->r, 0).detects_dtmf);
	pressed(l, 0, '3', true);
	pressed(l, 0, '4', true);
	pressed(l, 0, '#', true);
	assert_collected(l, "1234");
}

/* RFC 4733: whose keys are events is not listened to. */
static void not_beside_events(void **state)
{
	struct line *l = *state;

	answered(l, PHONE_SDP_A);
	act_by(l, &g_pin, 1);
	assert_false(line_last_spec(l->r, 0).detects_dtmf);
}

/* A phone may send both: each key counts once, whichever comes first. */
static void once_beside_info(void **state)
{
	struct line *l = *state;

	answered(l, PLAIN_A);
	act_by(l, &g_pin, 1);
	pressed(l, 0, '1', true);
	phone_request(&l->a, "INFO", RELAY, "Signal=1\r\n");
	assert_false(line_last_spec(l->r, 0).detects_dtmf);
	rig_wait_ms(l->r, 100);
	application_restart(l);
	assert_false(line_last_spec(l->r, 0).detects_dtmf);
	phone_request(&l->a, "INFO", RELAY, "Signal=1\r\n");
	pressed(l, 0, '1', true);
	phone_request(&l->a, "INFO", RELAY, "Signal=2\r\n");
	phone_request(&l->a, "INFO", RELAY, "Signal=3\r\n");
	phone_request(&l->a, "INFO", RELAY, "Signal=#\r\n");
	assert_collected(l, "1123");
}

/* ---- codes ---- */

static void codes_set(struct rig *r)
{
	static const struct call_codes codes = {
		.code = { [CALL_CODE_RECORD_ON] = "*1", [CALL_CODE_RECORD_OFF] = "*2" },
	};
	struct shard_extension e = rig_extension("1001", false);

	e.classes = 0xff;
	e.record = RECORD_ON_DEMAND;
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
	r->settings.call_codes = codes;
	r->settings.call_code_wait_ms = 2000;
	r->settings.digits_shown = true;
	shard_configure(r->shard, &r->settings);
}

/* The other party has heard each tone, and gets none again. */
static void codes_as_tones(void **state)
{
	struct line *l = *state;

	codes_set(l->r);
	talk(l, PLAIN_A, "", PHONE_SDP_B);
	assert_true(line_last_spec(l->r, 0).detects_dtmf);
	assert_false(line_last_spec(l->r, 1).detects_dtmf); /* 1002 may not */
	pressed(l, 0, '5', true);
	pressed(l, 0, '*', true);
	pressed(l, 0, '1', true);
	assert_int_equal(l->r->record_count, 1);
	assert_int_equal(l->r->records[0].record.act, RECORD_START);
	pressed(l, 0, '*', true);
	pressed(l, 0, '9', true);
	rig_wait_ms(l->r, 3000);
	assert_made(l, 1, "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 0);
}

/* REC-04: what is pressed while the recording pauses is told to nobody, and is not on its tape. */
static void tones_while_paused(void **state)
{
	struct line *l = *state;
	uint64_t call;
	uint32_t told = 0;

	codes_set(l->r);
	talk(l, PLAIN_A, "", PHONE_SDP_B);
	pressed(l, 0, '*', true);
	pressed(l, 0, '1', true);
	call = line_last_spec(l->r, 0).call;
	assert_int_equal(line_last_spec(l->r, 0).tap, 1);
	assert_int_equal(
		shard_call_record(l->r->shard, call, 0, ORDER_RECORD_PAUSE, NULL, l->r->now), 0);
	rig_wait_ms(l->r, 1);
	assert_int_equal(line_last_spec(l->r, 0).tap, 0);
	assert_int_equal(line_last_spec(l->r, 1).tap, 0);
	pressed(l, 0, '7', true);
	for (uint32_t i = 0; i < l->r->event_count; i++)
		told += l->r->events[i].kind == SIG_CALL_DIGIT;
	assert_int_equal(told, 0);
	assert_int_equal(
		shard_call_record(l->r->shard, call, 0, ORDER_RECORD_RESUME, NULL, l->r->now), 0);
	rig_wait_ms(l->r, 1);
	pressed(l, 0, '8', true);
	assert_int_equal(l->r->events[l->r->event_count - 1].kind, SIG_CALL_DIGIT);
}

#define APPLICATION_TEST(fn) cmocka_unit_test_setup_teardown(fn, application_setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(event_becomes_a_tone),
		LINE_TEST(info_becomes_a_tone),
		LINE_TEST(not_to_one_that_takes_info),
		LINE_TEST(refused_as_method),
		LINE_TEST(refused_as_body),
		LINE_TEST(refused_as_package),
		LINE_TEST(refused_as_unknown),
		LINE_TEST(not_in_a_codec_that_is_not_coded),
		APPLICATION_TEST(heard_for_an_application),
		APPLICATION_TEST(heard_after_a_kill),
		APPLICATION_TEST(not_beside_events),
		APPLICATION_TEST(once_beside_info),
		LINE_TEST(codes_as_tones),
		LINE_TEST(tones_while_paused),
		LINE_TEST(in_a_codec_of_a_module),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
