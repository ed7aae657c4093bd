/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of tenants played to one caller each, from their own offset: a job for each, on the worker
 * of the call. The file is read first, unless it is in memory. Bounded: one more is refused.
 * Control thread.
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
	struct media_feed *feed;  /* of a stream with an application; NULL: none */
	bool carried;             /* ... or with the carrier of streams */
	bool job_gone, live_gone; /* with a feed: both, and it is freed */
	/* LANGUAGE:VOICE:TEXT of a text that no engine has spoken yet, a secret.
	 * Empty: spoken, or no text. */
	struct text said;
	bool speaking;    /* an engine speaks it */
	bool spared;      /* the caller of plays has a substitute for a missing file, */
	bool is_no_fault; /* and a missing one is no fault */
};

/* What is to be played. */
struct play_wanted {
	enum media_codec codec;
	struct bytes tenant, language; /* of prompts */
	struct bytes file;
	uint64_t start_ms; /* within it */
	bool resumed;      /* a process before has played it */
	bool spared;       /* a missing file has a substitute */
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
	/* Asks a speech engine; plays_on_rendered reports the result. False: no engine can be
	 * asked. NULL: none. */
	bool (*speak)(const struct play *y, void *arg);
	void *speak_arg;
	/* The last prompt to play that was missing; "": none. */
	char missing[80];
};

void plays_setup(void); /* registers the metrics; main thread, once */
/* 0 or -ENOMEM. */
int plays_open(struct plays *p, uint32_t first_slot, uint32_t capacity) NODISCARD;
void plays_close(struct plays *p);
/* The result is an answer. */
void plays_start(struct plays *p, uint64_t call, uint64_t serial, const struct play_wanted *wanted,
		 uint64_t now_ns);
/* Likewise: EFFECT_ROOM_PLAY, EFFECT_ROOM_TAP. */
void plays_room(struct plays *p, const struct effect *e, uint64_t now_ns);
void plays_room_tap(struct plays *p, const struct effect *e);
void plays_stop(struct plays *p, uint64_t call, uint64_t serial);
/* Those of all calls of a shard. */
void plays_leave(struct plays *p, uint16_t shard);
/* Sounds were read. */
void plays_try(struct plays *p, uint64_t now_ns);
/* A text of that hash was spoken. why: it was not; a constant phrase. */
void plays_on_rendered(struct plays *p, const char *hash, const char *why, uint64_t now_ns);
/* An event of a job. */
void plays_event(struct plays *p, const struct media_event *event);
/* An event of the live thread. */
struct live_event;
void plays_live(struct plays *p, const struct live_event *event);
/* A DTMF digit of the caller, for the application that hears it. */
void plays_key(struct plays *p, uint64_t call, uint64_t serial, char key);
/* Calls have told the workers what their callers hear by now. */
void plays_round(struct plays *p);

/* Parties with sound at an application: the endpoints, and their streams in the live thread
 * (app/live/live.h), which runs from the first endpoint on. Control thread. */

struct engine;

struct lives_listener {
	uint64_t id, call;
};

struct lives {
	struct live *live;                /* NULL: there was no endpoint yet */
	struct lives_listener *listeners; /* streams that only listen to a party */
	uint32_t listener_count;
	const struct settings_live *settings;
	char tokens[SETTINGS_LIVES_MAX]
		   [LIVE_TOKEN_MAX]; /* secrets, in the order of the endpoints */
};

/* A request for a stream. */
struct lives_want {
	uint64_t id, call; /* id: unique */
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

/* Applies the settings; running streams go on. True: the thread has begun: watch live_event_fd.
 * Copies of calls' media are read from source. */
bool lives_configure(struct lives *l, const struct settings_live *settings, struct engine *source);
void lives_close(struct lives *l);
/* The application hears a party that is not alone, until lives_stream_close. NULL, or why not. */
const char *lives_stream_open(struct lives *l, const struct lives_want *want);
void lives_stream_close(struct lives *l, uint64_t id, struct bytes reason);
/* Those of all calls of a shard. */
void lives_leave(struct lives *l, uint16_t shard);
/* The tenant may use an endpoint of that name; tenant empty: any tenant. */
bool lives_know(const struct lives *l, struct bytes tenant, struct bytes endpoint);
/* The outcome of an event without a feed. False: nothing for the call. */
bool lives_stream_outcome(const struct live_event *event, struct media_stream_reply *out);

/* Streams of conferences with another end than an application. One carrier of the process, which is
 * set before a node starts. A stream that it has opened is told of by plays_live: LIVE_ENDED or
 * LIVE_FAILED where it is over by itself, and one LIVE_GONE after `end`. Control thread. */
struct stream_carrier {
	bool (*takes)(struct bytes endpoint);
	/* rate_hz: of the frames, both ways. NULL, or why not: the feed is the caller's then. */
	const char *(*open)(const struct lives_want *want, struct media_feed *feed,
			    uint32_t rate_hz);
	void (*end)(uint64_t id);
};
void plays_carry(const struct stream_carrier *carrier);

#endif
