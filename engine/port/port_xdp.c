/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port of AF_XDP sockets around one of kernel sockets (port_xdp.h): sending and receiving frames,
 * handing packets to the worker of their flow, and adding and removing flows. What AF_XDP cannot do
 * (fragments, unknown next hops, other interfaces) goes by the kernel's port. Frames return to
 * their owner through rings, so no lock is taken per packet.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rand.h"
#include "engine/port/port_xdp.h"
#include "engine/port/xdp_host.h"

/* The front is what it sends as: by its own socket, or by send_over. */
struct xdp_slot {
	struct addr local[CHANNELS]; /* ADDR_NONE: no socket, or of a network without interface */
	uint8_t tos, hops;
	uint8_t in_use;
	uint8_t own_tos;
	uint8_t inherited; /* its entry is that of the process before, which may forward by it */
	struct addr own[CHANNELS]; /* of its own sockets, in locals */
};

struct xdp_port {
	struct port port;
	struct port *sockets; /* the port around which this one is */
	struct xdp_host *host;
	struct xdp_lane *lane;
	struct next_hops *next_hops;
	uint32_t worker;
	struct xdp_slot *slots;
	uint32_t slot_count;
	/* An epoll of wake_fd, frames_fd and packets handed to us: wakes the sockets' port. */
	int bell_fd;
	int frames_fd;        /* an epoll of the AF_XDP sockets; in the bell while we sleep */
	uint64_t now_ns;      /* of the last batch */
	uint64_t netlink_ns;  /* last look */
	uint32_t first_queue; /* the queue to read first */
	uint32_t rounds;      /* without a look at the sockets */
	uint32_t asked;       /* the queue after the last one asked for losses */
	bool more;            /* frames were left behind */
	bool sockets_due;     /* packets wait in the sockets' port to be sent */
	uint16_t id;          /* of the next IPv4 packet */
	struct xdp_queue *send_by[XDP_INTERFACES_MAX]; /* NULL: not one of ours */
	uint64_t send_errors;
	struct batch aside; /* what the sockets' port gets */
};

static inline struct xdp_port *xdp_of(struct port *p)
{
	return CONTAINER_OF(p, struct xdp_port, port);
}

/* Of the slot, in the table that the kernel forwards by. */
static inline struct xdp_forward *xdp_entry_of(const struct xdp_port *x, uint32_t slot)
{
	return xdp_forwards_entry(x->host->forwards, x->worker * x->slot_count + slot);
}

/* Which queue sends by each interface. */
static void xdp_senders_find(struct xdp_port *x)
{
	for (uint32_t q = x->lane->queue_count; q-- > 0;)
		x->send_by[x->lane->queues[q]->interface] = x->lane->queues[q];
}

/* Sending by a port of AF_XDP sockets around one of kernel sockets. A received payload is sent in
 * its own frame, with new headers before it; only packets that change over (in by one port, out by
 * the other) are copied. */

static bool xdp_lend(struct port *p, struct pkt *out)
{
	struct xdp_port *x = xdp_of(p);
	uint32_t frame;

	if (!xdp_frame_alloc(x->lane, &frame))
		return false;
	out->data = xdp_frame(x->lane, frame) + XDP_FRAME_PAYLOAD;
	return true;
}

/* The next hop of a packet, or why it cannot go this way. */
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
	if (!xdp_frame_alloc(x->lane, &frame))
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

/* Has the kernel send what is queued. */
static void xdp_kick(struct xdp_port *x)
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

static void xdp_tx(struct port *p, struct batch *b)
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
	next_hops_flush(x->next_hops);
}

enum {
	DESTINATIONS_MIN = 256,
	DESTINATIONS_MAX = 65536,
	HOPS_DEFAULT = 64,
};

/*
 * Receiving by a port of AF_XDP sockets around one of kernel sockets.
 *
 * The sockets' port does the sleeping. While a batch gathers, frames wake nobody: they are read
 * afterwards. Only before a real sleep the AF_XDP sockets are put into the epoll that wakes it.
 */

enum {
	SOCKETS_EVERY = 8, /* rounds with frames only, when there are more than fit a batch */
	AHEAD = 4,         /* frames prefetched ahead */
	FETCHED = 256,     /* octets of each: as many as voice has, and all of them are summed */
};

#define NETLINK_EVERY_NS (10 * NS_PER_MS)

struct tally {
	uint32_t in, handed_over, refused[XDP_REFUSALS];
};

static void rx_tally_publish(const struct xdp_metrics *m, const struct tally *t)
{
	if (t->in > 0)
		metric_add(m->in, t->in);
	if (t->handed_over > 0)
		metric_add(m->handed_over, t->handed_over);
	for (uint32_t i = 0; i < XDP_REFUSALS; i++)
		if (UNLIKELY(t->refused[i] > 0))
			metric_add(m->refused[i], t->refused[i]);
}

/* ---- receive ---- */

static void packet_put(struct batch *b, uint8_t *payload, const struct xdp_parcel *of)
{
	struct pkt *p = &b->list[b->count++];

	p->data = payload;
	p->verdict = of->length > PACKET_MAX ? VERDICT_TRUNCATED : VERDICT_NONE;
	p->length = of->length > PACKET_MAX ? PACKET_MAX : of->length;
	p->slot = of->slot;
	p->channel = of->channel;
	p->from = of->from;
	p->tail_sum = of->tail_sum;
	p->tail_known = of->tail_known;
	p->age_us = 0;
}

static enum xdp_refusal xdp_refusal_of(enum frame_fault fault)
{
	return fault == FRAME_CHECKSUM ? XDP_REFUSED_CHECKSUM : XDP_REFUSED_FRAME;
}

/* To the worker with the flow. False: its ring is full. */
static bool xdp_hand_over(struct xdp_port *x, uint32_t to, const struct xdp_parcel *parcel)
{
	return ring_push(&xdp_way_of(x->host, x->worker, to)->parcels, parcel);
}

/* What the frame is: *owner is set, and *refused on false. */
static bool frame_read(struct xdp_port *x, const struct xdp_queue *q, struct bytes in,
		       struct xdp_parcel *out, uint32_t *owner, enum xdp_refusal *refused)
{
	struct frame f;
	struct local who;
	enum frame_fault fault = frame_parse(&f, in);

	*refused = XDP_REFUSED_NO_FLOW;
	if (UNLIKELY(fault != FRAME_FINE)) {
		*refused = xdp_refusal_of(fault);
		return false;
	}
	if (UNLIKELY(f.vlan && !next_hops_has_vlan(x->next_hops, q->interface, f.vlan))) {
		*refused = XDP_REFUSED_VLAN;
		return false;
	}
	if (UNLIKELY(!locals_find(&x->host->locals, &f.to, &who)))
		return false;
	*out = (struct xdp_parcel){ .payload = in.p + f.payload_at,
				    .from = f.from,
				    .slot = who.slot,
				    .frame = xdp_frame_of(x->lane, in.p),
				    .length = f.payload_length,
				    .tail_sum = f.tail_sum,
				    .tail_known = f.tail_known,
				    .channel = who.channel };
	*owner = who.worker;
	return true;
}

static void frame_receive(struct xdp_port *x, const struct xdp_queue *q, const struct xdp_desc *d,
			  struct batch *b, struct tally *t)
{
	uint8_t *start = x->lane->memory + d->addr;
	enum xdp_refusal refused;
	struct xdp_parcel parcel;
	uint32_t owner;

	x->lane->owner_of[xdp_frame_of(x->lane, start)] = 0;
	if (UNLIKELY(!frame_read(x, q, bytes_mem(start, d->len), &parcel, &owner, &refused))) {
		t->refused[refused]++;
	} else if (owner != x->worker) {
		if (xdp_hand_over(x, owner, &parcel)) {
			t->handed_over++;
			return;
		}
		t->refused[XDP_REFUSED_HANDOVER]++;
	} else if (LIKELY(x->slots[parcel.slot].in_use)) {
		t->in++;
		packet_put(b, start + (parcel.payload - start), &parcel);
		return;
	} else {
		t->refused[XDP_REFUSED_NO_FLOW]++;
	}
	xdp_frame_free(x->lane, xdp_frame_of(x->lane, start));
}

static void xdp_frame_fetch(const struct xdp_port *x, const struct xdp_desc *d)
{
	for (uint32_t at = 0; at < FETCHED; at += 64)
		__builtin_prefetch(x->lane->memory + d->addr + at, 1);
}

static void queue_receive(struct xdp_port *x, struct xdp_queue *q, struct batch *b, struct tally *t)
{
	uint32_t at, n = xsk_ring_cons__peek(&q->socket.rx, BATCH_MAX - b->count, &at);

	for (uint32_t i = 0; i < n && i < AHEAD; i++)
		xdp_frame_fetch(x, xsk_ring_cons__rx_desc(&q->socket.rx, at + i));
	for (uint32_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			xdp_frame_fetch(x, xsk_ring_cons__rx_desc(&q->socket.rx, at + i + AHEAD));
		frame_receive(x, q, xsk_ring_cons__rx_desc(&q->socket.rx, at + i), b, t);
	}
	if (n > 0)
		xsk_ring_cons__release(&q->socket.rx, n);
	q->fill_missing += n;
	xdp_lane_refill(x->lane, q); /* also what was missing for want of free frames */
	x->more |= xsk_cons_nb_avail(&q->socket.rx, 1) > 0;
}

/* Another worker's frame: the payload is copied into ours, and the frame returns home. */
static void parcel_receive(struct xdp_port *x, struct xdp_way *way, struct batch *b,
			   struct tally *t)
{
	struct xdp_parcel parcel;
	uint32_t frame = 0;

	if (ring_pop(&way->parcels, &parcel, 1) == 0)
		return;
	if (!x->slots[parcel.slot].in_use) {
		t->refused[XDP_REFUSED_NO_FLOW]++;
	} else if (!xdp_frame_alloc(x->lane, &frame)) {
		t->refused[XDP_REFUSED_HANDOVER]++;
	} else {
		uint8_t *payload = xdp_frame(x->lane, frame) + XDP_FRAME_PAYLOAD;

		if (parcel.length > PACKET_MAX)
			memcpy(payload, parcel.payload, PACKET_MAX);
		else
			memcpy(payload, parcel.payload, parcel.length);
		t->in++;
		packet_put(b, payload, &parcel);
	}
	if (!ring_push(&way->frames, &parcel.frame))
		assert(false); /* it holds more than can be out */
}

static void parcels_receive(struct xdp_port *x, struct batch *b, struct tally *t)
{
	for (uint32_t w = 0; w < x->host->workers; w++) {
		struct xdp_way *way;

		if (w == x->worker)
			continue;
		way = xdp_way_of(x->host, w, x->worker);
		while (b->count < BATCH_MAX && !ring_is_empty(&way->parcels))
			parcel_receive(x, way, b, t);
		x->more |= !ring_is_empty(&way->parcels);
	}
}

/* Our own, returned by the workers they were handed to. */
static void frames_return(struct xdp_port *x)
{
	uint32_t frames[BATCH_MAX];

	for (uint32_t w = 0; w < x->host->workers; w++) {
		uint32_t n;

		if (w == x->worker)
			continue;
		while ((n = ring_pop(&xdp_way_of(x->host, x->worker, w)->frames, frames,
				     BATCH_MAX)) > 0)
			while (n > 0)
				xdp_frame_free(x->lane, frames[--n]);
	}
}

static void xdp_frames_receive(struct xdp_port *x, struct batch *b)
{
	uint32_t count = x->lane->queue_count;
	struct tally t = { 0 };

	x->more = false;
	frames_return(x);
	parcels_receive(x, b, &t);
	for (uint32_t i = 0; i < count; i++) {
		struct xdp_queue *q = x->lane->queues[(x->first_queue + i) % count];

		if (b->count < BATCH_MAX)
			queue_receive(x, q, b, &t);
		else
			x->more |= xsk_cons_nb_avail(&q->socket.rx, 1) > 0;
	}
	x->first_queue++;
	rx_tally_publish(&x->host->metrics, &t);
}

/* ---- sleep ---- */

static bool is_anything_there(const struct xdp_port *x)
{
	for (uint32_t i = 0; i < x->lane->queue_count; i++)
		if (xsk_cons_nb_avail(&x->lane->queues[i]->socket.rx, 1) > 0)
			return true;
	for (uint32_t w = 0; w < x->host->workers; w++)
		if (w != x->worker && !ring_is_empty(&xdp_way_of(x->host, w, x->worker)->parcels))
			return true;
	return false;
}

static void bell_arm(struct xdp_port *x, bool on)
{
	struct epoll_event event = { .events = on ? EPOLLIN : 0 };

	(void)epoll_ctl(x->bell_fd, EPOLL_CTL_MOD, x->frames_fd, &event);
	for (uint32_t w = 0; w < x->host->workers; w++) {
		struct ring *r;

		if (w == x->worker)
			continue;
		r = &xdp_way_of(x->host, w, x->worker)->parcels;
		if (on)
			(void)ring_sleep(r);
		else
			ring_awake(r);
	}
}

/* Armed first, polled then: what comes in between wakes. */
static void idle(struct xdp_port *x, struct batch *b, uint64_t wait_ns)
{
	bell_arm(x, true);
	if (is_anything_there(x))
		wait_ns = 0;
	x->sockets->ops->rx(x->sockets, b, 1, wait_ns);
	bell_arm(x, false);
}

/* Under load the sockets' port is only polled, now and then. */
static void sockets_rx(struct xdp_port *x, struct batch *b, uint32_t want, uint64_t wait_ns)
{
	if (x->more && !x->sockets_due && ++x->rounds < SOCKETS_EVERY) {
		b->now_ns = clock_now_ns();
		return;
	}
	x->rounds = 0;
	x->sockets_due = false;
	if (x->more)
		x->sockets->ops->rx(x->sockets, b, 0, 0);
	else if (want == 1 && wait_ns > 0)
		idle(x, b, wait_ns);
	else
		x->sockets->ops->rx(x->sockets, b, want, wait_ns);
}

/* Replaces a socket after its device has gone. It has frames now, so the program may redirect to
 * it. */
static void rx_queue_renew(struct xdp_port *x, uint32_t at, struct xdp_queue *fresh)
{
	const struct xdp_interface *i = &x->host->interfaces[fresh->interface];
	struct epoll_event event = { .events = EPOLLIN };
	struct xdp_queue *old;
	char why[XDP_WHY_MAX];

	(void)epoll_ctl(x->frames_fd, EPOLL_CTL_DEL, x->lane->queues[at]->socket.fd, NULL);
	old = xdp_lane_swap(x->lane, at, fresh);
	xdp_senders_find(x);
	next_hops_device(x->next_hops, fresh->interface, fresh->ifindex);
	if (epoll_ctl(x->frames_fd, EPOLL_CTL_ADD, fresh->socket.fd, &event) == 0 &&
	    xdp_program_socket(&i->program, fresh->number, fresh->socket.fd, why) == 0)
		metric_add(x->host->metrics.renewed, 1);
	atomic_store_explicit(&x->lane->stale[at], old, memory_order_release);
}

static void rx_queues_renew(struct xdp_port *x)
{
	eventfd_t outcome;

	(void)eventfd_read(x->lane->renew_fd, &outcome);
	for (uint32_t at = 0; at < x->lane->queue_count; at++) {
		struct xdp_queue *fresh;

		if (LIKELY(!atomic_load_explicit(&x->lane->fresh[at], memory_order_relaxed)))
			continue;
		fresh = atomic_exchange_explicit(&x->lane->fresh[at], NULL, memory_order_acq_rel);
		if (fresh)
			rx_queue_renew(x, at, fresh);
	}
}

/* What the kernel dropped before we saw it; of one queue at a time. */
static void rx_losses_count(struct xdp_port *x)
{
	struct xdp_queue *q;
	struct xdp_lost lost;

	if (x->lane->queue_count == 0)
		return;
	q = x->lane->queues[x->asked++ % x->lane->queue_count];
	if (xdp_socket_lost(&q->socket, &lost) != 0)
		return;
	metric_add(x->host->metrics.refused[XDP_REFUSED_NO_FRAME],
		   lost.no_frame - q->lost.no_frame);
	metric_add(x->host->metrics.refused[XDP_REFUSED_RING], lost.ring_full - q->lost.ring_full);
	q->lost = lost;
}

static void rx_heartbeat(const struct xdp_port *x)
{
	if (x->host->forwards)
		xdp_forwards_alive(x->host->forwards, x->worker,
				   clock_to_kernel(x->now_ns) + x->host->alive_ns);
}

static void xdp_rx(struct port *p, struct batch *b, uint32_t want, uint64_t wait_ns)
{
	struct xdp_port *x = xdp_of(p);

	assert(b->count == 0);
	xdp_kick(x); /* what the device had no room for */
	sockets_rx(x, b, want, wait_ns);
	x->now_ns = b->now_ns;
	xdp_lane_reclaim(x->lane);
	xdp_frames_receive(x, b);
	if (x->now_ns - x->netlink_ns >= NETLINK_EVERY_NS) {
		x->netlink_ns = x->now_ns;
		if (UNLIKELY(x->sockets->too_long))
			next_hops_doubt(x->next_hops);
		x->sockets->too_long = false;
		rx_queues_renew(x);
		rx_losses_count(x);
		rx_heartbeat(x);
		next_hops_read(x->next_hops, x->now_ns);
	}
}

/* ---- flows ---- */

static uint8_t option_get(int fd, int level, int name, uint8_t otherwise)
{
	int value = 0;
	socklen_t n = sizeof(value);

	if (getsockopt(fd, level, name, &value, &n) != 0 || value < 0 || value > UINT8_MAX)
		return otherwise;
	return (uint8_t)value;
}

/* What we send looks as if the socket had sent it. */
static void options_get(struct xdp_slot *s, int fd, bool v6)
{
	s->tos = v6 ? option_get(fd, IPPROTO_IPV6, IPV6_TCLASS, 0)
		    : option_get(fd, IPPROTO_IP, IP_TOS, 0);
	s->hops = v6 ? option_get(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, HOPS_DEFAULT)
		     : option_get(fd, IPPROTO_IP, IP_TTL, HOPS_DEFAULT);
}

static bool local_get(const struct xdp_port *x, int fd, struct addr *out)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	return fd >= 0 && getsockname(fd, (struct sockaddr *)&ss, &n) == 0 &&
	       addr_from_sockaddr(out, (const struct sockaddr *)&ss) == 0 &&
	       xdp_host_has(x->host, out);
}

static void channel_add(struct xdp_port *x, uint32_t slot, uint32_t channel, int fd)
{
	const struct local who = { .slot = slot,
				   .channel = (uint8_t)channel,
				   .worker = (uint8_t)x->worker };
	struct xdp_slot *s = &x->slots[slot];
	struct addr local;

	if (!local_get(x, fd, &local))
		return;
	/* of a flow that its worker is about to close: the port is bound to this one already */
	if (locals_add(&x->host->locals, &local, &who) == -EADDRINUSE) {
		locals_del(&x->host->locals, &local);
		if (locals_add(&x->host->locals, &local, &who) != 0)
			return;
	}
	options_get(s, fd, local.family == ADDR_V6);
	s->own_tos = s->tos;
	s->local[channel] = s->own[channel] = local;
	if (!x->host->forwards || channel != CHANNEL_RTP)
		return;
	s->inherited =
		xdp_forwards_claim(x->host->forwards, &local, x->worker * x->slot_count + slot);
	xdp_forwards_point(x->host->forwards, &local, xdp_entry_of(x, slot));
}

static int xdp_flow_add(struct port *p, uint32_t slot, const int fd[CHANNELS])
{
	struct xdp_port *x = xdp_of(p);
	struct xdp_slot *s = &x->slots[slot];
	int err;

	assert(slot < x->slot_count && !s->in_use);
	err = x->sockets->ops->flow_add(x->sockets, slot, fd);
	if (err)
		return err;
	*s = (struct xdp_slot){ .in_use = 1 };
	for (uint32_t c = 0; c < CHANNELS; c++)
		channel_add(x, slot, c, fd[c]);
	return 0;
}

/* Unless another worker's flow has the port by now. */
static void channel_del(struct xdp_port *x, uint32_t slot, const struct addr *local)
{
	struct local who;

	if (local->family && locals_find(&x->host->locals, local, &who) &&
	    who.worker == x->worker && who.slot == slot) {
		locals_del(&x->host->locals, local);
		if (x->host->forwards)
			xdp_forwards_point(x->host->forwards, local, NULL);
	}
}

static void xdp_flow_del(struct port *p, uint32_t slot)
{
	struct xdp_port *x = xdp_of(p);
	struct xdp_slot *s = &x->slots[slot];

	assert(slot < x->slot_count && s->in_use);
	for (uint32_t c = 0; c < CHANNELS; c++)
		channel_del(x, slot, &s->own[c]);
	*s = (struct xdp_slot){ .in_use = 0 };
	x->sockets->ops->flow_del(x->sockets, slot);
}

static int xdp_sockets(struct port *p, uint32_t slot, int fd[CHANNELS])
{
	struct port *sockets = xdp_of(p)->sockets;

	return sockets->ops->sockets(sockets, slot, fd);
}

static int xdp_connect(struct port *p, uint32_t slot, const struct addr *to)
{
	struct xdp_port *x = xdp_of(p);

	return x->sockets->ops->connect(x->sockets, slot, to);
}

/* Heads are ours, so nothing differs for packets but what they are made of. */
static int xdp_send_over(struct port *p, uint32_t slot, uint32_t over, uint8_t dscp)
{
	struct xdp_port *x = xdp_of(p);
	struct xdp_slot *s = &x->slots[slot];
	const struct xdp_slot *by = &x->slots[over];

	for (uint32_t c = 0; c < CHANNELS; c++)
		s->local[c] = by->own[c];
	s->tos = over == slot ? s->own_tos : (uint8_t)(dscp << 2);
	s->hops = by->hops;
	return x->sockets->ops->send_over(x->sockets, slot, over, dscp);
}

static uint64_t xdp_send_errors(struct port *p)
{
	struct xdp_port *x = xdp_of(p);
	uint64_t n = x->send_errors + x->sockets->ops->send_errors(x->sockets);

	x->send_errors = 0;
	return n;
}

static uint32_t xdp_icmp_errors(struct port *p, uint32_t slot)
{
	struct port *sockets = xdp_of(p)->sockets;

	return sockets->ops->icmp_errors(sockets, slot);
}

static bool xdp_waits(const struct xdp_port *x)
{
	bool waits = x->sockets_due;

	for (uint32_t i = 0; i < x->host->interface_count; i++)
		waits |= x->send_by[i] && x->send_by[i]->waits;
	return waits;
}

static struct xdp_forward *xdp_shortcut(struct port *p, uint32_t slot, uint32_t out_slot,
					const struct addr *to, struct xdp_forward_plan *plan)
{
	struct xdp_port *x = xdp_of(p);
	const struct xdp_slot *in = &x->slots[slot], *out = &x->slots[out_slot];
	const struct addr *local = &out->local[CHANNEL_RTP];
	struct next_hop hop;

	if (!x->host->forwards || !in->own[CHANNEL_RTP].family || local->family != to->family ||
	    !next_hop_look(x->next_hops, local, to, x->now_ns, &hop) ||
	    !xdp_host_forwards(x->host, &in->own[CHANNEL_RTP], hop.device))
		return NULL;
	plan->to = &in->own[CHANNEL_RTP];
	plan->out_from = local;
	plan->path = hop.path;
	plan->ifindex = hop.ifindex;
	plan->crosses = x->host->forwards_all;
	plan->mtu = hop.mtu;
	plan->tos = out->tos;
	plan->hops = hop.hops ? hop.hops : out->hops;
	plan->worker = (uint8_t)x->worker;
	plan->id = x->id;
	plan->waits = xdp_waits(x);
	plan->doubtful = hop.doubtful;
	return xdp_entry_of(x, slot);
}

static bool xdp_remains(struct port *p, uint32_t slot, struct port_remains *out)
{
	struct xdp_port *x = xdp_of(p);

	if (!x->host->forwards)
		return false;
	out->entry = xdp_entry_of(x, slot);
	out->kept = xdp_forwards_kept(x->host->forwards, out->entry);
	out->inherited = x->slots[slot].inherited;
	return true;
}

static bool xdp_fault(struct port *p, struct port_fault *out)
{
	struct xdp_port *x = xdp_of(p);

	return x->sockets->ops->fault(x->sockets, out);
}

/* ---- open, close ---- */

static void xdp_free(struct xdp_port *x)
{
	if (x->next_hops)
		next_hops_close(x->next_hops);
	if (x->frames_fd >= 0)
		(void)close(x->frames_fd);
	free(x->slots);
	free(x);
}

static void xdp_port_close(struct port *p)
{
	struct xdp_port *x = xdp_of(p);

	for (uint32_t i = 0; i < x->slot_count; i++)
		if (x->slots[i].in_use)
			xdp_flow_del(p, i);
	x->sockets->ops->close(x->sockets);
	(void)close(x->bell_fd);
	xdp_free(x);
}

static const struct port_ops XDP_OPS = {
	.name = "AF_XDP",
	.flow_add = xdp_flow_add,
	.flow_del = xdp_flow_del,
	.sockets = xdp_sockets,
	.rx = xdp_rx,
	.lend = xdp_lend,
	.tx = xdp_tx,
	.connect = xdp_connect,
	.send_over = xdp_send_over,
	.send_errors = xdp_send_errors,
	.icmp_errors = xdp_icmp_errors,
	.fault = xdp_fault,
	.shortcut = xdp_shortcut,
	.remains = xdp_remains,
	.close = xdp_port_close,
};

static int xdp_watch(int epoll_fd, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int port_xdp_bell(int wake_fd)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd >= 0 && wake_fd >= 0 && xdp_watch(fd, wake_fd, EPOLLIN) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* The frames are in the bell, but make no sound until armed: see idle. */
static int bell_hang(struct xdp_port *x)
{
	int err = xdp_watch(x->bell_fd, x->frames_fd, 0);

	if (!err)
		err = xdp_watch(x->bell_fd, x->lane->renew_fd, EPOLLIN);
	for (uint32_t q = 0; !err && q < x->lane->queue_count; q++)
		err = xdp_watch(x->frames_fd, x->lane->queues[q]->socket.fd, EPOLLIN);
	for (uint32_t w = 0; !err && w < x->host->workers; w++)
		if (w != x->worker)
			err = xdp_watch(x->bell_fd,
					xdp_way_of(x->host, w, x->worker)->parcels.wake_fd,
					EPOLLIN);
	return err;
}

static int next_hops_start(struct xdp_port *x)
{
	struct rand_source rand;
	struct next_hop_settings settings = { .device_count = x->host->interface_count,
					      .destinations = x->slot_count };

	rand_open_system(&rand);
	settings.key = (struct hash_key){ rand_u64_from(&rand), rand_u64_from(&rand) };
	x->id = (uint16_t)rand_u64_from(&rand);
	if (settings.destinations < DESTINATIONS_MIN)
		settings.destinations = DESTINATIONS_MIN;
	if (settings.destinations > DESTINATIONS_MAX)
		settings.destinations = DESTINATIONS_MAX;
	for (uint32_t i = 0; i < settings.device_count; i++)
		settings.ifindex[i] = x->host->interfaces[i].ifindex;
	return next_hops_open(&x->next_hops, &settings);
}

int port_xdp_open(struct port **out, const struct port_settings *settings, struct xdp_host *host,
		  uint32_t worker, struct port *sockets, int bell_fd)
{
	struct xdp_port *x = aligned_alloc(alignof(struct xdp_port), sizeof(*x));
	int err;

	if (!x)
		return -ENOMEM;
	memset(x, 0, sizeof(*x));
	x->port.ops = &XDP_OPS;
	x->sockets = sockets;
	x->host = host;
	x->worker = worker;
	x->lane = &host->lanes[worker];
	x->bell_fd = bell_fd;
	x->slot_count = settings->slots;
	x->slots = calloc(settings->slots, sizeof(*x->slots));
	x->frames_fd = epoll_create1(EPOLL_CLOEXEC);
	err = x->slots ? (x->frames_fd < 0 ? -errno : bell_hang(x)) : -ENOMEM;
	if (!err)
		err = next_hops_start(x);
	if (err) {
		xdp_free(x);
		return err;
	}
	xdp_senders_find(x);
	*out = &x->port;
	return 0;
}
