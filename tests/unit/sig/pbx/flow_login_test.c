/* SPDX-License-Identifier: Apache-2.0 */
/* Who may hear a mailbox: its own phone, or who knows its PIN; and what only he may ask for. */
#include "sig/host/security.h"
#include "sig/pbx/flow/flow.h"
#include "tests/unit/sig/application.h"
#include "tests/unit/sig/flows.h"

/* What follows a login is heard as a prompt; then the mailbox is asked for. */
#define LOGIN(what)                                                                          \
	"{\"name\":\"main\",\"start\":\"in\",\"steps\":{"                                    \
	"\"in\":{\"login\":{\"box\":\"1001\"" what "},\"none\":\"none\",\"invalid\":\"no\"," \
	"\"rejected\":\"locked\",\"failed\":\"failed\",\"next\":\"ask\"},"                   \
	"\"none\":{\"play\":[\"none\"]},\"no\":{\"play\":[\"no\"]},"                         \
	"\"locked\":{\"play\":[\"locked\"]},\"failed\":{\"play\":[\"failed\"]},"             \
	"\"ask\":{\"message\":{\"do\":\"first\",\"box\":\"1001\",\"of\":\"old\"},"           \
	"\"none\":\"no\",\"failed\":\"failed\",\"full\":\"failed\",\"next\":\"told\"},"      \
	"\"told\":{\"match\":\"{message} {from} {inside} {date} {time} {is_urgent}\","       \
	"\"on\":{\"000agvj5jqr40-1 1002 true 2025-06-15 15:06 true\":\"fine\"},"             \
	"\"else\":\"failed\"},\"fine\":{\"play\":[\"fine\"]}}}"
#define PIN(pin) LOGIN(",\"pin\":\"" pin "\"")

static void has_pin(struct rig *r, const char *pin)
{
	struct shard_extension e = rig_extension("1001", false);

	be64_put(e.pin,
		 pin ? extension_pin(bytes_str("1001"), bytes_str("test.local"), bytes_str(pin))
		     : 0);
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
}

static void terms(struct rig *r, bool one_password, bool pin_always)
{
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME,
				       .terms.one_password = one_password,
				       .terms.pin_always = pin_always };
	uint16_t number;

	assert_int_equal(tenants_put(r->shard->settings.tenants, &set, &number), 0);
}

/* The phone's call hears that prompt, and ends. */
static void hears(struct line *l, struct phone *p, const char *flow, const char *prompt)
{
	put_flow(l->r, flow);
	phone_invite(p, "700", PHONE_SDP_A);
	rig_run(l->r);
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	phone_ack(p);
	rig_run(l->r);
	if (!plays(l, prompt))
		fail_msg("%s is not heard, but %s", prompt, l->r->played);
	phone_request(p, "BYE", "", "");
	rig_run(l->r);
	line_assert_idle(l->r);
}

/* The same in a place of its own. pin: NULL: it has none. */
static void hears_in(void **state, bool pin_always, const char *pin, bool own, const char *flow,
		     const char *prompt)
{
	struct line *l;

	line_teardown(state);
	line_setup(state);
	l = *state;
	terms(l->r, false, pin_always);
	has_pin(l->r, pin);
	hears(l, own ? &l->a : &l->b, flow, prompt);
	assert_int_equal(l->r->box.count, 0);
}

static bool asked(const struct line *l)
{
	return l->r->box.count && !strcmp(l->r->box.box, "1001");
}

/* Which lists it looks at, and what is known of what is there. */
static void test_own_phone(void **state)
{
	struct line *l = *state;
	const struct box_order *o = &l->r->box.order;

	has_pin(l->r, "4711");
	call_flow(l, LOGIN(""));
	assert_true(asked(l));
	assert_true(o->act == BOX_LIST && o->state == MESSAGE_OLD && o->ranked &&
		    !o->newest_first && !o->id[0]);
	rig_reply(l->r, (struct reply){ .ask = ASK_BOX,
					.of = application_call(l->r),
					.box = { .serial = l->r->box.serial,
						 .found = true,
						 .listed = true,
						 .message = { "000agvj5jqr40-1", "1002",
							      UINT64_C(1750000000000), 1, 2000,
							      MESSAGE_OLD, true, false } } });
	rig_run(l->r);
	is_answered(l);
	assert_string_equal(l->r->played, "prompt:fine");
}

/* A phone that is its own, or is not, where its box has a PIN or none. */
static void test_without_pin(void **state)
{
	hears_in(state, false, NULL, true, LOGIN(""), "prompt:none");
	hears_in(state, true, NULL, true, LOGIN(""), "prompt:none"); /* who else could set one */
	hears_in(state, true, "4711", true, LOGIN(""), "prompt:no");
	hears_in(state, false, NULL, false, LOGIN(""), "prompt:no");
	hears_in(state, false, "4711", false, LOGIN(""), "prompt:no");
	hears_in(state, false, NULL, false, PIN("4711"), "prompt:no");
}

static void test_pin(void **state)
{
	struct line *l;

	hears_in(state, false, "4711", false, PIN("4712"), "prompt:no");
	l = *state;
	assert_int_equal(l->r->security.kind, SECURITY_WRONG_PIN);
	assert_string_equal(l->r->security.detail, "password 1001");
	line_teardown(state);
	line_setup(state);
	l = *state;
	has_pin(l->r, "4711");
	put_flow(l->r, PIN("4711"));
	phone_invite(&l->b, "700", PHONE_SDP_A);
	rig_run(l->r);
	assert_true(asked(l));
}

/* VM-11: the password of SIP is the PIN, and no other one is. */
static void test_one_password(void **state)
{
	struct line *l = *state;
	struct shard_extension e = rig_extension("1001", false);

	terms(l->r, true, false);
	has_pin(l->r, "4711");
	hears(l, &l->b, PIN("4711"), "prompt:no");
	line_teardown(state);
	line_setup(state);
	l = *state;
	terms(l->r, true, false);
	digest_secret_make(&e.secret, bytes_str("1001"), bytes_str("test.local"),
			   bytes_str("815042"));
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	put_flow(l->r, PIN("815042"));
	phone_invite(&l->b, "700", PHONE_SDP_A);
	rig_run(l->r);
	assert_true(asked(l));
}

/* SEC-05: by the limiter of passwords, from whatever way guesses come. */
static void test_guessed(void **state)
{
	struct line *l = *state;
	const struct secret_guess web = { .tenant = BYTES_LIT(TENANT_DEFAULT_NAME),
					  .object = BYTES_LIT("password 1001"),
					  .source = BYTES_LIT("extension 1002"),
					  .caller = BYTES_LIT("1002") };

	has_pin(l->r, "4711");
	for (uint32_t i = 1; i < SECRET_FAILURES; i++)
		secret_limit_failed(l->r->shard->shared_tables->secrets, &web, l->r->now.ns);
	hears(l, &l->b, PIN("1"), "prompt:locked"); /* the last one */
	assert_int_equal(l->r->security.kind, SECURITY_PIN_GUESSING);
	assert_int_equal(l->r->box.count, 0);
}

/* What he gives then is not looked at. */
static void test_locked(void **state)
{
	struct line *l = *state;
	const struct secret_guess web = { .tenant = BYTES_LIT(TENANT_DEFAULT_NAME),
					  .object = BYTES_LIT("password 1001"),
					  .source = BYTES_LIT("extension 1002"),
					  .caller = BYTES_LIT("1002") };

	has_pin(l->r, "4711");
	for (uint32_t i = 0; i < SECRET_FAILURES; i++)
		secret_limit_failed(l->r->shard->shared_tables->secrets, &web, l->r->now.ns);
	hears(l, &l->b, PIN("4711"), "prompt:locked");
	assert_int_equal(l->r->box.count, 0);
}

/* Who has logged in is named beside what he does: the extension that calls. */
static void test_by(void **state)
{
	static const char flow[] =
		"{\"name\":\"main\",\"start\":\"in\",\"steps\":{"
		"\"in\":{\"login\":{\"box\":\"1001\",\"pin\":\"4711\"},\"next\":\"ask\"},"
		"\"ask\":{\"message\":{\"do\":\"delete\",\"box\":\"1001\",\"message\":"
		"\"000agvj5jqr40-1\"},\"next\":\"bye\"},\"bye\":{\"play\":[\"bye\"]}}}";
	struct line *l = *state;

	has_pin(l->r, "4711");
	put_flow(l->r, flow);
	phone_invite(&l->b, "700", PHONE_SDP_A);
	rig_run(l->r);
	assert_true(asked(l));
	assert_true(l->r->box.order.act == BOX_SET && l->r->box.order.state == MESSAGE_DELETED);
	assert_string_equal(l->r->box.by, "1002");
}

#define FORWARDS(more)                                                                      \
	"{\"name\":\"main\",\"start\":\"in\",\"steps\":{"                                   \
	"\"in\":{\"login\":{\"box\":\"1001\"},\"invalid\":\"ask\",\"rejected\":\"no\","     \
	"\"next\":\"ask\"},"                                                                \
	"\"ask\":{\"message\":{\"do\":\"forward\",\"box\":\"1001\",\"message\":"            \
	"\"000agvj5jqr40-1\",\"to\":\"1002,700\"" more "},\"none\":\"no\",\"full\":\"no\"," \
	"\"failed\":\"failed\",\"next\":\"sent\"},\"sent\":{\"play\":[\"sent\"]},"          \
	"\"no\":{\"play\":[\"no\"]},\"failed\":{\"play\":[\"failed\"]}}}"

static void forwards(void **state, const char *flow, const char *want, enum helper_result result,
		     const char *prompt)
{
	struct line *l;

	line_teardown(state);
	line_setup(state);
	l = *state;
	has_pin(l->r, "4711");
	call_flow(l, flow);
	assert_int_equal(l->r->help_count, 1);
	assert_string_equal(l->r->help_data, want);
	rig_reply(l->r, (struct reply){ .ask = ASK_HELPER,
					.of = application_call(l->r),
					.help = { .serial = l->r->help, .result = result } });
	rig_run(l->r);
	is_answered(l);
	assert_string_equal(l->r->played, prompt);
}

/* VM-05: the node is asked by a command; who has not logged in asks nothing. */
static void test_forward(void **state)
{
#define WANT(more)                                                                     \
	"{\"command\":\"message.forward\",\"args\":{\"mailbox\":\"1001\",\"message\":" \
	"\"000agvj5jqr40-1\",\"to\":\"1002,700\"" more "}}"
	forwards(state, FORWARDS(""), WANT(""), HELPER_OK, "prompt:sent");
	forwards(state, FORWARDS(",\"introduction\":\"000agvj5jqr40-2\""),
		 WANT(",\"introduction\":\"000agvj5jqr40-2\""), HELPER_OK, "prompt:sent");
	forwards(state, FORWARDS(""), WANT(""), HELPER_FAILED, "prompt:failed");
	forwards(state, FORWARDS(""), WANT(""), HELPER_TIMEOUT, "prompt:failed");
	hears_in(state, false, "4711", false, FORWARDS(""), "prompt:failed");
	assert_int_equal(((struct line *)*state)->r->help_count, 0);
#undef WANT
}

/* Behind a login; then a variable is compared. */
#define ASKS(pin, verb, value, want)                                                             \
	"{\"name\":\"main\",\"start\":\"in\",\"steps\":{"                                        \
	"\"in\":{\"login\":{\"box\":\"1001\"" pin "},\"invalid\":\"no\",\"rejected\":\"no\","    \
	"\"failed\":\"no\",\"next\":\"ask\"},"                                                   \
	"\"ask\":{" verb ",\"invalid\":\"wrong\",\"failed\":\"failed\",\"next\":\"told\"},"      \
	"\"told\":{\"match\":\"" value "\",\"on\":{\"" want "\":\"fine\"},\"else\":\"failed\"}," \
	"\"no\":{\"play\":[\"no\"]},\"wrong\":{\"play\":[\"wrong\"]},"                           \
	"\"failed\":{\"play\":[\"failed\"]},\"fine\":{\"play\":[\"fine\"]}}}"

static void asks(void **state, bool own, const char *flow, const char *want, const char *value)
{
	struct line *l;
	struct phone *p;

	line_teardown(state);
	line_setup(state);
	l = *state;
	p = own ? &l->a : &l->b;
	has_pin(l->r, "4711");
	put_flow(l->r, flow);
	phone_invite(p, "700", PHONE_SDP_A);
	rig_run(l->r);
	assert_int_equal(l->r->help_count, 1);
	assert_string_equal(l->r->help_data, want);
	rig_reply(l->r, (struct reply){ .ask = ASK_HELPER,
					.of = application_call(l->r),
					.help = { .serial = l->r->help,
						  .result = HELPER_OK,
						  .value = bytes_str(value) } });
	rig_run(l->r);
	assert_true(phone_hears(p, "SIP/2.0 200").n);
	phone_ack(p);
	rig_run(l->r);
	assert_string_equal(l->r->played, "prompt:fine");
}

/* VM-09: until the end of a day, today (2025-06-15) or the next one of that name. */
static void test_greeting_until(void **state)
{
#define GREETS(until, date)                                                           \
	ASKS("",                                                                      \
	     "\"greeting\":{\"box\":\"1001\",\"prompt\":\"greeting-1001-temporary\"," \
	     "\"recording\":\"000agvj5jqr40-1\",\"until\":\"" until "\"}",            \
	     "{until}", date)
#define WANT(until)                                                                   \
	"{\"command\":\"prompt.put\",\"args\":{\"name\":\"greeting-1001-temporary\"," \
	"\"recording\":\"000agvj5jqr40-1\",\"until_utc_ms\":" until "}}"
#define DAY   "2025-06-15"
#define UNTIL "{\"until\":\"" DAY "\"}"
	static const char *const no_days[] = { GREETS("3206", "-"), GREETS("1513", "-"),
					       GREETS("0006", "-"), GREETS("3102", "-"),
					       GREETS("2902", "-"), GREETS("1500", "-"),
					       GREETS("150", "-"),  GREETS("15060", "-"),
					       GREETS("1*06", "-"), GREETS("150*6", "-") };

	asks(state, true, GREETS("1506", DAY), WANT("1750032000000"), UNTIL);
	asks(state, true, GREETS("0107", DAY), WANT("1751414400000"), UNTIL);
	asks(state, true, GREETS("1406", DAY), WANT("1781481600000"), UNTIL);
	asks(state, true,
	     ASKS("", "\"greeting\":{\"box\":\"1001\",\"prompt\":\"greeting-1001\",\"keep\":true}",
		  "{until}", DAY),
	     "{\"command\":\"prompt.get\",\"args\":{\"name\":\"greeting-1001\"}}", UNTIL);
	for (size_t i = 0; i < COUNT_OF(no_days); i++) {
		hears_in(state, false, "4711", true, no_days[i], "prompt:wrong");
		assert_int_equal(((struct line *)*state)->r->help_count, 0);
	}
#undef GREETS
#undef WANT
#undef DAY
#undef UNTIL
}

/* VM-06: by keys; a number outside at the own phone alone. */
static void test_notification(void **state)
{
#define CALLS(pin, more)                                                        \
	ASKS(pin, "\"notification\":{\"box\":\"1001\"" more "}",                \
	     "{notify} {notify_to} {notify_when} {notify_from} {notify_until}", \
	     "urgent 0170555001 day 08:00 18:00")
#define VALUE                                                                          \
	"{\"notify\":\"urgent\",\"notify_to\":\"0170555001\",\"notify_when\":\"day\"," \
	"\"notify_from\":\"08:00\",\"notify_until\":\"18:00\"}"
#define WANT(command, more) \
	"{\"command\":\"extension." command "\",\"args\":{\"number\":\"1001\"" more "}}"
#define LOGS_IN ",\"pin\":\"4711\""
	static const char *const no_times[] = {
		CALLS("", ",\"from\":\"2400\",\"until\":\"1800\""),
		CALLS("", ",\"from\":\"0800\",\"until\":\"1860\""),
		CALLS("", ",\"from\":\"800\",\"until\":\"1800\""),
		CALLS("", ",\"from\":\"0800\""),
		CALLS("", ",\"until\":\"0800\""),
	};

	asks(state, true, CALLS("", ""), WANT("get", ""), VALUE);
	asks(state, true, CALLS("", ",\"which\":\"urgent\""),
	     WANT("put", ",\"mailbox_notify\":\"urgent\""), VALUE);
	asks(state, true, CALLS("", ",\"to\":\"0170555001\""),
	     WANT("put", ",\"mailbox_notify_to\":\"0170555001\""), VALUE);
	asks(state, true, CALLS("", ",\"from\":\"0800\",\"until\":\"1800\""),
	     WANT("put", ",\"mailbox_notify_hours\":\"08:00-18:00\""), VALUE);
	asks(state, true, CALLS("", ",\"from\":\"0000\",\"until\":\"0000\""),
	     WANT("put", ",\"mailbox_notify_hours\":\"\""), VALUE);
	asks(state, false, CALLS(LOGS_IN, ",\"to\":\"1001\""),
	     WANT("put", ",\"mailbox_notify_to\":\"1001\""), VALUE);
	hears_in(state, false, "4711", false, CALLS(LOGS_IN, ",\"to\":\"0170555001\""),
		 "prompt:wrong");
	assert_int_equal(((struct line *)*state)->r->help_count, 0);
	for (size_t i = 0; i < COUNT_OF(no_times); i++)
		hears_in(state, false, "4711", true, no_times[i], "prompt:wrong");
	hears_in(state, false, "4711", false, CALLS("", ""), "prompt:no");
#undef CALLS
#undef VALUE
#undef WANT
#undef LOGS_IN
}

/* A caller who has not logged in hears of no message, whatever the flow asks; nor does who has to another one. */
static void test_not_logged_in(void **state)
{
	static const char *const flows[] = {
		"{\"name\":\"main\",\"start\":\"ask\",\"steps\":{"
		"\"ask\":{\"message\":{\"do\":\"first\",\"box\":\"1001\"},\"none\":\"no\",\"full\":"
		"\"no\","
		"\"failed\":\"failed\",\"next\":\"no\"},\"no\":{\"play\":[\"no\"]},\"failed\":{"
		"\"play\":[\"failed\"]}}}",
		"{\"name\":\"main\",\"start\":\"in\",\"steps\":{"
		"\"in\":{\"login\":{\"box\":\"1001\"},\"invalid\":\"no\",\"rejected\":\"no\","
		"\"next\":\"ask\"},"
		"\"ask\":{\"message\":{\"do\":\"delete\",\"box\":\"1002\",\"message\":"
		"\"000agvj5jqr40-1\"},"
		"\"none\":\"no\",\"full\":\"no\",\"failed\":\"failed\",\"next\":\"no\"},\"no\":{"
		"\"play\":[\"no\"]},"
		"\"failed\":{\"play\":[\"failed\"]}}}",
		"{\"name\":\"main\",\"start\":\"in\",\"steps\":{"
		"\"in\":{\"pin\":{\"box\":\"1001\",\"pin\":\"4711\"},\"invalid\":\"no\",\"failed\":"
		"\"failed\",\"next\":\"no\"},"
		"\"no\":{\"play\":[\"no\"]},\"failed\":{\"play\":[\"failed\"]}}}",
		"{\"name\":\"main\",\"start\":\"in\",\"steps\":{"
		"\"in\":{\"login\":{\"box\":\"1001\"},\"invalid\":\"no\",\"rejected\":\"no\","
		"\"next\":\"ask\"},"
		"\"ask\":{\"greeting\":{\"box\":\"1001\",\"prompt\":\"greeting-10015\"},\"failed\":"
		"\"failed\",\"next\":\"no\"},"
		"\"no\":{\"play\":[\"no\"]},\"failed\":{\"play\":[\"failed\"]}}}",
	};
	for (size_t i = 0; i < COUNT_OF(flows); i++)
		hears_in(state, false, "4711", true, flows[i], "prompt:failed");
}

/* The successor knows who has logged in. */
static void test_restart(void **state)
{
	struct line *l = *state;

	has_pin(l->r, "4711");
	call_flow(l, LOGIN(""));
	assert_int_equal(l->r->box.count, 1);
	line_restart(l, line_stored(l));
	put_program(l->r, "", LOGIN(""));
	rig_run(l->r);
	if (l->r->program_count)
		rig_reply(l->r,
			  (struct reply){ .ask = ASK_PROGRAM,
					  .of = application_call(l->r),
					  .program = { .serial = l->r->program, .found = true } });
	rig_run(l->r);
	assert_int_equal(l->r->box.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(test_own_phone),
		LINE_TEST(test_without_pin),
		LINE_TEST(test_pin),
		LINE_TEST(test_one_password),
		LINE_TEST(test_guessed),
		LINE_TEST(test_locked),
		LINE_TEST(test_not_logged_in),
		LINE_TEST(test_by),
		LINE_TEST(test_forward),
		LINE_TEST(test_restart),
		LINE_TEST(test_greeting_until),
		LINE_TEST(test_notification),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
