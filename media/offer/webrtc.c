/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/webrtc.h"

#include <assert.h>
#include <stdio.h>

#include "media/offer/bundle.h"
#include "media/offer/extension.h"
#include "media/offer/profile.h"
#include "media/rtp/transport_cc.h"

/* RFC 8445 5.1.2.1: host, one address, component 1. */
#define PRIORITY 2130706431U

/* RFC 4585 6.2.1, 6.3.1, RFC 5104 4.3.1 */
static const char *const g_feedback[] = { "nack", "nack pli", "ccm fir" };

void offer_webrtc_session(struct writer *w)
{
	writer_str(w, "a=ice-lite\r\na=ice-options:ice2\r\n"); /* RFC 8445 10 */
}

void offer_webrtc_mid(struct writer *w, struct bytes mid)
{
	if (mid.n == 0)
		return;
	writer_str(w, "a=mid:");
	writer_bytes(w, mid);
	writer_str(w, "\r\n");
}

static void write_ice(struct writer *w, const struct offer_media *media)
{
	const struct media_ice *ice = media->webrtc->ice;
	struct addr address = *media->address;

	address.scope = 0;
	writer_str(w, "a=ice-ufrag:");
	writer_mem(w, ice->ufrag, sizeof(ice->ufrag));
	writer_str(w, "\r\na=ice-pwd:");
	writer_mem(w, ice->pwd, sizeof(ice->pwd));
	writer_str(w, "\r\n");
	if (media->webrtc->is_carried)
		return;
	writer_fmt(w, "a=candidate:1 1 UDP %u ", PRIORITY);
	addr_write_ip(w, &address);
	writer_fmt(w, " %u typ host\r\na=end-of-candidates\r\n", media->port);
}

static void write_fingerprint(struct writer *w, const struct media_fingerprint *f)
{
	static const struct {
		const char *name;
		uint8_t length;
	} hashes[] = { [MEDIA_HASH_SHA256] = { "sha-256", 32 },
		       [MEDIA_HASH_SHA384] = { "sha-384", 48 },
		       [MEDIA_HASH_SHA512] = { "sha-512", 64 } };

	assert(f->hash > MEDIA_HASH_NONE && f->hash < COUNT_OF(hashes));
	writer_fmt(w, "a=fingerprint:%s", hashes[f->hash].name);
	for (uint8_t i = 0; i < hashes[f->hash].length; i++)
		writer_fmt(w, "%c%02X", i ? ':' : ' ', f->octets[i]);
	writer_str(w, "\r\n");
}

/* RFC 8830: one stream of the leg, so that its sound and picture are kept together, and a track of it per line. */
static void write_stream(struct writer *w, const struct offer_media *media)
{
	unsigned long long stream = media->webrtc->stream;

	if (!media->direction.sends || media->webrtc->mid.n == 0) /* a phone with DTLS alone */
		return;
	writer_fmt(w, "a=msid:%llx %llx-", stream, stream);
	writer_bytes(w, media->webrtc->mid);
	writer_str(w, "\r\n");
	if (media->webrtc->ssrc)
		writer_fmt(w, "a=ssrc:%u cname:%llx\r\n", media->webrtc->ssrc, stream);
}

/* A line that is carried by another repeats all but its candidates, as browsers do: RFC 9143 7.1.3 has none of it there, but
 * Firefox 153 dies of an answer without a=fingerprint. */
void offer_webrtc_media(struct writer *w, const struct offer_media *media)
{
	const struct offer_webrtc *webrtc = media->webrtc;

	offer_webrtc_mid(w, webrtc->mid);
	offer_extension_write(w, webrtc->mid_extension, OFFER_BUNDLE_MID);
	offer_extension_write(w, webrtc->cc_extension, TRANSPORT_CC_URI);
	offer_extension_write(w, webrtc->rid_extension, OFFER_RID);
	offer_layers_write(w, &webrtc->layers);
	write_stream(w, media);
	if (webrtc->ice)
		write_ice(w, media);
	write_fingerprint(w, webrtc->fingerprint);
	writer_fmt(w, "a=setup:%s\r\n", webrtc->setup);
}

static bool is_asked(const struct offer_media *media, uint8_t number, const char *feedback)
{
	return !media->asked ||
	       offer_feedback_has(media->asked, media->asked_section, number, feedback);
}

/* Of RTP/AVP there is none (RFC 4585 3.6.2), but a phone that hears of it asks for a picture by PLI instead of in the manner of
 * RFC 2032, which no browser knows; others do not mind. */
static void feedback_of_a_phone(struct writer *w, const struct offer_media *media)
{
	for (size_t k = 1; media->kind == MEDIA_VIDEO && k < COUNT_OF(g_feedback); k++) {
		if (is_asked(media, media->formats->at[0].to, g_feedback[k]))
			writer_fmt(w, "a=rtcp-fb:* %s\r\n", g_feedback[k]);
	}
}

static void write_feedback(struct writer *w, const struct offer_media *media, uint8_t number,
			   const char *feedback)
{
	if (is_asked(media, number, feedback))
		writer_fmt(w, "a=rtcp-fb:%u %s\r\n", number, feedback);
}

/* Without a profile of feedback there is no NACK (RFC 4585 3.6.2); who says so nevertheless may hear of PLI and FIR. */
static size_t first_feedback(const struct offer_media *media)
{
	struct offer_profile profile;

	return offer_profile_read(&profile, media->proto) && profile.feedback ? 0 : 1;
}

void offer_webrtc_feedback(struct writer *w, const struct offer_media *media)
{
	if (!media->feedback) {
		feedback_of_a_phone(w, media);
		return;
	}
	for (uint8_t i = 0; i < media->formats->count; i++) {
		const struct offer_format *f = &media->formats->at[i];

		for (size_t k = first_feedback(media);
		     media->kind == MEDIA_VIDEO && k < COUNT_OF(g_feedback); k++)
			write_feedback(w, media, f->to, g_feedback[k]);
		if (media->webrtc && media->webrtc->cc_extension &&
		    !bytes_iis(f->name, "telephone-event"))
			write_feedback(w, media, f->to, OFFER_TRANSPORT_CC);
	}
}

static bool mid_is_taken(const struct sdp *earlier, struct bytes mid)
{
	struct bytes other;

	for (uint8_t i = 0; earlier && i < earlier->media_count; i++) {
		if (sdp_attribute(earlier, i + 1U, "mid", &other) && bytes_eq(other, mid))
			return true;
	}
	return false;
}

struct bytes offer_webrtc_choose_mid(const struct sdp *earlier, uint8_t index,
				     char out[OFFER_MID_MAX])
{
	struct bytes mid;

	if (earlier && index < earlier->media_count &&
	    sdp_attribute(earlier, index + 1U, "mid", &mid) && mid.n &&
	    bytes_find(mid, ' ') == mid.n)
		return mid;
	(void)snprintf(out, OFFER_MID_MAX, "%u", index);
	for (char c = 'a'; mid_is_taken(earlier, bytes_str(out)) && c <= 'z'; c++)
		(void)snprintf(out, OFFER_MID_MAX, "%c%u", c, index);
	return bytes_str(out);
}
