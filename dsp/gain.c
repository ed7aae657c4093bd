/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/gain.h"

#include <math.h>

#include "dsp/wide.h"

#define GAIN_FULL     32767.0f
#define GAIN_MEMORY_S 3.0f  /* of speech, that its loudness is the mean of */
#define BELOW_DB      15    /* what is that much quieter is a pause between words (P.56) */
#define UP_DB_S       6.0f  /* while it speaks */
#define DOWN_DB_S     20.0f /* what is too loud hurts */
#define SETTLED_S     0.2f  /* speech before anything is changed */

static float gain_level(float energy)
{
	return 10 * log10f(energy / (GAIN_FULL * GAIN_FULL) + 1e-13f);
}

/* The mean of what is loud enough to be speech. */
static void gain_listen(struct gain *g, float seconds, float energy)
{
	if (g->heard_s > 0 && gain_level(energy) < gain_level(g->energy) - BELOW_DB)
		return;
	g->heard_s = fminf(g->heard_s + seconds, GAIN_MEMORY_S);
	g->energy += (energy - g->energy) * fminf(seconds / g->heard_s, 1);
}

/* dB at the end of the frame. */
static float gain_next(const struct gain *g, float seconds)
{
	float want = (float)GAIN_TARGET_DBOV - gain_level(g->energy);

	want = fmaxf(fminf(want, GAIN_DB_MAX), -GAIN_DB_MAX);
	if (g->heard_s < SETTLED_S)
		return g->db;
	return fmaxf(fminf(want, g->db + UP_DB_S * seconds), g->db - DOWN_DB_S * seconds);
}

static void gain_scale(const int16_t *pcm, int32_t *out, size_t n, struct ramp r)
{
	for (size_t i = gain_scale_wide(pcm, out, n, r); i < n; i++)
		out[i] = (int32_t)lrintf((float)pcm[i] * (r.from + (float)i * r.step));
}

void gain_frame(struct gain *g, uint32_t rate, const int16_t *pcm, size_t n,
		struct voice_heard heard, int32_t *out)
{
	float from = powf(10, g->db / 20), to = from, seconds = (float)n / (float)rate;

	if (heard.speaks && n > 0) {
		gain_listen(g, seconds, (float)voice_energy(pcm, n) / (float)n);
		g->db = gain_next(g, seconds);
		to = powf(10, g->db / 20);
	}
	gain_scale(pcm, out, n,
		   (struct ramp){ .from = from, .step = n ? (to - from) / (float)n : 0 });
}
