/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/record/call_read.h"

bool reading_sdp_text(struct reading *r, struct text *out, const ProtobufCBinaryData *in)
{
	return reading_text(r, out, in, HOST_SDP_MAX, "SDP: too long");
}

/* before: what the leg had in force, where it may say that again. */
static bool read_sdp(struct reading *r, struct leg_sdp *out, const Tandem__Call__Sdp *in,
		     const Tandem__Call__Sdp *before)
{
	if (!in)
		return true;
	out->theirs = in->theirs;
	out->by_18x = in->by_18x;
	return reading_again(r, &out->remote, &in->remote, in->remote_again,
			     before ? &before->remote : NULL) &&
	       reading_again(r, &out->local, &in->local, in->local_again,
			     before ? &before->local : NULL);
}

static bool read_offerer(struct reading *r, uint32_t offerer)
{
	if (offerer >= LEG_NONE || !bridge_has(r->c, (uint8_t)offerer))
		return reading_wrong(r, "call: offerer");
	r->c->bridge.offerer = (uint8_t)offerer;
	return true;
}

bool reading_sdps(struct reading *r, const Tandem__Call__Call *in)
{
	if (in->format <= FORMAT_CARRIED)
		return reading_exchanges(r, in);
	for (size_t i = 0; i < in->n_legs; i++) {
		const Tandem__Call__Leg *leg = in->legs[i];
		struct leg *l = r->c->legs[leg->index ? leg->index : i];

		if (!read_sdp(r, &l->sdp, leg->sdp, NULL) ||
		    !read_sdp(r, &l->open, leg->open, leg->sdp))
			return false;
	}
	return read_offerer(r, in->offerer);
}
