/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which changes of a tenant's documents a node knows. Each change has a number, one more than the one before (the tenant's generation),
 * and the log tells them in order: a number that is missing was missed. Pure.
 */
#ifndef CLUSTER_DOCUMENT_SEEN_H
#define CLUSTER_DOCUMENT_SEEN_H

#include <stdbool.h>
#include <stdint.h>

struct seen {
	uint64_t base;     /* all up to here were read from Redis at once */
	uint64_t all;      /* all up to here are known */
	uint64_t from, to; /* and these, which came in a row */
};

enum seen_is {
	SEEN_NEXT,  /* and all before it are known */
	SEEN_OLD,   /* it was known */
	SEEN_AHEAD, /* one before it is missing */
};

/* All up to that one were read. */
void seen_begin(struct seen *s, uint64_t generation);
/* A change came. */
enum seen_is seen_add(struct seen *s, uint64_t version);
/* One is missing before those that came last: all is to be read. */
bool seen_lacks(const struct seen *s);
/* It is among those that were read at once, and may have been changed since then. */
bool seen_is_read(const struct seen *s, uint64_t version);

#endif
