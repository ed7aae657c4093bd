/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/plc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "dsp/plc_make.h"
#include "dsp/voice.h"

enum {
	PIECE = 160,
	FADE_MS_MIN = 2,
	FADE_PART = 20, /* and this part of what was lost */
};

#define QUIET_MAX      10000.0f /* mean square: -50 dB of full scale */
#define QUIET_MIN      0.001f   /* or it would never rise from silence */
#define CORRELATED_MIN (-0.5f)

bool plc_takes(uint32_t rate)
{
	return rate == 8000 || rate == PLC_RATE_MAX;
}

void plc_open(struct plc *s, uint32_t rate)
{
	assert(plc_takes(rate));
	*s = (struct plc){ .rate = rate, .random = { 1, 2 }, .quiet = QUIET_MAX };
}

static int16_t plc_sample(float v)
{
	v += v < 0 ? -0.5f : 0.5f;
	if (v >= INT16_MAX)
		return INT16_MAX;
	return (int16_t)(v <= INT16_MIN ? INT16_MIN : v);
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
		plc_make_begin(s);
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

/* What was made goes over into what came. Where they are not in phase, their sum is made as loud as they are. */
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

void plc_heard(struct plc *s, int16_t *samples, uint32_t n)
{
	if (n == 0)
		return;
	if (s->loss.made)
		plc_join(s, samples, n);
	listen(s, samples, n);
	remember(s, samples, n);
}
