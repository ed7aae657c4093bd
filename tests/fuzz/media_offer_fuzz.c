/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: an octet of policy, an offer, a NUL, an answer. Oracle: what we write parses again, has the m-lines of the
 * offer, our address and ports and nobody else's, only formats that were offered; forwarding it once more changes
 * nothing; and the plan speaks of numbers that the texts contain.
 */
#include <assert.h>
#include <stdlib.h>

#include "media/offer.h"
#include "media/payload.h"

enum { TEXT_MAX = 1 << 17, SDP_MAX = 16384 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t g_offer_b[TEXT_MAX], g_again[TEXT_MAX], g_answer_a[TEXT_MAX];

static struct offer_self self_of(const char *address, uint16_t port)
{
	struct offer_self self = { .session_id = 5, .session_version = 1 };

	for (int i = 0; i < MEDIA_LINES_MAX; i++)
		self.rtp_port[i] = (uint16_t)(port + 2 * i);
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

static void check_attributes(const struct sdp *s, unsigned section)
{
	static const char *const foreign[] = { "candidate", "crypto",  "fingerprint",
					       "ice-ufrag", "ice-pwd", "ssrc",
					       "mid",       "group",   "msid" };
	struct bytes rest;

	for (size_t i = 0; i < COUNT_OF(foreign); i++)
		assert(!sdp_attribute(s, section, foreign[i], &rest));
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

static void check_ours(const struct sdp *s, const struct sdp *offer, const struct offer_self *self)
{
	assert(s->media_count == offer->media_count);
	assert(bytes_starts(sdp_slice(s, s->lines[1].value), "- 5 1 IN IP"));
	check_attributes(s, SDP_SESSION);
	check_addresses(s, SDP_SESSION, self);
	for (uint8_t i = 0; i < s->media_count; i++) {
		const struct sdp_section *m = &s->sections[i + 1],
					 *theirs = &offer->sections[i + 1];

		assert(!m->port || (i < MEDIA_LINES_MAX && m->port == self->rtp_port[i]));
		assert(!m->port || theirs->port);
		assert(bytes_eq(sdp_slice(s, m->kind), sdp_slice(offer, theirs->kind)));
		assert(bytes_eq(sdp_slice(s, m->proto), sdp_slice(offer, theirs->proto)));
		check_attributes(s, i + 1U);
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
		for (uint8_t k = 0; k < i; k++)
			assert(side->rules[k].in != side->rules[i].in);
	}
}

static void check_line(const struct media_line *line, unsigned section, const struct sdp *offer_a,
		       const struct sdp *offer_b, const struct sdp *answer_b,
		       const struct sdp *answer_a)
{
	assert(!line->active == !answer_a->sections[section].port);
	if (!line->active)
		return;
	check_rules(&line->a);
	check_rules(&line->b);
	for (uint8_t i = 0; i < line->a.rule_count; i++) {
		assert(has(answer_a, section, line->a.rules[i].in));
		assert(has(offer_a, section, line->a.rules[i].in));
		assert(has(answer_b, section, line->a.rules[i].out));
	}
	for (uint8_t i = 0; i < line->b.rule_count; i++) {
		assert(has(offer_b, section, line->b.rules[i].in) ||
		       has(answer_b, section, line->b.rules[i].in));
		assert(has(answer_a, section, line->b.rules[i].out));
	}
}

static void check_plan(const struct media_plan *plan, struct bytes offer, struct bytes forwarded,
		       struct bytes answer, struct bytes answered)
{
	static struct sdp offer_a, offer_b, answer_b, answer_a;

	parse(&offer_a, offer);
	parse(&offer_b, forwarded);
	parse(&answer_b, answer);
	parse(&answer_a, answered);
	assert(plan->line_count <= MEDIA_LINES_MAX && plan->line_count <= offer_a.media_count);
	for (uint8_t i = 0; i < plan->line_count; i++)
		check_line(&plan->line[i], i + 1U, &offer_a, &offer_b, &answer_b, &answer_a);
}

static void check_text(struct bytes text, struct bytes offer, const struct offer_self *self)
{
	static struct sdp ours, theirs;

	parse(&ours, text);
	parse(&theirs, offer);
	check_ours(&ours, &theirs, self);
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
	check_text(writer_done(w), offer, to_b);

	struct offer_policy wide = *policy;

	wide.sdp_max = UINT16_MAX;
	wide.event_pt = 0; /* a number whose format was dropped has become free */
	if (offer_forward(writer_done(w), &wide, to_b, &again, &error) == 0) {
		assert(bytes_eq(writer_done(&again), writer_done(w)));
	} else {
		assert(error.status == 413); /* at the limit of lines, once more is too many */
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_from(bytes_mem(data, size), 1), offer = { 0 };
	uint8_t flags = size ? data[0] : 0;
	struct offer_policy policy = { .video = flags & 1,
				       .rtcp_mux = flags >> 1 & 1,
				       .event_pt = flags & 4 ? 101 : 97,
				       .sdp_max = SDP_MAX };
	struct offer_self to_a = self_of(flags & 8 ? "2001:db8:1::a" : "203.0.113.1", 30000);
	struct offer_self to_b = self_of("198.51.100.7", 40000);
	struct writer offer_b = writer_over(g_offer_b, sizeof(g_offer_b));
	struct writer answer_a = writer_over(g_answer_a, sizeof(g_answer_a));
	struct offer_error error = { 0 };
	struct media_plan plan;

	(void)bytes_cut(&rest, '\0', &offer);
	if (!forward(offer, &policy, &to_b, &offer_b))
		return 0;
	if (offer_answer(offer, writer_done(&offer_b), rest, &policy, &to_a, &answer_a, &plan,
			 &error)) {
		check_error(&error);
		assert(plan.line_count == 0);
		return 0;
	}
	check_text(writer_done(&answer_a), offer, &to_a);
	check_plan(&plan, offer, writer_done(&offer_b), rest, writer_done(&answer_a));
	return 0;
}
