/* SPDX-License-Identifier: Apache-2.0 */
/* Opening hours of a tenant: weekly times, and holidays with times of their own, in a time zone.
 * Values, and time is an argument. Times are wall clock times. One that occurs twice, when summer
 * time ends, means the first; one that is skipped, when it begins, is later by as much
 * (base/zone.h). A span over midnight belongs to the day on which it begins, whatever the next day
 * is. */
#ifndef SIG_HOST_HOURS_H
#define SIG_HOST_HOURS_H

#include "base/zone.h"

enum {
	HOURS_SPANS_MAX = 6, /* of a day */
	HOURS_HOLIDAYS_MAX = 64,
	HOURS_LABEL_MAX = 48,
	HOURS_SHIFT_MAX = 180, /* days from what a rule says */
	HOURS_NEXT_DAYS = 366, /* search limit */
	HOURS_CODE_MAX = 8,    /* with its NUL */
};

/* Minutes of the day; the end may be in the next one. */
struct hours_span {
	uint16_t from, to;
};

struct hours_day {
	uint8_t count;
	struct hours_span spans[HOURS_SPANS_MAX];
};

enum hours_rule {
	HOURS_DATE,   /* from one date to another */
	HOURS_YEARLY, /* each year, from one date to another, also over its turn */
	HOURS_NTH,    /* a weekday of a month: 1 to 5, from its begin; 0: the last one */
	HOURS_BEFORE, /* the last such weekday before a date of each year */
	HOURS_AFTER,  /* the first such one behind it */
	HOURS_EASTER,
	HOURS_ORTHODOX, /* Easter by the Julian calendar */
};

struct hours_holiday {
	enum hours_rule rule;
	uint8_t nth, weekday; /* 0 is Sunday */
	int16_t shift;        /* days behind what the rule says */
	struct civil from, to;
	struct hours_day day; /* no spans: closed */
	char label[HOURS_LABEL_MAX];
};

/* The override by hand. */
enum hours_override { HOURS_BY_PLAN, HOURS_OPEN, HOURS_CLOSED };

struct hours {
	struct hours_day week[7]; /* from Sunday on */
	uint8_t count;
	struct hours_holiday holidays[HOURS_HOLIDAYS_MAX]; /* the first one that a day has counts */
	enum hours_override override;
	int64_t until_local_s;     /* it counts to then; 0: until it is taken back */
	char code[HOURS_CODE_MAX]; /* phones dial it behind a feature code; "": they cannot */
};

struct hours_state {
	bool open, overridden;
	const char *label; /* of the holiday that says so, and of the hours; "": none does */
};

/* "mon-fri 08:00-12:30 13:30-18:00; sat 22:00-02:00": unnamed days are closed. Returns NULL, or
 * what is wrong, and where. */
const char *hours_week_parse(struct hours *out, struct bytes text, struct bytes *where);
/* "12-25 closed Christmas; easter-2 closed; 4th thu nov+1 10:00-14:00 Black Friday". As above. */
const char *hours_holidays_parse(struct hours *out, struct bytes text, struct bytes *where);
/* "2026-12-24 18:00", as the wall shows it, or "18:00" of the day that is `today`. 0 or -EINVAL. */
int hours_time_parse(int64_t *local_s, struct bytes text, int64_t today) NODISCARD;
/* What counts on a day (base/zone.h: civil_days); NULL: it is no holiday. */
const struct hours_holiday *hours_holiday_of(const struct hours *h, int64_t day);
struct hours_state hours_at(const struct hours *h, const struct zone *z, int64_t utc_s);
/* When it opens or closes next. 0: not within HOURS_NEXT_DAYS. */
int64_t hours_next(const struct hours *h, const struct zone *z, int64_t utc_s);

#endif
