/* SPDX-License-Identifier: Apache-2.0 */
#include "app/watch.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "app/watch_state.h"
#include "base/log.h"
#include "base/metric.h"
#include "engine/engine.h"

#define SWEEP_NS  (60 * NS_PER_S)
#define LINGER_NS NS_PER_S /* answers to the BYE, and who repeats it */

static struct {
	metric_id running, lost;
} g_metrics;

void watch_setup(void)
{
	hep_export_setup();
	g_metrics.running =
		metric_register(METRIC_GAUGE, "tandem_traces", NULL, "Traces of calls that run.");
	g_metrics.lost = metric_register(METRIC_COUNTER, "tandem_trace_lost_messages_total", NULL,
					 "SIP messages that traces have no copy of.");
}

void watch_wake(struct watch *w)
{
	uint64_t one = 1;

	(void)!write(w->wake_fd, &one, sizeof(one));
}

static int thread_start(struct watch *w)
{
	sigset_t all, before;
	int err;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&w->thread, NULL, watch_thread, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return err;
	(void)pthread_setname_np(w->thread, "watch");
	w->started = true;
	return 0;
}

int watch_open(struct watch **out, const struct watch_settings *settings)
{
	struct watch *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);
	int err;

	if (!w)
		return -ENOMEM;
	memset(w, 0, sizeof(*w));
	w->hep.fd = w->messages.wake_fd = -1;
	w->engine = settings->engine;
	w->local_count = settings->local_count;
	memcpy(w->locals, settings->locals, settings->local_count * sizeof(*w->locals));
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = w->wake_fd < 0 ? -errno : trace_store_open(&w->store, settings->state_dir);
	if (!err)
		err = ring_open(&w->messages, sizeof(struct watch_item *), WATCH_MESSAGES);
	if (!err)
		err = thread_start(w);
	if (err) {
		watch_close(w);
		return err;
	}
	watch_configure(w, &settings->limits, &settings->hep);
	*out = w;
	return 0;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	if (w->started) {
		atomic_store(&w->stopping, true);
		watch_wake(w);
		(void)pthread_join(w->thread, NULL);
	}
	free(atomic_load(&w->fresh));
	ring_close(&w->messages);
	if (w->wake_fd >= 0)
		(void)close(w->wake_fd);
	explicit_bzero(&w->hep_told, sizeof(w->hep_told));
	free(w);
}

/* ---- what is watched ---- */

static bool order(struct watch *w, uint64_t call, enum capture_owner owner, unsigned points)
{
	const struct capture_order o = { .call = call,
					 .owner = (uint8_t)owner,
					 .points = (uint8_t)points };

	return engine_watch(w->engine, &o);
}

static void export_order(struct watch *w)
{
	unsigned points = CAPTURE_RTCP(CAPTURE_IN_PLAIN | CAPTURE_OUT_PLAIN);

	w->export_due = !order(w, 0, CAPTURE_EXPORT, w->hep_on ? points : 0);
}

static unsigned points_of(const struct trace *t)
{
	return t->decrypted ? CAPTURE_IN_PLAIN | CAPTURE_OUT_PLAIN
			    : CAPTURE_IN_WIRE | CAPTURE_OUT_WIRE;
}

static void watched_turn(struct watch *w, uint32_t i, unsigned points)
{
	if (order(w, w->traces[i].call, CAPTURE_TRACE, points))
		w->watched ^= UINT32_C(1) << i;
}

/* What ends comes first: a new trace may be of the same call. What could not be said for lack of room is said with the next tick. */
static void orders_settle(struct watch *w)
{
	uint32_t want = 0;

	if (w->export_due)
		export_order(w);
	for (uint32_t i = 0; i < WATCH_TRACES_MAX; i++) {
		if (atomic_load_explicit(&w->traces[i].state, memory_order_acquire) == TRACE_BEGUN)
			want |= UINT32_C(1) << i;
	}
	for (uint32_t i = 0; i < WATCH_TRACES_MAX; i++) {
		if ((w->watched & ~want) >> i & 1)
			watched_turn(w, i, 0);
	}
	for (uint32_t i = 0; i < WATCH_TRACES_MAX && !(w->watched & ~want); i++) {
		if ((want & ~w->watched) >> i & 1)
			watched_turn(w, i, points_of(&w->traces[i]));
	}
}

static bool hep_same(const struct watch *w, const struct hep_settings *a)
{
	const struct hep_settings *b = &w->hep_told;

	return addr_eq(&a->collector, &b->collector) && a->capture_id == b->capture_id &&
	       !strcmp(a->password, b->password);
}

static void hep_configure(struct watch *w, const struct hep_settings *hep)
{
	struct hep_settings *copy = hep_same(w, hep) ? NULL : malloc(sizeof(*copy)), *old;

	if (!copy)
		return;
	w->hep_told = *copy = *hep;
	old = atomic_exchange_explicit(&w->fresh, copy, memory_order_acq_rel);
	free(old);
	w->hep_on = hep->collector.family != ADDR_NONE;
	export_order(w);
	watch_wake(w);
}

static void end(struct watch *w, struct trace *t, enum trace_end why)
{
	if (atomic_load(&t->stop) == TRACE_RUNS)
		atomic_store(&t->stop, why);
	watch_wake(w);
}

void watch_configure(struct watch *w, const struct watch_limits *limits,
		     const struct hep_settings *hep)
{
	w->limits = *limits;
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		struct trace *t = &w->traces[i];

		if (atomic_load(&t->state) == TRACE_BEGUN && t->decrypted && !limits->decrypted)
			end(w, t, TRACE_STOPPED);
	}
	hep_configure(w, hep);
}

bool watch_wants(const struct watch *w)
{
	return w->hep_on || w->running > 0;
}

/* ---- messages ---- */

static bool is_traced(const struct watch *w, uint64_t call)
{
	for (size_t i = 0; i < WATCH_TRACES_MAX && call; i++) {
		if (atomic_load_explicit(&w->traces[i].state, memory_order_acquire) ==
			    TRACE_BEGUN &&
		    w->traces[i].call == call)
			return true;
	}
	return false;
}

static struct watch_item *item_make(const struct watch *w, const struct sip_hop *hop, bool sent,
				    struct bytes message)
{
	struct watch_item *m = malloc(sizeof(*m) + message.n);
	struct addr local = { .family = hop->remote.family };

	if (!m)
		return NULL;
	if (hop->local < w->local_count)
		local = w->locals[hop->local].bind;
	m->utc_ns = clock_utc_ms() * NS_PER_MS;
	m->from = sent ? local : hop->remote;
	m->to = sent ? hop->remote : local;
	m->sent = sent;
	m->transport = hop->transport;
	m->n = message.n;
	memcpy(m->octets, message.p, message.n);
	return m;
}

static bool item_push(struct watch *w, struct watch_item *m)
{
	uint64_t octets = atomic_load_explicit(&w->message_octets, memory_order_relaxed);
	size_t n = m->n;

	if (octets + n > WATCH_MESSAGES_OCTETS)
		return false;
	/* before it is the thread's, or the thread would take off what is not there yet */
	atomic_fetch_add_explicit(&w->message_octets, n, memory_order_relaxed);
	if (ring_push(&w->messages, &m))
		return true;
	atomic_fetch_sub_explicit(&w->message_octets, n, memory_order_relaxed);
	return false;
}

void watch_message(struct watch *w, const struct sip_hop *hop, bool sent, uint64_t call,
		   struct bytes message)
{
	bool traced = is_traced(w, call);
	struct watch_item *m;

	if (!message.n || (!traced && !w->hep_on))
		return;
	m = item_make(w, hop, sent, message);
	if (m)
		m->call = call;
	if (m && item_push(w, m))
		return;
	free(m);
	if (traced)
		metric_add(g_metrics.lost, 1);
	if (w->hep_on)
		hep_export_lost(HEP_LOSS_QUEUE);
}

/* ---- traces ---- */

static void view(const struct trace *t, struct trace_view *out)
{
	*out = (struct trace_view){ .name = t->name,
				    .call = t->call,
				    .octets_max = t->octets_max,
				    .octets = atomic_load(&t->octets),
				    .packets = atomic_load(&t->packets),
				    .lost = atomic_load(&t->lost),
				    .seconds = t->seconds,
				    .decrypted = t->decrypted };
}

static struct trace *trace_find(const struct watch *w, uint64_t call)
{
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		const struct trace *t = &w->traces[i];

		if (atomic_load(&t->state) == TRACE_BEGUN && t->call == call)
			return (struct trace *)(uintptr_t)t;
	}
	return NULL;
}

static bool is_same(const struct trace *t, const struct trace_order *order)
{
	return t->decrypted == order->decrypted && t->seconds == order->seconds &&
	       t->octets_max == order->octets;
}

/* Running traces count with what they may come to. */
static bool has_room(const struct watch *w, uint64_t octets)
{
	static struct trace_entry list[TRACE_FILES_MAX];
	uint32_t n = trace_store_list(&w->store, list, TRACE_FILES_MAX);
	uint64_t used = octets;

	for (uint32_t i = 0; i < n; i++) {
		struct trace_view v;
		bool runs = watch_trace_by_name(w, bytes_str(list[i].name), &v);

		used += runs && v.octets_max > list[i].octets ? v.octets_max : list[i].octets;
	}
	return n < w->limits.files && used <= w->limits.quota;
}

static void sweep(struct watch *w, struct instant now)
{
	static struct trace_entry list[TRACE_FILES_MAX];
	uint32_t n = trace_store_list(&w->store, list, TRACE_FILES_MAX);
	uint64_t keep_ms = w->limits.keep_ns / NS_PER_MS;
	struct trace_view v;

	w->swept_ns = now.ns;
	for (uint32_t i = 0; i < n; i++) {
		struct bytes name = bytes_str(list[i].name);

		if (list[i].changed_utc_ms + keep_ms > now.utc_ms ||
		    watch_trace_by_name(w, name, &v))
			continue;
		if (!trace_store_delete(&w->store, name))
			LOG_INFO("trace", list[i].call, "trace deleted: it is old",
				 LOG_STR("file", list[i].name));
	}
}

static int trace_begin(struct watch *w, struct trace *t, const struct trace_order *order,
		       struct instant now)
{
	int err;

	t->call = order->call;
	t->octets_max = order->octets;
	t->seconds = order->seconds;
	t->decrypted = order->decrypted;
	t->end_ns = now.ns + order->seconds * NS_PER_S;
	trace_name_write(t->name, order->call, now.utc_ms);
	atomic_store(&t->octets, 0);
	atomic_store(&t->packets, 0);
	atomic_store(&t->lost, 0);
	atomic_store(&t->stop, TRACE_RUNS);
	err = trace_file_open(t);
	if (err)
		return err;
	t->fd = trace_store_create(&w->store, t->name);
	if (t->fd < 0) {
		free(t->space.p);
		t->space = (struct writer){ 0 };
		return t->fd;
	}
	w->gone_ns[t - w->traces] = 0;
	w->running++;
	/* release: the thread reads all of it */
	atomic_store_explicit(&t->state, TRACE_BEGUN, memory_order_release);
	return 0;
}

int watch_trace_start(struct watch *w, const struct trace_order *order, struct instant now,
		      struct trace_view *out)
{
	struct trace *t = trace_find(w, order->call), *free_one = NULL;
	int err;

	if (order->decrypted && !w->limits.decrypted)
		return -EPERM;
	if (t && !is_same(t, order))
		return -EALREADY;
	if (!t) {
		for (size_t i = 0; i < WATCH_TRACES_MAX && !free_one; i++) {
			if (atomic_load(&w->traces[i].state) == TRACE_FREE &&
			    !(w->watched >> i & 1))
				free_one = &w->traces[i];
		}
		sweep(w, now);
		err = !free_one ? -EMFILE : !has_room(w, order->octets) ? -EDQUOT : 0;
		if (!err)
			err = trace_begin(w, free_one, order, now);
		if (err)
			return err;
		t = free_one;
		LOG_INFO("trace", t->call, "trace begins", LOG_STR("file", t->name),
			 LOG_STR("decrypted", t->decrypted ? "yes" : "no"));
		orders_settle(w);
		watch_wake(w);
	}
	view(t, out);
	return 0;
}

int watch_trace_stop(struct watch *w, uint64_t call)
{
	struct trace *t = trace_find(w, call);

	if (!t)
		return -ENOENT;
	end(w, t, TRACE_STOPPED);
	return 0;
}

bool watch_trace_by_name(const struct watch *w, struct bytes name, struct trace_view *out)
{
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		const struct trace *t = &w->traces[i];

		if (atomic_load(&t->state) == TRACE_BEGUN && bytes_is(name, t->name)) {
			view(t, out);
			return true;
		}
	}
	return false;
}

bool watch_trace_by_call(const struct watch *w, uint64_t call, struct trace_view *out)
{
	const struct trace *t = trace_find(w, call);

	if (t)
		view(t, out);
	return t != NULL;
}

const struct trace_store *watch_trace_store(const struct watch *w)
{
	return &w->store;
}

/* A call that is gone may still have an answer or two on their way. */
static void calls_look(struct watch *w, const struct shard *shard, uint64_t now_ns)
{
	static struct call_view call;

	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		struct trace *t = &w->traces[i];

		if (atomic_load(&t->state) != TRACE_BEGUN)
			continue;
		if (shard_call_view(shard, t->call, &call))
			w->gone_ns[i] = 0;
		else if (!w->gone_ns[i])
			w->gone_ns[i] = now_ns;
		else if (now_ns - w->gone_ns[i] >= LINGER_NS)
			end(w, t, TRACE_CALL_ENDED);
	}
}

void watch_tick(struct watch *w, const struct shard *shard, struct instant now)
{
	calls_look(w, shard, now.ns);
	orders_settle(w);
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		/* acquire: the thread has done with it */
		if (atomic_load_explicit(&w->traces[i].state, memory_order_acquire) != TRACE_ENDED)
			continue;
		atomic_store(&w->traces[i].state, TRACE_FREE);
		w->running--;
	}
	if (now.ns - w->swept_ns >= SWEEP_NS)
		sweep(w, now);
	metric_set(g_metrics.running, w->running);
}
