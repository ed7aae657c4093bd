/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes through the engine as app/ runs it: threads, rings that wake, real sockets. Run under TSan too. */
#include "tests/unit/test.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "tests/unit/engine/dtls/dtls_peer.h"

enum { CALLS = 24, WORKERS = 2, LIMIT_S = 20, GENERATION = 5 };

/* Of one call: a flow of ours, and who is at its other end. */
struct party {
	int fd;
	struct addr ours;
	struct dtls dtls;
	struct media_event keyed;
};

static struct party g_party[CALLS];

static struct addr bound_to(int fd)
{
	struct sockaddr_storage ss;
	socklen_t length = sizeof(ss);
	struct addr a;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &length), 0);
	assert_int_equal(addr_from_sockaddr(&a, (struct sockaddr *)&ss), 0);
	return a;
}

static struct engine *opened(void)
{
	const struct engine_settings s = { .workers = WORKERS,
					   .slots = CALLS,
					   .commands = 64,
					   .events = 64,
					   .port = ENGINE_PORT_EPOLL,
					   .certificate = &g_identity[OURS].certificate };
	struct engine *e;

	assert_int_equal(engine_open(&e, &s), 0);
	return e;
}

/* Each other one is the server, and we ask. */
static enum media_dtls_role role_of(uint32_t i)
{
	return i % 2 ? DTLS_CLIENT : DTLS_SERVER;
}

static void flow_open_for(struct engine *e, uint32_t i)
{
	const struct addr any = { .family = ADDR_V4, .ip = { 127, 0, 0, 1 } };
	struct party *p = &g_party[i];
	struct media_command c = {
		.kind = MEDIA_FLOW_OPEN,
		.spec = { .id = { .slot = i, .generation = GENERATION },
			  .call = 100 + i,
			  .remote_rtp = bound_to(p->fd),
			  .ssrc_out = 1 + i,
			  .latch = LATCH_SAME_IP,
			  .receive = 1,
			  .send = 1,
			  .rtcp_mux = 1,
			  .dtls = { .role = (uint8_t)role_of(i),
				    .association = 1,
				    .peer = *fingerprint_of(THEIRS) } },
	};

	assert_int_equal(engine_bind(&any, &(struct addr){ 0 }, 0, &c.rtp_fd, &c.rtcp_fd), 0);
	p->ours = bound_to(c.rtp_fd);
	assert_true(engine_command(e, &c));
}

static void party_open(uint32_t i)
{
	const struct sockaddr_in in = { .sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct party *p = &g_party[i];

	*p = (struct party){ .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) };
	assert_true(p->fd >= 0);
	assert_int_equal(bind(p->fd, (const struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(dtls_open(&p->dtls, g_identity[THEIRS].context,
				   role_of(i) == DTLS_SERVER ? DTLS_CLIENT : DTLS_SERVER,
				   fingerprint_of(OURS), clock_now_ns()),
			 0);
}

static void party_run(struct party *p)
{
	uint8_t in[DTLS_DATAGRAM_MAX], out[DTLS_MTU];
	struct sockaddr_storage ss;
	socklen_t length = addr_to_sockaddr(&p->ours, &ss);
	ssize_t n;

	(void)dtls_expire(&p->dtls, clock_now_ns());
	do {
		uint16_t m;

		while ((m = dtls_output(&p->dtls, out)) > 0)
			(void)sendto(p->fd, out, m, 0, (struct sockaddr *)&ss, length);
		n = recv(p->fd, in, sizeof(in), 0);
		if (n > 0)
			(void)dtls_receive(&p->dtls, bytes_mem(in, (size_t)n), clock_now_ns());
	} while (n > 0);
}

static void events_read(struct engine *e)
{
	struct media_event event;

	do {
		while (engine_events(e, &event, 1) == 1) {
			assert_int_not_equal(event.kind, MEDIA_FLOW_FAILED);
			if (event.kind != MEDIA_FLOW_KEYED)
				continue;
			g_party[event.id.slot].keyed = event;
			assert_true(engine_command(
				e, &(struct media_command){ .kind = MEDIA_FLOW_FLIGHT,
							    .id = event.id,
							    .association = event.association }));
		}
	} while (!engine_events_wait(e));
}

static bool all_keyed(void)
{
	for (uint32_t i = 0; i < CALLS; i++)
		if (!g_party[i].keyed.call || g_party[i].dtls.outcome == DTLS_RUNNING)
			return false;
	return true;
}

static void all_get_their_keys(void **state)
{
	struct engine *e = opened();
	uint64_t until_ns = clock_now_ns() + LIMIT_S * NS_PER_S;

	(void)state;
	for (uint32_t i = 0; i < CALLS; i++) {
		party_open(i);
		flow_open_for(e, i);
	}
	while (!all_keyed() && clock_now_ns() < until_ns) {
		(void)poll(NULL, 0, 1);
		for (uint32_t i = 0; i < CALLS; i++)
			party_run(&g_party[i]);
		events_read(e);
	}
	for (uint32_t i = 0; i < CALLS; i++) {
		struct party *p = &g_party[i];

		assert_int_equal(p->keyed.call, 100 + i);
		assert_int_equal(p->dtls.outcome, DTLS_DONE);
		assert_memory_equal(&p->keyed.key_in, &p->dtls.key_out, sizeof(p->keyed.key_in));
		assert_memory_equal(&p->keyed.key_out, &p->dtls.key_in, sizeof(p->keyed.key_in));
		dtls_close(&p->dtls);
		assert_int_equal(close(p->fd), 0);
	}
	engine_close(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_get_their_keys),
	};

	return cmocka_run_group_tests(tests, identities_open, identities_close);
}
