/* SPDX-License-Identifier: Apache-2.0 */
/* The process that runs the operator's program, and the keeper's end of its socket pair. A program
 * is run without shell and descriptors, with an environment of our own, one run at a time for an
 * address; failed ones run again, later each time. A lock keeps a delete of the former process from
 * following an add of this one. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/keeper/hook.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/privilege.h"

/* Messages of a SOCK_SEQPACKET pair. */
struct hook_order {
	enum hook_word word;
	uint16_t shard;
	struct addr ip;
};
struct hook_answer {
	enum hook_result result;
	struct addr ip;
};

/* One run of the program. */
struct hook_program {
	pid_t pid;
	int end;    /* readable when it has ended */
	int output; /* -1: no more */
	uint64_t until_ns;
	struct addr ip; /* its lines are about this address */
	unsigned lines;
	size_t n;
	char line[240];
};

/* The process that runs the operator's program:
 * the pending addresses, one run of each at a time, a few at once. */

/* One that has failed runs again, later each time. */
#define AGAIN_NS     (5 * NS_PER_S)
#define AGAIN_MAX_NS (60 * NS_PER_S)
/* When the keeper is gone: for all that is still to be said. The next start waits for that. */
#define END_LIMIT_NS  (15 * NS_PER_S)
#define LOCK_LIMIT_NS (20 * NS_PER_S)

enum { HOOK_ADDRESSES_MAX = 64, LOCK_LOOK_US = 20 * 1000 };

struct hook_address {
	struct addr ip;
	uint16_t shard;
	bool here;      /* what is to be said of it */
	bool told;      /* it was said that it is here, or may have been, and not that it is not */
	bool due;       /* it is to be said */
	bool saying;    /* run: that it is here */
	uint64_t at_ns; /* not before */
	uint64_t again_ns;
	struct hook_program *run;
};

struct hooks {
	int orders; /* -1: the keeper is gone */
	uint64_t end_ns;
	const struct hook_settings *settings;
	struct hook_address list[HOOK_ADDRESSES_MAX];
	uint32_t count;
	struct hook_program runs[HOOK_RUNS_MAX];
	bool used[HOOK_RUNS_MAX];
};

/* ---- orders ---- */

static struct hook_address *hook_address_of(struct hooks *h, const struct addr *ip)
{
	for (uint32_t i = 0; i < h->count; i++) {
		if (addr_ip_eq(&h->list[i].ip, ip))
			return &h->list[i];
	}
	if (h->count == HOOK_ADDRESSES_MAX)
		return NULL;
	h->list[h->count] = (struct hook_address){ .ip = *ip };
	return &h->list[h->count++];
}

static void hook_set_wanted(struct hook_address *a, bool here)
{
	if (!here && !a->told && !a->due)
		return; /* it has never been here */
	a->here = here;
	a->due = here || a->told;
	if (a->run && a->saying == here)
		a->due = false; /* it is being said */
	a->at_ns = a->again_ns = 0;
}

static void hooks_on_order(struct hooks *h, const struct hook_order *order)
{
	struct hook_address *a;

	if (order->word == HOOK_DELETE_ALL) {
		for (uint32_t i = 0; i < h->count; i++)
			hook_set_wanted(&h->list[i], false);
		return;
	}
	a = hook_address_of(h, &order->ip);
	if (!a)
		return;
	a->shard = order->shard;
	hook_set_wanted(a, order->word == HOOK_ADD);
}

static void orders_end(struct hooks *h, uint64_t now_ns)
{
	(void)close(h->orders);
	h->orders = -1;
	h->end_ns = now_ns + END_LIMIT_NS;
	for (uint32_t i = 0; i < h->count; i++)
		h->list[i].due &= !h->list[i].here;
}

static void hook_orders_receive(struct hooks *h, uint64_t now_ns)
{
	struct hook_order order;
	ssize_t n;

	while (h->orders >= 0) {
		n = recv(h->orders, &order, sizeof(order), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n == (ssize_t)sizeof(order))
			hooks_on_order(h, &order);
		else
			orders_end(h, now_ns);
	}
}

/* ---- runs ---- */

static void hook_report(const struct hooks *h, const struct addr *ip, enum hook_result result)
{
	struct hook_answer said;

	memset(&said, 0, sizeof(said));
	said.result = result;
	said.ip = *ip;
	if (h->orders >= 0)
		(void)!send(h->orders, &said, sizeof(said), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* What was ordered meanwhile is due anyhow. */
static void hook_ended(struct hooks *h, struct hook_address *a, enum hook_result result,
		       uint64_t now_ns)
{
	hook_report(h, &a->ip, result);
	if (result == HOOK_DONE) {
		a->told = a->saying;
		a->again_ns = 0;
		return;
	}
	a->due |= h->orders >= 0;
	a->again_ns = a->again_ns ? 2 * a->again_ns : AGAIN_NS;
	if (a->again_ns > AGAIN_MAX_NS)
		a->again_ns = AGAIN_MAX_NS;
	if (a->at_ns)
		a->at_ns = now_ns + a->again_ns;
}

enum { HOOK_LINES_MAX = 20, HOOK_BITS_V4 = 32, HOOK_BITS_V6 = 128 };

/* What is ignored stays so over exec. */
static void signals_reset(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void program_exec(const struct hook_settings *s, const struct hook_order *order, int output)
{
	const struct rlimit no_core = { 0, 0 };
	char ip[ADDR_TEXT_MAX], bits[8], shard[8];
	struct writer w = writer_over(ip, sizeof(ip) - 1);
	const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
					    NULL };
	const char *const words[] = { s->program, order->word == HOOK_ADD ? "add" : "delete",
				      ip,         bits,
				      shard,      s->node,
				      NULL };
	int null = open("/dev/null", O_RDONLY);

	addr_write_ip(&w, &order->ip);
	ip[w.n] = '\0';
	(void)snprintf(bits, sizeof(bits), "%d",
		       order->ip.family == ADDR_V4 ? HOOK_BITS_V4 : HOOK_BITS_V6);
	(void)snprintf(shard, sizeof(shard), "%" PRIu16, order->shard);
	(void)setpgid(0, 0); /* all that it starts is killed with it */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	signals_reset();
	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0 || chdir("/") < 0)
		_exit(126);
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	(void)execve(s->program, (char *const *)(uintptr_t)words,
		     (char *const *)(uintptr_t)environment);
	(void)dprintf(STDERR_FILENO, "%s: %s\n", s->program, strerror(errno));
	_exit(127);
}

/* 0 or -errno. */
static int hook_program_start(struct hook_program *p, const struct hook_settings *s,
			      const struct hook_order *order, uint64_t now_ns)
{
	int ends[2], err = 0;

	if (hook_fault(s->program))
		return -EACCES;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	*p = (struct hook_program){ .output = ends[0],
				    .until_ns = now_ns + s->limit_ns,
				    .ip = order->ip };
	p->pid = fork();
	if (p->pid == 0)
		program_exec(s, order, ends[1]);
	p->end = p->pid < 0 ? -1 : pidfd_open(p->pid, 0);
	if (p->pid < 0 || p->end < 0)
		err = -errno;
	(void)close(ends[1]);
	if (!err)
		return 0;
	(void)close(ends[0]);
	if (p->pid > 0 && kill(p->pid, SIGKILL) == 0)
		(void)waitpid(p->pid, NULL, 0);
	return err;
}

static void hook_run(struct hooks *h, struct hook_address *a, uint32_t place, uint64_t now_ns)
{
	const struct hook_order order = { a->here ? HOOK_ADD : HOOK_DELETE, a->shard, a->ip };
	int err = hook_program_start(&h->runs[place], h->settings, &order, now_ns);

	a->due = false;
	a->saying = a->here;
	a->told |= a->saying;
	a->at_ns = now_ns; /* an order that comes while it runs makes it 0 again */
	if (err) {
		const char *fault = hook_fault(h->settings->program);

		LOG_ERROR("keeper", 0, "the address hook cannot be run",
			  LOG_ADDR("address", &a->ip),
			  LOG_STR("error", fault ? fault : strerror(-err)));
		hook_ended(h, a, HOOK_NOT_RUN, now_ns);
		return;
	}
	a->run = &h->runs[place];
	h->used[place] = true;
}

static void hooks_start(struct hooks *h, uint64_t now_ns)
{
	uint32_t place = 0;

	for (uint32_t i = 0; i < h->count; i++) {
		struct hook_address *a = &h->list[i];

		while (place < HOOK_RUNS_MAX && h->used[place])
			place++;
		if (place == HOOK_RUNS_MAX)
			return;
		if (a->due && !a->run && a->at_ns <= now_ns)
			hook_run(h, a, place, now_ns);
	}
}

static void hook_line_log(struct hook_program *p)
{
	if (p->n && p->lines++ < HOOK_LINES_MAX)
		LOG_INFO("keeper", 0, "the address hook says", LOG_ADDR("address", &p->ip),
			 LOG_BYTES("text", bytes_mem(p->line, p->n)));
	p->n = 0;
}

static void hook_on_octet(struct hook_program *p, char c)
{
	if (c == '\n')
		hook_line_log(p);
	else if (p->n < sizeof(p->line)) /* the rest of a long line is left out */
		p->line[p->n++] = c;
}

/* Says what it has written so far. */
static void hook_program_read(struct hook_program *p)
{
	char octets[512];
	ssize_t n = 1;

	for (unsigned turns = 0; p->output >= 0 && n > 0 && turns < 8; turns++) {
		n = read(p->output, octets, sizeof(octets));
		for (ssize_t i = 0; i < n; i++)
			hook_on_octet(p, octets[i]);
	}
	if (n > 0 || p->output < 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	(void)close(p->output);
	p->output = -1;
}

/* It has ended, or is killed now. */
static enum hook_result hook_program_end(struct hook_program *p, bool late)
{
	int status = 0;

	(void)kill(-p->pid, SIGKILL); /* and what it has left */
	(void)kill(p->pid, SIGKILL);
	if (waitpid(p->pid, &status, 0) != p->pid)
		status = 1;
	hook_program_read(p);
	hook_line_log(p);
	if (p->output >= 0)
		(void)close(p->output);
	(void)close(p->end);
	p->pid = 0;
	if (late) {
		LOG_ERROR("keeper", 0, "the address hook took too long and was killed",
			  LOG_ADDR("address", &p->ip));
		return HOOK_LATE;
	}
	if (!status)
		return HOOK_DONE;
	if (WIFEXITED(status))
		LOG_ERROR("keeper", 0, "the address hook has failed", LOG_ADDR("address", &p->ip),
			  LOG_INT("exit_status", WEXITSTATUS(status)));
	else
		LOG_ERROR("keeper", 0, "the address hook has failed", LOG_ADDR("address", &p->ip),
			  LOG_INT("signal", WTERMSIG(status)));
	return HOOK_FAILED;
}

static void hook_turn(struct hooks *h, struct hook_address *a, bool ended, uint64_t now_ns)
{
	struct hook_program *run = a->run;
	bool late = !ended && now_ns >= run->until_ns;

	if (!ended && !late)
		return;
	a->run = NULL;
	h->used[run - h->runs] = false;
	hook_ended(h, a, hook_program_end(run, late), now_ns);
}

/* ---- its life ---- */

/* Until something is due, for poll(2). */
static int hooks_wait(const struct hooks *h, uint64_t now_ns)
{
	uint64_t next_ns = h->orders < 0 ? h->end_ns : UINT64_MAX;
	bool free_place = false;

	for (uint32_t i = 0; i < HOOK_RUNS_MAX; i++)
		free_place |= !h->used[i];

	for (uint32_t i = 0; i < h->count; i++) {
		const struct hook_address *a = &h->list[i];
		uint64_t own_ns = UINT64_MAX;

		if (a->run)
			own_ns = a->run->until_ns;
		else if (a->due && free_place)
			own_ns = a->at_ns;
		if (own_ns < next_ns)
			next_ns = own_ns;
	}
	if (next_ns == UINT64_MAX)
		return -1;
	return next_ns <= now_ns ? 1 : (int)((next_ns - now_ns) / NS_PER_MS) + 1;
}

static void hooks_poll(struct hooks *h)
{
	struct pollfd wait[1 + 2 * HOOK_RUNS_MAX] = { { .fd = h->orders, .events = POLLIN } };
	uint64_t now_ns;

	for (uint32_t i = 0; i < HOOK_RUNS_MAX; i++) {
		wait[1 + 2 * i] = (struct pollfd){ h->used[i] ? h->runs[i].end : -1, POLLIN, 0 };
		wait[2 + 2 * i] = (struct pollfd){ h->used[i] ? h->runs[i].output : -1, POLLIN, 0 };
	}
	(void)poll(wait, COUNT_OF(wait), hooks_wait(h, clock_now_ns()));
	now_ns = clock_now_ns();
	hook_orders_receive(h, now_ns);
	for (uint32_t i = 0; i < HOOK_RUNS_MAX; i++) {
		if (wait[2 + 2 * i].revents)
			hook_program_read(&h->runs[i]);
	}
	for (uint32_t i = 0; i < h->count; i++) {
		const struct hook_program *run = h->list[i].run;

		if (run)
			hook_turn(h, &h->list[i], wait[1 + 2 * (run - h->runs)].revents != 0,
				  now_ns);
	}
}

static bool hooks_are_over(const struct hooks *h, uint64_t now_ns)
{
	bool any = false;

	for (uint32_t i = 0; i < h->count; i++)
		any |= h->list[i].run || h->list[i].due;
	return h->orders < 0 && (!any || now_ns >= h->end_ns);
}

/* A delete of the former process must not follow an add of this one. Held by this process. */
static void hooks_lock(const char *dir)
{
	uint64_t end_ns = clock_now_ns() + LOCK_LIMIT_NS;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/hooks", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		LOG_WARN("keeper", 0, "the address hook of an earlier start is not waited for",
			 LOG_STR("error", strerror(errno)));
		return;
	}
	while (fcntl(fd, F_SETLK, &lock) != 0 && clock_now_ns() < end_ns)
		(void)usleep(LOCK_LOOK_US);
}

/* Runs until the other end is closed and all orders are done. Its only descriptor is `orders`. */
static void hook_process(int orders, const struct hook_settings *s)
{
	struct hooks *h = calloc(1, sizeof(*h));

	if (!h)
		return;
	h->orders = orders;
	h->settings = s;
	hooks_lock(s->dir);
	while (!hooks_are_over(h, clock_now_ns())) {
		hooks_start(h, clock_now_ns());
		hooks_poll(h);
	}
	for (uint32_t i = 0; i < h->count; i++) {
		if (h->list[i].run)
			(void)hook_program_end(h->list[i].run, true);
	}
	free(h);
}

/* ---- its end ---- */

/* A user that may write it could run programs with the node's rights. */
const char *hook_fault(const char *program)
{
	struct stat st;

	if (program[0] != '/')
		return "is no absolute path";
	if (lstat(program, &st) != 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "is no regular file";
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return "belongs to somebody else than root and the node's user";
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return "may be written by others: chmod go-w";
	if (access(program, X_OK) != 0)
		return "may not be run by the node's user: chmod a+rx";
	return NULL;
}

static void hook_child(int orders, const struct hook_settings *s)
{
	(void)prctl(PR_SET_NAME, "tandem-hooks");
	if (orders > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned)orders - 1, 0);
	(void)close_range((unsigned)orders + 1, ~0U, 0);
	privilege_drop_all();
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	hook_process(orders, s);
	_exit(0);
}

int hook_fork(struct hook *out, const struct hook_settings *s)
{
	int ends[2], err = 0;

	out->fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	out->pid = fork();
	if (out->pid == 0)
		hook_child(ends[1], s);
	if (out->pid < 0)
		err = -errno;
	(void)close(ends[1]);
	if (err)
		(void)close(ends[0]);
	else
		out->fd = ends[0];
	return err;
}

/* What does not fit is lost: so many orders wait that a later one is among them. */
void hook_send(const struct hook *h, enum hook_word word, const struct addr *ip, uint16_t shard)
{
	struct hook_order order;

	if (h->fd < 0)
		return;
	memset(&order, 0, sizeof(order));
	order.word = word;
	order.shard = shard;
	if (ip)
		order.ip = *ip;
	(void)!send(h->fd, &order, sizeof(order), MSG_DONTWAIT | MSG_NOSIGNAL);
}

int hook_receive(const struct hook *h, enum hook_result *result, struct addr *ip)
{
	struct hook_answer said;
	ssize_t n = recv(h->fd, &said, sizeof(said), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (n != (ssize_t)sizeof(said) || said.result >= HOOK_RESULTS)
		return -EPIPE;
	*result = said.result;
	*ip = said.ip;
	return 0;
}

void hook_close(struct hook *h)
{
	if (h->fd >= 0)
		(void)close(h->fd);
	h->fd = -1;
}
