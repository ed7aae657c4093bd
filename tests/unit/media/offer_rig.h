/* SPDX-License-Identifier: Apache-2.0 */
/* An offer and its answer through us, with keys of our own. */
#ifndef TESTS_UNIT_MEDIA_OFFER_RIG_H
#define TESTS_UNIT_MEDIA_OFFER_RIG_H

#include "tests/unit/media/data.h"

#include "media/codec.h"
#include "media/offer/offer.h"
#include "tests/offer_answer.h"

/* Our keys in base64: octets '0' + line for A, 'a' + line for B. */
#define RIG_KEY_A0 "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"
#define RIG_KEY_A1 "MTExMTExMTExMTExMTExMTExMTExMTExMTExMTEx"
#define RIG_KEY_B0 "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
#define RIG_KEY_B1 "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJi"
/* As many of them as the GCM suites want. */
#define RIG_KEY_A0_28 "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA=="
#define RIG_KEY_A0_44 "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="
/* Of parties: octets 'P' and 'Q'. */
#define RIG_KEY_P    "UFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQ"
#define RIG_KEY_P_28 "UFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUA=="
#define RIG_KEY_P_44 "UFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFA="
#define RIG_KEY_Q    "UVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFR"

struct rig {
	struct offer_policy policy;
	struct offer_self to_a, to_b;
	uint8_t forwarded[8192], answered[8192];
	struct bytes offer_b, answer_a;
	struct media_plan plan;
	struct offer_error error;
	int err;
};

static inline struct offer_self rig_self(const char *address, uint16_t port, char key)
{
	struct offer_self self = { .session_id = 5, .session_version = 1 };

	for (int i = 0; i < MEDIA_LINES_MAX; i++) {
		self.rtp_port[i] = (uint16_t)(port + 2 * i);
		self.keys[i].length = 44;
		memset(self.keys[i].octets, key + i, 44);
	}
	assert_int_equal(addr_parse(&self.address, bytes_str(address)), 0);
	return self;
}

/* With ICE credentials, certificate and SSRCs of our own. */
static inline void rig_dtls(struct offer_self *self, char key)
{
	for (int i = 0; i < MEDIA_LINES_MAX; i++) {
		self->ice[i].on = 1;
		memset(self->ice[i].ufrag, key + i, sizeof(self->ice[i].ufrag));
		memset(self->ice[i].pwd, key + i, sizeof(self->ice[i].pwd));
		self->ssrc[i] = self->rtp_port[i];
	}
	self->fingerprint.hash = MEDIA_HASH_SHA256;
	memset(self->fingerprint.octets, key, 32);
}

/* A's DTLS is accepted, B is offered it. */
static inline void rig_dtls_terms(struct rig *r, bool accept, bool offer)
{
	r->policy.a.dtls_accept = accept;
	r->policy.b.dtls_offer = offer;
	if (accept)
		rig_dtls(&r->to_a, '0');
	if (offer)
		rig_dtls(&r->to_b, 'a');
}

static inline void rig_init(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->policy = (struct offer_policy){ .event_pt = 101, .sdp_max = 16384 };
	r->to_a = rig_self("203.0.113.1", 30000, '0');
	r->to_b = rig_self("198.51.100.7", 40000, 'a');
}

static inline void rig_offer(struct rig *r, struct bytes offer)
{
	struct writer w = writer_over(r->forwarded, sizeof(r->forwarded));

	memset(&r->error, 0, sizeof(r->error));
	r->err = offer_forward(offer, &r->policy, &r->to_b, &w, &r->error);
	r->offer_b = writer_done(&w);
}

/* The offer must pass; the answer's outcome is in err. */
static inline void rig_exchange(struct rig *r, struct bytes offer, struct bytes answer)
{
	struct writer w = writer_over(r->answered, sizeof(r->answered));

	rig_offer(r, offer);
	if (r->err)
		fail_msg("offer: %s", r->error.reason);
	r->err = offer_answer(offer, r->offer_b, answer, &r->policy, &r->to_a, &w, &r->plan,
			      &r->error);
	r->answer_a = writer_done(&w);
}

static inline void rig_write_coding(struct writer *w, const struct media_side *side,
				    const struct payload_rule *rule)
{
	const struct media_coding *c = &side->codings[rule->coding ? rule->coding - 1 : 0];

	if (!rule->coding)
		return;
	assert_in_range(rule->coding, 1, MEDIA_CODINGS_MAX);
	writer_fmt(w, "[%s-%s", media_codec_facts((enum media_codec)c->from)->name,
		   media_codec_facts((enum media_codec)c->to)->name);
	if (c->packet_ms)
		writer_fmt(w, ",%u", c->packet_ms);
	writer_str(w, "]");
}

/* "0>8 101>96e 97>-e 9>0[G722-PCMU,20] ": an event's number with e, none as -, how it is transcoded in brackets. */
static inline void rig_write_rules(struct writer *w, const struct media_side *side)
{
	for (uint8_t i = 0; i < side->rule_count; i++) {
		const struct payload_rule *rule = &side->rules[i];

		writer_fmt(w, "%u>", rule->in);
		if (rule->out == PAYLOAD_NONE)
			writer_str(w, "-");
		else
			writer_fmt(w, "%u", rule->out);
		rig_write_coding(w, side, rule);
		writer_str(w, rule->event ? "e " : " ");
	}
}

static inline bool rig_has(struct bytes text, const char *part)
{
	return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

#endif
