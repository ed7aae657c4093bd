/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Divides a bounded table among tenants, tokens, sources and users by the rule of fair.h, so that a
 * single client cannot use all connections or event streams. Commands, sets and event streams of
 * app/ ask it before they take a place. It counts how much each holder has; there are few holders,
 * so they are searched in order, and places are taken seldom and held long.
 */

#include "base/fair.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The part of the free places that a holder may have, as a divisor. */
static const uint32_t g_fair_parts[FAIR_LEVELS] = {
	[FAIR_TENANT] = 1,
	[FAIR_TOKEN] = 2,
	[FAIR_SOURCE] = 4,
	[FAIR_USER] = 16,
};

void fair_open(struct fair *s, uint32_t max, struct rand_source *rand)
{
	*s = (struct fair){ .key = { rand_u64_from(rand), rand_u64_from(rand) }, .max = max };
}

void fair_close(struct fair *s)
{
	free(s->counts);
	*s = (struct fair){ 0 };
}

/* Tokens and users have their names in a tenant. 0: that level has no name. */
static uint64_t fair_key(const struct fair *s, const struct fair_who *who, unsigned level)
{
	uint8_t space[256];
	struct writer w = writer_over(space, sizeof(space));

	if (!who->name[level].n)
		return 0;
	writer_u8(&w, (uint8_t)level);
	if (level != FAIR_SOURCE)
		writer_bytes(&w, bytes_sub(who->name[FAIR_TENANT], 0, sizeof(space) / 3));
	writer_u8(&w, 0);
	writer_bytes(&w, bytes_sub(who->name[level], 0, sizeof(space) / 3));
	return hash_sip(&s->key, writer_done(&w)) | 1;
}

static struct fair_count *fair_find(const struct fair *s, uint64_t key)
{
	for (uint32_t i = 0; key && i < s->count; i++) {
		if (s->counts[i].key == key)
			return &s->counts[i];
	}
	return NULL;
}

enum fair_level fair_look(const struct fair *s, const struct fair_who *who, uint32_t n)
{
	uint32_t free_now = s->max - s->taken;

	if (n > free_now)
		return FAIR_LEVELS;
	for (unsigned level = 0; level < FAIR_LEVELS; level++) {
		const struct fair_count *c = fair_find(s, fair_key(s, who, level));

		if (c && (uint64_t)c->n * g_fair_parts[level] >= free_now)
			return (enum fair_level)level;
	}
	return FAIR_FINE;
}

/* Room for all levels of one more. */
static bool fair_grow(struct fair *s)
{
	struct fair_count *all;

	if (s->count + FAIR_LEVELS <= s->room)
		return true;
	all = reallocarray(s->counts, 2 * s->room + 16, sizeof(*all));
	if (!all)
		return false;
	s->counts = all;
	s->room = 2 * s->room + 16;
	return true;
}

enum fair_level fair_admit(struct fair *s, const struct fair_who *who, uint32_t n,
			   struct fair_held *held)
{
	enum fair_level beyond = fair_look(s, who, n);

	if (beyond != FAIR_FINE)
		return beyond;
	if (!fair_grow(s))
		return FAIR_LEVELS;
	for (unsigned level = 0; level < FAIR_LEVELS; level++) {
		uint64_t key = fair_key(s, who, level);
		struct fair_count *c = fair_find(s, key);

		assert(!held->n || held->key[level] == key); /* more of the same */
		held->key[level] = key;
		if (!key)
			continue;
		if (!c) {
			c = &s->counts[s->count++];
			*c = (struct fair_count){ .key = key };
		}
		c->n += n;
	}
	s->taken += n;
	held->n += n;
	return FAIR_FINE;
}

void fair_give(struct fair *s, struct fair_held *held)
{
	for (unsigned level = 0; held->n && level < FAIR_LEVELS; level++) {
		struct fair_count *c = fair_find(s, held->key[level]);

		if (!c)
			continue;
		assert(c->n >= held->n);
		c->n -= held->n;
		if (!c->n)
			*c = s->counts[--s->count];
	}
	assert(s->taken >= held->n);
	s->taken -= held->n;
	*held = (struct fair_held){ 0 };
}
