/* SPDX-License-Identifier: Apache-2.0 */
/* G.711, both laws: an octet for each sample of 16 bits. No state. */
#ifndef DSP_G711_H
#define DSP_G711_H

#include <stddef.h>
#include <stdint.h>

enum {
	G711_RATE = 8000,
	G711_ULAW_SILENCE = 0xff,
	G711_ALAW_SILENCE = 0xd5,
};

void g711_ulaw_encode(uint8_t *out, const int16_t *pcm, size_t n);
void g711_alaw_encode(uint8_t *out, const int16_t *pcm, size_t n);
void g711_ulaw_decode(int16_t *pcm, const uint8_t *octets, size_t n);
void g711_alaw_decode(int16_t *pcm, const uint8_t *octets, size_t n);

/* One sample, by the arithmetic of G.711 and ITU-T G.191: what the others are tested against. */
uint8_t g711_ulaw_of(int16_t sample);
uint8_t g711_alaw_of(int16_t sample);
int16_t g711_ulaw_sample(uint8_t octet);
int16_t g711_alaw_sample(uint8_t octet);

#endif
