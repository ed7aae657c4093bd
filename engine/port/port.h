/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octets in and out, in batches. A port holds the sockets and the buffers; it knows slots and
 * addresses, no RTP. Back ends: port_uring.c (default), port_epoll.c (without io_uring), port_sim.c
 * (tests). One worker thread opens, uses and closes a port.
 */
#ifndef ENGINE_PORT_PORT_H
#define ENGINE_PORT_PORT_H

#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "base/clock.h"
#include "engine/net/packet.h"

struct port;
struct xdp_forward;
struct xdp_forward_plan;

struct port_settings {
	uint32_t slots;   /* flow slots: 0..slots-1 */
	uint32_t shared;  /* so many of them, the last ones, have sockets with many parties */
	uint32_t buffers; /* packets held at a time; a power of two, at least twice BATCH_MAX */
	int wake_fd;      /* an eventfd that ends rx early; not owned; -1: not used */
};

/* A socket that failed for good. */
struct port_fault {
	uint32_t slot;
	int error; /* -errno */
};

/* Of a slot: memory that outlives the process (docs/adr/0064). */
struct port_remains {
	struct xdp_forward *entry;
	void *kept; /* XDP_KEPT_OCTETS, for the flow's owner */
	/* The previous process's flow on the port may still be forwarded by it. */
	bool inherited;
};

struct port_ops {
	const char *name;
	/* Takes the sockets (fd[CHANNEL_RTCP] may be -1) and receives from them. The slot must be
	 * free. On failure the caller keeps the sockets. 0 or -errno. */
	int (*flow_add)(struct port *p, uint32_t slot, const int fd[CHANNELS]) NODISCARD;
	/* Closes the slot's sockets, at the latest with the next rx. Packets given to tx before are
	 * still sent; none of the slot arrive later. */
	void (*flow_del)(struct port *p, uint32_t slot);
	/* More descriptors of the slot's sockets, for another port of this process: the caller owns
	 * them, and they outlive flow_del. -1: no such socket. 0 or -errno. */
	int (*sockets)(struct port *p, uint32_t slot, int fd[CHANNELS]) NODISCARD;
	/* Fills an empty batch and sets its time. Waits until `want` packets are there, wait_ns has
	 * passed or wake_fd is readable; does not wait if anything was left from last time. */
	void (*rx)(struct port *p, struct batch *b, uint32_t want, uint64_t wait_ns);
	/* A buffer of PACKET_MAX octets for a packet made here: its data and buffer. It returns
	 * with tx, as received ones do. At least BATCH_MAX can be lent at a time. False: no buffer
	 * is free. */
	bool (*lend)(struct port *p, struct pkt *out);
	/* Takes all buffers of the batch: sends packets with VERDICT_RELAY from the peer's socket,
	 * drops the others. The batch is empty afterwards. Sending may be delayed until the next
	 * rx; packets past port.until_ns are dropped. */
	void (*tx)(struct port *p, struct batch *b);
	/* Connects the slot's RTP socket to this party until told otherwise (NULL). This makes
	 * sending cheaper (10 %: no route lookup); the kernel then refuses packets from other
	 * sources. 0 or -errno. */
	int (*connect)(struct port *p, uint32_t slot, const struct addr *to) NODISCARD;
	/* Until told otherwise, packets of this slot, which may have no sockets, leave by those of
	 * another, with their own DSCP. over is the slot itself: by its own again. Undo before
	 * either slot's sockets are closed. 0, or -ENOTSUP: send by the other slot directly, under
	 * its DSCP. */
	int (*send_over)(struct port *p, uint32_t slot, uint32_t over, uint8_t dscp) NODISCARD;
	/* From now on packets to the slot's RTP socket have their age (pkt.age_us), by the kernel's
	 * time of arrival. Idempotent. No such function: only the batch's time is known. */
	void (*stamp)(struct port *p, uint32_t slot);
	/* Packets that the kernel refused to send since the last call. */
	uint64_t (*send_errors)(struct port *p);
	/* ICMP errors about the slot's packets since the last call (engine/net/host_udp.h). */
	uint32_t (*icmp_errors)(struct port *p, uint32_t slot);
	/* The next socket that failed, once each. False: no more. */
	bool (*fault)(struct port *p, struct port_fault *out);
	/* Whether the kernel could forward packets from the slot's RTP socket to `to` by that of
	 * the other one: the slot's entry, and the port's part of the plan (xdp_forwards.h). NULL:
	 * not at this time. No such function: never. */
	struct xdp_forward *(*shortcut)(struct port *p, uint32_t slot, uint32_t out_slot,
					const struct addr *to, struct xdp_forward_plan *plan);
	/* Of a slot with sockets. False: it has no sockets. No such function: no slot has any. */
	bool (*remains)(struct port *p, uint32_t slot, struct port_remains *out);
	void (*close)(struct port *p);
};

struct port {
	const struct port_ops *ops;
	bool too_long; /* an ICMP error was about a path's MTU; cleared by the reader */
	/* what tx took and the kernel has not must be there before; 0: it has time */
	uint64_t until_ns;
	uint64_t withheld; /* packets that were late for that; cleared by the reader */
};

/* For the packets of the next tx. Waiting ones keep their own time, if that is earlier. */
static inline void port_limit(struct port *p, uint64_t until_ns)
{
	if (UNLIKELY(until_ns != UINT64_MAX) && (p->until_ns == 0 || until_ns < p->until_ns))
		p->until_ns = until_ns;
}

/* Asked just before each sending system call: if true, no waiting packet may leave any more. */
static inline bool port_is_late(const struct port *p)
{
	return UNLIKELY(p->until_ns != 0) && clock_now_ns() >= p->until_ns;
}

/* For a port around another one, which sends under the same limit; what it withheld counts as
 * ours. */
static inline void port_limit_pass(struct port *p, struct port *inner)
{
	if (UNLIKELY(p->until_ns != 0))
		port_limit(inner, p->until_ns);
	p->withheld += inner->withheld;
	inner->withheld = 0;
}

/* connect(2) of a socket, for the ports over sockets. to NULL: disconnects. 0 or -errno. */
int port_socket_connect(int fd, const struct addr *to) NODISCARD;

/* For a socket with arrival times on packets: the room that recvmsg(2) needs then. */
enum { PORT_STAMP_ROOM = CMSG_SPACE(sizeof(struct timespec)) };
void port_stamp(int fd);

/* What makes ages of stamps. Zero-initialised, for the life of a port. */
struct port_ages {
	int64_t off_ns; /* the time of batches less that of stamps */
	bool known;
};

/* How long a packet had waited at the batch's time, up to a small constant. 0: no stamp. */
uint32_t port_age_us(struct port_ages *a, uint64_t batch_ns, struct msghdr *m);

/* The copies of port_ops.sockets. 0 or -errno. */
int port_sockets_copy(const int from[CHANNELS], int to[CHANNELS]) NODISCARD;

/* 0, -ENOSYS (the kernel or its policy has no io_uring for us) or -errno. */
int port_uring_open(struct port **out, const struct port_settings *settings) NODISCARD;
int port_epoll_open(struct port **out, const struct port_settings *settings) NODISCARD;

/* Another DSCP on a packet than on its socket (RFC 3542 6.5), for the ports over sockets. */

/* What sendmsg(2) takes, valid as long as the packet and this are. */
struct port_mark {
	struct msghdr message;
	struct iovec data;
	struct sockaddr_storage to;
	union {
		struct cmsghdr head;
		uint8_t room[CMSG_SPACE(sizeof(int))];
	} control;
};

void port_mark(struct port_mark *m, const struct pkt *p, uint8_t dscp);

#endif
