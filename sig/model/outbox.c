/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox of a call (outbox.h): items that wait for a version of its record, and the versions to
 * save, in flight and acknowledged. A failed or slow save releases its items all the same, since a
 * slow store must not stop calls. Pure value: it decides what is due, sig/step/call_step.c sends
 * it. */

#include "sig/model/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void outbox_touch_lazily(struct outbox *o)
{
	if (o->dirty)
		return;
	o->dirty = o->lazy = true;
	o->version++;
}

void outbox_touch_later(struct outbox *o)
{
	outbox_touch_lazily(o);
	o->lazy = false;
}

void outbox_touch(struct outbox *o)
{
	outbox_touch_later(o);
	o->hurried = true;
}

enum { ROOM_FIRST = 4 }; /* mostly two wait */

static bool outbox_grow(struct outbox *o)
{
	uint32_t room = o->room ? o->room * 2 : ROOM_FIRST;
	struct outbox_item *items = reallocarray(o->items, room, sizeof(*items));

	if (!items)
		return false;
	o->items = items;
	o->room = room;
	return true;
}

bool outbox_push(struct outbox *o, const struct outbox_item *item)
{
	assert(o->dirty); /* else nothing would ever release it */
	if (o->count == OUTBOX_MAX || (o->count == o->room && !outbox_grow(o)))
		return false;
	o->items[o->count] = *item;
	o->items[o->count++].gate = o->version;
	o->lazy = false;
	return true;
}

static void outbox_free(struct outbox *o)
{
	free(o->items);
	o->items = NULL;
	o->room = 0;
}

uint32_t outbox_count(const struct outbox *o, enum outbox_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < o->count; i++)
		n += o->items[i].kind == kind;
	return n;
}

bool outbox_has(const struct outbox *o, enum outbox_kind kind, uint8_t leg)
{
	for (uint32_t i = 0; i < o->count; i++) {
		if (o->items[i].kind == kind && o->items[i].leg == leg)
			return true;
	}
	return false;
}

void outbox_forget(struct outbox *o, enum outbox_kind kind, uint8_t leg)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < o->count; i++) {
		if (o->items[i].kind != kind || o->items[i].leg != leg)
			o->items[kept++] = o->items[i];
	}
	o->count = kept;
	if (kept == 0)
		outbox_free(o);
}

bool outbox_pop(struct outbox *o, bool degraded, struct outbox_item *out)
{
	if (o->count == 0 || (!degraded && o->items[0].gate > o->released))
		return false;
	*out = o->items[0];
	memmove(o->items, o->items + 1, --o->count * sizeof(*o->items));
	if (o->count == 0)
		outbox_free(o);
	return true;
}

void outbox_clear(struct outbox *o)
{
	o->count = 0;
	outbox_free(o);
}

bool outbox_wants_save(const struct outbox *o)
{
	return o->dirty && o->in_flight == 0;
}

void outbox_save_started(struct outbox *o)
{
	assert(outbox_wants_save(o));
	o->in_flight = o->version;
	o->dirty = o->hurried = false;
}

bool outbox_save_done(struct outbox *o, uint64_t version, bool saved)
{
	if (o->in_flight == 0 || version != o->in_flight)
		return false;
	o->in_flight = 0;
	o->released = version;
	if (saved)
		o->acked = version;
	return true;
}
