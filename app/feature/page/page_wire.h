/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets by which Polycom phones page each other by multicast (Polycom Engineering Advisory
 * 70568). Values alone: no socket, no clock. Slices lie within the packet.
 *
 *   op(1) channel(1) serial(4) caller length(1) caller(13)
 *   of sound, behind it: codec(1) flags(1) sample count(4) [frame before] frame
 */
#ifndef APP_FEATURE_PAGE_PAGE_WIRE_H
#define APP_FEATURE_PAGE_PAGE_WIRE_H

#include "base/bytes.h"

enum {
	PAGE_WIRE_CALLER = 13,
	PAGE_WIRE_HEAD = 20,
	PAGE_WIRE_FRAME = 160, /* octets of 20 ms, in either codec */
	PAGE_WIRE_MAX = PAGE_WIRE_HEAD + 6 + 2 * PAGE_WIRE_FRAME,
	/* Channels 1 to 25 are those of push-to-talk; group N has channel N + 25. */
	PAGE_WIRE_FIRST = 25,
	PAGE_WIRE_CHANNELS = 50,
	/* How a page is said to begin and to end. */
	PAGE_WIRE_ALERTS = 31,
	PAGE_WIRE_ENDS = 12,
	PAGE_WIRE_SIGN_MS = 30, /* from one of those to the next */
};

enum page_op { PAGE_OP_ALERT = 0x0f, PAGE_OP_SOUND = 0x10, PAGE_OP_END = 0xff };
enum page_codec { PAGE_CODEC_PCMU = 0, PAGE_CODEC_G722 = 9 }; /* as payload types of RTP */

struct page_packet {
	uint8_t op; /* enum page_op */
	uint8_t channel;
	uint32_t serial; /* of the sender: the low octets of a phone's MAC address */
	uint8_t caller_length;
	uint8_t caller[PAGE_WIRE_CALLER]; /* the name that phones show; padded */
	/* of sound */
	uint8_t codec; /* enum page_codec */
	uint8_t flags;
	uint32_t sample;            /* of the frame, in units of 8000 Hz */
	struct bytes before, frame; /* before: the frame of the packet before; empty: none */
};

/* 0, or -EBADMSG: *out is untouched then. */
int page_packet_parse(struct page_packet *out, struct bytes in) NODISCARD;
/* Into a writer with room for PAGE_WIRE_MAX. */
void page_packet_write(struct writer *w, const struct page_packet *p);

#endif
