/* SPDX-License-Identifier: Apache-2.0 */
/* When bells ring: days and times as text. */
#include "tests/unit/test.h"

#include "app/feature/page/page.h"

static const struct row {
	const char *text;
	unsigned weekday, minute;
	bool due;
	const char *wrong;
} g_rows[] = {
	{ "mon-fri 07:45 08:30; sat 09:00", 1, 465, true, NULL },
	{ "mon-fri 07:45 08:30; sat 09:00", 5, 510, true, NULL },
	{ "mon-fri 07:45 08:30; sat 09:00", 6, 465, false, NULL },
	{ "mon-fri 07:45 08:30; sat 09:00", 6, 540, true, NULL },
	{ "mon-fri 07:45 08:30; sat 09:00", 0, 540, false, NULL },
	{ "mon,wed,sat-sun 00:00", 0, 0, true, NULL },
	{ "fri-mon  23:59", 6, 1439, true, NULL },
	{ "fri-mon 23:59", 2, 1439, false, NULL },
	{ "tue 12:00 12:01", 2, 721, true, NULL },
	{ "", 0, 0, false, NULL },
	{ "mon", 1, 0, false, "it has no time" },
	{ "mon ", 1, 0, false, "it has no time" },
	{ "mon 7:45", 1, 465, false, "times are HH:MM" },
	{ "mon 24:00", 1, 0, false, "times are HH:MM" },
	{ "mon 12:60", 1, 0, false, "times are HH:MM" },
	{ "mon-fry 12:00", 1, 0, false, "days are mon, mon-fri or mon,wed,fri, and times follow" },
	{ "12:00", 1, 0, false, "days are mon, mon-fri or mon,wed,fri, and times follow" },
	{ "mon 12:00; ; tue 12:00", 1, 0, false,
	  "days are mon, mon-fri or mon,wed,fri, and times follow" },
};

static void test_when(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_rows); i++) {
		const struct row *row = &g_rows[i];
		struct bytes where = { 0 };
		bool due = false;
		const char *wrong = bell_when_look(bytes_str(row->text), row->weekday, row->minute,
						   &due, &where);

		assert_string_equal(wrong ? wrong : "", row->wrong ? row->wrong : "");
		if (!wrong)
			assert_int_equal(due, row->due);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_when) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
