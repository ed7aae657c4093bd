/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ports over kernel sockets (port_epoll.c, port_uring.c) share: a DSCP per packet, arrival
 * times of packets, duplicates of descriptors, and connect(2). Arrival times come from the wall
 * clock and are converted to an age, as the engine's clock is another one.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/port/port.h"

void port_mark(struct port_mark *m, const struct pkt *p, uint8_t dscp)
{
	bool v6 = p->to->family == ADDR_V6;
	int tos = dscp << 2;

	m->data = (struct iovec){ .iov_base = p->data, .iov_len = p->length };
	m->control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(tos)),
					    .cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP,
					    .cmsg_type = v6 ? IPV6_TCLASS : IP_TOS };
	memcpy(CMSG_DATA(&m->control.head), &tos, sizeof(tos));
	m->message = (struct msghdr){ .msg_name = &m->to,
				      .msg_namelen = addr_to_sockaddr(p->to, &m->to),
				      .msg_iov = &m->data,
				      .msg_iovlen = 1,
				      .msg_control = &m->control,
				      .msg_controllen = CMSG_SPACE(sizeof(tos)) };
}

void port_stamp(int fd)
{
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

enum { AGE_MAX_S = 2 }; /* no packet waits so long: a clock was set */

/* Stamps use the wall clock, which steps; the packet that waited least shows its offset. */
uint32_t port_age_us(struct port_ages *a, uint64_t batch_ns, struct msghdr *m)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct timespec stamp;
	int64_t off_ns;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
		return 0;
	memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
	off_ns = (int64_t)clock_to_kernel(batch_ns) -
		 (stamp.tv_sec * (int64_t)NS_PER_S + stamp.tv_nsec);
	if (!a->known || off_ns < a->off_ns || off_ns - a->off_ns > AGE_MAX_S * (int64_t)NS_PER_S)
		*a = (struct port_ages){ .known = true, .off_ns = off_ns };
	return (uint32_t)((uint64_t)(off_ns - a->off_ns) / NS_PER_US);
}

int port_sockets_copy(const int from[CHANNELS], int to[CHANNELS])
{
	to[CHANNEL_RTP] = to[CHANNEL_RTCP] = -1;
	for (uint32_t c = 0; c < CHANNELS; c++) {
		int err;

		if (from[c] < 0)
			continue;
		to[c] = fcntl(from[c], F_DUPFD_CLOEXEC, 0);
		if (to[c] >= 0)
			continue;
		err = -errno;
		if (to[CHANNEL_RTP] >= 0)
			(void)close(to[CHANNEL_RTP]);
		to[CHANNEL_RTP] = -1;
		return err;
	}
	return 0;
}

/* Without a party the socket keeps its port only because that was bound by number. */
int port_socket_connect(int fd, const struct addr *to)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = to ? addr_to_sockaddr(to, &ss) : sizeof(ss);

	return connect(fd, (const struct sockaddr *)&ss, len) == 0 ? 0 : -errno;
}
