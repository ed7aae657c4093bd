/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local time by the zones of the IANA database (RFC 8536), as values: no process-wide TZ, no lock,
 * and any thread may ask. Also the Gregorian calendar. Seconds are those of POSIX, since 1970;
 * local seconds are counted the same way, as a wall clock shows them.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include "base/bytes.h"

enum { ZONE_NAME_MAX = 48, ZONE_DAY_S = 86400 };

/* Days since 1970-01-01; months and days of a month are counted from 1. */
struct civil {
	int64_t year;
	uint8_t month, day;
};
int64_t civil_days(struct civil date);
struct civil civil_of(int64_t days);
/* 0 is Sunday. */
uint8_t civil_weekday(int64_t days);
uint8_t civil_month_days(int64_t year, uint8_t month);
/* The whole days of local seconds, also before 1970. */
int64_t civil_day(int64_t local_s);

struct zone;

/* Parses a file of the database, of version 2 or later; free() ends it. Returns 0, -EBADMSG,
 * -EPROTONOSUPPORT (version 1, or leap seconds) or -ENOMEM. */
int zone_parse(struct zone **out, struct bytes file) NODISCARD;
/* Loads a zone by name, such as Europe/Berlin, from disk. Also returns -EINVAL (not a name) or
 * -errno of the file. */
int zone_load(struct zone **out, const char *name) NODISCARD;

/* What the wall shows more than UTC. */
int32_t zone_offset_s(const struct zone *z, int64_t utc_s);
/* UTC of a local time. An ambiguous time means its first occurrence; one in a gap is read by the
 * offset before the gap (RFC 5545 3.3.5). */
int64_t zone_utc_s(const struct zone *z, int64_t local_s);

#endif
