/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of our own: a compound of an SR or RR and an SDES with the CNAME (RFC 3550 6.1). */
#ifndef MEDIA_RTP_RTCP_WRITE_H
#define MEDIA_RTP_RTCP_WRITE_H

#include "media/rtp/rtcp_parse.h"

enum { RTCP_REPORT_MAX = 128, RTCP_CNAME_LEN = 16 };

struct rtcp_report {
	uint32_t ssrc;
	bool sends; /* an SR, with info; else an RR */
	struct rtcp_sender_info info;
	bool hears; /* with block */
	struct rtcp_block block;
	char cname[RTCP_CNAME_LEN]; /* 96 random bits in base64 (RFC 7022 4.2) */
};

struct bytes rtcp_report_write(uint8_t out[RTCP_REPORT_MAX], const struct rtcp_report *r);
/* 32.32 since 1900, from ms since 1970. */
uint64_t rtcp_ntp(uint64_t utc_ms);

/* Generic NACK (RFC 4585 6.2.1): which sequence numbers a party misses, and that of those somebody has seen to. */

enum { RTCP_NACK_NUMBERS = 64, RTCP_NACK_MAX = 12 + 4 * RTCP_NACK_NUMBERS };

/* That `sender` misses those of the stream `media`: at most so many, and each but the first is ahead of the one before it, by less than 2^15. */
struct rtcp_missing {
	uint32_t sender, media;
	const uint16_t *numbers;
	size_t count; /* not 0 */
};

struct bytes rtcp_nack_write(uint8_t out[RTCP_NACK_MAX], const struct rtcp_missing *m);

/* True: the party need not ask anybody else for it. */
typedef bool rtcp_nack_fn(void *user, uint16_t sequence);

/*
 * Of a checked compound, in place: asks about each number that a NACK about the stream `media` names, in order, and takes those out that
 * fn says yes to. A NACK of which nothing is left goes, and *n may be 0 then; all else stays octet by octet, a packet
 * of a type that is none of RTCP perhaps the first now.
 */
void rtcp_nack_filter(uint8_t *p, size_t *n, uint32_t media, rtcp_nack_fn *fn, void *user);

/*
 * RTCP of one party made right for the other one, in place: both know each other's streams under SSRCs, sequence
 * numbers and timestamps that we gave them (RFC 3550 7.2).
 */

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
