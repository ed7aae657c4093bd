/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/control.h"

#include "tests/unit/test.h"

#define LONG_NAME "0123456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *name;
	const char *fields[14];
	const char *wrong; /* NULL: fine */
} ROWS[] = {
	{ "all",
	  { "v", "1", "id", "a-1", "do", "help", "args", "{}", "client", "c.1", "ttl_ms", "5000" },
	  NULL },
	{ "least", { "v", "1", "id", "a", "do", "help" }, NULL },
	{ "unknown field", { "v", "1", "id", "a", "do", "help", "color", "red" }, NULL },
	{ "longest names", { "v", "1", "id", LONG_NAME, "do", "help", "client", LONG_NAME }, NULL },
	{ "no version", { "id", "a", "do", "help" }, "v must be 1" },
	{ "version 2", { "v", "2", "id", "a", "do", "help" }, "v must be 1" },
	{ "no id", { "v", "1", "do", "help" }, "id must be" },
	{ "empty id", { "v", "1", "id", "", "do", "help" }, "id must be" },
	{ "id too long", { "v", "1", "id", LONG_NAME "x", "do", "help" }, "id must be" },
	{ "id with a brace", { "v", "1", "id", "a}b", "do", "help" }, "id must be" },
	{ "client with a colon",
	  { "v", "1", "id", "a", "do", "help", "client", "a:b" },
	  "client must be" },
	{ "no command", { "v", "1", "id", "a" }, "do must be" },
	{ "ttl 0", { "v", "1", "id", "a", "do", "x", "ttl_ms", "0" }, "ttl_ms" },
	{ "ttl no number", { "v", "1", "id", "a", "do", "x", "ttl_ms", "5s" }, "ttl_ms" },
};

static void test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct control_entry e;
		const char *wrong;

		assert_int_equal(control_entry_start(&e, BYTES_LIT("1700000000000-0")), 0);
		for (size_t f = 0; ROWS[i].fields[f]; f += 2)
			control_entry_field(&e, bytes_str(ROWS[i].fields[f]),
					    bytes_str(ROWS[i].fields[f + 1]));
		wrong = control_entry_check(&e);
		ROW_ASSERT(ROWS[i].name, !wrong == !ROWS[i].wrong);
		ROW_ASSERT(ROWS[i].name, !wrong || strstr(wrong, ROWS[i].wrong));
	}
}

/* A program has more room than the arguments of other commands. */
static void test_length(void **state)
{
	static char text[COMMAND_TREE_MAX + 1];
	static const struct {
		const char *command;
		size_t n;
		bool fine;
	} rows[] = {
		{ "help", COMMAND_JSON_MAX, true },
		{ "help", COMMAND_JSON_MAX + 1, false },
		{ "no.such", COMMAND_JSON_MAX + 1, false },
		{ "flow.put", COMMAND_TREE_MAX, true },
		{ "flow.put", COMMAND_TREE_MAX + 1, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct control_entry e = { .version = BYTES_LIT("1"),
					   .id = BYTES_LIT("a"),
					   .command = bytes_str(rows[i].command),
					   .args = bytes_mem(text, rows[i].n) };

		ROW_ASSERT(rows[i].command, !control_entry_check(&e) == rows[i].fine);
	}
}

static void test_unusable_names_are_dropped(void **state)
{
	struct control_entry e;

	(void)state;
	assert_int_equal(control_entry_start(&e, BYTES_LIT("1-0")), 0);
	control_entry_field(&e, BYTES_LIT("id"), BYTES_LIT("a{b"));
	control_entry_field(&e, BYTES_LIT("client"), BYTES_LIT("good"));
	assert_non_null(control_entry_check(&e));
	assert_int_equal(e.id.n, 0);
	assert_true(bytes_is(e.client, "good"));
	control_entry_field(&e, BYTES_LIT("client"), BYTES_LIT("b a d"));
	assert_non_null(control_entry_check(&e));
	assert_int_equal(e.client.n, 0);
}

/* Who moved it to another node has claimed its id. */
static void test_claim(void **state)
{
	struct control_entry e;

	(void)state;
	assert_int_equal(control_entry_start(&e, BYTES_LIT("1-0")), 0);
	assert_int_equal(e.claim.n, 0);
	control_entry_field(&e, BYTES_LIT("claim"), BYTES_LIT("1700000000000-7"));
	assert_true(bytes_is(e.claim, "1700000000000-7"));
}

static void test_expiry(void **state)
{
	struct control_entry e;

	(void)state;
	assert_int_equal(control_entry_start(&e, BYTES_LIT("1700000000000-7")), 0);
	assert_false(control_entry_is_expired(&e, 1800000000000));
	control_entry_field(&e, BYTES_LIT("ttl_ms"), BYTES_LIT("5000"));
	assert_false(control_entry_is_expired(&e, 1700000005000));
	assert_true(control_entry_is_expired(&e, 1700000005001));
	assert_false(control_entry_is_expired(&e, 1600000000000)); /* clocks differ */
	/* one that was put back is as old as it was (control_pass) */
	control_entry_field(&e, BYTES_LIT("since"), BYTES_LIT("1699999999999"));
	control_entry_field(&e, BYTES_LIT("passed"), BYTES_LIT("3"));
	assert_true(control_entry_is_expired(&e, 1700000005000));
	assert_int_equal(e.passed, 3);
	control_entry_field(&e, BYTES_LIT("passed"), BYTES_LIT("-3"));
	assert_int_equal(e.passed, UINT64_MAX);
	assert_true(control_entry_start(&e, BYTES_LIT("x-1")) != 0);
	assert_true(control_entry_start(&e, BYTES_LIT("")) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_unusable_names_are_dropped),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_claim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
