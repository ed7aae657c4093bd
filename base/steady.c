/* SPDX-License-Identifier: Apache-2.0 */
#include "base/steady.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static int64_t ms_of(uint64_t ns)
{
	return (int64_t)(ns / NS_PER_MS);
}

void steady_open(struct steady *s, uint64_t boot, struct instant now)
{
	*s = (struct steady){ .boot = boot, .offset_ms = (int64_t)now.utc_ms - ms_of(now.ns) };
}

uint64_t steady_utc_ms(const struct steady *s, uint64_t ns)
{
	return (uint64_t)(s->offset_ms + ms_of(ns));
}

int64_t steady_off_wall(const struct steady *s, struct instant now)
{
	return (int64_t)now.utc_ms - (int64_t)steady_utc_ms(s, now.ns);
}

struct steady_mark steady_mark(const struct steady *s, uint64_t ns)
{
	return (struct steady_mark){ .boot = s->boot,
				     .offset_ms = s->offset_ms,
				     .utc_ms = steady_utc_ms(s, ns) };
}

int64_t steady_shift(const struct steady *s, const struct steady_mark *m, uint64_t ns)
{
	int64_t now = (int64_t)steady_utc_ms(s, ns), then = (int64_t)m->utc_ms, passed;

	if (m->utc_ms == 0 || m->utc_ms > INT64_MAX / 2)
		return 0;
	if (m->boot && m->boot == s->boot && m->offset_ms + ms_of(ns) >= then)
		return s->offset_ms - m->offset_ms;
	passed = now - then;
	if (passed < 0)
		passed = 0;
	if (passed > DAY_MS)
		passed = DAY_MS;
	return now - then - passed;
}

uint64_t steady_add(uint64_t utc_ms, int64_t ms)
{
	if (utc_ms == 0)
		return 0;
	if (ms < 0 && utc_ms <= (uint64_t)-ms)
		return 1;
	return utc_ms + (uint64_t)ms;
}
