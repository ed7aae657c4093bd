/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows of one worker that send to each other by their ports. The input is a script: flows of parties and of the node are opened, changed
 * and closed, parties send, time passes. It is played twice: once packets are handed over in the worker (engine/worker/stage.h), and once they
 * go by a wire, on which each arrives with the next step. What leaves to parties is octet by octet the same, in the same order for each, and
 * so is what the flows have counted and whom they believe. Of circles both drop the same packet.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/port/port_sim.h"
#include "engine/worker/stage.h"
#include "engine/worker/worker.h"

enum { SLOTS = 6, PORT_OF = 20000, LEFT_MAX = 2048, STEPS_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *p;
	size_t n;
};

/* What left to a party: enough to tell it from any other. */
struct left {
	uint32_t slot, hash;
	uint8_t channel;
	struct addr to;
};

struct side {
	struct worker w;
	struct sim_port *sim;
	struct own_ports own;
	bool by_wire;
	struct left left[SLOTS][LEFT_MAX];
	uint32_t left_count[SLOTS];
	uint64_t hops; /* of the packets on the wire */
};

static struct side g_sides[2];
static struct media_metrics g_metrics;

static uint8_t take(struct script *s)
{
	if (s->n == 0)
		return 0;
	s->n--;
	return *s->p++;
}

static struct addr port_of(uint32_t slot, uint32_t channel)
{
	return (struct addr){ .family = ADDR_V4,
			      .ip = { 10, 0, 0, 1 },
			      .port = (uint16_t)(PORT_OF + 2 * slot + channel) };
}

static struct addr party_of(uint32_t slot, uint32_t channel)
{
	return (struct addr){ .family = ADDR_V4,
			      .ip = { 192, 0, 2, (uint8_t)(1 + slot) },
			      .port = (uint16_t)(4000 + channel) };
}

static bool slot_of(const struct addr *a, uint32_t *slot, enum channel *channel)
{
	struct addr ip = port_of(0, 0);

	*slot = (uint32_t)(a->port - PORT_OF) / 2;
	*channel = (enum channel)((a->port - PORT_OF) % 2);
	return addr_ip_eq(a, &ip) && a->port >= PORT_OF && *slot < SLOTS;
}

static struct flow_spec spec_read(struct script *s, uint32_t slot)
{
	uint8_t how = take(s), peer = take(s), to = take(s) % SLOTS;
	struct flow_spec spec = {
		.id = { .slot = slot, .generation = 1 },
		.peer = { .slot = peer % SLOTS, .generation = 1 },
		.local_rtp = port_of(slot, CHANNEL_RTP),
		.local_rtcp = port_of(slot, CHANNEL_RTCP),
		.ssrc_out = 0xf0000000 + slot,
		.kind = how & 64 ? MEDIA_OPAQUE : MEDIA_AUDIO,
		.latch = (enum latch_mode)((peer >> 6) % 3),
		.receive = (how & 1) == 0,
		.send = (how & 2) == 0,
		.rtcp_mux = (how & 4) != 0,
		.own = (how & 8) != 0,
		.event_pt = PAYLOAD_NONE,
		.rule_count = 2,
		.rules = { { .in = 0, .out = 0, .clock_hz = 8000 },
			   { .in = 8, .out = 8, .clock_hz = 8000 } },
	};

	spec.remote_rtp = spec.own ? port_of(to, CHANNEL_RTP) : party_of(slot, CHANNEL_RTP);
	spec.remote_rtcp = spec.own ? port_of(to, CHANNEL_RTCP) : party_of(slot, CHANNEL_RTCP);
	return spec;
}

static void hash_add(uint32_t *hash, const struct sim_packet *p)
{
	*hash = 2166136261U;
	for (uint32_t i = 0; i < p->length; i++)
		*hash = (*hash ^ p->data[i]) * 16777619U;
}

static void leave(struct side *d, const struct sim_packet *p)
{
	struct left *l = &d->left[p->slot][d->left_count[p->slot]];

	assert(p->slot < SLOTS);
	if (d->left_count[p->slot] == LEFT_MAX)
		return;
	d->left_count[p->slot]++;
	*l = (struct left){ .slot = p->slot, .channel = (uint8_t)p->channel, .to = p->remote };
	hash_add(&l->hash, p);
}

/* A flow of the node that hands over would have it: the others get nothing from a wire, as their ports are no sockets here. */
static bool wire_carries(const struct side *d, const struct sim_packet *p, uint32_t *slot,
			 enum channel *channel)
{
	const struct flow *from = &d->w.flows.list[p->slot], *to;

	if (p->made || !from->own || !slot_of(&p->remote, slot, channel))
		return false;
	to = &d->w.flows.list[*slot];
	return to->id.generation && to->own && addr_eq(&to->local[*channel], &p->remote);
}

/* What was sent comes in with the next step, which is at the same time. */
static bool wire_turn(struct side *d, bool last)
{
	const struct sim_packet *p;
	bool any = false;

	while ((p = port_sim_sent(d->sim)) != NULL) {
		struct addr from = port_of(p->slot, p->channel);
		enum channel channel;
		uint32_t slot;

		if (!d->by_wire || !wire_carries(d, p, &slot, &channel)) {
			leave(d, p);
			continue;
		}
		if (last)
			continue; /* a circle */
		assert(port_sim_put(d->sim, slot, channel, &from, bytes_mem(p->data, p->length)));
		any = true;
	}
	return any;
}

static void play(struct side *d)
{
	bool more = true;

	for (uint32_t i = 0; i <= HANDS_MAX && more; i++) {
		worker_step(&d->w);
		more = wire_turn(d, i == HANDS_MAX);
	}
}

/* By the wire its flows are another worker's: nothing is handed to them. */
static void wire_ports(struct side *d)
{
	for (uint32_t slot = 0; slot < SLOTS && d->by_wire; slot++) {
		struct local who = { .slot = slot, .worker = 1 };

		for (; d->w.flows.list[slot].id.generation && who.channel < CHANNELS;
		     who.channel++) {
			struct addr at = port_of(slot, who.channel);

			own_ports_del(&d->own, &at);
			own_ports_add(&d->own, &at, &who);
		}
	}
}

static void command(const struct media_command *c)
{
	for (int i = 0; i < 2; i++) {
		struct media_event event;

		play(&g_sides[i]);
		if (!ring_push(&g_sides[i].w.commands, c))
			abort();
		play(&g_sides[i]);
		while (ring_pop(&g_sides[i].w.events, &event, 1) == 1)
			continue;
		wire_ports(&g_sides[i]);
	}
}

static void do_packet(struct script *s)
{
	uint8_t slot = take(s) % SLOTS, what = take(s), n = take(s);
	uint8_t data[12 + UINT8_MAX] = { 0x80, what & 8 };
	enum channel channel = what & 1 ? CHANNEL_RTCP : CHANNEL_RTP;
	struct addr from = what & 2 ? port_of(n % SLOTS, channel) : party_of(slot, channel);

	if (what & 1) { /* RTCP */
		data[1] = 201;
		data[3] = 1;
	}
	data[2 + (what & 1)] = what & 1 ? 1 : take(s);
	data[11] = what & 4;
	if (what & 16)
		for (uint8_t i = 0; i < 12; i++)
			data[i] = take(s);
	for (int i = 0; i < 2; i++) {
		if (!g_sides[i].w.flows.list[slot].id.generation)
			continue;
		(void)port_sim_put(g_sides[i].sim, slot, channel, &from,
				   bytes_mem(data, what & 1 ? 8 : 12U + n));
		if (!(what & 32)) /* else with the next one */
			play(&g_sides[i]);
	}
}

static void do_next(struct script *s)
{
	uint8_t what = take(s);
	uint32_t slot = what / 8 % SLOTS;
	uint64_t ms;

	switch (what % 8) {
	case 0:
		command(&(struct media_command){ .kind = MEDIA_FLOW_OPEN,
						 .rtp_fd = -1,
						 .rtcp_fd = -1,
						 .spec = spec_read(s, slot) });
		break;
	case 1:
		command(&(struct media_command){ .kind = MEDIA_FLOW_UPDATE,
						 .spec = spec_read(s, slot) });
		break;
	case 2:
		command(&(struct media_command){ .kind = MEDIA_FLOW_CLOSE,
						 .id = { .slot = slot, .generation = 1 } });
		break;
	case 3:
		ms = take(s) * 8U;
		for (int i = 0; i < 2; i++) {
			g_sides[i].sim->now_ns += ms * NS_PER_MS;
			play(&g_sides[i]);
		}
		break;
	default:
		do_packet(s);
		break;
	}
}

static void same_flow(const struct flow *a, const struct flow *b)
{
	assert(a->id.generation == b->id.generation);
	if (!a->id.generation)
		return;
	assert(addr_eq(&a->latch_rtp.source, &b->latch_rtp.source));
	assert(addr_eq(&a->latch_rtcp.source, &b->latch_rtcp.source));
	assert(a->received.packets == b->received.packets &&
	       a->received.octets == b->received.octets);
	assert(a->sink.sequence == b->sink.sequence && a->sink.timestamp == b->sink.timestamp);
	assert(a->stats.rtcp_in == b->stats.rtcp_in);
}

static void same(void)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		same_flow(&g_sides[0].w.flows.list[i], &g_sides[1].w.flows.list[i]);
		assert(g_sides[0].left_count[i] == g_sides[1].left_count[i]);
		for (uint32_t k = 0; k < g_sides[0].left_count[i]; k++) {
			const struct left *a = &g_sides[0].left[i][k], *b = &g_sides[1].left[i][k];

			assert(a->hash == b->hash && a->channel == b->channel &&
			       addr_eq(&a->to, &b->to));
		}
	}
}

static void side_open(struct side *d, bool by_wire)
{
	const struct worker_settings settings = {
		.slots = SLOTS, .jobs = 1, .commands = 16, .events = 64, .metrics = &g_metrics
	};

	memset(d, 0, sizeof(*d));
	if (worker_open(&d->w, &settings) || port_sim_open(&d->sim, SLOTS, NS_PER_S, 1))
		abort();
	rand_open_seed(&d->w.rand, 1);
	d->w.cname_key = (struct hash_key){ 1, 2 };
	d->w.port = &d->sim->port;
	d->by_wire = by_wire;
	own_ports_open(&d->own, NULL, 0);
	d->w.own = &d->own;
}

static void side_close(struct side *d)
{
	assert(d->sim->buffers_out == 0);
	worker_close(&d->w);
	own_ports_close(&d->own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { .p = data, .n = size };
	static bool registered;

	if (!registered)
		media_metrics_register_of(&g_metrics, 0);
	registered = true;
	side_open(&g_sides[0], false);
	side_open(&g_sides[1], true);
	for (uint32_t i = 0; i < STEPS_MAX && s.n; i++) {
		do_next(&s);
		same();
	}
	side_close(&g_sides[0]);
	side_close(&g_sides[1]);
	return 0;
}
