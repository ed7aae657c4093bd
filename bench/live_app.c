/* SPDX-License-Identifier: Apache-2.0 */
/* A WebSocket server (RFC 6455) that says what it hears; at the path /slow it does not read for a while, and speaks all the same. */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/bytes.h"
#include "bench/live.h"
#include "bench/load/fail.h"

enum { BUFFER = 65536, BACKLOG = 1024, RECEIVE_BUFFER = 8192 };

struct connection {
	struct live_ready ready;
	int fd;
	bool slow, up, gone;
	size_t n;
	uint8_t in[BUFFER];
};

static struct {
	struct live_ready ready;
	int fd;
	struct connection *list[LIVE_MAX];
	uint32_t count;
} g_app;

static void app_say(struct connection *c, const uint8_t *octets, size_t n)
{
	uint8_t out[LIVE_FRAME + 4] = { 0x82, 126, (uint8_t)(n >> 8), (uint8_t)n };

	if (n > LIVE_FRAME || c->gone)
		return;
	memcpy(out + 4, octets, n);
	if (send(c->fd, out, n + 4, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
		c->gone = true;
}

static void pong(struct connection *c, const uint8_t *octets, size_t n)
{
	uint8_t out[2 + 125] = { 0x8a, (uint8_t)n };

	if (n > 125 || c->gone)
		return;
	memcpy(out + 2, octets, n);
	(void)send(c->fd, out, n + 2, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void handshake(struct connection *c)
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[256], accept[64];
	unsigned char digest[SHA_DIGEST_LENGTH];
	char *end = memmem(c->in, c->n, "\r\n\r\n", 4), *key;
	int n;

	if (!end)
		return;
	*end = '\0';
	key = strcasestr((char *)c->in, "sec-websocket-key:");
	if (!key)
		load_fail("no WebSocket", EPROTO);
	key += strlen("sec-websocket-key:");
	key += strspn(key, " ");
	n = snprintf(text, sizeof(text), "%.24s%s", key, magic);
	(void)SHA1((unsigned char *)text, (size_t)n, digest);
	(void)EVP_EncodeBlock((unsigned char *)accept, digest, SHA_DIGEST_LENGTH);
	c->slow = strstr((char *)c->in, " /slow ") != NULL;
	n = snprintf(text, sizeof(text),
		     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		     "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		     accept);
	if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		load_fail("handshake", errno);
	c->n = 0; /* the node says nothing before it has the answer */
	c->up = true;
}

static void text_receive(struct live_load *l, const char *text)
{
	const char *frames = strstr(text, "\"frames\":");

	l->starts += strstr(text, "\"event\":\"start\"") != NULL;
	if (!strstr(text, "\"event\":\"missed\"") || !frames)
		return;
	l->missed_told++;
	l->missed_frames += strtoul(frames + strlen("\"frames\":"), NULL, 10);
}

/* One whole frame; how many octets it had, 0: it is not whole. */
static size_t frame_play(struct live_load *l, struct connection *c, uint8_t *p, size_t n)
{
	size_t at = 2, length = n < 2 ? 0 : p[1] & 0x7f;
	uint8_t kind = n < 2 ? 0 : p[0] & 0x0f;
	char text[1024];

	if (n < 2 || (length == 126 && n < 4))
		return 0;
	if (length == 126) {
		length = (size_t)(p[2] << 8 | p[3]);
		at = 4;
	}
	if (n < at + 4 + length)
		return 0;
	for (size_t i = 0; i < length; i++)
		p[at + 4 + i] ^= p[at + i % 4];
	p += at + 4;
	at += 4 + length;
	switch (kind) {
	case 1:
		(void)snprintf(text, sizeof(text), "%.*s", (int)length, (char *)p);
		text_receive(l, text);
		break;
	case 9:
		pong(c, p, length);
		break;
	case 2:
		if (c->slow)
			break;
		app_say(c, p, length);
		l->echoed++;
		break;
	default:
		break;
	}
	return at;
}

static void frames_hear(struct live_load *l, struct connection *c)
{
	size_t at = 0, n;

	while ((n = frame_play(l, c, c->in + at, c->n - at)) > 0)
		at += n;
	c->n -= at;
	memmove(c->in, c->in + at, c->n);
}

static void connection_ready(struct live_load *l, struct live_ready *r, uint32_t events)
{
	struct connection *c = CONTAINER_OF(r, struct connection, ready);
	ssize_t n;

	(void)events;
	if (c->gone || (c->slow && l->slow_sleeps && c->up))
		return;
	n = recv(c->fd, c->in + c->n, sizeof(c->in) - c->n, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		c->gone = true;
		(void)epoll_ctl(l->poll_fd, EPOLL_CTL_DEL, c->fd, NULL);
		return;
	}
	c->n += n > 0 ? (size_t)n : 0;
	if (c->up)
		frames_hear(l, c);
	else
		handshake(c);
}

static void watch(const struct live_load *l, int fd, struct live_ready *r)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.ptr = r };

	if (epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, fd, &event))
		load_fail("epoll", errno);
}

static void listener_ready(struct live_load *l, struct live_ready *r, uint32_t events)
{
	int fd, one = 1;

	(void)r;
	(void)events;
	while ((fd = accept4(g_app.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *c = calloc(1, sizeof(*c));

		if (!c || g_app.count == LIVE_MAX)
			load_fail("too many connections", ENOMEM);
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c->ready.ready = connection_ready;
		c->fd = fd;
		g_app.list[g_app.count++] = c;
		l->connections++;
		watch(l, fd, &c->ready);
	}
}

uint16_t live_app_open(struct live_load *l)
{
	struct sockaddr_in local = { .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(local);
	int octets = RECEIVE_BUFFER;

	g_app.ready.ready = listener_ready;
	g_app.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)setsockopt(g_app.fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof(octets));
	if (bind(g_app.fd, (struct sockaddr *)&local, n) || listen(g_app.fd, BACKLOG) ||
	    getsockname(g_app.fd, (struct sockaddr *)&local, &n))
		load_fail("application", errno);
	watch(l, g_app.fd, &g_app.ready);
	return ntohs(local.sin_port);
}

void live_app_clear(struct live_load *l)
{
	static const uint8_t clear[] = "\x81\x11{\"event\":\"clear\"}";

	(void)l;
	for (uint32_t i = 0; i < g_app.count; i++) {
		if (g_app.list[i]->up && !g_app.list[i]->gone)
			(void)send(g_app.list[i]->fd, clear, sizeof(clear) - 1,
				   MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

void live_app_tick(struct live_load *l)
{
	static const uint8_t tone[LIVE_FRAME] = { [0 ... LIVE_FRAME - 1] = 0x35 };

	for (uint32_t i = 0; i < g_app.count; i++) {
		struct connection *c = g_app.list[i];

		if (!c->slow || !c->up)
			continue;
		app_say(c, tone, sizeof(tone));
		if (!l->slow_sleeps)
			connection_ready(l, &c->ready, 0);
	}
}
