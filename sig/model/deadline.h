/* SPDX-License-Identifier: Apache-2.0 */
/* A deadline is a moment after which something is done about a call: a uint64_t of its owner in ns,
 * 0 is off. A table names each one in the order in which they are handled. The core sets the timer
 * of the call by these tables, and calls what is due; no other code compares a deadline with the
 * clock (docs/adr/0074-deadlines-in-tables.md). */
#ifndef SIG_MODEL_DEADLINE_H
#define SIG_MODEL_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct call;
struct call_host;

struct deadline {
	const char *name; /* for the log */
	/* The pointer in the table's object to the struct with the field; 0: the object itself has
	 * it. */
	uint16_t owner;
	uint16_t at; /* of the field; 0 ends a table */
	bool saved;  /* it is in the record */
	/* Whether it counts now. One that expires meanwhile is handled as soon as it counts. NULL:
	 * always. */
	bool (*on)(const struct call *c);
	/* The field is 0 by then. due is for a call; due_of for a leg, or another object that a
	 * call has several of. Neither: the waiting code checks the field. */
	void (*due)(struct call_host *h, struct call *c);
	void (*due_of)(struct call_host *h, struct call *c, uint8_t index);
};

/* Its owner is there. */
static inline uint64_t *deadline_field(const struct deadline *d, void *object)
{
	uint8_t *owner = object;

	if (d->owner)
		memcpy(&owner, owner + d->owner, sizeof(owner));
	return (uint64_t *)(void *)(owner + d->at);
}

/* It is there, and not later than ns; 0 wraps round, and is later than all. */
static inline bool deadline_is_by(const struct deadline *d, const void *object, uint64_t ns)
{
	const uint8_t *owner = object;

	if (d->owner) {
		memcpy(&owner, owner + d->owner, sizeof(owner));
		if (!owner)
			return false;
	}
	return *(const uint64_t *)(const void *)(owner + d->at) - 1 < ns;
}

/* One that is over is handled, if it counts. */
void deadline_handle(const struct deadline *d, void *object, struct call_host *h, struct call *c,
		     uint8_t index);
/* All of the call itself that are over. Each may take an owner away: it is looked for anew. */
void deadlines_handle(const struct deadline *table, struct call_host *h, struct call *c);

#endif
