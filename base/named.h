/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that tenants have by a name or a number. An object is a struct that begins with the
 * members of struct named. Operators choose the names, so nobody else can provoke hash collisions.
 * One owner thread.
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
/* Returns NULL if it is not found, or if the table was never opened. */
void *named_find(const struct table *t, uint16_t tenant, struct bytes name);
/* Returns the existing object, or a new one of that size, zero except for these members. NULL with
 * *err = -ENOSPC or -ENOMEM. The name fits into the object. */
void *named_put(struct table *t, uint16_t tenant, struct bytes name, size_t size, int *err);
/* It is the caller's, for free(). */
void named_remove(struct table *t, void *object);
/* All of them, *cursor 0 at first; NULL at the end. */
void *named_next(const struct table *t, uint32_t *cursor);

#endif
