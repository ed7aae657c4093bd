/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTCP of a transport that carries several m-lines (RFC 9143 9.1): a compound of the party may be about many of them, and each of
 * them may have another receiver. What is said of each is cut out, as a compound of its own.
 */
#ifndef MEDIA_RTP_RTCP_SPLIT_H
#define MEDIA_RTP_RTCP_SPLIT_H

#include "media/rtp/rtcp_line.h"

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
