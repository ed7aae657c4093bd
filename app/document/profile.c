/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/profile.h"

#include <string.h>
#include <strings.h>

#include "app/document/document.h"

const char *const g_profile_codecs[] = { "PCMU",    "PCMA",  "G722",   "G723", "G729",
					 "G726-32", "G7221", "GSM",    "iLBC", "speex",
					 "opus",    "AMR",   "AMR-WB", "L16",  NULL };
const char *const g_profile_video[] = { "H264", "VP8", "VP9", "AV1", "H265", NULL };
const char *const g_profile_lines[] = {
#define OFFER_LINE(suffix, word, help) word,
#include "media/offer_lines.def"
#undef OFFER_LINE
	NULL,
};
const char *const g_profile_dtmf[] = { "rfc2833", "info", NULL };
const char *const g_profile_transport[] = { "any", "udp", "tcp", "tls", "ws", "wss", NULL };

void profile_default(struct profile *out, const char *name)
{
	*out = (struct profile){
		.core.terms = { .ptime_g711 = PROFILE_PACKET_MS,
				.ptime_g729 = PROFILE_PACKET_MS,
				.video_kbps = PROFILE_VIDEO_KBPS,
				.lines = OFFER_LINES_T38 },
	};
	(void)bytes_cstr(bytes_str(name), out->core.name, sizeof(out->core.name));
}

size_t profile_transport(const struct shard_profile *p)
{
	for (size_t i = 1; g_profile_transport[i]; i++) {
		if (p->transports == 1u << (i - 1))
			return i;
	}
	return 0;
}

void profile_transport_set(struct shard_profile *p, size_t index)
{
	p->transports = (uint8_t)(index ? 1u << (index - 1) : 0);
}

const char *profile_codecs_wrong(const struct offer_terms *terms)
{
	if (terms->codec_count == 1 && !strcmp(terms->codecs[0], "G722"))
		return "G722 must not be the only codec: not every phone has it; add PCMU or PCMA";
	return NULL;
}

static json_t *codecs_json(const struct offer_terms *terms)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < terms->codec_count; i++)
		(void)json_array_append_new(list, json_string(terms->codecs[i]));
	return list;
}

static json_t *words_json(const char *const *words, uint8_t bits)
{
	json_t *list = json_array();

	for (size_t i = 0; words[i]; i++) {
		if (bits & 1u << i)
			(void)json_array_append_new(list, json_string(words[i]));
	}
	return list;
}

json_t *profile_to_view(const struct profile *p)
{
	const struct offer_terms *terms = &p->core.terms;

	return json_pack("{s:s, s:o, s:i, s:i, s:s, s:b, s:s, s:b, s:o, s:I, s:o, s:I}", "name",
			 p->core.name, "codecs", codecs_json(terms), "g711_packet_ms",
			 terms->ptime_g711, "g729_packet_ms", terms->ptime_g729, "dtmf",
			 g_profile_dtmf[terms->no_events], "early_media", p->core.early_media,
			 "transport", g_profile_transport[profile_transport(&p->core)], "h264",
			 !terms->no_video, "video_codecs",
			 words_json(g_profile_video, terms->video_codecs), "video_kbps",
			 (json_int_t)terms->video_kbps, "lines",
			 words_json(g_profile_lines, terms->lines), "changed_utc_ms",
			 (json_int_t)p->changed_utc_ms);
}

json_t *profile_to_document(const struct profile *p)
{
	return document_versioned(profile_to_view(p));
}

/* Names that this version does not know may stand in a list: another version wrote it. */
static void codecs_read(struct document_reader *r, struct offer_terms *terms)
{
	const json_t *list = json_object_get(r->json, "codecs");
	size_t count = json_array_size(list);

	if (!list)
		return;
	if (!json_is_array(list) || count > OFFER_CODECS_MAX) {
		document_refuse(r, "codecs");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (!name || !name[0] ||
		    bytes_cstr(bytes_str(name), terms->codecs[i], sizeof(terms->codecs[i])))
			document_refuse(r, "codecs");
	}
	terms->codec_count = (uint8_t)count;
	if (profile_codecs_wrong(terms))
		document_refuse(r, "codecs");
}

static uint8_t profile_bit(const char *const *words, const json_t *name)
{
	const char *text = json_string_value(name);

	for (size_t i = 0; text && words[i]; i++) {
		if (!strcasecmp(text, words[i]))
			return (uint8_t)(1u << i);
	}
	return 0;
}

/* As it is where the list is absent. */
static void profile_words_read(struct document_reader *r, const char *member,
			       const char *const *words, uint8_t *bits)
{
	const json_t *list = json_object_get(r->json, member);
	size_t count = json_array_size(list);

	if (!list)
		return;
	if (!json_is_array(list))
		document_refuse(r, member);
	*bits = 0;
	for (size_t i = 0; i < count; i++) {
		if (!json_is_string(json_array_get(list, i)))
			document_refuse(r, member);
		*bits |= profile_bit(words, json_array_get(list, i));
	}
}

static void packet_ms_read(struct document_reader *r, const char *member, uint8_t *out)
{
	uint32_t ms = *out;

	document_u32(r, member, PROFILE_PACKET_MS_MIN, PROFILE_PACKET_MS_MAX, &ms);
	*out = (uint8_t)ms;
}

static void terms_read(struct document_reader *r, struct offer_terms *terms)
{
	size_t dtmf = 0;
	bool h264 = true;

	codecs_read(r, terms);
	packet_ms_read(r, "g711_packet_ms", &terms->ptime_g711);
	packet_ms_read(r, "g729_packet_ms", &terms->ptime_g729);
	document_word(r, "dtmf", g_profile_dtmf, &dtmf);
	document_bool(r, "h264", &h264);
	profile_words_read(r, "video_codecs", g_profile_video, &terms->video_codecs);
	profile_words_read(r, "lines", g_profile_lines, &terms->lines);
	document_u32(r, "video_kbps", PROFILE_VIDEO_KBPS_MIN, PROFILE_VIDEO_KBPS_MAX,
		     &terms->video_kbps);
	terms->no_events = dtmf;
	terms->no_video = !h264;
}

static void profile_fill(struct document_reader *r, void *value)
{
	struct profile *p = value;
	size_t transport = 0;

	document_text(r, "name", p->core.name, sizeof(p->core.name));
	if (!p->core.name[0])
		document_refuse(r, "name");
	terms_read(r, &p->core.terms);
	document_bool(r, "early_media", &p->core.early_media);
	document_word(r, "transport", g_profile_transport, &transport);
	profile_transport_set(&p->core, transport);
	p->changed_utc_ms = document_changed(r);
}

int profile_from_document(struct profile *out, struct bytes json, const char **reason)
{
	struct profile found;
	int err;

	profile_default(&found, "");
	err = document_read(json, profile_fill, &found, reason);
	if (!err)
		*out = found;
	return err;
}
