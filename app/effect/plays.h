/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of tenants that are played to one caller each, from their own time on: a job for each, on the worker of the call. The file is
 * read first, unless it is in memory. Bounded: one more is refused. Control's thread.
 */
#ifndef APP_NODE_PLAYS_H
#define APP_NODE_PLAYS_H

#include "app/effect/answers.h"
#include "app/effect/media_queue.h"
#include "app/sound/sound_file.h"

struct effect;
struct lives;
struct media_feed;
struct sounds;

enum play_state {
	PLAY_FREE,
	PLAY_WAITS, /* its file is read */
	PLAY_OPEN,
	PLAY_LEFT,    /* it is to close */
	PLAY_CLOSING, /* the worker has not said that it closed it */
};

struct play {
	enum play_state state;
	uint64_t call, serial;
	enum media_codec codec;
	struct sound_name name;
	uint64_t start_ms;
	struct job_id job;
	struct job_id room;       /* generation 0: a caller hears it; else all in that conference */
	uint32_t rate_hz;         /* ... at this rate */
	struct media_feed *feed;  /* of one that is with an application; NULL: it is none */
	bool job_gone, live_gone; /* with a feed: both, and it is freed */
};

/* What is to be played. */
struct play_wanted {
	enum media_codec codec;
	struct bytes tenant, language; /* of prompts */
	struct bytes file;
	uint64_t start_ms; /* within it */
	bool resumed;      /* a process before has played it */
	struct job_id
		room; /* all in that conference hear it, at rate_hz; generation 0: its caller */
	uint32_t rate_hz;
};

struct plays {
	struct play *list;
	uint32_t capacity, first_slot; /* of jobs */
	uint32_t used, left, generation;
	struct sounds *sounds;
	struct media_queue *queue;
	struct answers *answers;
	struct lives *lives;
	char missing
		[80]; /* the prompt that was to be played last of those that are not there; "": none */
};

void plays_setup(void); /* registers the metrics; main thread, once */
/* 0 or -ENOMEM. */
int plays_open(struct plays *p, uint32_t first_slot, uint32_t capacity) NODISCARD;
void plays_close(struct plays *p);
/* What becomes of it is an answer. */
void plays_begin(struct plays *p, uint64_t call, uint64_t serial, const struct play_wanted *wanted,
		 uint64_t now_ns);
/* Likewise: EFFECT_ROOM_PLAY, EFFECT_ROOM_TAP. */
void plays_room(struct plays *p, const struct effect *e, uint64_t now_ns);
void plays_room_tap(struct plays *p, const struct effect *e);
void plays_stop(struct plays *p, uint64_t call, uint64_t serial);
/* Those of all calls of a shard. */
void plays_leave(struct plays *p, uint16_t shard);
/* Sounds were read. */
void plays_try(struct plays *p, uint64_t now_ns);
/* An event of a job. */
void plays_event(struct plays *p, const struct media_event *event);
/* An event of the live thread. */
struct live_event;
void plays_live(struct plays *p, const struct live_event *event);
/* A key that the caller pressed, for the application that hears it. */
void plays_key(struct plays *p, uint64_t call, uint64_t serial, char key);
/* Calls have told the workers what their callers hear by now. */
void plays_round(struct plays *p);

#endif
