/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a place answers OPTIONS (RFC 3261 11): one exchange after the other, and the number after
 * which it counts as down or up. Pure: no socket and no clock. Initially a place is up. */
#ifndef SIG_HOST_PROBE_H
#define SIG_HOST_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rand.h"

enum { PROBE_TIMEOUT_MS = 4000, PROBE_JITTER_PERMILLE = 100 };

struct probe_limits {
	uint32_t interval_ms; /* between the beginnings of two exchanges */
	uint8_t bad, good;    /* so many in a row, and it is down, or up again; at least 1 */
};

struct probe {
	bool down;
	uint8_t row;       /* outcomes in a row that say otherwise */
	uint64_t branch;   /* random part of the exchange under way; 0: none is */
	uint32_t wait_ms;  /* until its request is retransmitted */
	uint64_t again_ns; /* ... next; UINT64_MAX: not any more */
	uint64_t until_ns; /* it is given up */
	uint64_t next_ns;  /* the next one begins */
};

enum probe_do {
	PROBE_NOTHING,
	PROBE_SAY,     /* the request, with p->branch */
	PROBE_CHANGED, /* p->down is another than before */
};

/* Begins within an interval, so that not all places are asked at once. */
void probe_open(struct probe *p, const struct probe_limits *l, struct rand_source *rand,
		uint64_t now_ns);
/* Until it returns PROBE_NOTHING. reliable: a request is sent once. */
enum probe_do probe_expire(struct probe *p, const struct probe_limits *l, bool reliable,
			   struct rand_source *rand, uint64_t now_ns);
/* The final response to that request. Never PROBE_SAY. */
enum probe_do probe_answered(struct probe *p, const struct probe_limits *l, uint64_t branch,
			     uint16_t status);
/* It cannot be reached. The same. */
enum probe_do probe_failed(struct probe *p, const struct probe_limits *l);
/* When probe_expire has something to do. */
uint64_t probe_next_ns(const struct probe *p);

#endif
