/* SPDX-License-Identifier: Apache-2.0 */
#include "media/offer_plan.h"

#include <string.h>

#include "media/offer_crypto.h"

static void add_rule(struct media_side *side, uint8_t in, uint8_t out, const struct offer_agreed *f)
{
	for (uint8_t i = 0; i < side->rule_count; i++) {
		if (side->rules[i].in == in)
			return;
	}
	if (side->rule_count == PAYLOAD_RULES_MAX)
		return;
	side->rules[side->rule_count++] = (struct payload_rule){
		.in = in, .out = out, .event = f->event, .clock_hz = f->clock_hz
	};
}

/*
 * RFC 3264 5.1, 6.1: each SDP says under which numbers its author receives. So B shall send under the numbers of our
 * offer; some send under those of their own answer, which is taken where our offer gives the number no other meaning.
 * An event that the other party does not take has no number there: it is reported and not relayed.
 */
static void make_rules(struct media_line *line, const struct offer_agreement *g)
{
	for (uint8_t i = 0; i < g->count; i++) {
		if (g->at[i].a != PAYLOAD_NONE)
			add_rule(&line->a, g->at[i].a, g->at[i].answered, &g->at[i]);
		if (g->at[i].offered != PAYLOAD_NONE)
			add_rule(&line->b, g->at[i].offered, g->at[i].a, &g->at[i]);
	}
	for (uint8_t i = 0; i < g->count; i++) {
		if (g->at[i].answered != PAYLOAD_NONE)
			add_rule(&line->b, g->at[i].answered, g->at[i].a, &g->at[i]);
	}
}

/* libre answers a browser's H264 under one number and sends under another one, that of the first with its packetization-mode: any of ours that
 * means the same is taken. */
static void add_twins(struct media_line *line, const struct offer_exchange *x, uint8_t index,
		      const struct offer_agreement *g)
{
	struct payload_list offered;

	payload_list_read(&offered, &x->offer_b, index + 1U);
	for (uint8_t i = 0; i < offered.count; i++) {
		const struct payload *p = &offered.at[i];

		for (uint8_t k = 0; k < g->count && payload_is(p, "H264"); k++) {
			const struct payload *agreed = payload_find(&offered, g->at[k].offered);

			if (agreed && g->at[k].a != PAYLOAD_NONE && payload_same_format(p, agreed))
				add_rule(&line->b, p->number, g->at[k].a, &g->at[k]);
		}
	}
}

static void choose_event(struct media_side *side, const struct offer_agreed *f, uint8_t number,
			 uint32_t clock_hz)
{
	if (!f->event || number == PAYLOAD_NONE ||
	    (side->event_pt != PAYLOAD_NONE &&
	     (side->event_clock_hz == clock_hz || f->clock_hz != clock_hz)))
		return;
	side->event_pt = number;
	side->event_clock_hz = f->clock_hz;
}

static void choose_events(struct media_line *line, const struct offer_agreement *g)
{
	uint32_t clock_hz = offer_agreement_clock_hz(g);

	for (uint8_t i = 0; i < g->count; i++) {
		choose_event(&line->a, &g->at[i], g->at[i].a, clock_hz);
		choose_event(&line->b, &g->at[i], g->at[i].answered, clock_hz);
	}
}

static void settle_mux(struct media_side *side, bool agreed)
{
	side->mux = agreed;
	if (agreed)
		side->rtcp = side->rtp;
}

static const char *take_keys(struct media_line *line, const struct offer_exchange *x, uint8_t index,
			     const struct offer_agreement *g, const struct media_key *own,
			     struct crypto *to_a)
{
	const char *reason = NULL;

	*to_a = (struct crypto){ 0 };
	if (g->profile_b.secure) {
		reason = offer_crypto_settle(&x->offer_b, &x->answer_b, index + 1U,
					     &line->b.key_out, &line->b.key_in);
	}
	if (!reason && g->profile_a.secure) {
		reason = offer_crypto_accept(&x->offer_a, index + 1U, own, &line->a.key_in, to_a);
		line->a.key_out = to_a->key;
	}
	return reason;
}

const char *offer_plan(struct media_line *out, const struct offer_exchange *x, uint8_t index,
		       const struct offer_agreement *g, const struct offer_policy *policy,
		       const struct media_key *own, struct crypto *to_a)
{
	struct bytes rest;
	const char *reason;

	*out = (struct media_line){ .kind = g->kind, .active = 1, .a = g->a, .b = g->b };
	settle_mux(&out->a, out->a.mux && (policy->rtcp_mux || g->profile_a.dtls));
	settle_mux(&out->b,
		   out->b.mux && sdp_attribute(&x->offer_b, index + 1U, "rtcp-mux", &rest));
	make_rules(out, g);
	add_twins(out, x, index, g);
	choose_events(out, g);
	reason = take_keys(out, x, index, g, own, to_a);
	if (reason)
		explicit_bzero(out, sizeof(*out));
	return reason;
}
