/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one m-line of a party's SDP into an offer_line, and selects from an offered line what may
 * pass: profiles (RTP/AVP to UDP/TLS/RTP/SAVPF), formats by kind and by the terms of both parties,
 * SRTP twins of phones, ANAT alternatives (RFC 4091), and opaque lines (T.38, BFCP). Offers,
 * answers and our own offers all read lines here, so a refusal has the same reason everywhere.
 * Limits on length guarantee that the text we make of an accepted one can be parsed again.
 */

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "media/offer/line.h"
#include "media/offer/own.h"
#include "media/offer/transport.h"
#include "media/offer/write.h"

static const struct {
	const char *name;
	struct offer_profile profile;
} g_profiles[] = {
	{ "RTP/AVP", { .secure = false, .feedback = false } },
	{ "RTP/AVPF", { .secure = false, .feedback = true } },
	{ "RTP/SAVP", { .secure = true, .feedback = false } },
	{ "RTP/SAVPF", { .secure = true, .feedback = true } },
	{ "UDP/TLS/RTP/SAVP", { .dtls = true } },
	{ "UDP/TLS/RTP/SAVPF", { .dtls = true, .feedback = true } },
};

bool offer_profile_read(struct offer_profile *out, struct bytes proto)
{
	*out = (struct offer_profile){ 0 };
	for (size_t i = 0; i < COUNT_OF(g_profiles); i++) {
		if (bytes_iis(proto, g_profiles[i].name)) {
			*out = g_profiles[i].profile;
			return true;
		}
	}
	return false;
}

const char *offer_profile_name(struct offer_profile p)
{
	unsigned keys = p.dtls ? 4 : p.secure ? 2 : 0; /* in that order */

	return g_profiles[keys + (p.feedback ? 1 : 0)].name;
}

bool offer_profile_has_dtls(const struct sdp *s)
{
	struct offer_profile profile;

	for (unsigned i = 1; i <= s->media_count; i++) {
		if (s->sections[i].port &&
		    offer_profile_read(&profile, sdp_slice(s, s->sections[i].proto)) &&
		    profile.dtls)
			return true;
	}
	return false;
}

enum {
	/* By us: s=, c=, t=, three of ICE and BUNDLE; two b=, rtpmap and fmtp of an event, ptime,
	 * direction, two of RTCP, crypto or nine of WebRTC, codecs of ours. Feedback fits into the
	 * lines of removed formats, except in offers of few lines. */
	LINES_ADDED = 6 + (17 + MEDIA_CODECS) * MEDIA_LINES_MAX,
	PORT_DISCARD = 9, /* means no port yet (RFC 8840 4.1.1) */
};

static int line_malformed(struct offer_error *error, uint16_t number, const char *reason)
{
	*error = (struct offer_error){ .status = 400, .line = number, .reason = reason };
	return -EBADMSG;
}

static int too_long(struct offer_error *error, const char *reason)
{
	*error = (struct offer_error){ .status = 413, .reason = reason };
	return -EBADMSG;
}

/* Candidates are many, and end here. */
static unsigned lines_to_pass(const struct sdp *s)
{
	unsigned count = s->line_count;
	struct bytes rest;

	for (uint16_t i = 0; i < s->line_count; i++) {
		if (s->lines[i].type == 'a' &&
		    sdp_attribute_is(sdp_slice(s, s->lines[i].value), "candidate", &rest))
			count--;
	}
	return count;
}

int offer_parse(struct sdp *out, struct bytes in, const struct offer_policy *policy,
		struct offer_error *error)
{
	struct sdp_error wrong;

	assert(error);
	if (in.n > policy->sdp_max)
		return too_long(error, "SDP is too long");
	if (sdp_parse(out, in, &wrong))
		return line_malformed(error, wrong.line, wrong.reason);
	if (lines_to_pass(out) > SDP_LINES_MAX - LINES_ADDED)
		return too_long(error, "SDP has too many lines");
	return 0;
}

int offer_parse_own(struct sdp *out, struct bytes in, struct offer_error *error)
{
	struct sdp_error wrong;

	return sdp_parse(out, in, &wrong) ? line_malformed(error, wrong.line, wrong.reason) : 0;
}

static uint16_t m_line_number(const struct sdp *s, uint8_t index)
{
	return s->sections[index + 1]
		.first; /* the m-line is the one before: line first, counted from 1 */
}

void offer_line_refuse(struct offer_line *line, const struct sdp *s, uint8_t index,
		       const char *reason)
{
	line->state = OFFER_LINE_REFUSED;
	line->reason = reason;
	line->number = m_line_number(s, index);
}

void offer_error_note(struct offer_error *error, const struct offer_line *line)
{
	if (line->state != OFFER_LINE_REFUSED || error->reason)
		return;
	*error =
		(struct offer_error){ .status = 488, .line = line->number, .reason = line->reason };
}

static bool has_word(struct bytes list, struct bytes want)
{
	struct bytes word;

	while (bytes_cut(&list, ' ', &word)) {
		if (bytes_eq(word, want))
			return true;
	}
	return false;
}

/* The m-line of an ANAT group that we take: the first over IPv4, else the first with a port. */
static uint8_t anat_choice(const struct sdp *s, struct bytes group)
{
	uint8_t choice = PAYLOAD_NONE;

	for (uint8_t i = 0; i < s->media_count; i++) {
		struct sdp_connection to;
		struct bytes mid;

		if (!s->sections[i + 1].port || !sdp_attribute(s, i + 1U, "mid", &mid) ||
		    !has_word(group, mid) || sdp_connection(s, i + 1U, &to))
			continue;
		if (to.address.family == ADDR_V4)
			return i;
		if (choice == PAYLOAD_NONE)
			choice = i;
	}
	return choice;
}

/* RFC 4091: alternatives of one stream in two address families; exactly one is used. */
static bool is_other_alternative(const struct sdp *s, uint8_t index)
{
	struct bytes group, semantics, mid;
	uint16_t line = 0;

	if (!sdp_attribute(s, index + 1U, "mid", &mid))
		return false;
	while (sdp_attribute_next(s, SDP_SESSION, "group", &line, &group)) {
		if (bytes_cut(&group, ' ', &semantics) && bytes_is(semantics, "ANAT") &&
		    has_word(group, mid))
			return anat_choice(s, group) != index;
	}
	return false;
}

/* Over UDP, and not encrypted: of anything else keys or a connection would have to be ours. */
static const struct {
	const char *proto;
	enum offer_lines word;
	bool rtcp;
} g_transports[] = {
	{ "udptl", OFFER_LINES_T38, false },     { "udp", OFFER_LINES_OTHER, false },
	{ "UDP/BFCP", OFFER_LINES_BFCP, false }, { "RTP/AVP", OFFER_LINES_OTHER, true },
	{ "RTP/AVPF", OFFER_LINES_OTHER, true },
};

/* Of RTP that is relayed as such. */
static const uint8_t g_words[MEDIA_KINDS] = {
	[MEDIA_AUDIO] = OFFER_LINES_NONE,
	[MEDIA_VIDEO] = OFFER_LINES_NONE,
	[MEDIA_TEXT] = OFFER_LINES_TEXT,
};

enum offer_lines offer_lines_word(enum media_kind kind, struct bytes proto)
{
	for (size_t i = 0; kind == MEDIA_OPAQUE && i < COUNT_OF(g_transports); i++) {
		if (bytes_iis(proto, g_transports[i].proto))
			return g_transports[i].word;
	}
	return (enum offer_lines)g_words[kind];
}

/* It has a port for RTCP, the next one, as well. */
static bool offer_opaque_has_rtcp(struct bytes proto)
{
	for (size_t i = 0; i < COUNT_OF(g_transports); i++) {
		if (bytes_iis(proto, g_transports[i].proto))
			return g_transports[i].rtcp;
	}
	return false;
}

static bool is_in_clear(const struct offer_terms *terms)
{
	return !(terms->sdes_only || terms->dtls_only) || terms->lines & OFFER_LINES_UNENCRYPTED;
}

static bool may_have(const struct offer_terms *terms, enum offer_lines word)
{
	bool as_other = word != OFFER_LINES_T38 && terms->lines & OFFER_LINES_OTHER;

	return terms->lines & (unsigned)word || as_other;
}

/* NULL, or why the offered line may not pass between these two parties, by any kind's rules. */
static const char *offer_lines_refusal(const struct sdp *s, uint8_t index, enum media_kind kind,
				       const struct offer_policy *policy)
{
	enum offer_lines word = offer_lines_word(kind, sdp_slice(s, s->sections[index + 1].proto));

	if (word == OFFER_LINES_NONE)
		return NULL;
	if (!may_have(&policy->a, word) || !may_have(&policy->b, word))
		return "the profile does not allow such a line";
	if (kind == MEDIA_OPAQUE && (!is_in_clear(&policy->a) || !is_in_clear(&policy->b)))
		return "only encrypted media is accepted";
	if (offer_profile_has_dtls(s) || offer_terms_want_dtls(&policy->b))
		return "no such line beside DTLS-SRTP";
	return NULL;
}

static void opaque_write_m_line(struct writer *w, const struct sdp *source, uint8_t index,
				const struct offer_opaque *line)
{
	const struct sdp_section *m = &source->sections[index + 1];

	writer_str(w, "m=");
	writer_bytes(w, line->media);
	writer_number(w, " ", line->port, " ");
	writer_bytes(w, line->proto);
	writer_str(w, " ");
	writer_bytes(w, sdp_slice(source, m->formats));
	writer_str(w, "\r\n");
}

static bool passes(char type, struct bytes value)
{
	return type == 'i' || type == 'b' || (type == 'a' && !offer_attribute_is_of_the_hop(value));
}

/* RFC 8866 6.7: sendrecv is the default, and fax machines know no direction. */
static void opaque_write_own(struct writer *w, const struct offer_opaque *line)
{
	if (!line->direction.sends || !line->direction.receives)
		WRITER_TEXTS(w, "a=", sdp_direction_name(line->direction), "\r\n");
	offer_record_line(w, line->record);
	if (!offer_opaque_has_rtcp(line->proto))
		return;
	writer_number(w, "a=rtcp:", line->port + 1U, "\r\n");
}

void offer_opaque_write(struct writer *w, const struct sdp *source, uint8_t index,
			const struct offer_opaque *line)
{
	const struct sdp_section *in = &source->sections[index + 1];

	opaque_write_m_line(w, source, index, line);
	for (uint16_t i = in->first; i < in->end; i++) {
		struct bytes value = sdp_slice(source, source->lines[i].value);

		if (passes(source->lines[i].type, value))
			sdp_write_line(w, source->lines[i].type, value);
	}
	opaque_write_own(w, line);
}

/* Why we would not relay it, whatever its address and formats are; NULL: we would. */
static const char *line_refusal(const struct sdp *s, uint8_t index,
				const struct offer_policy *policy, struct offer_profile *profile)
{
	const struct sdp_section *m = &s->sections[index + 1];
	enum media_kind kind = media_kind_of(sdp_slice(s, m->kind));
	struct bytes proto = sdp_slice(s, m->proto);

	if (index >= MEDIA_LINES_MAX)
		return "more m-lines than are relayed";
	if (kind == MEDIA_OPAQUE ? !offer_lines_word(kind, proto)
				 : !offer_profile_read(profile, proto))
		return "transport is not relayed";
	if (kind == MEDIA_VIDEO && !policy->video)
		return "video is off";
	if (m->port_count != 1)
		return "several ports in one m-line";
	return is_other_alternative(s, index) ? "another alternative of the group is used" : NULL;
}

/* RFC 3605 2.1; without a=rtcp it is the next port (RFC 3550 11). */
static int read_rtcp(struct media_side *side, const struct sdp *s, uint8_t index)
{
	int err = sdp_rtcp(s, index + 1U, &side->rtp, &side->rtcp);

	if (err != -ENOENT)
		return err;
	if (side->rtp.port < UINT16_MAX) {
		side->rtcp = side->rtp;
		side->rtcp.port++;
	}
	return 0;
}

static void read_direction(struct media_side *side, const struct sdp *s, uint8_t index)
{
	struct sdp_direction d = sdp_direction(s, index + 1U);
	struct bytes rest;

	side->sends = d.sends;
	side->receives = d.receives;
	side->mux = sdp_attribute(s, index + 1U, "rtcp-mux", &rest) ||
		    sdp_attribute(s, index + 1U, "rtcp-mux-only", &rest);
}

static void read_hold(struct media_side *side)
{
	if (addr_is_any(&side->rtp)) { /* RFC 3264 8.4: the hold of RFC 2543 */
		side->receives = 0;
		side->rtp = side->rtcp = (struct addr){ 0 };
	}
	/* of the other family: not to be reached from the network of the RTP */
	if (addr_is_any(&side->rtcp) || side->rtcp.family != side->rtp.family)
		side->rtcp = (struct addr){ 0 };
}

static int read_side(struct offer_line *out, const struct sdp *s, uint8_t index,
		     struct offer_error *error)
{
	struct sdp_connection to;
	int err = sdp_connection(s, index + 1U, &to);

	if (err == -ENOENT)
		return line_malformed(error, m_line_number(s, index), "c= is missing");
	if (!err) {
		out->side.rtp = to.address;
		out->side.rtp.port = s->sections[index + 1].port;
		err = read_rtcp(&out->side, s, index);
	}
	if (err == -EBADMSG)
		return line_malformed(error, to.line, "address is malformed");
	read_direction(&out->side, s, index);
	read_hold(&out->side);
	if (err && out->state == OFFER_LINE_RELAYED)
		offer_line_refuse(out, s, index, "address is not a unicast IP address");
	return 0;
}

/* Candidates tell the address, now or later (RFC 8839 4.2.1, 8840): c= and port need not. */
static void read_ice_side(struct media_side *side, const struct sdp *s, uint8_t index)
{
	struct sdp_connection to;

	read_direction(side, s, index);
	if (sdp_connection(s, index + 1U, &to) || addr_is_any(&to.address) ||
	    s->sections[index + 1].port == 0 || s->sections[index + 1].port == PORT_DISCARD)
		return;
	side->rtp = to.address;
	side->rtp.port = s->sections[index + 1].port;
	if (sdp_rtcp(s, index + 1U, &side->rtp, &side->rtcp))
		side->rtcp = (struct addr){ 0 };
}

static void read_mid(struct media_side *side, const struct sdp *s, uint8_t index)
{
	struct bytes mid;

	if (!sdp_attribute(s, index + 1U, "mid", &mid) || mid.n > sizeof(side->mid))
		return;
	side->mid_length = (uint8_t)mid.n;
	memcpy(side->mid, mid.p, mid.n);
}

/* Over DTLS. True: where it is, ICE will tell. */
static bool line_read_transport(struct offer_line *out, const struct sdp *s, uint8_t index)
{
	struct offer_transport *t = &out->transport;

	offer_transport_read(t, s, index);
	out->side.dtls = t->setup == OFFER_SETUP_PASSIVE ? DTLS_CLIENT : DTLS_SERVER;
	out->side.ice = t->ice;
	out->side.ice_name = t->ice_name;
	out->side.fingerprint = t->fingerprint;
	read_mid(&out->side, s, index);
	if (t->ice)
		read_ice_side(&out->side, s, index);
	return t->ice;
}

/* Its packets are unknown, so RTCP has a port of its own or does not exist. */
static void read_opaque(struct media_side *side, const struct sdp *s, uint8_t index)
{
	side->mux = !offer_opaque_has_rtcp(sdp_slice(s, s->sections[index + 1].proto));
	if (side->mux)
		side->rtcp = side->rtp;
}

/* Of one that is relayed. */
static void read_formats(struct offer_line *out, const struct sdp *s, uint8_t index)
{
	if (out->kind == MEDIA_OPAQUE)
		read_opaque(&out->side, s, index);
	else
		payload_list_read(&out->formats, s, index + 1U);
}

void offer_line_clear(struct offer_line *out)
{
	memset(out, 0, offsetof(struct offer_line, formats.at));
	out->state = OFFER_LINE_OFF;
}

int offer_line_read(struct offer_line *out, const struct sdp *s, uint8_t index,
		    const struct offer_policy *policy, struct offer_error *error)
{
	const struct sdp_section *m = &s->sections[index + 1];

	assert(index < s->media_count);
	offer_line_clear(out);
	out->side.event_pt = PAYLOAD_NONE;
	out->side.bundle = index;

	const char *reason = line_refusal(s, index, policy, &out->profile);

	out->kind = media_kind_of(sdp_slice(s, m->kind));
	if (!offer_bundle_is_live(s, index))
		return 0;
	out->state = OFFER_LINE_RELAYED;
	if (reason)
		offer_line_refuse(out, s, index, reason);
	if (!(out->profile.dtls && line_read_transport(out, s, index)) &&
	    read_side(out, s, index, error))
		return -EBADMSG;
	if (out->state == OFFER_LINE_RELAYED)
		read_formats(out, s, index);
	return 0;
}

int offer_fits(const struct writer *w, struct offer_error *error)
{
	if (!w->overflow)
		return 0;
	*error = (struct offer_error){ .status = 413, .reason = "our SDP does not fit" };
	return -ENOSPC;
}

/* What of an offered line may pass: what we can relay, and what the terms of both parties allow. */

static bool line_is_secure(const struct sdp *s, uint8_t index)
{
	struct offer_profile profile;

	return offer_profile_read(&profile, sdp_slice(s, s->sections[index + 1].proto)) &&
	       profile.secure && offer_crypto_usable(s, index + 1U);
}

/* Attributes that mark a stream as one of its own, not an alternative (RFC 4796, RFC 4574). */
static bool codec_is_named(const struct sdp *s, uint8_t index)
{
	struct bytes rest;

	return sdp_attribute(s, index + 1U, "content", &rest) ||
	       sdp_attribute(s, index + 1U, "label", &rest);
}

/* Phones offer one stream twice, SRTP and plain, with one port (Polycom, snom) or two: the first
 * plain line of a kind pairs with the first one with keys and the same formats, and so on. */
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

/* Within a BUNDLE group numbers may have to change, and those in the parameters of red (RFC 2198 5)
 * would not follow. */
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

/* RFC 4103 6, 7: T.140, and its redundancy; its blocks contain the number of T.140. */
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

/* Whether the terms list a codec that the node speaks. */
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
