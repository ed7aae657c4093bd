/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of slots, as a tenant's document says them (PARK-01, PARK-04). */
#include "sig/host/tenant.h"
#include "tests/unit/test.h"

#define GROUPS BYTES_LIT("sales=10-19,support=200-249,one=7-7")

static void which_are_none(void **state)
{
	static const struct row {
		const char *text, *why;
	} rows[] = {
		{ "", NULL },
		{ "a=1-2", NULL },
		{ "a=10-19,b=20-29", NULL },
		{ "a=10-19,b=010-019", NULL }, /* other digits, other slots */
		{ "a=10-19,", "behind a ','" },
		{ ",a=10-19", "NAME=FIRST-LAST" },
		{ "a", "NAME=FIRST-LAST" },
		{ "a=10", "NAME=FIRST-LAST" },
		{ "=10-19", "NAME=FIRST-LAST" },
		{ "a=10-9", "NAME=FIRST-LAST" },
		{ "a=19-10", "NAME=FIRST-LAST" },
		{ "a=1x-19", "NAME=FIRST-LAST" },
		{ "a=10-19-20", "NAME=FIRST-LAST" },
		{ "a=000000001-000000002", "NAME=FIRST-LAST" },
		{ "a b=1-2", "NAME=FIRST-LAST" },
		{ "a=10-19,a=20-29", "twice" },
		{ "a=10-19,b=19-29", "two groups" },
		{ "a=10-19,b=00-99", "two groups" },
		{ "a=10-19,b=12-13", "two groups" },
		{ "a=1-1,b=2-2,c=3-3,d=4-4,e=5-5,f=6-6,g=7-7,h=8-8,i=9-9,j=10-10,k=11-11,l=12-12,"
		  "m=13-13,n=14-14,o=15-15,p=16-16",
		  NULL },
		{ "a=1-1,b=2-2,c=3-3,d=4-4,e=5-5,f=6-6,g=7-7,h=8-8,i=9-9,j=10-10,k=11-11,l=12-12,"
		  "m=13-13,n=14-14,o=15-15,p=16-16,q=17-17",
		  "at most 16" },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		const char *why = park_groups_wrong(bytes_str(row->text));

		ROW_ASSERT(row->text, row->why ? why && strstr(why, row->why) : !why);
	}
}

static void of_a_slot(void **state)
{
	static const struct row {
		const char *slot, *group;
	} rows[] = {
		{ "10", "sales" },    { "19", "sales" }, { "20", NULL }, { "9", NULL },
		{ "200", "support" }, { "015", NULL },   { "7", "one" }, { "07", NULL },
		{ "249", "support" }, { "250", NULL },   { "", NULL },
	};
	const struct row *row;
	struct park_group g;

	(void)state;
	EACH_ROW(row, rows)
	{
		bool found = park_group_of(GROUPS, bytes_str(row->slot), &g);

		ROW_ASSERT(row->slot, found == (row->group != NULL));
		ROW_ASSERT(row->slot, !found || bytes_is(g.name, row->group));
	}
}

static void by_name(void **state)
{
	struct park_group g;

	(void)state;
	assert_true(park_group_find(GROUPS, BYTES_LIT("support"), &g));
	assert_true(bytes_is(g.first, "200") && bytes_is(g.last, "249"));
	assert_true(park_group_find(GROUPS, BYTES_LIT(""), &g));
	assert_true(bytes_is(g.name, "sales"));
	assert_false(park_group_find(GROUPS, BYTES_LIT("sale"), &g));
	assert_false(park_group_find(BYTES_LIT(""), BYTES_LIT(""), &g));
}

static void the_next_slot(void **state)
{
	char slot[] = "089", last[] = "99";

	(void)state;
	assert_true(park_slot_next(slot));
	assert_string_equal(slot, "090");
	assert_true(park_slot_next(slot));
	assert_string_equal(slot, "091");
	assert_false(park_slot_next(last));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_are_none),
		cmocka_unit_test(of_a_slot),
		cmocka_unit_test(by_name),
		cmocka_unit_test(the_next_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
