/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sound of the node, played without end: music on hold, which is a file of the tenant, or a
 * tone of a national plan. Each codec has one job on all workers, shared by all listeners; without
 * listeners it costs nothing. Another sound gets new jobs: first they open, then calls are told,
 * then the older ones close. An unusable file changes nothing, and is tried again. Control thread.
 */
#ifndef APP_NODE_PLAYER_H
#define APP_NODE_PLAYER_H

#include "app/effect/media_queue.h"
#include "app/sound/sound_file.h"

struct sounds;

/* Job slots number * PLAYER_JOBS and so on. */
enum { PLAYER_SETS = 2, PLAYER_JOBS = PLAYER_SETS * MEDIA_CODECS };

#define PLAYER_AGAIN_NS (10 * NS_PER_S)

/* Listeners of that player hear these jobs from now on; generation 0: none for that codec. They
 * close after player_round. */
typedef void player_tell_fn(uint32_t number, const struct job_id jobs[MEDIA_CODECS], void *arg);

/* None plays yet: player_tell_fn will report. */
typedef void player_await_fn(uint32_t number, void *arg);

struct player_settings {
	struct sounds *sounds;
	struct media_queue *queue;
	uint32_t number;
	const char *tenant; /* of its files, or */
	uint8_t tone;       /* enum tone_kind + 1, its files are names of plans; 0: none */
	player_tell_fn *tell;
	player_await_fn *await;
	void *arg;
};

enum player_job_state {
	PLAYER_JOB_FREE,
	PLAYER_JOB_OPEN,
	PLAYER_JOB_LEFT,    /* no longer told to anyone */
	PLAYER_JOB_CLOSING, /* some worker has not said that it closed it */
};

struct player_job {
	struct job_id id;
	enum player_job_state state;
};

struct player {
	struct player_settings settings;
	char file[SOUND_NAME_MAX + 1]; /* empty: none */
	bool wanted;                   /* it is not played yet */
	bool coming;                   /* ... and has not failed: it is awaited */
	uint64_t again_ns;             /* not tried before */
	struct sound_fault said;       /* what the log was told last */
	struct player_job jobs[PLAYER_SETS][MEDIA_CODECS];
	uint32_t set; /* calls know of the jobs of this one */
	bool leaves;  /* some job is left */
	uint32_t generation;
};

/* The tenant's name outlives it. */
void player_open(struct player *p, const struct player_settings *settings);
/* Plays this file of the tenant, read anew; "": none. The sounds have forgotten an older one. */
void player_play(struct player *p, const char *file, uint64_t now_ns);
/* Sounds were read, a job has closed, or time passed. */
void player_try(struct player *p, uint64_t now_ns);
/* An event of a job. */
void player_event(struct player *p, const struct media_event *event, uint64_t now_ns);
/* Calls have carried out what follows from player_tell_fn. */
void player_round(struct player *p);

/* Rate that a codec's encoder wants; 0: no memory for one. */
uint32_t player_rate(enum media_codec codec);

#endif
