/* SPDX-License-Identifier: Apache-2.0 */
/* Every port with real sockets on 127.0.0.1 must do the same. What this machine forbids is skipped. */
#include "tests/unit/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/port/port.h"
#include "tests/unit/netns.h"

enum { SLOTS = 16, BUFFERS = 128, TRIES = 200, TRY_MS = 10 };

typedef int open_fn(struct port **out, const struct port_settings *settings);

struct rig {
	struct port *port;
	int wake_fd;
	struct batch batch;
};

struct socket_at {
	int fd;
	struct addr at;
};

/* A socket on a free port of this address. */
static struct socket_at socket_open(const char *ip)
{
	struct socket_at s;
	struct sockaddr_storage ss;
	socklen_t len;

	assert_int_equal(addr_parse(&s.at, bytes_str(ip)), 0);
	s.fd = socket(s.at.family == ADDR_V6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(s.fd >= 0);
	len = addr_to_sockaddr(&s.at, &ss);
	assert_int_equal(bind(s.fd, (struct sockaddr *)&ss, len), 0);
	len = sizeof(ss);
	assert_int_equal(getsockname(s.fd, (struct sockaddr *)&ss, &len), 0);
	assert_int_equal(addr_from_sockaddr(&s.at, (struct sockaddr *)&ss), 0);
	return s;
}

static void send_to(const struct socket_at *from, const struct addr *to, const void *p, size_t n)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(to, &ss);

	assert_int_equal(sendto(from->fd, p, n, 0, (struct sockaddr *)&ss, len), (ssize_t)n);
}

static ssize_t receive(const struct socket_at *s, void *p, size_t n)
{
	for (int i = 0; i < TRIES; i++) {
		ssize_t got = recv(s->fd, p, n, MSG_DONTWAIT);

		if (got >= 0)
			return got;
		(void)usleep(TRY_MS * 1000);
	}
	return -1;
}

static struct rig *rig_open(open_fn *open_port)
{
	struct rig *r = aligned_alloc(alignof(struct rig), sizeof(*r));
	struct port_settings settings = { .slots = SLOTS, .shared = 1, .buffers = BUFFERS };
	int err;

	assert_non_null(r);
	memset(r, 0, sizeof(*r));
	r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	settings.wake_fd = r->wake_fd;
	err = open_port(&r->port, &settings);
	if (err == -ENOSYS) {
		(void)close(r->wake_fd);
		free(r);
		print_message("# not allowed on this machine\n");
		skip();
	}
	assert_int_equal(err, 0);
	return r;
}

static void rig_close(struct rig *r)
{
	r->port->ops->close(r->port);
	(void)close(r->wake_fd);
	free(r);
}

/* A slot with an RTP socket on ip; its RTCP socket is left out. */
static struct addr slot_open(struct rig *r, uint32_t slot, const char *ip)
{
	struct socket_at s = socket_open(ip);
	const int fd[CHANNELS] = { s.fd, -1 };

	assert_int_equal(r->port->ops->flow_add(r->port, slot, fd), 0);
	return s.at;
}

/* Until at least one packet is there, or a second or two passed. */
static uint32_t rx(struct rig *r)
{
	r->batch.count = 0;
	for (int i = 0; i < TRIES && r->batch.count == 0; i++)
		r->port->ops->rx(r->port, &r->batch, 1, TRY_MS * NS_PER_MS);
	return r->batch.count;
}

static void forget(struct rig *r)
{
	BATCH_EACH(p, &r->batch)
	p->verdict = VERDICT_NOT_RTP;
	r->port->ops->tx(r->port, &r->batch);
}

/* Sends the batch's packets on from this slot. */
static void pass(struct rig *r, uint32_t slot, const struct addr *to)
{
	BATCH_EACH(p, &r->batch)
	{
		p->verdict = VERDICT_RELAY;
		p->out_slot = slot;
		p->out_channel = CHANNEL_RTP;
		p->to = to;
	}
	r->port->ops->tx(r->port, &r->batch);
	r->port->ops->rx(r->port, &r->batch, 1, 0); /* the latest moment to send */
	assert_int_equal(r->batch.count, 0);
}

static void relays(open_fn *open_port, const char *ip)
{
	struct rig *r = rig_open(open_port);
	struct socket_at a = socket_open(ip), b = socket_open(ip);
	struct addr to_a = slot_open(r, 3, ip);
	char text[16] = "";
	uint64_t before_ns = clock_now_ns();

	(void)slot_open(r, 9, ip);
	send_to(&a, &to_a, "hello", 5);
	assert_int_equal(rx(r), 1);

	const struct pkt *p = &r->batch.list[0];

	assert_int_equal(p->slot, 3);
	assert_int_equal(p->channel, CHANNEL_RTP);
	assert_int_equal(p->verdict, VERDICT_NONE);
	assert_int_equal(p->length, 5);
	assert_memory_equal(p->data, "hello", 5);
	assert_true(addr_eq(&p->from, &a.at));
	assert_in_range(r->batch.now_ns, before_ns, clock_now_ns());
	p->data[0] = 'j'; /* in place */
	pass(r, 9, &b.at);
	assert_int_equal(receive(&b, text, sizeof(text)), 5);
	assert_string_equal(text, "jello");
	assert_int_equal(r->port->ops->send_errors(r->port), 0);
	(void)close(a.fd);
	(void)close(b.fd);
	rig_close(r);
}

static void keeps_channels_apart(open_fn *open_port)
{
	struct rig *r = rig_open(open_port);
	struct socket_at rtp = socket_open("127.0.0.1"), rtcp = socket_open("127.0.0.1");
	struct socket_at a = socket_open("127.0.0.1");
	const int fd[CHANNELS] = { rtp.fd, rtcp.fd };

	assert_int_equal(r->port->ops->flow_add(r->port, 5, fd), 0);
	send_to(&a, &rtcp.at, "c", 1);
	assert_int_equal(rx(r), 1);
	assert_int_equal(r->batch.list[0].slot, 5);
	assert_int_equal(r->batch.list[0].channel, CHANNEL_RTCP);
	r->batch.list[0].out_channel = CHANNEL_RTCP;
	forget(r);
	(void)close(a.fd);
	rig_close(r);
}

static void a_long_packet_is_truncated(open_fn *open_port)
{
	static const struct {
		size_t n;
		enum verdict verdict;
	} LENGTHS[] = { { 0, VERDICT_NONE },
			{ 1500, VERDICT_NONE },
			{ PACKET_MAX, VERDICT_NONE },
			{ PACKET_MAX + 100, VERDICT_TRUNCATED },
			{ 9000, VERDICT_TRUNCATED } };
	static const uint8_t ZEROS[9000];
	struct rig *r = rig_open(open_port);
	struct socket_at a = socket_open("127.0.0.1");
	struct addr to = slot_open(r, 0, "127.0.0.1");

	for (size_t i = 0; i < COUNT_OF(LENGTHS); i++) {
		send_to(&a, &to, ZEROS, LENGTHS[i].n);
		assert_int_equal(rx(r), 1);
		assert_int_equal(r->batch.list[0].verdict, LENGTHS[i].verdict);
		if (LENGTHS[i].verdict == VERDICT_NONE)
			assert_int_equal(r->batch.list[0].length, LENGTHS[i].n);
		forget(r);
	}
	(void)close(a.fd);
	rig_close(r);
}

/* A burst of several times the buffers: what has no buffer waits in its socket. */
static void survives_more_packets_than_buffers(open_fn *open_port)
{
	enum { SOCKETS = 8, EACH = 100 };
	struct rig *r = rig_open(open_port);
	struct socket_at a = socket_open("127.0.0.1");
	struct addr to[SOCKETS];
	uint32_t next[SOCKETS] = { 0 };
	uint32_t received = 0;

	for (uint32_t i = 0; i < SOCKETS; i++)
		to[i] = slot_open(r, i, "127.0.0.1");
	r->port->ops->rx(r->port, &r->batch, 1, 0); /* everything is armed */
	for (uint32_t n = 0; n < EACH; n++)
		for (uint32_t i = 0; i < SOCKETS; i++)
			send_to(&a, &to[i], &n, sizeof(n));
	while (received < SOCKETS * EACH && rx(r) > 0) {
		BATCH_EACH(p, &r->batch)
		{
			uint32_t n;

			memcpy(&n, p->data, sizeof(n));
			assert_int_equal(n, next[p->slot]++);
			received++;
		}
		forget(r);
	}
	assert_int_equal(received, SOCKETS * EACH);
	(void)close(a.fd);
	rig_close(r);
}

/* A connected socket hears of the party's closed port. That must cost no more than the one packet. */
static void hears_again_after_an_icmp_error(open_fn *open_port)
{
	struct rig *r = rig_open(open_port);
	struct socket_at helper = socket_open("127.0.0.1"), ours = socket_open("127.0.0.1");
	struct socket_at gone = socket_open("127.0.0.1");
	const int fd[CHANNELS] = { ours.fd, -1 };
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&gone.at, &ss);
	struct addr to_helper = slot_open(r, 1, "127.0.0.1");

	assert_int_equal(connect(ours.fd, (struct sockaddr *)&ss, len), 0);
	(void)close(gone.fd);
	assert_int_equal(r->port->ops->flow_add(r->port, 0, fd), 0);
	for (int round = 0; round < 5; round++) {
		send_to(&helper, &to_helper, "x", 1);
		assert_int_equal(rx(r), 1);
		pass(r, 0, &gone.at); /* refused by ICMP */
		(void)usleep(2000);
		r->port->ops->rx(r->port, &r->batch, 1, 0);
		assert_int_equal(r->batch.count, 0);
	}
	gone.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(gone.fd, (struct sockaddr *)&ss, len), 0);
	send_to(&gone, &ours.at, "back", 4);
	assert_int_equal(rx(r), 1);
	assert_int_equal(r->batch.list[0].slot, 0);
	forget(r);
	(void)close(gone.fd);
	(void)close(helper.fd);
	rig_close(r);
}

/* A connected socket loses a port of the kernel's choice when it is disconnected; ours are bound by number. */
static struct addr slot_open_by_number(struct rig *r, uint32_t slot)
{
	struct socket_at s = socket_open("127.0.0.1");
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&s.at, &ss);
	int fd[CHANNELS] = { socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), -1 };

	(void)close(s.fd);
	assert_int_equal(bind(fd[CHANNEL_RTP], (struct sockaddr *)&ss, len), 0);
	assert_int_equal(r->port->ops->flow_add(r->port, slot, fd), 0);
	return s.at;
}

static void connects_and_disconnects(open_fn *open_port)
{
	struct rig *r = rig_open(open_port);
	struct socket_at a = socket_open("127.0.0.1"), b = socket_open("127.0.0.1");
	struct addr ours = slot_open_by_number(r, 2);
	char text[8];

	for (int round = 0; round < 3; round++) {
		assert_int_equal(r->port->ops->connect(r->port, 2, &a.at), 0);
		send_to(&b, &ours, "stray", 5);
		send_to(&a, &ours, "mine", 4);
		assert_int_equal(rx(r), 1);
		assert_true(addr_eq(&r->batch.list[0].from, &a.at));
		pass(r, 2, &a.at);
		assert_int_equal(receive(&a, text, sizeof(text)), 4);
		send_to(&a, &ours, "on", 2);
		assert_int_equal(rx(r), 1);
		pass(r, 2, &b.at); /* elsewhere, all the same */
		assert_int_equal(receive(&b, text, sizeof(text)), 2);
		/* what was queued for the connection is sent by it */
		send_to(&a, &ours, "last", 4);
		assert_int_equal(rx(r), 1);
		r->batch.list[0].verdict = VERDICT_RELAY;
		r->batch.list[0].out_slot = 2;
		r->batch.list[0].out_channel = CHANNEL_RTP;
		r->batch.list[0].to = &a.at;
		r->port->ops->tx(r->port, &r->batch);
		assert_int_equal(r->port->ops->connect(r->port, 2, NULL), 0);
		assert_int_equal(receive(&a, text, sizeof(text)), 4);
		send_to(&b, &ours, "heard", 5);
		assert_int_equal(rx(r), 1);
		assert_true(addr_eq(&r->batch.list[0].from, &b.at));
		forget(r);
	}
	assert_int_equal(r->port->ops->send_errors(r->port), 0);
	(void)close(a.fd);
	(void)close(b.fd);
	rig_close(r);
}

static void a_refused_send_is_counted(open_fn *open_port)
{
	struct rig *r = rig_open(open_port);
	struct socket_at a = socket_open("127.0.0.1");
	struct addr to = slot_open(r, 0, "127.0.0.1");
	struct addr nowhere = a.at;

	nowhere.port = 0; /* EINVAL */
	send_to(&a, &to, "x", 1);
	assert_int_equal(rx(r), 1);
	pass(r, 0, &nowhere);
	r->port->ops->rx(r->port, &r->batch, 1, 0);
	assert_int_equal(r->port->ops->send_errors(r->port), 1);
	assert_int_equal(r->port->ops->send_errors(r->port), 0);
	(void)close(a.fd);
	rig_close(r);
}

static void a_deleted_slot_is_silent_and_its_port_free(open_fn *open_port)
{
	struct rig *r = rig_open(open_port);
	struct socket_at a = socket_open("127.0.0.1");
	struct sockaddr_storage ss;
	socklen_t len;

	for (int round = 0; round < 20; round++) {
		struct addr old = slot_open(r, 0, "127.0.0.1"), new;
		int fd;

		if (round % 2) /* armed, or not yet */
			r->port->ops->rx(r->port, &r->batch, 1, 0);
		send_to(&a, &old, "old", 3);
		r->port->ops->flow_del(r->port, 0);
		new = slot_open(r, 0, "127.0.0.1");
		send_to(&a, &new, "new", 3);
		assert_int_equal(rx(r), 1);
		assert_memory_equal(r->batch.list[0].data, "new", 3);
		forget(r);
		r->port->ops->flow_del(r->port, 0);
		r->port->ops->rx(r->port, &r->batch, 1, 0);
		assert_int_equal(r->batch.count, 0);
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		len = addr_to_sockaddr(&old, &ss);
		assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
		(void)close(fd);
	}
	(void)close(a.fd);
	rig_close(r);
}

/* More than a ring has entries. */
static void many_come_and_go_between_two_looks(open_fn *open_port)
{
	enum { FLOWS = 400 };
	static struct addr old[FLOWS];
	struct rig *r = rig_open(open_port);
	struct socket_at a = socket_open("127.0.0.1");
	struct sockaddr_storage ss;
	struct addr to;

	for (int i = 0; i < FLOWS; i++) {
		uint32_t slot = (uint32_t)i % 3;

		old[i] = slot_open(r, slot, "127.0.0.1");
		r->port->ops->flow_del(r->port, slot);
	}
	to = slot_open(r, 1, "127.0.0.1");
	send_to(&a, &to, "new", 3);
	assert_int_equal(rx(r), 1);
	assert_memory_equal(r->batch.list[0].data, "new", 3);
	forget(r);
	for (int i = 0; i < FLOWS; i++) {
		socklen_t len = addr_to_sockaddr(&old[i], &ss);
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		assert_true(addr_eq(&old[i], &to) || bind(fd, (struct sockaddr *)&ss, len) == 0);
		(void)close(fd);
	}
	(void)close(a.fd);
	rig_close(r);
}

static void sends_before_it_deletes(open_fn *open_port)
{
	struct rig *r = rig_open(open_port);
	struct socket_at a = socket_open("127.0.0.1");
	struct addr to = slot_open(r, 0, "127.0.0.1");
	char text[8];

	send_to(&a, &to, "last", 4);
	assert_int_equal(rx(r), 1);
	r->batch.list[0].verdict = VERDICT_RELAY;
	r->batch.list[0].out_slot = 0;
	r->batch.list[0].out_channel = CHANNEL_RTP;
	r->batch.list[0].to = &a.at;
	r->port->ops->tx(r->port, &r->batch);
	r->port->ops->flow_del(r->port, 0);
	r->port->ops->rx(r->port, &r->batch, 1, 0);
	assert_int_equal(receive(&a, text, sizeof(text)), 4);
	(void)close(a.fd);
	rig_close(r);
}

static void waits_as_long_as_told(open_fn *open_port)
{
	struct rig *r = rig_open(open_port);
	struct socket_at a = socket_open("127.0.0.1");
	struct addr to[3];
	uint64_t one = 1, start_ns;

	for (uint32_t i = 0; i < COUNT_OF(to); i++)
		to[i] = slot_open(r, i, "127.0.0.1");
	start_ns = clock_now_ns();
	r->port->ops->rx(r->port, &r->batch, BATCH_MAX, 20 * NS_PER_MS);
	assert_int_equal(r->batch.count, 0);
	assert_in_range(clock_now_ns() - start_ns, 19 * NS_PER_MS, 10 * NS_PER_S);
	/* fewer than wanted: they come when the time is over */
	for (uint32_t i = 0; i < COUNT_OF(to); i++)
		send_to(&a, &to[i], "x", 1);
	start_ns = clock_now_ns();
	r->port->ops->rx(r->port, &r->batch, BATCH_MAX, 20 * NS_PER_MS);
	assert_int_equal(r->batch.count, 3);
	assert_in_range(clock_now_ns() - start_ns, 19 * NS_PER_MS, 10 * NS_PER_S);
	forget(r);
	/* woken */
	assert_int_equal(write(r->wake_fd, &one, sizeof(one)), sizeof(one));
	start_ns = clock_now_ns();
	r->port->ops->rx(r->port, &r->batch, 1, 30 * NS_PER_S);
	assert_int_equal(r->batch.count, 0);
	assert_in_range(clock_now_ns() - start_ns, 0, 10 * NS_PER_S);
	assert_int_equal(read(r->wake_fd, &one, sizeof(one)), sizeof(one));
	(void)close(a.fd);
	rig_close(r);
}

static void a_broken_socket_is_a_fault(open_fn *open_port)
{
	struct rig *r = rig_open(open_port);
	struct port_fault fault;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(r->port->ops->flow_add(r->port, 7, (const int[CHANNELS]){ ends[0], -1 }),
			 0);
	r->port->ops->rx(r->port, &r->batch, 1, TRY_MS * NS_PER_MS);
	r->port->ops->rx(r->port, &r->batch, 1, TRY_MS * NS_PER_MS);
	assert_true(r->port->ops->fault(r->port, &fault));
	assert_int_equal(fault.slot, 7);
	assert_int_equal(fault.error, -ENOTSOCK);
	assert_false(r->port->ops->fault(r->port, &fault));
	r->port->ops->flow_del(r->port, 7);
	assert_false(r->port->ops->fault(r->port, &fault));
	(void)close(ends[1]);
	rig_close(r);
}

/* It has packets of many parties at a time; one for each wait would not be enough. */
static void a_shared_socket_fills_a_batch(open_fn *open_port)
{
	enum { SENT = 40, ROUNDS = 4 };
	struct rig *r = rig_open(open_port);
	struct addr at = slot_open(r, SLOTS - 1, "127.0.0.1");
	uint32_t heard = 0;

	for (int i = 0; i < SENT; i++) {
		struct socket_at from = socket_open("127.0.0.1");

		send_to(&from, &at, "x", 1);
		(void)close(from.fd);
	}
	for (int i = 0; i < ROUNDS && heard < SENT; i++) {
		heard += rx(r);
		forget(r);
	}
	assert_int_equal(heard, SENT);
	rig_close(r);
}

/* ---- DSCP ---- */

static void hear_marks(const struct socket_at *s)
{
	int on = 1;

	if (s->at.family == ADDR_V6)
		assert_int_equal(setsockopt(s->fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on)),
				 0);
	else
		assert_int_equal(setsockopt(s->fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)), 0);
}

/* DSCP and ECN of the next packet, as its IP head had them, and who sent it. */
static int mark_heard(const struct socket_at *s, struct addr *from)
{
	struct sockaddr_storage ss;
	uint8_t data[16], room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec to = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr m = { .msg_name = &ss, .msg_iov = &to, .msg_iovlen = 1 };
	ssize_t got = -1;

	for (int i = 0; i < TRIES && got < 0; i++) {
		m.msg_namelen = sizeof(ss);
		m.msg_control = room;
		m.msg_controllen = sizeof(room);
		got = recvmsg(s->fd, &m, MSG_DONTWAIT);
		if (got < 0)
			(void)usleep(TRY_MS * 1000);
	}
	assert_true(got >= 0 && m.msg_controllen > CMSG_LEN(0));
	assert_int_equal(addr_from_sockaddr(from, (struct sockaddr *)&ss), 0);
	return room[CMSG_LEN(0)];
}

/* Of the next packet, when it is sent by this slot. */
static int mark_of(struct rig *r, const struct addr *in, uint32_t slot, const struct socket_at *to,
		   const struct addr *by)
{
	struct addr from;
	int mark;

	send_to(to, in, "x", 1);
	assert_int_equal(rx(r), 1);
	pass(r, slot, &to->at);
	mark = mark_heard(to, &from);
	assert_true(addr_eq(&from, by));
	return mark;
}

enum { EF = 46 << 2, AF41 = 34 << 2 };

static void sends_over_another_slot(open_fn *open_port, const char *ip)
{
	struct rig *r = rig_open(open_port);
	struct socket_at a = socket_open(ip), ours = socket_open(ip);
	const int fd[CHANNELS] = { ours.fd, -1 };
	struct addr other = slot_open(r, 5, ip);
	bool v6 = a.at.family == ADDR_V6;
	int ef = EF;

	hear_marks(&a);
	assert_int_equal(setsockopt(ours.fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
				    v6 ? IPV6_TCLASS : IP_TOS, &ef, sizeof(ef)),
			 0);
	assert_int_equal(r->port->ops->flow_add(r->port, 3, fd), 0);
	/* a slot without sockets, and one with */
	assert_int_equal(r->port->ops->send_over(r->port, 4, 3, AF41 >> 2), 0);
	assert_int_equal(r->port->ops->send_over(r->port, 5, 3, 0), 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(mark_of(r, &ours.at, 3, &a, &ours.at), EF);
		assert_int_equal(mark_of(r, &ours.at, 4, &a, &ours.at), AF41);
		assert_int_equal(mark_of(r, &other, 5, &a, &ours.at), 0);
	}
	assert_int_equal(r->port->ops->send_over(r->port, 4, 4, 0), 0);
	assert_int_equal(r->port->ops->send_over(r->port, 5, 5, 0), 0);
	assert_int_equal(mark_of(r, &ours.at, 5, &a, &other), 0);
	assert_int_equal(mark_of(r, &ours.at, 3, &a, &ours.at), EF);
	assert_int_equal(r->port->ops->send_errors(r->port), 0);
	(void)close(a.fd);
	rig_close(r);
}

static void marks_v4(open_fn *open_port)
{
	sends_over_another_slot(open_port, "127.0.0.1");
}

/* Queued, and then the time was over before the kernel was called; what came in and what is sent later is not touched by that. */
static void late_packets_stay_here(open_fn *open_port)
{
	static const uint64_t UNTIL_NS[] = { 0, 1, UINT64_MAX };
	struct rig *r = rig_open(open_port);
	struct socket_at a = socket_open("127.0.0.1"), b = socket_open("127.0.0.1");
	struct addr to_a = slot_open(r, 3, "127.0.0.1");
	uint8_t n, got;

	(void)slot_open(r, 9, "127.0.0.1");
	for (n = 0; n < COUNT_OF(UNTIL_NS); n++) {
		send_to(&a, &to_a, &n, sizeof(n));
		assert_int_equal(rx(r), 1);
		r->port->until_ns = UNTIL_NS[n];
		pass(r, 9, &b.at);
		assert_int_equal(r->port->until_ns, 0);
	}
	assert_int_equal(r->port->withheld, 1);
	assert_int_equal(receive(&b, &got, sizeof(got)), 1);
	assert_int_equal(got, 0);
	assert_int_equal(receive(&b, &got, sizeof(got)), 1);
	assert_int_equal(got, 2);
	assert_int_equal(r->port->ops->send_errors(r->port), 0);
	(void)close(a.fd);
	(void)close(b.fd);
	rig_close(r);
}

/* Two packets 20 ms apart lie in one batch: how much older the first one is. */
static uint32_t older_us(struct rig *r, const struct socket_at *from, const struct addr *to)
{
	uint32_t us;

	for (uint8_t n = 0; n < 2; n++) {
		(void)usleep(n * 20000);
		send_to(from, to, &n, sizeof(n));
	}
	assert_int_equal(rx(r), 2);
	for (uint8_t n = 0; n < 2; n++) {
		assert_int_equal(r->batch.list[n].length, 1);
		assert_int_equal(r->batch.list[n].data[0], n);
		assert_true(addr_eq(&r->batch.list[n].from, &from->at));
	}
	us = r->batch.list[0].age_us - r->batch.list[1].age_us;
	forget(r);
	return us;
}

/* The kernel begins with it a moment after it was asked. */
static void ages_are_the_kernels(open_fn *open_port, const char *ip)
{
	struct rig *r = rig_open(open_port);
	struct socket_at a = socket_open(ip);
	struct addr to_a = slot_open(r, SLOTS - 1, ip);
	uint32_t us = 0;

	assert_int_equal(older_us(r, &a, &to_a), 0);
	for (int i = 0; i < TRIES && (us < 15000 || us > 2000000); i++) {
		r->port->ops->stamp(r->port,
				    SLOTS - 1); /* while its receive is armed; twice is as once */
		us = older_us(r, &a, &to_a);
	}
	assert_in_range(us, 15000, 2000000);
	(void)close(a.fd);
	rig_close(r);
}

static void ages_v4(open_fn *open_port)
{
	ages_are_the_kernels(open_port, "127.0.0.1");
}

static void ages_v6(open_fn *open_port)
{
	ages_are_the_kernels(open_port, "::1");
}

static void marks_v6(open_fn *open_port)
{
	sends_over_another_slot(open_port, "::1");
}

static void relays_v4(open_fn *open_port)
{
	relays(open_port, "127.0.0.1");
}

static void relays_v6(open_fn *open_port)
{
	relays(open_port, "::1");
}

#define FOR_EACH_PORT(name)                    \
	static void uring_##name(void **state) \
	{                                      \
		(void)state;                   \
		name(port_uring_open);         \
	}                                      \
	static void epoll_##name(void **state) \
	{                                      \
		(void)state;                   \
		name(port_epoll_open);         \
	}
#define TESTS_OF(name) cmocka_unit_test(uring_##name), cmocka_unit_test(epoll_##name)

FOR_EACH_PORT(relays_v4)
FOR_EACH_PORT(relays_v6)
FOR_EACH_PORT(keeps_channels_apart)
FOR_EACH_PORT(a_long_packet_is_truncated)
FOR_EACH_PORT(survives_more_packets_than_buffers)
FOR_EACH_PORT(hears_again_after_an_icmp_error)
FOR_EACH_PORT(connects_and_disconnects)
FOR_EACH_PORT(a_refused_send_is_counted)
FOR_EACH_PORT(a_deleted_slot_is_silent_and_its_port_free)
FOR_EACH_PORT(many_come_and_go_between_two_looks)
FOR_EACH_PORT(sends_before_it_deletes)
FOR_EACH_PORT(waits_as_long_as_told)
FOR_EACH_PORT(a_broken_socket_is_a_fault)
FOR_EACH_PORT(a_shared_socket_fills_a_batch)
FOR_EACH_PORT(late_packets_stay_here)
FOR_EACH_PORT(marks_v4)
FOR_EACH_PORT(marks_v6)
FOR_EACH_PORT(ages_v4)
FOR_EACH_PORT(ages_v6)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TESTS_OF(relays_v4),
		TESTS_OF(ages_v4),
		TESTS_OF(ages_v6),
		TESTS_OF(relays_v6),
		TESTS_OF(keeps_channels_apart),
		TESTS_OF(a_long_packet_is_truncated),
		TESTS_OF(survives_more_packets_than_buffers),
		TESTS_OF(hears_again_after_an_icmp_error),
		TESTS_OF(connects_and_disconnects),
		TESTS_OF(a_refused_send_is_counted),
		TESTS_OF(a_deleted_slot_is_silent_and_its_port_free),
		TESTS_OF(many_come_and_go_between_two_looks),
		TESTS_OF(sends_before_it_deletes),
		TESTS_OF(waits_as_long_as_told),
		TESTS_OF(a_broken_socket_is_a_fault),
		TESTS_OF(a_shared_socket_fills_a_batch),
		TESTS_OF(late_packets_stay_here),
		TESTS_OF(marks_v4),
		TESTS_OF(marks_v6),
	};

	if (!netns_enter())
		print_message("# others may take our ports\n");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
