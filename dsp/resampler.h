/* SPDX-License-Identifier: Apache-2.0 */
/* A stream at another rate, as it comes: late by its filter, about 2 ms. Memory is allocated at open alone. One thread at a time. */
#ifndef DSP_RESAMPLER_H
#define DSP_RESAMPLER_H

#include <stdint.h>

#include "base/compiler.h"

struct resampler;

/* Rates as of dsp/resample.h. 0, -EINVAL, -ENOMEM */
int resampler_open(struct resampler **out, uint32_t from, uint32_t to) NODISCARD;
void resampler_close(struct resampler *r); /* NULL is fine */
/* As it was opened: nothing is left of what came before. */
void resampler_reset(struct resampler *r);
/* All of in; cap: room for n * to / from samples and one more. How many there are in out. */
uint32_t resampler_run(struct resampler *r, const int16_t *in, uint32_t n, int16_t *out,
		       uint32_t cap);

#endif
