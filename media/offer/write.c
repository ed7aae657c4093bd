/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes SDP line by line from a party's text (forwarding) or from nothing (own offers). Everything
 * that belongs to the hop is replaced: o=, c=, ports, keys, ICE, SSRCs, and the attributes of
 * g_hop_attributes, which must not leak from one leg to the other. All other lines pass, with
 * payload numbers translated. The one writer for offers and answers makes sure that our text parses
 * again.
 */

#include <assert.h>

#include "media/offer/extension.h"
#include "media/offer/own.h"
#include "media/offer/transport.h"
#include "media/offer/write.h"

/* Attributes that belong to the hop, not to the call: addresses and ICE (RFC 8839), keys (RFC 4568,
 * 5763), groups (RFC 5888) and capabilities (RFC 5939) over both, and SSRCs (RFC 5576), which we
 * rewrite. Also recording (RFC 7866), which ends here (media/offer/own.h). */
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
	"record",
	"recordpref",
};

/* Names are case-sensitive (RFC 8866 5.13), but a lenient parser might still read a key. */
bool offer_attribute_is_of_the_hop(struct bytes attribute)
{
	struct bytes name = bytes_trim(bytes_sub(attribute, 0, bytes_find(attribute, ':')));

	if (bytes_istarts(name, "ice-"))
		return true;
	for (size_t i = 0; i < COUNT_OF(g_hop_attributes); i++) {
		if (bytes_iis(name, g_hop_attributes[i]))
			return true;
	}
	return false;
}

/* Header extensions (RFC 8285): their numbers are agreed on with one party. */
static bool offer_attribute_is_extension(struct bytes attribute)
{
	struct bytes rest;

	return sdp_attribute_is(attribute, "extmap", &rest) ||
	       sdp_attribute_is(attribute, "extmap-allow-mixed", &rest);
}

/* "fmtp:97 mode=20" under the number that we write, or not at all. False: the attribute is not
 * about one format. */
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
		if (formats->at[i].from != number || number > 127)
			continue;
		WRITER_TEXTS(w, "a=", name);
		writer_number(w, ":", formats->at[i].to, " ");
		writer_bytes(w, rest);
		writer_str(w, "\r\n");
	}
	return true;
}

/* RFC 5506 5: in an answer only as offered, and only to a WebRTC endpoint. RFC 3611: its reports
 * end here as well. */
static bool is_unasked_report(struct bytes attribute, const struct offer_media *media)
{
	struct bytes rest;

	if (sdp_attribute_is(attribute, "rtcp-xr", &rest))
		return media->between;
	if (!sdp_attribute_is(attribute, "rtcp-rsize", &rest))
		return false;
	return media->webrtc ? media->asked && !sdp_attribute(media->asked, media->asked_section,
							      "rtcp-rsize", &rest)
			     : media->between;
}

/* Attributes that we write ourselves, or that do not hold on this side. */
static bool is_replaced(struct bytes attribute, const struct offer_media *media, uint8_t ptime)
{
	bool feedback = media->feedback && !media->between;
	struct bytes rest;

	return sdp_attribute_is(attribute, "rtpmap", &rest) ||
	       (!feedback && sdp_attribute_is(attribute, "rtcp-fb", &rest)) ||
	       (media->between && offer_attribute_is_extension(attribute)) ||
	       is_unasked_report(attribute, media) ||
	       (ptime && sdp_attribute_is(attribute, "ptime", &rest));
}

/* RFC 8866 6.4: ms of one packet, at most what the source can take. 0: the source's value. */
static uint8_t ptime_of(const struct offer_media *media, const struct sdp *source, unsigned section)
{
	struct bytes first = media->formats->at[0].name, rest;
	uint32_t most;
	uint8_t ptime = 0;

	if (bytes_iis(first, "PCMU") || bytes_iis(first, "PCMA"))
		ptime = media->terms->ptime_g711;
	if (bytes_iis(first, "G729"))
		ptime = media->terms->ptime_g729;
	if (source && sdp_attribute(source, section, "maxptime", &rest) &&
	    !bytes_u32(bytes_trim(rest), &most) && most && most < ptime)
		return (uint8_t)most;
	return ptime;
}

/* Those of an m-line's section that pass, under the numbers that we write. */
static void offer_attributes_write(struct writer *w, const struct sdp *source, unsigned section,
				   const struct offer_media *media)
{
	uint8_t ptime = ptime_of(media, source, section);
	uint16_t end = source ? source->sections[section].end : 0;

	for (uint16_t i = source ? source->sections[section].first : 0; i < end; i++) {
		struct bytes value = sdp_slice(source, source->lines[i].value);

		if (source->lines[i].type != 'a' || offer_attribute_is_of_the_hop(value) ||
		    is_replaced(value, media, ptime))
			continue;
		if (!write_format_attribute(w, value, media->formats))
			sdp_write_line(w, 'a', value);
	}
	if (ptime)
		writer_number(w, "a=ptime:", ptime, "\r\n");
	if (media->between || (media->ours && media->kind == MEDIA_VIDEO))
		offer_webrtc_feedback(w, media);
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
