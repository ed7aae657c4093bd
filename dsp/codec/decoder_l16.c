/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "dsp/codec/decoder_kind.h"
#include "dsp/codec/l16.h"

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
