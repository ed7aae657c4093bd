/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backstop of fencing (docs/adr/0025): a program in the kernel, where frames leave an interface
 * (xdp/egress.bpf.c). Frames from a floating address stop when the time of its place in
 * base/validity.h is over, also the kernel's own: TCP retransmissions, ARP answers, neighbour
 * advertisements. Frames of AF_XDP and DPDK do not pass here.
 *
 * Opening needs CAP_BPF and CAP_NET_ADMIN; later use needs nothing. The program stays until the
 * last process with its descriptors is gone: one forked after egress_open() has them, others get
 * them by egress_fds() and join. Linux before 6.6 has no links for this: there the program stays on
 * the interface until egress_close(), or until its successor replaces it.
 */
#ifndef ENGINE_PORT_EGRESS_H
#define ENGINE_PORT_EGRESS_H

#include "base/addr.h"
#include "engine/port/xdp/egress.h"

enum {
	EGRESS_INTERFACES_MAX = 16,
	EGRESS_MAPS = 2,
	EGRESS_FDS_MAX = EGRESS_MAPS + EGRESS_INTERFACES_MAX,
	EGRESS_WHY_MAX = 256
};

struct bpf_object;

struct egress {
	struct bpf_object *object;
	_Atomic uint64_t *until_ns; /* by place, of CLOCK_BOOTTIME; shared with the program */
	struct egress_withheld *withheld;
	int addresses_fd, until_fd; /* the maps */
	uint32_t interface_count;
	struct egress_interface {
		uint32_t ifindex;
		int link_fd; /* -1: no link, Linux before 6.6 */
	} interfaces[EGRESS_INTERFACES_MAX];
};

/* On these interfaces, by name; all must be Ethernet. No address is watched yet, and all times are
 * over. Returns 0, or -errno with the reason in `why`. */
int egress_open(struct egress *out, const char *const *interfaces, uint32_t count,
		char why[EGRESS_WHY_MAX]) NODISCARD;
/* This process lets go of it. */
void egress_close(struct egress *e);

/* From now on the address may only send while the place may; its port is ignored. -EEXIST: it has
 * another place, -E2BIG: too many. */
int egress_address(struct egress *e, const struct addr *addr, uint8_t place) NODISCARD;
/* until_ns: of clock_now_ns; a validity_fn of a struct egress. One store, any thread. */
void egress_valid(void *arg, uint8_t place, uint64_t until_ns);
uint64_t egress_withheld(const struct egress *e, enum egress_kind kind);
/* The descriptors that hold it, for another process: maps of times and counts, then the links. */
uint32_t egress_fds(const struct egress *e, int out[EGRESS_FDS_MAX]);
/* In that process: it may set times and read counts, and holds the program. It owns the descriptors
 * from then on. 0 or -errno. */
int egress_join(struct egress *out, const int *fds, uint32_t count) NODISCARD;

/* The program as an ELF file; made by xdp/embed.py. */
struct bytes egress_object(void);

#endif
