/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transcodes a party's audio that the other one does not take (payload_rule.coding). Packets wait
 * here, a few at most, until their turn comes (worker.h): coding takes long, and other packets pass
 * meanwhile. The result joins the one stream to the peer's party as our own packets do, under the
 * next number. Its timestamps keep step with the received ones: lost or unsent audio is a gap of
 * the same length. Telephone-events take the same way, so that they keep their place.
 *
 * The worker's thread. Memory is allocated by commands only; a transcoder moves to another worker
 * with its flow.
 */
#ifndef ENGINE_WORKER_TRANSCODER_H
#define ENGINE_WORKER_TRANSCODER_H

#include <stdint.h>

#include "dsp/codec/codec.h"
#include "engine/net/packet.h"
#include "engine/worker/coding.h"
#include "engine/worker/job.h"

/* Encoder complexity of transcoders, by the worker's load: with less complexity Opus takes a third
 * of the time, and sounds a little worse. Once a second it is lowered by a step at once if the
 * worker is busier than it should be, and raised only after some calm. So it does not oscillate by
 * its own effect. The decision is a function of the given figures. */

struct worker;

enum {
	EASE_STEPS = 2,      /* full, half, least */
	EASE_BUSY = 700,     /* by default: thousandths of a core */
	EASE_CALM_PART = 75, /* so many percent of that are calm */
	EASE_CALM_TICKS = 5, /* in a row */
	/* In the word: Opus of transcoders opened from now on runs at 48,000 Hz. */
	EASE_FULL_RATE = 1 << 24,
};

struct ease {
	uint8_t step; /* 0: full complexity */
	uint8_t calm; /* ticks */
};

/* The limits for the worker, in one word. */
static inline uint32_t ease_pack(uint32_t complexity, uint32_t busy)
{
	return complexity << 16 | busy;
}

static inline uint32_t ease_most(uint32_t word)
{
	return word >> 16 & UINT8_MAX;
}

/* A second has passed. */
void ease_tick(struct ease *e, uint32_t busy, uint32_t limit);
/* Of Opus, where most is what it has with time. */
uint8_t ease_complexity(const struct ease *e, uint32_t most);
/* By w->busy: the complexity of the worker's transcoders from now on, and its metric. */
void ease_set(struct worker *w);

struct flow;
struct pkt;

enum {
	TRANSCODER_PACKETS_MAX = 16, /* that wait */
	TRANSCODER_OCTETS_MAX = 1280,
	TRANSCODER_SLICE_NS = 150000, /* so much work is done between two polls, or one packet */
	TRANSCODER_JUMP_MS = 1000,    /* a timestamp that is so far from its time begins anew */
	TRANSCODER_EVENT_MS = 10000,  /* likewise of an event, which may last */
};

/* One that waits. */
struct transcoder_packet {
	uint64_t at_ns;
	uint32_t ssrc, timestamp;
	uint32_t event_hz; /* 0: it is audio */
	uint16_t sequence, length;
	uint8_t coding;       /* index; not of an event */
	uint8_t payload_type; /* under which it leaves */
	uint8_t marker;
	uint8_t octets[TRANSCODER_OCTETS_MAX];
};

struct transcoder {
	struct job_place place;
	uint32_t slot; /* of its flow, the one of the sending party */
	struct media_coding spec[MEDIA_CODINGS_MAX];
	struct coding list[MEDIA_CODINGS_MAX]; /* closed: no rule names it */
	/* the stream that leaves */
	bool begun; /* the next five are valid */
	uint8_t coding;
	uint32_t ssrc;
	uint32_t timestamp_in;  /* of what comes next, if nothing is missing */
	uint32_t timestamp_out; /* of the first sample that waits in the coding */
	uint64_t at_ns;         /* the newest audio came */
	uint16_t sequence;      /* of the newest packet; valid with known */
	bool known;
	uint8_t payload_type, marker; /* of what leaves next */
	uint32_t first, count;
	struct transcoder_packet packets[TRANSCODER_PACKETS_MAX];
};

/* Of one worker. */
struct transcoder_line {
	struct transcoder **of; /* by slot of the flow; valid where flow.has_transcoder */
	struct job_line line;
	uint32_t open;
	struct ease ease;
	uint8_t complexity; /* of Opus, unless a coding sets it */
	coding_space space[CODEC_SAMPLES_MAX];
};

/* Slots of flows. 0 or -ENOMEM. */
int transcoder_line_open(struct transcoder_line *l, uint32_t capacity) NODISCARD;
void transcoder_line_close(struct transcoder_line *l);
/* NULL: no transcoder. */
struct transcoder *transcoder_of(const struct worker *w, const struct flow *f);
/* By the spec; unchanged codings continue. Returns 0, or an error: packets to code are dropped. */
int transcoder_set(struct worker *w, struct flow *f, const struct flow_spec *spec) NODISCARD;
/* The flow closes. */
void transcoder_leave(struct worker *w, struct flow *f);
/* The flow goes to another worker: NULL, or what is to arrive there, or to be freed. */
struct transcoder *transcoder_pack(struct worker *w, struct flow *f);
/* In place of the flow's, if it is like that one. Else it is freed. */
void transcoder_arrive(struct worker *w, struct flow *f, struct transcoder *c);
void transcoder_free(struct transcoder *c); /* NULL is fine */

/* Whether RTP of the flow's party that is to be relayed is transcoded. */
bool transcoder_is_for(const struct flow *f, const struct payload_rule *rule);
/* It waits for its turn: VERDICT_TRANSCODED; else why it does not. */
enum verdict transcoder_queue(struct worker *w, const struct pkt *p);
/* A slice of the work of those in line. */
void transcoder_turn(struct worker *w);

/* A transcoder is in line: the worker does not sleep. */
static inline bool transcoder_is_queued(const struct transcoder_line *l)
{
	return l->line.first != NULL;
}

/* What a transcoder does in its turn. Private to it. */

/* There is anything to do. */
bool transcoder_has_work(const struct transcoder *c);

#endif
