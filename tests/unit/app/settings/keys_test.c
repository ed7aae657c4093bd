/* SPDX-License-Identifier: Apache-2.0 */
#include "app/settings/keys.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/test.h"

#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static char g_dir[] = "/tmp/tandem-keys-XXXXXX";
static char g_path[64];

static int setup(void **state)
{
	(void)state;
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	if (!mkdtemp(g_dir))
		return -1;
	(void)snprintf(g_path, sizeof(g_path), "%s/keys", g_dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(g_path);
	return rmdir(g_dir);
}

static const struct {
	const char *name, *text;
	int err;
} PARSE[] = {
	{ "one", "cluster 1 " KEY "\n", 0 },
	{ "comment and blank lines", "# x\n\n cluster 255 " KEY " \r\n#\n", 0 },
	{ "no newline", "cluster 1 " KEY, 0 },
	{ "empty", "", -EBADMSG },
	{ "only a comment", "# cluster 1 " KEY "\n", -EBADMSG },
	{ "two", "cluster 1 " KEY "\ncluster 2 " KEY "\n", -EBADMSG },
	{ "id 0", "cluster 0 " KEY "\n", -EBADMSG },
	{ "id 256", "cluster 256 " KEY "\n", -EBADMSG },
	{ "no id", "cluster " KEY "\n", -EBADMSG },
	{ "other word", "klaster 1 " KEY "\n", -EBADMSG },
	{ "short", "cluster 1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\n", -EBADMSG },
	{ "not base64", "cluster 1 !AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", -EBADMSG },
	{ "something behind", "cluster 1 " KEY " x\n", -EBADMSG },
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(PARSE); i++) {
		struct keys keys = { 0 };

		ROW_ASSERT(PARSE[i].name,
			   keys_parse(&keys, bytes_str(PARSE[i].text)) == PARSE[i].err);
		ROW_ASSERT(PARSE[i].name, keys.cluster[31] == (PARSE[i].err ? 0 : 31));
	}
}

static void test_create_and_load(void **state)
{
	struct keys keys, again;
	struct stat st;

	(void)state;
	assert_int_equal(keys_create(g_path), 0);
	assert_int_equal(stat(g_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(keys_load(&keys, g_path), 0);
	assert_int_equal(keys_create(g_path), -EEXIST);
	assert_int_equal(keys_load(&again, g_path), 0);
	assert_memory_equal(&keys, &again, sizeof(keys));
}

static void test_others_may_not_read(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0601 };
	struct keys keys;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		assert_int_equal(chmod(g_path, modes[i]), 0);
		assert_int_equal(keys_load(&keys, g_path), -EPERM);
	}
	assert_int_equal(chmod(g_path, 0600), 0);
	assert_int_equal(keys_load(&keys, "/nonexistent/keys"), -ENOENT);
	assert_int_equal(keys_load(&keys, g_dir), -EINVAL);
}

/* The first bytes of HMAC-SHA-256(00 01 .. 1f, "what"), by another implementation. */
static void test_derive(void **state)
{
	static const uint8_t want[] = { 0x24, 0x91, 0x84, 0x71 };
	struct keys keys = { .id = 1 };
	uint8_t a[KEYS_LEN], b[KEYS_LEN];

	(void)state;
	for (uint8_t i = 0; i < KEYS_LEN; i++)
		keys.cluster[i] = i;
	keys_derive(&keys, "what", a);
	keys_derive(&keys, "other", b);
	assert_memory_not_equal(a, b, KEYS_LEN);
	assert_memory_equal(a, want, sizeof(want));
}

static void test_file_create_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(file_create("/nonexistent/x", 0600, BYTES_LIT("x")), -ENOENT);
	assert_int_equal(file_create("/dev/full", 0600, BYTES_LIT("x")), -EEXIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_create_and_load),
		cmocka_unit_test(test_others_may_not_read),
		cmocka_unit_test(test_derive),
		cmocka_unit_test(test_file_create_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
