/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/auth_limit.h"

#include "base/clock.h"
#include "tests/unit/test.h"

static struct auth_limit g_limit;
static const struct hash_key g_key = { 1, 2 };

static uint64_t id_of(const char *source, const char *user)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(source)), 0);
	return auth_limit_id(&g_key, &a, bytes_str(user));
}

static uint64_t wait_s(uint64_t id, uint64_t s)
{
	return auth_limit_wait_ns(&g_limit, id, s * NS_PER_S) / NS_PER_S;
}

static bool wrong(uint64_t id, uint64_t s)
{
	return auth_limit_failed(&g_limit, id, s * NS_PER_S);
}

static void test_pairs(void **state)
{
	uint64_t id = id_of("192.0.2.1:5060", "1001");

	(void)state;
	assert_true(id == id_of("192.0.2.1:6060", "1001")); /* any port */
	assert_true(id != id_of("192.0.2.2:5060", "1001"));
	assert_true(id != id_of("192.0.2.1:5060", "1002"));
}

static void test_ten_in_a_minute(void **state)
{
	uint64_t id = id_of("192.0.2.1", "1001"), other = id_of("192.0.2.2", "1001");

	(void)state;
	for (int i = 0; i < AUTH_LIMIT_FAILURES - 1; i++)
		assert_false(wrong(id, 100));
	assert_int_equal(wait_s(id, 100), 0);
	assert_true(wrong(id, 100));
	assert_int_equal(wait_s(id, 100), 5);
	assert_int_equal(wait_s(id, 104), 1);
	assert_int_equal(wait_s(id, 105), 0);
	assert_int_equal(wait_s(other, 100), 0);
}

static void test_slowly(void **state)
{
	uint64_t id = id_of("192.0.2.1", "1001");

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		assert_false(wrong(id, 100 + 7 * i)); /* nine in each minute */
}

static void test_grows_and_ends(void **state)
{
	static const uint64_t want[] = { 5, 10, 20, 40, 60, 60, 60 };
	uint64_t id = id_of("192.0.2.1", "1001"), at = 100;

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
	uint64_t id = id_of("192.0.2.1", "1001");

	(void)state;
	auth_limit_passed(&g_limit, id); /* of nobody */
	for (int i = 0; i < AUTH_LIMIT_FAILURES; i++)
		(void)wrong(id, 100);
	auth_limit_passed(&g_limit, id);
	assert_int_equal(wait_s(id, 100), 0);
	assert_false(wrong(id, 101));
}

/* A flood of others takes no more memory; whoever guessed last is still known. */
static void test_bounded(void **state)
{
	uint64_t id = id_of("192.0.2.1", "1001");
	struct addr a;

	(void)state;
	assert_int_equal(addr_parse(&a, BYTES_LIT("10.0.0.1")), 0);
	for (uint32_t i = 0; i < 100000; i++) {
		be32_put(a.ip, i);
		(void)auth_limit_failed(&g_limit, auth_limit_id(&g_key, &a, BYTES_LIT("1")),
					NS_PER_S);
	}
	for (int i = 0; i < AUTH_LIMIT_FAILURES; i++)
		(void)wrong(id, 100);
	assert_int_equal(wait_s(id, 100), 5);
	/* the same set: as many more as there are ways push it out */
	for (uint64_t i = 1; i < AUTH_LIMIT_WAYS; i++)
		(void)wrong(id + i * AUTH_LIMIT_SETS, 100 + i);
	assert_int_equal(wait_s(id, 101), 4);
	(void)wrong(id + AUTH_LIMIT_WAYS * AUTH_LIMIT_SETS, 110);
	assert_int_equal(wait_s(id, 101), 0);
}

static int setup(void **state)
{
	(void)state;
	g_limit = (struct auth_limit){ 0 };
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pairs, setup),
		cmocka_unit_test_setup(test_ten_in_a_minute, setup),
		cmocka_unit_test_setup(test_slowly, setup),
		cmocka_unit_test_setup(test_grows_and_ends, setup),
		cmocka_unit_test_setup(test_passed, setup),
		cmocka_unit_test_setup(test_bounded, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
