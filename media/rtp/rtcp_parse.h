/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compound RTCP packets (RFC 3550 6, A.2), reduced-size ones too (RFC 5506). rtcp_check validates
 * the whole first, then it is walked: its parts are as long as their type needs. Slices lie within
 * the datagram.
 */
#ifndef MEDIA_RTP_RTCP_PARSE_H
#define MEDIA_RTP_RTCP_PARSE_H

#include "base/bytes.h"

enum rtcp_type {
	RTCP_TYPE_SR = 200,
	RTCP_TYPE_RR = 201,
	RTCP_TYPE_SDES = 202,
	RTCP_TYPE_BYE = 203,
	RTCP_TYPE_APP = 204,
	RTCP_TYPE_RTPFB = 205, /* RFC 4585 6.2 */
	RTCP_TYPE_PSFB = 206,  /* RFC 4585 6.3 */
	RTCP_TYPE_XR = 207,    /* RFC 3611 */
};

enum {
	RTCP_FEEDBACK_NACK = 1,  /* of RTPFB: RFC 4585 6.2.1 */
	RTCP_FEEDBACK_TMMBR = 3, /* RFC 5104 4.2.1 */
	RTCP_FEEDBACK_TMMBN = 4,
	RTCP_FEEDBACK_SR_REQ = 5,        /* RFC 6051 3.2 */
	RTCP_FEEDBACK_TRANSPORT_CC = 15, /* draft-holmer-rmcat-transport-wide-cc-extensions-01 */
	RTCP_FEEDBACK_PLI = 1,           /* of PSFB: RFC 4585 6.3.1 */
	RTCP_FEEDBACK_SLI = 2,
	RTCP_FEEDBACK_FIR = 4, /* RFC 5104 4.3.1 */
	RTCP_FEEDBACK_TSTR = 5,
	RTCP_FEEDBACK_TSTN = 6,
	RTCP_FEEDBACK_AFB = 15, /* application layer; REMB */

	RTCP_BLOCK_LEN = 24, /* report block */
};

/*
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |V=2|P|  count  |     type      |   length in words, minus one  |
 */
struct rtcp_packet {
	uint8_t type;      /* enum rtcp_type, or another */
	uint8_t count;     /* of report blocks, chunks or sources; FMT; subtype */
	struct bytes body; /* after these 4 octets, without padding */
};

/* 0 or -EBADMSG. */
int rtcp_check(struct bytes in) NODISCARD;
/* Cuts the next packet off a checked compound. False at its end. */
bool rtcp_next(struct bytes *rest, struct rtcp_packet *out);
/* Its sender: the first SSRC. False if it names no SSRC (an empty SDES or BYE). */
bool rtcp_sender(const struct rtcp_packet *packet, uint32_t *ssrc);

struct rtcp_sender_info {
	uint64_t ntp;       /* 32.32 since 1900 */
	uint32_t timestamp; /* RTP, at the same instant */
	uint32_t packets, octets;
};

/* Of an SR. */
struct rtcp_sender_info rtcp_sender_info(const struct rtcp_packet *sr);

struct rtcp_block {
	uint32_t ssrc;             /* of the source reported on */
	uint8_t fraction_lost;     /* 1/256 */
	int32_t lost;              /* 24 bits, signed */
	uint32_t extended_highest; /* sequence number, cycles in the upper half */
	uint32_t jitter;           /* timestamp units */
	uint32_t last_sr;          /* middle 32 bits of its NTP time; 0: no SR seen */
	uint32_t delay;            /* since then, 1/65536 s */
};

/* The report blocks of an SR or RR, index from 0. */
bool rtcp_block(const struct rtcp_packet *report, uint8_t index, struct rtcp_block *out);
/* All report blocks as octets; empty for other types. */
struct bytes rtcp_blocks(const struct rtcp_packet *report);

struct rtcp_chunk {
	uint32_t ssrc;
	struct bytes items; /* type, length, text each; without the null octets */
};

/* The chunks of an SDES packet, count of them; start with *rest = body. */
bool rtcp_chunk_next(struct bytes *rest, struct rtcp_chunk *out);
bool rtcp_item_next(struct bytes *items, uint8_t *type, struct bytes *text);
/* The sources of a BYE as octets. */
struct bytes rtcp_bye_sources(const struct rtcp_packet *bye);

/* Of RTPFB and PSFB. */
struct rtcp_feedback {
	uint32_t sender, media;
	struct bytes control; /* FCI */
};
struct rtcp_feedback rtcp_feedback(const struct rtcp_packet *packet);
/* Its control information is entries of SSRC and four octets (RFC 5104 4.2.1, 4.3.1, 4.3.2). */
bool rtcp_feedback_has_entries(const struct rtcp_packet *packet);

/* The report blocks of an XR packet (RFC 3611 3); start with *rest = the body from octet 4. */
struct rtcp_xr_block {
	uint8_t type;
	struct bytes content; /* after its 4 octets of header */
};
bool rtcp_xr_next(struct bytes *rest, struct rtcp_xr_block *out);

/* Lengths and numbers of RTCP, for the files that read and write it. */

enum {
	RTCP_COMMON_LEN = 4,
	SSRC_LEN = 4,
	SENDER_INFO_LEN = 20,
	FEEDBACK_LEN = 8,       /* sender and media SSRC; APP: SSRC and name */
	FEEDBACK_ENTRY_LEN = 8, /* an SSRC and 4 octets: FIR, TSTR, TSTN, TMMBR, TMMBN (RFC 5104) */
	NACK_ENTRY_LEN = 4,     /* PID and BLP */
	REMB_HEAD_LEN = 8,

	/* RFC 3611 4: types that begin with the SSRC reported on, except the receiver's time */
	XR_LOSS_RLE = 1,
	XR_DUPLICATE_RLE = 2,
	XR_RECEIPT_TIMES = 3,
	XR_RECEIVER_TIME = 4, /* of the sender */
	XR_DLRR = 5,
	XR_SUMMARY = 6,
	XR_VOIP = 7,
	XR_DLRR_LEN = 12,
};

#endif
