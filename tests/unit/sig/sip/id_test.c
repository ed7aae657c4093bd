/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "sig/sip/id.h"

static void test_call_layout(void **state)
{
	struct id_source s = { .shard = 0xabcd };
	uint64_t id;

	(void)state;
	id = id_call_next(&s, 0x12345678);
	assert_int_equal(id, UINT64_C(0xabcd) << 48 | UINT64_C(0x12345678) << 7);
	assert_int_equal(id_shard(id), 0xabcd);
	assert_int_equal(id & BIT64(47), 0); /* made here */
}

/* 40 bits of ms: the upper ones are cut and never reach the derived bit or the shard. */
static void test_call_far_future(void **state)
{
	struct id_source s = { .shard = 1 };
	uint64_t id = id_call_next(&s, UINT64_MAX - 1);

	(void)state;
	assert_int_equal(id_shard(id), 1);
	assert_int_equal(id & BIT64(47), 0);
}

/* Rising and unique, whatever the wall clock does. */
static void test_call_order(void **state)
{
	static const struct {
		const char *name;
		uint64_t utc_ms;
		unsigned count;
		uint64_t last_ms; /* of the source afterwards */
	} rows[] = {
		{ "first", 1000, 1, 1000 },
		{ "rest of the ms", 1000, 127, 1000 },
		{ "borrows the next", 1000, 1, 1001 },
		{ "the next is there", 1001, 127, 1001 },
		{ "clock goes back", 500, 1, 1002 },
		{ "and stays back", 501, 300, 1004 },
		{ "clock catches up", 2000, 1, 2000 },
	}, *row;
	struct id_source s = { .shard = 7 };
	uint64_t before = 0;

	(void)state;
	EACH_ROW(row, rows)
	{
		for (unsigned i = 0; i < row->count; i++) {
			uint64_t id = id_call_next(&s, row->utc_ms);

			ROW_ASSERT(row->name, id > before);
			before = id;
		}
		ROW_ASSERT(row->name, s.last_ms == row->last_ms);
	}
}

static void test_call_text(void **state)
{
	char text[ID_TEXT_LEN];
	uint64_t back;

	(void)state;
	id_call_put(text, UINT64_C(0xfedcba9876543210));
	assert_memory_equal(text, "ftn5qj1r58cgg", ID_TEXT_LEN);
	assert_int_equal(id_call_get(bytes_mem(text, sizeof(text)), &back), 0);
	assert_int_equal(back, UINT64_C(0xfedcba9876543210));
	assert_int_equal(id_call_get(BYTES_LIT("ftn5qj1r58cg"), &back), -EINVAL);
}

static void test_tag(void **state)
{
	struct id_tag tag = { .call = 0x1234, .random = UINT64_MAX, .leg = 1 };
	char text[ID_TAG_LEN];
	struct id_tag back;

	(void)state;
	id_tag_put(text, &tag);
	assert_memory_equal(text, "00000000004hk.1.fvvvvvvvvvvvv", ID_TAG_LEN);
	assert_int_equal(id_tag_get(bytes_mem(text, sizeof(text)), &back), 0);
	assert_int_equal(back.call, tag.call);
	assert_int_equal(back.random, tag.random);
	assert_int_equal(back.leg, 1);
}

static void test_branch(void **state)
{
	struct id_tag tag = { .call = 1, .random = 2, .leg = ID_LEG_NONE };
	char text[ID_BRANCH_LEN];
	struct id_tag back;

	(void)state;
	id_branch_put(text, &tag);
	assert_memory_equal(text, "z9hG4bK0000000000001.v.0000000000002", ID_BRANCH_LEN);
	assert_int_equal(id_branch_get(bytes_mem(text, sizeof(text)), &back), 0);
	assert_int_equal(back.call, 1);
	assert_int_equal(back.leg, ID_LEG_NONE);
}

static void test_tags_of_others(void **state)
{
	static const struct {
		const char *name;
		const char *text;
	} rows[] = {
		{ "empty", "" },
		{ "short", "0000000000001.1.000000000000" },
		{ "long", "0000000000001.1.00000000000000" },
		{ "no first dot", "0000000000001x1.0000000000000" },
		{ "no second dot", "0000000000001.1x0000000000000" },
		{ "leg is no digit", "0000000000001.w.0000000000000" },
		{ "digit out of base 32", "000000000000w.1.0000000000000" },
		{ "more than 64 bits", "g000000000000.1.0000000000000" },
		{ "more than 64 random bits", "0000000000000.1.g000000000000" },
		{ "a branch", "z9hG4bK0000000000001.9.0000000000002" },
	}, *row;
	struct id_tag tag;

	(void)state;
	EACH_ROW(row, rows)
	{
		tag = (struct id_tag){ .leg = 5 };
		ROW_ASSERT(row->name, id_tag_get(bytes_str(row->text), &tag) == -EINVAL);
		ROW_ASSERT(row->name, tag.leg == 5);
	}
	assert_int_equal(id_branch_get(BYTES_LIT("Z9hG4bK0000000000001.9.0000000000002"), &tag),
			 -EINVAL);
	assert_int_equal(id_branch_get(BYTES_LIT("0000000000001.9.0000000000002"), &tag), -EINVAL);
}

static void test_derived(void **state)
{
	struct id_source s = { .shard = 7 };
	uint64_t id = id_call_derive(7, BYTES_LIT("default/c1"));

	(void)state;
	assert_true(id == 0x7b88d8fc51577ULL); /* in records, so it never changes */
	assert_true(id != id_call_derive(7, BYTES_LIT("default/c2")));
	assert_int_equal(id_shard(id), 7);
	assert_int_equal(id_shard(id_call_derive(8, BYTES_LIT("default/c1"))), 8);
	assert_true(id & BIT64(47));
	assert_false(id_call_next(&s, 1800000000000) & BIT64(47));
}

static void test_time(void **state)
{
	static const uint64_t bits = UINT64_C(1) << 40, now = UINT64_C(1795735597061);
	/* in the past and a little ahead, and where the bits of now begin anew */
	static const uint64_t times[][2] = {
		{ now, now },       { now - 1000, now }, { now + 1000, now },
		{ bits - 1, bits }, { bits, bits + 5 },  { 2 * bits - 1, 2 * bits + 86400000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		struct id_source s = { .shard = 65535 };

		assert_int_equal(id_utc_ms(id_call_next(&s, times[i][0]), times[i][1]),
				 times[i][0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_layout), cmocka_unit_test(test_call_far_future),
		cmocka_unit_test(test_call_order),  cmocka_unit_test(test_call_text),
		cmocka_unit_test(test_derived),     cmocka_unit_test(test_tag),
		cmocka_unit_test(test_branch),      cmocka_unit_test(test_tags_of_others),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
