/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A redis-server of the test's own on a unix socket in a temporary folder, asked behind the back of what is tested; and the
 * loop, run until something has come true.
 */
#ifndef TESTS_UNIT_CLUSTER_SERVER_H
#define TESTS_UNIT_CLUSTER_SERVER_H

#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "cluster/embedded/embedded.h"
#include "cluster/redis/redis.h"

enum { SERVER_ARGS_MAX = 32, SERVERS_MAX = 32, FD_MAX = 256 };

struct server {
	char dir[32];
	char socket[64];
	char url[96];
	pid_t pid;
};

extern char **environ;

/* Those that run: a test that fails half-way leaves them to the teardown. */
static pid_t g_servers[SERVERS_MAX];

UNUSED static void servers_swap(pid_t old, pid_t new)
{
	size_t i;

	for (i = 0; i < SERVERS_MAX && g_servers[i] != old; i++)
		;
	assert_true(i < SERVERS_MAX);
	g_servers[i] = new;
}

UNUSED static void server_dir(struct server *s)
{
	*s = (struct server){ .dir = "/tmp/tandem-redis-XXXXXX" };
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->socket, sizeof(s->socket), "%s/redis.sock", s->dir);
	(void)snprintf(s->url, sizeof(s->url), "unix:%s", s->socket);
}

UNUSED static void nap_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	assert_int_equal(nanosleep(&ts, NULL), 0);
}

UNUSED static void server_wait(const struct server *s)
{
	uint64_t until_ns = clock_now_ns() + 20 * NS_PER_S;
	int32_t pid;

	while (embedded_probe(s->socket, &pid) != 0) {
		assert_true(clock_now_ns() < until_ns);
		nap_ms(5);
	}
	assert_int_equal(pid, s->pid);
}

/* extra: further arguments, NULL at the end; may be NULL. The AOF is on, so it may be killed and started again. */
UNUSED static void server_run(struct server *s, const char *const *extra)
{
	const char *args[SERVER_ARGS_MAX] = {
		"redis-server", "--port", "0", "--unixsocket", s->socket, "--dir", s->dir, "--save",
		"", "--appendonly", "yes", "--appendfsync", "no",
		/* a child that rewrites it outlives a kill, and what removes the folder */
		"--auto-aof-rewrite-percentage", "0"
	};
	posix_spawn_file_actions_t files;
	char log_path[64];
	size_t n = 15;

	while (extra && *extra)
		args[n++] = *extra++;
	assert_true(n < SERVER_ARGS_MAX);
	(void)snprintf(log_path, sizeof(log_path), "%s/log", s->dir);
	assert_int_equal(posix_spawn_file_actions_init(&files), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&files, 1, log_path,
							  O_WRONLY | O_CREAT | O_APPEND, 0600),
			 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&files, 1, 2), 0);
	assert_int_equal(
		posix_spawnp(&s->pid, args[0], &files, NULL, (char **)(uintptr_t)args, environ), 0);
	assert_int_equal(posix_spawn_file_actions_destroy(&files), 0);
	servers_swap(0, s->pid);
}

UNUSED static void server_start(struct server *s, const char *const *extra)
{
	server_run(s, extra);
	server_wait(s);
}

UNUSED static void server_signal(const struct server *s, int signal)
{
	assert_true(s->pid > 0);
	assert_int_equal(kill(s->pid, signal), 0);
}

UNUSED static void server_kill(struct server *s)
{
	server_signal(s, SIGKILL);
	assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
	servers_swap(s->pid, 0);
	s->pid = 0;
}

UNUSED static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

UNUSED static void dir_remove(const char *dir)
{
	assert_int_equal(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

UNUSED static void server_stop(struct server *s)
{
	if (s->pid)
		server_kill(s);
	dir_remove(s->dir);
}

/* One command, blocking. The reply's text; "(nil)"; or a number as text. In a static buffer. */
UNUSED PRINTF_LIKE(2, 3) static const char *server_ask(const struct server *s, const char *fmt, ...)
{
	static char text[256];
	redisContext *c = redisConnectUnix(s->socket);
	redisReply *reply;
	va_list args;

	assert_true(c && !c->err);
	va_start(args, fmt);
	reply = redisvCommand(c, fmt, args);
	va_end(args);
	assert_non_null(reply);
	if (reply->type == REDIS_REPLY_INTEGER)
		(void)snprintf(text, sizeof(text), "%lld", reply->integer);
	else if (reply->type == REDIS_REPLY_NIL)
		(void)snprintf(text, sizeof(text), "(nil)");
	else if (reply->type == REDIS_REPLY_ARRAY)
		(void)snprintf(text, sizeof(text), "(%zu elements)", reply->elements);
	else
		(void)snprintf(text, sizeof(text), "%s", reply->str);
	freeReplyObject(reply);
	redisFree(c);
	return text;
}

/* ---- the loop ---- */

typedef bool drive_fn(void *arg);
enum { DRIVEN_BESIDE = 2 };

static struct {
	struct redis *redis; /* flushed and driven; NULL: none, or closed meanwhile */
	struct redis *beside[DRIVEN_BESIDE]; /* likewise; set by the test, and taken out by it */
	drive_fn *done;
	void *arg;
	uint64_t until_ns;
	bool ok;
} g_drive;

static void drive_round(void *arg);

UNUSED static void drive_expire(struct redis *redis, uint64_t now_ns)
{
	if (redis && redis_next_ns(redis) <= now_ns)
		redis_expire(redis, now_ns);
}

UNUSED static uint64_t drive_flush(struct redis *redis, uint64_t next_ns)
{
	if (redis)
		redis_flush(redis);
	return redis && redis_next_ns(redis) < next_ns ? redis_next_ns(redis) : next_ns;
}

UNUSED static void drive_timer(void *arg)
{
	uint64_t now_ns = clock_now_ns();

	(void)arg;
	drive_expire(g_drive.redis, now_ns);
	for (size_t i = 0; i < DRIVEN_BESIDE; i++)
		drive_expire(g_drive.beside[i], now_ns);
	if (now_ns >= g_drive.until_ns)
		loop_stop();
}

UNUSED static void drive_round(void *arg)
{
	uint64_t next_ns = g_drive.until_ns;

	(void)arg;
	if (g_drive.done(g_drive.arg)) {
		g_drive.ok = true;
		loop_stop();
	}
	next_ns = drive_flush(g_drive.redis, next_ns);
	for (size_t i = 0; i < DRIVEN_BESIDE; i++)
		next_ns = drive_flush(g_drive.beside[i], next_ns);
	assert_int_equal(loop_timer(next_ns, drive_timer, NULL), 0);
}

/* Runs the loop until done says so; false when that did not come within ms. */
UNUSED static bool drive(struct redis *redis, uint64_t ms, drive_fn *done, void *arg)
{
	g_drive.redis = redis;
	g_drive.done = done;
	g_drive.arg = arg;
	g_drive.until_ns = clock_now_ns() + ms * NS_PER_MS;
	g_drive.ok = false;
	loop_after_round(drive_round, NULL);
	assert_int_equal(loop_run(), 0);
	return g_drive.ok;
}

UNUSED static bool never(void *arg)
{
	(void)arg;
	return false;
}

UNUSED static bool is_up(void *arg)
{
	return redis_is_connected(arg);
}

UNUSED static bool is_down(void *arg)
{
	return !redis_is_connected(arg);
}

UNUSED static int loop_setup(void **state)
{
	(void)state;
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	return loop_open(FD_MAX);
}

UNUSED static int loop_teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		if (g_servers[i])
			(void)kill(g_servers[i], SIGKILL);
	}
	loop_close();
	return 0;
}

#endif
