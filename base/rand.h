/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Randomness as a value: from the kernel in production, from a seed in tests. One owner thread
 * each.
 */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

struct rand_source {
	uint64_t state[4]; /* seeded: xoshiro256** */
	uint8_t pool[256]; /* system: bytes fetched from getrandom(2) */
	uint32_t used;     /* bytes of pool already given out */
	uint32_t seeded;   /* 1: deterministic, for tests and the simulator */
};

void rand_open_system(struct rand_source *r);
void rand_open_seed(struct rand_source *r, uint64_t seed);
void rand_fill(struct rand_source *r, void *out, size_t n);
uint32_t rand_u32_from(struct rand_source *r);
uint64_t rand_u64_from(struct rand_source *r);
/* Uniform in [0, limit); limit > 0. */
uint32_t rand_below(struct rand_source *r, uint32_t limit);

#endif
