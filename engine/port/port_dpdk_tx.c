/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of flows that leave: in the buffers they came in, with new heads before them. */
#include <string.h>

#include "engine/port/dpdk_port.h"

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

/* The kernel finds its way, cuts what is too long, and asks for the next hop's address on the TAP interface. */
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
static bool gateway_takes(const struct dpdk_device *device, const struct addr *to)
{
	return !mac_is_zero(device->gateway) &&
	       (device->hairpin || !locals_has_ip(&device->locals, to));
}

/* No route is known: what was set for all, else as end_learn finds. */
static bool end_guess(const struct dpdk_device *device, struct dpdk_end *e, const struct addr *to)
{
	if (addr_eq(&e->to, to))
		return true;
	if (!gateway_takes(device, to)) {
		e->to = (struct addr){ 0 }; /* whoever is heard next may tell */
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
static bool end_ask(struct dpdk_port *d, struct dpdk_end *e, const struct addr *to,
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

/* False: the device is not the way, or it is not known yet. The hop is written only where it is not an ordinary one. */
static bool end_resolve(struct dpdk_port *d, struct dpdk_end *e, const struct addr *to,
			struct next_hop *hop)
{
	if (!d->routes)
		return end_guess(d->device, e, to);
	if (LIKELY(e->second == d->second && addr_eq(&e->to, to)))
		return true;
	return end_ask(d, e, to, hop);
}

static bool fits(const struct pkt *p, uint16_t mtu)
{
	return p->length + (p->to->family == ADDR_V4 ? 20U + 8 : 40U + 8) <= mtu;
}

/* What the device is to do to the frame. */
static void sums_ask(const struct dpdk_port *d, struct rte_mbuf *m, uint8_t family, uint16_t vlan)
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
	sums_ask(d, m, ADDR_V4, 0);
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
	sums_ask(d, m, p->to->family, e->path.vlan);
	frame_put(d, p, m, start);
	if (hop.hops == 0 && hop.mtu >= d->device->mtu)
		frame_ready_set(&e->ready, &head);
	else
		e->ready.to_end = 0;
	return true;
}

/* It came by a socket: by the device it leaves as a copy. Not with a pkt of its own: gcc's AddressSanitizer does not align that. */
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

/* Its buffer goes back to whom it belongs; what the device does not take, the socket sends. */
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

void dpdk_tx(struct port *p, struct batch *b)
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
