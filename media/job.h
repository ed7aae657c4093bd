/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages between control and a worker about a job, which makes packets for flows in place of
 * their peers. It is opened before a flow names it (flow_spec.source). When it closes, its flows
 * hear their peers again.
 */
#ifndef MEDIA_JOB_H
#define MEDIA_JOB_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "media/codec.h"

struct media_feed;
struct media_sound;

/* Slot: chosen by control. Generation: changes with each use, never 0. */
struct job_id {
	uint32_t slot;
	uint32_t generation;
};

static inline bool job_id_eq(struct job_id a, struct job_id b)
{
	return a.slot == b.slot && a.generation == b.generation;
}

/* A track: one sound, encoded once for all flows that play it. It stands still while no flow plays
 * it. Sent in real time; what was not encoded in time is skipped. */
struct media_track {
	struct media_sound *sound; /* one reference, which goes with the command */
	enum media_codec codec;    /* one that is spoken */
	uint8_t packet_ms;
	uint8_t loops;      /* 1: begins anew at its end, for ever; 0: MEDIA_JOB_ENDED, once */
	uint8_t complexity; /* as dsp/codec/encoder.h has them; 0: the codec's own */
	uint32_t bit_rate;
	uint32_t start;     /* sample to begin with: how far a process before has got */
	uint32_t report_ms; /* MEDIA_JOB_PLACE so often while it plays; 0: never */
};

/* An echo: a party's audio is sent back to it so much later, in any codec. */
struct media_delay {
	uint32_t ms; /* 1 to 5000 */
};

/* An application instead of the peer: sends PCM frames, gets the party's packets (media/feed.h). */
struct media_feed_terms {
	struct media_feed *feed; /* it outlives the job */
	enum media_codec codec;  /* one that is spoken */
	uint32_t rate_hz;        /* of the frames; one that the codec's encoder takes */
};

/* A picture in several sizes at once (simulcast, RFC 8853), each with a name (RFC 8851) that its
 * packets carry (RFC 8852). */
enum { MEDIA_LAYERS_MAX = 3, MEDIA_RID_MAX = 16 };

struct media_rid {
	uint8_t length;
	char name[MEDIA_RID_MAX]; /* not terminated */
};

struct media_layers {
	uint8_t count;     /* 0: one picture, else two at least */
	uint8_t extension; /* RTP header extension of the party that has the name */
	struct media_rid list[MEDIA_LAYERS_MAX];
};

enum {
	MEDIA_ROOM_MEMBERS_MAX = 2000,
	MEDIA_ROOM_TALKERS_MAX = 8,
	MEDIA_ROOM_TALKERS_ALL = 255,
	MEDIA_ROOM_GAIN_DB_MAX = 15, /* both ways */
};

/* A conference: a flow that hears it is a member (flow_member) and hears the other members, in any
 * codec. Without speech it runs no timer, and members are sent nothing. MEDIA_ROOM_TALKS reports
 * the speakers. The call that it is opened with is an id of its own, assigned to a worker before
 * (engine_worker_for) until the room is closed. */
struct media_room {
	uint32_t rate_hz; /* of the mix: 8000, 16000 or 48000 */
	uint16_t members; /* at most */
	uint8_t talkers;  /* heard at once; 0: 3; MEDIA_ROOM_TALKERS_ALL: all that are not silent */
	uint16_t hold_ms; /* a pause in which a talker keeps its place; 0: 500 */
	uint8_t packet_ms;  /* of what members are sent: 10, 20, 40 or 60; 0: 20 */
	uint8_t complexity; /* of Opus, as dsp/codec/encoder.h has it; 0: 5 */
	uint32_t bit_rate;  /* likewise; 0: by the rate of the mix */
};

/* A participant of a room that is not a member: a job of its own, opened with the room's call and
 * closed before the room. It is heard only through the room. */

/* A sound that all members hear; a sleeping room wakes for it. MEDIA_JOB_ENDED once at its end. */
struct media_room_play {
	struct job_id room;
	/* One reference, which belongs to the command; at the rate of the room. */
	struct media_sound *sound;
	uint32_t start; /* sample to begin with */
	uint8_t loops;  /* as of a track */
};

/* Copies the mix, as a silent member hears it, for recorders (media/tap.h): L16 of 8000 or 16000
 * Hz, from leg 0 of the room's call. While nobody speaks, no copies are made. The tone is played to
 * all, and is not copied. */
struct media_room_tap {
	struct job_id room;
	uint8_t number;
	struct media_room_tone {
		uint16_t hz, ms; /* ms 0: no tone */
		int16_t level;   /* tenths of dBm0 */
		uint32_t every_ms;
		uint64_t begun_ns; /* of the first, by clock_now_ns; up to 1 s ago: now */
	} tone;
};

/* An application: it gets the mix without its own voice, by frames; all members hear what it
 * sends. */
struct media_room_feed {
	struct job_id room;
	struct media_feed *feed; /* it outlives the job */
	uint32_t rate_hz;        /* of the frames, both ways: 8000 or 16000 */
};

enum media_work_kind {
	MEDIA_WORK_TRACK,
	MEDIA_WORK_DELAY,
	MEDIA_WORK_FEED,
	MEDIA_WORK_ROOM,
	MEDIA_WORK_ROOM_PLAY,
	MEDIA_WORK_ROOM_TAP,
	MEDIA_WORK_ROOM_FEED,
	MEDIA_WORK_KINDS,
};

/* What a job does. */
struct media_work {
	enum media_work_kind kind;
	union {
		struct media_track track;
		struct media_delay delay;
		struct media_feed_terms feed;
		struct media_room room;
		struct media_room_play play;
		struct media_room_tap tap;
		struct media_room_feed room_feed;
	};
};

/* What it has of a sound; NULL: nothing. */
static inline struct media_sound *media_work_sound(const struct media_work *w)
{
	if (w->kind == MEDIA_WORK_ROOM_PLAY)
		return w->play.sound;
	return w->kind == MEDIA_WORK_TRACK ? w->track.sound : NULL;
}

/* What a flow's party is sent in place of its peer's packets. */
struct flow_source {
	struct job_id job; /* generation 0: no job, the flow hears its peer */
	uint8_t payload_type;
};

/*
 * A party in the room that its flow's source names; only read with such a job. It has no peer, and
 * is `alone`: its audio goes to the room, in any codec of rule_codecs. It is sent the codec that
 * `accepted` has under source.payload_type. An update changes anything but the number, without an
 * audible gap. A member with another job as its source (music on hold) has left the room, and
 * returns under its number. A member that must not be received is not heard.
 *
 * A video flow with a member's number is its picture (one each): it is sent the active speaker, by
 * engine/job/video_choice.h, and the active speaker itself is sent the one before. Of the formats
 * in `accepted` it gets the one the source sends, and of its layers the one that fits (flow_video).
 */
struct flow_member {
	uint32_t number; /* from 1 on, of one member of the room at a time */
	/* The number of the only member that hears it, absent or not. 0: all hear it. */
	uint32_t coaches;
	int8_t gain_db; /* how much louder it is to others */
	uint8_t muted;  /* 1: not heard by the others */
	uint8_t deaf;   /* 1: it hears nothing */
	/* RTP header extension with the audio level of the party's packets (RFC 6464); 0: not
	 * used. */
	uint8_t level_extension;
};

/* What a picture of a room is beside. */
struct flow_video {
	uint32_t most_kbps; /* that it shall see, where there is a choice; 0: no limit */
	struct media_layers layers;
};

/* The talkers of a room, by number. */
struct media_talks {
	uint8_t count;
	uint32_t numbers[MEDIA_ROOM_TALKERS_MAX];
};

/*
 * Sound in memory, mono. It does not change once it is shared, so any thread may read it; it
 * crosses threads by reference, while everything else crosses by value. Only control's thread
 * counts references, and frees it with the last one: a worker reports when it no longer reads it
 * (MEDIA_JOB_CLOSED).
 *
 * A sound that is still arriving grows at its end, by one thread. A player waits there, in silence,
 * until there is more.
 */

enum media_sound_state { MEDIA_SOUND_WHOLE, MEDIA_SOUND_ARRIVES, MEDIA_SOUND_CUT };

struct media_sound {
	uint32_t references;
	uint32_t rate_hz;
	uint32_t length;        /* samples; not 0. Of one that arrives, or did: room for so many */
	_Atomic uint32_t ready; /* that may be read */
	_Atomic int state;      /* enum media_sound_state; CUT: it is over, and lacks its end */
	int16_t samples[];      /* written by its creator */
};

/* What is ready behind this is all of it, unless it arrives. */
static inline enum media_sound_state media_sound_state(const struct media_sound *s)
{
	/* acquire: what was ready before it was whole is seen */
	return (enum media_sound_state)atomic_load_explicit(&s->state, memory_order_acquire);
}

static inline uint32_t media_sound_ready(const struct media_sound *s)
{
	/* acquire: pairs with media_sound_grow, so the samples are seen */
	return atomic_load_explicit(&s->ready, memory_order_acquire);
}

/* Before the sound is shared: nothing is ready. */
void media_sound_arrives(struct media_sound *s);
/* n samples more may be read. */
void media_sound_grow(struct media_sound *s, uint32_t n);
/* It does not grow any more. */
void media_sound_over(struct media_sound *s, enum media_sound_state state);

/* With one reference, silent. NULL: no memory. */
struct media_sound *media_sound_make(uint32_t rate_hz, uint32_t length);
/* One reference more. */
struct media_sound *media_sound_ref(struct media_sound *s);
/* Drops a reference; NULL is fine. */
void media_sound_unref(struct media_sound *s);

#endif
