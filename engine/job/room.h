/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conference (media/job.h) of flows of one worker. Members' packets wait in a jitter buffer each.
 * While anybody sends audio the room has a tick of 20 ms, in parts (enum room_phase), each no
 * longer than a slice of work (worker.h): packets are taken, the loudest members get the places,
 * they are mixed, the mix is encoded once per encoding, and sent. Only members with a place are
 * decoded, if loudness is known without decoding (room_sound.c). Where everybody is heard, places
 * only tell who talks: each member has a voice of its own, added once it is decoded.
 *
 * Private to the files of that name. The worker's thread. Memory is allocated by commands only.
 */
#ifndef ENGINE_JOB_ROOM_H
#define ENGINE_JOB_ROOM_H

#include <assert.h>
#include <stddef.h>

#include "dsp/limiter.h"
#include "dsp/mix/mix.h"
#include "dsp/mix/payloads.h"
#include "dsp/plc.h"
#include "dsp/voice.h"
#include "engine/worker/job.h"
#include "media/flow.h"
#include "media/job.h"
#include "media/rtp/jitter.h"

/*
 * Participants of a room that are not members (media/job.h): a sound, a recorder, an application.
 * Each is a job of the room's worker, heard by no flow directly. In each tick of the room it may
 * add a frame that all hear, and then gets the mix.
 *
 * Private to room*.c. The worker's thread.
 */

struct job;
struct room;
struct room_part;
struct worker;

enum { ROOM_PART_MS = 20 }; /* a frame: as long as a tick */

struct room_part_kind {
	/* Whether it adds sound now, or in the next ticks: the room does not sleep then. */
	bool (*wants)(const struct room_part *p);
	/* A frame at the rate of the mix. False: nothing. */
	bool (*say)(struct worker *w, struct room_part *p, int16_t *out);
	/* Gets the mix without its own frame; NULL: does not listen. heard: it is not silent. */
	void (*hear)(struct worker *w, struct room_part *p, const int16_t *mix, bool heard);
};

struct room_part {
	const struct room_part_kind *kind;
	struct job *job;  /* its own */
	struct job *room; /* NULL: that has closed, or it has not begun */
	struct room_part *next;
	struct limiter limiter; /* of its mix while it speaks */
	bool says;              /* in this tick; and its frame */
	int16_t said[MIX_SAMPLES_MAX];
};

/* ---- the room ---- */

bool room_parts_are_due(const struct room *r);
/* In a tick, before the sum and behind it. */
void room_parts_send(struct worker *w, struct room *r);
void room_parts_receive(struct worker *w, struct room *r);
/* It closes: they take part in nothing any more. */
void room_parts_close(struct room *r);

struct decoder;
struct room_video;

static_assert((int)MEDIA_ROOM_MEMBERS_MAX == (int)MIX_MEMBERS_MAX, "one limit");
static_assert((int)MEDIA_ROOM_TALKERS_MAX == (int)MIX_TALKERS_MAX, "one limit");
static_assert((int)MEDIA_ROOM_TALKERS_ALL == (int)MIX_TALKERS_ALL, "one word for it");
static_assert((int)MEDIA_ROOM_GAIN_DB_MAX == (int)MIX_GAIN_DB_MAX, "one limit");

enum {
	ROOM_TICK_MS = 20,
	ROOM_JITTER_SLOTS = 16,
	ROOM_JITTER_START_MS = 20,
	ROOM_JITTER_MAX_MS = 120,
	ROOM_COMPLEXITY = 5, /* of Opus, by default */
	ROOM_CLOCK_HZ = 48000,
	ROOM_TICK_UNITS = ROOM_CLOCK_HZ / 1000 * ROOM_TICK_MS,
	ROOM_PAST_MAX = 4,      /* packets that a decoder is warmed up with */
	ROOM_PAST_OCTETS = 640, /* of all of them */
	ROOM_OCTETS_MAX = 640,  /* of a payload: 40 ms of L16 at 8000 Hz, 128 kbit/s of Opus */
	ROOM_QUIET_MS = 400,  /* then members are sent nothing: pauses of all encoders have begun */
	ROOM_LATE_MS = 100,   /* ticks that are later are left out */
	ROOM_LINGER_MS = 500, /* a member silent for so long counts as sending nothing */
	ROOM_VOICES_MAX = 2 * MIX_TALKERS_MAX,
	/* worker.h counts work in packets; one through protect and out takes so long. */
	ROOM_COST_NS = 200,
	ROOM_BURST_TICKS = 32,  /* how often loudness is looked at where only decoding tells it */
	ROOM_NOISE_TICKS = 250, /* the same for a member with a place that was not a voice */
	ROOM_TALKS_MS = 200,    /* MEDIA_ROOM_TALKS at most so often */
};

/* Of voices: what filters there are. */
enum room_rate { ROOM_RATE_8000, ROOM_RATE_16000, ROOM_RATES };

/* The decoded audio of a member with a place. */
struct room_voice {
	uint32_t member; /* or MIX_NOBODY */
	uint32_t rate;   /* of pcm */
	uint32_t count;  /* samples that wait */
	uint32_t played; /* the first of them, which the mix has; they stay until others come */
	uint32_t sounds; /* the first so many end with sound; the silence behind is not mixed */
	bool spoke;      /* it was a voice, and no noise */
	struct decoder *opus; /* NULL: the room has no Opus */
	uint32_t room;        /* of pcm */
	const int16_t *frame; /* what waits is one frame, which lies in plc; NULL: it lies in pcm */
	/* played_pcm: at the rate of the mix; NULL: all codecs have that rate. */
	int16_t *pcm, *played_pcm;
	struct plc plc;                      /* of codecs without means of their own */
	struct convert *convert[ROOM_RATES]; /* NULL: no member has that rate */
};

/* The newest packets of a member without a place. */
struct room_past {
	uint16_t lengths[ROOM_PAST_MAX];
	uint8_t count, codec;
	uint16_t octets_n;
	uint8_t octets[ROOM_PAST_OCTETS];
};

/* With many members each cache line that a packet or a tick touches comes from memory. So the first
 * line has what all members need, and the second one what members that send audio need. */
enum { ROOM_LINE = 64, ROOM_INPUT = 4 * ROOM_LINE /* up to its detector */ };

struct room_member {
	/* line 0 */
	struct jitter *jitter;
	uint64_t sound_ns;        /* it sent sound last */
	struct room_voice *voice; /* NULL: without a place */
	uint32_t slot;            /* of its flow */
	uint32_t epoch;           /* so often it began to send sound */
	uint32_t ahead; /* of ROOM_CLOCK_HZ: taken out of the jitter buffer, and not heard yet */
	uint32_t since; /* the tick that it joined in */
	uint32_t said;  /* room.wakes, when it was sent something */
	uint32_t active_at, here_at; /* where the room's lists have it */
	bool active;                 /* it sends sound */
	bool hushed;         /* in the mix: it is muted, or the member it coaches is absent */
	bool speaks;         /* in this tick */
	bool encodes;        /* payloads have it */
	bool missed;         /* it was not sent what was encoded for it */
	uint8_t level;       /* -dBov, of its last audio */
	uint8_t loudness;    /* the same, smoothed for comparison */
	uint8_t unheard;     /* frames since its detector had one; if all are heard, ticks */
	uint8_t levels;      /* spec.level_extension */
	uint8_t codec;       /* that it is sent; MEDIA_CODECS_KNOWN: nothing can be */
	uint8_t input_type;  /* the payload type that it mostly sends */
	uint8_t input_codec; /* and what that is; MEDIA_CODECS_KNOWN: not known */
	/* line 1 */
	struct flow_member spec;
	/* from its packets (RFC 6464) */
	bool signalled_voice, signals_voice; /* in the newest packet; in any packet so far */
	uint8_t signalled_level;
	/* Of Opus: when its packets were looked at, and for how long they will not be. */
	uint8_t burst_level;
	uint32_t burst_tick, burst_wait;
	bool tone;   /* what was decoded of it last is one */
	bool unsure; /* its encoder heard a voice, or it was a tone: what has no flag may be one */
	uint64_t signalled_ns;
	uint32_t detector_rate;
	struct voice detector;
	/* seldom */
	uint32_t of_party; /* index of the coached member in the mix; MIX_NOBODY: none present */
	struct decoder *decoders[MEDIA_CODECS_KNOWN]; /* of codecs that are decoded in any case */
	struct room_past past;
} CACHE_ALIGNED; /* and behind it its jitter buffer */

/* Without a look into it. */
static inline struct jitter *member_jitter(const struct room_member *m)
{
	return (struct jitter *)(void *)(uintptr_t)(m + 1);
}

static_assert(offsetof(struct room_member, spec) == ROOM_LINE, "line 0");
static_assert(offsetof(struct room_member, detector) + sizeof(struct voice) <= ROOM_INPUT,
	      "what is heard of it");

enum room_phase {
	ROOM_SLEEPS, /* no member sends audio: no timer */
	ROOM_WAITS,  /* for its tick */
	ROOM_INPUTS, /* member by member */
	ROOM_MIXES,
	ROOM_ENCODES, /* stream by stream */
	ROOM_SAYS,    /* to member by member */
};

struct room {
	struct media_room spec;
	bool everybody; /* is heard */
	struct mix *mix;
	struct payloads *payloads;
	uint32_t coaches, count; /* members that coach; all of them */
	enum room_phase phase;
	uint64_t due_ns;  /* of the tick that comes, or is being done */
	uint64_t tick_ns; /* when the present one began */
	uint32_t tick, wakes;
	uint64_t encoded; /* packets, as payloads count them: those that the metric has */
	/* Indexes, in no order. Of the active ones the first `cursor` are not taken in this tick
	 * yet; of all, the first `unsaid` are not sent to. */
	uint32_t active_n, cursor, here_n, unsaid;
	uint32_t *active, *here;
	uint64_t played; /* packets, in this tick */
	uint32_t places_n, places[ROOM_VOICES_MAX];
	uint8_t bar; /* -dBov: a quieter member gets no place; VOICE_LEVEL_SILENCE: one is free */
	bool heard;  /* some member, in this tick */
	uint32_t quiet_ms; /* no member is heard, or sends audio */
	bool talks_due;    /* the talkers may differ from those reported */
	uint64_t talks_ns; /* when that was */
	struct media_talks talks;
	bool rates[ROOM_RATES];                       /* that voices need a filter of */
	bool speaks[MEDIA_CODECS_KNOWN];              /* some member may, and it can be decoded */
	struct decoder *decoders[MEDIA_CODECS_KNOWN]; /* of members without a place */
	uint32_t costs[MEDIA_CODECS_KNOWN];           /* of decoding a packet (room_cost) */
	struct room_video *video;                     /* NULL: never had one */
	struct room_part *parts;                      /* room_part.h */
	int32_t parts_end; /* where those stood that left within their sound */
	uint32_t voices_n;
	struct room_voice voices[ROOM_VOICES_MAX];
	struct room_member *members[]; /* by their number in the mix */
};

/* They are on their way to the cache. */
static inline void room_lines_fetch(const void *from, size_t octets)
{
	for (size_t i = 0; i < octets; i += ROOM_LINE)
		__builtin_prefetch((const char *)from + i, 1);
}

static inline uint32_t room_cost(uint32_t ns)
{
	return ns / ROOM_COST_NS + 1;
}

/* So many members are prefetched before a tick; the others of a larger room during their turns. */
enum { ROOM_NEAR = 8 };

/* ---- room_video*.c: flows of video (room_video.h); a room without video skips them ---- */

int room_video_set(struct worker *w, struct job *j, struct flow *f, const struct flow_spec *spec);
void room_video_leave(struct worker *w, struct job *j, struct flow *f);
enum verdict room_video_receive(struct worker *w, struct job *j, const struct pkt *p);
bool room_video_on_feedback(struct worker *w, struct job *j, const struct flow *f,
			    struct bytes rtcp);
/* After the mix: the present talkers. */
void room_video_tick(struct worker *w, struct job *j);
bool room_video_wait(const struct room *r, uint64_t now_ns);
/* As of struct job_kind; 0: nothing waited. */
uint32_t room_video_turn(struct worker *w, struct job *j, uint32_t most);
void room_video_free(struct room *r);

/* ---- room_sound.c: packets ---- */

enum verdict room_pkt_receive(struct worker *w, struct job *j, const struct pkt *p);
/* Prefetches what that will touch: first what is known, then what that points to. */
void room_pkt_prefetch(const struct job *j, const struct pkt *p, bool first);
/* One that sleeps has ticks from now on. */
void room_awake(struct worker *w, struct job *j);
/* It is not listened to until it sends sound again. */
void room_pause_member(struct room *r, uint32_t index);

/* ---- room_sound.c: places ---- */

/* Prefetches the members heard next, and those after them. */
void room_hear_fetch(const struct room *r);
/* Takes what is due of this member in this tick. Returns the cost in packets (worker.h). */
uint32_t room_receive(struct worker *w, struct room *r, uint32_t index);
/* Assigns the places, and mixes the members that have one. */
void room_mix(struct worker *w, struct room *r);

/* ---- room_sound.c: levels ---- */

/* n decoded samples of the member. */
void room_level_decoded(struct room *r, struct room_member *m, const int16_t *pcm, uint32_t n,
			uint32_t rate);
/* A packet of Opus that was decoded: its encoder heard what it encoded for longer than we have. */
void room_level_flagged(const struct room *r, struct room_member *m, struct bytes payload);

/* ---- room_voice.c ---- */

/* This codec is decoded even if not heard: later packets depend on it. */
bool room_codec_is_stateful(enum media_codec codec);
/* Opens *d if it is NULL. 0, or -errno. */
int room_decoder_open(const struct room *r, enum media_codec codec, struct decoder **d);
/* One more codec that members may speak, one more member: 0, or -errno. */
int room_voices_open(struct room *r, enum media_codec codec);
int room_voices_grow(struct room *r);
void room_voices_close(struct room *r);
/* If all are heard, a member's own; *v stays there. 0, or -errno. */
int room_voice_open(const struct room *r, struct room_voice **v);
void room_voice_close(struct room_voice *v); /* NULL is fine */
void room_past_put(struct room_member *m, enum media_codec codec, struct bytes payload);
struct room_past_input {
	uint32_t n; /* samples of the last one */
	uint8_t loudest;
	bool tone; /* the last two are */
};

/* Decodes the past packets with a fresh decoder state. The samples of the last one are in space. */
struct room_past_input room_past_decode(const struct room_member *m, struct decoder *d,
					int16_t *space);
/* NULL: no voice is free. It continues with what is still to be played of the member. */
struct room_voice *room_voice_claim(struct worker *w, struct room *r, uint32_t index);
void room_voice_release(struct room *r, struct room_member *m);
void room_voice_frame(struct worker *w, struct room *r, struct room_member *m,
		      enum media_codec codec, struct bytes payload, uint32_t units);
void room_voice_lost(struct worker *w, struct room *r, struct room_member *m,
		     const struct jitter_frame *f);
void room_voice_silence(struct room_voice *v, uint32_t units);
/* Prefetches what each tick of it touches: first what is known, then what that points to. */
void room_voice_fetch_first(const struct room_voice *v);
void room_voice_fetch(const struct room_voice *v);
/* Its next tick, at the rate of the mix, valid until its next frame. NULL: silence. */
const int16_t *room_voice_play(const struct room *r, struct room_voice *v);

/* ---- room_sound.c: sending ---- */

/* Prefetches what sending to the first members needs; room_say_fetch_to does so for one member,
 * which must be present. */
void room_say_fetch(const struct worker *w, const struct room *r);
void room_say_fetch_to(const struct worker *w, const struct room *r, uint32_t index);
/* To the next listener. Returns how many packets. */
uint32_t room_send(struct worker *w, struct room *r);
/* Reports the talkers if they changed, and it is time. False: still to be reported. */
bool room_talks_notify(struct worker *w, const struct job *j);

#endif
