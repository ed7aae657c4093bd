/* SPDX-License-Identifier: Apache-2.0 */
/* The store away and back: nobody waits while it is away; when it is back it may have lost what it had acknowledged, so it is told
 * every call again, so many at a time that nothing else suffers. */
#include "base/log.h"
#include "sig/shard/shard_room.h"

enum {
	ASSERT_STEP_MS = 10,
	ASSERT_CALLS = 32,       /* in each step */
	ASSERT_LOOKED_AT = 2048, /* in each step, of those that need no save */
};

static void release_calls(struct shard *s)
{
	const struct call_event ev = { .kind = CALL_EV_RELEASE };
	uint32_t cursor = 0;
	struct call *c;
	pool_handle h;

	while ((c = pool_next(&s->calls, &cursor, &h)) != NULL) {
		if (c->out.count)
			shard_call_step(s, c, &ev);
	}
}

/* The store has an older record of it, or none. What has come to its end is in none. */
static bool call_is_behind(const struct call *c)
{
	return !c->end_done && c->out.acked != c->out.version;
}

uint64_t shard_unsaved(const struct shard *s)
{
	const struct subscription *sub;
	const struct call *c;
	const struct room *r;
	uint32_t cursor = 0;
	uint64_t n = 0;
	pool_handle h;

	while ((c = pool_next(&s->calls, &cursor, &h)) != NULL)
		n += call_is_behind(c);
	cursor = 0;
	while ((sub = pool_next(&s->subscriptions.pool, &cursor, &h)) != NULL)
		n += subscription_is_behind(sub);
	cursor = 0;
	while ((r = pool_next(&s->rooms, &cursor, &h)) != NULL)
		n += shard_room_is_behind(r);
	return n;
}

/* What the store did not take in time, and what would wait for its turn: all of it now. */
static void save_behind(struct shard *s)
{
	const struct call_event ev = { .kind = CALL_EV_ASSERT };
	struct subscription *sub;
	uint32_t cursor = 0;
	struct room *r;
	struct call *c;
	pool_handle h;

	while ((c = pool_next(&s->calls, &cursor, &h)) != NULL) {
		if (call_is_behind(c) && !c->out.in_flight && !c->end_tries)
			shard_call_step(s, c, &ev);
	}
	cursor = 0;
	while ((sub = pool_next(&s->subscriptions.pool, &cursor, &h)) != NULL) {
		if (!sub->saving)
			subscription_assert(&s->subscriptions, sub, false);
	}
	cursor = 0;
	while ((r = pool_next(&s->rooms, &cursor, &h)) != NULL)
		shard_room_save(s, r);
}

void shard_hurry(struct shard *s, bool hurries, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_RELEASE };
	uint32_t cursor = 0;
	struct call *c;
	pool_handle h;

	shard_begin(s, now);
	s->host.hurries = hurries;
	while (hurries && (c = pool_next(&s->calls, &cursor, &h)) != NULL) {
		if (c->later_ns)
			shard_call_step(s, c, &ev);
	}
	if (hurries && !s->host.degraded)
		save_behind(s);
}

static void assert_start(struct shard *s)
{
	s->assert_call = s->assert_room = 0;
	s->assert_subscription = 0;
	wheel_start(&s->wheel, &s->assert_timer, s->host.now.ns);
}

static bool degraded_set(struct shard *s, bool degraded, const char *text)
{
	if (s->host.degraded == degraded)
		return false;
	s->host.degraded = degraded;
	LOG_WARN("sig", 0, text, LOG_U64("calls", s->calls.in_use),
		 LOG_U64("registrations", locations_aors(s->locations)));
	return true;
}

void shard_degraded(struct shard *s, bool degraded, struct instant now)
{
	shard_begin(s, now);
	if (!degraded_set(s, degraded,
			  degraded ? "the store is away: nothing waits for saves"
				   : "the store is back: saving everything again"))
		return;
	if (degraded) {
		wheel_stop(&s->wheel, &s->assert_timer);
		release_calls(s);
	} else {
		s->assert_all = true; /* until a pass has come to its end */
		assert_start(s);
	}
}

void shard_caught_up(struct shard *s, struct instant now)
{
	shard_begin(s, now);
	if (degraded_set(s, false,
			 "the store is in time again: saving what it has not acknowledged"))
		assert_start(s);
}

void shard_store_forget(struct shard *s)
{
	s->host.degraded = s->host.hurries = s->assert_all = false;
	wheel_stop(&s->wheel, &s->assert_timer);
}

static bool call_needs_save(const struct shard *s, const struct call *c)
{
	return s->assert_all || call_is_behind(c);
}

static bool assert_calls(struct shard *s)
{
	const struct call_event ev = { .kind = CALL_EV_ASSERT };
	struct call *c;
	pool_handle h;

	for (uint32_t i = 0, seen = 0; i < ASSERT_CALLS && seen < ASSERT_LOOKED_AT; seen++) {
		c = pool_next(&s->calls, &s->assert_call, &h);
		if (!c)
			return false;
		if (!call_needs_save(s, c))
			continue;
		shard_call_step(s, c, &ev);
		i++;
	}
	return true;
}

void shard_assert_some(struct shard *s)
{
	if (assert_calls(s) || shard_rooms_assert(s, ASSERT_CALLS) ||
	    shard_watch_assert(s, ASSERT_CALLS)) {
		wheel_start(&s->wheel, &s->assert_timer,
			    s->host.now.ns + ASSERT_STEP_MS * NS_PER_MS);
	} else {
		s->assert_all = false;
	}
}

void shard_drain(struct shard *s, bool drain)
{
	s->draining = drain;
}

static bool call_is_saved(const struct call *c)
{
	return c->out.acked && c->state != CALL_ENDING;
}

uint32_t shard_calls_saved(struct shard *s, uint32_t *cursor, uint64_t *ids, uint32_t max)
{
	uint32_t n = 0;
	struct call *c = NULL;
	pool_handle h;

	while (n < max && (c = pool_next(&s->calls, cursor, &h)) != NULL) {
		if (call_is_saved(c))
			ids[n++] = c->id;
	}
	if (!c)
		*cursor = 0;
	return n;
}

void shard_call_missing(struct shard *s, uint64_t call, struct instant now)
{
	const struct call_event ev = { .kind = CALL_EV_ASSERT };
	struct call *c;

	shard_begin(s, now);
	c = shard_call_find(s, call);
	if (!c || !call_is_saved(c))
		return;
	LOG_WARN("sig", call, "the record of a call is gone: saving it again");
	shard_call_step(s, c, &ev);
}
