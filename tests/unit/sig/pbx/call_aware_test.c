/* SPDX-License-Identifier: Apache-2.0 */
/* Parties that understand a=record (RFC 7866): told with each SDP, and by a re-INVITE where something changes. */
#include <errno.h>

#include "tests/unit/sig/aware.h"
#include "tests/unit/sig/recorder.h"

/* ---- with the answer ---- */

static void in_the_answer(void **state)
{
	struct line *l = *state;
	struct bytes ok;

	recorded(l->r, "1001", RECORD_AUTO);
	ok = aware_talk(l, AWARE, "");
	assert_true(rig_has(rig_body(ok), "a=record:on\r\n"));
	assert_false(rig_has(rig_body(ok), "a=record:off\r\n"));
	assert_false(rig_has(l->b.invite, "a=record:"));
	assert_false(rig_has(l->b.invite, "record-aware"));
	assert_false(rig_has(ok, "record-aware"));
	nobody_is_asked(l);
}

static void nothing_is_recorded(void **state)
{
	struct line *l = *state;
	struct bytes ok = aware_talk(l, AWARE, AWARE);

	assert_true(rig_has(rig_body(ok), "a=record:off\r\n"));
	nobody_is_asked(l);
}

/* Who is not aware is told nothing. */
static void nobody_is_aware(void **state)
{
	struct line *l = *state;
	struct bytes ok;

	recorded(l->r, "1001", RECORD_AUTO);
	ok = aware_talk(l, "Supported: recorder-aware\r\n", "");
	assert_false(rig_has(rig_body(ok), "a=record"));
	nobody_is_asked(l);
}

/* It was not known to be aware before its answer. */
static void of_the_callee(void **state)
{
	struct line *l = *state;
	struct bytes m;

	recorded(l->r, "1001", RECORD_AUTO);
	(void)aware_talk(l, "", AWARE);
	m = takes_note(l, &l->b, "on", PHONE_SDP_B);
	assert_int_equal(version_of(m), version_of(l->b.invite) + 1);
	nobody_is_asked(l);
}

/* The answer of a 183 is the answer of the 2xx (RFC 3261 13.2.1): what is new comes behind it. */
static void behind_early_media(void **state)
{
	struct line *l = *state;
	struct shard_extension e = rig_extension("1001", true);
	struct bytes early, ok;

	e.record = RECORD_AUTO;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", AWARE, PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	early = phone_hears(&l->a, "SIP/2.0 183");
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	ok = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(rig_body(early), "a=record:off\r\n"));
	assert_true(bytes_eq(rig_body(ok), rig_body(early)));
	phone_ack(&l->a);
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A);
	nobody_is_asked(l);
}

/* ---- what changes ---- */

static int on_demand(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	recorded(l->r, "1001", RECORD_ON_DEMAND);
	(void)aware_talk(l, AWARE, "");
	return 0;
}

#define DEMAND_TEST(fn) cmocka_unit_test_setup_teardown(fn, on_demand, line_teardown)

/* The next line that is neither what is told nor has the version. */
static bool next_line(struct bytes *text, struct bytes *line)
{
	while (bytes_cut(text, '\n', line)) {
		if (!bytes_starts(*line, "a=record:") && !bytes_starts(*line, "o="))
			return true;
	}
	return false;
}

static void assert_same_but_for_that(struct bytes a, struct bytes b)
{
	struct bytes x, y;

	a = rig_body(a);
	b = rig_body(b);
	while (next_line(&a, &x)) {
		assert_true(next_line(&b, &y));
		assert_true(bytes_eq(x, y));
	}
	assert_false(next_line(&b, &y));
}

static void by_command(void **state)
{
	static const struct {
		enum order_record order;
		const char *told;
	} steps[] = { { ORDER_RECORD_ON, "on" },     { ORDER_RECORD_PAUSE, "paused" },
		      { ORDER_RECORD_RESUME, "on" }, { ORDER_RECORD_OFF, "off" },
		      { ORDER_RECORD_ON, "on" },     { ORDER_RECORD_PAUSE, "paused" },
		      { ORDER_RECORD_OFF, "off" } };
	struct line *l = *state;
	struct bytes before = { 0 };

	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		struct bytes m;

		order_is(l, steps[i].order);
		m = takes_note(l, &l->a, steps[i].told, PHONE_SDP_A);
		if (before.n) {
			assert_int_equal(version_of(m), version_of(before) + 1);
			assert_same_but_for_that(m, before);
		}
		before = m;
		nobody_is_asked(l);
	}
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* Twice before it has answered: it hears the last state, once. */
static void while_it_is_asked(void **state)
{
	struct line *l = *state;
	struct bytes m;

	order_is(l, ORDER_RECORD_ON);
	m = is_told(l, &l->a, "on");
	order_is(l, ORDER_RECORD_PAUSE);
	order_is(l, ORDER_RECORD_RESUME);
	order_is(l, ORDER_RECORD_OFF);
	assert_false(rig_take(l->r, &l->a.addr, "INVITE ").n);
	phone_answer(&l->a, m, "200 OK", PHONE_SDP_A);
	(void)rig_take(l->r, &l->a.addr, "ACK ");
	(void)takes_note(l, &l->a, "off", PHONE_SDP_A);
	nobody_is_asked(l);
}

/* The session goes on as it was, and it is not asked the same again. */
static void refused(void **state)
{
	struct line *l = *state;
	struct flow_spec spec = line_last_spec(l->r, 0);

	order_is(l, ORDER_RECORD_ON);
	phone_answer(&l->a, is_told(l, &l->a, "on"), "488 Not Acceptable Here", "");
	assert_true(rig_take(l->r, &l->a.addr, "ACK ").n);
	nobody_is_asked(l);
	assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, spec.remote_rtp.port);
	order_is(l, ORDER_RECORD_PAUSE);
	(void)takes_note(l, &l->a, "paused", PHONE_SDP_A);
	nobody_is_asked(l);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* RFC 3261 14.1: it asks itself just now. */
static void glare(void **state)
{
	struct line *l = *state;

	order_is(l, ORDER_RECORD_ON);
	phone_answer(&l->a, is_told(l, &l->a, "on"), "491 Request Pending", "");
	assert_true(rig_take(l->r, &l->a.addr, "ACK ").n);
	for (unsigned ms = 0; ms < 2100 && rig_count(l->r, &l->a.addr, "INVITE ") == 1; ms += 50)
		rig_wait_ms(l->r, 50);
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A);
	nobody_is_asked(l);
}

/* Its own re-INVITE, and that of the other one, say what holds; nobody is asked beside. */
static void with_other_offers(void **state)
{
	struct line *l = *state;
	struct bytes m;

	order_is(l, ORDER_RECORD_ON);
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A);
	phone_request(&l->a, "INVITE", AWARE, PHONE_SDP_A);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(m.n);
	assert_false(rig_has(m, "a=record"));
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(rig_has(rig_body(phone_hears(&l->a, "SIP/2.0 200")), "a=record:on\r\n"));
	phone_ack(&l->a);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	nobody_is_asked(l);
	phone_request(&l->b, "INVITE", "", PHONE_SDP_B);
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A);
	m = phone_hears(&l->b, "SIP/2.0 200");
	assert_true(m.n);
	assert_false(rig_has(m, "a=record"));
	phone_ack(&l->b);
	nobody_is_asked(l);
}

/* What a party says of its own recorder is told to the other one, who understands it, and to nobody else (7.3.1). */
static void other_recorder(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_request(&l->b, "INVITE", "", PHONE_SDP_B "a=record:paused\r\n");
	(void)takes_note(l, &l->a, "paused", PHONE_SDP_A);
	m = phone_hears(&l->b, "SIP/2.0 200");
	phone_ack(&l->b);
	assert_false(rig_has(m, "a=record"));
	nobody_is_asked(l);
	order_is(l, ORDER_RECORD_ON); /* that is more */
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A);
	order_is(l, ORDER_RECORD_OFF);
	(void)takes_note(l, &l->a, "paused", PHONE_SDP_A);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A "a=record:on\r\n");
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(m.n);
	assert_false(rig_has(m, "a=record"));
}

/* UPDATE with an offer: its answer says it, and the other one is asked where its recorder says something else. */
static void by_update(void **state)
{
	struct line *l = *state;

	phone_request(&l->b, "UPDATE", "", PHONE_SDP_B "a=record:on\r\n");
	assert_true(phone_hears(&l->b, "SIP/2.0 200").n);
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A);
	nobody_is_asked(l);
	phone_request(&l->a, "UPDATE", "", PHONE_SDP_A "a=X-new\r\n");
	assert_true(rig_has(rig_body(phone_hears(&l->a, "SIP/2.0 200")), "a=record:on\r\n"));
	nobody_is_asked(l);
}

static void failed(void **state)
{
	struct line *l = *state;

	order_is(l, ORDER_RECORD_ON);
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A);
	rig_reply(l->r, (struct reply){ .ask = ASK_RECORD,
					.of = siprec_call(l->r),
					.record = { .number = 1, .error = -ENOSPC } });
	rig_run(l->r);
	(void)takes_note(l, &l->a, "off", PHONE_SDP_A);
}

/* ---- kills ---- */

/* Who goes on tells what the one before could not, and nothing twice. */
static void killed(void **state)
{
	struct line *l = *state;

	order_is(l, ORDER_RECORD_ON);
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A);
	rig_wait_ms(l->r, 1000);
	line_restart(l, line_stored(l));
	nobody_is_asked(l);
	order_is(l, ORDER_RECORD_PAUSE);
	(void)takes_note(l, &l->a, "paused", PHONE_SDP_A);
	rig_wait_ms(l->r, 1000);
	line_restart(l, line_stored(l));
	nobody_is_asked(l);
}

/* Its question was saved, and its answer was not. */
static void killed_while_asked(void **state)
{
	struct line *l = *state;

	order_is(l, ORDER_RECORD_ON);
	assert_true(is_told(l, &l->a, "on").n);
	line_restart(l, line_stored(l));
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A);
	nobody_is_asked(l);
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* ---- an external recorder ---- */

static int siprec_aware(void **state)
{
	struct shard_settings s = siprec_settings();
	struct trio *t;

	if (siprec_setup_with(state, &s))
		return -1;
	t = *state;
	hangs_up(t);
	line_assert_idle(t->l.r);
	(void)aware_talk(&t->l, AWARE, "");
	return 0;
}

/* When the recorder has taken it, and no longer than it has it. */
static void external(void **state)
{
	struct trio *t = *state;
	struct line *l = &t->l;
	struct bytes m;

	order(t, ORDER_RECORD_ON, 0);
	m = is_asked(t);
	assert_false(rig_take(l->r, &l->a.addr, "INVITE ").n);
	phone_answer(&g_recorder, m, "200 OK", TAKES);
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A);
	order(t, ORDER_RECORD_PAUSE, 0);
	(void)takes_note(l, &l->a, "paused", PHONE_SDP_A);
	takes(t);
	order(t, ORDER_RECORD_RESUME, 0);
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A);
	takes(t);
	phone_request(&g_recorder, "BYE", "", "");
	(void)takes_note(l, &l->a, "off", PHONE_SDP_A);
	assert_false(rig_take(l->r, &l->b.addr, "INVITE ").n);
	rig_wait_ms(l->r, 1100);
	takes(t);
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A);
	order(t, ORDER_RECORD_OFF, 0);
	(void)takes_note(l, &l->a, "off", PHONE_SDP_A);
	hears_bye(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(in_the_answer),
		LINE_TEST(nothing_is_recorded),
		LINE_TEST(nobody_is_aware),
		LINE_TEST(of_the_callee),
		LINE_TEST(behind_early_media),
		DEMAND_TEST(by_command),
		DEMAND_TEST(while_it_is_asked),
		DEMAND_TEST(refused),
		DEMAND_TEST(glare),
		DEMAND_TEST(with_other_offers),
		DEMAND_TEST(other_recorder),
		DEMAND_TEST(by_update),
		DEMAND_TEST(failed),
		DEMAND_TEST(killed),
		DEMAND_TEST(killed_while_asked),
		cmocka_unit_test_setup_teardown(external, siprec_aware, line_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
