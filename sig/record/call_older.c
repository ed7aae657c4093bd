/* SPDX-License-Identifier: Apache-2.0 */
/* Records of formats 0 and 1: one INVITE of the call, relayed from one leg to the others; or our
 * own, without a caller. */
#include "sig/call.pb-c.h"
#include "sig/call/invite.h"
#include "sig/call/session.h"
#include "sig/leg/leg.h"
#include "sig/record/call_codec.h"

static bool read_text(struct schema_reader *r, struct text *out, const ProtobufCBinaryData *in,
		      size_t max, const char *reason)
{
	if (in->len > max)
		return schema_wrong(r, reason);
	return !text_set(out, bytes_mem(in->data, in->len)) || schema_wrong(r, "out of memory");
}

static bool read_message(struct schema_reader *r, struct text *out, const ProtobufCBinaryData *in,
			 const char *reason)
{
	return read_text(r, out, in, MESSAGE_MAX, reason);
}

static bool read_sdp_text(struct schema_reader *r, struct text *out, const ProtobufCBinaryData *in)
{
	return read_text(r, out, in, HOST_SDP_MAX, "SDP: too long");
}

static bool read_best(struct schema_reader *r, const Tandem__Call__Best *in)
{
	struct refusal_kept *out = &loader_of(r)->c->best;

	if (!in)
		return true;
	if (in->status < 300 || in->status > 699 || in->cause >= CALL_CAUSE_COUNT ||
	    in->leg >= LEGS_MAX || in->leg == loader_of(r)->c->bridge.caller ||
	    !call_leg(loader_of(r)->c, (uint8_t)in->leg))
		return schema_wrong(r, "invite: best");
	out->status = (uint16_t)in->status;
	out->leg = (uint8_t)in->leg;
	out->cause = (enum call_cause)in->cause;
	return read_text(r, &out->extra, &in->extra, HOST_EXTRA, "invite: best");
}

static bool older_hop(struct schema_reader *r, uint8_t leg, struct sip_hop *out,
		      const Tandem__Call__Hop *in)
{
	uint8_t octets[512];

	if (!in || tandem__call__hop__get_packed_size(in) > sizeof(octets))
		return schema_wrong(r, "hop: unknown transport");
	if (!schema_read(r, saved_hop_rows, out,
			 bytes_mem(octets, tandem__call__hop__pack(in, octets)), SCHEMA_SOME) ||
	    !saved_hop_check(r, out))
		return false;
	saved_hop_find(loader_of(r), leg, out);
	return true;
}

/* A record of two legs: what the asked one had of the INVITE stood in it. */
static bool read_two_legs(struct schema_reader *r, struct call_seed *seed,
			  const Tandem__Call__Invite *in)
{
	uint8_t asked = bridge_peer(loader_of(r)->c, (uint8_t)in->from);
	struct leg *l = call_leg(loader_of(r)->c, asked);

	if (!l || l->uac || (in->sent.len == 0 && (!in->media || in->media->offer_out.len == 0)))
		return true;
	if (leg_invite(l, (uint8_t)in->from))
		return schema_wrong(r, "out of memory");
	l->uac->branch = in->branch;
	l->uac->state = UAC_ANSWERED;
	if (in->state < TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED)
		l->uac->state = (enum uac_state)(in->state - TANDEM__CALL__INVITE_STATE__QUEUED);
	return read_message(r, &seed->sent[asked], &in->sent, "asked: too long") &&
	       (in->sent.len == 0 || older_hop(r, asked, &seed->sent_to[asked], in->sent_to));
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

static bool read_asker_texts(struct schema_reader *r, struct call_seed *seed, uint8_t leg,
			     const Tandem__Call__Invite *in)
{
	return read_message(r, &loader_of(r)->c->legs[leg]->uas->answer, &in->answer,
			    "invite: too long") &&
	       read_message(r, &seed->request[leg], &in->request, "invite: too long") &&
	       ((in->request.len == 0 && !in->source) ||
		older_hop(r, leg, &seed->source[leg], in->source));
}

/* The one who asked. */
static bool read_asker(struct schema_reader *r, struct call_seed *seed, uint8_t leg,
		       const Tandem__Call__Invite *in)
{
	const struct sip_message asked = { .cseq = in->server_cseq,
					   .max_forwards = in->max_forwards - 1 };
	struct leg *l = loader_of(r)->c->legs[leg];

	if (in->provisional >= 200 || in->server_cseq > INT32_MAX || in->early >= LEGS_MAX ||
	    in->max_forwards < 0 || in->max_forwards > 256)
		return schema_wrong(r, "invite: numbers");
	if (leg_on_invite(l, &asked, 0))
		return schema_wrong(r, "out of memory");
	l->uas->late = in->late;
	l->uas->wakes = in->wakes;
	l->uas->early = (uint8_t)in->early;
	l->uas->provisional = (uint16_t)in->provisional;
	return uas_state_of(state_of(in), &l->uas->state) && read_asker_texts(r, seed, leg, in);
}

static bool read_invite(struct schema_reader *r, struct call_seed *seed,
			const Tandem__Call__Invite *in)
{
	if (in->state <= TANDEM__CALL__INVITE_STATE__NONE ||
	    in->state > TANDEM__CALL__INVITE_STATE__ACCEPTED)
		return schema_wrong(r, "invite: state");
	if (in->from >= LEGS_MAX || !bridge_has(loader_of(r)->c, (uint8_t)in->from))
		return schema_wrong(r, "invite: numbers");
	if (!read_two_legs(r, seed, in) || !read_best(r, in->best))
		return false;
	note_from(loader_of(r)->c, in);
	return in->own || read_asker(r, seed, (uint8_t)in->from, in);
}

/* ---- SDP of offerer and answerer, and that of an open INVITE to the callee's leg ---- */

static bool exchange_is_text(const ProtobufCBinaryData *in)
{
	return in->len != 0;
}

static bool read_pair(struct schema_reader *r, struct leg_sdp *out,
		      const ProtobufCBinaryData *heard, const ProtobufCBinaryData *said)
{
	return read_sdp_text(r, &out->remote, heard) && read_sdp_text(r, &out->local, said);
}

static uint8_t line_index_of(const Tandem__Call__Call *in, size_t place)
{
	return (uint8_t)(in->legs[place]->index ? in->legs[place]->index : place);
}

static bool is_exchange(struct schema_reader *r, const Tandem__Call__Exchange *in)
{
	if (!in)
		return schema_wrong(r, "exchange is missing");
	return (in->offerer < LEGS_MAX && call_leg(loader_of(r)->c, (uint8_t)in->offerer)) ||
	       schema_wrong(r, "exchange: offerer");
}

/* The SDP for a party that the node acted for by itself was not sent: the leg has the one that
 * was. */
static bool read_local(struct schema_reader *r, const Tandem__Call__Call *in)
{
	for (size_t i = 0; i < in->n_legs; i++) {
		uint8_t leg = line_index_of(in, i);

		if (exchange_is_text(&in->legs[i]->local) &&
		    session_local_sdp(loader_of(r)->c, leg).n == 0 &&
		    !read_sdp_text(r, &loader_of(r)->c->legs[leg]->sdp.local, &in->legs[i]->local))
			return false;
	}
	return true;
}

static bool read_agreed(struct schema_reader *r, const Tandem__Call__Call *in)
{
	const Tandem__Call__Exchange *x = in->media;
	struct call *c = loader_of(r)->c;
	struct leg_sdp *offerer, *answerer;

	if (!is_exchange(r, x))
		return false;
	if (!bridge_has(c, (uint8_t)x->offerer))
		return schema_wrong(r, "exchange: offerer");
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

static bool read_open(struct schema_reader *r, uint8_t leg, const Tandem__Call__Exchange *x)
{
	const struct invite_uac *uac = loader_of(r)->c->legs[leg]->uac;
	struct leg_sdp *open = &loader_of(r)->c->legs[leg]->open,
		       *from = &loader_of(r)->c->legs[uac->from]->open;

	if (!is_exchange(r, x))
		return false;
	if (uac->late) {
		open->theirs = exchange_is_text(&x->offer_in);
		return read_pair(r, open, &x->offer_in, &x->answer_out) &&
		       (!open->theirs || read_pair(r, from, &x->answer_in, &x->offer_out));
	}
	if (!read_pair(r, open, &x->answer_in, &x->offer_out))
		return false;
	return !invite_carried(loader_of(r)->c, leg) || !exchange_is_text(&x->answer_out) ||
	       !exchange_is_carried(loader_of(r)->c, leg) ||
	       read_sdp_text(r, &from->local, &x->answer_out);
}

/* A call by command: the offer for the others is A's answer. */
static bool read_offer(struct schema_reader *r, const Tandem__Call__Invite *in)
{
	struct leg *l = loader_of(r)->c->legs[in->from];

	if (!in->media)
		return schema_wrong(r, "exchange is missing");
	if (in->late || (in->own && (in->again || l->uac)))
		return true;
	if (in->own)
		return read_sdp_text(r, &l->sdp.remote, &in->media->offer_in);
	l->open.theirs = true;
	return read_sdp_text(r, &l->open.remote, &in->media->offer_in);
}

static bool read_exchanges(struct schema_reader *r, const Tandem__Call__Call *in)
{
	if (!read_agreed(r, in))
		return false;
	if (!in->invite)
		return true;
	for (size_t i = 0; i < in->n_legs; i++) {
		uint8_t leg = line_index_of(in, i);
		const Tandem__Call__Asked *asked = in->legs[i]->asked;

		if (loader_of(r)->c->legs[leg]->uac &&
		    !read_open(r, leg, asked ? asked->media : in->invite->media))
			return false;
	}
	return read_offer(r, in->invite);
}

bool call_read_older(struct schema_reader *r, struct call_seed *seed, struct bytes record)
{
	Tandem__Call__Call *in = tandem__call__call__unpack(NULL, record.n, record.p);
	bool ok = in && (!in->invite || read_invite(r, seed, in->invite)) && read_exchanges(r, in);

	tandem__call__call__free_unpacked(in, NULL);
	return ok || schema_wrong(r, "not a call record");
}
