/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/tone.h"

#include <assert.h>
#include <math.h>

enum { RATE_MAX = 96000, PIECE_MAX = 64 };

/* A sine of full scale is 3.14 dBm0 (G.711). */
#define FULL_SCALE_DBM0 3.14
#define TONE_FULL       32767.0
#define PI_F            3.14159265358979f

/* What a piece of a step is made of: samples of one step only. */
struct piece {
	const struct tone_step *step;
	uint32_t rate;
	uint64_t at;     /* since the tone began */
	uint64_t inside; /* since the step began */
	uint64_t length; /* of the step; UINT64_MAX without end */
};

uint32_t tone_period_ms(const struct tone *t)
{
	uint32_t ms = 0;

	for (uint32_t i = 0; i < t->count; i++) {
		if (!t->steps[i].ms)
			return 0;
		ms += t->steps[i].ms;
	}
	return ms;
}

/* The step that sample at is in. */
static struct piece tone_piece(const struct tone *t, uint32_t rate, uint64_t at)
{
	uint64_t period = (uint64_t)tone_period_ms(t) * (rate / 1000);
	struct piece p = { .rate = rate, .at = at, .inside = period ? at % period : at };

	for (uint32_t i = 0; i < t->count; i++) {
		p.step = &t->steps[i];
		p.length = p.step->ms ? (uint64_t)p.step->ms * (rate / 1000) : UINT64_MAX;
		if (p.inside < p.length)
			break;
		p.inside -= p.length;
	}
	return p;
}

/* From 0 to 1 and back, as a cosine does. */
static float piece_gain(const struct piece *p, uint32_t i)
{
	uint64_t from_begin = p->inside + i, to_end = p->length - 1 - from_begin;
	uint64_t edge = from_begin < to_end ? from_begin : to_end;
	uint32_t ramp = p->rate / 1000 * TONE_RAMP_MS;

	if (edge >= ramp)
		return 1;
	return 0.5f - 0.5f * cosf(PI_F * ((float)edge + 0.5f) / (float)ramp);
}

/* The phase counts in parts of the rate: exact after years. */
static void piece_add(const struct piece *p, const struct tone_part *part, float *sum, uint32_t n)
{
	double level = (double)part->level / 10 - FULL_SCALE_DBM0;
	float peak = (float)(TONE_FULL * pow(10, level / 20)), turn = 2 * PI_F / (float)p->rate;
	uint32_t phase = (uint32_t)(p->at % p->rate * part->hz % p->rate);

	for (uint32_t i = 0; i < n; i++) {
		sum[i] += peak * sinf(turn * (float)phase);
		phase += part->hz;
		if (phase >= p->rate)
			phase -= p->rate;
	}
}

static int16_t tone_sample(float v)
{
	if (v > INT16_MAX)
		return INT16_MAX;
	return v < INT16_MIN ? INT16_MIN : (int16_t)lrintf(v);
}

static void piece_render(const struct piece *p, int16_t *pcm, uint32_t n)
{
	float sum[PIECE_MAX] = { 0 };

	for (uint32_t i = 0; i < TONE_PARTS_MAX; i++) {
		if (p->step->parts[i].hz)
			piece_add(p, &p->step->parts[i], sum, n);
	}
	for (uint32_t i = 0; i < n; i++)
		pcm[i] = tone_sample(sum[i] * piece_gain(p, i));
}

void tone_render(const struct tone *t, uint32_t rate, uint64_t at, int16_t *pcm, uint32_t n)
{
	assert(rate % 1000 == 0 && rate > 0 && rate <= RATE_MAX);
	for (uint32_t done = 0; done < n;) {
		struct piece p = tone_piece(t, rate, at + done);
		uint64_t left = p.length - p.inside;
		uint32_t now = n - done < PIECE_MAX ? n - done : PIECE_MAX;

		if (now > left)
			now = (uint32_t)left;
		piece_render(&p, pcm + done, now);
		done += now;
	}
}
