/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands media sockets over a restart: the node tells the keeper each socket it opens, the keeper
 * gives them to the next process of the state directory, directly or by way of the next keeper.
 * effects.c claims and drops them for flows. A socket has one owner at a time: a process that binds
 * its port again must be the only one, or the kernel would give packets to the wrong socket. Peers
 * are checked by credentials (SO_PEERCRED), and may be of another build.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/keeper/sockets.h"
#include "base/log.h"

static size_t message_octets(uint32_t count)
{
	return offsetof(struct sockets_message, of) +
	       count * sizeof(((struct sockets_message *)NULL)->of[0]);
}

void sockets_let_go(struct sockets *s)
{
	for (uint32_t i = 0; i < SOCKETS_PER_FLOW; i++) {
		if (s->fd[i] >= 0)
			(void)close(s->fd[i]);
		s->fd[i] = -1;
	}
}

static bool sockets_are(const struct sockets *s)
{
	return s->fd[0] >= 0 || s->fd[1] >= 0;
}

/* of: count of them; head need not have it. 0, -EAGAIN, -EPIPE or -errno. */
static int sockets_send(int to, struct sockets_head head, const struct sockets *of, uint32_t count,
			int flags)
{
	static struct sockets_message m;
	int fds[DESCRIPTORS_MAX];
	uint32_t n = 0;

	assert(count <= SOCKETS_BATCH);
	m.head = head;
	m.head.count = count;
	for (uint32_t i = 0; i < count; i++) {
		m.of[i].since_ns = of[i].since_ns;
		for (uint32_t j = 0; j < SOCKETS_PER_FLOW; j++) {
			m.of[i].local[j] = of[i].fd[j] >= 0 ? of[i].local[j] : (struct addr){ 0 };
			if (of[i].fd[j] >= 0)
				fds[n++] = of[i].fd[j];
		}
	}
	return descriptors_send(to, bytes_mem(&m, message_octets(count)), fds, n, flags);
}

static bool sockets_fill(const struct sockets_message *m, struct sockets *of, const int *fds,
			 uint32_t n)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < m->head.count; i++) {
		of[i].since_ns = m->of[i].since_ns;
		for (uint32_t j = 0; j < SOCKETS_PER_FLOW; j++) {
			bool there = m->of[i].local[j].family != ADDR_NONE;

			of[i].local[j] = m->of[i].local[j];
			of[i].fd[j] = -1;
			if (there && used == n)
				return false;
			if (there)
				of[i].fd[j] = fds[used++];
		}
	}
	return used == n;
}

int sockets_receive(int from, struct sockets_message *m, struct sockets of[SOCKETS_BATCH],
		    int flags)
{
	int fds[DESCRIPTORS_MAX];
	uint32_t n;
	ssize_t got;

	do { /* each is said once: an unread message of a dead peer is lost, a sent one is not */
		n = DESCRIPTORS_MAX;
		got = descriptors_receive(from, m, sizeof(*m), fds, &n, flags);
	} while (got == -ECONNRESET);
	if (got == -EAGAIN || got == -EMFILE)
		return -EAGAIN; /* without room it is not held */
	if (got >= (ssize_t)message_octets(0) && m->head.count <= SOCKETS_BATCH &&
	    (size_t)got == message_octets(m->head.count) && sockets_fill(m, of, fds, n))
		return 0;
	while (n)
		(void)close(fds[--n]);
	return -EPIPE;
}

/* ---- remains in the kernel ---- */

struct remains_message {
	uint64_t ended_ns;
	uint32_t fd_count, word_n;
	uint8_t word[REMAINS_WORD_MAX];
};

/* The answer to SOCKETS_ASK_REMAINS; ended_ns: when the process did. 0 or -errno. */
static int remains_send(int to, const struct remains *r, uint64_t ended_ns)
{
	struct remains_message m = { .ended_ns = ended_ns,
				     .fd_count = r->fd_count,
				     .word_n = r->word_n };

	memcpy(m.word, r->word, r->word_n);
	return descriptors_send(to, bytes_mem(&m, sizeof(m)), r->fds, r->fd_count, 0);
}

/* 0, or -EPIPE: the peer does not know the word, or hangs. */
static int remains_receive(int from, struct remains *r, uint64_t *ended_ns)
{
	int fds[REMAINS_FDS_MAX + 1];
	uint32_t n = REMAINS_FDS_MAX;
	struct remains_message m;
	ssize_t got = descriptors_receive(from, &m, sizeof(m), fds, &n, 0);

	if (got == (ssize_t)sizeof(m) && m.fd_count == n && m.word_n <= sizeof(m.word)) {
		*r = (struct remains){ .fd_count = n, .word_n = m.word_n };
		memcpy(r->fds, fds, sizeof(int) * n);
		memcpy(r->word, m.word, m.word_n);
		*ended_ns = m.ended_ns;
		return 0;
	}
	while (n && got >= 0)
		(void)close(fds[--n]);
	return -EPIPE;
}

#define NO_NUMBER ((uint32_t)SOCKETS_NO_NUMBER)

int sockets_open(struct sockets_link *l, int keeper, uint32_t flows)
{
	*l = (struct sockets_link){ .keeper = keeper, .flows = flows };
	if (keeper < 0)
		return 0;
	l->waiting = calloc(flows, sizeof(*l->waiting));
	l->order = calloc(flows, sizeof(*l->order));
	l->left = calloc(flows, sizeof(*l->left));
	if (l->waiting && l->order && l->left && !table_open(&l->by_address, flows))
		return 0;
	sockets_close(l);
	return -ENOMEM;
}

/* ---- those that were left ---- */

/* Addresses of our own ports: no attacker chooses the keys. */
static uint64_t address_hash(const struct addr *a)
{
	uint64_t x[2];

	memcpy(x, a->ip, sizeof(x));
	return (x[0] ^ x[1] * 31 ^ a->port) * UINT64_C(0x9e3779b97f4a7c15);
}

static void left_add(struct sockets_link *l, struct sockets *s)
{
	uint32_t number = l->left_count;

	if (number == l->flows ||
	    table_put(&l->by_address, address_hash(&s->local[0]), number + 1)) {
		sockets_let_go(s);
		return;
	}
	l->left[number] = *s;
	l->left_count++;
	l->unclaimed++;
	if (s->since_ns + SOCKETS_HELD_NS > l->late_ns)
		l->late_ns = s->since_ns + SOCKETS_HELD_NS;
}

/* False: there are no more. */
static bool left_read(struct sockets_link *l, struct sockets_message *m, struct sockets *of)
{
	int err = sockets_receive(l->keeper, m, of, MSG_DONTWAIT);

	if (err == -EAGAIN)
		return true;
	for (uint32_t i = 0; !err && i < m->head.count; i++)
		left_add(l, &of[i]);
	return !err && m->head.word == SOCKETS_LEFT;
}

uint32_t sockets_await_left(struct sockets_link *l, uint64_t patience_ns)
{
	static struct sockets_message m;
	static struct sockets of[SOCKETS_BATCH];
	struct pollfd wait = { .fd = l->keeper, .events = POLLIN };
	uint64_t end_ns = clock_now_ns() + patience_ns;

	for (;;) {
		uint64_t now_ns = clock_now_ns();

		if (l->keeper < 0 || now_ns >= end_ns)
			break;
		if (poll(&wait, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1) > 0 &&
		    !left_read(l, &m, of))
			break;
	}
	return l->left_count;
}

static uint32_t left_find(const struct sockets_link *l, const struct addr local[SOCKETS_PER_FLOW])
{
	uint64_t hash = address_hash(&local[0]), value;
	uint32_t cursor = 0;

	while ((value = table_next(&l->by_address, hash, &cursor)) != 0) {
		if (addr_eq(&l->left[value - 1].local[0], &local[0]))
			return (uint32_t)value - 1;
	}
	return UINT32_MAX;
}

/* ---- messages to the keeper ---- */

/* -EAGAIN: it has no room. */
static int keeper_send(struct sockets_link *l, uint32_t flow, const struct sockets_waiting *what)
{
	const struct sockets_head head = { .word = what->word,
					   .number = what->number,
					   .flow = flow };
	bool hold = what->word == SOCKETS_HOLD;
	int err = -EPIPE;

	if (l->keeper >= 0)
		err = sockets_send(l->keeper, head, &what->sockets, hold, MSG_DONTWAIT);
	if (err == -EAGAIN)
		return err;
	if (err == -EPIPE || err == -ECONNRESET)
		l->keeper = -1; /* its opener closes it */
	l->held += hold && !err;
	l->refused += hold && err;
	return 0;
}

static void waiting_flush(struct sockets_link *l)
{
	while (l->order_count) {
		uint32_t flow = l->order[l->order_first];
		struct sockets_waiting *w = &l->waiting[flow];

		if (keeper_send(l, flow, w) == -EAGAIN)
			return;
		if (w->word == SOCKETS_HOLD)
			sockets_let_go(&w->sockets);
		w->word = SOCKETS_NOTHING;
		l->order_first = (l->order_first + 1) % l->flows;
		l->order_count--;
	}
}

static void sockets_copy(struct sockets *to, const struct sockets *from)
{
	*to = *from;
	for (uint32_t i = 0; i < SOCKETS_PER_FLOW; i++)
		to->fd[i] = from->fd[i] >= 0 ? dup(from->fd[i]) : -1;
}

/* The newest message about a flow counts, so each waits once. It closes its left sockets. */
static void waiting_put(struct sockets_link *l, uint32_t flow, const struct sockets_waiting *what)
{
	struct sockets_waiting *w = &l->waiting[flow];
	uint32_t number = w->word == SOCKETS_NOTHING ? NO_NUMBER : w->number;

	if (w->word == SOCKETS_NOTHING)
		l->order[(l->order_first + l->order_count++) % l->flows] = flow;
	else if (w->word == SOCKETS_HOLD)
		sockets_let_go(&w->sockets);
	if (what->number != NO_NUMBER)
		number = what->number;
	*w = *what;
	w->number = number;
	if (what->word == SOCKETS_HOLD)
		sockets_copy(&w->sockets, &what->sockets);
}

static void sockets_link_send(struct sockets_link *l, uint32_t flow,
			      const struct sockets_waiting *what)
{
	assert(flow < l->flows);
	waiting_flush(l);
	if (l->order_count || keeper_send(l, flow, what) == -EAGAIN)
		waiting_put(l, flow, what);
}

/* ---- for flows ---- */

/* Useless, as the keeper would have it for another flow: a new bind must be alone. */
static void left_forget(struct sockets_link *l, uint32_t number, uint32_t flow)
{
	const struct sockets_waiting forget = { .word = SOCKETS_DROP, .number = number };

	sockets_let_go(&l->left[number]);
	sockets_link_send(l, flow, &forget);
}

bool sockets_claim(struct sockets_link *l, uint32_t flow, const struct addr local[SOCKETS_PER_FLOW],
		   struct sockets *out)
{
	uint32_t number = l->unclaimed ? left_find(l, local) : UINT32_MAX;
	const struct sockets_waiting claim = { .word = SOCKETS_CLAIM, .number = number };

	if (number == UINT32_MAX)
		return false;
	*out = l->left[number];
	(void)table_del(&l->by_address, address_hash(&local[0]), number + 1);
	l->unclaimed--;
	if (local[1].family != out->local[1].family || !addr_eq(&local[1], &out->local[1])) {
		left_forget(l, number, flow);
		return false;
	}
	l->left[number] = SOCKETS_NONE;
	sockets_link_send(l, flow, &claim);
	return true;
}

void sockets_hold(struct sockets_link *l, uint32_t flow, const struct sockets *s)
{
	const struct sockets_waiting hold = { .word = SOCKETS_HOLD,
					      .number = NO_NUMBER,
					      .sockets = *s };

	if (l->keeper >= 0)
		sockets_link_send(l, flow, &hold);
}

void sockets_hold_later(struct sockets_link *l, uint32_t flow, const struct sockets *s)
{
	const struct sockets_waiting hold = { .word = SOCKETS_HOLD,
					      .number = NO_NUMBER,
					      .sockets = *s };

	assert(flow < l->flows);
	if (l->keeper >= 0)
		waiting_put(l, flow, &hold);
}

void sockets_drop(struct sockets_link *l, uint32_t flow)
{
	const struct sockets_waiting drop = { .word = SOCKETS_DROP, .number = NO_NUMBER };

	if (l->keeper >= 0)
		sockets_link_send(l, flow, &drop);
}

/* ---- in time ---- */

static void left_settle(struct sockets_link *l)
{
	const struct sockets_head head = { .word = SOCKETS_SETTLE };

	if (l->keeper >= 0 && sockets_send(l->keeper, head, NULL, 0, MSG_DONTWAIT) == -EAGAIN)
		return; /* in the next round */
	for (uint32_t i = 0; i < l->left_count; i++)
		sockets_let_go(&l->left[i]);
	LOG_INFO("keeper", 0, "media ports of the process before are let go",
		 LOG_U64("flows", l->unclaimed));
	l->left_count = l->unclaimed = 0;
	table_close(&l->by_address);
}

void sockets_beat(struct sockets_link *l, uint64_t now_ns)
{
	if (l->order_count)
		waiting_flush(l);
	if (l->unclaimed && !l->order_count && now_ns >= l->late_ns)
		left_settle(l);
}

void sockets_close(struct sockets_link *l)
{
	for (uint32_t i = 0; i < l->left_count; i++)
		sockets_let_go(&l->left[i]);
	for (uint32_t i = 0; l->waiting && i < l->flows; i++) {
		if (l->waiting[i].word == SOCKETS_HOLD)
			sockets_let_go(&l->waiting[i].sockets);
	}
	free(l->left);
	free(l->waiting);
	free(l->order);
	table_close(&l->by_address);
	*l = (struct sockets_link){ .keeper = -1 };
}

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

/* A keeper that has sockets and does not answer would get packets of newly bound ones. */
static void left_get(struct sockets_kept *k)
{
	const struct sockets_head ask = { .word = SOCKETS_REQUEST, .number = SOCKETS_VERSION };
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

void sockets_kept_start(struct sockets_kept *k)
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

static struct sockets sockets_left_pop(struct sockets_kept *k, uint32_t number)
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
		gone = sockets_left_pop(k, m->head.number);
		sockets_let_go(&gone);
		flow_set(k, m->head.flow, m->head.count ? *of : SOCKETS_NONE);
		return;
	case SOCKETS_CLAIM:
		flow_set(k, m->head.flow, sockets_left_pop(k, m->head.number));
		return;
	case SOCKETS_DROP:
		gone = sockets_left_pop(k, m->head.number);
		sockets_let_go(&gone);
		flow_set(k, m->head.flow, SOCKETS_NONE);
		return;
	case SOCKETS_SETTLE:
		settle(k);
		return;
	case SOCKETS_NOTHING:
	case SOCKETS_LEFT:
	case SOCKETS_ALL:
	case SOCKETS_REQUEST:
	case SOCKETS_ASK_REMAINS:
		return;
	}
}

void sockets_kept_receive(struct sockets_kept *k)
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
		sockets_kept_receive(k);
	for (uint32_t i = 0; k->of && i < k->flows; i++)
		leave_one(&k->of[i], ip);
	for (uint32_t i = 0; i < k->left_count; i++)
		leave_one(&k->left[i], ip);
}

/* Their number. */
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

/* A reader of the log to its end must not wait for the keeper. */
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
	bool done = asks && is_question(&m, SOCKETS_REQUEST) && left_send(k, fd, true) == 0;

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
		sockets_kept_receive(k);
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
