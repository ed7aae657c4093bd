/* SPDX-License-Identifier: Apache-2.0 */
/* The UDP sockets of SIP (transport_udp.h): opening and binding them, receiving in batches, and the
 * errors that ICMP reports through the error queue. Datagrams pass the guard, and the kernel's drop
 * counter is exported as a metric. Buffers are enlarged for retransmissions during short stalls.
 * Sending is in transport_udp_send.c. One thread, the loop's. */

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h> /* needs struct timespec */

#include "base/clock.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/loop.h"
#include "sig/transport/transport_udp.h"

/* The receiving half of transport_udp.h: datagrams in batches, and the errors ICMP brings back. */

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

/* SO_RXQ_OVFL: the datagrams dropped by the kernel since the socket exists, including those of our
 * guard in the kernel. */
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

	/* it cannot be answered */
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

/* Reads what came, up to the budget of a round. */
static void udp_socket_receive(struct udp_socket *s)
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

static void register_metrics(struct transport_udp *t)
{
#define UDP_REGISTER(id, metric, label, help) \
	t->metrics[id] = metric_register(METRIC_COUNTER, "tandem_sip_udp_" metric, label, help);
	UDP_METRICS(UDP_REGISTER)
#undef UDP_REGISTER
}

static int udp_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Needs room for the retransmissions of a short stall (docs: net.core.rmem_max). FORCE works with
 * CAP_NET_ADMIN only. */
static void grow_buffer(const struct udp_socket *s, int force, int name, const char *what)
{
	int granted = 0;
	socklen_t n = sizeof(granted);

	if (udp_option(s->fd, SOL_SOCKET, force, UDP_KERNEL_BUFFER))
		(void)udp_option(s->fd, SOL_SOCKET, name, UDP_KERNEL_BUFFER);
	if (getsockopt(s->fd, SOL_SOCKET, name, &granted, &n) < 0)
		return;
	granted /= 2; /* socket(7): the kernel doubles it for its own needs */
	if (granted < UDP_KERNEL_BUFFER) {
		LOG_WARN("sip", 0, "the kernel grants a smaller socket buffer than wanted",
			 LOG_ADDR("local", &s->bound), LOG_STR("buffer", what),
			 LOG_INT("granted", granted), LOG_INT("wanted", UDP_KERNEL_BUFFER));
	}
}

/* Fragments instead of failing when a message exceeds the path MTU (RFC 3261 18.1.1 uses TCP then,
 * which the peer may lack). */
static int set_v4(int fd, uint8_t dscp)
{
	int err = udp_option(fd, IPPROTO_IP, IP_RECVERR, 1);

	if (!err)
		err = udp_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	return err ? err : udp_option(fd, IPPROTO_IP, IP_TOS, dscp << 2);
}

static int udp_set_v6(int fd, uint8_t dscp)
{
	int err = udp_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);

	if (!err)
		err = udp_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	if (!err)
		err = udp_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
	return err ? err : udp_option(fd, IPPROTO_IPV6, IPV6_TCLASS, dscp << 2);
}

static int udp_bind(struct udp_socket *s, const struct addr *address)
{
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(address, &sa);

	if (bind(s->fd, (const struct sockaddr *)&sa, n) < 0)
		return -errno;
	n = sizeof(sa);
	if (getsockname(s->fd, (struct sockaddr *)&sa, &n) < 0)
		return -errno;
	return addr_from_sockaddr(&s->bound, (const struct sockaddr *)&sa);
}

static void on_socket(int fd, unsigned events, void *arg)
{
	struct udp_socket *s = arg;

	(void)fd;
	if (events & LOOP_ERROR)
		udp_socket_errors(s);
	if (events & LOOP_WRITE)
		udp_socket_flush(s);
	if (events & LOOP_READ)
		udp_socket_receive(s);
}

void udp_socket_watch(struct udp_socket *s, bool blocked)
{
	if (blocked == s->blocked)
		return;
	s->blocked = blocked;
	if (loop_watch(s->fd, LOOP_READ | (blocked ? LOOP_WRITE : 0U), on_socket, s))
		LOG_ERROR("sip", 0, "the loop cannot watch a socket", LOG_ADDR("local", &s->bound));
}

static int udp_socket_open(struct udp_socket *s, const struct addr *address, uint8_t dscp)
{
	bool v4 = address->family == ADDR_V4;
	int err;

	s->fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -errno;
	err = v4 ? set_v4(s->fd, dscp) : udp_set_v6(s->fd, dscp);
	if (!err)
		err = udp_option(s->fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	if (!err && s->owner->filter_fd) /* before anything can come */
		err = udp_option(s->fd, SOL_SOCKET, SO_ATTACH_BPF, s->owner->filter_fd);
	if (!err)
		err = udp_bind(s, address);
	if (!err)
		err = udp_queue_open(&s->queue);
	if (err)
		return err;
	grow_buffer(s, SO_RCVBUFFORCE, SO_RCVBUF, "receive");
	grow_buffer(s, SO_SNDBUFFORCE, SO_SNDBUF, "send");
	return loop_watch(s->fd, LOOP_READ, on_socket, s);
}

static void socket_close(struct udp_socket *s)
{
	if (s->fd >= 0) {
		loop_unwatch(s->fd);
		(void)close(s->fd);
	}
	s->fd = -1;
	s->blocked = false;
	s->kernel_drops = 0;
	udp_queue_close(&s->queue);
}

int transport_udp_listen(struct transport_udp *t, uint32_t local)
{
	struct udp_socket *s = &t->sockets[local];
	int err;

	assert(local < t->count);
	if (s->fd >= 0)
		return 0;
	err = udp_socket_open(s, &s->wanted, t->dscp);
	if (err) {
		LOG_ERROR("sip", 0, "cannot listen", LOG_ADDR("local", &s->wanted),
			  LOG_INT("errno", -err));
		socket_close(s);
	}
	return err;
}

bool transport_udp_listens(const struct transport_udp *t, uint32_t local)
{
	assert(local < t->count);
	return t->sockets[local].fd >= 0;
}

void transport_udp_unlisten(struct transport_udp *t, uint32_t local)
{
	assert(local < t->count);
	socket_close(&t->sockets[local]);
}

static struct transport_udp *transport_alloc(uint32_t n)
{
	struct transport_udp *t = calloc(1, sizeof(*t) + n * sizeof(t->sockets[0]));

	if (!t)
		return NULL;
	t->buffers = malloc((size_t)UDP_BATCH * UDP_DATAGRAM_MAX);
	if (!t->buffers) {
		free(t);
		return NULL;
	}
	for (t->count = 0; t->count < n; t->count++) {
		t->sockets[t->count].owner = t;
		t->sockets[t->count].local = (uint16_t)t->count;
		t->sockets[t->count].fd = -1;
	}
	return t;
}

int transport_udp_open(struct transport_udp **out, const struct transport_udp_settings *settings,
		       transport_receive_fn *receive, transport_error_fn *error, void *arg)
{
	struct transport_udp *t = transport_alloc(settings->count);
	int err = 0;

	assert(settings->dscp < 64 && settings->count <= UINT16_MAX && receive && error);
	if (!t)
		return -ENOMEM;
	t->receive = receive;
	t->error = error;
	t->arg = arg;
	t->guard = settings->guard;
	t->validity = settings->validity;
	t->filter_fd = settings->filter_fd;
	t->dscp = settings->dscp;
	register_metrics(t);
	for (uint32_t i = 0; !err && i < settings->count; i++) {
		t->sockets[i].wanted = t->sockets[i].bound = settings->binds[i];
		if (!settings->later || !settings->later[i])
			err = transport_udp_listen(t, i);
	}
	if (err) {
		transport_udp_close(t);
	} else {
		*out = t;
	}
	return err;
}

void transport_udp_close(struct transport_udp *t)
{
	if (!t)
		return;
	transport_udp_flush(t);
	for (uint32_t i = 0; i < t->count; i++)
		socket_close(&t->sockets[i]);
	free(t->buffers);
	free(t);
}

uint64_t transport_udp_behind_since_ns(const struct transport_udp *t)
{
	return t->behind_since_ns;
}

const struct addr *transport_udp_bound(const struct transport_udp *t, uint32_t local)
{
	assert(local < t->count);
	return &t->sockets[local].bound;
}
