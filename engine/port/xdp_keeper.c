/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interfaces come and go while the node runs. Sockets bound to one that is gone receive nothing any
 * more, and media uses the kernel's sockets; when one with its name is back, and up, the program is
 * attached to it, and each worker gets a new AF_XDP socket.
 *
 * It is a thread of its own, as none of this may delay a packet. It has no privilege but
 * CAP_IPC_LOCK, if the node was started with that instead of RLIMIT_MEMLOCK: the program and its
 * maps are open descriptors, which their holder may attach and change (Linux 6.0), and there are
 * spare sockets.
 */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/privilege.h"
#include "base/thread.h"
#include "engine/port/xdp_host.h"

enum {
	LOOK_MS = 1000, /* also without notification: to close what the workers gave back */
	EVENT_ROOM = 4096,
};

struct xdp_keeper {
	struct xdp_host *host;
	pthread_t thread;
	int change_fd, stop_fd;
};

static void places_forget(struct xdp_host *h, uint32_t interface)
{
	for (uint32_t w = 0; w < h->workers; w++)
		for (uint32_t at = 0; at < h->lanes[w].queue_count; at++)
			if (h->lanes[w].places[at].interface == interface)
				h->lanes[w].places[at].ifindex = 0;
}

/* link_fd -1: it hangs nowhere. All else of the program stays as it is: workers read it. */
static void link_set(struct xdp_host *h, uint32_t interface, uint32_t ifindex,
		     const struct xdp_program *attached)
{
	struct xdp_interface *i = &h->interfaces[interface];

	(void)pthread_mutex_lock(&h->link_lock);
	i->program.link_fd = attached->link_fd;
	i->program.native = attached->native;
	i->ifindex = ifindex;
	(void)pthread_mutex_unlock(&h->link_lock);
	atomic_fetch_add_explicit(&h->link_change, 1, memory_order_release);
}

static void keeper_lost(struct xdp_host *h, uint32_t interface)
{
	struct xdp_interface *i = &h->interfaces[interface];
	struct xdp_program before = i->program, none = before;

	none.link_fd = -1;
	link_set(h, interface, 0, &none);
	xdp_program_detach(&before);
	places_forget(h, interface);
	LOG_WARN("media", 0,
		 "interface is gone: its media goes by the kernel's sockets until it is there "
		 "again, "
		 "and up; it is then used at once",
		 LOG_STR("interface", i->name));
	xdp_host_publish(h);
}

/* Uses a spare descriptor, unless a socket that could not be bound before waits there. */
static int keeper_queue_renew(struct xdp_host *h, struct xdp_lane *l, uint32_t at, uint32_t ifindex,
			      char why[XDP_WHY_MAX])
{
	bool waits = l->places[at].next != NULL;
	int fd = waits || h->spare_count == 0 ? -1 : h->spares[--h->spare_count];
	struct xdp_queue *fresh;
	int err;

	if (!waits && fd < 0) {
		(void)snprintf(why, XDP_WHY_MAX,
			       "no spare AF_XDP socket is left; a restart makes new ones");
		return -ENOBUFS;
	}
	err = xdp_lane_renew(l, at, ifindex, &fd, &fresh, why);
	if (!err)
		xdp_queue_close(
			atomic_exchange_explicit(&l->fresh[at], fresh, memory_order_acq_rel));
	return err;
}

/* Sockets for those of its queues that the workers had. Returns 0, or -errno of the first that
 * failed; the rest is retried next time. */
static int keeper_queues_renew(struct xdp_host *h, uint32_t interface, uint32_t ifindex,
			       uint32_t queues, char why[XDP_WHY_MAX])
{
	int err = 0;

	for (uint32_t w = 0; !err && w < h->workers; w++) {
		struct xdp_lane *l = &h->lanes[w];

		for (uint32_t at = 0; !err && at < l->queue_count; at++) {
			const struct xdp_place *p = &l->places[at];

			if (p->interface == interface && p->number < queues &&
			    p->ifindex != ifindex)
				err = keeper_queue_renew(h, l, at, ifindex, why);
		}
		(void)eventfd_write(l->renew_fd, 1);
	}
	return err;
}

static bool is_up(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { .ifr_flags = 0 };
	bool up;

	memcpy(r.ifr_name, name, XDP_NAME_MAX);
	up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &r) == 0 && (r.ifr_flags & IFF_UP);
	if (fd >= 0)
		(void)close(fd);
	return up;
}

/* 0, or -errno: nothing of it is used then. */
static int use(struct xdp_host *h, uint32_t interface, uint32_t *queues, char why[XDP_WHY_MAX])
{
	struct xdp_program program = h->interfaces[interface].program;
	uint32_t ifindex;
	int err = xdp_interface_look(h->interfaces[interface].name, &ifindex, queues, why);

	if (!err)
		err = xdp_program_attach(&program, ifindex, why);
	if (!err)
		err = keeper_queues_renew(h, interface, ifindex, *queues, why);
	if (err)
		xdp_program_detach(&program);
	else
		link_set(h, interface, ifindex, &program);
	return err;
}

static void found(struct xdp_host *h, uint32_t interface)
{
	struct xdp_interface *i = &h->interfaces[interface];
	char why[XDP_WHY_MAX];
	uint32_t queues = 0;
	int err = use(h, interface, &queues, why);

	if (err && !i->complained)
		LOG_WARN("media", 0,
			 "interface is there again but cannot be used: its media goes by the "
			 "kernel's "
			 "sockets; it is tried again every second",
			 LOG_STR("interface", i->name), LOG_STR("error", why));
	i->complained = err != 0;
	if (err)
		return;
	LOG_INFO("media", 0, "AF_XDP on interface again", LOG_STR("interface", i->name),
		 LOG_U64("queues", queues),
		 LOG_STR("mode", i->program.native ? "native" : "generic"));
	xdp_host_publish(h);
}

static void keeper_look(struct xdp_host *h)
{
	for (uint32_t n = 0; n < h->interface_count; n++) {
		struct xdp_interface *i = &h->interfaces[n];
		uint32_t now = if_nametoindex(i->name);

		if (i->ifindex && i->ifindex != now)
			keeper_lost(h, n);
		if (!i->ifindex && now && is_up(i->name))
			found(h, n);
	}
}

static void stale_close(struct xdp_host *h)
{
	for (uint32_t w = 0; w < h->workers; w++)
		for (uint32_t at = 0; at < h->lanes[w].queue_count; at++)
			xdp_queue_close(atomic_exchange_explicit(&h->lanes[w].stale[at], NULL,
								 memory_order_acq_rel));
}

/* Workers without flows sleep for long. */
static void heartbeat_write(const struct xdp_host *h)
{
	if (h->forwards)
		xdp_forwards_present(h->forwards, clock_to_kernel(clock_now_ns()) + h->alive_ns);
}

/* Of calls that did not come back. */
static void forwards_settle(struct xdp_host *h)
{
	uint32_t ended;

	if (h->settle_ns == 0 || clock_now_ns() < h->settle_ns)
		return;
	h->settle_ns = 0;
	ended = xdp_forwards_settle(h->forwards);
	if (ended > 0)
		LOG_INFO("media", 0, "the kernel forwards no more for calls that are not here",
			 LOG_U64("flows", ended));
}

static void *keeper_main(void *arg)
{
	struct xdp_keeper *k = arg;
	struct pollfd fds[2] = { { .fd = k->change_fd, .events = POLLIN },
				 { .fd = k->stop_fd, .events = POLLIN } };
	uint8_t outcome[EVENT_ROOM];

	privilege_drop_to_memory();
	while (!fds[1].revents) {
		(void)poll(fds, 2, LOOK_MS);
		while (recv(k->change_fd, outcome, sizeof(outcome), MSG_DONTWAIT) > 0)
			continue;
		heartbeat_write(k->host);
		forwards_settle(k->host);
		keeper_look(k->host);
		stale_close(k->host);
	}
	return NULL;
}

static int event_open(struct xdp_keeper *k)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	k->stop_fd = eventfd(0, EFD_CLOEXEC);
	k->change_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (k->stop_fd < 0 || k->change_fd < 0 ||
	    bind(k->change_fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return -errno;
	return 0;
}

static void keeper_free(struct xdp_keeper *k)
{
	if (k->change_fd >= 0)
		(void)close(k->change_fd);
	if (k->stop_fd >= 0)
		(void)close(k->stop_fd);
	free(k);
}

int xdp_keeper_open(struct xdp_keeper **out, struct xdp_host *h)
{
	struct xdp_keeper *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	*k = (struct xdp_keeper){ .host = h, .change_fd = -1, .stop_fd = -1 };
	err = event_open(k);
	if (!err)
		err = thread_spawn(&k->thread, "media-links", keeper_main, k);
	if (err) {
		keeper_free(k);
		return err;
	}
	*out = k;
	return 0;
}

void xdp_keeper_close(struct xdp_keeper *k)
{
	(void)eventfd_write(k->stop_fd, 1);
	(void)pthread_join(k->thread, NULL);
	keeper_free(k);
}
