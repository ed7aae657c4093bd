/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to a flow's sockets but sending and receiving. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "engine/port.h"

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
}

/* Blocking on purpose: a multishot receive of io_uring does not wait on a socket that is O_NONBLOCK. */
static int socket_bind(const struct addr *local, uint8_t dscp, int *out)
{
	struct sockaddr_storage ss;
	int family = local->family == ADDR_V6 ? AF_INET6 : AF_INET;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	options_set(fd, local->family, dscp);
	if (bind(fd, (const struct sockaddr *)&ss, addr_to_sockaddr(local, &ss)) != 0) {
		int err = -errno;

		(void)close(fd);
		return err;
	}
	*out = fd;
	return 0;
}

int engine_bind(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp, int *rtp_fd,
		int *rtcp_fd)
{
	int fd;
	int err = socket_bind(rtp, dscp, &fd);

	if (err)
		return err;
	*rtcp_fd = -1;
	if (rtcp->family != ADDR_NONE)
		err = socket_bind(rtcp, dscp, rtcp_fd);
	if (err) {
		(void)close(fd);
		return err;
	}
	*rtp_fd = fd;
	return 0;
}

int engine_bind_wait(const struct addr *rtp, const struct addr *rtcp, uint8_t dscp,
		     uint64_t until_ns, int *rtp_fd, int *rtcp_fd)
{
	static const struct timespec PAUSE = { .tv_nsec = 2 * NS_PER_MS };
	int err;

	while ((err = engine_bind(rtp, rtcp, dscp, rtp_fd, rtcp_fd)) == -EADDRINUSE &&
	       clock_now_ns() < until_ns)
		(void)nanosleep(&PAUSE, NULL);
	return err;
}

/* Without a party the socket keeps its port only because that was bound by number. */
int port_socket_connect(int fd, const struct addr *to)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = to ? addr_to_sockaddr(to, &ss) : sizeof(ss);

	return connect(fd, (const struct sockaddr *)&ss, len) == 0 ? 0 : -errno;
}
