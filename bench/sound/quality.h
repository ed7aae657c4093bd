/* SPDX-License-Identifier: Apache-2.0 */
/* A voice through a codec that loses packets of 20 ms. */
#ifndef BENCH_SOUND_QUALITY_H
#define BENCH_SOUND_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "dsp/plc.h"

struct g722_decode_state_s;

enum { QUALITY_FRAME_MAX = 320, QUALITY_FRAMES_MAX = 30000 }; /* ten minutes */

enum quality_method {
	QUALITY_NONE, /* nothing is lost */
	QUALITY_ZERO,
	QUALITY_REPEAT,  /* the frame before, again and again */
	QUALITY_LIBRARY, /* that of spandsp for G.711, of libopus for Opus */
	QUALITY_FEC, /* of Opus: what the next packet has of the lost one, where it came; else libopus */
	QUALITY_PLC,     /* ours */
	QUALITY_PLC_LED, /* of G.722: the decoder hears what was made, too; else it is left as it is */
	QUALITY_PLC_RESET, /* the decoder begins anew */
	QUALITY_METHODS,
};

struct quality {
	enum quality_method method;
	uint32_t frame; /* samples */
	uint32_t frames;
	int16_t *in, *out; /* frame * frames */
	char *lost;        /* '1' where one is */
};

void quality_pcmu(const struct quality *q);
void quality_g722(const struct quality *q);
void quality_opus(const struct quality *q);
/* G.711 that is transcoded into Opus of 8000 Hz, as a node does: packets are lost on the way there. */
void quality_coded(const struct quality *q);

/* In place of plc_lost(), of a frame at 16000 Hz. */
void quality_led_lost(struct plc *s, struct g722_decode_state_s *decoder, int16_t *out, uint32_t n);

#endif
