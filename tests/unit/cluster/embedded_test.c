/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cluster/server.h"

#include <dirent.h>
#include <sys/stat.h>

#include "cluster/embedded/embedded.h"

static char g_base[32];
static char g_dir[64];

static int dir_setup(void **state)
{
	(void)state;
	(void)snprintf(g_base, sizeof(g_base), "/tmp/tandem-embedded-XXXXXX");
	if (!mkdtemp(g_base))
		return -1;
	(void)snprintf(g_dir, sizeof(g_dir), "%s/with \"blank", g_base);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	return 0;
}

/* Also of a test that failed half-way. */
static int dir_teardown(void **state)
{
	char path[108];
	int32_t pid;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/redis/redis.sock", g_dir);
	if (embedded_probe(path, &pid) == 0)
		(void)kill(pid, SIGKILL);
	dir_remove(g_base);
	return 0;
}

static void start(struct embedded *e)
{
	assert_int_equal(embedded_lock(e, g_dir), 0);
	assert_int_equal(embedded_start(e), 0);
	assert_true(e->pid > 0);
	assert_int_equal(kill(e->pid, 0), 0);
}

static const char *get(const struct embedded *e, const char *key)
{
	static char text[64];
	redisContext *c = redisConnectUnix(e->socket_path);
	redisReply *reply = redisCommand(c, "GET %s", key);

	assert_non_null(reply);
	(void)snprintf(text, sizeof(text), "%s",
		       reply->type == REDIS_REPLY_STRING ? reply->str : "(nil)");
	freeReplyObject(reply);
	redisFree(c);
	return text;
}

static void set(const struct embedded *e, const char *key, const char *value)
{
	redisContext *c = redisConnectUnix(e->socket_path);
	redisReply *reply = redisCommand(c, "SET %s %s", key, value);

	assert_non_null(reply);
	assert_int_equal(reply->type, REDIS_REPLY_STATUS);
	freeReplyObject(reply);
	redisFree(c);
}

static bool lives(pid_t pid)
{
	return kill(pid, 0) == 0;
}

/* Everything below it too. */
static void assert_private(const char *path)
{
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	assert_int_equal(lstat(path, &st), 0);
	if (st.st_mode & 077)
		fail_msg("%s has mode %o", path, (unsigned)(st.st_mode & 07777));
	dir = S_ISDIR(st.st_mode) ? opendir(path) : NULL;
	while (dir && (entry = readdir(dir)) != NULL) {
		char below[512];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		assert_private(below);
	}
	if (dir)
		(void)closedir(dir);
}

/* Whatever the node's own umask is, and where the folder was made readable. */
static void test_only_its_owner_reads(void **state)
{
	char path[108];
	struct embedded e;
	mode_t before = umask(0);

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/redis", g_dir);
	assert_int_equal(mkdir(g_dir, 0755), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	start(&e);
	set(&e, "k", "v");
	assert_int_equal(umask(before), 0); /* as it was */
	assert_private(path);
	embedded_stop(&e);
}

static void test_start_and_stop(void **state)
{
	struct embedded e;
	struct stat st;
	pid_t pid;

	(void)state;
	start(&e);
	pid = e.pid;
	assert_false(e.adopted);
	assert_int_equal(stat(e.socket_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(g_dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	set(&e, "key", "kept");
	embedded_stop(&e);
	assert_false(lives(pid));
	start(&e);
	assert_string_equal(get(&e, "key"), "kept");
	embedded_stop(&e);
}

/* Signals that the node blocks and ignores, and its descriptors, are none of the server's. */
static void test_inherits_nothing(void **state)
{
	char path[64], text[4096];
	struct embedded e;
	sigset_t term, before;
	ssize_t n;
	int leak = fcntl(STDERR_FILENO, F_DUPFD, 100), fd; /* without FD_CLOEXEC */

	(void)state;
	assert_true(leak >= 0);
	assert_int_equal(sigemptyset(&term), 0);
	assert_int_equal(sigaddset(&term, SIGTERM), 0);
	assert_int_equal(sigprocmask(SIG_BLOCK, &term, &before), 0);
	assert_true(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	start(&e);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)e.pid);
	fd = open(path, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = 0;
	assert_int_equal(close(fd), 0);
	assert_non_null(strstr(text, "SigBlk:\t0000000000000000"));
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)e.pid, leak);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(getpgid(e.pid), e.pid); /* a Ctrl-C is not for it */
	embedded_stop(&e);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	assert_int_equal(close(leak), 0);
}

/* In a child: starts, stores, dies without a word. Its server lives on. Returns the server's process. */
static pid_t crash(void)
{
	int fds[2];
	pid_t child, server = 0;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct embedded e;

		if (embedded_lock(&e, g_dir) == 0 && embedded_start(&e) == 0) {
			server = e.pid;
			set(&e, "key", "from before");
		}
		if (write(fds[1], &server, sizeof(server)) < 0)
			_exit(1);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(read(fds[0], &server, sizeof(server)), sizeof(server));
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
	assert_true(server > 0);
	return server;
}

static void test_adoption(void **state)
{
	pid_t server = crash();
	struct embedded e;

	(void)state;
	assert_true(lives(server));
	start(&e);
	assert_true(e.adopted);
	assert_int_equal(e.pid, server);
	assert_string_equal(get(&e, "key"), "from before");
	assert_false(embedded_is_dead(&e));
	assert_int_equal(embedded_spawn(&e), -EBUSY);
	embedded_stop(&e);
}

/* An orphan that hangs is not doubled: two servers on one AOF would lose calls. */
static void test_hanging_orphan(void **state)
{
	pid_t server = crash();
	struct embedded e;

	(void)state;
	assert_int_equal(kill(server, SIGSTOP), 0);
	assert_int_equal(embedded_lock(&e, g_dir), 0);
	assert_int_equal(embedded_spawn(&e), -EBUSY);
	embedded_stop(&e);
	assert_int_equal(kill(server, SIGCONT), 0);
	start(&e);
	assert_int_equal(e.pid, server);
	embedded_stop(&e);
}

/* An orphan on its way out is waited for, then a new server starts with its data. */
static void test_orphan_on_its_way_out(void **state)
{
	pid_t server = crash();
	struct embedded e;

	(void)state;
	assert_int_equal(kill(server, SIGTERM), 0);
	start(&e);
	assert_string_equal(get(&e, "key"), "from before");
	embedded_stop(&e);
}

static void test_two_nodes(void **state)
{
	struct embedded first, second;

	(void)state;
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	assert_int_equal(embedded_lock(&first, g_dir), 0);
	assert_int_equal(embedded_lock(&second, g_dir), -EBUSY);
	embedded_stop(&first);
	assert_int_equal(embedded_lock(&second, g_dir), 0);
	embedded_stop(&second);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
}

static void test_killed(void **state)
{
	struct embedded e;
	pid_t pid;

	(void)state;
	start(&e);
	pid = e.pid;
	set(&e, "key", "kept");
	assert_false(embedded_is_dead(&e));
	assert_int_equal(kill(pid, SIGKILL), 0);
	for (int i = 0; i < 200 && !embedded_is_dead(&e); i++)
		nap_ms(10);
	assert_true(embedded_is_dead(&e));
	assert_int_equal(embedded_spawn(&e), 0);
	assert_int_not_equal(e.pid, pid);
	assert_false(embedded_is_dead(&e));
	assert_int_equal(embedded_start(&e), 0); /* it runs already: only waits */
	assert_string_equal(get(&e, "key"), "kept");
	embedded_stop(&e);
}

static void test_not_installed(void **state)
{
	char path[1024];
	struct embedded e;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s", getenv("PATH"));
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
	assert_int_equal(embedded_lock(&e, g_dir), 0);
	assert_int_equal(embedded_start(&e), -ENOENT);
	embedded_stop(&e);
	assert_int_equal(setenv("PATH", path, 1), 0);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
}

static void test_bad_paths(void **state)
{
	char longer[300];
	struct embedded e;

	(void)state;
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	assert_int_equal(embedded_lock(&e, "/nonexistent/dir"), -ENOENT);
	/* fits the struct, but not the address of a unix socket */
	(void)snprintf(longer, sizeof(longer), "%s/%0100d", g_base, 0);
	assert_int_equal(embedded_lock(&e, longer), 0);
	assert_int_equal(embedded_start(&e), -ENAMETOOLONG);
	embedded_stop(&e);
	(void)snprintf(longer, sizeof(longer), "%s/new\nline", g_base);
	assert_int_equal(embedded_lock(&e, longer), 0);
	assert_int_equal(embedded_start(&e), -EINVAL);
	embedded_stop(&e);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_start_and_stop, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(test_only_its_owner_reads, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(test_inherits_nothing, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(test_adoption, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(test_hanging_orphan, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(test_orphan_on_its_way_out, dir_setup,
						dir_teardown),
		cmocka_unit_test_setup_teardown(test_two_nodes, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(test_killed, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(test_not_installed, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(test_bad_paths, dir_setup, dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
