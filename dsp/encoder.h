/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCM into the payload of a packet, for what the node plays itself. One thread at a time uses an encoder.
 * Memory is allocated at open alone. Opus needs 128 KiB of stack.
 */
#ifndef DSP_ENCODER_H
#define DSP_ENCODER_H

#include <stdint.h>

#include "base/compiler.h"

struct encoder;

enum {
	ENCODER_PACKET_MS_MAX = 60,
	ENCODER_OPUS_PACKET_MS_MAX = 20, /* longer ones hold up the worker's round */
};

/* 0 is a codec's default, but of complexity. */
struct encoder_settings {
	const char *codec;   /* its encoding name (RFC 3551 6) */
	uint32_t packet_ms;  /* 20; of Opus 5, 10 or 20 */
	uint32_t bit_rate;   /* G.722: 64000. Opus: 6000 to 128000, or 20000. G.711 has but one */
	uint32_t complexity; /* of Opus, 0 to 10 */
};

/* 0, -EINVAL, -ENOMEM */
int encoder_open(struct encoder **out, const struct encoder_settings *s) NODISCARD;
/* PCM in Hz that it wants. Opus: 8000 below 14 kbit/s, 16000 below 24, else 48000. */
uint32_t encoder_rate(const struct encoder *e);
/* What a packet costs, about, on a core of 3 GHz. */
uint32_t encoder_cost_ns(const struct encoder *e);
/* One packet: samples are rate * packet_ms / 1000. The octets of the payload, or -EINVAL, -ENOSPC, -EIO. */
int encoder_frame(struct encoder *e, const int16_t *pcm, uint32_t samples, uint8_t *out,
		  uint32_t cap);
void encoder_close(struct encoder *e); /* NULL is fine */

#endif
