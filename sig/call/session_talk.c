/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/session_talk.h"

#include "sig/call/aware.h"
#include "sig/call/conference.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/flow_dtls.h"

enum { EVENT_PT = 101 }; /* REG-14 */

static struct offer_terms talk_terms_of(const struct call *c, uint8_t leg)
{
	const struct leg *l = call_leg(c, leg);

	return l && l->terms ? *l->terms : (struct offer_terms){ 0 };
}

struct offer_policy talk_policy(const struct call *c, uint8_t offerer, uint8_t answerer)
{
	return (struct offer_policy){
		.video = c->video,
		.rtcp_mux = true,
		.event_pt = EVENT_PT,
		.sdp_max = HOST_SDP_MAX,
		/* our own offer to the leg we make a call for is under no terms */
		.a = offerer == answerer ? (struct offer_terms){ .lines = OFFER_LINES_ALL }
					 : talk_terms_of(c, offerer),
		.b = talk_terms_of(c, answerer),
	};
}

/* A call that is up goes on as it was. */
static bool codings_are_full(const struct call_host *h, const struct call *c, uint8_t leg)
{
	const struct leg *l = call_leg(c, leg);
	uint32_t most = h->settings->codings_max;

	return most && !c->transcoded && l && l->state != LEG_CONFIRMED && *h->codings >= most;
}

struct offer_policy talk_policy_of(const struct call_host *h, const struct call *c,
				   const struct talk *t)
{
	struct offer_policy policy = talk_policy(c, t->offerer, t->answerer);

	policy.codings_full = codings_are_full(h, c, t->answerer);
	if (t->with)
		policy.a = t->with->terms ? *t->with->terms : (struct offer_terms){ 0 };
	return policy;
}

struct offer_self talk_self(const struct call_host *h, const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	struct offer_self self = {
		.address = *flow_address(h, l),
		.session_id = l->session_id,
		.session_version = l->session_version,
		.fingerprint = h->settings->fingerprint,
		.earlier = leg_sdp_offer(&l->sdp),
		.remote = text_bytes(&l->sdp.remote),
		.remote_is_offer = l->sdp.theirs,
		.layers = conference_room(h, c) != NULL,
		.record = aware_told_now(c, leg),
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

struct bytes talk_offer_for(const struct call *c, uint8_t leg)
{
	uint8_t from = c->legs[leg]->uac->from;

	const struct leg *asker = c->legs[from];

	if (from == leg) /* nobody's */
		return (struct bytes){ 0 };
	if (asker->uas && asker->uas->offer.n && !early_is_told(c, leg))
		return text_bytes(&asker->uas->offer);
	return text_bytes(asker->uas ? &asker->open.remote : &asker->sdp.remote);
}

static struct talk late_talk(const struct call *c, uint8_t leg)
{
	uint8_t asker = c->legs[leg]->uac->from;
	const struct leg_sdp *open = &c->legs[leg]->open, *from = &c->legs[asker]->open;
	struct talk t = { .offerer = leg, .answerer = asker };

	if (open->remote.n == 0) /* what the asker was offered is another leg's */
		return t;
	t.offer = text_bytes(&open->remote);
	t.offer_out = text_bytes(&from->local);
	t.answer = text_bytes(&from->remote);
	return t;
}

struct talk talk_open(const struct call *c, uint8_t leg)
{
	const struct leg_sdp *open = &c->legs[leg]->open;

	if (c->legs[leg]->uac->late)
		return late_talk(c, leg);
	return (struct talk){
		.offerer = c->legs[leg]->uac->from,
		.answerer = leg,
		.offer = talk_offer_for(c, leg),
		.offer_out = text_bytes(&open->local),
		.answer = text_bytes(&open->remote),
		.reversed = open->theirs,
	};
}

struct talk talk_early(const struct call *c, uint8_t leg)
{
	uint8_t asker = c->legs[leg]->uac->from;
	const struct leg *from = c->legs[asker];
	const struct leg_sdp *sdp = from->uas ? &from->open : &from->sdp;

	return (struct talk){
		.offerer = leg,
		.answerer = asker,
		.offer_out = text_bytes(&sdp->local),
		.answer = text_bytes(&sdp->remote),
		.reversed = sdp->theirs,
	};
}

struct talk talk_agreed_by(const struct call *c, uint8_t offerer)
{
	uint8_t answerer = bridge_peer(c, offerer);
	const struct leg *l = call_leg(c, answerer);
	static const struct leg_sdp nobody;
	const struct leg_sdp *sdp = l ? &l->sdp : &nobody;

	return (struct talk){
		.offerer = offerer,
		.answerer = answerer,
		.offer = text_bytes(&c->legs[offerer]->sdp.remote),
		.offer_out = text_bytes(&sdp->local),
		.answer = text_bytes(&sdp->remote),
		.reversed = sdp->theirs,
	};
}

struct talk talk_agreed(const struct call *c)
{
	return talk_agreed_by(c, c->bridge.offerer);
}

static bool has_answer(const struct call *c, uint8_t leg)
{
	const struct leg *l = call_leg(c, leg);
	const struct leg *from = l && l->uac ? c->legs[l->uac->from] : NULL;

	/* an answer that who asked has not been told is in force for nobody, nor is one where nobody asked */
	return from && from != l && talk_open(c, leg).answer.n &&
	       (!from->uas || from->open.local.n);
}

struct talk talk_in_force(const struct call *c)
{
	if (has_answer(c, c->bridge.caller))
		return talk_open(c, c->bridge.caller);
	return has_answer(c, c->bridge.callee) ? talk_open(c, c->bridge.callee) : talk_agreed(c);
}

/* Every line that was offered has its two ports. */
static bool talk_has_flows(const struct call *c, const struct talk *t)
{
	/* of the text we wrote the answerer is no judge */
	struct offer_policy policy = talk_policy(c, t->answerer, t->answerer);
	struct offer_error error;
	struct media_plan lines;

	if (t->offer_out.n == 0)
		return true;
	if (offer_inspect(t->offer_out, &policy, &lines, &error))
		return false;
	for (uint8_t i = 0; i < lines.line_count; i++) {
		if (lines.line[i].active &&
		    (!call_flow_find(c, t->offerer, i) || !call_flow_find(c, t->answerer, i)))
			return false;
	}
	return true;
}

bool talks_have_flows(const struct call *c)
{
	bool all = true;

	for (uint8_t i = 0; i < c->leg_count && all; i++) {
		struct talk t;

		if (!c->legs[i] || !c->legs[i]->uac)
			continue;
		t = talk_open(c, i);
		all = talk_has_flows(c, &t);
	}
	return all;
}

bool plan_has_flows(const struct call *c, const struct media_plan *plan, uint8_t a, uint8_t b)
{
	for (uint8_t i = 0; i < plan->line_count; i++) {
		if (plan->line[i].active && (!call_flow_find(c, a, i) || !call_flow_find(c, b, i)))
			return false;
	}
	return true;
}
