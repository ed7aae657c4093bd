/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module behind port_dpdk.h: one device for all workers, each with a receive and a send queue of its own; what arrives at
 * the wrong worker is handed over.
 */
#include <errno.h>
#include <rte_lcore.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rand.h"
#include "engine/port/dpdk_port.h"

enum { DESTINATIONS = 1 << 16 }; /* parties whose route is remembered */

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

/* The flow's sockets have few of its packets. Of devices that the kernel has as well (net_af_packet, net_pcap) a connected one would get all
 * the others too, past the reverse path filter: UDP's early demultiplexing asks no route again for a connected socket. */
static int dpdk_connect(struct port *p, uint32_t slot, const struct addr *to)
{
	(void)p;
	(void)slot;
	(void)to;
	return 0;
}

/* Without routes an end learns its path from what it receives, and this one would receive nothing. */
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

static struct dpdk_slot *slots_take(uint32_t count)
{
	struct dpdk_slot *s = aligned_alloc(alignof(struct dpdk_slot), count * sizeof(*s));

	if (s)
		memset(s, 0, count * sizeof(*s));
	return s;
}

static struct dpdk_port *dpdk_port_take(void)
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
	struct dpdk_port *d = dpdk_port_take();
	int err;

	assert(s->worker < s->workers && s->workers <= DPDK_WORKERS_MAX);
	if (d)
		d->slots = slots_take(settings->slots);
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
