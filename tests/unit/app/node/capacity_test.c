/* SPDX-License-Identifier: Apache-2.0 */
#include "app/node/node_capacity.h"

#include "tests/unit/test.h"

static void test_rows(void **state)
{
	static const struct {
		const char *name;
		uint64_t fds;
		struct capacity wanted, want;
	} rows[] = {
		{ "all fit", 100000, { 4000, 1000, 100 }, { 4000, 1000, 100 } },
		{ "few calls leave much", 20000, { 100, 10000, 0 }, { 100, 10000, 0 } },
		/* 19,744 usable, of which 8 are for each call */
		{ "as much as they leave", 20000, { 2000, 10000, 0 }, { 2000, 4936, 0 } },
		{ "connections before browsers",
		  20000,
		  { 100, 12000, 9000 },
		  { 100, 12000, 6944 } },
		{ "a share stays for calls", 20000, { 4000, 10000, 0 }, { 3702, 4936, 0 } },
		{ "many calls, both shares",
		  20000,
		  { 1000000, 1000000, 1000000 },
		  { 2468, 4936, 4936 } },
		{ "no room for a call", 259, { 10, 10, 0 }, { 0, 3, 0 } },
		{ "nothing at all", 100, { 10, 10, 10 }, { 0, 0, 0 } },
		{ "no limit", INT32_MAX / 2, { 1000000, 1000000, 5 }, { 1000000, 1000000, 5 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct capacity got = capacity_fit(rows[i].fds, &rows[i].wanted);

		if (got.calls != rows[i].want.calls ||
		    got.connections != rows[i].want.connections ||
		    got.websockets != rows[i].want.websockets)
			fail_msg("%s: %u calls, %u connections, %u websockets", rows[i].name,
				 got.calls, got.connections, got.websockets);
	}
}

/* Whatever is wanted, what is given is there, and nobody has more than he wants. */
static void test_never_too_many(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		const struct capacity wanted = { (uint32_t)(i * 7919 % 30011),
						 (uint32_t)(i * 104729 % 40009),
						 (uint32_t)(i * 1299709 % 20011) };
		uint64_t fds = i * 15485863 % 70001;
		struct capacity got = capacity_fit(fds, &wanted);

		assert_true(got.calls <= wanted.calls && got.connections <= wanted.connections &&
			    got.websockets <= wanted.websockets);
		assert_true((uint64_t)got.calls * CAPACITY_CALL_FDS + got.connections +
				    got.websockets <=
			    (fds > CAPACITY_OTHER_FDS ? fds - CAPACITY_OTHER_FDS : 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_never_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
