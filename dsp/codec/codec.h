/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an encoder makes and a decoder takes. Names are encoding names (RFC 3551 6), as
 * media/codec.h has them for SDP.
 */
#ifndef DSP_CODEC_H
#define DSP_CODEC_H

#include <stdint.h>

enum {
	CODEC_PACKET_MS = 20,
	/* of received packets (RFC 7587 4.2); the longest ptime sets no limit */
	CODEC_PACKET_MS_MAX = 120,
	CODEC_RATE_MAX = 48000,
	CODEC_SAMPLES_MAX = CODEC_RATE_MAX / 1000 * CODEC_PACKET_MS_MAX,

	G722_RATE = 16000,
	G722_RATE_LOW = 8000, /* its lower band alone */
	G722_BIT_RATE = 64000,
	G726_RATE = 8000,
	G726_BIT_RATE = 32000,
};

struct codec_format {
	const char *codec;
	uint32_t rate; /* of the PCM, Hz */
	/* RTP clock in Hz. Not the chosen audio rate, and for G.722 always 8,000 by an old mistake
	 * (RFC 3551 4.5.2). */
	uint32_t clock;
	uint32_t samples; /* of PCM in a packet of packet_ms, or of 20 ms in a decoder */
};

#endif
