/* SPDX-License-Identifier: Apache-2.0 */
/* What of an offered line may pass: what we can relay, and what the terms of both parties allow. */
#include <assert.h>

#include "media/offer/crypto.h"
#include "media/offer/line.h"
#include "media/offer/opaque.h"
#include "media/offer/own.h"

static bool line_is_secure(const struct sdp *s, uint8_t index)
{
	struct offer_profile profile;

	return offer_profile_read(&profile, sdp_slice(s, s->sections[index + 1].proto)) &&
	       profile.secure && offer_crypto_usable(s, index + 1U);
}

/* What says that a stream is one of its own, and no alternative to another (RFC 4796, RFC 4574). */
static bool codec_is_named(const struct sdp *s, uint8_t index)
{
	struct bytes rest;

	return sdp_attribute(s, index + 1U, "content", &rest) ||
	       sdp_attribute(s, index + 1U, "label", &rest);
}

/* Phones offer one stream twice, SRTP and plain, with one port (Polycom, snom) or two: the first plain line of a kind and its first one with
 * keys and the same formats, and so on. */
static bool has_secure_twin(const struct sdp *s, uint8_t index)
{
	const struct sdp_section *own = &s->sections[index + 1];
	unsigned secure = 0, plain_before = 0;

	for (uint8_t i = 0; i < s->media_count && i < MEDIA_LINES_MAX; i++) {
		const struct sdp_section *m = &s->sections[i + 1];

		if (i == index || m->port == 0 ||
		    !bytes_ieq(sdp_slice(s, m->kind), sdp_slice(s, own->kind)))
			continue;
		if (!line_is_secure(s, i))
			plain_before += i < index;
		else if (m->port == own->port)
			return true;
		else
			secure += !codec_is_named(s, i) &&
				  bytes_eq(sdp_slice(s, m->formats), sdp_slice(s, own->formats));
	}
	return !codec_is_named(s, index) && secure > plain_before;
}

static const char *plain_refusal(const struct sdp *s, uint8_t index,
				 const struct offer_terms *terms)
{
	if (terms->sdes_only)
		return "plain RTP is not accepted";
	return terms->sdes_accept && has_secure_twin(s, index) ? "its SRTP alternative is used"
							       : NULL;
}

static const char *dtls_refusal(const struct offer_line *line, const struct offer_terms *terms)
{
	if (!terms->dtls_accept)
		return "DTLS-SRTP is not accepted";
	if (line->transport.fingerprint.hash == MEDIA_HASH_NONE)
		return "no a=fingerprint that can be used";
	return line->transport.setup == OFFER_SETUP_OTHER ? "a=setup sets up nothing" : NULL;
}

static const char *select_refusal(const struct offer_line *line, const struct sdp *s, uint8_t index,
				  const struct offer_policy *policy)
{
	const char *reason = offer_lines_refusal(s, index, line->kind, policy);

	if (reason || line->kind == MEDIA_OPAQUE)
		return reason;
	if (line->kind == MEDIA_VIDEO && (policy->a.no_video || policy->b.no_video))
		return "video is off";
	if (line->profile.dtls)
		return dtls_refusal(line, &policy->a);
	if (policy->a.dtls_only)
		return "only DTLS-SRTP is accepted";
	if (!line->profile.secure)
		return plain_refusal(s, index, &policy->a);
	if (!policy->a.sdes_accept)
		return "SRTP is not accepted";
	return offer_crypto_usable(s, index + 1U) ? NULL : "no a=crypto that can be used";
}

static uint8_t video_bit(const struct payload *p)
{
	static const struct {
		const char *name;
		enum offer_video bit;
	} codecs[] = {
		{ "H264", OFFER_VIDEO_H264 }, { "VP8", OFFER_VIDEO_VP8 },
		{ "VP9", OFFER_VIDEO_VP9 },   { "AV1", OFFER_VIDEO_AV1 },
		{ "H265", OFFER_VIDEO_H265 },
	};

	for (size_t i = 0; i < COUNT_OF(codecs); i++) {
		if (payload_is(p, codecs[i].name))
			return (uint8_t)codecs[i].bit;
	}
	return 0;
}

static uint8_t video_of(const struct offer_terms *terms)
{
	return terms->video_codecs ? terms->video_codecs : OFFER_VIDEO_H264;
}

bool offer_line_may_have(const struct offer_terms *terms, const struct payload *codec)
{
	for (uint8_t i = 0; i < terms->codec_count; i++) {
		if (payload_is(codec, terms->codecs[i]))
			return true;
	}
	return terms->codec_count == 0;
}

/* Within a BUNDLE group numbers may have to be others, and those in the parameters of red (RFC 2198 5) would not follow. */
static bool may_have_red(const struct offer_line *line, const struct offer_policy *policy)
{
	return !line->profile.dtls && !offer_terms_want_dtls(&policy->b);
}

/* ---- formats, by kind ---- */

static bool audio_is_known(const struct payload *p)
{
	return p->name.n > 0;
}

static bool audio_is_allowed(const struct payload *p, const struct offer_line *line,
			     const struct offer_policy *policy)
{
	if (payload_is(p, "red") && !may_have_red(line, policy))
		return false;
	if (!payload_is_codec(p))
		return !payload_is_event(p) || !policy->a.digits;
	return offer_line_may_have(&policy->a, p) && offer_line_may_have(&policy->b, p);
}

static bool video_is_known(const struct payload *p)
{
	return video_bit(p);
}

static bool video_is_allowed(const struct payload *p, const struct offer_line *line,
			     const struct offer_policy *policy)
{
	(void)line;
	return video_bit(p) & video_of(&policy->a) & video_of(&policy->b);
}

/* RFC 4103 6, 7: T.140, and its redundancy, whose blocks have the number of T.140 in them. */
static bool text_is_known(const struct payload *p)
{
	return payload_is(p, "t140") || payload_is(p, "red");
}

static bool text_is_allowed(const struct payload *p, const struct offer_line *line,
			    const struct offer_policy *policy)
{
	return payload_is(p, "t140") || may_have_red(line, policy);
}

/* known: it can be relayed. allowed: it may be between these two. */
static const struct {
	bool (*known)(const struct payload *p);
	bool (*allowed)(const struct payload *p, const struct offer_line *line,
			const struct offer_policy *policy);
} g_formats[MEDIA_KINDS] = {
	[MEDIA_AUDIO] = { audio_is_known, audio_is_allowed },
	[MEDIA_VIDEO] = { video_is_known, video_is_allowed },
	[MEDIA_TEXT] = { text_is_known, text_is_allowed },
};

/* RFC 2198 5: "127/127" are the numbers of the blocks within. */
static bool has_its_blocks(const struct payload *red, const struct payload_list *kept)
{
	struct bytes rest = red->parameters, word;
	uint32_t number;

	while (bytes_cut(&rest, '/', &word)) {
		const struct payload *block;

		if (bytes_u32(bytes_trim(word), &number) || number > 127)
			return false;
		block = payload_find(kept, (uint8_t)number);
		if (!block || payload_is(block, "red"))
			return false;
	}
	return true;
}

static void drop_torn_redundancy(struct payload_list *formats)
{
	const struct payload_list all = *formats;

	formats->count = 0;
	for (uint8_t i = 0; i < all.count; i++) {
		if (!payload_is(&all.at[i], "red") || has_its_blocks(&all.at[i], &all))
			formats->at[formats->count++] = all.at[i];
	}
}

/* One that the terms list is one that the node speaks. */
static bool terms_speak(const struct offer_terms *terms)
{
	bool any = terms->codec_count == 0;

	for (uint8_t i = 0; i < MEDIA_CODECS_KNOWN && !any; i++) {
		const struct media_codec_facts *facts = media_codec_facts((enum media_codec)i);

		assert(facts);

		const struct payload p = { .name = bytes_str(facts->name) };

		any = media_codec_is_transcodable((enum media_codec)i) &&
		      offer_line_may_have(terms, &p);
	}
	return any;
}

static bool offers_spoken(const struct payload_list *formats, const struct offer_terms *terms)
{
	bool any = false;

	for (uint8_t i = 0; i < formats->count; i++) {
		const struct payload *p = &formats->at[i];

		any |= media_codec_is_transcodable(media_codec_of(p)) &&
		       offer_line_may_have(terms, p);
	}
	return any;
}

static bool is_codable(const struct offer_line *line, const struct offer_policy *policy)
{
	return line->kind == MEDIA_AUDIO && policy->a.transcode && policy->b.transcode &&
	       offers_spoken(&line->formats, &policy->a) && terms_speak(&policy->b);
}

/* Why, where no codec is left. */
static const char *select_no_codec(const struct offer_line *line, const struct offer_policy *policy)
{
	if (line->kind != MEDIA_AUDIO || !policy->a.transcode || !policy->b.transcode)
		return "no codec that may be used";
	if (policy->codings_full && is_codable(line, policy))
		return OFFER_CODINGS_FULL;
	return offers_spoken(&line->formats, &policy->a)
		       ? "the answerer may have no codec that the node speaks"
		       : offer_own_lacks(&line->formats);
}

/* NULL, or why nothing worth relaying is left. */
static const char *select_formats(struct offer_line *line, const struct offer_policy *policy)
{
	const char *nothing = select_no_codec(line, policy);
	struct payload_list *formats = &line->formats;
	uint8_t kept = 0;
	bool codec = false;

	line->codable = is_codable(line, policy) && !policy->codings_full;
	for (uint8_t i = 0; i < formats->count; i++) {
		const struct payload *p = &formats->at[i];

		if (!g_formats[line->kind].known(p))
			continue;
		codec |= payload_is_codec(p);
		if (g_formats[line->kind].allowed(p, line, policy))
			formats->at[kept++] = *p;
	}
	formats->count = kept;
	drop_torn_redundancy(formats);
	if (codec && !line->codable && !payload_list_has_codec(formats))
		return nothing;
	return formats->count || line->codable ? NULL : "no known codec";
}

void offer_line_select_formats(struct offer_line *line, const struct sdp *s, uint8_t index,
			       const struct offer_policy *policy)
{
	const char *reason;

	if (line->state != OFFER_LINE_RELAYED || line->kind == MEDIA_OPAQUE)
		return;
	reason = select_formats(line, policy);
	if (reason)
		offer_line_refuse(line, s, index, reason);
}

void offer_line_select(struct offer_line *line, const struct sdp *s, uint8_t index,
		       const struct offer_policy *policy)
{
	const char *reason;

	if (line->state != OFFER_LINE_RELAYED)
		return;
	reason = select_refusal(line, s, index, policy);
	if (reason)
		offer_line_refuse(line, s, index, reason);
	else
		offer_line_select_formats(line, s, index, policy);
}
