/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load/latency.h"

#include <math.h>

static uint32_t bucket_of(uint64_t ns)
{
	if (ns < LOAD_LATENCY_OCTAVE)
		return (uint32_t)ns;

	uint32_t octave = 63 - (uint32_t)__builtin_clzll(ns) - 5;

	return (octave + 1) * LOAD_LATENCY_OCTAVE + (uint32_t)(ns >> octave) - LOAD_LATENCY_OCTAVE;
}

static double bucket_us(uint32_t b)
{
	uint32_t octave = b / LOAD_LATENCY_OCTAVE;

	if (octave == 0)
		return b / 1e3;
	return ldexp(b % LOAD_LATENCY_OCTAVE + LOAD_LATENCY_OCTAVE + 0.5, (int)octave - 1) / 1e3;
}

void load_latency_note(struct load_latency *l, uint64_t ns)
{
	l->buckets[bucket_of(ns)]++;
	l->count++;
	if (ns > l->max_ns)
		l->max_ns = ns;
}

double load_latency_us(const struct load_latency *l, double share)
{
	uint64_t want = (uint64_t)((double)l->count * share);
	uint64_t sum = 0;

	for (uint32_t b = 0; b < LOAD_LATENCY_BUCKETS; b++) {
		sum += l->buckets[b];
		if (sum > want)
			return bucket_us(b);
	}
	return 0;
}
