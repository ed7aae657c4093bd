/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of the link between the node and its child processes: tandem-helper, its webhooks, and
 * tandem-store. The node's end starts a child, restarts it with back-off, has its requests, and
 * kills a child that does not read. The child's end also gives up all rights: it may hold
 * passwords and speaks with the internet, so it cannot be dumped or traced, gains no privileges,
 * keeps no descriptor of the node, and dies with it.
 */

#include "app/child/child_link.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/privilege.h"

#define MISSING_NS (30 * NS_PER_S)
#define LIVED_NS   (60 * NS_PER_S) /* one that lived so long did not die of its start */

enum {
	DOUBLINGS_MAX = 6,
	PIECE = 65536,
	READS_MAX = 16,
	SEND_LIMIT_MS = 5000,
};

static void child_on_link(int fd, unsigned events, void *arg);

/* ---- framing ---- */

void child_lines_clear(struct child_lines *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
	free(b->p);
	*b = (struct child_lines){ 0 };
}

int child_lines_put(struct child_lines *b, const void *p, size_t n)
{
	size_t cap = b->cap ? b->cap : PIECE;
	char *more;

	if (n > CHILD_LINE_MAX - b->n)
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

static void lines_drop(struct child_lines *b, size_t n)
{
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
	explicit_bzero(b->p + b->n, n);
	if (!b->n)
		child_lines_clear(b);
}

bool child_lines_next(struct child_lines *b, json_t **line)
{
	const char *end = b->n ? memchr(b->p, '\n', b->n) : NULL;
	size_t n;

	if (!end)
		return false;
	n = (size_t)(end - b->p) + 1;
	*line = json_loadb(b->p, n, 0, NULL);
	lines_drop(b, n);
	return true;
}

/* Reads what has come, and calls on_line for each line, which may close *fd: then the buffer is
 * empty. So much at a time: others have their turn, too. 0, -EPIPE: the peer is gone, or -errno. */
static int child_link_read(const int *fd, struct child_lines *in,
			   void (*on_line)(const json_t *line, void *arg), void *arg)
{
	static char piece[PIECE];
	json_t *line;
	int err = 0;

	for (unsigned i = 0; !err && i < READS_MAX && *fd >= 0; i++) {
		ssize_t got = recv(*fd, piece, sizeof(piece), MSG_DONTWAIT);

		if (got < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (got == 0)
			return -EPIPE;
		err = child_lines_put(in, piece, (size_t)got);
		explicit_bzero(piece, (size_t)got);
		while (!err && child_lines_next(in, &line)) {
			if (line)
				on_line(line, arg);
			json_decref(line);
		}
	}
	return err;
}

/* Its text, with a line feed in the place of its end. NULL: out of memory. */
static char *line_text(json_t *line, size_t *n)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	json_decref(line);
	if (text) {
		*n = strlen(text);
		text[(*n)++] = '\n';
	}
	return text;
}

static void line_free(char *text, size_t n)
{
	explicit_bzero(text, n);
	free(text);
}

/* ---- the start of a child ---- */

/* Beside this program. */
static int child_path(const char *program, char out[PATH_MAX])
{
	char self[PATH_MAX / 2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return -errno;
	self[n] = '\0';
	(void)snprintf(out, PATH_MAX, "%s/%s", dirname(self), program);
	return access(out, X_OK) < 0 ? -errno : 0;
}

/* Signals blocked here are unblocked there. */
static int child_spawn(const char *path, const char *role, int its, int hands, pid_t *pid)
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
	(void)posix_spawn_file_actions_adddup2(&files, its, CHILD_LINK);
	if (hands >= 0)
		(void)posix_spawn_file_actions_adddup2(&files, hands, CHILD_HANDS);
	err = posix_spawn(pid, path, &files, &attr, argv, envp);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	return -err;
}

static void link_ends_close(const int ends[2])
{
	for (unsigned i = 0; i < 2; i++) {
		if (ends[i] >= 0)
			(void)close(ends[i]);
	}
}

/* dup2(2) would keep its close-on-exec flag, or close the other. */
static bool link_end_fits(int end)
{
	return end < 0 || end > CHILD_HANDS;
}

static int child_pairs(bool hands_over, int link[2], int hands[2])
{
	const int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;

	hands[0] = hands[1] = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | flags, 0, link) < 0)
		return -errno;
	if (hands_over && socketpair(AF_UNIX, SOCK_SEQPACKET | flags, 0, hands) < 0) {
		link_ends_close(link);
		return -errno;
	}
	if (link_end_fits(link[1]) && link_end_fits(hands[1]))
		return 0;
	link_ends_close(link);
	link_ends_close(hands);
	return -EAGAIN;
}

/* ---- requests ---- */

static void child_count(const struct child *c, enum child_metric metric)
{
	if (c->kind->metrics[metric].name)
		metric_add(c->metrics[metric], 1);
}

static void child_gauge(const struct child *c, enum child_metric metric, uint64_t value)
{
	if (c->kind->metrics[metric].name)
		metric_set(c->metrics[metric], value);
}

static void child_request_end(struct child *c, struct child_request *r, const json_t *result,
			      const char *why)
{
	struct child_request of = *r;

	*r = (struct child_request){ 0 };
	c->request_count--;
	if (!result)
		child_count(c, CHILD_FAILED);
	of.done(c->node, result, why, of.arg);
}

/* Those that were to be answered by then. */
static void child_requests_fail(struct child *c, uint64_t until_ns, const char *why)
{
	for (uint32_t i = 0; c->request_count && i < c->kind->requests_max; i++) {
		if (c->requests[i].id && c->requests[i].until_ns <= until_ns)
			child_request_end(c, &c->requests[i], NULL, why);
	}
}

static bool child_requests_have_room(const struct child *c, uint16_t tenant)
{
	uint32_t most = c->kind->of_tenant_max, of_tenant = 0;

	if (c->request_count < most)
		return true;
	for (uint32_t i = 0; i < c->kind->requests_max; i++)
		of_tenant += c->requests[i].id && c->requests[i].tenant == tenant;
	return c->request_count < c->kind->requests_max && of_tenant < most;
}

static struct child_request *child_request_free(struct child *c)
{
	struct child_request *r;

	do
		r = &c->requests[++c->last_id % c->kind->requests_max];
	while (r->id);
	return r;
}

static void child_on_answer(struct child *c, const json_t *line, uint64_t id)
{
	struct child_request *r = c->requests ? &c->requests[id % c->kind->requests_max] : NULL;
	const char *why = json_string_value(json_object_get(line, "failed"));

	if (r && id && r->id == id)
		child_request_end(c, r,
				  c->kind->whole_answers ? line : json_object_get(line, "result"),
				  why ? why : "no answer");
}

static void child_on_line(const json_t *line, void *arg)
{
	struct child *c = arg;
	const json_t *answer = json_object_get(line, "answer");

	if (answer)
		child_on_answer(c, line, (uint64_t)json_integer_value(answer));
	else
		c->kind->on_line(c->node, line);
}

/* ---- the life of a child ---- */

static void child_unlink(struct child *c)
{
	loop_unwatch(c->link);
	(void)close(c->link);
	if (c->hands >= 0)
		(void)close(c->hands);
	c->link = c->hands = -1;
	child_lines_clear(&c->in);
	child_lines_clear(&c->out);
}

static void child_kill(struct child *c)
{
	c->gone = c->pid != 0;
	if (c->pid)
		(void)kill(c->pid, SIGKILL);
}

static void child_ended(struct child *c)
{
	bool stops = c->kind->stops(c->node);

	child_gauge(c, CHILD_UP, 0);
	if (!stops)
		child_count(c, CHILD_DEATHS);
	if (c->kind->on_end)
		c->kind->on_end(c->node);
	child_requests_fail(c, UINT64_MAX, stops ? "the node stops" : c->kind->died);
}

/* Whatever ended the link: the child ends itself, or is killed. */
static void child_died(struct child *c)
{
	uint64_t now_ns = clock_now_ns();

	if (child_runs(c))
		child_unlink(c);
	child_kill(c);
	c->deaths = now_ns - c->start_ns > LIVED_NS ? 0 : c->deaths + (c->deaths < DOUBLINGS_MAX);
	c->again_ns = now_ns + (c->kind->again_ns << c->deaths);
	LOG_ERROR(c->kind->area, 0, c->kind->ended,
		  LOG_U64("in_ms", (c->again_ns - now_ns) / NS_PER_MS));
	child_ended(c);
}

static void child_reap(struct child *c)
{
	int status;

	if (c->gone && waitpid(c->pid, &status, WNOHANG) != 0) {
		c->gone = false;
		c->pid = 0;
	}
}

void child_open(struct child *c, struct node *n, const struct child_kind *kind)
{
	*c = (struct child){ .kind = kind, .node = n, .link = -1, .hands = -1 };
	for (unsigned i = 0; i < CHILD_METRICS; i++) {
		if (kind->metrics[i].name)
			c->metrics[i] = metric_register(
				i == CHILD_UP || i == CHILD_WAITING ? METRIC_GAUGE : METRIC_COUNTER,
				kind->metrics[i].name, NULL, kind->metrics[i].help);
	}
}

static int child_launch(struct child *c)
{
	char path[PATH_MAX];
	int ends[2], hands[2], err = child_path(c->kind->program, path);

	if (!err)
		err = child_pairs(c->kind->hands, ends, hands);
	if (err)
		return err;
	err = child_spawn(path, c->kind->role, ends[1], hands[1], &c->pid);
	c->link = ends[0];
	c->hands = hands[0];
	link_ends_close((int[]){ ends[1], hands[1] });
	c->start_ns = clock_now_ns();
	if (!err)
		err = loop_watch(c->link, LOOP_READ, child_on_link, c);
	if (!err)
		return 0;
	child_unlink(c);
	child_kill(c);
	return err;
}

/* Starts it if it does not run and may be started. Returns whether it runs. */
static bool child_start(struct child *c, uint64_t now_ns)
{
	int err;

	child_reap(c);
	if (child_runs(c))
		return true;
	if (c->pid || now_ns < c->again_ns)
		return false;
	err = child_launch(c);
	if (!err) {
		child_gauge(c, CHILD_UP, 1);
		if (c->kind->on_start)
			c->kind->on_start(c->node);
		return child_runs(c);
	}
	c->again_ns = now_ns + MISSING_NS;
	if (!c->missing_logged)
		LOG_ERROR(c->kind->area, 0, c->kind->missing, LOG_STR("error", strerror(-err)));
	c->missing_logged = true;
	return false;
}

bool child_query(struct child *c, json_t *request, uint16_t tenant, uint64_t until_ns,
		 child_answer_fn *done, void *arg)
{
	struct child_request *r;

	child_count(c, CHILD_ASKED);
	c->wanted = true;
	if (!c->requests)
		c->requests = calloc(c->kind->requests_max, sizeof(*c->requests));
	if (!c->requests || !request || !child_requests_have_room(c, tenant) ||
	    !child_start(c, clock_now_ns())) {
		child_count(c, CHILD_FAILED);
		json_decref(request);
		return false;
	}
	r = child_request_free(c);
	c->request_count++;
	*r = (struct child_request){ c->last_id, until_ns, tenant, done, arg };
	(void)json_object_set_new(request, "ask", json_integer((json_int_t)c->last_id));
	child_send(c, request);
	return true;
}

void child_beat(struct child *c, uint64_t now_ns)
{
	child_gauge(c, CHILD_WAITING, c->request_count);
	child_requests_fail(c, now_ns, c->kind->late);
	child_reap(c);
	if (c->kind->wanted)
		c->wanted = c->kind->wanted(c->node);
	if (c->wanted)
		(void)child_start(c, now_ns);
}

void child_close(struct child *c)
{
	if (child_runs(c)) {
		child_unlink(c);
		if (c->pid)
			(void)kill(c->pid, SIGTERM);
		child_ended(c);
	}
	free(c->requests);
	c->requests = NULL;
}

/* ---- the node's end of the lines ---- */

static int child_flush(struct child *c)
{
	ssize_t sent = 1;

	while (c->out.n && sent > 0) {
		sent = send(c->link, c->out.p, c->out.n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0)
			lines_drop(&c->out, (size_t)sent);
	}
	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	return loop_watch(c->link, LOOP_READ | (c->out.n ? LOOP_WRITE : 0), child_on_link, c);
}

void child_send(struct child *c, json_t *line)
{
	size_t n = 0;
	char *text;
	int err;

	if (!child_runs(c)) {
		json_decref(line);
		return;
	}
	text = line_text(line, &n);
	err = text ? child_lines_put(&c->out, text, n) : -ENOMEM;
	if (text)
		line_free(text, n);
	if (!err)
		err = child_flush(c);
	if (err) {
		LOG_ERROR(c->kind->area, 0, "a process of the node cannot be told",
			  LOG_STR("program", c->kind->program), LOG_STR("error", strerror(-err)));
		child_died(c);
	}
}

/* The loop's handler of the link. */
static void child_on_link(int fd, unsigned events, void *arg)
{
	struct child *c = arg;
	int err = 0;

	if (fd != c->link)
		return;
	if (events & (LOOP_READ | LOOP_ERROR))
		err = child_link_read(&c->link, &c->in, child_on_line, c);
	if (!err && child_runs(c) && (events & LOOP_WRITE))
		err = child_flush(c);
	if (err && child_runs(c))
		child_died(c);
}

/* ---- the child's end ---- */

static bool link_end_is(int fd, int type)
{
	int found = 0;
	socklen_t n = sizeof(found);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &found, &n) && found == type;
}

bool child_has_hands(void)
{
	return link_end_is(CHILD_HANDS, SOCK_SEQPACKET);
}

int child_main_start(int argc, char **argv, const char *name, const char *role, const char *usage)
{
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		(void)printf("%s %s\n", name, TANDEM_VERSION);
		return 0;
	}
	if (argc > 2 || (argc == 2 && (!role || strcmp(argv[1], role) != 0)) ||
	    !link_end_is(CHILD_LINK, SOCK_STREAM)) {
		(void)fprintf(stderr, "%s: %s\n", name, usage);
		return 2;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_DUMPABLE, 0); /* passwords */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)close_range((child_has_hands() ? CHILD_HANDS : CHILD_LINK) + 1, ~0U, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(077);
	privilege_drop_all();
	log_setup(STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	return -1;
}

bool child_peer_read(struct child_peer *l, void (*on_line)(const json_t *line, void *arg),
		     void *arg)
{
	return !child_link_read(&l->fd, &l->in, on_line, arg);
}

/* The node reads at once; one that does not for long is gone, or will stop soon. */
void child_peer_send(const struct child_peer *l, json_t *line)
{
	struct pollfd wait = { .fd = l->fd, .events = POLLOUT };
	size_t n = 0, gone = 0;
	char *text = line_text(line, &n);

	while (gone < n) {
		ssize_t sent = send(l->fd, text + gone, n - gone, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0)
			gone += (size_t)sent;
		else if (errno != EAGAIN || poll(&wait, 1, SEND_LIMIT_MS) <= 0)
			break;
	}
	if (text)
		line_free(text, n);
}

void child_peer_close(struct child_peer *l)
{
	child_lines_clear(&l->in);
	l->fd = -1;
}
