/* SPDX-License-Identifier: Apache-2.0 */
/* What is recorded of a call (FEATURES REC-01, REC-02, REC-04, REC-09): by policy and by command, over holds, transfers and kills. */
#include <errno.h>

#include "sig/model/recording.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/trio.h"
#include "tests/unit/sig/ways.h"

static void recorded(struct rig *r, const char *number, enum record_method method,
		     enum record_direction way, enum record_scope scope)
{
	struct shard_extension e = rig_extension(number, false);

	e.classes = 0xff;
	e.record = (uint8_t)method;
	e.record_directions = (uint8_t)way;
	e.record_scope = (uint8_t)scope;
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
}

static uint64_t the_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

static void order_gives(struct line *l, uint8_t leg, enum order_record what, int want)
{
	assert_int_equal(shard_call_record(l->r->shard, the_call(l->r), leg, what, NULL, l->r->now),
			 want);
	rig_wait_ms(l->r, 1);
}

/* The recorder was asked for these since the last look, and for nothing else. */
static void assert_asked(struct rig *r, uint32_t from, const enum record_act *prompts, uint32_t n)
{
	assert_int_equal(r->record_count, from + n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(r->records[from + i].record.act, prompts[i]);
}
#define ASSERT_ASKED(r, from, ...)                                      \
	assert_asked(r, from, (const enum record_act[]){ __VA_ARGS__ }, \
		     COUNT_OF(((const enum record_act[]){ __VA_ARGS__ })))

static uint32_t count_events(const struct rig *r, enum sig_event_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->event_count; i++)
		n += r->events[i].kind == kind;
	return n;
}

static void assert_taps(const struct rig *r, uint8_t a, uint8_t b)
{
	assert_int_equal(line_last_spec(r, 0).tap, a);
	assert_int_equal(line_last_spec(r, 1).tap, b);
}

/* ---- policy ---- */

static const struct {
	const char *name, *number;
	enum record_method method;
	enum record_direction way;
	enum record_scope scope;
	uint8_t a, b; /* taps */
} g_policies[] = {
	{ "off", "1001", RECORD_OFF, RECORD_BOTH_WAYS, RECORD_ANYBODY, 0, 0 },
	{ "on demand", "1001", RECORD_ON_DEMAND, RECORD_BOTH_WAYS, RECORD_ANYBODY, 0, 0 },
	{ "of the caller", "1001", RECORD_AUTO, RECORD_BOTH_WAYS, RECORD_ANYBODY, 1, 0 },
	{ "of the callee", "1002", RECORD_AUTO, RECORD_BOTH_WAYS, RECORD_ANYBODY, 0, 1 },
	{ "what it calls", "1001", RECORD_AUTO, RECORD_OUTBOUND, RECORD_ANYBODY, 1, 0 },
	{ "not what calls it", "1001", RECORD_AUTO, RECORD_INBOUND, RECORD_ANYBODY, 0, 0 },
	{ "what calls it", "1002", RECORD_AUTO, RECORD_INBOUND, RECORD_INTERNAL, 0, 1 },
	{ "not what it calls", "1002", RECORD_AUTO, RECORD_OUTBOUND, RECORD_ANYBODY, 0, 0 },
	{ "outside alone", "1001", RECORD_AUTO, RECORD_BOTH_WAYS, RECORD_EXTERNAL, 0, 0 },
};

static void policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_policies); i++) {
		void *own = NULL;
		struct line *l;

		print_message("# %s\n", g_policies[i].name);
		assert_int_equal(line_setup(&own), 0);
		l = own;
		if (!l)
			return;
		recorded(l->r, g_policies[i].number, g_policies[i].method, g_policies[i].way,
			 g_policies[i].scope);
		phones_talk(&l->a, &l->b);
		assert_taps(l->r, g_policies[i].a, g_policies[i].b);
		assert_int_equal(l->r->record_count, g_policies[i].a + g_policies[i].b);
		phone_request(&l->a, "BYE", "", "");
		line_assert_cdr(l, 200, 16, ENDED_BY_A);
		assert_int_equal(l->r->cdrs[0].recordings,
				 g_policies[i].a + g_policies[i].b ? 2 : 0);
		(void)line_teardown(&own);
	}
}

static void of_a_call(void **state)
{
	struct line *l = *state;

	recorded(l->r, "1001", RECORD_AUTO, RECORD_BOTH_WAYS, RECORD_ANYBODY);
	recorded(l->r, "1002", RECORD_AUTO, RECORD_BOTH_WAYS, RECORD_ANYBODY);
	phones_talk(&l->a, &l->b);
	ASSERT_ASKED(l->r, 0, RECORD_START); /* one of both */
	assert_int_equal(l->r->records[0].record.number, 1);
	assert_int_equal(l->r->records[0].record.segment, 1);
	assert_string_equal(l->r->records[0].tenant, "default");
	assert_string_equal(l->r->records[0].facts,
			    "\"from\":\"1001\",\"to\":\"1002\",\"leg\":\"a\",\"user\":\"1001\","
			    "\"trunk\":\"\",\"direction\":\"internal\",\"cause\":\"policy\"");
	assert_taps(l->r, 1, 0);
	assert_int_equal(count_events(l->r, SIG_CALL_RECORDING), 1);
	order_gives(l, 0, ORDER_RECORD_OFF,
		    REFUSED_NOT_ON_DEMAND); /* a policy's is no command's to end */
	phone_request(&l->b, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_B);
	ASSERT_ASKED(l->r, 1, RECORD_END);
	assert_string_equal(l->r->records[1].facts, l->r->records[0].facts);
	assert_int_equal(count_events(l->r, SIG_CALL_RECORDING_ENDED), 1);
	assert_int_equal(l->r->cdrs[0].recordings, 2);
}

static void extension_place(struct rig *r, const char *number, enum record_method method,
			    enum record_to to)
{
	struct shard_extension e = rig_extension(number, false);

	e.classes = 0xff;
	e.record = (uint8_t)method;
	e.record_to = (uint8_t)to;
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
}

/* It is a file as any other, and says whose it is; over a kill, too. */
static void into_its_mailbox(void **state)
{
	struct line *l = *state;

	extension_place(l->r, "1001", RECORD_ON_DEMAND, RECORD_TO_MAILBOX);
	extension_place(l->r, "1002", RECORD_AUTO, RECORD_TO_FILES);
	phones_talk(&l->a, &l->b);
	order_gives(l, 0, ORDER_RECORD_ON, 0);
	ASSERT_ASKED(l->r, 0, RECORD_START, RECORD_START);
	assert_null(strstr(l->r->records[0].facts, "mailbox"));
	assert_non_null(strstr(l->r->records[1].facts, ",\"mailbox\":\"1001\""));
	assert_taps(l->r, 2, 1);
	line_restart(l, line_stored(l));
	ASSERT_ASKED(l->r, 2, RECORD_GO_ON, RECORD_GO_ON);
	assert_non_null(strstr(l->r->records[3].facts, ",\"mailbox\":\"1001\""));
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* RFC 3323: the owner of a mailbox hears of nobody who hides from him; who calls knows his own number. */
static void hidden_in_a_mailbox(void **state)
{
	static const struct {
		uint8_t leg;
		const char *user, *from;
	} rows[] = { { 1, "1002", "\"from\":\"anonymous\"" }, { 0, "1001", "\"from\":\"1001\"" } };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct line *l;

		line_teardown(state);
		line_setup(state);
		l = *state;
		extension_place(l->r, rows[i].user, RECORD_ON_DEMAND, RECORD_TO_MAILBOX);
		phone_begin(&l->a, "1002");
		phone_request(&l->a, "INVITE", "Privacy: id\r\n", PHONE_SDP_A);
		(void)phone_rings(&l->b);
		phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
		(void)phone_hears(&l->a, "SIP/2.0 200");
		phone_ack(&l->a);
		order_gives(l, rows[i].leg, ORDER_RECORD_ON, 0);
		assert_true(strstr(l->r->records[0].facts, rows[i].from));
		assert_int_equal(strstr(l->r->records[0].facts, "1001") != NULL, i);
	}
}

/* Nothing is told of a call that nobody answered. */
static void never_answered(void **state)
{
	struct line *l = *state;

	recorded(l->r, "1001", RECORD_AUTO, RECORD_BOTH_WAYS, RECORD_ANYBODY);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	rig_run(l->r);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "486 Busy Here", "");
	rig_run(l->r);
	phone_ack(&l->a);
	line_assert_idle(l->r);
	assert_int_equal(l->r->record_count, 0);
	assert_int_equal(l->r->cdrs[0].recordings, 0);
}

/* ---- command ---- */

static int on_demand(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	recorded(l->r, "1001", RECORD_ON_DEMAND, RECORD_BOTH_WAYS, RECORD_ANYBODY);
	phones_talk(&l->a, &l->b);
	return 0;
}

static void by_command(void **state)
{
	struct line *l = *state;

	order_gives(l, 1, ORDER_RECORD_ON, REFUSED_NOT_ON_DEMAND); /* 1002 may not be */
	order_gives(l, 0, ORDER_RECORD_PAUSE, REFUSED_NOT_RECORDED);
	order_gives(l, 0, ORDER_RECORD_OFF, 0);
	assert_int_equal(l->r->record_count, 0);
	order_gives(l, 0, ORDER_RECORD_ON, 0);
	assert_taps(l->r, 1, 0);
	order_gives(l, 0, ORDER_RECORD_ON, 0); /* it is */
	ASSERT_ASKED(l->r, 0, RECORD_START);
	order_gives(l, 0, ORDER_RECORD_PAUSE, 0);
	assert_taps(l->r, 0, 0);
	order_gives(l, 0, ORDER_RECORD_PAUSE, 0);
	order_gives(l, 0, ORDER_RECORD_RESUME, 0);
	assert_taps(l->r, 1, 0);
	order_gives(l, 0, ORDER_RECORD_OFF, 0);
	assert_taps(l->r, 0, 0);
	ASSERT_ASKED(l->r, 1, RECORD_PAUSE, RECORD_RESUME, RECORD_END);
	order_gives(l, 0, ORDER_RECORD_ON, 0);
	assert_taps(l->r, 2, 0); /* another one */
	ASSERT_ASKED(l->r, 4, RECORD_START);
	assert_int_equal(count_events(l->r, SIG_CALL_RECORDING_PAUSED), 1);
	assert_int_equal(count_events(l->r, SIG_CALL_RECORDING_RESUMED), 1);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	ASSERT_ASKED(l->r, 5, RECORD_END);
	assert_int_equal(l->r->cdrs[0].recordings, 6);
}

static void as_many_as_there_may_be(void **state)
{
	struct line *l = *state;

	for (int i = 0; i < RECORDING_NUMBER_MAX; i++) {
		l->r->media_count = l->r->event_count = 0; /* it keeps a few */
		order_gives(l, 0, ORDER_RECORD_ON, 0);
		order_gives(l, 0, ORDER_RECORD_OFF, 0);
	}
	order_gives(l, 0, ORDER_RECORD_ON, REFUSED_RECORDINGS_FULL);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_true(l->r->cdrs[0].recordings == ~UINT64_C(1));
}

static void press(struct line *l, char digit)
{
	struct flow_spec s = line_last_spec(l->r, 0);
	struct media_event m = { .kind = MEDIA_FLOW_DIGIT,
				 .id = s.id,
				 .call = s.call,
				 .digit = digit,
				 .duration_ms = 100,
				 .relayed = 1 };

	shard_media_event(l->r->shard, &m, l->r->now);
	rig_run(l->r);
}

/* What is pressed while it is paused is in no event, either. */
static void digits_while_paused(void **state)
{
	struct line *l = *state;

	order_gives(l, 0, ORDER_RECORD_ON, 0);
	press(l, '1');
	assert_int_equal(count_events(l->r, SIG_CALL_DIGIT), 1);
	order_gives(l, 0, ORDER_RECORD_PAUSE, 0);
	press(l, '2');
	assert_int_equal(count_events(l->r, SIG_CALL_DIGIT), 1);
	order_gives(l, 0, ORDER_RECORD_RESUME, 0);
	press(l, '3');
	assert_int_equal(count_events(l->r, SIG_CALL_DIGIT), 2);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void failed(void **state)
{
	struct line *l = *state;
	const struct sig_event *event;

	order_gives(l, 0, ORDER_RECORD_ON, 0);
	rig_reply(l->r, (struct reply){ .ask = ASK_RECORD,
					.of = the_call(l->r),
					.record = { .number = 7, .error = -EIO } }); /* nobody's */
	rig_reply(l->r, (struct reply){ .ask = ASK_RECORD,
					.of = the_call(l->r),
					.record = { .number = 1, .error = -ENOSPC } });
	rig_run(l->r);
	event = &l->r->events[l->r->event_count - 1];
	assert_int_equal(event->kind, SIG_CALL_RECORDING_FAILED);
	assert_int_equal(rig_event_recording(event), 1);
	assert_string_equal(event_str(event, EV_REASON), "no space is left for it");
	assert_taps(l->r, 0, 0);
	ASSERT_ASKED(l->r, 0, RECORD_START); /* it knows */
	order_gives(l, 0, ORDER_RECORD_ON, 0);
	assert_taps(l->r, 2, 0);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* ---- the tone ---- */

enum { TONE_EVERY_MS = 15000 };

static void tone_every(struct line *l, uint32_t ms)
{
	l->r->settings.recordings.tone_ns = ms * NS_PER_MS;
	shard_configure(l->r->shard, &l->r->settings);
	rig_wait_ms(l->r, 1);
}

/* Both hear it; since when. */
static uint64_t tone_since(const struct rig *r)
{
	const struct media_overlay a = line_last_spec(r, 0).overlay;
	const struct media_overlay b = line_last_spec(r, 1).overlay;

	assert_int_equal(a.tone.ms, 250);
	assert_int_equal(a.tone.hz, 1400);
	assert_int_equal(a.every_ms, TONE_EVERY_MS);
	assert_int_equal(b.tone.ms, 250);
	assert_int_equal(b.every_ms, TONE_EVERY_MS);
	assert_int_equal(a.begun_ns, b.begun_ns);
	return a.begun_ns;
}

static void no_tone(const struct rig *r)
{
	assert_int_equal(line_last_spec(r, 0).overlay.tone.ms, 0);
	assert_int_equal(line_last_spec(r, 1).overlay.tone.ms, 0);
}

static void both_hear_it(void **state)
{
	struct line *l = *state;
	uint64_t since;

	order_gives(l, 0, ORDER_RECORD_ON, 0);
	no_tone(l->r); /* by default */
	rig_wait_ms(l->r, 2000);
	tone_every(l, TONE_EVERY_MS); /* at once */
	assert_true(l->r->now.ns - tone_since(l->r) >= 2000 * NS_PER_MS);
	order_gives(l, 0, ORDER_RECORD_OFF, 0);
	no_tone(l->r);
	order_gives(l, 0, ORDER_RECORD_ON, 0);
	since = tone_since(l->r);
	assert_true(l->r->now.ns - since <= 5 * NS_PER_MS);
	rig_wait_ms(l->r, 4000);
	order_gives(l, 0, ORDER_RECORD_PAUSE, 0);
	no_tone(l->r);
	rig_wait_ms(l->r, 1000);
	order_gives(l, 0, ORDER_RECORD_RESUME, 0);
	assert_true(tone_since(l->r) >= since + 5000 * NS_PER_MS);
	tone_every(l, 0);
	no_tone(l->r);
	tone_every(l, TONE_EVERY_MS);
	rig_reply(l->r, (struct reply){ .ask = ASK_RECORD,
					.of = the_call(l->r),
					.record = { .number = 2, .error = -EIO } });
	rig_run(l->r);
	no_tone(l->r); /* nothing is written any more */
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void extension_tone(struct line *l, const char *number, enum record_tone tone)
{
	struct shard_extension e = rig_extension(number, false);

	e.classes = 0xff;
	e.record = RECORD_ON_DEMAND;
	e.record_tone = (uint8_t)tone;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
}

static void tenant_tone(struct line *l, enum record_tone tone)
{
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME,
				       .terms.record_tone = (uint8_t)tone };
	uint16_t tenant;

	assert_int_equal(tenants_put(l->r->shard->settings.tenants, &set, &tenant), 0);
}

/* What the extension says, else its tenant, else the node; so often as the node says, or every 15 s. */
static void tone_of_whom(void **state)
{
	static const struct {
		const char *name;
		uint32_t node_ms;
		enum record_tone tenant, own;
		uint32_t want_ms;
	} rows[] = {
		{ "nobody says anything", 0, RECORD_TONE_AS_SET, RECORD_TONE_AS_SET, 0 },
		{ "the node", 7000, RECORD_TONE_AS_SET, RECORD_TONE_AS_SET, 7000 },
		{ "the tenant", 0, RECORD_TONE_ON, RECORD_TONE_AS_SET, 15000 },
		{ "the tenant, and the node", 7000, RECORD_TONE_ON, RECORD_TONE_AS_SET, 7000 },
		{ "not of this tenant", 7000, RECORD_TONE_OFF, RECORD_TONE_AS_SET, 0 },
		{ "the extension", 0, RECORD_TONE_OFF, RECORD_TONE_ON, 15000 },
		{ "not of this extension", 7000, RECORD_TONE_ON, RECORD_TONE_OFF, 0 },
	}, *row;
	struct line *l = *state;

	EACH_ROW(row, rows)
	{
		print_message("# %s\n", row->name);
		l->r->settings.recordings.tone_ns = row->node_ms * NS_PER_MS;
		shard_configure(l->r->shard, &l->r->settings);
		tenant_tone(l, row->tenant);
		extension_tone(l, "1001", row->own);
		extension_tone(l, "1002", RECORD_TONE_OFF); /* it is not its recording */
		order_gives(l, 0, ORDER_RECORD_ON, 0);
		assert_int_equal(line_last_spec(l->r, 0).overlay.every_ms, row->want_ms);
		assert_int_equal(line_last_spec(l->r, 1).overlay.every_ms, row->want_ms);
		assert_int_equal(line_last_spec(l->r, 0).overlay.tone.ms, row->want_ms ? 250 : 0);
		order_gives(l, 0, ORDER_RECORD_OFF, 0);
		no_tone(l->r);
	}
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* Of two that are recorded the one that has a tone is heard. */
static void tone_of_one(void **state)
{
	struct line *l = *state;

	extension_tone(l, "1001", RECORD_TONE_OFF);
	extension_tone(l, "1002", RECORD_TONE_ON);
	order_gives(l, 0, ORDER_RECORD_ON, 0);
	no_tone(l->r);
	rig_wait_ms(l->r, 3000);
	order_gives(l, 1, ORDER_RECORD_ON, 0);
	assert_true(l->r->now.ns - tone_since(l->r) <= 5 * NS_PER_MS);
	order_gives(l, 1, ORDER_RECORD_OFF, 0);
	no_tone(l->r);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* The successor's tones come when those of the process before would have come: the last one that was due may be heard again. */
static void tone_over_a_kill(void **state)
{
	struct line *l = *state;
	uint64_t since;

	tone_every(l, TONE_EVERY_MS);
	order_gives(l, 0, ORDER_RECORD_ON, 0);
	order_gives(l, 0, ORDER_RECORD_PAUSE, 0);
	rig_wait_ms(l->r, 7000);
	order_gives(l, 0, ORDER_RECORD_RESUME, 0);
	since = tone_since(l->r);
	rig_wait_ms(l->r, 40000);
	line_restart(l, line_stored(l));
	assert_in_range(tone_since(l->r), since + 30000 * NS_PER_MS - NS_PER_MS,
			since + 30000 * NS_PER_MS + NS_PER_MS);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* ---- over kills ---- */

/* Another node has the shard, and this one lives: its file ends here. */
static void left(void **state)
{
	struct line *l = *state;

	order_gives(l, 0, ORDER_RECORD_ON, 0);
	shard_silence(l->r->shard, l->r->now);
	rig_run(l->r);
	ASSERT_ASKED(l->r, 1, RECORD_LEAVE);
}

static void killed(void **state)
{
	struct line *l = *state;

	order_gives(l, 0, ORDER_RECORD_ON, 0);
	line_restart(l, line_stored(l));
	ASSERT_ASKED(l->r, 1, RECORD_GO_ON);
	assert_int_equal(l->r->records[1].record.segment, 2);
	assert_string_equal(l->r->records[1].facts, l->r->records[0].facts);
	assert_taps(l->r, 1, 0);
	order_gives(l, 0, ORDER_RECORD_PAUSE, 0);
	line_restart(l, line_stored(l));
	ASSERT_ASKED(l->r, 2, RECORD_PAUSE, RECORD_GO_ON, RECORD_PAUSE);
	assert_int_equal(l->r->records[3].record.segment, 3);
	assert_taps(l->r, 0, 0);
	recorded(l->r, "1001", RECORD_AUTO, RECORD_BOTH_WAYS, RECORD_ANYBODY);
	recorded(l->r, "1002", RECORD_AUTO, RECORD_BOTH_WAYS, RECORD_ANYBODY);
	order_gives(l, 0, ORDER_RECORD_RESUME, 0);
	order_gives(l, 0, ORDER_RECORD_OFF, 0);
	assert_taps(l->r, 0, 0); /* the pair was asked long since */
	ASSERT_ASKED(l->r, 5, RECORD_RESUME, RECORD_END);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_int_equal(l->r->cdrs[0].recordings, 2);
}

/* ---- other parties ---- */

static int trio_recorded(void **state)
{
	struct trio *t;

	(void)trio_setup(state);
	t = *state;
	recorded(t->l.r, "1001", RECORD_AUTO, RECORD_BOTH_WAYS, RECORD_ANYBODY);
	recorded(t->l.r, "1004", RECORD_ON_DEMAND, RECORD_BOTH_WAYS, RECORD_ANYBODY);
	phones_talk(&t->l.a, &t->l.b);
	return 0;
}

/* 1001's pair ends, and so does its recording; 1001 and 1004 have another one. */
static void given_away(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	give_away(t, &t->l.b);
	ASSERT_ASKED(r, 0, RECORD_START, RECORD_END);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	ASSERT_ASKED(r, 2, RECORD_START);
	assert_int_equal(r->records[2].record.number, 2);
	assert_true(strstr(r->records[2].facts, "\"to\":\"1004\""));
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
	trio_assert_left(&t->l.b);
	trio_assert_ends(t, &t->l.a, &t->c);
	ASSERT_ASKED(r, 3, RECORD_END);
	assert_int_equal(r->cdr_count, 2);
	assert_int_equal(r->cdrs[0].recordings, 2);
	assert_int_equal(r->cdrs[1].recordings, 4);
}

/* Nobody takes it: the pair is one again, and asked again. */
static void given_back(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	give_away(t, &t->l.b);
	phone_answer(&t->c, t->c.invite, "486 Busy Here", "");
	rig_run(r);
	ASSERT_ASKED(r, 0, RECORD_START, RECORD_END, RECORD_START);
	assert_int_equal(line_last_spec(r, 0).tap, 2);
	assert_notified(&t->l.b, "SIP/2.0 486", "Subscription-State: terminated");
	trio_assert_ends(t, &t->l.a, &t->l.b);
	ASSERT_ASKED(r, 3, RECORD_END);
}

static int trio_demanded(void **state)
{
	struct trio *t;

	(void)trio_setup(state);
	t = *state;
	recorded(t->l.r, "1001", RECORD_ON_DEMAND, RECORD_BOTH_WAYS, RECORD_ANYBODY);
	recorded(t->l.r, "1002", RECORD_ON_DEMAND, RECORD_BOTH_WAYS, RECORD_ANYBODY);
	phones_talk(&t->l.a, &t->l.b);
	return 0;
}

/* What was ordered of a leg goes on with it; of the leg that goes away it ends. */
static void ordered_and_given_away(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	order_gives(&t->l, 0, ORDER_RECORD_ON, 0);
	order_gives(&t->l, 1, ORDER_RECORD_ON, 0);
	assert_taps(r, 1, 2);
	give_away(t, &t->l.b);
	ASSERT_ASKED(r, 0, RECORD_START, RECORD_START, RECORD_END);
	assert_int_equal(r->records[2].record.number, 2);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_int_equal(line_last_spec(r, 0).tap, 1);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
	trio_assert_left(&t->l.b);
	trio_assert_ends(t, &t->l.a, &t->c);
	ASSERT_ASKED(r, 3, RECORD_END);
	assert_int_equal(r->cdrs[0].recordings, 6);
	assert_int_equal(r->cdrs[1].recordings, 2);
}

/* Who comes in the place of another hears it, and who has gone has no flow more. */
static void tone_for_the_next_pair(void **state)
{
	struct trio *t = *state;
	struct rig *r = t->l.r;

	tone_every(&t->l, TONE_EVERY_MS);
	give_away(t, &t->l.b);
	no_tone(r);
	trio_c_answers(t, &t->l.a, PHONE_SDP_A);
	assert_int_equal(line_last_spec(r, 0).overlay.tone.ms, 250);
	assert_int_equal(line_last_spec(r, 2).overlay.tone.ms, 250);
	assert_notified(&t->l.b, "SIP/2.0 200 OK\r\n", "Subscription-State: terminated");
	trio_assert_left(&t->l.b);
	trio_assert_ends(t, &t->l.a, &t->c);
}

/* ---- outside ---- */

static void of_a_trunk(void **state)
{
	static const struct {
		enum trunk_record record;
		enum record_scope scope; /* of 1001, whose calls are */
		enum record_method method;
		uint8_t a, b;
	} rows[] = {
		{ TRUNK_RECORD_OFF, RECORD_EXTERNAL, RECORD_AUTO, 1, 0 },
		{ TRUNK_RECORD_OFF, RECORD_INTERNAL, RECORD_AUTO, 0, 0 },
		{ TRUNK_RECORD_OUTBOUND, RECORD_ANYBODY, RECORD_OFF, 0, 1 },
		{ TRUNK_RECORD_BOTH, RECORD_ANYBODY, RECORD_OFF, 0, 1 },
		{ TRUNK_RECORD_INBOUND, RECORD_ANYBODY, RECORD_OFF, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		void *own = NULL;
		struct trunk_settings set;
		struct gate *g;

		assert_int_equal(gate_setup(&own), 0);
		g = own;
		if (!g)
			return;
		leads_out(g, 1);
		recorded(g->l.r, "1001", rows[i].method, RECORD_BOTH_WAYS, rows[i].scope);
		set = *trunks_settings(g->trunks, trunk_of(g, "one"));
		set.record = (uint8_t)rows[i].record;
		(void)gate_put(g, &set);
		calls_out(g);
		assert_true(phone_rings(&g->carriers[0]).n);
		answers(g, &g->carriers[0]);
		assert_taps(g->l.r, rows[i].a, rows[i].b);
		if (rows[i].a)
			assert_true(strstr(g->l.r->records[0].facts, "\"direction\":\"outbound\""));
		if (rows[i].b)
			assert_true(strstr(g->l.r->records[0].facts, "\"trunk\":\"one\""));
		ends(g, &g->carriers[0]);
		(void)gate_teardown(&own);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy),
		LINE_TEST(of_a_call),
		LINE_TEST(into_its_mailbox),
		LINE_TEST(hidden_in_a_mailbox),
		LINE_TEST(never_answered),
		cmocka_unit_test_setup_teardown(by_command, on_demand, line_teardown),
		cmocka_unit_test_setup_teardown(as_many_as_there_may_be, on_demand, line_teardown),
		cmocka_unit_test_setup_teardown(digits_while_paused, on_demand, line_teardown),
		cmocka_unit_test_setup_teardown(failed, on_demand, line_teardown),
		cmocka_unit_test_setup_teardown(both_hear_it, on_demand, line_teardown),
		cmocka_unit_test_setup_teardown(tone_of_whom, on_demand, line_teardown),
		cmocka_unit_test_setup_teardown(tone_of_one, on_demand, line_teardown),
		cmocka_unit_test_setup_teardown(tone_over_a_kill, on_demand, line_teardown),
		cmocka_unit_test_setup_teardown(left, on_demand, line_teardown),
		cmocka_unit_test_setup_teardown(killed, on_demand, line_teardown),
		cmocka_unit_test_setup_teardown(given_away, trio_recorded, line_teardown),
		cmocka_unit_test_setup_teardown(given_back, trio_recorded, line_teardown),
		cmocka_unit_test_setup_teardown(tone_for_the_next_pair, trio_recorded,
						line_teardown),
		cmocka_unit_test_setup_teardown(ordered_and_given_away, trio_demanded,
						line_teardown),
		cmocka_unit_test(of_a_trunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
