/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Daylight saving time as phones have it: on the nth, or the last, weekday of a month, at an hour.
 * The rule is that of this year's two changes, looked for in the zone itself. So a phone changes
 * its clock without a boot, and a zone that has another rule next year needs one. Pure.
 */
#include "app/feature/provision/phone_files.h"
#include "base/zone.h"

enum { HOUR_S = 3600, WEEK_DAYS = 7 };

/* Returns the first second, up to `to`, with an offset other than at `from`. */
static int64_t change_find(int64_t from, int64_t to, phone_offset_fn *offset, const void *arg)
{
	int32_t before = offset(arg, from);

	while (to - from > 1) {
		int64_t half = from + (to - from) / 2;

		if (offset(arg, half) == before)
			from = half;
		else
			to = half;
	}
	return to;
}

static struct phone_change change_of(int64_t local_s)
{
	int64_t day = civil_day(local_s);
	struct civil date = civil_of(day);

	return (struct phone_change){
		.month = date.month,
		.date = (uint8_t)((date.day > 28 ? 21 : date.day - 1) / WEEK_DAYS * WEEK_DAYS + 1),
		.weekday = (uint8_t)(civil_weekday(day) + 1),
		.hour = (uint8_t)((local_s - day * ZONE_DAY_S) / HOUR_S),
		.last = date.day + WEEK_DAYS > civil_month_days(date.year, date.month),
	};
}

void phone_clock_read(struct phone_clock *out, int64_t utc_s, phone_offset_fn *offset,
		      const void *arg)
{
	struct civil first = { civil_of(civil_day(utc_s)).year, 1, 1 };
	int64_t day_s = civil_days(first) * ZONE_DAY_S;
	int64_t end_s = day_s + (int64_t)366 * ZONE_DAY_S;
	unsigned starts = 0, stops = 0;

	*out = (struct phone_clock){ .offset_s = offset(arg, utc_s),
				     .start = { 3, 8, 1, 2, false },
				     .stop = { 11, 1, 1, 2, false } };
	for (; day_s < end_s; day_s += ZONE_DAY_S) {
		int32_t before = offset(arg, day_s), after = offset(arg, day_s + ZONE_DAY_S);
		int64_t at =
			before != after ? change_find(day_s, day_s + ZONE_DAY_S, offset, arg) : 0;

		if (before < after && !starts++)
			out->start = change_of(at + before);
		else if (before > after && !stops++)
			out->stop = change_of(at + before);
		if (before > after)
			out->offset_s = after;
	}
	out->saves = starts == 1 && stops == 1;
	if (!out->saves)
		out->offset_s = offset(arg, utc_s);
}
