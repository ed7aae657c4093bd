/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What codecs cost: CPU time for 20 ms, as `./tandem bench transcode --row codecs` measures it, rounded up. Whoever works in slices counts
 * by this and not by the clock, so that the same order comes out each time.
 */
#ifndef DSP_COST_H
#define DSP_COST_H

#include "dsp/codec/encoder.h"

/* At another rate. */
enum {
	/* whichever of 8,000, 16,000 and 48,000 Hz become which: its filter has as many taps a second */
	RESAMPLER_NS = 10000,
	SIXTH_BAND_NS = 2500,
};

/* Of settings with defaults: codec, rate and complexity count. */
uint32_t codec_encode_ns(const struct encoder_settings *s);
uint32_t codec_decode_ns(const char *codec, uint32_t rate);

#endif
