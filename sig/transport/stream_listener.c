/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "sig/transport/stream_connection.h"

/* They come through the handshake first where there is one: with something to read they ask for it. */
static void connection_take(struct stream_listener *l, int fd, const struct addr *remote)
{
	struct transport_stream *t = l->owner;
	struct sip_hop hop = {
		.transport = l->transport, .local = l->local, .remote = *remote, .inbound = true
	};
	bool secure = l->transport == SIP_TLS;
	struct stream_connection *c;

	if (!stream_has_room(t, &hop)) {
		(void)close(fd);
		return;
	}
	stream_socket_setup(fd, remote, t->dscp, t->limits.patience_ns);
	if (stream_connection_open(&c, t, fd, &hop, secure ? STREAM_HANDSHAKE : STREAM_OPEN))
		return;
	stream_count(t, STREAM_ACCEPTED);
}

/* Without a descriptor the connection would wake us for ever: one is kept to take and close it with. */
static void refuse_one(struct stream_listener *l)
{
	struct transport_stream *t = l->owner;

	stream_count(t, STREAM_REFUSED_FILES);
	(void)close(t->spare);
	t->spare = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (t->spare >= 0)
		(void)close(t->spare);
	t->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_listener(int listen_fd, unsigned events, void *arg)
{
	struct stream_listener *l = arg;

	(void)events;
	for (int i = 0; i < STREAM_ACCEPTS; i++) {
		struct sockaddr_storage sa;
		socklen_t n = sizeof(sa);
		struct addr remote;
		int fd = accept4(listen_fd, (struct sockaddr *)&sa, &n,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			refuse_one(l);
			return;
		}
		if (fd < 0)
			return; /* none left, or one that gave up while it waited */
		if (addr_from_sockaddr(&remote, (const struct sockaddr *)&sa)) {
			(void)close(fd);
			continue;
		}
		connection_take(l, fd, &remote);
	}
}

static int stream_listener_bind(struct stream_listener *l)
{
	int fd = stream_listen(&l->wanted, l->owner->dscp, &l->bound);

	if (fd < 0) {
		LOG_ERROR("sip", 0, "cannot listen", LOG_ADDR("local", &l->wanted),
			  LOG_STR("transport", sip_transport_name(l->transport)),
			  LOG_INT("errno", -fd));
		return fd;
	}
	l->fd = fd;
	return loop_watch(fd, LOOP_READ, on_listener, l);
}

void stream_listener_close(struct stream_listener *l)
{
	if (l->fd < 0)
		return;
	loop_unwatch(l->fd);
	(void)close(l->fd);
	l->fd = -1;
}

int transport_stream_listen(struct transport_stream *t, uint32_t local)
{
	struct stream_listener *l = &t->listeners[local];

	if (l->fd >= 0 || (l->transport != SIP_TCP && l->transport != SIP_TLS))
		return 0;
	return stream_listener_bind(l);
}

int stream_listener_open(struct stream_listener *l, struct transport_stream *t,
			 const struct transport_listener *from, uint16_t local)
{
	*l = (struct stream_listener){ .owner = t,
				       .transport = from->transport,
				       .wanted = from->bind,
				       .local = local,
				       .floats = from->later,
				       .fd = -1 };
	if (sip_transport_is_web(from->transport) || from->later)
		l->bound = from->bind;
	if (from->transport != SIP_TCP && from->transport != SIP_TLS)
		return 0;
	if (from->transport == SIP_TLS && !t->tls)
		return -EINVAL;
	return from->later ? 0 : stream_listener_bind(l);
}
