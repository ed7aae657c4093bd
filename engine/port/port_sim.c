/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port of tests and benches: packets are injected and inspected by function calls, losses come
 * from a seeded generator, and time is set by the caller. It behaves like a kernel port where
 * stages depend on it (connected sockets, DSCP, arrival times), and checks the checksum of
 * forwarded payload, so that a stage that forgets to clear tail_known fails a test.
 */

#include "engine/port/port_sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/net/frame.h"

static struct sim_port *sim_of(struct port *p)
{
	return CONTAINER_OF(p, struct sim_port, port);
}

static bool is_lost(struct sim_port *s)
{
	return s->loss_per_mille > 0 && rand_below(&s->rand, 1000) < s->loss_per_mille;
}

/* As the kernel does it: a connected socket is closed to all others. */
static bool sim_is_delivered(const struct sim_port *s, const struct sim_packet *p)
{
	const struct addr *connected = &s->connected[p->slot];

	return p->channel != CHANNEL_RTP || connected->family == ADDR_NONE ||
	       addr_eq(connected, &p->remote);
}

/* A packet's checksum, as ports below the kernel have it. False: too short for one. */
static bool tail_sum(const uint8_t *data, uint16_t length, uint16_t *sum)
{
	if (length < PKT_TAIL_AT)
		return false;
	*sum = frame_sum_fold(frame_sum(0, bytes_mem(data + PKT_TAIL_AT, length - PKT_TAIL_AT)));
	return true;
}

static void tail_check(const struct pkt *p)
{
	uint16_t sum;

	if (p->tail_known)
		assert(tail_sum(p->data, p->length, &sum) && sum == p->tail_sum);
}

static struct sim_packet *sim_copy(struct sim_packet *buffer, const struct sim_packet *in)
{
	buffer->slot = in->slot;
	buffer->channel = in->channel;
	buffer->remote = in->remote;
	buffer->length = in->length;
	buffer->age_us = in->age_us;
	memcpy(buffer->data, in->data, in->length);
	return buffer;
}

static void sim_receive_one(struct sim_port *s, struct batch *b, struct sim_packet *in)
{
	struct sim_packet *buffer = s->in_place ? in : sim_copy(&s->buffers[b->count], in);
	struct pkt *p = &b->list[b->count];

	*p = (struct pkt){
		.data = buffer->data,
		.length = buffer->length,
		.buffer = (uint16_t)b->count,
		.slot = buffer->slot,
		.channel = (uint8_t)buffer->channel,
		.from = buffer->remote,
		.age_us = s->flows[buffer->slot] == SIM_STAMPED ? buffer->age_us : 0,
	};
	if (!s->unchecked)
		p->tail_known = tail_sum(p->data, p->length, &p->tail_sum);
	s->buffers_out++;
	b->count++;
}

static void sim_rx(struct port *p, struct batch *b, uint32_t want, uint64_t wait_ns)
{
	struct sim_port *s = sim_of(p);

	(void)want;
	(void)wait_ns;
	assert(b->count == 0 && s->buffers_out == 0);
	b->now_ns = s->now_ns;
	for (; s->in_head != s->in_tail && b->count < BATCH_MAX; s->in_head++) {
		struct sim_packet *in = &s->in[s->in_head % SIM_QUEUE];

		if (!s->flows[in->slot])
			continue; /* no socket */
		if (is_lost(s))
			s->lost++;
		else if (!sim_is_delivered(s, in))
			s->unheard++;
		else
			sim_receive_one(s, b, in);
	}
}

static void sim_send_one(struct sim_port *s, const struct pkt *p)
{
	struct sim_packet *out = &s->out[s->out_tail % SIM_QUEUE];
	const struct sim_over *over = &s->over[p->out_slot];
	uint32_t slot = over->slot ? over->slot - 1 : p->out_slot;

	assert(s->flows[slot]);
	tail_check(p);
	s->sent++;
	if (s->discards || s->out_tail - s->out_head == SIM_QUEUE)
		return; /* sent packets are not looked at */
	s->out_tail++;
	out->slot = slot;
	out->dscp = over->slot ? over->dscp : 0;
	out->channel = (enum channel)p->out_channel;
	out->remote = *p->to;
	out->length = p->length;
	out->made = p->made;
	memcpy(out->data, p->data, p->length);
}

static bool sim_lend(struct port *p, struct pkt *out)
{
	struct sim_port *s = sim_of(p);

	if (s->own_used == BATCH_MAX)
		return false;
	out->data = s->own[s->own_used++].data;
	s->buffers_out++;
	s->lent++;
	return true;
}

static void sim_tx(struct port *p, struct batch *b)
{
	struct sim_port *s = sim_of(p);

	BATCH_EACH(pkt, b)
	{
		assert(pkt->verdict != VERDICT_NONE);
		s->buffers_out--;
		if (pkt->verdict == VERDICT_RELAY)
			sim_send_one(s, pkt);
		else
			s->forgotten++;
	}
	s->own_used = 0;
	b->count = 0;
}

static uint32_t sim_icmp_errors(struct port *p, uint32_t slot)
{
	(void)p;
	(void)slot;
	return 0;
}

static int sim_send_over(struct port *p, uint32_t slot, uint32_t over, uint8_t dscp)
{
	struct sim_port *s = sim_of(p);

	assert(slot < s->slots && over < s->slots);
	s->over[slot] = (struct sim_over){ .slot = over == slot ? 0 : over + 1, .dscp = dscp };
	return 0;
}

static void sim_stamp(struct port *p, uint32_t slot)
{
	assert(sim_of(p)->flows[slot]);
	sim_of(p)->flows[slot] = SIM_STAMPED;
}

static uint64_t sim_send_errors(struct port *p)
{
	(void)p;
	return 0;
}

static int sim_flow_add(struct port *p, uint32_t slot, const int fd[CHANNELS])
{
	struct sim_port *s = sim_of(p);

	(void)fd;
	assert(slot < s->slots && !s->flows[slot]);
	if (s->refuses_flows)
		return -EIO;
	s->flows[slot] = 1;
	s->connected[slot] = (struct addr){ 0 };
	return 0;
}

static void sim_flow_del(struct port *p, uint32_t slot)
{
	struct sim_port *s = sim_of(p);

	assert(slot < s->slots && s->flows[slot]);
	s->flows[slot] = 0;
	s->connected[slot] = (struct addr){ 0 };
}

static int sim_sockets(struct port *p, uint32_t slot, int fd[CHANNELS])
{
	assert(sim_of(p)->flows[slot]);
	fd[CHANNEL_RTP] = fd[CHANNEL_RTCP] = -1;
	return 0;
}

static int sim_connect(struct port *p, uint32_t slot, const struct addr *to)
{
	struct sim_port *s = sim_of(p);

	assert(slot < s->slots && s->flows[slot]);
	s->connected[slot] = to ? *to : (struct addr){ 0 };
	return 0;
}

static bool sim_fault(struct port *p, struct port_fault *out)
{
	struct sim_port *s = sim_of(p);

	if (s->fault.error == 0)
		return false;
	*out = s->fault;
	s->fault = (struct port_fault){ 0 };
	return true;
}

static void sim_close(struct port *p)
{
	struct sim_port *s = sim_of(p);

	free(s->flows);
	free(s->connected);
	free(s->over);
	free(s);
}

int port_sim_open(struct sim_port **out, uint32_t slots, uint64_t now_ns, uint64_t seed)
{
	static const struct port_ops OPS = {
		.name = "sim",
		.flow_add = sim_flow_add,
		.flow_del = sim_flow_del,
		.sockets = sim_sockets,
		.rx = sim_rx,
		.lend = sim_lend,
		.tx = sim_tx,
		.connect = sim_connect,
		.send_over = sim_send_over,
		.stamp = sim_stamp,
		.send_errors = sim_send_errors,
		.icmp_errors = sim_icmp_errors,
		.fault = sim_fault,
		.close = sim_close,
	};
	struct sim_port *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->port.ops = &OPS;
	s->now_ns = now_ns;
	s->slots = slots;
	rand_open_seed(&s->rand, seed);
	s->flows = calloc(slots, 1);
	s->connected = calloc(slots, sizeof(*s->connected));
	s->over = calloc(slots, sizeof(*s->over));
	if (!s->flows || !s->connected || !s->over) {
		sim_close(&s->port);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

bool port_sim_put(struct sim_port *s, uint32_t slot, enum channel c, const struct addr *from,
		  struct bytes payload)
{
	struct sim_packet *in = &s->in[s->in_tail % SIM_QUEUE];

	assert(slot < s->slots && payload.n <= PACKET_MAX);
	if (s->in_tail - s->in_head == SIM_QUEUE)
		return false;
	in->slot = slot;
	in->channel = c;
	in->remote = *from;
	in->age_us = s->age_us;
	in->length = (uint16_t)payload.n;
	if (payload.n > 0)
		memcpy(in->data, payload.p, payload.n);
	s->in_tail++;
	return true;
}

const struct sim_packet *port_sim_sent(struct sim_port *s)
{
	return s->out_head == s->out_tail ? NULL : &s->out[s->out_head++ % SIM_QUEUE];
}
