/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/keeper/sockets_message.h"
#include "base/log.h"

/* In the state directory, which is the keeper's own: a longer path may be too long. */
#define PLACE "sockets"

enum { PATIENCE_MS = 200, LOOK_MS = 200 };

/* ---- from the keeper before ---- */

static bool is_ours(int fd, pid_t *pid)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) || who.uid != geteuid())
		return false;
	*pid = who.pid;
	return true;
}

static struct sockaddr_un place_of_sockets(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", PLACE);
	return at;
}

static int socket_of_place(void)
{
	const struct timeval patience = { .tv_usec = PATIENCE_MS * 1000 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	}
	return fd;
}

static void left_keep(struct sockets_kept *k, struct sockets *s)
{
	if (k->left_count == k->flows || clock_now_ns() >= s->since_ns + SOCKETS_HELD_NS)
		sockets_let_go(s);
	else
		k->left[k->left_count++] = *s;
}

/* True: it said that this is all. */
static bool left_receive(struct sockets_kept *k, int from)
{
	static struct sockets_message m;
	static struct sockets of[SOCKETS_BATCH];

	for (;;) {
		int err = sockets_receive(from, &m, of, 0);

		if (err)
			return false;
		for (uint32_t i = 0; i < m.head.count; i++)
			left_keep(k, &of[i]);
		if (m.head.word == SOCKETS_ALL)
			return true;
	}
}

/* A connection to the keeper before, or -1. */
static int before_connect(pid_t *pid)
{
	const struct sockaddr_un at = place_of_sockets();
	int fd = socket_of_place();

	if (fd >= 0 && !connect(fd, (const struct sockaddr *)&at, sizeof(at)) && is_ours(fd, pid))
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* One of an earlier build does not know the word, and has nothing of the kind. */
static void remains_get(struct sockets_kept *k)
{
	const struct sockets_head ask = { .word = SOCKETS_ASK_REMAINS, .number = SOCKETS_VERSION };
	uint64_t ended_ns = 0;
	struct remains r;
	pid_t pid;
	int fd = before_connect(&pid);

	if (fd < 0)
		return;
	if (!sockets_send(fd, ask, NULL, 0, 0) && !remains_receive(fd, &r, &ended_ns)) {
		k->remains = r;
		k->remains_ns = ended_ns;
		if (r.fd_count && clock_now_ns() >= ended_ns + SOCKETS_HELD_NS)
			remains_close(&k->remains);
	}
	(void)close(fd);
}

/* One that has sockets and does not answer would get packets in place of those that are bound beside. */
static void left_get(struct sockets_kept *k)
{
	const struct sockets_head ask = { .word = SOCKETS_ASK, .number = SOCKETS_VERSION };
	pid_t pid = 0;
	int fd = before_connect(&pid);

	if (fd >= 0 && (sockets_send(fd, ask, NULL, 0, 0) || !left_receive(k, fd))) {
		LOG_WARN("keeper", 0,
			 "the keeper of an earlier start does not hand its sockets over: it is "
			 "ended",
			 LOG_INT("pid", pid));
		(void)kill(pid, SIGKILL);
	}
	if (fd >= 0)
		(void)close(fd);
}

/* ---- to the node, and to the next keeper ---- */

/* all: those of flows as well. */
static int left_send(const struct sockets_kept *k, int to, bool all)
{
	static struct sockets batch[SOCKETS_BATCH];
	struct sockets_head head = { .word = SOCKETS_LEFT };
	uint32_t n = 0, of = all ? k->flows : 0;
	int err = 0;

	for (uint32_t i = 0; i < k->left_count + of && !err; i++) {
		const struct sockets *s =
			i < k->left_count ? &k->left[i] : &k->of[i - k->left_count];

		if (sockets_are(s))
			batch[n++] = *s;
		if (n < SOCKETS_BATCH)
			continue;
		err = sockets_send(to, head, batch, n, 0);
		n = 0;
	}
	head.word = SOCKETS_ALL;
	return err ? err : sockets_send(to, head, batch, n, 0);
}

/* ---- its life ---- */

static void listen_for_next(struct sockets_kept *k)
{
	const struct sockaddr_un at = place_of_sockets();

	(void)unlink(at.sun_path);
	k->listener = socket_of_place();
	if (k->listener < 0)
		return;
	if (bind(k->listener, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
	    chmod(at.sun_path, 0600) == 0 && listen(k->listener, 1) == 0)
		return;
	LOG_WARN("keeper", 0, "media sockets cannot be handed to the next process",
		 LOG_STR("error", strerror(errno)));
	(void)close(k->listener);
	k->listener = -1;
}

int sockets_kept_open(struct sockets_kept *k, int node, uint32_t flows)
{
	struct rlimit most;

	*k = (struct sockets_kept){ .node = node, .listener = -1, .flows = flows };
	if (getrlimit(RLIMIT_NOFILE, &most) == 0) {
		most.rlim_cur = most.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &most);
	}
	k->of = calloc(flows, sizeof(*k->of));
	k->left = calloc(flows, sizeof(*k->left));
	if (!k->of || !k->left)
		return -ENOMEM;
	for (uint32_t i = 0; i < flows; i++)
		k->of[i] = SOCKETS_NONE;
	remains_get(k);
	return 0;
}

void sockets_kept_begin(struct sockets_kept *k)
{
	left_get(k);
	listen_for_next(k);
	if (left_send(k, k->node, false))
		LOG_WARN("keeper", 0, "the media sockets of the process before are lost");
}

static void settle(struct sockets_kept *k)
{
	for (uint32_t i = 0; i < k->left_count; i++)
		sockets_let_go(&k->left[i]);
}

static struct sockets left_take(struct sockets_kept *k, uint32_t number)
{
	struct sockets s = number < k->left_count ? k->left[number] : SOCKETS_NONE;

	if (number < k->left_count)
		k->left[number] = SOCKETS_NONE;
	return s;
}

static void flow_set(struct sockets_kept *k, uint32_t flow, struct sockets s)
{
	if (flow >= k->flows) {
		sockets_let_go(&s);
		return;
	}
	sockets_let_go(&k->of[flow]);
	k->of[flow] = s;
}

static void word_do(struct sockets_kept *k, const struct sockets_message *m, struct sockets *of)
{
	struct sockets gone;

	switch ((enum sockets_word)m->head.word) {
	case SOCKETS_HOLD:
		gone = left_take(k, m->head.number);
		sockets_let_go(&gone);
		flow_set(k, m->head.flow, m->head.count ? *of : SOCKETS_NONE);
		return;
	case SOCKETS_CLAIM:
		flow_set(k, m->head.flow, left_take(k, m->head.number));
		return;
	case SOCKETS_DROP:
		gone = left_take(k, m->head.number);
		sockets_let_go(&gone);
		flow_set(k, m->head.flow, SOCKETS_NONE);
		return;
	case SOCKETS_SETTLE:
		settle(k);
		return;
	case SOCKETS_NOTHING:
	case SOCKETS_LEFT:
	case SOCKETS_ALL:
	case SOCKETS_ASK:
	case SOCKETS_ASK_REMAINS:
		return;
	}
}

void sockets_kept_hear(struct sockets_kept *k)
{
	static struct sockets_message m;
	static struct sockets of[SOCKETS_BATCH];
	int err;

	while ((err = sockets_receive(k->node, &m, of, MSG_DONTWAIT)) == 0)
		word_do(k, &m, of);
	if (err == -EAGAIN)
		return;
	(void)close(k->node);
	k->node = -1;
}

/* ---- without the node ---- */

static void leave_one(struct sockets *s, const struct addr *ip)
{
	for (int i = 0; i < SOCKETS_PER_FLOW; i++) {
		if (s->fd[i] >= 0 && addr_ip_eq(&s->local[i], ip)) {
			sockets_let_go(s);
			return;
		}
	}
}

void sockets_kept_leave(struct sockets_kept *k, const struct addr *ip)
{
	if (k->node >= 0)
		sockets_kept_hear(k);
	for (uint32_t i = 0; k->of && i < k->flows; i++)
		leave_one(&k->of[i], ip);
	for (uint32_t i = 0; i < k->left_count; i++)
		leave_one(&k->left[i], ip);
}

/* How many there are. */
static uint32_t ended_at(struct sockets_kept *k, uint64_t now_ns)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < k->flows; i++) {
		k->of[i].since_ns = now_ns;
		count += sockets_are(&k->of[i]);
	}
	for (uint32_t i = 0; i < k->left_count; i++)
		count += sockets_are(&k->left[i]);
	return count;
}

/* Whoever reads the log to its end does not wait for the keeper. */
static void log_leave(void)
{
	int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; nowhere >= 0 && fd <= STDERR_FILENO; fd++)
		(void)dup2(nowhere, fd);
}

/* A folder that was removed has no next process. */
static bool folder_is_there(void)
{
	struct stat at;

	return stat(".", &at) == 0 && at.st_nlink > 0;
}

/* Of both words: neither sockets nor descriptors come with them. */
static bool is_question(const struct sockets_message *m, enum sockets_word word)
{
	return m->head.word == word && m->head.number == SOCKETS_VERSION && m->head.count == 0;
}

/* True: the next one has all there was. */
static bool next_serve(struct sockets_kept *k)
{
	static struct sockets_message m;
	static struct sockets of[SOCKETS_BATCH];
	int fd = accept4(k->listener, NULL, NULL, SOCK_CLOEXEC);
	pid_t pid;
	bool asks = fd >= 0 && is_ours(fd, &pid) && sockets_receive(fd, &m, of, 0) == 0;
	bool done = asks && is_question(&m, SOCKETS_ASK) && left_send(k, fd, true) == 0;

	if (asks && is_question(&m, SOCKETS_ASK_REMAINS))
		(void)!remains_send(fd, &k->remains, k->remains_ns);
	if (fd >= 0)
		(void)close(fd);
	return done;
}

void sockets_kept_remain(struct sockets_kept *k, const struct remains *r)
{
	remains_close(&k->remains);
	k->remains = *r;
	k->remains_ns = 0;
}

void sockets_kept_outlive(struct sockets_kept *k)
{
	uint64_t now_ns = clock_now_ns(), end_ns = now_ns + SOCKETS_HELD_NS;
	struct pollfd wait = { .fd = k->listener, .events = POLLIN };
	uint32_t count;

	if (k->node >= 0)
		sockets_kept_hear(k);
	count = ended_at(k, now_ns);
	if (k->remains_ns == 0)
		k->remains_ns = now_ns;
	if (!count || k->listener < 0)
		return;
	LOG_INFO("keeper", 0, "media sockets wait for the next process", LOG_U64("flows", count));
	log_leave();
	while (clock_now_ns() < end_ns && folder_is_there()) {
		if (poll(&wait, 1, LOOK_MS) > 0 && next_serve(k))
			return;
	}
}

void sockets_kept_close(struct sockets_kept *k)
{
	for (uint32_t i = 0; k->of && i < k->flows; i++)
		sockets_let_go(&k->of[i]);
	settle(k);
	remains_close(&k->remains);
	free(k->of);
	free(k->left);
	if (k->listener >= 0)
		(void)close(k->listener);
	if (k->node >= 0)
		(void)close(k->node);
	*k = (struct sockets_kept){ .node = -1, .listener = -1 };
}
