/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes our SDP from a party's, or from nothing (source NULL): our address, ports and identity,
 * and all lines of the party that may pass. Internal to media/offer.
 */
#ifndef MEDIA_OFFER_WRITE_H
#define MEDIA_OFFER_WRITE_H

#include "media/crypto.h"
#include "media/offer/extension.h"
#include "media/offer/offer.h"
#include "media/payload.h"

#define OFFER_EVENTS "0-16" /* RFC 4733 7.1.1: those that the engine knows, flash among them */

/* A format under its number in the source, and under the number we write. */
struct offer_format {
	uint8_t from, to; /* from PAYLOAD_NONE: the source does not have it */
	struct bytes name;
	struct bytes encoding;   /* of the rtpmap that we write; empty: no rtpmap */
	struct bytes parameters; /* of an fmtp of ours; empty: the source's, if any */
};

struct offer_formats {
	uint8_t count;
	struct offer_format at[PAYLOAD_RULES_MAX];
};

/* What a DTLS line has beside; media/offer/transport.h writes it. */
struct offer_webrtc {
	uint8_t mid_extension, cc_extension, rid_extension; /* 0: not agreed */
	struct offer_layers layers;
	struct bytes mid;                            /* empty: no a=mid */
	const struct media_ice *ice;                 /* NULL: no ICE with the party */
	const struct media_fingerprint *fingerprint; /* of ours */
	const char *setup;
	bool is_carried; /* by another line of its BUNDLE group, with the same mid, ICE and DTLS */
	uint64_t stream; /* name of the stream of the leg's audio and video */
	uint32_t ssrc;   /* 0: not written */
};

/* An m-line as we write it. */
struct offer_media {
	enum media_kind kind;
	struct bytes name, proto; /* the first and third field of m= */
	const struct offer_formats *formats;
	const struct offer_terms *terms; /* of the receiving party */
	const struct addr *address;
	uint16_t port; /* RTCP is the next one, unless muxed */
	struct sdp_direction direction;
	bool mux_offer;                    /* a=rtcp-mux beside a=rtcp, the other may choose */
	bool mux_answer;                   /* a=rtcp-mux alone: agreed */
	bool feedback;                     /* the source's a=rtcp-fb may pass */
	const struct crypto *crypto;       /* ours; NULL: plain RTP, or DTLS */
	const struct offer_webrtc *webrtc; /* NULL: not over DTLS */
	/* One leg or both have DTLS: header extensions end here (RFC 8285), and feedback is
	 * ours. */
	bool between;
	bool ours; /* our own answer, without another party */
	/* In an answer: the offer, which limits the feedback; NULL: no limit. */
	const struct sdp *asked;
	unsigned asked_section;
	uint8_t level_extension;  /* 0: not used */
	enum offer_record record; /* a=record of the line */
};

/* Whether the party's peer sends, or we do in its place. */
static inline bool offer_sends(const struct offer_self *self, enum media_kind kind, bool sends)
{
	return sends || (self->plays && kind == MEDIA_AUDIO);
}

/* The direction we write if both parties allow that much. */
static inline struct sdp_direction offer_direction(const struct offer_self *self, bool sends,
						   bool receives)
{
	return (struct sdp_direction){ .sends = sends && !self->silent,
				       .receives = receives && !self->held };
}

/* v= to the session's a= lines, without BUNDLE. */
void offer_write_session(struct writer *w, const struct sdp *source, const struct offer_self *self,
			 bool between, bool ice);
/* The m-line and what passes of the lines of the source's section. */
void offer_write_media(struct writer *w, const struct sdp *source, unsigned section,
		       const struct offer_media *media);
/* Port 0, formats as they came (RFC 3264 6). */
void offer_write_refused(struct writer *w, const struct sdp *source, unsigned section,
			 struct bytes mid);

/* Which of a party's a= lines the other party sees, and how. Internal to media/offer. */

/* An a= value about the path to the party and its keys, not about the call. */
bool offer_attribute_is_of_the_hop(struct bytes attribute);

#endif
