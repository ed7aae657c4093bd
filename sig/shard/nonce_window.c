/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/nonce_window.h"

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

/* A free or dead place, else that of the oldest, of which the floor keeps the memory. */
static struct nonce_use *place_take(struct nonce_set *set, const struct nonce_now *n)
{
	struct nonce_use *oldest = &set->uses[0];

	for (size_t i = 0; i < NONCE_WAYS; i++) {
		struct nonce_use *u = &set->uses[i];

		if (!u->id || nonce_is_dead(n, u->made_utc_ms))
			return u;
		if (u->made_utc_ms < oldest->made_utc_ms)
			oldest = u;
	}
	if (oldest->made_utc_ms >= n->made_utc_ms)
		return NULL;
	if (oldest->made_utc_ms > set->floor_utc_ms || nonce_is_dead(n, set->floor_utc_ms))
		set->floor_utc_ms = oldest->made_utc_ms;
	return oldest;
}

bool nonce_window_take(struct nonce_window *w, const struct nonce_now *n)
{
	struct nonce_set *set = &w->sets[n->id % NONCE_SETS];
	struct nonce_use *u;

	for (size_t i = 0; i < NONCE_WAYS; i++) {
		if (set->uses[i].id == n->id)
			return count_take(&set->uses[i], n->nc);
	}
	if (n->made_utc_ms <= set->floor_utc_ms && !nonce_is_dead(n, set->floor_utc_ms))
		return false;
	u = place_take(set, n);
	if (!u)
		return false;
	*u = (struct nonce_use){
		.id = n->id, .made_utc_ms = n->made_utc_ms, .seen = 1, .newest = n->nc
	};
	return true;
}
