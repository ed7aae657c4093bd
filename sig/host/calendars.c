/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/calendars.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

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

static struct calendar *calendar_at(uint64_t value)
{
	return (struct calendar *)(uintptr_t)value;
}

void calendars_close(struct calendars *x)
{
	if (!x)
		return;
	for (uint32_t i = 0; x->by_name.slots && i <= x->by_name.mask; i++)
		free(calendar_at(x->by_name.slots[i].value));
	table_close(&x->by_name);
	while (x->zones) {
		struct calendar_zone *z = x->zones;

		x->zones = z->next;
		free(z->zone);
		free(z);
	}
	free(x);
}

/* Names are given by operators: the key need be no secret. */
static uint64_t calendar_hash(uint16_t tenant, struct bytes name)
{
	const struct hash_key key = { .k0 = tenant };

	return hash_sip(&key, name);
}

static struct calendar *calendar_find(const struct calendars *x, uint16_t tenant, struct bytes name)
{
	uint64_t hash = calendar_hash(tenant, name), value;
	uint32_t cursor = 0;

	while ((value = table_next(&x->by_name, hash, &cursor)) != 0) {
		struct calendar *c = calendar_at(value);

		if (c->tenant == tenant && bytes_is(name, c->name))
			return c;
	}
	return NULL;
}

static struct calendar_zone *zone_find(const struct calendars *x, const char *name)
{
	struct calendar_zone *z = x->zones;

	while (z && strcmp(z->name, name) != 0)
		z = z->next;
	return z;
}

/* NULL: -*err. */
static struct calendar *calendar_new(struct calendars *x, uint16_t tenant, struct bytes name,
				     int *err)
{
	struct calendar *c = calloc(1, sizeof(*c));

	*err = c ? bytes_cstr(name, c->name, sizeof(c->name)) : -ENOMEM;
	if (!*err) {
		c->tenant = tenant;
		*err = table_put(&x->by_name, calendar_hash(tenant, name), (uintptr_t)c);
	}
	if (!*err)
		return c;
	free(c);
	return NULL;
}

int calendars_put(struct calendars *x, uint16_t tenant, const char *name, const struct hours *hours,
		  const char *zone)
{
	const struct calendar_zone *z = zone_find(x, zone);
	struct calendar *c = calendar_find(x, tenant, bytes_str(name));
	int err = 0;

	if (!z)
		return -ENOENT;
	if (!c)
		c = calendar_new(x, tenant, bytes_str(name), &err);
	if (!c)
		return err;
	c->hours = *hours;
	c->zone = z->zone;
	return 0;
}

void calendars_delete(struct calendars *x, uint16_t tenant, const char *name)
{
	struct calendar *c = calendar_find(x, tenant, bytes_str(name));

	if (!c)
		return;
	(void)table_del(&x->by_name, calendar_hash(tenant, bytes_str(name)), (uintptr_t)c);
	free(c);
}

/* Those that had the rules of before. */
static void calendars_move(struct calendars *x, const struct zone *from, const struct zone *to)
{
	for (uint32_t i = 0; from && i <= x->by_name.mask; i++) {
		struct calendar *c = calendar_at(x->by_name.slots[i].value);

		if (c && c->zone == from)
			c->zone = to;
	}
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

const struct calendar *calendars_find(const struct calendars *x, uint16_t tenant, struct bytes name)
{
	return x ? calendar_find(x, tenant, name) : NULL;
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
	for (uint32_t i = 0; x && code.n && i <= x->by_name.mask; i++) {
		const struct calendar *c = calendar_at(x->by_name.slots[i].value);

		if (c && c->tenant == tenant && bytes_is(code, c->hours.code))
			return c;
	}
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
	while (*cursor <= x->by_name.mask) {
		struct calendar *c = calendar_at(x->by_name.slots[(*cursor)++].value);
		enum hours_override now = c ? calendar_override(c, utc_s) : HOURS_BY_PLAN;

		if (c && c->lit != now) {
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
