/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/nonce_window.h"

#include <errno.h>
#include <stdlib.h>

/* Beyond its life a nonce is not taken anyhow. The clock may have stepped either way. */
static bool nonce_is_dead(const struct nonce_now *n, uint64_t made_utc_ms)
{
	uint64_t away = made_utc_ms > n->utc_ms ? made_utc_ms - n->utc_ms : n->utc_ms - made_utc_ms;

	return away > n->lifetime_ms;
}

static bool count_take(struct nonce_use *u, uint32_t nc)
{
	uint64_t bit;

	if (nc > u->newest) {
		uint32_t ahead = nc - u->newest;

		u->seen = ahead < NONCE_WINDOW ? u->seen << ahead : 0;
		u->seen |= 1;
		u->newest = nc;
		return true;
	}
	if (u->newest - nc >= NONCE_WINDOW)
		return false;
	bit = UINT64_C(1) << (u->newest - nc);
	if (u->seen & bit)
		return false;
	u->seen |= bit;
	return true;
}

static struct nonce_set *set_of(const struct nonce_window *w, uint64_t id)
{
	return &w->sets[id % w->count];
}

/* A free place, or one of a nonce that is dead. */
static struct nonce_use *nonce_place_find(struct nonce_set *set, const struct nonce_now *n)
{
	for (size_t i = 0; i < NONCE_WAYS; i++) {
		struct nonce_use *u = &set->uses[i];

		if (!u->id || nonce_is_dead(n, u->made_utc_ms))
			return u;
	}
	return NULL;
}

/* That of the oldest, of which the floor keeps the memory. */
static struct nonce_use *nonce_place_take(struct nonce_set *set, const struct nonce_now *n)
{
	struct nonce_use *oldest = &set->uses[0];

	for (size_t i = 1; i < NONCE_WAYS; i++) {
		if (set->uses[i].made_utc_ms < oldest->made_utc_ms)
			oldest = &set->uses[i];
	}
	if (oldest->made_utc_ms >= n->made_utc_ms)
		return NULL;
	if (oldest->made_utc_ms > set->floor_utc_ms || nonce_is_dead(n, set->floor_utc_ms))
		set->floor_utc_ms = oldest->made_utc_ms;
	return oldest;
}

/* What was in a set is in that one or in its new sister. */
static void set_split(const struct nonce_set *set, struct nonce_set *same, struct nonce_set *sister,
		      uint32_t bit)
{
	size_t kept = 0, moved = 0;

	same->floor_utc_ms = sister->floor_utc_ms = set->floor_utc_ms;
	for (size_t i = 0; i < NONCE_WAYS; i++) {
		if (set->uses[i].id & bit)
			sister->uses[moved++] = set->uses[i];
		else
			same->uses[kept++] = set->uses[i];
	}
}

/* With a quarter of all places in use one set of 4,000 has more than eight: a challenge more is cheaper than twice the memory. */
static bool sets_are_worth_more(const struct nonce_window *w)
{
	return w->count < NONCE_SETS && w->used >= w->count * NONCE_WAYS / 4;
}

/* Twice as many sets. False: these are enough, or there is no memory. */
static bool sets_grow(struct nonce_window *w)
{
	struct nonce_set *more =
		sets_are_worth_more(w) ? calloc(2 * (size_t)w->count, sizeof(*more)) : NULL;

	if (!more)
		return false;
	for (uint32_t i = 0; i < w->count; i++)
		set_split(&w->sets[i], &more[i], &more[i + w->count], w->count);
	free(w->sets);
	w->sets = more;
	w->count *= 2;
	return true;
}

int nonce_window_open(struct nonce_window *w)
{
	*w = (struct nonce_window){ .sets = calloc(NONCE_SETS_MIN, sizeof(*w->sets)),
				    .count = NONCE_SETS_MIN };
	return w->sets ? 0 : -ENOMEM;
}

void nonce_window_close(struct nonce_window *w)
{
	free(w->sets);
	*w = (struct nonce_window){ 0 };
}

bool nonce_window_take(struct nonce_window *w, const struct nonce_now *n)
{
	struct nonce_set *set = set_of(w, n->id);
	struct nonce_use *u;

	for (size_t i = 0; i < NONCE_WAYS; i++) {
		if (set->uses[i].id == n->id)
			return count_take(&set->uses[i], n->nc);
	}
	if (n->made_utc_ms <= set->floor_utc_ms && !nonce_is_dead(n, set->floor_utc_ms))
		return false;
	while (!(u = nonce_place_find(set, n)) && sets_grow(w))
		set = set_of(w, n->id);
	if (!u)
		u = nonce_place_take(set, n);
	if (!u)
		return false;
	w->used += u->id == 0;
	*u = (struct nonce_use){
		.id = n->id, .made_utc_ms = n->made_utc_ms, .seen = 1, .newest = n->nc
	};
	return true;
}
