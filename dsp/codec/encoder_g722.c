/* SPDX-License-Identifier: Apache-2.0 */
/*
 * G.722 by spandsp. Its RTP clock is 8,000 though its audio is 16,000 (RFC 3551 4.5.2). From PCM of 8,000 Hz it makes the lower band alone,
 * without the filters in front: more than twice as fast.
 */
#include <errno.h>
#include <stdint.h>

#include <spandsp/telephony.h>

#include <spandsp/g722.h>

#include <spandsp/private/g722.h>

#include "dsp/codec/encoder_kind.h"

static uint32_t encoder_g722_rate(const struct encoder_settings *s)
{
	uint32_t rate = s->rate ? s->rate : G722_RATE;

	if (s->bit_rate != G722_BIT_RATE || (rate != G722_RATE && rate != G722_RATE_LOW))
		return 0;
	return rate;
}

static size_t encoder_g722_state_size(void)
{
	return sizeof(g722_encode_state_t);
}

static int encoder_g722_open(void *state, const struct encoder_settings *s, uint32_t rate)
{
	int options = rate == G722_RATE_LOW ? G722_SAMPLE_RATE_8000 : 0;

	return g722_encode_init(state, (int)s->bit_rate, options) ? 0 : -EINVAL;
}

static int encoder_g722_frame(void *state, const int16_t *pcm, uint32_t samples, uint8_t *out,
			      uint32_t cap)
{
	const g722_encode_state_t *g = state;

	if ((g->eight_k ? samples : samples / 2) > cap)
		return -ENOSPC;
	return g722_encode(state, out, pcm, (int)samples);
}

const struct encoder_kind encoder_g722 = {
	.name = "G722",
	.rate = encoder_g722_rate,
	.state_size = encoder_g722_state_size,
	.state_open = encoder_g722_open,
	.frame = encoder_g722_frame,
	.bit_rate = G722_BIT_RATE,
	.clock = 8000,
};
