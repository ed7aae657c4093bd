/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "sig/dialog/dialog.h"
#include "sig/leg/early.h"
#include "sig/leg/leg.h"
#include "sig/record/call_read.h"
#include "sig/sip/lex.h"

bool reading_best(struct reading *r, const Tandem__Call__Best *in)
{
	struct refusal_kept *out = &r->c->best;

	if (!in)
		return true;
	if (in->status < 300 || in->status > 699 || in->cause >= CALL_CAUSE_COUNT ||
	    in->leg >= LEGS_MAX || in->leg == r->c->bridge.caller ||
	    !call_leg(r->c, (uint8_t)in->leg))
		return reading_wrong(r, "invite: best");
	out->status = (uint16_t)in->status;
	out->leg = (uint8_t)in->leg;
	out->cause = (enum call_cause)in->cause;
	return reading_text(r, &out->extra, &in->extra, HOST_EXTRA, "invite: best");
}

static_assert((int)TANDEM__CALL__PRACK_STATE__PRACK_DONE == (int)PRACK_DONE, "as in the record");

static bool read_prack(struct reading *r, struct prack *out, const Tandem__Call__Prack *in)
{
	if (!in)
		return true;
	if (in->state < 0 || (int)in->state > (int)PRACK_DONE || in->rseq == 0 ||
	    in->cseq > INT32_MAX)
		return reading_wrong(r, "asked: prack");
	*out = (struct prack){ .state = (enum prack_state)in->state,
			       .answers = in->answers,
			       .rseq = in->rseq,
			       .cseq = in->cseq,
			       .branch = in->branch };
	return true;
}

/* What is not reached by an address of ours any more is left out. */
static bool read_places_left(struct reading *r, struct invite_uac *uac,
			     const Tandem__Call__Asked *in)
{
	if (in->n_rest > LOOKUP_TARGETS_MAX)
		return reading_wrong(r, "asked: rest");
	uac->named = in->named;
	if (!in->n_rest)
		return true;
	uac->rest = calloc(in->n_rest, sizeof(*uac->rest));
	if (!uac->rest)
		return reading_wrong(r, "out of memory");
	for (size_t i = 0; i < in->n_rest; i++) {
		struct sip_hop *to = &uac->rest[uac->rest_count];

		if (!reading_place(r, to, in->rest[i]))
			return false;
		uac->rest_count += hop_local_for(to, r->h->settings);
	}
	return true;
}

static bool read_early_sdp(struct reading *r, struct leg_sdp *out, const Tandem__Call__Sdp *in)
{
	if (!in)
		return true;
	out->theirs = in->theirs;
	out->by_18x = in->by_18x;
	return reading_sdp_text(r, &out->remote, &in->remote) &&
	       reading_sdp_text(r, &out->local, &in->local);
}

static bool read_early_party(struct reading *r, uint8_t leg, struct early_party *out,
			     const Tandem__Call__Early *in)
{
	const Tandem__Call__Dialog *d = in->dialog;
	struct sip_uri target;

	if (!d || d->local_cseq > INT32_MAX || d->remote_cseq > INT32_MAX ||
	    !lex_is_token(reading_slice(&d->remote_tag)) ||
	    sip_uri_parse(&target, reading_slice(&d->target)))
		return reading_wrong(r, "asked: early dialog");
	out->named = d->named;
	out->confers = d->confers;
	out->local_cseq = d->local_cseq;
	out->remote_cseq = d->remote_cseq;
	return reading_line(r, &out->tag, &d->remote_tag, DIALOG_TEXT_MAX, "dialog: tag") &&
	       reading_line(r, &out->target, &d->target, DIALOG_TEXT_MAX, "dialog: target") &&
	       reading_line(r, &out->routes, &d->routes, DIALOG_ROUTES_MAX, "dialog: routes") &&
	       reading_hop(r, leg, &out->hop, d->hop) && read_prack(r, &out->prack, in->prack) &&
	       read_early_sdp(r, &out->open, in->open);
}

static bool read_early_asker(struct reading *r, struct early_asker *out,
			     const Tandem__Call__Early *in)
{
	if (in->remote_cseq > INT32_MAX || in->prack_cseq > INT32_MAX)
		return reading_wrong(r, "asked: early dialog");
	out->told = true;
	out->tag = in->tag;
	out->remote_cseq = in->remote_cseq;
	out->rseq = in->rseq;
	out->prack_cseq = in->prack_cseq;
	out->version = in->version;
	out->turned = in->turned;
	out->told_otherwise = in->told_otherwise;
	return read_early_sdp(r, &out->open, in->told_open);
}

static bool read_early(struct reading *r, uint8_t leg, struct invite_uac *uac,
		       const Tandem__Call__Early *in)
{
	struct early *out = in->number < EARLY_MAX ? &uac->early[in->number] : NULL;

	if (!out || out->used || out->asker.told || in->used == (in->number == uac->early_at))
		return reading_wrong(r, "asked: early dialog");
	out->used = in->used;
	return (!in->used || read_early_party(r, leg, &out->party, in)) &&
	       (!in->told || read_early_asker(r, &out->asker, in));
}

static bool read_earlies(struct reading *r, uint8_t leg, const Tandem__Call__Asked *in)
{
	struct invite_uac *uac = r->c->legs[leg]->uac;
	struct sip_uri target;
	bool ok = true;

	if (in->early_at >= EARLY_MAX || in->n_early > EARLY_MAX ||
	    (in->target.len && sip_uri_parse(&target, reading_slice(&in->target))))
		return reading_wrong(r, "asked: early dialog");
	uac->early_at = (uint8_t)in->early_at;
	if (in->n_early && !(uac->early = calloc(EARLY_MAX, sizeof(*uac->early))))
		return reading_wrong(r, "out of memory");
	for (size_t i = 0; ok && i < in->n_early; i++)
		ok = read_early(r, leg, uac, in->early[i]);
	return ok &&
	       reading_line(r, &uac->target, &in->target, DIALOG_TEXT_MAX, "dialog: target") &&
	       reading_line(r, &uac->routes, &in->routes, DIALOG_ROUTES_MAX, "dialog: routes") &&
	       reading_sdp_text(r, &uac->offer, &in->offer);
}

static bool read_uac(struct reading *r, uint8_t leg, const Tandem__Call__Leg *of)
{
	const Tandem__Call__Asked *in = of->asked;
	struct leg *l = r->c->legs[leg];

	if (!in)
		return true;
	if (in->from >= LEGS_MAX || !call_leg(r->c, (uint8_t)in->from))
		return reading_wrong(r, "asked: from");
	if (leg_invite(l, (uint8_t)in->from))
		return reading_wrong(r, "out of memory");
	l->uac->branch = in->branch;
	l->uac->late = in->late;
	l->uac->pracks = in->pracks;
	l->uac->joins = in->joins;
	l->uac->challenged = (challenge_tries)in->challenged;
	return read_places_left(r, l->uac, in) && read_earlies(r, leg, in) &&
	       read_prack(r, &l->uac->prack, in->prack) &&
	       reading_uac_state(r, &l->uac->state, in->state) &&
	       reading_sent(r, leg, &(struct reading_tailed){ in->sent, in->sent_tail, of },
			    in->sent_to);
}

static bool read_uas_state(struct reading *r, enum uas_state *out, Tandem__Call__InviteState state)
{
	switch (state) {
	case TANDEM__CALL__INVITE_STATE__CALLING:
		*out = UAS_PROCEEDING;
		return true;
	case TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED:
		*out = UAS_ANSWERED;
		return true;
	case TANDEM__CALL__INVITE_STATE__ACCEPTED:
		*out = UAS_ACCEPTED;
		return true;
	case TANDEM__CALL__INVITE_STATE__NONE:
	case TANDEM__CALL__INVITE_STATE__QUEUED:
	case TANDEM__CALL__INVITE_STATE__PROCEEDING:
	case _TANDEM__CALL__INVITE_STATE_IS_INT_SIZE:
		break;
	}
	return reading_wrong(r, "invite: state");
}

static bool read_request(struct reading *r, uint8_t leg, const Tandem__Call__Uas *in)
{
	struct call_seed *seed = r->seed;

	return reading_text(r, &seed->request[leg], &in->request, READING_MESSAGE_MAX,
			    "invite: too long") &&
	       ((in->request.len == 0 && !in->source) ||
		reading_hop(r, leg, &seed->source[leg], in->source));
}

static bool read_answers(struct reading *r, struct invite_uas *uas, const Tandem__Call__Uas *in,
			 const Tandem__Call__Leg *of)
{
	const struct reading_tailed unacknowledged = { in->unacknowledged, in->unacknowledged_tail,
						       of };
	const struct reading_tailed answer = { in->answer, in->answer_tail, of };

	return reading_message(r, &uas->unacknowledged, &unacknowledged, "invite: too long") &&
	       reading_message(r, &uas->answer, &answer, "invite: too long");
}

bool reading_uas(struct reading *r, uint8_t leg, const Tandem__Call__Uas *in,
		 const Tandem__Call__Leg *of)
{
	const struct sip_message asked = { .cseq = in->cseq, .max_forwards = in->max_forwards - 1 };
	struct leg *l = r->c->legs[leg];

	if (in->provisional >= 200 || in->cseq > INT32_MAX || in->early >= LEGS_MAX ||
	    in->max_forwards < 0 || in->max_forwards > 256 || in->reliable > RELIABLE_MUST ||
	    in->prack_cseq > INT32_MAX || in->early_at > EARLY_MAX)
		return reading_wrong(r, "invite: numbers");
	if (leg_on_invite(l, &asked, 0))
		return reading_wrong(r, "out of memory");
	l->uas->late = in->late;
	l->uas->wakes = in->wakes;
	l->uas->held_before = in->held_before;
	l->uas->early = (uint8_t)in->early;
	l->uas->early_at = (uint8_t)in->early_at;
	l->uas->provisional = (uint16_t)in->provisional;
	l->uas->reliable = (enum uas_reliable)in->reliable;
	l->uas->rseq = in->rseq;
	l->uas->prack_cseq = in->prack_cseq;
	l->uas->turned = in->turned;
	l->uas->told_otherwise = in->told_otherwise;
	l->uas->expires_ns =
		reading_deadline(r, in->expires_utc_ms, INVITE_EXPIRES_MAX_S * UINT64_C(1000));
	return reading_sdp_text(r, &l->uas->offer, &in->offer) &&
	       read_uas_state(r, &l->uas->state, in->state) && read_answers(r, l->uas, in, of) &&
	       read_request(r, leg, in);
}

static bool read_refusal(struct reading *r, uint8_t leg, const Tandem__Call__Refusal *in)
{
	struct leg *l = r->c->legs[leg];

	l->refusal = calloc(1, sizeof(*l->refusal));
	if (!l->refusal)
		return reading_wrong(r, "out of memory");
	return reading_text(r, &l->refusal->response, &in->response, READING_MESSAGE_MAX,
			    "refusal: too long") &&
	       reading_hop(r, leg, &r->seed->source[leg], in->source);
}

static bool read_forks(struct reading *r, uint8_t leg, const Tandem__Call__Leg *in)
{
	struct leg *l = r->c->legs[leg];
	struct sip_hop hop = { 0 };

	for (size_t i = 0; i < in->n_forks; i++) {
		struct bytes bye = reading_slice(&in->forks[i]->bye);

		if (bye.n > READING_MESSAGE_MAX || forks_add(l, bye, &hop))
			return reading_wrong(r, "leg: fork");
		if (!reading_hop(r, leg, &l->forks->list[i].hop, in->forks[i]->hop))
			return false;
	}
	return true;
}

bool reading_invites(struct reading *r, const Tandem__Call__Call *in)
{
	for (size_t i = 0; i < in->n_legs; i++) {
		const Tandem__Call__Leg *leg = in->legs[i];
		uint8_t index = (uint8_t)(leg->index ? leg->index : i);

		if (!read_uac(r, index, leg) ||
		    (leg->uas && !reading_uas(r, index, leg->uas, leg)) ||
		    (leg->refusal && !read_refusal(r, index, leg->refusal)) ||
		    !read_forks(r, index, leg))
			return false;
	}
	return in->invite ? reading_invite(r, in->invite) : reading_best(r, in->best);
}
