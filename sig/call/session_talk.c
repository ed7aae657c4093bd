/* SPDX-License-Identifier: Apache-2.0 */
/* The roles and terms of an SDP exchange (session_talk.h): which leg is offerer and which answerer,
 * for an open INVITE, an early dialog or the agreed session; the media policy between them; and
 * questions about a leg's SDP such as hold, direction and codecs. Pure: it changes nothing, and its
 * results point into the call. Also the Warning and other headers of an SDP refusal. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "media/payload.h"
#include "sig/call/session.h"
#include "sig/call/session_talk.h"
#include "sig/host/settings.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"
#include "sig/model/conference.h"
#include "sig/model/flow_run.h"
#include "sig/model/recording.h"
#include "sig/sip/body.h"

enum { EVENT_PT = 101 }; /* REG-14 */

struct offer_policy talk_policy(const struct call *c, uint8_t offerer, uint8_t answerer)
{
	struct offer_policy policy = {
		.video = c->video && !(c->run && c->run->no_video),
		.rtcp_mux = true,
		.event_pt = EVENT_PT,
		.sdp_max = HOST_SDP_MAX,
	};

	if (offerer == answerer) /* our own offer to the leg we make a call for is under no terms */
		policy.a.lines = OFFER_LINES_ALL;
	else
		leg_terms(call_leg(c, offerer), &policy.a);
	leg_terms(call_leg(c, answerer), &policy.b);
	return policy;
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
	if (t->with) {
		policy.a = (struct offer_terms){ 0 };
		leg_terms(t->with, &policy.a);
	}
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
		.record = aware_record_state_now(c, leg),
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

/* The SDP to offer to the callee's leg: the caller's offer, or without a caller the peer's last
 * SDP. */
static struct bytes talk_offer_for(const struct call *c, uint8_t leg)
{
	uint8_t from = c->legs[leg]->uac->from;

	const struct leg *asker = c->legs[from];

	if (from == leg) /* without a caller */
		return (struct bytes){ 0 };
	if (asker->uas && asker->uas->offer.n && !early_is_selected(c, leg))
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

/* The last one that both sides agreed on. */
static struct talk talk_agreed(const struct call *c)
{
	return talk_agreed_by(c, c->bridge.offerer);
}

static bool has_answer(const struct call *c, uint8_t leg)
{
	const struct leg *l = call_leg(c, leg);
	const struct leg *from = l && l->uac ? c->legs[l->uac->from] : NULL;

	/* an answer that the caller was not told is in force for neither, nor is one without a
	 * caller */
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

int session_body(const struct sip_message *m, struct bytes *sdp)
{
	struct body_part whole = { .type = m->content_type, .octets = m->body };

	(void)message_header(m, "Content-Disposition", 0, &whole.disposition);
	(void)message_header(m, "Content-Encoding", 0, &whole.coding);
	return body_session(&whole, sdp);
}

/* The version of its o= line shows the newest: an offer that was refused has a higher one. */
struct bytes session_local_sdp(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	struct bytes text = text_bytes(&l->sdp.local);
	char head[80];

	(void)snprintf(head, sizeof(head), "v=0\r\no=- %" PRIu64 " %" PRIu64 " ", l->session_id,
		       l->session_version);
	return bytes_starts(text, head) ? text : (struct bytes){ 0 };
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

/* The first line with a port, else the first, of an SDP that a leg sent, or was offered (judge: the
 * leg itself). */
static bool first_line(const struct call *c, uint8_t leg, uint8_t judge, struct bytes sdp,
		       struct media_side *out)
{
	struct offer_policy policy = talk_policy(c, leg, judge);
	struct offer_error error;
	struct media_plan lines;

	if (offer_inspect(sdp, &policy, &lines, &error) || lines.line_count == 0)
		return false;
	*out = lines.line[0].a;
	for (uint8_t i = lines.line_count; i-- > 0;) {
		if (lines.line[i].active)
			*out = lines.line[i].a;
	}
	return true;
}

bool session_has_sound(const struct call *c, uint8_t leg, struct bytes sdp)
{
	struct offer_policy policy = talk_policy(c, leg, bridge_peer(c, leg));
	struct offer_error error;
	struct media_plan lines;
	bool any = false;

	if (offer_inspect(sdp, &policy, &lines, &error))
		return false;
	for (uint8_t i = 0; i < lines.line_count; i++)
		any |= lines.line[i].active && lines.line[i].kind == MEDIA_AUDIO;
	return any;
}

bool session_is_two_way(const struct call *c, uint8_t leg, struct bytes sdp)
{
	struct media_side side;

	return first_line(c, leg, bridge_peer(c, leg), sdp, &side) && side.sends && side.receives;
}

bool session_is_receiving(const struct call *c, uint8_t leg, struct bytes sdp)
{
	struct media_side side;

	return first_line(c, leg, bridge_peer(c, leg), sdp, &side) && side.receives;
}

bool session_may_hold(const struct call_host *h, const struct call *c, uint8_t leg,
		      struct bytes offer, struct call_refusal *refusal)
{
	const struct leg *l = c->legs[leg];
	const struct shard_extension *e =
		!l->trunk.n ? h->services->directory->extension(h->owner, c->tenant,
								text_bytes(&l->user))
			    : NULL;
	struct media_side side;

	if (!e || !e->no_hold || l->holds || !offer.n ||
	    !first_line(c, leg, bridge_peer(c, leg), offer, &side) || side.receives)
		return true;
	*refusal = (struct call_refusal){ .status = 403,
					  .reason = REFUSED_HOLD,
					  .text = "the extension may not hold" };
	return false;
}

bool session_was_offered_all(const struct call *c, uint8_t leg)
{
	struct media_side side;

	return first_line(c, leg, leg, text_bytes(&c->legs[leg]->sdp.local), &side) && side.sends &&
	       side.receives;
}

/* A party that is offered sendonly or inactive cannot answer otherwise. */
bool session_is_holding(const struct call *c, uint8_t leg)
{
	const struct leg_sdp *sdp = &c->legs[leg]->sdp;
	struct media_side side;

	if (!first_line(c, leg, bridge_peer(c, leg), text_bytes(&sdp->remote), &side) ||
	    side.receives)
		return false;
	return sdp->theirs ||
	       (first_line(c, leg, leg, text_bytes(&sdp->local), &side) && side.sends);
}

/* Codecs of its first line of sound. */
static unsigned codecs_of(const struct leg *l)
{
	struct payload_list list;
	struct sdp_error error;
	unsigned count = 0;
	struct sdp s;

	if (sdp_parse(&s, text_bytes(&leg_sdp_newest(l)->remote), &error))
		return 0;
	for (unsigned m = 1; m <= s.media_count && !count; m++) {
		if (s.sections[m].port == 0 ||
		    !bytes_iis(sdp_slice(&s, s.sections[m].kind), "audio"))
			continue;
		payload_list_read(&list, &s, m);
		for (uint8_t i = 0; i < list.count; i++)
			count += payload_is_codec(&list.at[i]);
	}
	return count;
}

bool session_is_wider(const struct leg *a, const struct leg *b)
{
	return codecs_of(a) > codecs_of(b);
}

/* RFC 3261 20.43; 399: miscellaneous, in plain words. With a pseudonym as agent, as an address
 * might be of another network. */
void session_write_warning(struct writer *w, const struct call_host *h, const char *text)
{
	writer_fmt(w, "Warning: 399 %s \"%s\"\r\n", h->settings->server, text);
}

void session_write_refusal(struct writer *w, const struct call_host *h,
			   const struct call_refusal *why, uint32_t retry_after_s)
{
	if (why->text)
		session_write_warning(w, h, why->text);
	if (why->status == 500 || why->status == 503 || why->retry_after_s)
		writer_fmt(w, "Retry-After: %u\r\n",
			   why->retry_after_s ? why->retry_after_s : retry_after_s);
	if (why->status == 415)
		writer_str(w, RESPOND_ACCEPT);
	if (why->status == 422)
		session_timer_write_too_small(w);
}

enum { RETRY_AFTER_MAX = 10 }; /* RFC 3261 14.2, RFC 3311 5.2 */

void session_refuse(struct call_host *h, const struct call_event *ev,
		    const struct call_refusal *why)
{
	struct writer extra = writer_over(h->extra, HOST_EXTRA);

	session_write_refusal(&extra, h, why, (uint32_t)rand_below(h->rand, RETRY_AFTER_MAX));
	respond_refuse(h, ev, why->status, why->reason, writer_lines(&extra));
}
