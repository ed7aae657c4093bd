/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tickets: who waits, and until when. Commands that ask another node or the media worker, and
 * answers that other nodes owe this one, have one each in the memory of what waits; all are in one
 * list, which has their one expiry. Control thread.
 */
#ifndef BASE_TICKET_H
#define BASE_TICKET_H

#include "base/compiler.h"

struct ticket;
typedef void ticket_late_fn(struct ticket *t);

/* All zero: it does not wait. */
struct ticket {
	struct ticket *next, **at; /* at: what points to it; NULL: it does not wait */
	uint64_t until_ns;
	ticket_late_fn *late; /* called then; it waits no more */
};

struct tickets {
	struct ticket *first;
};

/* Nobody's: it does not wait yet. */
void ticket_wait(struct tickets *all, struct ticket *t, uint64_t until_ns, ticket_late_fn *late);
/* It waits no more. Nothing happens where it does not. */
void ticket_end(struct ticket *t);
/* Those that are late by then, but none that begins to wait meanwhile. */
void tickets_expire(struct tickets *all, uint64_t now_ns);
/* When the first one is late; UINT64_MAX: nothing waits. */
uint64_t tickets_next_ns(const struct tickets *all);

#endif
