/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tenants have by a name or a number: an object each, found by both. An object is a struct that begins with the members of struct named.
 * Names are given by operators, so nobody else chooses collisions. One owner thread.
 */
#ifndef BASE_NAMED_H
#define BASE_NAMED_H

#include "base/table.h"

struct named {
	uint16_t tenant;
	char name[]; /* with its NUL, in as much room as the object has */
};

/* With its objects, by free(). */
void named_close(struct table *t);
/* NULL: there is none. Also of a table that was never opened. */
void *named_find(const struct table *t, uint16_t tenant, struct bytes name);
/* The one that is there, or a new one of that size, all zero but for these. NULL: -*err, -ENOSPC or -ENOMEM. The name fits the object's room. */
void *named_put(struct table *t, uint16_t tenant, struct bytes name, size_t size, int *err);
/* It is the caller's, for free(). */
void named_take(struct table *t, void *object);
/* All of them, *cursor 0 at first; NULL at the end. */
void *named_next(const struct table *t, uint32_t *cursor);

#endif
