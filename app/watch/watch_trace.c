/* SPDX-License-Identifier: Apache-2.0 */
/* Traces as control sees them: begun, bounded, looked up, ended with their calls. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/watch/watch_state.h"
#include "base/log.h"
#include "base/metric.h"
#include "sig/sip/id.h"

#define SWEEP_NS  (60 * NS_PER_S)
#define WAIT_NS   (3600 * NS_PER_S) /* for a call */
#define LINGER_NS NS_PER_S          /* answers to the BYE, and who repeats it */

static metric_id g_running;

void watch_trace_setup(void)
{
	g_running =
		metric_register(METRIC_GAUGE, "tandem_traces", NULL, "Traces of calls that run.");
}

static void trace_fill_view(const struct trace *t, struct trace_view *out)
{
	*out = (struct trace_view){ .name = t->name,
				    .user = t->user,
				    .call = trace_call(t),
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

		if (atomic_load(&t->state) == TRACE_BEGUN && trace_call(t) == call)
			return (struct trace *)(uintptr_t)t;
	}
	return NULL;
}

/* One that waits for the same calls. */
static struct trace *trace_find_waiting(const struct watch *w, const struct trace_order *order)
{
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		const struct trace *t = &w->traces[i];

		if (atomic_load(&t->state) == TRACE_BEGUN && !trace_call(t) &&
		    t->side == order->side && !strcmp(t->user, order->user) &&
		    !strcmp(t->tenant, order->tenant))
			return (struct trace *)(uintptr_t)t;
	}
	return NULL;
}

static bool trace_is_same(const struct trace *t, const struct trace_order *order)
{
	return t->decrypted == order->decrypted && t->seconds == order->seconds &&
	       t->octets_max == order->octets;
}

/* Running traces count with what they may come to. */
static bool trace_has_room(const struct watch *w, uint64_t octets)
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

static void trace_sweep(struct watch *w, struct instant now)
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

static int watch_trace_begin(struct watch *w, struct trace *t, const struct trace_order *order,
			     struct instant now)
{
	int err;

	atomic_store_explicit(&t->call, order->call, memory_order_release);
	t->octets_max = order->octets;
	t->seconds = order->seconds;
	t->decrypted = order->decrypted;
	atomic_store_explicit(&t->end_ns,
			      now.ns + (order->call ? order->seconds * NS_PER_S : WAIT_NS),
			      memory_order_relaxed);
	t->side = order->side;
	memcpy(t->user, order->user, sizeof(t->user));
	memcpy(t->tenant, order->tenant, sizeof(t->tenant));
	trace_name_write(t->name, order->call ? order->call : id_call_none(order->shard),
			 now.utc_ms);
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
	w->waiting += !order->call;
	/* release: the thread reads all of it */
	atomic_store_explicit(&t->state, TRACE_BEGUN, memory_order_release);
	return 0;
}

int watch_trace_start(struct watch *w, const struct trace_order *order, struct instant now,
		      struct trace_view *out)
{
	struct trace *t = order->call ? trace_find(w, order->call) : trace_find_waiting(w, order),
		     *free_one = NULL;
	int err;

	if (order->decrypted && !w->limits.decrypted)
		return -EPERM;
	if (t && !trace_is_same(t, order))
		return -EALREADY;
	if (!t) {
		for (size_t i = 0; i < WATCH_TRACES_MAX && !free_one; i++) {
			if (atomic_load(&w->traces[i].state) == TRACE_FREE &&
			    !(w->watched >> i & 1))
				free_one = &w->traces[i];
		}
		trace_sweep(w, now);
		err = !free_one ? -EMFILE : !trace_has_room(w, order->octets) ? -EDQUOT : 0;
		if (!err)
			err = watch_trace_begin(w, free_one, order, now);
		if (err)
			return err;
		t = free_one;
		LOG_INFO("trace", trace_call(t), "trace begins", LOG_STR("file", t->name),
			 LOG_STR("decrypted", t->decrypted ? "yes" : "no"));
		watch_orders_settle(w);
		watch_wake(w);
	}
	trace_fill_view(t, out);
	return 0;
}

bool watch_waits(const struct watch *w)
{
	return w->waiting > 0;
}

static bool trace_waits_for(const struct trace *t, const struct call_view *call)
{
	return atomic_load(&t->state) == TRACE_BEGUN && !trace_call(t) &&
	       !strcmp(t->user, t->side == TRACE_FROM ? call->from : call->to) &&
	       (!t->tenant[0] || !strcmp(t->tenant, call->tenant));
}

bool watch_catch(struct watch *w, const struct call_view *call, struct instant now,
		 struct trace_view *out)
{
	if (trace_find(w, call->call))
		return false; /* a call has one trace */
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		struct trace *t = &w->traces[i];

		if (!trace_waits_for(t, call))
			continue;
		w->waiting--;
		atomic_store_explicit(&t->end_ns, now.ns + t->seconds * NS_PER_S,
				      memory_order_relaxed);
		atomic_store_explicit(&t->call, call->call, memory_order_release);
		LOG_INFO("trace", call->call, "trace has its call", LOG_STR("file", t->name),
			 LOG_STR("user", t->user));
		watch_orders_settle(w);
		watch_wake(w);
		trace_fill_view(t, out);
		return true;
	}
	return false;
}

static struct trace *trace_find_name(const struct watch *w, struct bytes name)
{
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		const struct trace *t = &w->traces[i];

		if (atomic_load(&t->state) == TRACE_BEGUN && bytes_is(name, t->name))
			return (struct trace *)(uintptr_t)t;
	}
	return NULL;
}

int watch_trace_stop(struct watch *w, struct bytes name)
{
	struct trace *t = trace_find_name(w, name);

	if (!t)
		return -ENOENT;
	watch_trace_end(w, t, TRACE_STOPPED);
	return 0;
}

bool watch_trace_by_name(const struct watch *w, struct bytes name, struct trace_view *out)
{
	const struct trace *t = trace_find_name(w, name);

	if (t)
		trace_fill_view(t, out);
	return t != NULL;
}

bool watch_trace_by_call(const struct watch *w, uint64_t call, struct trace_view *out)
{
	const struct trace *t = trace_find(w, call);

	if (t)
		trace_fill_view(t, out);
	return t != NULL;
}

const struct trace_store *watch_trace_store(const struct watch *w)
{
	return &w->store;
}

/* A call that is gone may still have an answer or two on their way. */
static void calls_look(struct watch *w, watch_view_fn *view, void *arg, uint64_t now_ns)
{
	static struct call_view call;

	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		struct trace *t = &w->traces[i];

		if (atomic_load(&t->state) != TRACE_BEGUN || !trace_call(t))
			continue;
		if (view(trace_call(t), &call, arg))
			w->gone_ns[i] = 0;
		else if (!w->gone_ns[i])
			w->gone_ns[i] = now_ns;
		else if (now_ns - w->gone_ns[i] >= LINGER_NS)
			watch_trace_end(w, t, TRACE_CALL_ENDED);
	}
}

void watch_tick(struct watch *w, watch_view_fn *view, void *arg, struct instant now)
{
	calls_look(w, view, arg, now.ns);
	watch_orders_settle(w);
	for (size_t i = 0; i < WATCH_TRACES_MAX; i++) {
		/* acquire: the thread has done with it */
		if (atomic_load_explicit(&w->traces[i].state, memory_order_acquire) != TRACE_ENDED)
			continue;
		w->waiting -= !trace_call(&w->traces[i]);
		atomic_store(&w->traces[i].state, TRACE_FREE);
		w->running--;
	}
	if (now.ns - w->swept_ns >= SWEEP_NS)
		trace_sweep(w, now);
	metric_set(g_running, w->running);
}
