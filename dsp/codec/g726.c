/* SPDX-License-Identifier: Apache-2.0 */
/*
 * G.726 at 32 kbit/s by spandsp. RFC 3551 4.5.4: the first of an octet's two codes has the low
 * bits. ATM's AAL2 has them the other way round, and another name in SDP: AAL2-G726-32.
 */

#include <errno.h>
#include <stdint.h>

#include <spandsp/telephony.h>

#include <spandsp/bitstream.h>
#include <spandsp/g726.h>

#include <spandsp/private/bitstream.h>
#include <spandsp/private/g726.h>

#include "dsp/codec/codec_kind.h"

static uint32_t encoder_g726_rate(const struct encoder_settings *s)
{
	if (s->rate && s->rate != G726_RATE)
		return 0;
	return s->bit_rate == G726_BIT_RATE ? G726_RATE : 0;
}

static size_t encoder_g726_state_size(void)
{
	return sizeof(g726_state_t);
}

static int encoder_g726_open(void *state, const struct encoder_settings *s, uint32_t rate)
{
	(void)rate;
	return g726_init(state, (int)s->bit_rate, G726_ENCODING_LINEAR, G726_PACKING_RIGHT)
		       ? 0
		       : -EINVAL;
}

static int encoder_g726_frame(void *state, const int16_t *pcm, uint32_t samples, uint8_t *out,
			      uint32_t cap)
{
	if (samples / 2 > cap)
		return -ENOSPC;
	return g726_encode(state, out, pcm, (int)samples);
}

const struct encoder_kind encoder_g726_32 = {
	.name = "G726-32",
	.rate = encoder_g726_rate,
	.state_size = encoder_g726_state_size,
	.state_open = encoder_g726_open,
	.frame = encoder_g726_frame,
	.bit_rate = G726_BIT_RATE,
};

/* G.726 at 32 kbit/s: two samples in an octet, the first one in its low bits (RFC 3551 4.5.4). */

static bool decoder_g726_accepts(uint32_t rate)
{
	return rate == G726_RATE;
}

static size_t decoder_g726_state_size(void)
{
	return sizeof(g726_state_t);
}

static int decoder_g726_open(void *state, uint32_t rate)
{
	(void)rate;
	return g726_init(state, G726_BIT_RATE, G726_ENCODING_LINEAR, G726_PACKING_RIGHT) ? 0
											 : -EINVAL;
}

static int decoder_g726_samples(struct bytes payload, uint32_t rate)
{
	(void)rate;
	return payload.n <= CODEC_SAMPLES_MAX ? (int)(2 * payload.n) : -EBADMSG;
}

static int decoder_g726_frame(void *state, struct bytes payload, int16_t *pcm, uint32_t samples)
{
	(void)samples;
	return g726_decode(state, pcm, payload.p, (int)payload.n);
}

const struct decoder_kind decoder_g726_32 = {
	.name = "G726-32",
	.rate = G726_RATE,
	.takes = decoder_g726_accepts,
	.state_size = decoder_g726_state_size,
	.state_open = decoder_g726_open,
	.samples = decoder_g726_samples,
	.frame = decoder_g726_frame,
};
