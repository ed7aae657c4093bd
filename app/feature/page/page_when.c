/* SPDX-License-Identifier: Apache-2.0 */
/* When a bell rings: days and times of the week as text (page.h). Pure; tandemctl has it, too. */

#include "app/feature/page/page.h"

static bool bell_day_read(struct bytes word, unsigned *day)
{
	static const char names[][4] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

	for (*day = 0; *day < COUNT_OF(names); (*day)++) {
		if (bytes_is(word, names[*day]))
			return true;
	}
	return false;
}

/* "mon", "mon-fri", "sat-mon" or several, joined by ','. False: it is no days. */
static bool bell_days_read(struct bytes text, uint8_t *days)
{
	struct bytes word, first;
	unsigned from, to;

	*days = 0;
	while (bytes_cut(&text, ',', &word)) {
		(void)bytes_cut(&word, '-', &first);
		if (!bell_day_read(first, &from) || (word.n && !bell_day_read(word, &to)))
			return false;
		for (to = word.n ? to : from; from != to; from = (from + 1) % 7)
			*days |= (uint8_t)(1U << from);
		*days |= (uint8_t)(1U << to);
	}
	return *days;
}

static bool bell_minute_read(struct bytes word, unsigned *minute)
{
	uint32_t hour, rest;

	if (word.n != 5 || word.p[2] != ':' || bytes_u32(bytes_sub(word, 0, 2), &hour) ||
	    bytes_u32(bytes_from(word, 3), &rest) || hour > 23 || rest > 59)
		return false;
	*minute = 60 * hour + rest;
	return true;
}

const char *bell_when_look(struct bytes text, unsigned weekday, unsigned minute, bool *due,
			   struct bytes *where)
{
	struct bytes entry, word;
	unsigned at;
	uint8_t days;

	*due = false;
	while (bytes_cut(&text, ';', &entry)) {
		bool timed = false;

		*where = entry = bytes_trim(entry);
		if (!bytes_cut(&entry, ' ', &word) || !bell_days_read(word, &days))
			return "days are mon, mon-fri or mon,wed,fri, and times follow";
		while (bytes_cut(&entry, ' ', &word)) {
			if (word.n && !bell_minute_read(word, &at))
				return "times are HH:MM";
			timed |= word.n > 0;
			*due |= word.n && at == minute && (days & 1U << weekday);
		}
		if (!timed)
			return "it has no time";
	}
	return NULL;
}
