/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTCP of a transport that carries several m-lines (RFC 9143 9.1): a compound of the party may be about many of them, and each of
 * them may have another receiver. What is said of each is cut out, as a compound of its own.
 */
#ifndef MEDIA_RTP_RTCP_SPLIT_H
#define MEDIA_RTP_RTCP_SPLIT_H

#include "media/flow.h"
#include "media/rtp/rtcp_parse.h"

/* The m-lines of a transport (RFC 9143), and which of them RTCP is about. */

#define RTCP_NO_LINE UINT32_MAX

/* As the party knows it. */
struct rtcp_line {
	uint32_t sources[2]; /* it sends: now, and before */
	uint8_t source_count;
	uint32_t reported; /* it receives, from us */
};

struct rtcp_lines {
	struct rtcp_line list[MEDIA_LINES_MAX]; /* that of the transport first */
	uint32_t count;
	uint32_t home; /* has what is about none of them */
};

/* The line of a checked compound as a whole: by its senders, else by those that it reports on or asks; else the first. */
uint32_t rtcp_home(const struct rtcp_lines *lines, struct bytes in);

struct rtcp_share {
	struct bytes octets; /* empty: there is nothing about the line */
	uint32_t strays;     /* of the home: parts that are about no line */
};

/*
 * What a checked compound says about a line, in out, which has room for in.n. It begins with a report where the compound did (RFC
 * 3550 6.1), if need be an empty one, and names the one who speaks where that did. An SR that is not of the line's source is an RR
 * for it. Each part is in one line's share, names apart; packets of types that are not known are in none.
 */
struct rtcp_share rtcp_share(uint8_t *out, struct bytes in, const struct rtcp_lines *lines,
			     uint32_t line);

#endif
