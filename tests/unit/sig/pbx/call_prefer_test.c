/* SPDX-License-Identifier: Apache-2.0 */
/* What parties would have of recording (a=recordpref, RFC 7866 7.1.3): noted, or done as by a code where settings say so. */
#include "tests/unit/sig/aware.h"

static struct shard_settings following(void)
{
	struct shard_settings s = rig_settings();

	s.recordings.follow_preferences = true;
	return s;
}

static int prefer_setup(void **state, bool follows, enum record_method method)
{
	struct line *l = calloc(1, sizeof(*l));
	struct shard_settings s = following();

	if (!l)
		return -1;
	s.recordings.follow_preferences = follows;
	l->r = rig_open_with(&s);
	phones_open(l->r, &l->a, &l->b);
	recorded(l->r, "1001", method);
	*state = l;
	return 0;
}

static int follows(void **state)
{
	return prefer_setup(state, true, RECORD_ON_DEMAND);
}

static int notes(void **state)
{
	return prefer_setup(state, false, RECORD_ON_DEMAND);
}

static int may_not(void **state)
{
	return prefer_setup(state, true, RECORD_OFF);
}

static int policy_says(void **state)
{
	return prefer_setup(state, true, RECORD_AUTO);
}

static void prefers(struct line *l, const char *what)
{
	char sdp[512];

	(void)snprintf(sdp, sizeof(sdp), PHONE_SDP_A "a=recordpref:%s\r\n", what);
	phone_request(&l->a, "INVITE", AWARE, sdp);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
}

static uint32_t prompts(const struct line *l)
{
	return l->r->record_count;
}

static void followed(void **state)
{
	struct line *l = *state;

	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", AWARE, PHONE_SDP_A "a=recordpref:on\r\n");
	(void)phone_rings(&l->b);
	assert_false(rig_has(l->b.invite, "recordpref"));
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	assert_int_equal(prompts(l), 0);
	phone_ack(&l->a);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	assert_int_equal(prompts(l), 1);
	assert_int_equal(l->r->records[0].record.act, RECORD_START);
	assert_true(rig_has(bytes_str(l->r->records[0].facts), "\"cause\":\"code\""));
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A);
	assert_int_equal(prompts(l), 1); /* it says nothing of it here */
	prefers(l, "pause");
	(void)takes_note(l, &l->a, "paused", PHONE_SDP_A "a=recordpref:pause\r\n");
	assert_int_equal(l->r->records[1].record.act, RECORD_PAUSE);
	prefers(l, "on");
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A "a=recordpref:on\r\n");
	assert_int_equal(l->r->records[2].record.act, RECORD_RESUME);
	prefers(l, "nopreference");
	assert_int_equal(prompts(l), 3);
	prefers(l, "off");
	(void)takes_note(l, &l->a, "off", PHONE_SDP_A "a=recordpref:off\r\n");
	assert_int_equal(l->r->records[3].record.act, RECORD_END);
	nobody_is_asked(l);
}

/* What it said once is done once: a command may say otherwise, and a kill changes nothing. */
static void once(void **state)
{
	struct line *l = *state;

	(void)aware_talk(l, AWARE, "");
	prefers(l, "on");
	(void)takes_note(l, &l->a, "on", PHONE_SDP_A "a=recordpref:on\r\n");
	order_is(l, ORDER_RECORD_OFF);
	(void)takes_note(l, &l->a, "off", PHONE_SDP_A "a=recordpref:on\r\n");
	assert_int_equal(prompts(l), 2);
	rig_wait_ms(l->r, 1000);
	line_restart(l, line_stored(l));
	nobody_is_asked(l);
	assert_int_equal(prompts(l), 2);
}

static void not_followed(void **state)
{
	struct line *l = *state;

	(void)aware_talk(l, AWARE, "");
	prefers(l, "on");
	assert_int_equal(prompts(l), 0);
	nobody_is_asked(l);
}

/* What is not aware has no preferences, whatever its SDP says. */
static void of_no_account(void **state)
{
	struct line *l = *state;

	phone_begin(&l->a, "1002");
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A "a=recordpref:on\r\n");
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B "a=recordpref:on\r\n");
	assert_false(rig_has(phone_hears(&l->a, "SIP/2.0 200"), "recordpref"));
	phone_ack(&l->a);
	(void)rig_take(l->r, &l->b.addr, "ACK ");
	assert_int_equal(prompts(l), 0);
	nobody_is_asked(l);
}

/* A policy's recording is not its party's to end or pause. */
static void against_a_policy(void **state)
{
	struct line *l = *state;

	(void)aware_talk(l, AWARE, "");
	assert_int_equal(prompts(l), 1);
	prefers(l, "off");
	prefers(l, "pause");
	assert_int_equal(prompts(l), 1);
	nobody_is_asked(l);
}

#define PREFER_TEST(fn, setup) cmocka_unit_test_setup_teardown(fn, setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PREFER_TEST(followed, follows),      PREFER_TEST(once, follows),
		PREFER_TEST(not_followed, notes),    PREFER_TEST(not_followed, may_not),
		PREFER_TEST(of_no_account, follows), PREFER_TEST(against_a_policy, policy_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
