/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backstop of fencing (docs/adr/0025): a program in the kernel, where frames leave an interface (xdp/egress.bpf.c). What comes from a
 * floating address goes no further once the time of its place in base/validity.h is over, also what the kernel says by itself: repeats of
 * TCP, answers to ARP, neighbour advertisements. Frames of AF_XDP and DPDK do not pass here.
 *
 * Opening needs CAP_BPF and CAP_NET_ADMIN. What is open needs nothing. The program stays until the last process that has its descriptors
 * is gone: one that is forked after egress_open() has them, others get them by egress_fds() and join. Linux before 6.6 has no links for this: there
 * the program stays on the interface until egress_close(), or until the next one takes its place.
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

/* On these interfaces, by name; all must have frames of Ethernet. Nobody is watched yet, and all times are over. 0 or -errno; why then says
 * in words what is wrong. */
int egress_open(struct egress *out, const char *const *interfaces, uint32_t count,
		char why[EGRESS_WHY_MAX]) NODISCARD;
/* This process lets go of it. */
void egress_close(struct egress *e);

/* From now on the address speaks only while the place may; its port does not count. -EEXIST: it is another place's, -E2BIG: too many. */
int egress_address(struct egress *e, const struct addr *addr, uint8_t place) NODISCARD;
/* until_ns: of clock_now_ns; a validity_fn of a struct egress. One store, any thread. */
void egress_valid(void *arg, uint8_t place, uint64_t until_ns);
uint64_t egress_withheld(const struct egress *e, enum egress_kind kind);
/* The descriptors that hold it, for another process: the maps of times and of counts, then the links. */
uint32_t egress_fds(const struct egress *e, int out[EGRESS_FDS_MAX]);
/* In that process: it may say times and read counts, and holds the program. The descriptors are its own from then on. 0 or -errno. */
int egress_join(struct egress *out, const int *fds, uint32_t count) NODISCARD;

/* The program as an ELF file; made by xdp/embed.py. */
struct bytes egress_object(void);

#endif
