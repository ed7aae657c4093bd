/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/secret_limit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

/* A caller at an object. */
struct secret_caller {
	uint64_t id;       /* hash; 0: free */
	uint64_t first_ns; /* first failure of the window */
	uint64_t last_ns;  /* when it failed or passed last */
	uint64_t until_ns; /* it waits till then */
	uint32_t failures; /* in the window */
	uint32_t waits;    /* so far */
	bool known;        /* it has given the right one */
};

/* A source, at an object or at all. */
struct secret_bucket {
	uint64_t id; /* 0: free */
	uint64_t full_ns;
};

struct secret_limit {
	struct hash_key key;
	struct secret_caller callers[SECRET_SETS][SECRET_WAYS];
	struct secret_bucket buckets[SECRET_SETS][SECRET_WAYS];
};

/* Where a guess counts. */
struct secret_places {
	uint64_t caller, object, source;
};

int secret_limit_open(struct secret_limit **out, const struct hash_key *key)
{
	struct secret_limit *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->key = *key;
	*out = l;
	return 0;
}

void secret_limit_close(struct secret_limit *l)
{
	free(l);
}

static uint64_t secret_hash(const struct secret_limit *l, const uint64_t *parts, size_t count)
{
	uint64_t id = hash_sip(&l->key, bytes_mem(parts, count * sizeof(*parts)));

	return id ? id : 1;
}

static struct secret_places secret_places_of(const struct secret_limit *l,
					     const struct secret_guess *g)
{
	const uint64_t parts[] = { hash_sip(&l->key, g->tenant), hash_sip(&l->key, g->source),
				   hash_sip(&l->key, g->object), hash_sip(&l->key, g->caller) };

	return (struct secret_places){ .source = secret_hash(l, parts, 2),
				       .object = secret_hash(l, parts, 3),
				       .caller = secret_hash(l, parts, 4) };
}

/* ---- callers ---- */

static const struct secret_caller *secret_caller_find(const struct secret_limit *l, uint64_t id)
{
	const struct secret_caller *set = l->callers[id % SECRET_SETS];

	for (size_t i = 0; i < SECRET_WAYS; i++) {
		if (set[i].id == id)
			return &set[i];
	}
	return NULL;
}

/* Who is known, and then who failed last, is remembered for longer. */
static bool caller_is_less(const struct secret_caller *a, const struct secret_caller *b)
{
	return a->known != b->known ? b->known : a->last_ns < b->last_ns;
}

/* NULL: he is not known, and all who are remembered there are. His guesses count with his source. */
static struct secret_caller *secret_caller_take(struct secret_limit *l, uint64_t id, bool known,
						uint64_t now_ns)
{
	struct secret_caller *set = l->callers[id % SECRET_SETS], *least = set;

	for (size_t i = 0; i < SECRET_WAYS; i++) {
		if (set[i].id == id)
			return &set[i];
		if (caller_is_less(&set[i], least))
			least = &set[i];
	}
	if (least->known && !known)
		return NULL;
	*least = (struct secret_caller){ .id = id, .first_ns = now_ns };
	return least;
}

static uint64_t secret_wait_ns(uint32_t waits)
{
	uint64_t s = SECRET_WAIT_MIN_S;

	while (--waits && s < SECRET_WAIT_MAX_S)
		s *= 2;
	return (s < SECRET_WAIT_MAX_S ? s : SECRET_WAIT_MAX_S) * NS_PER_S;
}

static void secret_caller_failed(struct secret_caller *c, uint64_t now_ns)
{
	if (now_ns - c->last_ns > SECRET_WINDOW_S * NS_PER_S)
		c->waits = 0;
	if (now_ns - c->first_ns > SECRET_WINDOW_S * NS_PER_S) {
		c->first_ns = now_ns;
		c->failures = 0;
	}
	c->last_ns = now_ns;
	if (++c->failures < SECRET_FAILURES && !c->waits)
		return;
	c->waits += c->waits < UINT32_MAX;
	c->until_ns = now_ns + secret_wait_ns(c->waits);
}

/* ---- sources ---- */

static struct secret_bucket *secret_bucket_take(struct secret_limit *l, uint64_t id)
{
	struct secret_bucket *set = l->buckets[id % SECRET_SETS], *least = set;

	for (size_t i = 0; i < SECRET_WAYS; i++) {
		if (set[i].id == id)
			return &set[i];
		if (set[i].full_ns < least->full_ns)
			least = &set[i];
	}
	*least = (struct secret_bucket){ .id = id };
	return least;
}

/* One more, up to the burst: a flood makes nobody wait for longer. */
static void bucket_failed(struct secret_limit *l, uint64_t id, uint64_t burst, uint64_t each_s,
			  uint64_t now_ns)
{
	struct secret_bucket *b = secret_bucket_take(l, id);
	uint64_t most_ns = now_ns + burst * each_s * NS_PER_S;

	if (b->full_ns < now_ns)
		b->full_ns = now_ns;
	b->full_ns += each_s * NS_PER_S;
	if (b->full_ns > most_ns)
		b->full_ns = most_ns;
}

static uint64_t bucket_wait_ns(const struct secret_limit *l, uint64_t id, uint64_t burst,
			       uint64_t each_s, uint64_t now_ns)
{
	const struct secret_bucket *set = l->buckets[id % SECRET_SETS];
	uint64_t free_ns = now_ns + (burst - 1) * each_s * NS_PER_S;

	for (size_t i = 0; i < SECRET_WAYS; i++) {
		if (set[i].id == id)
			return set[i].full_ns > free_ns ? set[i].full_ns - free_ns : 0;
	}
	return 0;
}

/* ---- a guess ---- */

uint64_t secret_limit_wait_ns(const struct secret_limit *l, const struct secret_guess *g,
			      uint64_t now_ns)
{
	const struct secret_places at = secret_places_of(l, g);
	const struct secret_caller *c = secret_caller_find(l, at.caller);
	uint64_t wait_ns = c && c->until_ns > now_ns ? c->until_ns - now_ns : 0, more_ns;

	if (c && c->known)
		return wait_ns;
	more_ns = bucket_wait_ns(l, at.object, SECRET_OBJECT_BURST, SECRET_OBJECT_EACH_S, now_ns);
	wait_ns = more_ns > wait_ns ? more_ns : wait_ns;
	more_ns = bucket_wait_ns(l, at.source, SECRET_SOURCE_BURST, SECRET_SOURCE_EACH_S, now_ns);
	return more_ns > wait_ns ? more_ns : wait_ns;
}

void secret_limit_failed(struct secret_limit *l, const struct secret_guess *g, uint64_t now_ns)
{
	const struct secret_places at = secret_places_of(l, g);

	struct secret_caller *c = secret_caller_take(l, at.caller, false, now_ns);

	if (c)
		secret_caller_failed(c, now_ns);
	bucket_failed(l, at.object, SECRET_OBJECT_BURST, SECRET_OBJECT_EACH_S, now_ns);
	bucket_failed(l, at.source, SECRET_SOURCE_BURST, SECRET_SOURCE_EACH_S, now_ns);
}

/* Guesses in his name go on to count until they are old: else each of his right ones would give as many more. */
void secret_limit_passed(struct secret_limit *l, const struct secret_guess *g, uint64_t now_ns)
{
	struct secret_caller *c =
		secret_caller_take(l, secret_places_of(l, g).caller, true, now_ns);

	if (c->until_ns <= now_ns && !c->waits)
		c->failures = 0;
	c->last_ns = now_ns;
	c->known = true;
}
