/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opus by libopus, mono: what comes in two channels is mixed by the decoder, and at the rate that was asked for whatever came (RFC 7587
 * 4.1). It conceals, and repeats of a packet what the next one has of it.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <opus/opus.h>

#include "dsp/codec/decoder_kind.h"

enum {
	OPUS_RATE = 48000,
	RATE_STEP = 4000 /* of which all are multiples */,
	PAUSE_OCTETS_MAX = 2,
	OPUS_OCTETS_MAX = 1 << 16
};

static bool decoder_opus_takes(uint32_t rate)
{
	return rate == 8000 || rate == 12000 || rate == 16000 || rate == 24000 || rate == 48000;
}

static size_t decoder_opus_state_size(void)
{
	return (size_t)opus_decoder_get_size(1);
}

static const void *fresh_make(uint32_t rate, _Atomic(void *) *place)
{
	void *made = malloc(decoder_opus_state_size()), *first = NULL;

	if (made && opus_decoder_init(made, (opus_int32)rate, 1) == OPUS_OK &&
	    atomic_compare_exchange_strong(place, &first, made))
		return made;
	free(made);
	return first; /* another thread's */
}

/* One that has decoded nothing; NULL: there is none. It stays. */
static const void *fresh_of(uint32_t rate)
{
	static _Atomic(void *) g_fresh[OPUS_RATE / RATE_STEP + 1];
	_Atomic(void *) *place = &g_fresh[rate / RATE_STEP];
	const void *fresh = atomic_load_explicit(place, memory_order_acquire);

	return fresh ? fresh : fresh_make(rate, place);
}

/*
 * A state is one piece of memory, which may be copied (opus.h). To have it made asks for the kind of CPU several times, and in a virtual
 * machine each of these takes some microseconds.
 */
static int decoder_opus_open(void *state, uint32_t rate)
{
	const void *fresh = fresh_of(rate);

	if (!fresh)
		return opus_decoder_init(state, (opus_int32)rate, 1) == OPUS_OK ? 0 : -EINVAL;
	memcpy(state, fresh, decoder_opus_state_size());
	return 0;
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
