/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores per shard until when its lease allows output, and lets any thread read it without a lock.
 * A node must send nothing more for a shard after its lease in Redis has expired, as another node
 * may have taken it over (docs/adr/0019); each sender checks the time right before its system call.
 * Followers, such as the XDP program's map, are told before the stored value changes, so they never
 * lag when it grows. The minimum of all places is stored, too, so a sender reads one word in the
 * usual case.
 */

#include "base/validity.h"

#include <assert.h>

#include "base/clock.h"

static uint64_t least_of(const struct validity *v)
{
	uint64_t least = UINT64_MAX;

	for (uint8_t place = 1; place <= v->count; place++) {
		uint64_t until = validity_until(v, place);

		if (until < least)
			least = until;
	}
	return least;
}

void validity_open(struct validity *v, uint32_t count)
{
	assert(count <= VALID_PLACES);
	*v = (struct validity){ .count = count,
				.least_ns = count ? 0 : UINT64_MAX,
				.places[VALID_ALWAYS].until_ns = UINT64_MAX };
}

void validity_set(struct validity *v, uint8_t place, uint64_t until_ns)
{
	assert(place > VALID_ALWAYS && place <= v->count);
	if (validity_until(v, place) == until_ns)
		return;
	for (int i = 0; i < VALID_FOLLOWERS; i++)
		if (v->followers[i].fn)
			v->followers[i].fn(v->followers[i].arg, place, until_ns);
	atomic_store_explicit(&v->places[place].until_ns, until_ns, memory_order_relaxed);
	atomic_store_explicit(&v->least_ns, least_of(v), memory_order_relaxed);
}

void validity_follow(struct validity *v, validity_fn *fn, void *arg)
{
	int i = 0;

	while (v->followers[i].fn && ++i < VALID_FOLLOWERS)
		;
	assert(i < VALID_FOLLOWERS);
	v->followers[i] = (struct valid_follower){ fn, arg };
	for (uint8_t place = 1; place <= v->count; place++)
		fn(arg, place, validity_until(v, place));
}

void validity_leave(struct validity *v, const void *arg)
{
	for (int i = 0; i < VALID_FOLLOWERS; i++)
		if (v->followers[i].arg == arg)
			v->followers[i] = (struct valid_follower){ 0 };
}

bool validity_has_ended(const struct validity *v, uint64_t *now_ns)
{
	uint64_t least_ns = validity_least(v);

	if (LIKELY(least_ns == UINT64_MAX))
		return false;
	*now_ns = clock_now_ns();
	return *now_ns >= least_ns;
}

void validity_withhold(struct validity *v, uint8_t place)
{
	atomic_fetch_add_explicit(&v->places[place].withheld, 1, memory_order_relaxed);
}

uint64_t validity_withheld(const struct validity *v, uint8_t place)
{
	return atomic_load_explicit(&v->places[place].withheld, memory_order_relaxed);
}
