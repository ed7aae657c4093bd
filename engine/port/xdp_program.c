/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and attaches the XDP program of media (xdp/media.bpf.c) by a BPF link, with its maps: which
 * addresses and ports are ours, the socket of each queue, the guard's tables and the forwarding
 * table. A link replaces the previous process's program without a gap. Also the helper that adopts
 * an XDP program which a library attached without a link. libbpf's messages go to our log.
 */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/port/xdp/media.h"
#include "engine/port/xdp_forwards.h"
#include "engine/port/xdp_guard.h"
#include "engine/port/xdp_program.h"

/* What attaches in the mode that it is attached in. */
static uint32_t link_flags(uint8_t attach_mode)
{
	if (attach_mode == XDP_ATTACHED_SKB)
		return XDP_FLAGS_SKB_MODE;
	return attach_mode == XDP_ATTACHED_HW ? XDP_FLAGS_HW_MODE : XDP_FLAGS_DRV_MODE;
}

static int link_replace(int ifindex, int program, uint32_t flags, int *out)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int err = bpf_xdp_detach(ifindex, flags, NULL);

	if (err)
		return err;
	*out = bpf_link_create(program, ifindex, BPF_XDP, &opts);
	if (*out >= 0)
		return 0;
	err = *out;
	*out = -1;
	(void)bpf_xdp_attach(ifindex, program, flags, NULL);
	return err;
}

int xdp_link_adopt(uint32_t ifindex, int *out)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, found);
	int err = bpf_xdp_query((int)ifindex, 0, &found);
	int program;

	*out = -1;
	if (err || found.prog_id == 0)
		return err;
	program = bpf_prog_get_fd_by_id(found.prog_id);
	if (program < 0)
		return program;
	err = link_replace((int)ifindex, program, link_flags(found.attach_mode), out);
	(void)close(program);
	return err;
}

/* How long the kernel may take to clear up behind a killed process. */
enum { LINK_BUSY_TRIES = 100, LINK_BUSY_MS = 20 };

/* libbpf's messages go to our log; they are many only after a failure. */
PRINTF_LIKE(2, 0)
static int program_libbpf_print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char text[512];
	int n;

	if (level == LIBBPF_DEBUG || !log_wants(LOG_LEVEL_DEBUG))
		return 0;
	n = vsnprintf(text, sizeof(text), fmt, args);
	if (n > 0 && (size_t)n < sizeof(text) && text[n - 1] == '\n')
		text[n - 1] = '\0';
	LOG_DEBUG("media", 0, "libbpf", LOG_STR("text", text));
	return n;
}

int xdp_object_open(struct bpf_object **out, struct bytes object)
{
	(void)libbpf_set_print(program_libbpf_print);
	*out = object.n ? bpf_object__open_mem(object.p, object.n, NULL) : NULL;
	return *out ? 0 : object.n ? -errno : -ENOPKG;
}

const char *xdp_error(int err)
{
	return err == -ENOPKG ? "this build has no programs for the kernel, one of "
				"./tandem build release has them"
			      : strerror(-err);
}

static int program_failed(char why[XDP_WHY_MAX], const char *what, int err)
{
	(void)snprintf(why, XDP_WHY_MAX, "%s: %s%s", what, xdp_error(err),
		       err == -EPERM || err == -EACCES
			       ? "; needs CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF and CAP_PERFMON"
			       : "");
	return err;
}

/* ---- load ---- */

static void ports_set(struct xdp_ports *ports, uint16_t first, uint16_t last)
{
	for (uint32_t port = first; port <= last; port++)
		ports->bits[port >> 3] |= (unsigned char)(1 << (port & 7));
}

struct xdp_address xdp_address_of(const struct addr *local)
{
	struct xdp_address a = { .ip = { 0 } };

	if (local->family == ADDR_V6) {
		memcpy(a.ip, local->ip, sizeof(a.ip));
		return a;
	}
	a.ip[10] = a.ip[11] = 0xff;
	memcpy(a.ip + 12, local->ip, 4);
	return a;
}

/* All ranges of the first one's address: two networks may share it. */
static int range_write(int map_fd, const struct xdp_range *first, const struct xdp_range *ranges,
		       uint32_t count, struct xdp_forwards *forwards)
{
	struct xdp_ports *ports = calloc(1, sizeof(*ports));
	struct xdp_address key = xdp_address_of(&first->local);
	int err = 0;

	if (!ports)
		return -ENOMEM;
	if (forwards)
		err = xdp_forwards_place(forwards, &first->local, &ports->place);
	for (uint32_t i = 0; i < count; i++)
		if (addr_ip_eq(&ranges[i].local, &first->local))
			ports_set(ports, ranges[i].first, ranges[i].last);
	if (!err)
		err = bpf_map_update_elem(map_fd, &key, ports, BPF_ANY);
	free(ports);
	return err;
}

/* The way round the map of all addresses leads to entries alone. */
static int first_write(int map_fd, const struct addr *local, struct xdp_forwards *forwards)
{
	struct xdp_first first = { .ip = xdp_address_of(local), .is_set = 1 };
	uint32_t key = 0;
	int err = xdp_forwards_place(forwards, local, &first.place);

	return err ? err : bpf_map_update_elem(map_fd, &key, &first, BPF_ANY);
}

static int map_fd(const struct bpf_object *object, const char *name)
{
	return bpf_map__fd(bpf_object__find_map_by_name(object, name));
}

static int load(struct xdp_program *p, uint32_t queues, const struct xdp_range *ranges,
		uint32_t count, const struct xdp_guard *guard, struct xdp_forwards *forwards,
		char why[XDP_WHY_MAX])
{
	struct bpf_map *sockets = bpf_object__find_map_by_name(p->object, XDP_SOCKETS_MAP);
	int err = bpf_map__set_max_entries(sockets, queues);

	if (!err && guard)
		err = xdp_guard_lend(guard, p->object);
	if (!err && forwards)
		err = xdp_forwards_lend(forwards, p->object);
	if (!err)
		err = bpf_object__load(p->object);
	if (err)
		return program_failed(why, "the XDP program cannot be loaded", err);
	p->sockets_fd = bpf_map__fd(sockets);
	for (uint32_t i = 0; !err && i < count; i++)
		err = range_write(map_fd(p->object, XDP_PORTS_MAP), &ranges[i], ranges, count,
				  forwards);
	if (!err && forwards && count > 0)
		err = first_write(map_fd(p->object, XDP_FIRST_MAP), &ranges[0].local, forwards);
	return err ? program_failed(why, "the media ports cannot be told to the XDP program", err)
		   : 0;
}

int xdp_program_open(struct xdp_program *out, uint32_t queues, const struct xdp_range *ranges,
		     uint32_t count, const struct xdp_guard *guard, struct xdp_forwards *forwards,
		     char why[XDP_WHY_MAX])
{
	int err;

	*out = (struct xdp_program){ .sockets_fd = -1, .link_fd = -1 };
	err = xdp_object_open(&out->object, xdp_program_object());
	if (err)
		return program_failed(why, "the XDP program cannot be read", err);
	err = load(out, queues, ranges, count, guard, forwards, why);
	if (err)
		xdp_program_close(out);
	return err;
}

int xdp_program_socket(const struct xdp_program *p, uint32_t queue, int fd, char why[XDP_WHY_MAX])
{
	int err = bpf_map_update_elem(p->sockets_fd, &queue, &fd, BPF_ANY);

	return err ? program_failed(why, "the socket cannot be told to the XDP program", err) : 0;
}

/* ---- attach ---- */

static int program_fd(const struct xdp_program *p)
{
	return bpf_program__fd(bpf_object__find_program_by_name(p->object, XDP_PROGRAM));
}

static int link_create(const struct xdp_program *p, uint32_t ifindex, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int program = program_fd(p);
	int fd = -EBUSY;

	for (int i = 0; i < LINK_BUSY_TRIES && fd == -EBUSY; i++) {
		if (i > 0)
			(void)usleep(LINK_BUSY_MS * 1000);
		fd = bpf_link_create(program, (int)ifindex, BPF_XDP, &opts);
	}
	return fd;
}

void xdp_program_unlink(int link_fd)
{
	(void)bpf_link_detach(link_fd);
}

/* Detaches it, so that other holders of the link hold nothing. */
static void link_give_up(struct xdp_program *p)
{
	xdp_program_unlink(p->link_fd);
	xdp_program_detach(p);
}

int xdp_program_attach(struct xdp_program *p, uint32_t ifindex, char why[XDP_WHY_MAX])
{
	int fd;

	if (p->link_fd >= 0 && bpf_link_update(p->link_fd, program_fd(p), NULL) == 0)
		return 0;
	if (p->link_fd >= 0)
		link_give_up(p);
	fd = link_create(p, ifindex, XDP_FLAGS_DRV_MODE);
	p->native = fd >= 0;
	if (fd < 0 && fd != -EBUSY && fd != -EPERM)
		fd = link_create(p, ifindex, XDP_FLAGS_SKB_MODE);
	if (fd == -EBUSY)
		return program_failed(why, "the interface has another XDP program (ip link show)",
				      fd);
	if (fd < 0)
		return program_failed(why, "the XDP program cannot be attached", fd);
	p->link_fd = fd;
	return 0;
}

void xdp_program_detach(struct xdp_program *p)
{
	if (p->link_fd >= 0)
		(void)close(p->link_fd);
	p->link_fd = -1;
}

void xdp_program_close(struct xdp_program *p)
{
	xdp_program_detach(p);
	if (p->object)
		bpf_object__close(p->object);
	*p = (struct xdp_program){ .sockets_fd = -1, .link_fd = -1 };
}
