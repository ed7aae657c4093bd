/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which ends of calls Redis may forget: those whose numbers were given out a minute ago or longer. (Ends that may still be
 * sent again hold the limit down further: store_end.c.) Pure.
 */
#ifndef CLUSTER_STORE_SETTLED_H
#define CLUSTER_STORE_SETTLED_H

#include <stdint.h>

enum { SETTLED_SAMPLES = 64 };

/* What the next number was, at most once a second. Zero-initialised. */
struct settled {
	struct {
		uint64_t at_ns, next;
	} samples[SETTLED_SAMPLES];
	uint32_t taken; /* ever */
};

/* next: the number that is given out next. */
void settled_note(struct settled *s, uint64_t next, uint64_t now_ns);
/* All numbers below it are a minute old; 0: none is. */
uint64_t settled_below(const struct settled *s, uint64_t now_ns);

#endif
