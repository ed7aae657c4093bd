/* SPDX-License-Identifier: Apache-2.0 */
/* The calendars of a node's tenants (calendars.h): opening hours by name with their time zones in
 * memory, so that a call decides without reading a file. Zones are shared between calendars and
 * replaced when their rules change. Also the overrides by hand, and the walk that finds calendars
 * with a changed BLF state. One thread. */

#include "sig/host/calendars.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/named.h"

/* One for all calendars that name it. */
struct calendar_zone {
	struct calendar_zone *next;
	char name[ZONE_NAME_MAX];
	struct zone *zone;
};

struct calendars {
	struct table by_name; /* struct calendar */
	struct calendar_zone *zones;
};

int calendars_open(struct calendars **out)
{
	struct calendars *x = calloc(1, sizeof(*x));

	if (!x || table_open(&x->by_name, CALENDARS_MAX)) {
		free(x);
		return -ENOMEM;
	}
	*out = x;
	return 0;
}

void calendars_close(struct calendars *x)
{
	if (!x)
		return;
	named_close(&x->by_name);
	while (x->zones) {
		struct calendar_zone *z = x->zones;

		x->zones = z->next;
		free(z->zone);
		free(z);
	}
	free(x);
}

static struct calendar_zone *zone_find(const struct calendars *x, const char *name)
{
	struct calendar_zone *z = x->zones;

	while (z && strcmp(z->name, name) != 0)
		z = z->next;
	return z;
}

int calendars_put(struct calendars *x, uint16_t tenant, const char *name, const struct hours *hours,
		  const char *zone)
{
	const struct calendar_zone *z = zone_find(x, zone);
	struct calendar *c;
	int err;

	if (!z)
		return -ENOENT;
	if (strlen(name) >= CALENDAR_NAME_MAX)
		return -ENOSPC;
	c = named_put(&x->by_name, tenant, bytes_str(name), sizeof(*c), &err);
	if (!c)
		return err;
	c->hours = *hours;
	c->zone = z->zone;
	return 0;
}

void calendars_delete(struct calendars *x, uint16_t tenant, const char *name)
{
	struct calendar *c = named_find(&x->by_name, tenant, bytes_str(name));

	if (c)
		named_remove(&x->by_name, c);
	free(c);
}

/* Those that had the rules of before. */
static void calendars_move(struct calendars *x, const struct zone *from, const struct zone *to)
{
	struct calendar *c;

	for (uint32_t cursor = 0; from && (c = named_next(&x->by_name, &cursor));)
		if (c->zone == from)
			c->zone = to;
}

int calendars_zone_put(struct calendars *x, const char *name, struct zone *zone)
{
	struct calendar_zone *z = zone_find(x, name);

	if (!z) {
		z = calloc(1, sizeof(*z));
		if (!z || bytes_cstr(bytes_str(name), z->name, sizeof(z->name))) {
			free(z);
			free(zone);
			return -ENOMEM;
		}
		z->next = x->zones;
		x->zones = z;
	}
	calendars_move(x, z->zone, zone);
	free(z->zone);
	z->zone = zone;
	return 0;
}

const struct zone *calendars_zone(const struct calendars *x, const char *name)
{
	const struct calendar_zone *z = x ? zone_find(x, name) : NULL;

	return z ? z->zone : NULL;
}

int32_t calendars_offset_s(const struct calendars *x, const char *zone, int64_t utc_s)
{
	const struct zone *z = calendars_zone(x, zone);

	return z ? zone_offset_s(z, utc_s) : 0;
}

const struct calendar *calendars_find(const struct calendars *x, uint16_t tenant, struct bytes name)
{
	return x ? named_find(&x->by_name, tenant, name) : NULL;
}

const char *calendar_word(const struct calendar *c, int64_t utc_s)
{
	struct hours_state state = hours_at(&c->hours, c->zone, utc_s);

	if (state.open)
		return "open";
	return state.overridden || !state.label[0] ? "closed" : "holiday";
}

const struct calendar *calendars_by_code(const struct calendars *x, uint16_t tenant,
					 struct bytes code)
{
	const struct calendar *c;

	for (uint32_t cursor = 0; x && code.n && (c = named_next(&x->by_name, &cursor));)
		if (c->tenant == tenant && bytes_is(code, c->hours.code))
			return c;
	return NULL;
}

enum hours_override calendar_override(const struct calendar *c, int64_t utc_s)
{
	struct hours_state state;

	if (c->hours.override == HOURS_BY_PLAN)
		return HOURS_BY_PLAN;
	state = hours_at(&c->hours, c->zone, utc_s);
	return state.overridden ? c->hours.override : HOURS_BY_PLAN;
}

const struct calendar *calendars_turn(struct calendars *x, uint32_t *cursor, int64_t utc_s)
{
	struct calendar *c;

	while ((c = named_next(&x->by_name, cursor))) {
		enum hours_override now = calendar_override(c, utc_s);

		if (c->lit != now) {
			c->lit = now;
			return c;
		}
	}
	return NULL;
}

void calendar_time_write(struct writer *w, struct bytes name, int64_t local_s)
{
	static const char days[][4] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
	struct civil date = civil_of(civil_day(local_s));
	int64_t minute = (local_s - civil_day(local_s) * ZONE_DAY_S) / 60;

	if (bytes_is(name, "time.date"))
		writer_fmt(w, "%04d-%02u-%02u", (int)date.year, date.month, date.day);
	else if (bytes_is(name, "time.weekday"))
		writer_str(w, days[civil_weekday(civil_day(local_s))]);
	else if (bytes_is(name, "time.hour"))
		writer_fmt(w, "%02d", (int)(minute / 60));
	else if (bytes_is(name, "time.minute"))
		writer_fmt(w, "%02d", (int)(minute % 60));
}
