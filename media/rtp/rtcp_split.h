/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTCP of a transport with several m-lines (RFC 9143 9.1): a compound of the party may be about
 * many of them, and each may have another receiver. The parts about each line are cut out, as a
 * compound of its own.
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
	uint32_t home; /* gets what is about no line */
};

/* The line of a checked compound: by its senders, else by the streams reported on; else the
 * first. */
uint32_t rtcp_home(const struct rtcp_lines *lines, struct bytes in);

struct rtcp_share {
	struct bytes octets; /* empty: there is nothing about the line */
	uint32_t strays;     /* of the home: parts that are about no line */
};

/* The part of a checked compound about a line, in out, which has room for in.n. It begins with a
 * report if the compound does (RFC 3550 6.1), if need be an empty one, and has a CNAME if that
 * does. An SR of another source than the line's becomes an RR. Each part but names is in one line's
 * share; packets of unknown types are dropped. */
struct rtcp_share rtcp_share(uint8_t *out, struct bytes in, const struct rtcp_lines *lines,
			     uint32_t line);

#endif
