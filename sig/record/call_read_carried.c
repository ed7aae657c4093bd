/* SPDX-License-Identifier: Apache-2.0 */
/* Formats 0 and 1: one INVITE of the call, carried from one leg to the others; or, where nobody had asked, our own. */
#include "sig/leg/leg.h"
#include "sig/record/call_read.h"

/* A record of two legs: what the asked one had of the INVITE stood in it. */
static bool read_two_legs(struct reading *r, const Tandem__Call__Invite *in)
{
	uint8_t asked = bridge_peer(r->c, (uint8_t)in->from);
	struct leg *l = call_leg(r->c, asked);

	if (!l || l->uac || (in->sent.len == 0 && (!in->media || in->media->offer_out.len == 0)))
		return true;
	if (leg_invite(l, (uint8_t)in->from))
		return reading_wrong(r, "out of memory");
	l->uac->branch = in->branch;
	l->uac->state = UAC_ANSWERED;
	if (in->state < TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED &&
	    !reading_uac_state(r, &l->uac->state, in->state))
		return false;
	return reading_sent(r, asked, &(struct reading_tailed){ .head = in->sent }, in->sent_to);
}

/* All that are asked are asked for the same leg. */
static void note_from(struct call *c, const Tandem__Call__Invite *in)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->uac) {
			c->legs[i]->uac->from = (uint8_t)in->from;
			c->legs[i]->uac->late = in->late;
		}
	}
}

static Tandem__Call__InviteState state_of(const Tandem__Call__Invite *in)
{
	return in->state >= TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED
		       ? in->state
		       : TANDEM__CALL__INVITE_STATE__CALLING;
}

bool reading_invite(struct reading *r, const Tandem__Call__Invite *in)
{
	const Tandem__Call__Uas uas = {
		.state = state_of(in),
		.late = in->late,
		.wakes = in->wakes,
		.early = in->early,
		.provisional = in->provisional,
		.max_forwards = in->max_forwards,
		.cseq = in->server_cseq,
		.answer = in->answer,
		.request = in->request,
		.source = in->source,
	};

	if (in->state <= TANDEM__CALL__INVITE_STATE__NONE ||
	    in->state > TANDEM__CALL__INVITE_STATE__ACCEPTED)
		return reading_wrong(r, "invite: state");
	if (in->from >= LEGS_MAX || !bridge_has(r->c, (uint8_t)in->from))
		return reading_wrong(r, "invite: numbers");
	if (!read_two_legs(r, in) || !reading_best(r, in->best))
		return false;
	note_from(r->c, in);
	return in->own || reading_uas(r, (uint8_t)in->from, &uas, NULL);
}
