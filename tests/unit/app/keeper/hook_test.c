/* SPDX-License-Identifier: Apache-2.0 */
/* The process that runs the operator's program, with scripts of the test's own. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/keeper/hook.h"
#include "base/clock.h"

#define PATIENCE_NS (10 * NS_PER_S)

enum { STEP_US = 1000, LIMIT_MS = 300, TEXT = 4096 };

static char g_dir[] = "/tmp/tandem-hook-XXXXXX";
static char g_program[PATH_MAX], g_recorded[PATH_MAX];

static struct addr hook_address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

static void file_write(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

/* A program that does so, after its words have gone to the file. */
static void program_is(const char *what)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "#!/bin/sh\necho \"$*\" >> %s\n%s\n", g_recorded, what);
	file_write(g_program, text, 0755);
	(void)unlink(g_recorded);
}

static const char *file_said(void)
{
	static char text[TEXT];
	int fd = open(g_recorded, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static bool file_becomes(const char *wanted)
{
	uint64_t end_ns = clock_now_ns() + PATIENCE_NS;

	while (strcmp(file_said(), wanted) != 0 && clock_now_ns() < end_ns)
		(void)usleep(STEP_US);
	return !strcmp(file_said(), wanted);
}

static struct hook hook_of(uint64_t limit_ns)
{
	const struct hook_settings s = { g_dir, g_program, "a-node", limit_ns };
	struct hook h;

	assert_int_equal(hook_fork(&h, &s), 0);
	return h;
}

static enum hook_result result_wait(const struct hook *h)
{
	struct pollfd wait = { .fd = h->fd, .events = POLLIN };
	enum hook_result result = HOOK_RESULTS;
	struct addr ip;

	assert_int_equal(poll(&wait, 1, PATIENCE_NS / NS_PER_MS), 1);
	assert_int_equal(hook_receive(h, &result, &ip), 0);
	return result;
}

static void hook_say_to(const struct hook *h, enum hook_word word, const char *ip)
{
	struct addr a = hook_address(ip);

	hook_send(h, word, &a, 17);
}

/* ---- tests ---- */

static void test_faults(void **state)
{
	static const struct {
		const char *name, *path, *fault;
		mode_t mode;
	} rows[] = {
		{ "fine", "/fine", NULL, 0755 },
		{ "its owner's alone", "/own", NULL, 0700 },
		{ "of a group", "/group", "may be written by others: chmod go-w", 0775 },
		{ "of all", "/all", "may be written by others: chmod go-w", 0757 },
		{ "no program", "/text", "may not be run by the node's user: chmod a+rx", 0644 },
		{ "a folder", "/folder", "is no regular file", 0 },
		{ "a link", "/link", "is no regular file", 0 },
		{ "nothing", "/nothing", "No such file or directory", 0 },
	}, *row;
	char path[PATH_MAX], other[PATH_MAX];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/folder", g_dir);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/link", g_dir);
	(void)snprintf(other, sizeof(other), "%s/fine", g_dir);
	assert_int_equal(symlink(other, path), 0);
	EACH_ROW(row, rows)
	{
		const char *fault;

		(void)snprintf(path, sizeof(path), "%s%s", g_dir, row->path);
		if (row->mode)
			file_write(path, "#!/bin/sh\n", row->mode);
		fault = hook_fault(path);
		ROW_ASSERT(row->name, (fault == NULL) == (row->fault == NULL));
		ROW_ASSERT(row->name, !fault || !strcmp(fault, row->fault));
	}
	assert_string_equal(hook_fault("fine"), "is no absolute path");
}

static void test_words(void **state)
{
	struct hook h;

	(void)state;
	program_is("exit 0");
	h = hook_of(PATIENCE_NS);
	hook_say_to(&h, HOOK_DELETE, "192.0.2.18"); /* never here: nothing is said */
	hook_say_to(&h, HOOK_ADD, "192.0.2.17");
	assert_int_equal(result_wait(&h), HOOK_DONE);
	hook_say_to(&h, HOOK_ADD, "2001:db8::17");
	assert_int_equal(result_wait(&h), HOOK_DONE);
	hook_say_to(&h, HOOK_DELETE, "192.0.2.17");
	assert_int_equal(result_wait(&h), HOOK_DONE);
	hook_say_to(&h, HOOK_DELETE, "192.0.2.17"); /* it is gone */
	assert_true(file_becomes("add 192.0.2.17 32 17 a-node\nadd 2001:db8::17 128 17 a-node\n"
				 "delete 192.0.2.17 32 17 a-node\n"));
	hook_close(&h);
}

/* What it gets of the process that runs it. */
static void test_surroundings(void **state)
{
	char what[512];
	int leak = open("/dev/null", O_RDONLY);
	struct hook h;

	(void)state;
	assert_true(leak >= 0);
	assert_int_equal(setenv("SECRET", "x", 1), 0);
	(void)snprintf(
		what, sizeof(what),
		"{ env | grep -v '^\\(_\\|PWD\\|SHLVL\\|OLDPWD\\)='; pwd; ls /proc/self/fd | "
		"tr '\\n' ' '; grep -E '^(CapPrm|CapEff|NoNewPrivs)' /proc/self/status; } "
		">> %s",
		g_recorded);
	program_is(what);
	h = hook_of(PATIENCE_NS);
	hook_say_to(&h, HOOK_ADD, "192.0.2.17");
	assert_int_equal(result_wait(&h), HOOK_DONE);
	/* 3 is of ls itself */
	assert_true(strstr(file_said(), "\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n"));
	assert_true(strstr(file_said(), "\nLC_ALL=C.UTF-8\n"));
	assert_null(strstr(file_said(), "SECRET"));
	assert_true(strstr(file_said(), "\n/\n0 1 2 3 CapPrm:\t0000000000000000\n"
					"CapEff:\t0000000000000000\nNoNewPrivs:\t1\n"));
	hook_close(&h);
	(void)close(leak);
	(void)unsetenv("SECRET");
}

/* No zombie either: that has no words. */
static bool lives(const char *pid)
{
	char path[64], word = 0;
	uint64_t end_ns = clock_now_ns() + NS_PER_S;
	ssize_t n = 1;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)strtol(pid, NULL, 10));
	while (n > 0 && clock_now_ns() < end_ns) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		n = fd < 0 ? 0 : read(fd, &word, 1);
		if (fd >= 0)
			(void)close(fd);
		(void)usleep(STEP_US);
	}
	return n > 0;
}

static void test_failed_and_late(void **state)
{
	char what[PATH_MAX + 64];
	struct hook h;

	(void)state;
	program_is("echo no; exit 3");
	h = hook_of(PATIENCE_NS);
	hook_say_to(&h, HOOK_ADD, "192.0.2.17");
	assert_int_equal(result_wait(&h), HOOK_FAILED);
	assert_int_equal(chmod(g_program, 0777), 0);
	hook_say_to(&h, HOOK_ADD, "192.0.2.18");
	assert_int_equal(result_wait(&h), HOOK_NOT_RUN);
	hook_close(&h);
	(void)snprintf(what, sizeof(what), "sleep 600 & echo $! > %s; sleep 600", g_recorded);
	program_is(what);
	h = hook_of(LIMIT_MS * NS_PER_MS);
	hook_say_to(&h, HOOK_ADD, "192.0.2.17");
	assert_int_equal(result_wait(&h), HOOK_LATE);
	assert_false(lives(file_said())); /* what it has started goes with it */
	hook_close(&h);
}

/* One at a time of an address, and the last word is the last one said. */
static void test_while_it_runs(void **state)
{
	struct hook h;

	(void)state;
	program_is("sleep 0.3");
	h = hook_of(PATIENCE_NS);
	hook_say_to(&h, HOOK_ADD, "192.0.2.17");
	assert_true(file_becomes("add 192.0.2.17 32 17 a-node\n"));
	hook_say_to(&h, HOOK_DELETE, "192.0.2.17");
	hook_say_to(&h, HOOK_ADD, "192.0.2.17");
	hook_say_to(&h, HOOK_DELETE, "192.0.2.17");
	assert_int_equal(result_wait(&h), HOOK_DONE);
	assert_int_equal(result_wait(&h), HOOK_DONE);
	assert_string_equal(file_said(),
			    "add 192.0.2.17 32 17 a-node\ndelete 192.0.2.17 32 17 a-node\n");
	hook_close(&h);
}

/* The keeper is gone: what was added is deleted, and the next process says nothing before that is done. */
static void test_outlives(void **state)
{
	char what[PATH_MAX + 64];
	struct hook h, next;
	const char *all, *said;

	(void)state;
	(void)snprintf(what, sizeof(what), "[ $1 = add ] || { sleep 0.4; echo done $2 >> %s; }",
		       g_recorded);
	program_is(what);
	h = hook_of(PATIENCE_NS);
	hook_say_to(&h, HOOK_ADD, "192.0.2.17");
	hook_say_to(&h, HOOK_ADD, "192.0.2.18");
	assert_int_equal(result_wait(&h), HOOK_DONE);
	assert_int_equal(result_wait(&h), HOOK_DONE);
	(void)unlink(g_recorded);
	hook_say_to(&h, HOOK_DELETE, "192.0.2.18");
	assert_true(file_becomes("delete 192.0.2.18 32 17 a-node\n"));
	hook_send(&h, HOOK_DELETE_ALL, NULL, 0); /* of the one that is being said nothing more */
	hook_close(&h);
	next = hook_of(PATIENCE_NS);
	hook_say_to(&next, HOOK_ADD, "192.0.2.17");
	assert_int_equal(result_wait(&next), HOOK_DONE);
	all = file_said();
	said = strstr(all, "add 192.0.2.17");
	assert_true(said && strstr(all, "done 192.0.2.17\n") && strstr(all, "done 192.0.2.18\n"));
	assert_true(strstr(all, "done 192.0.2.17\n") < said);
	assert_true(strstr(all, "done 192.0.2.18\n") < said);
	assert_null(strstr(all + 1, "delete 192.0.2.18"));
	hook_close(&next);
}

static int hook_folder(void **state)
{
	(void)state;
	if (!mkdtemp(g_dir))
		return -1;
	(void)snprintf(g_program, sizeof(g_program), "%s/program", g_dir);
	(void)snprintf(g_recorded, sizeof(g_recorded), "%s/said", g_dir);
	return 0;
}

static int hook_folder_remove(void **state)
{
	char words[PATH_MAX];

	(void)state;
	(void)snprintf(words, sizeof(words), "rm -r %s", g_dir);
	return system(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),        cmocka_unit_test(test_words),
		cmocka_unit_test(test_surroundings),  cmocka_unit_test(test_failed_and_late),
		cmocka_unit_test(test_while_it_runs), cmocka_unit_test(test_outlives),
	};

	return cmocka_run_group_tests(tests, hook_folder, hook_folder_remove);
}
