/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between 8000 and 16000 Hz our own filter: 20 ms take 0.5 to 0.8 us, and 1.5 by speexdsp (Zen 5,
 * gcc 12, 2026-11). Else speexdsp at quality 3: a lower quality takes longer from 8000 to 48000 Hz,
 * and is worse. A filter is late: its first samples are dropped, and silence pushes out the last
 * ones.
 */

#include <assert.h>
#include <errno.h>
#include <speex/speex_resampler.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/resample.h"
#include "dsp/wide.h"

enum {
	HALF_BLOCK = 160,
	BEFORE = HALF_BAND_TAPS - 1,
	HALF_SHIFT = 14,
	MIDDLE_UP = 7,
	MIDDLE_DOWN = 8
};

/* A Kaiser window of beta 5; the sum is one in 14 bits. The absolute sum is 2.1, so 32 bits hold
 * any sum of products. Symmetric, since between two samples lie as many as before them. */
static const int16_t g_half_taps[HALF_BAND_TAPS] = {
	-49,   134,   -287, 540,  -954, 1671, -3216, 10353,
	10353, -3216, 1671, -954, 540,  -287, 134,   -49,
};

/* Half way between the two in the middle of 16. */
static int32_t half_way(const int16_t *x)
{
	int32_t sum = 0;

	for (int i = 0; i < HALF_BAND_TAPS; i++)
		sum += g_half_taps[i] * x[i];
	return sum;
}

static int16_t rounded(int32_t sum, int shift)
{
	int32_t v = (sum + (1 << (shift - 1))) >> shift;

	if (v > INT16_MAX)
		return INT16_MAX;
	return (int16_t)(v < INT16_MIN ? INT16_MIN : v);
}

/* What came before; behind it there is room for the new ones. */
static void before_put(int16_t *line, const int16_t *before)
{
	memcpy(line, before, BEFORE * sizeof(*line));
}

/* The last of n new ones come before the next ones. */
static void before_keep(int16_t *before, const int16_t *line, size_t n)
{
	memcpy(before, line + n, BEFORE * sizeof(*line));
}

static void block_up(struct half_band *h, const int16_t *in, size_t n, int16_t *out)
{
	int16_t line[BEFORE + HALF_BLOCK];

	before_put(line, h->odd);
	memcpy(line + BEFORE, in, n * sizeof(*in));
	before_keep(h->odd, line, n);
	for (size_t i = half_band_up_wide(g_half_taps, line, line + MIDDLE_UP, n, out); i < n;
	     i++) {
		out[2 * i] = line[i + MIDDLE_UP];
		out[2 * i + 1] = rounded(half_way(line + i), HALF_SHIFT);
	}
}

static void pairs_part(const int16_t *in, size_t n, int16_t *first, int16_t *second)
{
	for (size_t i = half_band_part_wide(in, n, first, second); i < n; i++) {
		first[i] = in[2 * i];
		second[i] = in[2 * i + 1];
	}
}

static void block_down(struct half_band *h, const int16_t *in, size_t n, int16_t *out)
{
	int16_t odd[BEFORE + HALF_BLOCK], even[BEFORE + HALF_BLOCK];

	before_put(even, h->even);
	before_put(odd, h->odd);
	pairs_part(in, n, even + BEFORE, odd + BEFORE);
	before_keep(h->even, even, n);
	before_keep(h->odd, odd, n);
	for (size_t i = half_band_down_wide(g_half_taps, odd, even + MIDDLE_DOWN, n, out); i < n;
	     i++) {
		int32_t middle = even[i + MIDDLE_DOWN] * (1 << (HALF_SHIFT - 1));

		out[i] = rounded(middle + half_way(odd + i) / 2, HALF_SHIFT);
	}
}

void half_band_up(struct half_band *h, const int16_t *in, size_t n, int16_t *out)
{
	for (size_t i = 0; i < n; i += HALF_BLOCK)
		block_up(h, in + i, n - i < HALF_BLOCK ? n - i : HALF_BLOCK, out + 2 * i);
}

void half_band_down(struct half_band *h, const int16_t *in, size_t n, int16_t *out)
{
	for (size_t i = 0; i < n; i += HALF_BLOCK)
		block_down(h, in + 2 * i, n - i < HALF_BLOCK ? n - i : HALF_BLOCK, out + i);
}

enum {
	SIXTH_BLOCK = 160,
	SIXTH_WIDE = 2 * SIXTH_BLOCK,
	SIXTH_TAPS = 39,
	PHASES = 3,
	PHASE_TAPS = SIXTH_TAPS / PHASES,
	SIXTH_SHIFT = 15
};

/* By least squares; the sum is one in 15 bits. Three times the sum of the taps that one sample
 * meets on the way up fits into 32 bits, and so does the sum of all on the way down. */
static const int16_t g_sixth_taps[SIXTH_TAPS] = {
	3,     11,    23,   24,   -9,   -81,  -145, -115, 71,   352,  512,  288,   -386,
	-1188, -1442, -478, 1874, 5002, 7692, 8752, 7692, 5002, 1874, -478, -1442, -1188,
	-386,  288,   512,  352,  71,   -115, -145, -81,  -9,   24,   23,   11,    3,
};

/* Every third tap, in the order of the samples: two zeros lie between any two of them. */
static const int16_t g_phases[PHASES][PHASE_TAPS] = {
	{ 23, -81, 71, 288, -1442, 5002, 7692, -478, -386, 352, -145, 24, 3 },
	{ 11, -9, -115, 512, -1188, 1874, 8752, 1874, -1188, 512, -115, -9, 11 },
	{ 3, 24, -145, 352, -386, -478, 7692, 5002, -1442, 288, 71, -81, 23 },
};

static int16_t third_rounded(int32_t sum)
{
	int32_t v = (sum + (1 << (SIXTH_SHIFT - 1))) >> SIXTH_SHIFT;

	if (v > INT16_MAX)
		return INT16_MAX;
	return (int16_t)(v < INT16_MIN ? INT16_MIN : v);
}

/* All samples of a phase, so that the compiler has vectors of them. */
static void phase_up(const int16_t *taps, const int16_t *x, size_t n, int16_t *out)
{
	for (size_t i = 0; i < n; i++) {
		int32_t sum = 0;

		for (int k = 0; k < PHASE_TAPS; k++)
			sum += taps[k] * x[i + k];
		out[i] = third_rounded(PHASES * sum);
	}
}

static int16_t third_down(const int16_t *x)
{
	int32_t sum = 0;

	for (int i = 0; i < SIXTH_TAPS; i++)
		sum += g_sixth_taps[i] * x[i];
	return third_rounded(sum);
}

static void sixth_block_up(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out)
{
	int16_t line[SIXTH_BAND_UP_BEFORE + SIXTH_WIDE], phases[PHASES][SIXTH_WIDE];

	memcpy(line, s->before, SIXTH_BAND_UP_BEFORE * sizeof(*line));
	half_band_up(&s->half, in, n, line + SIXTH_BAND_UP_BEFORE);
	memcpy(s->before, line + 2 * n, SIXTH_BAND_UP_BEFORE * sizeof(*line));
	for (int p = 0; p < PHASES; p++)
		phase_up(g_phases[p], line, 2 * n, phases[p]);
	for (size_t i = 0; i < 2 * n; i++)
		for (size_t p = 0; p < PHASES; p++)
			out[PHASES * i + p] = phases[p][i];
}

static void sixth_block_down(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out)
{
	int16_t line[SIXTH_BAND_DOWN_BEFORE + 6 * SIXTH_BLOCK], wide[SIXTH_WIDE];

	memcpy(line, s->before, sizeof(s->before));
	memcpy(line + SIXTH_BAND_DOWN_BEFORE, in, 6 * n * sizeof(*in));
	memcpy(s->before, line + 6 * n, sizeof(s->before));
	for (size_t i = 0; i < 2 * n; i++)
		wide[i] = third_down(line + 3 * i);
	half_band_down(&s->half, wide, n, out);
}

void sixth_band_up(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out)
{
	for (size_t done = 0; done < n; done += SIXTH_BLOCK)
		sixth_block_up(s, in + done, n - done < SIXTH_BLOCK ? n - done : SIXTH_BLOCK,
			       out + 6 * done);
}

void sixth_band_down(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out)
{
	for (size_t done = 0; done < n; done += SIXTH_BLOCK)
		sixth_block_down(s, in + 6 * done, n - done < SIXTH_BLOCK ? n - done : SIXTH_BLOCK,
				 out + done);
}

enum { RESAMPLE_NARROW = 8000, RESAMPLE_WIDE = 16000, RESAMPLE_BLOCK = 160, RESAMPLE_QUALITY = 3 };

size_t resample_count(size_t n, uint32_t from, uint32_t to)
{
	return (size_t)(((uint64_t)n * to + from - 1) / from);
}

/* Up to n samples of the remaining input, followed by silence. */
static void resampler_block_read(int16_t *block, const int16_t **in, size_t *left, size_t n)
{
	size_t now = *left < n ? *left : n;

	if (now)
		memcpy(block, *in, now * sizeof(*block));
	memset(block + now, 0, (n - now) * sizeof(*block));
	*in += now;
	*left -= now;
}

/* Puts a block behind what there is, without the first ones that are still to be dropped. */
static void block_put(const int16_t *block, size_t n, size_t *drop, int16_t **out, size_t *left)
{
	size_t skip = *drop < n ? *drop : n, now = n - skip < *left ? n - skip : *left;

	memcpy(*out, block + skip, now * sizeof(*block));
	*drop -= skip;
	*out += now;
	*left -= now;
}

static void resample_up(const int16_t *in, size_t n, int16_t *out)
{
	struct half_band h = { 0 };
	int16_t narrow[RESAMPLE_BLOCK], wide[2 * RESAMPLE_BLOCK];
	size_t left = 2 * n, drop = HALF_BAND_UP_DELAY;

	while (left) {
		resampler_block_read(narrow, &in, &n, RESAMPLE_BLOCK);
		half_band_up(&h, narrow, RESAMPLE_BLOCK, wide);
		block_put(wide, 2 * RESAMPLE_BLOCK, &drop, &out, &left);
	}
}

static void resample_down(const int16_t *in, size_t n, int16_t *out)
{
	struct half_band h = { 0 };
	int16_t narrow[RESAMPLE_BLOCK], wide[2 * RESAMPLE_BLOCK];
	size_t left = resample_count(n, RESAMPLE_WIDE, RESAMPLE_NARROW),
	       drop = HALF_BAND_DOWN_DELAY / 2;

	while (left) {
		resampler_block_read(wide, &in, &n, 2 * RESAMPLE_BLOCK);
		half_band_down(&h, wide, RESAMPLE_BLOCK, narrow);
		block_put(narrow, RESAMPLE_BLOCK, &drop, &out, &left);
	}
}

static int resample_any(const int16_t *in, size_t n, uint32_t from, int16_t *out, uint32_t to)
{
	int err = RESAMPLER_ERR_SUCCESS;
	size_t left = resample_count(n, from, to), drop = 0;
	SpeexResamplerState *speex = speex_resampler_init(1, from, to, RESAMPLE_QUALITY, &err);

	if (!speex)
		return err == RESAMPLER_ERR_ALLOC_FAILED ? -ENOMEM : -EINVAL;
	(void)speex_resampler_skip_zeros(speex);
	while (left) {
		int16_t block[RESAMPLE_BLOCK], made[4 * RESAMPLE_BLOCK];
		const int16_t *at = block;
		spx_uint32_t todo = RESAMPLE_BLOCK;

		resampler_block_read(block, &in, &n, RESAMPLE_BLOCK);
		while (todo && left) {
			spx_uint32_t eaten = todo, got = 4 * RESAMPLE_BLOCK;

			(void)speex_resampler_process_int(speex, 0, at, &eaten, made, &got);
			block_put(made, got, &drop, &out, &left);
			at += eaten;
			todo -= eaten;
		}
	}
	speex_resampler_destroy(speex);
	return 0;
}

static bool rate_is_sane(uint32_t rate)
{
	return rate >= RESAMPLE_RATE_MIN && rate <= RESAMPLE_RATE_MAX;
}

int resample_whole(const int16_t *in, size_t n, uint32_t from, int16_t *out, uint32_t to)
{
	if (!rate_is_sane(from) || !rate_is_sane(to))
		return -EINVAL;
	if (from == RESAMPLE_NARROW && to == RESAMPLE_WIDE)
		resample_up(in, n, out);
	else if (from == RESAMPLE_WIDE && to == RESAMPLE_NARROW)
		resample_down(in, n, out);
	else if (from != to)
		return resample_any(in, n, from, out, to);
	else if (n)
		memcpy(out, in, n * sizeof(*out));
	return 0;
}

enum { QUALITY = 3 };

struct resampler {
	SpeexResamplerState *speex; /* NULL: the rates are equal */
	uint32_t from, to;
};

static bool resampler_rate_is_sane(uint32_t rate)
{
	return rate >= RESAMPLE_RATE_MIN && rate <= RESAMPLE_RATE_MAX;
}

int resampler_open(struct resampler **out, uint32_t from, uint32_t to)
{
	struct resampler *r;
	int err = RESAMPLER_ERR_SUCCESS;

	if (!resampler_rate_is_sane(from) || !resampler_rate_is_sane(to))
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = (struct resampler){ .from = from, .to = to };
	if (from != to)
		r->speex = speex_resampler_init(1, from, to, QUALITY, &err);
	if (from != to && !r->speex) {
		free(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void resampler_close(struct resampler *r)
{
	if (r && r->speex)
		speex_resampler_destroy(r->speex);
	free(r);
}

void resampler_reset(struct resampler *r)
{
	if (r->speex)
		(void)speex_resampler_reset_mem(r->speex);
}

uint32_t resampler_run(struct resampler *r, const int16_t *in, uint32_t n, int16_t *out,
		       uint32_t cap)
{
	spx_uint32_t eaten = n, made = cap;

	assert((uint64_t)n * r->to / r->from < (uint64_t)cap + 1);
	if (!r->speex) {
		memcpy(out, in, n * sizeof(*out));
		return n;
	}
	(void)speex_resampler_process_int(r->speex, 0, in, &eaten, out, &made);
	return made;
}
