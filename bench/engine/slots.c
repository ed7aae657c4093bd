/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a packet costs that the XDP program forwards itself, by how many flows take turns: by the kernel's own count of the program's time
 * (BPF_ENABLE_STATS), in its own test runs. No interface is touched.
 *
 *   slots PACKETS FEW MANY     so many packets of few slots, and of many, by turns
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "base/bytes.h"
#include "engine/net/frame.h"
#include "engine/port/xdp_forwards.h"
#include "engine/port/xdp_program.h"

enum {
	SLOTS_MAX = 10000,
	FIRST = 10000,
	STEP = 2, /* from port to port */
	LAST = FIRST + SLOTS_MAX * STEP - 1,
	RTP_HEAD = 12,
	PAYLOAD = 172,
	HEAD_ROOM = 128,
	OUT_ROOM = 512,
	SSRC = 4711,
	SAME_INTERFACE = 1, /* where a test run's frames come in: lo */
	FRAME_UNITS = 160,
	ROUNDS = 20,
};

struct slot {
	uint8_t memory[HEAD_ROOM + PAYLOAD];
	uint8_t *frame;
	uint32_t n;
	uint16_t sequence;
	uint32_t timestamp;
};

static struct slot g_slots[SLOTS_MAX];
static struct xdp_forwards *g_table;
static struct xdp_program g_program;

static void need(int err, const char *what)
{
	if (err >= 0)
		return;
	(void)fprintf(stderr, "slots: %s: %s\n", what, strerror(-err));
	exit(1);
}

static struct addr address(const char *text, uint32_t port)
{
	struct addr a;

	need(addr_parse(&a, bytes_str(text)) ? -EINVAL : 0, text);
	a.port = (uint16_t)port;
	return a;
}

static void program_open(void)
{
	struct addr local = address("192.0.2.1:1", 0);
	struct xdp_range range = { .local = local, .first = FIRST, .last = LAST };
	char why[XDP_WHY_MAX];
	uint32_t place;
	int err = xdp_forwards_open(&g_table, SLOTS_MAX, 1, why);

	need(err, err ? why : "");
	need(xdp_forwards_place(g_table, &local, &place), "a place");
	err = xdp_program_open(&g_program, 1, &range, 1, NULL, g_table, why);
	need(err, err ? why : "");
}

static void slot_arm(uint32_t i)
{
	struct addr from = address("198.51.100.1", FIRST + STEP * i),
		    to = address("192.0.2.1", FIRST + STEP * i),
		    out_from = address("192.0.2.1", FIRST + STEP * (i ^ 1)),
		    out_to = address("198.51.100.2", FIRST + STEP * i);
	const struct frame_path path = { .to = { 2 }, .from = { 4 } };
	const struct frame_head head = { .path = &path, .from = &from, .to = &to, .hops = 64 };
	const struct xdp_forward_plan plan = { .from = &from,
					       .to = &to,
					       .out_from = &out_from,
					       .out_to = &out_to,
					       .path = path,
					       .ifindex = SAME_INTERFACE,
					       .mtu = 1500,
					       .hops = 64,
					       .ssrc_in = SSRC,
					       .ssrc_out = SSRC + i,
					       .clock_hz = 8000 };
	struct xdp_forward *e = &g_table->entries[i];
	struct slot *s = &g_slots[i];
	uint8_t *payload = s->memory + HEAD_ROOM;

	memset(payload, 0, PAYLOAD);
	payload[0] = 0x80;
	be32_put(payload + 8, SSRC);
	s->frame = frame_write(&head, payload, PAYLOAD);
	s->n = (uint32_t)(payload + PAYLOAD - s->frame);
	/* nobody verifies it, and a right one of some slot would look as if half of it were missing */
	be16_put(payload - 2, UINT16_MAX);
	need(xdp_forward_plan(e, &plan) ? 0 : -EINVAL, "a plan");
	xdp_forwards_point(g_table, &to, e);
	xdp_forward_arm(e);
}

/* The next packet of that flow. */
static void slot_run(int fd, struct slot *s)
{
	uint8_t out[OUT_ROOM], *rtp = s->memory + HEAD_ROOM;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1, .data_in = s->frame, .data_size_in = s->n,
		    .data_out = out, .data_size_out = sizeof(out));

	be16_put(rtp + 2, ++s->sequence);
	be32_put(rtp + 4, s->timestamp += FRAME_UNITS);
	need(bpf_prog_test_run_opts(fd, &opts) ? -errno : 0, "test run");
	need(opts.retval == XDP_TX ? 0 : -EPROTO, "not forwarded");
}

static struct bpf_prog_info info_of(int fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 n = sizeof(info);

	need(bpf_obj_get_info_by_fd(fd, &info, &n) ? -errno : 0, "the program's count");
	return info;
}

/* What so many packets of so many slots in turn took, in ns. */
static uint64_t measure(int fd, uint32_t slots, uint64_t packets)
{
	uint64_t before = info_of(fd).run_time_ns;

	for (uint64_t i = 0; i < packets; i++)
		slot_run(fd, &g_slots[i % slots]);
	return info_of(fd).run_time_ns - before;
}

static uint32_t slots_read(const char *text)
{
	unsigned long slots = strtoul(text, NULL, 10);

	need(slots >= 1 && slots <= SLOTS_MAX ? 0 : -EINVAL, text);
	return (uint32_t)slots;
}

int main(int argc, char **argv)
{
	uint64_t packets = argc == 4 ? strtoul(argv[1], NULL, 10) / ROUNDS : 0;
	uint64_t few_ns = 0, many_ns = 0;
	uint32_t few, many;
	int stats, fd;

	if (packets == 0) {
		(void)fprintf(stderr, "usage: slots PACKETS FEW MANY\n");
		return 1;
	}
	few = slots_read(argv[2]);
	many = slots_read(argv[3]);
	program_open();
	fd = bpf_program__fd(bpf_object__find_program_by_name(g_program.object, XDP_PROGRAM));
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	need(stats < 0 ? -errno : 0, "BPF_ENABLE_STATS");
	for (uint32_t i = 0; i < SLOTS_MAX; i++)
		slot_arm(i);
	for (int i = 0; i < ROUNDS; i++) {
		few_ns += measure(fd, few, packets);
		many_ns += measure(fd, many, packets);
	}
	(void)printf("{\"packets\": %llu, \"few_ns\": %.1f, \"many_ns\": %.1f}\n",
		     (unsigned long long)(2 * packets * ROUNDS),
		     (double)few_ns / (double)(packets * ROUNDS),
		     (double)many_ns / (double)(packets * ROUNDS));
	(void)close(stats);
	xdp_program_close(&g_program);
	xdp_forwards_close(g_table);
	return 0;
}
