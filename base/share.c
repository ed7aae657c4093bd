/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of who holds how much: few enough to be looked through, since a place is taken seldom and held long. */
#include "base/share.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Somebody holds so many times less than is free. */
static const uint32_t g_share_parts[SHARE_LEVELS] = {
	[SHARE_TENANT] = 1,
	[SHARE_TOKEN] = 2,
	[SHARE_SOURCE] = 4,
	[SHARE_USER] = 16,
};

void share_open(struct share *s, uint32_t max, struct hash_key key)
{
	*s = (struct share){ .key = key, .max = max };
}

void share_close(struct share *s)
{
	free(s->counts);
	*s = (struct share){ 0 };
}

/* Tokens and users have their names in a tenant. 0: that level has no name. */
static uint64_t share_key(const struct share *s, const struct share_who *who, unsigned level)
{
	uint8_t space[256];
	struct writer w = writer_over(space, sizeof(space));

	if (!who->name[level].n)
		return 0;
	writer_u8(&w, (uint8_t)level);
	if (level != SHARE_SOURCE)
		writer_bytes(&w, bytes_sub(who->name[SHARE_TENANT], 0, sizeof(space) / 3));
	writer_u8(&w, 0);
	writer_bytes(&w, bytes_sub(who->name[level], 0, sizeof(space) / 3));
	return hash_sip(&s->key, writer_done(&w)) | 1;
}

static struct share_count *share_find(const struct share *s, uint64_t key)
{
	for (uint32_t i = 0; key && i < s->count; i++) {
		if (s->counts[i].key == key)
			return &s->counts[i];
	}
	return NULL;
}

enum share_level share_look(const struct share *s, const struct share_who *who, uint32_t n)
{
	uint32_t free_now = s->max - s->taken;

	if (n > free_now)
		return SHARE_LEVELS;
	for (unsigned level = 0; level < SHARE_LEVELS; level++) {
		const struct share_count *c = share_find(s, share_key(s, who, level));

		if (c && (uint64_t)c->n * g_share_parts[level] >= free_now)
			return (enum share_level)level;
	}
	return SHARE_FINE;
}

/* Room for all levels of one more. */
static bool share_grow(struct share *s)
{
	struct share_count *all;

	if (s->count + SHARE_LEVELS <= s->room)
		return true;
	all = reallocarray(s->counts, 2 * s->room + 16, sizeof(*all));
	if (!all)
		return false;
	s->counts = all;
	s->room = 2 * s->room + 16;
	return true;
}

enum share_level share_take(struct share *s, const struct share_who *who, uint32_t n,
			    struct share_held *held)
{
	enum share_level beyond = share_look(s, who, n);

	if (beyond != SHARE_FINE)
		return beyond;
	if (!share_grow(s))
		return SHARE_LEVELS;
	for (unsigned level = 0; level < SHARE_LEVELS; level++) {
		uint64_t key = share_key(s, who, level);
		struct share_count *c = share_find(s, key);

		assert(!held->n || held->key[level] == key); /* more of the same */
		held->key[level] = key;
		if (!key)
			continue;
		if (!c) {
			c = &s->counts[s->count++];
			*c = (struct share_count){ .key = key };
		}
		c->n += n;
	}
	s->taken += n;
	held->n += n;
	return SHARE_FINE;
}

void share_give(struct share *s, struct share_held *held)
{
	for (unsigned level = 0; held->n && level < SHARE_LEVELS; level++) {
		struct share_count *c = share_find(s, held->key[level]);

		if (!c)
			continue;
		assert(c->n >= held->n);
		c->n -= held->n;
		if (!c->n)
			*c = s->counts[--s->count];
	}
	assert(s->taken >= held->n);
	s->taken -= held->n;
	*held = (struct share_held){ 0 };
}
