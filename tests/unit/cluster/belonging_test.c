/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/identity.h"

#define ID "0123456789abcdef0123456789abcdef"

static void test_parse(void **state)
{
	static const struct {
		const char *name, *text;
		int err;
		const char *place;
	} rows[] = {
		{ "own", ID " own\n", 0, "own" },
		{ "a server", ID " redis://10.0.0.1:6379/3\n", 0, "redis://10.0.0.1:6379/3" },
		{ "without an end of line", ID " own", 0, "own" },
		{ "empty", "", -EBADMSG, NULL },
		{ "no place", ID "\n", -EBADMSG, NULL },
		{ "an empty place", ID " \n", -EBADMSG, NULL },
		{ "short id", "0123 own\n", -EBADMSG, NULL },
		{ "no hexadecimal digits", "0123456789abcdef0123456789abcdeg own\n", -EBADMSG, NULL },
		{ "more than a place", ID " own or not\n", -EBADMSG, NULL },
		{ "two lines", ID " own\nown\n", -EBADMSG, NULL },
	}, *row;
	struct belonging b, was = { .id = "was", .place = "was" };

	(void)state;
	EACH_ROW(row, rows)
	{
		b = was;
		ROW_ASSERT(row->name, belonging_parse(&b, bytes_str(row->text)) == row->err);
		ROW_ASSERT(row->name, !strcmp(b.id, row->err ? "was" : ID));
		ROW_ASSERT(row->name, !strcmp(b.place, row->err ? "was" : row->place));
	}
}

static void file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
}

static void test_file(void **state)
{
	const struct belonging a = { .id = ID, .place = "own" };
	const struct belonging b = { .id = ID, .place = "unix:/run/redis.sock" };
	char dir[] = "/tmp/tandem-belonging-XXXXXX", path[64];
	struct belonging got;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/cluster", dir);
	assert_int_equal(belonging_read(&got, dir), -ENOENT);
	assert_int_equal(belonging_keep(&a, dir), 0);
	assert_int_equal(belonging_read(&got, dir), 0);
	assert_string_equal(got.id, a.id);
	assert_string_equal(got.place, a.place);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(belonging_keep(&b, dir), 0);
	assert_int_equal(belonging_read(&got, dir), 0);
	assert_string_equal(got.place, b.place);
	file_write(path, "nonsense\n");
	assert_int_equal(belonging_read(&got, dir), -EBADMSG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
