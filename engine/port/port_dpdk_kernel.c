/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that are none of our flows: the kernel has them by its TAP interface, or they are answered here. */
#include <unistd.h>

#include "engine/net/neighbour.h"
#include "engine/port/dpdk_port.h"

enum {
	KERNEL_US = 500,    /* it has its turn so often */
	ROUTES_MS = 5,      /* and what it says of routes is heard so often */
	KERNEL_FRAMES = 32, /* and so many frames each way: 64,000/s, whatever is flooding */
};

void dpdk_counts_publish(struct dpdk_port *d)
{
	for (enum port_dpdk_count what = 0; what < DPDK_COUNTS; what++) {
		if (d->counts[what] > 0)
			d->count(what, d->counts[what]);
		d->counts[what] = 0;
	}
}

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

static void kernel_neighbour_answer(struct dpdk_port *d, struct rte_mbuf *m)
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
	dpdk_out_put(d, m);
	d->counts[DPDK_ANSWERED]++;
}

void dpdk_foreign(struct dpdk_port *d, struct rte_mbuf *m)
{
	if (d->device->tap_fd < 0)
		kernel_neighbour_answer(d, m);
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
	dpdk_out_put(d, m);
	d->counts[DPDK_KERNEL_OUT]++;
	return true;
}

static void missed_read(struct dpdk_port *d)
{
	struct rte_eth_stats stats;

	if (rte_eth_stats_get(d->device->id, &stats) != 0)
		return;
	if (stats.imissed > d->device->missed)
		d->counts[DPDK_MISSED] += stats.imissed - d->device->missed;
	d->device->missed = stats.imissed;
}

/* What it tells about routes and neighbours, and what there is to ask. */
static void routes_turn(struct dpdk_port *d, uint64_t now_ns)
{
	if (now_ns >= d->second_ns) {
		d->second_ns = now_ns + NS_PER_S;
		d->second = (uint8_t)(d->second % UINT8_MAX + 1);
		if (d->queue == 0)
			missed_read(d);
	}
	if (!d->routes)
		return;
	next_hops_ask(d->routes);
	if (now_ns < d->routes_ns)
		return;
	d->routes_ns = now_ns + ROUTES_MS * NS_PER_MS;
	if (UNLIKELY(d->sockets->too_long))
		next_hops_doubt(d->routes);
	d->sockets->too_long = false;
	next_hops_read(d->routes, now_ns);
}

/* Every so often, and when the kernel woke us. The first worker reads for all. */
void dpdk_kernel_turn(struct dpdk_port *d, uint64_t now_ns)
{
	d->kernel_ns = now_ns + KERNEL_US * NS_PER_US;
	d->kernel_left = KERNEL_FRAMES;
	if (d->device->tap_fd >= 0 && d->queue == 0)
		for (uint32_t i = 0; i < KERNEL_FRAMES && from_kernel_one(d); i++)
			continue;
	if (d->out_count > 0)
		dpdk_out_flush(d);
	routes_turn(d, now_ns);
	dpdk_counts_publish(d);
}
