/* SPDX-License-Identifier: Apache-2.0 */
/* Video that a party and the node have told each other of, and the same as others have it by now. */
#include <errno.h>

#include "media/offer/offer.h"
#include "media/offer/own_picture.h"

static bool is_video(const struct sdp *s, unsigned section)
{
	return s->sections[section].port &&
	       bytes_iis(sdp_slice(s, s->sections[section].kind), "video");
}

/* The first one; 0: there is none. */
static unsigned video_find(const struct sdp *s)
{
	for (unsigned i = 1; i <= s->media_count; i++)
		if (is_video(s, i))
			return i;
	return 0;
}

bool offer_has_video(struct bytes local)
{
	struct sdp_error error;
	struct sdp s;

	return !sdp_parse(&s, local, &error) && video_find(&s) != 0;
}

/* ---- what is said ---- */

struct video_formats {
	uint8_t lowest, highest; /* levels; 0: none is named */
	bool h264, vp8, vp8_first;
};

static void video_formats_note(struct video_formats *out, const struct payload *p)
{
	uint8_t level = own_video_level(p);

	if (payload_is(p, "VP8")) {
		out->vp8_first |= !out->h264;
		out->vp8 = true;
	}
	if (level == 0)
		return;
	out->h264 = true;
	out->lowest = out->lowest && out->lowest < level ? out->lowest : level;
	out->highest = out->highest > level ? out->highest : level;
}

static bool video_formats_read(struct video_formats *out, struct bytes text)
{
	struct payload_list formats;
	struct sdp_error error;
	struct sdp s;
	unsigned at;

	*out = (struct video_formats){ 0 };
	if (sdp_parse(&s, text, &error))
		return false;
	at = video_find(&s);
	if (!at)
		return false;
	payload_list_read(&formats, &s, at);
	for (uint8_t i = 0; i < formats.count; i++)
		video_formats_note(out, &formats.at[i]);
	return true;
}

bool offer_video_read(struct offer_video_formats *out, struct bytes remote, struct bytes local)
{
	struct video_formats theirs, ours;

	*out = (struct offer_video_formats){ 0 };
	if (!video_formats_read(&theirs, remote) || !video_formats_read(&ours, local))
		return false;
	*out = (struct offer_video_formats){ .level = theirs.lowest,
					     .local_level = ours.highest,
					     .h264 = theirs.h264 && ours.h264,
					     .vp8 = theirs.vp8 && ours.vp8,
					     .vp8_first = ours.vp8_first };
	return true;
}

/* ---- said anew ---- */

struct fitting {
	struct writer *w;
	struct payload_list formats; /* of its line of video */
	uint8_t level;
	bool vp8_first;
};

static const struct payload *fitting_format(const struct fitting *k, struct bytes number)
{
	uint32_t n;

	return bytes_u32(number, &n) || n > UINT8_MAX ? NULL
						      : payload_find(&k->formats, (uint8_t)n);
}

/* Those that are VP8, or those that are not. */
static void fitting_numbers_write(const struct fitting *k, struct bytes numbers, bool vp8)
{
	struct bytes number;

	while (bytes_cut(&numbers, ' ', &number)) {
		const struct payload *p = fitting_format(k, number);

		if ((p && payload_is(p, "VP8")) != vp8 || number.n == 0)
			continue;
		writer_str(k->w, " ");
		writer_bytes(k->w, number);
	}
}

/* m=video 9 RTP/AVP 102 96 */
static void fitting_line_write(const struct fitting *k, struct bytes line)
{
	struct bytes rest = line, word;

	for (int i = 0; i < 3; i++)
		(void)bytes_cut(&rest, ' ', &word);
	writer_mem(k->w, line.p, line.n - rest.n - (rest.n > 0));
	fitting_numbers_write(k, rest, k->vp8_first);
	fitting_numbers_write(k, rest, !k->vp8_first);
	writer_str(k->w, "\r\n");
}

/* Where in the line the level is; line.n: none that is to be lower. */
static size_t level_find(const struct fitting *k, struct bytes line)
{
	struct bytes rest = bytes_from(line, sizeof("a=fmtp:") - 1), number, id = { 0 };
	const struct payload *p = bytes_cut(&rest, ' ', &number) ? fitting_format(k, number) : NULL;

	if (!p || !k->level || own_video_level(p) <= k->level ||
	    !payload_parameter(p, "profile-level-id", &id) || id.n != 6 || id.p < line.p ||
	    id.p >= line.p + line.n)
		return line.n;
	return (size_t)(id.p - line.p) + 4;
}

static void fitting_parameters_write(const struct fitting *k, struct bytes line)
{
	size_t at = level_find(k, line);

	if (at < line.n) {
		writer_mem(k->w, line.p, at);
		writer_fmt(k->w, "%02x", k->level);
		line = bytes_from(line, at + 2);
	}
	writer_bytes(k->w, line);
	writer_str(k->w, "\r\n");
}

static void fitting_write(const struct fitting *k, struct bytes text, unsigned video)
{
	unsigned section = 0;
	struct bytes line;

	while (bytes_cut(&text, '\n', &line)) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		section += bytes_starts(line, "m=");
		if (section == video && bytes_starts(line, "m=")) {
			fitting_line_write(k, line);
		} else if (section == video && bytes_starts(line, "a=fmtp:")) {
			fitting_parameters_write(k, line);
		} else if (line.n) {
			writer_bytes(k->w, line);
			writer_str(k->w, "\r\n");
		}
	}
}

int offer_video_fit(struct bytes local, uint8_t level, bool vp8_first, struct writer *w)
{
	struct fitting k = { .w = w, .level = level, .vp8_first = vp8_first };
	struct sdp_error error;
	unsigned video;
	struct sdp s;

	if (sdp_parse(&s, local, &error))
		return -EBADMSG;
	video = video_find(&s);
	if (video)
		payload_list_read(&k.formats, &s, video);
	fitting_write(&k, local, video ? video : UINT32_MAX);
	return w->overflow ? -ENOSPC : 0;
}
