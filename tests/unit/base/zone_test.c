/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <time.h>

#include "base/rand.h"
#include "base/zone.h"

#define FOLDER "/usr/share/zoneinfo/"
#define T1990  INT64_C(631152000)
#define T2060  INT64_C(2840140800)
enum { INSTANTS = 300, NEAR_S = 3 * 3600 };

static struct rand_source g_rand;
static uint32_t g_zones, g_edges, g_gaps, g_folds;

/* By the oracle, of the zone in TZ. */
static int32_t libc_offset(int64_t utc_s)
{
	time_t t = (time_t)utc_s;
	struct tm tm;

	assert_non_null(localtime_r(&t, &tm));
	return (int32_t)tm.tm_gmtoff;
}

static void same_offset(const char *name, const struct zone *z, int64_t utc_s)
{
	int32_t ours = zone_offset_s(z, utc_s), theirs = libc_offset(utc_s);

	if (ours != theirs)
		fail_msg("%s at %lld: %d, and libc has %d", name, (long long)utc_s, ours, theirs);
}

/* What the wall shows near a change: the first time, or by the offset before the gap. */
static void local_times(const char *name, const struct zone *z, int64_t edge)
{
	int32_t before = libc_offset(edge - 1), after = libc_offset(edge);

	for (int i = 0; i < 8; i++) {
		int64_t local = edge + before - NEAR_S + (int64_t)rand_below(&g_rand, 2 * NEAR_S);
		int64_t want = local - before < edge || local - after < edge ? local - before
									     : local - after;

		if (zone_utc_s(z, local) != want)
			fail_msg("%s at local %lld: %lld and not %lld", name, (long long)local,
				 (long long)zone_utc_s(z, local), (long long)want);
		g_gaps += local - before >= edge && local - after < edge;
		g_folds += local - before < edge && local - after >= edge;
	}
}

/* The offset is another one at b than at a: on to the second where it changes first in what is left. */
static void edge_between(const char *name, const struct zone *z, int64_t a, int64_t b)
{
	while (b - a > 1) {
		int64_t mid = a + (b - a) / 2;

		if (libc_offset(mid) == libc_offset(a))
			a = mid;
		else
			b = mid;
	}
	same_offset(name, z, a);
	same_offset(name, z, b);
	local_times(name, z, b);
	g_edges++;
}

static void zone_by_libc(const char *name)
{
	int64_t last = T1990, step = (T2060 - T1990) / INSTANTS;
	struct zone *z;

	assert_int_equal(zone_load(&z, name), 0);
	assert_int_equal(setenv("TZ", name, 1), 0);
	tzset();
	for (int i = 0; i < INSTANTS; i++) {
		int64_t t = T1990 + i * step + (int64_t)rand_below(&g_rand, (uint32_t)step);

		same_offset(name, z, t);
		if (libc_offset(t) != libc_offset(last))
			edge_between(name, z, last, t);
		last = t;
	}
	free(z);
	g_zones++;
}

static int file_is_zone(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char magic[4] = { 0 };
	FILE *f = type == FTW_F ? fopen(path, "r") : NULL;

	(void)st;
	(void)ftw;
	if (f) {
		size_t n = fread(magic, 1, sizeof(magic), f);

		(void)fclose(f);
		if (n == 4 && !memcmp(magic, "TZif", 4) && !strstr(path, "/right/") &&
		    !strstr(path, "/localtime") && !strstr(path, "/posix"))
			zone_by_libc(path + strlen(FOLDER));
	}
	return 0;
}

static void all_zones_as_libc(void **state)
{
	(void)state;
	rand_open_seed(&g_rand, 46);
	assert_int_equal(nftw(FOLDER, file_is_zone, 16, FTW_PHYS), 0);
	(void)unsetenv("TZ");
	tzset();
	assert_true(g_zones > 300 && g_edges > 3000 && g_gaps > 1000 && g_folds > 1000);
}

static void days_of_the_calendar(void **state)
{
	(void)state;
	for (int64_t day = -800000; day < 800000; day += 7) {
		time_t t = (time_t)(day * ZONE_DAY_S);
		struct civil c = civil_of(day);
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		assert_int_equal(c.year, tm.tm_year + 1900);
		assert_int_equal(c.month, tm.tm_mon + 1);
		assert_int_equal(c.day, tm.tm_mday);
		assert_int_equal(civil_weekday(day), tm.tm_wday);
		assert_int_equal(civil_days(c), day);
		assert_int_equal(civil_day(t + ZONE_DAY_S - 1), day);
	}
	assert_int_equal(civil_month_days(2000, 2), 29);
	assert_int_equal(civil_month_days(2100, 2), 28);
}

static void names_stay_in_the_folder(void **state)
{
	static const char *const none[] = {
		"",        "/etc/passwd", "../passwd",     "Europe//Berlin",
		"Europe/", "Europe/.",    "Europe/Berl in"
	};
	struct zone *z;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(none); i++)
		assert_int_equal(zone_load(&z, none[i]), -EINVAL);
	assert_int_equal(zone_load(&z, "Europe/Nowhere"), -ENOENT);
	assert_int_equal(zone_load(&z, "Europe"), -EISDIR);
	assert_int_equal(zone_load(&z, "tzdata.zi"), -EINVAL);
}

/* Behind the last change that is listed. */
static void by_rules_of_posix(void **state)
{
	static const struct {
		const char *name;
		int64_t utc_s;
		int32_t offset_s;
	} rows[] = {
		{ "Europe/Berlin", 2847661199, 3600 },        /* 2060-03-28T00:59:59Z */
		{ "Europe/Berlin", 2847661200, 7200 },        /* 2060-03-28T01:00:00Z */
		{ "Australia/Lord_Howe", 2840140800, 39600 }, /* summer there */
		{ "Antarctica/Troll", 2855000000, 7200 },     { "Etc/GMT+5", 2855000000, -18000 },
		{ "America/St_Johns", 2855000000, -9000 },
	};
	struct zone *z;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(zone_load(&z, rows[i].name), 0);
		assert_int_equal(zone_offset_s(z, rows[i].utc_s), rows[i].offset_s);
		free(z);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_zones_as_libc),
		cmocka_unit_test(days_of_the_calendar),
		cmocka_unit_test(names_stay_in_the_folder),
		cmocka_unit_test(by_rules_of_posix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
