/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converts between UTC and local time of a named IANA zone (RFC 8536), and between days and
 * Gregorian dates. Opening hours, voicemail prompts and mails need local time for several tenants
 * at once, so localtime(3) with its process-wide TZ cannot serve. Times behind the last listed
 * change follow the POSIX rule of the file's footer. Names are checked before they become a path,
 * because tenants choose them.
 */

#include "base/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/zone_rule.h"

#define ZONE_FOLDER "/usr/share/zoneinfo/"
enum { ZONE_FILE_MAX = 65536 };

/* ---- the Gregorian calendar ---- */

/* Eras of 400 years have equal days; a year that begins in March has its leap day at the end. */
enum { ERA_YEARS = 400, ERA_DAYS = 146097, DAYS_0000_TO_1970 = 719468 };

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t civil_days(struct civil date)
{
	int64_t year = date.year - (date.month <= 2), era = floor_div(year, ERA_YEARS);
	int64_t of_era = year - era * ERA_YEARS;
	int64_t day = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;

	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + day - DAYS_0000_TO_1970;
}

struct civil civil_of(int64_t days)
{
	int64_t era = floor_div(days + DAYS_0000_TO_1970, ERA_DAYS);
	int64_t of_era = days + DAYS_0000_TO_1970 - era * ERA_DAYS;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	return (struct civil){ .year = year + era * ERA_YEARS + (month >= 10),
			       .month = (uint8_t)(month < 10 ? month + 3 : month - 9),
			       .day = (uint8_t)(of_year - (153 * month + 2) / 5 + 1) };
}

uint8_t civil_weekday(int64_t days)
{
	return (uint8_t)(days + 4 - 7 * floor_div(days + 4, 7)); /* 1970-01-01 is a Thursday */
}

uint8_t civil_month_days(int64_t year, uint8_t month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 || year % 400 == 0);

	return (uint8_t)(days[month - 1] + (month == 2 && leap));
}

int64_t civil_day(int64_t local_s)
{
	return floor_div(local_s, ZONE_DAY_S);
}

/* ---- zones ---- */

/* Weeks count from the first such day of the month; the fifth is the last one. */
static int64_t edge_weekday(const struct zone_edge *e, int64_t year)
{
	int64_t first = civil_days((struct civil){ year, e->month, 1 });
	int64_t day = (e->weekday - civil_weekday(first) + 7) % 7 + (e->week - 1) * 7;

	return first + (day < civil_month_days(year, e->month) ? day : day - 7);
}

/* In local seconds, by the time before it. */
static int64_t edge_local_s(const struct zone_edge *e, int64_t year)
{
	int64_t first = civil_days((struct civil){ year, 1, 1 });
	int64_t day = 0;

	switch (e->kind) {
	case ZONE_EDGE_JULIAN: /* February has no 29th there */
		day = first + e->day - 1 + (e->day >= 60 && civil_month_days(year, 2) == 29);
		break;
	case ZONE_EDGE_DAY:
		day = first + e->day;
		break;
	case ZONE_EDGE_WEEKDAY:
		day = edge_weekday(e, year);
		break;
	}
	return day * ZONE_DAY_S + e->time_s;
}

int32_t zone_rule_offset_s(const struct zone_rule *r, int64_t utc_s)
{
	int64_t year = civil_of(civil_day(utc_s + r->standard_s)).year;
	int64_t begin = edge_local_s(&r->begin, year) - r->standard_s;
	int64_t end = edge_local_s(&r->end, year) - r->daylight_s;
	bool in_summer = begin < end ? utc_s >= begin && utc_s < end
				     : !(utc_s >= end && utc_s < begin); /* in the south */

	return r->daylight && in_summer ? r->daylight_s : r->standard_s;
}

int32_t zone_offset_s(const struct zone *z, int64_t utc_s)
{
	uint32_t low = 0, high = z->count;

	if (z->ruled && (!z->count || utc_s >= z->changes[z->count - 1].utc_s))
		return zone_rule_offset_s(&z->rule, utc_s);
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (z->changes[mid].utc_s <= utc_s)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? z->changes[low - 1].offset_s : z->first_s;
}

int64_t zone_utc_s(const struct zone *z, int64_t local_s)
{
	int32_t before = zone_offset_s(z, local_s - ZONE_DAY_S);
	int32_t after = zone_offset_s(z, local_s + ZONE_DAY_S);

	if (zone_offset_s(z, local_s - before) == before ||
	    zone_offset_s(z, local_s - after) != after)
		return local_s - before;
	return local_s - after;
}

/* ---- files ---- */

/* Within the folder: no part of it is empty, or begins with a dot. */
static bool zone_name_fits(struct bytes name)
{
	struct bytes part;

	if (!name.n || name.n >= ZONE_NAME_MAX || name.p[name.n - 1] == '/')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') &&
		    !(c && strchr("/_-+", c)))
			return false;
	}
	while (bytes_cut(&name, '/', &part)) {
		if (!part.n)
			return false;
	}
	return true;
}

/* 0, or -errno. */
static int zone_read(struct zone **out, const char *path, uint8_t *file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	ssize_t n = fd < 0 ? -1 : read(fd, file, ZONE_FILE_MAX);

	err = n < 0 ? -errno : 0;
	if (fd >= 0)
		(void)close(fd);
	return err ? err : zone_parse(out, bytes_mem(file, (size_t)n));
}

int zone_load(struct zone **out, const char *name)
{
	char path[sizeof(ZONE_FOLDER) + ZONE_NAME_MAX];
	struct writer w = writer_over(path, sizeof(path) - 1);
	uint8_t *file;
	int err;

	if (!zone_name_fits(bytes_str(name)))
		return -EINVAL;
	WRITER_TEXTS(&w, ZONE_FOLDER, name);
	path[w.n] = '\0';
	file = malloc(ZONE_FILE_MAX);
	err = file ? zone_read(out, path, file) : -ENOMEM;
	free(file);
	return err;
}
