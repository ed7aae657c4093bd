/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer_write.h"

#include <assert.h>

/* Attributes that belong to the hop, not to the call: addresses and ICE (RFC 8839), keys (RFC 4568, 5763), groups
 * (RFC 5888) and capabilities (RFC 5939) over both, and SSRCs (RFC 5576), which we rewrite. */
static const char *const g_hop_attributes[] = {
	"rtcp",
	"rtcp-mux",
	"rtcp-mux-only",
	"candidate",
	"end-of-candidates",
	"remote-candidates",
	"source-filter",
	"alt",
	"altc",
	"crypto",
	"fingerprint",
	"setup",
	"connection",
	"tls-id",
	"key-mgmt",
	"zrtp-hash",
	"encryption",
	"identity",
	"mid",
	"group",
	"bundle-only",
	"msid",
	"msid-semantic",
	"ssrc",
	"ssrc-group",
	"rid",
	"simulcast",
	"acap",
	"tcap",
	"ccap",
	"rmcap",
	"omcap",
	"mfcap",
	"mscap",
	"bcap",
	"icap",
	"sescap",
	"pcfg",
	"acfg",
	"lcfg",
	"csup",
	"creq",
	"sendrecv",
	"sendonly",
	"recvonly",
	"inactive",
};

static bool is_of_the_hop(struct bytes attribute)
{
	struct bytes rest;

	if (bytes_istarts(attribute, "ice-"))
		return true;
	for (size_t i = 0; i < COUNT_OF(g_hop_attributes); i++) {
		if (sdp_attribute_is(attribute, g_hop_attributes[i], &rest))
			return true;
	}
	return false;
}

static const char *family_name(const struct addr *a)
{
	return a->family == ADDR_V6 ? "IN IP6 " : "IN IP4 ";
}

static void write_address(struct writer *w, const struct addr *address)
{
	struct addr plain = *address;

	assert(plain.family != ADDR_NONE);
	plain.scope = 0; /* an interface index means nothing to the party */
	writer_str(w, family_name(&plain));
	addr_write_ip(w, &plain);
	writer_str(w, "\r\n");
}

static void write_lines_of(struct writer *w, const struct sdp *s, unsigned section, char type)
{
	for (uint16_t i = s->sections[section].first; i < s->sections[section].end; i++) {
		if (s->lines[i].type == type)
			sdp_write_line(w, type, sdp_slice(s, s->lines[i].value));
	}
}

void offer_write_session(struct writer *w, const struct sdp *source, const struct offer_self *self)
{
	const struct sdp_section *in = &source->sections[SDP_SESSION];

	writer_str(w, "v=0\r\n");
	writer_fmt(w, "o=- %llu %llu ", (unsigned long long)self->session_id,
		   (unsigned long long)self->session_version);
	write_address(w, &self->address);
	writer_str(w, "s=-\r\nc=");
	write_address(w, &self->address);
	write_lines_of(w, source, SDP_SESSION, 'b');
	writer_str(w, "t=0 0\r\n");
	for (uint16_t i = in->first; i < in->end; i++) {
		struct bytes value = sdp_slice(source, source->lines[i].value);

		if (source->lines[i].type == 'a' && !is_of_the_hop(value))
			sdp_write_line(w, 'a', value);
	}
}

void offer_write_refused(struct writer *w, const struct sdp *source, unsigned section)
{
	const struct sdp_section *m = &source->sections[section];

	writer_str(w, "m=");
	writer_bytes(w, sdp_slice(source, m->kind));
	writer_str(w, " 0 ");
	writer_bytes(w, sdp_slice(source, m->proto));
	writer_str(w, " ");
	writer_bytes(w, sdp_slice(source, m->formats));
	writer_str(w, "\r\n");
}

static void write_m_line(struct writer *w, const struct offer_media *media)
{
	writer_str(w, "m=");
	writer_bytes(w, media->kind);
	writer_fmt(w, " %u ", media->port);
	writer_bytes(w, media->proto);
	for (uint8_t i = 0; i < media->formats->count; i++)
		writer_fmt(w, " %u", media->formats->at[i].to);
	writer_str(w, "\r\n");
}

static void write_rtpmaps(struct writer *w, const struct offer_formats *formats)
{
	for (uint8_t i = 0; i < formats->count; i++) {
		if (formats->at[i].encoding.n == 0)
			continue;
		writer_fmt(w, "a=rtpmap:%u ", formats->at[i].to);
		writer_bytes(w, formats->at[i].encoding);
		writer_str(w, "\r\n");
	}
}

/* "fmtp:97 mode=20" under the number that we write, or not at all. False: the attribute is not about one format. */
static bool write_format_attribute(struct writer *w, struct bytes attribute,
				   const struct offer_formats *formats)
{
	static const char *const numbered[] = { "fmtp", "rtcp-fb", "imageattr" };
	struct bytes rest = { 0 }, word = { 0 };
	const char *name = NULL;
	uint32_t number;

	for (size_t i = 0; i < COUNT_OF(numbered) && !name; i++)
		name = sdp_attribute_is(attribute, numbered[i], &rest) ? numbered[i] : NULL;
	if (!name || !bytes_cut(&rest, ' ', &word) || bytes_u32(word, &number))
		return false;
	for (uint8_t i = 0; i < formats->count; i++) {
		if (formats->at[i].from != number)
			continue;
		writer_fmt(w, "a=%s:%u ", name, formats->at[i].to);
		writer_bytes(w, rest);
		writer_str(w, "\r\n");
	}
	return true;
}

static void write_attribute(struct writer *w, struct bytes attribute,
			    const struct offer_formats *formats)
{
	struct bytes rest;

	if (is_of_the_hop(attribute) || sdp_attribute_is(attribute, "rtpmap", &rest))
		return;
	if (!write_format_attribute(w, attribute, formats))
		sdp_write_line(w, 'a', attribute);
}

static void write_own(struct writer *w, const struct offer_media *media)
{
	writer_fmt(w, "a=%s\r\n", sdp_direction_name(media->direction));
	if (media->mux_offer || media->mux_answer)
		writer_str(w, "a=rtcp-mux\r\n");
	if (media->mux_answer)
		return;
	writer_fmt(w, "a=rtcp:%u ", media->port + 1U);
	write_address(w, media->address);
}

void offer_write_media(struct writer *w, const struct sdp *source, unsigned section,
		       const struct offer_media *media)
{
	const struct sdp_section *in = &source->sections[section];

	assert(media->port && media->port < UINT16_MAX);
	write_m_line(w, media);
	write_lines_of(w, source, section, 'i');
	write_lines_of(w, source, section, 'b');
	write_rtpmaps(w, media->formats);
	for (uint16_t i = in->first; i < in->end; i++) {
		if (source->lines[i].type == 'a') {
			write_attribute(w, sdp_slice(source, source->lines[i].value),
					media->formats);
		}
	}
	write_own(w, media);
}
