/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads video payloads as far as a switch between streams needs it: formats, key frames of H.264
 * (RFC 6184) and VP8 (RFC 7741), the picture numbers of VP8, and requests for key frames (PLI, RFC
 * 4585; FIR, RFC 5104). A conference switches members between sources without decoding, and may do
 * so only at a key frame. The format of an m-line is one octet, so that flows can compare formats
 * cheaply.
 */

#include "media/rtp/video.h"

enum {
	VP8_EXTENDED = 0x80, /* RFC 7741 4.2 */
	VP8_START = 0x10,
	VP8_PARTITION = 0x07,
	VP8_PICTURE_ID = 0x80,
	VP8_LAYER = 0x40,
	VP8_LAYER_INDEX = 0x30, /* T and K share an octet */
	VP8_LONG_ID = 0x80,
	VP8_INTER = 0x01,  /* RFC 6386 9.1 */
	VP8_SIZE_AT = 6,   /* behind the tag and the start code */
	VP8_SIZE = 0x3fff, /* above it is how it is scaled */
};

static bool vp8_id_read(struct vp8_head *h, struct bytes payload)
{
	if (payload.n <= h->length)
		return false;
	h->id_at = h->length++;
	h->id_long = payload.p[h->id_at] & VP8_LONG_ID;
	h->id = payload.p[h->id_at] & 0x7f;
	if (!h->id_long)
		return true;
	if (payload.n <= h->length)
		return false;
	h->id = (uint16_t)(h->id << 8 | payload.p[h->length++]);
	return true;
}

static bool vp8_tl0_read(struct vp8_head *h, struct bytes payload)
{
	if (payload.n <= h->length)
		return false;
	h->tl0_at = h->length++;
	h->tl0 = payload.p[h->tl0_at];
	return true;
}

/* False: it is malformed. */
static bool descriptor_read(struct vp8_head *h, struct bytes payload)
{
	uint8_t has;

	if (payload.n < 1)
		return false;
	h->length = 1;
	if (!(payload.p[0] & VP8_EXTENDED))
		return true;
	if (payload.n < 2)
		return false;
	has = payload.p[1];
	h->length = 2;
	if (has & VP8_PICTURE_ID && !vp8_id_read(h, payload))
		return false;
	if (has & VP8_LAYER && !vp8_tl0_read(h, payload))
		return false;
	if (has & VP8_LAYER_INDEX)
		h->length++;
	return true;
}

/* RFC 6386 9.1: low octet first. */
static uint32_t side_read(const uint8_t *p)
{
	return (uint32_t)(p[0] | p[1] << 8) & VP8_SIZE;
}

struct vp8_head vp8_head_read(struct bytes payload)
{
	struct vp8_head h = { 0 };
	struct bytes own;

	if (!descriptor_read(&h, payload))
		return (struct vp8_head){ 0 };
	own = bytes_from(payload, h.length);
	h.key = own.n > 0 && (payload.p[0] & VP8_START) && !(payload.p[0] & VP8_PARTITION) &&
		!(own.p[0] & VP8_INTER);
	if (h.key && own.n >= VP8_SIZE_AT + 4)
		h.pixels = side_read(own.p + VP8_SIZE_AT) * side_read(own.p + VP8_SIZE_AT + 2);
	return h;
}

/* ---- numbers ---- */

static uint16_t id_masked(const struct vp8_head *h, unsigned id)
{
	return (uint16_t)(id & (h->id_long ? 0x7fff : 0x7f));
}

/* On the circle of its size. */
static bool id_is_newer(const struct vp8_head *h, uint16_t id, uint16_t last)
{
	unsigned ahead = id_masked(h, (unsigned)id - last);

	return ahead != 0 && ahead < (h->id_long ? 1U << 14 : 1U << 6);
}

void vp8_numbers_start(struct vp8_numbers *n, const struct vp8_head *first)
{
	if (n->begun) {
		n->id_offset = (uint16_t)(n->id_last + 1U - first->id);
		n->tl0_offset = (uint8_t)(n->tl0_last + 1U - first->tl0);
	}
	n->id_last = (uint16_t)(first->id + n->id_offset);
	n->tl0_last = (uint8_t)(first->tl0 + n->tl0_offset);
	n->begun = true;
}

void vp8_numbers_write(struct vp8_numbers *n, const struct vp8_head *h, uint8_t *payload)
{
	uint16_t id = id_masked(h, (unsigned)h->id + n->id_offset);
	uint8_t tl0 = (uint8_t)(h->tl0 + n->tl0_offset);

	if (h->id_at && h->id_long)
		be16_put(payload + h->id_at, (uint16_t)(id | VP8_LONG_ID << 8));
	else if (h->id_at)
		payload[h->id_at] = (uint8_t)id;
	if (h->id_at && id_is_newer(h, id, n->id_last))
		n->id_last = id;
	if (h->tl0_at)
		payload[h->tl0_at] = tl0;
	if (h->tl0_at && (int8_t)(tl0 - n->tl0_last) > 0)
		n->tl0_last = tl0;
}

enum {
	NAL_TYPE = 0x1f, /* RFC 6184 1.3 */
	NAL_IDR = 5,
	NAL_PARAMETERS = 7,
	NAL_STAP_A = 24,
	NAL_FU_A = 28,
	FU_START = 0x80,

	REQUEST_WORDS = 2, /* PLI, less one */
	REQUEST_WORDS_FIR = 4,
};

/* ---- formats ---- */

/* RFC 6184 8.1: the default is baseline in mode 0. 0xff: an unranked profile. */
static uint8_t h264_rank(const struct payload *p)
{
	struct bytes level = BYTES_LIT("42000a"), profile;

	(void)payload_parameter(p, "profile-level-id", &level);
	profile = bytes_sub(level, 0, 2);
	if (bytes_iis(profile, "42"))
		return 0;
	if (bytes_iis(profile, "4d"))
		return 2;
	return bytes_iis(profile, "64") ? 4 : UINT8_MAX;
}

uint8_t video_format_of(const struct payload *p)
{
	struct bytes mode = BYTES_LIT("0");
	uint8_t rank;

	if (payload_is(p, "VP8"))
		return VIDEO_VP8;
	if (!payload_is(p, "H264"))
		return VIDEO_NONE;
	(void)payload_parameter(p, "packetization-mode", &mode);
	rank = h264_rank(p);
	if (rank == UINT8_MAX || (!bytes_is(mode, "0") && !bytes_is(mode, "1")))
		return VIDEO_NONE;
	return (uint8_t)(VIDEO_H264 | rank | (bytes_is(mode, "1") ? VIDEO_H264_MODE_1 : 0));
}

bool video_is_accepted(uint8_t taken, uint8_t sent)
{
	if (!(taken & VIDEO_H264) || !(sent & VIDEO_H264))
		return taken == sent && taken != VIDEO_NONE;
	return (taken & VIDEO_H264_RANK) >= (sent & VIDEO_H264_RANK) &&
	       (taken & VIDEO_H264_MODE_1) >= (sent & VIDEO_H264_MODE_1);
}

/* ---- where a decoder may begin ---- */

/* An IDR picture may have its parameters in a packet before it. */
static bool nal_is_keyframe(uint8_t type, bool alone)
{
	return type == NAL_PARAMETERS || (type == NAL_IDR && !alone);
}

/* RFC 6184 5.7.1: units behind each other, each with its length. */
static bool stap_is_keyframe(struct bytes units, bool alone)
{
	while (units.n > 2) {
		uint16_t n = be16_get(units.p);

		units = bytes_from(units, 2);
		if (n == 0 || n > units.n)
			return false;
		if (nal_is_keyframe(units.p[0] & NAL_TYPE, alone))
			return true;
		units = bytes_from(units, n);
	}
	return false;
}

static bool h264_is_keyframe(struct bytes payload, bool alone)
{
	uint8_t type = payload.n ? payload.p[0] & NAL_TYPE : 0;

	if (type == NAL_STAP_A)
		return stap_is_keyframe(bytes_from(payload, 1), alone);
	if (type == NAL_FU_A)
		return payload.n > 1 && (payload.p[1] & FU_START) &&
		       nal_is_keyframe(payload.p[1] & NAL_TYPE, alone);
	return nal_is_keyframe(type, alone);
}

bool video_is_keyframe(uint8_t format, struct bytes payload)
{
	if (format & VIDEO_H264)
		return h264_is_keyframe(payload, false);
	return format == VIDEO_VP8 && vp8_head_read(payload).key;
}

bool video_is_keyframe_alone(uint8_t format, struct bytes payload)
{
	if (format & VIDEO_H264)
		return h264_is_keyframe(payload, true);
	return format == VIDEO_VP8 && vp8_head_read(payload).key;
}

/* ---- requests ---- */

struct bytes keyframe_request_write(uint8_t out[KEYFRAME_REQUEST_MAX],
				    const struct keyframe_request_terms *r)
{
	struct writer w = writer_over(out, KEYFRAME_REQUEST_MAX);

	writer_u8(&w, (uint8_t)(2 << 6 | (r->fir ? RTCP_FEEDBACK_FIR : RTCP_FEEDBACK_PLI)));
	writer_u8(&w, RTCP_TYPE_PSFB);
	writer_be16(&w, r->fir ? REQUEST_WORDS_FIR : REQUEST_WORDS);
	writer_be32(&w, r->sender);
	writer_be32(&w, r->fir ? 0 : r->source);
	if (r->fir) {
		writer_be32(&w, r->source);
		writer_be32(&w, (uint32_t)r->number << 24);
	}
	return writer_done(&w);
}

static bool fir_is_for(struct bytes entries, uint32_t source)
{
	for (; entries.n >= 8; entries = bytes_from(entries, 8))
		if (be32_get(entries.p) == source)
			return true;
	return false;
}

bool keyframe_is_requested(struct bytes rtcp, uint32_t source)
{
	struct rtcp_packet packet;

	while (rtcp_next(&rtcp, &packet)) {
		struct rtcp_feedback f;

		if (packet.type != RTCP_TYPE_PSFB)
			continue;
		f = rtcp_feedback(&packet);
		if ((packet.count == RTCP_FEEDBACK_PLI && f.media == source) ||
		    (packet.count == RTCP_FEEDBACK_FIR && fir_is_for(f.control, source)))
			return true;
	}
	return false;
}
