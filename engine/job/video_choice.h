/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a viewer of a conference is sent: which member's video, which layer, and which lost packets
 * are requested again. Pure: indexes and times in, decisions out.
 */
#ifndef ENGINE_JOB_VIDEO_CHOICE_H
#define ENGINE_JOB_VIDEO_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "media/job.h"

/*
 * Which member's video is shown if several may talk, and when a source is asked for a key frame.
 *
 * All see the active speaker, who sees the previous one. Another member is shown once it has been
 * the loudest for a while, apart from pauses between words, and the shown one has been so for some
 * time. So neither a cough nor a "yes" switches the picture.
 */

enum {
	FLOOR_NOBODY = UINT32_MAX,
	FLOOR_TALKS_MS = 600,  /* so long a rival talks before it is shown */
	FLOOR_KEEPS_MS = 1500, /* so long the shown one stays, at least */
};

#define VIDEO_AGAIN_NS (500 * NS_PER_MS) /* from one request to the next, at least */

struct floor {
	uint32_t shown, before; /* FLOOR_NOBODY: no member */
	uint32_t rival;
	uint32_t rival_ms; /* it has talked */
	uint32_t kept_ms;  /* shown is so */
};

/* May it be shown? A higher one goes first. */
enum floor_claim {
	FLOOR_NONE,  /* it sends no picture, or one not for all */
	FLOOR_MUTED, /* not heard: shown only if no other member can be */
	FLOOR_SPEAKS,
};

static inline struct floor floor_empty(void)
{
	return (struct floor){ .shown = FLOOR_NOBODY,
			       .before = FLOOR_NOBODY,
			       .rival = FLOOR_NOBODY };
}

/* The loudest for so many ms; FLOOR_NOBODY: silence. Its claim is FLOOR_SPEAKS. True: shown now. */
bool floor_talks(struct floor *f, uint32_t talker, uint32_t ms);
/* Drops members that may not be shown any more. claims: of each. True: others are shown now. */
bool floor_review(struct floor *f, const enum floor_claim *claims, uint32_t count);
/* What that one is to see. */
static inline uint32_t floor_seen_by(const struct floor *f, uint32_t index)
{
	return index == f->shown ? f->before : f->shown;
}

/* Key frame requests for one source. All zero: no request. */
struct keyframe_need {
	uint64_t asked_ns; /* 0: never */
	bool wanted;
};

static inline void keyframe_set_due(struct keyframe_need *a)
{
	a->wanted = true;
}

/* A key frame came. */
static inline void keyframe_came(struct keyframe_need *a)
{
	a->wanted = false;
}

/* True: ask now. A wanted key frame is requested again, whether request or picture was lost. */
bool keyframe_is_due(struct keyframe_need *a, uint64_t now_ns);

/*
 * Which layer of a picture a viewer has: a browser sends it in several sizes at once
 * (media_layers). Pure: rates and times in, decisions out.
 *
 * It is the largest one within the viewer's limit. Rates go up and down, and each change costs a
 * key frame, so the present layer stays for a while, even slightly above the limit.
 */

enum {
	LAYER_NONE = UINT8_MAX,
	LAYER_UP_MS = 3000, /* so long a viewer has one before it gets a larger one */
	LAYER_DOWN_MS = 1500,
	LAYER_RATE_MS = 500, /* a rate is read so often */
	LAYER_STEADY = 2,    /* and counts as known after so many reads */
	/* A layer has stopped: silent for so long, with so many frames of others since. All have
	 * one rate, which may be low. */
	LAYER_SILENT_MS = 500,
	LAYER_MISSED = 12,
};

/* How much comes of one. All zero: nothing did yet. */
struct layer_rate {
	uint64_t read_ns;
	uint32_t octets; /* since then */
	uint32_t kbps;   /* over two seconds, about */
	uint8_t times;   /* it was read; up to LAYER_STEADY */
};

static inline void layer_rate_note(struct layer_rate *r, uint32_t octets)
{
	r->octets += octets;
}

void layer_rate_read(struct layer_rate *r, uint64_t now_ns);

struct layer_seen {
	bool comes;
	bool steady;     /* its rate is known */
	uint32_t kbps;   /* valid with steady */
	uint32_t pixels; /* 0: not known */
};

/* most_kbps 0: no limit. now: the viewer's layer for kept_ms, or LAYER_NONE. Returns LAYER_NONE if
 * no layer arrives. */
uint8_t layer_choose(const struct layer_seen *list, uint8_t count, uint32_t most_kbps, uint8_t now,
		     uint32_t kept_ms);

/*
 * How much of a picture a viewer with packet loss is sent. Only its reports tell about its line
 * (RFC 3550 6.4.1). Pure: reports and times in, a limit out.
 *
 * After much loss for a while the limit goes below what it has. After next to no loss for long it
 * is doubled, again and again, until it is gone. A raise that soon led to loss again doubles the
 * next wait: so a line that bears one layer and not the next is not tried all the time, as each try
 * costs key frames and lost packets.
 */

enum {
	LIMIT_LOSSY = 20,       /* 1/256 that are lost: much, 8 % */
	LIMIT_CLEAN = 5,        /* next to nothing, 2 % */
	LIMIT_LOSSY_MS = 2000,  /* so long it loses much before it has less */
	LIMIT_REST_MS = 3000,   /* then what it reports is of before */
	LIMIT_CLEAN_MS = 10000, /* so long it loses nothing before it may have more */
	LIMIT_TRIES = 3,        /* doublings of that */
	LIMIT_LEAST_KBPS = 30,
	LIMIT_MOST_KBPS = 20000, /* more is no limit */
};

/* All zero: no limit. */
struct video_limit {
	uint32_t kbps;       /* 0: no limit */
	uint64_t lossy_ns;   /* reports show loss since then; 0: the last one did not */
	uint64_t clean_ns;   /* the same of nothing that is lost */
	uint64_t lowered_ns; /* 0: never */
	uint64_t raised_ns;  /* 0: not since it was lowered */
	uint8_t tries;       /* times that it was lowered soon behind that; up to LIMIT_TRIES */
};

/* lost: 1/256 of what was sent. has_kbps: what it has; 0: unknown, or there is no smaller layer.
 * True: the limit changed. */
bool video_limit_report(struct video_limit *l, uint8_t lost, uint32_t has_kbps, uint64_t now_ns);
/* The viewer's own part of its reported `lost`: only `sent` of `span` numbers reached us. */
uint8_t video_limit_own(uint8_t lost, uint32_t span, uint32_t sent);

/* The lower one of two limits; 0: no limit. */
static inline uint32_t video_limit_least(uint32_t a, uint32_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Which packets of a source are missing, and when they are requested again (generic NACK, RFC 4585
 * 6.2.1). Pure: numbers and times in, decisions out. Each number is requested a few times, and
 * given up after that: then a key frame is needed. A gap larger than what can be requested is given
 * up at once. */

enum {
	LOSSES_MAX = 64, /* numbers that may be missing at a time */
	LOSS_TRIES = 4,
};

#define LOSS_OLD_NS     (400 * NS_PER_MS) /* a picture that is later than that has stood still */
#define LOSSES_EVERY_NS (10 * NS_PER_MS)  /* from one request to the next, at least */

struct loss {
	uint64_t since_ns;
	uint64_t due_ns;
	uint16_t sequence;
	uint8_t tries; /* so often it was asked for */
};

/* All zero: nothing is missing. */
struct losses {
	uint64_t asked_ns; /* the last request; 0: never */
	uint8_t count;
	struct loss list[LOSSES_MAX]; /* in the order of their numbers */
};

/* A packet came; `highest`: the highest number before. False: too many are missing, all given
 * up. */
bool losses_note(struct losses *l, uint16_t highest, uint16_t sequence, uint64_t now_ns);
/* Some number is due to be requested, or given up. */
bool losses_are_due(const struct losses *l, uint64_t now_ns);

struct losses_asked {
	uint8_t count;     /* numbers to ask for, in their order */
	uint8_t given_up;  /* so many others are not missed any more */
	uint64_t since_ns; /* those are missing since then, at the latest */
	uint16_t numbers[LOSSES_MAX];
};

/* They count as asked for, and are due again after again_ns. */
void losses_request(struct losses *l, uint64_t now_ns, uint64_t again_ns, struct losses_asked *out);
/* Nothing is missing any more. */
static inline void losses_forget(struct losses *l)
{
	l->count = 0;
}

#endif
