/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluates opening hours (hours.h): the state of a calendar at a time, and the time of its next
 * change, from weekly times, holidays and overrides. Holidays may be dates, the nth weekday of a
 * month, or days relative to Western or Orthodox Easter. Pure; hours_parse.c reads the texts. */

#include "sig/host/hours.h"

/* ---- holidays ---- */

/* By the calendar of Gregory: Meeus, Astronomical Algorithms, 8. */
static int64_t easter_of(int64_t year)
{
	int64_t golden = year % 19, century = year / 100, of_century = year % 100;
	int64_t lift = (century - (century + 8) / 25 + 1) / 3;
	int64_t epact = (19 * golden + century - century / 4 - lift + 15) % 30;
	int64_t sunday =
		(32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
	int64_t late = (golden + 11 * epact + 22 * sunday) / 451;
	int64_t march = epact + sunday - 7 * late + 114;

	return civil_days((struct civil){ year, (uint8_t)(march / 31), (uint8_t)(march % 31 + 1) });
}

/* By the Julian calendar: its dates are late by its additional leap days. */
static int64_t orthodox_of(int64_t year)
{
	int64_t epact = (19 * (year % 19) + 15) % 30;
	int64_t sunday = (2 * (year % 4) + 4 * (year % 7) - epact + 34) % 7;
	int64_t march = epact + sunday + 114;
	struct civil julian = { year, (uint8_t)(march / 31), (uint8_t)(march % 31 + 1) };

	return civil_days(julian) + year / 100 - year / 400 - 2;
}

static int64_t weekday_from(int64_t day, uint8_t weekday)
{
	return day + (weekday - civil_weekday(day) + 7) % 7;
}

/* A fifth one may be in the next month: then it does not exist. */
static bool nth_of(const struct hours_holiday *r, int64_t year, int64_t *out)
{
	int64_t first = civil_days((struct civil){ year, r->from.month, 1 });
	int64_t days = civil_month_days(year, r->from.month);

	if (r->nth)
		*out = weekday_from(first, r->weekday) + 7 * (r->nth - 1);
	else
		*out = weekday_from(first + days - 7, r->weekday);
	return *out < first + days;
}

/* The day of a year that the rule means, of those that mean one. False: none. */
static bool rule_day(const struct hours_holiday *r, int64_t year, int64_t *out)
{
	int64_t date = civil_days((struct civil){ year, r->from.month, r->from.day });

	switch (r->rule) {
	case HOURS_DATE:
	case HOURS_YEARLY:
		return false;
	case HOURS_NTH:
		return nth_of(r, year, out);
	case HOURS_BEFORE:
		*out = weekday_from(date - 7, r->weekday);
		return true;
	case HOURS_AFTER:
		*out = weekday_from(date + 1, r->weekday);
		return true;
	case HOURS_EASTER:
		*out = easter_of(year);
		return true;
	case HOURS_ORTHODOX:
		*out = orthodox_of(year);
		return true;
	}
	return false;
}

static int month_day(const struct civil *c)
{
	return c->month * 32 + c->day;
}

/* All rules except dates yield one weekday. A day before or after a date may be in another year. */
static bool rule_has(const struct hours_holiday *r, int64_t day)
{
	int64_t year = civil_of(day).year, last = year + (r->rule == HOURS_BEFORE), meant;

	if (civil_weekday(day) != r->weekday)
		return false;
	for (year -= r->rule == HOURS_AFTER; year <= last; year++) {
		if (rule_day(r, year, &meant) && meant == day)
			return true;
	}
	return false;
}

static bool holiday_has(const struct hours_holiday *r, int64_t day)
{
	struct civil date;
	int from = month_day(&r->from), to = month_day(&r->to), at;

	if (r->rule == HOURS_DATE)
		return day >= civil_days(r->from) && day <= civil_days(r->to);
	if (r->rule != HOURS_YEARLY)
		return rule_has(r, day - r->shift);
	date = civil_of(day);
	at = month_day(&date);
	return from <= to ? at >= from && at <= to : at >= from || at <= to;
}

const struct hours_holiday *hours_holiday_of(const struct hours *h, int64_t day)
{
	for (uint8_t i = 0; i < h->count; i++) {
		if (holiday_has(&h->holidays[i], day))
			return &h->holidays[i];
	}
	return NULL;
}

/* ---- open and closed ---- */

static const struct hours_day *day_times(const struct hours *h, int64_t day, const char **label)
{
	const struct hours_holiday *holiday = hours_holiday_of(h, day);

	*label = holiday ? holiday->label : "";
	return holiday ? &holiday->day : &h->week[civil_weekday(day)];
}

static int64_t minute_utc_s(const struct zone *z, int64_t day, uint16_t minute)
{
	return zone_utc_s(z, day * ZONE_DAY_S + minute * INT64_C(60));
}

static int64_t day_of(const struct zone *z, int64_t utc_s)
{
	return civil_day(utc_s + zone_offset_s(z, utc_s));
}

static struct hours_state plan_at(const struct hours *h, const struct zone *z, int64_t utc_s)
{
	int64_t today = day_of(z, utc_s);
	struct hours_state out = { 0 };

	for (int64_t day = today - 1; day <= today; day++) {
		const struct hours_day *times = day_times(h, day, &out.label);

		for (uint8_t i = 0; i < times->count && !out.open; i++)
			out.open = utc_s >= minute_utc_s(z, day, times->spans[i].from) &&
				   utc_s < minute_utc_s(z, day, times->spans[i].to);
		if (out.open)
			return out;
	}
	return out;
}

/* Open at *utc_s: as long as one span leads to the next. */
static void day_extend(const struct hours *h, const struct zone *z, int64_t day, int64_t *utc_s)
{
	const char *label;
	const struct hours_day *times = day_times(h, day, &label);

	for (uint8_t i = 0; i < times->count; i++) {
		int64_t to = minute_utc_s(z, day, times->spans[i].to);

		if (to > *utc_s && minute_utc_s(z, day, times->spans[i].from) <= *utc_s)
			*utc_s = to;
	}
}

static int64_t next_close(const struct hours *h, const struct zone *z, int64_t utc_s)
{
	int64_t first = day_of(z, utc_s), end = utc_s;

	for (int64_t day = first - 1; day <= first + HOURS_NEXT_DAYS; day++) {
		if (minute_utc_s(z, day, 0) > end)
			return end;
		day_extend(h, z, day, &end);
	}
	return 0;
}

static int64_t next_open(const struct hours *h, const struct zone *z, int64_t utc_s)
{
	int64_t first = day_of(z, utc_s);
	const char *label;

	for (int64_t day = first - 1; day <= first + HOURS_NEXT_DAYS; day++) {
		const struct hours_day *times = day_times(h, day, &label);

		for (uint8_t i = 0; i < times->count; i++) {
			int64_t from = minute_utc_s(z, day, times->spans[i].from);

			if (from > utc_s && minute_utc_s(z, day, times->spans[i].to) > from)
				return from;
		}
	}
	return 0;
}

static int64_t plan_next(const struct hours *h, const struct zone *z, int64_t utc_s)
{
	return plan_at(h, z, utc_s).open ? next_close(h, z, utc_s) : next_open(h, z, utc_s);
}

/* ---- by hand ---- */

static bool is_overridden(const struct hours *h, const struct zone *z, int64_t utc_s)
{
	return h->override != HOURS_BY_PLAN &&
	       (!h->until_local_s || utc_s < zone_utc_s(z, h->until_local_s));
}

struct hours_state hours_at(const struct hours *h, const struct zone *z, int64_t utc_s)
{
	if (!is_overridden(h, z, utc_s))
		return plan_at(h, z, utc_s);
	return (struct hours_state){ .open = h->override == HOURS_OPEN,
				     .overridden = true,
				     .label = "" };
}

int64_t hours_next(const struct hours *h, const struct zone *z, int64_t utc_s)
{
	int64_t until;

	if (!is_overridden(h, z, utc_s))
		return plan_next(h, z, utc_s);
	if (!h->until_local_s)
		return 0;
	until = zone_utc_s(z, h->until_local_s);
	return plan_at(h, z, until).open == (h->override == HOURS_OPEN) ? plan_next(h, z, until)
									: until;
}
