/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of a port of AF_XDP sockets around one of kernel sockets. Their packets: port_xdp_rx.c, port_xdp_tx.c. */
#include "engine/port/port_xdp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rand.h"
#include "engine/port/xdp_port.h"

enum {
	DESTINATIONS_MIN = 256,
	DESTINATIONS_MAX = 65536,
	HOPS_DEFAULT = 64,
};

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

/* The frames are in the bell, but make no sound until armed: see idle in port_xdp_rx.c. */
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

void xdp_senders_find(struct xdp_port *x)
{
	for (uint32_t q = x->lane->queue_count; q-- > 0;)
		x->send_by[x->lane->queues[q]->interface] = x->lane->queues[q];
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
