/* SPDX-License-Identifier: Apache-2.0 */
/* The load's packets by AF_XDP; their latency ends when their batch is received. */
#include <errno.h>
#include <stdalign.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "bench/load/fail.h"
#include "bench/load/wire.h"
#include "engine/port/port_xdp.h"

enum {
	BUFFERS = 4096, /* of the sockets: they send until the way to the server is known */
	GATHER = 2 * BATCH_MAX,
};

struct load_port {
	struct load_wire wire;
	struct port *port;
	struct addr *targets;
	struct batch out, in;
};

static bool address_get(int fd, int (*get)(int, struct sockaddr *, socklen_t *), struct addr *out)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	return get(fd, (struct sockaddr *)&ss, &n) == 0 &&
	       addr_from_sockaddr(out, (const struct sockaddr *)&ss) == 0;
}

static bool network_of(struct port_xdp_network *out, const char *interface, const int *fds,
		       uint32_t count)
{
	struct addr local;

	*out = (struct port_xdp_network){ .range.first = UINT16_MAX };
	if (bytes_cstr(bytes_str(interface), out->interface, sizeof(out->interface)))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!address_get(fds[i], getsockname, &local))
			return false;
		out->range.local = local;
		if (local.port < out->range.first)
			out->range.first = local.port;
		if (local.port > out->range.last)
			out->range.last = local.port;
	}
	return true;
}

static int port_make(struct port **out, const struct port_xdp_network *network, uint32_t count)
{
	const struct port_xdp_settings settings = { .networks = network,
						    .network_count = 1,
						    .workers = 1 };
	struct port_settings sockets = { .slots = count,
					 .buffers = BUFFERS,
					 .wake_fd = port_xdp_bell(-1) };
	struct xdp_host *host;
	struct port *inner;
	char why[XDP_WHY_MAX] = "";
	int err = sockets.wake_fd < 0 ? -errno : xdp_host_open(&host, &settings, why);

	if (!err)
		err = port_uring_open(&inner, &sockets);
	if (!err)
		err = port_xdp_open(out, &sockets, host, 0, inner, sockets.wake_fd);
	if (err)
		(void)fprintf(stderr, "rtpload: AF_XDP: %s: %s\n", strerror(-err), why);
	return err;
}

static bool endpoints_add(struct load_port *l, const int *fds, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const int pair[CHANNELS] = { [CHANNEL_RTP] = fds[i], [CHANNEL_RTCP] = -1 };

		if (!address_get(fds[i], getpeername, &l->targets[i]) ||
		    l->port->ops->flow_add(l->port, i, pair))
			return false;
	}
	return true;
}

static struct load_port *port_of(struct load_wire *w)
{
	return (void *)w;
}

static void port_send(struct load_wire *w, uint32_t index, const uint8_t *p, size_t n)
{
	struct load_port *l = port_of(w);
	struct pkt *pkt = &l->out.list[l->out.count];

	if (!l->port->ops->lend(l->port, pkt)) {
		w->send_errors++;
		return;
	}
	memcpy(pkt->data, p, n);
	pkt->length = (uint16_t)n;
	pkt->slot = pkt->out_slot = index;
	pkt->channel = pkt->out_channel = CHANNEL_RTP;
	pkt->tail_known = 0;
	pkt->verdict = VERDICT_RELAY;
	pkt->to = &l->targets[index];
	if (++l->out.count == BATCH_MAX)
		l->port->ops->tx(l->port, &l->out);
}

static void port_turn(struct load_wire *w, uint64_t wait_ns, load_receive *receive, void *context)
{
	struct load_port *l = port_of(w);
	const struct port_ops *ops = l->port->ops;
	bool more;

	ops->tx(l->port, &l->out);
	do {
		ops->rx(l->port, &l->in, GATHER, wait_ns);
		BATCH_EACH(p, &l->in)
		receive(context, p->slot, p->data, p->length, clock_now_ns());
		more = l->in.count == BATCH_MAX;
		wait_ns = 0;
		ops->tx(l->port, &l->in);
	} while (more);
	w->send_errors += ops->send_errors(l->port);
}

/* NULL: there is none, and it was said why. */
static struct load_port *port_open(const char *interface, const int *fds, uint32_t count)
{
	struct load_port *l = aligned_alloc(alignof(struct load_port), sizeof(*l));
	struct port_xdp_network network;

	if (!l)
		return NULL;
	memset(l, 0, sizeof(*l));
	l->targets = calloc(count, sizeof(*l->targets));
	if (!l->targets || !network_of(&network, interface, fds, count))
		return NULL;
	if (port_make(&l->port, &network, count) || !endpoints_add(l, fds, count))
		return NULL;
	return l;
}

struct load_wire *load_port_open(const char *interface, const int *fds, uint32_t count)
{
	static const struct load_wire_ops ops = { .send = port_send, .turn = port_turn };
	struct load_port *l = port_open(interface, fds, count);

	if (!l)
		load_fail(interface, ENODEV);
	l->wire.ops = &ops;
	return &l->wire;
}
