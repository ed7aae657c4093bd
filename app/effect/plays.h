/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of tenants that are played to one caller each, from their own time on: a job for each, on the worker of the call. The file is
 * read first, unless it is in memory. Bounded: one more is refused. Control's thread.
 */
#ifndef APP_EFFECT_PLAYS_H
#define APP_EFFECT_PLAYS_H

#include "app/effect/answers.h"
#include "app/effect/media_queue.h"
#include "app/live/live.h"
#include "app/settings/settings.h"
#include "app/sound/sound_file.h"
#include "media/job.h"
#include "sig/host/effect.h"

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
	struct text
		said; /* of a text that no engine has said yet, as far as is known: LANGUAGE:VOICE:TEXT; a secret. Empty: it has, or is none */
	bool speaking;    /* one does */
	bool spared;      /* somebody makes up for one that is not there, */
	bool is_no_fault; /* and it is not */
};

/* What is to be played. */
struct play_wanted {
	enum media_codec codec;
	struct bytes tenant, language; /* of prompts */
	struct bytes file;
	uint64_t start_ms; /* within it */
	bool resumed;      /* a process before has played it */
	bool spared;       /* somebody makes up for one that is not there */
	/* all in that conference hear it, at rate_hz; generation 0: its caller */
	struct job_id room;
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
	/* An engine is to say it: plays_said tells how that ended. False: it cannot be asked. NULL: there is none. */
	bool (*speak)(const struct play *y, void *arg);
	void *speak_arg;
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
/* A text of that hash was said. why: it was not; a constant phrase. */
void plays_said(struct plays *p, const char *hash, const char *why, uint64_t now_ns);
/* An event of a job. */
void plays_event(struct plays *p, const struct media_event *event);
/* An event of the live thread. */
struct live_event;
void plays_live(struct plays *p, const struct live_event *event);
/* A key that the caller pressed, for the application that hears it. */
void plays_key(struct plays *p, uint64_t call, uint64_t serial, char key);
/* Calls have told the workers what their callers hear by now. */
void plays_round(struct plays *p);

/*
 * Parties whose sound is with an application: which endpoints there are, and their streams with the live thread (app/live/live.h). The
 * thread runs from the first endpoint on. Control's thread.
 */

struct engine;

struct lives_listener {
	uint64_t id, call;
};

struct lives {
	struct live *live;                /* NULL: there was no endpoint yet */
	struct lives_listener *listeners; /* who hears a party that is not alone */
	uint32_t listener_count;
	const struct settings_live *settings;
	char tokens[SETTINGS_LIVES_MAX]
		   [LIVE_TOKEN_MAX]; /* secrets, in the order of the endpoints */
};

/* Who asks for a stream. */
struct lives_want {
	uint64_t id, call; /* id: of nobody else */
	struct bytes tenant, endpoint;
	enum media_codec codec; /* of the party that is alone */
	struct job_id room;     /* ... or a conference, mixed at rate_hz; generation 0: none */
	uint32_t rate_hz;
	bool resumed;
	/* of a party that is not alone */
	char leg;
	bool said, heard;
	uint8_t tap_number;
};

/* As the settings are now; what runs goes on. True: the thread has begun, so watch live_event_fd. Copies of what calls say and hear are
 * read from source. */
bool lives_configure(struct lives *l, const struct settings_live *settings, struct engine *source);
void lives_close(struct lives *l);
/* The application hears a party that is not alone, until lives_stream_close. NULL, or why not. */
const char *lives_stream_open(struct lives *l, const struct lives_want *want);
void lives_stream_close(struct lives *l, uint64_t id, struct bytes reason);
/* Those of all calls of a shard. */
void lives_leave(struct lives *l, uint16_t shard);
/* There is an endpoint of that name for the tenant; tenant empty: for any. */
bool lives_know(const struct lives *l, struct bytes tenant, struct bytes endpoint);
/* What became of it, of an event without a feed. False: nothing that the call is to know. */
bool lives_stream_outcome(const struct live_event *event, struct media_stream_news *out);

#endif
