/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a viewer of a conference is sent: whose video, which of its layers, and what is asked for again of what was lost. Pure: indexes and
 * times in, decisions out.
 */
#ifndef ENGINE_JOB_VIDEO_CHOICE_H
#define ENGINE_JOB_VIDEO_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "media/job.h"

/*
 * Whose picture is shown where several may talk, and when a source is asked for a new one.
 *
 * All see who talks, and that one sees who talked before. Another one is shown when it has been the loudest for a while, pauses between its words
 * apart, and who is shown has been so for some time. So neither a cough nor a "yes" turns the picture.
 */

enum {
	FLOOR_NOBODY = UINT32_MAX,
	FLOOR_TALKS_MS = 600,  /* so long a rival talks before it is shown */
	FLOOR_KEEPS_MS = 1500, /* so long who is shown is so, at least */
};

#define VIDEO_AGAIN_NS (500 * NS_PER_MS) /* from one request to the next, at least */

struct floor {
	uint32_t shown, before; /* FLOOR_NOBODY: nobody */
	uint32_t rival;
	uint32_t rival_ms; /* it has talked */
	uint32_t kept_ms;  /* shown is so */
};

/* May it be shown? A higher one goes first. */
enum floor_claim {
	FLOOR_NONE,  /* it sends no picture, or none that is for all */
	FLOOR_MUTED, /* it is not heard: it is shown where nobody else can be */
	FLOOR_SPEAKS,
};

static inline struct floor floor_empty(void)
{
	return (struct floor){ .shown = FLOOR_NOBODY,
			       .before = FLOOR_NOBODY,
			       .rival = FLOOR_NOBODY };
}

/* For so many ms nobody was louder; FLOOR_NOBODY: all were silent. Its claim is FLOOR_SPEAKS. True: it is shown from now on. */
bool floor_talks(struct floor *f, uint32_t talker, uint32_t ms);
/* Who may not be shown any more is not. claims: of each of count. True: others are shown than were. */
bool floor_review(struct floor *f, const enum floor_claim *claims, uint32_t count);
/* What that one is to see. */
static inline uint32_t floor_seen_by(const struct floor *f, uint32_t index)
{
	return index == f->shown ? f->before : f->shown;
}

/* Requests for a new picture of one source. All zero: none is wanted. */
struct keyframe_need {
	uint64_t asked_ns; /* 0: never */
	bool wanted;
};

static inline void keyframe_set_due(struct keyframe_need *a)
{
	a->wanted = true;
}

/* It is there. */
static inline void keyframe_came(struct keyframe_need *a)
{
	a->wanted = false;
}

/* True: it is to be asked now. Who wants one still is asked for again, whoever lost the request or the picture. */
bool keyframe_is_due(struct keyframe_need *a, uint64_t now_ns);

/*
 * Which layer of a picture a viewer has: a browser sends it in several sizes at once (media_layers). Pure: rates and times in, decisions out.
 *
 * It is the largest one that fits into what the viewer shall have. Rates go up and down, and each change costs a new picture, so one that is there
 * stays for a while, also when it is a bit too much.
 */

enum {
	LAYER_NONE = UINT8_MAX,
	LAYER_UP_MS = 3000, /* so long a viewer has one before it gets a larger one */
	LAYER_DOWN_MS = 1500,
	LAYER_RATE_MS = 500, /* a rate is read so often */
	LAYER_STEADY = 2,    /* and says something after so many times */
	/* It has stopped: nothing of it came for so long, and others have so many pictures since. All come at the same rate, which may be low. */
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

/* most_kbps 0: there is no limit. now: the one that the viewer has for kept_ms; LAYER_NONE: none of these. LAYER_NONE: none comes. */
uint8_t layer_choose(const struct layer_seen *list, uint8_t count, uint32_t most_kbps, uint8_t now,
		     uint32_t kept_ms);

/*
 * How much of a picture a viewer is sent whose line loses packets. What it reports is all that is known of its line (RFC 3550 6.4.1). Pure: reports
 * and times in, a limit out.
 *
 * Where it loses much for a while the limit goes below what it has. When it has lost next to nothing for long the limit is doubled, again and again,
 * until it is away. What was lost again soon behind that is waited for twice as long: so a line that bears one layer and not the next is not tried all
 * the time, for each try costs new pictures, and what is lost meanwhile.
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

/* All zero: there is none. */
struct video_limit {
	uint32_t kbps;       /* 0: none */
	uint64_t lossy_ns;   /* reports say so since then; 0: the last one did not */
	uint64_t clean_ns;   /* the same of nothing that is lost */
	uint64_t lowered_ns; /* 0: never */
	uint64_t raised_ns;  /* 0: not since it was lowered */
	uint8_t tries;       /* times that it was lowered soon behind that; up to LIMIT_TRIES */
};

/* lost: 1/256 of what was sent to it. has_kbps: what it has; 0: not known, or there is nothing less. True: the limit is another one. */
bool video_limit_report(struct video_limit *l, uint8_t lost, uint32_t has_kbps, uint64_t now_ns);
/* Of `lost`, which a viewer reports, what its own line lost: so many of `span` numbers never came to us. */
uint8_t video_limit_own(uint8_t lost, uint32_t span, uint32_t sent);

/* The lower one of two limits; 0: none. */
static inline uint32_t video_limit_least(uint32_t a, uint32_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/*
 * Which packets of one source are missing, and when it is asked for them again (generic NACK, RFC 4585 6.2.1). Pure: numbers and times in,
 * decisions out. Each number is asked for a few times, and given up when that did not help: then only a new picture does. A gap with more than
 * can be asked for is given up at once.
 */

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
	uint64_t asked_ns; /* the last request; 0: there was none */
	uint8_t count;
	struct loss list[LOSSES_MAX]; /* in the order of their numbers */
};

/* A packet came; `highest` is the highest number before it. False: so many are missing that all are given up. */
bool losses_note(struct losses *l, uint16_t highest, uint16_t sequence, uint64_t now_ns);
/* Something is to be asked for now, or given up. */
bool losses_are_due(const struct losses *l, uint64_t now_ns);

struct losses_asked {
	uint8_t count;     /* numbers to ask for, in their order */
	uint8_t given_up;  /* so many others are not missed any more */
	uint64_t since_ns; /* those are missing since then, at the latest */
	uint16_t numbers[LOSSES_MAX];
};

/* They count as asked for, and are due again after again_ns. */
void losses_request(struct losses *l, uint64_t now_ns, uint64_t again_ns, struct losses_asked *out);
/* None is missed any more. */
static inline void losses_forget(struct losses *l)
{
	l->count = 0;
}

#endif
