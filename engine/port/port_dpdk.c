/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module behind port_dpdk.h: one device for all workers, each with a receive and a send queue
 * of its own; packets that arrive at the wrong worker are handed over.
 */

#include <errno.h>
#include <poll.h>
#include <rte_lcore.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rand.h"
#include "engine/net/frame.h"
#include "engine/port/dpdk_port.h"

/*
 * Received packets. They stay in the device's buffers: stages get the payload in place.
 *
 * A worker polls as long as full bursts come. Else it naps between two looks, so an idle one costs
 * a percent of a core.
 */

enum {
	AHEAD = 3,
	FETCHED = 256,
	NAP_US = 100, /* at most so long a frame waits in its queue: 1,000 fit at 10 million/s */
	SOCKETS_US = 500,  /* the flows' sockets have their turn so often */
	NAP_IDLE_US = 500, /* nothing came during the last nap */
};

static uint16_t mbuf_hold(struct dpdk_port *d, struct rte_mbuf *m)
{
	d->held[d->held_count] = m;
	return (uint16_t)d->held_count++;
}

/* Without a route in the kernel, the headers of the party's frames are reversed for ours, if it is
 * our destination or we know none. The last hop is symmetric, and a host that can forge MAC
 * addresses there could take ours, too. */
static NOINLINE void end_learn(struct dpdk_port *d, struct dpdk_end *e, const struct addr *from,
			       uint16_t vlan, const uint8_t *frame)
{
	if (e->to.family == ADDR_NONE)
		e->to = *from;
	else if (!addr_eq(&e->to, from))
		return;
	e->ready.to_end = 0;
	memcpy(e->path.to, frame + FRAME_MAC_LEN, FRAME_MAC_LEN);
	memcpy(e->path.from, d->device->mac.addr_bytes, FRAME_MAC_LEN);
	e->path.vlan = vlan;
}

static void dpdk_pkt_receive(struct dpdk_port *d, struct batch *b, struct rte_mbuf *m,
			     const struct frame *f, const struct local *who)
{
	struct pkt *p = &b->list[b->count++];
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);

	if (!d->routes)
		end_learn(d, &d->slots[who->slot].ends[who->channel], &f->from, f->vlan, frame);
	p->data = frame + f->payload_at;
	p->length = f->payload_length;
	p->age_us = 0;
	p->verdict = VERDICT_NONE;
	if (p->length > PACKET_MAX) {
		p->length = PACKET_MAX;
		p->verdict = VERDICT_TRUNCATED;
	}
	p->buffer = mbuf_hold(d, m);
	p->slot = who->slot;
	p->channel = who->channel;
	p->from = f->from;
	p->tail_sum = f->tail_sum;
	p->tail_known = f->tail_known;
}

static void dpdk_hand_over(struct dpdk_port *d, struct rte_mbuf *m, uint8_t worker)
{
	d->handed[worker][d->handed_count[worker]++] = m;
}

static void handed_flush(struct dpdk_port *d)
{
	for (uint32_t w = 0; w < d->device->queues; w++) {
		uint32_t n = d->handed_count[w];
		uint32_t taken;

		if (n == 0)
			continue;
		taken = rte_ring_enqueue_burst(d->device->handover[w], (void **)d->handed[w], n,
					       NULL);
		if (taken < n)
			rte_pktmbuf_free_bulk(d->handed[w] + taken, n - taken);
		d->counts[DPDK_HANDOVER_FULL] += n - taken;
		d->handed_count[w] = 0;
	}
}

static bool is_summed(const struct rte_mbuf *m)
{
	return (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
}

static bool frame_is_fine(const struct rte_mbuf *m, struct frame *f)
{
	struct bytes in = bytes_mem(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);

	return (is_summed(m) ? frame_parse_summed(f, in) : frame_parse(f, in)) == FRAME_FINE;
}

/* An ordinary frame of a flow of ours, read straight into the batch. False: nothing was done. */
static ALWAYS_INLINE bool ordinary_receive(struct dpdk_port *d, struct batch *b, struct rte_mbuf *m)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	struct pkt *p = &b->list[b->count];
	bool summed = is_summed(m);
	struct local who;

	p->length = frame_ordinary(bytes_mem(frame, m->data_len), summed, &p->tail_sum);
	if (UNLIKELY((uint16_t)(p->length - 1) >= PACKET_MAX || m->nb_segs > 1 ||
		     !locals_find_v4(&d->device->locals, frame + FRAME_ORDINARY_TO,
				     be16_get(frame + FRAME_ORDINARY_TO_PORT), &who) ||
		     who.worker != d->queue))
		return false;
	addr_set_v4(&p->from, frame + FRAME_ORDINARY_FROM,
		    be16_get(frame + FRAME_ORDINARY_FROM_PORT));
	if (!d->routes) {
		struct dpdk_end *e = &d->slots[who.slot].ends[who.channel];

		if (UNLIKELY(!frame_ready_answers(&e->ready, frame)))
			end_learn(d, e, &p->from, 0, frame);
	}
	p->data = frame + FRAME_ORDINARY_AT;
	p->age_us = 0;
	p->verdict = VERDICT_NONE;
	p->buffer = mbuf_hold(d, m);
	p->slot = who.slot;
	p->channel = who.channel;
	p->tail_known = !summed;
	b->count++;
	return true;
}

/* All others. */
static COLD
NOINLINE void frame_receive(struct dpdk_port *d, struct batch *b, struct rte_mbuf *m)
{
	struct frame f;
	struct local who;

	if (m->nb_segs > 1) {
		d->counts[DPDK_SEGMENTED]++;
		rte_pktmbuf_free(m);
		return;
	}
	if (!frame_is_fine(m, &f) || !locals_find(&d->device->locals, &f.to, &who)) {
		dpdk_foreign(d, m);
		return;
	}
	if (who.worker != d->queue) {
		dpdk_hand_over(d, m, who.worker);
		return;
	}
	/* heads that end so late leave no room for what may be written behind them */
	assert(m->data_off + f.payload_at + PACKET_MAX <= m->buf_len);
	dpdk_pkt_receive(d, b, m, &f, &who);
}

/* As much of a frame as voice has; all of it is summed. */
static void dpdk_frame_fetch(const struct rte_mbuf *m)
{
	const char *frame = rte_pktmbuf_mtod(m, const char *);

	for (uint32_t at = 0; at < FETCHED; at += RTE_CACHE_LINE_SIZE)
		__builtin_prefetch(frame + at, 1);
}

static ALWAYS_INLINE void frames_receive_inline(struct dpdk_port *d, struct batch *b,
						struct rte_mbuf *const *in, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		__builtin_prefetch(in[i], 1);
	for (uint32_t i = 0; i < n && i < AHEAD; i++)
		dpdk_frame_fetch(in[i]);
	for (uint32_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			dpdk_frame_fetch(in[i + AHEAD]);
		if (UNLIKELY(!ordinary_receive(d, b, in[i])))
			frame_receive(d, b, in[i]);
	}
}

#ifdef __x86_64__
FOR_CPU("avx2")
static NOINLINE void frames_receive_avx2(struct dpdk_port *d, struct batch *b,
					 struct rte_mbuf *const *in, uint32_t n)
{
	frames_receive_inline(d, b, in, n);
}
#endif

static NOINLINE void frames_receive_any(struct dpdk_port *d, struct batch *b,
					struct rte_mbuf *const *in, uint32_t n)
{
	frames_receive_inline(d, b, in, n);
}

/* All of it for the CPU at hand, so that sums are made in place. */
static void dpdk_frames_receive(struct dpdk_port *d, struct batch *b, struct rte_mbuf *const *in,
				uint32_t n)
{
#ifdef __x86_64__
	if (LIKELY(__builtin_cpu_supports("avx2"))) {
		frames_receive_avx2(d, b, in, n);
		return;
	}
#endif
	frames_receive_any(d, b, in, n);
}

/* One look: at what other workers gave, then at the queue. */
static void batch_look(struct dpdk_port *d, struct batch *b)
{
	struct rte_mbuf *in[BATCH_MAX];
	uint32_t n, before = b->count, room = BATCH_MAX - before;

	n = rte_ring_dequeue_burst(d->device->handover[d->queue], (void **)in, room, NULL);
	n += rte_eth_rx_burst(d->device->id, d->queue, in + n, (uint16_t)(room - n));
	d->busy = n == room;
	dpdk_frames_receive(d, b, in, n);
	d->counts[DPDK_IN] += b->count - before;
	handed_flush(d);
}

/* Into an empty batch: what came by the flows' sockets. */
static void sockets_look(struct dpdk_port *d, struct batch *b)
{
	if (d->now_ns < d->sockets_ns)
		return;
	d->sockets_ns = d->now_ns + SOCKETS_US * NS_PER_US;
	d->sockets->ops->rx(d->sockets, b, 0, 0);
	BATCH_EACH(p, b)
	p->buffer |= DPDK_OF_SOCKETS;
	d->counts[DPDK_SOCKET_IN] += b->count;
}

/* Until wake_fd is written to (true), or the kernel has something to send. */
static bool dpdk_nap(struct dpdk_port *d, uint64_t ns)
{
	struct pollfd fds[2] = { { .fd = d->wake_fd, .events = POLLIN },
				 { .fd = d->queue == 0 ? d->device->tap_fd : -1,
				   .events = POLLIN } };
	struct timespec ts = { .tv_sec = (time_t)(ns / NS_PER_S),
			       .tv_nsec = (long)(ns % NS_PER_S) };

	if (ppoll(fds, 2, &ts, NULL) > 0 && fds[1].revents)
		d->kernel_ns = 0;
	return fds[0].revents != 0;
}

static void dpdk_rx(struct port *p, struct batch *b, uint32_t want, uint64_t wait_ns)
{
	struct dpdk_port *d = dpdk_of(p);
	uint64_t now_ns = clock_now_ns(), end_ns = now_ns + wait_ns;
	uint32_t enough = want < BATCH_MAX ? want : BATCH_MAX;

	assert(b->count == 0);
	for (;;) {
		uint64_t nap_ns = (d->idle ? NAP_IDLE_US : NAP_US) * NS_PER_US;

		d->now_ns = now_ns;
		if (now_ns >= d->kernel_ns)
			dpdk_kernel_turn(d, now_ns);
		if (b->count == 0)
			sockets_look(d, b);
		batch_look(d, b);
		if (b->count >= enough || d->busy || now_ns >= end_ns)
			break;
		if (dpdk_nap(d, nap_ns < end_ns - now_ns ? nap_ns : end_ns - now_ns))
			end_ns = 0;
		now_ns = clock_now_ns();
		d->idle = b->count == 0;
	}
	if (d->out_count > 0)
		dpdk_out_flush(d); /* answers to foreign frames */
	b->now_ns = now_ns;
}

static bool dpdk_lend(struct port *p, struct pkt *out)
{
	struct dpdk_port *d = dpdk_of(p);
	struct rte_mbuf *m = d->held_count < DPDK_HELD ? rte_pktmbuf_alloc(d->device->pool) : NULL;

	if (!m)
		return false;
	out->buffer = mbuf_hold(d, m);
	out->data = rte_pktmbuf_mtod(m, uint8_t *);
	return true;
}

/* Packets of flows that leave: in the buffers they came in, with new heads before them. */

enum { HOPS = 64 };

static_assert((int)PKT_TAIL_AT == (int)FRAME_TAIL_AT, "one tail, of the packet and of the frame");

/* What the device does not take now, it will not take in time. */
void dpdk_out_flush(struct dpdk_port *d)
{
	uint32_t sent;

	if (port_is_late(&d->port)) {
		rte_pktmbuf_free_bulk(d->out, d->out_count);
		d->port.withheld += d->out_count;
		d->out_count = 0;
		return;
	}
	sent = rte_eth_tx_burst(d->device->id, d->queue, d->out, (uint16_t)d->out_count);
	if (sent < d->out_count) {
		rte_pktmbuf_free_bulk(d->out + sent, d->out_count - sent);
		d->counts[DPDK_DEVICE_FULL] += d->out_count - sent;
	}
	d->out_count = 0;
}

void dpdk_out_put(struct dpdk_port *d, struct rte_mbuf *m)
{
	if (d->out_count == BATCH_MAX)
		dpdk_out_flush(d);
	d->out[d->out_count++] = m;
}

/* The kernel routes it, fragments it if need be, and resolves the next hop on the TAP interface. */
static void by_socket(struct dpdk_port *d, const struct pkt *p)
{
	struct pkt *copy = &d->aside.list[d->aside.count];

	*copy = *p;
	if (!d->sockets->ops->lend(d->sockets, copy)) {
		d->counts[DPDK_DEVICE_FULL]++;
		return;
	}
	memcpy(copy->data, p->data, p->length);
	d->counts[DPDK_BY_SOCKET]++;
	d->aside.count++;
}

static bool mac_is_zero(const uint8_t mac[FRAME_MAC_LEN])
{
	static const uint8_t ZERO[FRAME_MAC_LEN];

	return memcmp(mac, ZERO, FRAME_MAC_LEN) == 0;
}

/* To an address of our own there is no way out: it is the kernel's. */
static bool has_gateway_to(const struct dpdk_device *device, const struct addr *to)
{
	return !mac_is_zero(device->gateway) &&
	       (device->hairpin || !locals_has_ip(&device->locals, to));
}

/* No route is known: what was set for all, else as end_learn finds. */
static bool end_guess(const struct dpdk_device *device, struct dpdk_end *e, const struct addr *to)
{
	if (addr_eq(&e->to, to))
		return true;
	if (!has_gateway_to(device, to)) {
		e->to = (struct addr){ 0 }; /* the next source heard may tell */
		e->ready.to_end = 0;
		return false;
	}
	memcpy(e->path.to, device->gateway, FRAME_MAC_LEN);
	memcpy(e->path.from, device->mac.addr_bytes, FRAME_MAC_LEN);
	e->path.vlan = 0;
	e->to = *to;
	return true;
}

/* An ordinary answer is good for a second. */
static bool end_query(struct dpdk_port *d, struct dpdk_end *e, const struct addr *to,
		      struct next_hop *hop)
{
	e->second = 0;
	if (!next_hop_find(d->routes, &e->local, to, d->now_ns, hop))
		return false;
	e->to = *to;
	e->path = hop->path;
	if (hop->mtu >= d->device->mtu && hop->hops == 0)
		e->second = d->second;
	return true;
}

/* False: not by the device, or not known yet. hop is only set for an unusual one. */
static bool end_resolve(struct dpdk_port *d, struct dpdk_end *e, const struct addr *to,
			struct next_hop *hop)
{
	if (!d->routes)
		return end_guess(d->device, e, to);
	if (LIKELY(e->second == d->second && addr_eq(&e->to, to)))
		return true;
	return end_query(d, e, to, hop);
}

static bool fits(const struct pkt *p, uint16_t mtu)
{
	return p->length + (p->to->family == ADDR_V4 ? 20U + 8 : 40U + 8) <= mtu;
}

/* What the device is to do to the frame. */
static void sums_offload(const struct dpdk_port *d, struct rte_mbuf *m, uint8_t family,
			 uint16_t vlan)
{
	bool v4 = family == ADDR_V4;

	m->ol_flags = d->device->sums;
	if (m->ol_flags == 0)
		return;
	if (!v4)
		m->ol_flags &= ~RTE_MBUF_F_TX_IP_CKSUM;
	m->ol_flags |= v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	m->l3_len = v4 ? IPV4_LEN : IPV6_LEN;
	m->l2_len = (frame_head_size(family, vlan) - UDP_LEN - m->l3_len) & 0x7f;
}

/* The payload has its heads before it. */
static void frame_put(struct dpdk_port *d, const struct pkt *p, struct rte_mbuf *m,
		      const uint8_t *start)
{
	m->data_off = (uint16_t)(start - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)(p->data + p->length - start);
	m->pkt_len = m->data_len;
	dpdk_out_put(d, m);
}

/* False: the way is not the one of the packet before, or no ordinary one. */
static inline bool ready_send(struct dpdk_port *d, const struct pkt *p, struct rte_mbuf *m)
{
	struct dpdk_end *e = &d->slots[p->out_slot].ends[p->out_channel];

	if (UNLIKELY(!frame_ready_leads_to(&e->ready, p->to) ||
		     (d->routes && e->second != d->second) ||
		     (e->ready.length != p->length && !fits(p, d->device->mtu))))
		return false;
	frame_ready_write(&e->ready, p->data, p->length, d->id++,
			  p->tail_known ? &p->tail_sum : NULL);
	sums_offload(d, m, ADDR_V4, 0);
	frame_put(d, p, m, p->data - FRAME_READY_LEN);
	return true;
}

/* False: not by the device. */
static bool dpdk_frame_send(struct dpdk_port *d, const struct pkt *p, struct rte_mbuf *m)
{
	struct dpdk_end *e = &d->slots[p->out_slot].ends[p->out_channel];
	struct frame_head head = { .path = &e->path,
				   .from = &e->local,
				   .to = p->to,
				   .tos = e->tos,
				   .id = d->id,
				   .tail_known = p->tail_known,
				   .tail_sum = p->tail_sum,
				   .device_sums = d->device->sums != 0 };
	struct next_hop hop;
	uint8_t *start;

	hop.mtu = d->device->mtu;
	hop.hops = 0;
	if (!end_resolve(d, e, p->to, &hop) || !fits(p, hop.mtu))
		return false;
	d->id++;
	head.hops = hop.hops ? hop.hops : HOPS;
	start = frame_write(&head, p->data, p->length);
	sums_offload(d, m, p->to->family, e->path.vlan);
	frame_put(d, p, m, start);
	if (hop.hops == 0 && hop.mtu >= d->device->mtu)
		frame_ready_set(&e->ready, &head);
	else
		e->ready.to_end = 0;
	return true;
}

/* It came by a socket, so a copy leaves by the device. Without a pkt of its own: gcc's
 * AddressSanitizer misaligns one. */
static bool copy_send(struct dpdk_port *d, struct pkt *p)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(d->device->pool);
	uint8_t *data = p->data;
	bool sent;

	if (!m)
		return false;
	p->data = rte_pktmbuf_mtod(m, uint8_t *);
	memcpy(p->data, data, p->length);
	sent = dpdk_frame_send(d, p, m);
	p->data = data;
	if (!sent)
		rte_pktmbuf_free(m);
	return sent;
}

/* Returns its buffer to the owner; what the device does not take, the socket sends. */
static bool socket_pkt_send(struct dpdk_port *d, const struct pkt *p)
{
	struct pkt *back = &d->aside.list[d->aside.count++];

	*back = *p;
	back->buffer &= DPDK_OF_SOCKETS - 1;
	if (p->verdict != VERDICT_RELAY)
		return false;
	if (copy_send(d, back)) {
		back->verdict = VERDICT_NONE;
		return true;
	}
	d->counts[DPDK_BY_SOCKET]++;
	return false;
}

/* True: by the device. */
static bool pkt_send(struct dpdk_port *d, const struct pkt *p)
{
	bool relays = p->verdict == VERDICT_RELAY;
	struct rte_mbuf *m;

	if (UNLIKELY(p->buffer & DPDK_OF_SOCKETS))
		return socket_pkt_send(d, p);
	m = d->held[p->buffer];
	if (LIKELY(relays) && (ready_send(d, p, m) || dpdk_frame_send(d, p, m)))
		return true;
	if (relays)
		by_socket(d, p);
	rte_pktmbuf_free(m);
	return false;
}

static inline void end_fetch(const struct dpdk_port *d, const struct pkt *p)
{
	if (LIKELY(p->verdict == VERDICT_RELAY))
		__builtin_prefetch(&d->slots[p->out_slot].ends[p->out_channel], 1);
}

static void dpdk_tx(struct port *p, struct batch *b)
{
	struct dpdk_port *d = dpdk_of(p);
	uint32_t out = 0, count = b->count;

	for (uint32_t i = 0; i < count; i++)
		end_fetch(d, &b->list[i]);
	for (uint32_t i = 0; i < count; i++)
		out += pkt_send(d, &b->list[i]);
	d->held_count = 0;
	d->counts[DPDK_OUT] += out;
	if (d->out_count > 0)
		dpdk_out_flush(d);
	if (d->aside.count > 0) {
		port_limit_pass(p, d->sockets);
		d->sockets->ops->tx(d->sockets, &d->aside);
		d->sockets_ns = 0; /* some ports send as late as at the next look */
	}
	p->until_ns = 0;
	b->count = 0;
}

enum { DESTINATIONS = 1 << 16 }; /* parties with a remembered route */

/* ---- flows ---- */

static int end_open(struct dpdk_port *d, struct dpdk_slot *s, uint32_t slot, uint8_t channel,
		    int fd)
{
	struct dpdk_end *e = &s->ends[channel];
	const struct local who = { .slot = slot, .channel = channel, .worker = (uint8_t)d->queue };
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	int tos = 0, err;

	*e = (struct dpdk_end){ 0 };
	s->own[channel] = (struct addr){ 0 };
	if (fd < 0)
		return 0;
	if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0)
		return -errno;
	err = addr_from_sockaddr(&e->local, (const struct sockaddr *)&ss);
	if (err)
		return err;
	n = sizeof(tos);
	if (e->local.family == ADDR_V6)
		(void)getsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, &n);
	else
		(void)getsockopt(fd, IPPROTO_IP, IP_TOS, &tos, &n);
	e->tos = s->own_tos[channel] = (uint8_t)tos;
	s->own[channel] = e->local;
	return locals_add(&d->device->locals, &e->local, &who);
}

static void ends_close(struct dpdk_port *d, struct dpdk_slot *s)
{
	for (uint32_t c = 0; c < CHANNELS; c++)
		if (s->is_open[c])
			locals_del(&d->device->locals, &s->own[c]);
	s->is_open[CHANNEL_RTP] = s->is_open[CHANNEL_RTCP] = false;
}

static int dpdk_flow_add(struct port *p, uint32_t slot, const int fd[CHANNELS])
{
	struct dpdk_port *d = dpdk_of(p);
	struct dpdk_slot *s = &d->slots[slot];
	int err = 0;

	assert(slot < d->slot_count && !s->in_use);
	for (uint8_t c = 0; !err && c < CHANNELS; c++) {
		err = end_open(d, s, slot, c, fd[c]);
		s->is_open[c] = !err && fd[c] >= 0;
	}
	if (!err)
		err = d->sockets->ops->flow_add(d->sockets, slot, fd);
	if (err) {
		ends_close(d, s);
		return err;
	}
	s->in_use = 1;
	return 0;
}

static void dpdk_flow_del(struct port *p, uint32_t slot)
{
	struct dpdk_port *d = dpdk_of(p);
	struct dpdk_slot *s = &d->slots[slot];

	assert(slot < d->slot_count && s->in_use);
	ends_close(d, s);
	d->sockets->ops->flow_del(d->sockets, slot);
	s->in_use = 0;
}

static int dpdk_sockets(struct port *p, uint32_t slot, int fd[CHANNELS])
{
	struct port *sockets = dpdk_of(p)->sockets;

	return sockets->ops->sockets(sockets, slot, fd);
}

/* The flow's sockets get few of its packets. On devices that the kernel has as well (net_af_packet,
 * net_pcap) a connected one would get all others, too, past the reverse path filter: UDP's early
 * demultiplexing does no route lookup for connected sockets. */
static int dpdk_connect(struct port *p, uint32_t slot, const struct addr *to)
{
	(void)p;
	(void)slot;
	(void)to;
	return 0;
}

/* Without routes an end learns its path from received packets, of which this one gets none. */
static int dpdk_send_over(struct port *p, uint32_t slot, uint32_t over, uint8_t dscp)
{
	struct dpdk_port *d = dpdk_of(p);
	struct dpdk_slot *s = &d->slots[slot];

	if (!d->routes)
		return over == slot ? 0 : -ENOTSUP;
	for (uint32_t c = 0; c < CHANNELS; c++)
		s->ends[c] = (struct dpdk_end){ .local = d->slots[over].own[c],
						.tos = over == slot ? s->own_tos[c]
								    : (uint8_t)(dscp << 2) };
	return d->sockets->ops->send_over(d->sockets, slot, over, dscp);
}

static uint32_t dpdk_icmp_errors(struct port *p, uint32_t slot)
{
	struct port *sockets = dpdk_of(p)->sockets;

	return sockets->ops->icmp_errors(sockets, slot);
}

static bool dpdk_fault(struct port *p, struct port_fault *out)
{
	struct port *sockets = dpdk_of(p)->sockets;

	return sockets->ops->fault(sockets, out);
}

static uint64_t dpdk_send_errors(struct port *p)
{
	struct port *sockets = dpdk_of(p)->sockets;

	return sockets->ops->send_errors(sockets);
}

/* ---- the port ---- */

static void dpdk_free(struct dpdk_port *d)
{
	for (uint32_t i = 0; i < d->held_count; i++)
		rte_pktmbuf_free(d->held[i]);
	dpdk_counts_publish(d);
	if (d->routes)
		next_hops_close(d->routes);
	dpdk_device_leave(d->device);
	free(d->slots);
	free(d);
}

static void dpdk_close(struct port *p)
{
	struct dpdk_port *d = dpdk_of(p);

	for (uint32_t i = 0; i < d->slot_count; i++)
		if (d->slots[i].in_use)
			dpdk_flow_del(p, i);
	d->sockets->ops->close(d->sockets);
	dpdk_free(d);
}

static const struct port_ops OPS = {
	.name = "dpdk",
	.flow_add = dpdk_flow_add,
	.flow_del = dpdk_flow_del,
	.sockets = dpdk_sockets,
	.rx = dpdk_rx,
	.lend = dpdk_lend,
	.tx = dpdk_tx,
	.connect = dpdk_connect,
	.send_over = dpdk_send_over,
	.send_errors = dpdk_send_errors,
	.icmp_errors = dpdk_icmp_errors,
	.fault = dpdk_fault,
	.close = dpdk_close,
};

static struct dpdk_slot *slots_alloc(uint32_t count)
{
	struct dpdk_slot *s = aligned_alloc(alignof(struct dpdk_slot), count * sizeof(*s));

	if (s)
		memset(s, 0, count * sizeof(*s));
	return s;
}

static struct dpdk_port *dpdk_port_alloc(void)
{
	struct dpdk_port *d = aligned_alloc(alignof(struct dpdk_port), sizeof(*d));

	if (d)
		memset(d, 0, sizeof(*d));
	return d;
}

static int routes_open(struct dpdk_port *d)
{
	struct next_hop_settings settings = { .ifindex = { d->device->ifindex },
					      .device_count = 1,
					      .destinations = DESTINATIONS };
	struct rand_source rand;

	if (d->device->ifindex == 0)
		return 0;
	rand_open_system(&rand);
	settings.key = (struct hash_key){ rand_u64_from(&rand), rand_u64_from(&rand) };
	return next_hops_open(&d->routes, &settings);
}

/* A thread that EAL did not start has no cache of buffers until it is known. */
static void thread_register(void)
{
	if (rte_lcore_id() == LCORE_ID_ANY)
		(void)rte_thread_register();
}

EXPORTED port_dpdk_open_fn tandem_port_dpdk_open;

int tandem_port_dpdk_open(struct port **out, const struct port_settings *settings,
			  const struct port_dpdk_settings *s, char why[DPDK_TEXT_MAX])
{
	struct dpdk_port *d = dpdk_port_alloc();
	int err;

	assert(s->worker < s->workers && s->workers <= DPDK_WORKERS_MAX);
	if (d)
		d->slots = slots_alloc(settings->slots);
	err = d && d->slots ? dpdk_device_join(&d->device, s, why)
			    : dpdk_refuse(why, -ENOMEM, "no memory");
	if (err) {
		free(d ? d->slots : NULL);
		free(d);
		return err;
	}
	thread_register();
	d->port.ops = &OPS;
	d->count = s->count;
	d->sockets = s->sockets;
	d->slot_count = settings->slots;
	d->queue = (uint16_t)s->worker;
	d->wake_fd = settings->wake_fd;
	err = routes_open(d);
	if (err) {
		dpdk_free(d);
		return dpdk_refuse(why, err, "routes: %s", strerror(-err));
	}
	*out = &d->port;
	return 0;
}
