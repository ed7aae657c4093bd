/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static char g_folder[] = "/tmp/folder_test.XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(g_folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(g_folder);
}

/* What is not there would be made; nothing is left of the look. */
static void test_where_files_can_be_made(void **state)
{
	char path[128];

	(void)state;
	assert_int_equal(folder_try(g_folder), 0);
	(void)snprintf(path, sizeof(path), "%s/not/there", g_folder);
	assert_int_equal(folder_try(path), 0);
	assert_int_equal(folder_try("not/there"), 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_where_they_cannot(void **state)
{
	char path[128], below[160];
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/file", g_folder);
	(void)snprintf(below, sizeof(below), "%s/below", path);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(folder_try(path), -ENOTDIR);
	assert_int_equal(folder_try(below), -ENOTDIR);
	(void)close(fd);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_files_can_be_made),
		cmocka_unit_test(test_where_they_cannot),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
