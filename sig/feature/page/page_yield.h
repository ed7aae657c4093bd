/* SPDX-License-Identifier: Apache-2.0 */
/* Priority of paging groups (PAGE-04, PAGE-05): a member of two groups hears the page of the higher
 * priority. The page of the lower one, at whichever node, hangs him up, and goes on for its other
 * members. Thread of the shards. */
#ifndef SIG_FEATURE_PAGE_PAGE_YIELD_H
#define SIG_FEATURE_PAGE_PAGE_YIELD_H

#include "base/bytes.h"
#include "base/clock.h"

struct shard_shared_tables;

/* What nodes are told of a page that begins, or goes on. */
struct page_claim {
	struct bytes tenant;  /* its name */
	struct bytes members; /* of its group: numbers joined by ',' */
	uint8_t rank;         /* room_terms.page */
};

/* Hangs the members up in pages of lower priority: of this node at once, and of the others by a
 * message to each. */
void page_yield(struct shard_shared_tables *c, const struct page_claim *p, struct instant now);
/* Rank of the page that the user hears at this node, or is rung for; 0: none. */
uint8_t page_user_rank(const struct shard_shared_tables *c, uint16_t tenant, struct bytes number);

#endif
