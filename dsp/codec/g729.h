/* SPDX-License-Identifier: Apache-2.0 */
/*
 * G.729 with Annexes A and B, by bcg729. Its licence is the GPL, so it is a separate module, loaded
 * where it is installed (docs/adr/0036-g729-apart.md). Before that, and without it, encoder and
 * decoder are refused with -ENOTSUP.
 */
#ifndef DSP_G729_H
#define DSP_G729_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/module.h"

enum {
	G729_VERSION = 1, /* of this struct */
	G729_RATE = 8000,
	G729_FRAME_MS = 10,
	G729_SAMPLES = 80, /* of a frame */
	G729_OCTETS = 10,
	G729_SID_OCTETS = 2, /* Annex B: what the silence is like */
	G729_OCTETS_MAX = 12 * G729_OCTETS,
};

#define G729_MODULE "tandem-g729.so"
#define G729_SYMBOL "tandem_g729"

/* What the module has under its symbol. Memory is allocated at open alone. */
struct g729_module {
	uint32_t version;
	void *(*encoder_open)(void); /* NULL: no memory */
	void (*encode)(void *encoder, const int16_t pcm[G729_SAMPLES], uint8_t out[G729_OCTETS]);
	void (*encoder_close)(void *encoder);
	void *(*decoder_open)(void); /* NULL: no memory */
	/* Decodes a frame, a SID frame, or no octets: a lost frame is concealed. */
	void (*decode)(void *decoder, const uint8_t *octets, uint8_t n, int16_t pcm[G729_SAMPLES]);
	void (*decoder_close)(void *decoder);
};

/* Once, before threads start. Returns 0, or -ENOENT with the reason in `why`. */
int g729_load(char why[MODULE_TEXT_MAX]) NODISCARD;
/* NULL: it was not loaded. */
const struct g729_module *g729_module(void);

#endif
