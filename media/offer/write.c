/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/attribute.h"
#include "media/offer/extension.h"
#include "media/offer/record.h"
#include "media/offer/webrtc.h"

#include <assert.h>

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
	for (uint16_t i = s ? s->sections[section].first : 0; s && i < s->sections[section].end;
	     i++) {
		if (s->lines[i].type == type)
			sdp_write_line(w, type, sdp_slice(s, s->lines[i].value));
	}
}

static void write_session_attributes(struct writer *w, const struct sdp *source, bool between)
{
	const struct sdp_section *in = &source->sections[SDP_SESSION];

	for (uint16_t i = in->first; i < in->end; i++) {
		struct bytes value = sdp_slice(source, source->lines[i].value);

		if (source->lines[i].type == 'a' && !offer_attribute_is_of_the_hop(value) &&
		    !(between && offer_attribute_is_extension(value)))
			sdp_write_line(w, 'a', value);
	}
}

void offer_write_session(struct writer *w, const struct sdp *source, const struct offer_self *self,
			 bool between, bool ice)
{
	writer_str(w, "v=0\r\n");
	writer_number(w, "o=- ", self->session_id, " ");
	writer_number(w, "", self->session_version, " ");
	write_address(w, &self->address);
	writer_str(w, "s=-\r\nc=");
	write_address(w, &self->address);
	write_lines_of(w, source, SDP_SESSION, 'b');
	writer_str(w, "t=0 0\r\n");
	if (source)
		write_session_attributes(w, source, between);
	if (ice)
		offer_webrtc_session(w);
}

void offer_write_refused(struct writer *w, const struct sdp *source, unsigned section,
			 struct bytes mid)
{
	const struct sdp_section *m = &source->sections[section];

	writer_str(w, "m=");
	writer_bytes(w, sdp_slice(source, m->kind));
	writer_str(w, " 0 ");
	writer_bytes(w, sdp_slice(source, m->proto));
	writer_str(w, " ");
	writer_bytes(w, sdp_slice(source, m->formats));
	writer_str(w, "\r\n");
	offer_webrtc_mid(w, mid);
}

static void offer_write_m_line(struct writer *w, const struct offer_media *media)
{
	writer_str(w, "m=");
	writer_bytes(w, media->name);
	writer_number(w, " ", media->port, " ");
	writer_bytes(w, media->proto);
	for (uint8_t i = 0; i < media->formats->count; i++)
		writer_number(w, " ", media->formats->at[i].to, "");
	writer_str(w, "\r\n");
}

/* "AS:512" within the cap; a value that is no number counts as too much. */
static void write_capped(struct writer *w, const char *type, struct bytes value, uint64_t cap)
{
	uint64_t number;

	if (bytes_u64(bytes_trim(value), &number) || number > cap)
		number = cap;
	WRITER_TEXTS(w, "b=", type);
	writer_number(w, ":", number, "\r\n");
}

/* RFC 8866 5.8, RFC 3890: AS in kbit/s, TIAS in bit/s. */
static void write_video_bandwidth(struct writer *w, const struct sdp *s, unsigned section,
				  uint32_t kbps)
{
	struct bytes as = { 0 }, tias = { 0 };

	for (uint16_t i = s ? s->sections[section].first : 0; s && i < s->sections[section].end;
	     i++) {
		struct bytes value = sdp_slice(s, s->lines[i].value), rest = value, type;

		if (s->lines[i].type != 'b')
			continue;
		if (bytes_cut(&rest, ':', &type) && bytes_iis(type, "AS"))
			as = rest;
		else if (bytes_iis(type, "TIAS"))
			tias = rest;
		else
			sdp_write_line(w, 'b', value);
	}
	write_capped(w, "AS", as, kbps);
	write_capped(w, "TIAS", tias, UINT64_C(1000) * kbps);
}

static void write_bandwidth(struct writer *w, const struct sdp *source, unsigned section,
			    const struct offer_media *media)
{
	uint32_t kbps = media->kind == MEDIA_VIDEO ? media->terms->video_kbps : 0;

	if (kbps)
		write_video_bandwidth(w, source, section, kbps);
	else
		write_lines_of(w, source, section, 'b');
}

static void write_rtpmaps(struct writer *w, const struct offer_formats *formats)
{
	for (uint8_t i = 0; i < formats->count; i++) {
		const struct offer_format *f = &formats->at[i];

		if (f->encoding.n == 0)
			continue;
		writer_number(w, "a=rtpmap:", f->to, " ");
		writer_bytes(w, f->encoding);
		writer_str(w, "\r\n");
		if (f->parameters.n == 0)
			continue;
		writer_number(w, "a=fmtp:", f->to, " ");
		writer_bytes(w, f->parameters);
		writer_str(w, "\r\n");
	}
}

static void offer_write_own(struct writer *w, const struct offer_media *media)
{
	WRITER_TEXTS(w, "a=", sdp_direction_name(media->direction), "\r\n");
	offer_record_line(w, media->record);
	if (media->mux_offer || media->mux_answer)
		writer_str(w, "a=rtcp-mux\r\n");
	if (media->mux_answer || (media->mux_offer && media->webrtc))
		return;
	writer_number(w, "a=rtcp:", media->port + 1U, " ");
	write_address(w, media->address);
}

static void write_crypto(struct writer *w, const struct crypto *crypto)
{
	if (!crypto)
		return;
	writer_str(w, "a=crypto:");
	crypto_write(w, crypto);
	writer_str(w, "\r\n");
}

void offer_write_media(struct writer *w, const struct sdp *source, unsigned section,
		       const struct offer_media *media)
{
	assert(media->port && media->port < UINT16_MAX && media->formats->count);
	offer_write_m_line(w, media);
	write_lines_of(w, source, section, 'i');
	write_bandwidth(w, source, section, media);
	write_rtpmaps(w, media->formats);
	offer_attributes_write(w, source, section, media);
	write_crypto(w, media->crypto);
	if (media->webrtc)
		offer_webrtc_media(w, media);
	offer_extension_write(w, media->level_extension, OFFER_LEVEL);
	offer_write_own(w, media);
}
