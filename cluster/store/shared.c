/* SPDX-License-Identifier: Apache-2.0 */
/* What the shards of a node share: the link, the scripts in Redis, and what is no shard's. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "cluster/store/state.h"

static struct store_shared *shared_of(struct store_base *base)
{
	return (struct store_shared *)base;
}

/* Redis is late, or refuses all: no shard waits for it. One of those who hear of it may close its store. */
static void shared_lease_event(struct store_base *base, const struct lease_event *event)
{
	struct store_shard *shard = shared_of(base)->shards, *next;

	for (; shard; shard = next) {
		next = shard->next;
		store_enter(&shard->base);
		store_lease_event(shard, event);
		store_leave(&shard->base);
	}
}

/* All that the owners have is saved again. */
static void shared_keys_aside(struct store_base *base)
{
	struct store_shard *shard = shared_of(base)->shards, *next;

	for (; shard; shard = next) {
		next = shard->next;
		store_enter(&shard->base);
		store_shard_anew(shard);
		store_leave(&shard->base);
	}
}

static uint64_t shared_next_ns(const struct store_base *base)
{
	return base->keys_ns;
}

static void shared_destroy(struct store_base *base)
{
	free(base);
}

static const struct store_kind g_shared_kind = { .lease_event = shared_lease_event,
						 .keys_check = store_shared_keys,
						 .keys_aside = shared_keys_aside,
						 .next_ns = shared_next_ns,
						 .destroy = shared_destroy };

static void shared_on_state(bool connected, void *arg)
{
	struct store_shared *s = arg;

	if (connected)
		scripts_load(&s->scripts, s->base.guest.redis);
}

static void shared_on_expire(uint64_t now_ns, void *arg)
{
	struct store_shared *s = arg;

	store_enter(&s->base);
	store_failed_answer(&s->base);
	store_keys_expire(&s->base, now_ns);
	store_leave(&s->base);
}

int store_shared_open(struct store_shared **out, struct redis *redis,
		      const struct store_shared_settings *settings)
{
	struct store_shared *s = calloc(1, sizeof(*s));
	int err;

	assert(settings->node[0]);
	if (!s)
		return -ENOMEM;
	err = scripts_open(&s->scripts);
	if (err) {
		free(s);
		return err;
	}
	s->settings = *settings;
	store_base_open(&s->base, &g_shared_kind, &s->scripts, settings->deadline_ns);
	s->base.cluster = redis_is_cluster(redis);
	s->base.guest.state = shared_on_state;
	s->base.guest.expire = shared_on_expire;
	s->base.guest.arg = s;
	redis_join(redis, &s->base.guest);
	store_keep_open(s);
	*out = s;
	if (redis_is_connected(redis))
		shared_on_state(true, s);
	return 0;
}

void store_shared_close(struct store_shared *s)
{
	if (!s || s->base.closing)
		return;
	assert(!s->shards);
	store_keep_close(s);
	store_enter(&s->base);
	s->base.closing = true;
	store_ops_end(&s->base);
	store_loads_free(&s->base);
	redis_leave(&s->base.guest);
	store_leave(&s->base);
}

bool store_shared_is_healthy(const struct store_shared *s)
{
	const struct store_shard *shard = s->shards;

	while (shard && !store_is_healthy(shard))
		shard = shard->next;
	return shard;
}

const char *store_shared_too_new(const struct store_shared *s)
{
	return s->base.too_new[0] ? s->base.too_new : NULL;
}
