/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redis/socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/tls/tls.h"

int redis_socket_secure(struct redis_socket *s, struct tls *tls, const char *host)
{
	return tls_connect_host(&s->tls, tls, s->fd, host);
}

int redis_socket_handshake(struct redis_socket *s, const char **why)
{
	enum tls_failure failure;
	int err = tls_handshake(s->tls, &failure);

	if (err == -EPROTO)
		*why = tls_failure_name(failure);
	return err;
}

static ssize_t plain_outcome(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

ssize_t redis_socket_read(struct redis_socket *s, void *p, size_t n)
{
	return s->tls ? tls_read(s->tls, p, n) : plain_outcome(recv(s->fd, p, n, MSG_DONTWAIT));
}

ssize_t redis_socket_write(struct redis_socket *s, const void *p, size_t n)
{
	return s->tls ? tls_write(s->tls, p, n)
		      : plain_outcome(send(s->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT));
}

bool redis_socket_wants_write(const struct redis_socket *s)
{
	return s->tls && tls_wants_write(s->tls);
}

void redis_socket_close(struct redis_socket *s)
{
	tls_link_close(s->tls);
	if (s->fd >= 0)
		(void)close(s->fd);
	*s = (struct redis_socket){ .fd = -1 };
}
