/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/lookup/lookup.h"
#include "tests/unit/test.h"

static void order_of(const struct dns_set *set, uint64_t seed, char *out)
{
	uint8_t order[DNS_RECORDS_MAX];
	struct rand_source rand;

	rand_open_seed(&rand, seed);
	order_srv(set, &rand, order);
	for (uint32_t i = 0; i < set->count; i++)
		out[i] = (char)('a' + order[i]);
	out[set->count] = '\0';
}

/* Priorities hold in each draw, and every record is there once. */
static void test_priority(void **state)
{
	static const struct dns_record records[] = {
		{ .priority = 20 },
		{ .priority = 10, .weight = 1 },
		{ .priority = 10 },
		{ .priority = 0 },
	};
	const struct dns_set set = { .count = COUNT_OF(records), .records = records };
	bool one = false, other = false;
	char text[8];

	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		order_of(&set, seed, text);
		one |= strcmp(text, "dbca") == 0;
		other |= strcmp(text, "dcba") == 0;
		assert_true(!strcmp(text, "dbca") || !strcmp(text, "dcba"));
	}
	assert_true(one && other);
}

/* RFC 2782: the larger weight has proportionately more calls; one of weight 0 beside others next to none. */
static void test_weight(void **state)
{
	static const struct dns_record records[] = {
		{ .weight = 0 },
		{ .weight = 10 },
		{ .weight = 30 },
		{ .weight = 60 },
	};
	const struct dns_set set = { .count = COUNT_OF(records), .records = records };
	unsigned first[4] = { 0 };
	char text[8];

	(void)state;
	for (uint64_t seed = 1; seed <= 10000; seed++) {
		order_of(&set, seed, text);
		first[text[0] - 'a']++;
	}
	assert_in_range(first[0], 50, 150); /* one of 101 */
	assert_in_range(first[1], 850, 1150);
	assert_in_range(first[2], 2750, 3200);
	assert_in_range(first[3], 5700, 6150);
}

static void test_same_seed(void **state)
{
	static const struct dns_record records[DNS_RECORDS_MAX] = { { .weight = 1 },
								    { .weight = 9 } };
	const struct dns_set set = { .count = DNS_RECORDS_MAX, .records = records };
	char one[DNS_RECORDS_MAX + 1], other[DNS_RECORDS_MAX + 1];

	(void)state;
	order_of(&set, 7, one);
	order_of(&set, 7, other);
	assert_string_equal(one, other);
}

static void test_naptr(void **state)
{
	static const struct dns_record records[] = {
		{ .priority = 20, .weight = 1, .service = NAPTR_SIP_UDP },
		{ .priority = 10, .weight = 9, .service = NAPTR_SIP_TCP },
		{ .priority = 10, .weight = 5, .service = NAPTR_SIPS_TCP },
		{ .priority = 5, .weight = 1, .service = NAPTR_SIPS_TCP },
	};
	static const struct {
		uint8_t wanted;
		const char *order;
	} rows[] = {
		{ 1 << NAPTR_SIP_UDP, "a" },
		{ 1 << NAPTR_SIP_TCP | 1 << NAPTR_SIP_UDP, "b" },
		{ 1 << NAPTR_SIPS_TCP, "d" },
		{ 7, "d" },
		{ 0, "" },
	};
	const struct dns_set set = { .count = COUNT_OF(records), .records = records };
	const struct dns_set behind = { .count = 3, .records = records };
	uint8_t order[DNS_RECORDS_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint32_t n = order_naptr(&set, rows[i].wanted, order);

		assert_int_equal(n, strlen(rows[i].order));
		for (uint32_t j = 0; j < n; j++)
			assert_int_equal('a' + order[j], rows[i].order[j]);
	}
	/* the same order: by preference */
	assert_int_equal(order_naptr(&behind, 7, order), 2);
	assert_int_equal(order[0], 2);
	assert_int_equal(order[1], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_weight),
		cmocka_unit_test(test_same_seed),
		cmocka_unit_test(test_naptr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
