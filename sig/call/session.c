/* SPDX-License-Identifier: Apache-2.0 */
/* SDP offer and answer (RFC 3264) through a call: the offer of one leg goes to the other with our
 * ports, the answer goes back, and the engine gets the agreed session. Parties without a peer
 * negotiate with the node itself (the alone functions). Covers late offers, offers in PRACK and
 * UPDATE (RFC 3311), second offers with SRTP keys or transcoded codecs, and rebuilding flows from
 * the texts after a takeover. Terms and roles of an exchange come from session_talk.c. */

#include <errno.h>

#include "base/compiler.h"
#include "base/log.h"
#include "media/offer/agree.h"
#include "media/offer/own.h"
#include "sig/call/audio_source.h"
#include "sig/call/flow_spec.h"
#include "sig/call/invite.h"
#include "sig/call/session.h"
#include "sig/call/session_talk.h"
#include "sig/call/video.h"
#include "sig/call/wait.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/leg/line_facts.h"
#include "sig/model/payer.h"
#include "sig/model/recording.h"
#include "sig/model/transfer.h"

static enum refusal session_refuse_sdp(struct call_refusal *r, const struct offer_error *error)
{
	(void)call_refuse_as(r, error->status ? error->status : 488, REFUSED_SDP);
	r->text = error->reason;
	return REFUSED_SDP;
}

/* Nothing is sent where the leg's SDP wants it. first: it is the offer. */
static enum refusal session_refuse_place(const struct call_host *h, const struct call *c,
					 uint8_t leg, const struct media_plan *plan, bool first,
					 struct call_refusal *refusal)
{
	struct offer_error error = { .reason = place_refusal(h, c->legs[leg], plan, first) };

	return error.reason ? session_refuse_sdp(refusal, &error) : 0;
}

/* Of an offer of our own. */
static enum refusal session_open_ports(struct call_host *h, struct call *c,
				       const struct media_plan *lines, uint8_t offerer, uint8_t to,
				       struct call_refusal *refusal)
{
	enum refusal refused = flows_open_ports(h, c, offerer, to, lines);

	if (refused == REFUSED_QUOTA_PORTS)
		return payer_refuse(h, refusal);
	if (refused)
		return call_refuse(refusal, refused);
	if (flows_dtls_prepare(h, c, offerer, to, lines))
		return call_refuse(refusal, REFUSED_MEMORY);
	flows_open(h, c, NULL);
	return 0;
}

/* The offer is ours, for no other party. */
static bool talk_is_own(const struct talk *t)
{
	return t->offerer == t->answerer && !t->with;
}

/* For an offer of ours: its last SDP was limited only by the offer of a holding peer. A party asked
 * for an offer states what it wants. */
static bool was_held(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	return !l->uas && !l->uac && !l->sdp.theirs && !l->holds && !session_is_holding(c, leg);
}

/* The direction: a held party is told so (RFC 3264 8.4), unless it is to be bridged with another
 * one. */
static void session_direct(struct call_host *h, const struct call *c, const struct talk *t,
			   struct offer_self *self)
{
	self->both_ways = t->with || (!talk_is_own(t) && was_held(c, t->offerer));
	if (t->with)
		return;
	self->held = c->legs[t->offerer]->held;
	self->plays = audio_source_music_by(h, c, t->offerer);
}

/* What `to` is offered, with the session version it will have. */
static NOINLINE enum refusal session_forward(struct call_host *h, struct call *c,
					     const struct talk *t, uint64_t version,
					     bool adds_codecs, struct call_refusal *refusal)
{
	struct offer_policy policy = talk_policy_of(h, c, t);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_capabilities own =
		offer_own_known(); /* its profile takes out what it shall not use */
	struct offer_self self = talk_self(h, c, t->answerer);
	struct offer_error error = { 0 };
	int err;

	policy.adds_codecs = adds_codecs;
	self.session_version = version;
	session_direct(h, c, t, &self);
	(void)video_offer(h, c, &own);
	if (!talk_is_own(t))
		self.record = aware_record_state(c, t->answerer, t->offer);
	err = talk_is_own(t) ? offer_own(&own, &policy, &self, &w, &error)
			     : offer_forward(t->offer, &policy, &self, &w, &error);
	if (err)
		return session_refuse_sdp(refusal, &error);
	if (text_set(&c->legs[t->answerer]->open.local, writer_done(&w)))
		return call_refuse(refusal, REFUSED_MEMORY);
	return 0;
}

static struct media_plan session_lines_own(bool video_on)
{
	return (struct media_plan){ .line_count = video_on ? 2 : 1,
				    .line = { { .active = true, .kind = MEDIA_AUDIO },
					      { .active = video_on, .kind = MEDIA_VIDEO } } };
}

/* The m-lines of the offer: one of audio if it is our own, and one for the video of a
 * conference. */
static NOINLINE enum refusal session_lines_of(struct call_host *h, struct call *c,
					      const struct talk *t, struct media_plan *lines,
					      struct call_refusal *refusal)
{
	struct offer_policy policy = talk_policy_of(h, c, t);
	struct offer_error error = { 0 };
	int err;

	if (talk_is_own(t)) {
		struct offer_capabilities own = { 0 };

		*lines = session_lines_own(video_offer(h, c, &own));
		return 0;
	}
	err = offer_inspect(t->offer, &policy, lines, &error);
	if (err)
		return session_refuse_sdp(refusal, &error);
	return t->with ? 0 : session_refuse_place(h, c, t->offerer, lines, true, refusal);
}

static enum refusal session_offer_text(struct call_host *h, struct call *c, const struct talk *t,
				       bool adds_codecs, struct call_refusal *refusal)
{
	struct leg *to = c->legs[t->answerer];
	struct media_plan lines;
	enum refusal refused = session_lines_of(h, c, t, &lines, refusal);

	if (refused)
		return refused;
	refused = session_open_ports(h, c, &lines, t->offerer, t->answerer, refusal);
	if (!refused)
		refused = session_forward(h, c, t, to->session_version + 1, adds_codecs, refusal);
	if (!refused) /* RFC 3264 8: by one, with each SDP that is sent */
		to->session_version++;
	return refused;
}

/* The new SDP has the next version (RFC 3264 8). */
static enum refusal alone_keep(struct call *c, uint8_t leg, struct text *said, struct writer *w,
			       struct call_refusal *refusal)
{
	if (text_set(said, writer_done(w)))
		return call_refuse(refusal, REFUSED_MEMORY);
	c->legs[leg]->session_version++;
	return 0;
}

/* In open.local: the last SDP, with the video of the present members. */
static NOINLINE enum refusal again_local(struct call_host *h, struct call *c, uint8_t leg,
					 struct call_refusal *refusal)
{
	struct leg *l = c->legs[leg];
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct bytes said = text_bytes(&l->sdp.local);

	if (!video_reoffer(h, c, said, &w))
		said = writer_done(&w);
	return text_set(&l->open.local, said) ? call_refuse(refusal, REFUSED_MEMORY) : 0;
}

static enum refusal session_alone_again(struct call_host *h, struct call *c, uint8_t leg,
					struct call_refusal *refusal)
{
	struct offer_policy policy = talk_policy(c, leg, leg);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_self self = talk_self(h, c, leg);
	struct offer_error error = { 0 };
	int err;

	self.session_version++;
	if (again_local(h, c, leg, refusal))
		return refusal->reason;
	err = offer_again(text_bytes(&c->legs[leg]->open.local), &policy, &self, &w, &error);
	if (err)
		return session_refuse_sdp(refusal, &error);
	return alone_keep(c, leg, &c->legs[leg]->open.local, &w, refusal);
}

enum refusal session_offer(struct call_host *h, struct call *c, uint8_t to,
			   struct call_refusal *refusal)
{
	struct talk t = talk_open(c, to);

	if (call_is_alone(c))
		return session_alone_again(h, c, to, refusal);
	return session_offer_text(h, c, &t, false, refusal);
}

enum refusal session_offer_of(struct call_host *h, struct call *c, uint8_t to,
			      const struct leg *with, struct call_refusal *refusal)
{
	struct talk t = talk_open(c, to);

	t.with = with;
	t.offer = text_bytes(&with->sdp.remote);
	return session_offer_text(h, c, &t, false, refusal);
}

int session_offer_record(struct call_host *h, struct call *c, uint8_t to, struct bytes local)
{
	struct leg *l = c->legs[to];
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	const struct offer_record_state told = aware_record_state_now(c, to);
	struct offer_error error;
	int err = offer_record_again(local, &told, l->session_version + 1, &w, &error);

	if (!err && text_set(&l->open.local, writer_done(&w)))
		err = -ENOMEM;
	if (!err)
		l->session_version++;
	return err;
}

enum refusal session_late_offer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
				struct call_refusal *refusal)
{
	struct leg_sdp *open = &c->legs[leg]->open;
	struct talk t;

	bridge_join(c, c->legs[leg]->uac->from, leg);
	open->theirs = true;
	text_clear(&c->legs[c->legs[leg]->uac->from]->open.remote); /* its answer to another leg */
	if (text_set(&open->remote, sdp))
		return call_refuse(refusal, REFUSED_MEMORY);
	if (c->legs[leg]->state == LEG_CONFIRMED)
		c->legs[leg]->holds = !session_is_receiving(c, leg, sdp);
	t = talk_open(c, leg);
	/* without a session yet it cannot refuse and be offered again: its answer is in ACK */
	return session_offer_text(h, c, &t, c->legs[t.answerer]->sdp.remote.n == 0, refusal);
}

static int compute(struct call_host *h, const struct call *c, const struct talk *t,
		   struct writer *w, struct media_plan *plan, struct offer_error *error)
{
	struct offer_policy policy = talk_policy(c, t->offerer, t->answerer);
	struct offer_self self = talk_self(h, c, t->offerer);
	const struct offer_of_other other = { .local = t->offer_out,
					      .remote = t->answer,
					      .theirs = t->reversed,
					      .two_way = t->two_way };

	self.session_version++;
	self.held = c->legs[t->answerer]->held;
	self.plays = audio_source_music_by(h, c, t->answerer);
	self.record = aware_record_state(c, t->offerer, t->answer);
	return offer_answer_by(t->offer, &other, &policy, &self, w, plan, error);
}

/* The answer for the offerer. */
static int talk_keep_answer(struct call *c, const struct talk *t, struct writer *w)
{
	struct leg *l = c->legs[t->offerer];

	l->session_version++;
	return text_set(&l->open.local, writer_done(w));
}

/* It was carried already. */
static bool was_answered(const struct call *c, uint8_t leg, const struct talk *t, struct bytes sdp)
{
	return bridge_has(c, leg) && c->legs[t->offerer]->open.local.n && bytes_eq(sdp, t->answer);
}

/* A phone that offers sendrecv again ends its hold, whichever way it held. */
static void note_hold_over(struct call *c, uint8_t leg, struct bytes sdp)
{
	struct leg *l = c->legs[leg];

	if (l->holds && session_is_receiving(c, leg, sdp))
		l->holds = false;
}

/* The party that we act for sent no INVITE. */
static bool offerer_has_no_invite(const struct call *c, const struct talk *t)
{
	const struct leg *l = c->legs[t->offerer];

	return !l->uas && !l->uac;
}

static struct session_texts texts_of(const struct leg_sdp *sdp)
{
	return (struct session_texts){ .remote = text_bytes(&sdp->remote),
				       .local = text_bytes(&sdp->local),
				       .we_offered = !sdp->theirs };
}

/* By the terms that each of them has since it was asked, whatever the settings are by now. */
static bool legs_code(const struct leg *a, const struct leg *b)
{
	return a->terms && a->terms->transcode && b->terms && b->terms->transcode;
}

/* The media plan of two legs, by what each has agreed separately: a is the plan's first. */
static int map_legs(const struct leg *a, const struct leg *b, struct media_plan *plan,
		    struct offer_error *error)
{
	const struct session_texts of_a = texts_of(leg_sdp_newest(a));
	const struct session_texts of_b = texts_of(leg_sdp_newest(b));

	return bridge_read(&of_a, &of_b, legs_code(a, b), plan, error);
}

static bool has_active(const struct media_plan *plan)
{
	for (uint8_t i = 0; i < plan->line_count; i++) {
		if (plan->line[i].active)
			return true;
	}
	return false;
}

static struct bridge_fit session_fit(const struct leg *a, const struct leg *b)
{
	const struct session_texts of_a = texts_of(leg_sdp_newest(a));
	const struct session_texts of_b = texts_of(leg_sdp_newest(b));
	struct bridge_fit fit = { 0 };
	struct offer_error error;

	if (!leg_sdp_is_agreed(leg_sdp_newest(a)) || !leg_sdp_is_agreed(leg_sdp_newest(b)) ||
	    bridge_fit(&of_a, &of_b, &fit, &error))
		return (struct bridge_fit){ 0 };
	fit.transcoded = fit.transcoded && legs_code(a, b);
	return fit;
}

bool session_fits(const struct leg *a, const struct leg *b)
{
	const struct bridge_fit fit = session_fit(a, b);

	return fit.common || fit.transcoded;
}

bool session_fits_whole(const struct leg *a, const struct leg *b)
{
	return session_fit(a, b).whole;
}

/* A leg that cannot be bridged yet may get another re-INVITE, or its peer may. */
static bool is_asked_on(const struct call *c, uint8_t leg)
{
	return c->legs[leg]->uac->joins || (c->transfer && c->transfer->state == TRANSFER_RINGING);
}

/* Its answer to what we asked by ourselves. */
static NOINLINE enum refusal answer_own(struct call_host *h, struct call *c, uint8_t leg,
					struct bytes sdp, struct call_refusal *refusal)
{
	uint8_t from = c->legs[leg]->uac->from;
	struct offer_error error = { .reason = "nothing in common with the other party" };
	struct media_plan plan;
	struct agreed agreed = { .plan = &plan, .offerer = from, .answerer = leg };
	int err;

	if (text_set(&c->legs[leg]->open.remote, sdp))
		return call_refuse(refusal, REFUSED_MEMORY);
	err = map_legs(c->legs[from], c->legs[leg], &plan, &error);
	if (!err && !has_active(&plan) && !is_asked_on(c, leg))
		err = -ENOTSUP;
	if (err)
		return session_refuse_sdp(refusal, &error);
	if (session_refuse_place(h, c, leg, &plan, false, refusal))
		return refusal->reason;
	bridge_join(c, from, leg);
	note_hold_over(c, leg, text_bytes(&c->legs[leg]->open.remote));
	flows_update(h, c, &agreed);
	return 0;
}

enum refusal session_answer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
			    struct call_refusal *refusal)
{
	struct talk t = talk_open(c, leg);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_error error = { 0 };
	struct media_plan plan;
	struct agreed agreed = { .plan = &plan, .offerer = t.offerer, .answerer = t.answerer };
	int err;

	if (call_is_alone(c))
		return session_alone_answered(h, c, leg, sdp, refusal);
	if (was_answered(c, leg, &t, sdp))
		return 0;
	if (offerer_has_no_invite(c, &t))
		return answer_own(h, c, leg, sdp, refusal);
	t.answer = sdp;
	err = compute(h, c, &t, &w, &plan, &error);
	if (err)
		return session_refuse_sdp(refusal, &error);
	if (session_refuse_place(h, c, t.answerer, &plan, false, refusal))
		return refusal->reason;
	if (text_set(&c->legs[t.answerer]->open.remote, sdp) || talk_keep_answer(c, &t, &w))
		return call_refuse(refusal, REFUSED_MEMORY);
	bridge_join(c, c->legs[leg]->uac->from, leg);
	note_hold_over(c, t.offerer, t.offer);
	note_hold_over(c, t.answerer, text_bytes(&c->legs[t.answerer]->open.remote));
	flows_update(h, c, &agreed);
	return 0;
}

/* The session of an open INVITE, in either direction, which another offer changes before its 2xx;
 * else the one in force. */
static struct leg_sdp *sdp_of(struct leg *l)
{
	return l->uas || l->uac ? &l->open : &l->sdp;
}

/* The caller was told the answer of the leg. */
static bool has_early_remote(const struct call *c, uint8_t leg)
{
	const struct leg *from = c->legs[c->legs[leg]->uac->from];

	return from->uas && early_is_selected(c, leg) && from->open.local.n;
}

static enum refusal talk_write_answer(struct call_host *h, const struct call *c,
				      const struct talk *of_invite, struct text *told,
				      struct call_refusal *refusal)
{
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_error error = { 0 };
	struct media_plan plan;
	int err = compute(h, c, of_invite, &w, &plan, &error);

	if (err)
		return session_refuse_sdp(refusal, &error);
	return text_set(told, writer_done(&w)) ? call_refuse(refusal, REFUSED_MEMORY) : 0;
}

/* The caller was told nothing of that leg, or the answer of another one: the new offer is used as
 * if it were the answer told now, or the first answer if that is impossible. */
static enum refusal talk_answer_again(struct call_host *h, const struct call *c, struct talk *t,
				      struct text *told, struct call_refusal *refusal)
{
	const struct talk first = talk_open(c, t->offerer);
	struct talk now = first;
	enum refusal refused;

	now.answer = t->offer;
	now.reversed = false;
	refused = talk_write_answer(h, c, &now, told, refusal);
	if (refused)
		refused = talk_write_answer(h, c, &first, told, refusal);
	t->offer_out = text_bytes(told);
	return refused;
}

/* What the INVITE offers: other early dialogs than that of the UPDATE begin with it. */
static int keep_offer(struct leg *l)
{
	struct text *first = l->uas ? &l->uas->offer : l->uac ? &l->uac->offer : NULL;
	bool late = l->uas ? l->uas->late : l->uac && l->uac->late;

	if (!first || first->n || late)
		return 0;
	return text_set(first, text_bytes(l->uas ? &l->open.remote : &l->open.local));
}

/* RFC 3311 5.2: the offer of an UPDATE is answered at once, by what is agreed with the other
 * leg. */
static int keep_update(struct call *c, const struct talk *t, struct writer *w)
{
	struct leg *l = c->legs[t->offerer];
	struct leg_sdp *sdp = sdp_of(l);

	if (keep_offer(l))
		return -ENOMEM;
	l->session_version++;
	sdp->theirs = true;
	l->holds = !session_is_receiving(c, t->offerer, t->offer);
	return text_set(&sdp->remote, t->offer) || text_set(&sdp->local, writer_done(w)) ? -ENOMEM
											 : 0;
}

static struct talk talk_of_update(const struct call *c, uint8_t leg, struct bytes sdp)
{
	const struct leg *l = c->legs[leg];
	struct talk t = l->uas   ? talk_open(c, bridge_peer(c, leg))
			: l->uac ? talk_early(c, leg)
				 : talk_agreed_by(c, leg);

	t.offer = sdp;
	if (t.answerer == LEG_NONE)
		return t;
	t.two_way = !c->legs[t.answerer]->holds && !session_is_holding(c, t.answerer);
	return t;
}

/* now: the agreed session is already in use. */
static enum refusal update_by(struct call_host *h, struct call *c, const struct talk *t, bool now,
			      struct call_refusal *refusal)
{
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_error error = { 0 };
	struct media_plan plan;
	struct agreed agreed = { .plan = &plan, .offerer = t->offerer, .answerer = t->answerer };
	int err = compute(h, c, t, &w, &plan, &error);

	if (err)
		return session_refuse_sdp(refusal, &error);
	if (session_refuse_place(h, c, t->offerer, &plan, true, refusal))
		return refusal->reason;
	if (keep_update(c, t, &w))
		return call_refuse(refusal, REFUSED_MEMORY);
	if (now)
		flows_update(h, c, &agreed);
	return 0;
}

enum refusal session_update(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
			    struct call_refusal *refusal)
{
	struct leg *l = c->legs[leg];
	struct talk t = talk_of_update(c, leg, sdp);
	bool now = !l->uac || has_early_remote(c, leg);
	struct text told = { 0 };
	enum refusal refused = REFUSED_NOT;

	if (call_is_alone(c) || (l->uac && l->uac->from == leg))
		return session_alone_answer(h, c, leg, sdp, sdp_of(l), refusal);
	if (!now && c->legs[t.answerer]->uas)
		refused = talk_answer_again(h, c, &t, &told, refusal);
	if (!refused)
		refused = update_by(h, c, &t, now, refusal);
	text_wipe(&told);
	return refused;
}

enum refusal session_offer_keys(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];
	struct talk t = talk_open(c, leg);
	struct call_refusal refusal;
	enum refusal refused;

	if (l->uac->late || !l->terms || !l->terms->sdes_accept || l->terms->sdes_offer ||
	    l->terms->sdes_only || l->terms->dtls_offer)
		return REFUSED_SDP;
	l->terms->sdes_offer = true;
	refused = session_forward(h, c, &t, l->session_version + 1, false, &refusal);
	if (!refused)
		l->session_version++;
	return refused;
}

/* The offer that it refused, and that with codecs of ours. */
static enum refusal offer_codecs(struct call_host *h, struct call *c, uint8_t leg,
				 const struct text *before)
{
	struct leg *l = c->legs[leg];
	struct talk t = talk_open(c, leg);
	struct call_refusal refusal;
	enum refusal refused = session_forward(h, c, &t, l->session_version + 1, true, &refusal);

	if (!refused && session_is_same(text_bytes(before), text_bytes(&l->open.local)))
		refused = REFUSED_SDP;
	if (refused)
		return text_set(&l->open.local, text_bytes(before)) ? REFUSED_MEMORY : refused;
	l->session_version++;
	return 0;
}

enum refusal session_offer_codecs(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];
	struct text before = { 0 };
	enum refusal refused;

	if (l->uac->late || l->uac->joins || l->uac->tells || l->uac->from == leg ||
	    invite_is_refresh(c, leg))
		return REFUSED_SDP;
	if (text_set(&before, text_bytes(&l->open.local)))
		return REFUSED_MEMORY;
	refused = offer_codecs(h, c, leg, &before);
	text_wipe(&before);
	return refused;
}

const char *session_lacks_codecs(const struct call_host *h, const struct call *c, uint8_t leg)
{
	struct talk t = talk_open(c, leg);
	struct offer_policy policy = talk_policy_of(h, c, &t);

	return c->legs[leg]->uac->late ? NULL : offer_lacks_codecs(t.offer, &policy);
}

enum { PORTS_TRIES = 8 };

static bool session_was_sent(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	if (c->restored)
		return true;
	if (l->uac)
		return l->uac->state != UAC_QUEUED;
	return !l->uas || l->uas->state != UAS_PROCEEDING || l->uas->late || l->uas->early;
}

/* How often the ports of an INVITE were replaced. */
static uint8_t *tries_of(struct call *c, uint8_t leg)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		struct leg *l = c->legs[i];

		if (l && l->uac && (i == leg || l->uac->from == leg))
			return &l->uac->ports_tries;
	}
	return NULL;
}

int session_replace(struct call_host *h, struct call *c, struct call_flow *f)
{
	struct call_refusal refusal;
	uint8_t leg = f->leg;
	uint8_t *tries = tries_of(c, leg);
	struct talk t;
	int err;

	if (session_was_sent(c, leg) || !tries || *tries == PORTS_TRIES ||
	    (c->legs[leg]->uac && c->legs[leg]->uac->joins))
		return -EBUSY;
	++*tries;
	err = flow_retake(h, f);
	if (err)
		return err;
	flows_open(h, c, NULL);
	outbox_touch(&c->out);
	if (c->legs[leg]->uas)
		return 0;
	t = talk_open(c, leg);
	return session_forward(h, c, &t, c->legs[leg]->session_version, false, &refusal)
		       ? -EBUSY
		       : invite_requeue(h, c, leg);
}

/* Records of format 0 and 1 lack the SDP sent to a party that a command called. */
static int plan_carried(struct call_host *h, const struct call *c, struct media_plan *plan,
			struct agreed *agreed)
{
	struct talk t = talk_in_force(c);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_error error = { 0 };

	if (t.answer.n == 0)
		return -ENOTCONN;
	*agreed = (struct agreed){ .plan = plan, .offerer = t.offerer, .answerer = t.answerer };
	return compute(h, c, &t, &w, plan, &error);
}

/* As its own peer: it accepts what it may send. Sessions with the node itself concern no other
 * party. */
static NOINLINE int alone_read_plan(const struct leg_sdp *sdp, struct media_plan *plan,
				    struct offer_error *error)
{
	const struct session_texts texts = { .remote = text_bytes(&sdp->remote),
					     .local = text_bytes(&sdp->local),
					     .we_offered = !sdp->theirs };
	int err = bridge_read(&texts, &texts, false, plan, error);

	for (uint8_t i = 0; !err && i < plan->line_count; i++)
		plan->line[i].b.sends = plan->line[i].b.receives = 1;
	return err;
}

/* What is agreed with it. 0 or -errno. */
static int session_alone_plan(const struct call *c, struct media_plan *plan, struct agreed *agreed)
{
	uint8_t leg = c->bridge.caller;
	const struct leg *l = c->legs[leg];
	const struct leg_sdp *sdp = leg_sdp_is_agreed(&l->open) ? &l->open : &l->sdp;
	struct offer_error error = { 0 };

	*agreed = (struct agreed){ .plan = plan, .offerer = leg, .answerer = leg };
	return leg_sdp_is_agreed(sdp) ? alone_read_plan(sdp, plan, &error) : -ENOTCONN;
}

/* What is agreed. 0 or -errno. */
static int session_plan(struct call_host *h, const struct call *c, struct media_plan *plan,
			struct agreed *agreed)
{
	const struct leg *a = call_caller(c), *b = call_callee(c);
	struct offer_error error;

	if (call_is_alone(c))
		return session_alone_plan(c, plan, agreed);
	*agreed = (struct agreed){ .plan = plan,
				   .offerer = c->bridge.caller,
				   .answerer = c->bridge.callee };
	if (!b || !leg_sdp_is_agreed(leg_sdp_newest(a)) || !leg_sdp_is_agreed(leg_sdp_newest(b)))
		return plan_carried(h, c, plan, agreed);
	return map_legs(a, b, plan, &error);
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
	struct media_plan plan;
	struct agreed agreed;
	int err = session_plan(h, c, &plan, &agreed);

	if (err && err != -ENOTCONN)
		LOG_ERROR("call", c->id, "media could not be updated", LOG_INT("error", err));
	else
		flows_update(h, c, err ? NULL : &agreed);
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
	if (!err && !plan_has_flows(c, &plan, agreed.offerer, agreed.answerer))
		return -EBADMSG;
	flows_open(h, c, err ? NULL : &agreed);
	return 0;
}

/* ---- SDP with a party without peer: the node itself offers and answers (media/offer/offer.h)
 * ---- */

static enum refusal alone_finish(struct call_host *h, struct call *c, uint8_t leg,
				 struct leg_sdp *to, bool first, struct call_refusal *refusal);

/* The lines of the party's text; those that are no sound have port 0. */
static NOINLINE enum refusal session_lines_read(struct call_host *h, struct call *c, uint8_t leg,
						struct bytes offer,
						const struct offer_policy *policy,
						struct call_refusal *refusal)
{
	struct offer_error error = { 0 };
	struct media_plan lines;
	int err = offer_inspect(offer, policy, &lines, &error);

	if (err)
		return session_refuse_sdp(refusal, &error);
	if (session_refuse_place(h, c, leg, &lines, true, refusal))
		return refusal->reason;
	return session_open_ports(h, c, &lines, leg, leg, refusal);
}

/* The session of its coming peer applies to it, too. Without a common codec it gets all codecs of
 * the node: there is more choice when one of the two is re-INVITEd. */
static NOINLINE int answer_as(const struct leg *with, struct bytes sdp,
			      const struct offer_policy *terms, const struct offer_self *self,
			      struct writer *w, struct offer_error *error)
{
	struct offer_policy policy = *terms;
	const struct offer_of_other other = { .local = text_bytes(&with->sdp.local),
					      .remote = text_bytes(&with->sdp.remote),
					      .theirs = with->sdp.theirs,
					      .apart = true,
					      .two_way = !with->holds };
	struct media_plan plan;

	policy.a.transcode = false;
	return offer_answer_by(sdp, &other, &policy, self, w, &plan, error);
}

const struct leg *session_replaced_peer(const struct call_host *h, const struct call *c)
{
	const struct call *other =
		c->replaces.call ? h->services->calls->find(h->owner, c->replaces.call) : NULL;

	if (!c->replaces.call && c->picker) { /* this one is taken */
		other = h->services->calls->find(h->owner, c->picker);
		return other && call_is_alone(other) ? call_caller(other) : NULL;
	}
	if (other && c->replaces.leg == LEG_NONE)
		return call_is_alone(other) || call_is_ringing(other) ? call_caller(other) : NULL;
	if (!other || !call_leg(other, c->replaces.leg) || !bridge_has(other, c->replaces.leg))
		return NULL;
	return call_leg(other, bridge_peer(other, c->replaces.leg));
}

/* A party that is to get a peer has all lines that both may have; video only if it is shown, or
 * existed before. */
static struct offer_policy alone_policy(const struct call *c, uint8_t leg, const struct leg *with,
					bool video_on)
{
	struct offer_policy policy = talk_policy(c, leg, LEG_NONE);

	if (with && with->terms)
		leg_terms(with, &policy.b);
	else
		policy.b.video_codecs = OFFER_VIDEO_ALL; /* what others have is known to video.c */
	policy.video &= with || video_on;
	return policy;
}

enum refusal session_alone_answer(struct call_host *h, struct call *c, uint8_t leg,
				  struct bytes sdp, struct leg_sdp *to,
				  struct call_refusal *refusal)
{
	const struct leg *with = session_replaced_peer(h, c);
	struct offer_capabilities own = offer_own_spoken();
	bool video_on = video_answer(h, c, leg, &own);
	struct offer_policy policy = alone_policy(c, leg, with, video_on);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_error error = { 0 };
	struct offer_self self;
	int err;

	if (session_lines_read(h, c, leg, sdp, &policy, refusal))
		return refusal->reason;
	self = talk_self(h, c, leg);
	self.session_version++;
	err = with ? answer_as(with, sdp, &policy, &self, &w, &error) : -ENOTSUP;
	if (err) { /* no peer, or the peer gets a re-INVITE for this one's capabilities */
		w = writer_over(h->sdp, HOST_SDP_MAX);
		err = offer_own_answer(sdp, &own, &policy, &self, &w, &error);
	}
	if (err)
		return session_refuse_sdp(refusal, &error);
	if (sdp.p != (const uint8_t *)to->remote.p && text_set(&to->remote, sdp))
		return call_refuse(refusal, REFUSED_MEMORY);
	to->theirs = true;
	if (alone_keep(c, leg, &to->local, &w, refusal))
		return refusal->reason;
	return alone_finish(h, c, leg, to, true, refusal);
}

enum refusal session_alone_offer(struct call_host *h, struct call *c, uint8_t leg,
				 struct call_refusal *refusal)
{
	struct offer_capabilities own = offer_own_spoken();
	struct media_plan lines = session_lines_own(video_offer(h, c, &own));
	struct offer_policy policy = talk_policy(c, leg, leg);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_error error = { 0 };
	struct offer_self self;

	if (session_open_ports(h, c, &lines, leg, leg, refusal))
		return refusal->reason;
	self = talk_self(h, c, leg);
	self.session_version++;
	if (offer_own(&own, &policy, &self, &w, &error))
		return session_refuse_sdp(refusal, &error);
	return alone_keep(c, leg, &c->legs[leg]->open.local, &w, refusal);
}

enum refusal session_alone_answered(struct call_host *h, struct call *c, uint8_t leg,
				    struct bytes sdp, struct call_refusal *refusal)
{
	struct leg_sdp *open = &c->legs[leg]->open;

	if (text_set(&open->remote, sdp))
		return call_refuse(refusal, REFUSED_MEMORY);
	return alone_finish(h, c, leg, open, false, refusal);
}

static NOINLINE enum refusal alone_finish(struct call_host *h, struct call *c, uint8_t leg,
					  struct leg_sdp *to, bool first,
					  struct call_refusal *refusal)
{
	struct offer_error error = { 0 };
	struct media_plan plan;
	struct agreed agreed = { .plan = &plan, .offerer = leg, .answerer = leg };
	int err = alone_read_plan(to, &plan, &error);

	if (err)
		return session_refuse_sdp(refusal, &error);
	if (session_refuse_place(h, c, leg, &plan, first, refusal))
		return refusal->reason;
	c->legs[leg]->holds = !session_is_receiving(c, leg, text_bytes(&to->remote));
	flows_update(h, c, &agreed);
	return 0;
}

enum refusal session_alone_check(const struct call_host *h, const struct call *c,
				 struct call_refusal *refusal)
{
	struct offer_error error = { .reason = "nothing is agreed" };
	struct media_plan plan;
	struct agreed agreed;
	int err = session_alone_plan(c, &plan, &agreed);

	return err ? session_refuse_sdp(refusal, &error)
		   : session_refuse_place(h, c, agreed.offerer, &plan,
					  c->legs[agreed.offerer]->sdp.theirs, refusal);
}
