/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SDP of the transport of an m-line: BUNDLE groups (RFC 9143), ICE-lite (RFC 8839), fingerprint and
 * role of DTLS-SRTP (RFC 5763, 8122), and SDES keys (RFC 4568). It writes our part towards WebRTC
 * endpoints and phones, and reads the party's part of each line, from its section, its group's
 * first section or the session. It also chooses keys: a key of one direction is never reused for
 * the other (RFC 3711 9.1).
 */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/table.h"
#include "media/offer/extension.h"
#include "media/offer/line.h"
#include "media/offer/transport.h"
#include "media/rtp/transport_cc.h"

static bool has_tag(struct bytes tags, struct bytes want)
{
	struct bytes tag;

	while (bytes_cut(&tags, ' ', &tag)) {
		if (want.n && bytes_eq(tag, want))
			return true;
	}
	return false;
}

bool offer_bundle_of(const struct sdp *s, uint8_t index, struct bytes *tags)
{
	struct bytes mid, semantics;
	uint16_t line = 0;

	if (!sdp_attribute(s, index + 1U, "mid", &mid))
		return false;
	while (sdp_attribute_next(s, SDP_SESSION, "group", &line, tags)) {
		if (bytes_cut(tags, ' ', &semantics) && bytes_is(semantics, "BUNDLE") &&
		    has_tag(*tags, mid))
			return true;
	}
	return false;
}

bool offer_bundle_line(const struct sdp *s, struct bytes tag, uint8_t *index)
{
	struct bytes mid;

	for (uint8_t i = 0; i < s->media_count; i++) {
		if (!sdp_attribute(s, i + 1U, "mid", &mid) || !bytes_eq(mid, tag))
			continue;
		*index = i;
		return true;
	}
	return false;
}

bool offer_bundle_is_live(const struct sdp *s, uint8_t index)
{
	struct bytes rest;

	return s->sections[index + 1].port || (sdp_attribute(s, index + 1U, "bundle-only", &rest) &&
					       offer_bundle_of(s, index, &rest));
}

/* Of A's offer, as A is answered. */
struct view {
	const struct session *answered;
	const struct sdp *s;
};

static bool view_includes(const struct view *v, uint8_t index)
{
	return index < v->answered->line_count && v->answered->line[index].active &&
	       v->answered->line[index].side.dtls != DTLS_NONE;
}

static void write_group(struct writer *w, const struct view *v, struct bytes tags)
{
	struct bytes tag;
	bool any = false;
	uint8_t index;

	while (bytes_cut(&tags, ' ', &tag)) {
		if (!offer_bundle_line(v->s, tag, &index) || !view_includes(v, index))
			continue;
		writer_str(w, any ? " " : "a=group:BUNDLE ");
		writer_bytes(w, tag);
		any = true;
	}
	if (any)
		writer_str(w, "\r\n");
}

void offer_bundle_write(struct writer *w, const struct sdp *offer_a, const struct session *answered)
{
	const struct view v = { .answered = answered, .s = offer_a };
	struct bytes tags, semantics;
	uint16_t line = 0;

	while (sdp_attribute_next(offer_a, SDP_SESSION, "group", &line, &tags)) {
		if (bytes_cut(&tags, ' ', &semantics) && bytes_is(semantics, "BUNDLE"))
			write_group(w, &v, tags);
	}
}

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

/* RFC 8830: one stream for the leg, which synchronises audio and video, and a track per line. */
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

/* A line carried by another repeats all but the candidates, as browsers do: RFC 9143 7.1.3 has
 * nothing of it there, but Firefox 153 crashes on an answer without a=fingerprint. */
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

static bool feedback_is_offered(const struct offer_media *media, uint8_t number,
				const char *feedback)
{
	return !media->asked ||
	       offer_feedback_has(media->asked, media->asked_section, number, feedback);
}

/* RTP/AVP has no feedback (RFC 4585 3.6.2), but a phone that sees these lines requests a picture by
 * PLI instead of by RFC 2032, which no browser knows; others ignore them. */
static void feedback_of_a_phone(struct writer *w, const struct offer_media *media)
{
	for (size_t k = 1; media->kind == MEDIA_VIDEO && k < COUNT_OF(g_feedback); k++) {
		if (feedback_is_offered(media, media->formats->at[0].to, g_feedback[k]))
			writer_fmt(w, "a=rtcp-fb:* %s\r\n", g_feedback[k]);
	}
}

static void write_feedback(struct writer *w, const struct offer_media *media, uint8_t number,
			   const char *feedback)
{
	if (feedback_is_offered(media, number, feedback))
		writer_fmt(w, "a=rtcp-fb:%u %s\r\n", number, feedback);
}

/* Without a feedback profile there is no NACK (RFC 4585 3.6.2); a party that offers it nevertheless
 * may use PLI and FIR. */
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

static bool mid_is_used(const struct sdp *earlier, struct bytes mid)
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
	for (char c = 'a'; mid_is_used(earlier, bytes_str(out)) && c <= 'z'; c++)
		(void)snprintf(out, OFFER_MID_MAX, "%c%u", c, index);
	return bytes_str(out);
}

enum { TAG = 1, SUITE_FIRST = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80 };

bool offer_crypto_usable(const struct sdp *offer, unsigned section)
{
	struct crypto c;
	uint16_t line = 0;
	bool found = crypto_next(offer, section, &line, &c);

	crypto_wipe(&c);
	return found;
}

/* Whether there are as many octets as the suite needs. */
static bool is_enough(const struct media_key *own, uint8_t suite)
{
	uint8_t length = crypto_key_length(suite);

	return length > 0 && own->length >= length;
}

/* Those at the front. */
static bool set_key(struct media_key *out, const struct media_key *own, uint8_t suite)
{
	if (!is_enough(own, suite))
		return false;
	*out = (struct media_key){ .suite = suite, .length = crypto_key_length(suite) };
	memcpy(out->octets, own->octets, out->length);
	return true;
}

bool offer_crypto_offer(struct crypto *out, const struct media_key *own)
{
	*out = (struct crypto){ .tag = TAG };
	if (set_key(&out->key, own, own->suite ? own->suite : SUITE_FIRST))
		return true;
	crypto_wipe(out);
	return false;
}

/* RFC 3711 9.1: one key for both directions is one keystream once two SSRCs are equal. */
static bool key_is_same(const struct media_key *a, const struct media_key *b)
{
	return bytes_eq_secret(bytes_mem(a->octets, a->length), bytes_mem(b->octets, b->length));
}

static const char *crypto_refuse(struct media_key *ours, struct media_key *theirs,
				 const char *reason)
{
	explicit_bzero(ours, sizeof(*ours));
	explicit_bzero(theirs, sizeof(*theirs));
	return reason;
}

const char *offer_crypto_accept(const struct sdp *offer, unsigned section,
				const struct media_key *own, struct media_key *theirs,
				struct crypto *out)
{
	const char *reason = "no a=crypto that can be used";
	struct crypto c;
	uint16_t line = 0;
	bool found = crypto_next(offer, section, &line, &c);

	while (found && !is_enough(own, c.key.suite)) {
		reason = "no key for it";
		found = crypto_next(offer, section, &line, &c);
	}
	*theirs = c.key;
	*out = (struct crypto){ .tag = c.tag };
	crypto_wipe(&c);
	if (!found || !set_key(&out->key, own, theirs->suite))
		return crypto_refuse(&out->key, theirs, reason);
	if (key_is_same(&out->key, theirs))
		return crypto_refuse(&out->key, theirs, "a=crypto has our own key");
	return NULL;
}

/* The first line of the offer that has the tag and suite of c. */
static bool find_offered(const struct sdp *offer, unsigned section, const struct crypto *c,
			 struct crypto *offered)
{
	uint16_t line = 0;

	while (crypto_next(offer, section, &line, offered)) {
		if (offered->tag == c->tag && offered->key.suite == c->key.suite)
			return true;
	}
	return false;
}

const char *offer_crypto_agreed(const struct sdp *offer, const struct sdp *answer, unsigned section,
				struct media_key *offerer, struct media_key *answerer)
{
	struct crypto offered = { 0 }, c = { 0 };
	uint16_t line = 0;
	bool same = false;

	while (!same && crypto_next(answer, section, &line, &c))
		same = find_offered(offer, section, &c, &offered);
	*offerer = offered.key;
	*answerer = c.key;
	crypto_wipe(&offered);
	crypto_wipe(&c);
	if (!same) /* RFC 4568 5.1.3, 5.3 */
		return crypto_refuse(offerer, answerer, "the answer has no a=crypto of ours");
	return key_is_same(offerer, answerer)
		       ? crypto_refuse(offerer, answerer, "a=crypto has our own key")
		       : NULL;
}

enum { UFRAG_MIN = 4, PWD_MIN = 22, ICE_MAX = 256 }; /* RFC 8839 5.4 */

static const struct {
	const char *name;
	enum media_hash hash;
	uint8_t length;
} g_hashes[] = {
	{ "sha-256", MEDIA_HASH_SHA256, 32 },
	{ "sha-384", MEDIA_HASH_SHA384, 48 },
	{ "sha-512", MEDIA_HASH_SHA512, 64 },
};

static const struct {
	const char *name;
	enum offer_setup setup;
} g_setups[] = {
	{ "actpass", OFFER_SETUP_ACTPASS },
	{ "active", OFFER_SETUP_ACTIVE },
	{ "passive", OFFER_SETUP_PASSIVE },
};

/* The section with the line's attributes of that name; SDP_SESSION also if there are none. */
static unsigned section_of(const struct sdp *s, uint8_t index, const char *name)
{
	struct bytes rest, tags, tag;
	uint8_t first;

	if (sdp_attribute(s, index + 1U, name, &rest))
		return index + 1U;
	if (offer_bundle_of(s, index, &tags) && bytes_cut(&tags, ' ', &tag) &&
	    offer_bundle_line(s, tag, &first) && sdp_attribute(s, first + 1U, name, &rest))
		return first + 1U;
	return SDP_SESSION;
}

/* "AB:12:..." of so many octets. */
static bool read_octets(struct bytes text, uint8_t *out, uint8_t length)
{
	struct bytes pair;
	size_t n;
	uint8_t count = 0;

	while (bytes_cut(&text, ':', &pair)) {
		if (count == length || pair.n != 2 || hex_decode(pair, out + count, 1, &n))
			return false;
		count++;
	}
	return count == length;
}

static void read_fingerprint(struct media_fingerprint *best, struct bytes value)
{
	struct media_fingerprint f = { 0 };
	struct bytes rest = bytes_trim(value), name;

	if (!bytes_cut(&rest, ' ', &name))
		return;
	for (size_t i = 0; i < COUNT_OF(g_hashes); i++) {
		if (!bytes_iis(name, g_hashes[i].name) || g_hashes[i].hash <= best->hash)
			continue;
		f.hash = (uint8_t)g_hashes[i].hash;
		if (read_octets(bytes_trim(rest), f.octets, g_hashes[i].length))
			*best = f;
	}
}

static void read_fingerprints(struct offer_transport *out, const struct sdp *s, uint8_t index)
{
	unsigned section = section_of(s, index, "fingerprint");
	struct bytes value;
	uint16_t line = 0;

	while (sdp_attribute_next(s, section, "fingerprint", &line, &value))
		read_fingerprint(&out->fingerprint, value);
}

static bool line_is_ice(struct bytes word, size_t least)
{
	for (size_t i = 0; i < word.n; i++) {
		uint8_t c = word.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '+' && c != '/')
			return false;
	}
	return word.n >= least && word.n <= ICE_MAX;
}

static uint64_t credentials_name(struct bytes ufrag, struct bytes pwd)
{
	static const struct hash_key key = { 0 };
	uint64_t name = hash_sip(&key, ufrag) ^ (hash_sip(&key, pwd) << 1);

	return name ? name : 1;
}

static void read_ice(struct offer_transport *out, const struct sdp *s, uint8_t index)
{
	unsigned section = section_of(s, index, "ice-ufrag");
	struct bytes ufrag, pwd, rest;

	if (!sdp_attribute(s, section, "ice-ufrag", &ufrag) ||
	    !sdp_attribute(s, section_of(s, index, "ice-pwd"), "ice-pwd", &pwd) ||
	    sdp_attribute(s, SDP_SESSION, "ice-lite", &rest))
		return;
	if (!line_is_ice(ufrag, UFRAG_MIN) || !line_is_ice(pwd, PWD_MIN))
		return;
	out->ice = true;
	out->ice_name = credentials_name(ufrag, pwd);
}

static void read_setup(struct offer_transport *out, const struct sdp *s, uint8_t index)
{
	struct bytes value;

	if (!sdp_attribute(s, section_of(s, index, "setup"), "setup", &value))
		return;
	out->setup = OFFER_SETUP_OTHER;
	for (size_t i = 0; i < COUNT_OF(g_setups); i++) {
		if (bytes_iis(bytes_trim(value), g_setups[i].name))
			out->setup = g_setups[i].setup;
	}
}

void offer_transport_read(struct offer_transport *out, const struct sdp *s, uint8_t index)
{
	*out = (struct offer_transport){ .setup = OFFER_SETUP_NONE };
	read_ice(out, s, index);
	read_fingerprints(out, s, index);
	read_setup(out, s, index);
}
