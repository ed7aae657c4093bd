/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one party and we have agreed on, by their two texts alone: the party's and ours (RFC 3264).
 * It knows nothing of another leg; media/offer/agree.h joins two sessions. Pure.
 */
#ifndef MEDIA_OFFER_SESSION_H
#define MEDIA_OFFER_SESSION_H

#include "media/codec.h"
#include "media/offer/offer.h"
#include "media/payload.h"
#include "media/sdp/sdp.h"

/* The last offer and its answer. */
struct session_texts {
	struct bytes remote, local;
	bool we_offered; /* local is the offer, remote the answer; else the other way round */
};

/* A format that is in both. Slices lie in the offer's text, or are constant. */
struct session_format {
	uint8_t to;    /* the number under which the party takes it */
	uint8_t from;  /* under which we do */
	uint8_t event; /* RFC 4733 */
	uint8_t apart; /* an event that ends on this leg: to the other one it is sent anew */
	uint8_t channels;
	uint32_t clock_hz;
	struct bytes name, parameters;
};

/* Another number of our offer, by which the party may send a format. */
struct session_twin {
	uint8_t from, format;
};

struct session_line {
	enum media_kind kind;
	uint8_t active;         /* 0: one of us gave port 0, or reason */
	uint16_t number;        /* the SDP line that the reason is about; 0: the whole */
	const char *reason;     /* why the SDP cannot be used */
	struct media_side side; /* without rules */
	/* The first and third field of m=, in the offer's text; only for an opaque line. */
	struct bytes media, proto;
	uint8_t packet_ms; /* audio per packet that the party wants (a=ptime); 0: not given */
	uint8_t format_count, twin_count;
	struct session_format formats[PAYLOAD_RULES_MAX]; /* in the answer's order */
	struct session_twin twins[PAYLOAD_RULES_MAX];
};

struct session {
	bool we_offered;
	uint8_t line_count;                        /* of the offer: the first MEDIA_LINES_MAX */
	struct session_line line[MEDIA_LINES_MAX]; /* nothing is behind line_count of them */
};

static inline bool session_is_active(const struct session *s, uint8_t index)
{
	return index < s->line_count && s->line[index].active;
}

/* The texts outlive it, and its owner wipes it, since it has keys. Returns 0 or -EBADMSG: a text is
 * malformed, or they are not an offer and its answer. */
int session_read(struct session *out, const struct session_texts *texts,
		 struct offer_error *error) NODISCARD;
/* The same, of texts that are parsed. */
int session_of(struct session *out, const struct sdp *remote, const struct sdp *local,
	       bool we_offered, struct offer_error *error) NODISCARD;
void session_wipe(struct session *s);
/* The line's first spoken codec, else the first that the node codes: index, or PAYLOAD_NONE. */
uint8_t session_spoken(const struct session_line *line);
enum media_codec session_codec(const struct session_format *f);
/* Of video: media/rtp/video.h. */
uint8_t session_video_format(const struct session_format *f);
bool session_is_codec(const struct session_format *f);

/* Which formats an offer and its answer have in common, each under two numbers. Internal to
 * media/offer/session.c. */

/* As a list, under the offer's numbers, without parted events. at: the indexes in line->formats. */
void session_formats_list(struct payload_list *out, const struct session_line *line,
			  uint8_t at[PAYLOAD_RULES_MAX]);

/* What the lines of a leg share: transports (RFC 9143), extensions and feedback (RFC 8285, 4585).
 * Internal to media/offer/session.c. */

/* A's lines, before they are answered (b is the other leg, or NULL) as they will be read. */
void session_group_answer(struct session *a, const struct session *b, const struct sdp *offer);

#endif
