/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest server of media there can be: what comes to one port of a call leaves by the other, at once and unread. So it shows what
 * a packet waits for on the way alone: the wire, its queues, the kernel's sockets and one wake-up.
 *
 *   reflect < calls         each line as for rtpload: a_local a_target b_local b_target (ip:port), the targets being ours; until a signal
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/addr.h"

enum {
	SOCKETS_MAX = 4096,
	EVENTS = 256,
	WORD_MAX = 64,
	PACKET_MAX = 2000,
	ROOM = 1 << 20,
};

_Noreturn static void fail(const char *what)
{
	(void)fprintf(stderr, "reflect: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_storage address_of(const char *text, socklen_t *n)
{
	struct sockaddr_storage ss;
	struct addr a;

	if (addr_parse(&a, bytes_str(text))) {
		errno = EINVAL;
		fail(text);
	}
	*n = addr_to_sockaddr(&a, &ss);
	return ss;
}

static int socket_open(const char *local, const char *party)
{
	socklen_t local_n, party_n;
	struct sockaddr_storage at = address_of(local, &local_n), to = address_of(party, &party_n);
	int room = ROOM, fd = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, local_n) ||
	    connect(fd, (struct sockaddr *)&to, party_n))
		fail(local);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

/* Sockets of one call stand side by side. */
static uint32_t calls_open(int fds[SOCKETS_MAX])
{
	char word[4][WORD_MAX];
	uint32_t n = 0;

	while (n < SOCKETS_MAX &&
	       scanf("%63s %63s %63s %63s", word[0], word[1], word[2], word[3]) == 4) {
		fds[n++] = socket_open(word[1], word[0]);
		fds[n++] = socket_open(word[3], word[2]);
	}
	return n;
}

static void watch(int epoll, int fd, uint32_t index)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = index };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e))
		fail("epoll");
}

/* A party that is not there yet is no fault. */
static void pass_on(int from, int to)
{
	uint8_t packet[PACKET_MAX];
	ssize_t n;

	while ((n = recv(from, packet, sizeof(packet), MSG_DONTWAIT)) > 0)
		(void)send(to, packet, (size_t)n, MSG_DONTWAIT);
}

int main(void)
{
	static int fds[SOCKETS_MAX];
	struct epoll_event events[EVENTS];
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint32_t count = calls_open(fds);

	for (uint32_t i = 0; i < count; i++)
		watch(epoll, fds[i], i);
	(void)printf("ready %u\n", count);
	(void)fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++)
			pass_on(fds[events[i].data.u32], fds[events[i].data.u32 ^ 1]);
	}
}
