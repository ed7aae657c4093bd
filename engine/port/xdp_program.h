/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our XDP program (xdp/media.bpf.c) on one interface. It is attached by a link that this process
 * holds: when the process ends in any way, so does the program, unless another process has a
 * duplicate of the link (base/remains.h). Only xdp_program.c uses libbpf.
 */
#ifndef ENGINE_PORT_XDP_PROGRAM_H
#define ENGINE_PORT_XDP_PROGRAM_H

#include <stdint.h>

#include "base/addr.h"
#include "base/compiler.h"

enum { XDP_WHY_MAX = 256 };

struct bpf_object;
struct xdp_forwards;
struct xdp_guard;

/* UDP ports of an address that are media. */
struct xdp_range {
	struct addr local;
	uint16_t first, last;
};

struct xdp_program {
	struct bpf_object *object;
	int sockets_fd; /* the map */
	/* -1: not attached. Before attaching: the link of the program to be replaced. */
	int link_fd;
	bool native; /* run by the driver, not behind it */
};

/* Loads the program for these ranges; guard of the SIP ports, or NULL; table of forwarding, or
 * NULL. Returns 0, or -errno with the reason in `why`, here and below. */
int xdp_program_open(struct xdp_program *out, uint32_t queues, const struct xdp_range *ranges,
		     uint32_t count, const struct xdp_guard *guard, struct xdp_forwards *forwards,
		     char why[XDP_WHY_MAX]) NODISCARD;
/* The AF_XDP socket of a receive queue. */
int xdp_program_socket(const struct xdp_program *p, uint32_t queue, int fd,
		       char why[XDP_WHY_MAX]) NODISCARD;
/* From here on sockets get the packets, without a gap if there was a link. Native mode if
 * possible. */
int xdp_program_attach(struct xdp_program *p, uint32_t ifindex, char why[XDP_WHY_MAX]) NODISCARD;
/* Detaches this link's program from its interface for all holders. Ignores invalid descriptors. */
void xdp_program_unlink(int link_fd);
/* The interface is gone: nothing is attached to anything. */
void xdp_program_detach(struct xdp_program *p);
void xdp_program_close(struct xdp_program *p);

/* The program as an ELF file; made by xdp/embed.py. Empty in a build without clang. */
struct bytes xdp_program_object(void);

/* ---- for xdp_guard.c and egress.c ---- */
struct xdp_address;
struct xdp_address xdp_address_of(const struct addr *local);
/* libbpf's messages about it go to our log. Returns 0 or -errno; -ENOPKG: it is empty. */
int xdp_object_open(struct bpf_object **out, struct bytes object) NODISCARD;
/* -errno in words. */
const char *xdp_error(int err);

/* Libraries attach XDP programs in a way that outlives the process. This puts such a program on a
 * link of ours, which the kernel removes with its last descriptor, also after a kill. */

/* The interface's present program is tied to *out, a descriptor; -1: there is no program. Its
 * packets are the kernel's for a moment. Any thread; needs CAP_SYS_ADMIN and CAP_NET_ADMIN. Returns
 * 0, or -errno with nothing changed. */
int xdp_link_adopt(uint32_t ifindex, int *out) NODISCARD;

#endif
