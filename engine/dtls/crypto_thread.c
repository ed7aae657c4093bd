/* SPDX-License-Identifier: Apache-2.0 */
/* The thread, and what it needs from open to close. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/privilege.h"
#include "base/thread.h"
#include "engine/dtls/crypto_state.h"

enum {
	NICE = 5, /* packets and SIP come first where cores are few */
	SLEEP_MAX_MS = 1000,
};

static int sleep_ms(const struct crypto *x, uint64_t now_ns)
{
	uint64_t next_ns = wheel_next_ns(&x->wheel);

	if (next_ns <= now_ns)
		return 0;
	if (next_ns - now_ns >= SLEEP_MAX_MS * NS_PER_MS)
		return SLEEP_MAX_MS;
	return (int)((next_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void cpu_note(struct crypto *x)
{
	uint64_t cpu_us = clock_thread_cpu_ns() / NS_PER_US;

	metric_add(x->metrics.cpu_us, cpu_us - x->cpu_us);
	x->cpu_us = cpu_us;
}

static void sleep_until_asked(struct crypto *x, uint64_t now_ns)
{
	struct pollfd wake = { .fd = x->wake_fd, .events = POLLIN };
	bool empty = true;

	cpu_note(x);
	for (uint32_t i = 0; i < x->workers; i++)
		empty &= ring_sleep(&x->links[i].requests);
	/* relaxed: what counts is the descriptor, which crypto_close writes to afterwards */
	if (empty && !atomic_load_explicit(&x->stopping, memory_order_relaxed))
		(void)poll(&wake, 1, sleep_ms(x, now_ns));
	for (uint32_t i = 0; i < x->workers; i++)
		ring_awake(&x->links[i].requests);
}

static void *crypto_thread_main(void *arg)
{
	struct crypto *x = arg;

	privilege_drop(); /* with DPDK the workers' ports come later, and theirs are no business of ours */
	(void)setpriority(PRIO_PROCESS, 0, NICE); /* of this thread alone, on Linux */
	while (!atomic_load_explicit(&x->stopping, memory_order_relaxed)) {
		uint64_t now_ns = clock_now_ns();

		if (!crypto_step(x, now_ns))
			sleep_until_asked(x, now_ns);
	}
	return NULL;
}

int crypto_start(struct crypto *x)
{
	int err = thread_spawn(&x->thread, "crypto", crypto_thread_main, x);

	x->started = !err;
	return err;
}

static void crypto_thread_end(struct crypto *x)
{
	uint64_t one = 1;

	atomic_store_explicit(&x->stopping, true, memory_order_relaxed);
	while (write(x->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
	(void)pthread_join(x->thread, NULL);
}

/* ---- open and close ---- */

/* Several rings may wake the same sleeper. */
static int ring_wake_by(struct ring *r, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return -errno;
	(void)close(r->wake_fd);
	r->wake_fd = copy;
	return 0;
}

static int crypto_link_open(struct crypto_link *l, int wake_fd)
{
	int err = ring_open(&l->requests, sizeof(struct crypto_request), CRYPTO_REQUESTS);

	if (!err)
		err = ring_open(&l->results, sizeof(struct crypto_result), CRYPTO_RESULTS);
	if (!err)
		err = ring_wake_by(&l->requests, wake_fd);
	l->results.wipes = true; /* keys */
	return err;
}

static int links_open(struct crypto *x)
{
	int err = 0;

	x->links = aligned_alloc(alignof(struct crypto_link), x->workers * sizeof(*x->links));
	if (!x->links)
		return -ENOMEM;
	memset(x->links, 0, x->workers * sizeof(*x->links));
	for (uint32_t i = 0; i < x->workers; i++)
		x->links[i].requests.wake_fd = x->links[i].results.wake_fd = -1;
	for (uint32_t i = 0; i < x->workers && !err; i++)
		err = crypto_link_open(&x->links[i], x->wake_fd);
	return err;
}

/* A page costs memory only once an association in it was used. */
static int crypto_list_open(struct crypto *x)
{
	size_t n = (size_t)x->workers * x->per_worker * sizeof(*x->list);
	void *memory = mmap(NULL, n, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	x->list = memory == MAP_FAILED ? NULL : memory;
	return x->list ? 0 : -ENOMEM;
}

int crypto_open(struct crypto **out, const struct certificate *c, uint32_t workers)
{
	struct crypto *x = calloc(1, sizeof(*x));
	int err;

	assert(workers > 0);
	if (!x)
		return -ENOMEM;
	x->workers = workers;
	x->per_worker = CRYPTO_ASSOCIATIONS / workers;
	crypto_metrics_register(&x->metrics);
	x->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = x->wake_fd < 0 ? -errno : dtls_context_open(&x->context, c);
	if (!err)
		err = links_open(x);
	if (!err)
		err = crypto_list_open(x);
	if (err) {
		crypto_close(x);
		return err;
	}
	*out = x;
	return 0;
}

static void list_close(struct crypto *x)
{
	if (!x->list)
		return;
	for (uint32_t i = 0; i < x->workers * x->per_worker; i++)
		if (x->list[i].state != ASSOCIATION_FREE)
			association_forget(x, &x->list[i]);
	(void)munmap(x->list, (size_t)x->workers * x->per_worker * sizeof(*x->list));
}

void crypto_close(struct crypto *x)
{
	if (!x)
		return;
	if (x->started)
		crypto_thread_end(x);
	list_close(x);
	for (uint32_t i = 0; x->links && i < x->workers; i++) {
		ring_close(&x->links[i].requests);
		ring_close(&x->links[i].results);
	}
	free(x->links);
	dtls_context_close(x->context);
	if (x->wake_fd >= 0)
		(void)close(x->wake_fd);
	free(x);
}

struct crypto_link *crypto_link_of(struct crypto *x, uint32_t worker, int wake_fd)
{
	struct crypto_link *l = &x->links[worker];

	assert(worker < x->workers);
	return wake_fd >= 0 && ring_wake_by(&l->results, wake_fd) ? NULL : l;
}

uint32_t crypto_associations_of(const struct crypto *x)
{
	return x->per_worker;
}
