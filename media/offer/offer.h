/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offer/answer of a back-to-back user agent that anchors media (RFC 3264, 8866, 3551, 4733, 5761).
 * Pure: SDP texts in, SDP texts and a plan out. Unknown attributes, bandwidth and fmtp of a relayed
 * m-line are kept; addresses, ports, ICE, crypto and identity (o=, s=) are ours. Leg A is the
 * offerer, leg B the answerer. Each leg is RTP/AVP, RTP/SAVP with SDES keys (RFC 4568), or
 * DTLS-SRTP (RFC 5763) with or without ICE (RFC 8839), independent of the other one, and has keys
 * of its own. Header extensions, BUNDLE and feedback of a DTLS leg end here and do not reach the
 * other leg. Lines other than audio and video pass unchanged (media/offer/line.h).
 */
#ifndef MEDIA_OFFER_OFFER_H
#define MEDIA_OFFER_OFFER_H

#include "media/offer/plan.h"
#include "media/offer/terms.h"

/* The recording state in SDP; media/offer/own.h. */
struct offer_record_state {
	bool tells;                    /* the party supports it: each line has the attribute */
	uint8_t sound;                 /* enum offer_record: of lines of sound, by this node */
	uint8_t line[MEDIA_LINES_MAX]; /* likewise: of each line, from the other party */
};

/* What we write about ourselves in SDP towards one party. */
struct offer_self {
	struct addr address;                /* advertised; the port is ignored */
	uint16_t rtp_port[MEDIA_LINES_MAX]; /* per m-line; RTCP is the next port */
	uint64_t session_id;                /* o=, constant for the leg */
	uint64_t session_version;           /* o=, grows by 1 with each changed SDP of the leg */
	/* Our SRTP key for each m-line: a suite uses its first octets. In an offer the suite is the
	 * one we offer, NONE: the first of enum media_suite; in an answer it is the offerer's
	 * choice and not read. */
	struct media_key keys[MEDIA_LINES_MAX];
	/* Our part on DTLS-SRTP lines (offer_terms.dtls_*). In an offer a line without ice is
	 * DTLS-SRTP alone; in an answer ice is needed if the party will check us, and the line is
	 * refused without it. */
	struct media_ice ice[MEDIA_LINES_MAX];
	/* Of our certificate; hash NONE: DTLS lines are refused. */
	struct media_fingerprint fingerprint;
	/* flow_spec.ssrc_out of each line, for a=ssrc towards WebRTC endpoints; 0: not written. */
	uint32_t ssrc[MEDIA_LINES_MAX];
	/* The last offer on this leg, ours or the party's; empty: no offer before. Its payload
	 * types keep their meaning (RFC 3264 8.3.2). Read by offer_forward. */
	struct bytes earlier;
	/* The party's last SDP, or empty. A codec that it rejected, or that its own offer does not
	 * have, is one that it lacks. Read by offer_forward. */
	struct bytes remote;
	bool remote_is_offer; /* that was an offer */
	/* Less than the other party says (RFC 3264 8.4). held: we receive nothing: sendrecv becomes
	 * sendonly, recvonly inactive. silent: we send nothing: sendrecv becomes recvonly, sendonly
	 * inactive. Only in the text: the plan has what was said. */
	bool held, silent;
	/* More than the other party says: it sends no audio, and we play a sound. Only in the
	 * text. */
	bool plays;
	/* Applied first: sendrecv, whatever the direction of the other party's text, which only
	 * answered a hold. Read by offer_forward. */
	bool both_ways;
	/* Layers of a picture are taken (media/offer/extension.h): of our own answer, and in an
	 * offer the earlier ones. */
	bool layers;
	struct offer_record_state record;
};

struct offer_policy {
	bool video;    /* relay m=video; false: refused with port 0 */
	bool rtcp_mux; /* offer and accept a=rtcp-mux (RFC 5761) */
	/* Payload type that we prefer for telephone-event towards the other leg (101), if free. */
	uint8_t event_pt;
	uint16_t sdp_max; /* longest SDP accepted, octets */
	/* The answerer is offered the node's codecs behind those of the offerer; otherwise only if
	 * it may have none of the offerer's. Read by offer_forward, if the terms of both allow
	 * transcoding. */
	bool adds_codecs;
	/* The terms would allow transcoding, but the node has no capacity for this offer. */
	bool codings_full;
	struct offer_terms a, b;
};

/* Of these two audio may be transcoded. */
static inline bool offer_policy_codes(const struct offer_policy *policy)
{
	return policy->a.transcode && policy->b.transcode && !policy->codings_full;
}

/* Why an SDP was refused: the SIP status for it, and a constant sentence for Warning and log. */
struct offer_error {
	uint16_t status; /* 400, 413, 415, 488 */
	uint16_t line;   /* SDP line from 1; 0: the whole */
	const char *reason;
};

/* Audio that the node itself can send and take, and video that other parties have. */
struct offer_capabilities {
	uint8_t count;
	/* enum media_codec; in an offer in our order of preference. */
	uint8_t codecs[MEDIA_CODECS_KNOWN];
	bool events;         /* and telephone-event */
	bool video;          /* and video: formats that media/rtp/video.h knows */
	bool vp8_first;      /* of video: all parties have VP8; else H.264 goes first */
	uint8_t video_level; /* highest H.264 level_idc (RFC 6184 8.1); 0: as the party says */
};

/* How many m-lines of the offer we would relay, and their kinds, before ports are allocated.
 * Returns 0 or -EBADMSG. */
int offer_inspect(struct bytes offer, const struct offer_policy *policy, struct media_plan *lines,
		  struct offer_error *error) NODISCARD;
/* A's offer as we send it to B. 0, -EBADMSG (malformed), -ENOTSUP (nothing to relay) or -ENOSPC. */
int offer_forward(struct bytes offer_a, const struct offer_policy *policy,
		  const struct offer_self *to_b, struct writer *offer_b,
		  struct offer_error *error) NODISCARD;
/* Why B cannot be offered the node's codecs behind those of A's audio. NULL: it can, or unknown. */
const char *offer_lacks_codecs(struct bytes offer_a, const struct offer_policy *policy);
/* The last SDP exchange with B, whichever side offered. */
struct offer_of_other {
	struct bytes local, remote; /* our text to it, and its own */
	bool theirs;                /* remote is the offer, local the answer */
	bool apart;   /* about an offer that is not A's: it may have another number of lines */
	bool two_way; /* it would send and receive: it says less because we did */
};
/* Answers A's offer by what is agreed with B: the text to A, and the engine's plan. Returns 0 or
 * -errno, as offer_forward. */
int offer_answer_by(struct bytes offer_a, const struct offer_of_other *b,
		    const struct offer_policy *policy, const struct offer_self *to_a,
		    struct writer *answer_a, struct media_plan *plan,
		    struct offer_error *error) NODISCARD;

/* Without another leg. Of the policy only the terms of the one party are read: a's for an offerer,
 * b's for an answerer. Lines other than audio, and video of the capabilities, get port 0. */
/* All that phones have and the node knows, for an offer on behalf of a party not asked yet; and the
 * part of it that the node itself can send. Both with events. */
struct offer_capabilities offer_own_known(void);
struct offer_capabilities offer_own_spoken(void);
/* Our own answer, in A's order: all that A may send and we can take. Returns 0 or -errno, as
 * offer_answer_by. */
int offer_own_answer(struct bytes offer_a, const struct offer_capabilities *own,
		     const struct offer_policy *policy, const struct offer_self *to_a,
		     struct writer *answer_a, struct offer_error *error) NODISCARD;
/* Our own offer. m-lines of an earlier one (to_b->earlier) keep their places. Returns 0 or -errno,
 * as offer_forward. */
int offer_own(const struct offer_capabilities *own, const struct offer_policy *policy,
	      const struct offer_self *to_b, struct writer *offer_b,
	      struct offer_error *error) NODISCARD;
/* Offers our last text again (RFC 3264 8.4): the same lines, codecs and kinds of keys, in both
 * directions except for held and silent. Returns 0 or -errno, as offer_forward. */
int offer_again(struct bytes local, const struct offer_policy *policy,
		const struct offer_self *to_b, struct writer *offer_b,
		struct offer_error *error) NODISCARD;

/* The video of a party, in its text and ours. */
struct offer_video_formats {
	uint8_t level;       /* the lowest H.264 level that it named; 0: none */
	uint8_t local_level; /* the highest that we did */
	bool h264, vp8;      /* the party has that, and so has our SDP */
	bool vp8_first;      /* we have put it before H.264 */
};

/* False: it has no video. */
bool offer_video_read(struct offer_video_formats *out, struct bytes remote, struct bytes local);
/* Rewrites our last text for what other parties have by now: no level above `level` (0: unchanged),
 * VP8 first, or last. Returns 0, -EBADMSG or -ENOSPC. */
int offer_video_fit(struct bytes local, uint8_t level, bool vp8_first, struct writer *w) NODISCARD;
/* A text of ours has a line of video with a port. */
bool offer_has_video(struct bytes local);

#endif
