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

#endif
