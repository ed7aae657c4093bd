/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to a flow's sockets but sending and receiving. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "engine/net/icmp.h"
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

enum {
	SHARED_ROOM =
		4
		<< 20 /* many calls have one socket: 20 ms of 10,000 packets a second are 0.4 MB in the kernel's count */
};

/* Refusals are not errors: a packet without its DSCP mark, or fragmented, is better than none. */
static void options_set(int fd, uint8_t family, uint8_t dscp)
{
	int v6 = family == ADDR_V6;
	int tos = dscp << 2;
	int fragment = v6 ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_DONT;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;

	(void)setsockopt(fd, level, v6 ? IPV6_TCLASS : IP_TOS, &tos, sizeof(tos));
	(void)setsockopt(fd, level, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &fragment,
			 sizeof(fragment));
	if (v6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6, sizeof(v6));
	icmp_listen(fd, v6);
}

/*
 * The kernel takes the io_uring of a killed process apart after its exit, and the sockets in it stay bound meanwhile. The next
 * process may bind the same ports beside them when both have SO_REUSEPORT (and one user). Set only after the bind it does not
 * hide that a port is somebody else's. The one that is connected to a party gets its packets: the newest, of two.
 */
static void port_share(int fd)
{
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

enum bind_way {
	BIND_ALONE,
	BIND_AGAIN, /* beside those of a process that is gone */
	BIND_AHEAD, /* of an address that comes later */
};

/* Until it is there nothing comes in, and nothing leaves. */
static void address_awaited(int fd, uint8_t family)
{
	int on = 1;

	if (family == ADDR_V6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
}

/* Blocking on purpose: a multishot receive of io_uring does not wait on a socket that is O_NONBLOCK. */
static int socket_bind(const struct addr *local, uint8_t dscp, enum bind_way way, int *out)
{
	struct sockaddr_storage ss;
	int family = local->family == ADDR_V6 ? AF_INET6 : AF_INET;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	options_set(fd, local->family, dscp);
	if (way == BIND_AGAIN)
		port_share(fd);
	if (way == BIND_AHEAD)
		address_awaited(fd, local->family);
	if (bind(fd, (const struct sockaddr *)&ss, addr_to_sockaddr(local, &ss)) != 0) {
		int err = -errno;

		(void)close(fd);
		return err;
	}
	port_share(fd);
	*out = fd;
	return 0;
}

static int pair_bind(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp,
		     enum bind_way way, int *rtp_fd, int *rtcp_fd)
{
	int fd = -1;
	int err = socket_bind(rtp, dscp, way, &fd);

	if (err)
		return err;
	*rtcp_fd = -1;
	if (rtcp->family != ADDR_NONE)
		err = socket_bind(rtcp, dscp, way, rtcp_fd);
	if (err) {
		(void)close(fd);
		return err;
	}
	*rtp_fd = fd;
	return 0;
}

enum { DROPPED_AT_ONCE = 64 };

/* All that is there now: no more than its buffer takes, some hundred packets. */
static void stale_drop(int fd)
{
	struct mmsghdr list[DROPPED_AT_ONCE] = { 0 };

	for (int i = 0; i < DROPPED_AT_ONCE; i++) {
		if (recvmmsg(fd, list, DROPPED_AT_ONCE, MSG_DONTWAIT | MSG_TRUNC, NULL) <
		    DROPPED_AT_ONCE)
			return;
	}
}

static void bound_before(int fd, uint8_t family, uint8_t dscp, bool stale)
{
	(void)!port_socket_connect(fd, NULL);
	(void)fcntl(fd, F_SETFL, 0); /* of epoll's it is O_NONBLOCK */
	options_set(fd, family, dscp);
	if (stale)
		stale_drop(fd);
}

void engine_bound_before(int rtp_fd, int rtcp_fd, uint8_t family, uint8_t dscp, bool stale)
{
	bound_before(rtp_fd, family, dscp, stale);
	if (rtcp_fd >= 0)
		bound_before(rtcp_fd, family, dscp, stale);
}

/* Of two that are bound beside each other the second, which is the newer, gets all packets; an index that is not there is none. */
static void newest_takes(int fd)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, 1) };
	const struct sock_fprog program = { .len = 1, .filter = code };

	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program));
}

static void room_set(int fd, struct engine_room *out)
{
	int room = SHARED_ROOM;
	socklen_t n = sizeof(room);

	*out = (struct engine_room){ .asked = SHARED_ROOM };
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, n);
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, &n) == 0)
		out->granted = (uint32_t)room / 2; /* the kernel doubles it, for its own use */
}

int engine_bind_shared(const struct addr *local, uint8_t dscp, bool again, int *fd,
		       struct engine_room *room)
{
	int err = socket_bind(local, dscp, again ? BIND_AGAIN : BIND_ALONE, fd);

	if (err)
		return err;
	newest_takes(*fd);
	room_set(*fd, room);
	return 0;
}

int engine_bind(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp, int *rtp_fd,
		int *rtcp_fd)
{
	return pair_bind(rtp, rtcp, dscp, BIND_ALONE, rtp_fd, rtcp_fd);
}

int engine_bind_again(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp, int *rtp_fd,
		      int *rtcp_fd)
{
	return pair_bind(rtp, rtcp, dscp, BIND_AGAIN, rtp_fd, rtcp_fd);
}

int engine_bind_ahead(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp, int *rtp_fd,
		      int *rtcp_fd)
{
	return pair_bind(rtp, rtcp, dscp, BIND_AHEAD, rtp_fd, rtcp_fd);
}

/* Without a party the socket keeps its port only because that was bound by number. */
int port_socket_connect(int fd, const struct addr *to)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = to ? addr_to_sockaddr(to, &ss) : sizeof(ss);

	return connect(fd, (const struct sockaddr *)&ss, len) == 0 ? 0 : -errno;
}
