/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All stages on a device of DPDK whose frames come back to it, net_ring: what the media path can do where no wire and no
 * kernel is in the way.
 *
 *   ring --flows 100 --seconds 5 [--srtp] [--device net_ring0]     prints packets, losses and ns per packet as JSON
 *
 * The party of each flow is its own peer. So what it sends on comes back as a packet for that peer, and the other way round: the
 * packets that are put in once go round and round, each time through everything. The offsets of both ways are such that
 * sequence numbers and timestamps go on as those of a phone do.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metric.h"
#include "engine/port_dpdk.h"
#include "engine/worker.h"

enum {
	FIRST_PORT = 20000,
	RTP_LEN = 172,
	FLIGHT = 896, /* packets on the ring, which holds 1,023 */
	FRAME = 160,
	SSRC = 0x20000000,
	WARM_UP_MS = 300,
};

struct options {
	uint32_t flows, seconds;
	bool srtp;
	const char *device;
};

static struct worker g_worker;
static struct media_metrics g_metrics;

_Noreturn static void fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "ring: %s: %s\n", what, why);
	exit(1);
}

static struct addr local_of(uint32_t index)
{
	return (struct addr){ .family = ADDR_V4,
			      .ip = { 192, 0, 2, 1 },
			      .port = (uint16_t)(FIRST_PORT + index) };
}

/* No interface here has the address; nothing is ever sent by these sockets. */
static int socket_of(uint32_t index)
{
	struct addr at = local_of(index);
	struct sockaddr_storage ss;
	socklen_t n = addr_to_sockaddr(&at, &ss);
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) != 0 ||
	    bind(fd, (const struct sockaddr *)&ss, n) != 0)
		fail("socket", strerror(errno));
	return fd;
}

/* What a flow sends is what its peer hears. */
static struct media_key key_of(uint32_t sender)
{
	struct media_key key = { .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .length = 30 };

	memset(key.octets, 0x5a, key.length);
	be32_put(key.octets, sender);
	return key;
}

static uint32_t each(const struct options *o)
{
	return FLIGHT / o->flows > 0 ? FLIGHT / o->flows : 1;
}

static struct flow_spec spec_of(const struct options *o, uint32_t index)
{
	uint32_t peer = index ^ 1;
	struct flow_spec s = {
		.id = { .slot = index, .generation = 1 },
		.peer = { .slot = peer, .generation = 1 },
		.local_rtp = local_of(index),
		.remote_rtp = local_of(peer),
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
		.resume = { .source_rtp = local_of(peer),
			    .source_ssrc = SSRC + peer,
			    .sequence_offset = (uint16_t)each(o),
			    .timestamp_offset = each(o) * FRAME,
			    .started = 1 },
	};

	if (o->srtp) {
		s.key_in = key_of(peer);
		s.key_out = key_of(index);
	}
	return s;
}

static void flows_open(const struct options *o)
{
	for (uint32_t i = 0; i < o->flows; i++) {
		struct media_command c = { .kind = MEDIA_FLOW_OPEN,
					   .rtp_fd = socket_of(i),
					   .rtcp_fd = -1,
					   .spec = spec_of(o, i) };

		if (!ring_push(&g_worker.commands, &c))
			fail("flow", "the ring of commands is full");
		worker_step(&g_worker);
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

/* As if the flow `sender` had sent it to its party, the peer. */
static void put(uint32_t sender, uint32_t number)
{
	struct batch *b = &g_worker.batch;
	struct pkt *p = &b->list[0];
	struct addr to = local_of(sender ^ 1);

	*p = (struct pkt){ .verdict = VERDICT_RELAY, .out_slot = sender, .to = &to };
	if (!g_worker.port->ops->lend(g_worker.port, p))
		fail("packet", "no buffer");
	packet_write(p->data, sender, number);
	p->length = RTP_LEN;
	b->count = 1;
	g_worker.port->ops->tx(g_worker.port, b);
}

static void run_ms(uint64_t ms)
{
	uint64_t end_ns = clock_now_ns() + ms * NS_PER_MS;

	while (g_worker.now_ns < end_ns)
		worker_step(&g_worker);
}

static uint64_t dropped(void)
{
	uint64_t n = 0;

	for (enum verdict v = VERDICT_RELAY + 1; v < VERDICT_COUNT; v++)
		n += metric_value(g_metrics.dropped[v]);
	return n + metric_value(g_metrics.send_errors);
}

static void measure(const struct options *o)
{
	uint64_t put_in = (uint64_t)each(o) * o->flows;
	uint64_t packets, cpu_ns, wall_ns;

	run_ms(WARM_UP_MS);
	packets = metric_value(g_metrics.relayed);
	cpu_ns = clock_thread_cpu_ns();
	wall_ns = clock_now_ns();
	run_ms(o->seconds * UINT64_C(1000));
	wall_ns = clock_now_ns() - wall_ns;
	cpu_ns = clock_thread_cpu_ns() - cpu_ns;
	packets = metric_value(g_metrics.relayed) - packets;
	(void)printf("{\"device\": \"%s\", \"flows\": %u, \"in_flight\": %" PRIu64
		     ", \"packets\": %" PRIu64 ", \"lost\": %" PRIu64
		     ", \"packets_per_s\": %.0f, \"ns_per_packet\": %.1f}\n",
		     o->device, o->flows, put_in, packets, dropped(),
		     (double)packets * 1e9 / (double)wall_ns,
		     packets ? (double)cpu_ns / (double)packets : 0);
}

static void port_start(const struct options *o)
{
	const struct port_settings settings = { .slots = o->flows, .buffers = 1024, .wake_fd = -1 };
	struct port_dpdk_settings dpdk = { .device = o->device,
					   .gateway = { 2, 0, 0, 0, 0, 1 },
					   .workers = 1,
					   .count = port_dpdk_metric };
	char why[DPDK_TEXT_MAX];
	port_dpdk_open_fn *open = port_dpdk_load(why);

	if (!open || open(&g_worker.port, &settings, &dpdk, why))
		fail("DPDK", why);
}

static void run(const struct options *o)
{
	struct worker_settings settings = {
		.slots = o->flows, .commands = 64, .events = 1 << 16, .metrics = &g_metrics
	};

	media_metrics_register(&g_metrics);
	if (worker_open(&g_worker, &settings))
		fail("worker", "no memory");
	port_start(o);
	flows_open(o);
	for (uint32_t n = 0; n < each(o); n++)
		for (uint32_t i = 0; i < o->flows; i++)
			put(i, n);
	measure(o);
	worker_close(&g_worker);
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{ "flows", required_argument, NULL, 'f' },
		{ "seconds", required_argument, NULL, 's' },
		{ "device", required_argument, NULL, 'd' },
		{ "srtp", no_argument, NULL, 'r' },
		{ 0 },
	};
	struct options o = { .flows = 100, .seconds = 5, .device = "net_ring0" };
	int c;

	while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
		if (c == 'f')
			o.flows = (uint32_t)strtoul(optarg, NULL, 10) & ~1U;
		else if (c == 's')
			o.seconds = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'd')
			o.device = optarg;
		else if (c == 'r')
			o.srtp = true;
		else
			fail("usage", "ring [--flows N] [--seconds N] [--srtp] [--device DEVICE]");
	}
	if (o.flows < 2 || o.flows > FLIGHT)
		fail("--flows", "2 to 896");
	run(&o);
	return 0;
}
