/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session description (RFC 8866) as a bounded value: where each line and each m-line field is in
 * the source text. Order and unknown lines are kept. The text must outlive the value; nothing is
 * owned. CRLF and bare LF both end a line; empty lines are accepted at the end only.
 */
#ifndef MEDIA_SDP_SDP_H
#define MEDIA_SDP_SDP_H

#include "base/addr.h"

enum {
	SDP_TEXT_MAX = UINT16_MAX, /* octets */
	SDP_LINES_MAX = 320,
	SDP_MEDIA_MAX = 16,
	SDP_SESSION = 0, /* the section before the first m-line; m-line i is section i + 1 */
};

struct sdp_span {
	uint16_t at, n; /* octets within the text */
};

struct sdp_line {
	struct sdp_span value; /* after "x=" */
	char type;
};

struct sdp_section {
	uint16_t first, end; /* its lines, without the m-line itself */
	uint16_t port;       /* the rest is of the m-line; zero in SDP_SESSION */
	uint16_t port_count; /* "49170/2": 2; else 1 */
	struct sdp_span kind, proto;
	/* separated by spaces, at least one; numbers 0..127 for RTP with a port */
	struct sdp_span formats;
};

struct sdp {
	struct bytes text;
	uint16_t line_count; /* lines[i] is line i + 1 of the text */
	uint8_t media_count;
	struct sdp_section sections[SDP_MEDIA_MAX + 1];
	struct sdp_line lines[SDP_LINES_MAX]; /* nothing is behind line_count of them */
};

struct sdp_error {
	uint16_t line; /* from 1; 0: the whole */
	const char *reason;
};

/* Returns 0, or -EBADMSG with *error, *out unchanged. Checks line shapes, v=, o=, m=, one c=
 * each. */
int sdp_parse(struct sdp *out, struct bytes in, struct sdp_error *error) NODISCARD;
/* "x=", the value, CRLF. */
void sdp_write_line(struct writer *w, char type, struct bytes value);

struct bytes sdp_slice(const struct sdp *s, struct sdp_span span);
/* True when value is an a= value of that name; *rest is what follows the colon (empty: a flag). */
bool sdp_attribute_is(struct bytes value, const char *name, struct bytes *rest);
/* The next a= line of that name in a section, from *line on (start: 0); *line is then behind it. */
bool sdp_attribute_next(const struct sdp *s, unsigned section, const char *name, uint16_t *line,
			struct bytes *rest);
bool sdp_attribute(const struct sdp *s, unsigned section, const char *name, struct bytes *rest);

/* Where to send, by the m-line or the session (RFC 8866 5.7). The line is filled if there is a
 * c=. */
struct sdp_connection {
	struct addr address; /* port 0 */
	uint16_t line;       /* from 1 */
};
/* 0, -ENOENT (no c=), -EBADMSG, or -ENOTSUP (host name, multicast, other networks). */
int sdp_connection(const struct sdp *s, unsigned section, struct sdp_connection *out) NODISCARD;
/* RFC 3605. out gets the address of c= if a=rtcp has no address. As above; -ENOENT: no a=rtcp. */
int sdp_rtcp(const struct sdp *s, unsigned section, const struct addr *connection,
	     struct addr *out) NODISCARD;

/* a=sendrecv and its kind, from the m-line, else the session, else both (RFC 8866 6.7). */
struct sdp_direction {
	uint8_t sends, receives;
};
struct sdp_direction sdp_direction(const struct sdp *s, unsigned section);
const char *sdp_direction_name(struct sdp_direction d);

#endif
