/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of tickets. There are a few hundred at most, so it is looked through for the next one.
 * Those that are late leave it together, before the first is told: what that one does may end
 * others of them, or wait again.
 */

#include "base/ticket.h"

#include <stddef.h>

static void ticket_enter(struct ticket **first, struct ticket *t)
{
	t->next = *first;
	t->at = first;
	if (t->next)
		t->next->at = &t->next;
	*first = t;
}

void ticket_wait(struct tickets *all, struct ticket *t, uint64_t until_ns, ticket_late_fn *late)
{
	t->until_ns = until_ns;
	t->late = late;
	ticket_enter(&all->first, t);
}

void ticket_end(struct ticket *t)
{
	if (!t->at)
		return;
	*t->at = t->next;
	if (t->next)
		t->next->at = t->at;
	t->at = NULL;
}

void tickets_expire(struct tickets *all, uint64_t now_ns)
{
	struct ticket *late = NULL;

	for (struct ticket *t = all->first, *next; t; t = next) {
		next = t->next;
		if (t->until_ns > now_ns)
			continue;
		ticket_end(t);
		ticket_enter(&late, t);
	}
	while (late) {
		struct ticket *t = late;

		ticket_end(t);
		t->late(t);
	}
}

uint64_t tickets_next_ns(const struct tickets *all)
{
	uint64_t next = UINT64_MAX;

	for (const struct ticket *t = all->first; t; t = t->next)
		next = t->until_ns < next ? t->until_ns : next;
	return next;
}
