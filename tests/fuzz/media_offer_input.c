/* SPDX-License-Identifier: Apache-2.0 */
/* An input of the targets about offers and answers: two octets of policy, an offer, a NUL, an answer. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/media_offer.h"

enum { SDP_MAX = 16384 };

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
	policy.a.digits = flags >> 6 & 1;
	policy.b.digits = flags >> 7 & 1;
	if (terms & 1)
		set_codecs(&policy.a, "PCMA", "opus");
	if (terms & 2)
		set_codecs(&policy.b, "pcma", "G722");
	policy.a.ptime_g711 = policy.b.ptime_g729 = terms & 4 ? 20 : 0;
	policy.a.video_kbps = policy.b.video_kbps = terms & 8 ? 768 : 0;
	policy.a.sdes_only = terms >> 6 & 1;
	policy.b.no_video = terms >> 7 & 1;
	policy.a.lines = flags & 1 ? OFFER_LINES_ALL : OFFER_LINES_T38;
	policy.b.lines = terms & 1 ? OFFER_LINES_T38 : OFFER_LINES_ALL;
	return policy;
}

struct offer_input offer_input_read(struct bytes in)
{
	uint8_t flags = in.n ? in.p[0] : 0, terms = in.n > 1 ? in.p[1] : 0;
	struct offer_input out = {
		.policy = policy_of(flags, terms),
		.to_a = self_of(flags & 8 ? "2001:db8:1::a" : "203.0.113.1", 30000, '0'),
		.to_b = self_of("198.51.100.7", 40000, 'a'),
		.answer = bytes_from(in, 2),
	};

	(void)bytes_cut(&out.answer, '\0', &out.offer);
	if (terms & 16)
		out.to_b.earlier = out.answer;
	return out;
}
