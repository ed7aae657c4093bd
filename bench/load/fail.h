/* SPDX-License-Identifier: Apache-2.0 */
/* What loads share. A load that cannot go on says why on stderr, and ends the process with status 1. */
#ifndef BENCH_LOAD_FAIL_H
#define BENCH_LOAD_FAIL_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* err: an errno. */
_Noreturn static inline void load_fail(const char *what, int err)
{
	(void)fprintf(stderr, "rtpload: %s: %s\n", what, strerror(err));
	exit(1);
}

/* "192.0.2.1:5004" */
static inline struct sockaddr_in load_address(const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	char ip[64];
	unsigned port;

	if (sscanf(text, "%63[0-9.]:%u", ip, &port) != 2 ||
	    inet_pton(AF_INET, ip, &a.sin_addr) != 1)
		load_fail(text, EINVAL);
	a.sin_port = htons((uint16_t)port);
	return a;
}

/* All n of them, whatever the kernel takes at a time. */
static inline void load_send(int fd, struct mmsghdr *list, unsigned n)
{
	for (unsigned at = 0; at < n;) {
		int done = sendmmsg(fd, list + at, n - at, 0);

		if (done < 0 && errno != EINTR && errno != ECONNREFUSED)
			load_fail("sendmmsg", errno);
		at += done > 0 ? (unsigned)done : 0;
	}
}

#endif
