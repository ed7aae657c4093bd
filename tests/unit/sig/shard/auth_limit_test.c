/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/shared_tables.h"

#include <stdio.h>

#include "base/clock.h"
#include "sig/host/tenant.h"
#include "tests/unit/test.h"

static struct auth_limit g_limit;
static struct auth_guesses g_extensions[3];
static const struct hash_key g_key = { 1, 2 };

static struct auth_try try_of(const char *source, unsigned extension, enum auth_standing standing)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(source)), 0);
	return (struct auth_try){ .guesses = &g_extensions[extension],
				  .source = auth_limit_source(&g_key, &a),
				  .flow = auth_limit_flow(&g_key, &a, 0),
				  .standing = standing };
}

static uint64_t wait_s(struct auth_try t, uint64_t s)
{
	return auth_limit_wait_ns(&g_limit, &t, s * NS_PER_S) / NS_PER_S;
}

static bool wrong(struct auth_try t, uint64_t s)
{
	return auth_limit_failed(&g_limit, &t, s * NS_PER_S);
}

static void test_sources(void **state)
{
	(void)state;
	assert_true(try_of("192.0.2.1:5060", 0, AUTH_STRANGER).source ==
		    try_of("192.0.2.1:6060", 0, AUTH_STRANGER).source);
	assert_true(try_of("192.0.2.1:5060", 0, AUTH_STRANGER).source !=
		    try_of("192.0.2.2:5060", 0, AUTH_STRANGER).source);
	assert_true(try_of("2001:db8::1", 0, AUTH_STRANGER).source ==
		    try_of("2001:db8::2", 0, AUTH_STRANGER).source);
}

static void test_ten_in_a_minute(void **state)
{
	struct auth_try here = try_of("192.0.2.1", 0, AUTH_STRANGER);
	struct auth_try other = try_of("192.0.2.2", 0, AUTH_STRANGER);
	struct auth_try elsewhere = try_of("192.0.2.1", 1, AUTH_STRANGER);

	(void)state;
	for (int i = 0; i < AUTH_LIMIT_FAILURES - 1; i++)
		assert_false(wrong(here, 100));
	assert_int_equal(wait_s(here, 100), 0);
	assert_true(wrong(here, 100));
	assert_int_equal(wait_s(here, 100), 5);
	assert_int_equal(wait_s(here, 104), 1);
	assert_int_equal(wait_s(here, 105), 0);
	assert_int_equal(wait_s(other, 100), 0);
	assert_int_equal(wait_s(elsewhere, 100), 0);
}

static void test_slowly(void **state)
{
	struct auth_try here = try_of("192.0.2.1", 0, AUTH_STRANGER);

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		assert_false(wrong(here, 100 + 7 * i)); /* nine in each minute */
}

/* At all extensions together; a phone beside the guesser goes on. */
static void test_of_a_source(void **state)
{
	struct auth_try stranger = try_of("192.0.2.1", 0, AUTH_STRANGER);
	char name[16];
	unsigned i;

	(void)state;
	for (i = 0; i < 2 * AUTH_LIMIT_SOURCE_BURST; i++) {
		struct auth_try t = stranger;

		(void)snprintf(name, sizeof(name), "%u", i);
		t.guesses = auth_limit_nobody(&g_limit, &g_key, TENANT_DEFAULT, bytes_str(name));
		if (wait_s(t, 100))
			break;
		(void)wrong(t, 100);
	}
	assert_int_equal(i, AUTH_LIMIT_SOURCE_BURST);
	assert_int_equal(wait_s(stranger, 100), 1);
	assert_int_equal(wait_s(stranger, 101), 0);
	assert_int_equal(wait_s(try_of("192.0.2.2", 0, AUTH_STRANGER), 100), 0);
	assert_int_equal(wait_s(try_of("192.0.2.1", 0, AUTH_NEIGHBOUR), 100), 0);
	assert_int_equal(wait_s(try_of("192.0.2.1", 0, AUTH_PHONE), 100), 0);
}

/* Guesses beside a phone do not stop it; its own count is bounded as well, in case its address is forged. */
static void test_of_a_phone(void **state)
{
	struct auth_try stranger = try_of("192.0.2.1", 0, AUTH_STRANGER);
	struct auth_try phone = try_of("192.0.2.1", 0, AUTH_PHONE);

	(void)state;
	for (int i = 0; i < AUTH_LIMIT_FAILURES; i++)
		(void)wrong(stranger, 100);
	auth_limit_passed(&phone, 100 * NS_PER_S); /* gives the others no more tries */
	assert_int_equal(wait_s(stranger, 100), 5);
	assert_int_equal(wait_s(phone, 100), 0);
	for (int i = 0; i < AUTH_LIMIT_PHONE_BURST; i++) {
		assert_int_equal(wait_s(phone, 100), 0);
		(void)wrong(phone, 100);
	}
	assert_int_equal(wait_s(phone, 100), 5);
	assert_int_equal(wait_s(phone, 101), 0);
}

/* Who guesses from one port never stops a phone behind the same NAT, at that extension or, when the source waits, at others. */
static void test_beside_a_guesser(void **state)
{
	struct auth_try guesser = try_of("192.0.2.1:7777", 0, AUTH_STRANGER);
	struct auth_try phone = try_of("192.0.2.1:5060", 0, AUTH_STRANGER);
	char name[16];

	(void)state;
	for (uint64_t s = 100; s < 1000; s++) {
		for (int i = 0; i < 20 && !wait_s(guesser, s); i++)
			(void)wrong(guesser, s);
		assert_int_equal(wait_s(phone, s), 0);
	}
	for (unsigned i = 0; i < 2 * AUTH_LIMIT_SOURCE_BURST; i++) {
		struct auth_try t = guesser;

		(void)snprintf(name, sizeof(name), "%u", i);
		t.guesses = auth_limit_nobody(&g_limit, &g_key, TENANT_DEFAULT, bytes_str(name));
		if (!wait_s(t, 1000))
			(void)wrong(t, 1000);
	}
	assert_true(wait_s(try_of("192.0.2.1:7777", 1, AUTH_STRANGER), 1000) > 0);
	assert_int_equal(wait_s(try_of("192.0.2.1:5060", 1, AUTH_STRANGER), 1000), 0);
	/* what the phone proves is no excuse for the guesser */
	for (int i = 0; i < AUTH_LIMIT_FAILURES; i++)
		(void)wrong(guesser, 2000);
	assert_true(wait_s(guesser, 2000) > 0);
	auth_limit_passed(&phone, 2000 * NS_PER_S);
	assert_true(wait_s(guesser, 2000) > 0);
}

/* Who changes ports gets a few more guesses, and a phone beside it waits for seconds at most. */
static void test_of_many_ports(void **state)
{
	enum { SECONDS = 3600, EACH_S = 20 };
	unsigned looked_at = 0, port = 1024;
	char source[32];

	(void)state;
	for (uint64_t i = 0; i < SECONDS * EACH_S; i++) {
		uint64_t now_ns = 100 * NS_PER_S + i * NS_PER_S / EACH_S;
		struct auth_try t;

		(void)snprintf(source, sizeof(source), "192.0.2.1:%u", 1024 + port++ % 60000);
		t = try_of(source, 0, AUTH_STRANGER);
		assert_true(auth_limit_wait_ns(&g_limit, &t, now_ns) <=
			    AUTH_LIMIT_FRESH_S * NS_PER_S);
		if (auth_limit_wait_ns(&g_limit, &t, now_ns))
			continue;
		looked_at++;
		(void)auth_limit_failed(&g_limit, &t, now_ns);
	}
	/* ten of each beginning, one each two seconds, and one for each wait that ends */
	assert_in_range(looked_at, SECONDS / AUTH_LIMIT_FRESH_S,
			SECONDS / AUTH_LIMIT_FRESH_S + AUTH_LIMIT_FAILURES +
				AUTH_LIMIT_FRESH_BURST + SECONDS / AUTH_LIMIT_WAIT_MAX_S + 5);
}

static void test_grows_and_ends(void **state)
{
	static const uint64_t want[] = { 5, 10, 20, 40, 60, 60, 60 };
	struct auth_try id = try_of("192.0.2.1", 0, AUTH_STRANGER);
	uint64_t at = 100;

	(void)state;
	for (int i = 0; i < AUTH_LIMIT_FAILURES - 1; i++)
		(void)wrong(id, at);
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		assert_true(wrong(id, at));
		assert_int_equal(wait_s(id, at), want[i]);
		at += want[i] + 3;
	}
	at += AUTH_LIMIT_FORGET_S;
	assert_false(wrong(id, at));
	for (int i = 0; i < AUTH_LIMIT_FAILURES - 2; i++)
		assert_false(wrong(id, at));
	assert_true(wrong(id, at));
	assert_int_equal(wait_s(id, at), 5);
}

static void test_passed(void **state)
{
	struct auth_try id = try_of("192.0.2.1", 0, AUTH_STRANGER);

	(void)state;
	auth_limit_passed(&id, 100 * NS_PER_S); /* of nobody */
	for (int i = 0; i < AUTH_LIMIT_FAILURES; i++)
		(void)wrong(id, 100);
	auth_limit_passed(&id, 105 * NS_PER_S);
	assert_int_equal(wait_s(id, 105), 0);
	assert_false(wrong(id, 106));
}

/* A flood of sources, which cannot be invented, takes no more memory; of one extension so many are remembered. */
static void test_bounded(void **state)
{
	struct auth_try t = try_of("10.0.0.1", 0, AUTH_STRANGER);
	char source[16];

	(void)state;
	for (uint64_t i = 1; i < 100000; i++) {
		t.source = i;
		(void)wrong(t, 1);
	}
	for (int n = 0; n < AUTH_LIMIT_WAYS; n++) {
		(void)snprintf(source, sizeof(source), "10.0.0.%d", n);
		for (int i = 0; i < AUTH_LIMIT_FAILURES; i++)
			(void)wrong(try_of(source, 0, AUTH_STRANGER), 100);
	}
	for (int n = 0; n < AUTH_LIMIT_WAYS; n++) {
		(void)snprintf(source, sizeof(source), "10.0.0.%d", n);
		assert_int_equal(wait_s(try_of(source, 0, AUTH_STRANGER), 100), 5);
	}
}

static int setup(void **state)
{
	(void)state;
	g_limit = (struct auth_limit){ 0 };
	memset(g_extensions, 0, sizeof(g_extensions));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sources, setup),
		cmocka_unit_test_setup(test_ten_in_a_minute, setup),
		cmocka_unit_test_setup(test_slowly, setup),
		cmocka_unit_test_setup(test_grows_and_ends, setup),
		cmocka_unit_test_setup(test_passed, setup),
		cmocka_unit_test_setup(test_of_a_source, setup),
		cmocka_unit_test_setup(test_of_a_phone, setup),
		cmocka_unit_test_setup(test_beside_a_guesser, setup),
		cmocka_unit_test_setup(test_of_many_ports, setup),
		cmocka_unit_test_setup(test_bounded, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
