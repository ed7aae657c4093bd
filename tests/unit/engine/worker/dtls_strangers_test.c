/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes that others begin, and what there is no room for. */
#include "tests/unit/engine/worker/dtls_talk.h"

static const char STRANGER[] = "192.0.2.10:6666"; /* of the same host, as the latch mode allows */

/* ---- strangers ---- */

static void a_stranger_neither_ends_nor_occupies_a_handshake(void **state)
{
	struct dtls_rig x = dtls_rig_open(DTLS_SERVER);
	struct dtls_party p[2];
	struct media_event event;

	(void)state;
	party_open(&p[0], STRANGER, STRANGERS, DTLS_CLIENT);
	party_send(&x, &p[0]);
	rig_turn(&x); /* it was first, and now waits */
	party_open(&p[1], PARTY, THEIRS, DTLS_CLIENT);
	parties_run(&x, p, 2, 8);
	assert_int_equal(p[0].dtls.failure, DTLS_FAILURE_ALERT);
	event = keyed_event(&x);
	assert_event_has_keys_of(&event, &p[1]);
	assert_media_passes(&x, &p[1], 1);
	for (int i = 0; i < 2; i++)
		dtls_close(&p[i].dtls);
	dtls_rig_close(&x);
}

/* Anybody's first datagram: a ClientHello from one source after the other. */
static void spray(struct dtls_rig *x, uint32_t count, const uint8_t *hello, uint16_t n)
{
	for (uint32_t i = 0; i < count; i++) {
		struct addr from = rig_addr("192.0.2.10:1");

		from.port = (uint16_t)(10000 + i);
		put_bytes(x->r, A, CHANNEL_RTP, &from, bytes_mem(hello, n));
		if (i % 32 == 31) {
			rig_turn(x);
			(void)parties_hear(x, NULL, 0);
		}
	}
}

static void a_spray_costs_a_bounded_share(void **state)
{
	struct dtls_rig x = dtls_rig_open(DTLS_SERVER);
	struct dtls_party p, from_elsewhere;
	uint8_t hello[DTLS_MTU];
	uint16_t n;

	(void)state;
	party_open(&from_elsewhere, STRANGER, STRANGERS, DTLS_CLIENT);
	n = dtls_output(&from_elsewhere.dtls, hello);
	spray(&x, 1984, hello, n);
	assert_true(begun(&x) <= DTLS_CANDIDATES - 1);
	assert_true(crypto_running(x.crypto) <= DTLS_CANDIDATES - 1);
	assert_int_equal(dropped(x.r, VERDICT_DTLS_REFUSED), 1984 - begun(&x));
	clock_advance_ms(&x, 2500);
	spray(&x, 1984, hello, n); /* they are let in the place of those that stand still */
	assert_true(begun(&x) <= DTLS_START_BURST + 3);
	party_open(&p, PARTY, THEIRS, DTLS_CLIENT);
	party_send(&x, &p);
	spray(&x, 320, hello, n);
	parties_run(&x, &p, 1, 8);
	assert_int_equal(p.dtls.outcome, DTLS_DONE);
	assert_int_equal(state_of(&x), DTLS_CONNECTED);
	spray(&x, 1984, hello, n);
	assert_int_equal(crypto_running(x.crypto), 0);
	assert_media_passes(&x, &p, 1);
	dtls_close(&p.dtls);
	dtls_close(&from_elsewhere.dtls);
	dtls_rig_close(&x);
}

/* Somebody who knows the party's address speaks in its name before it does. */
static void a_forged_first_hello_does_not_keep_the_party_out(void **state)
{
	struct dtls_rig x = dtls_rig_open(DTLS_SERVER);
	struct dtls_party p, forger;

	(void)state;
	party_open(&forger, PARTY, STRANGERS, DTLS_CLIENT);
	party_send(&x, &forger);
	rig_turn(&x);
	party_open(&p, PARTY, THEIRS, DTLS_CLIENT);
	(void)parties_hear(&x, NULL, 0); /* before it listened */
	parties_run(&x, &p, 1, 10);
	assert_int_equal(p.dtls.outcome, DTLS_DONE);
	dtls_close(&forger.dtls);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

/* One address alone has its share, too: of handshakes, and of datagrams in one. */
static void an_address_has_its_share(void **state)
{
	struct dtls_rig x = dtls_rig_open(DTLS_SERVER);
	uint64_t before = refused(&x, DTLS_REFUSED_FLOW_RATE);
	uint8_t junk[13] = { 22, 0xfe, 0xfd, 0, 1 };
	struct dtls_party p;

	(void)state;
	for (int i = 0; i < 20; i++) {
		if (i == 10)
			clock_advance_ms(&x, 1000 * DTLS_START_EACH_S);
		party_open(&p, PARTY, THEIRS, DTLS_CLIENT);
		party_send(&x, &p);
		rig_turn(&x);
		dtls_close(&p.dtls);
	}
	assert_int_equal(begun(&x), DTLS_START_BURST + 1);
	assert_int_equal(crypto_running(x.crypto), 1);
	assert_int_equal(refused(&x, DTLS_REFUSED_FLOW_RATE), before + 20 - DTLS_START_BURST - 1);
	before = refused(&x, DTLS_REFUSED_FLOW_RATE);
	for (int i = 0; i < 2 * DTLS_DATAGRAM_BURST; i++) {
		put_bytes(x.r, A, CHANNEL_RTP, &p.at, bytes_mem(junk, sizeof(junk)));
		worker_step(&x.r->w);
		(void)crypto_step(x.crypto, g_now_ns);
	}
	assert_int_equal(refused(&x, DTLS_REFUSED_FLOW_RATE), before + DTLS_DATAGRAM_BURST);
	dtls_rig_close(&x);
}

/* A phone that does plain RTP is not latched by what is no RTP. */
static void a_flow_without_a_role_has_no_handshakes(void **state)
{
	struct dtls_rig x = dtls_rig_open(DTLS_NONE);
	struct dtls_party p;
	struct rtp rtp = { .ssrc = 1, .sequence = 1 };

	(void)state;
	party_open(&p, STRANGER, THEIRS, DTLS_CLIENT);
	party_send(&x, &p);
	rig_turn(&x);
	assert_int_equal(dropped(x.r, VERDICT_NOT_RTP), 1);
	assert_int_equal(begun(&x), 0);
	assert_non_null(relay_rtp(x.r, A, &rtp));
	assert_int_equal(state_of(&x), DTLS_OFF);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

static void outside_the_latch_nobody_is_heard(void **state)
{
	struct dtls_rig x = dtls_rig_open(DTLS_SERVER);
	struct dtls_party p;

	(void)state;
	party_open(&p, "198.51.100.66:4000", THEIRS, DTLS_CLIENT);
	parties_run(&x, &p, 1, 6);
	assert_int_equal(begun(&x), 0);
	assert_true(dropped(x.r, VERDICT_SOURCE_NOT_LATCHED) > 0);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

/* ---- bounds ---- */

static void a_full_ring_loses_and_counts(void **state)
{
	struct dtls_rig x = dtls_rig_open_empty(64);
	uint64_t before = refused(&x, DTLS_REFUSED_RING), over = 8;
	uint8_t hello[DTLS_MTU];
	struct crypto_request r = { .kind = CRYPTO_END };
	struct flow_spec s = dtls_spec(DTLS_SERVER);
	struct dtls_party p;
	uint16_t n;

	(void)state;
	rig_open_flow(x.r, &s);
	for (int i = 0; i < CRYPTO_REQUESTS; i++)
		assert_true(ring_push(&x.r->w.dtls.link->requests, &r));
	party_open(&p, PARTY, THEIRS, DTLS_CLIENT);
	n = dtls_output(&p.dtls, hello);
	for (uint64_t i = 0; i < over; i++)
		put_bytes(x.r, A, CHANNEL_RTP, &p.at, bytes_mem(hello, n));
	worker_step(&x.r->w);
	assert_true(refused(&x, DTLS_REFUSED_RING) > before);
	assert_int_equal(dropped(x.r, VERDICT_DTLS_REFUSED), over);
	assert_int_equal(x.r->w.dtls.running, 0);
	assert_int_equal(x.r->w.dtls.candidates.in_use, 0);
	while (crypto_step(x.crypto, g_now_ns))
		continue;
	clock_advance_ms(&x, 10000); /* the flow's share is there again */
	dtls_close(&p.dtls);
	party_open(&p, PARTY, THEIRS, DTLS_CLIENT);
	parties_run(&x, &p, 1, 8);
	assert_int_equal(p.dtls.outcome, DTLS_DONE);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

static void what_is_longer_than_a_handshake_ends_at_the_worker(void **state)
{
	struct dtls_rig x = dtls_rig_open(DTLS_SERVER);
	uint64_t before = refused(&x, DTLS_REFUSED_LENGTH);
	uint8_t junk[DTLS_DATAGRAM_MAX + 1] = { 22, 0xfe, 0xfd };
	struct addr from = rig_addr(PARTY);

	(void)state;
	put_bytes(x.r, A, CHANNEL_RTP, &from, bytes_mem(junk, sizeof(junk)));
	worker_step(&x.r->w);
	assert_int_equal(refused(&x, DTLS_REFUSED_LENGTH), before + 1);
	assert_int_equal(dropped(x.r, VERDICT_DTLS_REFUSED), 1);
	dtls_rig_close(&x);
}

static void keys_are_told_when_the_event_ring_has_room(void **state)
{
	struct dtls_rig x = dtls_rig_open_empty(1);
	struct flow_spec s = dtls_spec(DTLS_SERVER);
	struct media_event event;
	struct dtls_party p;

	(void)state;
	rig_open_flow(x.r, &s);
	rig_command(x.r, &(struct media_command){ .kind = MEDIA_FLOW_QUERY, .id = s.id });
	party_open(&p, PARTY, THEIRS, DTLS_CLIENT);
	parties_run(&x, &p, 1, 6);
	assert_int_equal(p.dtls.outcome, DTLS_DONE);
	assert_int_equal(ring_pop(&x.r->w.events, &event, 1), 1);
	assert_int_equal(event.kind, MEDIA_FLOW_STATS);
	assert_int_equal(event.stats.dtls, DTLS_WAITING);
	for (int i = 0; i < 3; i++) {
		clock_advance_ms(&x, 300);
		worker_step(&x.r->w);
		if (rig_event(x.r, MEDIA_FLOW_KEYED, &event))
			break;
	}
	assert_int_equal(event.kind, MEDIA_FLOW_KEYED);
	assert_event_has_keys_of(&event, &p);
	assert_int_equal(x.r->w.dtls.due, 0);
	dtls_close(&p.dtls);
	dtls_rig_close(&x);
}

/* One of those on one host, each with a port of its own, that begin a handshake and say no more. */
static void stranger_begins(struct dtls_rig *x, uint32_t number)
{
	struct dtls_party p;
	char at[32];

	(void)snprintf(at, sizeof(at), "192.0.2.10:%u", 5000 + number);
	party_open(&p, at, STRANGERS, DTLS_CLIENT);
	party_send(x, &p);
	rig_turn(x);
	dtls_close(&p.dtls);
}

/* ---- control ---- */

/* Who shares the party's host may take half of what the node does at a time, and of what it begins in a second: the rest is the parties'. */
static void strangers_leave_half(void **state)
{
	static const struct {
		const char *name;
		uint32_t running_max, burst;
		enum dtls_refusal why;
	} rows[] = {
		{ "at a time", 3, 500, DTLS_REFUSED_CAPACITY },
		{ "in a second", 512, 3, DTLS_REFUSED_RATE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct dtls_rig x = dtls_rig_open(DTLS_SERVER);
		uint64_t before = refused(&x, rows[i].why);
		struct dtls_party p;

		x.r->w.dtls.running_max = rows[i].running_max;
		x.r->w.dtls.start_every_ns = NS_PER_S / rows[i].burst;
		for (uint32_t k = 0; k < 3; k++)
			stranger_begins(&x, k);
		ROW_ASSERT(rows[i].name, begun(&x) == 1);
		ROW_ASSERT(rows[i].name, refused(&x, rows[i].why) == before + 2);
		party_open(&p, PARTY, THEIRS, DTLS_CLIENT);
		parties_run(&x, &p, 1, 6);
		ROW_ASSERT(rows[i].name, p.dtls.outcome == DTLS_DONE);
		assert_int_equal(x.r->w.dtls.running, 0);
		assert_int_equal(x.r->w.dtls.strange, 0);
		dtls_close(&p.dtls);
		dtls_rig_close(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_leave_half),
		cmocka_unit_test(a_stranger_neither_ends_nor_occupies_a_handshake),
		cmocka_unit_test(a_spray_costs_a_bounded_share),
		cmocka_unit_test(a_forged_first_hello_does_not_keep_the_party_out),
		cmocka_unit_test(an_address_has_its_share),
		cmocka_unit_test(a_flow_without_a_role_has_no_handshakes),
		cmocka_unit_test(outside_the_latch_nobody_is_heard),
		cmocka_unit_test(a_full_ring_loses_and_counts),
		cmocka_unit_test(what_is_longer_than_a_handshake_ends_at_the_worker),
		cmocka_unit_test(keys_are_told_when_the_event_ring_has_room),
	};

	return cmocka_run_group_tests(tests, identities_open, identities_close);
}
