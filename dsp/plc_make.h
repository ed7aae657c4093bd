/* SPDX-License-Identifier: Apache-2.0 */
/* What goes on through a loss, for dsp/plc.c. */
#ifndef DSP_PLC_MAKE_H
#define DSP_PLC_MAKE_H

#include "dsp/plc.h"

static inline uint32_t plc_samples_of(const struct plc *s, uint32_t ms)
{
	return s->rate / 1000 * ms;
}

/* Of s->history. */
void plc_make_begin(struct plc *s);
/* The next n samples of the loss. */
void plc_make(struct plc *s, float *out, uint32_t n);

#endif
