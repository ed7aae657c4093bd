/* SPDX-License-Identifier: Apache-2.0 */
/* L16: PCM as it is, the upper octet first, one channel (RFC 3551 4.5.11). */
#ifndef DSP_L16_H
#define DSP_L16_H

#include <stdbool.h>
#include <stdint.h>

#include "dsp/codec/codec.h"

enum { L16_RATE = 16000 }; /* where nobody says */

/* Whole samples of each ms: 44,100 Hz, as the static types 10 and 11 have, is music's. */
static inline bool l16_rate_is_sane(uint32_t rate)
{
	return rate >= 8000 && rate <= CODEC_RATE_MAX && rate % 1000 == 0;
}

#endif
