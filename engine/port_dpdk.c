/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module behind port_dpdk.h; DPDK is known here only. One device for all workers, each with a receive and a send queue
 * of its own; what arrives at the wrong worker is handed over. Packets stay in the device's buffers: the payload is given
 * to the stages where it lies, and the heads of what is sent are written in front of it.
 *
 * A worker polls as long as full bursts come. Else it naps between two looks, so an idle one costs a percent of a core.
 */
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#undef NS_PER_S /* the same number, of another type */

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rand.h"
#include "engine/locals.h"
#include "engine/neighbour.h"
#include "engine/next_hop.h"
#include "engine/port_dpdk.h"
#include "engine/tap.h"

enum {
	QUEUE_FRAMES = 1024,   /* of each queue of the device */
	HANDOVER_FRAMES = 512, /* on their way to another worker */
	HEADROOM = RTE_PKTMBUF_HEADROOM,
	/* whatever the heads were, PACKET_MAX may be written behind them (SRTP adds to a packet) */
	BUFFER_SIZE = HEADROOM + FRAME_HEAD_MAX + PACKET_MAX + 64,
	BUFFERS_EACH = 4095, /* per worker: two queues, the handover, a batch, the cache */
	CACHE = 256,
	HELD = 2 * BATCH_MAX, /* received and lent ones of a batch */
	POOL_MB_EACH = 16,
	POOL_MB = 32,
	HOPS = 64,
	DESTINATIONS = 1 << 16, /* parties whose route is remembered */
	NAP_US = 100, /* at most so long a frame waits in its queue: 1,000 fit at 10 million/s */
	NAP_IDLE_US = 500,  /* nothing came during the last nap */
	KERNEL_US = 500,    /* the TAP interface has its turn so often */
	ROUTES_MS = 5,      /* and what it says of routes is heard so often */
	KERNEL_FRAMES = 32, /* and so many frames each way: 64,000/s, whatever is flooding */
};

static_assert((int)HEADROOM >= (int)FRAME_HEAD_MAX, "an IPv6 head fits where an IPv4 one was");

/* One end of a flow's socket: us, and the last party that it sent to. One cache line. */
struct end {
	struct addr local;
	struct addr to; /* ADDR_NONE: path is not known */
	struct frame_path path;
	uint8_t tos;
	uint8_t second; /* of the port, when the kernel told the path; 0: it did not */
};

static_assert(sizeof(struct end) == 64, "a cache line");

struct dpdk_slot {
	struct end ends[CHANNELS] CACHE_ALIGNED;
	int fd[CHANNELS];
	bool is_open[CHANNELS]; /* the end is in locals */
	uint8_t in_use;
};

/* What the workers share. EAL starts once in a process, and its devices belong to all threads. */
static struct dpdk_device {
	pthread_mutex_t lock; /* of opening and closing */
	bool eal;
	uint32_t users;
	uint16_t id, queues, mtu;
	struct rte_mempool *pool;
	struct rte_ring *handover[DPDK_WORKERS_MAX];
	struct locals locals;
	struct rte_ether_addr mac;
	uint8_t gateway[FRAME_MAC_LEN];
	int tap_fd;
	uint32_t
		ifindex; /* of the TAP interface, or the kernel's name for the device; 0: it knows none */
} g_device = { .lock = PTHREAD_MUTEX_INITIALIZER, .tap_fd = -1 };

struct dpdk_port {
	struct port port;
	struct dpdk_device *device;
	void (*count)(enum port_dpdk_count what, uint64_t n);
	uint64_t counts[DPDK_COUNTS];
	struct dpdk_slot *slots;
	uint32_t slot_count;
	uint16_t queue;
	uint16_t id; /* of the next IPv4 packet */
	int wake_fd;
	struct next_hops *routes; /* NULL: the kernel has no interface for the device */
	uint8_t second;           /* counts up, but is never 0 */
	uint64_t second_ns;       /* when the next one begins */
	uint64_t now_ns;          /* of the last look */
	uint64_t routes_ns;       /* when the kernel is listened to */
	bool busy;                /* the last look found a full burst */
	bool idle;                /* the last nap brought nothing */
	uint64_t kernel_ns;       /* when the TAP interface has its turn */
	uint32_t kernel_left;     /* frames that it still takes until then */
	uint64_t send_errors;
	struct rte_mbuf *held[HELD]; /* pkt.buffer -> mbuf */
	uint16_t free[HELD];
	uint32_t free_count;
	struct rte_mbuf *out[BATCH_MAX]; /* to be sent */
	uint32_t out_count;
};

static struct dpdk_port *dpdk_of(struct port *p)
{
	return CONTAINER_OF(p, struct dpdk_port, port);
}

static void counts_publish(struct dpdk_port *d)
{
	for (enum port_dpdk_count what = 0; what < DPDK_COUNTS; what++) {
		if (d->counts[what] > 0)
			d->count(what, d->counts[what]);
		d->counts[what] = 0;
	}
}

/* ---- send ---- */

/* What the device does not take now, it will not take in time. */
static void out_flush(struct dpdk_port *d)
{
	uint32_t sent = rte_eth_tx_burst(d->device->id, d->queue, d->out, (uint16_t)d->out_count);

	if (sent < d->out_count) {
		rte_pktmbuf_free_bulk(d->out + sent, d->out_count - sent);
		d->counts[DPDK_DEVICE_FULL] += d->out_count - sent;
	}
	d->out_count = 0;
}

static void out_put(struct dpdk_port *d, struct rte_mbuf *m)
{
	if (d->out_count == BATCH_MAX)
		out_flush(d);
	d->out[d->out_count++] = m;
}

/* The kernel finds its way, cuts what is too long, and asks for the next hop's address on the TAP interface. */
static void by_socket(struct dpdk_port *d, const struct pkt *p)
{
	struct sockaddr_storage to;
	socklen_t n = addr_to_sockaddr(p->to, &to);

	d->counts[DPDK_BY_SOCKET]++;
	if (sendto(d->slots[p->out_slot].fd[p->out_channel], p->data, p->length, MSG_DONTWAIT,
		   (const struct sockaddr *)&to, n) < 0)
		d->send_errors++;
}

static bool mac_is_zero(const uint8_t mac[FRAME_MAC_LEN])
{
	static const uint8_t ZERO[FRAME_MAC_LEN];

	return memcmp(mac, ZERO, FRAME_MAC_LEN) == 0;
}

/* No route is known: what was set for all, else as end_learn finds. */
static bool end_guess(const struct dpdk_device *device, struct end *e, const struct addr *to)
{
	if (addr_eq(&e->to, to))
		return true;
	if (mac_is_zero(device->gateway)) {
		e->to = (struct addr){ 0 }; /* whoever is heard next may tell */
		return false;
	}
	memcpy(e->path.to, device->gateway, FRAME_MAC_LEN);
	memcpy(e->path.from, device->mac.addr_bytes, FRAME_MAC_LEN);
	e->path.vlan = 0;
	e->to = *to;
	return true;
}

/* An ordinary answer is good for a second. */
static bool end_ask(struct dpdk_port *d, struct end *e, const struct addr *to, struct next_hop *hop)
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

/* False: the device is not the way, or it is not known yet. */
static bool end_resolve(struct dpdk_port *d, struct end *e, const struct addr *to,
			struct next_hop *hop)
{
	*hop = (struct next_hop){ .mtu = d->device->mtu };
	if (!d->routes)
		return end_guess(d->device, e, to);
	if (LIKELY(e->second == d->second && addr_eq(&e->to, to)))
		return true;
	return end_ask(d, e, to, hop);
}

static bool fits(const struct pkt *p, uint16_t mtu)
{
	return frame_head_size(p->to->family, 0) - RTE_ETHER_HDR_LEN + p->length <= mtu;
}

/* False: not by the device. */
static bool frame_send(struct dpdk_port *d, const struct pkt *p, struct rte_mbuf *m)
{
	struct end *e = &d->slots[p->out_slot].ends[p->out_channel];
	struct frame_head head = {
		.path = &e->path, .from = &e->local, .to = p->to, .tos = e->tos, .id = d->id
	};
	struct next_hop hop;
	uint8_t *start;

	if (!end_resolve(d, e, p->to, &hop) || !fits(p, hop.mtu))
		return false;
	d->id++;
	head.hops = hop.hops ? hop.hops : HOPS;
	start = frame_write(&head, p->data, p->length);
	m->data_off = (uint16_t)(start - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)(p->data + p->length - start);
	m->pkt_len = m->data_len;
	m->ol_flags = 0;
	out_put(d, m);
	d->counts[DPDK_OUT]++;
	return true;
}

static void pkt_send(struct dpdk_port *d, const struct pkt *p)
{
	struct rte_mbuf *m = d->held[p->buffer];
	bool relays = p->verdict == VERDICT_RELAY;

	d->held[p->buffer] = NULL;
	d->free[d->free_count++] = p->buffer;
	if (relays && frame_send(d, p, m))
		return;
	if (relays)
		by_socket(d, p);
	rte_pktmbuf_free(m);
}

static void dpdk_tx(struct port *p, struct batch *b)
{
	struct dpdk_port *d = dpdk_of(p);

	BATCH_EACH(pkt, b)
	if (pkt->verdict == VERDICT_RELAY)
		__builtin_prefetch(&d->slots[pkt->out_slot].ends[pkt->out_channel], 1);
	BATCH_EACH(pkt, b)
	pkt_send(d, pkt);
	if (d->out_count > 0)
		out_flush(d);
	b->count = 0;
}

/* ---- what is not ours ---- */

static void to_kernel(struct dpdk_port *d, struct rte_mbuf *m)
{
	if (d->kernel_left == 0) {
		d->counts[DPDK_KERNEL_BUSY]++;
	} else {
		d->kernel_left--;
		/* refused: the interface is down, or its queue is full. Either way a wire would lose the frame too. */
		if (write(d->device->tap_fd, rte_pktmbuf_mtod(m, void *), m->data_len) > 0)
			d->counts[DPDK_KERNEL_IN]++;
		else
			d->counts[DPDK_KERNEL_BUSY]++;
	}
	rte_pktmbuf_free(m);
}

static void answer(struct dpdk_port *d, struct rte_mbuf *m)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	size_t n = 0;
	struct addr whose;

	if (neighbour_asks(bytes_mem(frame, m->data_len), &whose) &&
	    locals_has_ip(&d->device->locals, &whose))
		n = neighbour_answer(frame, m->data_len, m->data_len + rte_pktmbuf_tailroom(m),
				     d->device->mac.addr_bytes);
	if (n == 0) {
		d->counts[DPDK_FOREIGN]++;
		rte_pktmbuf_free(m);
		return;
	}
	m->data_len = (uint16_t)n;
	m->pkt_len = m->data_len;
	out_put(d, m);
	d->counts[DPDK_ANSWERED]++;
}

static void foreign(struct dpdk_port *d, struct rte_mbuf *m)
{
	if (d->device->tap_fd < 0)
		answer(d, m);
	else
		to_kernel(d, m);
}

/* False: nothing is there, or no buffer. */
static bool from_kernel_one(struct dpdk_port *d)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(d->device->pool);
	ssize_t n;

	if (!m)
		return false;
	n = read(d->device->tap_fd, rte_pktmbuf_mtod(m, void *), rte_pktmbuf_tailroom(m));
	if (n <= 0) {
		rte_pktmbuf_free(m);
		return false;
	}
	m->data_len = (uint16_t)n;
	m->pkt_len = m->data_len;
	out_put(d, m);
	d->counts[DPDK_KERNEL_OUT]++;
	return true;
}

/* What it tells about routes and neighbours, and what there is to ask. */
static void routes_turn(struct dpdk_port *d, uint64_t now_ns)
{
	if (now_ns >= d->second_ns) {
		d->second_ns = now_ns + NS_PER_S;
		d->second = (uint8_t)(d->second % UINT8_MAX + 1);
	}
	if (!d->routes)
		return;
	next_hops_ask(d->routes);
	if (now_ns < d->routes_ns)
		return;
	d->routes_ns = now_ns + ROUTES_MS * NS_PER_MS;
	next_hops_read(d->routes, now_ns);
}

/* Every so often, and when the kernel woke us. The first worker reads for all. */
static void kernel_turn(struct dpdk_port *d, uint64_t now_ns)
{
	d->kernel_ns = now_ns + KERNEL_US * NS_PER_US;
	d->kernel_left = KERNEL_FRAMES;
	if (d->device->tap_fd >= 0 && d->queue == 0)
		for (uint32_t i = 0; i < KERNEL_FRAMES && from_kernel_one(d); i++)
			continue;
	if (d->out_count > 0)
		out_flush(d);
	routes_turn(d, now_ns);
	counts_publish(d);
}

/* ---- receive ---- */

/* Where the kernel knows no route: how frames come from this party is how they go to it, while its address is that of whom we
 * send to, or we do not know any. A network is symmetric on its last hop, and who can forge MAC addresses there could take ours. */
static void end_learn(struct dpdk_port *d, struct end *e, const struct frame *f,
		      const uint8_t *frame)
{
	if (e->to.family == ADDR_NONE)
		e->to = f->from;
	else if (!addr_eq(&e->to, &f->from))
		return;
	memcpy(e->path.to, frame + FRAME_MAC_LEN, FRAME_MAC_LEN);
	memcpy(e->path.from, d->device->mac.addr_bytes, FRAME_MAC_LEN);
	e->path.vlan = f->vlan;
}

static void pkt_take(struct dpdk_port *d, struct batch *b, struct rte_mbuf *m,
		     const struct frame *f, const struct local *who)
{
	struct pkt *p = &b->list[b->count++];
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);

	if (!d->routes)
		end_learn(d, &d->slots[who->slot].ends[who->channel], f, frame);
	p->data = frame + f->payload_at;
	p->length = f->payload_length;
	p->verdict = VERDICT_NONE;
	if (p->length > PACKET_MAX) {
		p->length = PACKET_MAX;
		p->verdict = VERDICT_TRUNCATED;
	}
	p->buffer = d->free[--d->free_count];
	d->held[p->buffer] = m;
	p->slot = who->slot;
	p->channel = who->channel;
	p->from = f->from;
}

static void hand_over(struct dpdk_port *d, struct rte_mbuf *m, uint8_t worker)
{
	if (rte_ring_enqueue(d->device->handover[worker], m) == 0)
		return;
	d->counts[DPDK_HANDOVER_FULL]++;
	rte_pktmbuf_free(m);
}

static void frame_take(struct dpdk_port *d, struct batch *b, struct rte_mbuf *m)
{
	struct frame f;
	struct local who;

	if (m->nb_segs > 1) {
		d->counts[DPDK_SEGMENTED]++;
		rte_pktmbuf_free(m);
		return;
	}
	if (frame_parse(&f, bytes_mem(rte_pktmbuf_mtod(m, uint8_t *), m->data_len)) != FRAME_FINE ||
	    !locals_find(&d->device->locals, &f.to, &who)) {
		foreign(d, m);
		return;
	}
	if (who.worker != d->queue) {
		hand_over(d, m, who.worker);
		return;
	}
	/* heads that end so late leave no room for what may be written behind them */
	assert(m->data_off + f.payload_at + PACKET_MAX <= m->buf_len);
	pkt_take(d, b, m, &f, &who);
	d->counts[DPDK_IN]++;
}

/* One look: at what other workers gave, then at the queue. */
static void look(struct dpdk_port *d, struct batch *b)
{
	struct rte_mbuf *in[BATCH_MAX];
	uint32_t n, room = BATCH_MAX - b->count;

	n = rte_ring_dequeue_burst(d->device->handover[d->queue], (void **)in, room, NULL);
	n += rte_eth_rx_burst(d->device->id, d->queue, in + n, (uint16_t)(room - n));
	d->busy = n == room;
	for (uint32_t i = 0; i < n; i++)
		__builtin_prefetch(rte_pktmbuf_mtod(in[i], void *));
	for (uint32_t i = 0; i < n; i++)
		frame_take(d, b, in[i]);
}

/* Until somebody calls (true), or the kernel has something to send. */
static bool nap(struct dpdk_port *d, uint64_t ns)
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
			kernel_turn(d, now_ns);
		look(d, b);
		if (b->count >= enough || d->busy || now_ns >= end_ns)
			break;
		if (nap(d, nap_ns < end_ns - now_ns ? nap_ns : end_ns - now_ns))
			end_ns = 0;
		now_ns = clock_now_ns();
		d->idle = b->count == 0;
	}
	if (d->out_count > 0)
		out_flush(d); /* answers to foreign frames */
	b->now_ns = now_ns;
}

static bool dpdk_lend(struct port *p, struct pkt *out)
{
	struct dpdk_port *d = dpdk_of(p);
	struct rte_mbuf *m = d->free_count > 0 ? rte_pktmbuf_alloc(d->device->pool) : NULL;

	if (!m)
		return false;
	out->buffer = d->free[--d->free_count];
	out->data = rte_pktmbuf_mtod(m, uint8_t *);
	d->held[out->buffer] = m;
	return true;
}

/* ---- flows ---- */

static int end_open(struct dpdk_port *d, struct end *e, uint32_t slot, uint8_t channel, int fd)
{
	const struct local who = { .slot = slot, .channel = channel, .worker = (uint8_t)d->queue };
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	int tos = 0, err;

	*e = (struct end){ 0 };
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
	e->tos = (uint8_t)tos;
	return locals_add(&d->device->locals, &e->local, &who);
}

static void ends_close(struct dpdk_port *d, struct dpdk_slot *s)
{
	for (uint32_t c = 0; c < CHANNELS; c++)
		if (s->is_open[c])
			locals_del(&d->device->locals, &s->ends[c].local);
	s->is_open[CHANNEL_RTP] = s->is_open[CHANNEL_RTCP] = false;
}

static int dpdk_flow_add(struct port *p, uint32_t slot, const int fd[CHANNELS])
{
	struct dpdk_port *d = dpdk_of(p);
	struct dpdk_slot *s = &d->slots[slot];
	int err = 0;

	assert(slot < d->slot_count && !s->in_use);
	for (uint8_t c = 0; !err && c < CHANNELS; c++) {
		err = end_open(d, &s->ends[c], slot, c, fd[c]);
		s->is_open[c] = !err && fd[c] >= 0;
	}
	if (err) {
		ends_close(d, s);
		return err;
	}
	memcpy(s->fd, fd, sizeof(s->fd));
	s->in_use = 1;
	return 0;
}

static void dpdk_flow_del(struct port *p, uint32_t slot)
{
	struct dpdk_port *d = dpdk_of(p);
	struct dpdk_slot *s = &d->slots[slot];

	assert(slot < d->slot_count && s->in_use);
	ends_close(d, s);
	for (uint32_t c = 0; c < CHANNELS; c++)
		if (s->fd[c] >= 0)
			(void)close(s->fd[c]);
	s->in_use = 0;
}

/* There is nothing to save: the next hop is known. What comes from elsewhere is refused by the latch. */
static int dpdk_connect(struct port *p, uint32_t slot, const struct addr *to)
{
	(void)p;
	(void)slot;
	(void)to;
	return 0;
}

static bool dpdk_fault(struct port *p, struct port_fault *out)
{
	(void)p;
	(void)out;
	return false;
}

static uint64_t dpdk_send_errors(struct port *p)
{
	struct dpdk_port *d = dpdk_of(p);
	uint64_t n = d->send_errors;

	d->send_errors = 0;
	return n;
}

/* ---- EAL ---- */

static int PRINTF_LIKE(3, 4) refuse(char why[DPDK_TEXT_MAX], int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(why, DPDK_TEXT_MAX, fmt, args);
	va_end(args);
	return err;
}

/* "0000:03:00.0" or "03:00.0", perhaps with parameters after a comma. */
static bool is_pci(const char *device)
{
	size_t address = strcspn(device, ",");
	const char *dot = memchr(device, '.', address);

	return dot && dot > device && memchr(device, ':', (size_t)(dot - device)) != NULL;
}

enum { ARGV_MAX = DPDK_ARGS_MAX + 16, ARGV_TEXT = 8192 };

/* EAL keeps and permutes what it was given. */
struct argv {
	char *list[ARGV_MAX + 1];
	int count;
	char text[ARGV_TEXT];
	size_t used;
};

static void argv_add(struct argv *a, const char *text)
{
	size_t size = strlen(text) + 1;

	assert(a->count < ARGV_MAX && size <= ARGV_TEXT - a->used);
	a->list[a->count++] = memcpy(a->text + a->used, text, size);
	a->used += size;
}

static bool names_cores(const struct port_dpdk_settings *s)
{
	for (uint32_t i = 0; i < s->arg_count; i++)
		if (strncmp(s->args[i], "-l", 2) == 0 || strncmp(s->args[i], "-c", 2) == 0 ||
		    strncmp(s->args[i], "--lcores", 8) == 0)
			return true;
	return false;
}

/* EAL binds its first thread to one core unless told otherwise; where a worker runs is not its business. */
static void argv_add_cores(struct argv *a)
{
	char text[16 + CPU_SETSIZE * 5] = "--lcores=0@(";
	size_t n = strlen(text);
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return;
	for (int cpu = 0; cpu < RTE_MAX_LCORE && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%d,", cpu);
	text[n - 1] = ')';
	argv_add(a, text);
}

/* Memory of no file, so nothing is left of a killed process. */
static void argv_add_memory(struct argv *a, const struct port_dpdk_settings *s)
{
	char text[16];

	if (s->hugepages) {
		argv_add(a, "--in-memory");
		return;
	}
	(void)snprintf(text, sizeof(text), "%u", POOL_MB + POOL_MB_EACH * s->workers);
	argv_add(a, "--no-huge");
	argv_add(a, "--no-shconf");
	argv_add(a, "-m");
	argv_add(a, text);
}

static int eal_start(const struct port_dpdk_settings *s, char why[DPDK_TEXT_MAX])
{
	static struct argv argv; /* EAL's from now on */

	if (g_device.eal)
		return 0;
	for (uint32_t i = 0; i < s->arg_count; i++)
		if (strlen(s->args[i]) >= DPDK_TEXT_MAX / 2)
			return refuse(why, -EINVAL, "argument %u is too long", i + 1);
	if (argv.count > 0)
		return refuse(why, -EIO, "DPDK was started in vain before: restart the node");
	argv_add(&argv, "tandem");
	argv_add(&argv, "--no-telemetry");
	argv_add(&argv, "--log-level=warning");
	argv_add_memory(&argv, s);
	if (!names_cores(s))
		argv_add_cores(&argv);
	argv_add(&argv, is_pci(s->device) ? "-a" : "--no-pci");
	if (is_pci(s->device))
		argv_add(&argv, s->device);
	for (uint32_t i = 0; i < s->arg_count; i++)
		argv_add(&argv, s->args[i]);
	if (rte_eal_init(argv.count, argv.list) < 0)
		return refuse(why, -EIO, "rte_eal_init: %s%s", rte_strerror(rte_errno),
			      s->hugepages ? "; are hugepages there? hugepages: false does without"
					   : "");
	g_device.eal = true;
	return 0;
}

/* ---- the device ---- */

static int device_find(struct dpdk_device *d, const char *text, char why[DPDK_TEXT_MAX])
{
	char name[RTE_ETH_NAME_MAX_LEN];
	int err;

	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, ","), text);
	if (rte_eth_dev_get_port_by_name(name, &d->id) == 0)
		return 0; /* a PCI device that EAL found, or one that somebody made */
	err = rte_dev_probe(text);
	if (err == 0)
		err = rte_eth_dev_get_port_by_name(name, &d->id);
	return err == 0 ? 0 : refuse(why, err, "device %s: %s", name, rte_strerror(-err));
}

static int queues_check(const struct dpdk_device *d, const struct rte_eth_dev_info *info,
			const struct port_dpdk_settings *s, char why[DPDK_TEXT_MAX])
{
	uint32_t most = RTE_MIN(info->max_rx_queues, info->max_tx_queues);

	if (d->queues <= most)
		return 0;
	return refuse(why, -ENOSPC,
		      "device %.*s has %u queues: media.workers must not be more (it is %u)",
		      (int)strcspn(s->device, ","), s->device, most, s->workers);
}

static int queues_open(struct dpdk_device *d)
{
	int err = 0;

	for (uint16_t q = 0; !err && q < d->queues; q++) {
		err = rte_eth_rx_queue_setup(d->id, q, QUEUE_FRAMES, SOCKET_ID_ANY, NULL, d->pool);
		if (!err)
			err = rte_eth_tx_queue_setup(d->id, q, QUEUE_FRAMES, SOCKET_ID_ANY, NULL);
	}
	return err;
}

static int device_configure(struct dpdk_device *d, const struct port_dpdk_settings *s,
			    char why[DPDK_TEXT_MAX])
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	uint16_t frames = QUEUE_FRAMES, frames_tx = QUEUE_FRAMES;
	int err = rte_eth_dev_info_get(d->id, &info);

	d->ifindex = err ? 0 : info.if_index;
	if (!err)
		err = queues_check(d, &info, s, why);
	if (err)
		return err;
	if (d->queues > 1) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf =
			info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP);
		if (conf.rx_adv_conf.rss_conf.rss_hf == 0)
			conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	}
	err = rte_eth_dev_configure(d->id, d->queues, d->queues, &conf);
	if (!err)
		err = rte_eth_dev_adjust_nb_rx_tx_desc(d->id, &frames, &frames_tx);
	if (!err)
		err = queues_open(d);
	if (!err)
		err = rte_eth_dev_start(d->id);
	if (err)
		return refuse(why, err, "device %s: %s", s->device, rte_strerror(-err));
	(void)rte_eth_allmulticast_enable(d->id); /* neighbour discovery; not all devices tell */
	(void)rte_eth_macaddr_get(d->id, &d->mac);
	if (rte_eth_dev_get_mtu(d->id, &d->mtu) != 0 || d->mtu == 0)
		d->mtu = RTE_ETHER_MTU;
	return 0;
}

static int memory_open(struct dpdk_device *d, char why[DPDK_TEXT_MAX])
{
	d->pool = rte_pktmbuf_pool_create("tandem", BUFFERS_EACH * d->queues, CACHE, 0, BUFFER_SIZE,
					  SOCKET_ID_ANY);
	for (uint16_t q = 0; d->pool && q < d->queues; q++) {
		char name[RTE_RING_NAMESIZE];

		(void)snprintf(name, sizeof(name), "tandem-%u", q);
		d->handover[q] =
			rte_ring_create(name, HANDOVER_FRAMES, SOCKET_ID_ANY, RING_F_SC_DEQ);
		if (!d->handover[q])
			return refuse(why, -ENOMEM, "no memory for %s", name);
	}
	return d->pool ? 0
		       : refuse(why, -ENOMEM, "no memory for buffers: %s", rte_strerror(rte_errno));
}

static void handover_free(struct rte_ring *ring)
{
	void *m;

	while (ring && rte_ring_dequeue(ring, &m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(ring);
}

static void device_close(struct dpdk_device *d)
{
	struct rte_eth_dev_info info;

	if (d->tap_fd >= 0)
		(void)close(d->tap_fd);
	d->tap_fd = -1;
	if (d->id != RTE_MAX_ETHPORTS) {
		bool removable = rte_eth_dev_info_get(d->id, &info) == 0;

		(void)rte_eth_dev_stop(d->id);
		(void)rte_eth_dev_close(d->id);
		if (removable)
			(void)rte_dev_remove(info.device);
	}
	for (uint32_t q = 0; q < DPDK_WORKERS_MAX; q++) {
		handover_free(d->handover[q]);
		d->handover[q] = NULL;
	}
	rte_mempool_free(d->pool);
	d->pool = NULL;
	locals_close(&d->locals);
}

static int tap_start(struct dpdk_device *d, const struct port_dpdk_settings *s,
		     char why[DPDK_TEXT_MAX])
{
	int err;

	if (!s->tap || s->tap[0] == '\0')
		return 0;
	err = tap_open(s->tap, d->mac.addr_bytes, d->mtu, &d->tap_fd);
	if (err)
		d->tap_fd = -1;
	else
		d->ifindex = if_nametoindex(s->tap);
	return err ? refuse(why, err, "TAP interface %s: %s%s", s->tap, strerror(-err),
			    err == -EPERM ? " (it needs CAP_NET_ADMIN)" : "")
		   : 0;
}

static int device_open(struct dpdk_device *d, const struct port_dpdk_settings *s,
		       char why[DPDK_TEXT_MAX])
{
	int err = eal_start(s, why);

	if (err)
		return err;
	d->queues = (uint16_t)s->workers;
	d->id = RTE_MAX_ETHPORTS;
	memcpy(d->gateway, s->gateway, sizeof(d->gateway));
	locals_open(&d->locals);
	err = memory_open(d, why);
	if (!err)
		err = device_find(d, s->device, why);
	if (!err)
		err = device_configure(d, s, why);
	if (!err)
		err = tap_start(d, s, why);
	if (err)
		device_close(d);
	return err;
}

/* The first worker opens it, the last one closes it. */
static int device_join(struct dpdk_device *d, const struct port_dpdk_settings *s,
		       char why[DPDK_TEXT_MAX])
{
	int err = 0;

	(void)pthread_mutex_lock(&d->lock);
	if (d->users == 0)
		err = s->worker == 0 ? device_open(d, s, why)
				     : refuse(why, -EINVAL, "the first worker has not opened it");
	d->users += err == 0;
	(void)pthread_mutex_unlock(&d->lock);
	return err;
}

static void device_leave(struct dpdk_device *d)
{
	(void)pthread_mutex_lock(&d->lock);
	if (--d->users == 0)
		device_close(d);
	(void)pthread_mutex_unlock(&d->lock);
}

/* ---- the port ---- */

static void dpdk_close(struct port *p)
{
	struct dpdk_port *d = dpdk_of(p);

	for (uint32_t i = 0; i < d->slot_count; i++)
		if (d->slots[i].in_use)
			dpdk_flow_del(p, i);
	for (uint32_t i = 0; i < HELD; i++)
		rte_pktmbuf_free(d->held[i]);
	counts_publish(d);
	if (d->routes)
		next_hops_close(d->routes);
	device_leave(d->device);
	free(d->slots);
	free(d);
}

static const struct port_ops OPS = {
	.name = "dpdk",
	.flow_add = dpdk_flow_add,
	.flow_del = dpdk_flow_del,
	.rx = dpdk_rx,
	.lend = dpdk_lend,
	.tx = dpdk_tx,
	.connect = dpdk_connect,
	.send_errors = dpdk_send_errors,
	.fault = dpdk_fault,
	.close = dpdk_close,
};

static struct dpdk_slot *slots_take(uint32_t count)
{
	struct dpdk_slot *s = aligned_alloc(alignof(struct dpdk_slot), count * sizeof(*s));

	if (s)
		memset(s, 0, count * sizeof(*s));
	return s;
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
	struct dpdk_port *d = calloc(1, sizeof(*d));
	int err;

	assert(s->worker < s->workers && s->workers <= DPDK_WORKERS_MAX);
	if (d)
		d->slots = slots_take(settings->slots);
	err = d && d->slots ? device_join(&g_device, s, why) : refuse(why, -ENOMEM, "no memory");
	if (err) {
		free(d ? d->slots : NULL);
		free(d);
		return err;
	}
	thread_register();
	d->port.ops = &OPS;
	d->device = &g_device;
	d->count = s->count;
	d->slot_count = settings->slots;
	d->queue = (uint16_t)s->worker;
	d->wake_fd = settings->wake_fd;
	while (d->free_count < HELD) {
		d->free[d->free_count] = (uint16_t)(HELD - 1 - d->free_count);
		d->free_count++;
	}
	err = routes_open(d);
	if (err) {
		dpdk_close(&d->port);
		return refuse(why, err, "routes: %s", strerror(-err));
	}
	*out = &d->port;
	return 0;
}
