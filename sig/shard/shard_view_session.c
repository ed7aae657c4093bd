/* SPDX-License-Identifier: Apache-2.0 */
/* What others may see of the session between us and a party: the dialog and the SDP in force, keys included. */
#include "sig/shard/shard_state.h"

static void texts_read(const struct call *c, uint8_t leg, struct call_session *out)
{
	const struct exchange *x = &c->media;
	bool offered = x->offerer == leg;

	out->heard = text_bytes(offered ? &x->offer_in : &x->answer_in);
	out->told = text_bytes(offered ? &x->answer_out : &x->offer_out);
}

bool shard_call_session(const struct shard *s, uint64_t call, uint8_t leg, struct call_session *out)
{
	const struct call *c = shard_call_find(s, call);
	const struct leg *l = c && (leg == LEG_A || leg == c->partner) ? call_leg(c, leg) : NULL;

	if (!l)
		return false;
	*out = (struct call_session){ .call_id = text_bytes(&l->dialog.call_id),
				      .local = text_bytes(&l->dialog.local),
				      .remote = text_bytes(&l->dialog.remote),
				      .remote_tag = text_bytes(&l->dialog.remote_tag),
				      .target = text_bytes(&l->dialog.target),
				      .hop = l->dialog.hop,
				      .asked = leg != LEG_A || c->originated };
	id_tag_put(out->local_tag, &l->dialog.tag);
	texts_read(c, leg, out);
	return out->heard.n && out->told.n;
}
