/* SPDX-License-Identifier: Apache-2.0 */
/* What sessions of FTP find in their folders, what becomes of uploads, and when folders go. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/feature/provision/ftp/ftp.h"
#include "base/clock.h"
#include "tests/unit/test.h"

enum { KEPT_S = 900 };

static char g_top[] = "/tmp/tandem-ftp-XXXXXX", g_path[FTP_PATH_MAX];
static uint64_t g_now_ns;
static char g_read[256];

static void on_read(const char *account, const char *path)
{
	(void)snprintf(g_read, sizeof(g_read), "%s %s", account, path);
}

static const char *at(const char *name)
{
	static char path[4][FTP_PATH_MAX * 2];
	static unsigned turn;

	turn = (turn + 1) % COUNT_OF(path);
	(void)snprintf(path[turn], sizeof(path[0]), "%s/%s", name[0] == '/' ? g_top : g_path, name);
	return path[turn];
}

static bool is_there(const char *name)
{
	return !access(at(name), F_OK);
}

static void put(const char *name, size_t n)
{
	FILE *f = fopen(at(name), "w");

	assert_non_null(f);
	for (size_t i = 0; i < n; i++)
		(void)fputc('x', f);
	assert_int_equal(fclose(f), 0);
}

static off_t size_of(const char *name)
{
	struct stat st;

	return stat(at(name), &st) ? -1 : st.st_size;
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	return stat(at(name), &st) ? 0 : st.st_mode & 0777;
}

static void lay(const char *account, bool closed)
{
	json_t *answer =
		json_pack("{s:s, s:b, s:[[s,s],[s,s],[s,s]], s:[[s,s]], s:{s:s, s:s}}", "account",
			  account, "closed", (int)closed, "files", "m.cfg", "first", "m-r/e.cfg",
			  "secret", "m-directory.xml", "people", "firmware", "m-firmware/sip.ld",
			  at("/sip.ld"), "uploads", "m-app.log", at("/phones/default/m/m-app.log"),
			  "m-directory.xml", at("/phones/default/m/m-directory.xml"));

	assert_non_null(answer);
	assert_int_equal(ftp_folder_lay(answer, g_now_ns, g_path), 0);
	json_decref(answer);
}

static int open_anew(void)
{
	char folder[FTP_PATH_MAX];

	(void)snprintf(folder, sizeof(folder), "%s/ftp", g_top);
	return ftp_folders_open(folder, KEPT_S * NS_PER_S);
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(g_top));
	g_now_ns = clock_now_ns();
	put("/sip.ld", 3);
	return open_anew();
}

/* A session writes to no file that was laid for it. */
static void test_laid(void **state)
{
	(void)state;
	lay("default+201", false);
	assert_int_equal(size_of("m.cfg"), 5);
	assert_int_equal(size_of("m-r/e.cfg"), 6);
	assert_int_equal(size_of("m-firmware/sip.ld"), 3);
	assert_int_equal(mode_of("m.cfg"), 0400);
	assert_int_equal(mode_of("m-r/e.cfg"), 0400);
	assert_int_equal(mode_of("m-r"), 0500);
	assert_int_equal(mode_of("m-firmware"), 0500);
	assert_int_equal(mode_of("m-firmware/sip.ld"), 0400);
	assert_int_equal(mode_of(""), 0700);
	put("/sip.ld", 4); /* another one */
	lay("default+201", false);
	assert_int_equal(size_of("m-firmware/sip.ld"), 4);
	lay("public", true);
	assert_int_equal(mode_of(""), 0500);
}

static void test_uploads(void **state)
{
	(void)state;
	lay("default+201", false);
	put("m-app.log", 7);
	put("x.log", 1);
	put("m-boot.log", 1);
	assert_int_equal(mkdir(at("folder"), 0700), 0);
	ftp_folders_look(on_read);
	assert_int_equal(size_of("/phones/default/m/m-app.log"), 7);
	assert_false(is_there("x.log") || is_there("m-boot.log") || is_there("folder"));
	assert_true(is_there("m-app.log") && is_there("m-r/e.cfg") && is_there("m.cfg"));
	put("m-app.log", FTP_UPLOAD_MAX + 1);
	ftp_folders_look(on_read);
	assert_int_equal(size_of("/phones/default/m/m-app.log"), 7);
	assert_false(is_there("m-app.log"));
	put("m-app.log", FTP_UPLOAD_MAX);
	ftp_folders_look(on_read);
	assert_int_equal(size_of("/phones/default/m/m-app.log"), FTP_UPLOAD_MAX);
	assert_int_equal(unlink(at("m-directory.xml")), 0); /* its own, not that of the tenant */
	put("/phones/default/m/m-directory.xml", 9);
	lay("default+201", false);
	assert_int_equal(size_of("m-directory.xml"), 9);
}

static void test_read(void **state)
{
	int fd;

	(void)state;
	lay("default+201", false);
	ftp_folders_look(on_read);
	g_read[0] = '\0';
	fd = open(at("m.cfg"), O_RDONLY);
	(void)close(fd);
	ftp_folders_look(on_read);
	assert_string_equal(g_read, "");
	fd = open(at("m-r/e.cfg"), O_RDONLY);
	(void)close(fd);
	ftp_folders_look(on_read);
	assert_string_equal(g_read, "default+201 m-r/e.cfg");
}

/* What a session is in is never opened again: what changed lies in another folder, and the former
 * one stays for those who are in it. */
static void test_public(void **state)
{
	char former[FTP_PATH_MAX];
	struct stat st, folder;

	(void)state;
	lay("public", true);
	(void)snprintf(former, sizeof(former), "%s", g_path);
	assert_int_equal(stat(former, &st), 0);
	lay("public", true);
	assert_string_equal(g_path, former);
	assert_int_equal(stat(former, &folder), 0);
	assert_int_equal(memcmp(&st.st_ctim, &folder.st_ctim, sizeof(st.st_ctim)), 0);
	put("/sip.ld", 5);
	lay("public", true);
	assert_string_not_equal(g_path, former);
	assert_int_equal(size_of("m-firmware/sip.ld"), 5);
	assert_int_equal(mode_of(""), 0500);
	assert_int_equal(stat(former, &folder), 0);
	assert_int_equal(memcmp(&st.st_ctim, &folder.st_ctim, sizeof(st.st_ctim)), 0);
}

/* A sub-folder is not opened either, and one that a session has made first is not taken. */
static void test_folders(void **state)
{
	struct stat st, again;
	int fd;

	(void)state;
	lay("default+204", false);
	assert_int_equal(stat(at("m-firmware"), &st), 0);
	lay("default+204", false);
	assert_int_equal(stat(at("m-firmware"), &again), 0);
	assert_int_equal(memcmp(&st.st_ctim, &again.st_ctim, sizeof(st.st_ctim)), 0);
	fd = open(at("m-firmware"), O_RDONLY | O_DIRECTORY); /* as a session that is in it */
	put("/sip.ld", 6);
	lay("default+204", false);
	assert_int_equal(size_of("m-firmware/sip.ld"), 6);
	assert_int_equal(mode_of("m-firmware"), 0500);
	assert_int_equal(openat(fd, "x", O_WRONLY | O_CREAT, 0600), -1);
	(void)close(fd);
	ftp_folders_beat(clock_now_ns() + KEPT_S * NS_PER_S + NS_PER_S);
	assert_int_equal(mkdir(g_path, 0700), 0);
	assert_int_equal(mkdir(at("m-r"), 0700), 0);
	put("m-r/mine", 1);
	lay("default+204", false);
	assert_false(is_there("m-r/mine"));
	assert_int_equal(mode_of("m-r"), 0500);
}

/* Folders go with all that is in them, also where it is deeper than a path may be long. */
static void test_trees(void **state)
{
	char part[101];
	int top, fd;

	(void)state;
	memset(part, 'd', sizeof(part) - 1);
	part[sizeof(part) - 1] = '\0';
	lay("default+205", false);
	assert_int_equal(mkdir(at("a"), 0700), 0);
	put("a/x", 1);
	top = fd = open(at("a"), O_RDONLY | O_DIRECTORY);
	for (unsigned i = 0; i < 60; i++) {
		int next;

		assert_int_equal(mkdirat(fd, part, 0700), 0);
		next = openat(fd, part, O_RDONLY | O_DIRECTORY);
		assert_true(next >= 0);
		if (fd != top)
			(void)close(fd);
		fd = next;
	}
	(void)close(fd);
	(void)close(top);
	ftp_folders_look(on_read);
	assert_false(is_there("a"));
	assert_true(is_there("m-r/e.cfg"));
}

/* What a session does to its firmware does not have it copied anew. */
static void test_utime(void **state)
{
	struct stat st, again;

	(void)state;
	lay("default+206", false);
	assert_int_equal(stat(at("m-firmware/sip.ld"), &st), 0);
	assert_int_equal(utimensat(AT_FDCWD, at("m-firmware/sip.ld"), NULL, 0), 0);
	lay("default+207", false);
	assert_int_equal(stat(at("m-firmware/sip.ld"), &again), 0);
	assert_int_equal(again.st_ino, st.st_ino);
}

/* Also what a session has left there goes. */
static void test_gone(void **state)
{
	(void)state;
	lay("public", true);
	lay("default+201", false);
	ftp_folders_beat(g_now_ns + KEPT_S * NS_PER_S - 1);
	assert_true(is_there("m.cfg"));
	assert_int_equal(mkdir(at("a"), 0500), 0);
	ftp_folders_beat(clock_now_ns() + KEPT_S * NS_PER_S + NS_PER_S);
	assert_false(is_there(""));
	lay("default+201", false);
	assert_true(is_there("m-r/e.cfg"));
	assert_int_equal(open_anew(), 0); /* a new process finds nothing */
	assert_false(is_there(""));
}

static int teardown(void **state)
{
	char command[FTP_PATH_MAX];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", g_top);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_laid),    cmocka_unit_test(test_uploads),
		cmocka_unit_test(test_read),    cmocka_unit_test(test_public),
		cmocka_unit_test(test_folders), cmocka_unit_test(test_trees),
		cmocka_unit_test(test_utime),   cmocka_unit_test(test_gone)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
