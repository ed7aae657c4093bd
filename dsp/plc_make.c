/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/plc_make.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "dsp/plc_pitch.h"

/* All were chosen by `./tandem bench quality` on one half of its voices; docs/adr/0034-concealment.md has the others. */
enum {
	KEEP_MS = 20,   /* it goes on as loud as it was, or as it was falling */
	OVERLAP = 4,    /* parts of a period */
	GRAIN_MS = 4,   /* a grain comes, and goes in as much */
	GRAINS_MS = 25, /* they are taken out of so much */
	REPEAT_MS = 20, /* until noise takes over from a repeated piece that has no pitch */
	VOICE_MS = 40,  /* a voice: from here on, to a hum that nobody would take for one */
	VOICE_END_MS = 200,
};

#define UNVOICED    0.2f /* correlation */
#define VOICED      0.5f
#define FALL        0.98288f /* in a millisecond: 1.5 dB in 10 */
#define SLOPE_MIN   0.7f     /* in a period, or 5 ms */
#define HISS_SMOOTH 0.4f     /* a low pass of one pole */
#define HISS_LEAST  0.1f
#define RANDOM_ONE  8388608.0f

/* What goes evenly from one level to another within a millisecond. */
struct plc_ramp {
	float from, step;
};

/* How much of each there is. */
struct weights {
	float voice, noise, hiss;
};

static uint32_t plc_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static struct plc_ramp ramp_of(float from, float to, uint32_t at, uint32_t n)
{
	float step = (to - from) / (float)n;

	return (struct plc_ramp){ .from = from + step * (float)at, .step = step };
}

static float plc_ramp_at(struct plc_ramp r, uint32_t i)
{
	return r.from + r.step * (float)i;
}

static uint32_t grain_next(struct plc *s)
{
	uint32_t from = plc_samples_of(s, PLC_HISTORY_MS - GRAINS_MS);

	return from + plc_random(&s->random[0]) % plc_samples_of(s, GRAINS_MS - 2 * GRAIN_MS);
}

static float mean_square(const int16_t *x, uint32_t n)
{
	float sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (float)x[i] * (float)x[i];
	return sum / (float)n;
}

/* A voice that was falling falls on, and one that was rising does not rise. */
static float slope_of(const struct plc *s)
{
	uint32_t all = plc_samples_of(s, PLC_HISTORY_MS), n = s->loss.period;
	const int16_t *last = s->source + all - n;
	float before = mean_square(last - n, n), ratio = 1;

	if (before > 0)
		ratio = sqrtf(mean_square(last, n) / before);
	return powf(fminf(1, fmaxf(SLOPE_MIN, ratio)), (float)s->rate / 1000 / (float)n);
}

/* The newest of what is kept around, in order. */
static void plc_source_set(struct plc *s, uint32_t all)
{
	uint32_t kept = plc_samples_of(s, PLC_KEPT_MS), from = s->at + kept - all;
	uint32_t first;

	from = from < kept ? from : from - kept;
	first = all < kept - from ? all : kept - from;
	memcpy(s->source, s->history + from, first * sizeof(*s->source));
	memcpy(s->source + first, s->history, (all - first) * sizeof(*s->source));
}

void plc_make_begin(struct plc *s)
{
	struct plc_loss *l = &s->loss;
	uint32_t all = plc_samples_of(s, PLC_HISTORY_MS), recent = plc_samples_of(s, 20);
	struct plc_pitch pitch;

	plc_source_set(s, all);
	pitch = plc_pitch_of(s->source, s->rate);
	l->made = 0;
	l->period = pitch.period;
	l->voice = all - pitch.period;
	l->voiced = fminf(1, fmaxf(0, (pitch.correlation - UNVOICED) / (VOICED - UNVOICED)));
	l->grain_at = 0;
	l->grains[1] = grain_next(s);
	l->gain = 1;
	l->slope = slope_of(s);
	l->quiet = fminf(s->quiet, mean_square(s->source + all - recent, recent));
	l->hiss = 0;
}

/*
 * The last period again and again; its last quarter fades into the one before it. Where the first one begins, the
 * difference between what was heard and what was a period before goes on backwards, and fades.
 */
static void make_voice(const struct plc *s, struct plc_loss *l, struct plc_ramp level, float *out,
		       uint32_t n)
{
	uint32_t all = plc_samples_of(s, PLC_HISTORY_MS), over = l->period / OVERLAP;
	const int16_t *x = s->source;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = l->voice, made = l->made + i, left = all - at;
		float v = x[at];

		if (left <= over)
			v += (1 - ((float)left - 0.5f) / (float)over) *
			     ((float)x[at - l->period] - v);
		if (made < over)
			v += (1 - ((float)made + 0.5f) / (float)over) *
			     (float)(x[all - 1 - made] - x[all - 1 - made - l->period]);
		out[i] = plc_ramp_at(level, i) * v;
		l->voice = left > 1 ? at + 1 : all - l->period;
	}
}

/* Grains out of what was heard last, each fading into the next. At first what was heard goes backwards. */
static void add_noise(const struct plc *s, const struct plc_loss *l, struct plc_ramp level,
		      float *out, uint32_t n)
{
	uint32_t all = plc_samples_of(s, PLC_HISTORY_MS), hop = plc_samples_of(s, GRAIN_MS);
	bool is_first = l->made < hop;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = l->grain_at + i;
		float t = ((float)at + 0.5f) / (float)hop;
		int16_t old = s->source[is_first ? all - 1 - at : l->grains[0] + hop + at];

		out[i] += plc_ramp_at(level, i) *
			  (sqrtf(1 - t) * old + sqrtf(t) * s->source[l->grains[1] + at]);
	}
}

static void grain_done(struct plc *s, struct plc_loss *l, uint32_t n)
{
	uint32_t hop = plc_samples_of(s, GRAIN_MS);

	l->grain_at += n;
	if (l->grain_at == hop) {
		l->grain_at = 0;
		l->grains[0] = l->grains[1];
		l->grains[1] = grain_next(s);
	}
}

static void add_hiss(struct plc *s, struct plc_loss *l, struct plc_ramp level, float *out,
		     uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		l->hiss +=
			HISS_SMOOTH * ((float)plc_random(&s->random[1]) / RANDOM_ONE - 1 - l->hiss);
		out[i] += plc_ramp_at(level, i) * l->hiss;
	}
}

/* Millisecond ms of a loss, where the gain is that. Powers add up: they have nothing to do with each other. */
static struct weights weights_at(const struct plc_loss *l, uint32_t ms, float gain)
{
	float t = (float)ms, voiced = fmaxf(l->voiced, 1 - t / REPEAT_MS);

	voiced *= fminf(1, fmaxf(0, (VOICE_END_MS - t) / (VOICE_END_MS - VOICE_MS)));
	/* the mean square of an even random number is a third, and of that the low pass leaves a fourth */
	return (struct weights){ .voice = gain * voiced,
				 .noise = gain * sqrtf(1 - voiced * voiced),
				 .hiss = sqrtf(12 * l->quiet * (1 - gain * gain)) };
}

/* n samples, all within one millisecond. */
static void make_block(struct plc *s, float *out, uint32_t n)
{
	struct plc_loss *l = &s->loss;
	uint32_t block = plc_samples_of(s, 1), ms = l->made / block, at = l->made % block;
	float gain = l->gain * (ms < KEEP_MS ? l->slope : FALL);
	struct weights a = weights_at(l, ms, l->gain), b = weights_at(l, ms + 1, gain);

	make_voice(s, l, ramp_of(a.voice, b.voice, at, block), out, n);
	if (a.noise + b.noise > 0)
		add_noise(s, l, ramp_of(a.noise, b.noise, at, block), out, n);
	if (a.hiss + b.hiss > HISS_LEAST)
		add_hiss(s, l, ramp_of(a.hiss, b.hiss, at, block), out, n);
	grain_done(s, l, n);
	l->made += n;
	if (at + n == block)
		l->gain = gain;
}

void plc_make(struct plc *s, float *out, uint32_t n)
{
	uint32_t block = plc_samples_of(s, 1);

	for (uint32_t done = 0; done < n;) {
		uint32_t to_end = block - s->loss.made % block,
			 part = n - done < to_end ? n - done : to_end;

		make_block(s, out + done, part);
		done += part;
	}
}
