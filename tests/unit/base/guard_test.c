/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guard.h"

#include "base/clock.h"
#include "base/guard_step.h"
#include "base/metric.h"
#include "base/table.h"
#include "tests/unit/test.h"

/* The tables are guard.c's own. */
struct guard_at {
	int none;
};

GUARD_INLINE const struct guard_set *guard_set_at(const struct guard_at *at, unsigned index)
{
	(void)at;
	(void)index;
	return NULL;
}

GUARD_INLINE struct guard_bucket *guard_bucket_at(const struct guard_at *at, unsigned index)
{
	(void)at;
	(void)index;
	return NULL;
}

#define NOW  (1000 * NS_PER_S)
#define KEEP (3600 * NS_PER_S)

static const struct guard_limits LIMITS = { .per_s = { 50000, 20000, 1000, 100, 5000 } };

static struct guard *guard_make(uint32_t phones)
{
	struct rand_source rand;
	struct guard *g;

	rand_open_seed(&rand, 7);
	assert_int_equal(guard_open(&g, phones, KEEP, &rand, NULL), 0);
	guard_configure(g, &LIMITS, KEEP);
	return g;
}

static struct addr v4(uint32_t ip, uint16_t port)
{
	struct addr a;
	uint8_t octets[4] = { (uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8),
			      (uint8_t)ip };

	addr_set_v4(&a, octets, port);
	return a;
}

static struct addr v6(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

/* Of n datagrams within a second, evenly. */
static unsigned admitted(struct guard *g, const struct addr *from, unsigned n, uint64_t begin_ns)
{
	unsigned in = 0;

	for (unsigned i = 0; i < n; i++)
		in += guard_admits(g, from, 400, begin_ns + i * NS_PER_S / n);
	return in;
}

/* The words that the kernel hashes are those of base/table.c. */
static void test_names_are_siphash(void **state)
{
	const struct guard_rules r = { .k0 = 0x0706050403020100, .k1 = 0x0f0e0d0c0b0a0908 };
	const struct hash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	struct guard_source from = { 0x1122334455667788, 0x99aabbccddeeff00 };
	uint64_t words[3] = { from.high, from.low, 5060 };

	(void)state;
	assert_true(guard_name(&r, &from, 5060) == hash_sip(&key, bytes_mem(words, sizeof(words))));
}

/* 150,000 a second of one address: what is left of them is its limit, and it takes nothing of what all strangers have. */
static void test_one_source(void **state)
{
	struct guard *g = guard_make(1000);
	struct addr junk = v4(0x0a000001, 5060), phone = v4(0x0a000002, 5060);
	struct addr other = v4(0x0a000003, 5060);

	(void)state;
	guard_know(g, &phone, NOW);
	assert_in_range(admitted(g, &junk, 150000, NOW), 600,
			602); /* 100/s, and 5 s of it at once */
	assert_in_range(admitted(g, &junk, 150000, NOW + NS_PER_S), 99, 101);
	assert_int_equal(admitted(g, &phone, 1000, NOW + NS_PER_S), 1000);
	assert_int_equal(admitted(g, &other, 100, NOW + 2 * NS_PER_S), 100);
	guard_close(g);
}

/* 50,000 forged sources, three of each a second: known phones are not forgotten and not held up, nor is another port of theirs. */
static void test_forged_sources(void **state)
{
	struct guard *g = guard_make(20000);
	unsigned in = 0, known = 0, moved = 0;

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		struct addr phone = v4(0xc0000000 + i, 5060);

		guard_know(g, &phone, NOW);
	}
	for (uint32_t i = 0; i < 150000; i++) {
		struct addr junk = v4(0x0a000000 + i % 50000, (uint16_t)(1024 + i % 60000));
		struct addr phone = v4(0xc0000000 + i % 20000, 5060);
		uint64_t now_ns = NOW + i * NS_PER_S / 150000;

		in += guard_admits(g, &junk, 400, now_ns);
		if (i % 10 == 0)
			known += guard_admits(g, &phone, 400, now_ns);
		phone.port++;
		if (i % 10 == 5)
			moved += guard_admits(g, &phone, 400, now_ns);
	}
	assert_in_range(in, 5000, 6300);
	assert_int_equal(known, 15000);
	assert_int_equal(moved, 15000);
	guard_close(g);
}

/* Who has one IPv6 address has 2^64 of them. */
static void test_v6_by_site(void **state)
{
	struct guard *g = guard_make(1000);
	struct addr a = v6("[2001:db8:0:1::1]:5060"), far = v6("[2001:db8:0:2::1]:5060");
	unsigned in = 0;

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		a.ip[15] = (uint8_t)i;
		a.ip[9] = (uint8_t)(i >> 8);
		in += guard_admits(g, &a, 400, NOW);
	}
	assert_in_range(in, 500, 502);
	assert_true(guard_admits(g, &far, 400, NOW));
	guard_close(g);
}

/* Even a known source has its limit, a trusted one a higher one, and a neighbour behind its NAT a lower. */
static void test_known_has_a_limit(void **state)
{
	struct guard *g = guard_make(1000);
	struct addr phone = v4(0x0a000001, 5060), neighbour = v4(0x0a000001, 6060);
	struct addr peer = v4(0x0a000002, 5060);

	(void)state;
	guard_know(g, &phone, NOW);
	assert_in_range(admitted(g, &neighbour, 150000, NOW), 3000, 3002);
	assert_in_range(admitted(g, &phone, 150000, NOW), 40000, 40002);
	guard_know_peer(g, &peer, NOW);
	assert_in_range(admitted(g, &peer, 150000, NOW), 100000, 100002);
	guard_close(g);
}

static struct guard_trusted trusted(const char *net, unsigned bits)
{
	struct guard_trusted t = { .bits = bits };

	assert_int_equal(addr_parse(&t.net, bytes_str(net)), 0);
	return t;
}

/* Who is trusted by its address needs no first message: it may be lost among the strangers'. */
static void test_trusted_from_the_start(void **state)
{
	const struct guard_trusted list[] = { trusted("10.0.0.7", 32), trusted("10.1.0.9", 28),
					      trusted("10.2.0.1:5070", 32),
					      trusted("2001:db8::7", 128) };
	struct {
		struct addr from;
		bool peer;
	} rows[] = { { v4(0x0a000007, 1), true },     { v4(0x0a000008, 1), false },
		     { v4(0x0a010000, 1), true },     { v4(0x0a01000f, 65535), true },
		     { v4(0x0a010010, 1), false },    { v4(0x0a020001, 5070), true },
		     { v4(0x0a020001, 5071), false }, { v6("[2001:db8::7]:5"), true },
		     { v6("[2001:db8::8]:5"), false } };
	struct guard *g = guard_make(1000);

	(void)state;
	assert_true(guard_trust(g, list, COUNT_OF(list)));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		unsigned in = admitted(g, &rows[i].from, 2000, NOW + i * 100 * NS_PER_S);

		if (guard_is_known(g, &rows[i].from) != rows[i].peer ||
		    (in == 2000) != rows[i].peer)
			fail_msg("row %zu: %u", i, in);
	}
	assert_true(guard_trust(g, list + 1, 1)); /* the settings are read again */
	assert_false(guard_is_known(g, &rows[0].from));
	assert_true(guard_is_known(g, &rows[2].from));
	guard_close(g);
}

/* A flood from all over a large network that is trusted is a flood. */
static void test_large_nets_are_learned(void **state)
{
	const struct guard_trusted list[] = { trusted("10.0.0.0", 23), trusted("2001:db8::", 64),
					      trusted("10.9.0.0", 24) };
	struct guard_trusted many[GUARD_NETS + 1];
	struct guard *g = guard_make(1000);
	struct addr large = v4(0x0a000001, 5060), small = v4(0x0a090001, 5060);

	(void)state;
	assert_false(guard_trust(g, list, COUNT_OF(list)));
	assert_false(guard_is_known(g, &large));
	assert_true(guard_is_known(g, &small));
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = list[2];
	assert_false(guard_trust(g, many, COUNT_OF(many)));
	guard_close(g);
}

/* Who has left is forgotten in the end, and nobody before while there is room. */
static void test_forgets(void **state)
{
	struct guard *g = guard_make(64);
	struct addr phone = v4(0x0a000001, 5060);

	(void)state;
	guard_know(g, &phone, NOW);
	guard_know(g, &phone, NOW + KEEP / 2);
	for (uint32_t i = 0; i < 64; i++) {
		struct addr other = v4(0x0b000000 + i, 5060);

		guard_know(g, &other, NOW + KEEP);
	}
	assert_true(guard_is_known(g, &phone));
	for (uint32_t i = 0; i < 128; i++) {
		struct addr other = v4(0x0c000000 + i, 5060);

		guard_know(g, &other, NOW + 3 * KEEP);
	}
	assert_false(guard_is_known(g, &phone));
	guard_close(g);
}

/* More than there is room for: the newest are known. Nothing is written past the table (ASan). */
static void test_full(void **state)
{
	struct guard *g = guard_make(1);
	struct addr last = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		last = v4(i, (uint16_t)i);
		guard_know(g, &last, NOW + i * NS_PER_MS);
	}
	assert_true(guard_is_known(g, &last));
	guard_close(g);
}

/* An address hears what it said, and a trickle: requests of 60 octets with answers of 470 were 7.8 times as much. */
static void test_answers(void **state)
{
	struct guard *g = guard_make(1000);
	struct addr victim = v4(0x0a000001, 5060), phone = v4(0x0a000002, 5060);
	size_t said = 0, told = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		uint64_t now_ns = NOW + i * 10 * NS_PER_MS;

		said += guard_admits(g, &victim, 60, now_ns) ? 60 : 0;
		told += guard_may_answer(g, &victim, 470, now_ns) ? 470 : 0;
	}
	assert_true(told <= said + GUARD_TRICKLE_MAX + 10 * GUARD_TRICKLE_PER_S);
	assert_true(told > said / 2);
	guard_know(g, &phone, NOW);
	for (uint32_t i = 0; i < 1000; i++)
		assert_true(guard_may_answer(g, &phone, 1400, NOW));
	guard_close(g);
}

static struct addr in_prefix(bool v6, unsigned i)
{
	char text[64];
	struct addr a;

	(void)snprintf(text, sizeof(text), v6 ? "[2001:db8:1:%x::1]:5060" : "192.0.2.%u:5060", i);
	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

/* Forged addresses of one prefix have one trickle, and take nothing of what others there have said. */
static void test_answers_to_a_prefix(void **state)
{
	struct guard *g = guard_make(1000);

	(void)state;
	for (unsigned p = 0; p < 2; p++) {
		size_t said = 0, told = 0;

		for (unsigned i = 0; i < 10 * 250; i++) {
			uint64_t now_ns = NOW + p * 100 * NS_PER_S + i * (NS_PER_S / 250);
			struct addr victim = in_prefix(p, 1 + i % 250);
			struct addr honest = in_prefix(p, 252);

			if (!guard_admits(g, &victim, 60, now_ns))
				continue;
			said += 60;
			told += guard_may_answer(g, &victim, 470, now_ns) ? 470 : 0;
			if (i % 100 == 0 && guard_admits(g, &honest, 400, now_ns))
				assert_true(guard_may_answer(g, &honest, 400, now_ns));
		}
		assert_true(said > 60 * 250);
		assert_true(told <= said + GUARD_TRICKLE_MAX + 11 * GUARD_TRICKLE_PER_S);
	}
	guard_close(g);
}

/* 0 is no limit; new limits count from then on. */
static void test_configure(void **state)
{
	static const struct guard_limits none = { .per_s = { 0 } };
	struct guard *g = guard_make(1000);
	struct addr junk = v4(0x0a000001, 5060);

	(void)state;
	guard_configure(g, &none, KEEP);
	assert_int_equal(admitted(g, &junk, 50000, NOW), 50000);
	guard_configure(g, &LIMITS, KEEP);
	assert_in_range(admitted(g, &junk, 50000, NOW + NS_PER_S), 600, 602);
	guard_close(g);
}

/* What a program in the kernel has dropped is counted under the same names. */
static void test_kernel_counts(void **state)
{
	struct guard_dropped sockets = { 0 }, frames = { 0 };
	struct guard_rules rules = { 0 };
	struct guard_set *sets = calloc(guard_sets(1000), sizeof(*sets));
	const struct guard_kernel kernel = {
		.rules = &rules, .sets = sets, .at_sockets = &sockets, .at_frames = &frames
	};
	struct addr junk = v4(0x0a000001, 5060);
	metric_id stranger = metric_register(METRIC_COUNTER, "tandem_sip_guard_drops_total",
					     "reason=\"stranger\"", "");
	struct rand_source rand;
	struct guard *g;
	uint64_t before;

	(void)state;
	rand_open_seed(&rand, 7);
	assert_non_null(sets);
	assert_int_equal(guard_open(&g, 1000, KEEP, &rand, &kernel), 0);
	guard_configure(g, &LIMITS, KEEP);
	assert_int_equal(admitted(g, &junk, 10000, NOW), 10000); /* judged already */
	before = metric_value(stranger);
	sockets.by_class[GUARD_STRANGER] = 5;
	guard_count(g);
	sockets.by_class[GUARD_STRANGER] = 7;
	frames.by_class[GUARD_STRANGER] = 4;
	guard_count(g);
	assert_int_equal(guard_socket_drops(g), 7);
	assert_int_equal(metric_value(stranger) - before, 11);
	guard_know(g, &junk, NOW);
	assert_true(guard_is_known(g, &junk));
	guard_close(g);
	free(sets);
}

static int setup(void **state)
{
	(void)state;
	guard_setup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_siphash),
		cmocka_unit_test(test_one_source),
		cmocka_unit_test(test_forged_sources),
		cmocka_unit_test(test_v6_by_site),
		cmocka_unit_test(test_known_has_a_limit),
		cmocka_unit_test(test_trusted_from_the_start),
		cmocka_unit_test(test_large_nets_are_learned),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_answers_to_a_prefix),
		cmocka_unit_test(test_configure),
		cmocka_unit_test(test_kernel_counts),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
