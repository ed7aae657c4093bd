/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An offer of our own. It is first written as a party with our capabilities would write it, without
 * an address. Then it is processed like any offer, which adds our addresses, keys and numbers, and
 * removes what the other party may not have.
 */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "media/codec.h"
#include "media/offer/line.h"
#include "media/offer/offer.h"
#include "media/offer/own.h"
#include "media/offer/write.h"
#include "media/rtp/video.h"
#include "media/sdp/sdp.h"

static const char *const g_records[] = {
	[OFFER_RECORD_NONE] = "",
	[OFFER_RECORD_OFF] = "off",
	[OFFER_RECORD_PAUSED] = "paused",
	[OFFER_RECORD_ON] = "on",
};

static const char *const g_preferences[] = {
	[OFFER_PREFERS_NOTHING] = "nopreference",
	[OFFER_PREFERS_ON] = "on",
	[OFFER_PREFERS_OFF] = "off",
	[OFFER_PREFERS_PAUSE] = "pause",
};

enum offer_record offer_record_of(const struct offer_record_state *told, enum media_kind kind,
				  uint8_t index)
{
	uint8_t line = told->line[index];

	if (!told->tells)
		return OFFER_RECORD_NONE;
	if (kind == MEDIA_AUDIO && told->sound > line)
		line = told->sound;
	return line > OFFER_RECORD_OFF ? (enum offer_record)line : OFFER_RECORD_OFF;
}

void offer_record_line(struct writer *w, enum offer_record what)
{
	if (what != OFFER_RECORD_NONE)
		WRITER_TEXTS(w, "a=record:", g_records[what], "\r\n");
}

/* The position of a word in a list, from 1; 0: it is not in the list. */
static uint8_t record_word_of(struct bytes word, const char *const *words, uint8_t count)
{
	for (uint8_t i = 0; i < count; i++) {
		if (words[i][0] && bytes_iis(bytes_trim(word), words[i]))
			return i;
	}
	return 0;
}

/* Of the line, else of the session. */
static bool record_attribute(const struct sdp *s, unsigned section, const char *name,
			     struct bytes *value)
{
	return sdp_attribute(s, section, name, value) || sdp_attribute(s, SDP_SESSION, name, value);
}

static uint8_t line_says(const struct sdp *s, unsigned section)
{
	struct bytes value;

	if (!s->sections[section].port || !record_attribute(s, section, "record", &value))
		return OFFER_RECORD_NONE;
	return record_word_of(value, g_records, COUNT_OF(g_records));
}

static bool says_record(struct bytes sdp, const char *word)
{
	return sdp.n && memmem(sdp.p, sdp.n, word, strlen(word));
}

void offer_record_read(struct bytes sdp, uint8_t out[MEDIA_LINES_MAX])
{
	struct sdp_error error;
	struct sdp s;

	memset(out, OFFER_RECORD_NONE, MEDIA_LINES_MAX);
	if (!says_record(sdp, "a=record:") || sdp_parse(&s, sdp, &error))
		return;
	for (uint8_t i = 0; i < s.media_count && i < MEDIA_LINES_MAX; i++)
		out[i] = line_says(&s, i + 1U);
}

static bool is_sound(const struct sdp *s, unsigned section)
{
	return s->sections[section].port &&
	       media_kind_of(sdp_slice(s, s->sections[section].kind)) == MEDIA_AUDIO;
}

enum offer_record_preference offer_record_preference(struct bytes sdp)
{
	struct sdp_error error;
	struct bytes value;
	struct sdp s;

	if (!says_record(sdp, "a=recordpref:") || sdp_parse(&s, sdp, &error))
		return OFFER_PREFERS_NOTHING;
	for (unsigned i = 1; i <= s.media_count; i++) {
		if (!is_sound(&s, i))
			continue;
		return record_attribute(&s, i, "recordpref", &value)
			       ? (enum offer_record_preference)record_word_of(
					 value, g_preferences, COUNT_OF(g_preferences))
			       : OFFER_PREFERS_NOTHING;
	}
	return OFFER_PREFERS_NOTHING;
}

/* Of a text of ours; more lines than there may be have no port. */
static enum offer_record line_record_state(const struct sdp *s, uint8_t index,
					   const struct offer_record_state *told)
{
	if (index >= MEDIA_LINES_MAX || !s->sections[index + 1U].port)
		return OFFER_RECORD_NONE;
	return offer_record_of(told, media_kind_of(sdp_slice(s, s->sections[index + 1U].kind)),
			       index);
}

bool offer_record_is_in_local(struct bytes local, const struct offer_record_state *told)
{
	struct sdp_error error;
	struct sdp s;

	if (!told->tells || !local.n || sdp_parse(&s, local, &error))
		return true;
	for (uint8_t i = 0; i < s.media_count && i < MEDIA_LINES_MAX; i++) {
		uint8_t says = line_says(&s, i + 1U);
		enum offer_record now = line_record_state(&s, i, told);

		if (now != OFFER_RECORD_NONE && (says ? says : OFFER_RECORD_OFF) != (uint8_t)now)
			return false;
	}
	return true;
}

/* "- 1 2 IN IP4 192.0.2.1", the third of which is the version. */
static void write_origin(struct writer *w, struct bytes value, uint64_t version)
{
	struct bytes name = { 0 }, id = { 0 }, before = { 0 };

	(void)bytes_cut(&value, ' ', &name);
	(void)bytes_cut(&value, ' ', &id);
	(void)bytes_cut(&value, ' ', &before);
	writer_str(w, "o=");
	writer_bytes(w, name);
	writer_str(w, " ");
	writer_bytes(w, id);
	writer_number(w, " ", version, " ");
	writer_bytes(w, value);
	writer_str(w, "\r\n");
}

static void write_lines_again(struct writer *w, const struct sdp *s, uint16_t first, uint16_t end,
			      uint64_t version)
{
	for (uint16_t i = first; i < end; i++) {
		struct bytes value = sdp_slice(s, s->lines[i].value), rest;
		char type = s->lines[i].type;

		if (type == 'o')
			write_origin(w, value, version);
		else if (type != 'a' || !sdp_attribute_is(value, "record", &rest))
			sdp_write_line(w, type, value);
	}
}

int offer_record_again(struct bytes local, const struct offer_record_state *told, uint64_t version,
		       struct writer *w, struct offer_error *error)
{
	struct sdp s;
	int err = offer_parse_own(&s, local, error);

	if (err)
		return err;
	write_lines_again(w, &s, 0, s.sections[SDP_SESSION].end, version);
	for (uint8_t m = 0; m < s.media_count; m++) {
		const struct sdp_section *in = &s.sections[m + 1U];

		write_lines_again(w, &s, in->first - 1, in->end, version); /* with the m-line */
		offer_record_line(w, line_record_state(&s, m, told));
	}
	return offer_fits(w, error);
}

const char *offer_record_preference_name(enum offer_record_preference p)
{
	return g_preferences[p];
}

enum {
	/* Of profile-level-id, in hexadecimal digits: two each of profile, constraints, level. */
	LEVEL_AT = 4,
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

/* profile-level-id, or the default of RFC 6184 8.1 if it is absent or malformed. */
static struct bytes level_id_of(const struct payload *p)
{
	struct bytes id = { 0 };

	(void)payload_parameter(p, "profile-level-id", &id);
	for (size_t i = 0; i < id.n; i++)
		if (level_digit(id.p[i]) < 0)
			id.n = 0;
	return id.n == LEVEL_ID_LEN ? id : BYTES_LIT("42000a");
}

/* level_idc of RFC 6184 8.1; of what is no H.264: 0. */
static uint8_t own_video_level(const struct payload *p)
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

/* A line as a party would write it that shows what others do: of an offer. */
static void own_video_write(struct writer *w, const struct offer_capabilities *own)
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

enum { TEXT_MAX = 4096, EVENT = 101, EVENT_FULL = 100 };

static struct offer_capabilities capabilities_liked(bool spoken)
{
	struct offer_capabilities own = { .events = true };

	own.count = media_codecs_liked(spoken, own.codecs);
	return own;
}

struct offer_capabilities offer_own_known(void)
{
	return capabilities_liked(false);
}

struct offer_capabilities offer_own_spoken(void)
{
	return capabilities_liked(true);
}

bool offer_own_has(const struct offer_capabilities *own, const struct payload *p)
{
	enum media_codec codec = media_codec_of(p);

	for (uint8_t i = 0; i < own->count; i++) {
		if (own->codecs[i] == codec)
			return true;
	}
	return false;
}

#define LACKS(codec)                                                                       \
	{                                                                                  \
		codec, codec " passes through only, the node does not code it: one party " \
			     "must have a codec of the other one, or both one of PCMA, "   \
			     "PCMU, G722, opus and G726-32"                                \
	}

static const struct payload *first_unspoken(const struct payload_list *formats)
{
	for (uint8_t i = 0; i < formats->count; i++) {
		const struct payload *p = &formats->at[i];

		if (payload_is_codec(p) && !media_codec_is_transcodable(media_codec_of(p)))
			return p;
	}
	return NULL;
}

const char *offer_own_lacks(const struct payload_list *formats)
{
	static const struct {
		const char *codec, *text;
	} lacks[] = { LACKS("G729"),   LACKS("G723"), LACKS("G7221"), LACKS("G728"),
		      LACKS("GSM"),    LACKS("iLBC"), LACKS("speex"), LACKS("AMR"),
		      LACKS("AMR-WB"), LACKS("EVS"),  LACKS("L16"),   LACKS("a codec") };
	const struct payload *p = first_unspoken(formats);
	size_t i = 0;

	if (!p)
		return "no codec that may be used";
	while (i < COUNT_OF(lacks) - 1 && !payload_is(p, lacks[i].codec))
		i++;
	return lacks[i].text;
}

static void write_format(struct writer *w, uint8_t number, const char *encoding,
			 const char *parameters)
{
	writer_fmt(w, "a=rtpmap:%u %s\r\n", number, encoding);
	if (parameters)
		writer_fmt(w, "a=fmtp:%u %s\r\n", number, parameters);
}

static const struct media_codec_facts *codec_at(const struct offer_capabilities *own, uint8_t i)
{
	const struct media_codec_facts *facts = media_codec_facts((enum media_codec)own->codecs[i]);

	assert(facts);
	return facts;
}

/* Events have the clock of the audio that they are beside (RFC 4733 2.1). */
static bool own_has_clock(const struct offer_capabilities *own, const struct offer_terms *terms,
			  uint32_t clock_hz)
{
	for (uint8_t i = 0; i < own->count; i++) {
		const struct media_codec_facts *facts = codec_at(own, i);
		const struct payload p = { .channels = facts->channels,
					   .clock_hz = facts->clock_hz,
					   .name = bytes_str(facts->name),
					   .encoding = bytes_str(facts->encoding) };

		if (facts->clock_hz == clock_hz && offer_line_may_have(terms, &p))
			return true;
	}
	return false;
}

static void write_audio(struct writer *w, const struct offer_capabilities *own,
			const struct offer_terms *terms)
{
	bool full = own->events && own_has_clock(own, terms, 48000);

	writer_str(w, "m=audio 9 RTP/AVP");
	for (uint8_t i = 0; i < own->count; i++)
		writer_number(w, " ", codec_at(own, i)->number, "");
	if (own->events)
		writer_number(w, " ", EVENT, "");
	if (full)
		writer_number(w, " ", EVENT_FULL, "");
	writer_str(w, "\r\n");
	for (uint8_t i = 0; i < own->count; i++)
		write_format(w, codec_at(own, i)->number, codec_at(own, i)->encoding,
			     codec_at(own, i)->parameters);
	if (own->events)
		write_format(w, EVENT, "telephone-event/8000", "0-15");
	if (full)
		write_format(w, EVENT_FULL, "telephone-event/48000", "0-15");
	writer_str(w, "a=sendrecv\r\n");
}

/* RFC 3264 8: no line is removed; one no longer wanted has port 0. The first audio and video line
 * are ours, and new ones if missing. */
static void own_write_lines(struct writer *w, const struct offer_capabilities *own,
			    const struct offer_terms *terms, const struct sdp *earlier)
{
	bool written = false, shown = !own->video;

	for (uint8_t i = 0; i < earlier->media_count; i++) {
		const struct sdp_section *m = &earlier->sections[i + 1];

		if (!written && bytes_iis(sdp_slice(earlier, m->kind), "audio")) {
			write_audio(w, own, terms);
			written = true;
			continue;
		}
		if (!shown && bytes_iis(sdp_slice(earlier, m->kind), "video")) {
			own_video_write(w, own);
			shown = true;
			continue;
		}
		offer_write_refused(w, earlier, i + 1U, (struct bytes){ 0 });
	}
	if (!written)
		write_audio(w, own, terms);
	if (!shown)
		own_video_write(w, own);
}

int offer_own(const struct offer_capabilities *own, const struct offer_policy *policy,
	      const struct offer_self *to_b, struct writer *offer_b, struct offer_error *error)
{
	struct offer_policy of_nobody = *policy;
	uint8_t text[TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct sdp earlier = { 0 };
	struct sdp_error ignored;

	of_nobody.a = (struct offer_terms){ 0 };
	if (to_b->earlier.n && sdp_parse(&earlier, to_b->earlier, &ignored))
		earlier = (struct sdp){ 0 };
	writer_str(&w, "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
		       "c=IN IP4 192.0.2.1\r\nt=0 0\r\n");
	own_write_lines(&w, own, &policy->b, &earlier);
	return offer_forward(writer_done(&w), &of_nobody, to_b, offer_b, error);
}

/* Video agreed between a party and the node, and the same for what other parties have by now. */

static bool is_video(const struct sdp *s, unsigned section)
{
	return s->sections[section].port &&
	       bytes_iis(sdp_slice(s, s->sections[section].kind), "video");
}

/* The first video section; 0: there is no video. */
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

/* ---- local SDP ---- */

struct video_formats {
	uint8_t lowest, highest; /* levels; 0: not named */
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

/* ---- rewritten SDP ---- */

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

/* Where the level is in the line; line.n: no level to lower. */
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
