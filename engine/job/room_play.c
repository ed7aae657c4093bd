/* SPDX-License-Identifier: Apache-2.0 */
/* A sound that all in a room hear beside each other: who came, what is announced, music for all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/job/room_part.h"
#include "engine/walk/event.h"
#include "engine/walk/worker.h"
#include "media/sound.h"

struct room_play {
	struct room_part part;
	struct job_id room;
	struct media_sound *sound; /* not ours to count */
	uint32_t place;            /* sample that comes next */
	bool loops, ended;
};

static bool room_play_wants(const struct room_part *p)
{
	return !((const struct room_play *)p)->ended;
}

static void room_play_read(struct room_play *y, int16_t *out, uint32_t n)
{
	const struct media_sound *s = y->sound;

	for (uint32_t i = 0; i < n; i++) {
		if (y->place == s->length && y->loops)
			y->place = 0;
		out[i] = y->place < s->length ? s->samples[y->place++] : 0;
	}
}

/* A full ring: in the next tick. */
static bool room_play_end_tell(struct worker *w, const struct room_play *y)
{
	const struct job *j = y->part.job;

	return event_send(w, &(struct media_event){ .kind = MEDIA_JOB_ENDED,
						    .job = j->id,
						    .call = j->call,
						    .place = y->place });
}

static bool room_play_say(struct worker *w, struct room_part *p, int16_t *out)
{
	struct room_play *y = (struct room_play *)p;

	if (y->ended)
		return false;
	if (y->place == y->sound->length && !y->loops) {
		y->ended = room_play_end_tell(w, y);
		return false;
	}
	room_play_read(y, out, room_part_rate(p) / 1000 * ROOM_PART_MS);
	return true;
}

static const struct room_part_kind g_room_play = { .wants = room_play_wants, .say = room_play_say };

static int room_play_open(struct job *j, const struct media_work *work)
{
	const struct media_room_play *spec = &work->play;
	struct room_play *y;

	if (!spec->sound || spec->start > spec->sound->length)
		return -EINVAL;
	y = calloc(1, sizeof(*y));
	if (!y)
		return -ENOMEM;
	y->part.kind = &g_room_play;
	y->room = spec->room;
	y->sound = spec->sound;
	y->place = spec->start;
	y->loops = spec->loops;
	j->work = y;
	return 0;
}

static int room_play_begin(struct worker *w, struct job *j)
{
	struct room_play *y = j->work;
	int err = room_part_join(w, &y->part, j, y->room);

	if (!err && room_part_rate(&y->part) != y->sound->rate_hz)
		return -EINVAL;
	return err;
}

static struct media_sound *room_play_close(struct job *j)
{
	struct room_play *y = j->work;
	struct media_sound *sound = y->sound;

	room_part_leave(&y->part);
	free(y);
	return sound;
}

static uint32_t room_play_place(const struct job *j)
{
	const struct room_play *y = j->work;

	return y->place;
}

const struct job_kind job_room_play = {
	.open = room_play_open,
	.close = room_play_close,
	.wake = room_part_unheard,
	.effort = room_part_effort,
	.turn = room_part_turn,
	.place = room_play_place,
	.begin = room_play_begin,
};
