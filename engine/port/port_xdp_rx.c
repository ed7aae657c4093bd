/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets that come to a port of AF_XDP sockets around one of kernel sockets.
 *
 * Sleeping is left to the sockets' port. While a batch gathers, frames wake nobody: they are looked at afterwards. Only when
 * there is nothing at all to do the AF_XDP sockets are put into the bell that wakes it.
 */
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "engine/port/xdp_port.h"

enum {
	SOCKETS_EVERY = 8, /* rounds of frames alone, when there are more than fit a batch */
	AHEAD = 4,         /* frames whose octets are on their way to the cache */
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
}

static enum xdp_refusal xdp_refusal_of(enum frame_fault fault)
{
	return fault == FRAME_CHECKSUM ? XDP_REFUSED_CHECKSUM : XDP_REFUSED_FRAME;
}

/* To the worker whose flow it is. False: its ring is full. */
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

static void frame_take(struct xdp_port *x, const struct xdp_queue *q, const struct xdp_desc *d,
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

static void queue_take(struct xdp_port *x, struct xdp_queue *q, struct batch *b, struct tally *t)
{
	uint32_t at, n = xsk_ring_cons__peek(&q->socket.rx, BATCH_MAX - b->count, &at);

	for (uint32_t i = 0; i < n && i < AHEAD; i++)
		xdp_frame_fetch(x, xsk_ring_cons__rx_desc(&q->socket.rx, at + i));
	for (uint32_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			xdp_frame_fetch(x, xsk_ring_cons__rx_desc(&q->socket.rx, at + i + AHEAD));
		frame_take(x, q, xsk_ring_cons__rx_desc(&q->socket.rx, at + i), b, t);
	}
	if (n > 0)
		xsk_ring_cons__release(&q->socket.rx, n);
	q->fill_missing += n;
	xdp_lane_refill(x->lane, q); /* also what was missing for want of free frames */
	x->more |= xsk_cons_nb_avail(&q->socket.rx, 1) > 0;
}

/* Another worker's frame: its payload is copied, so that from here on all of the batch is ours, and it goes home. */
static void parcel_take(struct xdp_port *x, struct xdp_way *way, struct batch *b, struct tally *t)
{
	struct xdp_parcel parcel;
	uint32_t frame = 0;

	if (ring_pop(&way->parcels, &parcel, 1) == 0)
		return;
	if (!x->slots[parcel.slot].in_use) {
		t->refused[XDP_REFUSED_NO_FLOW]++;
	} else if (!xdp_frame_take(x->lane, &frame)) {
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

static void parcels_take(struct xdp_port *x, struct batch *b, struct tally *t)
{
	for (uint32_t w = 0; w < x->host->workers; w++) {
		struct xdp_way *way;

		if (w == x->worker)
			continue;
		way = xdp_way_of(x->host, w, x->worker);
		while (b->count < BATCH_MAX && !ring_is_empty(&way->parcels))
			parcel_take(x, way, b, t);
		x->more |= !ring_is_empty(&way->parcels);
	}
}

/* Our own, back from the workers to whom they were handed. */
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

static void xdp_frames_take(struct xdp_port *x, struct batch *b)
{
	uint32_t count = x->lane->queue_count;
	struct tally t = { 0 };

	x->more = false;
	frames_return(x);
	parcels_take(x, b, &t);
	for (uint32_t i = 0; i < count; i++) {
		struct xdp_queue *q = x->lane->queues[(x->first_queue + i) % count];

		if (b->count < BATCH_MAX)
			queue_take(x, q, b, &t);
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

/* Armed first, looked at then: what comes in between rings. */
static void idle(struct xdp_port *x, struct batch *b, uint64_t wait_ns)
{
	bell_arm(x, true);
	if (is_anything_there(x))
		wait_ns = 0;
	x->sockets->ops->rx(x->sockets, b, 1, wait_ns);
	bell_arm(x, false);
}

/* Under load the sockets' port is only looked at, now and then. */
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

/* In the place of a socket whose device is gone. Only from here on the program gives it packets: it has frames for them. */
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
	eventfd_t news;

	(void)eventfd_read(x->lane->renew_fd, &news);
	for (uint32_t at = 0; at < x->lane->queue_count; at++) {
		struct xdp_queue *fresh;

		if (LIKELY(!atomic_load_explicit(&x->lane->fresh[at], memory_order_relaxed)))
			continue;
		fresh = atomic_exchange_explicit(&x->lane->fresh[at], NULL, memory_order_acq_rel);
		if (fresh)
			rx_queue_renew(x, at, fresh);
	}
}

/* What the kernel dropped before anybody here saw it; of one queue at a time. */
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

void xdp_rx(struct port *p, struct batch *b, uint32_t want, uint64_t wait_ns)
{
	struct xdp_port *x = xdp_of(p);

	assert(b->count == 0);
	xdp_kick(x); /* what the device had no room for */
	sockets_rx(x, b, want, wait_ns);
	x->now_ns = b->now_ns;
	xdp_lane_reclaim(x->lane);
	xdp_frames_take(x, b);
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
