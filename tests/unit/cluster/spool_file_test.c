/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/spool/spool.h"

static char g_dir[64];

static int setup(void **state)
{
	(void)state;
	(void)snprintf(g_dir, sizeof(g_dir), "/tmp/tandem-spool-XXXXXX");
	return mkdtemp(g_dir) ? 0 : -1;
}

/* Names of all files, joined. */
static void names(char out[256], bool remove)
{
	DIR *dir = opendir(g_dir);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	out[0] = 0;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		n += (size_t)snprintf(out + n, 256 - n, "%s ", entry->d_name);
		if (remove)
			assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
	}
	assert_int_equal(closedir(dir), 0);
}

static int teardown(void **state)
{
	char text[256];

	(void)state;
	names(text, true);
	return rmdir(g_dir);
}

static void write_one(struct spool_file *f, const char *text)
{
	assert_int_equal(spool_file_write(f, bytes_str(text)), 0);
	assert_int_equal(spool_file_sync(f), 0);
}

static uint64_t expect_oldest(struct spool_file *f, const char *want)
{
	uint64_t number = 0;
	uint8_t *p = NULL;
	size_t n = 0;

	assert_int_equal(spool_file_read(f, &number, &p, &n), 0);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(p, want, n);
	free(p);
	return number;
}

static void expect_empty(struct spool_file *f)
{
	uint64_t number;
	uint8_t *p;
	size_t n;

	assert_int_equal(spool_file_read(f, &number, &p, &n), -ENOENT);
}

static void test_write_read_remove(void **state)
{
	struct spool_file f;
	uint64_t first, second;

	(void)state;
	assert_int_equal(spool_file_open(&f, g_dir), 0);
	expect_empty(&f);
	write_one(&f, "one ");
	write_one(&f, "two");
	first = expect_oldest(&f, "one two");
	/* being read, it is not written any further */
	write_one(&f, "three");
	assert_true(expect_oldest(&f, "one two") == first);
	assert_int_equal(spool_file_remove(&f, first, false), 0);
	second = expect_oldest(&f, "three");
	assert_true(second > first);
	assert_int_equal(spool_file_remove(&f, second, false), 0);
	expect_empty(&f);
	spool_file_close(&f);
}

/* What a crash left is read, never appended to: its end may be torn. */
static void test_after_crash(void **state)
{
	struct spool_file f;
	char text[256];

	(void)state;
	assert_int_equal(spool_file_open(&f, g_dir), 0);
	write_one(&f, "before");
	spool_file_close(&f);
	assert_int_equal(spool_file_open(&f, g_dir), 0);
	write_one(&f, "after");
	assert_int_equal(spool_file_remove(&f, expect_oldest(&f, "before"), true), 0);
	assert_int_equal(spool_file_remove(&f, expect_oldest(&f, "after"), false), 0);
	expect_empty(&f);
	names(text, false);
	assert_string_equal(text, "0000000000000001.broken ");
	spool_file_close(&f);
	/* the name of what was set aside is not used again */
	assert_int_equal(spool_file_open(&f, g_dir), 0);
	write_one(&f, "later");
	assert_true(expect_oldest(&f, "later") == 2);
	spool_file_close(&f);
}

static void test_segments_are_bounded(void **state)
{
	static char block[SPOOL_SEGMENT_MAX / 4];
	struct spool_file f;
	uint64_t number;
	uint8_t *p;
	size_t n;

	(void)state;
	memset(block, 'x', sizeof(block));
	assert_int_equal(spool_file_open(&f, g_dir), 0);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(spool_file_write(&f, bytes_mem(block, sizeof(block))), 0);
		assert_int_equal(spool_file_sync(&f), 0);
	}
	assert_int_equal(spool_file_read(&f, &number, &p, &n), 0);
	assert_int_equal(n, SPOOL_SEGMENT_MAX);
	free(p);
	assert_int_equal(spool_file_remove(&f, number, false), 0);
	assert_int_equal(spool_file_read(&f, &number, &p, &n), 0);
	assert_int_equal(n, SPOOL_SEGMENT_MAX / 2);
	free(p);
	spool_file_close(&f);
}

/* A write that does not fit leaves nothing behind, so the next one is found. */
static void test_full_disk(void **state)
{
	struct rlimit before, small = { .rlim_cur = 10, .rlim_max = RLIM_INFINITY };
	struct spool_file f;

	(void)state;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(spool_file_open(&f, g_dir), 0);
	write_one(&f, "whole");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(spool_file_write(&f, BYTES_LIT("too long a text")), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	write_one(&f, ", again");
	(void)expect_oldest(&f, "whole, again");
	spool_file_close(&f);
}

static void test_other_files_are_left_alone(void **state)
{
	static const char *const others[] = { "README", "0000000000000009.cdr.old",
					      "000000000000000g.cdr", "9.cdr" };
	struct spool_file f;
	int fd;

	(void)state;
	assert_int_equal(spool_file_open(&f, g_dir), 0);
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		fd = openat(f.dir_fd, others[i], O_CREAT | O_WRONLY, 0600);
		assert_true(fd >= 0);
		assert_int_equal(close(fd), 0);
	}
	expect_empty(&f);
	spool_file_close(&f);
	assert_int_equal(spool_file_open(&f, "/nonexistent/spool"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write_read_remove, setup, teardown),
		cmocka_unit_test_setup_teardown(test_after_crash, setup, teardown),
		cmocka_unit_test_setup_teardown(test_segments_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_files_are_left_alone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
