/* SPDX-License-Identifier: Apache-2.0 */
/* Formats 0 and 1: what the offerer and the answerer said and were told, and that of an open INVITE with the leg that was asked. */
#include "sig/call/invite.h"
#include "sig/call/session.h"
#include "sig/record/call_read.h"

static bool exchange_is_text(const ProtobufCBinaryData *in)
{
	return in->len != 0;
}

static bool read_pair(struct reading *r, struct leg_sdp *out, const ProtobufCBinaryData *heard,
		      const ProtobufCBinaryData *said)
{
	return reading_sdp_text(r, &out->remote, heard) && reading_sdp_text(r, &out->local, said);
}

static uint8_t line_index_of(const Tandem__Call__Call *in, size_t place)
{
	return (uint8_t)(in->legs[place]->index ? in->legs[place]->index : place);
}

static bool is_exchange(struct reading *r, const Tandem__Call__Exchange *in)
{
	if (!in)
		return reading_wrong(r, "exchange is missing");
	return (in->offerer < LEGS_MAX && call_leg(r->c, (uint8_t)in->offerer)) ||
	       reading_wrong(r, "exchange: offerer");
}

/* What was told to somebody for whom the node had asked by itself was not said: the leg has what was. */
static bool read_local(struct reading *r, const Tandem__Call__Call *in)
{
	for (size_t i = 0; i < in->n_legs; i++) {
		uint8_t leg = line_index_of(in, i);

		if (exchange_is_text(&in->legs[i]->local) && session_local_sdp(r->c, leg).n == 0 &&
		    !reading_sdp_text(r, &r->c->legs[leg]->sdp.local, &in->legs[i]->local))
			return false;
	}
	return true;
}

static bool read_agreed(struct reading *r, const Tandem__Call__Call *in)
{
	const Tandem__Call__Exchange *x = in->media;
	struct call *c = r->c;
	struct leg_sdp *offerer, *answerer;

	if (!is_exchange(r, x))
		return false;
	if (!bridge_has(c, (uint8_t)x->offerer))
		return reading_wrong(r, "exchange: offerer");
	c->bridge.offerer = (uint8_t)x->offerer;
	if (c->bridge.callee == LEG_NONE)
		return true;
	offerer = &c->legs[c->bridge.offerer]->sdp;
	answerer = &c->legs[bridge_peer(c, c->bridge.offerer)]->sdp;
	offerer->theirs = exchange_is_text(&x->offer_in);
	return read_pair(r, offerer, &x->offer_in, &x->answer_out) &&
	       read_pair(r, answerer, &x->answer_in, &x->offer_out) && read_local(r, in);
}

/* The asker was told what this leg answered. */
static bool exchange_is_carried(const struct call *c, uint8_t leg)
{
	const struct leg *from = c->legs[c->legs[leg]->uac->from];

	return bridge_has(c, leg) || (leg == invite_carried(c, leg)->early && !from->open.local.n);
}

static bool read_open(struct reading *r, uint8_t leg, const Tandem__Call__Exchange *x)
{
	const struct invite_uac *uac = r->c->legs[leg]->uac;
	struct leg_sdp *open = &r->c->legs[leg]->open, *from = &r->c->legs[uac->from]->open;

	if (!is_exchange(r, x))
		return false;
	if (uac->late) {
		open->theirs = exchange_is_text(&x->offer_in);
		return read_pair(r, open, &x->offer_in, &x->answer_out) &&
		       (!open->theirs || read_pair(r, from, &x->answer_in, &x->offer_out));
	}
	if (!read_pair(r, open, &x->answer_in, &x->offer_out))
		return false;
	return !invite_carried(r->c, leg) || !exchange_is_text(&x->answer_out) ||
	       !exchange_is_carried(r->c, leg) || reading_sdp_text(r, &from->local, &x->answer_out);
}

/* A call by command: the offer for the others is A's answer. */
static bool read_offer(struct reading *r, const Tandem__Call__Invite *in)
{
	struct leg *l = r->c->legs[in->from];

	if (!in->media)
		return reading_wrong(r, "exchange is missing");
	if (in->late || (in->own && (in->again || l->uac)))
		return true;
	if (in->own)
		return reading_sdp_text(r, &l->sdp.remote, &in->media->offer_in);
	l->open.theirs = true;
	return reading_sdp_text(r, &l->open.remote, &in->media->offer_in);
}

bool reading_exchanges(struct reading *r, const Tandem__Call__Call *in)
{
	if (!read_agreed(r, in))
		return false;
	if (!in->invite)
		return true;
	for (size_t i = 0; i < in->n_legs; i++) {
		uint8_t leg = line_index_of(in, i);
		const Tandem__Call__Asked *asked = in->legs[i]->asked;

		if (r->c->legs[leg]->uac &&
		    !read_open(r, leg, asked ? asked->media : in->invite->media))
			return false;
	}
	return read_offer(r, in->invite);
}
