/* SPDX-License-Identifier: Apache-2.0 */
/* Phones that are asked to answer by themselves (FEATURES REG-18, CALL-31, CALL-32). Calls by a command: call_originate_test.c. */
#include "sig/model/call_order.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/line.h"

static void set(struct rig *r, const char *number, enum auto_answer how, uint8_t seconds)
{
	struct shard_extension e = rig_extension(number, false);

	e.auto_answer = (uint8_t)how;
	e.auto_answer_s = seconds;
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
}

/* A calls B: what B's phone gets. */
static struct bytes ring(struct line *l)
{
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&l->b).n);
	return l->b.invite;
}

static void off(void **state)
{
	struct bytes m;

	set(((struct line *)*state)->r, "1002", AUTO_ANSWER_OFF, 7);
	m = ring(*state);
	assert_false(rig_has(m, "Alert-Info"));
	assert_false(rig_has(m, "Answer-Mode"));
}

static void at_once(void **state)
{
	struct bytes m;

	set(((struct line *)*state)->r, "1002", AUTO_ANSWER_ALERT, 0);
	m = ring(*state);
	assert_true(rig_has(m, "\r\nAlert-Info: <http://localhost>;info=alert-autoanswer\r\n"
			       "Answer-Mode: Auto\r\n"));
}

/* It rings first, so that it is not to answer automatically (RFC 5373 has no time for that). */
static void later(void **state)
{
	struct bytes m;

	set(((struct line *)*state)->r, "1002", AUTO_ANSWER_PLAIN, 7);
	m = ring(*state);
	assert_true(rig_has(m, "\r\nAlert-Info: <http://localhost>;info=auto-answer;delay=7\r\n"));
	assert_false(rig_has(m, "Answer-Mode"));
}

/* ADM-90: of the extension, of its tenant. */
static void withheld(void **state)
{
	struct line *l = *state;
	struct shard_extension e = rig_extension("1002", false);
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME };
	uint16_t tenant;

	e.auto_answer = AUTO_ANSWER_ALERT;
	for (int i = 0; i < 3; i++) {
		e.withheld = i == 0 ? 1u << ENTITLED_AUTO_ANSWER : 0;
		set.terms.withheld = i == 1 ? 1u << ENTITLED_AUTO_ANSWER : 0;
		assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
		assert_int_equal(tenants_put(l->r->shard->settings.tenants, &set, &tenant), 0);
		assert_int_equal(rig_has(ring(l), "Alert-Info"), i == 2);
		phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
		assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
		phone_ack(&l->a);
	}
}

/* The caller's own extension is of no importance to whom it calls, nor to its own phone later on. */
static void no_call_of_its_own(void **state)
{
	struct line *l = *state;

	set(l->r, "1001", AUTO_ANSWER_ALERT, 0);
	phones_talk(&l->a, &l->b);
	assert_false(rig_has(l->b.invite, "Alert-Info"));
	phone_request(&l->b, "INVITE", "", PHONE_SDP_B);
	assert_true(phone_rings(&l->a).n);
	assert_false(rig_has(l->a.invite, "Alert-Info"));
}

/* call.answer, of that extension's phones. */
static int answer(struct line *l, const char *extension)
{
	struct call_order order = { .kind = ORDER_ANSWER, .to = bytes_str(extension) };
	struct call_view view;
	uint32_t cursor = 0;
	int err;

	assert_true(shard_call_next(l->r->shard, &cursor, &view));
	err = shard_call_order(l->r->shard, view.call, &order, l->r->now);
	rig_run(l->r);
	return err;
}

/* B's phone rings. */
static void rings(struct line *l)
{
	(void)ring(l);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
}

/* CALL-03: a phone that rings and takes no Event: talk is rung anew; whoever calls hears nothing of it. */
static void rung_anew(void **state)
{
	struct line *l = *state;
	struct bytes before, m;

	rings(l);
	before = l->b.invite;
	assert_int_equal(answer(l, "1003"), REFUSED_NOT_WAITING);
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 0);
	assert_int_equal(answer(l, "1002"), 0);
	m = rig_take(l->r, &l->b.addr, "CANCEL ");
	assert_true(rig_has(m, "text=\"Call completed elsewhere\""));
	phone_answer(&l->b, m, "200 OK", "");
	phone_answer(&l->b, before, "487 Request Terminated", "");
	m = phone_rings(&l->b);
	assert_true(rig_has(m, "info=alert-autoanswer\r\nAnswer-Mode: Auto\r\n"));
	phone_answer(&l->b, m, "180 Ringing", "");
	assert_int_equal(answer(l, ""), REFUSED_NO_TALK);
	assert_int_equal(rig_count(l->r, &l->a.addr, "SIP/2.0 180"), 1);
	line_restart(l, line_stored(l));
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* Its answer to the first INVITE crosses the CANCEL: that dialog ends, and the phone is rung anew all the same. */
static void answers_meanwhile(void **state)
{
	struct line *l = *state;
	struct bytes before;

	rings(l);
	before = l->b.invite;
	assert_int_equal(answer(l, ""), 0);
	phone_answer(&l->b, before, "200 OK", PHONE_SDP_B);
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	phone_answer(&l->b, phone_rings(&l->b), "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	rig_run(l->r);
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* ADM-90. It rings on. */
static void not_rung_anew(void **state)
{
	struct line *l = *state;
	struct shard_extension e = rig_extension("1002", false);

	e.withheld = 1u << ENTITLED_AUTO_ANSWER;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	rings(l);
	assert_int_equal(answer(l, ""), REFUSED_NO_TALK);
	assert_int_equal(rig_count(l->r, &l->b.addr, "CANCEL "), 0);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(off),
		LINE_TEST(at_once),
		LINE_TEST(later),
		LINE_TEST(withheld),
		LINE_TEST(no_call_of_its_own),
		LINE_TEST(rung_anew),
		LINE_TEST(answers_meanwhile),
		LINE_TEST(not_rung_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
