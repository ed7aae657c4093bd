/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/event.h"

#include "tests/event_value.h"
#include "tests/unit/test.h"

/* What clients read, and that the values are freed. */
static void assert_json(struct sig_event *event, const char *want)
{
	char space[1024];
	struct writer w = writer_over(space, sizeof(space) - 1);

	event_write_json(&w, event);
	assert_false(w.overflow);
	space[w.n] = '\0';
	assert_string_equal(space, want);
	event_clear(event);
	assert_string_equal(event_str(event, EV_TO), "");
}

static void test_json(void **state)
{
	struct sig_event digit = { .kind = SIG_CALL_DIGIT, .call = 2, .version = 9 };
	struct sig_event down = { .kind = SIG_TRUNK_DOWN, .version = 1 };
	struct sig_event gone = { .kind = SIG_UNSUBSCRIBED, .call = 2 };
	struct sig_event message = { .kind = SIG_MESSAGE_NEW };
	struct sig_event registered = { .kind = SIG_REGISTERED };

	(void)state;
	event_put_str(&digit, EV_A_STATE, "hold");
	event_put_str(&digit, EV_LEG, "b");
	event_put_str(&digit, EV_DIGIT, "#");
	event_put_str(&digit, EV_FACT_account, "7\"");
	event_put_str(&digit, EV_A_STATE, "connect"); /* the last value counts */
	event_put_str(&digit, EV_SLOT, "07");         /* it has none */
	assert_json(&digit, "{\"type\":\"call.digit\",\"call\":\"0000000000002\",\"version\":9,"
			    "\"from\":\"\",\"to\":\"\",\"a_state\":\"connect\",\"b_state\":\"\","
			    "\"account_code\":\"7\\\"\",\"from_trunk\":\"\",\"to_trunk\":\"\","
			    "\"leg\":\"b\",\"digit\":\"#\"}");
	event_put_str(&down, EV_TO, "sip.carrier.test");
	event_put_str(&down, EV_TO_TRUNK, "carrier");
	event_put_str(&down, EV_REASON, "certificate_name");
	assert_json(&down, "{\"type\":\"trunk.down\",\"version\":1,\"to\":\"sip.carrier.test\","
			   "\"to_trunk\":\"carrier\",\"reason\":\"certificate_name\"}");
	event_put_str(&gone, EV_PACKAGE, "dialog");
	event_put_str(&gone, EV_REASON, NULL);
	assert_json(&gone, "{\"type\":\"subscription.gone\",\"subscription\":\"0000000000002\","
			   "\"version\":0,\"from\":\"\",\"to\":\"\",\"package\":\"dialog\","
			   "\"reason\":\"\"}");
	event_put_number(&message, EV_URGENT, 1);
	assert_json(&message, "{\"type\":\"message.new\",\"version\":0,\"from\":\"\",\"to\":\"\","
			      "\"mailbox\":\"\",\"message\":\"\",\"state\":\"\",\"urgent\":true,"
			      "\"duration_ms\":0,\"by\":\"\",\"members\":\"\"}");
	event_put_str(&registered, EV_TO, "1001");
	assert_json(&registered, "{\"type\":\"registration.new\",\"version\":0,\"to\":\"1001\"}");
}

static bool is_listed(enum sig_event_kind kind, enum event_field field)
{
	uint16_t fields[EVENT_FIELDS_MAX];
	size_t n = event_row_fields(kind, fields);
	bool listed = false;

	for (size_t i = 0; i < n; i++)
		listed |= (fields[i] & EV_FIELD_MASK) == field && event_field_is_listed(fields[i]);
	return listed;
}

/* What is told where it has a value is not told without; some of that is in no list. */
static void test_fields_without_a_value(void **state)
{
	struct sig_event e = { .kind = SIG_CONFERENCE_CHANGED, .version = 3 };

	(void)state;
	assert_json(&e, "{\"type\":\"conference.changed\",\"version\":3,"
			"\"conference\":\"0000000000000\",\"number\":\"\",\"member\":0,\"to\":\"\","
			"\"reason\":\"\"}");
	e.call = 1;
	assert_json(&e, "{\"type\":\"conference.changed\",\"version\":3,"
			"\"call\":\"0000000000001\",\"conference\":\"0000000000000\","
			"\"number\":\"\",\"member\":0,\"to\":\"\",\"reason\":\"\"}");
	assert_true(is_listed(SIG_CALL_RECORDED, EV_RECORDING));
	assert_true(is_listed(SIG_CALL_ACCOUNT, EV_NO_ACCOUNT));
	assert_false(is_listed(SIG_CALL_RECORDED, EV_CAUSE));
	assert_true(event_kind_has(SIG_CALL_RECORDED, EV_CAUSE));
	assert_false(event_kind_has(SIG_CALL_RECORDED, EV_SLOT));
}

static void test_values(void **state)
{
	char longest[2000];
	struct sig_event e = { .kind = SIG_CALL_NOTIFY };

	(void)state;
	memset(longest, 'x', sizeof(longest));
	event_put(&e, EV_VALUES, bytes_mem(longest, sizeof(longest)));
	event_put(&e, EV_FROM, bytes_mem(longest, sizeof(longest)));
	event_put_number(&e, EV_VISIT, UINT64_MAX);
	event_put_recording(&e, 2, 17);
	assert_int_equal(strlen(event_str(&e, EV_VALUES)), 1024); /* cut to fit */
	assert_int_equal(strlen(event_str(&e, EV_FROM)), 63);
	assert_true(event_number(&e, EV_VISIT) == UINT64_MAX);
	assert_string_equal(event_str(&e, EV_RECORDING), "0000000000002-17");
	assert_int_equal(event_number(&e, EV_ORDER), 0);
	event_put_str(NULL, EV_FROM, "nobody had memory for it");
	event_clear(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_fields_without_a_value),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
