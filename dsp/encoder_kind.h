/* SPDX-License-Identifier: Apache-2.0 */
/* What a codec is to dsp/encoder.c. */
#ifndef DSP_ENCODER_KIND_H
#define DSP_ENCODER_KIND_H

#include <stdalign.h>
#include <stddef.h>

#include "dsp/encoder.h"

struct encoder_kind {
	const char *name; /* encoding name (RFC 3551 6) */
	/* The rate it wants under these settings, whose defaults are filled in. 0: it cannot be had. */
	uint32_t (*rate)(const struct encoder_settings *s);
	size_t (*state_size)(void);
	/* 0 or -errno */
	int (*state_open)(void *state, const struct encoder_settings *s, uint32_t rate);
	/* Octets, or -errno. */
	int (*frame)(void *state, const int16_t *pcm, uint32_t samples, uint8_t *out, uint32_t cap);
	uint32_t bit_rate; /* by default */
	uint32_t cost_ns;  /* of a packet of 20 ms, about */
};

extern const struct encoder_kind encoder_pcmu, encoder_pcma, encoder_g722, encoder_opus,
	encoder_g726_32;

#endif
