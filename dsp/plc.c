/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet loss concealment for codecs without means of their own (G.711, G.722, L16, G.726), in the
 * manner of G.711 Appendix I: it repeats the last pitch period of a voice, and continues unpitched
 * sound as noise. Transcoding, rooms and live audio call it for each lost frame. All constants were
 * chosen by measurement (`./tandem bench quality`, docs/adr/0034-concealment.md). It adds no delay
 * and never makes a loss louder than what was before.
 */

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/plc.h"
#include "dsp/voice.h"

enum {
	PIECE = 160,
	FADE_MS_MIN = 2,
	FADE_PART = 20, /* and this part of the lost time */
};

#define QUIET_MAX      10000.0f /* mean square: -50 dB of full scale */
#define QUIET_MIN      0.001f   /* or it would never rise from silence */
#define CORRELATED_MIN (-0.5f)

bool plc_supports(uint32_t rate)
{
	return rate == 8000 || rate == PLC_RATE_MAX;
}

void plc_open(struct plc *s, uint32_t rate)
{
	assert(plc_supports(rate));
	*s = (struct plc){ .rate = rate, .random = { 1, 2 }, .quiet = QUIET_MAX };
}

static int16_t plc_sample(float v)
{
	v += v < 0 ? -0.5f : 0.5f;
	if (v >= INT16_MAX)
		return INT16_MAX;
	return (int16_t)(v <= INT16_MIN ? INT16_MIN : v);
}

/* Compares the last 12 ms with what was 5 to 15 ms earlier: at 4000 Hz first, then at the signal's
 * rate around the best. A higher voice is found at a multiple of its period, as in G.711 Appendix
 * I. Samples have 12 bits, so that 32 bits hold the products of a window. */
enum {
	COARSE_KHZ = 4,
	WINDOW_MS = 12,
	PERIOD_MS_MIN = 5,
	PERIOD_MS_MAX = 15,
	COARSE_HISTORY = PLC_HISTORY_MS * COARSE_KHZ,
	SAMPLE_MAX = 2047,
};

/* By how many bits the samples are too large. */
static int excess_bits(const int16_t *x, uint32_t n)
{
	int all = 0, bits = 0;

	for (uint32_t i = 0; i < n; i++)
		all |= x[i] ^ (x[i] >> 15);
	while (all >> bits > SAMPLE_MAX)
		bits++;
	return bits;
}

static int32_t product(const int16_t *a, const int16_t *b, uint32_t n)
{
	int32_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static float normalised(int32_t both, int32_t energy, int32_t energy_before)
{
	if (both <= 0 || energy_before <= 0)
		return 0;
	return (float)both / sqrtf((float)energy * (float)energy_before);
}

/* Of the last window of n samples against the one lag samples before, for each lag. */
static struct plc_pitch best_of(const int16_t *x, uint32_t n, uint32_t window, uint32_t from,
				uint32_t to)
{
	const int16_t *last = x + n - window;
	struct plc_pitch best = { .period = to };
	int32_t energy = product(last, last, window),
		before = product(last - from, last - from, window);

	for (uint32_t lag = from; energy > 0 && lag <= to; lag++) {
		const int16_t *next = last - lag - 1;
		float c = normalised(product(last, last - lag, window), energy, before);

		if (c > best.correlation)
			best = (struct plc_pitch){ .period = lag, .correlation = c };
		before += next[0] * next[0] - next[window] * next[window];
	}
	return best;
}

static struct plc_pitch coarse_of(const int16_t *x, uint32_t step)
{
	int16_t slow[COARSE_HISTORY];

	for (uint32_t i = 0; i < COARSE_HISTORY; i++) {
		int32_t sum = 0;

		for (uint32_t k = 0; k < step; k++)
			sum += x[i * step + k];
		slow[i] = (int16_t)(sum / (int32_t)step);
	}
	return best_of(slow, COARSE_HISTORY, WINDOW_MS * COARSE_KHZ, PERIOD_MS_MIN * COARSE_KHZ,
		       PERIOD_MS_MAX * COARSE_KHZ);
}

struct plc_pitch plc_pitch_of(const int16_t *history, uint32_t rate)
{
	uint32_t khz = rate / 1000, step = khz / COARSE_KHZ, n = khz * PLC_HISTORY_MS;
	int bits = excess_bits(history, n);
	int16_t x[PLC_HISTORY_MAX];

	for (uint32_t i = 0; i < n; i++)
		x[i] = (int16_t)(history[i] >> bits);

	uint32_t middle = coarse_of(x, step).period * step, to = middle + step;

	if (to > PERIOD_MS_MAX * khz)
		to = PERIOD_MS_MAX * khz;
	return best_of(x, n, WINDOW_MS * khz, middle - step, to);
}

/* Chosen by `./tandem bench quality` on half of its voices; docs/adr/0034-concealment.md. */
enum {
	KEEP_MS = 20,   /* it stays as loud as it was, or as it was falling */
	OVERLAP = 4,    /* parts of a period */
	GRAIN_MS = 4,   /* a grain comes, and goes in as much */
	GRAINS_MS = 25, /* they are taken out of so much */
	REPEAT_MS = 20, /* until noise takes over from a repeated piece that has no pitch */
	VOICE_MS = 40,  /* a voice: longer would sound like a hum */
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

/* The newest part of the history, in order. */
static void plc_source_set(struct plc *s, uint32_t all)
{
	uint32_t kept = plc_samples_of(s, PLC_KEPT_MS), from = s->at + kept - all;
	uint32_t first;

	from = from < kept ? from : from - kept;
	first = all < kept - from ? all : kept - from;
	memcpy(s->source, s->history + from, first * sizeof(*s->source));
	memcpy(s->source + first, s->history, (all - first) * sizeof(*s->source));
}

/* Of s->history. */
static void plc_conceal_start(struct plc *s)
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

/* Repeats the last period; its last quarter fades into the one before it. At the start of the first
 * one, the difference between the last sound and the sound one period earlier is continued
 * backwards and fades out. */
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

/* Grains out of the last sound, each fading into the next. The first grain runs backwards. */
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

/* Weights in millisecond `ms` of a loss, at that gain. Powers add up: parts are uncorrelated. */
static struct weights weights_at(const struct plc_loss *l, uint32_t ms, float gain)
{
	float t = (float)ms, voiced = fmaxf(l->voiced, 1 - t / REPEAT_MS);

	voiced *= fminf(1, fmaxf(0, (VOICE_END_MS - t) / (VOICE_END_MS - VOICE_MS)));
	/* the mean square of a uniform random number is a third; the low pass leaves a fourth */
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

/* The next n samples of the loss. */
static void plc_make(struct plc *s, float *out, uint32_t n)
{
	uint32_t block = plc_samples_of(s, 1);

	for (uint32_t done = 0; done < n;) {
		uint32_t to_end = block - s->loss.made % block,
			 part = n - done < to_end ? n - done : to_end;

		make_block(s, out + done, part);
		done += part;
	}
}

int16_t *plc_space(struct plc *s, uint32_t n)
{
	return n <= plc_samples_of(s, PLC_KEPT_MS) - s->at ? s->history + s->at : NULL;
}

/* Around. */
static void remember(struct plc *s, const int16_t *samples, uint32_t n)
{
	uint32_t all = plc_samples_of(s, PLC_KEPT_MS), skip = n > all ? n - all : 0, first;

	if (skip)
		s->at = (s->at + skip) % all;
	samples += skip;
	n -= skip;
	if (samples != s->history + s->at) {
		first = n < all - s->at ? n : all - s->at;
		memcpy(s->history + s->at, samples, first * sizeof(*samples));
		memcpy(s->history, samples + first, (n - first) * sizeof(*samples));
	}
	s->at = s->at + n < all ? s->at + n : s->at + n - all;
}

/* The level of the noise behind a voice: the least of all frames, and up again by 3 dB a second. */
static void listen(struct plc *s, const int16_t *samples, uint32_t n)
{
	float level = (float)voice_energy(samples, n) / (float)n;
	float up = (s->quiet + QUIET_MIN) * (1 + (float)n / (float)s->rate);

	s->quiet = fminf(fminf(level, up), QUIET_MAX);
}

void plc_lost(struct plc *s, int16_t *out, uint32_t n)
{
	float made[PIECE];

	if (n > 0 && !s->loss.made)
		plc_conceal_start(s);
	for (uint32_t done = 0; done < n;) {
		uint32_t part = n - done < PIECE ? n - done : PIECE;

		plc_make(s, made, part);
		for (uint32_t i = 0; i < part; i++)
			out[done + i] = plc_sample(made[i]);
		done += part;
	}
	remember(s, out, n);
}

/* From -1 to 1; two silences are as like as can be. */
static float likeness(const float *a, const int16_t *b, uint32_t n)
{
	float ab = 0, aa = 1, bb = 1;

	for (uint32_t i = 0; i < n; i++) {
		ab += a[i] * b[i];
		aa += a[i] * a[i];
		bb += (float)b[i] * b[i];
	}
	return ab / sqrtf(aa * bb);
}

/* Cross-fades from concealment to received samples. Where they are not in phase, the sum is raised
 * to their loudness. */
static void plc_join(struct plc *s, int16_t *x, uint32_t n)
{
	float made[PLC_FADE_MS_MAX * PLC_RATE_MAX / 1000];
	uint32_t len = plc_samples_of(s, FADE_MS_MIN) + s->loss.made / FADE_PART;

	if (len > plc_samples_of(s, PLC_FADE_MS_MAX))
		len = plc_samples_of(s, PLC_FADE_MS_MAX);
	if (len > n)
		len = n;
	plc_make(s, made, len);

	float like = fmaxf(CORRELATED_MIN, likeness(made, x, len));

	for (uint32_t i = 0; i < len; i++) {
		float b = ((float)i + 0.5f) / (float)len, a = 1 - b;

		x[i] = plc_sample((a * made[i] + b * x[i]) /
				  sqrtf(a * a + b * b + 2 * a * b * like));
	}
	s->loss.made = 0;
}

void plc_on_samples(struct plc *s, int16_t *samples, uint32_t n)
{
	if (n == 0)
		return;
	if (s->loss.made)
		plc_join(s, samples, n);
	listen(s, samples, n);
	remember(s, samples, n);
}
