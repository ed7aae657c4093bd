/* SPDX-License-Identifier: Apache-2.0 */
/* The receiving half of transport_udp.h: datagrams in batches, and the errors ICMP brings back. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include <linux/errqueue.h> /* needs struct timespec */

#include "base/clock.h"
#include "base/guard.h"
#include "sig/transport/transport_udp_socket.h"

enum { ERROR_CONTROL_MAX = 512 };

static void batch_prepare(struct transport_udp *t)
{
	struct udp_batch *b = &t->in;

	for (size_t i = 0; i < UDP_BATCH; i++) {
		b->parts[i] = (struct iovec){ .iov_base = t->buffers + i * UDP_DATAGRAM_MAX,
					      .iov_len = UDP_DATAGRAM_MAX };
		b->messages[i].msg_hdr = (struct msghdr){ .msg_name = &b->peers[i],
							  .msg_namelen = sizeof(b->peers[i]),
							  .msg_iov = &b->parts[i],
							  .msg_iovlen = 1,
							  .msg_control = t->controls[i],
							  .msg_controllen = UDP_CONTROL_MAX };
	}
}

/* SO_RXQ_OVFL: how many the kernel has dropped since the socket exists, those included that its guard has dropped for us. */
static void count_kernel_drops(struct udp_socket *s, struct msghdr *m)
{
	struct transport_udp *t = s->owner;
	uint64_t asked = t->guard ? guard_socket_drops(t->guard) : 0;
	struct cmsghdr *c;
	uint32_t drops;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&drops, CMSG_DATA(c), sizeof(drops));
		t->kernel_drops += drops - s->kernel_drops;
		s->kernel_drops = drops;
	}
	if (t->kernel_drops > asked + t->kernel_counted) {
		udp_count(t, UDP_DROP_KERNEL, t->kernel_drops - asked - t->kernel_counted);
		t->kernel_counted = t->kernel_drops - asked;
	}
}

static void datagram_deliver(struct udp_socket *s, size_t i, uint64_t now_ns)
{
	struct transport_udp *t = s->owner;
	struct udp_batch *b = &t->in;
	struct sip_hop from = { .transport = SIP_UDP, .local = s->local };
	struct bytes datagram = bytes_mem(b->parts[i].iov_base, b->messages[i].msg_len);

	/* nobody can be answered there */
	if (addr_from_sockaddr(&from.remote, (const struct sockaddr *)&b->peers[i]) ||
	    from.remote.port == 0) {
		udp_count(t, UDP_DROP_SOURCE, 1);
		return;
	}
	if (t->guard && !guard_admits(t->guard, &from.remote, datagram.n, now_ns))
		return;
	t->receive(&from, datagram, t->arg);
}

/* How many came, or -errno. */
static int receive_batch(struct udp_socket *s)
{
	uint64_t now_ns;
	int n;

	batch_prepare(s->owner);
	n = recvmmsg(s->fd, s->owner->in.messages, UDP_BATCH, MSG_DONTWAIT, NULL);
	if (n < 0)
		return -errno;
	udp_count(s->owner, UDP_RECEIVED, (uint64_t)n);
	if (n > 0) /* it grows, so the last one says it all */
		count_kernel_drops(s, &s->owner->in.messages[n - 1].msg_hdr);
	now_ns = clock_now_ns();
	if (n < UDP_BATCH || !s->drained_ns)
		s->drained_ns = now_ns;
	s->owner->behind_since_ns = n < UDP_BATCH ? 0 : s->drained_ns;
	for (int i = 0; i < n; i++)
		datagram_deliver(s, (size_t)i, now_ns);
	s->owner->behind_since_ns = 0;
	return n;
}

void udp_socket_receive(struct udp_socket *s)
{
	uint64_t end_ns = clock_now_ns() + UDP_ROUND_MS * NS_PER_MS;

	for (int i = 0; i < UDP_ROUND_BATCHES && (i == 0 || clock_now_ns() < end_ns); i++) {
		int n = receive_batch(s);

		if (n == -EAGAIN || (n >= 0 && n < UDP_BATCH))
			return;
		if (n < 0 && n != -EINTR)
			udp_socket_errors(s); /* an ICMP error shows up as the result of any call */
	}
}

static const struct sock_extended_err *extended_error(struct msghdr *m)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if ((c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR))
			return (const void *)CMSG_DATA(c);
	}
	return NULL;
}

/* One entry of the error queue. False when it is empty. */
static bool read_error(struct udp_socket *s)
{
	_Alignas(struct cmsghdr) uint8_t control[ERROR_CONTROL_MAX];
	struct sip_hop to = { .transport = SIP_UDP, .local = s->local };
	const struct sock_extended_err *e;
	struct sockaddr_storage sa;
	struct msghdr m = {
		.msg_name = &sa,
		.msg_namelen = sizeof(sa),
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	if (recvmsg(s->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	e = extended_error(&m);
	if (!e || (e->ee_origin != SO_EE_ORIGIN_ICMP && e->ee_origin != SO_EE_ORIGIN_ICMP6))
		return true;
	udp_count(s->owner, UDP_ICMP, 1);
	if (!addr_from_sockaddr(&to.remote, (const struct sockaddr *)&sa))
		s->owner->error(&to, (int)e->ee_errno, s->owner->arg);
	return true;
}

void udp_socket_errors(struct udp_socket *s)
{
	int pending;
	socklen_t n = sizeof(pending);

	/* reading it clears it, or the next call would fail for another one's datagram */
	(void)getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &pending, &n);
	for (int i = 0; i < UDP_ERRORS_PER_ROUND && read_error(s); i++)
		;
}
