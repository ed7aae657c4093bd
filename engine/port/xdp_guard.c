/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the guard's program for SIP sockets and shares its maps with the process and, with
 * media.port: xdp, with the XDP program. base/guard.c fills the tables of known sources through
 * mapped memory; the verdict is then given in the kernel, before a datagram is queued, so a flood
 * does not reach the process. Only structures of base/guard_rule.h cross the border.
 */

#include "engine/port/xdp_guard.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/port/xdp/media.h"

/* Where a datagram is judged: with own buckets each, as the second sees what passed the first. */
enum place { AT_SOCKETS, AT_FRAMES, PLACES };

struct xdp_guard {
	struct bpf_object *object;
	int rules_fd, known_fd, ports_fd;
	int buckets_fd[PLACES], dropped_fd[PLACES];
	struct guard_rules *rules;
	struct guard_set *known;
	struct guard_dropped *dropped[PLACES];
	size_t known_size;
};

static int guard_failed(char why[XDP_WHY_MAX], const char *what, int err)
{
	(void)snprintf(why, XDP_WHY_MAX, "%s: %s%s", what, xdp_error(err),
		       err == -EPERM || err == -EACCES ? "; needs CAP_BPF and CAP_PERFMON" : "");
	return err;
}

/* ---- maps ---- */

static int array_make(int *out, const char *name, size_t size, uint32_t count, bool shared)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = shared ? BPF_F_MMAPABLE : 0);

	*out = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), (uint32_t)size, count,
			      &opts);
	return *out < 0 ? *out : 0;
}

static int maps_make(struct xdp_guard *g, uint32_t sets)
{
	int err = array_make(&g->rules_fd, XDP_RULES_MAP, sizeof(struct guard_rules), 1, true);

	if (!err)
		err = array_make(&g->known_fd, XDP_KNOWN_MAP, sizeof(struct guard_set), sets, true);
	for (int i = 0; !err && i < PLACES; i++) {
		err = array_make(&g->buckets_fd[i], XDP_BUCKETS_MAP, sizeof(struct guard_bucket),
				 GUARD_BUCKETS_ALL, false);
		if (!err)
			err = array_make(&g->dropped_fd[i], XDP_DROPPED_MAP,
					 sizeof(struct guard_dropped), 1, true);
	}
	if (err)
		return err;
	g->ports_fd = bpf_map_create(BPF_MAP_TYPE_HASH, XDP_SIP_MAP, sizeof(struct xdp_sip_port),
				     sizeof(uint8_t), XDP_SIP_PORTS_MAX, NULL);
	return g->ports_fd < 0 ? g->ports_fd : 0;
}

static int map_share(void **out, int fd, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	*out = at;
	return 0;
}

static int maps_share(struct xdp_guard *g, uint32_t sets)
{
	void *at = NULL;
	int err = map_share(&at, g->rules_fd, sizeof(struct guard_rules));

	g->rules = at;
	if (!err) {
		g->known_size = sets * sizeof(struct guard_set);
		err = map_share(&at, g->known_fd, g->known_size);
		g->known = err ? NULL : at;
	}
	for (int i = 0; !err && i < PLACES; i++) {
		err = map_share(&at, g->dropped_fd[i], sizeof(struct guard_dropped));
		g->dropped[i] = err ? NULL : at;
	}
	return err;
}

static int map_replace(struct bpf_object *object, const char *name, int fd)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	return map ? bpf_map__reuse_fd(map, fd) : -ENOENT;
}

static int maps_lend(const struct xdp_guard *g, struct bpf_object *object, enum place at)
{
	int err = map_replace(object, XDP_RULES_MAP, g->rules_fd);

	if (!err)
		err = map_replace(object, XDP_KNOWN_MAP, g->known_fd);
	if (!err)
		err = map_replace(object, XDP_BUCKETS_MAP, g->buckets_fd[at]);
	return err ? err : map_replace(object, XDP_DROPPED_MAP, g->dropped_fd[at]);
}

int xdp_guard_lend(const struct xdp_guard *g, struct bpf_object *object)
{
	int err = maps_lend(g, object, AT_FRAMES);

	return err ? err : map_replace(object, XDP_SIP_MAP, g->ports_fd);
}

/* ---- beginning and end ---- */

static int program_load(struct xdp_guard *g)
{
	int err = xdp_object_open(&g->object, xdp_guard_object());

	if (!err)
		err = maps_lend(g, g->object, AT_SOCKETS);
	return err ? err : bpf_object__load(g->object);
}

int xdp_guard_open(struct xdp_guard **out, uint32_t sets, char why[XDP_WHY_MAX])
{
	struct xdp_guard *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return guard_failed(why, "memory", -ENOMEM);
	g->rules_fd = g->known_fd = g->ports_fd = -1;
	for (int i = 0; i < PLACES; i++)
		g->buckets_fd[i] = g->dropped_fd[i] = -1;
	err = maps_make(g, sets);
	if (!err)
		err = maps_share(g, sets);
	if (!err)
		err = program_load(g);
	if (err) {
		xdp_guard_close(g);
		return guard_failed(why, "the guard of the SIP ports cannot be loaded", err);
	}
	*out = g;
	return 0;
}

static void guard_fd_close(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void xdp_guard_close(struct xdp_guard *g)
{
	if (!g)
		return;
	if (g->object)
		bpf_object__close(g->object);
	if (g->rules)
		(void)munmap(g->rules, sizeof(*g->rules));
	if (g->known)
		(void)munmap(g->known, g->known_size);
	for (int i = 0; i < PLACES; i++) {
		if (g->dropped[i])
			(void)munmap(g->dropped[i], sizeof(*g->dropped[i]));
		guard_fd_close(g->buckets_fd[i]);
		guard_fd_close(g->dropped_fd[i]);
	}
	guard_fd_close(g->rules_fd);
	guard_fd_close(g->known_fd);
	guard_fd_close(g->ports_fd);
	free(g);
}

struct guard_kernel xdp_guard_kernel(const struct xdp_guard *g)
{
	return (struct guard_kernel){ .rules = g->rules,
				      .sets = g->known,
				      .at_sockets = g->dropped[AT_SOCKETS],
				      .at_frames = g->dropped[AT_FRAMES] };
}

int xdp_guard_filter(const struct xdp_guard *g)
{
	return bpf_program__fd(bpf_object__find_program_by_name(g->object, XDP_SIP_PROGRAM));
}

int xdp_guard_listen(const struct xdp_guard *g, const struct addr *local)
{
	struct xdp_sip_port key = { .to = xdp_address_of(local), .port = local->port };
	uint8_t yes = 1;

	return bpf_map_update_elem(g->ports_fd, &key, &yes, BPF_ANY);
}
