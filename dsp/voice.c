/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures the level of sound and detects speech and steady tones in it (voice.h). Rooms rank
 * talkers by it, and recorders and packers find pauses with it. It runs for each frame of each
 * talker, so it uses integer sums with vector code, and an approximated logarithm. The thresholds
 * are relative to a noise floor, because phones differ by 30 dB in level.
 */

#include "dsp/voice.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/wide.h"

enum {
	FLOOR_BLOCKS = 50, /* half a second */
	HANG_BLOCKS = 20,  /* the end of a word is quiet, and so is what is between two */
	LOUD_BLOCKS = 2,   /* a click is shorter */
	HUM_RATE = 8000,   /* the filter against hum is one of that rate */
	TONE_SURE_MS = 100,
	TONE_MS = 20,     /* are looked at, the last ones; in less two tones beat */
	TONE_ORDER = 4,   /* of the prediction: two tones */
	TONE_STRIDES = 8, /* of a frame: 2.5 ms each */
	MANTISSA_BITS = 23,
	ROOT_HALF_BITS = 0x3f3504f3, /* of a float: the square root of 0.5 */
};

/* White noise has 2.6 dB between its minimum and maximum. dBov: quieter sound is not noise, and
 * little above it is not speech. */
#define OVER_FLOOR  4.5f  /* dB over the floor for speech */
#define OVER_PART   0.25f /* of the range from floor to speech */
#define FLOOR_LEAST -70.0f
#define VOICE_FULL  32767.0f
#define HUM_FACTOR  0.95f
#define TONE_HIGH   0.085f /* of its energy is above hum: 385 Hz */
#define TONE_REST   0.1f   /* at most, cannot be predicted: 10 dB below it */
#define TONE_NOISE  1e-3f  /* that its prediction is to bear */
#define DB_OF_TWO   3.0102999566f
#define DB_OF_E     4.3429448190f

static uint64_t voice_energy_few(const int16_t *pcm, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (uint64_t)(pcm[i] * pcm[i]);
	return sum;
}

uint64_t voice_energy(const int16_t *pcm, size_t n)
{
	uint64_t sum = 0;
	size_t done = voice_energy_wide(pcm, n, &sum);

	return sum + voice_energy_few(pcm + done, n - done);
}

/* fminf and fmaxf are calls: they know of NaN. */
static float voice_less(float a, float b)
{
	return b < a ? b : a;
}

static float voice_more(float a, float b)
{
	return b > a ? b : a;
}

/* 10 log10 of a positive, normal number. Takes a third of log10f's time, and is within a millionth
 * of a dB per factor of two: ln m = 2 (t + t^3/3 + t^5/5 + ...) with t = (m - 1) / (m + 1), where m
 * is from 0.7 to 1.4. */
static float voice_db(float v)
{
	int32_t bits, exponent;
	float m, t, tt;

	memcpy(&bits, &v, sizeof(bits));
	exponent = (bits - ROOT_HALF_BITS) >> MANTISSA_BITS;
	bits -= exponent << MANTISSA_BITS;
	memcpy(&m, &bits, sizeof(m));
	t = (m - 1) / (m + 1);
	tt = t * t;
	return DB_OF_TWO * (float)exponent +
	       DB_OF_E * 2 * t * (1 + tt * (1 / 3.0f + tt * (1 / 5.0f + tt * (1 / 7.0f))));
}

static float voice_dbov(float of_a_sample)
{
	return voice_db(of_a_sample * (1 / (VOICE_FULL * VOICE_FULL)) + 1e-13f);
}

uint8_t voice_level(uint64_t energy, size_t n)
{
	if (energy == 0 || n == 0)
		return VOICE_LEVEL_SILENCE;

	float level = -voice_dbov((float)energy / (float)n);

	if (level >= VOICE_LEVEL_SILENCE)
		return VOICE_LEVEL_SILENCE;
	return level <= 0 ? 0 : (uint8_t)lrintf(level);
}

static int32_t voice_clamped(int16_t v)
{
	return v < -INT16_MAX ? -INT16_MAX : v;
}

int64_t voice_product(const int16_t *a, const int16_t *b, size_t n)
{
	int64_t sum = 0;

	for (size_t i = voice_product_wide(a, b, n, &sum); i < n; i++)
		sum += voice_clamped(a[i]) * voice_clamped(b[i]);
	return sum;
}

/* Energy per sample of the whole signal, and of x(i) - 0.95 x(i - 125 us) computed without
 * filtering: -24 dB at 50 Hz, -12 at 300, at any rate as at 8000 Hz. */
static void voice_energies(const int16_t *pcm, size_t n, size_t lag, uint64_t energy, float *all,
			   float *above_hum)
{
	uint64_t now = energy - voice_energy_few(pcm, lag);
	uint64_t before = energy - voice_energy_few(pcm + n - lag, lag);
	float both = (float)voice_product(pcm, pcm + lag, n - lag);
	float sum = (float)now + HUM_FACTOR * HUM_FACTOR * (float)before - 2 * HUM_FACTOR * both;

	*all = (float)now / (float)(n - lag);
	*above_hum = sum > 0 ? sum / (float)(n - lag) : 0;
}

static void voice_band_init(struct voice_band *b, float energy)
{
	b->before[0] = b->before[1] = energy;
	b->least = b->most = voice_dbov(energy);
	for (int i = 0; i < VOICE_FLOORS; i++)
		b->floors[i] = b->tops[i] = b->least;
}

/* Half a second is over. */
static void voice_band_turn(struct voice_band *b)
{
	for (int i = 1; i < VOICE_FLOORS; i++) {
		b->floors[i - 1] = b->floors[i];
		b->tops[i - 1] = b->tops[i];
	}
	b->least = b->floors[0];
	b->most = b->tops[0];
	for (int i = 1; i < VOICE_FLOORS - 1; i++) {
		b->least = voice_less(b->least, b->floors[i]);
		b->most = voice_more(b->most, b->tops[i]);
	}
	b->floors[VOICE_FLOORS - 1] = 0;
	b->tops[VOICE_FLOORS - 1] = FLOOR_LEAST;
}

/* dB of the last three blocks over the speech threshold, which rises after loud speech. */
static float voice_band_over(struct voice_band *b, float energy)
{
	float level = voice_dbov((energy + b->before[0] + b->before[1]) / 3);
	float *floor = &b->floors[VOICE_FLOORS - 1], *top = &b->tops[VOICE_FLOORS - 1];
	float least, most;

	b->before[1] = b->before[0];
	b->before[0] = energy;
	*floor = voice_less(*floor, level);
	*top = voice_more(*top, level);
	least = voice_more(voice_less(b->least, *floor), FLOOR_LEAST);
	most = voice_more(b->most, *top);
	return level - least - voice_more(OVER_FLOOR, OVER_PART * (most - least));
}

static bool voice_block(struct voice *v, float all, float above_hum)
{
	if (!v->begun) {
		voice_band_init(&v->all, all);
		voice_band_init(&v->above_hum, above_hum);
		v->begun = true;
	}
	if (v->blocks++ == FLOOR_BLOCKS) {
		v->blocks = 1;
		voice_band_turn(&v->all);
		voice_band_turn(&v->above_hum);
	}

	float over = voice_more(voice_band_over(&v->all, all),
				voice_band_over(&v->above_hum, above_hum));

	if (over <= 0)
		v->loud = 0;
	else if (++v->loud >= LOUD_BLOCKS) {
		v->loud = LOUD_BLOCKS;
		v->hang = HANG_BLOCKS + 1;
	}
	v->hang = v->hang ? (uint8_t)(v->hang - 1) : 0;
	return v->hang > 0;
}

/* ---- tones ---- */

/* Gauss: what is left of the last column when those before it have explained what they can. */
static float tone_rest(float a[TONE_ORDER + 1][TONE_ORDER + 1])
{
	for (int k = 0; k < TONE_ORDER; k++) {
		for (int i = k + 1; i <= TONE_ORDER; i++) {
			float by = a[i][k] / a[k][k];

			for (int j = k; j <= TONE_ORDER; j++)
				a[i][j] -= by * a[k][j];
		}
	}
	return a[TONE_ORDER][TONE_ORDER];
}

/* A tone follows from four earlier samples at any fixed distance. Noise does not, at a distance
 * over 1 / bandwidth: with 2.5 ms, in 10 s of noise 50 Hz wide nothing is a tone for 100 ms, and
 * with 20 Hz 1 % is. */
static bool tone_is_predicted(const int16_t *pcm, size_t n)
{
	float a[TONE_ORDER + 1][TONE_ORDER + 1], energy;
	size_t stride = n / TONE_STRIDES, count = n - TONE_ORDER * stride;

	for (size_t i = 0; i <= TONE_ORDER; i++)
		for (size_t j = 0; j <= i; j++)
			a[i][j] = a[j][i] =
				(float)voice_product(pcm + i * stride, pcm + j * stride, count);
	energy = a[TONE_ORDER][TONE_ORDER];
	for (size_t i = 0; i <= TONE_ORDER; i++)
		a[i][i] += TONE_NOISE * energy + 1;
	return tone_rest(a) <= TONE_REST * energy;
}

bool voice_is_tone(uint32_t rate, const int16_t *pcm, size_t n)
{
	size_t most = (size_t)rate / 1000 * TONE_MS;
	uint64_t energy;
	float all, above_hum;

	if (n > most) {
		pcm += n - most;
		n = most;
	}
	energy = voice_energy(pcm, n);
	if (voice_level(energy, n) > VOICE_TONE_LEAST)
		return false;
	voice_energies(pcm, n, rate / HUM_RATE, energy, &all, &above_hum);
	return above_hum >= TONE_HIGH * all && tone_is_predicted(pcm, n);
}

/* Nothing is computed for speech, and for quiet or unsteady sound. */
static bool tone_continues(struct voice *v, uint32_t rate, const int16_t *pcm, size_t n,
			   const struct voice_input *heard)
{
	uint32_t ms = (uint32_t)(n / (rate / 1000)), sum = v->tone_ms + ms;
	bool steady = ms < TONE_MS || abs(heard->level - v->level) <= 2;

	v->level = heard->level;
	if (heard->speaks || heard->level > VOICE_TONE_LEAST || !steady ||
	    !voice_is_tone(rate, pcm, n))
		sum = 0;
	v->tone_ms = (uint8_t)(sum < TONE_SURE_MS ? sum : TONE_SURE_MS);
	return v->tone_ms == TONE_SURE_MS;
}

struct voice_input voice_frame(struct voice *v, uint32_t rate, const int16_t *pcm, size_t n)
{
	size_t block = rate / 1000 * VOICE_BLOCK_MS, lag = rate / HUM_RATE;
	struct voice_input heard = { 0 };
	uint64_t sum = 0;
	float all, above_hum;

	assert(rate >= HUM_RATE && rate % HUM_RATE == 0);
	assert(n % block == 0);
	for (size_t i = 0; i < n; i += block) {
		uint64_t energy = voice_energy(pcm + i, block);

		sum += energy;
		voice_energies(pcm + i, block, lag, energy, &all, &above_hum);
		heard.speaks |= voice_block(v, all, above_hum);
	}
	heard.level = voice_level(sum, n);
	heard.tone = tone_continues(v, rate, pcm, n, &heard);
	return heard;
}
