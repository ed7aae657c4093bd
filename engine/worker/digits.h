/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digits sent to a party as telephone-events (RFC 4733): a packet each 20 ms, three with the end. A
 * party that takes no events gets tones, and the pause is silence. Several queue up, with a pause
 * after each. The peer's packets are not relayed meanwhile: one stream carries one thing at a time.
 */
#ifndef ENGINE_WORKER_DIGITS_H
#define ENGINE_WORKER_DIGITS_H

#include "base/wheel.h"
#include "dsp/codec/codec.h"
#include "dsp/tone.h"
#include "media/flow.h"

struct worker;
struct flow;
struct digit_tone;

enum {
	DIGITS_MAX = 32,       /* that wait, per flow */
	DIGIT_ON_MS_MIN = 120, /* a shorter one is stretched */
	/* A longer one is cut, also if its clock would let the duration field overflow earlier. */
	DIGIT_ON_MS_MAX = 5000,
	DIGIT_OFF_MS = 120, /* between two */
	DIGIT_PACKET_MS = 20,
};

struct digit {
	uint8_t event;
	uint16_t duration_ms;
};

/* Part of a flow; zero-initialised is "nothing to send". */
struct digits {
	struct wheel_timer timer; /* runs while digits are to be sent */
	uint64_t started_ns;      /* of the digit being sent */
	uint64_t free_ns;         /* the next one not before */
	uint32_t timestamp;
	uint16_t on_ms;
	uint16_t sent; /* its packets */
	uint8_t event;
	bool tones;              /* what is sent, and waits, are tones */
	struct digit_tone *tone; /* NULL: not made yet */
	uint8_t head, count;
	/* So many, sent or waiting, came before their recording began or resumed. */
	uint8_t unrecorded;
	struct digit list[DIGITS_MAX];
};

/* Queues a digit, or counts why not. */
void digits_put(struct worker *w, struct flow *f, char digit, uint16_t duration_ms);
/* The timer of this flow expired. */
void digits_expire(struct worker *w, struct flow *f);
/* As the flow is now: what its party does not take any more is forgotten. */
void digits_update(struct worker *w, struct flow *f);
/* Forgets them all, and gives back memory: the flow closes. */
void digits_close(struct worker *w, struct flow *f);
/* A recording of the flow begins, or goes on: what was pressed before is not on it (REC-04). */
void digits_drop_queued(struct flow *f);
/* Forgets them all. */
void digits_stop(struct worker *w, struct flow *f);

#endif
