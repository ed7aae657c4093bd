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
 * Calls of two flows stand in pairs: each party of one call is the flow at the same side of the other. So what leaves
 * by B of the first comes in at B of the second, leaves there by A and comes in at A of the first: the packets that are put in once go
 * round and round, each time through everything. The offsets are such that sequence numbers and timestamps go on as those of a
 * phone do. --srtp: both sides of all calls are SRTP; --srtp-relay: side A is, side B is plain.
 *
 * Each worker is a thread with a queue of the device, a core and flows of its own.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metric.h"
#include "engine/port_dpdk.h"
#include "engine/protect.h"
#include "engine/srtp.h"
#include "engine/worker.h"
#include "media/crypto.h"

enum {
	FIRST_PORT = 20000,
	RTP_LEN = 172,
	FLIGHT = 896, /* packets on the ring, which holds 1,023 */
	FRAME = 160,
	SSRC = 0x20000000,
	WARM_UP_MS = 300,
	WORKERS_MAX = 8,
	PAIR = 4, /* flows of two calls */
};

enum sides { SIDES_PLAIN, SIDE_A_SECURE, SIDES_SECURE };

struct options {
	uint32_t flows, seconds, workers, settle_ms;
	enum sides sides;
	enum media_suite suite;
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

_Noreturn static void fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "ring: %s: %s\n", what, why);
	exit(1);
}

static struct addr local_of(const struct lane *l, uint32_t index)
{
	return (struct addr){ .family = ADDR_V4,
			      .ip = { 192, 0, 2, 1 },
			      .port = (uint16_t)(FIRST_PORT + l->index * FLIGHT + index) };
}

/* The flow at the same side of the other call. */
static uint32_t far(uint32_t index)
{
	return index ^ 2;
}

/* No interface here has the address; nothing is ever sent by these sockets. */
static int socket_of(const struct lane *l, uint32_t index)
{
	struct addr at = local_of(l, index);
	struct sockaddr_storage ss;
	socklen_t n = addr_to_sockaddr(&at, &ss);
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) != 0 ||
	    bind(fd, (const struct sockaddr *)&ss, n) != 0)
		fail("socket", strerror(errno));
	return fd;
}

/* What a flow sends is what the far one hears. */
static struct media_key key_of(const struct options *o, uint32_t sender)
{
	struct media_key key = { .suite = (uint8_t)o->suite,
				 .length = crypto_key_length(o->suite) };

	memset(key.octets, 0x5a, key.length);
	be32_put(key.octets, sender);
	return key;
}

static bool is_secure(const struct options *o, uint32_t index)
{
	return o->sides == SIDES_SECURE || (o->sides == SIDE_A_SECURE && index % 2 == 0);
}

static uint32_t each(const struct options *o)
{
	return FLIGHT / o->flows > 0 ? FLIGHT / o->flows : 1;
}

static struct flow_spec spec_of(const struct lane *l, uint32_t index)
{
	const struct options *o = l->options;
	struct flow_spec s = {
		.id = { .slot = index, .generation = 1 },
		.peer = { .slot = index ^ 1, .generation = 1 },
		.local_rtp = local_of(l, index),
		.remote_rtp = local_of(l, far(index)),
		.ssrc_out = SSRC + index,
		.latch = LATCH_STRICT,
		.receive = 1,
		.send = 1,
		.rtcp_mux = 1,
		.event_pt = PAYLOAD_NONE,
		.rule_count = 1,
		.rules = { { .in = 0, .out = 0, .clock_hz = 8000 } },
		.srtp_limit = SRTP_INDEX_END,
		.srtcp_limit = SRTCP_INDEX_END,
		.resume = { .source_rtp = local_of(l, far(index)),
			    .source_ssrc = SSRC + far(index),
			    .sequence_offset = (uint16_t)each(o),
			    .timestamp_offset = each(o) * FRAME,
			    .srtp_next = each(o) + 1,
			    .started = 1 },
	};

	if (is_secure(o, index)) {
		s.key_in = key_of(o, far(index));
		s.key_out = key_of(o, index);
	}
	return s;
}

static void flows_open(struct lane *l)
{
	for (uint32_t i = 0; i < l->options->flows; i++) {
		struct media_command *c = calloc(1, sizeof(*c)); /* too big for a stack */

		if (!c)
			fail("flow", "no memory");
		c->kind = MEDIA_FLOW_OPEN;
		c->rtp_fd = socket_of(l, i);
		c->rtcp_fd = -1;
		c->spec = spec_of(l, i);
		if (!ring_push(&l->worker.commands, c))
			fail("flow", "the ring of commands is full");
		free(c);
		worker_step(&l->worker);
	}
}

static void packet_write(uint8_t p[RTP_LEN], uint32_t sender, uint32_t number)
{
	memset(p, 0x55, RTP_LEN);
	p[0] = 0x80;
	p[1] = 0;
	be16_put(p + 2, (uint16_t)number);
	be32_put(p + 4, number * FRAME);
	be32_put(p + 8, SSRC + sender);
}

/* As if the flow `sender` had sent it to its party. */
static void put(struct lane *l, uint32_t sender, uint32_t number)
{
	struct worker *w = &l->worker;
	struct pkt *p = &w->batch.list[0];
	struct addr to = local_of(l, far(sender));

	*p = (struct pkt){ .kind = PKT_RTP,
			   .verdict = VERDICT_RELAY,
			   .out_slot = sender,
			   .peer = &w->flows.list[sender],
			   .to = &to };
	if (!w->port->ops->lend(w->port, p))
		fail("packet", "no buffer");
	packet_write(p->data, sender, number);
	p->length = RTP_LEN;
	w->batch.count = 1;
	if (number == 1 && p->peer->srtp_out)
		srtp_stream_start(p->peer->srtp_out, 1, 1);
	protect_stage(w, &w->batch);
	if (p->verdict != VERDICT_RELAY)
		fail("packet", verdict_name((enum verdict)p->verdict));
	w->port->ops->tx(w->port, &w->batch);
}

static void run_ms(struct worker *w, uint64_t ms)
{
	uint64_t end_ns = clock_now_ns() + ms * NS_PER_MS;

	while (w->now_ns < end_ns)
		worker_step(w);
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
		g_frames_lost += n;
}

static void port_start(struct lane *l)
{
	const struct options *o = l->options;
	const struct port_settings settings = { .slots = o->flows, .buffers = 1024, .wake_fd = -1 };
	struct port_dpdk_settings dpdk = { .device = o->device,
					   .gateway = { 2, 0, 0, 0, 0, 1 },
					   .worker = l->index,
					   .workers = o->workers,
					   .count = frames_count };
	static port_dpdk_open_fn *open;
	char why[DPDK_TEXT_MAX];

	if (port_uring_open(&dpdk.sockets, &settings) && port_epoll_open(&dpdk.sockets, &settings))
		fail("sockets", "neither io_uring nor epoll");
	if (!open)
		open = port_dpdk_load(why);
	if (!open || open(&l->worker.port, &settings, &dpdk, why))
		fail("DPDK", why);
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
	struct worker_settings settings = {
		.slots = l->options->flows, .commands = 4, .events = 1 << 12, .metrics = &l->metrics
	};

	media_metrics_register_of(&l->metrics, l->index);
	if (worker_open(&l->worker, &settings))
		fail("worker", "no memory");
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
	flows_open(l);
	run_ms(&l->worker, l->options->settle_ms);
	for (uint32_t n = 0; n < each(l->options); n++)
		for (uint32_t i = 0; i < l->options->flows; i++)
			put(l, i, n + 1);
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
	return n + metric_value(m->send_errors) + g_frames_lost;
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
		     o->device, o->flows, o->workers, each(o) * o->flows * o->workers, packets,
		     dropped(), rate, packets ? (double)cpu_ns / (double)packets : 0, busy);
}

static void run(const struct options *o)
{
	(void)pthread_barrier_init(&g_all, NULL, o->workers);
	for (uint32_t i = 0; i < o->workers; i++) {
		g_lanes[i].options = o;
		g_lanes[i].index = i;
		if (pthread_create(&g_lanes[i].thread, NULL, lane_run, &g_lanes[i]) != 0)
			fail("thread", "none could be made");
	}
	for (uint32_t i = 0; i < o->workers; i++)
		(void)pthread_join(g_lanes[i].thread, NULL);
	print(o);
	for (uint32_t i = o->workers; i-- > 0;)
		worker_close(&g_lanes[i].worker);
	for (uint32_t i = 0; i < o->workers; i++)
		if (g_lanes[i].packets == 0)
			fail(o->device, "no frame came back");
}

static enum media_suite suite_read(const char *name)
{
	for (enum media_suite s = MEDIA_SUITE_NONE + 1; s <= MEDIA_SUITE_AEAD_AES_256_GCM; s++)
		if (strcmp(name, crypto_suite_name(s)) == 0)
			return s;
	fail("--suite", "no such one (RFC 4568 6.2, RFC 7714 14.2)");
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
	struct options o = { .flows = 100,
			     .seconds = 5,
			     .workers = 1,
			     .device = "net_ring0",
			     .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80 };
	int c;

	while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
		if (c == 'f')
			o.flows = (uint32_t)strtoul(optarg, NULL, 10) / PAIR * PAIR;
		else if (c == 's')
			o.seconds = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'd')
			o.device = optarg;
		else if (c == 'r')
			o.sides = SIDES_SECURE;
		else if (c == 'a')
			o.sides = SIDE_A_SECURE;
		else if (c == 'c')
			o.suite = suite_read(optarg);
		else if (c == 'w')
			o.workers = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'm')
			o.settle_ms = (uint32_t)strtoul(optarg, NULL, 10);
		else
			fail("usage", "ring [--flows N] [--seconds N] [--srtp|--srtp-relay] "
				      "[--suite NAME] [--workers N] [--device DEVICE] "
				      "[--settle-ms N]");
	}
	if (o.flows < PAIR || o.flows > FLIGHT || o.workers < 1 || o.workers > WORKERS_MAX)
		fail("--flows is 4 to 896", "--workers 1 to 8");
	run(&o);
	return 0;
}
