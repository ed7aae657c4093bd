/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads duration and activity of an audio packet without decoding it: the TOC of Opus (RFC 6716
 * 3.1), SID frames of G.729, constant octets of G.711. Rooms use it to skip silent members before
 * any decoding, and the jitter buffer to know how long a packet sounds. Unknown codecs give 0.
 */

#include "media/rtp/sounding.h"

#include <string.h>

enum {
	OPUS_PAUSE_OCTETS = 2,
	OPUS_FIRST_HYBRID = 12, /* RFC 6716 3.1, Table 2: configurations */
	OPUS_FIRST_CELT = 16,
	G729_OCTETS = 10,
	G729_SID_OCTETS = 2,
	G729_UNITS = 80,
};

/* RFC 6716 3.1: how long a frame is, by the first octet. In units of 48 kHz. */
static uint32_t opus_frame(uint8_t config)
{
	if (config >= OPUS_FIRST_CELT)
		return 120U << (config & 3);
	if (config >= OPUS_FIRST_HYBRID)
		return 480U << (config & 1);
	return (config & 3) == 3 ? 2880 : 480U << (config & 3);
}

static uint32_t opus_units(struct bytes payload)
{
	uint8_t code = payload.p[0] & 3;
	uint32_t frames = code == 0 ? 1 : code < 3 ? 2 : payload.n > 1 ? payload.p[1] & 63U : 0;

	return frames * opus_frame(payload.p[0] >> 3);
}

static uint32_t g729_units(struct bytes payload)
{
	return (uint32_t)(payload.n / G729_OCTETS + (payload.n % G729_OCTETS != 0)) * G729_UNITS;
}

uint32_t sounding_units(enum media_codec codec, struct bytes payload)
{
	const struct media_codec_facts *facts = media_codec_facts(codec);

	if (payload.n == 0 || !facts)
		return 0;
	if (codec == MEDIA_CODEC_OPUS)
		return opus_units(payload);
	if (codec == MEDIA_CODEC_G729)
		return g729_units(payload);
	return (uint32_t)payload.n / facts->octets_ms * (facts->clock_hz / 1000);
}

/* Whatever the octet is: a constant has no sound. */
static bool is_uniform(struct bytes payload)
{
	return payload.p[0] == payload.p[payload.n - 1] &&
	       memcmp(payload.p, payload.p + 1, payload.n - 1) == 0;
}

bool sounding_is_silent(enum media_codec codec, struct bytes payload)
{
	if (payload.n == 0)
		return true;
	if (codec == MEDIA_CODEC_OPUS)
		return payload.n <= OPUS_PAUSE_OCTETS;
	if (codec == MEDIA_CODEC_G729)
		return payload.n == G729_SID_OCTETS;
	return is_uniform(payload);
}

enum sounding_opus sounding_opus(struct bytes payload)
{
	uint32_t frame, flags;
	uint8_t config;

	if (payload.n < 2 || (payload.p[0] & 3) != 0)
		return SOUNDING_UNKNOWN;
	config = payload.p[0] >> 3;
	if (config >= OPUS_FIRST_CELT)
		return SOUNDING_UNKNOWN;
	frame = opus_frame(config);
	flags = frame > 960 ? frame / 960 : 1;
	return payload.p[1] >> (8 - flags) ? SOUNDING_VOICE : SOUNDING_QUIET;
}
