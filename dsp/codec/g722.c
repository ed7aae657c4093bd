/* SPDX-License-Identifier: Apache-2.0 */
/*
 * G.722 by spandsp. Its RTP clock is 8,000 though its audio is 16,000 Hz (RFC 3551 4.5.2). From PCM
 * of 8,000 Hz it encodes the lower band only, without the filters in front: more than twice as
 * fast.
 */

#include <errno.h>
#include <stdint.h>

#include <spandsp/telephony.h>

#include <spandsp/g722.h>

#include <spandsp/private/g722.h>

#include "dsp/codec/codec_kind.h"

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

/* G.722 at 64 kbit/s: an octet is two samples at 16,000 Hz, six bits of the lower band and two of
 * the upper one. spandsp decodes the bands. They are joined here, because spandsp's join (0.0.6)
 * wraps around at full loudness. */

enum {
	G722_BLOCK = 160, /* octets */
	G722_TAPS = 12,
	G722_PAST = G722_TAPS - 1,
};

struct g722_state {
	g722_decode_state_t bands;
	int16_t sum[G722_PAST + G722_BLOCK], difference[G722_PAST + G722_BLOCK];
};

/* Every second tap of the 24 (G.722 3.1, table 11): the last tap goes with the last sample. */
static const int16_t g_qmf_even[G722_TAPS] = { -11, 53,   -156, 362, -805, 3876,
					       951, -210, 32,   12,  -11,  3 };
static const int16_t g_qmf_odd[G722_TAPS] = { 3,    -11,  12,  32,   -210, 951,
					      3876, -805, 362, -156, 53,   -11 };

static bool decoder_g722_accepts(uint32_t rate)
{
	return rate == G722_RATE || rate == G722_RATE_LOW;
}

static size_t decoder_g722_state_size(void)
{
	return sizeof(struct g722_state);
}

static int decoder_g722_open(void *state, uint32_t rate)
{
	struct g722_state *g = state;
	int options = rate == G722_RATE_LOW ? G722_SAMPLE_RATE_8000 : 0;

	*g = (struct g722_state){ 0 };
	if (!g722_decode_init(&g->bands, G722_BIT_RATE, options))
		return -EINVAL;
	g->bands.itu_test_mode = rate == G722_RATE; /* the bands as they are */
	return 0;
}

static int decoder_g722_samples(struct bytes payload, uint32_t rate)
{
	return payload.n <= CODEC_SAMPLES_MAX ? (int)(payload.n * (rate / G722_RATE_LOW))
					      : -EBADMSG;
}

static int16_t qmf_sample(const int16_t *at, const int16_t taps[G722_TAPS])
{
	int32_t sum = 0;

	for (int i = 0; i < G722_TAPS; i++)
		sum += at[i] * taps[i];
	sum >>= 11;
	return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

/* Of n pairs of bands, twice as large as they are, n pairs of samples in their place. */
static void qmf_join(struct g722_state *g, int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int low = pcm[2 * i] / 2, high = pcm[2 * i + 1] / 2;

		g->sum[G722_PAST + i] = (int16_t)(low + high);
		g->difference[G722_PAST + i] = (int16_t)(low - high);
	}
	for (size_t i = 0; i < n; i++) {
		pcm[2 * i] = qmf_sample(g->difference + i, g_qmf_even);
		pcm[2 * i + 1] = qmf_sample(g->sum + i, g_qmf_odd);
	}
	memmove(g->sum, g->sum + n, G722_PAST * sizeof(g->sum[0]));
	memmove(g->difference, g->difference + n, G722_PAST * sizeof(g->difference[0]));
}

static int decoder_g722_frame(void *state, struct bytes payload, int16_t *pcm, uint32_t samples)
{
	struct g722_state *g = state;

	if (samples == payload.n)
		return g722_decode(&g->bands, pcm, payload.p, (int)payload.n);
	for (size_t at = 0; at < payload.n; at += G722_BLOCK) {
		struct bytes block = bytes_sub(payload, at, G722_BLOCK);

		(void)g722_decode(&g->bands, pcm + 2 * at, block.p, (int)block.n);
		qmf_join(g, pcm + 2 * at, block.n);
	}
	return (int)samples;
}

const struct decoder_kind decoder_g722 = {
	.name = "G722",
	.rate = G722_RATE,
	.clock = 8000,
	.takes = decoder_g722_accepts,
	.state_size = decoder_g722_state_size,
	.state_open = decoder_g722_open,
	.samples = decoder_g722_samples,
	.frame = decoder_g722_frame,
};
