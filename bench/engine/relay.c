/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The media path alone, without signalling.
 *
 *   relay --calls 500 --port 20000 --lines FILE     opens the calls over loopback, writes FILE for rtpload, runs until
 *                                                   SIGTERM, then prints packets and CPU as one JSON line
 *   relay --sim --calls 5000 [--rounds 200]         stages only, on port_sim: ns per packet, without the kernel
 *
 *   relay --local 10.77.0.1 --party 10.77.0.2 [--xdp far0] ...     the same between machines or namespaces, and by AF_XDP
 *
 *   relay --record FOLDER [--pcapng] ...            the same, and each call is recorded (--record-mib: what may wait for the disk)
 *
 *   relay --fork [--fork-srtp] ...                  the same, and what both parties of each call say goes to an external recorder
 *
 *   relay --room ...                                the same, and the parties of all calls are members of one conference
 *
 * With --srtp both parties of a call have SDES keys, which are in the lines; with --video it is their only type.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "bench/engine/relay_fork.h"
#include "bench/engine/relay_record.h"
#include "bench/engine/relay_room.h"
#include "engine/engine.h"
#include "engine/port/port_sim.h"
#include "engine/port/port_xdp.h"
#include "engine/worker/worker.h"

enum {
	BUSY_TRIES = 250,
	BUSY_MS = 20,
	PORTS_PER_CALL = 4,
	PARTY_PORTS = 12000, /* the parties' ports lie so far above ours */
	SIM_ROUNDS = 200,
	SIM_WARM_UP = 10,
	RTP_LEN = 172,
};

struct options {
	uint32_t calls, rounds;
	uint16_t port;
	const char *lines;
	bool sim, srtp, video, room;
	const char *record; /* folder; NULL: nothing is recorded */
	uint32_t record_mib;
	enum record_format format;
	bool fork, fork_srtp;     /* to an external recorder */
	struct addr local, party; /* 127.0.77.1: its ports are nobody else's */
	struct port_xdp_network network;
	struct engine_settings engine;
};

_Noreturn static void fail(const char *what, int err)
{
	(void)fprintf(stderr, "relay: %s: %s\n", what, strerror(-err));
	exit(1);
}

static struct addr at(struct addr a, uint32_t port)
{
	a.port = (uint16_t)port;
	return a;
}

/* Of the flow's party (0: what it sends) and of ours to it (1). */
static struct media_key key_of(uint32_t index, uint32_t way)
{
	struct media_key key = { .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .length = 30 };

	memset(key.octets, 0x5a, key.length);
	be32_put(key.octets, index * 2 + way);
	return key;
}

/* Flow 2i faces party A of call i, flow 2i + 1 party B. */
static struct flow_spec spec_of(const struct options *o, uint32_t index)
{
	uint32_t port = o->port + index * 2;
	struct flow_spec s = {
		.id = { .slot = index, .generation = 1 },
		.peer = { .slot = index ^ 1, .generation = 1 },
		.local_rtp = at(o->local, port),
		.local_rtcp = at(o->local, port + 1),
		.remote_rtp = at(o->party, port + PARTY_PORTS),
		.remote_rtcp = at(o->party, port + PARTY_PORTS + 1),
		.ssrc_out = 0x20000000 + index,
		.latch = LATCH_SAME_IP,
		.receive = 1,
		.send = 1,
		.rule_count = 1,
		.rules = { { .in = 0, .out = 0, .clock_hz = 8000 } },
		.srtp_limit = SRTP_INDEX_END,
		.srtcp_limit = SRTCP_INDEX_END,
		.call = relay_record_call(index),
		.leg = index % 2,
		.tap_fork = o->fork ? RELAY_RECORD_NUMBER : 0,
		.tap = o->record && index % 2 == 0 ? RELAY_RECORD_NUMBER : 0,
		.rule_codecs = { MEDIA_CODEC_PCMU + 1 },
	};

	if (o->video) {
		s.kind = MEDIA_VIDEO;
		s.rules[0] = (struct payload_rule){ .in = 96, .out = 96, .clock_hz = 90000 };
	}
	if (o->room)
		relay_room_join(&s, index);
	if (o->srtp) {
		s.key_in = key_of(index, 0);
		s.key_out = key_of(index, 1);
	}
	return s;
}

/* ---- over loopback ---- */

static void key_write(FILE *file, struct media_key key)
{
	(void)fputc(' ', file);
	for (uint32_t i = 0; i < key.length; i++)
		(void)fprintf(file, "%02x", key.octets[i]);
}

static void addr_put(FILE *file, struct addr a)
{
	char text[ADDR_TEXT_MAX];

	(void)fprintf(file, "%s ", addr_text(&a, text));
}

static void lines_write(const struct options *o)
{
	FILE *file = fopen(o->lines, "w");

	if (!file)
		fail(o->lines, -errno);
	for (uint32_t i = 0; i < o->calls * 2; i += 2) {
		uint32_t a = o->port + i * 2, b = a + 2;

		addr_put(file, at(o->party, a + PARTY_PORTS));
		addr_put(file, at(o->local, a));
		addr_put(file, at(o->party, b + PARTY_PORTS));
		addr_put(file, at(o->local, b));
		for (uint32_t key = 0; o->srtp && key < 4; key++)
			key_write(file, key_of(i + key / 2, key % 2));
		(void)fputc('\n', file);
	}
	(void)fclose(file);
}

/* The kernel may take the ring of a relay before us apart some time after its exit, and its sockets with it. */
static int bind_soon(struct media_command *c)
{
	int err = 0;

	for (int i = 0; i < BUSY_TRIES; i++) {
		err = engine_bind(&c->spec.local_rtp, &c->spec.local_rtcp, 46, &c->rtp_fd,
				  &c->rtcp_fd);
		if (err != -EADDRINUSE)
			break;
		(void)usleep(BUSY_MS * 1000);
	}
	return err;
}

static void flows_open(const struct options *o, struct engine *e)
{
	for (uint32_t i = 0; i < o->calls * 2; i++) {
		struct media_command c = { .kind = MEDIA_FLOW_OPEN, .spec = spec_of(o, i) };
		int err = bind_soon(&c);

		if (err)
			fail("bind", err);
		while (!engine_command(e, &c))
			continue;
	}
}

static uint64_t metric(const char *name, const char *labels)
{
	return metric_value(metric_register(METRIC_COUNTER, name, labels, ""));
}

static void run_sockets(const struct options *o)
{
	struct relay_record record = { 0 };
	struct relay_fork fork;
	struct engine *e;
	sigset_t stop;
	int got, err;

	relay_fork_setup();
	err = engine_open(&e, &o->engine);
	if (err)
		fail("engine", err);
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTERM);
	(void)sigaddset(&stop, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &stop, NULL);
	if (o->record)
		relay_record_begin(&record, e,
				   &(struct relay_record_terms){ .folder = o->record,
								 .format = o->format,
								 .memory_mib = o->record_mib,
								 .calls = o->calls });
	if (o->fork)
		relay_fork_begin(&fork, e, o->calls, &o->local, o->fork_srtp);
	if (o->room)
		relay_room_begin(e, o->calls * 2);
	flows_open(o, e);
	lines_write(o);

	uint64_t start_ns = clock_process_cpu_ns();

	(void)sigwait(&stop, &got);

	uint64_t cpu_ns = clock_process_cpu_ns() - start_ns;
	uint64_t out = metric("tandem_media_packets_total", "direction=\"out\"");

	if (o->record)
		relay_record_end(&record);
	if (o->fork)
		relay_fork_end(&fork);
	(void)printf("{\"packets_in\": %" PRIu64 ", \"packets_out\": %" PRIu64
		     ", \"send_errors\": %" PRIu64
		     ", \"cpu_seconds\": %.3f, \"us_per_packet\": %.3f"
		     ", \"ended\": %u, \"failed\": %u, \"tap_lost\": %" PRIu64
		     ", \"forked\": %" PRIu64 ", \"fork_lost\": %" PRIu64 "}\n",
		     metric("tandem_media_packets_total", "direction=\"in\""), out,
		     metric("tandem_media_send_errors_total", NULL), (double)cpu_ns / 1e9,
		     out ? (double)cpu_ns / 1e3 / (double)out : 0, record.ended, record.failed,
		     metric("tandem_media_tap_lost_packets_total", "reader=\"record\""),
		     metric("tandem_siprec_packets_total", NULL),
		     metric("tandem_siprec_lost_packets_total", NULL));
	engine_close(e);
}

/* ---- on port_sim ---- */

static void sim_packet(uint8_t p[RTP_LEN], uint32_t index, uint32_t number)
{
	memset(p, 0x55, RTP_LEN);
	p[0] = 0x80;
	p[1] = 0;
	be16_put(p + 2, (uint16_t)number);
	be32_put(p + 4, number * 160);
	be32_put(p + 8, index);
}

/* As control does, who would also save them. */
static void events_forget(struct worker *w)
{
	static struct media_event events[16]; /* too big for a stack */

	while (ring_pop(&w->events, events, COUNT_OF(events)) > 0)
		continue;
}

/* As many packets of all flows in turn as fit the queues; returns the CPU time of the steps. */
static uint64_t sim_burst(struct worker *w, struct sim_port *s, const struct options *o,
			  uint32_t *next, uint32_t number)
{
	uint8_t packet[RTP_LEN];

	for (uint32_t i = 0; i < SIM_QUEUE && *next < o->calls * 2; i++, (*next)++) {
		struct addr from = at(o->party, o->port + *next * 2 + PARTY_PORTS);

		sim_packet(packet, *next, number);
		(void)port_sim_put(s, *next, CHANNEL_RTP, &from, bytes_mem(packet, RTP_LEN));
	}

	uint64_t start_ns = clock_thread_cpu_ns();

	while (s->in_head != s->in_tail)
		worker_step(w);

	uint64_t cpu_ns = clock_thread_cpu_ns() - start_ns;

	events_forget(w);
	return cpu_ns;
}

/* Without our own reports. */
static uint64_t relayed(const struct media_metrics *m)
{
	return metric_value(m->relayed) - metric_value(m->made);
}

static void run_sim(const struct options *o)
{
	static struct worker w;
	struct media_metrics metrics;
	struct worker_settings settings = {
		.slots = o->calls * 2, .commands = 64, .events = 1 << 16, .metrics = &metrics
	};
	struct sim_port *s;
	uint64_t cpu_ns = 0, sent = 0, put = 0;

	media_metrics_register_of(&metrics, 0);
	if (worker_open(&w, &settings) || port_sim_open(&s, o->calls * 2, 1, 1))
		fail("open", -ENOMEM);
	s->unchecked = true;
	w.port = &s->port;
	for (uint32_t i = 0; i < o->calls * 2; i++) {
		struct media_command c = { .kind = MEDIA_FLOW_OPEN, .spec = spec_of(o, i) };

		(void)ring_push(&w.commands, &c);
		worker_step(&w);
	}
	for (uint32_t n = 0; n < SIM_WARM_UP + o->rounds; n++, s->now_ns += 20 * NS_PER_MS) {
		if (n == SIM_WARM_UP) { /* sources are learned, and memory was touched */
			cpu_ns = 0;
			put = 0;
			sent = relayed(&metrics);
		}
		for (uint32_t next = 0; next < o->calls * 2;)
			cpu_ns += sim_burst(&w, s, o, &next, n);
		put += (uint64_t)o->calls * 2;
	}
	sent = relayed(&metrics) - sent;
	(void)printf("{\"flows\": %u, \"packets\": %" PRIu64 ", \"lost\": %" PRIu64
		     ", \"ns_per_packet\": %.1f}\n",
		     o->calls * 2, sent, put - sent, (double)cpu_ns / (double)sent);
	worker_close(&w);
}

static struct addr address(const char *text)
{
	struct addr a;

	if (addr_parse(&a, bytes_str(text)))
		fail(text, -EINVAL);
	return a;
}

static void xdp_choose(struct options *o)
{
	o->network.range =
		(struct xdp_range){ .local = o->local,
				    .first = o->port,
				    .last = (uint16_t)(o->port + PORTS_PER_CALL * o->calls - 1) };
	o->engine.port = ENGINE_PORT_XDP;
	o->engine.xdp_networks = &o->network;
	o->engine.xdp_network_count = 1;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {
		{ "calls", required_argument, NULL, 'c' },
		{ "port", required_argument, NULL, 'p' },
		{ "lines", required_argument, NULL, 'l' },
		{ "batch-wait-us", required_argument, NULL, 'b' },
		{ "epoll", no_argument, NULL, 'e' },
		{ "sim", no_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'n' },
		{ "srtp", no_argument, NULL, 'r' },
		{ "video", no_argument, NULL, 'v' },
		{ "local", required_argument, NULL, 'L' },
		{ "party", required_argument, NULL, 'P' },
		{ "xdp", required_argument, NULL, 'x' },
		{ "record", required_argument, NULL, 'R' },
		{ "record-mib", required_argument, NULL, 'M' },
		{ "pcapng", no_argument, NULL, 'g' },
		{ "fork", no_argument, NULL, 'f' },
		{ "fork-srtp", no_argument, NULL, 'F' },
		{ "room", no_argument, NULL, 'm' },
		{ 0 },
	};
	struct options o = { .calls = 500,
			     .rounds = SIM_ROUNDS,
			     .port = 20000,
			     .record_mib = 256,
			     .lines = "/dev/stdout",
			     .local = address("127.0.77.1"),
			     .party = address("127.0.77.1"),
			     .engine = { .workers = 1, .commands = 1024, .events = 8192 } };
	int c;

	log_setup(2, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	while ((c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
		if (c == 'c')
			o.calls = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'p')
			o.port = (uint16_t)strtoul(optarg, NULL, 10);
		else if (c == 'l')
			o.lines = optarg;
		else if (c == 'b')
			o.engine.batch_wait_us = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'e')
			o.engine.port = ENGINE_PORT_EPOLL;
		else if (c == 's')
			o.sim = true;
		else if (c == 'n')
			o.rounds = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'r')
			o.srtp = true;
		else if (c == 'v')
			o.video = true;
		else if (c == 'L')
			o.local = address(optarg);
		else if (c == 'P')
			o.party = address(optarg);
		else if (c == 'R')
			o.record = optarg;
		else if (c == 'M')
			o.record_mib = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'g')
			o.format = RECORD_PCAPNG;
		else if (c == 'f')
			o.fork = true;
		else if (c == 'F')
			o.fork = o.fork_srtp = true;
		else if (c == 'm')
			o.room = true;
		else if (c == 'x')
			(void)bytes_cstr(bytes_str(optarg), o.network.interface,
					 sizeof(o.network.interface));
		else
			fail("usage: relay [--sim [--rounds N]] [--calls N] [--port P] [--lines "
			     "FILE] "
			     "[--batch-wait-us N] [--epoll] [--srtp] [--video] [--local IP] "
			     "[--party IP] "
			     "[--xdp INTERFACE] [--record FOLDER [--pcapng] [--record-mib N]] "
			     "[--fork] "
			     "[--fork-srtp] [--room]",
			     -EINVAL);
	}
	o.engine.slots = o.calls * 2;
	o.engine.jobs = o.room;
	if (o.network.interface[0])
		xdp_choose(&o);
	if (o.sim && o.srtp)
		fail("--sim has no SRTP", -EINVAL);
	if (o.sim)
		run_sim(&o);
	else
		run_sockets(&o);
	return 0;
}
