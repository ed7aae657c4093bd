/* SPDX-License-Identifier: Apache-2.0 */
/* A whole sound at another rate: in time with the original, and as long. */
#ifndef DSP_RESAMPLE_H
#define DSP_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

enum { RESAMPLE_RATE_MIN = 4000, RESAMPLE_RATE_MAX = 192000 };

/* How many samples n become: rounded up. */
size_t resample_count(size_t n, uint32_t from, uint32_t to);
/* n samples of rate from become resample_count() ones of rate to. 0, -EINVAL (a rate), -ENOMEM. */
int resample_whole(const int16_t *in, size_t n, uint32_t from, int16_t *out, uint32_t to) NODISCARD;

#endif
