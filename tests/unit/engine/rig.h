/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker on port_sim with two flows that are peers: slot 0 faces party A, slot 1 party B. Time stands still unless the
 * test moves it. What a test does not use of it is meant to be so.
 */
#ifndef TESTS_UNIT_ENGINE_RIG_H
#define TESTS_UNIT_ENGINE_RIG_H

#include <stdalign.h>

#include "base/clock.h"
#include "engine/port/port_sim.h"
#include "engine/worker/latch.h"
#include "engine/worker/worker.h"

enum { RIG_SLOTS = 8, RIG_JOBS = 4, RIG_SHARED = 2, RIG_COMMANDS = 64, A = 0, B = 1, NO_RULE = 77 };

#define RIG_START (1000 * NS_PER_S)

struct rig {
	struct worker w;
	struct sim_port *sim;
	struct media_metrics metrics;
	struct flow_spec spec[2];
	uint64_t counted[VERDICT_COUNT]; /* at the start: metrics outlive a test */
};

struct rtp {
	uint32_t ssrc, timestamp;
	uint16_t sequence;
	uint8_t payload_type, marker;
	const char *payload; /* NULL: "voice" */
	size_t payload_n;    /* 0: strlen */
};

static UNUSED struct addr rig_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

/* Where party A or B sends from, by its own SDP. */
static UNUSED struct addr party(int side)
{
	return rig_addr(side == A ? "192.0.2.10:4000" : "192.0.2.20:5000");
}

static UNUSED struct addr party_rtcp(int side)
{
	return rig_addr(side == A ? "192.0.2.10:4001" : "192.0.2.20:5001");
}

static UNUSED struct flow_spec rig_spec(int side)
{
	struct flow_spec s = {
		.id = { .slot = (uint32_t)side, .generation = 7 },
		.peer = { .slot = (uint32_t)side ^ 1, .generation = 7 },
		.call = 4711,
		.leg = (uint8_t)side,
		.remote_rtp = party(side),
		.remote_rtcp = party_rtcp(side),
		.ssrc_out = side == A ? 0xaaaa : 0xbbbb,
		.latch = LATCH_SAME_IP,
		.receive = 1,
		.send = 1,
		.rule_count = 3,
		.rules = { { .in = 0, .out = 0, .clock_hz = 8000 },
			   { .in = 8, .out = 9, .clock_hz = 8000 },
			   { .in = 101, .out = 96, .event = 1, .clock_hz = 8000 } },
	};

	return s;
}

static UNUSED void rig_command(struct rig *r, const struct media_command *c)
{
	assert_true(ring_push(&r->w.commands, c));
	worker_step(&r->w);
}

static UNUSED void rig_open_flow(struct rig *r, const struct flow_spec *spec)
{
	rig_command(r,
		    &(struct media_command){
			    .kind = MEDIA_FLOW_OPEN, .rtp_fd = -1, .rtcp_fd = -1, .spec = *spec });
}

static UNUSED void rig_update(struct rig *r, const struct flow_spec *spec)
{
	rig_command(r, &(struct media_command){ .kind = MEDIA_FLOW_UPDATE, .spec = *spec });
}

/* Without flows. events: capacity of the event ring. */
static UNUSED struct rig *rig_open_slots(uint32_t events, uint32_t slots)
{
	struct rig *r = aligned_alloc(alignof(struct rig), sizeof(*r));
	struct worker_settings settings = { .slots = slots,
					    .jobs = RIG_JOBS,
					    .shared_ports = RIG_SHARED,
					    .commands = RIG_COMMANDS,
					    .events = events };

	assert_non_null(r);
	memset(r, 0, sizeof(*r));
	media_metrics_register_of(&r->metrics, 0);
	settings.metrics = &r->metrics;
	assert_int_equal(worker_open(&r->w, &settings), 0);
	assert_int_equal(port_sim_open(&r->sim, slots + RIG_SHARED, RIG_START, 1), 0);
	r->w.port = &r->sim->port;
	for (enum verdict v = VERDICT_RELAY + 1; v < VERDICT_COUNT; v++)
		r->counted[v] = metric_value(r->metrics.dropped[v]);
	return r;
}

static UNUSED struct rig *rig_open_empty(uint32_t events)
{
	return rig_open_slots(events, RIG_SLOTS);
}

static UNUSED struct rig *rig_open(void)
{
	struct rig *r = rig_open_empty(64);

	for (int side = A; side <= B; side++) {
		r->spec[side] = rig_spec(side);
		rig_open_flow(r, &r->spec[side]);
	}
	assert_int_equal(r->w.flows.count, 2);
	return r;
}

static UNUSED void rig_close(struct rig *r)
{
	assert_int_equal(r->sim->buffers_out, 0);
	worker_close(&r->w);
	free(r);
}

/* Drops of this kind since the rig was opened. */
static UNUSED uint64_t dropped(const struct rig *r, enum verdict v)
{
	return metric_value(r->metrics.dropped[v]) - r->counted[v];
}

static UNUSED struct flow *flow_of(struct rig *r, int side)
{
	return &r->w.flows.list[side];
}

/* As if the party had just spoken: it is sent to without measure. */
static UNUSED void rig_hear(struct rig *r, int side)
{
	struct flow *f = flow_of(r, side);

	f->latch_rtp = (struct latch){ .source = party(side),
				       .received_ns = r->w.now_ns,
				       .since_ns = r->w.now_ns };
	latch_place_rtcp(f);
}

static UNUSED void advance_ms(struct rig *r, uint64_t ms)
{
	r->sim->now_ns += ms * NS_PER_MS;
}

/* ---- packets ---- */

static UNUSED void put_bytes(struct rig *r, int side, enum channel c, const struct addr *from,
			     struct bytes in)
{
	assert_true(port_sim_put(r->sim, (uint32_t)side, c, from, in));
}

static UNUSED struct bytes rtp_write(uint8_t out[PACKET_MAX], const struct rtp *p)
{
	struct writer w = writer_over(out, PACKET_MAX);
	const char *payload = p->payload ? p->payload : "voice";

	writer_u8(&w, 0x80);
	writer_u8(&w, (uint8_t)(p->marker << 7 | p->payload_type));
	writer_be16(&w, p->sequence);
	writer_be32(&w, p->timestamp);
	writer_be32(&w, p->ssrc);
	writer_mem(&w, payload, p->payload_n ? p->payload_n : strlen(payload));
	assert_false(w.overflow);
	return writer_done(&w);
}

/* Into the batch of the next step. */
static UNUSED void put_rtp_from(struct rig *r, int side, const struct addr *from,
				const struct rtp *p)
{
	uint8_t memory[PACKET_MAX];

	put_bytes(r, side, CHANNEL_RTP, from, rtp_write(memory, p));
}

static UNUSED void put_rtp(struct rig *r, int side, const struct rtp *p)
{
	struct addr from = party(side);

	put_rtp_from(r, side, &from, p);
}

/* Sends one packet from a party; NULL: it was not relayed. */
static UNUSED const struct sim_packet *relay_rtp(struct rig *r, int side, const struct rtp *p)
{
	put_rtp(r, side, p);
	worker_step(&r->w);
	return port_sim_sent(r->sim);
}

static UNUSED struct rtp rtp_read(const struct sim_packet *p)
{
	assert_non_null(p);
	assert_true(p->length >= 12);
	return (struct rtp){ .payload_type = p->data[1] & 0x7f,
			     .marker = p->data[1] >> 7,
			     .sequence = be16_get(p->data + 2),
			     .timestamp = be32_get(p->data + 4),
			     .ssrc = be32_get(p->data + 8),
			     .payload = (const char *)p->data + 12,
			     .payload_n = p->length - 12U };
}

static UNUSED void nothing_sent(struct rig *r)
{
	assert_null(port_sim_sent(r->sim));
}

/* ---- events ---- */

/* The next event of this kind; others are passed over. False: none came. */
static UNUSED bool rig_event(struct rig *r, enum media_event_kind kind, struct media_event *out)
{
	while (ring_pop(&r->w.events, out, 1) == 1)
		if (out->kind == kind)
			return true;
	return false;
}

static UNUSED uint32_t rig_events(struct rig *r, enum media_event_kind kind)
{
	struct media_event event;
	uint32_t n = 0;

	while (rig_event(r, kind, &event))
		n++;
	return n;
}

#endif
