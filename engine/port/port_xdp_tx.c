/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets that leave a port of AF_XDP sockets around one of kernel sockets. A received payload is sent in the frame it came in,
 * with new heads before it; only what changes its way (in by one, out by the other) is copied.
 */
#include <string.h>

#include "engine/port/xdp_port.h"

bool xdp_lend(struct port *p, struct pkt *out)
{
	struct xdp_port *x = xdp_of(p);
	uint32_t frame;

	if (!xdp_frame_take(x->lane, &frame))
		return false;
	out->data = xdp_frame(x->lane, frame) + XDP_FRAME_PAYLOAD;
	return true;
}

/* The way of a packet, or why it has none here. */
static enum xdp_detour xdp_way_find(struct xdp_port *x, const struct pkt *p, struct next_hop *hop)
{
	const struct addr *local = &x->slots[p->out_slot].local[p->out_channel];
	uint32_t length = p->length + (local->family == ADDR_V4 ? 28U : 48U);

	if (!local->family || local->family != p->to->family)
		return XDP_DETOUR_NETWORK;
	if (!next_hop_find(x->next_hops, local, p->to, x->now_ns, hop))
		return XDP_DETOUR_NEXT_HOP;
	if (length > hop->mtu)
		return XDP_DETOUR_LENGTH;
	return x->send_by[hop->device] ? XDP_DETOURS : XDP_DETOUR_QUEUE;
}

/* A frame of ours with the payload: its own, or a copy. */
static uint8_t *payload_place(struct xdp_port *x, const struct pkt *p, bool own)
{
	uint32_t frame;
	uint8_t *payload;

	if (LIKELY(own))
		return p->data;
	if (!xdp_frame_take(x->lane, &frame))
		return NULL;
	payload = xdp_frame(x->lane, frame) + XDP_FRAME_PAYLOAD;
	memcpy(payload, p->data, p->length);
	return payload;
}

static bool xdp_frame_send(struct xdp_port *x, const struct pkt *p, const struct next_hop *hop,
			   bool own)
{
	const struct xdp_slot *s = &x->slots[p->out_slot];
	const struct frame_head head = { .path = &hop->path,
					 .from = &s->local[p->out_channel],
					 .to = p->to,
					 .tos = s->tos,
					 .tail_known = p->tail_known,
					 .tail_sum = p->tail_sum,
					 .hops = hop->hops ? hop->hops : s->hops,
					 .id = x->id++ };
	uint8_t *payload = payload_place(x, p, own);
	uint8_t *start;

	if (!payload)
		return false;
	start = frame_write(&head, payload, p->length);
	if (LIKELY(xdp_lane_send(x->lane, x->send_by[hop->device], start,
				 (uint32_t)(payload + p->length - start))))
		return true;
	if (!own)
		xdp_frame_free(x->lane, xdp_frame_of(x->lane, payload));
	return false;
}

/* XDP_DETOURS: it has left, or will; its frame is not ours any more. */
static enum xdp_detour xdp_packet_send(struct xdp_port *x, const struct pkt *p, bool own)
{
	struct next_hop hop;
	enum xdp_detour detour = xdp_way_find(x, p, &hop);

	if (LIKELY(detour == XDP_DETOURS) && !xdp_frame_send(x, p, &hop, own))
		return XDP_DETOUR_BUSY;
	return detour;
}

/* By the socket, from a buffer of the sockets' port. */
static void aside_copy(struct xdp_port *x, const struct pkt *p)
{
	struct pkt *copy = &x->aside.list[x->aside.count];

	*copy = *p;
	if (!x->sockets->ops->lend(x->sockets, copy)) {
		x->send_errors++;
		return;
	}
	memcpy(copy->data, p->data, p->length);
	x->aside.count++;
}

static void packet_leave(struct xdp_port *x, const struct pkt *p, uint32_t detours[XDP_DETOURS],
			 uint32_t *out)
{
	bool own = xdp_frame_is_ours(x->lane, p->data);
	bool by_socket = false, frame_gone = false;

	if (p->verdict == VERDICT_RELAY) {
		enum xdp_detour detour = xdp_packet_send(x, p, own);

		by_socket = detour != XDP_DETOURS;
		frame_gone = own && !by_socket;
		if (by_socket)
			detours[detour]++;
		else
			(*out)++;
	}
	if (!own) {
		struct pkt *back = &x->aside.list[x->aside.count++];

		*back = *p;
		if (!by_socket)
			back->verdict = VERDICT_NONE; /* only its buffer goes back */
	} else if (!frame_gone) {
		if (by_socket)
			aside_copy(x, p);
		xdp_frame_free(x->lane, xdp_frame_of(x->lane, p->data));
	}
}

void xdp_kick(struct xdp_port *x)
{
	bool waits = false;

	for (uint32_t i = 0; i < x->host->interface_count; i++) {
		struct xdp_queue *q = x->send_by[i];

		if (!q || !q->waits)
			continue;
		if (xdp_lane_kick(x->lane, q, &x->port) != 0)
			x->send_errors++;
		waits |= q->waits;
	}
	if (!waits)
		x->port.until_ns = 0;
}

void xdp_tx(struct port *p, struct batch *b)
{
	struct xdp_port *x = xdp_of(p);
	const struct xdp_metrics *m = &x->host->metrics;
	uint32_t detours[XDP_DETOURS] = { 0 };
	uint32_t out = 0;

	BATCH_EACH(pkt, b)
	packet_leave(x, pkt, detours, &out);
	b->count = 0;
	if (out > 0)
		metric_add(m->out, out);
	for (uint32_t i = 0; i < XDP_DETOURS; i++)
		if (UNLIKELY(detours[i] > 0))
			metric_add(m->detours[i], detours[i]);
	if (x->aside.count > 0)
		port_limit_pass(p, x->sockets);
	xdp_kick(x);
	if (x->aside.count > 0) {
		x->sockets->ops->tx(x->sockets, &x->aside);
		x->sockets_due = true;
	}
	next_hops_ask(x->next_hops);
}
