/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/rand.h"
#include "sig/host/hours.h"

static struct hours g_hours;

static struct zone *zone_named(const char *name)
{
	struct zone *z;

	assert_int_equal(zone_load(&z, name), 0);
	return z;
}

static const char *hours_begin(const char *week, const char *holidays)
{
	struct bytes where;
	const char *wrong = hours_week_parse(&g_hours, bytes_str(week), &where);

	return wrong ? wrong : hours_holidays_parse(&g_hours, bytes_str(holidays), &where);
}

static int64_t local_of(const char *text)
{
	int64_t local;

	assert_int_equal(hours_time_parse(&local, bytes_str(text), 0), 0);
	return local;
}

static int64_t utc_of(const struct zone *z, const char *local)
{
	return zone_utc_s(z, local_of(local));
}

static void a_week(void **state)
{
	static const struct {
		const char *at;
		bool open;
		const char *next;
	} rows[] = {
		{ "2026-11-23 07:59", false, "2026-11-23 08:00" }, /* Monday */
		{ "2026-11-23 08:00", true, "2026-11-23 12:30" },
		{ "2026-11-23 12:30", false, "2026-11-23 13:30" },
		{ "2026-11-23 17:59", true, "2026-11-23 18:00" },
		{ "2026-11-28 01:59", false, "2026-11-28 22:00" }, /* Saturday, over midnight */
		{ "2026-11-28 23:00", true, "2026-11-29 02:00" },
		{ "2026-11-29 01:59", true, "2026-11-29 02:00" },
		{ "2026-11-29 02:00", false, "2026-11-30 08:00" },
	}, *row;
	struct zone *z = zone_named("Europe/Berlin");

	(void)state;
	assert_null(hours_begin("mon-fri 08:00-12:30 13:30-18:00; Sat 22:00-02:00", ""));
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->at, hours_at(&g_hours, z, utc_of(z, row->at)).open == row->open);
		ROW_ASSERT(row->at,
			   hours_next(&g_hours, z, utc_of(z, row->at)) == utc_of(z, row->next));
	}
	free(z);
}

static void always_and_never(void **state)
{
	struct zone *z = zone_named("Asia/Tokyo");
	int64_t at = utc_of(z, "2026-03-01 00:00");

	(void)state;
	assert_null(hours_begin("mon-sun 00:00-24:00", ""));
	assert_true(hours_at(&g_hours, z, at).open && !hours_next(&g_hours, z, at));
	assert_null(hours_begin("mon-sun 00:00-24:00", "2026-03-05 closed Moving house"));
	assert_int_equal(hours_next(&g_hours, z, at), utc_of(z, "2026-03-05 00:00"));
	assert_null(hours_begin("", ""));
	assert_true(!hours_at(&g_hours, z, at).open && !hours_next(&g_hours, z, at));
	free(z);
}

/* Days on which each rule has its holiday, and the days beside them. */
static void rules(void **state)
{
	static const struct {
		const char *rule, *day;
	} rows[] = {
		{ "2026-12-24", "2026-12-24" },	   { "12-25", "2031-12-25" },
		{ "02-29", "2028-02-29" },	   { "easter", "2024-03-31" },
		{ "easter", "2025-04-20" },	   { "easter", "2026-04-05" },
		{ "easter", "2027-03-28" },	   { "easter", "2038-04-25" },
		{ "easter", "2285-03-22" },	   { "easter-2", "2026-04-03" },
		{ "Easter+50", "2026-05-25" },	   { "easter-100", "2026-12-18" },
		{ "orthodox", "2024-05-05" },	   { "orthodox", "2025-04-20" },
		{ "orthodox", "2026-04-12" },	   { "orthodox+1", "2027-05-03" },
		{ "4th thu nov", "2026-11-26" },   { "4th thu nov+1", "2026-11-27" },
		{ "last mon may", "2026-05-25" },  { "1st mon sep", "2026-09-07" },
		{ "5th sun may", "2026-05-31" },   { "last thu dec+3", "2027-01-03" },
		{ "wed before 11-23", "2026-11-18" }, { "wed before 11-25", "2026-11-18" },
		{ "sat after 06-19", "2026-06-20" }, { "sun before 01-03", "2025-12-28" },
		{ "sun after 12-28", "2027-01-03" },
	}, *row;
	char text[64];

	(void)state;
	EACH_ROW(row, rows)
	{
		int64_t day = civil_day(local_of(strcat(strcpy(text, row->day), " 00:00")));

		(void)snprintf(text, sizeof(text), "%s closed Rest", row->rule);
		ROW_ASSERT(row->rule, !hours_begin("", text));
		ROW_ASSERT(row->rule, hours_holiday_of(&g_hours, day));
		ROW_ASSERT(row->rule, !hours_holiday_of(&g_hours, day - 1));
		ROW_ASSERT(row->rule, !hours_holiday_of(&g_hours, day + 1));
		ROW_ASSERT(row->rule, !strcmp(g_hours.holidays[0].label, "Rest"));
	}
	assert_null(hours_begin("", "5th fri feb closed"));
	for (int64_t day = 18262; day < 18262 + 366 * 5; day++) /* 2020 on */
		assert_null(hours_holiday_of(&g_hours, day));
}

static void ranges(void **state)
{
	(void)state;
	assert_null(hours_begin("", "12-27..01-02 closed; 2026-06-01..2026-06-14 closed"));
	assert_null(hours_holiday_of(&g_hours, civil_days((struct civil){ 2030, 12, 26 })));
	assert_non_null(hours_holiday_of(&g_hours, civil_days((struct civil){ 2030, 12, 27 })));
	assert_non_null(hours_holiday_of(&g_hours, civil_days((struct civil){ 2031, 1, 2 })));
	assert_null(hours_holiday_of(&g_hours, civil_days((struct civil){ 2031, 1, 3 })));
	assert_non_null(hours_holiday_of(&g_hours, civil_days((struct civil){ 2026, 6, 14 })));
	assert_null(hours_holiday_of(&g_hours, civil_days((struct civil){ 2027, 6, 14 })));
}

/* The first one counts, with its own times; what began on the day before goes on. */
static void a_holiday_has_its_times(void **state)
{
	struct zone *z = zone_named("Europe/Berlin");
	struct hours_state s;

	(void)state;
	assert_null(hours_begin("mon-sun 09:00-17:00 22:00-02:00",
				"2026-12-24 09:00-12:00 2nd round; 12-24..12-25 closed Christmas"));
	s = hours_at(&g_hours, z, utc_of(z, "2026-12-24 01:00"));
	assert_true(s.open && !s.label[0]);
	s = hours_at(&g_hours, z, utc_of(z, "2026-12-24 11:00"));
	assert_true(s.open && !strcmp(s.label, "2nd round"));
	s = hours_at(&g_hours, z, utc_of(z, "2026-12-24 12:00"));
	assert_true(!s.open && !strcmp(s.label, "2nd round"));
	s = hours_at(&g_hours, z, utc_of(z, "2026-12-25 12:00"));
	assert_true(!s.open && !strcmp(s.label, "Christmas"));
	assert_int_equal(hours_next(&g_hours, z, utc_of(z, "2026-12-24 12:00")),
			 utc_of(z, "2026-12-26 09:00"));
	free(z);
}

/* From when to when it is open on that day, of UTC. */
static void opens(const char *zone, const char *times, const char *utc_from, const char *utc_to)
{
	struct zone *z = zone_named(zone);
	int64_t from = local_of(utc_from), to = local_of(utc_to);
	char week[64];

	(void)snprintf(week, sizeof(week), "sun %s", times);
	assert_null(hours_begin(week, ""));
	ROW_ASSERT(zone, !hours_at(&g_hours, z, from - 1).open);
	ROW_ASSERT(zone, hours_at(&g_hours, z, from).open);
	ROW_ASSERT(zone, hours_at(&g_hours, z, to - 1).open);
	ROW_ASSERT(zone, !hours_at(&g_hours, z, to).open);
	ROW_ASSERT(zone, hours_next(&g_hours, z, from - 1) == from);
	ROW_ASSERT(zone, hours_next(&g_hours, z, from) == to);
	free(z);
}

static void gaps_and_folds(void **state)
{
	(void)state;
	/* the gap: from 02:00 to 03:00, and in Santiago from 00:00 to 01:00 */
	opens("Europe/Berlin", "01:00-04:00", "2026-03-29 00:00", "2026-03-29 02:00");
	opens("Europe/Berlin", "02:00-02:30", "2026-03-29 01:00", "2026-03-29 01:30");
	opens("Australia/Sydney", "02:30-05:00", "2026-10-03 16:30", "2026-10-03 18:00");
	opens("America/Santiago", "00:00-24:00", "2026-09-06 04:00", "2026-09-07 03:00");
	/* the fold: 03:00 becomes 02:00, and in Santiago 00:00 becomes 23:00 of Saturday */
	opens("Europe/Berlin", "01:00-04:00", "2026-10-24 23:00", "2026-10-25 03:00");
	opens("Europe/Berlin", "02:10-02:40", "2026-10-25 00:10", "2026-10-25 00:40");
	opens("Australia/Sydney", "02:30-05:00", "2026-04-04 15:30", "2026-04-04 19:00");
	opens("America/Santiago", "00:00-01:00", "2026-04-05 04:00", "2026-04-05 05:00");
	opens("America/New_York", "22:00-02:00", "2026-11-02 03:00", "2026-11-02 07:00");
	opens("Australia/Lord_Howe", "01:45-02:15", "2026-04-04 14:45", "2026-04-04 15:45");
}

/* By minutes, one after the other. */
static void next_is_the_next(void **state)
{
	static const char *const zones[] = { "Europe/Berlin", "America/Santiago", "Asia/Gaza",
					     "Australia/Lord_Howe", "Pacific/Apia" };
	struct rand_source rand;

	(void)state;
	rand_open_seed(&rand, 46);
	for (int round = 0; round < 60; round++) {
		struct zone *z = zone_named(zones[round % COUNT_OF(zones)]);
		int64_t at = 1767225600 + (int64_t)rand_below(&rand, 86400 * 365 * 4) / 60 * 60;
		char week[128];
		bool open;
		int64_t next;

		(void)snprintf(week, sizeof(week),
			       "mon-thu %02u:%02u-%02u:%02u; fri,sun 00:00-24:00",
			       rand_below(&rand, 24), rand_below(&rand, 30), rand_below(&rand, 24),
			       30 + rand_below(&rand, 30));
		assert_null(hours_begin(week, "last sun mar 02:15-02:45; 1st sun apr closed"));
		open = hours_at(&g_hours, z, at).open;
		for (next = at; hours_at(&g_hours, z, next).open == open; next += 60)
			;
		if (hours_next(&g_hours, z, at) != next)
			fail_msg("%s %s %lld: %lld and not %lld", zones[round % COUNT_OF(zones)],
				 week, (long long)at, (long long)hours_next(&g_hours, z, at),
				 (long long)next);
		free(z);
	}
}

static void by_hand(void **state)
{
	struct zone *z = zone_named("Europe/Berlin");
	int64_t noon = utc_of(z, "2026-11-23 12:00"), night = utc_of(z, "2026-11-23 20:00");

	(void)state;
	assert_null(hours_begin("mon-fri 08:00-18:00", "11-23 08:00-18:00 Fair"));
	g_hours.override = HOURS_CLOSED;
	g_hours.until_local_s = local_of("2026-11-23 14:00");
	assert_true(!hours_at(&g_hours, z, noon).open && hours_at(&g_hours, z, noon).overridden);
	assert_string_equal(hours_at(&g_hours, z, noon).label, "");
	assert_int_equal(hours_next(&g_hours, z, noon), noon + 2 * 3600);
	assert_true(hours_at(&g_hours, z, noon + 2 * 3600).open);
	g_hours.until_local_s = local_of("2026-11-23 19:00"); /* it is closed by then anyhow */
	assert_int_equal(hours_next(&g_hours, z, noon), utc_of(z, "2026-11-24 08:00"));
	assert_false(hours_at(&g_hours, z, night).overridden);
	g_hours.override = HOURS_OPEN;
	g_hours.until_local_s = 0;
	assert_true(hours_at(&g_hours, z, night).open && !hours_next(&g_hours, z, night));
	g_hours.override = HOURS_BY_PLAN;
	free(z);
}

static void refused(void **state)
{
	static const char *const weeks[] = {
		"mon",
		"mon 8:00-12:00",
		"mon 08:00-08:00",
		"mon 08:00-24:01",
		"mo 08:00-12:00",
		"mon 08:00-12:00 12:00",
		"mon,mon closed",
		"mon-fri closed; wed closed",
		"; mon closed",
		"mon 24:00-02:00",
		"mon 08:00-12:00 11:00-13:00",
		"mon 22:00-02:00 23:00-23:30",
		"mon closed lunch",
	};
	static const char *const holidays[] = {
		"2026-02-29 closed",
		"13-01 closed",
		"easter",
		"easter-181 closed",
		"easter- closed",
		"6th mon may closed",
		"4th may closed",
		"mon near 11-23 closed",
		"12-25 Christmas",
		"2026-12-24..2026-12-23 closed",
		"2026-12-24..12-25 closed",
		"12-25 25:00-26:00 x",
		"wed before 2026-11-23 closed",
		"passover closed",
		"1969-01-01 closed",
		"12-25 closed A label that is far too long to be shown by any telephone",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(weeks); i++)
		ROW_ASSERT(weeks[i], hours_begin(weeks[i], ""));
	for (size_t i = 0; i < COUNT_OF(holidays); i++)
		ROW_ASSERT(holidays[i], hours_begin("", holidays[i]));
}

static void names_the_entry(void **state)
{
	struct bytes where;

	(void)state;
	assert_non_null(
		hours_week_parse(&g_hours, BYTES_LIT("mon closed; tue shut; wed closed"), &where));
	assert_true(bytes_is(where, " tue shut"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_week),
		cmocka_unit_test(always_and_never),
		cmocka_unit_test(rules),
		cmocka_unit_test(ranges),
		cmocka_unit_test(a_holiday_has_its_times),
		cmocka_unit_test(gaps_and_folds),
		cmocka_unit_test(next_is_the_next),
		cmocka_unit_test(by_hand),
		cmocka_unit_test(refused),
		cmocka_unit_test(names_the_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
