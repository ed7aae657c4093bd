/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

/* Whoever opens it is not kept waiting, and is led nowhere else. */
static void test_what_is_no_file(void **state)
{
	const struct sockaddr_un socket_at = { .sun_family = AF_UNIX, .sun_path = "socket" };
	static const char *const names[] = { "fifo", "folder", "link", "dangling", "socket" };
	int fd;

	(void)state;
	assert_int_equal(chdir(g_folder), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(symlink("/dev/zero", "link"), 0);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&socket_at, sizeof(socket_at)), 0);
	(void)close(fd);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_int_equal(file_read_open(names[i]), -EBADMSG);
		assert_int_equal(remove(names[i]), 0);
	}
	assert_int_equal(file_read_open("fifo"), -ENOENT);
	assert_int_equal(file_create("file", 0600, BYTES_LIT("x")), 0);
	fd = file_read_open("file");
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(unlink("file"), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_files_can_be_made),
		cmocka_unit_test(test_where_they_cannot),
		cmocka_unit_test(test_what_is_no_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
