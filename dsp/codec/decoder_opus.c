/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opus by libopus, mono: what comes in two channels is mixed by the decoder, and at the rate that was asked for whatever came (RFC 7587
 * 4.1). It conceals, and repeats of a packet what the next one has of it.
 */
#include <errno.h>

#include <opus/opus.h>

#include "dsp/codec/decoder_kind.h"

enum { OPUS_RATE = 48000, PAUSE_OCTETS_MAX = 2, OPUS_OCTETS_MAX = 1 << 16 };

static bool decoder_opus_takes(uint32_t rate)
{
	return rate == 8000 || rate == 12000 || rate == 16000 || rate == 24000 || rate == 48000;
}

static size_t decoder_opus_state_size(void)
{
	return (size_t)opus_decoder_get_size(1);
}

static int decoder_opus_open(void *state, uint32_t rate)
{
	return opus_decoder_init(state, (opus_int32)rate, 1) == OPUS_OK ? 0 : -EINVAL;
}

/* The library looks again, and deeper, before it decodes. */
static int decoder_opus_samples(struct bytes payload, uint32_t rate)
{
	int n = payload.n <= OPUS_OCTETS_MAX
			? opus_packet_get_nb_samples(payload.p, (opus_int32)payload.n,
						     (opus_int32)rate)
			: OPUS_INVALID_PACKET;

	return n > 0 ? n : -EBADMSG;
}

static int decoder_opus_frame(void *state, struct bytes payload, int16_t *pcm, uint32_t samples)
{
	int n = opus_decode(state, payload.p, (opus_int32)payload.n, pcm, (int)samples, 0);

	return n >= 0 ? n : -EBADMSG;
}

/* RFC 6716 3.1: a TOC alone, or with one octet that is no frame. */
static bool decoder_opus_pauses(struct bytes payload)
{
	return payload.n > 0 && payload.n <= PAUSE_OCTETS_MAX;
}

static int decoder_opus_conceal(void *state, int16_t *pcm, uint32_t samples)
{
	int n = opus_decode(state, NULL, 0, pcm, (int)samples, 0);

	return n >= 0 ? n : -EINVAL;
}

static int decoder_opus_recover(void *state, struct bytes next, int16_t *pcm, uint32_t samples)
{
	int n = opus_decode(state, next.p, (opus_int32)next.n, pcm, (int)samples, 1);

	return n >= 0 ? n : -EBADMSG;
}

const struct decoder_kind decoder_opus = {
	.name = "opus",
	.rate = OPUS_RATE,
	.clock = OPUS_RATE,
	.takes = decoder_opus_takes,
	.state_size = decoder_opus_state_size,
	.state_open = decoder_opus_open,
	.samples = decoder_opus_samples,
	.frame = decoder_opus_frame,
	.pauses = decoder_opus_pauses,
	.conceal = decoder_opus_conceal,
	.recover = decoder_opus_recover,
	.conceals_us = 2500,
};
