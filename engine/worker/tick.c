/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/worker/tick.h"
#include "base/clock.h"
#include "engine/worker/control.h"
#include "engine/worker/feedback.h"
#include "engine/worker/latch.h"
#include "engine/worker/originate.h"
#include "engine/worker/shortcut.h"
#include "engine/worker/worker.h"

uint64_t pace_wait_ns(uint64_t most_ns, uint32_t busy)
{
	uint64_t least_ns = most_ns / PACE_LEAST;

	if (busy <= PACE_LOW)
		return least_ns;
	if (busy >= PACE_HIGH)
		return most_ns;
	return least_ns + (most_ns - least_ns) * (busy - PACE_LOW) / (PACE_HIGH - PACE_LOW);
}

void pace_set(struct worker *w)
{
	uint32_t busy = atomic_load_explicit(&w->busy, memory_order_relaxed);

	w->wait_ns =
		pace_wait_ns(atomic_load_explicit(&w->batch_wait_ns, memory_order_relaxed), busy);
	/* without flows there is nothing to wait for: it sleeps until it is called */
	metric_set(w->metrics->wait_us, w->flows.count > 0 ? w->wait_ns / NS_PER_US : 0);
	metric_set(w->metrics->busy, busy);
}

enum { TICK_AHEAD = 4 }; /* flows */

void tick_connection(struct worker *w, struct flow *f, uint64_t now_ns)
{
	struct latch *l = &f->latch_rtp;
	/* a check may come from anywhere */
	bool stable = !(f->transport & TRANSPORT_PAIRS) && latch_is_stable(f, now_ns);

	if (stable == f->connected)
		return;
	if (w->port->ops->connect(w->port, f->id.slot, stable ? &l->source : NULL) == 0)
		f->connected = stable;
	else
		l->since_ns = now_ns; /* no route, say: it does without */
}

void tick_icmp(struct worker *w, struct flow *f)
{
	uint32_t n = w->port->ops->icmp_errors(w->port, f->id.slot);

	if (LIKELY(n == 0))
		return;
	f->stats.icmp_errors += n;
	metric_add(w->metrics->icmp_errors, n);
}

/* Who only listens says so in RTCP, once at least. */
static bool is_expected(const struct flow *f)
{
	return f->receive || (f->send && !flow_has_received(f));
}

static void silence_tick(struct worker *w, struct flow *f, uint64_t now_ns)
{
	struct media_event event;
	uint64_t since_ns;

	if (f->silence_ns == 0 || !is_expected(f))
		return;
	since_ns = flow_received_ns(f);
	if (since_ns == f->silent_told_ns || now_ns - since_ns < f->silence_ns)
		return;
	event = event_of(f, MEDIA_FLOW_SILENT);
	event.listens = !f->receive;
	if (event_send(w, &event)) /* full: it stays due */
		f->silent_told_ns = since_ns;
}

/* Before anything is made: of a bundle, one flow loses the way of all, which packets of this tick would point to. */
static void transports_tick(struct worker *w, uint64_t now_ns)
{
	if (w->transports.count == 0)
		return;
	for (uint32_t i = 0; i < w->flows.count; i++) {
		struct flow *f = &w->flows.list[w->flows.active[i]];

		if (f->transport)
			flow_transport_tick(w, f, now_ns);
	}
}

static void lines_fetch(const struct flow *f, size_t from, size_t to)
{
	for (size_t at = from / FLOW_LINE * FLOW_LINE; at < to; at += FLOW_LINE)
		__builtin_prefetch((const char *)f + at);
}

/* What of a flow a tick looks at. Of many that are idle it is in no cache. */
static void flow_tick_fetch(const struct flow *f)
{
	lines_fetch(f, 0, offsetof(struct flow, jitter));
	lines_fetch(f, offsetof(struct flow, events), sizeof(*f));
}

static void flows_tick(struct worker *w, uint64_t now_ns)
{
	for (uint32_t i = 0; i < w->flows.count; i++) {
		struct flow *f = &w->flows.list[w->flows.active[i]];
		struct event_done done;

		if (i + TICK_AHEAD < w->flows.count)
			flow_tick_fetch(&w->flows.list[w->flows.active[i + TICK_AHEAD]]);
		shortcut_tick(w, f, now_ns);
		if (event_tracker_expire(&f->events, now_ns, &done))
			event_digit(w, f, &done);
		if (f->notice || flow_last_sent_outran(f))
			event_notice(w, f, now_ns);
		tick_connection(w, f, now_ns);
		tick_icmp(w, f);
		silence_tick(w, f, now_ns);
		flow_pace_tick(f);
		reports_tick(w, f, now_ns);
		keyframe_tick(w, f);
	}
}

/* The flow stays open, deaf, until control closes it. */
static void faults_tick(struct worker *w)
{
	struct port_fault fault;

	while (w->port->ops->fault(w->port, &fault)) {
		struct media_event event = { .kind = MEDIA_FLOW_FAILED };

		if (fault.slot < w->flows.capacity) /* else it is of no one flow */
			event = event_of(&w->flows.list[fault.slot], MEDIA_FLOW_FAILED);
		event.error = fault.error;
		if (!event_send(w, &event))
			metric_add(w->metrics->events_lost, 1);
	}
}

/* Smoothed over some four ticks. */
static void busy_tick(struct worker *w, uint64_t cpu_us, uint64_t now_ns)
{
	uint64_t passed_us = (now_ns - w->cpu_ns) / NS_PER_US;
	uint64_t busy = passed_us ? (cpu_us - w->cpu_us) * 1000 / passed_us : 0;
	uint64_t before = atomic_load_explicit(&w->busy, memory_order_relaxed);

	busy = (3 * before + (busy > 1000 ? 1000 : busy)) / 4;
	atomic_store_explicit(&w->busy, (uint32_t)busy, memory_order_relaxed);
	w->cpu_ns = now_ns;
}

static void metrics_tick(struct worker *w, uint64_t now_ns)
{
	uint64_t cpu_us = clock_thread_cpu_ns() / NS_PER_US;

	busy_tick(w, cpu_us, now_ns);
	pace_set(w);
	ease_set(w);
	metric_add(w->metrics->send_errors, w->port->ops->send_errors(w->port));
	if (UNLIKELY(w->port->withheld > 0)) {
		metric_add(w->metrics->withheld, w->port->withheld);
		w->port->withheld = 0;
	}
	metric_add(w->metrics->cpu_us, cpu_us - w->cpu_us);
	w->cpu_us = cpu_us;
}

void tick(struct worker *w, uint64_t now_ns)
{
	w->tick_ns = now_ns + TICK_NS;
	transports_tick(w, now_ns);
	flows_tick(w, now_ns);
	dtls_tick(w, now_ns);
	originate_flush(w);
	faults_tick(w);
	w->transports.refusals = 0;
	metrics_tick(w, now_ns);
}
