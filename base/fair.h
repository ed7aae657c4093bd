/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Divides a bounded table, so that no holder starves the others. There are no fixed quotas: a
 * holder that has as much as is still free (a user: a sixteenth of that) gets no more, as shared
 * buffers of switches do it (Choudhury and Hahne, Dynamic Queue Length Thresholds, 1998). So a
 * single holder gets about half, and a later one still finds room. One owner thread.
 */
#ifndef BASE_FAIR_H
#define BASE_FAIR_H

#include "base/bytes.h"
#include "base/rand.h"
#include "base/table.h"

/* Kinds of holders; a later kind has the smaller share. */
enum fair_level {
	FAIR_TENANT,
	FAIR_TOKEN,
	FAIR_SOURCE, /* an address, or a network */
	FAIR_USER,
	FAIR_LEVELS, /* no share is exceeded: the table is full */
	FAIR_FINE,
};

/* Names of the caller; an empty one has no share there. A user belongs to the tenant, and a
 * token. */
struct fair_who {
	struct bytes name[FAIR_LEVELS];
};

/* What one holder has. Zero: nothing. */
struct fair_held {
	uint64_t key[FAIR_LEVELS];
	uint32_t n;
};

struct fair {
	struct hash_key key; /* random, so that callers cannot choose names that collide */
	uint32_t max, taken;
	struct fair_count {
		uint64_t key;
		uint32_t n;
	} * counts; /* of all holders */
	uint32_t count, room;
};

void fair_open(struct fair *s, uint32_t max, struct rand_source *rand);
void fair_close(struct fair *s);
/* FAIR_FINE: n more places belong to `who`. Otherwise the level that exceeds its share, and nothing
 * changed. No memory: full. */
enum fair_level fair_admit(struct fair *s, const struct fair_who *who, uint32_t n,
			   struct fair_held *held) NODISCARD;
/* The same, and nothing is taken. */
enum fair_level fair_look(const struct fair *s, const struct fair_who *who, uint32_t n);
/* Nothing is held afterwards. */
void fair_give(struct fair *s, struct fair_held *held);

#endif
