/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of a conference room that need no call (room.h): numbers and names of members, the order of
 * hosts, who may do what (CONF-07, CONF-11), the invitation list, tones of joining and leaving, and
 * attendance lists of recordings. The shard carries out what follows (sig/feature/room/rooms.c).
 * Pure. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sig/host/tenant_tables.h"
#include "sig/room/room.h"

static struct bytes room_name_write(const char *number, uint64_t room, uint8_t space[ROOM_USER_MAX])
{
	struct writer w = writer_over(space, ROOM_USER_MAX);

	if (number[0])
		return bytes_str(number);
	conf_name_write(&w, room);
	return writer_done(&w);
}

static_assert((int)MEMBER_NAMED_MAX == (int)CONF_NAME_MAX, "a room has one of these");

struct bytes room_name(const struct room *r, uint8_t space[ROOM_USER_MAX])
{
	return r->name[0] ? bytes_str(r->name) : room_shown(r, space);
}

struct bytes room_shown(const struct room *r, uint8_t space[ROOM_USER_MAX])
{
	return room_name_write(r->number, r->object.id, space);
}

struct bytes room_member_names(const struct room_member *m, uint8_t space[ROOM_USER_MAX])
{
	return m->named[0] ? bytes_str(m->named)
			   : room_name_write(m->number_called, m->room, space);
}

int room_member_make(struct room_member **out, uint64_t room, uint64_t call)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->room = room;
	(*out)->call = call;
	return 0;
}

void room_member_clear(struct room_member **member)
{
	if (*member)
		roster_entry_clear(&(*member)->told);
	free(*member);
	*member = NULL;
}

/* ---- sounds ---- */

/* Of several who come at once one tone tells. */
void room_sound_add(struct room_sounds *s, enum room_sound sound, uint64_t call, uint8_t name)
{
	const struct room_input *last = s->count ? &s->list[s->count - 1] : NULL;

	if (s->count == ROOM_SOUNDS_MAX || (!name && last && !last->name && last->sound == sound))
		return;
	s->list[s->count++] =
		(struct room_input){ .sound = (uint8_t)sound, .call = call, .name = name };
}

void room_sound_played(struct room_sounds *s, bool well)
{
	struct room_input *now = s->list;

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

static void room_attendance_leave(struct room_attendance *r, uint16_t number, uint64_t utc_ms)
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

const char *room_kind_name(enum room_kind kind)
{
	static const char *const g_names[ROOM_KINDS] = { "ad_hoc", "room" };

	assert(kind < ROOM_KINDS);
	return g_names[kind];
}

bool room_number_is(struct bytes number)
{
	for (size_t i = 0; i < number.n; i++) {
		if (number.p[i] <= ' ' || number.p[i] >= 0x7f)
			return false;
	}
	return number.n < CONFERENCE_NUMBER_MAX;
}

/* Where it begins in the list, which has a space behind each. NULL: it does not. */
static const char *invited_find(const struct room *r, struct bytes user)
{
	struct bytes left = text_bytes(&r->invited), one;

	while (bytes_cut(&left, ' ', &one)) {
		if (bytes_eq(one, user))
			return (const char *)one.p;
	}
	return NULL;
}

bool room_is_invited(const struct room *r, struct bytes user)
{
	return user.n && invited_find(r, user);
}

/* Except one of them, as far as there is room. */
static void invited_write(struct writer *w, const struct room *r, struct bytes but)
{
	struct bytes left = text_bytes(&r->invited), one;

	while (bytes_cut(&left, ' ', &one)) {
		if (bytes_eq(one, but) || w->n + one.n + 1 > ROOM_INVITED_MAX)
			continue;
		writer_bytes(w, one);
		writer_str(w, " ");
	}
}

void room_invite(struct room *r, struct bytes user, bool on)
{
	uint8_t space[ROOM_INVITED_MAX];
	struct writer w = writer_over(space, sizeof(space));

	if (!r->made || !user.n || user.n > ROOM_INVITED_USER_MAX || memchr(user.p, ' ', user.n))
		return;
	if (on) {
		writer_bytes(&w, user);
		writer_str(&w, " ");
	}
	invited_write(&w, r, user);
	if (text_set(&r->invited, writer_done(&w)))
		text_clear(&r->invited);
}

struct room_member *room_number_of(const struct room *r, uint16_t number)
{
	struct room_member *m = r->first;

	while (m && (m->asks || m->number != number))
		m = m->next;
	return m;
}

uint16_t room_number_next(const struct room *r)
{
	uint16_t number = r->last;

	for (uint32_t tried = 0; tried < MEMBER_NUMBER_MAX; tried++) {
		number = number == MEMBER_NUMBER_MAX ? 1 : (uint16_t)(number + 1);
		if (!room_number_of(r, number))
			return number;
	}
	return MEMBER_NOBODY;
}

/* The member that it stands before; NULL: the end. A new member mostly has the highest number. */
static struct room_member *member_place(const struct room *r, const struct room_member *m)
{
	struct room_member *next = NULL, *at = r->end;

	while (at && !m->asks && (at->asks || at->number > m->number)) {
		next = at;
		at = at->prev;
	}
	return next;
}

void room_enter(struct room *r, struct room_member *m)
{
	struct room_member *next = member_place(r, m);

	assert(m->asks == (m->number == MEMBER_NOBODY));
	m->next = next;
	m->prev = next ? next->prev : r->end;
	*(m->prev ? &m->prev->next : &r->first) = m;
	*(next ? &next->prev : &r->end) = m;
	r->asking += m->asks;
	r->count += !m->asks;
	r->shows |= !m->asks;
}

void room_step_out(struct room *r, struct room_member *m)
{
	*(m->prev ? &m->prev->next : &r->first) = m->next;
	*(m->next ? &m->next->prev : &r->end) = m->prev;
	m->next = m->prev = NULL;
	r->asking -= m->asks;
	r->count -= !m->asks;
}

void room_leave(struct room *r, struct room_member *m)
{
	roster_withdraw(r, m);
	room_step_out(r, m);
}

bool room_is_empty(const struct room *r)
{
	return !r->count && !r->asking && !r->pending_count;
}

bool room_is_full(const struct room *r, uint32_t more)
{
	return r->count + r->asking + more > r->max_members;
}

bool room_has_most(const struct room *r, uint16_t most)
{
	return most && r->count + r->asking >= most;
}

bool room_has_initiator(const struct room *r)
{
	for (const struct room_member *m = r->first; m && !m->asks; m = m->next) {
		if (m->hosts)
			return true;
	}
	return false;
}

/* A member that only listens, or coaches, is host only without others. */
uint16_t room_successor(const struct room *r)
{
	const struct room_member *first = r->first && !r->first->asks ? r->first : NULL;

	for (const struct room_member *m = first; m && !m->asks; m = m->next) {
		if (!m->muted && !m->coaches)
			return m->number;
	}
	return first ? first->number : MEMBER_NOBODY;
}

/* ---- tones and names of members ---- */

/* A member that monitors has no tone unless it is to have one; none has where tones would never
 * stop. */
static bool room_plays_tone_for(const struct room *r, const struct room_member *m, uint8_t tone)
{
	return tone != ROOM_TONE_NONE && (!m->monitors || m->beeps) && r->count > 1 &&
	       r->count <= r->parts.tones_most;
}

static void room_tells_of(struct room *r, const struct room_member *m, uint8_t tone,
			  enum room_sound sound)
{
	if (tone == ROOM_TONE_NONE && m->beeps)
		tone = ROOM_TONE_BEEP;
	if (room_plays_tone_for(r, m, tone))
		room_sound_add(&r->parts.sounds, sound, m->call,
			       tone == ROOM_TONE_NAME ? m->name : 0);
}

/* Who monitors a call of two is there before they are, and its tone waits for them. */
static const struct room_member *room_early_monitor(const struct room *r)
{
	enum { MONITOR_AND_TWO = 3 };

	return r->kind == ROOM_STATION && r->count == MONITOR_AND_TWO && r->first->beeps ? r->first
											 : NULL;
}

void room_member_on_join(struct room *r, const struct room_member *m, struct bytes from,
			 uint64_t utc_ms)
{
	const struct room_member *early = room_early_monitor(r);

	room_tells_of(r, early ? early : m, r->parts.entry, ROOM_SOUND_ENTRY);
	room_attendance_join(r->parts.recording.attendance, m->number, from, utc_ms);
}

void room_member_on_leave(struct room *r, const struct room_member *m, uint64_t utc_ms)
{
	room_tells_of(r, m, r->parts.exit, ROOM_SOUND_EXIT);
	room_attendance_leave(r->parts.recording.attendance, m->number, utc_ms);
}

/* ---- who may what ---- */

bool room_may(const struct room *r, const struct room_member *by, enum room_deed deed,
	      const struct room_member *to)
{
	bool is_host = by->number == r->host && by->number != MEMBER_NOBODY;

	switch (deed) {
	case ROOM_RULE:
		return is_host;
	case ROOM_DROP:
	case ROOM_CHANGE:
		return is_host || to == by || to->inviter == by->number;
	}
	return false;
}
