/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/guard.h in the kernel: a program on the UDP sockets of SIP, and with media.port: xdp another
 * one where frames come in. Both share their tables with this process as memory, so a new phone
 * costs no system call. Opening needs CAP_BPF; later use needs nothing. Without it the guard
 * decides in the process, after the datagram was read.
 */
#ifndef ENGINE_PORT_XDP_GUARD_H
#define ENGINE_PORT_XDP_GUARD_H

#include "base/guard.h"
#include "engine/port/xdp_program.h"

struct xdp_guard;

/* sets: guard_sets(). Returns 0, or -errno with the reason in `why`. */
int xdp_guard_open(struct xdp_guard **out, uint32_t sets, char why[XDP_WHY_MAX]) NODISCARD;
/* When neither the guard nor a socket needs it any more. NULL is fine. */
void xdp_guard_close(struct xdp_guard *g);
/* For guard_open. */
struct guard_kernel xdp_guard_kernel(const struct xdp_guard *g);
/* The program for the sockets: SO_ATTACH_BPF. */
int xdp_guard_filter(const struct xdp_guard *g);
/* An address and port of SIP that the XDP program guards. 0 or -errno. */
int xdp_guard_listen(const struct xdp_guard *g, const struct addr *local) NODISCARD;
/* Gives a program, before it is loaded, the maps of the place where frames come in. 0 or -errno. */
int xdp_guard_lend(const struct xdp_guard *g, struct bpf_object *object) NODISCARD;

/* The program as an ELF file; made by xdp/embed.py. */
struct bytes xdp_guard_object(void);

#endif
