/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets that failed a moment ago (RFC 3263 4.3), or said for how long they want to be left alone (503 with Retry-After): they are tried
 * behind the others. When all have failed all are tried: a blocked one is better than none. Fixed size; one owner, one thread.
 */
#ifndef SIG_LOOKUP_LOOKUP_BLOCKED_H
#define SIG_LOOKUP_LOOKUP_BLOCKED_H

#include "sig/lookup/lookup.h"

enum { BLOCKED_MAX = 256, BLOCKED_S = 30, BLOCKED_MAX_S = 300 };

struct lookup_blocked {
	struct {
		struct lookup_target target;
		uint64_t until_ns; /* 0: free */
	} list[BLOCKED_MAX];
};

/* for_s: 0: as long as usual. Full, the one that is free the soonest gives its place. */
void blocked_add(struct lookup_blocked *b, const struct lookup_target *target, uint32_t for_s,
		 uint64_t now_ns);
bool blocked_has(const struct lookup_blocked *b, const struct lookup_target *target,
		 uint64_t now_ns);
/* 0: it is not. */
uint64_t blocked_until_ns(const struct lookup_blocked *b, const struct lookup_target *target,
			  uint64_t now_ns);
/* Those that are blocked go behind the others; else the order stays. */
void blocked_order(const struct lookup_blocked *b, struct lookup *l, uint64_t now_ns);

#endif
