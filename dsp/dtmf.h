/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DTMF digits as tones (ITU-T Q.23): rendered at any rate and from any sample on, like other tones,
 * and detected in PCM of 8000 Hz. No allocation.
 */
#ifndef DSP_DTMF_H
#define DSP_DTMF_H

#include "dsp/tone.h"

/* In rows of four (ITU-T Q.23). */
#define DTMF_DIGITS "123A456B789C*0#D"

enum {
	DTMF_RATE = 8000, /* of the detector's input */
	DTMF_MS = 80,     /* a codec as Opus at 8 kbit/s needs as much, on and off */
	/* tenths of dBm0 of the higher tone; the lower one is 2 dB less, since lines are lowpass */
	DTMF_LEVEL = -70,
};

/* 0-9 * # A-D; false for another character. level: as DTMF_LEVEL. The tone repeats on_ms of sound
 * and off_ms of silence. */
bool dtmf_tone(char digit, uint16_t on_ms, uint16_t off_ms, int16_t level,
	       struct tone *out) NODISCARD;

struct dtmf_event {
	char digit;
	bool ends; /* else it begins */
};

enum {
	DTMF_EVENTS_MAX = 8,  /* of one call: a digit takes 25 ms at least */
	DTMF_FRAME_MAX = 800, /* samples of one call */
};

struct dtmf_detector {
	char digit; /* that is heard now, or 0 */
	uint8_t count;
	struct dtmf_event events[DTMF_EVENTS_MAX]; /* of the last call */
	/* of the block that is not whole yet */
	float last[8], before[8]; /* of the filters */
	float energy;
	uint16_t at;
	/* of those before */
	char run_digit;         /* 0: no digit */
	uint8_t run, run_clear; /* so many in a row have it; clearly */
	uint8_t absent;         /* so many in a row without the digit */
};

void dtmf_detector_open(struct dtmf_detector *e);
/* Events in n samples, which may be cut anywhere. A digit is detected from some 25 ms after its
 * start. Returns the number of events. */
uint32_t dtmf_detector_feed(struct dtmf_detector *e, const int16_t *pcm, uint32_t n);

#endif
