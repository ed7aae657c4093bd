/* SPDX-License-Identifier: Apache-2.0 */
/* What a party is called that goes to a conference of another shard. */
#include "sig/pbx/conference.h"

#include "tests/unit/test.h"

static void written_and_read(void **state)
{
	const struct member_name names[] = {
		{ .room = UINT64_C(0x7000000001234) },
		{ .room = UINT64_C(0xffff00000000ffff), .host = true, .gain_db = -15 },
		{ .room = 1, .muted = true, .held = true, .gain_db = 15 },
		{ .room = 1, .deaf = true, .gain_db = -6 },
		{ .room = 1, .beeps = true, .held = true, .host = true },
		{ .room = UINT64_C(0xffff00000000ffff), .beeps = true, .most = UINT16_MAX },
		{ .room = 1, .most = 1 },
	};
	char text[MEMBER_NAME_MAX];
	struct member_name read;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		member_name_put(text, &names[i]);
		assert_true(member_name_get(bytes_str(text), &read));
		assert_int_equal(read.room, names[i].room);
		assert_int_equal(read.host, names[i].host);
		assert_int_equal(read.muted, names[i].muted);
		assert_int_equal(read.deaf, names[i].deaf);
		assert_int_equal(read.held, names[i].held);
		assert_int_equal(read.beeps, names[i].beeps);
		assert_int_equal(read.most, names[i].most);
		assert_int_equal(read.gain_db, names[i].gain_db);
	}
}

static void others(void **state)
{
	static const char *const texts[] = {
		"",
		"conference",
		"conference-",
		"room-700",
		"conference-000agvj5jqr42",
		"conference-000agvj5jqr42-0",
		"conference-000agvj5jqr42-0-",
		"conference-000agvj5jqr42-0-5",
		"conference-000agvj5jqr42-0-34",
		"conference-000agvj5jqr42-0-66",
		"conference-000agvj5jqr42-0-050",
		"conference-000agvj5jqr42-0-+5",
		"conference-000agvj5jqr42-g-50",
		"conference-000agvj5jqr42--50",
		"conference-000agvj5jqr4-0-50",
		"conference-000agvj5jqr42-20-50",
		"conference-000agvj5jqr42-1g-50",
		"conference-000agvj5jqr42-0-50-",
		"conference-000agvj5jqr42-0-50-0",
		"conference-000agvj5jqr42-0-50-65536",
		"conference-000agvj5jqr42-0-50-1-1",
	};
	struct member_name read;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_false(member_name_get(bytes_str(texts[i]), &read));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read),
		cmocka_unit_test(others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
