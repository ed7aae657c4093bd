/* SPDX-License-Identifier: Apache-2.0 */
/* Single-port mode: whoever joins a call of another worker is asked to come to the port of that one. */
#include <errno.h>

#include "tests/unit/sig/joins.h"
#include "tests/unit/sig/record/golden.h"
#include "tests/unit/sig/web_phone.h"

#define WEB_C      WEB_SDP("cccc", FINGER_B, "actpass", "sendrecv")
#define WEB_C_THEN WEB_SDP("dddd", FINGER_B, "active", "sendrecv")

enum { FIRST_PORT = 7000, PLACES = 8 };

/* Each call is on the next of two workers. */
static struct worker_ports {
	uint64_t call[PLACES];
	uint16_t port[PLACES];
	uint32_t taken;
	bool one; /* all are on one */
} ports;

static uint16_t *port_of(uint64_t call)
{
	for (uint32_t i = 0; i < PLACES; i++)
		if (ports.call[i] == call)
			return &ports.port[i];
	return NULL;
}

static uint16_t *port_add(uint64_t call, uint16_t port)
{
	uint32_t i = 0;

	while (ports.call[i] && i < PLACES - 1)
		i++;
	assert_int_equal(ports.call[i], 0);
	ports.call[i] = call;
	ports.port[i] = port;
	return &ports.port[i];
}

static uint16_t port_take(void *arg, uint64_t call, uint16_t network)
{
	uint16_t *port = port_of(call);

	(void)arg;
	(void)network;
	if (!port)
		port = port_add(call, (uint16_t)(FIRST_PORT + (ports.one ? 0 : ports.taken++ % 2)));
	return *port;
}

static bool port_claim(void *arg, uint64_t call, uint16_t network, uint16_t port)
{
	uint16_t *has = port_of(call);

	(void)arg;
	(void)network;
	return *(has ? has : port_add(call, port)) == port;
}

static void port_release(void *arg, uint64_t call)
{
	uint16_t *port = port_of(call);

	(void)arg;
	if (port)
		ports.call[port - ports.port] = 0;
}

static void phones_are_web(struct trio *t)
{
	webrtc(t->l.r, "1001", WEBRTC_ALWAYS);
	webrtc(t->l.r, "1004", WEBRTC_ALWAYS);
}

static int workers_setup(void **state)
{
	struct trio *t;

	(void)joins_setup(state);
	t = *state;
	ports = (struct worker_ports){ 0 };
	t->l.r->settings.shared = (struct shard_shared_ports){ .take = port_take,
							       .claim = port_claim,
							       .release = port_release };
	joins_restart(t);
	phones_are_web(t);
	return 0;
}

static int workers_teardown(void **state)
{
	for (uint32_t i = 0; i < PLACES; i++)
		assert_int_equal(ports.call[i], 0);
	return line_teardown(state);
}

#define WORKER_TEST(fn) cmocka_unit_test_setup_teardown(fn, workers_setup, workers_teardown)

/* The handshake of the browser that is alone in that call. */
static void keyed(struct rig *r, uint64_t call)
{
	struct media_event ev = { .kind = MEDIA_FLOW_KEYED,
				  .call = call,
				  .key_in = { .suite = SUITE_80, .length = 30 },
				  .key_out = { .suite = SUITE_80, .length = 30, .octets = { 7 } } };

	for (uint32_t i = 0; i < r->media_count; i++)
		if (r->media[i].kind == MEDIA_FLOW_OPEN && r->media[i].spec.call == call)
			ev.id = r->media[i].spec.id;
	ev.resume.source_rtp = rig_addr("203.0.113.9:4000");
	shard_media_event(r->shard, &ev, r->now);
	rig_run(r);
}

static uint64_t single(struct trio *t, struct phone *p, const char *sdp, bool is_keyed)
{
	uint64_t before = rig_counts(t->l.r).calls ? call_at(t->l.r, 0) : 0, call;

	alone(t, p, sdp);
	call = call_at(t->l.r, 0) == before ? call_at(t->l.r, 1) : call_at(t->l.r, 0);
	if (is_keyed)
		keyed(t->l.r, call);
	return call;
}

/* A is on the first worker, C on the second one. */
static void two_browsers(struct trio *t, struct shard_join *join)
{
	join->call = single(t, &t->l.a, WEB_A, true);
	join->with = single(t, &t->c, WEB_C, true);
}

/* C is asked to come to the first worker's port, under other credentials. */
static struct bytes asked(struct trio *t, const struct flow_spec *before)
{
	struct bytes m = rig_take(t->l.r, &t->c.addr, "INVITE ");
	struct flow_spec now = line_last_spec(t->l.r, 1);
	char ufrag[32];

	assert_true(m.n);
	assert_true(rig_has(m, "m=audio 7000 UDP/TLS/RTP/SAVPF "));
	(void)snprintf(ufrag, sizeof(ufrag), "a=ice-ufrag:%.8s\r\n", now.ice.ufrag);
	assert_true(rig_has(m, ufrag));
	assert_memory_not_equal(now.ice.ufrag, before->ice.ufrag, ICE_UFRAG_LEN);
	assert_memory_not_equal(now.ice.pwd, before->ice.pwd, ICE_PWD_LEN);
	return m;
}

static void comes(struct trio *t, struct bytes request)
{
	struct flow_spec a, c;

	phone_answer(&t->c, request, "200 OK", WEB_C_THEN);
	assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
	trio_assert_talks(t->l.r, 0, 1);
	a = line_last_spec(t->l.r, 0);
	c = line_last_spec(t->l.r, 1);
	assert_int_equal(a.call, c.call);
	assert_int_equal(c.shared_port + a.shared_port, 2);
	assert_int_equal(c.local_rtp.port, 7000);
	assert_int_equal(a.local_rtp.port, 7000);
	assert_int_equal(c.key_out.octets[0], 7);
	assert_int_equal(c.dtls.association, 0);
	assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "INVITE "), 0);
}

/* The engine takes the flow along. */
static void assert_moves(const struct rig *r, uint64_t call)
{
	uint32_t moves = 0;

	for (uint32_t i = 0; i < r->media_count; i++) {
		const struct media_command *m = &r->media[i];

		if (m->kind != MEDIA_FLOW_UPDATE || !m->moves)
			continue;
		moves++;
		assert_int_equal(m->spec.call, call);
		assert_int_equal(m->spec.local_rtp.port, 7000);
		assert_int_equal(m->spec.resume.source_rtp.family, ADDR_NONE);
	}
	assert_int_equal(moves, 1);
}

static void it_comes_to_the_others_port(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { 0 };
	struct flow_spec before;

	two_browsers(t, &join);
	before = line_last_spec(t->l.r, 0);
	assert_int_equal(before.local_rtp.port, 7001);
	assert_int_equal(join_as(t, &join, 1), 0);
	assert_moves(t->l.r, join.call);
	comes(t, asked(t, &before));
	rig_wait_ms(t->l.r, 40000);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 1);
	trio_assert_ends(t, &t->c, &t->l.a);
}

/* Of one worker, or of a phone that has ports of its own: nobody is asked. */
static void nobody_has_to_come(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { 0 };

	ports.one = true;
	two_browsers(t, &join);
	assert_int_equal(join_as(t, &join, 1), 0);
	rig_wait_ms(t->l.r, 1000);
	trio_assert_talks(t->l.r, 0, 1);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 0);
	assert_int_equal(rig_count(t->l.r, &t->l.a.addr, "INVITE "), 0);
	trio_assert_ends(t, &t->c, &t->l.a);
}

/* A call that is on no worker yet takes that of the browser. */
static void the_worker_comes(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { 0 };

	webrtc(t->l.r, "1001", WEBRTC_AUTO);
	join.call = single(t, &t->l.a, PHONE_SDP_A, false);
	join.with = single(t, &t->c, WEB_C, true);
	assert_int_equal(join_as(t, &join, 1), 0);
	rig_wait_ms(t->l.r, 1000);
	trio_assert_talks(t->l.r, 0, 1);
	assert_int_equal(line_last_spec(t->l.r, 1).local_rtp.port, 7000);
	trio_assert_ends(t, &t->c, &t->l.a);
}

/* One that is under way ends on the worker where it began. */
static void its_handshake_ends_first(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { 0 };
	struct flow_spec before;

	join.call = single(t, &t->l.a, WEB_A, true);
	join.with = single(t, &t->c, WEB_C, false);
	before = line_last_spec(t->l.r, 0);
	assert_int_equal(join_as(t, &join, 1), 0);
	rig_wait_ms(t->l.r, 500);
	assert_int_equal(rig_counts(t->l.r).calls, 2);
	keyed(t->l.r, join.with);
	rig_wait_ms(t->l.r, 100);
	comes(t, asked(t, &before));
	trio_assert_ends(t, &t->c, &t->l.a);
}

/* Killed when they are joined, before it is asked; and before it answers. */
static void over_kills(void **state)
{
	for (int told = 0; told <= 1; told++) {
		struct trio *t = *state;
		struct shard_join join = { 0 };
		struct flow_spec before;
		uint32_t saves;

		two_browsers(t, &join);
		before = line_last_spec(t->l.r, 0);
		saves = t->l.r->save_count;
		t->l.r->hold_saves = !told;
		assert_int_equal(join_as(t, &join, 1), 0);
		if (told)
			(void)asked(t, &before);
		else
			rig_answer(t->l.r, saves, true); /* that they are to be */
		assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), told);
		t->l.r->hold_saves = false;
		ports = (struct worker_ports){ .taken = 1 };
		joins_restart(t);
		phones_are_web(t);
		rig_wait_ms(t->l.r, told ? 600 : 100);
		comes(t, asked(t, &before));
		trio_assert_ends(t, &t->c, &t->l.a);
		assert_int_equal(workers_teardown(state), 0);
		assert_int_equal(workers_setup(state), 0);
	}
}

/* It meets an INVITE of the browser: again, later. */
static void it_is_asked_again(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { 0 };
	struct flow_spec before;

	two_browsers(t, &join);
	before = line_last_spec(t->l.r, 0);
	assert_int_equal(join_as(t, &join, 1), 0);
	phone_answer(&t->c, asked(t, &before), "491 Request Pending", "");
	assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
	assert_int_equal(rig_count(t->l.r, &t->c.addr, "INVITE "), 1);
	rig_wait_ms(t->l.r, 4000);
	phone_answer(&t->c, asked(t, &before), "200 OK", WEB_C_THEN);
	assert_true(rig_take(t->l.r, &t->c.addr, "ACK ").n);
	trio_assert_talks(t->l.r, 0, 1);
	trio_assert_ends(t, &t->c, &t->l.a);
}

/* ... and by the next process, too. */
static void it_is_asked_by_the_next_one(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { 0 };
	struct flow_spec before;

	two_browsers(t, &join);
	before = line_last_spec(t->l.r, 0);
	assert_int_equal(join_as(t, &join, 1), 0);
	phone_answer(&t->c, asked(t, &before), "491 Request Pending", "");
	ports = (struct worker_ports){ .taken = 1 };
	joins_restart(t);
	phones_are_web(t);
	rig_wait_ms(t->l.r, 100);
	(void)rig_take(t->l.r, &t->c.addr, "ACK ");
	phone_answer(&t->c, asked(t, &before), "200 OK", WEB_C_THEN);
	trio_assert_talks(t->l.r, 0, 1);
	trio_assert_ends(t, &t->c, &t->l.a);
}

static void golden_make(struct trio *t, const char *folder)
{
	struct rig *r = t->l.r;
	struct shard_join join = { 0 };
	uint32_t saves;

	two_browsers(t, &join);
	saves = r->save_count;
	r->hold_saves = true;
	assert_int_equal(join_as(t, &join, 1), 0);
	rig_answer(r, saves, true);
	for (uint32_t i = saves + 1; i < r->save_count; i++)
		if (r->saves[i].call == join.call && r->saves[i].kind == EFFECT_CALL_SAVE)
			golden_write(folder, golden_name(5, "moved"),
				     text_bytes(&r->saves[i].record));
	ports = (struct worker_ports){ 0 };
}

/* A record of an earlier build, whose process was killed before the browser was asked. */
static void golden(void **state)
{
	static uint8_t record[16384];
	const char *folder = getenv("TANDEM_GOLDEN"), *reason = "";
	const struct flow_spec before = { 0 };
	struct trio *t = *state;
	struct rig *r = t->l.r;
	size_t n;

	if (folder) {
		golden_make(t, folder);
		return;
	}
	n = golden_read(golden_name(5, "moved"), record, sizeof(record));
	assert_true(n > 0);
	if (shard_restore_call(r->shard, bytes_mem(record, n), r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_wait_ms(r, 600);
	(void)asked(t, &before);
	assert_int_equal(line_last_spec(r, 1).key_out.octets[0], 7);
	assert_int_equal(line_last_spec(r, 1).local_rtp.port, 7000);
	rig_wait_ms(r, 60000); /* nobody answers */
	line_assert_idle(r);
}

/* Nobody is left in silence. */
static void it_does_not_come(void **state)
{
	struct trio *t = *state;
	struct shard_join join = { 0 };
	struct flow_spec before;

	two_browsers(t, &join);
	before = line_last_spec(t->l.r, 0);
	assert_int_equal(join_as(t, &join, 1), 0);
	phone_answer(&t->c, asked(t, &before), "488 Not Acceptable Here", "");
	trio_assert_left(&t->c);
	trio_assert_left(&t->l.a);
	line_assert_idle(t->l.r);
	assert_int_equal(t->l.r->cdrs[t->l.r->cdr_count - 1].ended_by, ENDED_BY_NODE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORKER_TEST(it_comes_to_the_others_port),
		WORKER_TEST(nobody_has_to_come),
		WORKER_TEST(the_worker_comes),
		WORKER_TEST(its_handshake_ends_first),
		WORKER_TEST(over_kills),
		WORKER_TEST(it_is_asked_again),
		WORKER_TEST(it_is_asked_by_the_next_one),
		WORKER_TEST(it_does_not_come),
		WORKER_TEST(golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
