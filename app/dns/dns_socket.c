/* SPDX-License-Identifier: Apache-2.0 */
#include "app/dns/dns_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int dns_socket_open(const struct addr *server, int type)
{
	struct sockaddr_storage to;
	uint32_t n = addr_to_sockaddr(server, &to);
	int fd = socket(to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)&to, n) || errno == EINPROGRESS)
		return fd;
	err = -errno;
	(void)close(fd);
	return err;
}

struct dns_stream *dns_stream_make(uint16_t id, const struct dns_question *question)
{
	struct dns_stream *s = calloc(1, sizeof(*s));
	struct writer w;

	if (!s)
		return NULL;
	w = writer_over(s->out + 2, sizeof(s->out) - 2);
	dns_query_write(&w, id, question);
	be16_put(s->out, (uint16_t)w.n);
	s->out_n = (uint32_t)w.n + 2;
	return s;
}

bool dns_stream_is_sent(const struct dns_stream *s)
{
	return s->sent == s->out_n;
}

static int stream_write(struct dns_stream *s, int fd)
{
	while (!dns_stream_is_sent(s)) {
		ssize_t n = send(fd, s->out + s->sent, s->out_n - s->sent, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		s->sent += (uint32_t)n;
	}
	return 0;
}

int dns_stream_step(struct dns_stream *s, int fd, struct bytes *message)
{
	int err = stream_write(s, fd);

	while (!err) {
		uint32_t whole = s->got < 2 ? 2 : 2U + be16_get(s->in);
		ssize_t n;

		if (whole > sizeof(s->in))
			return -EMSGSIZE;
		if (s->got == whole && whole > 2) {
			*message = bytes_mem(s->in + 2, whole - 2);
			return 0;
		}
		n = recv(fd, s->in + s->got, whole - s->got, 0);
		if (n <= 0)
			return n ? -errno : -ECONNRESET;
		s->got += (uint32_t)n;
	}
	return err;
}
