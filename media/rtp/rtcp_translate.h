/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTCP of one party made right for the other one, in place: both know each other's streams under SSRCs, sequence
 * numbers and timestamps that we gave them (RFC 3550 7.2).
 */
#ifndef MEDIA_RTP_RTCP_TRANSLATE_H
#define MEDIA_RTP_RTCP_TRANSLATE_H

#include "media/rtp/rtcp_parse.h"

/*
 * The party whose packet it is sends the stream `source`, and reports on the stream `reported`, which it receives.
 *     source:   party --source_in--> us --source_out--> other
 *     reported: party <--report_in-- us <--report_out-- other
 */
struct rtcp_mapping {
	uint32_t source_in, source_out;
	/* whom it says it is from, where that is no source of RTP: stands for source_in in all but SR and BYE */
	uint32_t sender;
	uint32_t timestamp_offset; /* of source: out = in + offset */
	uint32_t report_in, report_out;
	uint32_t
		sequence_offset; /* of reported, as the party receives it: party's = other's + offset, cycles included.
				   * With a 16-bit offset the cycles may be off by a constant. */
};

/*
 * 0 and *n, which is no more than before: SR and BYE of sources that are not relayed, and packets and feedback of types that are not
 * known, are taken out. -EBADMSG with p untouched, or -ENOMSG: nothing of it is for the other one. SSRCs that are neither source
 * nor reported stay.
 */
int rtcp_translate(uint8_t *p, size_t *n, const struct rtcp_mapping *m) NODISCARD;

#endif
