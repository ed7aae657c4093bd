/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of codec profiles and of address ranges: fields, defaults, and checks across fields.
 * command_tenant.c puts them; SDP offers follow a profile in the core. A profile must offer a codec
 * that every phone has, and packet times that its codecs can make (REG-10, RFC 3551 4.5.6).
 */

#include <errno.h>
#include <string.h>

#include "app/schema/field.h"
#include "app/schema/profile.h"

static const char *const g_profile_codecs[] = { "PCMU",    "PCMA",  "G722",   "G723", "G729",
						"G726-32", "G7221", "GSM",    "iLBC", "speex",
						"opus",    "AMR",   "AMR-WB", "L16",  NULL };
/* In the order of the bits of enum offer_video. */
static const char *const g_profile_video[] = { "H264", "VP8", "VP9", "AV1", "H265", NULL };
static const char g_profile_lines_help[] =
	"Other lines than audio and video, passed where both parties may have them."
#define OFFER_LINE(suffix, word, help) " " word ": " help "."
#include "media/offer/lines.def"
#undef OFFER_LINE
	;
/* In the order of the bits of enum offer_lines. */
static const char *const g_profile_lines[] = {
#define OFFER_LINE(suffix, word, help) word,
#include "media/offer/lines.def"
#undef OFFER_LINE
	NULL,
};
/* In the order of enum profile_transcode. */
static const char *const g_profile_transcode[] = { "setting", "on", "off", NULL };
/* In the order of enum offer_digits. */
static const char *const g_profile_dtmf[] = { "rfc2833", "info", "inband", NULL };
const char *const g_profile_transport[] = { "any", "udp", "tcp", "tls", "ws", "wss", NULL };

/* The names are behind their count. */
#define NAMES_AT (offsetof(struct profile, core.terms.codecs))
_Static_assert(NAMES_AT == offsetof(struct profile, core.terms.codec_count) + 1, "FIELD_NAMES");
_Static_assert((int)OFFER_CODEC_NAME_MAX == (int)FIELD_NAME_MAX, "FIELD_NAMES");

#undef FIELD_OF
#define FIELD_OF struct profile

const struct command_arg g_profile_fields[] = {
	KEY_FIELD("name", core.name, CHARSET_NAME,
		  "Name of the profile. The one named default is for phones in no range."),
	{ .name = "codecs",
	  .type = ARG_LIST,
	  .names = g_profile_codecs,
	  .max = OFFER_CODECS_MAX,
	  .preset = FIELD_PRESET("none"),
	  .help = "Audio codecs of these phones; others are taken out of what they offer and are "
		  "offered. None: all. G722 must not be the only one.",
	  .field = { .kind = FIELD_NAMES,
		     .at = NAMES_AT - 1,
		     .size = 1 + sizeof(((struct offer_terms *)NULL)->codecs) } },
	NUMBER_FIELD("g711_packet_ms", core.terms.ptime_g711, PROFILE_PACKET_MS_MIN,
		     PROFILE_PACKET_MS_MAX, "20",
		     "a=ptime towards them where PCMU or PCMA comes first."),
	NUMBER_FIELD("g729_packet_ms", core.terms.ptime_g729, PROFILE_PACKET_MS_MIN,
		     PROFILE_PACKET_MS_MAX, "20",
		     "As g711_packet_ms, where G729 comes first; a multiple of 10."),
	WORD_FIELD("dtmf", core.terms.digits, FIELD_NUMBER, g_profile_dtmf, "rfc2833",
		   "How digits go: as telephone-events in the media (RFC 4733, before that 2833), "
		   "by SIP INFO, or as tones in the sound (inband)."),
	FLAG_FIELD("early_media", core.early_media, "false",
		   "Pass 183 with SDP on to these phones."),
	WORD_FIELD("transport", core.transports, FIELD_BIT, g_profile_transport, "any",
		   "Over what they may register."),
	NOT_FIELD("h264", core.terms.no_video, "Video in their calls."),
	WORDS_FIELD("video_codecs", core.terms.video_codecs, g_profile_video, 5, "none",
		    "Codecs of that video; one passes where both parties of a call may have it. "
		    "None: all for browsers, H264 for other phones. Nothing is transcoded."),
	NUMBER_FIELD("video_kbps", core.terms.video_kbps, PROFILE_VIDEO_KBPS_MIN,
		     PROFILE_VIDEO_KBPS_MAX, "768",
		     "Most that video in SDP towards them may ask for, and that they are sent of "
		     "video in several layers (simulcast), in a conference."),
	WORDS_FIELD("lines", core.terms.lines, g_profile_lines, OFFER_LINES_WORDS, "t38",
		    g_profile_lines_help),
	WORD_FIELD("transcode", core.transcode, FIELD_NUMBER, g_profile_transcode, "setting",
		   "Whether their audio may be transcoded where the other party has none of their "
		   "codecs; setting: as media.transcode says."),
	{ .name = NULL },
};

static void profile_start(void *value, struct bytes name)
{
	struct profile *p = value;

	p->core.terms = (struct offer_terms){ .ptime_g711 = PROFILE_PACKET_MS,
					      .ptime_g729 = PROFILE_PACKET_MS,
					      .video_kbps = PROFILE_VIDEO_KBPS,
					      .lines = OFFER_LINES_T38 };
	(void)bytes_cstr(name, p->core.name, sizeof(p->core.name));
}

/* REG-10: G.722 is not in every phone. RFC 3551 4.5.6: G.729 has frames of 10 ms. */
static const char *profile_wrong(const void *value, const char **member)
{
	const struct offer_terms *terms = &((const struct profile *)value)->core.terms;

	if (terms->codec_count == 1 && !strcmp(terms->codecs[0], "G722")) {
		*member = "codecs";
		return "G722 must not be the only codec: not every phone has it; add PCMU or PCMA";
	}
	if (terms->ptime_g729 % 10) {
		*member = "g729_packet_ms";
		return "g729_packet_ms must be a multiple of 10";
	}
	return NULL;
}

const struct form g_profile_form = { .fields = g_profile_fields,
				     FORM_OF(struct profile),
				     .begin = profile_start,
				     .wrong = profile_wrong };

/* Ranges of addresses: REG-12's "IP device range table". */

int range_addr_read(struct addr *out, struct bytes text)
{
	return addr_parse(out, text) || out->port ? -EINVAL : 0;
}

int range_addr_order(const struct addr *a, const struct addr *b)
{
	int order = a->family - b->family;

	return order ? order : memcmp(a->ip, b->ip, sizeof(a->ip));
}

#undef FIELD_OF
#define FIELD_OF struct profile_range

const struct command_arg g_range_fields[] = {
	ADDR_FIELD("from", core.first, "First address. A range that begins there is replaced."),
	ADDR_FIELD("to", core.last, "Last address, of the same family."),
	{ .name = "profile",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .required = true,
	  .min = 1,
	  .max = sizeof(((FIELD_OF *)NULL)->core.profile) - 1,
	  .help = "Profile of phones with requests from these addresses.",
	  .field = { FIELD_AT(FIELD_TEXT, core.profile), .refers = "profile" } },
	{ .name = NULL },
};

static const char *range_wrong(const void *value, const char **member)
{
	const struct shard_range *r = &((const struct profile_range *)value)->core;

	*member = "to";
	if (r->first.family != r->last.family)
		return "from and to must both be IPv4 or both IPv6";
	return range_addr_order(&r->first, &r->last) > 0 ? "to must not be before from" : NULL;
}

const struct form g_range_form = { .fields = g_range_fields,
				   FORM_OF(struct profile_range),
				   .wrong = range_wrong };
