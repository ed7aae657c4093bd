/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/mix/sum.h"

#include <math.h>
#include <stdlib.h>

#include "dsp/mix/mix_wide.h"

void sum_scale(const int16_t *pcm, int32_t *out, uint32_t n, struct ramp r)
{
	for (size_t i = gain_scale_wide(pcm, out, n, r); i < n; i++)
		out[i] = (int32_t)lrintf((float)pcm[i] * (r.from + (float)i * r.step));
}

void sum_widen(const int16_t *pcm, int32_t *out, uint32_t n)
{
	for (size_t i = mix_widen_wide(pcm, out, n); i < n; i++)
		out[i] = pcm[i];
}

void sum_add(int32_t *sum, const int32_t *in, uint32_t n)
{
	for (size_t i = mix_add_wide(sum, in, n); i < n; i++)
		sum[i] += in[i];
}

void sum_less(const int32_t *sum, const int32_t *in, int32_t *out, uint32_t n)
{
	for (size_t i = mix_less_wide(sum, in, out, n); i < n; i++)
		out[i] = sum[i] - in[i];
}

void sum_add_pcm(int32_t *sum, const int16_t *pcm, uint32_t n)
{
	for (size_t i = mix_add_pcm_wide(sum, pcm, n); i < n; i++)
		sum[i] += pcm[i];
}

static int16_t sum_cut(int32_t v)
{
	return (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
}

bool sum_less_pcm(const int32_t *sum, const int16_t *pcm, int16_t *out, uint32_t n)
{
	bool fits = true;

	for (size_t i = mix_less_pcm_wide(sum, pcm, out, n, &fits); i < n; i++) {
		int32_t v = sum[i] - pcm[i];

		fits &= v <= INT16_MAX && v >= -INT16_MAX;
		out[i] = sum_cut(v);
	}
	return fits;
}

int32_t sum_part_pcm(const int32_t *sum, const int16_t *pcm, int32_t *out, uint32_t n)
{
	int32_t peak = 0;

	for (size_t i = mix_part_pcm_wide(sum, pcm, out, n, &peak); i < n; i++) {
		out[i] = sum[i] - pcm[i];
		peak = abs(out[i]) > peak ? abs(out[i]) : peak;
	}
	return peak;
}

void sum_slope(int32_t *out, int32_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] += from * (int32_t)(n - i) / (int32_t)n;
}
