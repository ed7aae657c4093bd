/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of time zones. What is read is asked a second time, straight from the octets: the changes one after the other, and the rule behind
 * them day by day, as POSIX has it in words.
 */
#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "base/zone_rule.h"

enum { HEAD = 44 };

/* Where the second part begins, and how many changes and types it has. */
static const uint8_t *second_part(const uint8_t *p, uint32_t *times)
{
	p += HEAD + be32_get(p + 32) * 5U + be32_get(p + 36) * 6U + be32_get(p + 40) +
	     be32_get(p + 28) * 8U + be32_get(p + 24) + be32_get(p + 20);
	*times = be32_get(p + 32);
	return p + HEAD;
}

static bool day_is_edge(const struct zone_edge *e, const struct tm *tm)
{
	bool leap = tm->tm_year % 4 == 0 && (tm->tm_year % 100 || tm->tm_year % 400 == 100);
	struct tm week_on = *tm;

	switch (e->kind) {
	case ZONE_EDGE_JULIAN:
		return !(tm->tm_mon == 1 && tm->tm_mday == 29) &&
		       e->day == tm->tm_yday + 1 - (leap && tm->tm_yday > 59);
	case ZONE_EDGE_DAY:
		return e->day == tm->tm_yday;
	case ZONE_EDGE_WEEKDAY:
		week_on.tm_mday += 7;
		(void)timegm(&week_on);
		return tm->tm_mon + 1 == e->month && tm->tm_wday == e->weekday &&
		       ((tm->tm_mday - 1) / 7 + 1 == e->week ||
			(e->week == 5 && week_on.tm_mon != tm->tm_mon));
	}
	return false;
}

/* Of that year, in local seconds; a day that the year lacks is the first of the next one. */
static int64_t edge_of(const struct zone_edge *e, int year)
{
	for (int day = 0; day < 367; day++) {
		struct tm tm = { .tm_year = year, .tm_mday = 1 + day };
		time_t at = timegm(&tm);

		if (day_is_edge(e, &tm) || tm.tm_year != year)
			return at + e->time_s;
	}
	abort();
}

static int32_t rule_offset(const struct zone_rule *r, int64_t utc_s)
{
	time_t local = (time_t)(utc_s + r->standard_s);
	int64_t begin, end;
	struct tm tm;

	if (!r->daylight)
		return r->standard_s;
	(void)gmtime_r(&local, &tm);
	begin = edge_of(&r->begin, tm.tm_year) - r->standard_s;
	end = edge_of(&r->end, tm.tm_year) - r->daylight_s;
	if (begin < end)
		return utc_s >= begin && utc_s < end ? r->daylight_s : r->standard_s;
	return utc_s >= end && utc_s < begin ? r->standard_s : r->daylight_s;
}

static int32_t offset_of(const struct zone *z, const uint8_t *file, int64_t utc_s)
{
	uint32_t times, type = 0;
	const uint8_t *p = second_part(file, &times);

	for (uint32_t i = 0; i < times && (int64_t)be64_get(p + i * 8U) <= utc_s; i++) {
		type = p[times * 8U + i];
		if (i + 1 == times && z->ruled)
			return rule_offset(&z->rule, utc_s);
	}
	if (!times && z->ruled)
		return rule_offset(&z->rule, utc_s);
	return (int32_t)be32_get(p + times * 9U + type * 6U);
}

static void check(const struct zone *z, const uint8_t *file, int64_t utc_s)
{
	int64_t local = utc_s + zone_offset_s(z, utc_s), back = zone_utc_s(z, local);

	assert(zone_offset_s(z, utc_s) == offset_of(z, file, utc_s));
	assert(back >= local - ZONE_DAY_S - 3600 && back <= local + ZONE_DAY_S + 3600);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int64_t far = INT64_C(1) << 40;
	struct zone *z;

	if (zone_parse(&z, bytes_mem(data, size)))
		return 0;
	for (uint32_t i = 0; i < z->count && i < 50; i++) {
		int64_t at = z->changes[i].utc_s;

		if (at > -far && at < far) {
			check(z, data, at - 1);
			check(z, data, at);
		}
	}
	for (int64_t at = 1767225600; at < 2840140800; at += 86400 * 211 + 12345)
		check(z, data, at);
	free(z);
	return 0;
}
