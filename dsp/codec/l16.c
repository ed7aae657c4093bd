/* SPDX-License-Identifier: Apache-2.0 */
/*
 * L16: linear PCM, 16 bits in network byte order, one channel (RFC 3551 4.5.11). Encoder and
 * decoder only swap octets, so a packet never depends on earlier ones. Some phones offer it for
 * wideband audio. Rates are whole kHz from 8 to 48; 44,100 Hz of the static payload types 10 and 11
 * is refused, since a millisecond has no whole number of samples there.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "dsp/codec/codec.h"
#include "dsp/codec/codec_kind.h"

/* L16: PCM as it is, the upper octet first, one channel (RFC 3551 4.5.11). */

enum { L16_RATE = 16000 }; /* if no rate is given */

/* Whole samples of each ms: 44,100 Hz, as the static types 10 and 11 have, is music's. */
static inline bool l16_rate_is_sane(uint32_t rate)
{
	return rate >= 8000 && rate <= CODEC_RATE_MAX && rate % 1000 == 0;
}

static uint32_t encoder_l16_rate(const struct encoder_settings *s)
{
	uint32_t rate = s->rate ? s->rate : L16_RATE;

	return l16_rate_is_sane(rate) ? rate : 0;
}

static size_t encoder_l16_state_size(void)
{
	return 0;
}

static int encoder_l16_open(void *state, const struct encoder_settings *s, uint32_t rate)
{
	(void)state;
	(void)s;
	(void)rate;
	return 0;
}

static int encoder_l16_frame(void *state, const int16_t *pcm, uint32_t samples, uint8_t *out,
			     uint32_t cap)
{
	(void)state;
	if (2 * samples > cap)
		return -ENOSPC;
	for (uint32_t i = 0; i < samples; i++) {
		out[2 * i] = (uint8_t)((uint16_t)pcm[i] >> 8);
		out[2 * i + 1] = (uint8_t)pcm[i];
	}
	return (int)(2 * samples);
}

const struct encoder_kind encoder_l16 = {
	.name = "L16",
	.rate = encoder_l16_rate,
	.state_size = encoder_l16_state_size,
	.state_open = encoder_l16_open,
	.frame = encoder_l16_frame,
};

static size_t decoder_l16_state_size(void)
{
	return 0;
}

static int decoder_l16_open(void *state, uint32_t rate)
{
	(void)state;
	(void)rate;
	return 0;
}

static int decoder_l16_samples(struct bytes payload, uint32_t rate)
{
	(void)rate;
	if (payload.n % 2 || payload.n > 2 * (size_t)CODEC_SAMPLES_MAX)
		return -EBADMSG;
	return (int)(payload.n / 2);
}

static int decoder_l16_frame(void *state, struct bytes payload, int16_t *pcm, uint32_t samples)
{
	(void)state;
	for (uint32_t i = 0; i < samples; i++)
		pcm[i] = (int16_t)(payload.p[2 * i] << 8 | payload.p[2 * i + 1]);
	return (int)samples;
}

const struct decoder_kind decoder_l16 = {
	.name = "L16",
	.rate = L16_RATE,
	.takes = l16_rate_is_sane,
	.state_size = decoder_l16_state_size,
	.state_open = decoder_l16_open,
	.samples = decoder_l16_samples,
	.frame = decoder_l16_frame,
};
