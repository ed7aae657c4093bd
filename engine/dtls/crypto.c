/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto thread: all DTLS handshakes of all workers, apart from the threads that relay packets
 * (crypto.h has the reason). Requests and results cross by rings of fixed size; a wheel of timers
 * drives retransmissions and deadlines. What a worker no longer knows is forgotten by its
 * generation, and results hold keys, so the rings are wiped. dtls.c has one association; here is
 * their table, and the thread.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/privilege.h"
#include "base/thread.h"
#include "base/wheel.h"
#include "engine/dtls/crypto.h"

enum association_state {
	ASSOCIATION_FREE,
	ASSOCIATION_RUNNING,
	ASSOCIATION_TELLING, /* the outcome did not fit into the ring yet */
	ASSOCIATION_DONE,    /* and reported */
};

struct association {
	struct dtls dtls;
	struct wheel_timer timer;
	uint64_t handle;
	uint64_t call;
	uint32_t worker;
	uint8_t state; /* enum association_state */
	uint8_t quiet;
	uint8_t made; /* 1: CRYPTO_MADE was sent */
};

struct crypto {
	struct dtls_context *context;
	struct crypto_metrics metrics;
	struct crypto_link *links;
	struct association *list; /* of each worker per_worker, one after the other */
	uint32_t workers, per_worker;
	uint32_t running;
	uint64_t cpu_us;
	int wake_fd;
	bool started;
	_Atomic bool stopping;
	pthread_t thread;
	struct wheel wheel;
};

/* The thread, and what it needs from open to close. */

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

static void sleep_until_request(struct crypto *x, uint64_t now_ns)
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

	/* With DPDK the workers' ports are opened later, with privileges of their own. */
	privilege_drop();
	(void)setpriority(PRIO_PROCESS, 0, NICE); /* of this thread alone, on Linux */
	while (!atomic_load_explicit(&x->stopping, memory_order_relaxed)) {
		uint64_t now_ns = clock_now_ns();

		if (!crypto_step(x, now_ns))
			sleep_until_request(x, now_ns);
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

static void running_set(struct crypto *x, uint32_t running)
{
	x->running = running;
	metric_set(x->metrics.running, running);
}

/* Without an outcome, and without a word to the worker. */
static void association_forget(struct crypto *x, struct association *a)
{
	if (a->state == ASSOCIATION_RUNNING)
		running_set(x, x->running - 1);
	wheel_stop(&x->wheel, &a->timer);
	dtls_close(&a->dtls);
	a->state = ASSOCIATION_FREE;
	a->handle = 0;
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

static metric_id crypto_counter(const char *name, const char *labels, const char *help)
{
	return metric_register(METRIC_COUNTER, name, labels, help);
}

void crypto_metrics_register(struct crypto_metrics *m)
{
	static const char *const FAILED[DTLS_FAILURES] = {
		[DTLS_FAILURE_CERTIFICATE] = "reason=\"certificate\"",
		[DTLS_FAILURE_PROFILE] = "reason=\"srtp_profile\"",
		[DTLS_FAILURE_ALERT] = "reason=\"alert\"",
		[DTLS_FAILURE_PROTOCOL] = "reason=\"protocol\"",
		[DTLS_FAILURE_DEADLINE] = "reason=\"deadline\"",
		[DTLS_FAILURE_MEMORY] = "reason=\"memory\"",
	};
	static const char *const REFUSED[DTLS_REFUSALS] = {
		[DTLS_REFUSED_UNEXPECTED] = "reason=\"unexpected\"",
		[DTLS_REFUSED_FLOW_RATE] = "reason=\"flow_rate\"",
		[DTLS_REFUSED_RATE] = "reason=\"rate\"",
		[DTLS_REFUSED_CAPACITY] = "reason=\"capacity\"",
		[DTLS_REFUSED_RING] = "reason=\"ring_full\"",
		[DTLS_REFUSED_LENGTH] = "reason=\"length\"",
	};

	m->begun = crypto_counter("tandem_dtls_handshakes_begun_total", NULL,
				  "DTLS-SRTP handshakes that were begun");
	m->keyed = crypto_counter("tandem_dtls_handshakes_keyed_total", NULL,
				  "DTLS-SRTP handshakes that ended with keys");
	for (enum dtls_failure f = DTLS_FAILURE_NONE + 1; f < DTLS_FAILURES; f++)
		m->failed[f] = crypto_counter("tandem_dtls_handshakes_failed_total", FAILED[f],
					      "DTLS-SRTP handshakes that failed");
	for (enum dtls_refusal r = 0; r < DTLS_REFUSALS; r++)
		m->refused[r] = crypto_counter("tandem_dtls_refused_datagrams_total", REFUSED[r],
					       "Datagrams of DTLS that were not looked at");
	m->running = metric_register(METRIC_GAUGE, "tandem_dtls_handshakes", NULL,
				     "DTLS-SRTP handshakes under way");
	m->lost = crypto_counter("tandem_dtls_datagrams_lost_total", NULL,
				 "Datagrams of handshakes of ours that found a full ring");
	m->unsaved = crypto_counter(
		"tandem_dtls_handshakes_unsaved_total", NULL,
		"Handshakes that went on although nothing said that their keys are saved");
	m->cpu_us = metric_register_per(METRIC_COUNTER, "tandem_dtls_cpu_seconds_total", NULL,
					"CPU time of the thread that does handshakes", 1000000);
}

enum {
	AT_A_TIME = 16, /* requests of one worker before the next has its turn */
};

#define TELL_AGAIN_NS    (5 * NS_PER_MS)
#define FORGET_MARGIN_NS NS_PER_S /* the worker is to forget first */

/* ---- associations ---- */

static struct association *association_at(struct crypto *x, uint32_t worker, uint64_t handle)
{
	uint32_t index = (uint32_t)handle;

	assert(index < x->per_worker);
	return &x->list[(size_t)worker * x->per_worker + index];
}

static bool result_push(struct crypto *x, const struct association *a, struct crypto_result *r)
{
	r->association = a->handle;
	return ring_push(&x->links[a->worker].results, r);
}

static void flush(struct crypto *x, struct association *a)
{
	struct crypto_result r = { .kind = CRYPTO_SEND };

	while ((r.length = dtls_output(&a->dtls, r.datagram)) > 0)
		if (!result_push(x, a, &r))
			metric_add(x->metrics.lost, 1);
}

static bool result_notify(struct crypto *x, const struct association *a,
			  enum crypto_result_kind kind)
{
	const struct dtls *d = &a->dtls;
	struct crypto_result r = { .kind = (uint8_t)kind,
				   .failure = d->failure,
				   .key_in = d->key_in,
				   .key_out = d->key_out };
	bool told;

	static_assert(sizeof(d->last) <= sizeof(r.datagram), "a flight fits into a result");
	if (d->held_until_ns) {
		r.length = d->last_n;
		memcpy(r.datagram, d->last, d->last_n);
	}
	told = result_push(x, a, &r);
	explicit_bzero(&r, sizeof(r));
	return told;
}

/* A waiting flight is sent when its time is up; at the end of all others they are forgotten. */
static void done_wait(struct crypto *x, struct association *a, uint64_t now_ns)
{
	wheel_start(&x->wheel, &a->timer,
		    a->dtls.held_until_ns ? a->dtls.held_until_ns
					  : now_ns + CRYPTO_LINGER_NS + FORGET_MARGIN_NS);
}

static void outcome_notify(struct crypto *x, struct association *a, uint64_t now_ns)
{
	bool keyed = a->dtls.outcome == DTLS_DONE;

	if (!result_notify(x, a, keyed ? CRYPTO_KEYED : CRYPTO_FAILED)) {
		a->state = ASSOCIATION_TELLING;
		wheel_start(&x->wheel, &a->timer, now_ns + TELL_AGAIN_NS);
	} else if (keyed) {
		a->state = ASSOCIATION_DONE;
		explicit_bzero(&a->dtls.key_in, sizeof(a->dtls.key_in));
		explicit_bzero(&a->dtls.key_out, sizeof(a->dtls.key_out));
		done_wait(x, a, now_ns);
	} else {
		association_forget(x, a);
	}
}

static void end_note(struct crypto *x, const struct association *a)
{
	enum dtls_failure why = (enum dtls_failure)a->dtls.failure;

	if (a->dtls.outcome == DTLS_DONE) {
		metric_add(x->metrics.keyed, 1);
		return;
	}
	metric_add(x->metrics.failed[why], 1);
	if (!a->quiet)
		LOG_WARN("dtls", a->call, "a handshake failed; later ones of this flow are counted",
			 LOG_STR("reason", dtls_failure_name(why)));
}

/* As client: control saves the keys while the flight waits. */
static void handshake_go_on(struct crypto *x, struct association *a, uint64_t now_ns)
{
	bool untold = a->dtls.held_until_ns && !a->made;

	if (untold)
		a->made = result_notify(x, a, CRYPTO_MADE);
	wheel_start(&x->wheel, &a->timer,
		    untold && !a->made ? now_ns + TELL_AGAIN_NS : dtls_next_ns(&a->dtls, now_ns));
}

/* After each call to dtls_: what there is to send, and what comes next. */
static void advance(struct crypto *x, struct association *a, uint64_t now_ns)
{
	flush(x, a);
	if (a->state != ASSOCIATION_RUNNING)
		return;
	if (a->dtls.outcome == DTLS_RUNNING) {
		handshake_go_on(x, a, now_ns);
		return;
	}
	running_set(x, x->running - 1);
	end_note(x, a);
	a->state = ASSOCIATION_TELLING;
	outcome_notify(x, a, now_ns);
}

/* ---- requests ---- */

static void feed(struct crypto *x, struct association *a, const struct crypto_request *r,
		 uint64_t now_ns)
{
	assert(r->length <= sizeof(r->datagram));
	if (r->length > 0)
		(void)dtls_receive(&a->dtls, bytes_mem(r->datagram, r->length), now_ns);
	advance(x, a, now_ns);
}

static void association_claim(struct crypto *x, struct association *a, uint32_t worker,
			      const struct crypto_request *r, enum association_state state)
{
	if (a->state != ASSOCIATION_FREE)
		association_forget(x, a);
	*a = (struct association){ .handle = r->association,
				   .call = r->call,
				   .worker = worker,
				   .quiet = r->quiet,
				   .state = (uint8_t)state,
				   .timer.owner = (uint64_t)(a - x->list) };
}

static void association_start(struct crypto *x, uint32_t worker, const struct crypto_request *r,
			      uint64_t now_ns)
{
	struct association *a = association_at(x, worker, r->association);

	association_claim(x, a, worker, r, ASSOCIATION_RUNNING);
	running_set(x, x->running + 1);
	metric_add(x->metrics.begun, 1);
	if (dtls_open(&a->dtls, x->context, (enum media_dtls_role)r->role, &r->peer, now_ns)) {
		a->dtls.outcome = DTLS_BROKEN;
		a->dtls.failure = DTLS_FAILURE_MEMORY;
	}
	a->dtls.holds = 1;
	feed(x, a, r, now_ns);
}

static void resume(struct crypto *x, uint32_t worker, const struct crypto_request *r,
		   uint64_t now_ns)
{
	struct association *a = association_at(x, worker, r->association);

	association_claim(x, a, worker, r, ASSOCIATION_DONE);
	dtls_resume(&a->dtls, (enum media_dtls_role)r->role, bytes_mem(r->datagram, r->length));
	flush(x, a);
	done_wait(x, a, now_ns);
}

static void association_release(struct crypto *x, struct association *a, uint64_t now_ns)
{
	bool held = a->dtls.held_until_ns;

	dtls_release(&a->dtls);
	advance(x, a, now_ns);
	if (held && a->state == ASSOCIATION_DONE)
		done_wait(x, a, now_ns);
}

static void request_do(struct crypto *x, uint32_t worker, const struct crypto_request *r,
		       uint64_t now_ns)
{
	struct association *a = association_at(x, worker, r->association);
	bool known = a->state != ASSOCIATION_FREE && a->handle == r->association;

	switch ((enum crypto_request_kind)r->kind) {
	case CRYPTO_START:
		association_start(x, worker, r, now_ns);
		break;
	case CRYPTO_DATAGRAM:
		if (known)
			feed(x, a, r, now_ns);
		break;
	case CRYPTO_FLIGHT:
		if (known)
			association_release(x, a, now_ns);
		else
			resume(x, worker, r, now_ns);
		break;
	case CRYPTO_PEER:
		if (known)
			a->dtls.peer = r->peer;
		break;
	case CRYPTO_END:
		if (known)
			association_forget(x, a);
		break;
	}
}

static bool requests_drain(struct crypto *x, uint32_t worker, uint64_t now_ns)
{
	struct crypto_request r;
	uint32_t n = 0;

	while (n < AT_A_TIME && ring_pop(&x->links[worker].requests, &r, 1) == 1) {
		request_do(x, worker, &r, now_ns);
		n++;
	}
	return n > 0;
}

static void overdue_note(const struct crypto *x, const struct association *a, uint64_t now_ns)
{
	if (a->dtls.held_until_ns && now_ns >= a->dtls.held_until_ns)
		metric_add(x->metrics.unsaved, 1);
}

static void expire(struct crypto *x, struct association *a, uint64_t now_ns)
{
	overdue_note(x, a, now_ns);
	switch ((enum association_state)a->state) {
	case ASSOCIATION_FREE:
		break;
	case ASSOCIATION_RUNNING:
		(void)dtls_expire(&a->dtls, now_ns);
		advance(x, a, now_ns);
		break;
	case ASSOCIATION_TELLING:
		outcome_notify(x, a, now_ns);
		break;
	case ASSOCIATION_DONE:
		if (a->dtls.held_until_ns)
			association_release(x, a, now_ns);
		else
			association_forget(x, a);
		break;
	}
}

bool crypto_step(struct crypto *x, uint64_t now_ns)
{
	struct wheel_timer *t;
	bool busy = false;

	if (x->wheel.tick == 0)
		wheel_open(&x->wheel, now_ns);
	for (uint32_t i = 0; i < x->workers; i++)
		busy |= requests_drain(x, i, now_ns);
	while ((t = wheel_expire(&x->wheel, now_ns)) != NULL) {
		expire(x, &x->list[t->owner], now_ns);
		busy = true;
	}
	return busy;
}

uint32_t crypto_running(const struct crypto *x)
{
	return x->running;
}
