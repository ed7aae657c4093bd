/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/store/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/store/state.h"

#define LEASE_PRESET_NS (15 * NS_PER_S)

static uint64_t store_earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct store_shard *shard_of(struct store_base *base)
{
	return (struct store_shard *)base;
}

struct store_shard *store_shard_of(const struct store_op *op)
{
	return shard_of(op->base);
}

static uint64_t shard_next_ns(const struct store_base *base)
{
	const struct store_shard *s = (const struct store_shard *)base;
	uint64_t next = store_earlier(store_earlier(store_lease_next_ns(s), s->replay.retry_ns),
				      s->base.keys_ns);

	if (s->acquire && !s->lease.question)
		next = store_earlier(next, s->acquire_until_ns);
	return store_earlier(next, store_batch_next_ns(s));
}

static void shard_destroy(struct store_base *base)
{
	struct store_shard *s = shard_of(base);

	free(s->replay.segment);
	free(s->unreadable);
	free(s);
}

static void shard_lease_event(struct store_base *base, const struct lease_event *event)
{
	store_lease_event(shard_of(base), event);
}

static void shard_keys_aside(struct store_base *base)
{
	store_shard_anew(shard_of(base));
}

static const struct store_kind g_shard_kind = { .lease_event = shard_lease_event,
						.keys_check = store_shard_keys,
						.keys_aside = shard_keys_aside,
						.next_ns = shard_next_ns,
						.destroy = shard_destroy };

static void shard_on_state(bool connected, void *arg)
{
	struct store_shard *s = arg;

	store_enter(&s->base);
	if (connected && s->base.guest.redis != s->shared->base.guest.redis)
		scripts_load(s->base.scripts, s->base.guest.redis);
	if (!connected) {
		store_batch_lost(s);
		s->watch.since_ns = 0; /* the next one may be another Redis */
	}
	store_lease_event(s, &(struct lease_event){ .type = connected ? LEASE_LINK_UP
								      : LEASE_LINK_DOWN });
	store_leave(&s->base);
}

static void shard_on_expire(uint64_t now_ns, void *arg)
{
	struct store_shard *s = arg;

	store_enter(&s->base);
	store_failed_answer(&s->base);
	store_lease_expire(s, now_ns);
	store_keys_expire(&s->base, now_ns);
	store_batch_expire(s, now_ns);
	if (s->replay.retry_ns <= now_ns)
		store_replay_start(s);
	store_leave(&s->base);
}

static void shard_on_flush(void *arg)
{
	const struct store_shard *s = arg;

	if (!s->base.closing)
		store_link_flush(s->link);
}

static void shard_init(struct store_shard *s, struct store_shared *shared,
		       const struct store_shard_settings *settings)
{
	store_base_open(&s->base, &g_shard_kind, &shared->scripts, shared->base.deadline_ns);
	s->shared = shared;
	s->settings = *settings;
	s->settings.lease_ns = settings->lease_ns ? settings->lease_ns : LEASE_PRESET_NS;
	lease_open(&s->lease, settings->incarnation, s->settings.lease_ns);
	lease_name(&s->lease, &settings->named, clock_now_ns());
	s->base.lease = &s->lease;
	s->replay.retry_ns = UINT64_MAX;
	s->base.guest.state = shard_on_state;
	s->base.guest.expire = shard_on_expire;
	s->base.guest.flush = shard_on_flush;
	s->base.guest.arg = s;
	store_batch_open(s);
}

static void shard_join(struct store_shard *s, struct redis *redis)
{
	redis_join(redis, &s->base.guest);
	s->next = s->shared->shards;
	s->shared->shards = s;
	if (redis_is_connected(redis))
		shard_on_state(true, s);
}

static void shard_leave(struct store_shard *s)
{
	struct store_shard **at = &s->shared->shards;

	redis_leave(&s->base.guest);
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
}

int store_shard_open(struct store_shard **out, struct store_shared *shared, struct redis *redis,
		     const struct store_shard_settings *settings, store_health_fn *health,
		     void *arg)
{
	struct store_shard *s = calloc(1, sizeof(*s));
	int err;

	assert(settings->shard > 0);
	if (!s)
		return -ENOMEM;
	shard_init(s, shared, settings);
	s->arg = arg;
	err = store_link_join(s, redis);
	if (!err)
		err = store_ends_open(s);
	if (!err)
		err = spool_open(&s->spool, s->settings.spool_dir);
	if (!err)
		err = store_opens_open(s);
	if (err) {
		LOG_ERROR("store", 0, "no spool", LOG_STR("dir", s->settings.spool_dir),
			  LOG_INT("err", err));
		spool_close(s->spool);
		store_ends_free(s);
		if (s->link)
			store_link_leave(s);
		free(s);
		return err;
	}
	*out = s;
	shard_join(s, redis);
	if (settings->grant)
		store_lease_claimed(s, settings->grant);
	s->settings.grant = NULL; /* the caller's */
	s->health_fn = health;
	return 0;
}

void store_shard_close(struct store_shard *s)
{
	if (!s || s->base.closing)
		return;
	store_enter(&s->base);
	s->base.closing = true;
	store_link_leave(s);
	store_keep_leave(s);
	store_batch_close(s);
	store_ops_end(&s->base);
	store_ends_close(s);
	spool_close(s->spool); /* answers */
	store_opens_close(s);
	store_ends_free(s);
	store_loads_free(&s->base);
	shard_leave(s);
	store_leave(&s->base);
}

bool store_is_healthy(const struct store_shard *s)
{
	return s->lease.state == LEASE_HELD;
}

bool store_is_fenced(const struct store_shard *s)
{
	return s->lease.state == LEASE_FENCED;
}

const struct store_holder *store_holder(const struct store_shard *s)
{
	return &s->holder;
}

bool store_was_late(const struct store_shard *s)
{
	return s->late;
}

uint32_t store_calls_unreadable(const struct store_shard *s, const uint64_t **calls)
{
	*calls = s->unreadable;
	return s->unreadable_count;
}

uint32_t store_calls_aside(const struct store_shard *s)
{
	return s->calls_aside;
}

const char *store_shard_too_new(const struct store_shard *s)
{
	return s->base.too_new[0] ? s->base.too_new : NULL;
}

uint64_t store_epoch(const struct store_shard *s)
{
	return s->lease.epoch.counter;
}

struct lease_epoch store_lease_epoch(const struct store_shard *s)
{
	return s->lease.epoch;
}
