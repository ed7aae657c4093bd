/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of many small rooms none is in the cache when its tick comes, and a tick of three members is shorter than to fetch what it needs piece by
 * piece. So while others have their turns that is asked for, from pointer to pointer.
 */
#include "engine/job/room.h"
#include "engine/job/turn.h"

static void lines_near(const void *from, size_t octets)
{
	for (size_t i = 0; i < octets; i += ROOM_LINE)
		__builtin_prefetch((const char *)from + i, 1);
}

static void parts_near(const struct room *r)
{
	for (uint32_t i = 0; i < ROOM_NEAR && i < r->spec.members; i++)
		if (r->members[i])
			lines_near(r->members[i], ROOM_HEARD);
	for (uint32_t i = 0; i < r->voices_n; i++)
		lines_near(&r->voices[i], 1);
	__builtin_prefetch(r->active, 1);
	__builtin_prefetch(r->here);
	mix_fetch(r->mix);
	payloads_fetch(r->payloads, true);
}

/* A tick of what waits, and of what would be heard in place of what does not come. */
static void voice_near(const struct room_voice *v)
{
	size_t tick = v->rate / 1000 * ROOM_TICK_MS * sizeof(*v->pcm);

	if (v->member == MIX_NOBODY)
		return;
	lines_near(v->pcm, tick);
	lines_near(&v->plc, 1);
	lines_near(v->plc.history + v->plc.at, tick);
}

static void sounds_near(const struct room *r)
{
	for (uint32_t i = 0; i < ROOM_NEAR && i < r->spec.members; i++)
		if (r->members[i] && r->members[i]->active)
			jitter_fetch(r->members[i]->jitter);
	for (uint32_t i = 0; i < r->voices_n; i++)
		voice_near(&r->voices[i]);
	payloads_fetch(r->payloads, false);
}

void room_near(const struct job *j, uint32_t turns)
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
		sounds_near(r);
	}
}
