/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sig/lookup/zone.h"

static const struct hash_key g_key = { 3, 4 };
static struct dns_answer g_answer;

/* For how long what was said so is known. */
static void test_time(void **state)
{
	static const struct {
		const char *name;
		enum dns_result result;
		bool said;
		uint32_t ttl_s, lives_s;
	} rows[] = {
		{ "as said", DNS_FOUND, false, 60, 60 },
		{ "not to be kept", DNS_FOUND, false, 0, DNS_TTL_MIN_S },
		{ "for ever", DNS_FOUND, false, UINT32_MAX, DNS_TTL_MAX_S },
		{ "an alias", DNS_ALIAS, false, 60, 60 },
		{ "nothing, as said", DNS_NOTHING, true, 60, 60 },
		{ "nothing, for ever", DNS_NOTHING, true, UINT32_MAX, DNS_NEGATIVE_MAX_S },
		{ "nothing, nobody said how long", DNS_NOTHING, false, UINT32_MAX,
		  DNS_NEGATIVE_UNSAID_S },
		{ "no answer", DNS_FAILED, false, 100, DNS_FAILED_S },
	};
	struct dns_question q = zone_question("example.com", DNS_A);
	struct dns_cache c;
	struct dns_set set;

	(void)state;
	assert_int_equal(dns_cache_open(&c, 4, &g_key), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t end_ns = (1 + (uint64_t)rows[i].lives_s) * NS_PER_S;

		g_answer = (struct dns_answer){ .result = rows[i].result,
						.negative_ttl = rows[i].said,
						.ttl_s = rows[i].ttl_s };
		dns_cache_put(&c, &q, &g_answer, NS_PER_S);
		ROW_ASSERT(rows[i].name, dns_cache_find(&c, &q, end_ns - 1, &set));
		ROW_ASSERT(rows[i].name, set.result == rows[i].result);
		ROW_ASSERT(rows[i].name, !dns_cache_find(&c, &q, end_ns, &set));
	}
	dns_cache_close(&c);
}

static void put(struct dns_cache *c, unsigned i)
{
	char name[32];
	struct dns_question q;

	(void)snprintf(name, sizeof(name), "n%u.test", i);
	q = zone_question(name, DNS_A);
	g_answer = (struct dns_answer){ .result = DNS_FOUND, .ttl_s = 60, .count = 1 };
	g_answer.records[0].ip[0] = (uint8_t)i;
	dns_cache_put(c, &q, &g_answer, NS_PER_S);
}

static bool has(struct dns_cache *c, unsigned i)
{
	char name[32];
	struct dns_question q;
	struct dns_set set;

	(void)snprintf(name, sizeof(name), "n%u.test", i);
	q = zone_question(name, DNS_A);
	if (!dns_cache_find(c, &q, NS_PER_S, &set))
		return false;
	assert_int_equal(set.count, 1);
	assert_int_equal(set.records[0].ip[0], (uint8_t)i);
	return true;
}

/* A flood of names pushes out what nobody asks for. */
static void test_full(void **state)
{
	struct dns_cache c;

	(void)state;
	assert_int_equal(dns_cache_open(&c, 8, &g_key), 0);
	put(&c, 0);
	for (unsigned i = 1; i < 1000; i++) {
		put(&c, i);
		assert_true(has(&c, 0)); /* it is asked for all the time */
		assert_true(has(&c, i));
		if (i >= 8)
			assert_false(has(&c, i - 7));
	}
	assert_int_equal(c.count, 8);
	dns_cache_close(&c);
}

static void test_put_again(void **state)
{
	struct dns_question a = zone_question("Example.COM.", DNS_A);
	struct dns_question b = zone_question("example.com", DNS_AAAA);
	struct dns_cache c;
	struct dns_set set;

	(void)state;
	assert_int_equal(dns_cache_open(&c, 4, &g_key), 0);
	g_answer = (struct dns_answer){ .result = DNS_FOUND, .ttl_s = 60, .count = 3 };
	dns_cache_put(&c, &a, &g_answer, NS_PER_S);
	assert_false(dns_cache_find(&c, &b, NS_PER_S, &set)); /* of another type */
	g_answer.count = 1;
	dns_cache_put(&c, &a, &g_answer, NS_PER_S);
	assert_true(dns_cache_find(&c, &a, NS_PER_S, &set));
	assert_int_equal(set.count, 1);
	dns_cache_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_put_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
