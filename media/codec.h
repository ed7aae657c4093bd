/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audio codecs that the node knows by itself: their SDP, and whether it can encode and decode them.
 * To add such a codec, add a line here and an encoder of the same name (dsp/codec/encoder.h):
 * music, tones, files, and our own offers and answers follow.
 */
#ifndef MEDIA_CODEC_H
#define MEDIA_CODEC_H

#include "base/bytes.h"

struct payload;

enum media_codec {
	MEDIA_CODEC_PCMU,
	MEDIA_CODEC_PCMA,
	MEDIA_CODEC_G722,
	MEDIA_CODEC_OPUS,
	MEDIA_CODEC_G726_32,
	MEDIA_CODECS, /* those above are spoken, */
	MEDIA_CODEC_G729 =
		MEDIA_CODECS, /* those below are not: G.729 is relayed, or coded by a module; */
	MEDIA_CODEC_L16,      /* L16 is coded, and only offered to a party that names it */
	MEDIA_CODEC_L16_WIDE,
	MEDIA_CODECS_KNOWN,
};

struct media_codec_facts {
	const char *name;       /* encoding name */
	const char *encoding;   /* of a=rtpmap */
	const char *parameters; /* of a=fmtp; NULL: no a=fmtp */
	uint32_t clock_hz;      /* of RTP */
	uint8_t channels;
	/* Static number; for a dynamic codec the number in our offers, if it is free. */
	uint8_t number;
	uint8_t octets_ms; /* that it always needs; 0: now more, now less */
};

/* NULL: no such codec. */
const struct media_codec_facts *media_codec_facts(enum media_codec codec);
/* MEDIA_CODECS_KNOWN: it is unknown. */
enum media_codec media_codec_of(const struct payload *p);
/* Makes a codec transcodable that is not spoken, by a module: once, before other threads start. */
void media_codec_code(enum media_codec codec);
/* It is decoded and encoded here, so that two parties without a common codec hear each other. */
bool media_codec_is_transcodable(enum media_codec codec);
/* The codecs that we offer, the best first: spoken ones before others. named: for a party with a
 * list of allowed codecs, L16 as well. Returns how many. */
uint8_t media_codecs_transcodable(uint8_t out[MEDIA_CODECS_KNOWN], bool named);
/* Those that are spoken, or all that we offer, the best first. How many. */
uint8_t media_codecs_liked(bool spoken, uint8_t out[MEDIA_CODECS_KNOWN]);

/* What m-lines carry, and what follows from that alone. A kind that is RTP has its formats in
 * media/offer/line.c, and a word in media/offer/lines.def if profiles have to allow it. */

/* In records: they keep their numbers. */
enum media_kind {
	MEDIA_AUDIO,
	MEDIA_VIDEO,
	MEDIA_OPAQUE, /* any other: its packets pass as they are, whatever is in them */
	MEDIA_TEXT,   /* T.140, as it is typed (RFC 4103) */
	MEDIA_KINDS,
};

/* By the first field of m=, in any case. */
enum media_kind media_kind_of(struct bytes media);
/* That field, or "other". */
const char *media_kind_name(enum media_kind kind);
/* True if a sender sends all the time. Other lines may be silent for long: a reader of real-time
 * text types nothing for hours. */
bool media_kind_is_steady(enum media_kind kind);

#endif
