/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/port_open.h"

#include <errno.h>

#include "base/log.h"

enum {
	/* Packets held at once. More are not needed (the rest waits in the sockets), and fewer stay in the cache. */
	BUFFERS = 1024,
};

int port_choose(struct port_choice *out, const struct engine_settings *settings)
{
	char why[DPDK_TEXT_MAX];

	*out = (struct port_choice){ .settings = settings };
	if (settings->port != ENGINE_PORT_DPDK)
		return 0;
	assert(settings->dpdk);
	out->dpdk = port_dpdk_load(why);
	if (out->dpdk)
		return 0;
	LOG_ERROR("media", 0, "cannot load DPDK", LOG_STR("error", why));
	return -ENOSYS;
}

static int dpdk_open(struct port **out, const struct port_choice *c,
		     const struct port_settings *settings, uint32_t worker)
{
	struct port_dpdk_settings dpdk = *c->settings->dpdk;
	char why[DPDK_TEXT_MAX];
	int err;

	dpdk.worker = worker;
	dpdk.workers = c->settings->workers;
	dpdk.count = port_dpdk_metric;
	err = c->dpdk(out, settings, &dpdk, why);
	if (err)
		LOG_ERROR("media", 0, "cannot open the DPDK device", LOG_STR("error", why));
	return err;
}

/* -ENOSYS: not allowed here. */
static int uring_open(struct port **out, const struct port_settings *settings, bool wanted)
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
	int err = uring_open(out, settings, false);

	return err == -ENOSYS ? port_epoll_open(out, settings) : err;
}

int port_open(struct port **out, const struct port_choice *c, uint32_t worker, int wake_fd)
{
	const struct port_settings settings = { .slots = c->settings->slots,
						.buffers = BUFFERS,
						.wake_fd = wake_fd };
	int err = -EINVAL;

	switch (c->settings->port) {
	case ENGINE_PORT_AUTO:
		err = socket_port_open(out, &settings);
		break;
	case ENGINE_PORT_URING:
		err = uring_open(out, &settings, true);
		break;
	case ENGINE_PORT_EPOLL:
		err = port_epoll_open(out, &settings);
		break;
	case ENGINE_PORT_DPDK:
		err = dpdk_open(out, c, &settings, worker);
		break;
	}
	if (!err)
		LOG_INFO("media", 0, "media port open", LOG_STR("port", (*out)->ops->name),
			 LOG_U64("slots", settings.slots));
	return err;
}
