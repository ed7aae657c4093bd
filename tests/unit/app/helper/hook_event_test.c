/* SPDX-License-Identifier: Apache-2.0 */
#include "app/helper/hook_event.h"

#include <stdlib.h>

#include "base/glob.h"
#include "tests/unit/test.h"

static void test_patterns(void **state)
{
	static const struct {
		const char *patterns, *type;
		bool takes;
	} rows[] = {
		{ "", "call.new", true },
		{ "call.new", "call.new", true },
		{ "call.new", "call.news", false },
		{ "call.ne", "call.new", false },
		{ "call.*", "call.new", true },
		{ "call.*", "call.", true },
		{ "call.*", "conference.new", false },
		{ "*", "call.new", true },
		{ "*.new", "call.new.new", true },
		{ "*a*b", "xaxbxb", true },
		{ "*a*b", "xaxbxbx", false },
		{ "call.held,registration.*", "registration.gone", true },
		{ "call.held,registration.*", "call.resumed", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_null(hook_patterns_wrong(bytes_str(rows[i].patterns)));
		assert_int_equal(!rows[i].patterns[0] ||
					 glob_list_takes(bytes_str(rows[i].patterns),
							 bytes_str(rows[i].type)),
				 rows[i].takes);
	}
	assert_non_null(hook_patterns_wrong(BYTES_LIT("call.*,")));
	assert_non_null(hook_patterns_wrong(BYTES_LIT(",call.*")));
	assert_non_null(hook_patterns_wrong(BYTES_LIT("Call.new")));
	assert_non_null(hook_patterns_wrong(BYTES_LIT("call.?")));
}

static bool wanted(const char *text, const char *patterns, const char *numbers, uint64_t *order)
{
	json_t *event = json_loads(text, 0, NULL);
	bool is = hook_event_wanted(event, bytes_str(patterns), bytes_str(numbers), order);

	json_decref(event);
	return is;
}

static void test_wanted(void **state)
{
	uint64_t a = 0, b = 0, c = 0;

	(void)state;
	assert_true(wanted("{\"type\":\"call.new\",\"call\":\"1\",\"to\":\"7\"}", "", "6,7", &a));
	assert_true(wanted("{\"type\":\"call.ended\",\"call\":\"1\",\"from\":\"7\"}", "", "7", &b));
	assert_true(wanted("{\"type\":\"call.new\",\"call\":\"2\",\"number\":\"7\"}", "", "7", &c));
	assert_true(a == b && b != c);
	assert_true(wanted("{\"type\":\"registration.new\",\"to\":\"7\"}", "", "", &a));
	assert_false(wanted("{\"type\":\"call.new\",\"to\":\"70\"}", "", "7", &a));
	assert_false(wanted("{\"type\":\"call.new\"}", "conference.*", "", &a));
	assert_false(wanted("{\"type\":7}", "", "", &a));
	assert_false(wanted("{}", "", "", &a));
	assert_false(wanted("[\"type\"]", "", "", &a));
	assert_false(hook_event_wanted(NULL, (struct bytes){ 0 }, (struct bytes){ 0 }, &a));
}

static void test_body(void **state)
{
	json_t *event = json_loads("{\"type\":\"call.new\",\"call\":\"1\"}", 0, NULL);
	char *body = hook_event_body(event, "1795819317949-3", "acme");

	(void)state;
	assert_string_equal(body,
			    "{\"type\":\"call.new\",\"timestamp\":\"2026-11-27T22:41:57.949Z\","
			    "\"id\":\"1795819317949-3\",\"tenant\":\"acme\",\"data\":{\"type\":"
			    "\"call.new\",\"call\":\"1\"}}");
	free(body);
	json_decref(event);
	assert_int_equal(hook_id_ms(BYTES_LIT("1795819317949-3")), 1795819317949);
	assert_int_equal(hook_id_ms(BYTES_LIT("x-3")), 0);
}

/* Twice as long each time up to an hour, and by chance up to a quarter less: at least 30 tries a day. */
static void test_pauses(void **state)
{
	uint64_t all = 0;
	uint32_t tries = 0;

	(void)state;
	assert_int_equal(hook_pause_ms(1, 0), 1000);
	assert_int_equal(hook_pause_ms(2, 0), 2000);
	assert_int_equal(hook_pause_ms(5, 255), 16000 - 16000 * 255 / 1024);
	assert_int_equal(hook_pause_ms(UINT32_MAX, 0), HOOK_PAUSE_MAX_MS);
	for (; all < UINT64_C(86400000); tries++)
		all += hook_pause_ms(tries + 1, 0);
	assert_true(tries >= 30 && tries <= 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
