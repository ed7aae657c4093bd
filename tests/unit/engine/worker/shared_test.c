/* SPDX-License-Identifier: Apache-2.0 */
/* Single-port mode: slots 0 and 2 are browsers on one socket, 1 and 3 their phones. */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/engine/ice/ice_party.h"

#define BROWSER_A "198.51.100.1:40000"
#define BROWSER_B "198.51.100.1:40001"
#define STRANGER  "203.0.113.9:666"

enum { PORT = RIG_SLOTS }; /* the port's slot of the shared socket */

static const struct media_ice *const ICE_OF[] = { &ICE_A, NULL, &ICE_B };

/* Bound, so that it has an address; nothing is received by it. */
static int socket_open(struct addr *local)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &n), 0);
	assert_int_equal(addr_from_sockaddr(local, (struct sockaddr *)&ss), 0);
	return fd;
}

struct shared_rig {
	struct rig *r;
	struct addr local;
	int fd;
};

static struct flow_spec spec_of(const struct shared_rig *x, uint32_t slot)
{
	struct flow_spec s = rig_spec(slot % 2);

	s.id.slot = slot;
	s.peer.slot = slot ^ 1;
	s.ssrc_out = 0xa0 + slot;
	s.rtcp_mux = 1;
	if (slot % 2)
		return s;
	s.local_rtp = x->local;
	s.shared_port = 1;
	s.ice = *ICE_OF[slot];
	return s;
}

static struct shared_rig shared_rig_open(const struct flow_resume *resume)
{
	struct shared_rig x = { .r = rig_open_empty(64) };

	x.fd = socket_open(&x.local);
	rig_command(x.r, &(struct media_command){
				 .kind = MEDIA_SHARED_PORT, .rtp_fd = x.fd, .id = { .slot = 0 } });
	for (uint32_t slot = 0; slot < 4; slot++) {
		struct flow_spec s = spec_of(&x, slot);

		if (resume && slot == 0)
			s.resume = *resume;
		rig_open_flow(x.r, &s);
	}
	assert_int_equal(x.r->w.flows.count, 4);
	return x;
}

static void shared_rig_close(struct shared_rig *x)
{
	rig_close(x->r);
	(void)close(x->fd);
}

static int check_as(struct shared_rig *x, uint32_t slot, const char *from)
{
	return checks(x->r, PORT, from, &(struct check){ .ice = ICE_OF[slot], .nominates = true });
}

/* The slot that RTP from there leaves by; -1: it does not. */
static int leaves_by(struct shared_rig *x, const char *from)
{
	static uint16_t sequence;
	struct addr a = rig_addr(from);
	const struct sim_packet *p;

	while (port_sim_sent(x->r->sim))
		continue;
	put_rtp_from(x->r, PORT, &a, &(struct rtp){ .ssrc = 1, .sequence = ++sequence });
	worker_step(&x->r->w);
	p = port_sim_sent(x->r->sim);
	return p ? (int)p->slot : -1;
}

/* Where a phone's RTP goes by the shared socket; "": nowhere. */
static const char *goes_to(struct shared_rig *x, uint32_t phone)
{
	static char text[ADDR_TEXT_MAX];
	struct addr a = party(B);
	const struct sim_packet *p;

	while (port_sim_sent(x->r->sim))
		continue;
	put_rtp_from(x->r, (int)phone, &a, &(struct rtp){ .ssrc = 2 });
	worker_step(&x->r->w);
	p = port_sim_sent(x->r->sim);
	if (!p)
		return "";
	assert_int_equal(p->slot, PORT);
	return addr_text(&p->remote, text);
}

static void calls_are_told_apart(void **state)
{
	struct shared_rig x = shared_rig_open(NULL);

	(void)state;
	assert_int_equal(leaves_by(&x, BROWSER_A), -1);
	assert_int_equal(check_as(&x, 0, BROWSER_A), 0);
	assert_int_equal(check_as(&x, 2, BROWSER_B), 0);
	assert_int_equal(leaves_by(&x, BROWSER_A), 1);
	assert_int_equal(leaves_by(&x, BROWSER_B), 3);
	assert_int_equal(leaves_by(&x, STRANGER), -1);
	assert_int_equal(dropped(x.r, VERDICT_NO_FLOW), 2);
	assert_string_equal(goes_to(&x, 1), BROWSER_A);
	assert_string_equal(goes_to(&x, 3), BROWSER_B);
	shared_rig_close(&x);
}

/* Nothing of a stranger reaches a flow: it is looked up, counted and gone. */
static void a_flood_is_counted(void **state)
{
	struct shared_rig x = shared_rig_open(NULL);
	const struct media_ice nobody = { .ufrag = "zzzzzzzz", .pwd = "nobodys" };
	struct flow_stats before[2];

	(void)state;
	assert_int_equal(check_as(&x, 0, BROWSER_A), 0);
	before[0] = flow_stats_read(flow_of(x.r, 0));
	before[1] = flow_stats_read(flow_of(x.r, 2));
	for (uint16_t port = 1; port <= 500; port++) {
		struct addr from = rig_addr(STRANGER);

		from.port = port;
		put_check(x.r, PORT, &from, &(struct check){ .ice = &nobody });
		put_rtp_from(x.r, PORT, &from, &(struct rtp){ .ssrc = 1 });
		put_bytes(x.r, PORT, CHANNEL_RTP, &from, BYTES_LIT("\x16\xfe\xff\0"));
		put_bytes(x.r, PORT, CHANNEL_RTP, &from, BYTES_LIT("\0\1"));
		worker_step(&x.r->w);
		nothing_sent(x.r);
	}
	assert_int_equal(dropped(x.r, VERDICT_NO_FLOW), 2000);
	assert_int_equal(flow_stats_read(flow_of(x.r, 0)).dropped, before[0].dropped);
	assert_int_equal(flow_stats_read(flow_of(x.r, 2)).dropped, before[1].dropped);
	shared_rig_close(&x);
}

/* The address of a party that is there is not given to another, whatever credentials that has. */
static void an_address_is_of_one_flow(void **state)
{
	struct shared_rig x = shared_rig_open(NULL);

	(void)state;
	assert_int_equal(check_as(&x, 0, BROWSER_A), 0);
	assert_int_equal(check_as(&x, 2, BROWSER_A), -1);
	assert_int_equal(dropped(x.r, VERDICT_ICE_NO_PAIR), 1);
	assert_int_equal(leaves_by(&x, BROWSER_A), 1);
	advance_ms(x.r, 14999);
	assert_int_equal(check_as(&x, 2, BROWSER_A), -1);
	advance_ms(x.r, 1);
	assert_int_equal(check_as(&x, 2, BROWSER_A), 0);
	assert_int_equal(leaves_by(&x, BROWSER_A), 3);
	assert_string_equal(goes_to(&x, 1), "");
	assert_string_equal(goes_to(&x, 3), BROWSER_A);
	shared_rig_close(&x);
}

/* Of the table of addresses; one that was left there would be a ring in its chain before long. */
static uint32_t entries(const struct shared_rig *x)
{
	const struct shared *t = &x->r->w.transports.shared;
	uint32_t n = 0;

	for (uint32_t i = 0; i <= t->mask; i++)
		n += t->parties[i] != 0;
	return n;
}

static uint32_t ufrags(const struct shared_rig *x)
{
	const struct shared *t = &x->r->w.transports.shared;
	uint32_t n = 0;

	for (uint32_t i = 0; i <= t->mask; i++)
		for (uint32_t at = t->ufrags[i]; at;
		     at = x->r->w.transports.list[at - 1].links.by_ufrag)
			n++;
	return n;
}

static void what_ends_is_found_no_more(void **state)
{
	struct shared_rig x = shared_rig_open(NULL);

	(void)state;
	assert_int_equal(check_as(&x, 0, BROWSER_A), 0);
	assert_int_equal(check_as(&x, 2, BROWSER_B), 0);
	rig_command(x.r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE,
						  .id = { .slot = 0, .generation = 7 } });
	assert_int_equal(ufrags(&x), 1);
	assert_int_equal(leaves_by(&x, BROWSER_A), -1);
	assert_int_equal(check_as(&x, 0, BROWSER_A), -1);
	assert_int_equal(leaves_by(&x, BROWSER_B), 3);
	/* its address is free at once */
	assert_int_equal(check_as(&x, 2, BROWSER_A), 0);
	assert_int_equal(leaves_by(&x, BROWSER_A), 3);
	advance_ms(x.r, 30100);
	worker_step(&x.r->w);
	assert_int_equal(leaves_by(&x, BROWSER_A), -1);
	assert_int_equal(leaves_by(&x, BROWSER_B), -1);
	assert_int_equal(dropped(x.r, VERDICT_NO_FLOW), 4);
	/* again and again at the same place of the table */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(check_as(&x, 2, BROWSER_A), 0);
		assert_int_equal(leaves_by(&x, BROWSER_A), 3);
		assert_int_equal(entries(&x), 1);
		advance_ms(x.r, 30100);
		worker_step(&x.r->w);
		assert_int_equal(entries(&x), 0);
	}
	shared_rig_close(&x);
}

static void a_restart_moves_the_ufrag(void **state)
{
	struct shared_rig x = shared_rig_open(NULL);
	const struct media_ice next = { .on = 1,
					.ufrag = { 'n', 'e', 'x', 't', 'n', 'e', 'x', 't' },
					.pwd = "password-of-n-0123456789" };
	struct flow_spec s = spec_of(&x, 0);

	(void)state;
	assert_int_equal(check_as(&x, 0, BROWSER_A), 0);
	s.ice = next;
	rig_update(x.r, &s);
	assert_int_equal(check_as(&x, 0, BROWSER_A), -1);
	assert_int_equal(leaves_by(&x, BROWSER_A), 1);
	assert_int_equal(checks(x.r, PORT, BROWSER_B,
				&(struct check){ .ice = &next, .nominates = true }),
			 0);
	assert_int_equal(leaves_by(&x, BROWSER_B), 1);
	assert_int_equal(leaves_by(&x, BROWSER_A), -1);
	shared_rig_close(&x);
}

static void a_successor_finds_parties(void **state)
{
	struct shared_rig x = shared_rig_open(NULL);
	struct flow_resume resume;

	(void)state;
	assert_int_equal(check_as(&x, 0, BROWSER_A), 0);
	resume = flow_resume_read(flow_of(x.r, 0));
	shared_rig_close(&x);
	x = shared_rig_open(&resume);
	assert_int_equal(leaves_by(&x, BROWSER_A), 1);
	assert_string_equal(goes_to(&x, 1), BROWSER_A);
	shared_rig_close(&x);
}

static void a_bundle_on_a_shared_port(void **state)
{
	struct shared_rig x = shared_rig_open(NULL);
	struct flow_spec video = spec_of(&x, 2);
	struct addr phone = party(B);
	const struct sim_packet *p;

	(void)state;
	rig_command(x.r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = video.id });
	video.bundle = (struct flow_id){ .slot = 0, .generation = 7 };
	video.rules[0].in = 96;
	rig_open_flow(x.r, &video);
	assert_int_equal(check_as(&x, 0, BROWSER_A), 0);
	put_rtp_from(x.r, 3, &phone, &(struct rtp){ .ssrc = 2 });
	worker_step(&x.r->w);
	p = port_sim_sent(x.r->sim);
	assert_non_null(p);
	assert_int_equal(p->slot, PORT);
	assert_int_equal(be32_get(p->data + 8), 0xa2);
	shared_rig_close(&x);
}

/* The socket is marked for sound; pictures of a call of their own are not. */
static void each_kind_has_its_dscp(void **state)
{
	struct shared_rig x = { .r = rig_open_empty(64) };
	struct addr phone = party(B);
	int ef = 46 << 2;

	(void)state;
	x.fd = socket_open(&x.local);
	assert_int_equal(setsockopt(x.fd, IPPROTO_IP, IP_TOS, &ef, sizeof(ef)), 0);
	rig_command(x.r, &(struct media_command){ .kind = MEDIA_SHARED_PORT, .rtp_fd = x.fd });
	for (uint32_t slot = 0; slot < 4; slot++) {
		struct flow_spec s = spec_of(&x, slot);

		s.dscp = slot < 2 ? 46 : 34;
		rig_open_flow(x.r, &s);
	}
	assert_int_equal(flow_of(x.r, 0)->out_slot, PORT);
	assert_int_equal(check_as(&x, 0, BROWSER_A), 0);
	assert_int_equal(check_as(&x, 2, BROWSER_B), 0);
	for (int slot = 1; slot < 4; slot += 2) {
		const struct sim_packet *p;

		put_rtp_from(x.r, slot, &phone, &(struct rtp){ .ssrc = 2 });
		worker_step(&x.r->w);
		p = port_sim_sent(x.r->sim);
		assert_non_null(p);
		assert_int_equal(p->slot, PORT);
		assert_int_equal(p->dscp, slot == 3 ? 34 : 0);
	}
	rig_command(x.r, &(struct media_command){ .kind = MEDIA_FLOW_CLOSE,
						  .id = { .slot = 2, .generation = 7 } });
	assert_int_equal(x.r->sim->over[2].slot, 0);
	shared_rig_close(&x);
}

static void what_is_refused(void **state)
{
	struct shared_rig x = shared_rig_open(NULL);
	struct flow_spec s = spec_of(&x, 0);
	struct media_event event;
	int fd = dup(x.fd);

	(void)state;
	s.id.slot = 4;
	s.local_rtp.port++;
	rig_open_flow(x.r, &s);
	assert_true(rig_event(x.r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(event.error, -ENODEV);
	rig_command(x.r, &(struct media_command){ .kind = MEDIA_SHARED_PORT, .rtp_fd = fd });
	assert_true(rig_event(x.r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(event.error, -EBUSY);
	assert_int_equal(event.id.generation, 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	/* a socket of nobody's flow that goes deaf */
	x.r->sim->fault = (struct port_fault){ .slot = PORT, .error = -EBADF };
	advance_ms(x.r, 300);
	worker_step(&x.r->w);
	assert_true(rig_event(x.r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(event.id.generation, 0);
	shared_rig_close(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_told_apart),
		cmocka_unit_test(a_flood_is_counted),
		cmocka_unit_test(an_address_is_of_one_flow),
		cmocka_unit_test(what_ends_is_found_no_more),
		cmocka_unit_test(a_restart_moves_the_ufrag),
		cmocka_unit_test(a_successor_finds_parties),
		cmocka_unit_test(a_bundle_on_a_shared_port),
		cmocka_unit_test(each_kind_has_its_dscp),
		cmocka_unit_test(what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
