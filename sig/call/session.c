/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/session.h"

#include <errno.h>

#include "sig/call/flow.h"

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

static struct offer_policy policy_of(const struct call *c)
{
	return (struct offer_policy){
		.video = c->video,
		.rtcp_mux = true,
		.event_pt = EVENT_PT,
		.sdp_max = HOST_SDP_MAX,
	};
}

/* Our side towards the party of a leg. */
static struct offer_self self_of(const struct call_host *h, const struct call *c, uint8_t leg)
{
	const struct leg *l = &c->legs[leg];
	uint16_t network = h->settings->locals[l->dialog.hop.local].network;
	struct offer_self self = {
		.address = h->settings->networks[network].media_advertise,
		.session_id = l->session_id,
		.session_version = l->session_version,
	};

	for (uint8_t i = 0; i < (uint8_t)MEDIA_LINES_MAX; i++) {
		const struct call_flow *f = call_flow_find(c, leg, i);

		self.rtp_port[i] = f ? f->port : 0;
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
		      uint8_t offerer, struct call_refusal *refusal)
{
	int err = flows_take(h, c, lines);

	if (err == -EAGAIN)
		return refuse(refusal, err, 503, REFUSED_PORTS_FULL, NULL);
	if (err)
		return refuse(refusal, err, 500, REFUSED_MEMORY, NULL);
	flows_open(h, c, NULL, offerer);
	return 0;
}

int session_offer(struct call_host *h, struct call *c, struct exchange *x, struct bytes sdp,
		  struct call_refusal *refusal)
{
	struct offer_policy policy = policy_of(c);
	uint8_t to = leg_other(x->offerer);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_error error = { 0 };
	struct offer_self self;
	struct media_plan lines;
	int err = offer_inspect(sdp, &policy, &lines, &error);

	if (err)
		return refuse_sdp(refusal, err, &error);
	err = take_ports(h, c, &lines, x->offerer, refusal);
	if (err)
		return err;
	self = self_of(h, c, to);
	self.session_version++;
	err = offer_forward(sdp, &policy, &self, &w, &error);
	if (err)
		return refuse_sdp(refusal, err, &error);
	c->legs[to].session_version++; /* RFC 3264 8: by one, with each SDP that is sent */
	if (text_set(&x->offer_in, sdp) || text_set(&x->offer_out, writer_done(&w)))
		return refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY, NULL);
	return 0;
}

static int compute(struct call_host *h, const struct call *c, const struct exchange *x,
		   struct bytes answer, struct writer *w, struct media_plan *plan,
		   struct offer_error *error)
{
	struct offer_policy policy = policy_of(c);
	struct offer_self self = self_of(h, c, x->offerer);

	self.session_version++;
	return offer_answer(text_bytes(&x->offer_in), text_bytes(&x->offer_out), answer, &policy,
			    &self, w, plan, error);
}

int session_answer(struct call_host *h, struct call *c, struct exchange *x, struct bytes sdp,
		   struct call_refusal *refusal)
{
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_error error = { 0 };
	struct media_plan plan;
	int err;

	if (sdp.n && bytes_eq(sdp, text_bytes(&x->answer_in)))
		return 0;
	err = compute(h, c, x, sdp, &w, &plan, &error);
	if (err)
		return refuse_sdp(refusal, err, &error);
	c->legs[x->offerer].session_version++;
	if (text_set(&x->answer_in, sdp) || text_set(&x->answer_out, writer_done(&w)))
		return refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY, NULL);
	flows_update(h, c, &plan, x->offerer);
	return 0;
}

/* The exchange that is in force: that of an open first INVITE once it has an answer (early media), else the last agreed one. */
static const struct exchange *in_force(const struct call *c)
{
	return c->invite.media.answer_in.n ? &c->invite.media : &c->media;
}

/* Every line that was offered to the other leg has its two ports. */
static bool has_flows(const struct call *c, const struct exchange *x)
{
	struct offer_policy policy = policy_of(c);
	struct offer_error error;
	struct media_plan lines;

	if (x->offer_out.n == 0)
		return true;
	if (offer_inspect(text_bytes(&x->offer_out), &policy, &lines, &error))
		return false;
	for (uint8_t i = 0; i < lines.line_count; i++) {
		if (lines.line[i].active &&
		    (!call_flow_find(c, LEG_A, i) || !call_flow_find(c, LEG_B, i)))
			return false;
	}
	return true;
}

int session_reopen(struct call_host *h, struct call *c)
{
	const struct exchange *x = in_force(c);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_error error = { 0 };
	struct media_plan plan;
	int err;

	if (!has_flows(c, &c->media) || !has_flows(c, &c->invite.media))
		return -EBADMSG;
	if (x->answer_in.n == 0) {
		flows_open(h, c, NULL, x->offerer);
		return 0;
	}
	err = compute(h, c, x, text_bytes(&x->answer_in), &w, &plan, &error);
	if (!err)
		flows_open(h, c, &plan, x->offerer);
	return err;
}

/* RFC 3261 20.43; 399: miscellaneous, in plain words */
void session_write_warning(struct writer *w, const struct call_host *h, const char *text)
{
	writer_str(w, "Warning: 399 ");
	addr_write(w, &h->settings->locals[0].advertise);
	writer_fmt(w, " \"%s\"\r\n", text);
}
