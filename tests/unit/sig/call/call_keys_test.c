/* SPDX-License-Identifier: Apache-2.0 */
/* In-call feature codes: who presses one records the call, and the other party hears nothing of it (FEATURES REC-01, REC-02, REC-09). */
#include "sig/call.pb-c.h"
#include "sig/host/tenant_tables.h"
#include "sig/record/call_record.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/trio.h"

enum { WAIT_MS = 2000 };

#define RELAY "Content-Type: application/dtmf-relay\r\n"
#define PLAIN_B                                                                       \
	"v=0\r\no=b 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8\r\n"

static void recorded(struct rig *r, const char *number, enum record_method method)
{
	struct shard_extension e = rig_extension(number, false);

	e.classes = 0xff;
	e.record = (uint8_t)method;
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
}

static void configure(struct rig *r, const struct call_codes *codes)
{
	r->settings.call_codes = *codes;
	r->settings.call_code_wait_ms = WAIT_MS;
	r->settings.digits_shown = true;
	shard_configure(r->shard, &r->settings);
}

static const struct call_codes g_in_turns = {
	.code = { [CALL_CODE_RECORD_ON] = "*1",
		  [CALL_CODE_RECORD_OFF] = "*1",
		  [CALL_CODE_RECORD_PAUSE] = "*22",
		  [CALL_CODE_RECORD_RESUME] = "*22" },
};

static void prepare(struct rig *r)
{
	configure(r, &g_in_turns);
	recorded(r, "1001", RECORD_ON_DEMAND);
}

static int setup(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	prepare(l->r);
	phones_talk(&l->a, &l->b);
	return 0;
}

static void pressed(struct line *l, uint8_t leg, char digit, bool relayed)
{
	struct flow_spec s = line_last_spec(l->r, leg);
	struct media_event m = { .kind = MEDIA_FLOW_DIGIT,
				 .id = s.id,
				 .call = s.call,
				 .digit = digit,
				 .duration_ms = 200,
				 .relayed = relayed };

	shard_media_event(l->r->shard, &m, l->r->now);
	rig_wait_ms(l->r, 1);
}

static void dial(struct line *l, uint8_t leg, const char *keys)
{
	for (; *keys; keys++)
		pressed(l, leg, *keys, false);
}

/* What the party of the leg was sent by the engine since the rig was opened. */
static void assert_sent(struct line *l, uint8_t leg, const char *want)
{
	struct flow_id to = line_last_spec(l->r, leg).id;
	char got[64] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < l->r->media_count; i++) {
		const struct media_command *m = &l->r->media[i];

		if (m->kind == MEDIA_FLOW_DIGIT_SEND && flow_id_eq(m->id, to) &&
		    n + 1 < sizeof(got))
			got[n++] = m->digit;
	}
	got[n] = '\0';
	assert_string_equal(got, want);
}

/* The same, of what applications were told. */
static void assert_told(struct line *l, const char *want)
{
	char got[64] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < l->r->event_count; i++) {
		if (l->r->events[i].kind == SIG_CALL_DIGIT && n + 1 < sizeof(got))
			got[n++] = event_str(&l->r->events[i], EV_DIGIT)[0];
	}
	got[n] = '\0';
	assert_string_equal(got, want);
}

static void assert_acts(struct rig *r, const char *want)
{
	static const char *const letters[] = {
		[RECORD_START] = "b",  [RECORD_GO_ON] = "g", [RECORD_PAUSE] = "p",
		[RECORD_RESUME] = "r", [RECORD_END] = "e",   [RECORD_LEAVE] = "l",
	};
	char got[64] = "";

	for (uint32_t i = 0; i < r->record_count; i++)
		strncat(got, letters[r->records[i].record.act], sizeof(got) - strlen(got) - 1);
	assert_string_equal(got, want);
}

/* Events of the leg end at the node. */
static bool keeps(const struct line *l, uint8_t leg)
{
	struct flow_spec s = line_last_spec(l->r, leg);
	uint32_t events = 0, kept = 0;

	for (uint8_t i = 0; i < s.rule_count; i++) {
		events += s.rules[i].event;
		kept += s.rules[i].event && s.rules[i].out == PAYLOAD_NONE;
		if (!s.rules[i].event)
			assert_int_not_equal(s.rules[i].out, PAYLOAD_NONE);
	}
	assert_true(events);
	assert_true(kept == 0 || kept == events);
	return kept;
}

static void ends(struct line *l)
{
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* ---- codes ---- */

static void in_turns(void **state)
{
	struct line *l = *state;

	assert_true(keeps(l, 0));
	assert_false(keeps(l, 1)); /* 1002 may not */
	dial(l, 0, "*1");
	assert_acts(l->r, "b");
	assert_int_equal(line_last_spec(l->r, 0).tap, 1);
	dial(l, 0, "*22");
	assert_int_equal(line_last_spec(l->r, 0).tap, 0);
	dial(l, 0, "*22");
	dial(l, 0, "*1");
	assert_acts(l->r, "bpre");
	dial(l, 0, "*1");
	assert_acts(l->r, "bpreb"); /* another one */
	assert_sent(l, 1, "");
	assert_told(l, "");
	ends(l);
	assert_acts(l->r, "bprebe");
	assert_int_equal(l->r->cdrs[0].recordings, 6);
	assert_non_null(strstr(l->r->records[0].facts, "\"cause\":\"code\""));
	assert_non_null(strstr(l->r->records[0].facts, "\"leg\":\"a\""));
}

/* Each means one thing, and once more the same. */
static void four_codes(void **state)
{
	static const struct call_codes codes = {
		.code = { [CALL_CODE_RECORD_ON] = "*1",
			  [CALL_CODE_RECORD_OFF] = "*2",
			  [CALL_CODE_RECORD_PAUSE] = "*3",
			  [CALL_CODE_RECORD_RESUME] = "*4" },
	};
	struct line *l = *state;

	configure(l->r, &codes);
	dial(l, 0, "*2*3*4"); /* nothing is recorded */
	assert_acts(l->r, "");
	dial(l, 0, "*1*1");
	assert_acts(l->r, "b");
	dial(l, 0, "*4*3*3");
	assert_acts(l->r, "bp");
	dial(l, 0, "*4*4*2*2");
	assert_acts(l->r, "bpre");
	assert_sent(l, 1, "");
	ends(l);
}

/* A command may end what a code began, and the other way round. */
static void beside_commands(void **state)
{
	struct line *l = *state;
	uint64_t call = line_last_spec(l->r, 0).call;

	dial(l, 0, "*1");
	assert_int_equal(shard_call_record(l->r->shard, call, 0, ORDER_RECORD_OFF, NULL, l->r->now),
			 0);
	rig_wait_ms(l->r, 1);
	assert_acts(l->r, "be");
	assert_int_equal(shard_call_record(l->r->shard, call, 0, ORDER_RECORD_ON, NULL, l->r->now),
			 0);
	rig_wait_ms(l->r, 1);
	dial(l, 0, "*1");
	assert_acts(l->r, "bebe");
	ends(l);
}

/* A flash amid a code goes on to the other party, is no key of the code, and no event names it as one. */
static void flash_within_a_code(void **state)
{
	struct line *l = *state;

	dial(l, 0, "*F1");
	assert_acts(l->r, "b");
	assert_sent(l, 1, "F");
	assert_told(l, "");
	pressed(l, 0, 'F', true);
	assert_told(l, "");
	ends(l);
}

/* ---- what is none ---- */

static void no_codes_pass(void **state)
{
	struct line *l = *state;

	dial(l, 0, "5"); /* at once */
	assert_sent(l, 1, "5");
	dial(l, 0, "*");
	assert_sent(l, 1, "5");
	dial(l, 0, "7");
	assert_sent(l, 1, "5*7");
	dial(l, 0, "**"); /* the second one may begin one */
	assert_sent(l, 1, "5*7*");
	dial(l, 0, "1");
	assert_acts(l->r, "b");
	assert_sent(l, 1, "5*7*");
	dial(l, 0, "*2#");
	assert_sent(l, 1, "5*7**2#");
	assert_told(l, "5*7**2#");
	assert_acts(l->r, "b");
	ends(l);
}

/* ADM-90: what it presses is the other one's. */
static void no_record_key(void **state)
{
	struct line *l = *state;
	struct shard_extension e = rig_extension("1001", false);

	e.record = RECORD_ON_DEMAND;
	e.withheld = 1u << ENTITLED_RECORD_KEY;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	dial(l, 0, "*1");
	assert_acts(l->r, "");
	assert_sent(l, 1, "*1");
	ends(l);
}

/* It is as long as it was pressed. */
static void no_key_in_time(void **state)
{
	struct line *l = *state;
	const struct media_command *last;

	dial(l, 0, "*");
	rig_wait_ms(l->r, WAIT_MS - 100);
	assert_sent(l, 1, "");
	rig_wait_ms(l->r, 200);
	assert_sent(l, 1, "*");
	last = &l->r->media[l->r->media_count - 1];
	assert_int_equal(last->duration_ms, 200);
	dial(l, 0, "1"); /* too late */
	assert_sent(l, 1, "*1");
	assert_acts(l->r, "");
	dial(l, 0, "*2");
	rig_wait_ms(l->r, WAIT_MS - 100);
	dial(l, 0, "2"); /* the time is from key to key; nothing is recorded that could pause */
	assert_sent(l, 1, "*1");
	ends(l);
}

/* The engine relayed it before it was told to keep it. */
static void relayed_already(void **state)
{
	struct line *l = *state;

	dial(l, 0, "*");
	pressed(l, 0, '1', true);
	assert_sent(l, 1, "*");
	assert_told(l, "*1");
	assert_acts(l->r, "");
	ends(l);
}

/* ---- INFO ---- */

static void by_info(void **state)
{
	struct line *l = *state;

	prepare(l->r);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_answer(&l->b, phone_rings(&l->b), "200 OK", PLAIN_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	phone_request(&l->a, "INFO", RELAY, "Signal=*\r\nDuration=250\r\n");
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 200"), " INFO\r\n"));
	phone_request(&l->a, "INFO", "Content-Type: application/dtmf\r\n", "1");
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 200"), " INFO\r\n"));
	assert_acts(l->r, "b");
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 0);
	phone_request(&l->a, "INFO", RELAY, "Signal=*\r\nDuration=250\r\n");
	phone_request(&l->a, "INFO", RELAY, "Signal=6\r\nDuration=250\r\n");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INFO "), "200 OK", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INFO "), "200 OK", "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 2);
	assert_told(l, "*6");
	ends(l);
}

/* ---- who may ---- */

static const struct {
	const char *name;
	enum record_method method;
	bool codes, keeps;
} g_may[] = {
	{ "on demand", RECORD_ON_DEMAND, true, true },
	{ "no codes", RECORD_ON_DEMAND, false, false },
	{ "off", RECORD_OFF, true, false },
	{ "auto", RECORD_AUTO, true, false },
};

static void who_may(void **state)
{
	static const struct call_codes none = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_may); i++) {
		void *own = NULL;
		struct line *l;

		print_message("# %s\n", g_may[i].name);
		assert_int_equal(line_setup(&own), 0);
		l = own;
		if (!l)
			return;
		configure(l->r, g_may[i].codes ? &g_in_turns : &none);
		recorded(l->r, "1002", g_may[i].method);
		phones_talk(&l->a, &l->b);
		assert_int_equal(keeps(l, 1), g_may[i].keeps);
		assert_false(keeps(l, 0));
		dial(l, 1, "*1");
		assert_sent(l, 0, g_may[i].keeps ? "" : "*1");
		assert_acts(l->r, g_may[i].keeps || g_may[i].method == RECORD_AUTO ? "b" : "");
		ends(l);
		(void)line_teardown(&own);
	}
}

/* While it rings its keys are for whom it hears. */
static void before_the_answer(void **state)
{
	struct shard_extension e = rig_extension("1001", true);
	struct line *l = *state;

	prepare(l->r);
	e.record = RECORD_ON_DEMAND;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_answer(&l->b, phone_rings(&l->b), "183 Session Progress", PHONE_SDP_B);
	assert_false(keeps(l, 0));
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	assert_false(keeps(l, 0));
	phone_ack(&l->a);
	assert_true(keeps(l, 0));
	ends(l);
}

/* A change counts in calls that talk. */
static void settings_change(void **state)
{
	static const struct call_codes none = { 0 };
	struct line *l = *state;

	dial(l, 0, "*");
	configure(l->r, &none);
	dial(l, 0, "1"); /* what was kept goes before it */
	assert_sent(l, 1, "*1");
	assert_false(keeps(l, 0));
	configure(l->r, &g_in_turns);
	pressed(l, 0, '5', true);
	assert_true(keeps(l, 0));
	recorded(l->r, "1001", RECORD_OFF);
	pressed(l, 0, '5', false);
	assert_false(keeps(l, 0));
	ends(l);
}

static void of_a_tenant(void **state)
{
	static const struct dial_plan other = {
		.call_codes.code = { [CALL_CODE_RECORD_ON] = "#9",
				     [CALL_CODE_RECORD_PAUSE] = DIAL_OFF,
				     [CALL_CODE_RECORD_RESUME] = DIAL_OFF },
	};
	struct call_codes node = g_in_turns, got;

	(void)state;
	dial_plan_call_codes(&g_dial_plan_default, &node, &got);
	assert_memory_equal(&got, &node, sizeof(got));
	dial_plan_call_codes(&other, &node, &got);
	assert_string_equal(got.code[CALL_CODE_RECORD_ON], "#9");
	assert_string_equal(got.code[CALL_CODE_RECORD_OFF], "*1");
	assert_string_equal(got.code[CALL_CODE_RECORD_PAUSE], "");
	assert_string_equal(got.code[CALL_CODE_RECORD_RESUME], "");
}

/* ---- over kills ---- */

static void restart(struct line *l)
{
	line_restart(l, line_stored(l));
	recorded(l->r, "1001", RECORD_ON_DEMAND);
}

static void killed_within_a_code(void **state)
{
	struct line *l = *state;

	dial(l, 0, "*");
	rig_wait_ms(l->r, 100);
	restart(l);
	dial(l, 0, "1");
	assert_acts(l->r, "b");
	assert_sent(l, 1, "");
	assert_true(keeps(l, 0));
	rig_wait_ms(l->r, 100);
	restart(l); /* what it began goes on */
	assert_acts(l->r, "bg");
	dial(l, 0, "*1");
	assert_acts(l->r, "bge");
	ends(l);
	assert_int_equal(l->r->cdrs[0].recordings, 2);
}

/* Nobody had the call for long: the party has given up. */
static void killed_long_ago(void **state)
{
	struct line *l = *state;

	dial(l, 0, "*");
	rig_wait_ms(l->r, 100);
	l->r->now.ns += 60000 * NS_PER_MS;
	l->r->now.utc_ms += 60000;
	restart(l);
	dial(l, 0, "1");
	assert_acts(l->r, "");
	assert_sent(l, 1, "1");
	ends(l);
}

static uint32_t format_of(struct line *l)
{
	struct bytes record = line_stored(l);
	Tandem__Call__Call *c = tandem__call__call__unpack(NULL, record.n, record.p);
	uint32_t format = c ? c->format : 0;

	assert_non_null(c);
	tandem__call__call__free_unpacked(c, NULL);
	return format;
}

/* Older programs go on with a call in which a code was begun, and with none that is recorded by one. */
static void for_older_programs(void **state)
{
	struct line *l = *state;

	dial(l, 0, "*");
	rig_wait_ms(l->r, 100);
	assert_true(format_of(l) < CALL_RECORD_RECORDS);
	dial(l, 0, "1");
	rig_wait_ms(l->r, 100);
	assert_int_equal(format_of(l), CALL_RECORD_CODES);
	dial(l, 0, "*1");
	rig_wait_ms(l->r, 100);
	assert_true(format_of(l) < CALL_RECORD_RECORDS);
	ends(l);
}

static void killed_and_none(void **state)
{
	struct line *l = *state;

	dial(l, 0, "*");
	rig_wait_ms(l->r, 100);
	restart(l);
	rig_wait_ms(l->r, WAIT_MS + 100);
	assert_sent(l, 1, "*");
	rig_wait_ms(l->r, 100);
	restart(l); /* it is not there any more */
	rig_wait_ms(l->r, WAIT_MS + 100);
	assert_sent(l, 1, "*");
	ends(l);
}

/* ---- other parties ---- */

static int trio_prepared(void **state)
{
	struct trio *t;

	(void)trio_setup(state);
	t = *state;
	prepare(t->l.r);
	phones_talk(&t->l.a, &t->l.b);
	return 0;
}

/* What was kept is not for whom the party speaks with then. */
static void given_away(void **state)
{
	struct trio *t = *state;
	struct line *l = &t->l;

	dial(l, 0, "*");
	phone_request(&l->b, "REFER", "Refer-To: <sip:1004@test.local>\r\n", "");
	(void)rig_take(l->r, &l->b.addr, "SIP/2.0 202");
	phone_rings(&t->c);
	trio_c_answers(t, &l->a, PHONE_SDP_A);
	assert_true(keeps(l, 0));
	dial(l, 0, "1");
	assert_acts(l->r, "");
	assert_sent(l, 2, "1");
	dial(l, 0, "*1");
	assert_acts(l->r, "b");
	assert_sent(l, 2, "1");
	phone_request(&l->a, "BYE", "", "");
	rig_wait_ms(l->r, 100);
	assert_acts(l->r, "be");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_turns, setup, line_teardown),
		cmocka_unit_test_setup_teardown(four_codes, setup, line_teardown),
		cmocka_unit_test_setup_teardown(beside_commands, setup, line_teardown),
		cmocka_unit_test_setup_teardown(flash_within_a_code, setup, line_teardown),
		cmocka_unit_test_setup_teardown(no_codes_pass, setup, line_teardown),
		cmocka_unit_test_setup_teardown(no_record_key, setup, line_teardown),
		cmocka_unit_test_setup_teardown(no_key_in_time, setup, line_teardown),
		cmocka_unit_test_setup_teardown(relayed_already, setup, line_teardown),
		LINE_TEST(by_info),
		cmocka_unit_test(who_may),
		LINE_TEST(before_the_answer),
		cmocka_unit_test_setup_teardown(settings_change, setup, line_teardown),
		cmocka_unit_test(of_a_tenant),
		cmocka_unit_test_setup_teardown(killed_within_a_code, setup, line_teardown),
		cmocka_unit_test_setup_teardown(killed_long_ago, setup, line_teardown),
		cmocka_unit_test_setup_teardown(for_older_programs, setup, line_teardown),
		cmocka_unit_test_setup_teardown(killed_and_none, setup, line_teardown),
		cmocka_unit_test_setup_teardown(given_away, trio_prepared, line_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
