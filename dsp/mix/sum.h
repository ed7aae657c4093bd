/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of samples, and sums of them in 32 bits: as many as there are members fit into these. */
#ifndef DSP_MIX_SUM_H
#define DSP_MIX_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsp/limiter_wide.h"

void sum_widen(const int16_t *pcm, int32_t *out, uint32_t n);
void sum_scale(const int16_t *pcm, int32_t *out, uint32_t n, struct ramp r);
void sum_add(int32_t *sum, const int32_t *in, uint32_t n);
void sum_add_pcm(int32_t *sum, const int16_t *pcm, uint32_t n);
void sum_less(const int32_t *sum, const int32_t *in, int32_t *out, uint32_t n);
/* sum less pcm, cut off where it is beyond 32767 either way. False: some was. */
bool sum_less_pcm(const int32_t *sum, const int16_t *pcm, int16_t *out, uint32_t n);
/* The same in 32 bits: the largest that there is, as a positive number. */
int32_t sum_part_pcm(const int32_t *sum, const int16_t *pcm, int32_t *out, uint32_t n);
/* A step is a click: it is made a slope over n samples. */
void sum_slope(int32_t *sum, int32_t from, uint32_t n);

#endif
