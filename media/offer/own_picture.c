/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/own_picture.h"

#include <stdio.h>

#include "media/offer/offer.h"
#include "media/rtp/picture.h"

enum {
	LEVEL_AT =
		4, /* of profile-level-id, in hexadecimal digits: two each of profile, constraints, level */
	LEVEL_ID_LEN = 6,
	LEVEL_PRESET = 0x1f, /* 3.1: 1280 x 720 at 30 a second */
	H264_FIRST = 102,
	H264_FRAGMENTS,
	VP8_NUMBER,
};

static int level_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* profile-level-id. Where nothing is said, or nothing that can be read, RFC 6184 8.1 has what holds. */
static struct bytes level_id_of(const struct payload *p)
{
	struct bytes id = { 0 };

	(void)payload_parameter(p, "profile-level-id", &id);
	for (size_t i = 0; i < id.n; i++)
		if (level_digit(id.p[i]) < 0)
			id.n = 0;
	return id.n == LEVEL_ID_LEN ? id : BYTES_LIT("42000a");
}

uint8_t own_video_level(const struct payload *p)
{
	struct bytes id = level_id_of(p);

	if (!payload_is(p, "H264"))
		return 0;
	return (uint8_t)(level_digit(id.p[LEVEL_AT]) << 4 | level_digit(id.p[LEVEL_AT + 1]));
}

/* RFC 6184 8.2.2: profile and mode as they were offered, the level no higher. */
static uint8_t parameters_write(char out[OWN_PARAMETERS_MAX], const struct payload *p,
				uint8_t level_most)
{
	struct bytes id = level_id_of(p), asymmetry = { 0 };
	bool fragments = video_format_of(p) & VIDEO_H264_MODE_1;
	uint8_t level = own_video_level(p);
	int n;

	if (!payload_is(p, "H264"))
		return 0;
	(void)payload_parameter(p, "level-asymmetry-allowed", &asymmetry);
	if (level_most && level > level_most)
		level = level_most;
	n = snprintf(out, OWN_PARAMETERS_MAX, "profile-level-id=%.4s%02x;packetization-mode=%d%s",
		     (const char *)id.p, level, fragments,
		     bytes_is(asymmetry, "1") ? ";level-asymmetry-allowed=1" : "");
	return (uint8_t)n;
}

/* Of constrained baseline before baseline of any kind. */
static uint8_t format_find(const struct payload_list *formats, uint8_t format)
{
	uint8_t found = PAYLOAD_NONE;

	for (uint8_t i = 0; i < formats->count; i++) {
		const struct payload *p = &formats->at[i];

		if (video_format_of(p) != format)
			continue;
		if (bytes_iis(bytes_sub(level_id_of(p), 2, 2), "e0"))
			return i;
		if (found == PAYLOAD_NONE)
			found = i;
	}
	return found;
}

static bool video_add(struct own_video *out, const struct payload_list *formats, uint8_t format,
		      uint8_t level_most)
{
	uint8_t at = format_find(formats, format);

	if (at == PAYLOAD_NONE)
		return false;
	out->at[out->count] = at;
	out->length[out->count] =
		parameters_write(out->parameters[out->count], &formats->at[at], level_most);
	out->count++;
	return true;
}

static void h264_add(struct own_video *out, const struct payload_list *formats, uint8_t level_most)
{
	bool any = false;

	for (uint8_t rank = 0; rank <= VIDEO_H264_RANK - 2 && !any; rank += 2) {
		any |= video_add(out, formats, (uint8_t)(VIDEO_H264 | rank), level_most);
		any |= video_add(out, formats, (uint8_t)(VIDEO_H264 | rank | VIDEO_H264_MODE_1),
				 level_most);
	}
}

void own_video_choose(struct own_video *out, const struct payload_list *formats,
		      const struct offer_capabilities *own)
{
	out->count = 0;
	if (own->vp8_first)
		(void)video_add(out, formats, VIDEO_VP8, 0);
	h264_add(out, formats, own->video_level);
	if (!own->vp8_first)
		(void)video_add(out, formats, VIDEO_VP8, 0);
}

static void h264_write(struct writer *w, uint8_t level_most)
{
	uint8_t level = level_most && level_most < LEVEL_PRESET ? level_most : LEVEL_PRESET;

	for (int number = H264_FIRST; number <= H264_FRAGMENTS; number++)
		writer_fmt(w,
			   "a=rtpmap:%d H264/90000\r\na=fmtp:%d "
			   "profile-level-id=42e0%02x;packetization-mode=%d\r\n",
			   number, number, level, number == H264_FRAGMENTS);
}

void own_video_write(struct writer *w, const struct offer_capabilities *own)
{
	if (own->vp8_first)
		writer_fmt(w, "m=video 9 RTP/AVP %d %d %d\r\n", VP8_NUMBER, H264_FIRST,
			   H264_FRAGMENTS);
	else
		writer_fmt(w, "m=video 9 RTP/AVP %d %d %d\r\n", H264_FIRST, H264_FRAGMENTS,
			   VP8_NUMBER);
	h264_write(w, own->video_level);
	writer_fmt(w, "a=rtpmap:%d VP8/90000\r\n", VP8_NUMBER);
	writer_str(w, "a=rtcp-fb:* nack\r\na=rtcp-fb:* nack pli\r\na=rtcp-fb:* ccm fir\r\n"
		      "a=sendrecv\r\n");
}
