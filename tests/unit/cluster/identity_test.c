/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define ID "0123456789abcdef0123456789abcdef"

static const struct {
	const char *name, *text;
	int err;
} PARSE[] = {
	{ "as it is made", ID "\n", 0 },
	{ "without a newline", ID, 0 },
	{ "empty", "", -EBADMSG },
	{ "short", "0123456789abcdef\n", -EBADMSG },
	{ "long", ID "0\n", -EBADMSG },
	{ "not hexadecimal", "0123456789abcdef0123456789abcdeg\n", -EBADMSG },
	{ "two lines", ID "\n" ID "\n", -EBADMSG },
};

static void test_parse(void **state)
{
	char id[IDENTITY_LEN + 1];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(PARSE); i++) {
		int err = identity_parse(id, bytes_str(PARSE[i].text));

		ROW_ASSERT(PARSE[i].name, err == PARSE[i].err);
	}
}

static struct identity open_at(const char *dir, int lock_fd)
{
	struct rand_source rand;
	struct identity out;

	rand_open_system(&rand);
	assert_int_equal(identity_open(&out, dir, lock_fd, &rand), 0);
	return out;
}

static int lock_at(const char *dir)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

/* Made once; the same for ever; another directory is another place even with a copy of the file. */
static void test_open(void **state)
{
	char dir[] = "/tmp/tandem-identity-XXXXXX", path[64], lock[64];
	struct identity first, again, other;
	struct stat st;
	int a, b;

	(void)state;
	assert_non_null(mkdtemp(dir));
	a = lock_at(dir);
	first = open_at(dir, a);
	again = open_at(dir, a);
	assert_string_equal(first.id, again.id);
	assert_string_equal(first.place, again.place);
	assert_non_null(strstr(first.where, dir));
	(void)snprintf(path, sizeof(path), "%s/identity", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* another file as the lock */
	(void)snprintf(lock, sizeof(lock), "%s/lock", dir);
	assert_int_equal(unlink(lock), 0);
	b = lock_at(dir);
	other = open_at(dir, b);
	assert_string_equal(first.id, other.id);
	assert_string_not_equal(first.place, other.place);
	assert_int_equal(close(a), 0);
	assert_int_equal(close(b), 0);
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
