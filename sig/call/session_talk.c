/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/session_talk.h"

#include "sig/leg/flow.h"
#include "sig/leg/flow_dtls.h"

enum { EVENT_PT = 101 }; /* REG-14 */

static struct offer_terms terms_of(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	return l->terms ? *l->terms : (struct offer_terms){ 0 };
}

struct offer_policy talk_policy(const struct call *c, uint8_t offerer, uint8_t answerer)
{
	return (struct offer_policy){
		.video = c->video,
		.rtcp_mux = true,
		.event_pt = EVENT_PT,
		.sdp_max = HOST_SDP_MAX,
		/* our own offer to the leg we make a call for is under no terms */
		.a = offerer == answerer ? (struct offer_terms){ 0 } : terms_of(c, offerer),
		.b = terms_of(c, answerer),
	};
}

/* The last offer that was agreed on with this leg, whoever made it. */
static struct bytes earlier_of(const struct call *c, uint8_t leg)
{
	if (leg != LEG_A && leg != c->partner)
		return (struct bytes){ 0 };
	return text_bytes(c->media.offerer == leg ? &c->media.offer_in : &c->media.offer_out);
}

struct offer_self talk_self(const struct call_host *h, const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	uint16_t network = h->settings->locals[l->dialog.hop.local].network;
	struct offer_self self = {
		.address = h->settings->networks[network].media_advertise,
		.session_id = l->session_id,
		.session_version = l->session_version,
		.fingerprint = h->settings->fingerprint,
		.earlier = earlier_of(c, leg),
	};

	for (uint8_t i = 0; i < (uint8_t)MEDIA_LINES_MAX; i++) {
		const struct call_flow *f = call_flow_find(c, leg, i);

		self.rtp_port[i] = f ? flow_port(f) : 0;
		self.ssrc[i] = f ? f->ssrc_out : 0;
		if (f && f->secret)
			self.keys[i] = f->secret->key;
		if (f && f->dtls)
			self.ice[i] = f->dtls->ice;
	}
	return self;
}

struct talk talk_open(const struct call *c, uint8_t leg)
{
	const struct exchange *x = &c->legs[leg]->asked->media;

	return (struct talk){
		.x = x,
		.offer = text_bytes(x->offer_in.n ? &x->offer_in : &c->invite.offer),
		.answerer = x->offerer == leg ? c->invite.from : leg,
	};
}

struct talk talk_agreed(const struct call *c)
{
	return (struct talk){
		.x = &c->media,
		.offer = text_bytes(&c->media.offer_in),
		.answerer = leg_other(c, c->media.offerer),
	};
}

static bool has_answer(const struct call *c, uint8_t leg)
{
	const struct leg *l = call_leg(c, leg);

	return l && l->asked && l->asked->media.answer_in.n;
}

struct talk talk_in_force(const struct call *c)
{
	if (has_answer(c, LEG_A))
		return talk_open(c, LEG_A);
	return has_answer(c, c->partner) ? talk_open(c, c->partner) : talk_agreed(c);
}

/* Every line that was offered has its two ports. */
static bool has_flows(const struct call *c, const struct talk *t)
{
	/* of the text we wrote the answerer is no judge */
	struct offer_policy policy = talk_policy(c, t->answerer, t->answerer);
	struct offer_error error;
	struct media_plan lines;

	if (t->x->offer_out.n == 0)
		return true;
	if (offer_inspect(text_bytes(&t->x->offer_out), &policy, &lines, &error))
		return false;
	for (uint8_t i = 0; i < lines.line_count; i++) {
		if (lines.line[i].active &&
		    (!call_flow_find(c, t->x->offerer, i) || !call_flow_find(c, t->answerer, i)))
			return false;
	}
	return true;
}

bool talks_have_flows(const struct call *c)
{
	struct talk t = talk_agreed(c);
	bool all = has_flows(c, &t);

	for (uint8_t i = 0; i < c->leg_count && all; i++) {
		if (!c->legs[i] || !c->legs[i]->asked)
			continue;
		t = talk_open(c, i);
		all = has_flows(c, &t);
	}
	return all;
}
