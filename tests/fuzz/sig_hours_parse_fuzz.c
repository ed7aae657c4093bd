/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times of a week, and behind a line feed holidays. What is read is written, and read again the same. When it changes next is looked for
 * day by day and minute by minute.
 */
#include <assert.h>
#include <stdlib.h>

#include "sig/host/hours.h"

static const char *const g_days[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
static const char *const g_months[] = { "",    "jan", "feb", "mar", "apr", "may", "jun",
					"jul", "aug", "sep", "oct", "nov", "dec" };
static const char *const g_nth[] = { "last", "1st", "2nd", "3rd", "4th", "5th" };

static void write_times(struct writer *w, const struct hours_day *day)
{
	if (!day->count)
		writer_str(w, " closed");
	for (uint8_t i = 0; i < day->count; i++) {
		unsigned from = day->spans[i].from, to = day->spans[i].to;

		assert(from < to && from < 1440 && to < 2 * 1440);
		to = to > 1440 ? to - 1440 : to;
		writer_fmt(w, " %02u:%02u-%02u:%02u", from / 60, from % 60, to / 60, to % 60);
	}
}

static void write_date(struct writer *w, const struct civil *date)
{
	if (date->year)
		writer_fmt(w, "%04d-", (int)date->year);
	writer_fmt(w, "%02u-%02u", date->month, date->day);
}

static void write_rule(struct writer *w, const struct hours_holiday *h)
{
	switch (h->rule) {
	case HOURS_DATE:
	case HOURS_YEARLY:
		write_date(w, &h->from);
		writer_str(w, "..");
		write_date(w, &h->to);
		return;
	case HOURS_NTH:
		WRITER_TEXTS(w, g_nth[h->nth], " ", g_days[h->weekday], " ",
			     g_months[h->from.month]);
		break;
	case HOURS_BEFORE:
	case HOURS_AFTER:
		WRITER_TEXTS(w, g_days[h->weekday],
			     h->rule == HOURS_BEFORE ? " before " : " after ");
		write_date(w, &h->from);
		return;
	case HOURS_EASTER:
	case HOURS_ORTHODOX:
		writer_str(w, h->rule == HOURS_EASTER ? "easter" : "orthodox");
		break;
	}
	writer_fmt(w, "%+d", h->shift);
}

static void read_again(const struct hours *h)
{
	static struct hours again;
	static uint8_t space[65536];
	struct writer w = writer_over(space, sizeof(space));
	struct bytes where;
	size_t week;

	for (int i = 0; i < 7; i++) {
		writer_str(&w, g_days[i]);
		write_times(&w, &h->week[i]);
		writer_str(&w, ";");
	}
	week = w.n;
	for (uint8_t i = 0; i < h->count; i++) {
		write_rule(&w, &h->holidays[i]);
		write_times(&w, &h->holidays[i].day);
		WRITER_TEXTS(&w, " ", h->holidays[i].label, ";");
	}
	assert(!w.overflow);
	assert(!hours_week_parse(&again, bytes_mem(space, week), &where));
	assert(!hours_holidays_parse(&again, bytes_mem(space + week, w.n - week), &where));
	assert(!memcmp(h->week, again.week, sizeof(h->week)) && h->count == again.count);
	assert(!memcmp(h->holidays, again.holidays, h->count * sizeof(h->holidays[0])));
}

/* It is as it is now until then, and no longer. */
static void look_ahead(const struct hours *h, const struct zone *z, int64_t at)
{
	int64_t next = hours_next(h, z, at);
	bool open = hours_at(h, z, at).open;

	assert(!next || (next > at && hours_at(h, z, next).open != open));
	for (int i = 0; i < 3000 && (!next || at < next); i++, at += 60)
		assert(hours_at(h, z, at).open == open);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zone *zone;
	static struct hours h;
	struct bytes in = bytes_mem(data, size), week, where;

	if (!zone && zone_load(&zone, "Europe/Berlin"))
		abort();
	if (!size || memchr(data, 0, size) ||
	    !bytes_cut(&in, '\n', &week)) /* no document has a zero */
		return 0;
	if (hours_week_parse(&h, week, &where) || hours_holidays_parse(&h, in, &where))
		return 0;
	read_again(&h);
	look_ahead(&h, zone, 1774656000); /* 2026-03-28, the day before summer time */
	look_ahead(&h, zone, 1792800000 + (int64_t)size * 3600); /* 2026-10-24 */
	return 0;
}
