/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chooses and opens the port of each worker (io_uring, epoll, AF_XDP or DPDK), and binds the
 * sockets of flows for control. It has all socket options of media: DSCP, SO_REUSEPORT for taking
 * over from a killed process, binding before an address arrives, receive buffers. Privileged steps
 * happen in port_choose, on the main thread, before the workers start without them. If io_uring is
 * forbidden, epoll is used unless io_uring was asked for.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/module.h"
#include "base/privilege.h"
#include "engine/engine.h"
#include "engine/net/host_udp.h"
#include "engine/port/port.h"
#include "engine/port/port_dpdk.h"
#include "engine/port/xdp_host.h"
#include "engine/port_open.h"

/* What is done to a flow's sockets but sending and receiving. */

enum {
	/* Many calls share it: 20 ms of 10,000 packets a second are 0.4 MB to the kernel. */
	SHARED_ROOM = 4 << 20
};

/* Refusals are not errors: a packet without its DSCP, or fragmented, is better than no packet. */
static void options_set(int fd, uint8_t family, uint8_t dscp)
{
	int v6 = family == ADDR_V6;
	int tos = dscp << 2;
	int fragment = v6 ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_DONT;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;

	(void)setsockopt(fd, level, v6 ? IPV6_TCLASS : IP_TOS, &tos, sizeof(tos));
	(void)setsockopt(fd, level, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &fragment,
			 sizeof(fragment));
	if (v6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6, sizeof(v6));
	icmp_listen(fd, v6);
}

/* The kernel takes the io_uring of a killed process apart after its exit, and the sockets in it
 * stay bound meanwhile. The next process may bind the same ports beside them if both have
 * SO_REUSEPORT (and one user). Set only after the bind it does not hide that a port is in use. The
 * socket that is connected to a party gets its packets: the newest, of two. */
static void port_share(int fd)
{
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

enum bind_way {
	BIND_ALONE,
	BIND_AGAIN, /* beside those of a process that is gone */
	BIND_EARLY, /* of an address that comes later */
};

/* Until it is there nothing comes in, and nothing leaves. */
static void address_awaited(int fd, uint8_t family)
{
	int on = 1;

	if (family == ADDR_V6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
}

/* Blocking on purpose: a multishot receive of io_uring does not wait on a non-blocking socket. */
static int socket_bind(const struct addr *local, uint8_t dscp, enum bind_way way, int *out)
{
	struct sockaddr_storage ss;
	int family = local->family == ADDR_V6 ? AF_INET6 : AF_INET;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	options_set(fd, local->family, dscp);
	if (way == BIND_AGAIN)
		port_share(fd);
	if (way == BIND_EARLY)
		address_awaited(fd, local->family);
	if (bind(fd, (const struct sockaddr *)&ss, addr_to_sockaddr(local, &ss)) != 0) {
		int err = -errno;

		(void)close(fd);
		return err;
	}
	port_share(fd);
	*out = fd;
	return 0;
}

static int pair_bind(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp,
		     enum bind_way way, int *rtp_fd, int *rtcp_fd)
{
	int fd = -1;
	int err = socket_bind(rtp, dscp, way, &fd);

	if (err)
		return err;
	*rtcp_fd = -1;
	if (rtcp->family != ADDR_NONE)
		err = socket_bind(rtcp, dscp, way, rtcp_fd);
	if (err) {
		(void)close(fd);
		return err;
	}
	*rtp_fd = fd;
	return 0;
}

enum { DROPPED_AT_ONCE = 64 };

/* All that is there now: no more than its buffer takes, some hundred packets. */
static void stale_drop(int fd)
{
	struct mmsghdr list[DROPPED_AT_ONCE] = { 0 };

	for (int i = 0; i < DROPPED_AT_ONCE; i++) {
		if (recvmmsg(fd, list, DROPPED_AT_ONCE, MSG_DONTWAIT | MSG_TRUNC, NULL) <
		    DROPPED_AT_ONCE)
			return;
	}
}

static void bound_before(int fd, uint8_t family, uint8_t dscp, bool stale)
{
	(void)!port_socket_connect(fd, NULL);
	(void)fcntl(fd, F_SETFL, 0); /* of epoll's it is O_NONBLOCK */
	options_set(fd, family, dscp);
	if (stale)
		stale_drop(fd);
}

void engine_bound_before(int rtp_fd, int rtcp_fd, uint8_t family, uint8_t dscp, bool stale)
{
	bound_before(rtp_fd, family, dscp, stale);
	if (rtcp_fd >= 0)
		bound_before(rtcp_fd, family, dscp, stale);
}

/* Of two sockets bound side by side the second, newer one gets all packets. */
static void reuseport_to_newest(int fd)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, 1) };
	const struct sock_fprog program = { .len = 1, .filter = code };

	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program));
}

static void room_set(int fd, struct engine_room *out)
{
	int room = SHARED_ROOM;
	socklen_t n = sizeof(room);

	*out = (struct engine_room){ .asked = SHARED_ROOM };
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, n);
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, &n) == 0)
		out->granted = (uint32_t)room / 2; /* the kernel doubles it, for its own use */
}

int engine_bind_shared(const struct addr *local, uint8_t dscp, bool again, int *fd,
		       struct engine_room *room)
{
	int err = socket_bind(local, dscp, again ? BIND_AGAIN : BIND_ALONE, fd);

	if (err)
		return err;
	reuseport_to_newest(*fd);
	room_set(*fd, room);
	return 0;
}

int engine_bind(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp, int *rtp_fd,
		int *rtcp_fd)
{
	return pair_bind(rtp, rtcp, dscp, BIND_ALONE, rtp_fd, rtcp_fd);
}

int engine_bind_again(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp, int *rtp_fd,
		      int *rtcp_fd)
{
	return pair_bind(rtp, rtcp, dscp, BIND_AGAIN, rtp_fd, rtcp_fd);
}

int engine_prebind(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp, int *rtp_fd,
		   int *rtcp_fd)
{
	return pair_bind(rtp, rtcp, dscp, BIND_EARLY, rtp_fd, rtcp_fd);
}

static metric_id g_metrics[DPDK_COUNTS]; /* metrics are global too */

static const char *port_dpdk_count_name(enum port_dpdk_count what)
{
	static const char *const NAMES[DPDK_COUNTS] = {
		[DPDK_IN] = "in",
		[DPDK_OUT] = "out",
		[DPDK_KERNEL_IN] = "kernel_in",
		[DPDK_KERNEL_OUT] = "kernel_out",
		[DPDK_SOCKET_IN] = "socket_in",
		[DPDK_ANSWERED] = "answered",
		[DPDK_BY_SOCKET] = "by_socket",
		[DPDK_FOREIGN] = "foreign",
		[DPDK_KERNEL_BUSY] = "kernel_busy",
		[DPDK_SEGMENTED] = "segmented",
		[DPDK_HANDOVER_FULL] = "handover_full",
		[DPDK_DEVICE_FULL] = "device_full",
		[DPDK_MISSED] = "missed",
	};

	return NAMES[what];
}

static void dpdk_metrics_register(void)
{
	static char labels[DPDK_COUNTS][40]; /* they must outlive the program */

	for (enum port_dpdk_count what = 0; what < DPDK_COUNTS; what++) {
		(void)snprintf(labels[what], sizeof(labels[what]), "what=\"%s\"",
			       port_dpdk_count_name(what));
		g_metrics[what] =
			metric_register(METRIC_COUNTER, "tandem_media_dpdk_frames_total",
					labels[what],
					"Frames of the DPDK device, and what became of them");
	}
}

/* Adds to the metrics; for port_dpdk_settings.count. */
static void port_dpdk_metric(enum port_dpdk_count what, uint64_t n)
{
	metric_add(g_metrics[what], n);
}

port_dpdk_open_fn *port_dpdk_load(char why[DPDK_TEXT_MAX])
{
	static const struct module MODULE = { .file = PORT_DPDK_MODULE,
					      .folder = "engine",
					      .symbol = PORT_DPDK_SYMBOL,
					      .needs = "DPDK" };
	void *symbol = module_load(&MODULE, why);
	port_dpdk_open_fn *open = NULL;

	static_assert((int)DPDK_TEXT_MAX == (int)MODULE_TEXT_MAX, "one text");
	static_assert(sizeof(symbol) == sizeof(open), "POSIX says so of dlsym");
	memcpy(&open, &symbol, sizeof(open));
	if (open)
		dpdk_metrics_register();
	return open;
}

enum {
	/* Packets held at once. The rest waits in the sockets, and so few stay in the cache. */
	BUFFERS = 1024,
};

static int dpdk_choose(struct port_choice *out, const struct engine_settings *settings)
{
	char why[DPDK_TEXT_MAX];

	assert(settings->dpdk);
	out->dpdk = port_dpdk_load(why);
	if (out->dpdk)
		return 0;
	LOG_ERROR("media", 0, "cannot load DPDK", LOG_STR("error", why));
	return -ENOSYS;
}

/* What needs privileges is done here, and the workers start without them. */
static int xdp_choose(struct port_choice *out, const struct engine_settings *settings)
{
	uint32_t slots = settings->slots + settings->shared_ports;
	/* the program takes the kernel's time, which may not be ours where a test makes it run */
	bool forwards = settings->xdp_forward != ENGINE_FORWARD_OFF &&
			clock_to_kernel(NS_PER_S) == NS_PER_S;
	const struct port_xdp_settings xdp = { .networks = settings->xdp_networks,
					       .network_count = settings->xdp_network_count,
					       .workers = settings->workers,
					       .guard = settings->guard,
					       .validity = settings->validity,
					       .left = settings->left,
					       .kept_version = settings->kept_version,
					       .alive_ns = settings->xdp_forward_alive_ns,
					       .forwards_all =
						       settings->xdp_forward == ENGINE_FORWARD_ON,
					       .forwards =
						       forwards ? settings->workers * slots : 0 };
	char why[XDP_WHY_MAX];
	int err = xdp_host_open(&out->xdp, &xdp, why);

	if (err) {
		LOG_ERROR("media", 0, "cannot use AF_XDP", LOG_STR("error", why));
		return err;
	}
	privilege_drop();
	return 0;
}

int port_choose(struct port_choice *out, const struct engine_settings *settings)
{
	*out = (struct port_choice){ .settings = settings };
	switch (settings->port) {
	case ENGINE_PORT_AUTO:
	case ENGINE_PORT_URING:
	case ENGINE_PORT_EPOLL:
		if (geteuid() != 0) /* what others of the process needed is done */
			privilege_drop_to_memory();
		break;
	case ENGINE_PORT_DPDK:
		return dpdk_choose(out, settings);
	case ENGINE_PORT_XDP:
		return xdp_choose(out, settings);
	}
	return 0;
}

/* The first worker opens a DPDK device: the starting thread keeps the privileges for it until
 * then. */
void port_choice_opened(const struct port_choice *c)
{
	char names[128];

	if (!c->dpdk)
		return;
	privilege_drop();
	if (privilege_holders(names, sizeof(names)) > 0)
		LOG_WARN("media", 0,
			 "threads of the DPDK device's driver keep the privileges they began with",
			 LOG_STR("threads", names));
}

void port_choice_remains(const struct port_choice *c, struct remains *out)
{
	*out = (struct remains){ .fd_count = 0 };
	if (c->xdp)
		xdp_remains_of(c->xdp, out);
}

uint32_t port_choice_remains_change(const struct port_choice *c)
{
	return c->xdp ? atomic_load_explicit(&c->xdp->link_change, memory_order_acquire) : 0;
}

void port_choice_close(struct port_choice *c)
{
	if (c->xdp)
		xdp_host_close(c->xdp);
	c->xdp = NULL;
}

/* -ENOSYS: not allowed here. */
static int uring_port_open(struct port **out, const struct port_settings *settings, bool wanted)
{
	int err = port_uring_open(out, settings);

	if (err == -ENOSYS && wanted)
		LOG_ERROR("media", 0,
			  "io_uring is not allowed here: needs Linux 6.1, sysctl "
			  "kernel.io_uring_disabled=0 "
			  "and a seccomp profile that lets io_uring_setup pass");
	return err;
}

static int socket_port_open(struct port **out, const struct port_settings *settings)
{
	int err = uring_port_open(out, settings, false);

	return err == -ENOSYS ? port_epoll_open(out, settings) : err;
}

static void dpdk_on_log(const char *line)
{
	LOG_WARN("media", 0, "DPDK says", LOG_STR("text", line));
}

/* Around a port of sockets, which it looks at now and then. */
static int dpdk_open(struct port **out, const struct port_choice *c,
		     const struct port_settings *settings, uint32_t worker)
{
	struct port_dpdk_settings dpdk = *c->settings->dpdk;
	struct port_settings inner = *settings;
	char why[DPDK_TEXT_MAX];
	int err;

	inner.wake_fd = -1;
	err = socket_port_open(&dpdk.sockets, &inner);
	if (err)
		return err;
	dpdk.worker = worker;
	dpdk.workers = c->settings->workers;
	dpdk.count = port_dpdk_metric;
	dpdk.said = dpdk_on_log;
	err = c->dpdk(out, settings, &dpdk, why);
	privilege_drop();
	if (err) {
		LOG_ERROR("media", 0, "cannot open the DPDK device", LOG_STR("error", why));
		dpdk.sockets->ops->close(dpdk.sockets);
	}
	return err;
}

/* Around a port of sockets, with a shared sleep. */
static int xdp_open(struct port **out, const struct port_choice *c,
		    const struct port_settings *settings, uint32_t worker)
{
	struct port_settings inner = *settings;
	struct port *sockets;
	int err = 0;

	inner.wake_fd = port_xdp_bell(settings->wake_fd);
	if (inner.wake_fd < 0)
		return -errno;
	err = socket_port_open(&sockets, &inner);
	if (!err) {
		err = port_xdp_open(out, settings, c->xdp, worker, sockets, inner.wake_fd);
		if (err)
			sockets->ops->close(sockets);
	}
	if (err)
		(void)close(inner.wake_fd);
	return err;
}

int port_open(struct port **out, const struct port_choice *c, uint32_t worker, int wake_fd)
{
	const struct port_settings settings = { .slots = c->settings->slots +
							 c->settings->shared_ports,
						.shared = c->settings->shared_ports,
						.buffers = BUFFERS,
						.wake_fd = wake_fd };
	int err = -EINVAL;

	switch (c->settings->port) {
	case ENGINE_PORT_AUTO:
		err = socket_port_open(out, &settings);
		break;
	case ENGINE_PORT_URING:
		err = uring_port_open(out, &settings, true);
		break;
	case ENGINE_PORT_EPOLL:
		err = port_epoll_open(out, &settings);
		break;
	case ENGINE_PORT_DPDK:
		err = dpdk_open(out, c, &settings, worker);
		break;
	case ENGINE_PORT_XDP:
		err = xdp_open(out, c, &settings, worker);
		break;
	}
	if (!err)
		LOG_INFO("media", 0, "media port open", LOG_STR("port", (*out)->ops->name),
			 LOG_U64("slots", settings.slots));
	return err;
}
