/* SPDX-License-Identifier: Apache-2.0 */
#include "app/deliver/copy_link.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	HELLO_S = 5,     /* whoever has not proved that it has the key */
	PATIENCE_S = 60, /* a machine that is busy gives an idle process little */
};

/* The hello of a channel for parcels begins otherwise (cluster/peer/channel.h). */
static const uint8_t g_files[4] = { CHANNEL_FILES_MAGIC };

static void link_hello(const struct copy_self *self, uint64_t other, struct rand_source *rand,
		       uint8_t out[CHANNEL_HELLO_LEN])
{
	struct channel_hello hello = { .from = self->id,
				       .to = other,
				       .incarnation = self->incarnation };

	rand_fill(rand, hello.random, sizeof(hello.random));
	channel_hello_write(out, &hello);
	memcpy(out, g_files, sizeof(g_files));
}

static int link_hello_read(struct channel_hello *hello, const uint8_t in[CHANNEL_HELLO_LEN])
{
	uint8_t usual[CHANNEL_HELLO_LEN];
	struct channel_hello none = { .from = 1, .incarnation = 1 };

	channel_hello_write(usual, &none);
	memcpy(usual + sizeof(g_files), in + sizeof(g_files), CHANNEL_HELLO_LEN - sizeof(g_files));
	return memcmp(in, g_files, sizeof(g_files)) ? -EBADMSG : channel_hello_read(hello, usual);
}

/* ---- octets ---- */

static int link_write(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		p += sent;
		n -= (size_t)sent;
	}
	return 0;
}

static int copy_link_read(int fd, uint8_t *p, size_t n)
{
	while (n) {
		ssize_t got = recv(fd, p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (!got)
			return -ECONNRESET;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

static int link_patience(int fd, int seconds)
{
	const struct timeval patience = { .tv_sec = seconds };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	return 0;
}

static int copy_link_setup(int fd)
{
	const int on = 1, never = 0;
	int flags = fcntl(fd, F_GETFL);

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* as the node had set it for its own */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &never, sizeof(never));
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return -errno;
	return link_patience(fd, HELLO_S);
}

/* ---- both ends ---- */

static int link_open(const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(to, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	err = copy_link_setup(fd);
	if (!err && connect(fd, (const struct sockaddr *)&sa, n) < 0)
		err = errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	if (err)
		(void)close(fd);
	return err ? err : fd;
}

int copy_link_connect(struct copy_link *l, const struct copy_self *self, const struct addr *to,
		      uint64_t other, struct rand_source *rand)
{
	uint8_t asks[CHANNEL_HELLO_LEN], answers[CHANNEL_HELLO_LEN];
	struct channel_hello hello;
	int err;

	*l = (struct copy_link){ .fd = link_open(to), .other = other };
	if (l->fd < 0)
		return l->fd;
	link_hello(self, other, rand, asks);
	err = link_write(l->fd, asks, sizeof(asks));
	if (!err)
		err = copy_link_read(l->fd, answers, sizeof(answers));
	if (!err)
		err = link_hello_read(&hello, answers);
	if (!err && (hello.from != other || hello.to != self->id))
		err = -EPROTO;
	if (!err)
		err = link_patience(l->fd, PATIENCE_S);
	if (err) {
		copy_link_close(l);
		return err;
	}
	channel_key_derive(&l->out, self->key, asks, answers);
	channel_key_derive(&l->in, self->key, answers, asks);
	return 0;
}

int copy_link_accept(struct copy_link *l, const struct copy_self *self, int fd,
		     const uint8_t asks[CHANNEL_HELLO_LEN], struct rand_source *rand)
{
	uint8_t answers[CHANNEL_HELLO_LEN];
	struct channel_hello hello;
	int err = link_hello_read(&hello, asks);

	*l = (struct copy_link){ .fd = fd };
	if (!err && (hello.to != self->id || hello.from == self->id))
		err = -EPROTO;
	if (!err)
		err = copy_link_setup(fd);
	if (!err) {
		l->other = hello.from;
		link_hello(self, l->other, rand, answers);
		err = link_write(fd, answers, sizeof(answers));
	}
	if (err) {
		copy_link_close(l);
		return err;
	}
	channel_key_derive(&l->in, self->key, asks, answers);
	channel_key_derive(&l->out, self->key, answers, asks);
	return 0;
}

void copy_link_proven(struct copy_link *l)
{
	if (!l->proven)
		(void)link_patience(l->fd, PATIENCE_S);
	l->proven = true;
}

void copy_link_close(struct copy_link *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	explicit_bzero(l, sizeof(*l));
	l->fd = -1;
}

/* ---- messages ---- */

int copy_link_send(struct copy_link *l, const struct copy_message *m)
{
	struct writer w = writer_over(l->text, sizeof(l->text));
	size_t n;
	int err;

	copy_message_write(&w, m);
	err = w.overflow ? -EMSGSIZE : channel_seal(&l->out, writer_done(&w), l->frame, &n);
	return err ? err : link_write(l->fd, l->frame, n);
}

int copy_link_receive(struct copy_link *l, struct copy_message *m)
{
	size_t n = 0;
	int err = copy_link_read(l->fd, l->frame, CHANNEL_FRAME_HEAD);

	if (!err)
		err = channel_frame(bytes_mem(l->frame, CHANNEL_FRAME_HEAD), &n);
	if (!err)
		err = copy_link_read(l->fd, l->frame + CHANNEL_FRAME_HEAD, n - CHANNEL_FRAME_HEAD);
	if (!err)
		err = channel_unseal(&l->in, bytes_mem(l->frame, n), l->text, &n);
	return err ? err : copy_message_read(m, bytes_mem(l->text, n));
}
