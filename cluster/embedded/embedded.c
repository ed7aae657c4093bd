/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server holds a lock of its own (redis/lock), by a descriptor that it inherits and never looks
 * at. So whether one lives is a question to the kernel: no pid file can be stale, and no second
 * server can open the same AOF.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/embedded/embedded.h"

static const char g_fixed[] =
	"# Written by tandem at each start.\n"
	"port 0\n"
	"unixsocketperm 700\n"
	"daemonize no\n"
	"supervised no\n"
	"logfile \"\"\n"
	"always-show-logo no\n"
	"databases 1\n"
	/* acknowledged data survives a crash of node and Redis; a power failure: see fsync */
	"appendonly yes\n"
	"aof-load-truncated yes\n"
	"save \"\"\n"
	/* calls are no cache: rather refuse than forget */
	"maxmemory-policy noeviction\n"
	/* nobody may load code into it or write its files elsewhere, whatever reaches the socket */
	"protected-mode yes\n"
	"enable-protected-configs no\n"
	"enable-debug-command no\n"
	"enable-module-command no\n";

/* As redis.conf wants a text with blanks: in quotes, with both of them escaped. */
static int quoted_write(struct writer *w, const char *key, const char *value, const char *suffix)
{
	writer_str(w, key);
	writer_str(w, " \"");
	for (const char *p = value; *p; p++) {
		if ((uint8_t)*p < ' ')
			return -EINVAL;
		if (*p == '"' || *p == '\\')
			writer_str(w, "\\");
		writer_u8(w, (uint8_t)*p);
	}
	writer_str(w, suffix);
	writer_str(w, "\"\n");
	return 0;
}

/* Writes redis.conf. dir: of its files; fsync: always, everysec or no. w overflows when it does not
 * fit. 0, or -EINVAL: a path has control bytes. */
static int embedded_conf_write(struct writer *w, const char *dir, const char *socket_path,
			       const char *fsync)
{
	int err = 0;

	writer_str(w, g_fixed);
	writer_fmt(w, "appendfsync %s\n", fsync);
	err = quoted_write(w, "dir", dir, "");
	if (!err)
		err = quoted_write(w, "pidfile", dir, "/redis.pid");
	return err ? err : quoted_write(w, "unixsocket", socket_path, "");
}

enum { ANSWER_MAX = 4096, PATIENCE_US = 200000 };

static int patience_set(int fd)
{
	struct timeval tv = { .tv_usec = PATIENCE_US };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0)
		return -errno;
	return 0;
}

static int probe_dial(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	memcpy(sun.sun_path, path, strnlen(path, sizeof(sun.sun_path) - 1));
	err = patience_set(fd);
	if (!err && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0)
		err = -errno;
	if (!err)
		return fd;
	(void)close(fd);
	return err;
}

/* Reads until the answer ends with a line end, which both answers do. */
static int embedded_query(int fd, const char *command, char answer[ANSWER_MAX])
{
	size_t n = 0;

	if (send(fd, command, strlen(command), MSG_NOSIGNAL) < 0)
		return -errno;
	while (n == 0 || answer[n - 1] != '\n') {
		ssize_t got = n < ANSWER_MAX - 1 ? recv(fd, answer + n, ANSWER_MAX - 1 - n, 0) : 0;

		if (got <= 0)
			return got < 0 ? -errno : -EPROTO;
		n += (size_t)got;
	}
	answer[n] = 0;
	return 0;
}

/* "process_id:123\r\n" within INFO. */
static int pid_read(const char *info, int32_t *pid)
{
	const char *at = strstr(info, "process_id:");
	struct bytes text = bytes_str(at ? at + strlen("process_id:") : "");
	uint32_t value;

	if (bytes_u32(bytes_sub(text, 0, bytes_find(text, '\r')), &value) != 0 || value > INT32_MAX)
		return -EPROTO;
	*pid = (int32_t)value;
	return 0;
}

static int talk(int fd, int32_t *pid)
{
	char answer[ANSWER_MAX];
	int err = embedded_query(fd, "PING\r\n", answer);

	if (err)
		return err;
	if (!bytes_starts(bytes_str(answer), "+PONG"))
		return bytes_starts(bytes_str(answer), "-LOADING") ? -EAGAIN : -EPROTO;
	err = embedded_query(fd, "INFO server\r\n", answer);
	return err ? err : pid_read(answer, pid);
}

int embedded_probe(const char *socket_path, int32_t *pid)
{
	int fd = probe_dial(socket_path);
	int err;

	if (fd < 0)
		return fd;
	err = talk(fd, pid);
	(void)close(fd);
	return err;
}

enum { PATH_TEXT = 512, CONF_MAX = 4096, CHILD_LOCK_FD = 3, PID_TEXT = 16 };
#define PATIENCE_NS (10 * NS_PER_S)
#define NAP_NS      (10 * NS_PER_MS)

extern char **environ;

static void embedded_nap(void)
{
	struct timespec ts = { .tv_nsec = (long)NAP_NS };

	(void)nanosleep(&ts, NULL);
}

static int path_write(char out[PATH_TEXT], const char *dir, const char *name)
{
	int n = snprintf(out, PATH_TEXT, "%s/%s", dir, name);

	return n < 0 || n >= PATH_TEXT ? -ENAMETOOLONG : 0;
}

/* ---- the node's lock ---- */

static void holder_log(int fd, const char *dir)
{
	char pid[PID_TEXT] = "unknown";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	if (n > 0)
		pid[n] = 0;
	LOG_ERROR("embedded", 0, "another node runs in this state directory", LOG_STR("dir", dir),
		  LOG_BYTES("pid", bytes_trim(bytes_str(pid))));
}

static int pid_write(int fd)
{
	char pid[PID_TEXT];
	int n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());

	assert(n > 0 && (size_t)n < sizeof(pid));
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) != n)
		return -EIO;
	return 0;
}

/* The descriptor, or -errno; -EBUSY when another process holds it. */
static int lock_acquire(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int err;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	(void)close(fd);
	return err;
}

static int node_lock(struct embedded *e)
{
	char path[PATH_TEXT];
	int err = path_write(path, e->dir, "lock");

	e->lock_fd = err ? err : lock_acquire(path);
	if (e->lock_fd == -EBUSY) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		holder_log(fd, e->dir);
		if (fd >= 0)
			(void)close(fd);
	}
	return e->lock_fd < 0 ? e->lock_fd : pid_write(e->lock_fd);
}

/* Absolute: the server works elsewhere. */
static int dir_set(struct embedded *e, const char *state_dir)
{
	char *path = realpath(state_dir, NULL);
	int err = path ? bytes_cstr(bytes_str(path), e->dir, sizeof(e->dir)) : -errno;

	free(path);
	return err;
}

int embedded_lock(struct embedded *e, const char *state_dir)
{
	int err;

	*e = (struct embedded){ .lock_fd = -1 };
	if (mkdir(state_dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	err = dir_set(e, state_dir);
	return err ? err : node_lock(e);
}

bool embedded_is_locked(const char *state_dir)
{
	char path[PATH_TEXT];
	int fd = path_write(path, state_dir, "lock") ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;

	if (fd >= 0)
		(void)close(fd);
	return locked;
}

/* ---- is there a server? ---- */

static int server_path(const struct embedded *e, char out[PATH_TEXT], const char *name)
{
	char dir[PATH_TEXT];
	int err = path_write(dir, e->dir, "redis");

	return err ? err : path_write(out, dir, name);
}

/* The server's lock, when no server lives; to be inherited by the next one. -EBUSY: one lives. */
static int server_lock(const struct embedded *e)
{
	char path[PATH_TEXT];
	int err = server_path(e, path, "lock");

	return err ? err : lock_acquire(path);
}

bool embedded_is_dead(struct embedded *e)
{
	int fd;

	if (!e->adopted && e->pid > 0) {
		/* takes its exit status, so that no zombie stays */
		if (waitpid(e->pid, NULL, WNOHANG) != e->pid)
			return false;
		e->pid = 0;
	}
	if (e->pid == 0)
		return true;
	fd = server_lock(e);
	if (fd >= 0)
		(void)close(fd);
	return fd != -EBUSY;
}

/* ---- start ---- */

static int embedded_file_write(const char *path, struct bytes text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text.p, text.n);
	(void)close(fd);
	return n == (ssize_t)text.n ? 0 : -EIO;
}

static int conf_write(const struct embedded *e, char path[PATH_TEXT])
{
	char text[CONF_MAX], dir[PATH_TEXT];
	struct writer w = writer_over(text, sizeof(text));
	int err = server_path(e, path, "redis.conf");

	if (!err)
		err = path_write(dir, e->dir, "redis");
	if (!err)
		err = embedded_conf_write(&w, dir, e->socket_path,
					  e->fsync ? e->fsync : "everysec");
	if (!err && w.overflow)
		err = -ENAMETOOLONG;
	return err ? err : embedded_file_write(path, writer_done(&w));
}

/* It inherits the lock alone, and not our signal mask: with SIGTERM blocked Redis never stops. */
static int attributes_set(posix_spawnattr_t *attr, posix_spawn_file_actions_t *files,
			  const char *log_path, int lock_fd)
{
	sigset_t none, all;
	int err;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	err = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						     POSIX_SPAWN_SETSID);
	if (!err)
		err = posix_spawnattr_setsigmask(attr, &none);
	if (!err)
		err = posix_spawnattr_setsigdefault(attr, &all);
	if (!err) {
		err = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY,
						       0);
	}
	if (!err) {
		err = posix_spawn_file_actions_addopen(files, STDOUT_FILENO, log_path,
						       O_WRONLY | O_CREAT | O_APPEND, 0600);
	}
	if (!err)
		err = posix_spawn_file_actions_adddup2(files, STDOUT_FILENO, STDERR_FILENO);
	if (!err)
		err = posix_spawn_file_actions_adddup2(files, lock_fd, CHILD_LOCK_FD);
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(files, CHILD_LOCK_FD + 1);
	return -err;
}

static int spawn(struct embedded *e, const char *conf_path, const char *log_path, int lock_fd)
{
	char name[] = "redis-server", conf[PATH_TEXT];
	char *argv[] = { name, conf, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	pid_t pid;
	int err;

	if (posix_spawn_file_actions_init(&files) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		(void)posix_spawn_file_actions_destroy(&files);
		return -ENOMEM;
	}
	err = bytes_cstr(bytes_str(conf_path), conf, sizeof(conf));
	if (!err)
		err = attributes_set(&attr, &files, log_path, lock_fd);
	if (!err) {
		mode_t before =
			umask(S_IRWXG | S_IRWXO); /* what the server writes is its owner's */

		err = -posix_spawnp(&pid, name, &files, &attr, argv, environ);
		(void)umask(before);
	}
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	if (!err)
		e->pid = pid;
	return err;
}

/* Passwords and calls are in there, so modes that an older version or a copy left open are closed.
 * Files of another user stay as they are. */
static void dir_close(const char *dir)
{
	struct stat st;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) && fchmod(fd, S_IRWXU) < 0) {
		LOG_WARN("embedded", 0, "others can read the folder: run chmod 700 on it",
			 LOG_STR("folder", dir));
	}
	(void)close(fd);
}

static int dir_make(struct embedded *e)
{
	char dir[PATH_TEXT], path[PATH_TEXT];
	int err = path_write(dir, e->dir, "redis");

	if (!err && mkdir(dir, 0700) < 0 && errno != EEXIST)
		err = -errno;
	if (!err)
		dir_close(dir);
	if (!err)
		err = server_path(e, path, "redis.sock");
	if (!err && bytes_cstr(bytes_str(path), e->socket_path, sizeof(e->socket_path)) != 0) {
		LOG_ERROR("embedded", 0, "the state directory's path is too long for a unix socket",
			  LOG_STR("socket", path), LOG_U64("longest", sizeof(e->socket_path) - 1));
		err = -ENAMETOOLONG;
	}
	return err;
}

/* lock_fd: the server's lock. */
static int server_start(struct embedded *e, int lock_fd)
{
	char conf_path[PATH_TEXT], log_path[PATH_TEXT];
	int err = conf_write(e, conf_path);

	if (!err)
		err = server_path(e, log_path, "redis.log");
	if (!err)
		err = spawn(e, conf_path, log_path, lock_fd);
	if (err == -ENOENT) {
		LOG_ERROR("embedded", 0,
			  "redis-server is not in PATH: install the package redis-server");
	} else if (err) {
		LOG_ERROR("embedded", 0, "redis-server does not start",
			  LOG_STR("error", strerror(-err)));
	} else {
		LOG_INFO("embedded", 0, "redis-server started", LOG_INT("pid", e->pid),
			 LOG_STR("log", log_path));
	}
	return err;
}

int embedded_spawn(struct embedded *e)
{
	int err = dir_make(e);
	int fd = err ? err : server_lock(e);

	if (fd < 0)
		return fd;
	e->adopted = false;
	err = server_start(e, fd);
	(void)close(fd); /* the server has its own now */
	return err;
}

static int ready_wait(struct embedded *e)
{
	uint64_t until_ns = clock_now_ns() + PATIENCE_NS;
	int32_t pid = 0;
	int err;

	while ((err = embedded_probe(e->socket_path, &pid)) != 0 && clock_now_ns() < until_ns) {
		if (embedded_is_dead(e))
			return -ECHILD;
		embedded_nap();
	}
	if (!err)
		e->pid = pid;
	return err ? -ETIMEDOUT : 0;
}

/* Adopts what lives, or starts a server. */
static int start_once(struct embedded *e)
{
	int err = embedded_spawn(e);

	if (err == -EBUSY && e->pid == 0) {
		e->adopted = true;
		e->pid = -1; /* not known before it answers */
	}
	return err && err != -EBUSY ? err : ready_wait(e);
}

int embedded_start(struct embedded *e)
{
	int err = start_once(e);

	if (err == -ECHILD && e->adopted) {
		e->pid = 0;
		err = start_once(e); /* it was on its way out */
	}
	if (err == -ETIMEDOUT || err == -ECHILD) {
		LOG_ERROR(
			"embedded", 0,
			"redis-server does not answer: see redis/redis.log in the state directory",
			LOG_STR("dir", e->dir), LOG_STR("error", strerror(-err)));
	} else if (!err && e->adopted) {
		LOG_INFO("embedded", 0, "redis-server adopted", LOG_INT("pid", e->pid));
	}
	return err;
}

/* ---- stop ---- */

static void server_stop(struct embedded *e)
{
	uint64_t until_ns = clock_now_ns() + PATIENCE_NS;

	if (e->pid <= 0 || embedded_is_dead(e))
		return;
	if (kill(e->pid, SIGTERM) < 0) {
		LOG_ERROR("embedded", 0, "redis-server not stopped",
			  LOG_STR("error", strerror(errno)));
		return;
	}
	while (!embedded_is_dead(e)) {
		if (clock_now_ns() >= until_ns) {
			LOG_ERROR("embedded", 0, "redis-server does not stop: left alone",
				  LOG_INT("pid", e->pid));
			return;
		}
		embedded_nap();
	}
	LOG_INFO("embedded", 0, "redis-server stopped");
}

void embedded_stop(struct embedded *e)
{
	server_stop(e);
	e->pid = 0;
	if (e->lock_fd >= 0)
		(void)close(e->lock_fd);
	e->lock_fd = -1;
}
