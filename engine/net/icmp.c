/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/net/icmp.h"

#include <errno.h>
#include <time.h>

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ERRORS_MAX = 256, /* at a time; the next error brings us back */
	CONTROL_ROOM = 512,
};

void icmp_listen(int fd, bool v6)
{
	int on = 1;

	(void)setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on,
			 sizeof(on));
}

/* Is it an error of ICMP? Others are our own kernel's refusals to send. */
static bool icmp_error_read(struct msghdr *m, struct sock_extended_err *out)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
		bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;

		if (!v4 && !v6)
			continue;
		memcpy(out, CMSG_DATA(c), sizeof(*out));
		return out->ee_origin == SO_EE_ORIGIN_ICMP || out->ee_origin == SO_EE_ORIGIN_ICMP6;
	}
	return false;
}

uint32_t icmp_read(int fd, bool *too_long)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ERRORS_MAX; i++) {
		alignas(struct cmsghdr) uint8_t control[CONTROL_ROOM];
		struct msghdr m = { .msg_control = control, .msg_controllen = sizeof(control) };
		struct sock_extended_err error;

		if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		if (!icmp_error_read(&m, &error))
			continue;
		count++;
		*too_long |= error.ee_errno == EMSGSIZE;
	}
	return count;
}

bool icmp_is(int err)
{
	return err == -ECONNREFUSED || err == -EHOSTUNREACH || err == -ENETUNREACH ||
	       err == -EMSGSIZE || err == -EHOSTDOWN || err == -ENOPROTOOPT || err == -EPROTO ||
	       err == -EACCES || err == -EOPNOTSUPP || err == -ENONET;
}
