/* SPDX-License-Identifier: Apache-2.0 */
/* What a codec is to dsp/codec/decoder.c. */
#ifndef DSP_DECODER_KIND_H
#define DSP_DECODER_KIND_H

#include <stddef.h>

#include "dsp/codec/decoder.h"

struct decoder_kind {
	const char *name; /* encoding name (RFC 3551 6) */
	uint32_t rate;    /* of its PCM by default */
	uint32_t clock;   /* of RTP; 0: its rate */
	bool (*takes)(uint32_t rate);
	size_t (*state_size)(void);
	/* 0 or -errno; also of what was used already */
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

#endif
