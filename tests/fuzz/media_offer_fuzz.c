/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: two octets of policy, an offer, a NUL, an answer. Oracle: what we write parses again, has the m-lines of the
 * offer, our address and ports and nobody else's, only formats that were offered and may be, and our key and nobody
 * else's where it is SRTP, our certificate and nobody else's where it is DTLS-SRTP; no number has two uses in what may become a
 * BUNDLE group; forwarding it once more changes nothing; and the plan speaks of numbers, keys and transports that the texts contain.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "media/crypto.h"
#include "media/offer.h"
#include "media/payload.h"

enum { TEXT_MAX = 1 << 17, SDP_MAX = 16384 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t g_offer_b[TEXT_MAX], g_again[TEXT_MAX], g_answer_a[TEXT_MAX];

static struct offer_self self_of(const char *address, uint16_t port, uint8_t key)
{
	struct offer_self self = { .session_id = 5, .session_version = 1 };

	for (int i = 0; i < MEDIA_LINES_MAX; i++) {
		self.rtp_port[i] = (uint16_t)(port + 2 * i);
		self.keys[i].length = 30;
		memset(self.keys[i].octets, key + i, 30);
		self.ice[i].on = 1;
		memset(self.ice[i].ufrag, key + i, sizeof(self.ice[i].ufrag));
		memset(self.ice[i].pwd, key + i, sizeof(self.ice[i].pwd));
		self.ssrc[i] = 1;
	}
	self.fingerprint.hash = MEDIA_HASH_SHA256;
	if (addr_parse(&self.address, bytes_str(address)))
		abort();
	return self;
}

static void parse(struct sdp *s, struct bytes text)
{
	struct sdp_error error;

	if (sdp_parse(s, text, &error))
		abort();
}

static bool is_dtls(const struct sdp *s, unsigned section)
{
	struct bytes proto = sdp_slice(s, s->sections[section].proto);

	return bytes_iis(proto, "UDP/TLS/RTP/SAVP") || bytes_iis(proto, "UDP/TLS/RTP/SAVPF");
}

static bool has_dtls(const struct sdp *s)
{
	for (unsigned i = 1; i <= s->media_count; i++) {
		if (is_dtls(s, i))
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

static void check_attributes(const struct sdp *s, unsigned section, bool grouped)
{
	static const char *const foreign[] = { "candidate", "fingerprint", "ice-ufrag", "ice-pwd",
					       "ssrc",      "setup",       "ice-lite",  "msid" };
	static const char *const groups[] = { "mid", "group" };
	static const char *const never[] = { "bundle-only", "rid", "simulcast", "tls-id" };
	bool live = section && s->sections[section].port && is_dtls(s, section);

	check_none(s, section, never, COUNT_OF(never));
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

		if (!s->sections[i].port || !is_dtls(s, i))
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

static bool is_secure(const struct sdp *s, unsigned section)
{
	struct bytes proto = sdp_slice(s, s->sections[section].proto);

	return bytes_iis(proto, "RTP/SAVP") || bytes_iis(proto, "RTP/SAVPF");
}

static bool same_key(const struct media_key *a, const struct media_key *b)
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
	bool wanted = section && s->sections[section].port && is_secure(s, section);
	struct crypto c;
	uint16_t line = 0;

	assert(crypto_lines(s, section) == wanted);
	assert(crypto_next(s, section, &line, &c) == wanted);
	if (wanted)
		assert(same_key(&c.key, &self->keys[section - 1]));
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

enum { AS_OFFERED = -1, PLAIN, SECURE, DTLS };

/* Towards A the profile is the offer's; towards B it is as the policy says, with feedback as A's, where that is no browser's. */
static void check_profile(const struct sdp *s, const struct sdp *offer, unsigned section, int kind)
{
	struct bytes ours = sdp_slice(s, s->sections[section].proto);
	struct bytes theirs = sdp_slice(offer, offer->sections[section].proto);
	bool feedback = (theirs.p[theirs.n - 1] | 0x20) == 'f' && !is_dtls(offer, section);

	if (kind == AS_OFFERED || !s->sections[section].port) {
		assert(bytes_ieq(ours, theirs));
		return;
	}
	assert(is_secure(s, section) == (kind == SECURE));
	assert(is_dtls(s, section) == (kind == DTLS));
	assert((ours.p[ours.n - 1] == 'F') == (feedback || kind == DTLS));
}

static bool is_our_port(const struct sdp *s, uint8_t index, const struct offer_self *self)
{
	uint16_t port = s->sections[index + 1].port;

	for (uint8_t i = 0; i < MEDIA_LINES_MAX; i++) {
		if (port == self->rtp_port[i] && (i == index || is_dtls(s, index + 1U)))
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
		assert(!m->port || theirs->port || is_dtls(offer, i + 1U)); /* bundle-only */
		assert(bytes_eq(sdp_slice(s, m->kind), sdp_slice(offer, theirs->kind)));
		check_profile(s, offer, i + 1U, kind);
		check_attributes(s, i + 1U, grouped);
		check_crypto(s, i + 1U, self);
		check_addresses(s, i + 1U, self);
	}
}

static bool has(const struct sdp *s, unsigned section, uint8_t number)
{
	struct bytes rest = sdp_slice(s, s->sections[section].formats), word;
	uint32_t n;

	while (section <= s->media_count && bytes_cut(&rest, ' ', &word)) {
		if (!bytes_u32(word, &n) && n == number)
			return true;
	}
	return false;
}

static void check_rules(const struct media_side *side)
{
	assert(side->rule_count && side->rule_count <= PAYLOAD_RULES_MAX);
	for (uint8_t i = 0; i < side->rule_count; i++) {
		assert(side->rules[i].clock_hz);
		assert(side->rules[i].out != PAYLOAD_NONE || side->rules[i].event);
		for (uint8_t k = 0; k < i; k++)
			assert(side->rules[k].in != side->rules[i].in);
	}
}

/* The number is a telephone-event of that clock; nameless ones are known by their number. */
static void check_event(const struct media_side *side, const struct sdp *s, unsigned section)
{
	struct payload_list list;
	const struct payload *p;

	if (side->event_pt == PAYLOAD_NONE)
		return;
	payload_list_read(&list, s, section);
	p = payload_find(&list, side->event_pt);
	assert(p && (!p->name.n || (payload_is_event(p) && p->clock_hz == side->event_clock_hz)));
	assert(side->event_clock_hz);
}

/* Some line of the section has the key. */
static bool has_key(const struct sdp *s, unsigned section, const struct media_key *key)
{
	struct crypto c;
	uint16_t line = 0;

	while (crypto_next(s, section, &line, &c)) {
		if (c.key.suite == key->suite && same_key(&c.key, key))
			return true;
	}
	return false;
}

static void check_keys(const struct media_side *side, const struct sdp *theirs,
		       const struct sdp *ours, unsigned section)
{
	assert(side->key_in.suite == side->key_out.suite);
	assert(is_secure(ours, section) == (side->key_in.suite != MEDIA_SUITE_NONE));
	assert(is_secure(theirs, section) == is_secure(ours, section));
	assert(is_dtls(theirs, section) == is_dtls(ours, section));
	assert(is_dtls(ours, section) == (side->dtls != DTLS_NONE));
	if (side->key_in.suite == MEDIA_SUITE_NONE) {
		assert(!side->key_in.length && !side->key_out.length);
		return;
	}
	assert(has_key(theirs, section, &side->key_in));
	assert(has_key(ours, section, &side->key_out));
	assert(!same_key(&side->key_in, &side->key_out));
}

struct texts {
	struct sdp offer_a, offer_b, answer_b, answer_a;
};

static void check_line(const struct media_line *line, unsigned section, const struct texts *t)
{
	assert(!line->active == !t->answer_a.sections[section].port);
	if (!line->active) {
		assert(line->a.event_pt == PAYLOAD_NONE && line->b.event_pt == PAYLOAD_NONE);
		return;
	}
	check_rules(&line->a);
	check_rules(&line->b);
	check_keys(&line->a, &t->offer_a, &t->answer_a, section);
	check_keys(&line->b, &t->answer_b, &t->offer_b, section);
	check_event(&line->a, &t->offer_a, section);
	check_event(&line->a, &t->answer_a, section);
	check_event(&line->b, &t->answer_b, section);
	for (uint8_t i = 0; i < line->a.rule_count; i++) {
		const struct payload_rule *rule = &line->a.rules[i];

		assert(has(&t->answer_a, section, rule->in));
		assert(has(&t->offer_a, section, rule->in));
		assert(rule->out == PAYLOAD_NONE || has(&t->answer_b, section, rule->out));
	}
	for (uint8_t i = 0; i < line->b.rule_count; i++) {
		const struct payload_rule *rule = &line->b.rules[i];

		assert(has(&t->offer_b, section, rule->in) || has(&t->answer_b, section, rule->in));
		assert(rule->out == PAYLOAD_NONE || has(&t->answer_a, section, rule->out));
	}
}

/* Whoever carries others is carried by nobody. */
static void check_carrier(const struct media_plan *plan, uint8_t index, bool of_b)
{
	const struct media_line *line = &plan->line[index];
	const struct media_side *side = of_b ? &line->b : &line->a, *owner;

	if (!line->active || side->dtls == DTLS_NONE) {
		assert(!line->active || side->bundle == index);
		return;
	}
	assert(side->bundle < plan->line_count && plan->line[side->bundle].active);
	owner = of_b ? &plan->line[side->bundle].b : &plan->line[side->bundle].a;
	assert(owner->bundle == side->bundle && owner->ice_name == side->ice_name);
	assert(owner->dtls == side->dtls && owner->ice == side->ice);
	assert(!side->ice == !side->ice_name && side->fingerprint.hash != MEDIA_HASH_NONE);
}

static void check_plan(const struct media_plan *plan, struct bytes offer, struct bytes forwarded,
		       struct bytes answer, struct bytes answered)
{
	static struct texts t;

	parse(&t.offer_a, offer);
	parse(&t.offer_b, forwarded);
	parse(&t.answer_b, answer);
	parse(&t.answer_a, answered);
	assert(plan->line_count <= MEDIA_LINES_MAX && plan->line_count <= t.offer_a.media_count);
	for (uint8_t i = 0; i < plan->line_count; i++)
		check_line(&plan->line[i], i + 1U, &t);
	for (uint8_t i = 0; i < plan->line_count; i++) {
		check_carrier(plan, i, false);
		check_carrier(plan, i, true);
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

/* What a party is shown is within its terms. */
static void check_terms(const struct sdp *s, const struct offer_terms *terms)
{
	for (unsigned i = 1; i <= s->media_count; i++) {
		bool video = bytes_iis(sdp_slice(s, s->sections[i].kind), "video");
		struct payload_list list;

		if (!s->sections[i].port)
			continue;
		assert(!video || !terms->no_video);
		payload_list_read(&list, s, i);
		assert(list.count);
		for (uint8_t k = 0; k < list.count && !video; k++) {
			assert(!payload_is_event(&list.at[k]) || !terms->no_events);
			assert(!payload_is_codec(&list.at[k]) || is_listed(&list.at[k], terms));
		}
	}
}

static void check_text(struct bytes text, struct bytes offer, const struct offer_self *self,
		       const struct offer_terms *terms, int kind)
{
	static struct sdp ours, theirs;

	parse(&ours, text);
	parse(&theirs, offer);
	check_ours(&ours, &theirs, self, kind);
	if (kind == DTLS)
		check_numbers(&ours);
	check_terms(&ours, terms);
}

static void check_error(const struct offer_error *error)
{
	assert(error->reason);
	assert(error->status == 400 || error->status == 413 || error->status == 488);
}

static bool forward(struct bytes offer, const struct offer_policy *policy,
		    const struct offer_self *to_b, struct writer *w)
{
	struct writer again = writer_over(g_again, sizeof(g_again));
	struct offer_error error = { 0 };

	if (offer_forward(offer, policy, to_b, w, &error)) {
		check_error(&error);
		return false;
	}
	check_text(writer_done(w), offer, to_b, &policy->b,
		   policy->b.dtls_offer   ? DTLS
		   : policy->b.sdes_offer ? SECURE
					  : PLAIN);
	if (policy->b.dtls_offer && to_b->earlier.n)
		return true; /* without it the mids are others */

	struct offer_policy wide = *policy;
	struct offer_self self = *to_b;

	self.earlier = (struct bytes){ 0 };
	wide.sdp_max = UINT16_MAX;
	wide.event_pt = 0; /* a number whose format was dropped has become free */
	wide.a.sdes_accept = wide.a.dtls_accept = true;
	wide.a.sdes_only = wide.a.no_events = false;
	if (offer_forward(writer_done(w), &wide, &self, &again, &error) == 0) {
		assert(bytes_eq(writer_done(&again), writer_done(w)));
	} else {
		assert(error.status == 413); /* at the limit of lines, once more is too many */
	}
	return true;
}

static void set_codecs(struct offer_terms *terms, const char *first, const char *second)
{
	terms->codec_count = 2;
	(void)bytes_cstr(bytes_str(first), terms->codecs[0], OFFER_CODEC_NAME_MAX);
	(void)bytes_cstr(bytes_str(second), terms->codecs[1], OFFER_CODEC_NAME_MAX);
}

static struct offer_policy policy_of(uint8_t flags, uint8_t terms)
{
	struct offer_policy policy = { .video = flags & 1,
				       .rtcp_mux = flags >> 1 & 1,
				       .event_pt = flags & 4 ? 101 : 97,
				       .sdp_max = SDP_MAX };

	policy.a.sdes_accept = flags >> 4 & 1;
	policy.a.dtls_accept = terms >> 5 & 1;
	policy.b.dtls_offer = policy.a.dtls_accept && flags >> 5 & 1;
	policy.b.sdes_offer = !policy.a.dtls_accept && flags >> 5 & 1;
	policy.a.no_events = flags >> 6 & 1;
	policy.b.no_events = flags >> 7 & 1;
	if (terms & 1)
		set_codecs(&policy.a, "PCMA", "opus");
	if (terms & 2)
		set_codecs(&policy.b, "pcma", "G722");
	policy.a.ptime_g711 = policy.b.ptime_g729 = terms & 4 ? 20 : 0;
	policy.a.video_kbps = policy.b.video_kbps = terms & 8 ? 768 : 0;
	policy.a.sdes_only = terms >> 6 & 1;
	policy.b.no_video = terms >> 7 & 1;
	return policy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_from(bytes_mem(data, size), 2), offer = { 0 };
	uint8_t flags = size ? data[0] : 0, terms = size > 1 ? data[1] : 0;
	struct offer_policy policy = policy_of(flags, terms);
	struct offer_self to_a = self_of(flags & 8 ? "2001:db8:1::a" : "203.0.113.1", 30000, '0');
	struct offer_self to_b = self_of("198.51.100.7", 40000, 'a');
	struct writer offer_b = writer_over(g_offer_b, sizeof(g_offer_b));
	struct writer answer_a = writer_over(g_answer_a, sizeof(g_answer_a));
	struct offer_error error = { 0 };
	struct media_plan plan;

	(void)bytes_cut(&rest, '\0', &offer);
	if (terms & 16)
		to_b.earlier = rest;
	if (!forward(offer, &policy, &to_b, &offer_b))
		return 0;
	if (offer_answer(offer, writer_done(&offer_b), rest, &policy, &to_a, &answer_a, &plan,
			 &error)) {
		check_error(&error);
		assert(plan.line_count == 0);
		return 0;
	}
	check_text(writer_done(&answer_a), offer, &to_a, &policy.a, AS_OFFERED);
	check_plan(&plan, offer, writer_done(&offer_b), rest, writer_done(&answer_a));
	return 0;
}
