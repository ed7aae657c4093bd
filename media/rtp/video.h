/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the payload of a video packet tells without decoding, and how a key frame is requested. A
 * stream that follows another one may begin only where its decoder needs nothing earlier: at an IDR
 * picture of H.264, or its parameter sets (RFC 6184), or a key frame of VP8 (RFC 7741).
 */
#ifndef MEDIA_RTP_VIDEO_H
#define MEDIA_RTP_VIDEO_H

#include "base/bytes.h"
#include "media/payload.h"
#include "media/rtp/rtcp_parse.h"

/* A format of video, in one octet; 0: unknown. For H.264 it has what both ends must share (RFC 6184
 * 8.2.2): the profile, by rank, and the packetization mode. The level may differ. */
enum {
	VIDEO_NONE = 0,
	VIDEO_VP8 = 1,
	VIDEO_H264 = 0x80, /* and: */
	VIDEO_H264_MODE_1 = 0x01,
	/* 0: baseline, 2: main, 4: high. A decoder of a higher rank decodes a lower one. */
	VIDEO_H264_RANK = 0x06,
};

uint8_t video_format_of(const struct payload *p);
/* A party that accepts `taken` can decode it. */
bool video_is_accepted(uint8_t taken, uint8_t sent);
/* A decoder may begin with this packet. */
bool video_is_keyframe(uint8_t format, struct bytes payload);
/* It may, even where the packet before this one is missing: nothing of the picture lies there. */
bool video_is_keyframe_alone(uint8_t format, struct bytes payload);

enum { KEYFRAME_REQUEST_MAX = 20 };

/* PLI (RFC 4585 6.3.1), or FIR (RFC 5104 4.3.1) with its number. */
struct keyframe_request_terms {
	uint32_t sender, source;
	bool fir;
	uint8_t number; /* of FIR: another one is another request */
};

struct bytes keyframe_request_write(uint8_t out[KEYFRAME_REQUEST_MAX],
				    const struct keyframe_request_terms *r);
/* Checked RTCP asks for a new picture of the source. */
bool keyframe_is_requested(struct bytes rtcp, uint32_t source);

/* The head of a VP8 payload (RFC 7741 4). It numbers frames, so a receiver of two streams as one
 * must see continuous numbers: a decoder may wait for a frame that never comes. */

/* All zero: malformed, or without these fields. */
struct vp8_head {
	uint8_t length; /* octets in front of VP8's own; 0: malformed */
	bool key;       /* a key frame begins with it */
	uint8_t id_at;  /* PictureID; 0: absent */
	bool id_long;   /* of 15 bits, else of 7 */
	uint8_t tl0_at; /* TL0PICIDX; 0: absent */
	uint16_t id;
	uint8_t tl0;
	uint32_t pixels; /* of a key frame; 0: not known */
};

struct vp8_head vp8_head_read(struct bytes payload);

/* What one stream of ours has. All zero: nothing was sent. */
struct vp8_numbers {
	uint16_t id_offset, id_last; /* as if of 15 bits */
	uint8_t tl0_offset, tl0_last;
	bool begun;
};

/* Another stream continues with that packet, behind all that was sent. */
void vp8_numbers_start(struct vp8_numbers *n, const struct vp8_head *first);
/* Over the head's own ones. payload: of that head. */
void vp8_numbers_write(struct vp8_numbers *n, const struct vp8_head *h, uint8_t *payload);

#endif
