/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/attribute.h"

#include "media/offer/webrtc.h"

/* Attributes that belong to the hop, not to the call: addresses and ICE (RFC 8839), keys (RFC 4568, 5763), groups
 * (RFC 5888) and capabilities (RFC 5939) over both, and SSRCs (RFC 5576), which we rewrite. And what is said of recording (RFC 7866),
 * which ends here (media/offer/record.h). */
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

/* Names are case-sensitive (RFC 8866 5.13), but not to everybody who might read a key. */
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

bool offer_attribute_is_extension(struct bytes attribute)
{
	struct bytes rest;

	return sdp_attribute_is(attribute, "extmap", &rest) ||
	       sdp_attribute_is(attribute, "extmap-allow-mixed", &rest);
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
		if (formats->at[i].from != number || number > 127)
			continue;
		WRITER_TEXTS(w, "a=", name);
		writer_number(w, ":", formats->at[i].to, " ");
		writer_bytes(w, rest);
		writer_str(w, "\r\n");
	}
	return true;
}

/* RFC 5506 5: in an answer only as offered, and a WebRTC endpoint's alone. RFC 3611: its reports end here as well. */
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

/* What we say ourselves, or what does not hold on this side. */
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

/* RFC 8866 6.4: ms of one packet, at most what the source can take. 0: as the source says. */
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

void offer_attributes_write(struct writer *w, const struct sdp *source, unsigned section,
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
