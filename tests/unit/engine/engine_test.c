/* SPDX-License-Identifier: Apache-2.0 */
/* The worker thread, its rings and real sockets, as app/ uses them. Run under TSan too. */
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metric.h"
#include "engine/port/port.h"
#include "media/job.h"
#include "tests/unit/engine/parties.h"

static void relays_both_ways(enum engine_port port)
{
	struct engine *e = open_engine(port);
	struct party party[2];
	struct media_event event;

	pair_open(e, party, 0, 1);
	for (uint16_t n = 0; n < 50; n++) {
		rtp_send(&party[A], 1, n);
		rtp_send(&party[B], 2, n);
		assert_int_equal(rtp_receive(&party[B], 0xabc1, WAIT_MS), n);
		assert_int_equal(rtp_receive(&party[A], 0xabc0, WAIT_MS), n);
	}
	assert_true(event_wait(e, MEDIA_FLOW_LATCHED, &event));
	assert_int_equal(event.call, 99);
	flow_command(e, MEDIA_FLOW_QUERY, A, 1);
	assert_true(event_wait(e, MEDIA_FLOW_STATS, &event));
	assert_int_equal(event.stats.packets_in, 50);
	assert_int_equal(event.stats.packets_out, 50);
	pair_close(e, party, 0, 1);
	engine_close(e);
}

/* Two calls of browsers on the one socket of their worker. */
static struct party browser_open(struct engine *e, const struct addr *shared, uint32_t slot)
{
	struct party p = party_open();
	struct media_command c = open_command(&p, slot, 1);

	(void)close(c.rtp_fd);
	(void)close(c.rtcp_fd);
	c.rtp_fd = c.rtcp_fd = -1;
	c.spec.call = 99;
	c.spec.local_rtp = p.ours = *shared;
	c.spec.shared_port = c.spec.rtcp_mux = c.spec.ice.on = 1;
	memset(c.spec.ice.ufrag, 'a' + (int)slot, sizeof(c.spec.ice.ufrag));
	memset(c.spec.ice.pwd, 'k' + (int)slot, sizeof(c.spec.ice.pwd));
	command(e, &c);
	return p;
}

static void browsers_share_a_port(enum engine_port port)
{
	const struct addr any = { .family = ADDR_V4, .ip = { 127, 0, 0, 1 } };
	struct engine *e = open_engine(port);
	struct party browser[2], phone[2];
	struct addr shared;
	int fd, none;

	assert_int_equal(engine_bind(&any, &(struct addr){ 0 }, 46, &fd, &none), 0);
	shared = bound_to(fd);
	assert_true(engine_shared_port(e, engine_worker_for(e, 99), 0, fd));
	for (uint32_t i = 0; i < 2; i++) {
		struct media_command c;

		browser[i] = browser_open(e, &shared, 2 * i);
		phone[i] = party_open();
		c = open_command(&phone[i], 2 * i + 1, 1);
		c.spec.call = 99;
		command(e, &c);
	}
	for (uint32_t i = 0; i < 2; i++)
		browser_checks(&browser[i], 2 * i);
	for (uint32_t i = 0; i < 2; i++) {
		rtp_send(&browser[i], 1, (uint16_t)(7 + i));
		assert_int_equal(rtp_receive(&phone[i], 0xabc1 + 2 * i, WAIT_MS), 7 + i);
		rtp_send(&phone[i], 2, (uint16_t)(17 + i));
		assert_int_equal(rtp_receive(&browser[i], 0xabc0 + 2 * i, WAIT_MS), 17 + i);
	}
	engine_close(e);
	for (uint32_t i = 0; i < 2; i++) {
		(void)close(browser[i].fd);
		(void)close(phone[i].fd);
	}
}

/* The worker closes sockets when it looks at them next, and has told of the flow's end by then. */
static int bind_soon(const struct addr *rtp, int *rtp_fd, int *rtcp_fd)
{
	int err = -EADDRINUSE;

	for (int i = 0; i < WAIT_MS && err == -EADDRINUSE; i++) {
		err = engine_bind(rtp, &(struct addr){ 0 }, 0, rtp_fd, rtcp_fd);
		if (err)
			(void)usleep(1000);
	}
	return err;
}

static void a_closed_flow_frees_its_port(enum engine_port port)
{
	struct engine *e = open_engine(port);

	for (uint32_t round = 1; round <= 10; round++) {
		struct party party[2];
		struct addr rtp;
		int rtp_fd, rtcp_fd;

		pair_open(e, party, 2, round);
		rtp_send(&party[A], 1, 7);
		assert_int_equal(rtp_receive(&party[B], 0xabc3, WAIT_MS), 7);
		rtp = party[A].ours;
		pair_close(e, party, 2, round);
		assert_int_equal(bind_soon(&rtp, &rtp_fd, &rtcp_fd), 0);
		assert_int_equal(rtcp_fd, -1);
		(void)close(rtp_fd);
	}
	engine_close(e);
}

static void close_closes_open_flows(enum engine_port port)
{
	struct engine *e = open_engine(port);
	struct party party[2];
	int rtp_fd, rtcp_fd;

	pair_open(e, party, 0, 1);
	rtp_send(&party[A], 1, 7);
	assert_int_equal(rtp_receive(&party[B], 0xabc1, WAIT_MS), 7);
	engine_close(e);
	assert_int_equal(engine_bind(&party[A].ours, &(struct addr){ 0 }, 0, &rtp_fd, &rtcp_fd), 0);
	(void)close(rtp_fd);
	(void)close(party[A].fd);
	(void)close(party[B].fd);
}

/* A sound that both parties of calls on all workers hear, and those who hear it at once. */
static struct media_sound *sound_play(struct engine *e, uint64_t call)
{
	struct media_sound *sound = media_sound_make(8000, 1000);
	const struct media_command c = { .kind = MEDIA_JOB_OPEN,
					 .job = { .slot = 1, .generation = 5 },
					 .call = call,
					 .work.track = { .sound = media_sound_ref(sound),
							 .codec = MEDIA_CODEC_PCMU,
							 .packet_ms = 20,
							 .loops = 1 } };

	command(e, &c);
	return sound;
}

static void sound_is_heard(const struct party *p, uint32_t slot)
{
	int last = rtp_receive(p, 0xabc0 + slot, WAIT_MS);

	assert_true(last >= 0);
	for (int i = 0; i < 3; i++) {
		int next = rtp_receive(p, 0xabc0 + slot, WAIT_MS);

		assert_int_equal(next, (uint16_t)(last + 1));
		last = next;
	}
}

static void a_sound_is_played_by_all_workers(enum engine_port port)
{
	struct engine *e = open_engine(port);
	struct media_sound *sound = sound_play(e, 0);
	struct party party[WORKERS];
	struct media_event event;

	for (uint32_t i = 0; i < WORKERS; i++) { /* each goes to the one with the least flows */
		struct media_command c;

		party[i] = party_open();
		c = open_command(&party[i], 2 * i, 1);
		c.spec.source.job = (struct job_id){ .slot = 1, .generation = 5 };
		command(e, &c);
	}
	for (uint32_t i = 0; i < WORKERS; i++)
		sound_is_heard(&party[i], 2 * i);
	command(e, &(struct media_command){ .kind = MEDIA_JOB_CLOSE,
					    .job = { .slot = 1, .generation = 5 } });
	for (uint32_t left = WORKERS; left > 0; left--) {
		assert_int_equal(sound->references, 1 + left);
		assert_true(event_wait(e, MEDIA_JOB_CLOSED, &event));
		assert_int_equal(event.error, 0);
		assert_int_equal(event.last, left == 1);
	}
	assert_int_equal(sound->references, 1);
	engine_close(e);
	for (uint32_t i = 0; i < WORKERS; i++)
		(void)close(party[i].fd);
	media_sound_unref(sound);
}

/* Also of a close that nobody waits for. */
static void close_drops_sounds(enum engine_port port)
{
	for (int closes = 0; closes < 2; closes++) {
		struct engine *e = open_engine(port);
		struct media_sound *sound = sound_play(e, closes ? 0 : 99);

		if (closes)
			command(e,
				&(struct media_command){ .kind = MEDIA_JOB_CLOSE,
							 .job = { .slot = 1, .generation = 5 } });
		engine_close(e);
		assert_int_equal(sound->references, 1);
		media_sound_unref(sound);
	}
}

/* B's port closes and opens again: ICMP errors in between must not make any flow deaf or dumb. */
static void lives_through_icmp_errors(enum engine_port port)
{
	struct engine *e = open_engine(port);
	struct party party[2];
	struct sockaddr_storage ss;
	struct media_event event;
	socklen_t len;

	pair_open(e, party, 0, 1);
	rtp_send(&party[B], 2, 1);
	assert_int_equal(rtp_receive(&party[A], 0xabc0, WAIT_MS), 1);
	(void)close(party[B].fd);
	for (uint16_t n = 0; n < 20; n++) {
		rtp_send(&party[A], 1, n);
		(void)usleep(1000);
	}
	party[B].fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	len = addr_to_sockaddr(&party[B].at, &ss);
	assert_int_equal(bind(party[B].fd, (struct sockaddr *)&ss, len), 0);
	rtp_send(&party[A], 1, 20);
	while (rtp_receive(&party[B], 0xabc1, WAIT_MS) != 20)
		continue;
	rtp_send(&party[B], 2, 2);
	assert_int_equal(rtp_receive(&party[A], 0xabc0, WAIT_MS), 2);
	flow_command(e, MEDIA_FLOW_QUERY, B, 1);
	assert_true(event_wait(e, MEDIA_FLOW_STATS, &event));
	assert_in_range(event.stats.icmp_errors, 5, 20);
	flow_command(e, MEDIA_FLOW_QUERY, A, 1);
	assert_true(event_wait(e, MEDIA_FLOW_STATS, &event));
	assert_int_equal(event.stats.icmp_errors, 0);
	pair_close(e, party, 0, 1);
	engine_close(e);
}

/* Commands, events and packets all at once. */
static void keeps_up_with_churn(enum engine_port port)
{
	struct engine *e = open_engine(port);
	struct party talking[2];
	uint32_t heard = 0;

	pair_open(e, talking, 0, 1);
	for (uint32_t round = 1; round <= 30; round++) {
		struct party party[2];
		uint32_t slot = 2 + round % 30 * 2;

		pair_open(e, party, slot, round);
		rtp_send(&talking[A], 1, (uint16_t)round);
		rtp_send(&party[A], 1, (uint16_t)round);
		heard += rtp_receive(&talking[B], 0xabc1, WAIT_MS) == (int)round;
		heard += rtp_receive(&party[B], 0xabc1 + slot, WAIT_MS) == (int)round;
		pair_close(e, party, slot, round);
	}
	assert_int_equal(heard, 60);
	pair_close(e, talking, 0, 1);
	engine_close(e);
}

/* The worker sleeps, and wakes for each packet of a digit. */
static void a_digit_is_sent_in_time(enum engine_port port)
{
	struct engine *e = open_engine(port);
	struct party party[2];
	struct media_command digit = { .kind = MEDIA_FLOW_DIGIT_SEND,
				       .id = { .slot = B, .generation = 1 },
				       .digit = '5',
				       .duration_ms = 120 };
	uint8_t packet[64];
	uint64_t first_ns = 0, last_ns = 0;

	pair_open(e, party, 0, 1);
	command(e, &digit);
	for (int n = 0; n < 9; n++) {
		struct pollfd wait = { .fd = party[B].fd, .events = POLLIN };

		assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
		assert_int_equal(recv(party[B].fd, packet, sizeof(packet), 0), 16);
		assert_int_equal(packet[13] >> 7, n >= 6);
		last_ns = clock_now_ns();
		first_ns = first_ns ? first_ns : last_ns;
	}
	/* 160 ms; more only where the machine is busy with others */
	assert_in_range((last_ns - first_ns) / NS_PER_MS, 140, 1000);
	pair_close(e, party, 0, 1);
	engine_close(e);
}

static uint64_t flows_on(const char *worker)
{
	return metric_value(metric_register(METRIC_GAUGE, "tandem_media_flows", worker, ""));
}

/* The flows of a call are on one worker, those of many calls on all; commands find theirs, and events of all come out. */
static void calls_are_spread_over_workers(enum engine_port port)
{
	struct engine *e = open_engine(port);
	struct party party[SLOTS / 2][2];
	struct media_event event;

	for (uint32_t slot = 0; slot < SLOTS; slot += 2)
		pair_open(e, party[slot / 2], slot, 1);
	assert_int_equal(flows_on("worker=\"0\"") + flows_on("worker=\"1\"") +
				 flows_on("worker=\"2\""),
			 SLOTS);
	assert_in_range(flows_on("worker=\"0\""), SLOTS / 4, SLOTS / 2);
	assert_in_range(flows_on("worker=\"1\""), SLOTS / 4, SLOTS / 2);
	assert_in_range(flows_on("worker=\"2\""), SLOTS / 4, SLOTS / 2);
	for (uint32_t slot = 0; slot < SLOTS; slot += 2)
		rtp_send(&party[slot / 2][A], 1, 7);
	for (uint32_t slot = 0; slot < SLOTS; slot += 2)
		assert_int_equal(rtp_receive(&party[slot / 2][B], 0xabc1 + slot, WAIT_MS), 7);
	for (uint32_t slot = 0; slot < SLOTS; slot += 2)
		flow_command(e, MEDIA_FLOW_QUERY, slot, 1);
	for (uint32_t n = 0; n < SLOTS / 2; n++) {
		assert_true(event_wait(e, MEDIA_FLOW_STATS, &event));
		assert_int_equal(event.stats.packets_in, 1);
		assert_int_equal(event.call, 99 + event.id.slot / 2);
	}
	for (uint32_t slot = 0; slot < SLOTS; slot += 2)
		pair_close(e, party[slot / 2], slot, 1);
	engine_close(e);
}

/* As where an SDP names the worker's own port: chosen before the first flow, by load, and kept in between. */
static void a_worker_is_known_before_the_flows(enum engine_port port)
{
	static const char *const LABELS[WORKERS] = { "worker=\"0\"", "worker=\"1\"",
						     "worker=\"2\"" };
	struct engine *e = open_engine(port);
	struct party party[2];
	bool used[WORKERS] = { false };
	uint8_t worker = engine_worker_for(e, 99);

	for (uint64_t call = 200; call < 200 + WORKERS - 1; call++)
		used[engine_worker_for(e, call)] = true;
	assert_false(used[worker]);
	for (uint32_t round = 1; round <= 3; round++) {
		pair_open(e, party, 0, round);
		assert_int_equal(flows_on(LABELS[worker]), 2);
		rtp_send(&party[A], 1, 7);
		assert_int_equal(rtp_receive(&party[B], 0xabc1, WAIT_MS), 7);
		pair_close(e, party, 0, round);
		assert_int_equal(engine_worker_for(e, 99), worker);
	}
	for (uint64_t call = 200; call < 200 + WORKERS - 1; call++)
		engine_worker_release(e, call);
	engine_worker_release(e, 99);
	engine_close(e);
}

/* After a restart the calls of the record stay on the workers whose ports they have. */
static void a_call_is_kept_on_its_worker(void **state)
{
	struct engine *e = open_engine(ENGINE_PORT_EPOLL);

	(void)state;
	for (uint64_t call = 1; call <= 3; call++)
		assert_true(engine_worker_keep(e, call, WORKERS - 1));
	for (uint64_t call = 1; call <= 3; call++)
		assert_int_equal(engine_worker_for(e, call), WORKERS - 1);
	assert_true(engine_worker_keep(e, 3, WORKERS - 1));
	assert_false(engine_worker_keep(e, 3, 0));
	assert_false(engine_worker_keep(e, 4, WORKERS));
	engine_worker_release(e, 3);
	assert_true(engine_worker_keep(e, 3, 0));
	for (uint64_t call = 1; call <= 3; call++)
		engine_worker_release(e, call);
	engine_close(e);
}

static uint32_t datagrams(int fd)
{
	char text[8];
	uint32_t n = 0;

	while (recv(fd, text, sizeof(text), MSG_DONTWAIT) > 0)
		n++;
	return n;
}

/* The socket of a killed process takes nothing any more from where its successor has bound. */
static void the_newest_socket_takes_all(void **state)
{
	struct addr any = { .family = ADDR_V4, .ip = { 127, 0, 0, 1 } };
	struct engine_room room = { 0 };
	int old, fresh;

	(void)state;
	assert_int_equal(engine_bind_shared(&any, 46, false, &old, &room), 0);
	assert_in_range(room.granted, 1, room.asked);
	any = bound_to(old);
	assert_int_equal(engine_bind_shared(&any, 46, true, &fresh, &room), 0);
	for (uint32_t i = 1; i <= 32; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		struct sockaddr_storage to;
		socklen_t n = addr_to_sockaddr(&any, &to);

		assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, n), 1);
		(void)close(fd);
		if (i == 16)
			assert_int_equal(datagrams(fresh), 16);
		if (i == 16)
			(void)close(old);
	}
	assert_int_equal(datagrams(fresh), 16);
	(void)close(fresh);
}

static void sleeps_without_calls(enum engine_port port)
{
	struct engine *e = open_engine(port);
	uint64_t before_ns, spent_ns;

	(void)usleep(20000);
	before_ns = clock_process_cpu_ns();
	(void)usleep(100000);
	spent_ns = clock_process_cpu_ns() - before_ns;
	assert_in_range(spent_ns, 0, 2 * NS_PER_MS);
	engine_close(e);
}

static void refuses_what_it_cannot_do(void **state)
{
	struct engine_settings s = { .workers = 17, .slots = 4, .commands = 4, .events = 4 };
	struct addr nowhere = { .family = ADDR_V4, .ip = { 192, 0, 2, 1 } };
	struct engine *e;
	int rtp_fd, rtcp_fd;

	(void)state;
	assert_int_equal(engine_open(&e, &s), -EINVAL);
	s.workers = 0;
	assert_int_equal(engine_open(&e, &s), -EINVAL);
	assert_int_equal(engine_bind(&nowhere, &nowhere, 0, &rtp_fd, &rtcp_fd), -EADDRNOTAVAIL);
}

/* What a restart does while the sockets of the process before linger: the new one, connected, is the one that hears. */
static void a_port_is_bound_again_beside_our_own(void **state)
{
	struct party party = party_open();
	struct addr any = { .family = ADDR_V4, .ip = { 127, 0, 0, 1 } }, none = { 0 };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int stranger = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int old, new, rtcp_fd;
	uint8_t packet[256];
	struct addr taken;

	(void)state;
	assert_int_equal(engine_bind(&any, &none, 0, &old, &rtcp_fd), 0);
	party.ours = bound_to(old);
	assert_int_equal(engine_bind(&party.ours, &none, 0, &new, &rtcp_fd), -EADDRINUSE);
	assert_int_equal(port_socket_connect(old, &party.at), 0);
	assert_int_equal(engine_bind_again(&party.ours, &none, 0, &new, &rtcp_fd), 0);
	assert_int_equal(port_socket_connect(new, &party.at), 0);
	for (uint16_t n = 0; n < 20; n++) {
		rtp_send(&party, 1, n);
		assert_int_equal(recv(new, packet, sizeof(packet), MSG_DONTWAIT), 172);
		assert_int_equal(recv(old, packet, sizeof(packet), MSG_DONTWAIT), -1);
	}
	(void)close(old);
	(void)close(new);
	/* another program's port stays its own */
	assert_int_equal(bind(stranger, (struct sockaddr *)&in, sizeof(in)), 0);
	taken = bound_to(stranger);
	assert_int_equal(engine_bind_again(&taken, &none, 0, &new, &rtcp_fd), -EADDRINUSE);
	(void)close(stranger);
	(void)close(party.fd);
}

/* What they have answered lies there by then. */
static void past_the_mark_all_is_done(enum engine_port port)
{
	enum { QUERIES = 40 };
	struct engine *e = open_engine(port);
	struct media_event event;
	struct party party[2];
	int answers = 0;

	pair_open(e, party, 0, 1);
	for (int i = 0; i < QUERIES; i++)
		flow_command(e, MEDIA_FLOW_QUERY, 0, 1);
	engine_mark(e);
	for (int i = 0; i < WAIT_MS && !engine_is_past_mark(e); i++)
		(void)usleep(1000);
	assert_true(engine_is_past_mark(e));
	while (engine_events(e, &event, 1) == 1)
		answers += event.kind == MEDIA_FLOW_STATS;
	assert_int_equal(answers, QUERIES);
	pair_close(e, party, 0, 1);
	engine_close(e);
}

FOR_EACH_PORT(relays_both_ways)
FOR_EACH_PORT(a_sound_is_played_by_all_workers)
FOR_EACH_PORT(close_drops_sounds)
FOR_EACH_PORT(browsers_share_a_port)
FOR_EACH_PORT(a_closed_flow_frees_its_port)
FOR_EACH_PORT(close_closes_open_flows)
FOR_EACH_PORT(lives_through_icmp_errors)
FOR_EACH_PORT(keeps_up_with_churn)
FOR_EACH_PORT(sleeps_without_calls)
FOR_EACH_PORT(a_digit_is_sent_in_time)
FOR_EACH_PORT(calls_are_spread_over_workers)
FOR_EACH_PORT(a_worker_is_known_before_the_flows)
FOR_EACH_PORT(past_the_mark_all_is_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TESTS_OF(relays_both_ways),
		TESTS_OF(a_sound_is_played_by_all_workers),
		TESTS_OF(close_drops_sounds),
		TESTS_OF(browsers_share_a_port),
		TESTS_OF(a_closed_flow_frees_its_port),
		TESTS_OF(close_closes_open_flows),
		TESTS_OF(lives_through_icmp_errors),
		TESTS_OF(keeps_up_with_churn),
		TESTS_OF(sleeps_without_calls),
		TESTS_OF(a_digit_is_sent_in_time),
		TESTS_OF(calls_are_spread_over_workers),
		TESTS_OF(a_worker_is_known_before_the_flows),
		TESTS_OF(past_the_mark_all_is_done),
		cmocka_unit_test(a_call_is_kept_on_its_worker),
		cmocka_unit_test(the_newest_socket_takes_all),
		cmocka_unit_test(refuses_what_it_cannot_do),
		cmocka_unit_test(a_port_is_bound_again_beside_our_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
