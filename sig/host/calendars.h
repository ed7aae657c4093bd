/* SPDX-License-Identifier: Apache-2.0 */
/* The opening hours of a node's tenants by name, each with its time zone in memory: calls read no
 * files. One thread. */
#ifndef SIG_HOST_CALENDARS_H
#define SIG_HOST_CALENDARS_H

#include "sig/host/hours.h"

enum { CALENDARS_MAX = 65536, CALENDAR_NAME_MAX = 32 }; /* of a node; with its NUL */

struct calendar {
	uint16_t tenant;
	char name[CALENDAR_NAME_MAX];
	struct hours hours;
	const struct zone *zone;
	enum hours_override lit; /* the state that BLF shows */
};

struct calendars;

/* 0 or -ENOMEM. */
int calendars_open(struct calendars **out) NODISCARD;
void calendars_close(struct calendars *x); /* NULL is fine */
/* Adds or replaces, with a zone in memory. Returns 0, -ENOSPC, -ENOMEM, or -ENOENT: not in memory,
 * see calendars_zone_put. */
int calendars_put(struct calendars *x, uint16_t tenant, const char *name, const struct hours *hours,
		  const char *zone) NODISCARD;
void calendars_delete(struct calendars *x, uint16_t tenant, const char *name);
/* Adds a zone, or its newer rules. The table owns it from now on, and frees it on failure:
 * -ENOMEM. */
int calendars_zone_put(struct calendars *x, const char *name, struct zone *zone) NODISCARD;
/* One that is in memory; NULL: it is not. */
const struct zone *calendars_zone(const struct calendars *x, const char *name);
/* The offset of local time from UTC at utc_s; 0 if the zone is not in memory, or has no name. */
int32_t calendars_offset_s(const struct calendars *x, const char *zone, int64_t utc_s);
/* Returns NULL if not found. Valid until the next put or delete. x NULL: no calendars. */
const struct calendar *calendars_find(const struct calendars *x, uint16_t tenant,
				      struct bytes name);
/* What it says at that time, as flows have it: open, closed, or holiday on a day of its own. */
const char *calendar_word(const struct calendar *c, int64_t utc_s);
/* The calendar of that feature code digits; NULL if not found. */
const struct calendar *calendars_by_code(const struct calendars *x, uint16_t tenant,
					 struct bytes code);
/* The override by hand in force at that time. */
enum hours_override calendar_override(const struct calendar *c, int64_t utc_s);
/* Updates and returns the next calendar, from *cursor 0 on, that has a BLF state unlike its state.
 * Returns NULL at the end. */
const struct calendar *calendars_turn(struct calendars *x, uint32_t *cursor, int64_t utc_s);
/* What flows call time.date, time.weekday, time.hour and time.minute; nothing for another name. */
void calendar_time_write(struct writer *w, struct bytes name, int64_t local_s);

#endif
