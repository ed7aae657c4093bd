/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "media/codec.h"
#include "media/payload.h"

static const struct {
	const char *name;
	bool steady;
} g_kinds[MEDIA_KINDS] = {
	[MEDIA_AUDIO] = { "audio", true },
	[MEDIA_VIDEO] = { "video", true },
	[MEDIA_OPAQUE] = { "other", false },
	[MEDIA_TEXT] = { "text", false },
};

enum media_kind media_kind_of(struct bytes media)
{
	for (unsigned i = 0; i < MEDIA_KINDS; i++) {
		if (i != MEDIA_OPAQUE && bytes_iis(media, g_kinds[i].name))
			return (enum media_kind)i;
	}
	return MEDIA_OPAQUE;
}

const char *media_kind_name(enum media_kind kind)
{
	assert((unsigned)kind < MEDIA_KINDS);
	return g_kinds[kind].name;
}

bool media_kind_is_steady(enum media_kind kind)
{
	assert((unsigned)kind < MEDIA_KINDS);
	return g_kinds[kind].steady;
}

/* RFC 3551 6: the clock of G.722 is not its rate. RFC 7587 4.1: opus is always 48000/2. */
static const struct media_codec_facts g_codec_facts[MEDIA_CODECS_KNOWN] = {
	[MEDIA_CODEC_PCMU] = { "PCMU", "PCMU/8000", NULL, 8000, 1, 0, 8 },
	[MEDIA_CODEC_PCMA] = { "PCMA", "PCMA/8000", NULL, 8000, 1, 8, 8 },
	[MEDIA_CODEC_G722] = { "G722", "G722/8000", NULL, 8000, 1, 9, 8 },
	[MEDIA_CODEC_G729] = { "G729", "G729/8000", "annexb=no", 8000, 1, 18, 1 },
	[MEDIA_CODEC_OPUS] = { "opus", "opus/48000/2", NULL, 48000, 2, 96, 0 },
	[MEDIA_CODEC_G726_32] = { "G726-32", "G726-32/8000", NULL, 8000, 1, 97, 4 },
	/* RFC 3551 4.5.11. 44,100 Hz, the static types 10 and 11, is not coded. */
	[MEDIA_CODEC_L16] = { "L16", "L16/8000", NULL, 8000, 1, 98, 16 },
	[MEDIA_CODEC_L16_WIDE] = { "L16", "L16/16000", NULL, 16000, 1, 99, 32 },
};

/* What most phones have goes first. L16 needs four times the octets of G.711: who wants it names it. */
static const uint8_t g_liked[] = {
	MEDIA_CODEC_PCMA, MEDIA_CODEC_PCMU, MEDIA_CODEC_G722,
	MEDIA_CODEC_G729, MEDIA_CODEC_OPUS, MEDIA_CODEC_G726_32,
};

/* Coded, and not spoken: bits by enum media_codec; written before other threads begin. */
static uint32_t g_transcodable = UINT32_C(1) << MEDIA_CODEC_L16 | UINT32_C(1)
									  << MEDIA_CODEC_L16_WIDE;

const struct media_codec_facts *media_codec_facts(enum media_codec codec)
{
	return (unsigned)codec < COUNT_OF(g_codec_facts) ? &g_codec_facts[codec] : NULL;
}

static bool codec_is(const struct media_codec_facts *facts, const struct payload *p)
{
	return payload_is(p, facts->name) && p->clock_hz == facts->clock_hz &&
	       p->channels == facts->channels;
}

enum media_codec media_codec_of(const struct payload *p)
{
	unsigned codec = 0;

	while (codec < MEDIA_CODECS_KNOWN && !codec_is(&g_codec_facts[codec], p))
		codec++;
	return (enum media_codec)codec;
}

void media_codec_code(enum media_codec codec)
{
	g_transcodable |= UINT32_C(1) << codec;
}

bool media_codec_is_transcodable(enum media_codec codec)
{
	return codec < MEDIA_CODECS || (codec < MEDIA_CODECS_KNOWN && g_transcodable >> codec & 1);
}

uint8_t media_codecs_transcodable(uint8_t out[MEDIA_CODECS_KNOWN], bool named)
{
	uint8_t count = media_codecs_liked(true, out);

	for (size_t i = 0; i < COUNT_OF(g_liked); i++) {
		if (g_liked[i] >= MEDIA_CODECS &&
		    media_codec_is_transcodable((enum media_codec)g_liked[i]))
			out[count++] = g_liked[i];
	}
	if (named) {
		out[count++] = MEDIA_CODEC_L16_WIDE;
		out[count++] = MEDIA_CODEC_L16;
	}
	return count;
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
