/* SPDX-License-Identifier: Apache-2.0 */
/* Names for authentication that say a location (REG-32). */
#include "sig/sip/uri.h"
#include "tests/unit/test.h"

static void split(void **state)
{
	static const struct {
		const char *user, *extension;
		uint16_t location;
	} rows[] = {
		{ "286xatgnemx2", "286", 2 },
		{ "286xatgnemx65535", "286", 65535 },
		{ "axatgnemxxatgnemx7", "axatgnemx", 7 },
		{ "1xatgnemx2xatgnemx3", "1xatgnemx2", 3 },
		{ "286", "286", 0 },
		{ "", "", 0 },
		{ "286xatgnemx", "286xatgnemx", 0 },
		{ "xatgnemx2", "xatgnemx2", 0 },
		{ "286xatgnemx0", "286xatgnemx0", 0 },
		{ "286xatgnemx02", "286xatgnemx02", 0 },
		{ "286xatgnemx65536", "286xatgnemx65536", 0 },
		{ "286xatgnemx2a", "286xatgnemx2a", 0 },
		{ "286XATGNEMX2", "286XATGNEMX2", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes extension;
		uint16_t location = 9;
		bool says = located_user_split(bytes_str(rows[i].user), &extension, &location);

		ROW_ASSERT(rows[i].user, says == (rows[i].location != 0));
		ROW_ASSERT(rows[i].user, location == rows[i].location);
		ROW_ASSERT(rows[i].user, bytes_is(extension, rows[i].extension));
	}
}

static void written(void **state)
{
	uint8_t space[32];
	struct writer w = writer_over(space, sizeof(space));

	(void)state;
	located_user_write(&w, BYTES_LIT("286"), 2);
	assert_true(bytes_is(writer_done(&w), "286xatgnemx2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split),
		cmocka_unit_test(written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
