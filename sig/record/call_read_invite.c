/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/leg.h"
#include "sig/record/call_read.h"

static bool read_best(struct reading *r, struct refusal_kept *out, const Tandem__Call__Best *in)
{
	if (!in)
		return true;
	if (in->status < 300 || in->status > 699 || in->cause >= CALL_CAUSE_COUNT ||
	    in->leg >= LEGS_MAX || in->leg == LEG_A || !call_leg(r->c, (uint8_t)in->leg))
		return reading_wrong(r, "invite: best");
	out->status = (uint16_t)in->status;
	out->leg = (uint8_t)in->leg;
	out->cause = (enum call_cause)in->cause;
	return reading_text(r, &out->extra, &in->extra, HOST_EXTRA, "invite: best");
}

/* A record of two legs: what the asked one had of the INVITE stood in it. */
static bool read_two_legs(struct reading *r, const Tandem__Call__Invite *in)
{
	struct invite *inv = &r->c->invite;
	struct leg *l = r->c->legs[leg_other(r->c, inv->from)];

	if (l->uac || (in->sent.len == 0 && (!in->media || in->media->offer_out.len == 0)))
		return true;
	if (leg_ask(l))
		return reading_wrong(r, "out of memory");
	l->uac->branch = in->branch;
	l->uac->state = UAC_ANSWERED;
	if (in->state < TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED &&
	    !reading_uac_state(r, &l->uac->state, in->state))
		return false;
	return reading_sent(r, leg_other(r->c, inv->from), &in->sent, in->sent_to);
}

static bool read_seed(struct reading *r, const Tandem__Call__Invite *in)
{
	struct call_seed *seed = r->seed;

	if (!reading_text(r, &seed->request, &in->request, READING_MESSAGE_MAX, "invite: too long"))
		return false;
	return seed->request.n == 0 || reading_hop(r, r->c->invite.from, &seed->source, in->source);
}

static enum invite_state read_invite_state(Tandem__Call__InviteState state)
{
	if (state == TANDEM__CALL__INVITE_STATE__ACCEPTED)
		return INVITE_ACCEPTED;
	return state == TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED ? INVITE_ANSWERED : INVITE_OPEN;
}

bool reading_invite(struct reading *r, const Tandem__Call__Invite *in)
{
	struct invite *inv = &r->c->invite;

	if (!in)
		return true;
	if (in->state <= TANDEM__CALL__INVITE_STATE__NONE ||
	    in->state > TANDEM__CALL__INVITE_STATE__ACCEPTED)
		return reading_wrong(r, "invite: state");
	if ((in->from != LEG_A && in->from != r->c->partner) || in->provisional >= 200 ||
	    in->server_cseq > INT32_MAX || in->early >= LEGS_MAX || in->max_forwards < 0 ||
	    in->max_forwards > 256)
		return reading_wrong(r, "invite: numbers");
	inv->state = read_invite_state(in->state);
	inv->from = (uint8_t)in->from;
	inv->early = (uint8_t)in->early;
	inv->again = in->again;
	inv->own = in->own;
	inv->wakes = in->wakes;
	inv->late = in->late;
	inv->provisional = (uint16_t)in->provisional;
	inv->max_forwards = in->max_forwards - 1;
	inv->server_cseq = in->server_cseq;
	return read_two_legs(r, in) && read_best(r, &inv->best, in->best) &&
	       reading_text(r, &inv->answer, &in->answer, READING_MESSAGE_MAX,
			    "invite: too long") &&
	       read_seed(r, in);
}
