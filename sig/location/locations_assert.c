/* SPDX-License-Identifier: Apache-2.0 */
/* The store away and back: nobody waits while it is away; when it is back it may have lost what it had acknowledged, so it is told
 * every registration again, so many at a time that nothing else suffers. */
#include "sig/location/locations_state.h"

enum {
	ASSERT_STEP_MS = 10,
	ASSERT_AORS = 32,        /* in each step */
	ASSERT_LOOKED_AT = 2048, /* in each step, of those that need no save */
};

static void locations_release(struct locations *l)
{
	uint32_t cursor = 0;
	struct location *a;
	pool_handle h;

	while ((a = pool_next(&l->aors, &cursor, &h)) != NULL) {
		if (a->waits)
			location_release(l, a, a->entry.version);
	}
}

static void locations_assert_start(struct locations *l)
{
	l->assert_cursor = 0;
	wheel_start(&l->wheel, &l->assert_timer, l->now.ns);
}

void locations_degraded(struct locations *l, bool degraded, struct instant now)
{
	locations_begin(l, now);
	if (l->degraded == degraded)
		return;
	l->degraded = degraded;
	if (degraded) {
		wheel_stop(&l->wheel, &l->assert_timer);
		locations_release(l);
	} else {
		l->assert_all = true; /* until a pass has come to its end */
		locations_assert_start(l);
	}
}

void locations_caught_up(struct locations *l, struct instant now)
{
	locations_begin(l, now);
	if (!l->degraded)
		return;
	l->degraded = false;
	locations_assert_start(l);
}

static bool location_needs_save(const struct locations *l, const struct location *a)
{
	return l->assert_all || a->unsaved || a->is_unknown || a->acked != a->entry.version;
}

static bool assert_locations(struct locations *l)
{
	struct location *a;
	pool_handle h;

	for (uint32_t i = 0, seen = 0; i < ASSERT_AORS && seen < ASSERT_LOOKED_AT; seen++) {
		a = pool_next(&l->aors, &l->assert_cursor, &h);
		if (!a)
			return false;
		if (!location_needs_save(l, a))
			continue;
		a->unsaved = true;
		a->retry_ns = 0;
		location_settle(l, a);
		i++;
	}
	return true;
}

void locations_assert_some(struct locations *l)
{
	if (assert_locations(l))
		wheel_start(&l->wheel, &l->assert_timer, l->now.ns + ASSERT_STEP_MS * NS_PER_MS);
	else
		l->assert_all = false;
}
