/* SPDX-License-Identifier: Apache-2.0 */
/* Opus by libopus, mono. Constrained VBR: a constant rate costs twice as much. Without DTX and FEC. */
#include <errno.h>

#include <opus/opus.h>

#include "dsp/encoder_kind.h"

enum {
	BIT_RATE_MIN = 6000, /* RFC 7587 6.1: maxaveragebitrate is 6000 to 510000 */
	BIT_RATE_MAX = 128000,
	BIT_RATE_DEFAULT = 20000,
	BIT_RATE_WIDE = 14000,
	BIT_RATE_FULL = 24000,
	COMPLEXITY_MAX = 10,
};

static uint32_t encoder_opus_rate(const struct encoder_settings *s)
{
	if (s->packet_ms != 5 && s->packet_ms != 10 && s->packet_ms != ENCODER_OPUS_PACKET_MS_MAX)
		return 0;
	if (s->bit_rate < BIT_RATE_MIN || s->bit_rate > BIT_RATE_MAX ||
	    s->complexity > COMPLEXITY_MAX)
		return 0;
	if (s->bit_rate < BIT_RATE_WIDE)
		return 8000;
	return s->bit_rate < BIT_RATE_FULL ? 16000 : 48000;
}

static size_t encoder_opus_state_size(void)
{
	return (size_t)opus_encoder_get_size(1);
}

static int encoder_opus_open(void *state, const struct encoder_settings *s, uint32_t rate)
{
	OpusEncoder *opus = state;

	if (opus_encoder_init(opus, (opus_int32)rate, 1, OPUS_APPLICATION_VOIP) != OPUS_OK)
		return -EINVAL;
	if (opus_encoder_ctl(opus, OPUS_SET_BITRATE((opus_int32)s->bit_rate)) != OPUS_OK ||
	    opus_encoder_ctl(opus, OPUS_SET_COMPLEXITY((opus_int32)s->complexity)) != OPUS_OK ||
	    opus_encoder_ctl(opus, OPUS_SET_VBR(1)) != OPUS_OK)
		return -EINVAL;
	return 0;
}

static int encoder_opus_frame(void *state, const int16_t *pcm, uint32_t samples, uint8_t *out,
			      uint32_t cap)
{
	int n = opus_encode(state, pcm, (int)samples, out, (opus_int32)cap);

	if (n == OPUS_BUFFER_TOO_SMALL || cap == 0)
		return -ENOSPC;
	return n > 0 ? n : -EIO;
}

const struct encoder_kind encoder_opus = {
	.name = "opus",
	.cost_ns = 12800,
	.rate = encoder_opus_rate,
	.state_size = encoder_opus_state_size,
	.state_open = encoder_opus_open,
	.frame = encoder_opus_frame,
	.bit_rate = BIT_RATE_DEFAULT,
};
