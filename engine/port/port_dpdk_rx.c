/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets that come. They stay in the device's buffers: the payload is given to the stages where it lies.
 *
 * A worker polls as long as full bursts come. Else it naps between two looks, so an idle one costs a percent of a core.
 */
#include <poll.h>
#include <string.h>

#include "engine/net/frame.h"
#include "engine/port/dpdk_port.h"

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

/* Where the kernel knows no route: how frames come from this party is how they go to it, while its address is that of whom we
 * send to, or we do not know any. A network is symmetric on its last hop, and who can forge MAC addresses there could take ours. */
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

static void dpdk_pkt_take(struct dpdk_port *d, struct batch *b, struct rte_mbuf *m,
			  const struct frame *f, const struct local *who)
{
	struct pkt *p = &b->list[b->count++];
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);

	if (!d->routes)
		end_learn(d, &d->slots[who->slot].ends[who->channel], &f->from, f->vlan, frame);
	p->data = frame + f->payload_at;
	p->length = f->payload_length;
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
static ALWAYS_INLINE bool ordinary_take(struct dpdk_port *d, struct batch *b, struct rte_mbuf *m)
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
NOINLINE void frame_take(struct dpdk_port *d, struct batch *b, struct rte_mbuf *m)
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
	dpdk_pkt_take(d, b, m, &f, &who);
}

/* As much of a frame as voice has; all of it is summed. */
static void dpdk_frame_fetch(const struct rte_mbuf *m)
{
	const char *frame = rte_pktmbuf_mtod(m, const char *);

	for (uint32_t at = 0; at < FETCHED; at += RTE_CACHE_LINE_SIZE)
		__builtin_prefetch(frame + at, 1);
}

static ALWAYS_INLINE void frames_take_inline(struct dpdk_port *d, struct batch *b,
					     struct rte_mbuf *const *in, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		__builtin_prefetch(in[i], 1);
	for (uint32_t i = 0; i < n && i < AHEAD; i++)
		dpdk_frame_fetch(in[i]);
	for (uint32_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			dpdk_frame_fetch(in[i + AHEAD]);
		if (UNLIKELY(!ordinary_take(d, b, in[i])))
			frame_take(d, b, in[i]);
	}
}

#ifdef __x86_64__
FOR_CPU("avx2")
static NOINLINE void frames_take_avx2(struct dpdk_port *d, struct batch *b,
				      struct rte_mbuf *const *in, uint32_t n)
{
	frames_take_inline(d, b, in, n);
}
#endif

static NOINLINE void frames_take_any(struct dpdk_port *d, struct batch *b,
				     struct rte_mbuf *const *in, uint32_t n)
{
	frames_take_inline(d, b, in, n);
}

/* All of it for the CPU at hand, so that sums are made in place. */
static void dpdk_frames_take(struct dpdk_port *d, struct batch *b, struct rte_mbuf *const *in,
			     uint32_t n)
{
#ifdef __x86_64__
	if (LIKELY(__builtin_cpu_supports("avx2"))) {
		frames_take_avx2(d, b, in, n);
		return;
	}
#endif
	frames_take_any(d, b, in, n);
}

/* One look: at what other workers gave, then at the queue. */
static void batch_look(struct dpdk_port *d, struct batch *b)
{
	struct rte_mbuf *in[BATCH_MAX];
	uint32_t n, before = b->count, room = BATCH_MAX - before;

	n = rte_ring_dequeue_burst(d->device->handover[d->queue], (void **)in, room, NULL);
	n += rte_eth_rx_burst(d->device->id, d->queue, in + n, (uint16_t)(room - n));
	d->busy = n == room;
	dpdk_frames_take(d, b, in, n);
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

/* Until somebody calls (true), or the kernel has something to send. */
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

void dpdk_rx(struct port *p, struct batch *b, uint32_t want, uint64_t wait_ns)
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

bool dpdk_lend(struct port *p, struct pkt *out)
{
	struct dpdk_port *d = dpdk_of(p);
	struct rte_mbuf *m = d->held_count < DPDK_HELD ? rte_pktmbuf_alloc(d->device->pool) : NULL;

	if (!m)
		return false;
	out->buffer = mbuf_hold(d, m);
	out->data = rte_pktmbuf_mtod(m, uint8_t *);
	return true;
}
