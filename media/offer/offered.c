/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/offered.h"

#include <errno.h>

#include "media/offer/crypto.h"
#include "media/offer/extension.h"
#include "media/offer/opaque.h"
#include "media/offer/record.h"
#include "media/offer/webrtc.h"
#include "media/rtp/transport_cc.h"

/* A line, before it is written. */
struct offered {
	struct offer_line line;
	struct offer_profile profile;
	struct offer_formats formats;
};

/* What had keys keeps them, although nobody would offer them anew: a phone that insists on SRTP is not asked to go on without. */
static bool had_keys(const struct offering *k, uint8_t index)
{
	struct offer_profile profile;

	return k->earlier && index < k->earlier->media_count &&
	       k->earlier->sections[index + 1].port &&
	       offer_profile_read(&profile,
				  sdp_slice(k->earlier, k->earlier->sections[index + 1].proto)) &&
	       profile.secure;
}

/* B's profile: keys as B's terms have them, with feedback as A's; towards a phone that is A's own, not a browser's. */
static struct offer_profile profile_for_b(const struct offering *k, uint8_t index,
					  const struct offer_line *line)
{
	const struct offer_terms *terms = &k->policy->b;

	if (k->dtls)
		return (struct offer_profile){ .dtls = true, .feedback = true };
	return (struct offer_profile){
		.secure = terms->sdes_offer || terms->sdes_only ||
			  (terms->sdes_accept && had_keys(k, index)),
		.feedback = line->profile.feedback && !line->profile.dtls,
	};
}

static void offered_note_numbers(struct offer_numbers *numbers, const struct offer_formats *formats)
{
	for (uint8_t i = 0; i < formats->count; i++)
		numbers->taken[formats->at[i].to] = true;
}

/* Of the other lines in one BUNDLE group: what they have, and what those to come have had. */
static struct offer_numbers numbers_of_others(const struct offering *k, uint8_t index)
{
	struct offer_numbers others = k->numbers;
	struct payload_list list;

	for (uint8_t i = index + 1; k->earlier && i < k->earlier->media_count; i++) {
		payload_list_read(&list, k->earlier, i + 1U);
		for (uint8_t j = 0; j < list.count; j++)
			others.taken[list.at[j].number] |= list.at[j].encoding.n > 0;
	}
	return others;
}

static bool text_has_codec(const struct sdp *s, uint8_t index, const struct payload *codec)
{
	struct payload_list list;

	if (!s || index >= s->media_count || !s->sections[index + 1].port)
		return false;
	payload_list_read(&list, s, index + 1U);
	for (uint8_t i = 0; i < list.count; i++) {
		if (payload_same_codec(&list.at[i], codec))
			return true;
	}
	return false;
}

/* B did not name it when it offered, or did not take it when it was offered. */
static bool b_lacks(const struct offering *k, uint8_t index, const struct payload *codec)
{
	return k->remote && index < k->remote->media_count && k->remote->sections[index + 1].port &&
	       !text_has_codec(k->remote, index, codec) &&
	       (k->to_b->remote_is_offer || text_has_codec(k->earlier, index, codec));
}

static bool b_lacks_all(const struct offering *k, uint8_t index, const struct payload_list *formats)
{
	for (uint8_t i = 0; i < formats->count; i++) {
		if (payload_is_codec(&formats->at[i]) && !b_lacks(k, index, &formats->at[i]))
			return false;
	}
	return true;
}

/* Audio is transcoded where it cannot be otherwise. */
static bool line_adds(const struct offering *k, uint8_t index, const struct offer_line *line)
{
	return line->codable && (k->policy->adds_codecs || b_lacks_all(k, index, &line->formats));
}

static void fill_formats(struct offering *k, uint8_t index, struct offered *f)
{
	static const struct offer_numbers none;
	struct offer_numbers others = k->dtls ? numbers_of_others(k, index) : none;

	f->line.adds = line_adds(k, index, &f->line);
	offer_formats_fill(&f->formats, &f->line, k->s, index, k->policy, k->earlier, &others);
	offered_note_numbers(&k->numbers, &f->formats);
}

/* NULL, or why B cannot be offered it. */
static const char *offer_to_b(struct offering *k, uint8_t index, struct offered *f)
{
	struct crypto crypto = { 0 };
	bool keyed;

	if (!k->to_b->rtp_port[index])
		return "no port for it";
	if (f->line.kind == MEDIA_OPAQUE)
		return NULL;
	f->profile = profile_for_b(k, index, &f->line);
	fill_formats(k, index, f);
	if (f->formats.count == 0)
		return "no payload type is free";
	if (k->dtls)
		return k->to_b->fingerprint.hash ? NULL : "no certificate for it";
	keyed = !f->profile.secure || offer_crypto_offer(&crypto, &k->to_b->keys[index]);
	crypto_wipe(&crypto);
	return keyed ? NULL : "no key for it";
}

/* 0, whatever becomes of the line, or -EBADMSG. */
static int read_offered(struct offered *f, struct offering *k, uint8_t index,
			struct offer_error *error)
{
	const char *reason = NULL;

	if (offer_line_read(&f->line, k->s, index, k->policy, error))
		return -EBADMSG;
	offer_line_select(&f->line, k->s, index, k->policy);
	if (f->line.state == OFFER_LINE_RELAYED)
		reason = offer_to_b(k, index, f);
	if (reason)
		offer_line_refuse(&f->line, k->s, index, reason);
	return 0;
}

/* All that B is offered in one group (RFC 9143 7.2): what will be written is found out before it is. */
int offer_offered_group(struct writer *w, struct offering *k, struct offer_error *error)
{
	char text[OFFER_MID_MAX];
	struct offered f;
	bool any = false;

	for (uint8_t i = 0; i < k->s->media_count; i++) {
		if (read_offered(&f, k, i, error))
			return -EBADMSG;
		if (f.line.state != OFFER_LINE_RELAYED)
			continue;
		writer_str(w, any ? " " : "a=group:BUNDLE ");
		writer_bytes(w, offer_webrtc_choose_mid(k->earlier, i, text));
		any = true;
	}
	if (any)
		writer_str(w, "\r\n");
	k->numbers = (struct offer_numbers){ 0 };
	return 0;
}

static struct sdp_direction direction_for_b(const struct offering *k, const struct offer_line *a)
{
	const struct offer_self *b = k->to_b;

	return offer_direction(b, b->both_ways || offer_sends(b, a->kind, a->side.sends),
			       b->both_ways || a->side.receives);
}

static void write_opaque(struct writer *w, const struct offering *k, uint8_t index,
			 const struct offered *f)
{
	const struct sdp_section *m = &k->s->sections[index + 1];
	const struct offer_opaque line = {
		.media = sdp_slice(k->s, m->kind),
		.proto = sdp_slice(k->s, m->proto),
		.port = k->to_b->rtp_port[index],
		.direction = direction_for_b(k, &f->line),
		.record = offer_record_of(&k->to_b->record, MEDIA_OPAQUE, index),
	};

	offer_opaque_write(w, k->s, index, &line);
}

static void write_relayed(struct writer *w, const struct offering *k, uint8_t index,
			  const struct offered *f, struct bytes mid)
{
	const struct media_ice *ice = &k->to_b->ice[index];
	struct crypto crypto = { 0 };
	struct offer_webrtc webrtc = {
		.mid = mid,
		.cc_extension = ice->on ? offer_extension_choose(k->earlier, TRANSPORT_CC_URI) : 0,
		.rid_extension = offer_extension_of_layers_before(k->earlier, index),
		.ice = ice->on ? ice : NULL,
		.fingerprint = &k->to_b->fingerprint,
		.setup = "actpass",
		.stream = k->to_b->session_id,
		.ssrc = k->to_b->ssrc[index],
	};
	struct offer_media media = {
		.kind = f->line.kind,
		.name = sdp_slice(k->s, k->s->sections[index + 1].kind),
		.proto = bytes_str(offer_profile_name(f->profile)),
		.formats = &f->formats,
		.terms = &k->policy->b,
		.address = &k->to_b->address,
		.port = k->to_b->rtp_port[index],
		.direction = direction_for_b(k, &f->line),
		.mux_offer = k->policy->rtcp_mux || k->dtls,
		.feedback = k->dtls || !f->line.profile.dtls,
		.between = k->dtls || f->line.profile.dtls,
		.crypto = f->profile.secure ? &crypto : NULL,
		.webrtc = k->dtls ? &webrtc : NULL,
		.record = offer_record_of(&k->to_b->record, f->line.kind, index),
	};

	if (media.kind == MEDIA_VIDEO && k->to_b->layers)
		offer_layers_before(&webrtc.layers, k->earlier, index);
	if (media.crypto)
		(void)offer_crypto_offer(&crypto, &k->to_b->keys[index]); /* it could before */
	offer_write_media(w, k->s, index + 1U, &media);
	crypto_wipe(&crypto);
}

int offer_offered_write(struct writer *w, struct offering *k, uint8_t index,
			struct offer_error *refused, struct offer_error *error)
{
	char text[OFFER_MID_MAX];
	struct bytes mid = { 0 };
	struct offered f;

	if (read_offered(&f, k, index, error))
		return -EBADMSG;
	if (k->dtls)
		mid = offer_webrtc_choose_mid(k->earlier, index, text);
	offer_error_note(refused, &f.line);
	if (f.line.state != OFFER_LINE_RELAYED)
		offer_write_refused(w, k->s, index + 1U, mid);
	else if (f.line.kind == MEDIA_OPAQUE)
		write_opaque(w, k, index, &f);
	else
		write_relayed(w, k, index, &f, mid);
	return f.line.state == OFFER_LINE_RELAYED;
}
