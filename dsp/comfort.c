/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/comfort.h"

#include <assert.h>
#include <math.h>

#include "dsp/voice.h"

#define COMFORT_FULL     32767.0f
#define Q15              32768.0f
#define COMFORT_MEMORY_S 0.1f
/* Of the energy alone: white noise 40 dB below it, or the model of a tone would ring. */
#define WHITER         1.0001f
#define REFLECTION_MAX 0.98f

/* ---- heard ---- */

void comfort_listen(struct comfort_ear *e, uint32_t rate, const int16_t *pcm, size_t n)
{
	float memory = (float)rate * COMFORT_MEMORY_S;
	float keep = fmaxf(0, 1 - (float)n / memory);

	for (size_t lag = 0; lag <= COMFORT_ORDER_MAX && lag <= n; lag++)
		e->correlation[lag] =
			keep * e->correlation[lag] + (float)voice_product(pcm, pcm + lag, n - lag);
	e->samples = keep * e->samples + (float)n;
}

/* Levinson and Durbin: the k-th reflection of a, the prediction so far. */
static float comfort_reflection(const float *r, const float *a, uint32_t k, float error)
{
	float sum = r[k + 1];

	for (uint32_t i = 0; i < k; i++)
		sum += a[i] * r[k - i];

	float reflection = -sum / error;

	return fmaxf(-REFLECTION_MAX, fminf(REFLECTION_MAX, reflection));
}

static void comfort_predict(float *a, uint32_t k, float reflection)
{
	float before[COMFORT_ORDER_MAX];

	for (uint32_t i = 0; i < k; i++)
		before[i] = a[i];
	for (uint32_t i = 0; i < k; i++)
		a[i] = before[i] + reflection * before[k - 1 - i];
	a[k] = reflection;
}

static void comfort_colour(const struct comfort_ear *e, uint32_t order, struct comfort *out)
{
	float a[COMFORT_ORDER_MAX] = { 0 }, r[COMFORT_ORDER_MAX + 1], error;

	for (uint32_t i = 0; i <= COMFORT_ORDER_MAX; i++)
		r[i] = e->correlation[i];
	r[0] *= WHITER;
	error = r[0];
	for (uint32_t k = 0; k < order; k++) {
		float reflection = comfort_reflection(r, a, k, error);

		comfort_predict(a, k, reflection);
		error *= 1 - reflection * reflection;
		out->reflections[k] = (int16_t)lrintf(reflection * Q15);
	}
	out->order = (uint8_t)order;
}

void comfort_measure(const struct comfort_ear *e, uint32_t order, struct comfort *out)
{
	assert(order <= COMFORT_ORDER_MAX);
	*out = (struct comfort){ .level = VOICE_LEVEL_SILENCE };
	if (e->correlation[0] < 1)
		return;
	out->level = voice_level((uint64_t)(e->correlation[0] * 16), (size_t)(e->samples * 16));
	comfort_colour(e, order, out);
}

/* ---- rendered ---- */

/* -1 to 1 */
static float comfort_random(struct comfort_noise *noise)
{
	uint32_t x = noise->seed;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	noise->seed = x;
	return (float)(int32_t)x / 2147483648.0f;
}

/* What the filter makes louder is taken from its excitation: its power is the noise's times all 1 - k * k. */
static float comfort_peak(const struct comfort *c)
{
	float power = 3 * COMFORT_FULL * COMFORT_FULL * powf(10, -(float)c->level / 10);

	if (c->level >= VOICE_LEVEL_SILENCE)
		return 0;
	for (uint32_t i = 0; i < c->order; i++) {
		float k = c->reflections[i] / Q15;

		power *= 1 - k * k;
	}
	return sqrtf(power);
}

/* One sample through the lattice of the all-pole filter 1 / (1 + a1 z^-1 + ...). */
static float comfort_filter(struct comfort_noise *noise, const struct comfort *c, float v)
{
	for (uint32_t i = c->order; i-- > 0;) {
		float k = c->reflections[i] / Q15;

		v -= k * noise->memory[i];
		if (i + 1 < c->order)
			noise->memory[i + 1] = noise->memory[i] + k * v;
	}
	noise->memory[0] = v;
	return v;
}

void comfort_render(struct comfort_noise *noise, const struct comfort *c, int16_t *pcm, size_t n)
{
	float peak = noise->peak, to = comfort_peak(c), step = n ? (to - peak) / (float)n : 0;

	assert(noise->seed && c->order <= COMFORT_ORDER_MAX);
	for (uint32_t i = c->order; i < COMFORT_ORDER_MAX; i++)
		noise->memory[i] = 0;
	for (size_t i = 0; i < n; i++) {
		float v = comfort_filter(noise, c, comfort_random(noise) * peak);

		peak += step;
		pcm[i] = (int16_t)lrintf(fmaxf(INT16_MIN, fminf(INT16_MAX, v)));
	}
	noise->peak = n ? to : noise->peak;
}
