/* SPDX-License-Identifier: Apache-2.0 */
/* What port_uring.c (sockets) and port_uring_io.c (packets) share; nobody else looks in here. */
#ifndef ENGINE_PORT_PORT_URING_H
#define ENGINE_PORT_PORT_URING_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "engine/port/port.h"
#include "engine/port/port_mark.h"
#include "engine/port/uring.h"

enum {
	/* a buffer: io_uring_recvmsg_out, then the source address, then the payload */
	URING_NAME_ROOM = sizeof(struct sockaddr_in6),
	URING_BUFFER_HEAD = sizeof(struct io_uring_recvmsg_out) + URING_NAME_ROOM,
	URING_BUFFER_SIZE = 2048,
};

static_assert(URING_BUFFER_SIZE - URING_BUFFER_HEAD >= PACKET_MAX, "a packet fits its buffer");

enum uring_op { OP_IGNORE, OP_WAKE, OP_RECEIVE, OP_SEND };

/* Sockets are numbered slot * CHANNELS + channel. */
struct uring_slot {
	int fd[CHANNELS];
	struct addr connected; /* the RTP socket to this party; ADDR_NONE: to nobody */
	uint32_t files;        /* where they are registered: files * CHANNELS + channel */
	uint16_t use; /* changes with each flow_add: completions of a former use are told apart */
	uint8_t in_use;
	uint8_t dscp;  /* with over */
	int error;     /* the fault, until it was fetched */
	uint32_t over; /* slot + 1, whose sockets send; 0: its own */
	uint32_t icmp_errors;
};

struct uring_port {
	struct port port;
	struct uring uring;
	struct msghdr receive; /* template: the room for the name */
	struct uring_slot *slots;
	uint32_t slot_count;
	/* The table of files is shorter than that of slots: no longer than the limit of descriptors. */
	uint32_t *free_files;
	uint32_t free_count;
	int wake_fd;
	bool wake_armed;
	uint32_t *deaf; /* sockets whose receive is to be armed */
	uint32_t deaf_count;
	uint32_t fault_count;
	uint64_t send_errors;
	struct sockaddr_storage targets[URING_ENTRIES]; /* of the sends not yet submitted */
	struct port_mark marks[URING_ENTRIES];
	int added[URING_ENTRIES][CHANNELS]; /* of the files not yet registered */
};

static inline struct uring_port *uring_of(struct port *p)
{
	return CONTAINER_OF(p, struct uring_port, port);
}

/* user_data of a request. */
static inline uint64_t uring_tag(enum uring_op op, uint16_t use, uint32_t socket)
{
	return (uint64_t)op << 56 | (uint64_t)use << 32 | socket;
}

void uring_rx(struct port *p, struct batch *b, uint32_t want, uint64_t wait_ns);
bool uring_port_lend(struct port *p, struct pkt *out);
void uring_tx(struct port *p, struct batch *b);

#endif
