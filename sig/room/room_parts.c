/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/room/room_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* ---- sounds ---- */

/* Of several who come at once one tone tells. */
void room_sound_add(struct room_sounds *s, enum room_sound sound, uint64_t call, uint8_t name)
{
	const struct room_heard *last = s->count ? &s->list[s->count - 1] : NULL;

	if (s->count == ROOM_SOUNDS_MAX || (!name && last && !last->name && last->sound == sound))
		return;
	s->list[s->count++] =
		(struct room_heard){ .sound = (uint8_t)sound, .call = call, .name = name };
}

void room_sound_played(struct room_sounds *s, bool well)
{
	struct room_heard *now = s->list;

	assert(s->count);
	s->serial = 0;
	if (now->name && well && !now->named) {
		now->named = true;
	} else if (now->name && !well) {
		now->name = 0;
	} else {
		s->count--;
		memmove(now, now + 1, s->count * sizeof(*now));
	}
}

bool room_play_next(struct room_play *p)
{
	p->serial = 0;
	p->since_utc_ms = 0;
	if (++p->at < p->count)
		return true;
	p->at = 0;
	if (p->times)
		p->time++;
	if (!p->times || p->time < p->times)
		return true;
	*p = (struct room_play){ .order = p->order };
	return false;
}

uint64_t room_play_ms(const struct room_play *p, uint64_t utc_ms)
{
	return p->since_utc_ms && utc_ms > p->since_utc_ms ? utc_ms - p->since_utc_ms : 0;
}

void room_parts_clear(struct room_parts *p)
{
	free(p->recording.attendance);
	p->recording.attendance = NULL;
}

/* ---- attendance ---- */

static struct attendee *attendee_find(struct room_attendance *r, uint16_t number)
{
	for (uint32_t i = 0; i < r->named; i++) {
		if (r->list[i].number == number && !r->list[i].left_utc_ms)
			return &r->list[i];
	}
	return NULL;
}

void room_attendance_join(struct room_attendance *r, uint16_t number, struct bytes from,
			  uint64_t utc_ms)
{
	struct attendee *m;

	if (!r || attendee_find(r, number))
		return;
	r->count++;
	if (r->named == ATTENDEES_MAX)
		return;
	m = &r->list[r->named++];
	*m = (struct attendee){ .number = number, .joined_utc_ms = utc_ms };
	if (bytes_cstr(from, m->from, sizeof(m->from)))
		m->from[0] = '\0';
}

void room_attendance_leave(struct room_attendance *r, uint16_t number, uint64_t utc_ms)
{
	struct attendee *m = r ? attendee_find(r, number) : NULL;

	if (m)
		m->left_utc_ms = utc_ms;
}

void room_attendance_write(struct writer *w, const struct room_attendance *r)
{
	writer_number(w, "\"member_count\":", r->count, ",\"members\":[");
	for (uint32_t i = 0; i < r->named; i++) {
		const struct attendee *m = &r->list[i];

		writer_number(w, i ? ",{\"member\":" : "{\"member\":", m->number, ",\"from\":");
		json_write_text(w, bytes_str(m->from));
		writer_number(w, ",\"joined_utc_ms\":", m->joined_utc_ms, "");
		if (m->left_utc_ms)
			writer_number(w, ",\"left_utc_ms\":", m->left_utc_ms, "");
		writer_str(w, "}");
	}
	writer_str(w, "]");
}
