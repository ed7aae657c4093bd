/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digits for a party that takes no telephone-events, as tones (ITU-T Q.23) in a codec that it takes: packets of 20 ms, with silence behind
 * each digit. Part of engine/flow/digits.h, which says when.
 */
#ifndef ENGINE_JOB_KEY_TONE_H
#define ENGINE_JOB_KEY_TONE_H

#include "dsp/codec/codec.h"
#include "dsp/tone.h"
#include "media/flow.h"

struct encoder;
struct flow;
struct worker;

enum { DIGIT_TONE_PACKET_MS = 20 };

struct digit_tone {
	struct encoder *encoder;
	struct media_taken taken; /* under which it is said */
	struct codec_format format;
	struct tone tone; /* of the digit that is said now */
};

/* In the codec that the party of f hears now. NULL: it takes none that is spoken, or there is no memory. Memory is allocated here. */
struct digit_tone *digit_tone_open(const struct flow *f);
void digit_tone_close(struct digit_tone *k); /* NULL is fine */
/* The party still takes its codec, under that number. */
bool digit_tone_fits(const struct digit_tone *k, const struct flow *f);
/* A digit begins. False: it is none that has a tone. */
bool digit_tone_begin(struct digit_tone *k, char digit, uint16_t on_ms, uint16_t off_ms);
struct digit_tone_at {
	uint32_t packet;    /* of the digit, counted from 0 */
	uint32_t timestamp; /* of the first one */
	bool unrecorded;    /* for no recorder */
};
/* Its next packet. False: it could not be sent. */
bool digit_tone_send(struct worker *w, struct flow *f, struct digit_tone *k,
		     const struct digit_tone_at *at);

#endif
