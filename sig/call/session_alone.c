/* SPDX-License-Identifier: Apache-2.0 */
/* SDP with a party that has no other leg there: the node offers and answers out of itself (media/offer/offer.h). */
#include <errno.h>

#include "base/compiler.h"
#include "media/offer/bridge.h"
#include "sig/call/pictures.h"
#include "sig/call/session.h"
#include "sig/call/session_talk.h"
#include "sig/call/wait.h"

static int alone_finish(struct call_host *h, struct call *c, uint8_t leg, struct leg_sdp *to,
			bool first, struct call_refusal *refusal);

/* The lines of the party's text; those that are no sound have port 0. */
static NOINLINE int take_lines(struct call_host *h, struct call *c, uint8_t leg, struct bytes offer,
			       const struct offer_policy *policy, struct call_refusal *refusal)
{
	struct offer_error error = { 0 };
	struct media_plan lines;
	int err = offer_inspect(offer, policy, &lines, &error);

	if (err)
		return session_refuse_sdp(refusal, err, &error);
	err = session_refuse_place(h, c, leg, &lines, true, refusal);
	return err ? err : session_take_ports(h, c, &lines, leg, leg, refusal);
}

/* What is said now has the next version (RFC 3264 8). */
static int alone_keep(struct call *c, uint8_t leg, struct text *said, struct writer *w,
		      struct call_refusal *refusal)
{
	if (text_set(said, writer_done(w)))
		return call_refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY);
	c->legs[leg]->session_version++;
	return 0;
}

/* What whom it is to speak with has agreed on: that holds for it, too. Where it has none of those codecs it is answered all that the node
 * speaks: when one of the two is asked again there is more to choose from. */
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
		c->replaces.call && h->call_of ? h->call_of(h->owner, c->replaces.call) : NULL;

	if (!c->replaces.call && c->picker) { /* this one is taken */
		other = h->call_of ? h->call_of(h->owner, c->picker) : NULL;
		return other && call_is_alone(other) ? call_caller(other) : NULL;
	}
	if (other && c->replaces.leg == LEG_NONE)
		return call_is_alone(other) || call_rings(other) ? call_caller(other) : NULL;
	if (!other || !call_leg(other, c->replaces.leg) || !bridge_has(other, c->replaces.leg))
		return NULL;
	return call_leg(other, bridge_peer(other, c->replaces.leg));
}

/* Who is to speak with somebody has all lines that both may have; video alone is there where it is shown, or was there. */
static struct offer_policy alone_policy(const struct call *c, uint8_t leg, const struct leg *with,
					bool pictures)
{
	struct offer_policy policy = talk_policy(c, leg, LEG_NONE);

	if (with && with->terms)
		policy.b = *with->terms;
	else
		policy.b.video_codecs =
			OFFER_VIDEO_ALL; /* what others have is known to pictures.c */
	policy.video &= with || pictures;
	return policy;
}

int session_alone_answer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
			 struct leg_sdp *to, struct call_refusal *refusal)
{
	const struct leg *with = session_replaced_peer(h, c);
	struct offer_capabilities own = offer_own_spoken();
	bool pictures = video_answer(h, c, leg, &own);
	struct offer_policy policy = alone_policy(c, leg, with, pictures);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_error error = { 0 };
	struct offer_self self;
	int err;

	err = take_lines(h, c, leg, sdp, &policy, refusal);
	if (err)
		return err;
	self = talk_self(h, c, leg);
	self.session_version++;
	err = with ? answer_as(with, sdp, &policy, &self, &w, &error) : -ENOTSUP;
	if (err) { /* nobody is there, or who is there is asked for what this one has */
		w = writer_over(h->sdp, HOST_SDP_MAX);
		err = offer_own_answer(sdp, &own, &policy, &self, &w, &error);
	}
	if (err)
		return session_refuse_sdp(refusal, err, &error);
	if (sdp.p != (const uint8_t *)to->remote.p && text_set(&to->remote, sdp))
		return call_refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY);
	to->theirs = true;
	err = alone_keep(c, leg, &to->local, &w, refusal);
	return err ? err : alone_finish(h, c, leg, to, true, refusal);
}

int session_alone_offer(struct call_host *h, struct call *c, uint8_t leg,
			struct call_refusal *refusal)
{
	struct offer_capabilities own = offer_own_spoken();
	struct media_plan lines = session_lines_own(video_offer(h, c, &own));
	struct offer_policy policy = talk_policy(c, leg, leg);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_error error = { 0 };
	struct offer_self self;
	int err = session_take_ports(h, c, &lines, leg, leg, refusal);

	if (err)
		return err;
	self = talk_self(h, c, leg);
	self.session_version++;
	err = offer_own(&own, &policy, &self, &w, &error);
	if (err)
		return session_refuse_sdp(refusal, err, &error);
	return alone_keep(c, leg, &c->legs[leg]->open.local, &w, refusal);
}

/* In open.local: what was said last, with the video of those who are there by now. */
static NOINLINE int again_local(struct call_host *h, struct call *c, uint8_t leg,
				struct call_refusal *refusal)
{
	struct leg *l = c->legs[leg];
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct bytes said = text_bytes(&l->sdp.local);

	if (!video_reoffer(h, c, said, &w))
		said = writer_done(&w);
	return text_set(&l->open.local, said) ? call_refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY)
					      : 0;
}

int session_alone_again(struct call_host *h, struct call *c, uint8_t leg,
			struct call_refusal *refusal)
{
	struct offer_policy policy = talk_policy(c, leg, leg);
	struct writer w = writer_over(h->sdp, HOST_SDP_MAX);
	struct offer_self self = talk_self(h, c, leg);
	struct offer_error error = { 0 };
	int err;

	self.session_version++;
	err = again_local(h, c, leg, refusal);
	if (err)
		return err;
	err = offer_again(text_bytes(&c->legs[leg]->open.local), &policy, &self, &w, &error);
	if (err)
		return session_refuse_sdp(refusal, err, &error);
	return alone_keep(c, leg, &c->legs[leg]->open.local, &w, refusal);
}

int session_alone_answered(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
			   struct call_refusal *refusal)
{
	struct leg_sdp *open = &c->legs[leg]->open;

	if (text_set(&open->remote, sdp))
		return call_refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY);
	return alone_finish(h, c, leg, open, false, refusal);
}

/* As if it spoke with itself: what it may send it would take. Whom the node hears and speaks to is nobody else's to say. */
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

static NOINLINE int alone_finish(struct call_host *h, struct call *c, uint8_t leg,
				 struct leg_sdp *to, bool first, struct call_refusal *refusal)
{
	struct offer_error error = { 0 };
	struct media_plan plan;
	struct agreed agreed = { .plan = &plan, .offerer = leg, .answerer = leg };
	int err = alone_read_plan(to, &plan, &error);

	if (err)
		return session_refuse_sdp(refusal, err, &error);
	err = session_refuse_place(h, c, leg, &plan, first, refusal);
	if (err)
		return err;
	c->legs[leg]->holds = !session_is_receiving(c, leg, text_bytes(&to->remote));
	flows_update(h, c, &agreed);
	return 0;
}

int session_alone_plan(const struct call *c, struct media_plan *plan, struct agreed *agreed)
{
	uint8_t leg = c->bridge.caller;
	const struct leg *l = c->legs[leg];
	const struct leg_sdp *sdp = leg_sdp_is_agreed(&l->open) ? &l->open : &l->sdp;
	struct offer_error error = { 0 };

	*agreed = (struct agreed){ .plan = plan, .offerer = leg, .answerer = leg };
	return leg_sdp_is_agreed(sdp) ? alone_read_plan(sdp, plan, &error) : -ENOTCONN;
}

int session_alone_check(const struct call_host *h, const struct call *c,
			struct call_refusal *refusal)
{
	struct offer_error error = { .reason = "nothing is agreed" };
	struct media_plan plan;
	struct agreed agreed;
	int err = session_alone_plan(c, &plan, &agreed);

	return err ? session_refuse_sdp(refusal, err, &error)
		   : session_refuse_place(h, c, agreed.offerer, &plan,
					  c->legs[agreed.offerer]->sdp.theirs, refusal);
}
