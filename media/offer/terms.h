/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one party may be offered and may use, and its recording state in SDP. Calls store these;
 * media/offer/offer.h reads them.
 */
#ifndef MEDIA_OFFER_TERMS_H
#define MEDIA_OFFER_TERMS_H

#include <stdbool.h>
#include <stdint.h>

/* A line's recording state for its party (RFC 7866 7.1.2); a higher one includes lower ones. */
enum offer_record {
	OFFER_RECORD_NONE, /* without a=record */
	OFFER_RECORD_OFF,
	OFFER_RECORD_PAUSED,
	OFFER_RECORD_ON,
};

/* What a party would have (RFC 7866 7.1.3). */
enum offer_record_preference {
	OFFER_PREFERS_NOTHING,
	OFFER_PREFERS_ON,
	OFFER_PREFERS_OFF,
	OFFER_PREFERS_PAUSE,
	OFFER_PREFERENCES,
};

enum { OFFER_CODECS_MAX = 16, OFFER_CODEC_NAME_MAX = 16 };

enum offer_video {
	OFFER_VIDEO_H264 = 1,
	OFFER_VIDEO_VP8 = 2,
	OFFER_VIDEO_VP9 = 4,
	OFFER_VIDEO_AV1 = 8,
	OFFER_VIDEO_H265 = 16,
	OFFER_VIDEO_ALL = 31,
};

enum offer_lines_bit {
#define OFFER_LINE(suffix, word, help) OFFER_LINES_BIT_##suffix,
#include "media/offer/lines.def"
#undef OFFER_LINE
	OFFER_LINES_WORDS,
};

/* Lines that are neither audio nor video; one passes where both parties may have it. */
enum offer_lines {
	OFFER_LINES_NONE = 0,
#define OFFER_LINE(suffix, word, help) OFFER_LINES_##suffix = 1 << OFFER_LINES_BIT_##suffix,
#include "media/offer/lines.def"
#undef OFFER_LINE
	OFFER_LINES_ALL = (1 << OFFER_LINES_WORDS) - 1,
};

/* How digits go to a party, and come from it. */
enum offer_digits {
	OFFER_DIGITS_EVENTS,
	OFFER_DIGITS_INFO,
	OFFER_DIGITS_TONES, /* in its sound */
};

/* What one party may be offered and may use: its codec profile. All zero: no limits, plain RTP. */
struct offer_terms {
	/* ms, a=ptime towards it if that codec comes first; 0: as the other party said. */
	uint8_t ptime_g711, ptime_g729;
	/* enum offer_digits; unless EVENTS, telephone-event is not offered or accepted. */
	uint8_t digits;
	/* Its media may be at another address than its signalling (sig/leg/line_facts.h). */
	bool media_by_sdp;
	bool no_video; /* m=video is refused of it and towards it */
	/* enum offer_video; 0: H.264 only. Other codecs pass only if both parties may have them. */
	uint8_t video_codecs;
	/* Limit of b=AS and b=TIAS of video in SDP to it; 0: as the other party said. */
	uint32_t video_kbps;
	uint8_t lines;    /* enum offer_lines */
	bool sdes_offer;  /* it is offered RTP/SAVP with our key instead of RTP/AVP */
	bool sdes_accept; /* its RTP/SAVP is accepted; else such a line is refused */
	bool sdes_only;   /* its plain RTP is refused, and it is never offered it */
	/* A WebRTC endpoint (RFC 8834, 8827): UDP/TLS/RTP/SAVPF with ICE-lite on our side,
	 * DTLS-SRTP, rtcp-mux, BUNDLE; or a phone with DTLS-SRTP alone. An offer shows which of the
	 * three it is, so that several may be accepted; DTLS is preferred to SDES. rtcp-mux is
	 * offered and accepted here whatever the policy says. */
	bool dtls_offer;  /* it is offered that, setup:actpass, instead of anything else */
	bool dtls_accept; /* it may offer or answer it; else such a line is refused */
	bool dtls_only;   /* anything else of it is refused */
	/* Its audio may be transcoded without a common codec, if the other party's may be, too. */
	bool transcode;
	uint8_t codec_count; /* 0: all */
	/* encoding names of audio; others are removed from its offers and offers to it. A leg
	 * stores only as many as there are (leg_terms) */
	char codecs[OFFER_CODECS_MAX][OFFER_CODEC_NAME_MAX];
};

#endif
