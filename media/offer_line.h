/* SPDX-License-Identifier: Apache-2.0 */
/* One m-line of a party's SDP as the offer/answer sees it: relayed or not, and what the party says. Internal to media/offer_*.c. */
#ifndef MEDIA_OFFER_LINE_H
#define MEDIA_OFFER_LINE_H

#include "media/offer.h"
#include "media/payload.h"

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
	struct media_side side;      /* rules empty; mux: the party says a=rtcp-mux */
	struct payload_list formats; /* in the party's order */
};

/* A party's SDP, with the length limit of the policy. 0 or -EBADMSG. */
int offer_parse(struct sdp *out, struct bytes in, const struct offer_policy *policy,
		struct offer_error *error) NODISCARD;
/* The same, and what we make of it can be parsed too. */
int offer_parse_offer(struct sdp *out, struct bytes in, const struct offer_policy *policy,
		      struct offer_error *error) NODISCARD;
/* One that we wrote. */
int offer_parse_own(struct sdp *out, struct bytes in, struct offer_error *error) NODISCARD;
/* m-line index from 0. 0 or -EBADMSG (then error tells). */
int offer_line_read(struct offer_line *out, const struct sdp *s, uint8_t index,
		    const struct offer_policy *policy, struct offer_error *error) NODISCARD;
/* Of an offer: drops the formats that we do not relay, and refuses the line where none is left. */
void offer_line_select(struct offer_line *line, const struct sdp *s, uint8_t index);
void offer_line_refuse(struct offer_line *line, const struct sdp *s, uint8_t index,
		       const char *reason);
/* Remembers the first refusal, for the case that nothing is left. */
void offer_error_note(struct offer_error *error, const struct offer_line *line);
/* 0, or -ENOSPC where w has overflown. */
int offer_fits(const struct writer *w, struct offer_error *error) NODISCARD;

#endif
