/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer/transport.h"

#include "base/hash.h"
#include "media/offer/bundle.h"

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

/* Where the line's attributes of that name are; SDP_SESSION also where nobody has any. */
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
