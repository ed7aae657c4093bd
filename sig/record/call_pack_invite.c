/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/record/call_pack.h"

static Tandem__Call__InviteState invite_state(enum invite_state state)
{
	switch (state) {
	case INVITE_NONE:
		break;
	case INVITE_OPEN:
		return TANDEM__CALL__INVITE_STATE__CALLING;
	case INVITE_ANSWERED:
		return TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED;
	case INVITE_ACCEPTED:
		return TANDEM__CALL__INVITE_STATE__ACCEPTED;
	}
	return TANDEM__CALL__INVITE_STATE__NONE;
}

static Tandem__Call__Best *pack_best(Tandem__Call__Best *out, const struct refusal_kept *best)
{
	if (best->status == 0)
		return NULL;
	tandem__call__best__init(out);
	out->status = best->status;
	out->leg = best->leg;
	out->cause = best->cause;
	out->extra = packing_text(&best->extra);
	return out;
}

void packing_invite(const struct shard_settings *settings, struct packing *p,
		    const struct invite *inv, const struct call_seed *seed)
{
	Tandem__Call__Invite *out = &p->invite;

	tandem__call__invite__init(out);
	out->state = invite_state(inv->state);
	out->from = inv->from;
	out->again = inv->again;
	out->late = inv->late;
	out->own = inv->own;
	out->wakes = inv->wakes;
	out->provisional = inv->provisional;
	out->server_cseq = inv->server_cseq;
	out->early = inv->early;
	out->max_forwards = inv->max_forwards + 1;
	out->best = pack_best(&p->best, &inv->best);
	out->answer = packing_text(&inv->answer);
	if (seed->request.n) {
		out->request = packing_text(&seed->request);
		packing_hop(settings, &p->source, &seed->source, p->source_text);
		out->source = &p->source;
	}
	p->call.invite = out;
}
