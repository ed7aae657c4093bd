/* SPDX-License-Identifier: Apache-2.0 */
/* Pages by their priority (PAGE-04, PAGE-05): a member who is in two paging groups hears one page,
 * that of more priority. The lower page hangs him up, at whichever node it is, and goes on for its
 * other members. Thread of the shards. */
#ifndef SIG_FEATURE_PAGE_PAGE_YIELD_H
#define SIG_FEATURE_PAGE_PAGE_YIELD_H

#include "base/bytes.h"
#include "base/clock.h"

struct shard_shared_tables;

/* A page that is heard, or begins. */
struct page_claim {
	struct bytes tenant;  /* its name */
	struct bytes members; /* of its group: numbers joined by ',' */
	uint8_t rank;         /* room_terms.page */
};

/* Lower pages of this node, and of the nodes that it is heard by, hang these members up. */
void page_yield(struct shard_shared_tables *c, const struct page_claim *p, struct instant now);
/* Rank of the page that the user hears at this node, or is rung for; 0: none. */
uint8_t page_user_rank(const struct shard_shared_tables *c, uint16_t tenant, struct bytes number);

#endif
