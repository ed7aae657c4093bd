/* SPDX-License-Identifier: Apache-2.0 */
/* The process that runs the operator's program: which addresses are to be told of, one run of each at a time, a few at once. */
#include "app/keeper/hook_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

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

static void hook_want(struct hook_address *a, bool here)
{
	if (!here && !a->told && !a->due)
		return; /* it has never been here */
	a->here = here;
	a->due = here || a->told;
	if (a->run && a->saying == here)
		a->due = false; /* it is being said */
	a->at_ns = a->again_ns = 0;
}

static void hook_order_take(struct hooks *h, const struct hook_order *order)
{
	struct hook_address *a;

	if (order->word == HOOK_DELETE_ALL) {
		for (uint32_t i = 0; i < h->count; i++)
			hook_want(&h->list[i], false);
		return;
	}
	a = hook_address_of(h, &order->ip);
	if (!a)
		return;
	a->shard = order->shard;
	hook_want(a, order->word == HOOK_ADD);
}

static void orders_end(struct hooks *h, uint64_t now_ns)
{
	(void)close(h->orders);
	h->orders = -1;
	h->end_ns = now_ns + END_LIMIT_NS;
	for (uint32_t i = 0; i < h->count; i++)
		h->list[i].due &= !h->list[i].here;
}

static void hook_orders_hear(struct hooks *h, uint64_t now_ns)
{
	struct hook_order order;
	ssize_t n;

	while (h->orders >= 0) {
		n = recv(h->orders, &order, sizeof(order), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n == (ssize_t)sizeof(order))
			hook_order_take(h, &order);
		else
			orders_end(h, now_ns);
	}
}

/* ---- runs ---- */

static void hook_say(const struct hooks *h, const struct addr *ip, enum hook_result result)
{
	struct hook_said said;

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
	hook_say(h, &a->ip, result);
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

static void hooks_begin(struct hooks *h, uint64_t now_ns)
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
	hook_orders_hear(h, now_ns);
	for (uint32_t i = 0; i < HOOK_RUNS_MAX; i++) {
		if (wait[2 + 2 * i].revents)
			hook_program_hear(&h->runs[i]);
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

/* A delete of the process before must not come behind an add of this one. It goes with this process. */
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

void hook_process(int orders, const struct hook_settings *s)
{
	struct hooks *h = calloc(1, sizeof(*h));

	if (!h)
		return;
	h->orders = orders;
	h->settings = s;
	hooks_lock(s->dir);
	while (!hooks_are_over(h, clock_now_ns())) {
		hooks_begin(h, clock_now_ns());
		hooks_poll(h);
	}
	for (uint32_t i = 0; i < h->count; i++) {
		if (h->list[i].run)
			(void)hook_program_end(h->list[i].run, true);
	}
	free(h);
}
