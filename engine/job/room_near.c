/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of many small rooms none is in the cache when its tick comes, and a tick of three members is shorter than to fetch what it needs piece by
 * piece. So while others have their turns that is asked for, from pointer to pointer.
 */
#include "engine/job/room.h"
#include "engine/job/turn.h"

static void lines_near(const void *from, size_t octets)
{
	room_lines_fetch(from, octets);
}

/* Where most say nothing, no more than all members need. */
static void member_near(const struct room *r, const struct room_member *m)
{
	bool most = r->active_n > r->here_n / 2;

	lines_near(m, most ? ROOM_HEARD : 1);
	if (most)
		jitter_fetch(member_jitter(m));
}

static void parts_near(const struct room *r)
{
	for (uint32_t i = 0; i < ROOM_NEAR && i < r->spec.members; i++)
		if (r->members[i])
			member_near(r, r->members[i]);
	for (uint32_t i = 0; i < r->voices_n; i++)
		room_voice_fetch_first(&r->voices[i]);
	__builtin_prefetch(r->active, 1);
	__builtin_prefetch(r->here);
	mix_fetch(r->mix);
	payloads_fetch(r->payloads, true);
}

static void member_sounds_near(const struct room *r, const struct room_member *m)
{
	if (r->active_n > r->here_n / 2) {
		jitter_fetch_get(m->jitter);
	} else {
		lines_near(m, ROOM_HEARD);
		jitter_fetch(member_jitter(m));
	}
	if (r->everybody && m->voice)
		room_voice_fetch_first(m->voice);
}

/* Of a larger room those who are sent something first. */
static void flows_near(const struct worker *w, const struct room *r)
{
	for (uint32_t i = 1; i <= ROOM_NEAR && i <= r->here_n; i++)
		room_say_fetch_to(w, r, r->here[r->here_n - i]);
}

static void sounds_near(const struct worker *w, const struct room *r)
{
	flows_near(w, r);
	for (uint32_t i = 0; i < ROOM_NEAR && i < r->spec.members; i++)
		if (r->members[i] && r->members[i]->active)
			member_sounds_near(r, r->members[i]);
	for (uint32_t i = 0; i < r->voices_n; i++)
		if (r->voices[i].member != MIX_NOBODY)
			room_voice_fetch(&r->voices[i]);
	payloads_fetch(r->payloads, false);
}

void room_near(const struct worker *w, const struct job *j, uint32_t turns)
{
	const struct room *r = j->work;

	static_assert((int)TURN_NEAR == 3, "three steps");
	switch (turns) {
	case 3:
		lines_near(r, offsetof(struct room, voices));
		lines_near(r->members, 1);
		break;
	case 2:
		parts_near(r);
		break;
	default:
		sounds_near(w, r);
	}
}
