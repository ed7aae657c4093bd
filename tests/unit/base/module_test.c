/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that are there are loaded by the tests of G.729 and of DPDK's port. */
#include "tests/unit/test.h"

#include <errno.h>
#include <libgen.h>
#include <unistd.h>

#include "base/module.h"

#define FILE_NAME "module_test_text.so"

static const struct module g_module = {
	.file = FILE_NAME, .folder = "nowhere", .symbol = "symbol", .needs = "a reason"
};

static void test_not_there(void **state)
{
	char why[MODULE_TEXT_MAX] = "";

	(void)state;
	assert_null(module_load(&g_module, why));
	assert_string_equal(why, "there is no " FILE_NAME
				 ": it was built without a reason, or not installed");
}

/* The loader says what is wrong with what lies beside the program. */
static void test_no_library(void **state)
{
	char program[1024], path[2048], why[MODULE_TEXT_MAX] = "";
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	FILE *f;

	(void)state;
	assert_true(n > 0);
	program[n] = '\0';
	(void)snprintf(path, sizeof(path), "%s/" FILE_NAME, dirname(program));
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs("no library\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_null(module_load(&g_module, why));
	assert_int_equal(unlink(path), 0);
	assert_non_null(strstr(why, FILE_NAME ": "));
	assert_null(strstr(why, "there is no"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_no_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
