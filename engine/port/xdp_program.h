/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our XDP program (xdp/media.bpf.c) on one interface. It hangs on a link that this process holds: when the process is gone, by
 * whatever end, so is the program, unless somebody has a duplicate of the link (base/remains.h). libbpf is seen by xdp_program.c alone.
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
	int link_fd; /* -1: not attached. Before it is: of a program on that interface, whose place this one takes */
	bool native; /* run by the driver, not behind it */
};

/* Loads the program for these ranges; guard of the SIP ports, or NULL; table of what it forwards, or NULL. 0 or -errno; why then says in words what is wrong, here and below. */
int xdp_program_open(struct xdp_program *out, uint32_t queues, const struct xdp_range *ranges,
		     uint32_t count, const struct xdp_guard *guard, struct xdp_forwards *forwards,
		     char why[XDP_WHY_MAX]) NODISCARD;
/* The AF_XDP socket of a receive queue. */
int xdp_program_socket(const struct xdp_program *p, uint32_t queue, int fd,
		       char why[XDP_WHY_MAX]) NODISCARD;
/* From here on packets come to the sockets: without a gap where there was a link. Native mode where the driver has it. */
int xdp_program_attach(struct xdp_program *p, uint32_t ifindex, char why[XDP_WHY_MAX]) NODISCARD;
/* What hangs on this link comes off its interface, whoever holds the link. Of a descriptor that is none nothing comes of it. */
void xdp_program_unlink(int link_fd);
/* The interface is gone: nothing is attached to anything. */
void xdp_program_detach(struct xdp_program *p);
void xdp_program_close(struct xdp_program *p);

/* The program as an ELF file; made by xdp/embed.py. Empty in a build without clang. */
struct bytes xdp_program_object(void);

/* ---- for xdp_guard.c and egress.c ---- */
struct xdp_address;
struct xdp_address xdp_address_of(const struct addr *local);
/* What libbpf says of it goes to our log. 0 or -errno; -ENOPKG: it is empty. */
int xdp_object_open(struct bpf_object **out, struct bytes object) NODISCARD;
/* -errno in words. */
const char *xdp_error(int err);

/*
 * Libraries attach XDP programs in a way that outlives the process. Such a program is put on a link of ours here, which the kernel takes
 * away with its last descriptor, also after a kill.
 */

/* The program that is on the interface now goes with *out, a descriptor; -1: there is none. Its packets are the kernel's for a moment.
 * Any thread; needs CAP_SYS_ADMIN and CAP_NET_ADMIN. 0, or -errno: nothing has changed. */
int xdp_link_adopt(uint32_t ifindex, int *out) NODISCARD;

#endif
