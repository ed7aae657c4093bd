/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the texts of opening hours (hours.h): the times of a week, holiday rules such as dates,
 * easter-2 or 4th thu nov+1, and times set by hand. Each returns NULL, or an error sentence and its
 * place, for the document that is being put. Pure; limits are those of hours.h. */

#include <assert.h>
#include <errno.h>

#include "sig/host/hours.h"

enum { MINUTES_OF_DAY = 1440, YEAR_MIN = 1970, YEAR_MAX = 2999, LEAP_YEAR = 2000 };

#define WRONG_TIMES "times are HH:MM-HH:MM, up to 6 a day, one after the other, or the word closed"
#define WRONG_RULE                                                                   \
	"a holiday begins with a date (2026-12-24, 12-24, 12-24..12-31), easter-2, " \
	"orthodox+1, 4th thu nov, last mon may+1, wed before 11-23 or sat after 06-19"

static const char *const g_weekdays[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL };
static const char *const g_months[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul",
					"aug", "sep", "oct", "nov", "dec", NULL };
static const char *const g_nth[] = { "last", "1st", "2nd", "3rd", "4th", "5th", NULL };

static_assert(HOURS_SPANS_MAX == 6 && HOURS_HOLIDAYS_MAX == 64 && HOURS_LABEL_MAX == 48,
	      "texts here say it");

/* ---- words ---- */

/* Returns false at the end. */
static bool entry_word(struct bytes *rest, struct bytes *word)
{
	*rest = bytes_trim(*rest);
	return bytes_cut(rest, ' ', word);
}

static bool index_read(const char *const *names, struct bytes word, uint8_t *out)
{
	for (*out = 0; names[*out]; ++*out) {
		if (bytes_iis(word, names[*out]))
			return true;
	}
	return false;
}

/* Of as many digits. */
static bool figure_read(struct bytes text, size_t digits, uint32_t max, uint32_t *out)
{
	return text.n == digits && !bytes_u32(text, out) && *out <= max;
}

/* HH:MM, to 24:00. */
static bool minute_read(struct bytes text, uint16_t *out)
{
	uint32_t hour, minute;

	if (text.n != 5 || text.p[2] != ':' || !figure_read(bytes_sub(text, 0, 2), 2, 24, &hour) ||
	    !figure_read(bytes_from(text, 3), 2, 59, &minute) || (hour == 24 && minute))
		return false;
	*out = (uint16_t)(hour * 60 + minute);
	return true;
}

/* MM-DD, or YYYY-MM-DD; without a year that is 0. */
static bool date_read(struct bytes text, struct civil *out)
{
	uint32_t year = 0, month, day;

	if (text.n == 10 && text.p[4] == '-') {
		if (!figure_read(bytes_sub(text, 0, 4), 4, YEAR_MAX, &year) || year < YEAR_MIN)
			return false;
		text = bytes_from(text, 5);
	}
	if (text.n != 5 || text.p[2] != '-' || !figure_read(bytes_sub(text, 0, 2), 2, 12, &month) ||
	    !figure_read(bytes_from(text, 3), 2, 31, &day) || !month || !day ||
	    day > civil_month_days(year ? year : LEAP_YEAR, (uint8_t)month))
		return false;
	*out = (struct civil){ year, (uint8_t)month, (uint8_t)day };
	return true;
}

int hours_time_parse(int64_t *local_s, struct bytes text, int64_t today)
{
	struct civil date;
	uint16_t minute;

	if (text.n == 16 && (text.p[10] == ' ' || text.p[10] == 'T')) {
		if (!date_read(bytes_sub(text, 0, 10), &date) || !date.year)
			return -EINVAL;
		today = civil_days(date);
		text = bytes_from(text, 11);
	}
	if (!minute_read(text, &minute))
		return -EINVAL;
	*local_s = today * ZONE_DAY_S + minute * 60;
	return 0;
}

/* ---- times of a day ---- */

static bool span_read(struct bytes word, struct hours_span *out)
{
	if (word.n != 11 || word.p[5] != '-' || !minute_read(bytes_sub(word, 0, 5), &out->from) ||
	    !minute_read(bytes_from(word, 6), &out->to) || out->from == out->to ||
	    out->from == MINUTES_OF_DAY)
		return false;
	if (out->to < out->from)
		out->to = (uint16_t)(out->to + MINUTES_OF_DAY);
	return true;
}

static bool day_add(struct hours_day *day, struct bytes word)
{
	struct hours_span span;

	if (day->count == HOURS_SPANS_MAX || !span_read(word, &span) ||
	    (day->count && span.from < day->spans[day->count - 1].to))
		return false;
	day->spans[day->count++] = span;
	return true;
}

/* Leaves what follows them. Returns false if they are invalid, or missing. */
static bool times_read(struct bytes *rest, struct hours_day *out)
{
	struct bytes word, before;

	*out = (struct hours_day){ 0 };
	if (!entry_word(rest, &word))
		return false;
	if (bytes_iis(word, "closed"))
		return true;
	do {
		if (!day_add(out, word))
			return false;
		before = *rest;
	} while (entry_word(rest, &word) && word.n > 2 && word.p[0] <= '9' && word.p[2] == ':');
	*rest = before;
	return true;
}

/* ---- a week ---- */

/* mon, or mon-fri. False: it is neither, or a day is there already. */
static bool days_add(struct bytes part, uint8_t *days)
{
	struct bytes name;
	uint8_t from, to;

	if (!bytes_cut(&part, '-', &name) || !index_read(g_weekdays, name, &from))
		return false;
	to = from;
	if (part.n && !index_read(g_weekdays, part, &to))
		return false;
	for (uint8_t day = from;; day = (uint8_t)((day + 1) % 7)) {
		if (*days & 1U << day)
			return false;
		*days |= (uint8_t)(1U << day);
		if (day == to)
			return true;
	}
}

/* One entry, in addition to those before. */
static const char *week_entry(struct hours *out, struct bytes entry, uint8_t *before)
{
	struct bytes word, part;
	struct hours_day times;
	uint8_t days = *before;

	if (!entry_word(&entry, &word))
		return "there is nothing";
	while (bytes_cut(&word, ',', &part)) {
		if (!days_add(part, &days))
			return "days are mon, mon-fri or mon,wed, each named once";
	}
	if (!times_read(&entry, &times) || bytes_trim(entry).n)
		return WRONG_TIMES;
	for (uint8_t day = 0; day < 7; day++) {
		if ((days & ~*before) >> day & 1)
			out->week[day] = times;
	}
	*before = days;
	return NULL;
}

const char *hours_week_parse(struct hours *out, struct bytes text, struct bytes *where)
{
	const char *wrong = NULL;
	uint8_t days = 0;

	memset(out->week, 0, sizeof(out->week));
	while (!wrong && bytes_cut(&text, ';', where))
		wrong = week_entry(out, *where, &days);
	return wrong;
}

/* ---- holidays ---- */

/* easter-2: cut off, to 180 days. */
static bool shift_cut(struct bytes *word, int16_t *out)
{
	size_t plus = bytes_find(*word, '+'), minus = bytes_find(*word, '-');
	size_t at = plus < minus ? plus : minus;
	uint32_t days = 0;

	if (at < word->n && (bytes_u32(bytes_from(*word, at + 1), &days) || days > HOURS_SHIFT_MAX))
		return false;
	*out = (int16_t)(at == minus ? -(int)days : (int)days);
	*word = bytes_sub(*word, 0, at);
	return true;
}

/* One date, or two. */
static bool dates_read(struct bytes word, struct hours_holiday *out)
{
	bool two = word.n == 12 || word.n == 22;

	if (two && !bytes_starts(bytes_from(word, word.n / 2 - 1), ".."))
		return false;
	if (!date_read(two ? bytes_sub(word, 0, word.n / 2 - 1) : word, &out->from) ||
	    !date_read(two ? bytes_from(word, word.n / 2 + 1) : word, &out->to))
		return false;
	out->rule = out->from.year ? HOURS_DATE : HOURS_YEARLY;
	return !out->from.year || civil_days(out->from) <= civil_days(out->to);
}

/* thu nov+1, behind 4th. */
static bool nth_rule(struct bytes *rest, struct hours_holiday *out)
{
	struct bytes word;
	uint8_t month;

	out->rule = HOURS_NTH;
	if (!entry_word(rest, &word) || !index_read(g_weekdays, word, &out->weekday) ||
	    !entry_word(rest, &word) || !shift_cut(&word, &out->shift) ||
	    !index_read(g_months, word, &month))
		return false;
	out->from.month = (uint8_t)(month + 1);
	return true;
}

/* before 11-23, behind wed. */
static bool holiday_rule(struct bytes *rest, struct hours_holiday *out)
{
	struct bytes word;

	if (!entry_word(rest, &word))
		return false;
	out->rule = bytes_iis(word, "before") ? HOURS_BEFORE : HOURS_AFTER;
	if (out->rule == HOURS_AFTER && !bytes_iis(word, "after"))
		return false;
	return entry_word(rest, &word) && date_read(word, &out->from) && !out->from.year;
}

static bool easter_rule(struct bytes word, struct hours_holiday *out)
{
	if (!shift_cut(&word, &out->shift))
		return false;
	out->rule = bytes_iis(word, "easter") ? HOURS_EASTER : HOURS_ORTHODOX;
	return out->rule == HOURS_EASTER || bytes_iis(word, "orthodox");
}

static bool rule_read(struct bytes *rest, struct hours_holiday *out)
{
	struct bytes word;

	if (!entry_word(rest, &word))
		return false;
	if (index_read(g_nth, word, &out->nth))
		return nth_rule(rest, out);
	out->nth = 0;
	if (index_read(g_weekdays, word, &out->weekday))
		return holiday_rule(rest, out);
	out->weekday = 0;
	return word.p[0] <= '9' ? dates_read(word, out) : easter_rule(word, out);
}

static const char *holiday_entry(struct hours *out, struct bytes entry)
{
	struct hours_holiday *h = &out->holidays[out->count];

	if (out->count == HOURS_HOLIDAYS_MAX)
		return "there are at most 64 holidays";
	memset(h, 0, sizeof(*h));
	if (!rule_read(&entry, h))
		return WRONG_RULE;
	if (!times_read(&entry, &h->day))
		return WRONG_TIMES;
	if (bytes_cstr(bytes_trim(entry), h->label, sizeof(h->label)))
		return "a label has 47 characters at most";
	out->count++;
	return NULL;
}

const char *hours_holidays_parse(struct hours *out, struct bytes text, struct bytes *where)
{
	const char *wrong = NULL;

	out->count = 0;
	while (!wrong && bytes_cut(&text, ';', where))
		wrong = holiday_entry(out, *where);
	return wrong;
}
