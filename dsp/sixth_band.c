/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/sixth_band.h"

#include <string.h>

enum { BLOCK = 160, TAPS = 17, PHASE_TAPS = 6, ONE_SHIFT = 15 };

/*
 * By least squares, up to 4 kHz and from 12 to 20, where the images of a telephone band are; their sum is one in 15 bits. Three times the
 * sum of those that one sample meets on the way up fits into 32 bits, and so does that of all on the way down.
 */
static const int16_t g_taps[TAPS + 1] = {
	221,  233,  -11, -1093, -1307, 24,  4336, 8550, 10862,
	8550, 4336, 24,  -1307, -1093, -11, 233,  221,  0,
};

static int16_t third_rounded(int32_t sum)
{
	int32_t v = (sum + (1 << (ONE_SHIFT - 1))) >> ONE_SHIFT;

	if (v > INT16_MAX)
		return INT16_MAX;
	return (int16_t)(v < INT16_MIN ? INT16_MIN : v);
}

/* By every third tap: between the samples that there are lie two zeros each. x: the newest is the last of six. */
static int16_t third_up(const int16_t *x, int phase)
{
	int32_t sum = 0;

	for (int i = 0; i < PHASE_TAPS; i++)
		sum += g_taps[phase + 3 * i] * x[PHASE_TAPS - 1 - i];
	return third_rounded(3 * sum);
}

static int16_t third_down(const int16_t *x)
{
	int32_t sum = 0;

	for (int i = 0; i < TAPS; i++)
		sum += g_taps[i] * x[i];
	return third_rounded(sum);
}

static void sixth_block_up(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out)
{
	int16_t line[SIXTH_BAND_UP_BEFORE + 2 * BLOCK];

	memcpy(line, s->before, SIXTH_BAND_UP_BEFORE * sizeof(*line));
	half_band_up(&s->half, in, n, line + SIXTH_BAND_UP_BEFORE);
	memcpy(s->before, line + 2 * n, SIXTH_BAND_UP_BEFORE * sizeof(*line));
	for (size_t i = 0; i < 2 * n; i++) {
		out[3 * i] = third_up(line + i, 0);
		out[3 * i + 1] = third_up(line + i, 1);
		out[3 * i + 2] = third_up(line + i, 2);
	}
}

static void sixth_block_down(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out)
{
	int16_t line[SIXTH_BAND_DOWN_BEFORE + 6 * BLOCK], wide[2 * BLOCK];

	memcpy(line, s->before, sizeof(s->before));
	memcpy(line + SIXTH_BAND_DOWN_BEFORE, in, 6 * n * sizeof(*in));
	memcpy(s->before, line + 6 * n, sizeof(s->before));
	for (size_t i = 0; i < 2 * n; i++)
		wide[i] = third_down(line + 3 * i);
	half_band_down(&s->half, wide, n, out);
}

void sixth_band_up(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out)
{
	for (size_t done = 0; done < n; done += BLOCK)
		sixth_block_up(s, in + done, n - done < BLOCK ? n - done : BLOCK, out + 6 * done);
}

void sixth_band_down(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out)
{
	for (size_t done = 0; done < n; done += BLOCK)
		sixth_block_down(s, in + 6 * done, n - done < BLOCK ? n - done : BLOCK, out + done);
}
