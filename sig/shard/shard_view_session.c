/* SPDX-License-Identifier: Apache-2.0 */
/* What others may see of the session between us and a party: the dialog and the SDP in force, keys included. */
#include "sig/shard/shard_state.h"

bool shard_call_session(const struct shard *s, uint64_t call, uint8_t leg, struct call_session *out)
{
	const struct call *c = shard_call_find(s, call);
	const struct leg *l = c && bridge_has(c, leg) ? call_leg(c, leg) : NULL;

	if (!l)
		return false;
	*out = (struct call_session){ .call_id = text_bytes(&l->dialog.call_id),
				      .local = text_bytes(&l->dialog.local),
				      .remote = text_bytes(&l->dialog.remote),
				      .remote_tag = text_bytes(&l->dialog.remote_tag),
				      .target = text_bytes(&l->dialog.target),
				      .remote_sdp = text_bytes(&l->sdp.remote),
				      .local_sdp = text_bytes(&l->sdp.local),
				      .hop = l->dialog.hop,
				      .asked = l->called };
	id_tag_put(out->local_tag, &l->dialog.tag);
	return out->remote_sdp.n && out->local_sdp.n;
}
