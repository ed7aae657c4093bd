/* SPDX-License-Identifier: Apache-2.0 */
#include "app/watch/watch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "app/watch/watch_state.h"
#include "base/metric.h"
#include "engine/engine.h"

static struct {
	metric_id lost;
} g_watch_metrics;

void watch_setup(void)
{
	hep_export_setup();
	watch_trace_setup();
	g_watch_metrics.lost = metric_register(METRIC_COUNTER, "tandem_trace_lost_messages_total",
					       NULL, "SIP messages that traces have no copy of.");
}

void watch_wake(struct watch *w)
{
	uint64_t one = 1;

	(void)!write(w->wake_fd, &one, sizeof(one));
}

static int watch_thread_start(struct watch *w)
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
		err = watch_thread_start(w);
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

static unsigned watch_points_of(const struct trace *t)
{
	return t->decrypted ? CAPTURE_IN_PLAIN | CAPTURE_OUT_PLAIN
			    : CAPTURE_IN_WIRE | CAPTURE_OUT_WIRE;
}

static void watched_turn(struct watch *w, uint32_t i, unsigned points)
{
	if (order(w, trace_call(&w->traces[i]), CAPTURE_TRACE, points))
		w->watched ^= UINT32_C(1) << i;
}

/* What ends comes first: a new trace may be of the same call. What could not be said for lack of room is said with the next tick. */
void watch_orders_settle(struct watch *w)
{
	uint32_t want = 0;

	if (w->export_due)
		export_order(w);
	for (uint32_t i = 0; i < WATCH_TRACES_MAX; i++) {
		if (atomic_load_explicit(&w->traces[i].state, memory_order_acquire) ==
			    TRACE_BEGUN &&
		    trace_call(&w->traces[i]))
			want |= UINT32_C(1) << i;
	}
	for (uint32_t i = 0; i < WATCH_TRACES_MAX; i++) {
		if ((w->watched & ~want) >> i & 1)
			watched_turn(w, i, 0);
	}
	for (uint32_t i = 0; i < WATCH_TRACES_MAX && !(w->watched & ~want); i++) {
		if ((want & ~w->watched) >> i & 1)
			watched_turn(w, i, watch_points_of(&w->traces[i]));
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

void watch_trace_end(struct watch *w, struct trace *t, enum trace_end why)
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
			watch_trace_end(w, t, TRACE_STOPPED);
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
		    trace_call(&w->traces[i]) == call)
			return true;
	}
	return false;
}

struct addr watch_local(const struct watch *w, const struct sip_hop *hop)
{
	return hop->local < w->local_count ? w->locals[hop->local].bind
					   : (struct addr){ .family = hop->remote.family };
}

static struct watch_item *item_make(const struct watch *w, const struct sip_hop *hop, bool sent,
				    struct bytes message)
{
	struct watch_item *m = malloc(sizeof(*m) + message.n);
	struct addr local = watch_local(w, hop);

	if (!m)
		return NULL;
	m->past = m->made = m->decrypted = false;
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

void watch_past(struct watch *w, const struct watch_past *p)
{
	struct watch_item *m = p->message.n ? item_make(w, &p->hop, p->sent, p->message) : NULL;

	if (!m)
		return;
	m->call = p->call;
	m->utc_ns = p->utc_ms * NS_PER_MS;
	m->past = true;
	m->made = p->made;
	m->decrypted = p->decrypted;
	if (item_push(w, m))
		return;
	free(m);
	metric_add(g_watch_metrics.lost, 1);
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
		metric_add(g_watch_metrics.lost, 1);
	if (w->hep_on)
		hep_export_lost(HEP_LOSS_QUEUE);
}
