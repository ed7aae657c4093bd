/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel UDP sockets through epoll, one recvfrom and one sendto for each packet: for kernels and
 * containers without io_uring. About twice the CPU.
 */

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/net/host_udp.h"
#include "engine/port/port.h"

enum { BUFFER_SIZE = 2048, WAKE = UINT32_MAX };

static_assert(BUFFER_SIZE - PACKET_MAX > 0, "a longer packet is seen to be longer");

/* Sockets are numbered slot * CHANNELS + channel. */
struct epoll_slot {
	int fd[CHANNELS];
	struct addr connected; /* the RTP socket to this party; ADDR_NONE: not connected */
	uint8_t in_use;
	uint8_t stamped; /* the RTP socket */
	uint8_t dscp;    /* with over */
	int error;       /* the fault, until it was fetched */
	uint32_t over;   /* slot + 1 of the sending sockets; 0: its own */
	uint32_t icmp_errors;
};

struct epoll_port {
	struct port port;
	int epoll_fd;
	int wake_fd;
	bool more; /* the last batch was full: there is no need to wait for the next */
	struct epoll_slot *slots;
	uint32_t slot_count;
	/* a socket from here on has many packets, not the next one of a party */
	uint32_t shared_from;
	uint32_t fault_count;
	uint64_t send_errors;
	struct port_ages ages;
	/* level-triggered: what does not fit into a batch is reported again, so one batch of
	 * buffers suffices */
	uint8_t memory[BATCH_MAX][BUFFER_SIZE];
	uint8_t own[BATCH_MAX][BUFFER_SIZE]; /* for packets that are made here; tx sends at once */
	uint32_t own_used;
};

static struct epoll_port *epoll_of(struct port *p)
{
	return CONTAINER_OF(p, struct epoll_port, port);
}

static int epoll_watch(struct epoll_port *e, int fd, uint32_t socket)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = socket };

	return fd < 0 || epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

/* ---- receive ---- */

static void receive_failed(struct epoll_port *e, uint32_t socket, int err)
{
	struct epoll_slot *s = &e->slots[socket / CHANNELS];

	if (icmp_is(err) || err == -EAGAIN)
		s->icmp_errors += icmp_read(s->fd[socket % CHANNELS], &e->port.too_long);
	if (err != -EBADF && err != -ENOTSOCK && err != -EINVAL)
		return; /* nothing there, or an ICMP error, which is reported once */
	(void)epoll_ctl(e->epoll_fd, EPOLL_CTL_DEL, s->fd[socket % CHANNELS], NULL);
	e->fault_count += s->error == 0;
	s->error = err;
}

static bool epoll_receive_one(struct epoll_port *e, struct batch *b, uint32_t socket)
{
	struct pkt *p = &b->list[b->count];
	const struct epoll_slot *s = &e->slots[socket / CHANNELS];
	struct sockaddr_storage from;
	alignas(struct cmsghdr) uint8_t stamp[PORT_STAMP_ROOM];
	struct iovec data = { .iov_base = e->memory[b->count], .iov_len = BUFFER_SIZE };
	struct msghdr m = { .msg_name = &from,
			    .msg_namelen = sizeof(from),
			    .msg_iov = &data,
			    .msg_iovlen = 1,
			    .msg_control = stamp,
			    .msg_controllen = s->stamped ? sizeof(stamp) : 0 };
	ssize_t n = recvmsg(s->fd[socket % CHANNELS], &m, MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0) {
		receive_failed(e, socket, -errno);
		return false;
	}
	if (addr_from_sockaddr(&p->from, (const struct sockaddr *)&from))
		return true;
	p->data = e->memory[b->count];
	p->age_us = s->stamped ? port_age_us(&e->ages, b->now_ns, &m) : 0;
	p->verdict = n > PACKET_MAX ? VERDICT_TRUNCATED : VERDICT_NONE;
	p->length = (uint16_t)(n > PACKET_MAX ? PACKET_MAX : n);
	p->tail_known = 0;
	p->slot = socket / CHANNELS;
	p->channel = (uint8_t)(socket % CHANNELS);
	b->count++;
	return true;
}

static void epoll_receive(struct epoll_port *e, struct batch *b, uint32_t socket)
{
	bool shared = socket / CHANNELS >= e->shared_from;

	while (b->count < BATCH_MAX && epoll_receive_one(e, b, socket) && shared)
		continue;
}

/* The time to gather a batch is slept through, but for commands; then one look. */
static void gather(const struct epoll_port *e, uint64_t wait_ns)
{
	struct pollfd wake = { .fd = e->wake_fd, .events = POLLIN };
	struct timespec ts = { .tv_sec = (time_t)(wait_ns / NS_PER_S),
			       .tv_nsec = (long)(wait_ns % NS_PER_S) };

	(void)ppoll(&wake, 1, &ts, NULL);
}

static void epoll_rx(struct port *p, struct batch *b, uint32_t want, uint64_t wait_ns)
{
	struct epoll_port *e = epoll_of(p);
	struct epoll_event events[BATCH_MAX];
	uint64_t wait_ms = want > 1 ? 0 : (wait_ns + NS_PER_MS - 1) / NS_PER_MS;
	int n;

	assert(b->count == 0);
	if (want > 1 && !e->more)
		gather(e, wait_ns);
	n = epoll_wait(e->epoll_fd, events, BATCH_MAX,
		       wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms);
	b->now_ns = clock_now_ns();
	for (int i = 0; i < n; i++)
		if (events[i].data.u32 != WAKE)
			epoll_receive(e, b, events[i].data.u32);
	e->more = n == BATCH_MAX || b->count == BATCH_MAX;
}

/* ---- send ---- */

static bool epoll_lend(struct port *p, struct pkt *out)
{
	struct epoll_port *e = epoll_of(p);

	if (e->own_used == BATCH_MAX)
		return false;
	out->data = e->own[e->own_used++];
	return true;
}

/* An ICMP error about an earlier packet is reported once, instead of sending this one. */
static bool send_again(struct epoll_port *e, uint32_t slot, int fd)
{
	if (!icmp_is(-errno))
		return false;
	e->slots[slot].icmp_errors += icmp_read(fd, &e->port.too_long);
	return true;
}

static void epoll_send_marked(struct epoll_port *e, const struct pkt *p, const struct epoll_slot *s)
{
	int fd = e->slots[s->over - 1].fd[p->out_channel];
	struct port_mark mark;

	port_mark(&mark, p, s->dscp);
	if (sendmsg(fd, &mark.message, MSG_DONTWAIT) < 0 &&
	    (!send_again(e, s->over - 1, fd) || sendmsg(fd, &mark.message, MSG_DONTWAIT) < 0))
		e->send_errors++;
}

static void epoll_send_one(struct epoll_port *e, const struct pkt *p)
{
	const struct epoll_slot *s = &e->slots[p->out_slot];
	const struct sockaddr *target;
	int fd = s->fd[p->out_channel];
	struct sockaddr_storage to;
	socklen_t to_len = 0;

	if (p->out_channel != CHANNEL_RTP || !addr_eq(p->to, &s->connected)) {
		if (UNLIKELY(s->over)) {
			epoll_send_marked(e, p, s);
			return;
		}
		to_len = addr_to_sockaddr(p->to, &to);
	}
	target = to_len ? (const struct sockaddr *)&to : NULL;
	if (sendto(fd, p->data, p->length, MSG_DONTWAIT, target, to_len) < 0 &&
	    (!send_again(e, p->out_slot, fd) ||
	     sendto(fd, p->data, p->length, MSG_DONTWAIT, target, to_len) < 0))
		e->send_errors++;
}

static void epoll_tx(struct port *p, struct batch *b)
{
	BATCH_EACH(pkt, b)
	{
		if (pkt->verdict != VERDICT_RELAY)
			continue;
		if (port_is_late(p)) /* for each: a call of its own sends it */
			p->withheld++;
		else
			epoll_send_one(epoll_of(p), pkt);
	}
	p->until_ns = 0;
	epoll_of(p)->own_used = 0;
	b->count = 0;
}

static uint64_t epoll_send_errors(struct port *p)
{
	struct epoll_port *e = epoll_of(p);
	uint64_t n = e->send_errors;

	e->send_errors = 0;
	return n;
}

static uint32_t epoll_icmp_errors(struct port *p, uint32_t slot)
{
	struct epoll_slot *s = &epoll_of(p)->slots[slot];
	uint32_t n = s->icmp_errors;

	s->icmp_errors = 0;
	return n;
}

/* ---- flows ---- */

static int epoll_flow_add(struct port *p, uint32_t slot, const int fd[CHANNELS])
{
	struct epoll_port *e = epoll_of(p);
	struct epoll_slot *s = &e->slots[slot];
	int err;

	assert(slot < e->slot_count && !s->in_use);
	err = epoll_watch(e, fd[CHANNEL_RTP], slot * CHANNELS);
	if (err)
		return err;
	err = epoll_watch(e, fd[CHANNEL_RTCP], slot * CHANNELS + CHANNEL_RTCP);
	if (err) {
		(void)epoll_ctl(e->epoll_fd, EPOLL_CTL_DEL, fd[CHANNEL_RTP], NULL);
		return err;
	}
	*s = (struct epoll_slot){ .fd = { fd[CHANNEL_RTP], fd[CHANNEL_RTCP] },
				  .in_use = 1,
				  .over = s->over,
				  .dscp = s->dscp };
	return 0;
}

static void epoll_flow_del(struct port *p, uint32_t slot)
{
	struct epoll_port *e = epoll_of(p);
	struct epoll_slot *s = &e->slots[slot];

	assert(slot < e->slot_count && s->in_use);
	for (uint32_t c = 0; c < CHANNELS; c++) {
		if (s->fd[c] < 0)
			continue;
		(void)epoll_ctl(e->epoll_fd, EPOLL_CTL_DEL, s->fd[c], NULL);
		(void)close(s->fd[c]);
	}
	e->fault_count -= s->error != 0;
	*s = (struct epoll_slot){ 0 };
}

static int epoll_sockets(struct port *p, uint32_t slot, int fd[CHANNELS])
{
	return port_sockets_copy(epoll_of(p)->slots[slot].fd, fd);
}

static int epoll_connect(struct port *p, uint32_t slot, const struct addr *to)
{
	struct epoll_port *e = epoll_of(p);
	struct epoll_slot *s = &e->slots[slot];
	int err;

	assert(slot < e->slot_count && s->in_use);
	err = port_socket_connect(s->fd[CHANNEL_RTP], to);
	s->connected = to && !err ? *to : (struct addr){ 0 };
	return err;
}

static int epoll_send_over(struct port *p, uint32_t slot, uint32_t over, uint8_t dscp)
{
	struct epoll_slot *s = &epoll_of(p)->slots[slot];

	s->over = over == slot ? 0 : over + 1;
	s->dscp = dscp;
	return 0;
}

static void epoll_stamp(struct port *p, uint32_t slot)
{
	struct epoll_slot *s = &epoll_of(p)->slots[slot];

	port_stamp(s->fd[CHANNEL_RTP]);
	s->stamped = 1;
}

static bool epoll_fault(struct port *p, struct port_fault *out)
{
	struct epoll_port *e = epoll_of(p);

	for (uint32_t i = 0; e->fault_count > 0 && i < e->slot_count; i++) {
		if (e->slots[i].error == 0)
			continue;
		*out = (struct port_fault){ .slot = i, .error = e->slots[i].error };
		e->slots[i].error = 0;
		e->fault_count--;
		return true;
	}
	return false;
}

/* ---- open, close ---- */

static void epoll_port_close(struct port *p)
{
	struct epoll_port *e = epoll_of(p);

	for (uint32_t i = 0; i < e->slot_count; i++)
		if (e->slots[i].in_use)
			epoll_flow_del(p, i);
	(void)close(e->epoll_fd);
	free(e->slots);
	free(e);
}

static const struct port_ops EPOLL_OPS = {
	.name = "epoll",
	.flow_add = epoll_flow_add,
	.flow_del = epoll_flow_del,
	.sockets = epoll_sockets,
	.rx = epoll_rx,
	.lend = epoll_lend,
	.tx = epoll_tx,
	.connect = epoll_connect,
	.send_over = epoll_send_over,
	.stamp = epoll_stamp,
	.send_errors = epoll_send_errors,
	.icmp_errors = epoll_icmp_errors,
	.fault = epoll_fault,
	.close = epoll_port_close,
};

int port_epoll_open(struct port **out, const struct port_settings *settings)
{
	struct epoll_port *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->port.ops = &EPOLL_OPS;
	e->wake_fd = settings->wake_fd;
	e->slot_count = settings->slots;
	e->shared_from = settings->slots - settings->shared;
	e->slots = calloc(settings->slots, sizeof(*e->slots));
	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = e->slots ? (e->epoll_fd < 0 ? -errno : epoll_watch(e, e->wake_fd, WAKE)) : -ENOMEM;
	if (err) {
		if (e->epoll_fd >= 0)
			(void)close(e->epoll_fd);
		free(e->slots);
		free(e);
		return err;
	}
	*out = &e->port;
	return 0;
}
