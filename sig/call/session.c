/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/flow.h"
#include "sig/call/flow_dtls.h"
#include "sig/call/invite.h"

enum { EVENT_PT = 101 }; /* REG-14 */

int session_body(const struct sip_message *m, struct bytes *sdp)
{
	struct bytes value;
	struct bytes type =
		bytes_trim(bytes_sub(m->content_type, 0, bytes_find(m->content_type, ';')));

	*sdp = m->body;
	if (m->body.n == 0)
		return 0;
	/* RFC 3261 8.2.3 */
	if (!bytes_iis(type, "application/sdp"))
		return -ENOTSUP;
	if (message_header(m, "Content-Encoding", 0, &value) && !bytes_iis(value, "identity"))
		return -ENOTSUP;
	return 0;
}

static struct offer_terms terms_of(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	return l->terms ? *l->terms : (struct offer_terms){ 0 };
}

static struct offer_policy policy_of(const struct call *c, uint8_t offerer, uint8_t answerer)
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

/* Our side towards the party of a leg. */
static struct offer_self self_of(const struct call_host *h, const struct call *c, uint8_t leg)
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

static int refuse(struct call_refusal *r, int err, uint16_t status, enum sig_refused reason,
		  const char *text)
{
	*r = (struct call_refusal){ .status = status, .reason = reason, .text = text };
	return err;
}

static int refuse_sdp(struct call_refusal *r, int err, const struct offer_error *error)
{
	return refuse(r, err, error->status ? error->status : 488, REFUSED_SDP, error->reason);
}

static int take_ports(struct call_host *h, struct call *c, const struct media_plan *lines,
		      uint8_t offerer, uint8_t to, struct call_refusal *refusal)
{
	int err = flows_take(h, c, offerer, to, lines);

	if (err == -EAGAIN)
		return refuse(refusal, err, 503, REFUSED_PORTS_FULL, NULL);
	if (!err)
		err = flows_dtls_prepare(h, c, offerer, to, lines);
	if (err)
		return refuse(refusal, err, 500, REFUSED_MEMORY, NULL);
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
	struct offer_policy policy = policy_of(c, x->offerer, to);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_self self = self_of(h, c, to);
	struct offer_error error = { 0 };
	int err;

	self.session_version = version;
	err = offer_forward(sdp, &policy, &self, &w, &error);
	if (err)
		return refuse_sdp(refusal, err, &error);
	if (c->legs[x->offerer]->held)
		write_hold(&w);
	if (text_set(&x->offer_out, writer_done(&w)))
		return refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY, NULL);
	return 0;
}

static int offer(struct call_host *h, struct call *c, struct exchange *x, uint8_t to,
		 struct bytes sdp, struct call_refusal *refusal)
{
	struct offer_policy policy = policy_of(c, x->offerer, to);
	struct offer_error error = { 0 };
	struct media_plan lines;
	int err = offer_inspect(sdp, &policy, &lines, &error);

	if (err)
		return refuse_sdp(refusal, err, &error);
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
		return refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY, NULL);
	return offer(h, c, x, c->invite.from, sdp, refusal);
}

/* An exchange and who had it. */
struct talk {
	const struct exchange *x; /* NULL: none */
	struct bytes offer;
	uint8_t answerer;
};

static struct talk talk_open(const struct call *c, uint8_t leg)
{
	const struct exchange *x = &c->legs[leg]->asked->media;

	return (struct talk){
		.x = x,
		.offer = text_bytes(x->offer_in.n ? &x->offer_in : &c->invite.offer),
		.answerer = x->offerer == leg ? c->invite.from : leg,
	};
}

static struct talk talk_agreed(const struct call *c)
{
	return (struct talk){
		.x = &c->media,
		.offer = text_bytes(&c->media.offer_in),
		.answerer = leg_other(c, c->media.offerer),
	};
}

static int compute(struct call_host *h, const struct call *c, const struct talk *t,
		   struct bytes answer, struct writer *w, struct media_plan *plan,
		   struct offer_error *error)
{
	struct offer_policy policy = policy_of(c, t->x->offerer, t->answerer);
	struct offer_self self = self_of(h, c, t->x->offerer);

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
	if (c->legs[t.answerer]->held)
		write_hold(&w);
	if (!c->invite.own) /* else nobody hears it */
		c->legs[x->offerer]->session_version++;
	if (text_set(&x->answer_in, sdp) || text_set(&x->answer_out, writer_done(&w)))
		return refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY, NULL);
	if (leg != LEG_A)
		c->partner = leg;
	flows_update(h, c, &agreed);
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

static bool has_answer(const struct call *c, uint8_t leg)
{
	const struct leg *l = call_leg(c, leg);

	return l && l->asked && l->asked->media.answer_in.n;
}

/* The exchange in force: that of the open INVITE once it has an answer (early media), else the last agreed one. */
static struct talk in_force(const struct call *c)
{
	if (has_answer(c, LEG_A))
		return talk_open(c, LEG_A);
	return has_answer(c, c->partner) ? talk_open(c, c->partner) : talk_agreed(c);
}

/* Every line that was offered has its two ports. */
static bool has_flows(const struct call *c, const struct talk *t)
{
	/* of the text we wrote the answerer is no judge */
	struct offer_policy policy = policy_of(c, t->answerer, t->answerer);
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

static bool all_have_flows(const struct call *c)
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

int session_plan(struct call_host *h, const struct call *c, struct media_plan *plan,
		 struct agreed *agreed)
{
	struct talk t = in_force(c);
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

bool session_is_two_way(const struct call *c, uint8_t leg, struct bytes sdp)
{
	struct offer_policy policy = policy_of(c, leg, leg_other(c, leg));
	struct offer_error error;
	struct media_plan lines;

	return !offer_inspect(sdp, &policy, &lines, &error) && lines.line_count &&
	       lines.line[0].a.sends && lines.line[0].a.receives;
}

struct bytes session_heard(const struct call *c, uint8_t leg)
{
	const struct exchange *x = &c->media;

	return text_bytes(x->offerer == leg ? &x->offer_in : &x->answer_in);
}

/* The version of its o= line tells whether it was said, and is the newest: the answer to an offer of our own is for nobody. */
struct bytes session_said(const struct call *c, uint8_t leg)
{
	const struct exchange *x = &c->media;
	const struct leg *l = c->legs[leg];
	struct bytes text = text_bytes(x->offerer == leg ? &x->answer_out : &x->offer_out);
	char head[80];

	(void)snprintf(head, sizeof(head), "v=0\r\no=- %" PRIu64 " %" PRIu64 " ", l->session_id,
		       l->session_version);
	if (bytes_starts(text, head))
		return text;
	return bytes_starts(text_bytes(&l->said), head) ? text_bytes(&l->said)
							: (struct bytes){ 0 };
}

static struct bytes after_origin(struct bytes sdp)
{
	const uint8_t *at = sdp.n ? memmem(sdp.p, sdp.n, "\ns=", 3) : NULL;

	return at ? bytes_from(sdp, (size_t)(at - sdp.p)) : sdp;
}

bool session_is_same(struct bytes a, struct bytes b)
{
	return bytes_eq(after_origin(a), after_origin(b));
}

/* The first line of an SDP that a leg made, or was offered (judge: the leg itself). */
static bool first_line(const struct call *c, uint8_t leg, uint8_t judge, struct bytes sdp,
		       struct media_side *out)
{
	struct offer_policy policy = policy_of(c, leg, judge);
	struct offer_error error;
	struct media_plan lines;

	if (offer_inspect(sdp, &policy, &lines, &error) || lines.line_count == 0)
		return false;
	*out = lines.line[0].a;
	return true;
}

/* Who is offered silence can but answer with silence. */
bool session_is_holding(const struct call *c, uint8_t leg)
{
	const struct exchange *x = &c->media;
	bool offerer = x->offerer == leg;
	struct media_side side;

	if (!first_line(c, leg, leg_other(c, leg),
			text_bytes(offerer ? &x->offer_in : &x->answer_in), &side) ||
	    side.receives)
		return false;
	return offerer || (first_line(c, leg, leg, text_bytes(&x->offer_out), &side) && side.sends);
}

int session_reopen(struct call_host *h, struct call *c)
{
	struct media_plan plan;
	struct agreed agreed;
	int err;

	if (!all_have_flows(c))
		return -EBADMSG;
	err = session_plan(h, c, &plan, &agreed);
	if (err && err != -ENOTCONN)
		return err;
	flows_open(h, c, err ? NULL : &agreed);
	return 0;
}

/* RFC 3261 20.43; 399: miscellaneous, in plain words. The agent's pseudonym: an address might be that of another network. */
void session_write_warning(struct writer *w, const struct call_host *h, const char *text)
{
	writer_fmt(w, "Warning: 399 %s \"%s\"\r\n", h->settings->server, text);
}
