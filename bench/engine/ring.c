/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All stages on a device of DPDK whose frames come back to it, net_ring: what the media path can do where no wire and no
 * kernel is in the way.
 *
 *   ring --flows 100 --seconds 5 [--srtp|--srtp-relay [--suite AEAD_AES_128_GCM]] [--workers 2] [--device net_ring0 [--settle-ms 0]]
 *                                                         prints packets, losses and ns per packet as JSON
 *
 * Another device does as well if its other end gives back what it gets, as a net_memif whose peer is `dpdk-testpmd
 * --forward-mode=io`; --settle-ms is how long the two take to find each other.
 *
 * The packets go round in calls that stand in pairs (ring_calls.h). --srtp: both sides of all calls are SRTP; --srtp-relay: side A
 * is, side B is plain.
 *
 * Each worker is a thread with a queue of the device, a core and flows of its own.
 */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metric.h"
#include "bench/engine/ring_calls.h"
#include "engine/port/port_dpdk.h"

enum {
	WARM_UP_MS = 300,
	WORKERS_MAX = 8,
};

struct options {
	struct ring_calls calls;
	uint32_t seconds, workers, settle_ms;
	const char *device;
};

/* One worker and what it did. */
struct lane {
	const struct options *options;
	uint32_t index;
	pthread_t thread;
	struct worker worker;
	struct media_metrics metrics;
	uint64_t packets, cpu_ns, wall_ns;
};

static struct lane g_lanes[WORKERS_MAX];
static pthread_barrier_t g_all;
static _Atomic uint64_t g_frames_lost;

/* A flow of the ring is sent more than any party sends: what a tick found of it is taken back (latch.h). */
static void pace_undo(struct worker *w)
{
	for (uint32_t i = 0; i < w->flows.count; i++)
		w->flows.list[w->flows.active[i]].receive = FLOW_RECEIVE;
}

static void run_ms(struct worker *w, uint64_t ms)
{
	uint64_t end_ns = clock_now_ns() + ms * NS_PER_MS;

	while (w->now_ns < end_ns) {
		uint64_t tick_ns = w->tick_ns;

		worker_step(w);
		if (w->tick_ns != tick_ns)
			pace_undo(w);
	}
}

static void lane_measure(struct lane *l)
{
	uint64_t packets, cpu_ns, wall_ns;

	run_ms(&l->worker, WARM_UP_MS);
	packets = metric_value(l->metrics.relayed);
	cpu_ns = clock_thread_cpu_ns();
	wall_ns = clock_now_ns();
	run_ms(&l->worker, l->options->seconds * UINT64_C(1000));
	l->wall_ns = clock_now_ns() - wall_ns;
	l->cpu_ns = clock_thread_cpu_ns() - cpu_ns;
	l->packets = metric_value(l->metrics.relayed) - packets;
}

/* A frame that is for no flow, or that did not go on, is out of the round for good. */
static void frames_count(enum port_dpdk_count what, uint64_t n)
{
	if (what != DPDK_IN && what != DPDK_OUT)
		atomic_fetch_add_explicit(&g_frames_lost, n, memory_order_relaxed);
}

static void port_start(struct lane *l)
{
	const struct options *o = l->options;
	const struct port_settings settings = { .slots = o->calls.flows,
						.buffers = 1024,
						.wake_fd = -1 };
	struct port_dpdk_settings dpdk = { .device = o->device,
					   .gateway = { 2, 0, 0, 0, 0, 1 },
					   .hairpin = true,
					   .worker = l->index,
					   .workers = o->workers,
					   .count = frames_count };
	static port_dpdk_open_fn *open;
	char why[DPDK_TEXT_MAX];

	if (port_uring_open(&dpdk.sockets, &settings) && port_epoll_open(&dpdk.sockets, &settings))
		ring_fail("sockets", "neither io_uring nor epoll");
	if (!open)
		open = port_dpdk_load(why);
	if (!open || open(&l->worker.port, &settings, &dpdk, why))
		ring_fail("DPDK", why);
}

/* Each on a core of its own, as far as there are any; one alone stays where it was put. */
static void core_take(const struct lane *l)
{
	uint32_t nth = l->index;
	cpu_set_t all, one;

	if (l->options->workers == 1 || sched_getaffinity(0, sizeof(all), &all) != 0)
		return;
	nth %= (uint32_t)CPU_COUNT(&all);
	CPU_ZERO(&one);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && nth-- == 0)
			CPU_SET(cpu, &one);
	(void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

static void lane_open(struct lane *l)
{
	struct worker_settings settings = { .slots = l->options->calls.flows,
					    .commands = 4,
					    .events = 1 << 12,
					    .metrics = &l->metrics };

	media_metrics_register_of(&l->metrics, l->index);
	if (worker_open(&l->worker, &settings))
		ring_fail("worker", "no memory");
	port_start(l);
}

/* The first one opens the device, so each waits for those before it. */
static void *lane_run(void *arg)
{
	struct lane *l = arg;

	core_take(l);
	for (uint32_t i = 0; i < l->options->workers; i++) {
		if (i == l->index)
			lane_open(l);
		(void)pthread_barrier_wait(&g_all);
	}
	ring_calls_open(&l->options->calls, &l->worker, l->index);
	run_ms(&l->worker, l->options->settle_ms);
	ring_calls_start(&l->options->calls, &l->worker, l->index);
	(void)pthread_barrier_wait(&g_all);
	lane_measure(l);
	(void)pthread_barrier_wait(&g_all);
	return NULL;
}

static uint64_t dropped(void)
{
	const struct media_metrics *m = &g_lanes[0].metrics; /* the same for all */
	uint64_t n = 0;

	for (enum verdict v = VERDICT_RELAY + 1; v < VERDICT_COUNT; v++)
		n += metric_value(m->dropped[v]);
	return n + metric_value(m->send_errors) +
	       atomic_load_explicit(&g_frames_lost, memory_order_relaxed);
}

static void print(const struct options *o)
{
	double rate = 0, busy = 1;
	uint64_t packets = 0, cpu_ns = 0;

	for (uint32_t i = 0; i < o->workers; i++) {
		const struct lane *l = &g_lanes[i];
		double share = (double)l->cpu_ns / (double)l->wall_ns;

		packets += l->packets;
		cpu_ns += l->cpu_ns;
		rate += (double)l->packets * 1e9 / (double)l->wall_ns;
		busy = share < busy ? share : busy;
	}
	(void)printf("{\"device\": \"%s\", \"flows\": %u, \"workers\": %u, \"in_flight\": %u"
		     ", \"packets\": %" PRIu64 ", \"lost\": %" PRIu64
		     ", \"packets_per_s\": %.0f, \"ns_per_packet\": %.1f, \"core_share\": %.3f}\n",
		     o->device, o->calls.flows, o->workers,
		     ring_calls_each(&o->calls) * o->calls.flows * o->workers, packets, dropped(),
		     rate, packets ? (double)cpu_ns / (double)packets : 0, busy);
}

static void run(const struct options *o)
{
	(void)pthread_barrier_init(&g_all, NULL, o->workers);
	for (uint32_t i = 0; i < o->workers; i++) {
		g_lanes[i].options = o;
		g_lanes[i].index = i;
		if (pthread_create(&g_lanes[i].thread, NULL, lane_run, &g_lanes[i]) != 0)
			ring_fail("thread", "none could be made");
	}
	for (uint32_t i = 0; i < o->workers; i++)
		(void)pthread_join(g_lanes[i].thread, NULL);
	print(o);
	for (uint32_t i = o->workers; i-- > 0;)
		worker_close(&g_lanes[i].worker);
	for (uint32_t i = 0; i < o->workers; i++)
		if (g_lanes[i].packets == 0)
			ring_fail(o->device, "no frame came back");
}

static enum media_suite suite_read(const char *name)
{
	for (enum media_suite s = MEDIA_SUITE_NONE + 1; s <= MEDIA_SUITE_AEAD_AES_256_GCM; s++)
		if (strcmp(name, crypto_suite_name(s)) == 0)
			return s;
	ring_fail("--suite", "no such one (RFC 4568 6.2, RFC 7714 14.2)");
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{ "flows", required_argument, NULL, 'f' },
		{ "seconds", required_argument, NULL, 's' },
		{ "device", required_argument, NULL, 'd' },
		{ "srtp", no_argument, NULL, 'r' },
		{ "srtp-relay", no_argument, NULL, 'a' },
		{ "suite", required_argument, NULL, 'c' },
		{ "workers", required_argument, NULL, 'w' },
		{ "settle-ms", required_argument, NULL, 'm' },
		{ 0 },
	};
	struct options o = { .calls = { .flows = 100,
					.suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80 },
			     .seconds = 5,
			     .workers = 1,
			     .device = "net_ring0" };
	int c;

	while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
		if (c == 'f')
			o.calls.flows = (uint32_t)strtoul(optarg, NULL, 10) / RING_PAIR * RING_PAIR;
		else if (c == 's')
			o.seconds = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'd')
			o.device = optarg;
		else if (c == 'r')
			o.calls.sides = SIDES_SECURE;
		else if (c == 'a')
			o.calls.sides = SIDE_A_SECURE;
		else if (c == 'c')
			o.calls.suite = suite_read(optarg);
		else if (c == 'w')
			o.workers = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'm')
			o.settle_ms = (uint32_t)strtoul(optarg, NULL, 10);
		else
			ring_fail("usage", "ring [--flows N] [--seconds N] [--srtp|--srtp-relay] "
					   "[--suite NAME] [--workers N] [--device DEVICE] "
					   "[--settle-ms N]");
	}
	if (o.calls.flows < RING_PAIR || o.calls.flows > RING_FLIGHT || o.workers < 1 ||
	    o.workers > WORKERS_MAX)
		ring_fail("--flows is 4 to 896", "--workers 1 to 8");
	run(&o);
	return 0;
}
