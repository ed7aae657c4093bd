/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/fair.h"
#include "base/rand.h"

enum { PLACES = 4096 };

static struct fair g_fair;
static struct fair_held g_held[PLACES];
static uint32_t g_count;

static struct fair_who who_of(const char *tenant, const char *token, const char *user)
{
	return (struct fair_who){ .name = { [FAIR_TENANT] = bytes_str(tenant),
					    [FAIR_TOKEN] = bytes_str(token),
					    [FAIR_USER] = bytes_str(user) } };
}

/* As many as it gets; *why is what stopped it. */
static uint32_t take_all(const char *tenant, const char *token, const char *user,
			 enum fair_level *why)
{
	struct fair_who who = who_of(tenant, token, user);
	uint32_t n = 0;

	while ((*why = fair_admit(&g_fair, &who, 1, &g_held[g_count])) == FAIR_FINE) {
		g_count++;
		n++;
	}
	return n;
}

static void open_all(uint32_t max)
{
	struct rand_source rand;

	rand_open_seed(&rand, 7);
	fair_open(&g_fair, max, &rand);
	g_count = 0;
}

static void close_all(void)
{
	while (g_count)
		fair_give(&g_fair, &g_held[--g_count]);
	assert_int_equal(g_fair.taken, 0);
	assert_int_equal(g_fair.count, 0);
	fair_close(&g_fair);
}

static void test_each_level(void **state)
{
	static const struct {
		const char *tenant, *token, *user;
		enum fair_level why;
		uint32_t n;
	} rows[] = {
		{ "a", "", "", FAIR_TENANT, PLACES / 2 },
		{ "a", "t", "", FAIR_TOKEN, PLACES / 3 + 1 },
		{ "a", "s", "1001", FAIR_USER, PLACES / 17 + 1 },
		{ "", "", "", FAIR_LEVELS, PLACES },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum fair_level why;

		open_all(PLACES);
		assert_int_equal(take_all(rows[i].tenant, rows[i].token, rows[i].user, &why),
				 rows[i].n);
		assert_int_equal(why, rows[i].why);
		close_all();
	}
}

/* Whoever comes later finds something, whatever those before have taken; also of a table of few places. */
static void test_late_ones(void **state)
{
	static const uint32_t sizes[] = { PLACES, 256, 16 };
	char tenant[8];
	enum fair_level why;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		open_all(sizes[i]);
		for (unsigned k = 0; k < 4; k++) {
			(void)snprintf(tenant, sizeof(tenant), "t%u", k);
			assert_true(take_all(tenant, "", "", &why) > 0);
			assert_int_equal(why, FAIR_TENANT);
		}
		assert_true(take_all("late", "t", "1001", &why) > 0);
		close_all();
	}
}

/* The same name of another tenant is somebody else. */
static void test_names(void **state)
{
	enum fair_level why;
	uint32_t first;

	(void)state;
	open_all(PLACES);
	first = take_all("a", "s", "1001", &why);
	assert_true(take_all("b", "s", "1001", &why) + 20 > first);
	assert_int_equal(take_all("a", "s2", "1001", &why), 0);
	assert_int_equal(why, FAIR_USER);
	close_all();
}

/* At random: what is held is what was taken, nobody holds more than its share at the moment when it takes. */
static void test_random(void **state)
{
	static const char *const tenants[] = { "a", "b", "c" }, *const users[] = { "", "1", "2" };
	struct rand_source rand;

	(void)state;
	rand_open_seed(&rand, 11);
	open_all(64);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t r = rand_u32_from(&rand), sum = 0;
		struct fair_who who = who_of(tenants[r % 3], "t", users[r / 3 % 3]);

		if (r & 1 << 20 && g_count) {
			struct fair_held *one = &g_held[r % g_count];

			fair_give(&g_fair, one);
			*one = g_held[--g_count];
			g_held[g_count] = (struct fair_held){ 0 };
		} else if (fair_admit(&g_fair, &who, 1 + r % 2, &g_held[g_count]) == FAIR_FINE) {
			g_count++;
		}
		for (uint32_t k = 0; k < g_count; k++)
			sum += g_held[k].n;
		assert_int_equal(sum, g_fair.taken);
		assert_true(sum <= 64);
	}
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_level),
		cmocka_unit_test(test_late_ones),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
