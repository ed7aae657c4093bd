/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our XDP program and its table beside a worker: two flows that are peers, each with an entry that does what the worker would do. A packet is
 * given to the program by the kernel's own test run: no interface is touched.
 */
#ifndef TESTS_UNIT_ENGINE_PORT_FORWARD_RIG_H
#define TESTS_UNIT_ENGINE_PORT_FORWARD_RIG_H

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>

#include <bpf/libbpf.h>

#include "engine/net/frame.h"
#include "engine/port/xdp_forwards.h"
#include "engine/worker/stage.h"
#include "tests/unit/engine/rig.h"

enum {
	FIRST = 12000,
	LAST = 12099,
	BY_SAME = 1, /* where a test run's frames come in: lo */
	BY_OTHER = 7,
	MTU = 600,
	FRAME_ROOM = 2048,
	HEAD_ROOM = 128,
};

/* A frame, and where it begins in its memory. */
struct wire {
	uint8_t memory[FRAME_ROOM];
	uint8_t *at;
	uint32_t n;
};

struct forward_rig {
	struct rig *r;
	struct xdp_forwards *table;
	struct xdp_program program;
	int fd;
	struct rand_source rand;
	struct addr party[2], local[2];
	struct frame_path path[2]; /* to whom */
	uint8_t tos[2], hops[2];
	uint32_t ifindex[2];
	uint16_t id;
	struct rtp next[2];
};

static UNUSED uint32_t below(struct forward_rig *t, uint32_t n)
{
	return rand_below(&t->rand, n);
}

static UNUSED uint32_t any_32(struct forward_rig *t)
{
	return (uint32_t)rand_u64_from(&t->rand);
}

static UNUSED uint16_t any_16(struct forward_rig *t)
{
	return (uint16_t)rand_u64_from(&t->rand);
}

static void skip_or_fail(int err, const char *why)
{
	print_message("# %s\n", why);
	if (err == -EPERM || err == -EACCES)
		skip();
	fail();
}

static UNUSED void forward_open(struct forward_rig *t, uint64_t seed)
{
	static const char *const ADDRESSES[] = { "192.0.2.1", "192.0.2.2", "2001:db8::1",
						 "2001:db8::2" };
	struct xdp_range ranges[COUNT_OF(ADDRESSES)];
	char why[XDP_WHY_MAX];
	int err;

	*t = (struct forward_rig){ .fd = -1 };
	rand_open_seed(&t->rand, seed);
	for (size_t i = 0; i < COUNT_OF(ADDRESSES); i++)
		ranges[i] = (struct xdp_range){ .local = rig_addr(ADDRESSES[i]),
						.first = FIRST,
						.last = LAST };
	err = xdp_forwards_open(&t->table, 4, COUNT_OF(ADDRESSES), why);
	if (!err)
		err = xdp_program_open(&t->program, 1, ranges, COUNT_OF(ADDRESSES), NULL, t->table,
				       why);
	if (err) {
		xdp_forwards_close(t->table);
		skip_or_fail(err, why);
	}
	t->fd = bpf_program__fd(bpf_object__find_program_by_name(t->program.object, XDP_PROGRAM));
	t->r = rig_open();
}

static UNUSED void forward_close(struct forward_rig *t)
{
	rig_close(t->r);
	xdp_program_close(&t->program);
	xdp_forwards_close(t->table);
}

static UNUSED struct xdp_forward *entry_of(const struct forward_rig *t, int side)
{
	return &t->table->entries[side + 1];
}

/* Of all CPUs: what became of packets, and how often the clock was read. */
static UNUSED struct xdp_cpu cpus_of(const struct forward_rig *t)
{
	struct xdp_cpu each[64], all = { 0 };
	uint32_t key = 0;

	assert_in_range(libbpf_num_possible_cpus(), 1, COUNT_OF(each));
	assert_int_equal(bpf_map_lookup_elem(t->table->fds[XDP_FORWARDS_CPUS], &key, each), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++) {
		for (enum xdp_fate fate = 0; fate < XDP_FATES; fate++)
			all.fates[fate] += each[i].fates[fate];
		all.reads += each[i].reads;
	}
	return all;
}

static UNUSED uint64_t fate_of(const struct forward_rig *t, enum xdp_fate fate)
{
	return cpus_of(t).fates[fate];
}

/* ---- two parties, as they might be after any call ---- */

static UNUSED struct addr any_party(struct forward_rig *t, bool v6)
{
	struct addr a = rig_addr(v6 ? "2001:db8:1::" : "198.51.0.0");

	for (int i = v6 ? 6 : 1; i < (v6 ? 16 : 4); i++)
		a.ip[i] = (uint8_t)below(t, 256);
	a.port = (uint16_t)(1 + below(t, UINT16_MAX));
	return a;
}

static UNUSED struct addr any_local(struct forward_rig *t, bool v6, int side)
{
	struct addr a = rig_addr(v6 ? "2001:db8::" : "192.0.2.0");

	a.ip[v6 ? 15 : 3] = (uint8_t)(1 + below(t, 2));
	a.port = (uint16_t)(FIRST + below(t, 50) * 2 + (uint32_t)side);
	return a;
}

static UNUSED void trunk_route_choose(struct forward_rig *t, int side, bool v6)
{
	t->party[side] = any_party(t, v6);
	xdp_forwards_point(t->table, &t->local[side], NULL);
	t->local[side] = any_local(t, v6, side);
	for (int i = 0; i < FRAME_MAC_LEN; i++) {
		t->path[side].to[i] = (uint8_t)below(t, 256);
		t->path[side].from[i] = (uint8_t)below(t, 256);
	}
	t->path[side].to[0] &= 0xfe;
	t->tos[side] = (uint8_t)below(t, 256);
	t->hops[side] = (uint8_t)(1 + below(t, 255));
	t->ifindex[side] = below(t, 2) ? BY_SAME : BY_OTHER;
}

static UNUSED void flow_choose(struct forward_rig *t, int side)
{
	static const uint32_t CLOCKS[] = { 8000, 16000, 24000, 32000, 48000, 90000 };
	struct flow *f = flow_of(t->r, side), *peer = flow_of(t->r, !side);
	struct rtp *next = &t->next[side];
	uint32_t clock_hz = CLOCKS[below(t, COUNT_OF(CLOCKS))];

	*next = (struct rtp){ .ssrc = any_32(t),
			      .timestamp = any_32(t),
			      .sequence = any_16(t),
			      .payload_type = (uint8_t)below(t, 64) };
	f->latch_rtp = (struct latch){ .source = t->party[side] };
	f->rule = (struct payload_rule){ .in = next->payload_type,
					 .out = (uint8_t)below(t, 128),
					 .clock_hz = clock_hz };
	f->ssrc_out = any_32(t);
	f->source = (struct source){ .ssrc = next->ssrc,
				     .clock_hz = clock_hz,
				     .timestamp_offset = any_32(t),
				     .sequence_offset = any_16(t),
				     .sequence_high = next->sequence,
				     .started = 1,
				     .relayed = 1,
				     .feeding = 1 };
	f->count_ssrc = next->ssrc;
	f->count = (struct seq_count){ .highest = (uint64_t)below(t, 9) << 16 | next->sequence,
				       .started = 1 };
	f->count.base = f->count.highest;
	f->jitter = (struct arrival_jitter){ .clock_hz = clock_hz,
					     .transit = any_32(t),
					     .scaled = below(t, 100000) };
	f->received = (struct flow_received){ .packets = 1 };
	peer->sent = (struct flow_sent){ 0 };
	peer->sink = (struct sink){
		.feeder = f->id,
		.started = 1,
		.clock_hz = clock_hz,
		.sequence = (uint16_t)(next->sequence + f->source.sequence_offset),
		.timestamp = next->timestamp + f->source.timestamp_offset,
	};
}

/* The entry does what the flow says. */
static UNUSED void entry_arm(struct forward_rig *t, int side)
{
	const struct flow *f = flow_of(t->r, side), *peer = flow_of(t->r, !side);
	struct xdp_forward *e = entry_of(t, side);
	const struct xdp_forward_plan plan = { .from = &t->party[side],
					       .to = &t->local[side],
					       .out_from = &t->local[!side],
					       .out_to = &t->party[!side],
					       .path = t->path[!side],
					       .ifindex = t->ifindex[!side],
					       .crosses = true,
					       .mtu = MTU,
					       .tos = t->tos[!side],
					       .hops = t->hops[!side],
					       .payload_in = f->rule.in,
					       .payload_out = f->rule.out,
					       .ssrc_in = f->source.ssrc,
					       .ssrc_out = peer->ssrc_out,
					       .clock_hz = f->rule.clock_hz,
					       .sequence_offset = f->source.sequence_offset,
					       .timestamp_offset = f->source.timestamp_offset,
					       .id = t->id };

	assert_true(xdp_forward_plan(e, &plan));
	e->sequence = (uint32_t)f->count.highest;
	e->packets = f->received.packets;
	e->octets = f->received.octets;
	e->jitter = f->jitter.scaled;
	e->transit = f->jitter.transit;
	e->timestamp = peer->sink.timestamp;
	e->timestamp_ns = peer->sink.at_ns;
	e->received_ns = f->received.last_ns;
	xdp_forwards_point(t->table, &t->local[side], e);
	xdp_forward_arm(e);
}

static UNUSED void parties_choose(struct forward_rig *t, bool v6)
{
	t->id = any_16(t);
	for (int side = A; side <= B; side++)
		xdp_forward_disarm(entry_of(t, side));
	for (int side = A; side <= B; side++)
		trunk_route_choose(t, side, v6);
	for (int side = A; side <= B; side++)
		flow_choose(t, side);
	for (int side = A; side <= B; side++)
		entry_arm(t, side);
}

/* ---- frames ---- */

static UNUSED void wire_write(struct wire *w, const struct addr *from, const struct addr *to,
			      uint16_t vlan, struct bytes payload)
{
	const struct frame_path path = { .to = { 2 }, .from = { 4 }, .vlan = vlan };
	const struct frame_head head = {
		.path = &path, .from = from, .to = to, .hops = 64, .id = 4711
	};

	memcpy(w->memory + HEAD_ROOM, payload.p, payload.n);
	w->at = frame_write(&head, w->memory + HEAD_ROOM, (uint16_t)payload.n);
	w->n = (uint32_t)(w->memory + HEAD_ROOM + payload.n - w->at);
}

/* The action; what leaves lies in *out. */
static UNUSED uint32_t wire_run(const struct forward_rig *t, const struct wire *in,
				struct wire *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1);

	out->at = out->memory;
	opts.data_in = in->at;
	opts.data_size_in = in->n;
	opts.data_out = out->memory;
	opts.data_size_out = sizeof(out->memory);
	assert_int_equal(bpf_prog_test_run_opts(t->fd, &opts), 0);
	out->n = opts.data_size_out;
	return opts.retval;
}

static UNUSED bool is_forwarded(uint32_t action)
{
	return action == XDP_TX || action == XDP_REDIRECT;
}

#endif
