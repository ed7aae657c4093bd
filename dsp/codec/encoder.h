/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encodes PCM into a packet's payload, for what the node plays, mixes and transcodes. One thread at
 * a time uses an encoder. Memory is allocated at open only. Opus needs 128 KiB of stack.
 */
#ifndef DSP_CODEC_ENCODER_H
#define DSP_CODEC_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "dsp/codec/codec.h"

struct encoder;

enum { ENCODER_PACKET_MS_MAX = 60 };

/* 0 is a codec's default, but of complexity. */
struct encoder_settings {
	const char *codec; /* its encoding name (RFC 3551 6) */
	/* Default 20. Opus: 5, 10, 20, 40 or 60; more than 20 only with a complexity of at most 5,
	 * more than 40 only with at most 2, or at 8000 Hz: otherwise one packet takes more than 0.3
	 * ms and delays the worker's round. G.729: a multiple of 10. */
	uint32_t packet_ms;
	uint32_t bit_rate;   /* G.722: 64000. Opus: 6000 to 128000, or 20000. G.711 has but one */
	uint32_t complexity; /* of Opus, 0 to 10 */
	/* PCM rate in Hz. Opus: 8000, 12000, 16000, 24000 or 48000; 0: 8000 below 14 kbit/s, 16000
	 * below 24, else 48000. G.722: 16000, or 8000 for the lower band only. L16: 8000 to 48000,
	 * whole kHz. */
	uint32_t rate;
	/* The rest is Opus's alone. */
	/* nothing above it is sent: 4000, 6000, 8000, 12000 or 20000 (RFC 6716 2) */
	uint32_t bandwidth_hz;
	/* each packet repeats the one before, for so much loss; 0: it does not */
	uint32_t loss_percent;
	bool dtx;   /* while it is silent a packet each 400 ms; as dear as others */
	bool voice; /* there is never music in it */
};

/* 0, -EINVAL, -ENOTSUP (its module is not there: dsp/codec/g729.h), -ENOMEM */
int encoder_open(struct encoder **out, const struct encoder_settings *s) NODISCARD;
struct codec_format encoder_format(const struct encoder *e);
/* What a packet costs, about, by the table of dsp/codec/codec.h. */
uint32_t encoder_cost_ns(const struct encoder *e);
/* Encodes one packet of as many samples as its format says. Returns the octets of the payload, 0 if
 * nothing is to be sent (dtx), -EINVAL, -ENOSPC or -EIO. */
int encoder_frame(struct encoder *e, const int16_t *pcm, uint32_t samples, uint8_t *out,
		  uint32_t cap);
/* From the next packet on, Opus only: less by load, more later. Returns 0, -EINVAL or -ENOTSUP. */
int encoder_tune(struct encoder *e, uint32_t bit_rate, uint32_t complexity) NODISCARD;
/* From the next packet on, Opus only: another packet_ms. Returns 0, -EINVAL, or -ENOTSUP (other
 * codecs have fixed frames). */
int encoder_stretch(struct encoder *e, uint32_t packet_ms) NODISCARD;
/* Encodes the next packet independently of earlier ones, so that a listener may switch to this
 * encoder. Opus only; G.711 and L16 never depend on earlier packets, the other codecs always do. */
void encoder_look_forward(struct encoder *e);
/* From now on `to` makes what `from` makes, octet for octet, as long as both get the same input.
 * Both were opened with the same codec, rate and packet_ms. Within a process: states point into
 * libraries. Returns 0, -EINVAL or -ENOTSUP (G.729). */
int encoder_copy(struct encoder *to, const struct encoder *from) NODISCARD;
/* As if opened anew, with the present settings. 0; -ENOMEM (G.729): then it can only be closed. */
int encoder_reset(struct encoder *e) NODISCARD;
void encoder_close(struct encoder *e); /* NULL is fine */

/* CPU time of codecs for 20 ms, as `./tandem bench transcode --row codecs` measures it, rounded up.
 * A caller that works in slices counts by it and not by the clock, so that the order is the same
 * each time. */

/* At another rate. */
enum {
	/* between any two of 8,000, 16,000 and 48,000 Hz: the filters have as many taps a second */
	RESAMPLER_NS = 10000,
	SIXTH_BAND_NS = 2500,
};

/* Of settings with defaults: codec, rate and complexity count. */
uint32_t codec_encode_ns(const struct encoder_settings *s);
uint32_t codec_decode_ns(const char *codec, uint32_t rate);

#endif
