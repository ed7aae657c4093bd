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

/* Generic NACK (RFC 4585 6.2.1): which sequence numbers a party misses, and which of them have been
 * handled already. */

enum { RTCP_NACK_NUMBERS = 64, RTCP_NACK_MAX = 12 + 4 * RTCP_NACK_NUMBERS };

/* `sender` misses numbers of the stream `media`: at most so many, each ahead of the one before it
 * by less than 2^15. */
struct rtcp_missing {
	uint32_t sender, media;
	const uint16_t *numbers;
	size_t count; /* not 0 */
};

struct bytes rtcp_nack_write(uint8_t out[RTCP_NACK_MAX], const struct rtcp_missing *m);

/* True: the number is handled, and need not be requested from the sender. */
typedef bool rtcp_nack_fn(void *user, uint16_t sequence);

/* Of a checked compound, in place: asks fn about each number that a NACK of the stream `media`
 * names, in order, and removes those accepted by it. An empty NACK is removed, and *n may become 0;
 * all else stays octet by octet, so that the first packet may then be of a type unknown to RTCP. */
void rtcp_nack_filter(uint8_t *p, size_t *n, uint32_t media, rtcp_nack_fn *fn, void *user);

/* Translates RTCP of one party for the other one, in place: both know each other's streams under
 * SSRCs, sequence numbers and timestamps that we assigned (RFC 3550 7.2). */

/*
 * The sender of the packet sends the stream `source`, and reports on the stream `reported`, which
 * it receives.
 *
 *   source:   party --source_in--> us --source_out--> other
 *   reported: party <--report_in-- us <--report_out-- other
 */
struct rtcp_mapping {
	uint32_t source_in, source_out;
	/* its own SSRC if it is no source of RTP: stands for source_in, except in SR and BYE */
	uint32_t sender;
	uint32_t timestamp_offset; /* of source: out = in + offset */
	uint32_t report_in, report_out;
	/* Of reported, as the party receives it: party's = other's + offset, cycles included. With
	 * a 16-bit offset the cycles may differ by a constant. */
	uint32_t sequence_offset;
};

/* Returns 0 and *n, not larger than before: removes SR and BYE of sources not relayed, and packets
 * and feedback of unknown types. Returns -EBADMSG with p unchanged, or -ENOMSG if nothing is left.
 * SSRCs that are neither source nor reported stay. */
int rtcp_translate(uint8_t *p, size_t *n, const struct rtcp_mapping *m) NODISCARD;

#endif
