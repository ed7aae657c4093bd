/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the samples that replace lost ones, in the manner of G.711 Appendix I: the last period of a
 * voice is repeated, sound without pitch continues as noise of the same spectrum, and both fall to
 * the noise that was behind the voice. It adds no delay: the transitions use only samples already
 * received. A loss is never louder than the sound before it. From 20 ms on it falls by 1.5 dB in 10
 * ms, by 27 dB in 200 ms, down to that noise, of -50 dB at most.
 *
 *   each frame that came      plc_on_samples()   changes its beginning after a loss
 *   each frame that did not   plc_lost()
 *
 * One for each direction of a stream. It has no pointers. Frames may have any length. A G.722
 * decoder keeps its state through a loss (docs/adr/0034-concealment.md). libopus conceals by
 * itself.
 */
#ifndef DSP_PLC_H
#define DSP_PLC_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PLC_RATE_MAX = 16000,
	PLC_HISTORY_MS = 50,
	PLC_HISTORY_MAX = PLC_RATE_MAX / 1000 * PLC_HISTORY_MS,
	PLC_KEPT_MS = 60, /* whole frames of 20 ms, each in one piece */
	PLC_KEPT_MAX = PLC_RATE_MAX / 1000 * PLC_KEPT_MS,
	PLC_FADE_MS_MAX = 4, /* of the first frame after a loss, at most so much is changed */
};

/* A loss in progress; internal to dsp/plc.c. */
struct plc_loss {
	uint32_t made;      /* samples; 0: nothing is lost */
	uint32_t period;    /* of the voice, in samples */
	uint32_t voice;     /* where it is in source */
	uint32_t grains[2]; /* where the noise is: the one that goes, the one that comes */
	uint32_t grain_at;  /* samples into both */
	float voiced;       /* from 0, noise, to 1 */
	float gain;         /* at the beginning of this millisecond */
	float slope;        /* what it is multiplied by in one, at first */
	float quiet;        /* mean square of the noise behind the voice */
	float hiss;         /* that noise, its last sample */
};

struct plc {
	uint32_t rate;
	uint32_t random[2]; /* where grains come from; hiss */
	float quiet;        /* mean square of the least that was heard lately */
	uint32_t at;        /* in history: the oldest, which the next one takes the place of */
	struct plc_loss loss;
	int16_t history[PLC_KEPT_MAX];   /* heard or made */
	int16_t source[PLC_HISTORY_MAX]; /* of a loss: what was heard before, the newest last */
};

bool plc_supports(uint32_t rate);
/* rate: 8000 or 16000 */
void plc_open(struct plc *s, uint32_t rate);
/* Where to put the next n samples, so that plc_on_samples need not copy them; they stay until 40 ms
 * more came. NULL: there is no contiguous space. */
int16_t *plc_space(struct plc *s, uint32_t n);
/* n samples came. */
void plc_on_samples(struct plc *s, int16_t *samples, uint32_t n);
/* n samples did not come: makes them. However a loss is cut into frames, it sounds the same. */
void plc_lost(struct plc *s, int16_t *out, uint32_t n);

/* State that lasts through a loss, for dsp/plc.c. */

static inline uint32_t plc_samples_of(const struct plc *s, uint32_t ms)
{
	return s->rate / 1000 * ms;
}

/* After how many samples a signal looks most like itself. */

struct plc_pitch {
	uint32_t period; /* samples */
	/* Normalised: 1 for a periodic signal, 0 and below for one that does not repeat. */
	float correlation;
};

/* history: PLC_HISTORY_MS of it at that rate. */
struct plc_pitch plc_pitch_of(const int16_t *history, uint32_t rate);

#endif
