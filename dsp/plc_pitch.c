/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/plc_pitch.h"

#include <math.h>
#include <stdlib.h>

#include "dsp/plc.h"

/*
 * The last 12 ms against what was 5 to 15 ms before them: at 4000 Hz first, then at the rate of the signal around the
 * best. A higher voice is found at a multiple of its period, as in G.711 Appendix I. Samples have 12 bits, so that 32
 * bits hold the products of a window.
 */
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
