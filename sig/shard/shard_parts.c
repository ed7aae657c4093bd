/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a shard for those that do not know how it holds them. */
#include "sig/shard/shard_parts.h"

#include "sig/shard/shard_state.h"

/* Who may only look at a shard may still use its parts. */
static struct shard *shard_own(const struct shard *s)
{
	return s->host.owner;
}

struct shard *shard_next(const struct shard *s)
{
	return s->next;
}

struct shard_settings *shard_settings(const struct shard *s)
{
	return &shard_own(s)->settings;
}

struct shard_shared_tables *shard_shared_tables(const struct shard *s)
{
	return s->shared_tables;
}

struct call_host *shard_host(const struct shard *s)
{
	return &shard_own(s)->host;
}

struct wheel *shard_wheel(const struct shard *s)
{
	return &shard_own(s)->wheel;
}

struct txns *shard_txns(const struct shard *s)
{
	return &shard_own(s)->txns;
}

struct sig_metrics *shard_metrics(const struct shard *s)
{
	return &shard_own(s)->metrics;
}

struct id_source *shard_ids(const struct shard *s)
{
	return &shard_own(s)->ids;
}

struct pool *shard_calls(const struct shard *s)
{
	return &shard_own(s)->calls;
}

struct pool *shard_extensions(const struct shard *s)
{
	return &shard_own(s)->extensions;
}

struct objects *shard_objects(const struct shard *s)
{
	return &shard_own(s)->objects;
}

struct security *shard_security(const struct shard *s)
{
	return &shard_own(s)->security;
}

struct leg_users *shard_legs(const struct shard *s)
{
	return &shard_own(s)->legs;
}

struct forward_list *shard_forwards(const struct shard *s)
{
	return &shard_own(s)->elsewhere;
}

struct subscriptions *shard_subscriptions(const struct shard *s)
{
	return &shard_own(s)->subscriptions;
}

struct locations *shard_locations(const struct shard *s)
{
	return s->locations;
}

struct locations_user *shard_locations_user(const struct shard *s)
{
	return &shard_own(s)->locations_user;
}

const struct hash_key *shard_key(const struct shard *s)
{
	return &s->key;
}

bool shard_asserts_all(const struct shard *s)
{
	return s->assert_all;
}

bool shard_is_draining(const struct shard *s)
{
	return s->draining;
}

bool shard_is_overloaded(const struct shard *s)
{
	return s->is_overloaded;
}

uint64_t shard_resumed_ns(const struct shard *s)
{
	return s->resumed_ns;
}

void shard_established_add(struct shard *s)
{
	s->established++;
}

struct effects *shard_effects(const struct shard *s)
{
	return &shard_own(s)->effects;
}

struct table *shard_calls_by_slot(const struct shard *s)
{
	return &shard_own(s)->calls_by_slot;
}
