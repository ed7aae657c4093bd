/* SPDX-License-Identifier: Apache-2.0 */
/* The thread itself, with a worker's end of its rings in our hands; and what it costs in memory. */
#include "tests/unit/test.h"

#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/metric.h"
#include "engine/dtls/crypto.h"
#include "tests/unit/engine/dtls/dtls_peer.h"

enum { PARTIES = 64, LIMIT_S = 20 };

struct party {
	struct dtls dtls;
	struct crypto_result end; /* what the thread said at last */
	bool told;
};

static struct party g_party[PARTIES];

static struct crypto *opened(uint32_t workers)
{
	struct crypto *x;

	assert_int_equal(crypto_open(&x, &g_identity[OURS].certificate, workers), 0);
	return x;
}

static void request_push(struct crypto_link *l, const struct crypto_request *r)
{
	while (!ring_push(&l->requests, r))
		(void)poll(NULL, 0, 1);
}

static uint64_t handle_of(uint32_t i)
{
	return (uint64_t)1 << 32 | i;
}

static void party_say(struct crypto_link *l, uint32_t i, enum crypto_request_kind kind)
{
	struct crypto_request r = { .association = handle_of(i),
				    .role = DTLS_SERVER,
				    .quiet = 1,
				    .peer = *fingerprint_of(THEIRS) };
	uint8_t out[DTLS_MTU];

	while ((r.length = dtls_output(&g_party[i].dtls, out)) > 0) {
		r.kind = (uint8_t)kind;
		kind = CRYPTO_DATAGRAM;
		memcpy(r.datagram, out, r.length);
		request_push(l, &r);
	}
}

static void result_take(struct crypto_link *l, const struct crypto_result *r)
{
	uint32_t i = (uint32_t)r->association;

	assert_true(i < PARTIES);
	if (r->kind != CRYPTO_SEND) {
		assert_false(g_party[i].told);
		g_party[i].told = true;
		g_party[i].end = *r;
		if (r->kind == CRYPTO_KEYED) /* saved */
			request_push(l, &(struct crypto_request){ .kind = CRYPTO_FLIGHT,
								  .association = r->association });
		return;
	}
	(void)dtls_receive(&g_party[i].dtls, bytes_mem(r->datagram, r->length), clock_now_ns());
	party_say(l, i, CRYPTO_DATAGRAM);
}

static bool all_told(void)
{
	for (uint32_t i = 0; i < PARTIES; i++)
		if (!g_party[i].told || g_party[i].dtls.outcome == DTLS_RUNNING)
			return false;
	return true;
}

/* As a worker does: asleep until the thread wakes it. */
static void results_wait(struct crypto_link *l, int fd)
{
	struct pollfd wake = { .fd = fd, .events = POLLIN };
	struct crypto_result r;

	if (ring_sleep(&l->results))
		(void)poll(&wake, 1, 20);
	ring_awake(&l->results);
	while (ring_pop(&l->results, &r, 1) == 1)
		result_take(l, &r);
	for (uint32_t i = 0; i < PARTIES; i++) {
		(void)dtls_expire(&g_party[i].dtls, clock_now_ns());
		party_say(l, i, CRYPTO_DATAGRAM);
	}
}

static void parties_open(int (*who)(uint32_t i))
{
	memset(g_party, 0, sizeof(g_party));
	for (uint32_t i = 0; i < PARTIES; i++)
		assert_int_equal(dtls_open(&g_party[i].dtls, g_identity[who(i)].context,
					   DTLS_CLIENT, fingerprint_of(OURS), clock_now_ns()),
				 0);
}

/* Each fourth is a stranger. */
static int mixed(uint32_t i)
{
	return i % 4 == 3 ? STRANGERS : THEIRS;
}

static void the_thread_does_what_it_is_asked(void **state)
{
	struct crypto *x = opened(2);
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct crypto_link *l = crypto_link_of(x, 1, fd);
	uint64_t until_ns = clock_now_ns() + LIMIT_S * NS_PER_S;

	(void)state;
	assert_non_null(l);
	assert_int_equal(crypto_start(x), 0);
	parties_open(mixed);
	for (uint32_t i = 0; i < PARTIES; i++)
		party_say(l, i, CRYPTO_START);
	while (!all_told() && clock_now_ns() < until_ns)
		results_wait(l, fd);
	for (uint32_t i = 0; i < PARTIES; i++) {
		const struct crypto_result *end = &g_party[i].end;

		assert_true(g_party[i].told);
		if (mixed(i) == STRANGERS) {
			assert_int_equal(end->kind, CRYPTO_FAILED);
			assert_int_equal(end->failure, DTLS_FAILURE_CERTIFICATE);
		} else {
			assert_int_equal(end->kind, CRYPTO_KEYED);
			assert_memory_equal(&end->key_in, &g_party[i].dtls.key_out,
					    sizeof(end->key_in));
		}
		dtls_close(&g_party[i].dtls);
	}
	crypto_close(x);
	assert_int_equal(close(fd), 0);
}

/* Keys wait for room; datagrams do not. */
/* False: none. OpenSSL repeats a flight by the machine's own clock, so one that stands still for a second has datagrams before it. */
static bool outcome_pop(struct crypto_link *l, struct crypto_result *r)
{
	while (ring_pop(&l->results, r, 1) == 1) {
		if (r->kind != CRYPTO_SEND)
			return true;
	}
	return false;
}

static void an_outcome_is_told_when_there_is_room(void **state)
{
	struct crypto *x = opened(1);
	struct crypto_link *l = crypto_link_of(x, 0, -1);
	uint64_t now_ns;
	struct crypto_result r = { .association = handle_of(0) };
	struct dtls *d = &g_party[0].dtls;
	uint32_t n = 0;

	(void)state;
	parties_open(mixed);
	now_ns = clock_now_ns();
	party_say(l, 0, CRYPTO_START);
	(void)crypto_step(x, now_ns);
	while (ring_pop(&l->results, &r, 1) == 1)
		result_take(l, &r);
	while (ring_push(&l->results, &r))
		n++;
	assert_true(n >= CRYPTO_RESULTS);
	now_ns = clock_now_ns();
	(void)crypto_step(x, now_ns); /* the last flight of the party */
	while (ring_pop(&l->results, &r, 1) == 1)
		assert_int_equal(r.kind, CRYPTO_SEND);
	(void)crypto_step(x, now_ns + 2 * NS_PER_MS);
	assert_false(outcome_pop(l, &r));
	(void)crypto_step(x, now_ns + 20 * NS_PER_MS);
	assert_true(outcome_pop(l, &r));
	assert_int_equal(r.kind, CRYPTO_KEYED);
	assert_int_equal(d->outcome, DTLS_RUNNING); /* it asks again for what was lost */
	for (uint32_t i = 0; i < PARTIES; i++)
		dtls_close(&g_party[i].dtls);
	crypto_close(x);
}

/* As client: the keys of the flight that waits are told when there is room, and the flight waits for that. */
static void keys_are_told_when_there_is_room(void **state)
{
	struct crypto *x = opened(1);
	struct crypto_link *l = crypto_link_of(x, 0, -1);
	struct crypto_request begin = { .kind = CRYPTO_START,
					.association = handle_of(0),
					.role = DTLS_CLIENT,
					.peer = *fingerprint_of(THEIRS) };
	struct crypto_request datagram = { .kind = CRYPTO_DATAGRAM, .association = handle_of(0) };
	uint64_t now_ns = clock_now_ns();
	struct crypto_result r = { 0 };
	struct dtls d;

	(void)state;
	assert_int_equal(dtls_open(&d, g_identity[THEIRS].context, DTLS_SERVER,
				   fingerprint_of(OURS), now_ns),
			 0);
	request_push(l, &begin);
	(void)crypto_step(x, now_ns);
	assert_int_equal(ring_pop(&l->results, &r, 1), 1);
	(void)dtls_receive(&d, bytes_mem(r.datagram, r.length), now_ns);
	while (ring_push(&l->results, &r))
		continue;
	while ((datagram.length = dtls_output(&d, datagram.datagram)) > 0)
		request_push(l, &datagram);
	(void)crypto_step(x, now_ns);
	while (ring_pop(&l->results, &r, 1) == 1)
		assert_int_equal(r.kind, CRYPTO_SEND);
	(void)crypto_step(x, now_ns + 20 * NS_PER_MS);
	assert_int_equal(ring_pop(&l->results, &r, 1), 1);
	assert_int_equal(r.kind, CRYPTO_MADE);
	assert_true(r.length > 0);
	assert_int_not_equal(r.key_out.suite, MEDIA_SUITE_NONE);
	(void)crypto_step(x, now_ns + 40 * NS_PER_MS); /* and once */
	assert_int_equal(ring_pop(&l->results, &r, 1), 0);
	dtls_close(&d);
	crypto_close(x);
}

static void a_deadline_ends_what_nobody_goes_on_with(void **state)
{
	struct crypto *x = opened(1);
	struct crypto_link *l = crypto_link_of(x, 0, -1);
	uint64_t now_ns = clock_now_ns();
	struct crypto_result r = { 0 };

	(void)state;
	parties_open(mixed);
	party_say(l, 0, CRYPTO_START);
	(void)crypto_step(x, now_ns);
	assert_int_equal(crypto_running(x), 1);
	now_ns += DTLS_DEADLINE_NS + NS_PER_S;
	(void)crypto_step(x, now_ns);
	assert_int_equal(crypto_running(x), 0);
	while (ring_pop(&l->results, &r, 1) == 1)
		continue;
	assert_int_equal(r.kind, CRYPTO_FAILED);
	assert_int_equal(r.failure, DTLS_FAILURE_DEADLINE);
	for (uint32_t i = 0; i < PARTIES; i++)
		dtls_close(&g_party[i].dtls);
	crypto_close(x);
}

static size_t heap_used(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static int theirs(uint32_t i)
{
	(void)i;
	return THEIRS;
}

/* One under way costs what OpenSSL needs; one that is done costs nothing of it. */
static void memory_is_bounded(void **state)
{
	struct crypto *x = opened(1);
	struct crypto_link *l = crypto_link_of(x, 0, -1);
	uint64_t now_ns = clock_now_ns();
	size_t before, under_way, done;

	(void)state;
	parties_open(theirs);
	before = heap_used();
	for (uint32_t i = 0; i < PARTIES; i++)
		party_say(l, i, CRYPTO_START);
	while (crypto_step(x, now_ns))
		continue;
	assert_int_equal(crypto_running(x), PARTIES);
	under_way = (heap_used() - before) / PARTIES;
	while (!all_told() && clock_now_ns() < now_ns + LIMIT_S * NS_PER_S) {
		results_wait(l, -1);
		while (crypto_step(x, clock_now_ns()))
			continue;
	}
	assert_int_equal(crypto_running(x), 0);
	for (uint32_t i = 0; i < PARTIES; i++) {
		assert_int_equal(g_party[i].end.kind, CRYPTO_KEYED);
		dtls_close(&g_party[i].dtls);
	}
	done = heap_used() > before ? (heap_used() - before) / PARTIES : 0;
	print_message("# an association under way: %zu octets of heap, one that is done: %zu\n",
		      under_way, done);
	assert_true(under_way < 80 * 1024);
	assert_true(done < 64);
	crypto_close(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_thread_does_what_it_is_asked),
		cmocka_unit_test(an_outcome_is_told_when_there_is_room),
		cmocka_unit_test(keys_are_told_when_there_is_room),
		cmocka_unit_test(a_deadline_ends_what_nobody_goes_on_with),
		cmocka_unit_test(memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, identities_open, identities_close);
}
