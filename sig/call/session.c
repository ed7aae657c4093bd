/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/session.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/invite.h"
#include "sig/call/payer.h"
#include "sig/call/session_talk.h"
#include "sig/leg/flow_dtls.h"
#include "sig/leg/place.h"

static int refuse_sdp(struct call_refusal *r, int err, const struct offer_error *error)
{
	(void)call_refuse(r, err, error->status ? error->status : 488, REFUSED_SDP);
	r->text = error->reason;
	return err;
}

/* Nothing is sent where the leg's SDP wants it. first: it is the offer. */
static int refuse_place(const struct call_host *h, const struct call *c, uint8_t leg,
			const struct media_plan *plan, bool first, struct call_refusal *refusal)
{
	struct offer_error error = { .reason = place_refusal(h, c->legs[leg], plan, first) };

	return error.reason ? refuse_sdp(refusal, -EPERM, &error) : 0;
}

static int take_ports(struct call_host *h, struct call *c, const struct media_plan *lines,
		      uint8_t offerer, uint8_t to, struct call_refusal *refusal)
{
	int err = flows_take(h, c, offerer, to, lines);

	if (err == -EAGAIN)
		return call_refuse(refusal, err, 503, REFUSED_PORTS_FULL);
	if (err == -EDQUOT)
		return payer_refuse(h, err, refusal);
	if (!err)
		err = flows_dtls_prepare(h, c, offerer, to, lines);
	if (err)
		return call_refuse(refusal, err, 500, REFUSED_MEMORY);
	flows_open(h, c, NULL);
	return 0;
}

/* A party that is held by order is told so (RFC 3264 8.4); all these words have eight letters. */
static void write_hold(struct writer *w)
{
	uint8_t *p = w->p, *end = w->p + w->n;

	while (p && (p = memmem(p, (size_t)(end - p), "\na=", 3))) {
		p += 3;
		if (end - p < 8)
			return;
		if (!memcmp(p, "sendrecv", 8)) {
			memcpy(p, "sendonly", 8);
		} else if (!memcmp(p, "recvonly", 8)) {
			memcpy(p, "inactive", 8);
		}
	}
}

/* What `to` is offered, with the session version it will have. */
static int forward(struct call_host *h, const struct call *c, struct exchange *x, uint8_t to,
		   struct bytes sdp, uint64_t version, struct call_refusal *refusal)
{
	struct offer_policy policy = talk_policy(c, x->offerer, to);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_self self = talk_self(h, c, to);
	struct offer_error error = { 0 };
	int err;

	self.session_version = version;
	err = offer_forward(sdp, &policy, &self, &w, &error);
	if (err)
		return refuse_sdp(refusal, err, &error);
	if (c->legs[x->offerer]->held)
		write_hold(&w);
	if (text_set(&x->offer_out, writer_done(&w)))
		return call_refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY);
	return 0;
}

static int offer(struct call_host *h, struct call *c, struct exchange *x, uint8_t to,
		 struct bytes sdp, struct call_refusal *refusal)
{
	struct offer_policy policy = talk_policy(c, x->offerer, to);
	struct offer_error error = { 0 };
	struct media_plan lines;
	int err = offer_inspect(sdp, &policy, &lines, &error);

	if (err)
		return refuse_sdp(refusal, err, &error);
	if (x->offerer != to && (err = refuse_place(h, c, x->offerer, &lines, true, refusal)))
		return err;
	err = take_ports(h, c, &lines, x->offerer, to, refusal);
	if (!err)
		err = forward(h, c, x, to, sdp, c->legs[to]->session_version + 1, refusal);
	if (!err) /* RFC 3264 8: by one, with each SDP that is sent */
		c->legs[to]->session_version++;
	return err;
}

int session_offer(struct call_host *h, struct call *c, uint8_t to, struct bytes sdp,
		  struct call_refusal *refusal)
{
	return offer(h, c, &c->legs[to]->asked->media, to, sdp, refusal);
}

int session_late_offer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
		       struct call_refusal *refusal)
{
	struct exchange *x = &c->legs[leg]->asked->media;

	if (leg != LEG_A)
		c->partner = leg;
	if (text_set(&x->offer_in, sdp))
		return call_refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY);
	return offer(h, c, x, c->invite.from, sdp, refusal);
}

static int compute(struct call_host *h, const struct call *c, const struct talk *t,
		   struct bytes answer, struct writer *w, struct media_plan *plan,
		   struct offer_error *error)
{
	struct offer_policy policy = talk_policy(c, t->x->offerer, t->answerer);
	struct offer_self self = talk_self(h, c, t->x->offerer);

	self.session_version = c->invite.own ? 0 : self.session_version + 1; /* 0: for nobody */
	return offer_answer(t->offer, text_bytes(&t->x->offer_out), answer, &policy, &self, w, plan,
			    error);
}

int session_answer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
		   struct call_refusal *refusal)
{
	struct exchange *x = &c->legs[leg]->asked->media;
	struct talk t = talk_open(c, leg);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_error error = { 0 };
	struct media_plan plan;
	struct agreed agreed = { .plan = &plan, .offerer = x->offerer, .answerer = t.answerer };
	bool same = leg == LEG_A || leg == c->partner;
	int err;

	if (same && x->answer_out.n && bytes_eq(sdp, text_bytes(&x->answer_in)))
		return 0;
	err = compute(h, c, &t, sdp, &w, &plan, &error);
	if (err)
		return refuse_sdp(refusal, err, &error);
	err = refuse_place(h, c, t.answerer, &plan, false, refusal);
	if (err)
		return err;
	if (c->legs[t.answerer]->held)
		write_hold(&w);
	if (!c->invite.own) /* else nobody hears it */
		c->legs[x->offerer]->session_version++;
	if (text_set(&x->answer_in, sdp) || text_set(&x->answer_out, writer_done(&w)))
		return call_refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY);
	if (leg != LEG_A)
		c->partner = leg;
	flows_update(h, c, &agreed);
	return 0;
}

int session_offer_keys(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];
	struct call_refusal refusal;
	int err;

	if (c->invite.late || !l->terms || !l->terms->sdes_accept || l->terms->sdes_offer ||
	    l->terms->sdes_only || l->terms->dtls_offer)
		return -ENOTSUP;
	l->terms->sdes_offer = true;
	err = forward(h, c, &l->asked->media, leg, text_bytes(&c->invite.offer),
		      l->session_version + 1, &refusal);
	if (err)
		return err;
	l->session_version++;
	return 0;
}

enum { PORTS_TRIES = 8 };

static bool was_told(const struct call *c, uint8_t leg)
{
	const struct asked *asked = c->legs[leg]->asked;

	if (c->restored || c->invite.state != INVITE_OPEN)
		return true;
	if (leg == c->invite.from)
		return c->invite.late || c->invite.early;
	return !asked || asked->state != ASKED_QUEUED;
}

int session_replace(struct call_host *h, struct call *c, struct call_flow *f)
{
	struct call_refusal refusal;
	uint8_t leg = f->leg;
	int err;

	if (was_told(c, leg) || c->invite.ports_tries == PORTS_TRIES)
		return -EBUSY;
	c->invite.ports_tries++;
	err = flow_retake(h, f);
	if (err)
		return err;
	flows_open(h, c, NULL);
	outbox_touch(&c->out);
	if (leg == c->invite.from)
		return 0;
	err = forward(h, c, &c->legs[leg]->asked->media, leg, text_bytes(&c->invite.offer),
		      c->legs[leg]->session_version, &refusal);
	return err ? err : invite_requeue(h, c, leg);
}

int session_plan(struct call_host *h, const struct call *c, struct media_plan *plan,
		 struct agreed *agreed)
{
	struct talk t = talk_in_force(c);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_error error = { 0 };

	*agreed = (struct agreed){ .plan = plan, .offerer = t.x->offerer, .answerer = t.answerer };
	if (t.x->answer_in.n == 0)
		return -ENOTCONN;
	return compute(h, c, &t, text_bytes(&t.x->answer_in), &w, plan, &error);
}

int session_apply(struct call_host *h, struct call *c)
{
	struct media_plan plan;
	struct agreed agreed;
	int err = session_plan(h, c, &plan, &agreed);

	if (!err)
		flows_update(h, c, &agreed);
	return err;
}

void session_refresh(struct call_host *h, struct call *c)
{
	int err = session_apply(h, c);

	if (err && err != -ENOTCONN)
		LOG_ERROR("call", c->id, "media could not be updated", LOG_INT("error", err));
}

int session_reopen(struct call_host *h, struct call *c)
{
	struct media_plan plan;
	struct agreed agreed;
	int err;

	if (!talks_have_flows(c))
		return -EBADMSG;
	err = session_plan(h, c, &plan, &agreed);
	if (err && err != -ENOTCONN)
		return err;
	flows_open(h, c, err ? NULL : &agreed);
	return 0;
}
