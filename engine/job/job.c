/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/job.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "dsp/mix/mix.h"
#include "engine/job/track.h"
#include "engine/job/turn.h"
#include "engine/walk/worker.h"
#include "media/sound.h"

static const struct job_kind *const g_kinds[MEDIA_WORK_KINDS] = {
	[MEDIA_WORK_TRACK] = &job_track,         [MEDIA_WORK_DELAY] = &job_delay,
	[MEDIA_WORK_FEED] = &job_feed,           [MEDIA_WORK_ROOM] = &job_room,
	[MEDIA_WORK_ROOM_PLAY] = &job_room_play, [MEDIA_WORK_ROOM_TAP] = &job_room_tap,
	[MEDIA_WORK_ROOM_FEED] = &job_room_feed,
};

int job_table_open(struct job_table *t, uint32_t capacity)
{
	void *memory;

	*t = (struct job_table){ .capacity = capacity };
	if (capacity == 0)
		return 0;
	/* as flow_table_open does */
	memory = mmap(NULL, (size_t)capacity * sizeof(*t->list), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	t->list = memory == MAP_FAILED ? NULL : memory;
	t->pcm = calloc(TRACK_SAMPLES_MAX, sizeof(*t->pcm));
	t->space = mix_space_open();
	if (t->list && t->pcm && t->space)
		return 0;
	job_table_close(t);
	return -ENOMEM;
}

void job_table_close(struct job_table *t)
{
	for (uint32_t i = 0; t->list && t->count > 0 && i < t->capacity; i++)
		if (t->list[i].id.generation != 0)
			media_sound_drop(job_close(t, &t->list[i]));
	if (t->list)
		(void)munmap(t->list, (size_t)t->capacity * sizeof(*t->list));
	mix_space_close(t->space);
	free(t->pcm);
	*t = (struct job_table){ 0 };
}

int job_open(struct job_table *t, struct job_id id, const struct media_work *work, struct job **out)
{
	struct job *j;
	int err;

	assert(id.generation != 0);
	if (id.slot >= t->capacity)
		return -ERANGE;
	j = &t->list[id.slot];
	if (j->id.generation != 0)
		return -EBUSY;
	*j = (struct job){ .kind = g_kinds[work->kind],
			   .timer = { .kind = TIMER_JOB, .owner = id.slot } };
	err = j->kind->open(j, work);
	if (err)
		return err;
	j->id = id;
	t->count++;
	t->takers += j->kind->take != NULL;
	*out = j;
	return 0;
}

struct media_sound *job_close(struct job_table *t, struct job *j)
{
	assert(j->id.generation != 0 && !j->place.waits && j->first == 0);
	j->id = (struct job_id){ 0 };
	t->count--;
	t->takers -= j->kind->take != NULL;
	return j->kind->close(j);
}

void job_rest(struct worker *w, struct job *j)
{
	wheel_stop(&w->wheel, &j->timer);
	turn_forget(&w->jobs, j);
	j->next = 0;
}
