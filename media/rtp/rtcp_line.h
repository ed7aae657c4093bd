/* SPDX-License-Identifier: Apache-2.0 */
/* The m-lines of a transport (RFC 9143), and which of them RTCP is about. */
#ifndef MEDIA_RTP_RTCP_LINE_H
#define MEDIA_RTP_RTCP_LINE_H

#include "media/flow.h"
#include "media/rtp/rtcp_parse.h"

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

/* Whose source it is, one that is so now before one that was; RTCP_NO_LINE: nobody's. */
uint32_t rtcp_line_by_source(const struct rtcp_lines *lines, uint32_t ssrc);
/* Who receives it of us. RTCP_NO_LINE: nobody. */
uint32_t rtcp_line_by_reported(const struct rtcp_lines *lines, uint32_t ssrc);
/* By its media SSRC. Transport-wide numbers are the first line's. RTCP_NO_LINE: about none. */
uint32_t rtcp_line_of_feedback(const struct rtcp_lines *lines, const struct rtcp_packet *packet);
/* Whom feedback is about, where that is not its media SSRC (RFC 5104 4.3.1): SSRCs, one every *step octets. */
struct bytes rtcp_targets(const struct rtcp_packet *packet, size_t *step);
/* The line of a checked compound as a whole: by its senders, else by those that it reports on or asks; else the first. */
uint32_t rtcp_home(const struct rtcp_lines *lines, struct bytes in);

#endif
