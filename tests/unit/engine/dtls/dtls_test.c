/* SPDX-License-Identifier: Apache-2.0 */
/* Our client against our server, over a wire that loses, doubles and reorders. */
#include "tests/unit/test.h"

#include <malloc.h>

#include <openssl/ssl.h>

#include "tests/unit/engine/dtls/dtls_clock.h"
#include "tests/unit/engine/dtls/dtls_peer.h"

enum { CLIENT, SERVER, WIRE = 32, MISHAPS_OF = 8 };

enum mishap { NONE, LOST, TWICE, LATE, MISHAPS };

struct datagram {
	int to;
	uint16_t n;
	uint8_t p[DTLS_MTU];
};

struct pair {
	struct dtls end[2];
	struct datagram wire[WIRE];
	uint32_t head, tail;
	uint32_t sent;      /* datagrams put on the wire, the repeated among them */
	uint32_t mishap_at; /* which of these */
	enum mishap mishap;
	bool is_held;
	struct datagram held;
	uint64_t began_ns;
};

static void wire_put(struct pair *x, const struct datagram *d)
{
	assert_true(x->tail - x->head < WIRE);
	x->wire[x->tail++ % WIRE] = *d;
}

static void send_one(struct pair *x, const struct datagram *d)
{
	enum mishap m = x->sent++ == x->mishap_at ? x->mishap : NONE;

	if (m == LOST)
		return;
	if (m == LATE) {
		x->held = *d;
		x->is_held = true;
		return;
	}
	wire_put(x, d);
	if (m == TWICE)
		wire_put(x, d);
	if (x->is_held)
		wire_put(x, &x->held);
	x->is_held = false;
}

static void send_all(struct pair *x)
{
	struct datagram d;

	for (int i = CLIENT; i <= SERVER; i++) {
		d.to = i ^ 1;
		while ((d.n = dtls_output(&x->end[i], d.p)) > 0)
			send_one(x, &d);
	}
}

static uint64_t next_ns(const struct pair *x)
{
	uint64_t client_ns = dtls_next_ns(&x->end[CLIENT], g_now_ns);
	uint64_t server_ns = dtls_next_ns(&x->end[SERVER], g_now_ns);

	return client_ns < server_ns ? client_ns : server_ns;
}

/* Until nothing is on its way and nobody waits for anything. */
static void run(struct pair *x)
{
	for (;;) {
		send_all(x);
		if (x->head != x->tail) {
			const struct datagram *d = &x->wire[x->head++ % WIRE];

			(void)dtls_receive(&x->end[d->to], bytes_mem(d->p, d->n), g_now_ns);
			continue;
		}
		if (next_ns(x) == UINT64_MAX)
			return;
		if (next_ns(x) > g_now_ns)
			g_now_ns = next_ns(x);
		for (int i = CLIENT; i <= SERVER; i++)
			(void)dtls_expire(&x->end[i], g_now_ns);
	}
}

/* Each knows itself, and whom it expects. */
static void pair_open(struct pair *x, int client, int client_wants, int server, int server_wants)
{
	memset(x, 0, sizeof(*x));
	x->mishap_at = UINT32_MAX;
	x->began_ns = g_now_ns;
	assert_int_equal(dtls_open(&x->end[CLIENT], g_identity[client].context, DTLS_CLIENT,
				   fingerprint_of(client_wants), g_now_ns),
			 0);
	assert_int_equal(dtls_open(&x->end[SERVER], g_identity[server].context, DTLS_SERVER,
				   fingerprint_of(server_wants), g_now_ns),
			 0);
}

static void pair_close(struct pair *x)
{
	dtls_close(&x->end[CLIENT]);
	dtls_close(&x->end[SERVER]);
}

static uint32_t elapsed_ms(const struct pair *x)
{
	return (uint32_t)((g_now_ns - x->began_ns) / NS_PER_MS);
}

static void both_ends_have_the_same_keys(void **state)
{
	struct pair x;

	(void)state;
	pair_open(&x, THEIRS, OURS, OURS, THEIRS);
	run(&x);
	assert_keys_agree(&x.end[CLIENT], &x.end[SERVER]);
	assert_int_equal(elapsed_ms(&x), 0);
	assert_null(x.end[CLIENT].ssl);
	assert_null(x.end[SERVER].ssl);
	pair_close(&x);
	for (size_t i = 0; i < sizeof(x.end[CLIENT].key_in); i++)
		assert_int_equal(((const uint8_t *)&x.end[CLIENT].key_in)[i], 0);
}

static void any_datagram_may_be_lost_doubled_or_late(void **state)
{
	struct pair x;

	(void)state;
	for (enum mishap m = LOST; m < MISHAPS; m++) {
		for (uint32_t at = 0; at < MISHAPS_OF; at++) {
			pair_open(&x, THEIRS, OURS, OURS, THEIRS);
			x.mishap = m;
			x.mishap_at = at;
			run(&x);
			assert_keys_agree(&x.end[CLIENT], &x.end[SERVER]);
			assert_true(elapsed_ms(&x) <= 150);
			pair_close(&x);
		}
	}
}

/* The client's ClientHello in fragments, of which any comes first: as browsers send it, whose key shares are long. */
static void a_split_hello_is_put_together_in_any_order(void **state)
{
	(void)state;
	for (int swapped = 0; swapped <= 1; swapped++) {
		uint8_t p[2][DTLS_MTU];
		uint16_t n[2];
		struct pair x;

		pair_open(&x, THEIRS, OURS, OURS, THEIRS);
		(void)SSL_set_mtu(x.end[CLIENT].ssl, 256);
		dtls_close(&x.end[CLIENT]);
		assert_int_equal(dtls_open(&x.end[CLIENT], g_identity[THEIRS].context, DTLS_CLIENT,
					   fingerprint_of(OURS), g_now_ns),
				 0);
		n[0] = dtls_output(&x.end[CLIENT], p[0]);
		assert_true(n[0] > 100);
		/* cut by hand: the same message in two records */
		uint16_t body = (uint16_t)(n[0] - 25), half = (uint16_t)(body / 2);

		memcpy(p[1], p[0], 25);
		memcpy(p[1] + 25, p[0] + 25 + half, (size_t)(body - half));
		n[1] = (uint16_t)(25 + body - half);
		n[0] = (uint16_t)(25 + half);
		p[1][10]++; /* its own record number */
		be16_put(p[0] + 11, (uint16_t)(n[0] - 13));
		be16_put(p[1] + 11, (uint16_t)(n[1] - 13));
		be16_put(p[0] + 23, half);
		be16_put(p[1] + 20, half);
		be16_put(p[1] + 23, (uint16_t)(body - half));
		for (int i = 0; i < 2; i++)
			assert_int_equal(dtls_receive(&x.end[SERVER],
						      bytes_mem(p[i ^ swapped], n[i ^ swapped]),
						      g_now_ns),
					 DTLS_RUNNING);
		run(&x);
		assert_keys_agree(&x.end[CLIENT], &x.end[SERVER]);
		pair_close(&x);
	}
}

static void a_wrong_certificate_ends_it_with_an_alert(void **state)
{
	static const struct {
		const char *name;
		int client, client_wants, server, server_wants;
		int client_failure, server_failure;
	} ROWS[] = {
		{ "client's", STRANGERS, OURS, OURS, THEIRS, DTLS_FAILURE_ALERT,
		  DTLS_FAILURE_CERTIFICATE },
		{ "server's", THEIRS, OURS, STRANGERS, THEIRS, DTLS_FAILURE_CERTIFICATE,
		  DTLS_FAILURE_ALERT },
	};
	struct pair x;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		pair_open(&x, ROWS[i].client, ROWS[i].client_wants, ROWS[i].server,
			  ROWS[i].server_wants);
		run(&x);
		ROW_ASSERT(ROWS[i].name, x.end[CLIENT].failure == ROWS[i].client_failure);
		ROW_ASSERT(ROWS[i].name, x.end[SERVER].failure == ROWS[i].server_failure);
		ROW_ASSERT(ROWS[i].name, elapsed_ms(&x) == 0);
		ROW_ASSERT(ROWS[i].name, x.end[SERVER].key_in.suite == MEDIA_SUITE_NONE);
		pair_close(&x);
	}
}

/* It waits for 50 ms and twice as long each time, and no longer than the deadline. */
static void a_silent_party_is_given_up(void **state)
{
	uint8_t out[DTLS_MTU];
	uint64_t last_ns = g_now_ns;
	uint32_t waits_ms[16], n = 0;
	struct dtls d;

	(void)state;
	assert_int_equal(dtls_open(&d, g_identity[OURS].context, DTLS_CLIENT,
				   fingerprint_of(THEIRS), g_now_ns),
			 0);
	assert_true(dtls_output(&d, out) > 0);
	while (d.outcome == DTLS_RUNNING) {
		g_now_ns = dtls_next_ns(&d, g_now_ns);
		(void)dtls_expire(&d, g_now_ns);
		if (dtls_output(&d, out) == 0)
			continue;
		assert_true(n < COUNT_OF(waits_ms));
		waits_ms[n++] = (uint32_t)((g_now_ns - last_ns) / NS_PER_MS);
		last_ns = g_now_ns;
	}
	assert_int_equal(d.failure, DTLS_FAILURE_DEADLINE);
	assert_int_equal(waits_ms[0], 50);
	assert_int_equal(waits_ms[1], 100);
	assert_int_equal(waits_ms[4], 800);
	dtls_close(&d);
}

static size_t heap_used(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* OpenSSL would keep 100 records that are early, each in a buffer of 16 KB, and messages that are not whole yet. */
static void memory_of_a_handshake_is_bounded(void **state)
{
	uint8_t p[DTLS_DATAGRAM_MAX] = { 0 }, out[DTLS_MTU];
	size_t before = heap_used();
	struct dtls d, client;
	uint16_t n;

	(void)state;
	assert_int_equal(dtls_open(&d, g_identity[OURS].context, DTLS_SERVER,
				   fingerprint_of(THEIRS), g_now_ns),
			 0);
	assert_int_equal(dtls_open(&client, g_identity[THEIRS].context, DTLS_CLIENT,
				   fingerprint_of(OURS), g_now_ns),
			 0);
	n = dtls_output(&client, p);
	dtls_close(&client);
	(void)dtls_receive(&d, bytes_mem(p, n), g_now_ns);
	(void)dtls_output(&d, out);
	for (uint8_t i = 0; i < 100; i++) {
		uint8_t early[14] = { 22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, i, 0, 1, 7 };

		(void)dtls_receive(&d, bytes_mem(early, sizeof(early)), g_now_ns);
	}
	for (uint8_t i = 1; i < 30; i++) { /* the first octet of a long message, of many */
		uint8_t part[26] = { 22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 1, i, 0, 13, 11 };

		be16_put(part + 15, DTLS_MESSAGE_MAX);
		part[18] = i;
		part[24] = 1;
		(void)dtls_receive(&d, bytes_mem(part, sizeof(part)), g_now_ns);
	}
	assert_int_equal(d.outcome, DTLS_RUNNING);
	assert_true(heap_used() - before < 384 * 1024);
	dtls_close(&d);
	assert_true(heap_used() < before + 16 * 1024);
}

/* And what it takes in at all. */
static void what_a_party_may_send_is_bounded(void **state)
{
	uint8_t junk[DTLS_DATAGRAM_MAX + 1] = { 22, 0xfe, 0xfd };
	uint8_t out[DTLS_MTU];
	uint32_t taken = 0;
	struct dtls d, client;
	uint16_t n;

	(void)state;
	assert_int_equal(dtls_open(&d, g_identity[OURS].context, DTLS_SERVER,
				   fingerprint_of(THEIRS), g_now_ns),
			 0);
	be16_put(junk + 11, sizeof(junk) - 13);
	junk[13] = 1;
	assert_int_equal(dtls_receive(&d, bytes_mem(junk, sizeof(junk)), g_now_ns), DTLS_RUNNING);
	be16_put(junk + 11, sizeof(junk) - 14);
	be16_put(junk + 15, DTLS_MESSAGE_MAX + 1);
	assert_int_equal(dtls_receive(&d, bytes_mem(junk, sizeof(junk) - 1), g_now_ns),
			 DTLS_RUNNING);
	assert_int_equal(d.octets, 0);
	assert_int_equal(dtls_open(&client, g_identity[THEIRS].context, DTLS_CLIENT,
				   fingerprint_of(OURS), g_now_ns),
			 0);
	n = dtls_output(&client, junk); /* a good one, again and again */
	dtls_close(&client);
	while (d.outcome == DTLS_RUNNING && taken++ < 1000)
		(void)dtls_receive(&d, bytes_mem(junk, n), g_now_ns);
	assert_int_equal(d.failure, DTLS_FAILURE_PROTOCOL);
	assert_true(taken * n > DTLS_OCTETS_MAX && (taken - 1) * n <= DTLS_OCTETS_MAX);
	(void)dtls_output(&d, out);
	dtls_close(&d);
}

/* Without its SSL object the server still says what a client asks for that did not hear it. */
static void the_last_flight_is_said_again(void **state)
{
	uint8_t finished[DTLS_MTU], out[DTLS_MTU], again[DTLS_MTU];
	uint16_t n, out_n, again_n;
	struct pair x;

	(void)state;
	pair_open(&x, THEIRS, OURS, OURS, THEIRS);
	while (x.end[SERVER].outcome == DTLS_RUNNING) {
		while ((n = dtls_output(&x.end[CLIENT], finished)) > 0)
			(void)dtls_receive(&x.end[SERVER], bytes_mem(finished, n), g_now_ns);
		if (x.end[SERVER].outcome == DTLS_DONE)
			break;
		while ((out_n = dtls_output(&x.end[SERVER], out)) > 0)
			(void)dtls_receive(&x.end[CLIENT], bytes_mem(out, out_n), g_now_ns);
	}
	out_n = dtls_output(&x.end[SERVER], out);
	assert_true(out_n > 0);
	assert_int_equal(dtls_output(&x.end[SERVER], again), 0);
	g_now_ns += 50 * NS_PER_MS;
	(void)dtls_expire(&x.end[CLIENT], g_now_ns);
	while ((n = dtls_output(&x.end[CLIENT], finished)) > 0)
		(void)dtls_receive(&x.end[SERVER], bytes_mem(finished, n), g_now_ns);
	again_n = dtls_output(&x.end[SERVER], again);
	assert_int_equal(again_n, out_n);
	(void)dtls_receive(&x.end[CLIENT], bytes_mem(again, again_n), g_now_ns);
	assert_keys_agree(&x.end[CLIENT], &x.end[SERVER]);
	pair_close(&x);
}

/* ---- a flight that waits until its keys are saved ---- */

/* Until `end` holds its flight back. */
static void pair_hold(struct pair *x, int end)
{
	pair_open(x, THEIRS, OURS, OURS, THEIRS);
	x->end[end].holds = 1;
	while (!x->end[end].held_until_ns) {
		send_all(x);
		while (x->head != x->tail && !x->end[end].held_until_ns) {
			const struct datagram *d = &x->wire[x->head++ % WIRE];

			(void)dtls_receive(&x->end[d->to], bytes_mem(d->p, d->n), g_now_ns);
			send_all(x);
		}
	}
	assert_int_equal(x->end[end].outcome, end == SERVER ? DTLS_DONE : DTLS_RUNNING);
	assert_int_not_equal(x->end[end].key_out.suite, MEDIA_SUITE_NONE);
}

/* What the other end says again meanwhile. */
static void ask_again(struct pair *x, int end)
{
	uint32_t sent = x->sent;

	g_now_ns = dtls_next_ns(&x->end[end ^ 1], g_now_ns);
	(void)dtls_expire(&x->end[end ^ 1], g_now_ns);
	(void)dtls_expire(&x->end[end], g_now_ns);
	send_all(x);
	assert_true(x->sent > sent);
	while (x->head != x->tail) {
		const struct datagram *d = &x->wire[x->head++ % WIRE];

		assert_int_equal(d->to, end);
		(void)dtls_receive(&x->end[end], bytes_mem(d->p, d->n), g_now_ns);
		send_all(x);
	}
}

static void nobody_can_finish_before_the_keys_are_saved(void **state)
{
	(void)state;
	for (int end = CLIENT; end <= SERVER; end++) {
		struct media_key in;
		struct pair x;

		pair_hold(&x, end);
		in = x.end[end].key_in;
		for (int i = 0; i < 3; i++)
			ask_again(&x, end);
		assert_int_equal(x.end[end ^ 1].outcome, DTLS_RUNNING);
		dtls_release(&x.end[end]);
		run(&x);
		assert_keys_agree(&x.end[CLIENT], &x.end[SERVER]);
		assert_memory_equal(&in, &x.end[end].key_in, sizeof(in));
		pair_close(&x);
	}
}

static void it_waits_no_longer_than_its_time(void **state)
{
	(void)state;
	for (int end = CLIENT; end <= SERVER; end++) {
		struct pair x;

		pair_hold(&x, end);
		g_now_ns = x.end[end].held_until_ns - 1;
		assert_int_equal(dtls_next_ns(&x.end[end], g_now_ns), g_now_ns + 1);
		(void)dtls_expire(&x.end[end], g_now_ns++);
		assert_true(x.end[end].held_until_ns > 0);
		(void)dtls_expire(&x.end[end], g_now_ns);
		run(&x);
		assert_keys_agree(&x.end[CLIENT], &x.end[SERVER]);
		pair_close(&x);
	}
}

/* The keys are those of the end that is gone, and the octets are its own. */
static void the_next_process_says_it(void **state)
{
	(void)state;
	for (int end = CLIENT; end <= SERVER; end++) {
		for (int lost = 0; lost <= 1; lost++) {
			struct dtls before;
			struct pair x;

			pair_hold(&x, end);
			before = x.end[end];
			assert_in_range(before.last_n, 1, sizeof(before.last));
			x.end[end].ssl = NULL;
			dtls_resume(&x.end[end], end == CLIENT ? DTLS_CLIENT : DTLS_SERVER,
				    bytes_mem(before.last, before.last_n));
			x.mishap = lost ? LOST : NONE;
			x.mishap_at = x.sent;
			run(&x);
			assert_int_equal(x.end[end ^ 1].outcome, DTLS_DONE);
			assert_memory_equal(&x.end[end ^ 1].key_in, &before.key_out,
					    sizeof(before.key_out));
			assert_memory_equal(&x.end[end ^ 1].key_out, &before.key_in,
					    sizeof(before.key_in));
			dtls_close(&before);
			pair_close(&x);
		}
	}
}

/* The server takes us for somebody else: what the client had are no keys. */
static void keys_of_a_handshake_that_fails_are_forgotten(void **state)
{
	struct pair x;

	(void)state;
	pair_open(&x, OURS, THEIRS, THEIRS, STRANGERS);
	x.end[CLIENT].holds = 1;
	while (!x.end[CLIENT].held_until_ns) {
		send_all(&x);
		while (x.head != x.tail) {
			const struct datagram *d = &x.wire[x.head++ % WIRE];

			(void)dtls_receive(&x.end[d->to], bytes_mem(d->p, d->n), g_now_ns);
		}
	}
	assert_int_not_equal(x.end[CLIENT].key_in.suite, MEDIA_SUITE_NONE);
	dtls_release(&x.end[CLIENT]);
	run(&x);
	assert_int_equal(x.end[CLIENT].failure, DTLS_FAILURE_ALERT);
	assert_int_equal(x.end[CLIENT].key_in.suite, MEDIA_SUITE_NONE);
	pair_close(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_have_the_same_keys),
		cmocka_unit_test(any_datagram_may_be_lost_doubled_or_late),
		cmocka_unit_test(a_split_hello_is_put_together_in_any_order),
		cmocka_unit_test(a_wrong_certificate_ends_it_with_an_alert),
		cmocka_unit_test(a_silent_party_is_given_up),
		cmocka_unit_test(memory_of_a_handshake_is_bounded),
		cmocka_unit_test(what_a_party_may_send_is_bounded),
		cmocka_unit_test(the_last_flight_is_said_again),
		cmocka_unit_test(nobody_can_finish_before_the_keys_are_saved),
		cmocka_unit_test(it_waits_no_longer_than_its_time),
		cmocka_unit_test(the_next_process_says_it),
		cmocka_unit_test(keys_of_a_handshake_that_fails_are_forgotten),
	};

	return cmocka_run_group_tests(tests, identities_open, identities_close);
}
