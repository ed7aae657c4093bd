/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets of transport_stream: what the kernel is asked for. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "sig/transport/stream_connection.h"

enum {
	BACKLOG = 1024,
	PROBE_AFTER_S =
		60, /* a dead peer is found within two minutes, though it need not say anything for an hour */
	PROBE_EVERY_S = 15,
	PROBES = 4,
};

static int stream_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int socket_of(const struct addr *a)
{
	int fd = socket(a->family == ADDR_V4 ? AF_INET : AF_INET6,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (a->family == ADDR_V6)
		(void)stream_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	return fd;
}

static int stream_bind(int fd, const struct addr *a)
{
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(a, &sa);

	return bind(fd, (const struct sockaddr *)&sa, n) < 0 ? -errno : 0;
}

static void set_dscp(int fd, const struct addr *a, uint8_t dscp)
{
	if (a->family == ADDR_V4) {
		(void)stream_option(fd, IPPROTO_IP, IP_TOS, dscp << 2);
	} else {
		(void)stream_option(fd, IPPROTO_IPV6, IPV6_TCLASS, dscp << 2);
	}
}

static int listen_on(int fd, const struct addr *address, uint8_t dscp, struct addr *bound)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);
	/* connections of a killed node still close themselves: they are not in the way */
	int err = stream_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (!err)
		err = stream_bind(fd, address);
	if (!err && listen(fd, BACKLOG) < 0)
		err = -errno;
	if (!err && getsockname(fd, (struct sockaddr *)&sa, &n) < 0)
		err = -errno;
	set_dscp(fd, address, dscp);
	return err ? err : addr_from_sockaddr(bound, (const struct sockaddr *)&sa);
}

int stream_listen(const struct addr *bind, uint8_t dscp, struct addr *bound)
{
	int fd = socket_of(bind);
	int err;

	if (fd < 0)
		return fd;
	err = listen_on(fd, bind, dscp, bound);
	if (!err)
		return fd;
	(void)close(fd);
	return err;
}

void stream_socket_setup(int fd, const struct addr *remote, uint8_t dscp, uint64_t patience_ns)
{
	set_dscp(fd, remote, dscp);
	(void)stream_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	(void)stream_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	(void)stream_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, PROBE_AFTER_S);
	(void)stream_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_EVERY_S);
	(void)stream_option(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
	/* what goes unacknowledged; a peer that acknowledges and does not read is found by us, under its name */
	(void)stream_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)(2 * patience_ns / NS_PER_MS));
}

void stream_socket_leaves_nothing(int fd, bool nothing)
{
	const struct linger l = { .l_onoff = nothing };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static int connect_to(int fd, const struct addr *from, const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(to, &sa);
	struct addr any_port = *from;
	int err;

	any_port.port = 0;
	(void)stream_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	err = stream_bind(fd, &any_port);
	if (err)
		return err;
	return connect(fd, (const struct sockaddr *)&sa, n) < 0 && errno != EINPROGRESS ? -errno
											: 0;
}

int stream_connect(const struct addr *from, const struct addr *to, uint8_t dscp)
{
	int fd = socket_of(to);
	int err;

	if (fd < 0)
		return fd;
	set_dscp(fd, to, dscp);
	err = connect_to(fd, from, to);
	if (!err)
		return fd;
	(void)close(fd);
	return err;
}
