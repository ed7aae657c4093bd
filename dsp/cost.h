/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What codecs cost: CPU time for 20 ms, as `./tandem bench transcode --row codecs` measures it, rounded up. Whoever works in slices counts
 * by this and not by the clock, so that the same order comes out each time.
 */
#ifndef DSP_COST_H
#define DSP_COST_H

#include "dsp/encoder.h"

/* Of settings with defaults: codec, rate and complexity count. */
uint32_t codec_encode_ns(const struct encoder_settings *s);
uint32_t codec_decode_ns(const char *codec, uint32_t rate);
/* At another rate, by dsp/resampler.h. */
uint32_t resampler_run_ns(uint32_t from, uint32_t to);

#endif
