/* SPDX-License-Identifier: Apache-2.0 */
/* G.722 by spandsp. Its RTP clock is 8,000 though its audio is 16,000 (RFC 3551 4.5.2). */
#include <errno.h>
#include <stdint.h>

#include <spandsp/telephony.h>

#include <spandsp/g722.h>

#include <spandsp/private/g722.h>

#include "dsp/encoder_kind.h"

enum { G722_RATE = 16000, G722_BIT_RATE = 64000 };

static uint32_t encoder_g722_rate(const struct encoder_settings *s)
{
	return s->bit_rate == G722_BIT_RATE ? G722_RATE : 0;
}

static size_t encoder_g722_state_size(void)
{
	return sizeof(g722_encode_state_t);
}

static int encoder_g722_open(void *state, const struct encoder_settings *s, uint32_t rate)
{
	(void)rate;
	return g722_encode_init(state, (int)s->bit_rate, 0) ? 0 : -EINVAL;
}

static int encoder_g722_frame(void *state, const int16_t *pcm, uint32_t samples, uint8_t *out,
			      uint32_t cap)
{
	if (samples / 2 > cap)
		return -ENOSPC;
	return g722_encode(state, out, pcm, (int)samples);
}

const struct encoder_kind encoder_g722 = {
	.name = "G722",
	.cost_ns = 6400,
	.rate = encoder_g722_rate,
	.state_size = encoder_g722_state_size,
	.state_open = encoder_g722_open,
	.frame = encoder_g722_frame,
	.bit_rate = G722_BIT_RATE,
};
