/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shares of a bounded table, so that none of those who have places there leaves the others without. Nobody has a fixed part: who holds as much
 * as is free (a user: a sixteenth of that) gets no more, as buffers of switches are shared (Choudhury and Hahne, Dynamic Queue Length Thresholds,
 * 1998). So one alone gets about half, and whoever comes later finds something free. One owner thread.
 */
#ifndef BASE_SHARE_H
#define BASE_SHARE_H

#include "base/bytes.h"
#include "base/table.h"

/* By whom places are held. What stands below has the smaller share. */
enum share_level {
	SHARE_TENANT,
	SHARE_TOKEN,
	SHARE_SOURCE, /* an address, or a network */
	SHARE_USER,
	SHARE_LEVELS, /* nobody's share is used up: the table is full */
	SHARE_FINE,
};

/* Names of who comes; an empty one has no share there. A user is one of the tenant, and a token. */
struct share_who {
	struct bytes name[SHARE_LEVELS];
};

/* What somebody holds. Zero: nothing. */
struct share_held {
	uint64_t key[SHARE_LEVELS];
	uint32_t n;
};

struct share {
	struct hash_key key; /* by chance: nobody chooses who counts as the same */
	uint32_t max, taken;
	struct share_count {
		uint64_t key;
		uint32_t n;
	} * counts; /* of all who hold something */
	uint32_t count, room;
};

void share_open(struct share *s, uint32_t max, struct hash_key key);
void share_close(struct share *s);
/* SHARE_FINE: n more are who's; else whose share they are beyond, and nothing has changed. No memory: full. */
enum share_level share_take(struct share *s, const struct share_who *who, uint32_t n,
			    struct share_held *held) NODISCARD;
/* The same, and nothing is taken. */
enum share_level share_look(const struct share *s, const struct share_who *who, uint32_t n);
/* Nothing is held afterwards. */
void share_give(struct share *s, struct share_held *held);

#endif
