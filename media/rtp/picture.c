/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rtp/picture.h"

#include "media/rtp/vp8.h"

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

/* RFC 6184 8.1: what is not said is baseline in mode 0. 0xff: one of those that are not ranked. */
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

bool video_is_taken(uint8_t taken, uint8_t sent)
{
	if (!(taken & VIDEO_H264) || !(sent & VIDEO_H264))
		return taken == sent && taken != VIDEO_NONE;
	return (taken & VIDEO_H264_RANK) >= (sent & VIDEO_H264_RANK) &&
	       (taken & VIDEO_H264_MODE_1) >= (sent & VIDEO_H264_MODE_1);
}

/* ---- where a decoder may begin ---- */

/* An IDR picture may have its parameters in a packet before it. */
static bool nal_begins(uint8_t type, bool alone)
{
	return type == NAL_PARAMETERS || (type == NAL_IDR && !alone);
}

/* RFC 6184 5.7.1: units behind each other, each with its length. */
static bool stap_begins(struct bytes units, bool alone)
{
	while (units.n > 2) {
		uint16_t n = be16_get(units.p);

		units = bytes_from(units, 2);
		if (n == 0 || n > units.n)
			return false;
		if (nal_begins(units.p[0] & NAL_TYPE, alone))
			return true;
		units = bytes_from(units, n);
	}
	return false;
}

static bool h264_begins(struct bytes payload, bool alone)
{
	uint8_t type = payload.n ? payload.p[0] & NAL_TYPE : 0;

	if (type == NAL_STAP_A)
		return stap_begins(bytes_from(payload, 1), alone);
	if (type == NAL_FU_A)
		return payload.n > 1 && (payload.p[1] & FU_START) &&
		       nal_begins(payload.p[1] & NAL_TYPE, alone);
	return nal_begins(type, alone);
}

bool keyframe_begins(uint8_t format, struct bytes payload)
{
	if (format & VIDEO_H264)
		return h264_begins(payload, false);
	return format == VIDEO_VP8 && vp8_head_read(payload).key;
}

bool keyframe_begins_alone(uint8_t format, struct bytes payload)
{
	if (format & VIDEO_H264)
		return h264_begins(payload, true);
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
