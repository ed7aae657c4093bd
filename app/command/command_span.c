/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/command_span.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

enum { MS_PER_S = 1000, S_PER_MIN = 60, S_PER_DAY = 86400 };

static int digits_take(struct bytes *rest, size_t n, unsigned from, unsigned to, int *out)
{
	struct bytes text = bytes_sub(*rest, 0, n);
	uint64_t number;

	if (text.n != n || bytes_u64(text, &number) || number < from || number > to)
		return -EINVAL;
	*rest = bytes_from(*rest, n);
	*out = (int)number;
	return 0;
}

static int mark_take(struct bytes *rest, char mark)
{
	if (!rest->n || rest->p[0] != (uint8_t)mark)
		return -EINVAL;
	*rest = bytes_from(*rest, 1);
	return 0;
}

/* 90s, 30m, 12h, 7d. */
static int ago_read(struct bytes text, uint64_t now_utc_ms, uint64_t *utc_ms)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', S_PER_MIN }, { 'h', 60 * S_PER_MIN }, { 'd', S_PER_DAY } };
	uint64_t number, ago_ms;

	if (text.n < 2 || bytes_u64(bytes_sub(text, 0, text.n - 1), &number) || number > UINT32_MAX)
		return -EINVAL;
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (text.p[text.n - 1] != (uint8_t)units[i].unit)
			continue;
		ago_ms = number * units[i].seconds * MS_PER_S;
		*utc_ms = ago_ms < now_utc_ms ? now_utc_ms - ago_ms : 0;
		return 0;
	}
	return -EINVAL;
}

/* THH:MM, with :SS behind or without. What it names lasts so many seconds. */
static int hour_take(struct bytes *rest, struct tm *tm, uint64_t *lasts_s)
{
	if (mark_take(rest, 'T') || digits_take(rest, 2, 0, 23, &tm->tm_hour) ||
	    mark_take(rest, ':') || digits_take(rest, 2, 0, 59, &tm->tm_min))
		return -EINVAL;
	*lasts_s = S_PER_MIN;
	if (mark_take(rest, ':'))
		return 0;
	*lasts_s = 1;
	return digits_take(rest, 2, 0, 59, &tm->tm_sec);
}

int command_time_read(struct bytes text, uint64_t now_utc_ms, bool last, uint64_t *utc_ms)
{
	struct tm tm = { .tm_mday = 0 };
	uint64_t lasts_s = S_PER_DAY;
	struct bytes rest = text;
	int month, day;

	if (!ago_read(text, now_utc_ms, utc_ms))
		return 0;
	if (digits_take(&rest, 4, 1970, 9999, &tm.tm_year) || mark_take(&rest, '-') ||
	    digits_take(&rest, 2, 1, 12, &month) || mark_take(&rest, '-') ||
	    digits_take(&rest, 2, 1, 31, &day))
		return -EINVAL;
	if (rest.n && hour_take(&rest, &tm, &lasts_s))
		return -EINVAL;
	if (lasts_s < S_PER_DAY)
		(void)mark_take(&rest, 'Z');
	tm.tm_year -= 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	*utc_ms = (uint64_t)timegm(&tm) * MS_PER_S;
	if (rest.n || tm.tm_mday != day)
		return -EINVAL; /* 30 February is made 2 March */
	if (last)
		*utc_ms += lasts_s * MS_PER_S - 1;
	return 0;
}

static bool span_time_take(struct command_run *run, const char *name, bool last, uint64_t *utc_ms)
{
	const struct command_value *value = command_value(run, name);

	if (!value->given || !command_time_read(value->text, clock_utc_ms(), last, utc_ms))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, name,
		     "%s must be a day such as 2026-11-25, a time of UTC such as 2026-11-25T20:30, "
		     "or how long ago: 90s, 30m, 12h, 7d",
		     name);
	return false;
}

bool command_span_take(struct command_run *run, struct command_span *out)
{
	*out = (struct command_span){ .until_utc_ms = UINT64_MAX };
	if (command_arg_find(run->command, BYTES_LIT("number")) &&
	    command_value(run, "number")->given)
		out->number = command_value(run, "number")->text;
	return span_time_take(run, "since", false, &out->since_utc_ms) &&
	       span_time_take(run, "until", true, &out->until_utc_ms);
}

bool command_span_has(const struct command_span *s, uint64_t utc_ms)
{
	return utc_ms >= s->since_utc_ms && utc_ms <= s->until_utc_ms;
}

bool command_span_is_of(const struct command_span *s, const char *from, const char *to)
{
	return !s->number.n || bytes_is(s->number, from) || bytes_is(s->number, to);
}

static json_int_t newest_time(const json_t *list, size_t i, const char *time)
{
	return json_integer_value(json_object_get(json_array_get(list, i), time));
}

void command_newest_put(json_t *list, json_t *entry, const char *time, size_t most)
{
	json_int_t at = json_integer_value(json_object_get(entry, time));
	size_t from = 0, to = json_array_size(list);

	/* behind those that are as new */
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (newest_time(list, middle, time) >= at)
			from = middle + 1;
		else
			to = middle;
	}
	if (from < most)
		(void)json_array_insert_new(list, from, entry);
	else
		json_decref(entry);
	if (json_array_size(list) > most)
		(void)json_array_remove(list, most);
}
