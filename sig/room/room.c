/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/room/room.h"

#include <assert.h>
#include <string.h>

#include "sig/host/room_terms.h"

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

/* But for one of them, as far as there is room. */
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

/* Whom it stands before; NULL: nobody. Who comes last mostly has the highest number. */
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
	room_untell(r, m);
	room_step_out(r, m);
}

bool room_is_empty(const struct room *r)
{
	return !r->count && !r->asking && !r->comes_count;
}

bool room_is_full(const struct room *r, uint32_t more)
{
	return r->count + r->asking + more > r->max_members;
}

bool room_has_initiator(const struct room *r)
{
	for (const struct room_member *m = r->first; m && !m->asks; m = m->next) {
		if (m->hosts)
			return true;
	}
	return false;
}

/* Who only listens, or coaches, is no host as long as anybody else is there. */
uint16_t room_successor(const struct room *r)
{
	const struct room_member *first = r->first && !r->first->asks ? r->first : NULL;

	for (const struct room_member *m = first; m && !m->asks; m = m->next) {
		if (!m->muted && !m->coaches)
			return m->number;
	}
	return first ? first->number : MEMBER_NOBODY;
}

/* ---- what is heard of them ---- */

/* Who listens or coaches is not told of; nor is anybody where a tone would come all the time. */
static bool room_is_told_of(const struct room *r, const struct room_member *m, uint8_t tone)
{
	return tone != ROOM_TONE_NONE && !m->monitors && r->count > 1 &&
	       r->count <= r->parts.tones_most;
}

static void room_tells_of(struct room *r, const struct room_member *m, uint8_t tone,
			  enum room_sound sound)
{
	if (room_is_told_of(r, m, tone))
		room_sound_add(&r->parts.sounds, sound, m->call,
			       tone == ROOM_TONE_NAME ? m->name : 0);
}

void room_member_came(struct room *r, const struct room_member *m, struct bytes from,
		      uint64_t utc_ms)
{
	room_tells_of(r, m, r->parts.entry, ROOM_SOUND_ENTRY);
	room_attendance_join(r->parts.recording.attendance, m->number, from, utc_ms);
}

void room_member_goes(struct room *r, const struct room_member *m, uint64_t utc_ms)
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
