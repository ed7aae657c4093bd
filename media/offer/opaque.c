/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/opaque.h"

#include "media/offer/line.h"
#include "media/offer/record.h"
#include "media/offer/write.h"

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

bool offer_opaque_has_rtcp(struct bytes proto)
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

const char *offer_lines_refusal(const struct sdp *s, uint8_t index, enum media_kind kind,
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

/* RFC 8866 6.7: sendrecv need not be said, and fax machines know no direction. */
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
