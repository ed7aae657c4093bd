/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts, talks to and restarts a process beside the node (tandem-helper, its webhooks,
 * tandem-store). node_helper.c and node_deliver.c use it. It never blocks: lines wait in a bounded
 * buffer, and a process that does not read for too long is killed. Restarts back off; buffers are
 * wiped, as lines may have secrets.
 */

#include "app/node/node_process.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"

#define MISSING_NS (30 * NS_PER_S)
#define LIVED_NS   (60 * NS_PER_S) /* one that lived so long did not die of its start */

enum {
	DOUBLINGS_MAX = 6,
	PROCESS_LINK = 3, /* and the next one */
	PIECE = 65536,
	READS_MAX = 16,
};

static void process_on_link(int fd, unsigned events, void *arg);

/* ---- its start ---- */

/* Beside this program. */
static int process_path(const char *program, char out[PATH_MAX])
{
	char self[PATH_MAX / 2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return -errno;
	self[n] = '\0';
	(void)snprintf(out, PATH_MAX, "%s/%s", dirname(self), program);
	return access(out, X_OK) < 0 ? -errno : 0;
}

/* Its ends are descriptors 3 and 4; signals blocked here are unblocked there. */
static int process_spawn(const char *path, const char *role, int its, int hands, pid_t *pid)
{
	char name[NAME_MAX + 1], word[NAME_MAX + 1];
	char *argv[] = { name, role ? word : NULL, NULL }, *envp[] = { NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	int err;

	(void)snprintf(name, sizeof(name), "%s", strrchr(path, '/') + 1);
	(void)snprintf(word, sizeof(word), "%s", role ? role : "");
	(void)sigemptyset(&none);
	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawn_file_actions_adddup2(&files, its, PROCESS_LINK);
	if (hands >= 0)
		(void)posix_spawn_file_actions_adddup2(&files, hands, PROCESS_LINK + 1);
	err = posix_spawn(pid, path, &files, &attr, argv, envp);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	return -err;
}

static void process_ends_close(const int ends[2])
{
	for (unsigned i = 0; i < 2; i++) {
		if (ends[i] >= 0)
			(void)close(ends[i]);
	}
}

/* dup2(2) would keep its close-on-exec flag, or close the other. */
static bool process_end_fits(int end)
{
	return end < 0 || end > PROCESS_LINK + 1;
}

static int process_pairs(bool hands_over, int link[2], int hands[2])
{
	const int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;

	hands[0] = hands[1] = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | flags, 0, link) < 0)
		return -errno;
	if (hands_over && socketpair(AF_UNIX, SOCK_SEQPACKET | flags, 0, hands) < 0) {
		process_ends_close(link);
		return -errno;
	}
	if (process_end_fits(link[1]) && process_end_fits(hands[1]))
		return 0;
	process_ends_close(link);
	process_ends_close(hands);
	return -EAGAIN;
}

/* ---- its end ---- */

/* It had secrets. */
static void process_buffer_clear(struct node_process_buffer *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
	free(b->p);
	*b = (struct node_process_buffer){ 0 };
}

static void process_link_close(struct node_process *p)
{
	loop_unwatch(p->link);
	(void)close(p->link);
	if (p->hands >= 0)
		(void)close(p->hands);
	p->link = p->hands = -1;
	process_buffer_clear(&p->in);
	process_buffer_clear(&p->out);
}

/* Whatever ended the link: the process ends itself, or is killed. */
static void process_died(struct node_process *p)
{
	uint64_t now_ns = clock_now_ns();

	if (p->link >= 0)
		process_link_close(p);
	p->gone = p->pid != 0;
	if (p->pid)
		(void)kill(p->pid, SIGKILL);
	p->deaths = now_ns - p->start_ns > LIVED_NS ? 0 : p->deaths + (p->deaths < DOUBLINGS_MAX);
	p->again_ns = now_ns + (p->kind->again_ns << p->deaths);
	LOG_ERROR(p->kind->area, 0, p->kind->ended,
		  LOG_U64("in_ms", (p->again_ns - now_ns) / NS_PER_MS));
	p->kind->on_end(p->node);
}

void node_process_reap(struct node_process *p)
{
	int status;

	if (p->gone && waitpid(p->pid, &status, WNOHANG) != 0) {
		p->gone = false;
		p->pid = 0;
	}
}

/* ---- start and end, for callers ---- */

void node_process_open(struct node_process *p, struct node *n, const struct node_process_kind *kind)
{
	*p = (struct node_process){ .kind = kind, .node = n, .link = -1, .hands = -1 };
}

static int process_begin(struct node_process *p)
{
	char path[PATH_MAX];
	int ends[2], hands[2], err = process_path(p->kind->program, path);

	if (!err)
		err = process_pairs(p->kind->hands, ends, hands);
	if (err)
		return err;
	err = process_spawn(path, p->kind->role, ends[1], hands[1], &p->pid);
	p->link = ends[0];
	p->hands = hands[0];
	process_ends_close((int[]){ ends[1], hands[1] });
	p->start_ns = clock_now_ns();
	if (!err)
		err = loop_watch(p->link, LOOP_READ, process_on_link, p);
	if (!err)
		return 0;
	process_link_close(p);
	p->gone = p->pid != 0;
	if (p->pid)
		(void)kill(p->pid, SIGKILL);
	return err;
}

bool node_process_start(struct node_process *p, uint64_t now_ns)
{
	int err;

	node_process_reap(p);
	if (p->link >= 0)
		return true;
	if (p->pid || now_ns < p->again_ns)
		return false;
	err = process_begin(p);
	if (!err) {
		p->kind->on_start(p->node);
		return p->link >= 0;
	}
	p->again_ns = now_ns + MISSING_NS;
	if (!p->missing_said)
		LOG_ERROR(p->kind->area, 0, p->kind->missing, LOG_STR("error", strerror(-err)));
	p->missing_said = true;
	return false;
}

/* It ends when its peer closes. */
void node_process_close(struct node_process *p)
{
	if (p->link < 0)
		return;
	process_link_close(p);
	if (p->pid)
		(void)kill(p->pid, SIGTERM);
	p->kind->on_end(p->node);
}

/* ---- lines ---- */

/* Appends bytes. 0, -ENOMEM, or -ENOBUFS: it does not read for too long. */
static int process_buffer_put(struct node_process_buffer *b, const void *p, size_t n)
{
	size_t cap = b->cap ? b->cap : PIECE;
	char *more;

	if (b->n + n > NODE_PROCESS_LINE_MAX)
		return -ENOBUFS;
	while (cap < b->n + n)
		cap *= 2;
	if (cap > b->cap) {
		more = malloc(cap);
		if (!more)
			return -ENOMEM;
		if (b->n)
			memcpy(more, b->p, b->n);
		if (b->p)
			explicit_bzero(b->p, b->cap);
		free(b->p);
		b->p = more;
		b->cap = cap;
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
	return 0;
}

static void process_buffer_drop(struct node_process_buffer *b, size_t n)
{
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
	explicit_bzero(b->p + b->n, n);
	if (!b->n)
		process_buffer_clear(b);
}

static int node_process_flush(struct node_process *p)
{
	ssize_t sent = 1;

	while (p->out.n && sent > 0) {
		sent = send(p->link, p->out.p, p->out.n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0)
			process_buffer_drop(&p->out, (size_t)sent);
	}
	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	return loop_watch(p->link, LOOP_READ | (p->out.n ? LOOP_WRITE : 0), process_on_link, p);
}

void node_process_send(struct node_process *p, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;
	int err = -ENOMEM;

	json_decref(line);
	if (text) {
		text[length] = '\n'; /* in the place of its end */
		err = process_buffer_put(&p->out, text, length + 1);
		explicit_bzero(text, length + 1);
		free(text);
	}
	if (!err)
		err = node_process_flush(p);
	if (err) {
		LOG_ERROR(p->kind->area, 0, "a process of the node cannot be told",
			  LOG_STR("program", p->kind->program), LOG_STR("error", strerror(-err)));
		process_died(p);
	}
}

static void node_process_line(struct node_process *p, size_t length)
{
	json_t *line = json_loadb(p->in.p, length, 0, NULL);

	process_buffer_drop(&p->in, length);
	if (line)
		p->kind->on_line(p->node, line);
	json_decref(line);
}

/* A handler may have closed the link: then the buffer is empty. */
static void node_process_lines(struct node_process *p)
{
	const char *end;

	while (p->in.n && (end = memchr(p->in.p, '\n', p->in.n)))
		node_process_line(p, (size_t)(end - p->in.p) + 1);
}

static int node_process_read(struct node_process *p)
{
	static char piece[PIECE];
	int err = 0;

	for (unsigned i = 0; !err && i < READS_MAX && p->link >= 0; i++) {
		ssize_t got = recv(p->link, piece, sizeof(piece), MSG_DONTWAIT);

		if (got < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (got == 0)
			return -EPIPE;
		err = process_buffer_put(&p->in, piece, (size_t)got);
		if (!err)
			node_process_lines(p);
	}
	return err;
}

/* The loop's handler of the link. */
static void process_on_link(int fd, unsigned events, void *arg)
{
	struct node_process *p = arg;
	int err = 0;

	if (fd != p->link)
		return;
	if (events & (LOOP_READ | LOOP_ERROR))
		err = node_process_read(p);
	if (!err && p->link >= 0 && (events & LOOP_WRITE))
		err = node_process_flush(p);
	if (err && p->link >= 0)
		process_died(p);
}
