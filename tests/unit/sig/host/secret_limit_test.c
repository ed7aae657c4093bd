/* SPDX-License-Identifier: Apache-2.0 */
/* Who guesses PINs waits; nobody else does. */
#include "sig/host/security.h"

#include "base/clock.h"
#include "tests/unit/test.h"

static const struct hash_key g_key = { 1, 2 };

static struct secret_guess guess(const char *object, const char *source, const char *caller)
{
	return (struct secret_guess){ .tenant = BYTES_LIT("default"),
				      .object = bytes_str(object),
				      .source = bytes_str(source),
				      .caller = bytes_str(caller) };
}

static struct secret_limit *limit(void)
{
	struct secret_limit *l;

	assert_int_equal(secret_limit_open(&l, &g_key), 0);
	return l;
}

/* In s seconds, each guess as soon as it may be: how many are looked at. */
static uint32_t guesses_in(struct secret_limit *l, const struct secret_guess *g, uint64_t s)
{
	uint64_t now_ns = NS_PER_S, end_ns = (s + 1) * NS_PER_S;
	uint32_t n = 0;

	for (; now_ns < end_ns; now_ns += 40 * NS_PER_MS) {
		uint64_t wait_ns = secret_limit_wait_ns(l, g, now_ns);

		now_ns += wait_ns;
		if (now_ns >= end_ns)
			break;
		secret_limit_failed(l, g, now_ns);
		n++;
	}
	return n;
}

static void test_waits_longer_and_longer(void **state)
{
	struct secret_limit *l = limit();
	struct secret_guess g = guess("room 700", "extension 1001", "1001");
	uint64_t now_ns = NS_PER_S;

	(void)state;
	for (int i = 0; i < SECRET_FAILURES; i++) {
		assert_int_equal(secret_limit_wait_ns(l, &g, now_ns), 0);
		secret_limit_failed(l, &g, now_ns);
	}
	for (uint64_t s = SECRET_WAIT_MIN_S; s < 2 * SECRET_WAIT_MAX_S; s *= 2) {
		uint64_t want = s < SECRET_WAIT_MAX_S ? s : SECRET_WAIT_MAX_S;

		assert_int_equal(secret_limit_wait_ns(l, &g, now_ns), want * NS_PER_S);
		now_ns += want * NS_PER_S;
		assert_int_equal(secret_limit_wait_ns(l, &g, now_ns), 0);
		secret_limit_failed(l, &g, now_ns);
	}
	secret_limit_close(l);
}

static void test_a_day_is_too_short(void **state)
{
	struct secret_limit *l = limit();
	struct secret_guess g = guess("room 700", "extension 1001", "1001");

	(void)state;
	assert_in_range(guesses_in(l, &g, 86400), 100, 200);
	secret_limit_close(l);
}

/* Another number for each guess: the trunk's bucket. */
static void test_made_up_callers(void **state)
{
	struct secret_limit *l = limit();
	uint64_t now_ns = NS_PER_S;
	uint32_t n = 0;
	char caller[16];

	(void)state;
	for (uint32_t i = 0; i < 86400 * 5; i++, now_ns += 200 * NS_PER_MS) {
		struct secret_guess g = guess("room 700", "trunk carrier", caller);

		(void)snprintf(caller, sizeof(caller), "%u", i);
		g.caller = bytes_str(caller);
		if (secret_limit_wait_ns(l, &g, now_ns))
			continue;
		secret_limit_failed(l, &g, now_ns);
		n++;
	}
	assert_in_range(n, 700, 86400 / SECRET_OBJECT_EACH_S + SECRET_OBJECT_BURST + 1);
	secret_limit_close(l);
}

/* One number, many rooms. */
static void test_many_rooms(void **state)
{
	struct secret_limit *l = limit();
	char object[32];
	uint32_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < 4000; i++) {
		struct secret_guess g = guess("", "extension 1001", "1001");

		(void)snprintf(object, sizeof(object), "room %u", i);
		g.object = bytes_str(object);
		if (secret_limit_wait_ns(l, &g, NS_PER_S))
			continue;
		secret_limit_failed(l, &g, NS_PER_S);
		n++;
	}
	assert_int_equal(n, SECRET_SOURCE_BURST);
	secret_limit_close(l);
}

/* A flood of guesses from a trunk with any number, and from other extensions: whoever comes from elsewhere, and who is known. */
static void test_nobody_else_waits(void **state)
{
	struct secret_limit *l = limit();
	struct secret_guess known = guess("room 700", "trunk carrier", "+4930123"),
			    inside = guess("room 700", "extension 1001", "1001"),
			    beside = guess("room 701", "extension 1003", "1003"),
			    fresh = guess("room 700", "trunk carrier", "+4930124"),
			    tenant = guess("room 700", "trunk carrier", "+4930124");
	uint64_t now_ns = 10 * NS_PER_S;
	char caller[16];

	(void)state;
	tenant.tenant = BYTES_LIT("acme");
	secret_limit_passed(l, &known, NS_PER_S);
	for (uint32_t i = 0; i < 100000; i++) {
		struct secret_guess g = guess("room 700", "trunk carrier", caller);

		(void)snprintf(caller, sizeof(caller), "%u", i);
		g.caller = bytes_str(caller);
		secret_limit_failed(l, &g, now_ns);
		g = guess("room 700", "extension 1002", "1002");
		secret_limit_failed(l, &g, now_ns);
		now_ns += NS_PER_MS;
	}
	assert_int_equal(secret_limit_wait_ns(l, &inside, now_ns), 0);
	assert_int_equal(secret_limit_wait_ns(l, &beside, now_ns), 0);
	assert_int_equal(secret_limit_wait_ns(l, &known, now_ns), 0);
	assert_int_equal(secret_limit_wait_ns(l, &tenant, now_ns), 0);
	assert_in_range(secret_limit_wait_ns(l, &fresh, now_ns), 1,
			(SECRET_OBJECT_EACH_S + 1) * NS_PER_S);
	/* and who is known and guesses, waits */
	for (int i = 0; i < SECRET_FAILURES; i++)
		secret_limit_failed(l, &known, now_ns);
	assert_true(secret_limit_wait_ns(l, &known, now_ns) > 0);
	secret_limit_close(l);
}

static struct secret_guess numbered(char caller[16], const char *kind, uint32_t i)
{
	struct secret_guess g = guess("room 700", "trunk carrier", caller);

	(void)snprintf(caller, 16, "%s%u", kind, i);
	g.caller = bytes_str(caller);
	return g;
}

/* As many callers are known as there is room for: made-up ones push out none of them, and are bounded still. */
static void test_many_are_known(void **state)
{
	enum { KNOWN = SECRET_SETS * SECRET_WAYS, MADE_UP = 4 * KNOWN };
	struct secret_limit *l = limit();
	uint64_t now_ns = NS_PER_S;
	uint32_t waits = 0, lost = 0;
	char caller[16];

	(void)state;
	for (uint32_t i = 0; i < KNOWN; i++) {
		struct secret_guess g = numbered(caller, "+49", i);

		secret_limit_passed(l, &g, now_ns += NS_PER_MS);
	}
	for (uint32_t i = 0; i < MADE_UP; i++) {
		struct secret_guess g = numbered(caller, "+1", i);

		secret_limit_failed(l, &g, now_ns += NS_PER_MS);
		waits += secret_limit_wait_ns(l, &g, now_ns) != 0;
	}
	for (uint32_t i = 0; i < KNOWN; i++) {
		struct secret_guess g = numbered(caller, "+49", i);

		lost += secret_limit_wait_ns(l, &g, now_ns) != 0;
	}
	assert_in_range(waits, MADE_UP - SECRET_OBJECT_BURST - 2, MADE_UP);
	assert_in_range(lost, 0,
			KNOWN / 4); /* known ones push out each other: a fifth, by chance */
	secret_limit_close(l);
}

/* A right one between two wrong ones gives no more of them once it had to wait. */
static void test_right_ones_between(void **state)
{
	struct secret_limit *l = limit();
	struct secret_guess g = guess("room 700", "extension 1001", "1001");

	(void)state;
	for (int i = 0; i < SECRET_FAILURES; i++)
		secret_limit_failed(l, &g, NS_PER_S);
	secret_limit_passed(l, &g, 20 * NS_PER_S);
	secret_limit_failed(l, &g, 20 * NS_PER_S);
	assert_int_equal(secret_limit_wait_ns(l, &g, 20 * NS_PER_S),
			 2 * SECRET_WAIT_MIN_S * NS_PER_S);
	/* after an hour it is forgotten */
	secret_limit_failed(l, &g, (21 + SECRET_WINDOW_S) * NS_PER_S);
	assert_int_equal(secret_limit_wait_ns(l, &g, (21 + SECRET_WINDOW_S) * NS_PER_S), 0);
	secret_limit_close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_longer_and_longer),
		cmocka_unit_test(test_a_day_is_too_short),
		cmocka_unit_test(test_made_up_callers),
		cmocka_unit_test(test_many_rooms),
		cmocka_unit_test(test_nobody_else_waits),
		cmocka_unit_test(test_many_are_known),
		cmocka_unit_test(test_right_ones_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
