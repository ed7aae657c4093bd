/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renders call progress tones, and holds the tone plans of countries (ITU-T E.180 Supplement 2).
 * Ringback, busy and other tones that the node plays, and DTMF, are rendered here. A sample depends
 * on its number alone: the phase counts in fractions of the rate and stays exact for years, so a
 * worker or another node may continue a tone anywhere.
 */

#include <assert.h>
#include <math.h>

#include "dsp/tone.h"

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
	uint64_t from_start = p->inside + i, to_end = p->length - 1 - from_start;
	uint64_t edge = from_start < to_end ? from_start : to_end;
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

/* Frequencies and cadences by ITU-T E.180 Supplement 2, "Various tones used in national networks".
 * If it lists several of a kind, one was chosen. ETSI's are those of 3GPP TS 22.001 annex F.
 * Levels: E.180 recommends -10 dBm0 for a tone, however it is composed. The US specify levels by
 * frequency (ANSI T1.401, the precise tone plan). The US confirmation tone, three bursts of 100 ms
 * of dial tone, is made of each country's dial tone, as few of the others define one. Likewise the
 * recording tone: half a second of 1400 Hz each 15 s, as in the US, 10 dB below other tones, since
 * people speak meanwhile. */

/* Sounds of steps. Two sines of -13 dBm0 make -10. 85 % modulation by 16 Hz is three sines. */
#define ONE(hz)             .parts = { { (hz), -100 } }
#define ONE_AT(hz, level)   .parts = { { (hz), (level) } }
#define TWO(a, b)           .parts = { { (a), -130 }, { (b), -130 } }
#define TWO_AT(a, b, level) .parts = { { (a), (level) }, { (b), (level) } }
#define MODULATED(hz)       .parts = { { (hz), -113 }, { (hz)-16, -188 }, { (hz) + 16, -188 } }
#define WITHOUT_END         0
#define BURSTS(ms, one, gap, next, two, rest) \
	.count = 4, .steps = { { (ms), one }, { (gap) }, { (next), two }, { (rest) } }
/* A step of silence has its time alone. */
#define CONFIRMATION(dial) \
	.count = 6,        \
	.steps = { { 100, dial }, { 100 }, { 100, dial }, { 100 }, { 100, dial }, { 1500 } }
#define RECORDING .count = 2, .steps = { { 500, ONE_AT(1400, -200) }, { 14500 } }
#define INFORMATION \
	.count = 4, .steps = { { 330, ONE(950) }, { 330, ONE(1400) }, { 330, ONE(1800) }, { 1000 } }

static const struct tone_plan g_plans[] = {
	{ .name = "etsi",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, ONE(425) } } },
		  [TONE_RINGBACK] = { 2, { { 1000, ONE(425) }, { 4000 } } },
		  [TONE_BUSY] = { 2, { { 500, ONE(425) }, { 500 } } },
		  [TONE_CONGESTION] = { 2, { { 200, ONE(425) }, { 200 } } },
		  [TONE_CALL_WAITING] = { BURSTS(200, ONE(425), 600, 200, ONE(425), 3000) },
		  [TONE_INFORMATION] = { INFORMATION },
		  [TONE_CONFIRMATION] = { CONFIRMATION(ONE(425)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
	{ .name = "au",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, TWO(413, 438) } } },
		  [TONE_RINGBACK] = { BURSTS(400, TWO(413, 438), 200, 400, TWO(413, 438), 2000) },
		  [TONE_BUSY] = { 2, { { 375, ONE(425) }, { 375 } } },
		  /* every other one is quieter */
		  [TONE_CONGESTION] = { BURSTS(375, ONE(425), 375, 375, ONE_AT(425, -200), 375) },
		  [TONE_CALL_WAITING] = { BURSTS(200, ONE(425), 200, 200, ONE(425), 4400) },
		  [TONE_INFORMATION] = { 2, { { 2500, ONE(425) }, { 500 } } },
		  [TONE_CONFIRMATION] = { CONFIRMATION(TWO(413, 438)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
	{ .name = "de",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, ONE(425) } } },
		  [TONE_RINGBACK] = { 2, { { 1000, ONE(425) }, { 4000 } } },
		  [TONE_BUSY] = { 2, { { 480, ONE(425) }, { 480 } } },
		  [TONE_CONGESTION] = { 2, { { 240, ONE(425) }, { 240 } } },
		  [TONE_CALL_WAITING] = { BURSTS(200, ONE(425), 200, 200, ONE(425), 5000) },
		  [TONE_INFORMATION] = { INFORMATION },
		  [TONE_CONFIRMATION] = { CONFIRMATION(ONE(425)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
	{ .name = "fr",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, ONE(440) } } },
		  [TONE_RINGBACK] = { 2, { { 1500, ONE(440) }, { 3500 } } },
		  [TONE_BUSY] = { 2, { { 500, ONE(440) }, { 500 } } },
		  [TONE_CONGESTION] = { 2, { { 250, ONE(440) }, { 250 } } },
		  [TONE_CALL_WAITING] = { 2, { { 300, ONE(440) }, { 10000 } } },
		  [TONE_INFORMATION] = { INFORMATION },
		  [TONE_CONFIRMATION] = { CONFIRMATION(ONE(440)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
	{ .name = "jp",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, ONE(400) } } },
		  [TONE_RINGBACK] = { 2, { { 1000, MODULATED(400) }, { 2000 } } },
		  [TONE_BUSY] = { 2, { { 500, ONE(400) }, { 500 } } },
		  [TONE_CONGESTION] = { 2, { { 500, ONE(400) }, { 500 } } },
		  [TONE_CALL_WAITING] = { 2, { { 500, MODULATED(400) }, { 8000 } } },
		  [TONE_INFORMATION] = { INFORMATION },
		  [TONE_CONFIRMATION] = { CONFIRMATION(ONE(400)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
	{ .name = "uk",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, TWO(350, 440) } } },
		  [TONE_RINGBACK] = { BURSTS(400, TWO(400, 450), 200, 400, TWO(400, 450), 2000) },
		  [TONE_BUSY] = { 2, { { 375, ONE(400) }, { 375 } } },
		  [TONE_CONGESTION] = { BURSTS(400, ONE(400), 350, 225, ONE(400), 525) },
		  [TONE_CALL_WAITING] = { 2, { { 100, ONE(400) }, { 4000 } } },
		  [TONE_INFORMATION] = { INFORMATION },
		  [TONE_CONFIRMATION] = { CONFIRMATION(TWO(350, 440)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
	{ .name = "us",
	  .tones = {
		  [TONE_DIAL] = { 1, { { WITHOUT_END, TWO_AT(350, 440, -130) } } },
		  [TONE_RINGBACK] = { 2, { { 2000, TWO_AT(440, 480, -190) }, { 4000 } } },
		  [TONE_BUSY] = { 2, { { 500, TWO_AT(480, 620, -240) }, { 500 } } },
		  [TONE_CONGESTION] = { 2, { { 250, TWO_AT(480, 620, -240) }, { 250 } } },
		  [TONE_CALL_WAITING] = { 2, { { 300, ONE_AT(440, -130) }, { 9700 } } },
		  [TONE_INFORMATION] = { INFORMATION },
		  [TONE_CONFIRMATION] = { CONFIRMATION(TWO_AT(350, 440, -130)) },
		  [TONE_RECORDING] = { RECORDING },
	  } },
};

const struct tone_plan *tone_plan_find(struct bytes name)
{
	for (uint32_t i = 0; i < COUNT_OF(g_plans); i++) {
		if (bytes_iis(name, g_plans[i].name))
			return &g_plans[i];
	}
	return NULL;
}
