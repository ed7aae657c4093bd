/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is heard in a room beside its members, and who listens to all of it: tones of who comes and goes, what a command plays, a recording
 * of the mix, an application. What a command began, and the recording, are in the room's record, so whoever goes on with the room goes on
 * with them. Pure; sig/shard/shard_room_parts.c has them carried out.
 */
#ifndef SIG_ROOM_ROOM_PARTS_H
#define SIG_ROOM_ROOM_PARTS_H

#include "base/text.h"

struct room_attendance;

enum {
	ROOM_FILES_MAX = 4,
	ROOM_FILE_MAX = 65, /* with its NUL */
	ROOM_TIMES_MAX = 100,
	ROOM_SOUNDS_MAX = 4, /* that wait; one more is not heard */
	ROOM_STREAM_MAX = 32,
	ROOM_RECORDING_NUMBER_MAX = 63,
};

enum room_sound { ROOM_SOUND_ENTRY, ROOM_SOUND_EXIT };

/* What is heard of who comes and goes, one behind the other: a tone, or a name and what it does. Of this process alone. */
struct room_sounds {
	uint8_t count;
	struct room_heard {
		uint8_t sound; /* enum room_sound */
		uint8_t name;  /* number of the recording of that call; 0: a tone */
		bool named;    /* the name was heard: what it does is next */
		uint64_t call;
	} list[ROOM_SOUNDS_MAX];
	uint64_t serial; /* of the first one, which plays; 0: it is not asked for yet */
};

/* Files that a command plays to all in it, one behind the other. */
struct room_play {
	uint8_t count; /* 0: nothing */
	uint8_t at;    /* that plays */
	uint8_t times; /* of all of them; 0: without end */
	uint8_t time;  /* this one, from 0 on */
	char files[ROOM_FILES_MAX][ROOM_FILE_MAX];
	uint64_t since_utc_ms; /* that file is heard from then on; 0: it is not heard yet */
	uint64_t order;        /* who asked: the same once more changes nothing */
	uint64_t serial;       /* of this process; 0: it is not asked for yet */
};

/* An application that hears all and is heard by all. */
struct room_live {
	char endpoint[ROOM_STREAM_MAX]; /* "": none */
	bool resumed;                   /* of this process: one before had it */
	uint64_t serial;                /* likewise; 0: it is not asked for yet */
};

/* Of the mix: a file named ROOM-NUMBER. */
struct room_recording {
	uint8_t number; /* 0: nothing is recorded */
	uint8_t last;   /* the newest one's */
	bool ordered;   /* by command; else by the document of the room */
	bool by_page;   /* ... or by a member's record page */
	bool paused;
	uint16_t segment; /* that the process which saved this wrote; 0: none yet */
	uint64_t begun_utc_ms,
		tone_utc_ms; /* the latter: when its first tone was due, since it was paused last */
	/* of this process */
	bool told, told_paused;
	uint64_t serial;  /* of the copy that is made for it; 0: none is */
	uint64_t tone_ns; /* tone_utc_ms on our clock; 0: not known yet */
	struct room_attendance
		*attendance; /* who has been there in this segment; NULL: there is none */
};

struct room_parts {
	uint8_t entry, exit; /* enum room_tone */
	uint8_t record;      /* enum room_record */
	uint16_t tones_most; /* with more members there is no tone */
	struct room_sounds sounds;
	struct room_play play;
	struct room_live live;
	struct room_recording recording;
};

/* A tone, unless it waits already; or (name not 0) a name of that call. Not where too many wait. */
void room_sound_add(struct room_sounds *s, enum room_sound sound, uint64_t call, uint8_t name);
/* The first one has been played, or cannot be: it goes on behind its name, or as a tone, or is over. */
void room_sound_played(struct room_sounds *s, bool well);
/* The next file. False: that was the last one, and nothing is played any more. */
bool room_play_next(struct room_play *p);
/* How far the file has got. */
uint64_t room_play_ms(const struct room_play *p, uint64_t utc_ms);
void room_parts_clear(struct room_parts *p);

/* ---- who has been there while a segment was recorded ---- */

enum {
	ATTENDEES_MAX = 100, /* members; more are counted */
	ATTENDEE_FROM_MAX = 32,
};

struct attendee {
	uint16_t number;
	char from[ATTENDEE_FROM_MAX];
	uint64_t joined_utc_ms, left_utc_ms; /* 0: it has not */
};

struct room_attendance {
	uint32_t count, named;
	struct attendee list[ATTENDEES_MAX];
};

/* NULL is fine. */
void room_attendance_join(struct room_attendance *r, uint16_t number, struct bytes from,
			  uint64_t utc_ms);
void room_attendance_leave(struct room_attendance *r, uint16_t number, uint64_t utc_ms);
/* NULL: none. Members of a JSON object: "member_count":2,"members":[...] */
void room_attendance_write(struct writer *w, const struct room_attendance *r);

#endif
