/* SPDX-License-Identifier: Apache-2.0 */
/* Records of rooms: one save of each is on its way at a time. Nobody is told by phone what they say, so nothing but orders waits for them. */
#include <errno.h>

#include "base/log.h"
#include "sig/record/room_record.h"
#include "sig/shard/shard_room.h"

enum { ROOM_SAVE_OVERDUE_MS = 5000, ROOM_SAVE_AGAIN_MS = 2000 };

void shard_room_touch(struct room *r)
{
	r->version++;
}

static void room_save_later(struct shard *s, struct room *r, uint64_t ms)
{
	r->save_ns = s->host.now.ns + ms * NS_PER_MS;
}

bool shard_room_is_behind(const struct room *r)
{
	return r->version != r->acked;
}

static void room_save_ask(struct shard *s, struct room *r)
{
	struct effect *e = effects_add(&s->effects, EFFECT_ROOM_SAVE);

	if (!e || room_encode(&s->host, r, &e->data)) {
		if (e)
			s->effects.count--;
		room_save_later(s, r, ROOM_SAVE_AGAIN_MS);
		return;
	}
	e->call = r->id;
	e->version = r->saving = r->version;
	metric_add(s->metrics.saves[SAVE_STARTED], 1);
	room_save_later(s, r, ROOM_SAVE_OVERDUE_MS);
}

void shard_room_save(struct shard *s, struct room *r)
{
	bool due = r->save_ns && r->save_ns <= s->host.now.ns;

	if (due && r->saving) { /* nothing was answered */
		metric_add(s->metrics.saves[SAVE_LATE], 1);
		r->saving = 0;
	}
	if (due)
		r->save_ns = 0;
	if (s->settings.calls_unsaved)
		r->acked = r->version;
	if (!r->saving && !r->save_ns && shard_room_is_behind(r))
		room_save_ask(s, r);
}

void shard_room_forget(struct shard *s, struct room *r)
{
	struct effect *e;

	for (uint8_t i = 0; i < r->order_count; i++)
		r->orders[i].version = 0;
	shard_room_answer(s, r, true);
	e = r->version && !s->settings.calls_unsaved ? effects_add(&s->effects, EFFECT_ROOM_SAVE)
						     : NULL;
	if (!e)
		return;
	e->call = r->id;
	e->version = r->version + 1;
}

/* ---- who waits ---- */

static void room_order_answer(struct shard *s, const struct room *r, uint64_t ticket, bool saved)
{
	struct effect *e = effects_add(&s->effects, EFFECT_ORDERED);

	if (!e)
		return;
	e->call = r->id;
	e->order = (struct effect_order){ .ticket = ticket, .saved = saved };
}

void shard_room_answer(struct shard *s, struct room *r, bool saved)
{
	uint8_t kept = 0;

	for (uint8_t i = 0; i < r->order_count; i++) {
		if (saved && r->orders[i].version > r->acked)
			r->orders[kept++] = r->orders[i];
		else
			room_order_answer(s, r, r->orders[i].ticket, saved);
	}
	r->order_count = kept;
}

bool shard_room_wait(struct shard *s, struct room *r, const struct shard_order *by)
{
	if (!by)
		return true;
	if (r->order_count == ROOM_ORDERS_MAX)
		return false;
	r->orders[r->order_count++] =
		(struct room_order){ .ticket = by->ticket, .version = r->version };
	if (!shard_room_is_behind(r) || s->host.degraded)
		shard_room_answer(s, r, !s->host.degraded);
	return true;
}

void shard_room_saved(struct shard *s, uint64_t room, uint64_t version, bool saved,
		      struct instant now)
{
	struct room *r;

	shard_begin(s, now);
	r = shard_room_find(s, room);
	metric_add(s->metrics.saves[saved ? SAVE_DONE : SAVE_FAILED], 1);
	if (!r || version != r->saving)
		return;
	r->saving = r->save_ns = 0;
	if (saved)
		r->acked = version;
	shard_room_answer(s, r, saved);
	if (!saved && !s->host.degraded)
		room_save_later(s, r, ROOM_SAVE_AGAIN_MS);
	else if (saved)
		shard_room_save(s, r);
	shard_room_aim(s, r);
}

bool shard_rooms_assert(struct shard *s, uint32_t most)
{
	for (uint32_t i = 0; i < most; i++) {
		pool_handle h;
		struct room *r = pool_next(&s->rooms, &s->assert_room, &h);

		if (!r)
			return false;
		if (s->assert_all)
			shard_room_touch(r);
		r->saving = r->save_ns = 0;
		shard_room_claim_assert(s, r);
		shard_room_hurry(s, r);
	}
	return true;
}
