/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of a calendar of opening hours: week, holidays, zone, and an override with its end.
 * command_hours.c puts them; flows and BLF ask the core's copy (sig/host/hours.h). Errors name the
 * entry of the week or the holidays that is wrong. Times are local to the calendar's zone.
 */

#include "app/schema/hours_field.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* In the order of enum hours_override. */
const char *const g_hours_overrides[] = { "none", "open", "closed", NULL };

/* The text is static: control thread alone. */
static const char *entry_wrong(const char *wrong, struct bytes where)
{
	static char text[256];

	if (!wrong)
		return NULL;
	where = bytes_sub(bytes_trim(where), 0, 64);
	(void)snprintf(text, sizeof(text), "'" BYTES_FMT "': %s", BYTES_ARG(where), wrong);
	return text;
}

static const char *field_week_wrong(const void *value, const char *text)
{
	static struct hours unused;
	struct bytes where = { 0 };
	const char *wrong = hours_week_parse(&unused, bytes_str(text), &where);

	(void)value;
	return entry_wrong(wrong, where);
}

static const char *field_holidays_wrong(const void *value, const char *text)
{
	static struct hours unused;
	struct bytes where = { 0 };
	const char *wrong = hours_holidays_parse(&unused, bytes_str(text), &where);

	(void)value;
	return entry_wrong(wrong, where);
}

static const char *field_until_wrong(const void *value, const char *text)
{
	int64_t unused;

	(void)value;
	return !text[0] || (strlen(text) == HOURS_UNTIL_MAX - 1 &&
			    !hours_time_parse(&unused, bytes_str(text), 0))
		       ? NULL
		       : "a time is 2026-12-24 18:00";
}

#undef FIELD_OF
#define FIELD_OF struct hours_value

const struct command_arg g_hours_fields[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the hours."),
	TEXT_FIELD("zone", zone, CHARSET_TEXT, NULL,
		   "Time zone by its name in the IANA database, as Europe/Berlin. Empty: UTC."),
	TEXT_FIELD("week", week, CHARSET_TEXT, field_week_wrong,
		   "When it is open: days and their times, joined by ';', as mon-fri 08:00-12:30 "
		   "13:30-18:00; sat 22:00-02:00. A day that is not named is closed."),
	TEXT_FIELD("holidays", holidays, CHARSET_TEXT, field_holidays_wrong,
		   "Days with times of their own, or closed, and what they are called, joined by "
		   "';', 64 at most: 2026-12-24 08:00-12:00 Christmas Eve; 12-25..12-26 closed "
		   "Christmas; easter-2 closed; orthodox+1 closed; 4th thu nov+1 closed; last mon "
		   "may closed; wed before 11-23 closed; sat after 06-19 closed. Of "
		   "two that fit a day the first one counts."),
	TEXT_FIELD(
		"code", code, CHARSET_DIGITS, NULL,
		"What phones dial behind the feature codes hours_open, hours_closed and "
		"hours_auto to say that it is open or closed: 1 to 7 digits. Empty: they cannot."),
	WORD_FIELD("override", override, FIELD_NUMBER, g_hours_overrides, "none",
		   "What counts instead of these times, as hours.override says it."),
	TEXT_FIELD("until", until, CHARSET_TEXT, field_until_wrong,
		   "Until when that counts, as 2026-12-24 18:00 of the zone. Empty: until it is "
		   "taken back."),
	{ .name = NULL },
};
static_assert(HOURS_HOLIDAYS_MAX == 64, "the text above says it");

const struct form g_hours_form = { .fields = g_hours_fields, FORM_OF(struct hours_value) };

void hours_to_core(const struct hours_value *v, struct hours *out)
{
	struct bytes where;

	*out = (struct hours){ .override = v->override };
	(void)hours_week_parse(out, bytes_str(v->week), &where);
	(void)hours_holidays_parse(out, bytes_str(v->holidays), &where);
	memcpy(out->code, v->code, sizeof(out->code));
	if (!v->until[0] || hours_time_parse(&out->until_local_s, bytes_str(v->until), 0))
		out->until_local_s = 0;
}

void hours_local_text(char out[HOURS_UNTIL_MAX], int64_t local_s)
{
	struct civil date = civil_of(civil_day(local_s));
	int64_t minute = local_s / 60 % 1440;

	(void)snprintf(out, HOURS_UNTIL_MAX, "%04d-%02u-%02u %02d:%02d", (int)date.year, date.month,
		       date.day, (int)(minute / 60), (int)(minute % 60));
}

bool hours_until_set(char out[HOURS_UNTIL_MAX], struct bytes text, int64_t now_local_s)
{
	int64_t until;

	if (hours_time_parse(&until, text, civil_day(now_local_s)))
		return false;
	if (text.n == sizeof("18:00") - 1 && until <= now_local_s)
		until += ZONE_DAY_S;
	hours_local_text(out, until);
	return hours_time_parse(&until, bytes_str(out), 0) == 0;
}
