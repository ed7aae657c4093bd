/* SPDX-License-Identifier: Apache-2.0 */
/* A packet under another DSCP than that of the socket that sends it (RFC 3542 6.5), for the ports over sockets. */
#ifndef ENGINE_PORT_PORT_MARK_H
#define ENGINE_PORT_PORT_MARK_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "engine/net/packet.h"

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
