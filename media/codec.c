/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What payload types mean: rtpmap, fmtp and the static types of RFC 3551, and the audio codecs that
 * the node itself knows. media/offer reads every m-line through it and matches the formats of two
 * parties, the engine finds encoders by it, and its lists are what the node offers by itself. It
 * follows RFC 6184, 7798 and 9628 where fmtp parameters decide whether two formats of video are the
 * same, and accepts known mistakes of phones and browsers. The list of transcodable codecs is
 * written before threads start.
 */

#include <assert.h>
#include <string.h>

#include "media/codec.h"
#include "media/payload.h"

struct static_type {
	uint8_t number, channels;
	uint32_t clock_hz;
	const char *name;
};

/* RFC 3551 tables 4 and 5 */
static const struct static_type g_static_types[] = {
	{ 0, 1, 8000, "PCMU" },   { 3, 1, 8000, "GSM" },    { 4, 1, 8000, "G723" },
	{ 5, 1, 8000, "DVI4" },   { 6, 1, 16000, "DVI4" },  { 7, 1, 8000, "LPC" },
	{ 8, 1, 8000, "PCMA" },   { 9, 1, 8000, "G722" },   { 10, 2, 44100, "L16" },
	{ 11, 1, 44100, "L16" },  { 12, 1, 8000, "QCELP" }, { 13, 1, 8000, "CN" },
	{ 14, 1, 90000, "MPA" },  { 15, 1, 8000, "G728" },  { 16, 1, 11025, "DVI4" },
	{ 17, 1, 22050, "DVI4" }, { 18, 1, 8000, "G729" },  { 25, 1, 90000, "CelB" },
	{ 26, 1, 90000, "JPEG" }, { 28, 1, 90000, "nv" },   { 31, 1, 90000, "H261" },
	{ 32, 1, 90000, "MPV" },  { 33, 1, 90000, "MP2T" }, { 34, 1, 90000, "H263" },
};

bool payload_is_event(const struct payload *p)
{
	return payload_is(p, "telephone-event");
}

bool payload_is_codec(const struct payload *p)
{
	return !payload_is_event(p) && !payload_is(p, "CN") && !payload_is(p, "red");
}

bool payload_list_has_codec(const struct payload_list *list)
{
	for (uint8_t i = 0; i < list->count; i++) {
		if (payload_is_codec(&list->at[i]))
			return true;
	}
	return false;
}

/* "96 opus/48000/2": the part after the number, when the number is this one. */
static bool payload_value_of(struct bytes value, uint8_t number, struct bytes *rest)
{
	struct bytes word;
	uint32_t n;

	if (!bytes_cut(&value, ' ', &word) || bytes_u32(word, &n) || n != number)
		return false;
	*rest = bytes_trim(value);
	return true;
}

static struct bytes find_value(const struct sdp *s, unsigned section, const char *attribute,
			       uint8_t number)
{
	struct bytes value, rest;
	uint16_t line = 0;

	while (sdp_attribute_next(s, section, attribute, &line, &value)) {
		if (payload_value_of(value, number, &rest))
			return rest;
	}
	return (struct bytes){ 0 };
}

/* RFC 3551 4.5.2: G.722 samples at 16 kHz, yet its clock is 8000; RFC 7587 4.1: opus is always
 * 48000/2. Other values occur in practice and mean the same. */
static void mend_quirks(struct payload *p)
{
	if (payload_is(p, "G722") && p->clock_hz == 16000)
		p->clock_hz = 8000;
	if (payload_is(p, "opus") && p->clock_hz == 48000)
		p->channels = 2;
}

/* RFC 8866 6.6: name/clock[/channels]. False: not that. */
static bool read_encoding(struct payload *p, struct bytes encoding)
{
	struct bytes rest = encoding, name, clock;
	uint32_t clock_hz, channels = 1;

	if (!bytes_cut(&rest, '/', &name) || !bytes_cut(&rest, '/', &clock) || name.n == 0 ||
	    bytes_u32(clock, &clock_hz) || clock_hz == 0)
		return false;
	if (rest.n && (bytes_u32(rest, &channels) || channels == 0 || channels > UINT8_MAX))
		return false;
	p->name = name;
	p->clock_hz = clock_hz;
	p->channels = (uint8_t)channels;
	p->encoding = encoding;
	mend_quirks(p);
	return true;
}

static void read_static(struct payload *p)
{
	for (size_t i = 0; i < COUNT_OF(g_static_types); i++) {
		const struct static_type *type = &g_static_types[i];

		if (type->number != p->number)
			continue;
		p->name = bytes_str(type->name);
		p->clock_hz = type->clock_hz;
		p->channels = type->channels;
		return;
	}
}

static void payload_read_format(struct payload *p, const struct sdp *s, unsigned section,
				uint8_t number)
{
	*p = (struct payload){ .number = number };
	p->parameters = find_value(s, section, "fmtp", number);
	if (!read_encoding(p, find_value(s, section, "rtpmap", number)))
		read_static(p);
}

/* FEC and retransmission refer to sequence numbers or SSRCs of another stream, which we rewrite:
 * they are not relayed, and browsers offer so many that they would displace codecs. */
static bool is_tied(const struct payload *p)
{
	static const char *const tied[] = { "rtx", "ulpfec", "flexfec", "flexfec-03", "parityfec" };

	for (size_t i = 0; i < COUNT_OF(tied); i++) {
		if (payload_is(p, tied[i]))
			return true;
	}
	return false;
}

void payload_list_read(struct payload_list *out, const struct sdp *s, unsigned section)
{
	struct bytes rest = sdp_slice(s, s->sections[section].formats), word;
	uint32_t number;

	out->count = 0;
	while (out->count < PAYLOAD_RULES_MAX && bytes_cut(&rest, ' ', &word)) {
		if (bytes_u32(word, &number) || number > 127)
			continue;
		if (payload_find(out, (uint8_t)number))
			continue;
		payload_read_format(&out->at[out->count], s, section, (uint8_t)number);
		if (!is_tied(&out->at[out->count]))
			out->count++;
	}
}

const struct payload *payload_find(const struct payload_list *list, uint8_t number)
{
	for (uint8_t i = 0; i < list->count; i++) {
		if (list->at[i].number == number)
			return &list->at[i];
	}
	return NULL;
}

bool payload_parameter(const struct payload *p, const char *name, struct bytes *value)
{
	struct bytes rest = p->parameters, one;

	while (bytes_cut(&rest, ';', &one)) {
		struct bytes trimmed = bytes_trim(one), key;

		if (bytes_cut(&trimmed, '=', &key) && bytes_iis(bytes_trim(key), name)) {
			*value = bytes_trim(trimmed);
			return true;
		}
	}
	return false;
}

bool payload_same_codec(const struct payload *a, const struct payload *b)
{
	return a->name.n && bytes_ieq(a->name, b->name) && a->clock_hz == b->clock_hz &&
	       a->channels == b->channels;
}

static bool same_parameter(const struct payload *a, const struct payload *b, const char *name,
			   const char *absent, size_t compared)
{
	struct bytes in_a = bytes_str(absent), in_b = in_a;

	(void)payload_parameter(a, name, &in_a);
	(void)payload_parameter(b, name, &in_b);
	return bytes_ieq(bytes_sub(in_a, 0, compared), bytes_sub(in_b, 0, compared));
}

bool payload_same_format(const struct payload *a, const struct payload *b)
{
	if (!payload_same_codec(a, b))
		return false;
	if (payload_is(a, "G7221"))
		return same_parameter(a, b, "bitrate", "", SIZE_MAX);
	if (payload_is(a, "VP9")) /* RFC 9628 6.1 */
		return same_parameter(a, b, "profile-id", "0", SIZE_MAX);
	if (payload_is(a, "AV1"))
		return same_parameter(a, b, "profile", "0", SIZE_MAX);
	if (payload_is(a, "H265")) /* RFC 7798 7.1 */
		return same_parameter(a, b, "profile-id", "1", SIZE_MAX);
	if (!payload_is(a, "H264"))
		return true;
	/* RFC 6184 8.2.2: profile and mode are symmetric, the level is not; 8.1 has the defaults */
	return same_parameter(a, b, "packetization-mode", "0", SIZE_MAX) &&
	       same_parameter(a, b, "profile-level-id", "420010", 2);
}

/* Two equal formats: whether H264 constraints are the same, too (RFC 6184 8.1, profile-iop). */
static bool payload_same_profile(const struct payload *a, const struct payload *b)
{
	return !payload_is(a, "H264") || same_parameter(a, b, "profile-level-id", "420010", 4);
}

static bool payload_is_used(const uint8_t index[PAYLOAD_RULES_MAX], uint8_t at)
{
	return memchr(index, at, PAYLOAD_RULES_MAX) != NULL;
}

static uint8_t with_number(const struct payload *wanted, const struct payload_list *among)
{
	const struct payload *found = payload_find(among, wanted->number);

	if (!found || (wanted->name.n && !payload_same_codec(wanted, found)))
		return PAYLOAD_NONE;
	return (uint8_t)(found - among->at);
}

/* libre answers a browser's last H264 of its packetization-mode, but means its own profile: so the
 * payload type number counts first unless its parameters contradict. */
static uint8_t with_number_and_profile(const struct payload *wanted,
				       const struct payload_list *among)
{
	uint8_t at = with_number(wanted, among);

	if (at == PAYLOAD_NONE || wanted->parameters.n == 0 || !payload_is(wanted, "H264"))
		return at;
	return payload_same_format(wanted, &among->at[at]) &&
			       payload_same_profile(wanted, &among->at[at])
		       ? at
		       : PAYLOAD_NONE;
}

/* A browser has H264 under a number per profile: the very one goes before one that will do. */
static uint8_t with_codec(const struct payload *wanted, const struct payload_list *among,
			  const uint8_t index[PAYLOAD_RULES_MAX])
{
	uint8_t found = PAYLOAD_NONE;

	for (uint8_t i = 0; i < among->count; i++) {
		if (!payload_same_format(wanted, &among->at[i]) || payload_is_used(index, i))
			continue;
		if (payload_same_profile(wanted, &among->at[i]))
			return i;
		if (found == PAYLOAD_NONE)
			found = i;
	}
	return found;
}

void payload_match(const struct payload_list *wanted, const struct payload_list *among,
		   uint8_t index[PAYLOAD_RULES_MAX])
{
	memset(index, PAYLOAD_NONE, PAYLOAD_RULES_MAX);
	for (uint8_t i = 0; i < wanted->count; i++)
		index[i] = with_number_and_profile(&wanted->at[i], among);
	for (uint8_t i = 0; i < wanted->count; i++) {
		if (index[i] == PAYLOAD_NONE)
			index[i] = with_codec(&wanted->at[i], among, index);
	}
	for (uint8_t i = 0; i < wanted->count; i++) {
		uint8_t at = with_number(&wanted->at[i], among);

		if (index[i] == PAYLOAD_NONE && !payload_is_used(index, at))
			index[i] = at;
	}
}

static const struct {
	const char *name;
	bool steady;
} g_kinds[MEDIA_KINDS] = {
	[MEDIA_AUDIO] = { "audio", true },
	[MEDIA_VIDEO] = { "video", true },
	[MEDIA_OPAQUE] = { "other", false },
	[MEDIA_TEXT] = { "text", false },
};

enum media_kind media_kind_of(struct bytes media)
{
	for (unsigned i = 0; i < MEDIA_KINDS; i++) {
		if (i != MEDIA_OPAQUE && bytes_iis(media, g_kinds[i].name))
			return (enum media_kind)i;
	}
	return MEDIA_OPAQUE;
}

const char *media_kind_name(enum media_kind kind)
{
	assert((unsigned)kind < MEDIA_KINDS);
	return g_kinds[kind].name;
}

bool media_kind_is_steady(enum media_kind kind)
{
	assert((unsigned)kind < MEDIA_KINDS);
	return g_kinds[kind].steady;
}

/* RFC 3551 6: the clock of G.722 is not its rate. RFC 7587 4.1: opus is always 48000/2. */
static const struct media_codec_facts g_codec_facts[MEDIA_CODECS_KNOWN] = {
	[MEDIA_CODEC_PCMU] = { "PCMU", "PCMU/8000", NULL, 8000, 1, 0, 8 },
	[MEDIA_CODEC_PCMA] = { "PCMA", "PCMA/8000", NULL, 8000, 1, 8, 8 },
	[MEDIA_CODEC_G722] = { "G722", "G722/8000", NULL, 8000, 1, 9, 8 },
	[MEDIA_CODEC_G729] = { "G729", "G729/8000", "annexb=no", 8000, 1, 18, 1 },
	[MEDIA_CODEC_OPUS] = { "opus", "opus/48000/2", NULL, 48000, 2, 96, 0 },
	[MEDIA_CODEC_G726_32] = { "G726-32", "G726-32/8000", NULL, 8000, 1, 97, 4 },
	/* RFC 3551 4.5.11. 44,100 Hz, the static types 10 and 11, is not coded. */
	[MEDIA_CODEC_L16] = { "L16", "L16/8000", NULL, 8000, 1, 98, 16 },
	[MEDIA_CODEC_L16_WIDE] = { "L16", "L16/16000", NULL, 16000, 1, 99, 32 },
};

/* Codecs of most phones first. L16 needs four times the octets of G.711: only by name. */
static const uint8_t g_liked[] = {
	MEDIA_CODEC_PCMA, MEDIA_CODEC_PCMU, MEDIA_CODEC_G722,
	MEDIA_CODEC_G729, MEDIA_CODEC_OPUS, MEDIA_CODEC_G726_32,
};

/* Coded, and not spoken: bits by enum media_codec; written before other threads begin. */
static uint32_t g_transcodable = UINT32_C(1) << MEDIA_CODEC_L16 | UINT32_C(1)
									  << MEDIA_CODEC_L16_WIDE;

const struct media_codec_facts *media_codec_facts(enum media_codec codec)
{
	return (unsigned)codec < COUNT_OF(g_codec_facts) ? &g_codec_facts[codec] : NULL;
}

static bool codec_is(const struct media_codec_facts *facts, const struct payload *p)
{
	return payload_is(p, facts->name) && p->clock_hz == facts->clock_hz &&
	       p->channels == facts->channels;
}

enum media_codec media_codec_of(const struct payload *p)
{
	unsigned codec = 0;

	while (codec < MEDIA_CODECS_KNOWN && !codec_is(&g_codec_facts[codec], p))
		codec++;
	return (enum media_codec)codec;
}

void media_codec_code(enum media_codec codec)
{
	g_transcodable |= UINT32_C(1) << codec;
}

bool media_codec_is_transcodable(enum media_codec codec)
{
	return codec < MEDIA_CODECS || (codec < MEDIA_CODECS_KNOWN && g_transcodable >> codec & 1);
}

uint8_t media_codecs_transcodable(uint8_t out[MEDIA_CODECS_KNOWN], bool named)
{
	uint8_t count = media_codecs_liked(true, out);

	for (size_t i = 0; i < COUNT_OF(g_liked); i++) {
		if (g_liked[i] >= MEDIA_CODECS &&
		    media_codec_is_transcodable((enum media_codec)g_liked[i]))
			out[count++] = g_liked[i];
	}
	if (named) {
		out[count++] = MEDIA_CODEC_L16_WIDE;
		out[count++] = MEDIA_CODEC_L16;
	}
	return count;
}

uint8_t media_codecs_liked(bool spoken, uint8_t out[MEDIA_CODECS_KNOWN])
{
	uint8_t count = 0;

	for (size_t i = 0; i < COUNT_OF(g_liked); i++) {
		if (!spoken || g_liked[i] < MEDIA_CODECS)
			out[count++] = g_liked[i];
	}
	return count;
}
