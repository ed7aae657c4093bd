/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine as control sees it: starts and stops the worker threads, sends commands by rings to
 * the worker of each call, and collects their events. It decides which worker has a call
 * (spread.h), moves flows between workers, and shares one crypto thread and one table of own ports
 * among them. Everything here runs on control's thread, except engine_captured and engine_tapped,
 * which read the workers' copies on one other thread each.
 */

#include "engine/engine.h"

#include <errno.h>
#include <semaphore.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "engine/dtls/crypto.h"
#include "engine/net/host_udp.h"
#include "engine/port_open.h"
#include "engine/worker/shortcut.h"
#include "engine/worker/spread.h"
#include "engine/worker/worker.h"
#include "media/job.h"

enum {
	/*
	 * CPU per relayed packet and added median latency, bench/relay with rtpload on loopback, 2
	 * virtual cores, medians of 7 runs (rtpengine 10.5 in user space beside them: 14.6 us at
	 * 100 calls, 10.1 us at 500):
	 *           500 us          1000 us         2000 us         3000 us
	 * 100 calls 8.7 us 0.5 ms   6.3 us 0.7 ms   5.9 us 1.3 ms   5.1 us 1.9 ms
	 * 500 calls                 4.9 us 1.1 ms   4.6 us 1.7 ms
	 * Waking a sleeping virtual core costs some 25 us, so sharing a wake pays.
	 */
	BATCH_WAIT_US = 1000,
};

struct thread {
	struct worker worker;
	struct media_metrics metrics;
	const struct port_choice *port;
	uint32_t index;
	pthread_t id;
	sem_t started;
	int err;       /* valid once started was posted */
	uint32_t mark; /* of its ring of commands */
};

struct engine {
	struct engine_settings settings;
	struct port_choice port;
	struct host_udp_metrics host;
	struct crypto *crypto; /* NULL: no certificate */
	struct thread *threads;
	uint32_t count;   /* running */
	uint32_t drained; /* the worker with the events read last */
	struct spread spread;
	struct job_routes jobs;
	struct moves moves;
	struct own_ports own;
	int event_fd; /* an epoll of the event rings */
};

static void *engine_thread(void *arg)
{
	struct thread *t = arg;
	struct worker *w = &t->worker;

	/* here, because an io_uring belongs to the thread that made it */
	t->err = port_open(&w->port, t->port, t->index, w->commands.wake_fd);
	(void)sem_post(&t->started);
	while (!t->err && !w->stopping)
		worker_step(w);
	worker_leave(w);
	return NULL;
}

static int engine_thread_start(struct thread *t, struct engine *e, uint32_t index)
{
	const struct engine_settings *s = &e->settings;
	const struct worker_settings settings = {
		.slots = s->slots,
		.jobs = s->jobs,
		.shared_ports = s->shared_ports,
		.commands = s->commands,
		.events = s->events,
		.batch_wait_ns = s->batch_wait_us * NS_PER_US,
		.coding = s->coding,
		.own = &e->own,
		.validity = s->validity,
		.index = (uint8_t)index,
		.metrics = &t->metrics,
	};
	char name[16];
	int err;

	media_metrics_register_of(&t->metrics, index);
	err = worker_open(&t->worker, &settings);
	if (err)
		return err;
	err = dtls_worker_open(&t->worker, e->crypto, index, s->workers);
	if (err) {
		worker_close(&t->worker);
		return err;
	}
	t->port = &e->port;
	t->index = index;
	(void)sem_init(&t->started, 0, 0);
	(void)snprintf(name, sizeof(name), "media-%u", index);
	err = thread_spawn(&t->id, name, engine_thread, t);
	if (!err) {
		while (sem_wait(&t->started) != 0)
			continue;
		err = t->err;
		if (err)
			(void)pthread_join(t->id, NULL);
	}
	if (err) {
		(void)sem_destroy(&t->started);
		worker_close(&t->worker);
	}
	return err;
}

/* There is no reader any more. */
static void events_forget(struct thread *t, struct job_routes *jobs)
{
	struct media_event event;

	while (ring_pop(&t->worker.events, &event, 1) == 1)
		job_route_closed(jobs, &event);
}

static void engine_thread_stop(struct thread *t, struct job_routes *jobs)
{
	const struct media_command stop = { .kind = MEDIA_STOP };

	/* full rings */
	while (!ring_push(&t->worker.commands, &stop))
		events_forget(t, jobs);
	(void)pthread_join(t->id, NULL);
	events_forget(t, jobs);
	(void)sem_destroy(&t->started);
	worker_close(&t->worker);
}

/* Rings and packets are cache lines. */
static struct thread *threads_alloc(uint32_t count)
{
	struct thread *t = aligned_alloc(alignof(struct thread), count * sizeof(*t));

	if (t)
		memset(t, 0, count * sizeof(*t));
	return t;
}

static int events_watch(struct engine *e, const struct thread *t)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(e->event_fd, EPOLL_CTL_ADD, t->worker.events.wake_fd, &event) ? -errno : 0;
}

static int crypto_run(struct engine *e)
{
	int err;

	if (!e->settings.certificate)
		return 0;
	err = crypto_open(&e->crypto, e->settings.certificate, e->settings.workers);
	return err ? err : crypto_start(e->crypto);
}

static int threads_start(struct engine *e)
{
	int err = 0;

	while (!err && e->count < e->settings.workers) {
		struct thread *t = &e->threads[e->count];

		err = engine_thread_start(t, e, e->count);
		if (err)
			return err;
		e->count++;
		err = events_watch(e, t);
	}
	return err;
}

int engine_open(struct engine **out, const struct engine_settings *settings)
{
	struct engine *e;
	int err;

	assert(settings->slots > 0 && settings->commands > 0 && settings->events > 0);
	if (settings->workers < 1 || settings->workers > MEDIA_WORKERS_MAX ||
	    settings->shared_ports > SHARED_PORTS_MAX)
		return -EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->settings = *settings;
	e->settings.kept_version = kept_version();
	if (e->settings.batch_wait_us == 0)
		e->settings.batch_wait_us = BATCH_WAIT_US;
	own_ports_open(&e->own, settings->names, settings->name_count);
	host_udp_register(&e->host);
	host_udp_update(&e->host);
	err = spread_open(&e->spread, settings->workers, settings->slots);
	if (!err)
		err = job_routes_open(&e->jobs, settings->jobs);
	e->threads = threads_alloc(settings->workers);
	e->event_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!err)
		err = e->threads ? (e->event_fd < 0 ? -errno : 0) : -ENOMEM;
	if (!err)
		err = port_choose(&e->port, &e->settings);
	if (!err)
		err = crypto_run(e);
	if (!err)
		err = threads_start(e);
	if (err) {
		engine_close(e);
		return err;
	}
	port_choice_opened(&e->port);
	(void)engine_events_wait(e);
	*out = e;
	return 0;
}

void engine_remains(const struct engine *e, struct remains *out)
{
	port_choice_remains(&e->port, out);
}

uint32_t engine_remains_change(const struct engine *e)
{
	return port_choice_remains_change(&e->port);
}

void engine_close(struct engine *e)
{
	while (e->count > 0)
		engine_thread_stop(&e->threads[--e->count], &e->jobs);
	crypto_close(e->crypto);
	port_choice_close(&e->port);
	if (e->event_fd >= 0)
		(void)close(e->event_fd);
	free(e->threads);
	spread_close(&e->spread);
	job_routes_close(&e->jobs);
	moves_close(&e->moves);
	own_ports_close(&e->own);
	free(e);
}

void engine_batch_wait(struct engine *e, uint32_t us)
{
	assert(us > 0);
	for (uint32_t w = 0; w < e->count; w++) {
		/* relaxed: a number that nothing else belongs to */
		atomic_store_explicit(&e->threads[w].worker.batch_wait_ns, us * NS_PER_US,
				      memory_order_relaxed);
	}
}

void engine_coding(struct engine *e, uint32_t coding)
{
	assert(coding > 0);
	for (uint32_t w = 0; w < e->count; w++) /* relaxed: as above */
		atomic_store_explicit(&e->threads[w].worker.coding, coding, memory_order_relaxed);
}

/* ---- which worker ---- */

static uint8_t worker_choose(const struct engine *e, uint64_t call)
{
	uint32_t busy[SPREAD_WORKERS_MAX];

	for (uint32_t w = 0; w < e->count; w++)
		busy[w] = atomic_load_explicit(&e->threads[w].worker.busy, memory_order_relaxed);
	return spread_choose(&e->spread, call, busy);
}

uint8_t engine_worker_for(struct engine *e, uint64_t call)
{
	uint8_t worker = worker_choose(e, call);

	if (!spread_pin(&e->spread, call, worker))
		LOG_WARN("media", 0, "more calls wait for a media worker than there are ports");
	return worker;
}

bool engine_worker_keep(struct engine *e, uint64_t call, uint32_t worker)
{
	uint8_t has;

	if (worker >= e->count || (spread_find(&e->spread, call, &has) && has != worker))
		return false;
	return spread_pin(&e->spread, call, (uint8_t)worker);
}

void engine_worker_release(struct engine *e, uint64_t call)
{
	spread_unpin(&e->spread, call);
}

/* ---- moves ---- */

/* Its slot is on that worker from now on, whatever becomes of it. */
static void slot_set(struct engine *e, uint32_t slot, uint64_t call, uint8_t worker)
{
	uint8_t has;

	if (spread_find(&e->spread, call, &has) && has != worker)
		spread_drop(&e->spread, slot); /* another flow of the call chose meanwhile */
	else
		spread_put(&e->spread, slot, call, worker);
	e->spread.worker_of[slot] = worker;
}

int engine_move(struct engine *e, const struct flow_spec *spec)
{
	uint32_t slot = spec->id.slot;
	struct flow_parcel *p;

	assert(slot < e->settings.slots);
	if (moves_find(&e->moves, slot))
		return -EAGAIN;
	if (spread_of(&e->spread, slot) == worker_choose(e, flow_spec_home(spec)))
		return -EALREADY;
	p = moves_add(&e->moves, spec);
	if (!p)
		return -ENOMEM;
	p->from = spread_of(&e->spread, slot);
	p->to = worker_choose(e, flow_spec_home(spec));
	p->home_before = spread_call(&e->spread, slot);
	if (!ring_push(&e->threads[p->from].worker.commands,
		       &(struct media_command){
			       .kind = MEDIA_FLOW_YIELD, .id = spec->id, .parcel = p })) {
		moves_end(&e->moves, p);
		return -EAGAIN;
	}
	slot_set(e, slot, flow_spec_home(spec), p->to);
	return 0;
}

static void moved(struct engine *e, struct media_event *event)
{
	moves_end(&e->moves, event->parcel);
	event->parcel = NULL;
}

/* It stays, or was gone. */
static void move_refused(struct engine *e, struct media_event *event)
{
	struct flow_parcel *p = event->parcel;

	event->kind = MEDIA_FLOW_MOVED;
	if (event->error == -ENOENT)
		event->call = p->spec.call;
	slot_set(e, p->spec.id.slot, p->home_before, p->from);
	moved(e, event);
}

/* To where it goes. */
static void parcel_send(struct engine *e, struct flow_parcel *p)
{
	struct media_command c = { .kind = MEDIA_FLOW_OPEN,
				   .rtp_fd = p->fd[CHANNEL_RTP],
				   .rtcp_fd = p->fd[CHANNEL_RTCP],
				   .parcel = p,
				   .spec = p->spec };
	int fd[CHANNELS] = { p->fd[CHANNEL_RTP], p->fd[CHANNEL_RTCP] };

	p->fd[CHANNEL_RTP] = p->fd[CHANNEL_RTCP] = -1;
	p->packed = !ring_push(&e->threads[p->to].worker.commands, &c);
	if (p->packed)
		memcpy(p->fd, fd, sizeof(fd));
	explicit_bzero(&c, sizeof(c)); /* keys */
}

/* False: the event is the engine's own. */
static bool move_event(struct engine *e, struct media_event *event)
{
	if (!event->parcel)
		return true;
	if (event->kind == MEDIA_FLOW_YIELDED && !event->error) {
		event->parcel->packed = 1;
		return false;
	}
	if (event->kind == MEDIA_FLOW_YIELDED)
		move_refused(e, event);
	else
		moved(e, event);
	return true;
}

static void moves_go_on(struct engine *e)
{
	bool sent = true;

	for (struct flow_parcel *p = e->moves.first; p && sent; p = p->next) {
		if (p->packed)
			parcel_send(e, p);
		sent = !p->packed; /* nothing overtakes the owner of its bundle */
	}
}

/* ---- commands ---- */

static struct job_workers job_workers_of(const struct engine *e, uint64_t call)
{
	if (call)
		return (struct job_workers){ .first = worker_choose(e, call), .count = 1 };
	return (struct job_workers){ .count = (uint8_t)e->count };
}

/* One more worker has it. */
static void work_share(const struct media_work *work)
{
	struct media_sound *sound = media_work_sound(work);

	if (sound)
		(void)media_sound_ref(sound);
}

/* As a whole, or not at all. Each worker has a reference of the sound. */
static bool job_command(struct engine *e, const struct media_command *c)
{
	bool opens = c->kind == MEDIA_JOB_OPEN;
	struct job_workers on =
		opens ? job_workers_of(e, c->call) : job_route_find(&e->jobs, c->job.slot);

	for (uint32_t w = on.first; w < (uint32_t)on.first + on.count; w++)
		if (!ring_reserve(&e->threads[w].worker.commands))
			return false;
	if (opens)
		job_route_open(&e->jobs, c->job.slot, on);
	for (uint32_t w = on.first; w < (uint32_t)on.first + on.count; w++) {
		bool pushed;

		if (opens && w > on.first)
			work_share(&c->work);
		pushed = ring_push(&e->threads[w].worker.commands, c);
		assert(pushed);
		(void)pushed;
	}
	return true;
}

/* True: the command is done. A flow that cannot move gets the update where it is: the parties then
 * do not hear each other. */
static bool move_first(struct engine *e, const struct media_command *command, bool *again)
{
	int err = engine_move(e, &command->spec);

	*again = err == -EAGAIN;
	if (err && err != -EAGAIN && err != -EALREADY)
		LOG_ERROR("media", command->spec.call, "a flow cannot go to the other's worker",
			  LOG_INT("error", err));
	return !err;
}

bool engine_command(struct engine *e, const struct media_command *command)
{
	bool has_spec = command->kind == MEDIA_FLOW_OPEN || command->kind == MEDIA_FLOW_UPDATE;
	bool opens = command->kind == MEDIA_FLOW_OPEN;
	uint32_t slot = has_spec ? command->spec.id.slot : command->id.slot;
	uint8_t worker;

	if (media_command_is_of_job(command->kind))
		return job_command(e, command);
	assert(slot < e->settings.slots && command->kind < MEDIA_FLOW_YIELD);
	moves_go_on(e);
	if (moves_find(&e->moves, slot))
		return false;
	if (command->kind == MEDIA_FLOW_UPDATE && command->moves) {
		bool again;

		if (move_first(e, command, &again))
			return true;
		if (again)
			return false;
	}
	worker = opens ? worker_choose(e, flow_spec_home(&command->spec))
		       : spread_of(&e->spread, slot);
	if (!ring_push(&e->threads[worker].worker.commands, command))
		return false;
	if (opens)
		spread_put(&e->spread, slot, flow_spec_home(&command->spec), worker);
	else if (command->kind == MEDIA_FLOW_CLOSE)
		spread_drop(&e->spread, slot);
	return true;
}

bool engine_watch(struct engine *e, const struct capture_order *order)
{
	bool all = true;

	for (uint32_t i = 0; i < e->count; i++)
		all &= ring_push(&e->threads[i].worker.capture.orders, order);
	return all;
}

static uint32_t captured_of(struct worker *w, uint32_t max, engine_captured_fn *fn, void *arg)
{
	const struct capture_packet *p;
	uint32_t n = 0;

	while (n < max && (p = ring_peek(&w->capture.packets)) != NULL) {
		fn(p, arg);
		ring_release(&w->capture.packets);
		n++;
	}
	return n;
}

uint32_t engine_captured(struct engine *e, uint32_t max, engine_captured_fn *fn, void *arg)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->count; i++)
		n += captured_of(&e->threads[i].worker, max, fn, arg);
	return n;
}

static uint32_t tapped_of(struct byte_ring *taps, uint32_t max, engine_tapped_fn *fn, void *arg)
{
	struct bytes entry;
	uint32_t n = 0;

	for (; n < max && (entry = byte_ring_read(taps)).p; n++)
		fn((const struct tap_packet *)(const void *)entry.p, arg);
	byte_ring_release(taps);
	return n;
}

uint32_t engine_tapped(struct engine *e, enum tap_reader reader, uint32_t max, engine_tapped_fn *fn,
		       void *arg)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->count; i++)
		n += tapped_of(&e->threads[i].worker.taps[reader], max, fn, arg);
	return n;
}

bool engine_shared_port(struct engine *e, uint32_t worker, uint32_t network, int fd)
{
	const struct media_command command = {
		.kind = MEDIA_SHARED_PORT, .rtp_fd = fd, .rtcp_fd = -1, .id = { .slot = network }
	};

	assert(worker < e->count && network < e->settings.shared_ports);
	return ring_push(&e->threads[worker].worker.commands, &command);
}

int engine_event_fd(const struct engine *e)
{
	return e->event_fd;
}

/* ---- events ---- */

/* What is for others. */
static uint32_t engine_events_read(struct engine *e, struct media_event *list, uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		job_route_closed(&e->jobs, &list[i]);
		if (!move_event(e, &list[i]))
			continue;
		if (n < i)
			list[n] = list[i];
		n++;
	}
	return n;
}

void engine_mark(struct engine *e)
{
	for (uint32_t i = 0; i < e->count; i++)
		e->threads[i].mark = ring_mark(&e->threads[i].worker.commands);
}

bool engine_is_past_mark(const struct engine *e)
{
	bool past = true;

	for (uint32_t i = 0; i < e->count; i++)
		past &= ring_is_past(&e->threads[i].worker.commands, e->threads[i].mark);
	return past;
}

/* Starts with another worker each time, so that none waits behind a busy one. */
uint32_t engine_events(struct engine *e, struct media_event *out, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->count && n < max; i++) {
		e->drained = (e->drained + 1) % e->count;
		n += ring_pop(&e->threads[e->drained].worker.events, out + n, max - n);
	}
	n = engine_events_read(e, out, n);
	moves_go_on(e);
	return n;
}

void engine_host_metrics(struct engine *e)
{
	host_udp_update(&e->host);
}

bool engine_events_wait(struct engine *e)
{
	bool empty = true;

	for (uint32_t i = 0; i < e->count; i++) {
		ring_awake(&e->threads[i].worker.events);
		empty &= ring_sleep(&e->threads[i].worker.events);
	}
	return empty;
}
