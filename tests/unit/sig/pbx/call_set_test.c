/* SPDX-License-Identifier: Apache-2.0 */
/* Feature codes (FEATURES CALL-15 to CALL-21, CALL-46): a phone sets something in the document of its extension, and hears what became of it. */
#include "sig/host/calendars.h"
#include "sig/pbx/set.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/shared_tables.h"
#include "tests/unit/sig/line.h"

#define SDP_G729                                                                      \
	"v=0\r\no=a 1 1 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 18\r\na=sendrecv\r\n"

static const struct job_id g_confirmation[MEDIA_CODECS] = {
	[MEDIA_CODEC_PCMA] = { .slot = 5, .generation = 7 },
};
static const struct job_id g_information[MEDIA_CODECS] = {
	[MEDIA_CODEC_PCMA] = { .slot = 6, .generation = 7 },
};
static const struct job_id g_congestion[MEDIA_CODECS] = {
	[MEDIA_CODEC_PCMA] = { .slot = 7, .generation = 7 },
};

static void put_tones(struct rig *r)
{
	r->settings.tones = true;
	shard_configure(r->shard, &r->settings);
	shard_track_set(r->shard, SHARD_TRACK_CONFIRMATION, g_confirmation);
	shard_track_set(r->shard, SHARD_TRACK_INFORMATION, g_information);
	shard_track_set(r->shard, SHARD_TRACK_CONGESTION, g_congestion);
	rig_wait_ms(r, 1);
}

static void put_codes(struct rig *r)
{
	static const struct feature_codes codes = {
#define X(id, key, dialled, field, value, help) .code[FEATURE_##id] = (dialled),
		FEATURE_CODES(X)
#undef X
	};

	r->settings.codes = codes;
	shard_configure(r->shard, &r->settings);
}

static int codes_setup(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	put_codes(l->r);
	put_tones(l->r);
	return 0;
}

static uint64_t the_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

static void dial(struct line *l, const char *digits)
{
	phone_invite(&l->a, digits, PHONE_SDP_A);
	rig_run(l->r);
}

static void told_of(struct line *l, uint64_t call, enum set_state state)
{
	const struct set_reply new_state = { .serial = l->r->set, .state = state };

	rig_reply(l->r, (struct reply){ .ask = ASK_SET, .of = call, .set = new_state });
	rig_run(l->r);
}

static void told(struct line *l, enum set_state state)
{
	told_of(l, the_call(l->r), state);
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
	put_tones(r);
	if (shard_restore_call(r->shard, text_bytes(&r->saves[last].record), r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

static void assert_hears(struct line *l, uint32_t slot)
{
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	assert_int_equal(line_last_spec(l->r, 0).source.job.slot, slot);
}

/* It is left when the tone was heard. */
static void assert_ends(struct line *l, const char *reason, uint16_t q850)
{
	rig_wait_ms(l->r, 3500);
	assert_int_equal(rig_take(l->r, &l->a.addr, "BYE ").n, 0);
	rig_wait_ms(l->r, 1000);
	line_assert_cdr(l, 200, q850, ENDED_BY_NODE);
	assert_string_equal(l->r->cdrs[0].reason, reason);
	assert_true(l->r->cdrs[0].answer_utc_ms != 0);
}

static void sets_and_confirms(void **state)
{
	static const struct {
		const char *digits;
		enum feature_action feature;
		const char *number;
	} rows[] = {
		{ "*721002", FEATURE_ALWAYS_ON, "1002" }, { "*73", FEATURE_ALWAYS_OFF, "" },
		{ "*901002", FEATURE_BUSY_ON, "1002" },   { "*91", FEATURE_BUSY_OFF, "" },
		{ "*921002", FEATURE_NO_ANSWER_ON, "1002" },
		{ "*93", FEATURE_NO_ANSWER_OFF, "" },     { "*76", FEATURE_SMART_ON, "" },{ "*77", FEATURE_SMART_OFF, "" },
		{ "*78", FEATURE_DISTURB_OFF, "" },
		{ "*79", FEATURE_DISTURB_ON, "" },
	}, *row;
	struct line *l = *state;
	uint32_t n = 0;

	EACH_ROW(row, rows)
	{
		dial(l, row->digits);
		assert_int_equal(l->r->set_count, ++n);
		ROW_ASSERT(row->digits, l->r->set_feature == row->feature);
		assert_string_equal(l->r->set_number, row->number);
		assert_string_equal(l->r->set_user, "1001");
		told(l, SET_DONE);
		assert_hears(l, 5);
		rig_wait_ms(l->r, 4100);
		phone_answer(&l->a, rig_take(l->r, &l->a.addr, "BYE "), "200 OK", "");
		rig_wait_ms(l->r, 1000);
		assert_int_equal(l->r->cdr_count, n);
		assert_string_equal(l->r->cdrs[n - 1].to, row->digits);
	}
}

static void is_confirmed_when_it_is_saved(void **state)
{
	struct line *l = *state;

	l->r->hold_saves = true;
	dial(l, "*78");
	assert_int_equal(l->r->set_count, 0); /* the step is not saved */
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_int_equal(l->r->set_count, 1);
	rig_wait_ms(l->r, 1000);
	assert_int_equal(phone_hears(&l->a, "SIP/2.0 180").n, 0);
	assert_int_equal(phone_hears(&l->a, "SIP/2.0 200").n, 0);
	told(l, SET_DONE);
	assert_hears(l, 5);
	assert_ends(l, "feature code: set", 16);
}

static void refused_is_heard(void **state)
{
	struct line *l = *state;

	dial(l, "*721001");
	told(l, SET_REFUSED);
	assert_hears(l, 6);
	assert_ends(l, "feature code: not set", 29);
}

static void failed_is_heard(void **state)
{
	struct line *l = *state;

	dial(l, "*78");
	told(l, SET_FAILED);
	assert_hears(l, 7);
	assert_ends(l, "feature code: not set", 29);
}

static void nothing_is_told(void **state)
{
	struct line *l = *state;

	dial(l, "*78");
	rig_wait_ms(l->r, 4500);
	assert_int_equal(phone_hears(&l->a, "SIP/2.0 200").n, 0);
	rig_wait_ms(l->r, 1000);
	assert_hears(l, 7);
	told(l, SET_DONE); /* too late */
	assert_int_equal(line_last_spec(l->r, 0).source.job.slot, 7);
	assert_ends(l, "feature code: not set", 29);
}

/* Of another asking. */
static void stale_news(void **state)
{
	const struct set_reply new_state = { .serial = 99, .state = SET_REFUSED };
	struct line *l = *state;

	dial(l, "*78");
	rig_reply(l->r, (struct reply){ .ask = ASK_SET, .of = the_call(l->r), .set = new_state });
	rig_run(l->r);
	assert_int_equal(phone_hears(&l->a, "SIP/2.0 200").n, 0);
	told(l, SET_DONE);
	assert_hears(l, 5);
	assert_ends(l, "feature code: set", 16);
}

static void cancelled(void **state)
{
	struct line *l = *state;
	uint64_t call;

	dial(l, "*78");
	call = the_call(l->r);
	phone_cancel(&l->a);
	told_of(l, call, SET_DONE);
	assert_true(phone_hears(&l->a, "SIP/2.0 487").n);
	line_assert_cdr(l, 487, 16, ENDED_BY_A);
}

static void hangs_up_within_the_tone(void **state)
{
	struct line *l = *state;

	dial(l, "*78");
	told(l, SET_DONE);
	assert_hears(l, 5);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	line_assert_cdr(l, 200, 16, ENDED_BY_NODE);
	assert_string_equal(l->r->cdrs[0].reason, "feature code: set");
}

static void without_tones(void **state)
{
	struct line *l = *state;

	l->r->settings.tones = false;
	shard_configure(l->r->shard, &l->r->settings);
	dial(l, "*78");
	told(l, SET_DONE);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	line_assert_cdr(l, 200, 16, ENDED_BY_NODE);
}

/* A process that has just begun opens its tones a little later than it hears of the ACK. */
static void tone_comes_later(void **state)
{
	static const struct job_id none[MEDIA_CODECS];
	struct line *l = *state;

	shard_track_set(l->r->shard, SHARD_TRACK_CONFIRMATION, none);
	dial(l, "*78");
	told(l, SET_DONE);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	assert_int_equal(l->r->cdr_count, 0);
	shard_track_set(l->r->shard, SHARD_TRACK_CONFIRMATION, g_confirmation);
	rig_wait_ms(l->r, 100);
	assert_int_equal(line_last_spec(l->r, 0).source.job.slot, 5);
	rig_wait_ms(l->r, 4500);
	line_assert_cdr(l, 200, 16, ENDED_BY_NODE);
}

static void no_codec_in_common(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "*78", SDP_G729);
	rig_run(l->r);
	told(l, SET_DONE);
	assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
	line_assert_cdr(l, 488, 88, ENDED_BY_NODE);
}

static void no_code(void **state)
{
	static const struct {
		const char *digits, *status;
	} rows[] = {
		{ "*99", "SIP/2.0 404" },
		{ "*72", "SIP/2.0 484" }, /* no number */
		{ "*781", "SIP/2.0 404" }, /* none belongs there */
		{ "*7212345678901234567890123456789012", "SIP/2.0 404" },
	}, *row;
	struct line *l = *state;

	EACH_ROW(row, rows)
	{
		dial(l, row->digits);
		ROW_ASSERT(row->digits, phone_hears(&l->a, row->status).n);
	}
	assert_int_equal(l->r->set_count, 0);
	line_assert_idle(l->r);
}

/* SEC-06: an extension may have one without the other. */
static void not_permitted(void **state)
{
	static const struct {
		const char *digits;
		bool no_forwarding, no_do_not_disturb, may;
	} rows[] = {
		{ "*721002", true, false, false }, { "*73", true, false, false },
		{ "*901002", true, false, false }, { "*921002", true, false, false },
		{ "*941002", true, false, false }, { "*78", true, false, true },
		{ "*76", true, false, true },	   { "*78", false, true, false },
		{ "*79", false, true, false },	   { "*76", false, true, false },
		{ "*77", false, true, false },	   { "*721002", false, true, true },
	}, *row;
	struct line *l = *state;
	struct shard_extension e = rig_extension("1001", false);
	uint32_t n = 0;

	EACH_ROW(row, rows)
	{
		e.no_forwarding_codes = row->no_forwarding;
		e.no_do_not_disturb_codes = row->no_do_not_disturb;
		assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
		dial(l, row->digits);
		n += row->may;
		ROW_ASSERT(row->digits, l->r->set_count == n);
		ROW_ASSERT(row->digits, (phone_hears(&l->a, "SIP/2.0 403").n != 0) != row->may);
		if (row->may) {
			told(l, SET_DONE);
			assert_hears(l, 5);
			rig_wait_ms(l->r, 4100);
			phone_answer(&l->a, rig_take(l->r, &l->a.addr, "BYE "), "200 OK", "");
		} else {
			phone_write(&l->a, "ACK", "", "");
		}
		rig_wait_ms(l->r, 1000);
	}
	line_assert_idle(l->r);
}

/* The caller is told why, and so is its CDR. */
static void refused_with_a_reason(void **state)
{
	struct line *l = *state;
	struct shard_extension e = rig_extension("1001", false);
	struct bytes m;

	e.no_do_not_disturb_codes = true;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	dial(l, "*78");
	m = phone_hears(&l->a, "SIP/2.0 403");
	assert_true(bytes_is(rig_header(m, "Reason"),
			     "SIP;cause=403;text=\"the extension may not change this by its "
			     "phone\""));
	assert_int_equal(l->r->cdr_count, 1);
	assert_int_equal(l->r->cdrs[0].sip_status, 403);
	assert_int_equal(l->r->security_count, 0);
}

/* A peer may name whom it likes: only a phone that is registered there speaks for its extension. */
static void not_its_phone(void **state)
{
	struct line *l = *state;
	struct phone other;

	phone_open(&other, l->r, "1001", "192.0.2.77:5060");
	phone_invite(&other, "*78", PHONE_SDP_A);
	rig_run(l->r);
	assert_true(phone_hears(&other, "SIP/2.0 404").n);
	assert_int_equal(l->r->set_count, 0);
}

static void extension_comes_first(void **state)
{
	struct line *l = *state;
	struct shard_extension e = rig_extension("*78", false);

	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	dial(l, "*78");
	assert_int_equal(l->r->set_count, 0);
	assert_true(phone_hears(&l->a, "SIP/2.0 480").n);
}

/* A kill at any moment: it is set, and asked for again; or it is confirmed. */
static void killed_before_it_is_told(void **state)
{
	struct line *l = *state;

	dial(l, "*721002");
	restart(l);
	assert_int_equal(l->r->set_count, 2);
	assert_int_equal(l->r->set_feature, FEATURE_ALWAYS_ON);
	assert_string_equal(l->r->set_number, "1002");
	assert_string_equal(l->r->set_user, "1001");
	told(l, SET_DONE);
	assert_hears(l, 5);
	assert_ends(l, "feature code: set", 16);
}

/* No node was there for longer than the document is waited for: the next one waits anew. */
static void killed_for_long(void **state)
{
	struct line *l = *state;

	dial(l, "*721002");
	l->r->now.ns += (SET_WAIT_MS + 1000) * NS_PER_MS;
	l->r->now.utc_ms += SET_WAIT_MS + 1000;
	restart(l);
	rig_wait_ms(l->r, 100);
	assert_int_equal(l->r->set_count, 2);
	told(l, SET_DONE);
	assert_hears(l, 5);
	assert_ends(l, "feature code: set", 16);
}

static void killed_when_it_is_told(void **state)
{
	struct line *l = *state;

	dial(l, "*78");
	told(l, SET_REFUSED);
	restart(l);
	assert_int_equal(l->r->set_count, 1);
	assert_hears(l, 6);
	assert_ends(l, "feature code: not set", 29);
}

static void killed_within_the_tone(void **state)
{
	struct line *l = *state;

	dial(l, "*78");
	told(l, SET_DONE);
	assert_hears(l, 5);
	rig_wait_ms(l->r, 1000);
	restart(l);
	assert_int_equal(line_last_spec(l->r, 0).source.job.slot, 5);
	rig_wait_ms(l->r, 3500);
	line_assert_cdr(l, 200, 16, ENDED_BY_NODE);
	assert_string_equal(l->r->cdrs[0].reason, "feature code: set");
}

#define CODES_TEST(fn) cmocka_unit_test_setup_teardown(fn, codes_setup, line_teardown)

static void put_hours(struct rig *r, enum hours_override override)
{
	struct hours h = { .code = "1", .override = override };
	struct calendars *x = r->shard->shared_tables->calendars;
	struct zone *z = NULL;

	assert_int_equal(zone_load(&z, "UTC"), 0);
	assert_int_equal(calendars_zone_put(x, "UTC", z), 0);
	assert_int_equal(calendars_put(x, TENANT_DEFAULT, "office", &h, "UTC"), 0);
}

/* The same code once more means that their times count again: so it is decided when it is dialled, and stays over a kill. */
static void hours(void **state)
{
	static const struct {
		enum hours_override is;
		const char *digits;
		enum feature_action feature;
	} rows[] = {
		{ HOURS_BY_PLAN, "*511", FEATURE_HOURS_OPEN },
		{ HOURS_OPEN, "*511", FEATURE_HOURS_AUTO },
		{ HOURS_OPEN, "*521", FEATURE_HOURS_CLOSED },
		{ HOURS_CLOSED, "*521", FEATURE_HOURS_AUTO },
		{ HOURS_CLOSED, "*501", FEATURE_HOURS_AUTO },
		{ HOURS_CLOSED, "*522", FEATURE_HOURS_CLOSED }, /* there are none: the command says so */
	}, *row;
	struct line *l = *state;

	EACH_ROW(row, rows)
	{
		put_hours(l->r, row->is);
		dial(l, row->digits);
		ROW_ASSERT(row->digits, l->r->set_feature == row->feature);
		restart(l);
		put_codes(l->r);
		put_hours(l->r, HOURS_BY_PLAN);
		ROW_ASSERT(row->digits, l->r->set_feature == row->feature);
		told(l, SET_DONE);
		assert_hears(l, 5);
		rig_wait_ms(l->r, 4100);
		phone_answer(&l->a, rig_take(l->r, &l->a.addr, "BYE "), "200 OK", "");
		rig_wait_ms(l->r, 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CODES_TEST(sets_and_confirms),
		CODES_TEST(is_confirmed_when_it_is_saved),
		CODES_TEST(refused_is_heard),
		CODES_TEST(failed_is_heard),
		CODES_TEST(nothing_is_told),
		CODES_TEST(stale_news),
		CODES_TEST(cancelled),
		CODES_TEST(hangs_up_within_the_tone),
		CODES_TEST(without_tones),
		CODES_TEST(tone_comes_later),
		CODES_TEST(no_codec_in_common),
		CODES_TEST(no_code),
		CODES_TEST(not_permitted),
		CODES_TEST(refused_with_a_reason),
		CODES_TEST(not_its_phone),
		CODES_TEST(extension_comes_first),
		CODES_TEST(killed_before_it_is_told),
		CODES_TEST(killed_for_long),
		CODES_TEST(killed_when_it_is_told),
		CODES_TEST(killed_within_the_tone),
		CODES_TEST(hours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
