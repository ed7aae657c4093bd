/* SPDX-License-Identifier: Apache-2.0 */
/* What a codec is to dsp/codec/decoder.c. */
#ifndef DSP_CODEC_CODEC_KIND_H
#define DSP_CODEC_CODEC_KIND_H

#include <stdalign.h>
#include <stddef.h>

#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"

struct decoder_kind {
	const char *name; /* encoding name (RFC 3551 6) */
	uint32_t rate;    /* of its PCM by default */
	uint32_t clock;   /* of RTP; 0: its rate */
	bool (*takes)(uint32_t rate);
	size_t (*state_size)(void);
	/* 0 or -errno; also for a state in use. */
	int (*state_open)(void *state, uint32_t rate);
	void (*state_close)(void *state); /* NULL: nothing to do */
	/* How many samples it has, which frame() then makes; -EBADMSG. */
	int (*samples)(struct bytes payload, uint32_t rate);
	int (*frame)(void *state, struct bytes payload, int16_t *pcm, uint32_t samples);
	/* NULL: it has no means. */
	bool (*pauses)(struct bytes payload);
	int (*conceal)(void *state, int16_t *pcm, uint32_t samples);
	int (*recover)(void *state, struct bytes next, int16_t *pcm, uint32_t samples);
	uint32_t conceals_us; /* multiples of that */
};

extern const struct decoder_kind decoder_pcmu, decoder_pcma, decoder_g722, decoder_g726_32,
	decoder_g729, decoder_l16, decoder_opus;

/* What a codec is to dsp/codec/encoder.c. */

struct encoder_kind {
	const char *name; /* encoding name (RFC 3551 6) */
	/* The rate under these settings, with defaults filled in. 0: the codec cannot do it. */
	uint32_t (*rate)(const struct encoder_settings *s);
	size_t (*state_size)(void);
	/* 0 or -errno; also for a state in use. */
	int (*state_open)(void *state, const struct encoder_settings *s, uint32_t rate);
	/* NULL: there is nothing to do, and a copy of the state is one more. */
	void (*state_close)(void *state);
	/* Octets, or -errno. */
	int (*frame)(void *state, const int16_t *pcm, uint32_t samples, uint8_t *out, uint32_t cap);
	/* NULL: it cannot. */
	int (*tune)(void *state, const struct encoder_settings *s);
	void (*look_forward)(void *state);
	uint32_t bit_rate; /* by default */
	uint32_t clock;    /* of RTP; 0: its rate */
};

extern const struct encoder_kind encoder_pcmu, encoder_pcma, encoder_g722, encoder_opus,
	encoder_g726_32, encoder_g729, encoder_l16;

#endif
