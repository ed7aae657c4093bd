/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opus by libopus, mono (RFC 6716, RFC 7587): encoder and decoder kinds for transcoding, rooms,
 * players and recordings. States are plain memory of a known size, so they can be copied when a
 * member's stream splits from the shared one. The encoder uses constrained VBR, because a constant
 * rate costs twice as much CPU.
 */

#include <errno.h>
#include <opus/opus.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/codec/codec_kind.h"

enum {
	BIT_RATE_MIN = 6000, /* RFC 7587 6.1: maxaveragebitrate is 6000 to 510000 */
	BIT_RATE_MAX = 128000,
	BIT_RATE_DEFAULT = 20000,
	BIT_RATE_WIDE = 14000,
	BIT_RATE_FULL = 24000,
	COMPLEXITY_MAX = 10,
	LOSS_MAX = 100,
	CLOCK = 48000,     /* RFC 7587 4.1 */
	SILENT_OCTETS = 2, /* so short, it is no frame (RFC 6716 3.1), and is not sent with DTX */
	NO_BANDWIDTH = -9999, /* libopus has no such value */
};

struct opus_state {
	bool dtx;
	bool looks_forward; /* with the next packet */
	alignas(max_align_t) uint8_t encoder[];
};

static bool opus_packet_is_sane(const struct encoder_settings *s, uint32_t rate)
{
	bool quick = rate == 8000 || s->complexity <= 2;

	switch (s->packet_ms) {
	case 5:
	case 10:
	case 20:
		return true;
	case 40:
		return quick || s->complexity <= 5;
	case 60:
		return quick;
	default:
		return false;
	}
}

static opus_int32 opus_bandwidth(uint32_t hz)
{
	switch (hz) {
	case 4000:
		return OPUS_BANDWIDTH_NARROWBAND;
	case 6000:
		return OPUS_BANDWIDTH_MEDIUMBAND;
	case 8000:
		return OPUS_BANDWIDTH_WIDEBAND;
	case 12000:
		return OPUS_BANDWIDTH_SUPERWIDEBAND;
	case 0:
	case 20000:
		return OPUS_BANDWIDTH_FULLBAND;
	default:
		return NO_BANDWIDTH;
	}
}

static uint32_t opus_rate_for(uint32_t bit_rate)
{
	if (bit_rate < BIT_RATE_WIDE)
		return 8000;
	return bit_rate < BIT_RATE_FULL ? 16000 : 48000;
}

static uint32_t encoder_opus_rate(const struct encoder_settings *s)
{
	uint32_t rate = s->rate ? s->rate : opus_rate_for(s->bit_rate);

	if (rate != 8000 && rate != 12000 && rate != 16000 && rate != 24000 && rate != 48000)
		return 0;
	if (s->bit_rate < BIT_RATE_MIN || s->bit_rate > BIT_RATE_MAX ||
	    s->complexity > COMPLEXITY_MAX || s->loss_percent > LOSS_MAX ||
	    opus_bandwidth(s->bandwidth_hz) == NO_BANDWIDTH)
		return 0;
	return opus_packet_is_sane(s, rate) ? rate : 0;
}

static size_t encoder_opus_state_size(void)
{
	return sizeof(struct opus_state) + (size_t)opus_encoder_get_size(1);
}

static OpusEncoder *opus_encoder_of(struct opus_state *o)
{
	return (void *)o->encoder;
}

static int encoder_opus_tune(void *state, const struct encoder_settings *s)
{
	OpusEncoder *opus = opus_encoder_of(state);

	if (opus_encoder_ctl(opus, OPUS_SET_BITRATE((opus_int32)s->bit_rate)) != OPUS_OK ||
	    opus_encoder_ctl(opus, OPUS_SET_COMPLEXITY((opus_int32)s->complexity)) != OPUS_OK)
		return -EINVAL;
	return 0;
}

static int encoder_opus_set(OpusEncoder *opus, const struct encoder_settings *s)
{
	opus_int32 loss = (opus_int32)s->loss_percent;
	opus_int32 signal = s->voice ? OPUS_SIGNAL_VOICE : OPUS_AUTO;

	if (opus_encoder_ctl(opus, OPUS_SET_VBR(1)) != OPUS_OK ||
	    opus_encoder_ctl(opus, OPUS_SET_INBAND_FEC(loss > 0)) != OPUS_OK ||
	    opus_encoder_ctl(opus, OPUS_SET_PACKET_LOSS_PERC(loss)) != OPUS_OK ||
	    opus_encoder_ctl(opus, OPUS_SET_DTX(s->dtx)) != OPUS_OK ||
	    opus_encoder_ctl(opus, OPUS_SET_SIGNAL(signal)) != OPUS_OK ||
	    opus_encoder_ctl(opus, OPUS_SET_MAX_BANDWIDTH(opus_bandwidth(s->bandwidth_hz))) !=
		    OPUS_OK)
		return -EINVAL;
	return 0;
}

static int encoder_opus_open(void *state, const struct encoder_settings *s, uint32_t rate)
{
	struct opus_state *o = state;
	OpusEncoder *opus = opus_encoder_of(o);
	int err;

	o->dtx = s->dtx;
	if (opus_encoder_init(opus, (opus_int32)rate, 1, OPUS_APPLICATION_VOIP) != OPUS_OK)
		return -EINVAL;
	err = encoder_opus_set(opus, s);
	return err ? err : encoder_opus_tune(state, s);
}

static void encoder_opus_look_forward(void *state)
{
	struct opus_state *o = state;

	o->looks_forward = true;
}

/* For one packet: every decoder stays in step, and it costs at most six octets. */
static int opus_packet_make(struct opus_state *o, const int16_t *pcm, uint32_t samples,
			    uint8_t *out, uint32_t cap)
{
	OpusEncoder *opus = opus_encoder_of(o);
	int n;

	if (o->looks_forward)
		(void)opus_encoder_ctl(opus, OPUS_SET_PREDICTION_DISABLED(1));
	n = opus_encode(opus, pcm, (int)samples, out, (opus_int32)cap);
	if (o->looks_forward)
		(void)opus_encoder_ctl(opus, OPUS_SET_PREDICTION_DISABLED(0));
	o->looks_forward = o->looks_forward && n <= SILENT_OCTETS; /* with what is sent */
	return n;
}

static int encoder_opus_frame(void *state, const int16_t *pcm, uint32_t samples, uint8_t *out,
			      uint32_t cap)
{
	struct opus_state *o = state;
	int n;

	if (cap <= SILENT_OCTETS)
		return -ENOSPC;
	n = opus_packet_make(o, pcm, samples, out, cap);
	if (n == OPUS_BUFFER_TOO_SMALL)
		return -ENOSPC;
	if (n <= 0)
		return -EIO;
	return o->dtx && n <= SILENT_OCTETS ? 0 : n;
}

const struct encoder_kind encoder_opus = {
	.name = "opus",
	.rate = encoder_opus_rate,
	.state_size = encoder_opus_state_size,
	.state_open = encoder_opus_open,
	.frame = encoder_opus_frame,
	.tune = encoder_opus_tune,
	.look_forward = encoder_opus_look_forward,
	.bit_rate = BIT_RATE_DEFAULT,
	.clock = CLOCK,
};

/* Opus by libopus, mono. The decoder mixes two channels down, and decodes to the wanted rate
 * whatever the sender used (RFC 7587 4.1). It conceals losses, and recovers a packet from its copy
 * in the next one. */

enum {
	OPUS_RATE = 48000,
	RATE_STEP = 4000 /* of which all are multiples */,
	PAUSE_OCTETS_MAX = 2,
	OPUS_OCTETS_MAX = 1 << 16
};

static bool decoder_opus_accepts(uint32_t rate)
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

/* The state of a decoder that has decoded nothing, never freed; NULL if it cannot be made. */
static const void *fresh_of(uint32_t rate)
{
	static _Atomic(void *) g_fresh[OPUS_RATE / RATE_STEP + 1];
	_Atomic(void *) *place = &g_fresh[rate / RATE_STEP];
	const void *fresh = atomic_load_explicit(place, memory_order_acquire);

	return fresh ? fresh : fresh_make(rate, place);
}

/* A state is one piece of memory, which may be copied (opus.h). Making one anew detects the CPU's
 * features several times, which takes some microseconds each in a virtual machine. */
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
	.takes = decoder_opus_accepts,
	.state_size = decoder_opus_state_size,
	.state_open = decoder_opus_open,
	.samples = decoder_opus_samples,
	.frame = decoder_opus_frame,
	.pauses = decoder_opus_pauses,
	.conceal = decoder_opus_conceal,
	.recover = decoder_opus_recover,
	.conceals_us = 2500,
};
