/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"

static int g_pipe[2];

static int setup(void **state)
{
	(void)state;
	assert_int_equal(pipe2(g_pipe, O_NONBLOCK | O_CLOEXEC), 0);
	log_setup(g_pipe[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_setup(STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	(void)close(g_pipe[0]);
	(void)close(g_pipe[1]);
	return 0;
}

/* All lines written since the last call. */
static struct bytes taken(void)
{
	static char buf[65536];
	ssize_t n = read(g_pipe[0], buf, sizeof(buf));

	return bytes_mem(buf, n > 0 ? (size_t)n : 0);
}

/* The line without its time, which is checked for its shape. */
static struct bytes taken_line(const char *before, const char *after)
{
	static const char SHAPE[] = "dddd-dd-ddTdd:dd:dd.dddZ";
	struct bytes line = taken();

	assert_true(bytes_starts(line, before));
	line = bytes_from(line, strlen(before));
	for (size_t i = 0; i < sizeof(SHAPE) - 1; i++) {
		assert_true(i < line.n);
		if (SHAPE[i] == 'd')
			assert_in_range(line.p[i], '0', '9');
		else
			assert_int_equal(line.p[i], SHAPE[i]);
	}
	line = bytes_from(line, sizeof(SHAPE) - 1);
	assert_true(bytes_starts(line, after));
	return bytes_from(line, strlen(after));
}

static void text_lines(void **state)
{
	struct addr a;

	(void)state;
	assert_int_equal(addr_parse(&a, BYTES_LIT("[2001:db8::1]:5060")), 0);
	LOG_INFO("sip", UINT64_C(0x0123456789abcdef), "call started", LOG_STR("method", "INVITE"),
		 LOG_ADDR("from", &a), LOG_INT("delta", -3), LOG_U64("bytes", UINT64_MAX),
		 LOG_BYTES("user", BYTES_LIT("alice")));
	assert_true(bytes_is(taken_line("ts=", " "),
			     "level=info unit=sip call=028q5cu4qnjff msg=\"call started\" "
			     "method=INVITE from=[2001:db8::1]:5060 delta=-3 "
			     "bytes=18446744073709551615 user=alice\n"));
	LOG_ERROR("sip", 0, "plain");
	assert_true(bytes_is(taken_line("ts=", " "), "level=error unit=sip msg=plain\n"));
}

static void values_cannot_forge(void **state)
{
	static const struct row {
		const char *name;
		struct bytes in;
		const char *text, *json;
	} rows[] = {
		{ "plain", BYTES_LIT("a-b:c/d@e"), "a-b:c/d@e", "\"a-b:c/d@e\"" },
		{ "empty", BYTES_LIT(""), "\"\"", "\"\"" },
		{ "blank", BYTES_LIT("a b"), "\"a b\"", "\"a b\"" },
		{ "pair", BYTES_LIT("x level=error"), "\"x level=error\"", "\"x level=error\"" },
		{ "equals", BYTES_LIT("a=b"), "\"a=b\"", "\"a=b\"" },
		{ "quote", BYTES_LIT("a\"b"), "\"a\\\"b\"", "\"a\\\"b\"" },
		{ "backslash", BYTES_LIT("a\\"), "\"a\\\\\"", "\"a\\\\\"" },
		{ "new line", BYTES_LIT("a\r\nts=1"), "\"a\\r\\nts=1\"", "\"a\\r\\nts=1\"" },
		{ "tab", BYTES_LIT("\t"), "\"\\t\"", "\"\\t\"" },
		{ "zero", BYTES_LIT("a\0b"), "\"a\\x00b\"", "\"a\\u0000b\"" },
		{ "escape", BYTES_LIT("\x1b[2J"), "\"\\x1b[2J\"", "\"\\u001b[2J\"" },
		{ "delete", BYTES_LIT("\x7f"), "\"\\x7f\"", "\"\\u007f\"" },
		{ "not ASCII", BYTES_LIT("\xc3\xbc"), "\"\\xc3\\xbc\"", "\"\\u00c3\\u00bc\"" },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char want[128];

		log_setup(g_pipe[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
		LOG_INFO("t", 0, "m", LOG_BYTES("v", row->in));
		(void)snprintf(want, sizeof(want), "v=%s\n", row->text);
		ROW_ASSERT(row->name,
			   bytes_is(taken_line("ts=", " level=info unit=t msg=m "), want));
		log_setup(g_pipe[1], LOG_LEVEL_INFO, LOG_FORMAT_JSON);
		LOG_INFO("t", 0, "m", LOG_BYTES("v", row->in));
		(void)snprintf(want, sizeof(want), "\"v\":%s}\n", row->json);
		ROW_ASSERT(row->name,
			   bytes_is(taken_line("{\"ts\":\"", "\",\"level\":\"info\",\"unit\":\"t\","
							     "\"msg\":\"m\","),
				    want));
	}
}

static void json_numbers_are_bare(void **state)
{
	(void)state;
	log_setup(g_pipe[1], LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	LOG_WARN("t", 1, "numbers", LOG_INT("a", INT64_MIN), LOG_U64("b", 2), LOG_STR("c", NULL));
	assert_true(bytes_is(taken_line("{\"ts\":\"", "\","),
			     "\"level\":\"warn\",\"unit\":\"t\",\"call\":\"0000000000001\","
			     "\"msg\":\"numbers\",\"a\":-9223372036854775808,\"b\":2,"
			     "\"c\":\"\"}\n"));
}

static void long_values_are_cut(void **state)
{
	static char value[100000];
	struct bytes line;
	struct log_pair many[40];

	(void)state;
	memset(value, 'x', sizeof(value));
	LOG_INFO("t", 0, "one long", LOG_BYTES("v", bytes_mem(value, sizeof(value))),
		 LOG_U64("after", 1));
	line = taken();
	assert_in_range(line.n, 500, 1000);
	assert_memory_equal(line.p + line.n - 14, "x...\" after=1\n", 14);
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = LOG_BYTES("v", bytes_mem(value, 400));
	log_write(LOG_LEVEL_INFO, "t", 0, "many", many, COUNT_OF(many));
	line = taken();
	assert_in_range(line.n, 3000, 4096);
	assert_memory_equal(line.p + line.n - 8, "x cut=1\n", 8);
}

static void levels(void **state)
{
	static const enum log_level all[] = { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
					      LOG_LEVEL_DEBUG };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		log_level_set(all[i]);
		assert_int_equal(log_level_get(), all[i]);
		for (size_t j = 0; j < COUNT_OF(all); j++) {
			LOG_AT(all[j], "t", 0, "levels");
			assert_true((taken().n > 0) == (j <= i));
			assert_true(log_wants(all[j]) == (j <= i));
		}
		assert_ptr_equal(log_level_name(all[i]), g_log_levels[all[i]]);
	}
	assert_string_equal(g_log_levels[LOG_LEVEL_DEBUG], "debug");
	assert_null(g_log_levels[COUNT_OF(all)]);
}

static void floods_are_held_back_and_counted(void **state)
{
	const uint64_t start = 50 * NS_PER_S;
	uint32_t suppressed;
	unsigned passed = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		passed += log_flood_pass("t", "flood", false, start + (uint64_t)i, &suppressed);
	assert_int_equal(passed, LOG_FLOOD_PER_S);
	assert_true(log_flood_pass("t", "another", false, start, &suppressed));
	assert_true(log_flood_pass("u", "flood", false, start, &suppressed));
	assert_int_equal(suppressed, 0);
	assert_true(log_flood_pass("t", "flood", false, start + NS_PER_S, &suppressed));
	assert_int_equal(suppressed, 1000 - LOG_FLOOD_PER_S);
	assert_true(log_flood_pass("t", "flood", false, start + NS_PER_S, &suppressed));
	assert_int_equal(suppressed, 0);
}

/* What says the same again and again is not said a hundred times a second. */
static void troubles_are_said_less_often(void **state)
{
	const uint64_t start = 50 * NS_PER_S;
	uint32_t suppressed, held_back = 0;
	unsigned passed = 0;

	(void)state;
	for (uint64_t ms = 0; ms < 60000; ms++) {
		passed += log_flood_pass("t", "trouble", true, start + ms * NS_PER_MS, &suppressed);
		held_back += suppressed;
	}
	assert_int_equal(passed, 6 * LOG_FLOOD_TROUBLE);
	assert_int_equal(held_back, 50000 - 5 * LOG_FLOOD_TROUBLE);
}

/* Unit and message are two texts, not one. */
static void flood_kinds_do_not_run_together(void **state)
{
	uint32_t suppressed;

	(void)state;
	for (int i = 0; i < 1000; i++)
		(void)log_flood_pass("ab", "c", false, 0, &suppressed);
	assert_true(log_flood_pass("a", "bc", false, 0, &suppressed));
	assert_true(log_flood_pass("abc", "", false, 0, &suppressed));
}

static void the_next_line_says_what_was_held_back(void **state)
{
	uint64_t until = clock_now_ns() + 20 * NS_PER_S;
	struct bytes lines;

	(void)state;
	for (int i = 0; i < 500; i++)
		LOG_INFO("t", 0, "burst");
	lines = taken();
	assert_true(lines.n > 0);
	do {
		LOG_INFO("t", 0, "burst");
		lines = taken();
		assert_true(clock_now_ns() < until);
	} while (lines.n == 0);
	assert_non_null(memmem(lines.p, lines.n, " msg=burst suppressed=", 22));
}

static void lines_nobody_took_are_counted(void **state)
{
	static char rest[65536];
	struct bytes line;

	(void)state;
	memset(rest, 'x', sizeof(rest));
	while (write(g_pipe[1], rest, sizeof(rest)) > 0)
		continue;
	LOG_INFO("t", 0, "lost");
	LOG_INFO("t", 0, "lost too");
	while (read(g_pipe[0], rest, sizeof(rest)) > 0)
		continue;
	LOG_INFO("t", 0, "back");
	line = taken();
	assert_non_null(memmem(line.p, line.n, " msg=back lost=2\n", 17));
}

enum { THREADS = 4, LINES = 80 };

static void *writer_thread(void *arg)
{
	for (int i = 0; i < LINES; i++)
		LOG_INFO(arg, 0, "from a thread", LOG_INT("i", i));
	return NULL;
}

static void threads_write_whole_lines(void **state)
{
	static char units[THREADS][4] = { "t0", "t1", "t2", "t3" };
	pthread_t threads[THREADS];
	struct bytes rest, line;
	unsigned n = 0;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, writer_thread, units[i]), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	rest = taken();
	while (bytes_cut(&rest, '\n', &line)) {
		assert_true(bytes_starts(line, "ts="));
		assert_non_null(memmem(line.p, line.n, " msg=\"from a thread\" i=", 23));
		n++;
	}
	assert_int_equal(n, THREADS * LINES);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(text_lines),
		LOG_TEST(values_cannot_forge),
		LOG_TEST(json_numbers_are_bare),
		LOG_TEST(long_values_are_cut),
		LOG_TEST(levels),
		LOG_TEST(floods_are_held_back_and_counted),
		LOG_TEST(flood_kinds_do_not_run_together),
		LOG_TEST(troubles_are_said_less_often),
		LOG_TEST(the_next_line_says_what_was_held_back),
		LOG_TEST(lines_nobody_took_are_counted),
		LOG_TEST(threads_write_whole_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
