/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offer/answer of a back-to-back user agent that anchors media (RFC 3264, 8866, 3551, 4733, 5761). Pure: SDP texts in,
 * SDP texts and a plan out. What it does not understand in a relayed m-line (attributes, bandwidth, fmtp) is kept;
 * addresses, ports, ICE, crypto and identity (o=, s=) are ours. Leg A is the offerer, leg B the answerer. Each leg is RTP/AVP,
 * RTP/SAVP with SDES keys (RFC 4568), or DTLS-SRTP (RFC 5763) with ICE (RFC 8839) or without, whatever the other is; each has keys of
 * its own. Header extensions, BUNDLE and feedback of a DTLS leg end here: towards the other leg there is nothing of them. Lines that
 * are neither audio nor video pass as they are (media/offer/line.h).
 */
#ifndef MEDIA_OFFER_OFFER_H
#define MEDIA_OFFER_OFFER_H

#include "media/offer/plan.h"
#include "media/offer/terms.h"

/* What is told of recording; media/offer/own.h. */
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
