/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One m-line of a party's SDP as the offer/answer sees it: relayed or not, and its contents.
 * Internal to media/offer.
 */
#ifndef MEDIA_OFFER_LINE_H
#define MEDIA_OFFER_LINE_H

#include "media/offer/offer.h"
#include "media/offer/transport.h"
#include "media/payload.h"
#include "media/sdp/sdp.h"

/* The transport profile of an RTP m-line: plain or SRTP, with or without early feedback.
 * Internal. */

struct offer_profile {
	bool secure;   /* RTP/SAVP (RFC 3711), RTP/SAVPF (RFC 5124): keys by SDES */
	bool feedback; /* RTP/AVPF (RFC 4585), RTP/SAVPF */
	/* UDP/TLS/RTP/SAVP(F) (RFC 5764); `secure` is false then: keys come by the handshake. */
	bool dtls;
};

/* Reads the third field of m=. False: not one of these six (TCP, UDPTL and so on). */
bool offer_profile_read(struct offer_profile *out, struct bytes proto);
const char *offer_profile_name(struct offer_profile p);
/* A line with a port is DTLS-SRTP: its sender is a browser, or a phone that is like one. */
bool offer_profile_has_dtls(const struct sdp *s);

enum offer_line_state {
	OFFER_LINE_RELAYED,
	OFFER_LINE_OFF,     /* the party itself gave port 0 */
	OFFER_LINE_REFUSED, /* by us: reason */
};

struct offer_line {
	enum offer_line_state state;
	const char *reason;
	uint16_t number; /* SDP line the reason is about */
	enum media_kind kind;
	struct offer_profile profile;
	struct offer_transport transport; /* of a DTLS line */
	/* rules and keys are empty; mux: the party has a=rtcp-mux; dtls: our role if it is an
	 * offer; bundle: itself */
	struct media_side side;
	/* Selected: the answerer may be offered audio codecs of the node, and the offerer's are
	 * transcoded then. */
	bool codable;
	bool adds;                   /* ... and is */
	struct payload_list formats; /* in the party's order; empty for an opaque line */
};

/* What is offered under the terms is DTLS-SRTP. */
static inline bool offer_terms_want_dtls(const struct offer_terms *terms)
{
	return terms->dtls_offer || terms->dtls_only;
}

/* Parses a party's SDP within the policy's length limit, so that our rewrite can be parsed, too.
 * Returns 0 or -EBADMSG. */
int offer_parse(struct sdp *out, struct bytes in, const struct offer_policy *policy,
		struct offer_error *error) NODISCARD;
/* One that we wrote. */
int offer_parse_own(struct sdp *out, struct bytes in, struct offer_error *error) NODISCARD;
/* One that the party gave port 0, and no format. */
void offer_line_clear(struct offer_line *out);
/* m-line index from 0. 0 or -EBADMSG (then error tells). */
int offer_line_read(struct offer_line *out, const struct sdp *s, uint8_t index,
		    const struct offer_policy *policy, struct offer_error *error) NODISCARD;
/* Of an offer: drops what we do not relay or the terms of either party do not allow, and refuses
 * the line if nothing is left. Events stay as long as the offerer may send them: we take them if
 * the answerer does not. media/offer/line.c */
void offer_line_select(struct offer_line *line, const struct sdp *s, uint8_t index,
		       const struct offer_policy *policy);
/* The same, for formats alone: the line itself may pass. */
void offer_line_select_formats(struct offer_line *line, const struct sdp *s, uint8_t index,
			       const struct offer_policy *policy);
/* A codec of audio is one that the terms have. */
bool offer_line_may_have(const struct offer_terms *terms, const struct payload *codec);
void offer_line_refuse(struct offer_line *line, const struct sdp *s, uint8_t index,
		       const char *reason);
/* Remembers the first refusal, for the case that nothing is left. */
void offer_error_note(struct offer_error *error, const struct offer_line *line);
/* 0, or -ENOSPC where w has overflown. */
int offer_fits(const struct writer *w, struct offer_error *error) NODISCARD;

/* Opaque m-lines: neither audio nor video, over plain UDP. Fax by T.38 (RFC 3362), floor control
 * (RFC 8856), text (RFC 4103) and so on. Their formats are a matter of the parties: we only replace
 * address, port and direction. Internal to media/. */

/* A line's word for terms.lines; NONE: not needed, or opaque over a transport that is not
 * relayed. */
enum offer_lines offer_lines_word(enum media_kind kind, struct bytes proto);

/* What is ours in such a line. */
struct offer_opaque {
	struct bytes media, proto; /* as the offerer wrote them */
	uint16_t port;             /* RTCP, where there is any, is the next one */
	struct sdp_direction direction;
	enum offer_record record;
};

/* The m-line of the source, and what passes of the lines of its section. */
void offer_opaque_write(struct writer *w, const struct sdp *source, uint8_t index,
			const struct offer_opaque *line);

#endif
