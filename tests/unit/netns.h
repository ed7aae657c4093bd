/* SPDX-License-Identifier: Apache-2.0 */
/* A network of the test program's own: nobody else takes its ports, and it may make interfaces. */
#ifndef TESTS_UNIT_NETNS_H
#define TESTS_UNIT_NETNS_H

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Before there are threads. False: the machine allows none. */
static inline bool netns_enter(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	bool up;
	int s;

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	up = s >= 0 && ioctl(s, SIOCSIFFLAGS, &lo) == 0;
	(void)close(s);
	return up;
}

#endif
