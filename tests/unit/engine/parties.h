/* SPDX-License-Identifier: Apache-2.0 */
/* An engine with real sockets, and the parties that speak with it. */
#ifndef TESTS_UNIT_ENGINE_PARTIES_H
#define TESTS_UNIT_ENGINE_PARTIES_H

#include "tests/unit/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metric.h"
#include "bench/stun_ask.h"
#include "engine/engine.h"
#include "engine/port/port.h"
#include "media/stun/stun.h"

#define PARTY_FN static __attribute__((unused))

enum { WORKERS = 3, SLOTS = 64, JOBS = 8, WAIT_MS = 2000, A = 0, B = 1 };

struct party {
	int fd;
	struct addr at;   /* its own */
	struct addr ours; /* where the engine listens for it */
};

PARTY_FN struct addr bound_to(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr a;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	assert_int_equal(addr_from_sockaddr(&a, (struct sockaddr *)&ss), 0);
	return a;
}

PARTY_FN struct engine *open_engine(enum engine_port port)
{
	struct engine_settings s = { .workers = WORKERS,
				     .slots = SLOTS,
				     .shared_ports = 1,
				     .jobs = JOBS,
				     .commands = 64,
				     .events = 64,
				     .port = port };
	struct engine *e;
	int err = engine_open(&e, &s);

	if (err == -ENOSYS) {
		print_message("# not allowed on this machine\n");
		skip();
	}
	assert_int_equal(err, 0);
	return e;
}

PARTY_FN struct party party_open(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct party p = { .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };

	assert_true(p.fd >= 0);
	assert_int_equal(bind(p.fd, (struct sockaddr *)&in, sizeof(in)), 0);
	p.at = bound_to(p.fd);
	return p;
}

/* An OPEN of the flow that faces this party, as app/ would send it. */
PARTY_FN struct media_command open_command(struct party *p, uint32_t slot, uint32_t generation)
{
	struct media_command c = {
		.kind = MEDIA_FLOW_OPEN,
		.spec = { .id = { .slot = slot, .generation = generation },
			  .peer = { .slot = slot ^ 1, .generation = generation },
			  .call = 99 + slot / 2,
			  .remote_rtp = p->at,
			  .ssrc_out = 0xabc0 + slot,
			  .latch = LATCH_SAME_IP,
			  .receive = 1,
			  .send = 1,
			  .leg = (uint8_t)(slot & 1),
			  .event_pt = 101,
			  .event_clock_hz = 8000,
			  .rule_count = 1,
			  .rules = { { .in = 0, .out = 0, .clock_hz = 8000 } } },
	};
	struct addr any = { .family = ADDR_V4, .ip = { 127, 0, 0, 1 } };

	assert_int_equal(engine_bind(&any, &any, 46, &c.rtp_fd, &c.rtcp_fd), 0);
	p->ours = bound_to(c.rtp_fd);
	return c;
}

PARTY_FN void command(struct engine *e, const struct media_command *c)
{
	for (int i = 0; i < WAIT_MS && !engine_command(e, c); i++)
		(void)usleep(1000);
}

PARTY_FN void flow_command(struct engine *e, enum media_command_kind kind, uint32_t slot,
			   uint32_t generation)
{
	command(e, &(struct media_command){ .kind = kind,
					    .id = { .slot = slot, .generation = generation } });
}

/* The next event of this kind, waiting on the descriptor as the control loop does. False: none came. */
PARTY_FN bool event_wait(struct engine *e, enum media_event_kind kind, struct media_event *out)
{
	struct pollfd p = { .fd = engine_event_fd(e), .events = POLLIN };

	for (;;) {
		while (engine_events(e, out, 1) == 1)
			if (out->kind == kind)
				return true;
		if (engine_events_wait(e) && poll(&p, 1, WAIT_MS) == 0)
			return false;
	}
}

PARTY_FN void rtp_send(const struct party *p, uint32_t ssrc, uint16_t sequence)
{
	uint8_t packet[172] = { 0x80 };
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&p->ours, &ss);

	be16_put(packet + 2, sequence);
	be32_put(packet + 4, sequence * 160U);
	be32_put(packet + 8, ssrc);
	assert_int_equal(sendto(p->fd, packet, sizeof(packet), 0, (struct sockaddr *)&ss, len),
			 sizeof(packet));
}

/* The sequence number received, with our SSRC; -1: nothing came. */
PARTY_FN int rtp_receive(const struct party *p, uint32_t ssrc, int wait_ms)
{
	struct pollfd wait = { .fd = p->fd, .events = POLLIN };
	uint8_t packet[256];

	if (poll(&wait, 1, wait_ms) != 1)
		return -1;

	ssize_t n = recv(p->fd, packet, sizeof(packet), MSG_DONTWAIT);

	if (n < 0)
		return -1; /* an ICMP error */
	assert_int_equal(n, 172);
	assert_int_equal(be32_get(packet + 8), ssrc);
	return be16_get(packet + 2);
}

/* Both flows are open afterwards: the answer to a query comes after what was commanded before. */
PARTY_FN void pair_open(struct engine *e, struct party party[2], uint32_t slot, uint32_t generation)
{
	struct media_event event;

	for (int side = A; side <= B; side++) {
		party[side] = party_open();

		struct media_command c =
			open_command(&party[side], slot + (uint32_t)side, generation);

		command(e, &c);
	}
	flow_command(e, MEDIA_FLOW_QUERY, slot, generation);
	assert_true(event_wait(e, MEDIA_FLOW_STATS, &event));
}

PARTY_FN void pair_close(struct engine *e, struct party party[2], uint32_t slot,
			 uint32_t generation)
{
	struct media_event event;

	for (int side = A; side <= B; side++) {
		flow_command(e, MEDIA_FLOW_CLOSE, slot + (uint32_t)side, generation);
		assert_true(event_wait(e, MEDIA_FLOW_CLOSED, &event));
		assert_int_equal(event.id.slot, slot + (uint32_t)side);
		(void)close(party[side].fd);
	}
}

PARTY_FN void browser_checks(const struct party *p, uint32_t slot)
{
	struct pollfd wait = { .fd = p->fd, .events = POLLIN };
	uint8_t memory[256];
	struct writer w = writer_over(memory, sizeof(memory));
	char username[ICE_UFRAG_LEN + 2] = { 0 }, pwd[ICE_PWD_LEN];
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&p->ours, &ss);
	struct stun_message m;
	ssize_t n;

	memset(username, 'a' + (int)slot, ICE_UFRAG_LEN);
	username[ICE_UFRAG_LEN] = ':';
	memset(pwd, 'k' + (int)slot, sizeof(pwd));
	stun_start(&w, STUN_BINDING_REQUEST, BYTES_LIT("0123456789ab"));
	stun_put_username(&w, bytes_mem(username, sizeof(username)));
	stun_put_use_candidate(&w);
	stun_put_integrity(&w, bytes_mem(pwd, sizeof(pwd)));
	assert_int_equal(sendto(p->fd, memory, w.n, 0, (struct sockaddr *)&ss, len), w.n);
	assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
	n = recv(p->fd, memory, sizeof(memory), MSG_DONTWAIT);
	assert_int_equal(stun_parse(&m, bytes_mem(memory, (size_t)n)), 0);
	assert_int_equal(m.type, STUN_BINDING_SUCCESS);
	assert_true(addr_eq(&m.mapped, &p->at));
}

#define FOR_EACH_PORT(name)                    \
	static void uring_##name(void **state) \
	{                                      \
		(void)state;                   \
		name(ENGINE_PORT_URING);       \
	}                                      \
	static void epoll_##name(void **state) \
	{                                      \
		(void)state;                   \
		name(ENGINE_PORT_EPOLL);       \
	}
#define TESTS_OF(name) cmocka_unit_test(uring_##name), cmocka_unit_test(epoll_##name)

#endif
