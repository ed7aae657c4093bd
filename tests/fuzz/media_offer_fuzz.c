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

#include "tests/fuzz/media_offer.h"

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
	judge_text(writer_done(w), offer, to_b, &policy->b,
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
	judge_text(writer_done(&answer_a), offer, &to_a, &policy.a, AS_OFFERED);
	judge_plan(&plan, offer, writer_done(&offer_b), rest, writer_done(&answer_a));
	return 0;
}
