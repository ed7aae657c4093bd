/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and attaches the egress program of egress.h, by a TCX link (Linux 6.6) or else as a tc
 * filter, and writes the times of addresses into its map. The keeper holds its descriptors while a
 * node runs, so a node that hangs or was killed cannot go on sending for a shard that another node
 * has taken over (docs/adr/0025). It is apart from the workers: one map write per renewal of a
 * lease.
 */

#include "engine/port/egress.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/validity.h"
#include "engine/port/xdp_program.h"

static_assert(EGRESS_PLACES == 1 + VALID_PLACES, "the same places");

/* Of linux/bpf.h since 6.6. */
enum { TCX_EGRESS = 47 };
/* How it is found again where it has no link; the priority is "td". */
enum { TC_HANDLE = 1, TC_PRIORITY = 0x7464 };

static int egress_failed(char why[EGRESS_WHY_MAX], const char *what, const char *name, int err)
{
	(void)snprintf(why, EGRESS_WHY_MAX, "%s%s%s: %s%s", what, name ? " " : "", name ? name : "",
		       xdp_error(err),
		       err == -EPERM || err == -EACCES ? "; needs CAP_BPF and CAP_NET_ADMIN" : "");
	return err;
}

/* ---- load ---- */

static int egress_map(const struct egress *e, const char *name)
{
	return bpf_map__fd(bpf_object__find_map_by_name(e->object, name));
}

static int egress_share(void **out, int fd, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	*out = at;
	return 0;
}

static int egress_maps_share(struct egress *e, int until_fd, int withheld_fd)
{
	void *at = NULL;
	int err = egress_share(&at, until_fd, EGRESS_PLACES * sizeof(*e->until_ns));

	if (err)
		return err;
	e->until_ns = at;
	err = egress_share(&at, withheld_fd, sizeof(*e->withheld));
	e->withheld = err ? NULL : at;
	return err;
}

static int egress_maps(struct egress *e)
{
	e->addresses_fd = egress_map(e, EGRESS_ADDRESSES_MAP);
	e->until_fd = egress_map(e, EGRESS_UNTIL_MAP);
	return egress_maps_share(e, e->until_fd, egress_map(e, EGRESS_WITHHELD_MAP));
}

static int egress_load(struct egress *e, char why[EGRESS_WHY_MAX])
{
	int err = xdp_object_open(&e->object, egress_object());

	if (err)
		return egress_failed(why, "the egress program cannot be read", NULL, err);
	err = bpf_object__load(e->object);
	if (!err)
		err = egress_maps(e);
	return err ? egress_failed(why, "the egress program cannot be loaded", NULL, err) : 0;
}

/* ---- attach ---- */

/* Another frame than Ethernet's is not understood. */
static int egress_interface_find(const char *name, uint32_t *ifindex)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { .ifr_flags = 0 };
	int err = fd < 0 ? -errno : 0;

	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (!err && ioctl(fd, SIOCGIFHWADDR, &r) != 0)
		err = -errno;
	if (!err && r.ifr_hwaddr.sa_family != ARPHRD_ETHER &&
	    r.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK)
		err = -EPROTOTYPE;
	if (fd >= 0)
		(void)close(fd);
	*ifindex = if_nametoindex(name);
	return err ? err : *ifindex ? 0 : -ENODEV;
}

static struct bpf_tc_hook tc_hook(uint32_t ifindex)
{
	return (struct bpf_tc_hook){ .sz = sizeof(struct bpf_tc_hook),
				     .ifindex = (int)ifindex,
				     .attach_point = BPF_TC_EGRESS };
}

/* What a killed process has left there goes. */
static int filter_attach(uint32_t ifindex, int program)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program, .flags = BPF_TC_F_REPLACE,
		    .handle = TC_HANDLE, .priority = TC_PRIORITY);
	struct bpf_tc_hook hook = tc_hook(ifindex);
	int err = bpf_tc_hook_create(&hook);

	return err && err != -EEXIST ? err : bpf_tc_attach(&hook, &opts);
}

static void filter_detach(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	struct bpf_tc_hook hook = tc_hook(ifindex);
	int err = bpf_tc_detach(&hook, &opts);

	if (err && err != -ENOENT && err != -ENODEV)
		LOG_WARN("media", 0,
			 "the egress program stays on an interface until the node starts again",
			 LOG_U64("ifindex", ifindex), LOG_STR("error", strerror(-err)));
}

static int interface_attach(struct egress *e, uint32_t ifindex)
{
	int program = bpf_program__fd(bpf_object__find_program_by_name(e->object, EGRESS_PROGRAM));
	int fd = bpf_link_create(program, (int)ifindex, (enum bpf_attach_type)TCX_EGRESS, NULL);
	int err = fd;

	if (fd == -EINVAL)
		err = filter_attach(ifindex, program);
	if (err < 0)
		return err;
	e->interfaces[e->interface_count++] =
		(struct egress_interface){ .ifindex = ifindex, .link_fd = fd >= 0 ? fd : -1 };
	return 0;
}

static bool interface_has(const struct egress *e, uint32_t ifindex)
{
	for (uint32_t i = 0; i < e->interface_count; i++)
		if (e->interfaces[i].ifindex == ifindex)
			return true;
	return false;
}

/* Several networks may have one interface. */
static int egress_attach(struct egress *e, const char *name, char why[EGRESS_WHY_MAX])
{
	uint32_t ifindex;
	int err = egress_interface_find(name, &ifindex);

	if (err == -EPROTOTYPE)
		return egress_failed(why, "no frames of Ethernet leave by", name, err);
	if (!err && !interface_has(e, ifindex))
		err = e->interface_count < EGRESS_INTERFACES_MAX ? interface_attach(e, ifindex)
								 : -E2BIG;
	return err ? egress_failed(why, "the egress program cannot be attached to", name, err) : 0;
}

int egress_open(struct egress *out, const char *const *interfaces, uint32_t count,
		char why[EGRESS_WHY_MAX])
{
	int err;

	*out = (struct egress){ .addresses_fd = -1, .until_fd = -1 };
	err = egress_load(out, why);
	for (uint32_t i = 0; !err && i < count; i++)
		err = egress_attach(out, interfaces[i], why);
	if (err)
		egress_close(out);
	return err;
}

void egress_close(struct egress *e)
{
	for (uint32_t i = 0; i < e->interface_count; i++) {
		if (e->interfaces[i].link_fd >= 0)
			(void)close(e->interfaces[i].link_fd);
		else
			filter_detach(e->interfaces[i].ifindex);
	}
	if (e->until_ns)
		(void)munmap(e->until_ns, EGRESS_PLACES * sizeof(*e->until_ns));
	if (e->withheld)
		(void)munmap(e->withheld, sizeof(*e->withheld));
	if (e->object)
		bpf_object__close(e->object);
	*e = (struct egress){ .addresses_fd = -1, .until_fd = -1 };
}

/* ---- what it knows ---- */

int egress_address(struct egress *e, const struct addr *addr, uint8_t place)
{
	struct xdp_address key = xdp_address_of(addr);
	uint32_t value = place, known;

	assert(place > VALID_ALWAYS && place < EGRESS_PLACES);
	if (bpf_map_lookup_elem(e->addresses_fd, &key, &known) == 0)
		return known == place ? 0 : -EEXIST;
	return bpf_map_update_elem(e->addresses_fd, &key, &value, BPF_NOEXIST);
}

void egress_valid(void *arg, uint8_t place, uint64_t until_ns)
{
	const struct egress *e = arg;

	assert(place > VALID_ALWAYS && place < EGRESS_PLACES);
	atomic_store_explicit(&e->until_ns[place], clock_to_kernel(until_ns), memory_order_relaxed);
}

uint64_t egress_withheld(const struct egress *e, enum egress_kind kind)
{
	return __atomic_load_n(&e->withheld->by_kind[kind], __ATOMIC_RELAXED);
}

uint32_t egress_fds(const struct egress *e, int out[EGRESS_FDS_MAX])
{
	uint32_t count = 0;

	out[count++] = e->until_fd;
	out[count++] = egress_map(e, EGRESS_WITHHELD_MAP);
	for (uint32_t i = 0; i < e->interface_count; i++)
		if (e->interfaces[i].link_fd >= 0)
			out[count++] = e->interfaces[i].link_fd;
	return count;
}

int egress_join(struct egress *out, const int *fds, uint32_t count)
{
	int err;

	assert(count >= EGRESS_MAPS && count <= EGRESS_FDS_MAX);
	*out = (struct egress){ .addresses_fd = -1, .until_fd = -1 };
	for (uint32_t i = EGRESS_MAPS; i < count; i++)
		out->interfaces[out->interface_count++].link_fd = fds[i];
	err = egress_maps_share(out, fds[0], fds[1]);
	for (uint32_t i = 0; i < EGRESS_MAPS; i++)
		(void)close(fds[i]);
	if (err)
		egress_close(out);
	return err;
}
