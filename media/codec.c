/* SPDX-License-Identifier: Apache-2.0 */
#include "media/codec.h"

#include "media/payload.h"

/* RFC 3551 6: the clock of G.722 is not its rate. RFC 7587 4.1: opus is always 48000/2. */
static const struct media_codec_facts g_codecs[MEDIA_CODECS_KNOWN] = {
	[MEDIA_CODEC_PCMU] = { "PCMU", "PCMU/8000", NULL, 8000, 1, 0, 8 },
	[MEDIA_CODEC_PCMA] = { "PCMA", "PCMA/8000", NULL, 8000, 1, 8, 8 },
	[MEDIA_CODEC_G722] = { "G722", "G722/8000", NULL, 8000, 1, 9, 8 },
	[MEDIA_CODEC_G729] = { "G729", "G729/8000", "annexb=no", 8000, 1, 18, 1 },
	[MEDIA_CODEC_OPUS] = { "opus", "opus/48000/2", NULL, 48000, 2, 96, 0 },
	[MEDIA_CODEC_G726_32] = { "G726-32", "G726-32/8000", NULL, 8000, 1, 97, 4 },
};

/* What most phones have goes first. */
static const uint8_t g_liked[MEDIA_CODECS_KNOWN] = {
	MEDIA_CODEC_PCMA, MEDIA_CODEC_PCMU, MEDIA_CODEC_G722,
	MEDIA_CODEC_G729, MEDIA_CODEC_OPUS, MEDIA_CODEC_G726_32,
};

const struct media_codec_facts *media_codec_facts(enum media_codec codec)
{
	return (unsigned)codec < COUNT_OF(g_codecs) ? &g_codecs[codec] : NULL;
}

static bool codec_is(const struct media_codec_facts *facts, const struct payload *p)
{
	return payload_is(p, facts->name) && p->clock_hz == facts->clock_hz &&
	       p->channels == facts->channels;
}

enum media_codec media_codec_of(const struct payload *p)
{
	unsigned codec = 0;

	while (codec < MEDIA_CODECS_KNOWN && !codec_is(&g_codecs[codec], p))
		codec++;
	return (enum media_codec)codec;
}

uint8_t media_codecs_liked(bool spoken, uint8_t out[MEDIA_CODECS_KNOWN])
{
	uint8_t count = 0;

	for (size_t i = 0; i < COUNT_OF(g_liked); i++) {
		if (!spoken || g_liked[i] < MEDIA_CODECS)
			out[count++] = g_liked[i];
	}
	return count;
}
