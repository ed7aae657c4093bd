/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a VP8 payload (RFC 7741 4). Pictures are numbered there, so who is sent two streams as one has to see numbers that go on: a decoder
 * may wait for a picture that never comes.
 */
#ifndef MEDIA_RTP_VP8_H
#define MEDIA_RTP_VP8_H

#include "base/bytes.h"

/* All zero: it is malformed, or has none of that. */
struct vp8_head {
	uint8_t length; /* octets in front of VP8's own; 0: malformed */
	bool key;       /* a key frame begins with it */
	uint8_t id_at;  /* PictureID; 0: there is none */
	bool id_long;   /* of 15 bits, else of 7 */
	uint8_t tl0_at; /* TL0PICIDX; 0: there is none */
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

/* Another stream goes on with that packet, behind all that was sent. */
void vp8_numbers_begin(struct vp8_numbers *n, const struct vp8_head *first);
/* Over the head's own ones. payload: of that head. */
void vp8_numbers_write(struct vp8_numbers *n, const struct vp8_head *h, uint8_t *payload);

#endif
