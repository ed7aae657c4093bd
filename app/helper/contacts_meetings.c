/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When somebody is busy, as calendars answer it: freeBusy of Google, calendarView of Microsoft
 * Graph, and VFREEBUSY of CalDAV (RFC 5545 3.6.4). A meeting is a time for which the calendar says
 * busy: not what is free, tentative, or out of office. Each becomes from_ms and until_ms.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/helper/contacts_parse.h"
#include "base/json_member.h"
#include "base/zone.h"

enum { DURATION_MAX_S = 1 << 30, FREEBUSY_LINE = 16384 };

/* ---- times ---- */

/* So many digits, behind that separator where there is one. */
static bool calendar_digits(struct bytes *text, char separator, size_t count, int64_t *out)
{
	*out = 0;
	if (separator && text->n && text->p[0] == (uint8_t)separator)
		*text = bytes_from(*text, 1);
	if (text->n < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (text->p[i] < '0' || text->p[i] > '9')
			return false;
		*out = 10 * *out + text->p[i] - '0';
	}
	*text = bytes_from(*text, count);
	return true;
}

/* Behind the seconds: a fraction, and Z, an offset or nothing. */
static bool calendar_offset(struct bytes text, int64_t *offset_s)
{
	int64_t sign, hours, minutes;

	*offset_s = 0;
	if (text.n && text.p[0] == '.') {
		text = bytes_from(text, 1);
		while (text.n && text.p[0] >= '0' && text.p[0] <= '9')
			text = bytes_from(text, 1);
	}
	if (!text.n || bytes_is(text, "Z"))
		return true;
	sign = text.p[0] == '+' ? 1 : text.p[0] == '-' ? -1 : 0;
	text = bytes_from(text, 1);
	if (!sign || !calendar_digits(&text, 0, 2, &hours) ||
	    !calendar_digits(&text, ':', 2, &minutes) || text.n)
		return false;
	*offset_s = sign * (3600 * hours + 60 * minutes);
	return true;
}

/* RFC 3339, or RFC 5545 3.3.5. */
static bool calendar_utc(struct bytes text, int64_t *s)
{
	int64_t year, month, day, hour, minute, second, offset;

	if (!calendar_digits(&text, 0, 4, &year) || !calendar_digits(&text, '-', 2, &month) ||
	    !calendar_digits(&text, '-', 2, &day) || !text.n || text.p[0] != 'T')
		return false;
	text = bytes_from(text, 1);
	if (!calendar_digits(&text, 0, 2, &hour) || !calendar_digits(&text, ':', 2, &minute) ||
	    !calendar_digits(&text, ':', 2, &second) || !calendar_offset(text, &offset) ||
	    month < 1 || month > 12 || day < 1 || day > civil_month_days(year, (uint8_t)month))
		return false;
	*s = civil_days((struct civil){ year, (uint8_t)month, (uint8_t)day }) * ZONE_DAY_S +
	     3600 * hour + 60 * minute + second - offset;
	return true;
}

/* RFC 5545 3.3.6, without a sign. */
static bool calendar_duration(struct bytes text, int64_t *s)
{
	static const struct {
		char unit;
		int64_t s;
	} units[] = { { 'W', 604800 }, { 'D', 86400 }, { 'H', 3600 }, { 'M', 60 }, { 'S', 1 } };

	*s = 0;
	text = bytes_from(text, 1);
	while (text.n) {
		int64_t count = 0, unit = 0;

		if (text.p[0] == 'T')
			text = bytes_from(text, 1);
		for (; text.n && text.p[0] >= '0' && text.p[0] <= '9' && count < 1000000;
		     text = bytes_from(text, 1))
			count = 10 * count + text.p[0] - '0';
		for (size_t i = 0; i < COUNT_OF(units) && text.n; i++)
			unit = text.p[0] == (uint8_t)units[i].unit ? units[i].s : unit;
		if (!unit)
			return false;
		*s += count * unit;
		if (*s > DURATION_MAX_S)
			return false;
		text = bytes_from(text, 1);
	}
	return true;
}

int meetings_add(struct contacts_page *page, struct bytes from, struct bytes until)
{
	int64_t from_s, until_s;
	bool is_duration = until.n && until.p[0] == 'P';

	if (!calendar_utc(from, &from_s) ||
	    !(is_duration ? calendar_duration(until, &until_s) : calendar_utc(until, &until_s)))
		return -EBADMSG;
	until_s += is_duration ? from_s : 0;
	if (until_s <= from_s)
		return 0;
	return contacts_row_add(page, page->found,
				json_pack("{s:I, s:I}", "from_ms", (json_int_t)from_s * 1000,
					  "until_ms", (json_int_t)until_s * 1000));
}

/* ---- Google ---- */

int meetings_parse_google(struct contacts_page *out, struct bytes body)
{
	int err = contacts_page_init(out);
	json_t *answer = json_loadb((const char *)body.p, body.n, 0, NULL), *calendar, *one;
	json_t *calendars = json_object_get(answer, "calendars");
	const char *name;
	size_t i;

	if (!err && !json_is_object(calendars))
		err = -EBADMSG;
	json_object_foreach(calendars, name, calendar)
	{
		if (json_array_size(json_object_get(calendar, "errors")))
			err = err ? err : -EACCES;
		json_array_foreach(json_object_get(calendar, "busy"), i, one)
		{
			if (!err)
				err = meetings_add(out, bytes_str(json_text(one, "start")),
						   bytes_str(json_text(one, "end")));
		}
	}
	json_decref(answer);
	return err;
}

/* ---- Microsoft ---- */

int meetings_parse_microsoft(struct contacts_page *out, struct bytes body)
{
	int err = contacts_page_init(out);
	json_t *answer = json_loadb((const char *)body.p, body.n, 0, NULL), *one;
	json_t *rows = json_object_get(answer, "value");
	struct bytes next = bytes_str(json_text(answer, "@odata.nextLink"));
	size_t i;

	if (!err && !json_is_array(rows))
		err = -EBADMSG;
	json_array_foreach(rows, i, one)
	{
		const json_t *from = json_object_get(one, "start"),
			     *until = json_object_get(one, "end");

		if (!err && !strcmp(json_text(one, "showAs"), "busy") &&
		    !json_flag(one, "isCancelled"))
			err = meetings_add(out, bytes_str(json_text(from, "dateTime")),
					   bytes_str(json_text(until, "dateTime")));
	}
	if (!err && bytes_cstr(next, out->next, sizeof(out->next)))
		err = -E2BIG;
	json_decref(answer);
	return err;
}

/* ---- CalDAV ---- */

/* A line with its folds (RFC 5545 3.1), without its end. False: no line is left. */
static bool line_unfold(struct bytes *text, char *out, struct bytes *line)
{
	size_t n = 0;

	if (!text->n)
		return false;
	do {
		size_t end = bytes_find(*text, '\n');
		struct bytes part = bytes_sub(*text, 0, end);

		*text = bytes_from(*text, end < text->n ? end + 1 : end);
		if (part.n && part.p[part.n - 1] == '\r')
			part.n--;
		if (n)
			part = bytes_from(part, 1);
		if (part.n > FREEBUSY_LINE - n)
			part.n = FREEBUSY_LINE - n;
		memcpy(out + n, part.p, part.n);
		n += part.n;
	} while (n && text->n && (text->p[0] == ' ' || text->p[0] == '\t'));
	*line = bytes_mem(out, n);
	return true;
}

/* FREEBUSY with its periods. */
static int freebusy_read(struct contacts_page *page, struct bytes line)
{
	struct bytes head, period, from;
	int err = 0;

	if (!bytes_cut(&line, ':', &head) || !bytes_istarts(head, "FREEBUSY") ||
	    (head.n > 8 && head.p[8] != ';'))
		return 0;
	for (size_t at = 0; at + 7 < head.n; at++) {
		struct bytes kind = bytes_from(head, at + 7);

		if (bytes_istarts(bytes_from(head, at), "FBTYPE=") &&
		    !bytes_iis(bytes_sub(kind, 0, bytes_find(kind, ';')), "BUSY"))
			return 0;
	}
	while (!err && bytes_cut(&line, ',', &period)) {
		if (!bytes_cut(&period, '/', &from))
			return -EBADMSG;
		err = meetings_add(page, bytes_trim(from), bytes_trim(period));
	}
	return err;
}

int meetings_parse_caldav(struct contacts_page *out, struct bytes body)
{
	int err = contacts_page_init(out);
	char *room = malloc(FREEBUSY_LINE);
	struct bytes line, rest = body;
	bool begins = false, is_busy = false;

	if (!room)
		err = -ENOMEM;
	while (!err && line_unfold(&rest, room, &line)) {
		begins |= bytes_iis(line, "BEGIN:VCALENDAR");
		is_busy |= bytes_iis(line, "BEGIN:VFREEBUSY");
		if (begins && is_busy)
			err = freebusy_read(out, line);
	}
	free(room);
	return err ? err : begins ? 0 : -EBADMSG;
}
