/* SPDX-License-Identifier: Apache-2.0 */
#include "app/ctl/ctl_tar.h"

#include "app/ctl/ctl.h"
#include "tests/unit/test.h"

/* Of the program; no head says anything there. */
void ctl_complain(const char *fmt, ...)
{
	fail_msg("%s", fmt);
}

#define TEN  "0123456789"
#define DATE TEN TEN TEN TEN TEN

static const struct {
	const char *name;
	bool fits;
} NAMES[] = {
	{ "backup.json", true },
	{ "recordings/default/2026-11-25/000agvj5jqr40-1.1.wav.aes128gcm.json", true },
	{ "recordings/" TEN TEN TEN "/" TEN "/" DATE TEN TEN ".json", true }, /* in two fields */
	{ "a/" DATE DATE TEN, false },                                        /* in none */
	{ "", false },
	{ "/etc/passwd", false },
	{ "a//b", false },
	{ "a/", false },
	{ "a/../b", false },
	{ ".ssh/keys", false },
	{ "a b", false },
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
		struct tar_head h = { .size = 1 + i, .utc_s = 1795000000 }, got = { 0 };
		uint8_t block[TAR_BLOCK];

		(void)snprintf(h.name, sizeof(h.name), "%s", NAMES[i].name);
		print_message("# %s\n", NAMES[i].name);
		assert_int_equal(tar_head_write(block, &h), NAMES[i].fits);
		if (!NAMES[i].fits)
			continue;
		assert_null(tar_head_parse(&got, block));
		assert_string_equal(got.name, h.name);
		assert_int_equal(got.size, h.size);
		assert_int_equal(got.utc_s, h.utc_s);
	}
}

/* Each octet of a head counts. */
static void test_damaged(void **state)
{
	struct tar_head h = { .name = "documents.jsonl", .size = 4711 }, got;
	uint8_t block[TAR_BLOCK];

	(void)state;
	assert_true(tar_head_write(block, &h));
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		block[i] ^= 1;
		got = (struct tar_head){ .name = "before" };
		if (i < 154 || i > 155) { /* what ends the checksum */
			assert_non_null(tar_head_parse(&got, block));
			assert_string_equal(got.name, "before");
		}
		block[i] ^= 1;
	}
	assert_null(tar_head_parse(&got, block));
	h.size = 1ULL << 33;
	assert_false(tar_head_write(block, &h));
}

static void test_end(void **state)
{
	static const uint8_t zero[TAR_BLOCK];
	struct tar_head got = { .name = "before", .size = 1 };

	(void)state;
	assert_null(tar_head_parse(&got, zero));
	assert_string_equal(got.name, "");
	assert_int_equal(tar_padding(0), 0);
	assert_int_equal(tar_padding(1), TAR_BLOCK - 1);
	assert_int_equal(tar_padding(TAR_BLOCK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
