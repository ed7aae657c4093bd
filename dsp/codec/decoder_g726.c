/* SPDX-License-Identifier: Apache-2.0 */
/* G.726 at 32 kbit/s by spandsp: two samples in an octet, the first one in its low bits (RFC 3551 4.5.4). */
#include <errno.h>
#include <stdint.h>

#include <spandsp/telephony.h>

#include <spandsp/bitstream.h>
#include <spandsp/g726.h>

#include <spandsp/private/bitstream.h>
#include <spandsp/private/g726.h>

#include "dsp/codec/decoder_kind.h"

static bool decoder_g726_takes(uint32_t rate)
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
	.takes = decoder_g726_takes,
	.state_size = decoder_g726_state_size,
	.state_open = decoder_g726_open,
	.samples = decoder_g726_samples,
	.frame = decoder_g726_frame,
};
