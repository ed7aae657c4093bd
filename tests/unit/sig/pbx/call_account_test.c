/* SPDX-License-Identifier: Apache-2.0 */
/* The account code of a call (FEATURES BEAT-09, REC-06, CALL-34, CALL-35): by command and pressed, recorded or not, over transfers and kills. */

#include "sig/call.pb-c.h"
#include "sig/record/call_record.h"
#include "tests/unit/sig/trio.h"

enum { OVERDUE_MS = 5000 };

static void configure(struct rig *r, enum record_account recorded)
{
	static const struct call_codes codes = {
		.code = { [CALL_CODE_RECORD_ON] = "*1", [CALL_CODE_ACCOUNT] = "*7" }
	};

	r->settings.call_codes = codes;
	r->settings.call_code_wait_ms = 2000;
	r->settings.digits_shown = true;
	r->settings.recordings.account_code = (int)recorded;
	shard_configure(r->shard, &r->settings);
}

static void extension(struct rig *r, const char *number, enum account_by by,
		      enum record_method method)
{
	struct shard_extension e = rig_extension(number, false);

	e.classes = 0xff;
	e.account_code = (uint8_t)by;
	e.record = (uint8_t)method;
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
}

static void prepare(struct rig *r)
{
	configure(r, RECORD_ACCOUNT_TAKEN);
	extension(r, "1001", ACCOUNT_OPTIONAL, RECORD_OFF);
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

static uint64_t the_call(struct rig *r, struct call_view *view)
{
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, view));
	return view->call;
}

static void assert_code(struct rig *r, const char *want)
{
	struct call_view view;
	struct call_facts facts;

	assert_true(shard_call_facts(r->shard, the_call(r, &view), &facts));
	assert_string_equal(facts.account, want);
}

static void order_gives(struct rig *r, const char *code, int want)
{
	struct call_order o = { .kind = ORDER_ACCOUNT, .to = bytes_str(code) };
	struct call_view view;

	assert_int_equal(shard_call_order(r->shard, the_call(r, &view), &o, r->now), want);
	rig_wait_ms(r, 1);
}

static void dial(struct line *l, uint8_t leg, const char *keys)
{
	for (; *keys; keys++) {
		struct flow_spec s = line_last_spec(l->r, leg);
		struct media_event m = { .kind = MEDIA_FLOW_DIGIT,
					 .id = s.id,
					 .call = s.call,
					 .digit = *keys,
					 .duration_ms = 200 };

		shard_media_event(l->r->shard, &m, l->r->now);
		rig_wait_ms(l->r, 1);
	}
}

/* Nobody was sent a key, or told of one. */
static void assert_unheard(const struct rig *r)
{
	for (uint32_t i = 0; i < r->media_count; i++)
		assert_int_not_equal(r->media[i].kind, MEDIA_FLOW_DIGIT_SEND);
	for (uint32_t i = 0; i < r->event_count; i++)
		assert_int_not_equal(r->events[i].kind, SIG_CALL_DIGIT);
}

static uint32_t keys_sent(const struct rig *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->media_count; i++)
		n += r->media[i].kind == MEDIA_FLOW_DIGIT_SEND;
	return n;
}

/* The newest of that kind; NULL: there is none. */
static const struct sig_event *told(const struct rig *r, enum sig_event_kind kind)
{
	for (uint32_t i = r->event_count; i-- > 0;) {
		if (r->events[i].kind == kind)
			return &r->events[i];
	}
	return NULL;
}

static void ends(struct line *l, const char *code)
{
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_string_equal(l->r->cdrs[0].facts.account, code);
}

/* ---- by command ---- */

static void by_command(void **state)
{
	struct line *l = *state;
	const struct sig_event *event;

	assert_code(l->r, "");
	order_gives(l->r, "project-7", 0);
	assert_code(l->r, "project-7");
	event = told(l->r, SIG_CALL_ACCOUNT);
	assert_non_null(event);
	assert_string_equal(event_str(event, EV_FACT_account), "project-7");
	assert_string_equal(event_str(event, EV_REASON), "command");
	order_gives(l->r, "8", 0);
	assert_code(l->r, "8");
	order_gives(l->r, "", 0);
	assert_code(l->r, "");
	order_gives(l->r, "9.1_a", 0);
	line_restart(l, line_stored(l));
	assert_code(l->r, "9.1_a");
	ends(l, "9.1_a");
}

/* Whoever is called need not have answered. */
static void while_it_rings(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	phone_answer(&l->b, phone_rings(&l->b), "180 Ringing", "");
	order_gives(l->r, "77", 0);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	assert_code(l->r, "77");
	ends(l, "77");
}

/* ---- pressed ---- */

static void pressed(void **state)
{
	struct line *l = *state;
	const struct sig_event *event;

	dial(l, 0, "*71234");
	assert_code(l->r, "");
	dial(l, 0, "#");
	assert_code(l->r, "1234");
	event = told(l->r, SIG_CALL_ACCOUNT);
	assert_non_null(event);
	assert_string_equal(event_str(event, EV_REASON), "code");
	assert_int_equal((event_str(event, EV_LEG)[0] == 'b'), 0);
	dial(l, 0, "*755*"); /* all is as it was */
	assert_code(l->r, "1234");
	dial(l, 0, "*756");
	rig_wait_ms(l->r, OVERDUE_MS - 100);
	assert_code(l->r, "1234");
	rig_wait_ms(l->r, 200);
	assert_code(l->r, "56");
	dial(l, 0, "*7");
	rig_wait_ms(l->r, OVERDUE_MS + 100); /* nothing was pressed */
	assert_code(l->r, "56");
	dial(l, 0, "*7#"); /* none from now on */
	assert_code(l->r, "");
	dial(l, 0, "*70123456789012345"); /* all of it */
	assert_code(l->r, "0123456789012345");
	assert_unheard(l->r);
	dial(l, 0, "6"); /* for the other party again */
	assert_int_equal(keys_sent(l->r), 1);
	ends(l, "0123456789012345");
}

static void who_may(void **state)
{
	struct line *l = *state;

	dial(l, 1, "*71#");
	assert_code(l->r, "");
	assert_int_equal(keys_sent(l->r), 4);
	dial(l, 0, "*1"); /* one may enter codes, and record nothing */
	assert_int_equal(keys_sent(l->r), 6);
	assert_int_equal(l->r->record_count, 0);
	extension(l->r, "1001", ACCOUNT_OFF, RECORD_ON_DEMAND);
	dial(l, 0, "*71#"); /* or the other way round */
	assert_code(l->r, "");
	dial(l, 0, "*1");
	assert_int_equal(l->r->record_count, 1);
	assert_int_equal(keys_sent(l->r), 10);
	ends(l, "");
}

/* What is pressed when nobody may any more is for the other one, and of what came before nobody hears. */
static void may_no_longer(void **state)
{
	struct line *l = *state;

	dial(l, 0, "*712");
	extension(l->r, "1001", ACCOUNT_OFF, RECORD_OFF);
	dial(l, 0, "3");
	rig_wait_ms(l->r, OVERDUE_MS + 100);
	assert_code(l->r, "");
	assert_int_equal(keys_sent(l->r), 1);
	ends(l, "");
}

/* ---- over kills ---- */

static void restart(struct line *l, uint64_t after_ms)
{
	rig_wait_ms(l->r, 100);
	l->r->now.ns += after_ms * NS_PER_MS;
	l->r->now.utc_ms += after_ms;
	line_restart(l, line_stored(l));
	extension(l->r, "1001", ACCOUNT_OPTIONAL, RECORD_OFF);
}

static void killed_within_it(void **state)
{
	struct line *l = *state;

	dial(l, 0, "*7");
	restart(l, 0);
	dial(l, 0, "12");
	restart(l, 4000); /* the time begins anew */
	rig_wait_ms(l->r, OVERDUE_MS - 1000);
	dial(l, 0, "3#");
	assert_code(l->r, "123");
	dial(l, 0, "*74");
	restart(l, 60000); /* the party has given up */
	dial(l, 0, "#");
	assert_code(l->r, "123");
	assert_int_equal(keys_sent(l->r), 1);
	ends(l, "123");
}

/* Older programs go on with such calls, and lose the code at most. */
static void for_older_programs(void **state)
{
	struct line *l = *state;
	Tandem__Call__Call *c;

	order_gives(l->r, "12", 0);
	dial(l, 0, "*73");
	rig_wait_ms(l->r, 100);
	c = tandem__call__call__unpack(NULL, line_stored(l).n, line_stored(l).p);
	assert_non_null(c);
	assert_true(c->format < CALL_RECORD_RECORDS);
	assert_int_equal(c->account.len, 2);
	tandem__call__call__free_unpacked(c, NULL);
	ends(l, "12");
}

/* ---- while it is recorded ---- */

static void record(struct line *l, const char *facts)
{
	assert_string_equal(l->r->records[l->r->record_count - 1].facts, facts);
}
#define FACTS                                                                               \
	"\"from\":\"1001\",\"to\":\"1002\",\"leg\":\"a\",\"user\":\"1001\",\"trunk\":\"\"," \
	"\"direction\":\"internal\",\"cause\":\"code\""

static void begin_recorded(struct line *l, enum record_account recorded)
{
	configure(l->r, recorded);
	extension(l->r, "1001", ACCOUNT_OPTIONAL, RECORD_ON_DEMAND);
	dial(l, 0, "*1");
	assert_int_equal(l->r->record_count, 1);
	record(l, FACTS);
}

/* What is said of the recording has the newest one, whatever ends it. */
static void recorded(void **state)
{
	struct line *l = *state;

	begin_recorded(l, RECORD_ACCOUNT_TAKEN);
	dial(l, 0, "*712#");
	assert_code(l->r, "12");
	assert_int_equal(l->r->record_count, 2);
	assert_int_equal(l->r->records[1].record.act, RECORD_NOTE);
	record(l, FACTS ",\"account_code\":\"12\"");
	rig_wait_ms(l->r, 10);
	assert_int_equal(l->r->record_count, 2);
	order_gives(l->r, "x", 0);
	record(l, FACTS ",\"account_code\":\"x\"");
	restart(l, 0);
	assert_int_equal(l->r->records[3].record.act, RECORD_GO_ON);
	record(l, FACTS ",\"account_code\":\"x\"");
	order_gives(l->r, "", 0);
	assert_int_equal(l->r->records[4].record.act, RECORD_NOTE);
	record(l, FACTS);
	order_gives(l->r, "y", 0);
	assert_unheard(l->r);
	ends(l, "y");
	assert_int_equal(l->r->records[6].record.act, RECORD_END);
	record(l, FACTS ",\"account_code\":\"y\"");
}

static void refused(void **state)
{
	struct line *l = *state;
	const struct sig_event *event;

	order_gives(l->r, "1", 0); /* not recorded yet */
	configure(l->r, RECORD_ACCOUNT_REFUSED);
	extension(l->r, "1001", ACCOUNT_OPTIONAL, RECORD_ON_DEMAND);
	dial(l, 0, "*1");
	order_gives(l->r, "2", REFUSED_RECORDED);
	dial(l, 0, "*73#");
	assert_code(l->r, "1");
	event = told(l->r, SIG_CALL_ACCOUNT_REFUSED);
	assert_non_null(event);
	assert_string_equal(event_str(event, EV_FACT_account), "1");
	assert_string_equal(event_str(event, EV_REASON), "recorded");
	assert_unheard(l->r);
	assert_int_equal(l->r->record_count, 1); /* it goes on */
	ends(l, "1");
}

static void disconnected(void **state)
{
	struct line *l = *state;

	begin_recorded(l, RECORD_ACCOUNT_ENDS);
	dial(l, 0, "*7*");
	rig_wait_ms(l->r, OVERDUE_MS);
	dial(l, 0, "*73#");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_string_equal(l->r->cdrs[0].facts.account, "3");
	assert_string_equal(l->r->cdrs[0].reason, "account code while it was recorded");
	record(l, FACTS ",\"account_code\":\"3\"");
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

/* It is the call's, whoever is in it; and what is pressed meanwhile is for nobody. */
static void given_away(void **state)
{
	struct trio *t = *state;
	struct line *l = &t->l;

	order_gives(l->r, "5", 0);
	dial(l, 0, "*76");
	phone_request(&l->b, "REFER", "Refer-To: <sip:1004@test.local>\r\n", "");
	(void)rig_take(l->r, &l->b.addr, "SIP/2.0 202");
	phone_rings(&t->c);
	trio_c_answers(t, &l->a, PHONE_SDP_A);
	assert_code(l->r, "5");
	dial(l, 0, "7#");
	assert_code(l->r, "67");
	assert_unheard(l->r);
	phone_request(&l->a, "BYE", "", "");
	rig_wait_ms(l->r, 100);
	trio_assert_left(&t->c);
	rig_wait_ms(l->r, 70000);
	assert_int_equal(l->r->cdr_count, 2);
	for (uint32_t i = 0; i < 2; i++)
		assert_string_equal(l->r->cdrs[i].facts.account, "67");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_command, setup, line_teardown),
		LINE_TEST(while_it_rings),
		cmocka_unit_test_setup_teardown(pressed, setup, line_teardown),
		cmocka_unit_test_setup_teardown(who_may, setup, line_teardown),
		cmocka_unit_test_setup_teardown(may_no_longer, setup, line_teardown),
		cmocka_unit_test_setup_teardown(killed_within_it, setup, line_teardown),
		cmocka_unit_test_setup_teardown(for_older_programs, setup, line_teardown),
		cmocka_unit_test_setup_teardown(recorded, setup, line_teardown),
		cmocka_unit_test_setup_teardown(refused, setup, line_teardown),
		cmocka_unit_test_setup_teardown(disconnected, setup, line_teardown),
		cmocka_unit_test_setup_teardown(given_away, trio_prepared, line_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
