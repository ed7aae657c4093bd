/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which shards may still send, and until when (docs/adr/0019). A shard has a place here for as long
 * as the process lives. Its owner, one thread, sets until when its lease is valid. Any thread that
 * is about to hand the kernel something of a shard asks, with the time of that very moment. What
 * belongs to no shard has the place VALID_ALWAYS.
 */
#ifndef BASE_VALIDITY_H
#define BASE_VALIDITY_H

#include <stdatomic.h>

#include "base/bytes.h"

enum { VALID_ALWAYS = 0, VALID_PLACES = 16, VALID_FOLLOWERS = 2 };

struct valid_place {
	_Atomic uint64_t until_ns; /* of clock_now_ns */
	_Atomic uint64_t withheld; /* packets and messages that were not sent for it */
};

/* Called with each new time before senders see it, so a follower never lags when the time grows. On
 * the setting thread. */
typedef void validity_fn(void *arg, uint8_t place, uint64_t until_ns);

struct validity {
	_Atomic uint64_t least_ns; /* of all places in use: what is before it needs no other look */
	uint32_t count;
	struct valid_follower {
		validity_fn *fn; /* NULL: free */
		void *arg;
	} followers[VALID_FOLLOWERS];
	struct valid_place places[1 + VALID_PLACES]; /* the first is VALID_ALWAYS */
};

/* Places 1 to count, which may not send yet. */
void validity_open(struct validity *v, uint32_t count);
void validity_set(struct validity *v, uint8_t place, uint64_t until_ns);
/* Tells fn the times of all places, and each one that is set from now on. */
void validity_follow(struct validity *v, validity_fn *fn, void *arg);
/* Ends validity_follow. */
void validity_leave(struct validity *v, const void *arg);
/* Something of it was not sent. */
void validity_withhold(struct validity *v, uint8_t place);
uint64_t validity_withheld(const struct validity *v, uint8_t place);

/* Relaxed, here and below: each word stands alone, and no other read depends on it. NULL: nothing
 * is ever withheld. */
static inline uint64_t validity_least(const struct validity *v)
{
	return v ? atomic_load_explicit(&v->least_ns, memory_order_relaxed) : UINT64_MAX;
}

static inline uint64_t validity_until(const struct validity *v, uint8_t place)
{
	return atomic_load_explicit(&v->places[place].until_ns, memory_order_relaxed);
}

/* Asked just before a system call: whether any place has expired. Reads the clock, into *now_ns,
 * only if a place has an end. */
bool validity_has_ended(const struct validity *v, uint64_t *now_ns);

static inline bool validity_is_past(const struct validity *v, uint8_t place, uint64_t now_ns)
{
	return UNLIKELY(now_ns >= validity_least(v)) && now_ns >= validity_until(v, place);
}

#endif
