/* SPDX-License-Identifier: Apache-2.0 */
/* What one of our texts must be like. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "media/crypto.h"
#include "media/payload.h"
#include "tests/fuzz/media_offer.h"

void judge_parse(struct sdp *s, struct bytes text)
{
	struct sdp_error error;

	if (sdp_parse(s, text, &error))
		abort();
}

bool judge_is_dtls(const struct sdp *s, unsigned section)
{
	struct bytes proto = sdp_slice(s, s->sections[section].proto);

	return bytes_iis(proto, "UDP/TLS/RTP/SAVP") || bytes_iis(proto, "UDP/TLS/RTP/SAVPF");
}

bool judge_is_opaque(const struct sdp *s, unsigned section)
{
	struct bytes media = sdp_slice(s, s->sections[section].kind);

	return !bytes_iis(media, "audio") && !bytes_iis(media, "video") &&
	       !bytes_iis(media, "text");
}

static bool has_dtls(const struct sdp *s)
{
	for (unsigned i = 1; i <= s->media_count; i++) {
		if (judge_is_dtls(s, i))
			return true;
	}
	return false;
}

static void check_none(const struct sdp *s, unsigned section, const char *const *names, size_t n)
{
	struct bytes rest;

	for (size_t i = 0; i < n; i++)
		assert(!sdp_attribute(s, section, names[i], &rest));
}

/* Ours, where there is any. */
static void check_transport(const struct sdp *s, unsigned section)
{
	static const char ours[] = "sha-256 00:00:";
	struct bytes value, setup;
	uint16_t line = 0;
	unsigned count = 0;

	while (sdp_attribute_next(s, section, "fingerprint", &line, &value)) {
		assert(bytes_starts(value, ours));
		count++;
	}
	assert(count <= 1 && count == sdp_attribute(s, section, "setup", &setup));
	if (sdp_attribute(s, section, "ice-ufrag", &value))
		assert(value.n == ICE_UFRAG_LEN && value.p[0] == value.p[1]);
	if (sdp_attribute(s, section, "ice-pwd", &value))
		assert(value.n == ICE_PWD_LEN && value.p[0] == value.p[1]);
}

/* One at most in a call of two, which is received, and has its a=rid. */
static void check_layer(const struct sdp *s, unsigned section)
{
	struct bytes list, rid, word;

	if (sdp_attribute(s, section, "simulcast", &list) == 0)
		return;
	assert(bytes_starts(list, "recv ") && bytes_find(list, ';') == list.n);
	assert(sdp_attribute(s, section, "rid", &rid) == 1);
	assert(bytes_cut(&rid, ' ', &word) && bytes_eq(word, bytes_trim(bytes_from(list, 5))));
	assert(bytes_starts(rid, "recv"));
}

static void check_attributes(const struct sdp *s, unsigned section, bool grouped)
{
	static const char *const foreign[] = { "candidate", "fingerprint", "ice-ufrag", "ice-pwd",
					       "ssrc",      "setup",       "ice-lite",  "msid" };
	static const char *const groups[] = { "mid", "group" };
	static const char *const never[] = { "bundle-only", "tls-id" };
	static const char *const layers[] = { "rid", "simulcast" };
	bool live = section && s->sections[section].port && judge_is_dtls(s, section);

	check_none(s, section, never, COUNT_OF(never));
	check_none(s, section, layers, live ? 0 : COUNT_OF(layers));
	if (live)
		check_layer(s, section);
	check_none(s, section, live ? NULL : foreign, live || !section ? 0 : COUNT_OF(foreign));
	check_none(s, section, groups, grouped ? 0 : COUNT_OF(groups));
	if (live)
		check_transport(s, section);
}

/* RFC 9143 9.1 */
static void check_numbers(const struct sdp *s)
{
	bool used[128] = { false };

	for (unsigned i = 1; i <= s->media_count; i++) {
		struct payload_list list;

		if (!s->sections[i].port || !judge_is_dtls(s, i))
			continue;
		payload_list_read(&list, s, i);
		for (uint8_t k = 0; k < list.count; k++) {
			if (list.at[k].encoding.n == 0)
				continue;
			assert(!used[list.at[k].number]);
			used[list.at[k].number] = true;
		}
	}
}

bool judge_is_secure(const struct sdp *s, unsigned section)
{
	struct bytes proto = sdp_slice(s, s->sections[section].proto);

	return bytes_iis(proto, "RTP/SAVP") || bytes_iis(proto, "RTP/SAVPF");
}

bool judge_same_key(const struct media_key *a, const struct media_key *b)
{
	return a->length == b->length && memcmp(a->octets, b->octets, a->length) == 0;
}

/* Whatever a careless reader might take for a=crypto counts. */
static unsigned crypto_lines(const struct sdp *s, unsigned section)
{
	unsigned count = 0;

	for (uint16_t i = s->sections[section].first; i < s->sections[section].end; i++) {
		struct bytes value = sdp_slice(s, s->lines[i].value);

		if (s->lines[i].type == 'a' && bytes_istarts(bytes_trim(value), "crypto"))
			count += bytes_iis(bytes_trim(bytes_sub(value, 0, bytes_find(value, ':'))),
					   "crypto");
		assert(s->lines[i].type != 'k');
	}
	return count;
}

/* One line with our own key where a section is SRTP, none elsewhere. */
static void check_crypto(const struct sdp *s, unsigned section, const struct offer_self *self)
{
	bool wanted = section && s->sections[section].port && judge_is_secure(s, section);
	struct crypto c;
	uint16_t line = 0;

	assert(crypto_lines(s, section) == wanted);
	assert(crypto_next(s, section, &line, &c) == wanted);
	if (wanted)
		assert(judge_same_key(&c.key, &self->keys[section - 1]));
}

static void check_addresses(const struct sdp *s, unsigned section, const struct offer_self *self)
{
	struct sdp_connection to;
	struct addr rtcp;

	assert(sdp_connection(s, section, &to) == 0);
	assert(addr_ip_eq(&to.address, &self->address));
	if (sdp_rtcp(s, section, &to.address, &rtcp) == 0) {
		assert(addr_ip_eq(&rtcp, &self->address));
		assert(rtcp.port == s->sections[section].port + 1);
	}
}

/* Towards A the profile is the offer's; towards B it is as the policy says, with feedback as A's, where that is no browser's. */
static void check_profile(const struct sdp *s, const struct sdp *offer, unsigned section, int kind)
{
	struct bytes ours = sdp_slice(s, s->sections[section].proto);
	struct bytes theirs = sdp_slice(offer, offer->sections[section].proto);
	bool feedback = (theirs.p[theirs.n - 1] | 0x20) == 'f' && !judge_is_dtls(offer, section);

	if (kind == AS_OFFERED || !s->sections[section].port || judge_is_opaque(s, section)) {
		assert(bytes_ieq(ours, theirs));
		return;
	}
	assert(judge_is_secure(s, section) == (kind == SECURE));
	assert(judge_is_dtls(s, section) == (kind == DTLS));
	assert((ours.p[ours.n - 1] == 'F') == (feedback || kind == DTLS));
}

static bool is_our_port(const struct sdp *s, uint8_t index, const struct offer_self *self)
{
	uint16_t port = s->sections[index + 1].port;

	for (uint8_t i = 0; i < MEDIA_LINES_MAX; i++) {
		if (port == self->rtp_port[i] && (i == index || judge_is_dtls(s, index + 1U)))
			return true;
	}
	return port == 0;
}

static void check_ours(const struct sdp *s, const struct sdp *offer, const struct offer_self *self,
		       int kind)
{
	bool grouped = kind == DTLS || has_dtls(s);

	assert(s->media_count == offer->media_count);
	assert(bytes_starts(sdp_slice(s, s->lines[1].value), "- 5 1 IN IP"));
	check_attributes(s, SDP_SESSION, grouped);
	check_crypto(s, SDP_SESSION, self);
	check_addresses(s, SDP_SESSION, self);
	for (uint8_t i = 0; i < s->media_count; i++) {
		const struct sdp_section *m = &s->sections[i + 1],
					 *theirs = &offer->sections[i + 1];

		assert(is_our_port(s, i, self));
		assert(!m->port || theirs->port || judge_is_dtls(offer, i + 1U)); /* bundle-only */
		assert(bytes_eq(sdp_slice(s, m->kind), sdp_slice(offer, theirs->kind)));
		check_profile(s, offer, i + 1U, kind);
		check_attributes(s, i + 1U, grouped);
		check_crypto(s, i + 1U, self);
		check_addresses(s, i + 1U, self);
	}
}

static bool is_listed(const struct payload *p, const struct offer_terms *terms)
{
	for (uint8_t i = 0; i < terms->codec_count; i++) {
		if (payload_is(p, terms->codecs[i]))
			return true;
	}
	return terms->codec_count == 0;
}

/* Nothing of the line can be ours to protect. */
static void check_opaque(const struct sdp *s, unsigned section, const struct offer_terms *terms)
{
	struct bytes proto = sdp_slice(s, s->sections[section].proto);
	bool fax = bytes_iis(proto, "udptl");
	bool floor = bytes_iis(proto, "UDP/BFCP");

	assert(terms->lines & (fax ? OFFER_LINES_T38 : OFFER_LINES_OTHER) ||
	       (floor && terms->lines & OFFER_LINES_BFCP));
	assert(fax || bytes_iis(proto, "udp") || bytes_iis(proto, "UDP/BFCP") ||
	       bytes_iis(proto, "RTP/AVP") || bytes_iis(proto, "RTP/AVPF"));
	assert(terms->lines & OFFER_LINES_UNENCRYPTED || (!terms->sdes_only && !terms->dtls_only));
}

/* T.140 and its redundancy, which says the number of T.140. */
static void check_t140(const struct sdp *s, unsigned section, const struct offer_terms *terms)
{
	struct payload_list list;

	assert(terms->lines & (OFFER_LINES_TEXT | OFFER_LINES_OTHER));
	assert(!judge_is_dtls(s, section));
	payload_list_read(&list, s, section);
	assert(list.count);
	for (uint8_t i = 0; i < list.count; i++)
		assert(payload_is(&list.at[i], "t140") || payload_is(&list.at[i], "red"));
}

/* What a party is shown is within its terms. */
static void check_terms(const struct sdp *s, const struct offer_terms *terms)
{
	for (unsigned i = 1; i <= s->media_count; i++) {
		bool video = bytes_iis(sdp_slice(s, s->sections[i].kind), "video");
		struct payload_list list;

		if (!s->sections[i].port)
			continue;
		if (judge_is_opaque(s, i)) {
			check_opaque(s, i, terms);
			continue;
		}
		if (bytes_iis(sdp_slice(s, s->sections[i].kind), "text")) {
			check_t140(s, i, terms);
			continue;
		}
		assert(!video || !terms->no_video);
		payload_list_read(&list, s, i);
		assert(list.count);
		for (uint8_t k = 0; k < list.count && !video; k++) {
			assert(!payload_is_event(&list.at[k]) || !terms->digits);
			assert(!payload_is_codec(&list.at[k]) || is_listed(&list.at[k], terms));
		}
	}
}

void judge_text(struct bytes text, struct bytes offer, const struct offer_self *self,
		const struct offer_terms *terms, int kind)
{
	static struct sdp ours, theirs;

	judge_parse(&ours, text);
	judge_parse(&theirs, offer);
	check_ours(&ours, &theirs, self, kind);
	if (kind == DTLS)
		check_numbers(&ours);
	check_terms(&ours, terms);
}
