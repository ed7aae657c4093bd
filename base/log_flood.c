/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_flood.h"

#include <stdatomic.h>

#include "base/clock.h"

enum { KINDS = 1024, PROBES = 16 };

/* One kind of line. Relaxed throughout: a count more or less at the turn of a second is no harm. */
struct kind {
	_Atomic uint64_t key;    /* 0: free */
	_Atomic uint64_t window; /* its number in the upper half, lines in it in the lower */
	_Atomic uint32_t held_back;
};

static struct kind g_kinds[KINDS];

/* FNV-1a: the texts are constants of ours, nobody chooses collisions. */
static uint64_t fnv(uint64_t hash, const char *str)
{
	for (; *str; str++)
		hash = (hash ^ (uint8_t)*str) * UINT64_C(0x100000001b3);
	return hash * UINT64_C(0x100000001b3);
}

/* Messages are constants, so the table does not fill; if it does, the rest goes unlimited. */
static struct kind *flood_kind(uint64_t key)
{
	for (uint32_t i = 0; i < PROBES; i++) {
		struct kind *kind = &g_kinds[(key + i) % KINDS];
		uint64_t found = 0;

		if (atomic_load_explicit(&kind->key, memory_order_relaxed) == key)
			return kind;
		if (atomic_compare_exchange_strong_explicit(
			    &kind->key, &found, key, memory_order_relaxed, memory_order_relaxed) ||
		    found == key)
			return kind;
	}
	return NULL;
}

static bool window_pass(struct kind *kind, uint32_t second, uint32_t most)
{
	uint64_t old = atomic_load_explicit(&kind->window, memory_order_relaxed);
	uint64_t new;

	do {
		new = (uint32_t)(old >> 32) == second ? old + 1 : ((uint64_t)second << 32 | 1);
		if ((uint32_t) new > most)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&kind->window, &old, new, memory_order_relaxed, memory_order_relaxed));
	return true;
}

bool log_flood_pass(const char *unit, const char *msg, bool trouble, uint64_t now_ns,
		    uint32_t *suppressed)
{
	uint64_t window_ns = trouble ? LOG_FLOOD_TROUBLE_S * NS_PER_S : NS_PER_S;
	struct kind *kind = flood_kind(fnv(fnv(UINT64_C(0xcbf29ce484222325), unit), msg) | 1);

	*suppressed = 0;
	if (!kind)
		return true;
	if (!window_pass(kind, (uint32_t)(now_ns / window_ns),
			 trouble ? LOG_FLOOD_TROUBLE : LOG_FLOOD_PER_S)) {
		atomic_fetch_add_explicit(&kind->held_back, 1, memory_order_relaxed);
		return false;
	}
	*suppressed = atomic_exchange_explicit(&kind->held_back, 0, memory_order_relaxed);
	return true;
}
