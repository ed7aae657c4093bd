/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hold music: one file of the tenant, played without end. There is one job for each codec on all workers, which all who are held hear
 * together; those that nobody hears cost nothing. Another file is played by jobs of its own: first these are open, then calls are told of
 * them, and then the older ones close. A file that cannot be used changes nothing, and is tried again. Control's thread.
 */
#ifndef APP_NODE_MUSIC_H
#define APP_NODE_MUSIC_H

#include "app/node/media_queue.h"
#include "app/node/sound_file.h"

struct sounds;

enum { MUSIC_SETS = 2, MUSIC_JOBS = MUSIC_SETS * MEDIA_CODECS }; /* job slots 0 to MUSIC_JOBS - 1 */

#define MUSIC_AGAIN_NS (10 * NS_PER_S)

/* Whoever is held hears these from now on; generation 0: that codec has none. They close after music_round. */
typedef void music_tell_fn(const struct job_id jobs[MEDIA_CODECS], void *arg);

enum music_job_state {
	MUSIC_JOB_FREE,
	MUSIC_JOB_OPEN,
	MUSIC_JOB_LEFT,    /* nobody is told of it any more */
	MUSIC_JOB_CLOSING, /* some worker has not said that it closed it */
};

struct music_job {
	struct job_id id;
	enum music_job_state state;
};

struct music {
	struct sounds *sounds;
	struct media_queue *queue;
	music_tell_fn *tell;
	void *arg;
	char tenant[SOUND_NAME_MAX + 1];
	char file[SOUND_NAME_MAX + 1]; /* empty: none */
	bool wanted;                   /* it is not played yet */
	uint64_t again_ns;             /* not tried before */
	struct sound_fault said;       /* what the log was told last */
	struct music_job jobs[MUSIC_SETS][MEDIA_CODECS];
	uint32_t set; /* calls know of the jobs of this one */
	uint32_t generation;
};

void music_open(struct music *m, struct sounds *sounds, struct media_queue *queue,
		const char *tenant, music_tell_fn *tell, void *arg);
/* This file from now on, read anew; "": none. The sounds have forgotten an older one. */
void music_file_set(struct music *m, const char *file, uint64_t now_ns);
/* Sounds were read, a job has closed, or time passed. */
void music_try(struct music *m, uint64_t now_ns);
/* An event of a job. */
void music_event(struct music *m, const struct media_event *event, uint64_t now_ns);
/* Calls have carried out what follows from music_tell_fn. */
void music_round(struct music *m);

#endif
