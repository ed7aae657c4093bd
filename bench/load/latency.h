/* SPDX-License-Identifier: Apache-2.0 */
/* How long packets took: a histogram of 32 buckets an octave, so a share of them is known to 3 %. */
#ifndef BENCH_LOAD_LATENCY_H
#define BENCH_LOAD_LATENCY_H

#include <stdint.h>

enum {
	LOAD_LATENCY_OCTAVE = 32,
	LOAD_LATENCY_BUCKETS = 64 * LOAD_LATENCY_OCTAVE,
};

/* Zeroed at first. */
struct load_latency {
	uint64_t buckets[LOAD_LATENCY_BUCKETS];
	uint64_t count, max_ns;
};

void load_latency_note(struct load_latency *l, uint64_t ns);
/* That many µs or less it was for this share (0 to 1) of the packets; 0 without any. */
double load_latency_us(const struct load_latency *l, double share);

#endif
