/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a 32-bit sum of voices into 16-bit samples without wrapping (limiter.h has the behaviour).
 * A conference of loud talkers exceeds 16 bits; scaling always would make everyone quiet, and
 * cutting off alone would distort. A frame that fits passes bit for bit, so that a mix of one
 * talker equals the talker. Loops are written for the compiler's vectors, with wide.h for AVX2.
 */

#include <math.h>

#include "dsp/limiter.h"
#include "dsp/wide.h"

#define RELEASE_S 0.5f /* from nothing to all */
#define FULL      32767.0f

/* As a positive number, INT32_MIN as well. */
static float limiter_peak(const int32_t *sum, size_t n)
{
	int32_t least = 0, most = 0;

	for (size_t i = limiter_range_wide(sum, n, &least, &most); i < n; i++) {
		least = sum[i] < least ? sum[i] : least;
		most = sum[i] > most ? sum[i] : most;
	}
	return (float)most > -(float)least ? (float)most : -(float)least;
}

static int16_t limiter_cut(float v)
{
	if (v >= INT16_MAX)
		return INT16_MAX;
	return v <= INT16_MIN ? INT16_MIN : (int16_t)lrintf(v);
}

static void limiter_scale(const int32_t *sum, int16_t *pcm, size_t n, struct ramp r)
{
	for (size_t i = limiter_scale_wide(sum, pcm, n, r); i < n; i++)
		pcm[i] = limiter_cut((float)sum[i] * (r.from + (float)i * r.step));
}

static void limiter_pack(const int32_t *sum, int16_t *pcm, size_t n)
{
	for (size_t i = limiter_pack_wide(sum, pcm, n); i < n; i++)
		pcm[i] = limiter_cut((float)sum[i]);
}

/* Down to gain within the first samples. */
static void limiter_attack(const int32_t *sum, int16_t *pcm, size_t n, float from, float gain)
{
	size_t attack = n < LIMITER_ATTACK ? n : LIMITER_ATTACK;

	limiter_scale(sum, pcm, attack,
		      (struct ramp){ .from = from, .step = (gain - from) / (float)attack });
	limiter_scale(sum + attack, pcm + attack, n - attack, (struct ramp){ .from = gain });
}

bool limiter_rests(const struct limiter *l)
{
	return l->loss == 0;
}

void limiter_frame(struct limiter *l, uint32_t rate, const int32_t *sum, int16_t *pcm, size_t n)
{
	limiter_frame_of(l, rate, sum, pcm, n, limiter_peak(sum, n));
}

void limiter_frame_of(struct limiter *l, uint32_t rate, const int32_t *sum, int16_t *pcm, size_t n,
		      float peak)
{
	float from = 1 - l->loss;
	float fits = peak > FULL ? FULL / peak : 1;
	float gain = from + (float)n / ((float)rate * RELEASE_S);

	if (gain > fits)
		gain = fits;
	if (n == 0)
		return;
	if (l->loss == 0 && fits == 1)
		limiter_pack(sum, pcm, n);
	else if (gain < from)
		limiter_attack(sum, pcm, n, from, gain);
	else
		limiter_scale(sum, pcm, n,
			      (struct ramp){ .from = from, .step = (gain - from) / (float)n });
	l->loss = 1 - gain;
}
