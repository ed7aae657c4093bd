/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offer/answer of a back-to-back user agent that anchors media (RFC 3264, 8866, 3551, 4733, 5761). Pure: SDP texts in,
 * SDP texts and a plan out. What it does not understand in a relayed m-line (attributes, bandwidth, fmtp) is kept;
 * addresses, ports, ICE, crypto and identity (o=, s=) are ours. Leg A is the offerer, leg B the answerer. Each leg is RTP/AVP,
 * RTP/SAVP with SDES keys (RFC 4568), or DTLS-SRTP (RFC 5763) with ICE (RFC 8839) or without, whatever the other is; each has keys of
 * its own. Header extensions, BUNDLE and feedback of a DTLS leg end here: towards the other leg there is nothing of them. Lines that
 * are neither audio nor video pass as they are (media/offer/opaque.h).
 */
#ifndef MEDIA_OFFER_OFFER_H
#define MEDIA_OFFER_OFFER_H

#include "media/flow.h"

/* Whether a line is recorded, as a party is told (RFC 7866 7.1.2); a higher one says more. */
enum offer_record {
	OFFER_RECORD_NONE, /* nothing is said of it */
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

/* What is told of recording; media/offer/record.h. */
struct offer_record_state {
	bool tells;                    /* the party understands it: each line says something */
	uint8_t sound;                 /* enum offer_record: of lines of sound, by this node */
	uint8_t line[MEDIA_LINES_MAX]; /* likewise: of each line, as the other party says */
};

/* What we write about ourselves in SDP towards one party. */
struct offer_self {
	struct addr address;                /* advertised; the port is ignored */
	uint16_t rtp_port[MEDIA_LINES_MAX]; /* per m-line; RTCP is the next port */
	uint64_t session_id;                /* o=, constant for the leg */
	uint64_t session_version;           /* o=, grows by 1 with each changed SDP of the leg */
	/* With what we send each m-line when it is SRTP: the suite takes its octets from the front. In an offer the suite is the one we offer, NONE: the
	 * first of enum media_suite; in an answer it is the offerer's choice and not read. */
	struct media_key keys[MEDIA_LINES_MAX];
	/* Of the lines that are DTLS-SRTP (offer_terms.dtls_*): our part. In an offer a line whose ice is not on is DTLS-SRTP alone; in an
	 * answer ice is read where the party will check us, and the line is refused where it is not on. */
	struct media_ice ice[MEDIA_LINES_MAX];
	struct media_fingerprint
		fingerprint; /* of our certificate; hash NONE: DTLS lines are refused */
	/* flow_spec.ssrc_out of each line, for a=ssrc towards WebRTC endpoints; 0: it is not told. */
	uint32_t ssrc[MEDIA_LINES_MAX];
	/* The last offer on this leg, ours or the party's; empty: none. Its payload types keep their meaning (RFC 3264 8.3.2). Read
	 * by offer_forward. */
	struct bytes earlier;
	/* The party's last SDP; empty: none. Of a codec that was offered in vain, or that its own offer does not name, it is known that it
	 * lacks it. Read by offer_forward. */
	struct bytes remote;
	bool remote_is_offer; /* that was an offer */
	/* Less than the other party says (RFC 3264 8.4). held: we take nothing, sendrecv is sendonly, and recvonly is inactive.
	 * silent: we send nothing, sendrecv is recvonly, and sendonly is inactive. Of the text alone: the plan has what was said. */
	bool held, silent;
	/* More than the other party says: it sends no sound, and we play one in its place. Of the text alone, too. */
	bool plays;
	/* First of all, more than that: sendrecv, whatever the direction of the other party's text, which it only answered to a hold. Read by
	 * offer_forward. */
	bool both_ways;
	/* Layers of a picture are taken (media/offer/extension.h): of an answer that is ours, and in an offer those of before. */
	bool layers;
	struct offer_record_state record;
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
	uint8_t codec_count; /* 0: all */
	char codecs
		[OFFER_CODECS_MAX]
		[OFFER_CODEC_NAME_MAX]; /* encoding names of audio; others are taken out of what it offers and is offered */
	uint8_t ptime_g711,
		ptime_g729; /* ms, a=ptime towards it where that codec comes first; 0: as the other party said */
	uint8_t digits; /* enum offer_digits; not EVENTS: telephone-event is neither offered to it nor accepted of it */
	bool media_elsewhere; /* its media may be at another address than its signalling: sig/leg/line_facts.h; not read here */
	bool no_video; /* m=video is refused of it and towards it */
	uint8_t video_codecs; /* enum offer_video; 0: H.264 alone. Others pass only where both parties may have them */
	uint32_t
		video_kbps; /* b=AS and b=TIAS of video in what we send it are at most this; 0: as the other party said */
	uint8_t lines;    /* enum offer_lines */
	bool sdes_offer;  /* it is offered RTP/SAVP with our key instead of RTP/AVP */
	bool sdes_accept; /* its RTP/SAVP is accepted; else such a line is refused */
	bool sdes_only;   /* its plain RTP is refused, and it is never offered it */
	/* A WebRTC endpoint (RFC 8834, 8827): UDP/TLS/RTP/SAVPF with ICE-lite on our side, DTLS-SRTP, rtcp-mux, BUNDLE; or a phone that has
	 * DTLS-SRTP alone. An offer says itself which of the three it is, so that several may be accepted; of what is offered DTLS goes
	 * before SDES. rtcp-mux is offered and accepted here whatever the policy says. */
	bool dtls_offer;  /* it is offered that, setup:actpass, instead of anything else */
	bool dtls_accept; /* it may offer or answer it; else such a line is refused */
	bool dtls_only;   /* anything else of it is refused */
	bool transcode; /* its audio may be transcoded, where it has no codec of the other party's that may be, too */
};

struct offer_policy {
	bool video;    /* relay m=video; false: refused with port 0 */
	bool rtcp_mux; /* offer and accept a=rtcp-mux (RFC 5761) */
	uint8_t event_pt; /* payload type we prefer for telephone-event towards the other leg (101), if free */
	uint16_t sdp_max; /* longest SDP accepted, octets */
	/* The answerer is offered audio codecs that the node speaks behind those of the offerer. Else only where it can have none of those. Read
	 * by offer_forward, where the terms of both let audio be transcoded. */
	bool adds_codecs;
	bool codings_full; /* the terms do, but no more than there are may be: nothing is transcoded for this offer */
	struct offer_terms a, b;
};

/* Of these two audio may be transcoded. */
static inline bool offer_policy_codes(const struct offer_policy *policy)
{
	return policy->a.transcode && policy->b.transcode && !policy->codings_full;
}

/* One party of one m-line after the answer. */
struct media_side {
	struct addr rtp, rtcp; /* the party's signalled addresses; ADDR_NONE where it gave none */
	uint8_t sends,
		receives; /* what the party said: a=sendrecv is 1,1; sendonly 1,0; c=0.0.0.0: receives 0 */
	uint8_t mux;      /* rtcp-mux agreed with this party, or the line has no RTCP */
	uint8_t event_pt; /* under which this party takes telephone-events; PAYLOAD_NONE: it does not */
	uint32_t event_clock_hz;
	struct media_key key_in;  /* with what this party sends; suite NONE: plain */
	struct media_key key_out; /* with what we send to it */
	uint8_t dtls; /* enum media_dtls_role: ours with this party. Not NONE: both keys are NONE here and come by the handshake. Another
		       * one than before is another association (RFC 8842 5.1) */
	uint8_t ice; /* 1: rtp and rtcp of the party are not to be believed, its checks are. A party that is lite itself has 0 */
	uint8_t bundle; /* index of the line whose transport carries this one (RFC 9143), and whose addresses, role, certificate and ICE
			 * this one repeats; its own: none else's. Of offer_inspect always its own */
	uint8_t mid_extension; /* id that the party uses for urn:ietf:params:rtp-hdrext:sdes:mid. 0: none, and payload types of lines that share a
				* transport are distinct, unless the party brought equal ones and no id */
	uint8_t cc_extension; /* id under which the party numbers its packets, all lines of its transport together (media/rtp/transport_cc.h); 0: it does
			       * not, or wants to hear nothing of it */
	uint8_t level_extension; /* id under which the party says how loud its sound is (RFC 6464); 0: it does not, or nobody agreed to it */
	struct media_layers
		layers; /* of video: that this party sends, and we said we take; `count` 0: none */
	uint32_t kbps;  /* of video: most that this party would have (b=); 0: it does not say */
	uint8_t nack;   /* 1: generic NACK of video is agreed with this party (RFC 4585 6.2.1) */
	uint8_t fir;    /* 1: so is FIR, and no PLI (RFC 5104 4.3.1) */
	struct media_fingerprint fingerprint; /* of the party's certificate */
	uint64_t
		ice_name; /* a hash of the party's ufrag and password: another one is an ICE restart (RFC 8839 4.4.1.1.1) */
	uint8_t mid_length;
	char mid[16]; /* of this line with this party, in what the party said; length 0: none, or a longer one */
	uint8_t taken_count;
	struct media_taken taken
		[MEDIA_TAKEN_MAX]; /* audio that this party takes, in its order: what the node speaks, then what it codes. Video: formats of media/rtp/video.h */
	uint8_t rule_count;
	struct payload_rule rules
		[PAYLOAD_RULES_MAX]; /* types this party may send, and as what the other receives them; none of an opaque line */
	uint8_t rule_codecs[PAYLOAD_RULES_MAX];         /* of each rule, as of struct flow_spec */
	struct media_coding codings[MEDIA_CODINGS_MAX]; /* that rules name; those behind are zero */
};

struct media_line {
	enum media_kind kind;
	uint8_t active; /* 0: refused by one side (port 0) */
	uint8_t lines;  /* enum offer_lines: the word that it needs; NONE: audio or video */
	struct media_side a, b;
};

struct media_plan {
	uint8_t line_count; /* m-lines of the SDP that line[] tells about: the first MEDIA_LINES_MAX */
	struct media_line line[MEDIA_LINES_MAX];
};

/* Why an SDP was refused: the SIP status to answer with, and a constant sentence for Warning and log. */
struct offer_error {
	uint16_t status; /* 400, 413, 415, 488 */
	uint16_t line;   /* SDP line from 1; 0: the whole */
	const char *reason;
};

/* Audio that the node says and hears by itself, and video that others show. */
struct offer_capabilities {
	uint8_t count;
	uint8_t codecs
		[MEDIA_CODECS_KNOWN]; /* enum media_codec, in an offer those we like best first */
	bool events;                  /* and telephone-event */
	bool video;                   /* and video: formats that media/rtp/video.h knows */
	bool vp8_first;      /* of video: all who are there have VP8; else H.264 goes first */
	uint8_t video_level; /* of H.264, at most (level_idc of RFC 6184 8.1); 0: as the party says */
};

/* How many of the offer's m-lines we would relay, and their kinds: before ports are taken. 0 or -EBADMSG. */
int offer_inspect(struct bytes offer, const struct offer_policy *policy, struct media_plan *lines,
		  struct offer_error *error) NODISCARD;
/* A's offer as we send it to B. 0, -EBADMSG (malformed), -ENOTSUP (nothing to relay) or -ENOSPC. */
int offer_forward(struct bytes offer_a, const struct offer_policy *policy,
		  const struct offer_self *to_b, struct writer *offer_b,
		  struct offer_error *error) NODISCARD;
/* Why B cannot be offered codecs that the node speaks behind those of A's sound. NULL: it can, or nothing is known of that. */
const char *offer_lacks_codecs(struct bytes offer_a, const struct offer_policy *policy);
/* The last SDP exchanged with B, whoever of us offered. */
struct offer_of_other {
	struct bytes local, remote; /* our text to it, and its own */
	bool theirs;                /* remote is the offer, local the answer */
	bool apart;   /* about an offer that is not A's: it may have another number of lines */
	bool two_way; /* of its own will it would send and receive: it said less because we did */
};
/* A's offer is answered by what is agreed with B: what we say to A, and what the engine shall do. 0 or -errno as offer_forward. */
int offer_answer_by(struct bytes offer_a, const struct offer_of_other *b,
		    const struct offer_policy *policy, const struct offer_self *to_a,
		    struct writer *answer_a, struct media_plan *plan,
		    struct offer_error *error) NODISCARD;

/*
 * With no other leg there. Of the policy only the terms of the one party are read: of an offerer a, of an answerer b. What is no audio, nor
 * video of a capability, has port 0.
 */
/* All that phones have and the node knows, for an offer in the name of a party that is not asked yet; and of it, what the node can say by
 * itself. Both with events. */
struct offer_capabilities offer_own_known(void);
struct offer_capabilities offer_own_spoken(void);
/* Our own answer, in A's order: all that A may send and we can take. 0 or -errno as offer_answer_by. */
int offer_own_answer(struct bytes offer_a, const struct offer_capabilities *own,
		     const struct offer_policy *policy, const struct offer_self *to_a,
		     struct writer *answer_a, struct offer_error *error) NODISCARD;
/* Our own offer. Where the leg had one before (to_b->earlier), its m-lines keep their places. 0 or -errno as offer_forward. */
int offer_own(const struct offer_capabilities *own, const struct offer_policy *policy,
	      const struct offer_self *to_b, struct writer *offer_b,
	      struct offer_error *error) NODISCARD;
/*
 * What we said last, offered again (RFC 3264 8.4): the same lines, codecs and kinds of keys, in both directions but for held and silent. 0 or
 * -errno as offer_forward.
 */
int offer_again(struct bytes local, const struct offer_policy *policy,
		const struct offer_self *to_b, struct writer *offer_b,
		struct offer_error *error) NODISCARD;

/* The video of a party, in its text and ours. */
struct offer_video_formats {
	uint8_t level;       /* the lowest of H.264 that it named; 0: it named none */
	uint8_t local_level; /* the highest that we did */
	bool h264, vp8;      /* it has that, and so have we said */
	bool vp8_first;      /* we have put it before H.264 */
};

/* False: it has none. */
bool offer_video_read(struct offer_video_formats *out, struct bytes remote, struct bytes local);
/* What we said to a party, as others have it by now: no level above `level` (0: as it was), VP8 before all else, or behind. 0, -EBADMSG or
 * -ENOSPC. */
int offer_video_fit(struct bytes local, uint8_t level, bool vp8_first, struct writer *w) NODISCARD;
/* A text of ours has a line of video with a port. */
bool offer_has_video(struct bytes local);

#endif
