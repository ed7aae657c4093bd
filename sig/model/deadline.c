/* SPDX-License-Identifier: Apache-2.0 */
/* Handles what is due in a table of deadlines (deadline.h): in the order of the table, each field
 * is cleared before its function is called, so that one that sets it anew is not lost. Conditions
 * are checked at that time. The computation of the earliest one is in sig/step/deadlines.c, inlined
 * for known tables. */

#include "sig/model/deadline.h"

#include "base/log.h"
#include "sig/model/call.h"

void deadline_handle(const struct deadline *d, void *object, struct call_host *h, struct call *c,
		     uint8_t index)
{
	if (!deadline_is_by(d, object, h->now.ns) || (d->on && !d->on(c)))
		return;
	LOG_DEBUG("call", c->id, "a deadline is over", LOG_STR("deadline", d->name),
		  LOG_U64("index", index));
	*deadline_field(d, object) = 0;
	if (d->due)
		d->due(h, c);
	else if (d->due_of)
		d->due_of(h, c, index);
}

void deadlines_handle(const struct deadline *table, struct call_host *h, struct call *c)
{
	for (const struct deadline *d = table; d->at; d++)
		deadline_handle(d, c, h, c, 0);
}
