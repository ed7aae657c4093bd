/* SPDX-License-Identifier: Apache-2.0 */
/* Presence of an extension, and the greeting that goes with it (FEATURES VM-09). */
#include "tests/unit/test.h"

#include "app/schema/extension.h"

static void what_is_good(void **state)
{
	static const struct {
		const char *list;
		bool good;
	} rows[] = {
		{ "", true },
		{ "away=x.wav", true },
		{ "away=x.wav,lunch=prompt:closed,default=recording:000agvj5jqr40-1", true },
		{ "away=x.wav,", false },
		{ ",away=x.wav", false },
		{ "away", false },
		{ "away=", false },
		{ "=x.wav", false },
		{ "away=.x.wav", false },
		{ "away=../x.wav", false },
		{ "away=echo/", false },
		{ "away=x,away=y", false },
		{ "away=x,busy=y,away=z", false },
		{ "away=recording:000agvj5jqr40", false },
		{ "away=recording:../../x-1", false },
		{ "away=prompt:", false },
		{ "away=digits:123", false },
		{ "a way=x", false },
		{ "a-state-with-a-name-of-32-letters=x", false },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->list, !greetings_wrong(row->list) == row->good);
	}
	assert_null(presence_wrong(""));
	assert_null(presence_wrong("lunch"));
	assert_non_null(presence_wrong("lunch,away"));
	assert_non_null(presence_wrong(".x"));
	assert_non_null(presence_wrong("a-state-with-a-name-of-32-letter"));
	assert_null(presence_wrong("do_not_disturb"));
}

static void which_is_heard(void **state)
{
	static const struct {
		const char *list, *presence, *want;
	} rows[] = {
		{ "away=a.wav,available=b.wav", "away", "a.wav" },
		{ "away=a.wav,available=b.wav", "", "b.wav" },
		{ "away=a.wav,default=b.wav", "lunch", "b.wav" },
		{ "away=a.wav,default=b.wav", "busy", "b.wav" },
		{ "away=a.wav", "lunch", "prompt:greeting-unavailable" },
		{ "", "", "prompt:greeting-unavailable" },
		{ "", "do_not_disturb", "prompt:greeting-busy" },
		{ "", "in_a_meeting", "prompt:greeting-busy" },
		{ "lunch=a.wav", "out_of_office", "prompt:greeting-away" },
		{ "", "off_work", "prompt:greeting-away" },
		{ "away=a.wav", "awa", "prompt:greeting-unavailable" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char got[GREETING_FILE_MAX];

		greeting_of(row->list, row->presence, got);
		if (strcmp(got, row->want) != 0)
			fail_msg("%s %s: %s, not %s", row->list, row->presence, got, row->want);
	}
}

static void one_is_set(void **state)
{
	char list[GREETINGS_MAX] = "", next[GREETINGS_MAX], name[] = "s0";

	(void)state;
	assert_true(greeting_set("", "away", BYTES_LIT("a.wav"), list));
	assert_string_equal(list, "away=a.wav");
	assert_true(greeting_set(list, "busy", BYTES_LIT("b.wav"), next));
	assert_string_equal(next, "away=a.wav,busy=b.wav");
	assert_true(greeting_set(next, "away", BYTES_LIT("c.wav"), list));
	assert_string_equal(list, "busy=b.wav,away=c.wav");
	assert_true(greeting_set(list, "busy", (struct bytes){ 0 }, next));
	assert_string_equal(next, "away=c.wav");
	list[0] = '\0';
	for (char i = '0'; i < '9'; i++) { /* all that fits stays good */
		name[1] = i;
		if (!greeting_set(list, name,
				  BYTES_LIT("a-name-of-a-file-as-long-as-it-may-be-in-here.wav"),
				  next))
			break;
		memcpy(list, next, sizeof(list));
		assert_null(greetings_wrong(list));
	}
	assert_int_equal(name[1], '7');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_good),
		cmocka_unit_test(which_is_heard),
		cmocka_unit_test(one_is_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
