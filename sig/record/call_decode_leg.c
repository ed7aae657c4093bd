/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "sig/call/invite.h"
#include "sig/call/session.h"
#include "sig/dialog/dialog.h"
#include "sig/host/settings.h"
#include "sig/identity/carried.h"
#include "sig/identity/pidf.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/early.h"
#include "sig/leg/leg.h"
#include "sig/leg/session_timer.h"
#include "sig/model/call.h"
#include "sig/model/leg.h"
#include "sig/record/call_codec.h"
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

/* Formats 0 and 1: what the offerer and the answerer said and were told, and that of an open INVITE with the leg that was asked. */

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

static_assert((int)TANDEM__CALL__LEG_STATE__CLOSED == (int)LEG_CLOSED, "as in the record");

enum { INTERVAL_MAX_S = 86400 };

static bool read_birth(struct reading *r, uint8_t leg, struct dialog *d,
		       const Tandem__Call__Dialog *in)
{
	if (!in->born_call)
		return true;
	if (id_shard(in->born_call) != r->h->settings->number || in->born_leg > ID_LEG_MAX ||
	    (in->born_call == r->c->id && in->born_leg == leg))
		return reading_wrong(r, "dialog: where it was born");
	d->tag.call = in->born_call;
	d->tag.leg = (uint8_t)in->born_leg;
	return !elsewhere_set(NULL, d, r->c->id, leg) || reading_wrong(r, "out of memory");
}

bool reading_dialog(struct reading *r, uint8_t leg, struct dialog *d,
		    const Tandem__Call__Dialog *in)
{
	if (!in)
		return reading_wrong(r, "dialog is missing");
	d->tag.random = in->tag;
	d->named = in->named;
	d->confers = in->confers;
	if (!read_birth(r, leg, d, in))
		return false;
	d->local_cseq = in->local_cseq;
	d->remote_cseq = in->remote_cseq;
	if (d->local_cseq > INT32_MAX || d->remote_cseq > INT32_MAX)
		return reading_wrong(r, "dialog: CSeq");
	return reading_line(r, &d->call_id, &in->call_id, DIALOG_TEXT_MAX, "dialog: Call-ID") &&
	       reading_line(r, &d->remote_tag, &in->remote_tag, DIALOG_TEXT_MAX, "dialog: tag") &&
	       reading_line(r, &d->local, &in->local, DIALOG_TEXT_MAX, "dialog: local") &&
	       reading_line(r, &d->remote, &in->remote, DIALOG_TEXT_MAX, "dialog: remote") &&
	       reading_line(r, &d->target, &in->target, DIALOG_TEXT_MAX, "dialog: target") &&
	       reading_line(r, &d->routes, &in->routes, DIALOG_ROUTES_MAX, "dialog: routes") &&
	       reading_hop(r, leg, &d->hop, in->hop);
}

static bool read_challenge(struct reading *r, struct dialog_challenges *to,
			   const Tandem__Call__Challenge *in)
{
	struct dialog_challenge *out = &to->of[in->proxy ? 1 : 0];

	if (out->nonce.n || !in->nonce.len || in->algorithm >= DIGEST_ALGORITHMS ||
	    in->qop > DIGEST_QOP_AUTH_INT || in->count > INT32_MAX)
		return reading_wrong(r, "dialog: challenge");
	out->algorithm = (enum digest_algorithm)in->algorithm;
	out->qop = (enum digest_qop)in->qop;
	out->session = in->session;
	out->count = in->count;
	out->cnonce = in->cnonce;
	return reading_line(r, &out->nonce, &in->nonce, DIGEST_CLIENT_TEXT_MAX,
			    "dialog: challenge") &&
	       reading_line(r, &out->opaque, &in->opaque, DIGEST_CLIENT_TEXT_MAX,
			    "dialog: challenge");
}

static bool read_challenges(struct reading *r, struct dialog *d, const Tandem__Call__Dialog *in)
{
	if (!in->n_challenges)
		return true;
	d->challenges = calloc(1, sizeof(*d->challenges));
	if (!d->challenges)
		return reading_wrong(r, "out of memory");
	for (size_t i = 0; i < in->n_challenges; i++) {
		if (!read_challenge(r, d->challenges, in->challenges[i]))
			return false;
	}
	return bytes_are_lines(reading_slice(&in->proof))
		       ? reading_text(r, &d->challenges->invite, &in->proof, HOST_EXTRA,
				      "dialog: proof")
		       : reading_wrong(r, "dialog: proof");
}

static bool read_codecs(struct reading *r, struct offer_terms *out, const Tandem__Call__Terms *in)
{
	if (in->n_codecs > OFFER_CODECS_MAX)
		return reading_wrong(r, "terms: codecs");
	for (size_t i = 0; i < in->n_codecs; i++) {
		struct bytes name = bytes_str(in->codecs[i]);

		if (!lex_is_token(name) || bytes_cstr(name, out->codecs[i], OFFER_CODEC_NAME_MAX))
			return reading_wrong(r, "terms: codecs");
	}
	out->codec_count = (uint8_t)in->n_codecs;
	return true;
}

static bool leg_read_terms(struct reading *r, struct leg *l, const Tandem__Call__Terms *in)
{
	struct offer_terms terms = { 0 };

	if (!in)
		return true;
	if (in->ptime_g711 > UINT8_MAX || in->ptime_g729 > UINT8_MAX)
		return reading_wrong(r, "terms: ptime");
	terms.ptime_g711 = (uint8_t)in->ptime_g711;
	terms.ptime_g729 = (uint8_t)in->ptime_g729;
	if (in->no_events > OFFER_DIGITS_TONES)
		return reading_wrong(r, "terms: no_events");
	terms.digits = (uint8_t)in->no_events;
	terms.no_video = in->no_video;
	terms.video_kbps = in->video_kbps;
	terms.sdes_offer = in->sdes_offer;
	terms.sdes_accept = in->sdes_accept;
	terms.sdes_only = in->sdes_only;
	terms.dtls_offer = in->dtls_offer;
	terms.dtls_accept = in->dtls_accept;
	terms.dtls_only = in->dtls_only;
	terms.video_codecs = (uint8_t)(in->video_codecs & OFFER_VIDEO_ALL);
	terms.media_elsewhere = in->media_elsewhere;
	terms.lines = (uint8_t)(in->lines & OFFER_LINES_ALL);
	terms.transcode = in->transcode;
	if (!read_codecs(r, &terms, in))
		return false;
	return !leg_set_terms(l, &terms) || reading_wrong(r, "out of memory");
}

static bool read_timer(struct reading *r, struct session_timer *out,
		       const Tandem__Call__SessionTimer *in)
{
	if (!in)
		return true;
	if (in->interval_s < SESSION_EXPIRES_MIN_S || in->interval_s > INTERVAL_MAX_S ||
	    in->min_s > INTERVAL_MAX_S)
		return reading_wrong(r, "leg: session timer");
	out->interval_s = in->interval_s;
	out->min_s = in->min_s;
	out->agreed = in->agreed;
	out->ours = in->ours;
	out->refresh_ns = reading_deadline(r, in->refresh_utc_ms, INTERVAL_MAX_S * 1000);
	out->expires_ns = reading_deadline(r, in->expires_utc_ms, INTERVAL_MAX_S * 1000);
	return true;
}

/* The bridge is read behind the legs. */
static bool read_user(struct reading *r, uint8_t leg, bool caller, const Tandem__Call__Leg *in)
{
	struct text *user = &r->c->legs[leg]->user;
	const struct text *unsaid = caller ? &r->c->from : &r->c->to; /* call_leg_user */

	if (in->user.len)
		return reading_line(r, user, &in->user, READING_USER_MAX, "leg: user");
	if (in->trunk.len) /* nobody's phone */
		return true;
	return !text_set(user, text_bytes(unsaid)) || reading_wrong(r, "out of memory");
}

/* It is over, or was left before it said anything. */
static bool has_channel(const Tandem__Call__Leg *in)
{
	return in->state != TANDEM__CALL__LEG_STATE__CLOSED &&
	       !(in->outbound && in->leave && in->state == TANDEM__CALL__LEG_STATE__LEAVING);
}

/* Its calls of before a deletion are of that name, too. */
static bool read_trunk(struct reading *r, struct leg *l, const Tandem__Call__Leg *in)
{
	struct trunks *all = r->h->settings->trunks;
	uint16_t trunk;

	if (!in->trunk.len)
		return true;
	if (!reading_line(r, &l->trunk, &in->trunk, TRUNK_NAME_MAX - 1, "leg: trunk"))
		return false;
	l->outbound = in->outbound; /* says which way its channel goes */
	l->dialog.trunk = true;
	trunk = all && has_channel(in) ? trunks_claim(all, r->c->tenant, text_bytes(&l->trunk))
				       : TRUNK_NONE;
	return !leg_set_trunk(all, l, trunk) || reading_wrong(r, "out of memory");
}

static bool read_carried(struct reading *r, struct leg *l, const ProtobufCBinaryData *in)
{
	return reading_text(r, &l->carried, in, CARRIED_MAX, "leg: who calls") &&
	       (carried_is_valid(text_bytes(&l->carried)) || reading_wrong(r, "leg: who calls"));
}

static bool read_pidf(struct reading *r, struct leg *l, const ProtobufCBinaryData *in)
{
	return !in->len ||
	       (reading_text(r, &l->pidf, in, PIDF_MAX, "leg: where it is") &&
		(pidf_is_valid(text_bytes(&l->pidf)) || reading_wrong(r, "leg: where it is")));
}

static bool read_acked(struct reading *r, struct leg *l, const Tandem__Call__Leg *leg,
		       const Tandem__Call__Acked *in)
{
	const ProtobufCBinaryData *answer =
		in->in_force && leg->sdp ? &leg->sdp->local : &in->answer;
	uint64_t until_ns = reading_deadline(r, in->until_utc_ms, TXN_TIMEOUT_MS);

	if (!in->cseq || in->cseq > INT32_MAX || !answer->len || answer->len > HOST_SDP_MAX)
		return reading_wrong(r, "leg: acknowledged");
	return leg_acks_add(l, in->cseq, until_ns, reading_slice(answer)) ||
	       reading_wrong(r, "out of memory");
}

static bool read_acks(struct reading *r, struct leg *l, const Tandem__Call__Leg *in)
{
	bool ok = in->n_acked <= LEG_ACKS_MAX || reading_wrong(r, "leg: acknowledged");

	for (size_t i = 0; ok && i < in->n_acked; i++)
		ok = read_acked(r, l, in, in->acked[i]);
	return ok;
}

static bool record_read_leg(struct reading *r, uint8_t i, bool caller, const Tandem__Call__Leg *in)
{
	struct leg *l = r->c->legs[i];

	if (in->state < 0 || (int)in->state > (int)LEG_CLOSED)
		return reading_wrong(r, "leg: state");
	l->state = (enum leg_state)in->state;
	l->leave = in->leave;
	l->behind_nat = in->behind_nat;
	l->held = in->held;
	l->holds = in->holds;
	l->muted = in->muted;
	l->takes_talk = in->takes_talk;
	l->takes_update = in->takes_update;
	l->no_info = in->no_info;
	l->info_digits = in->info_digits;
	l->record_aware = in->record_aware;
	if (in->record_preference < OFFER_PREFERENCES)
		l->record_preference = (uint8_t)in->record_preference;
	l->session_id = in->session_id;
	l->session_version = in->session_version;
	l->invite_cseq = in->invite_cseq;
	l->invite_late = in->invite_late;
	l->ack_branch = in->ack_branch;
	l->dialog.tag.call = r->c->id;
	l->dialog.tag.leg = i;
	return read_user(r, i, caller, in) && read_trunk(r, l, in) &&
	       read_timer(r, &l->timer, in->timer) && leg_read_terms(r, l, in->terms) &&
	       read_carried(r, l, &in->carried) && read_pidf(r, l, &in->pidf) &&
	       reading_line(r, &l->callback, &in->callback, FORWARD_TARGET_MAX - 1,
			    "leg: callback") &&
	       reading_dialog(r, i, &l->dialog, in->dialog) &&
	       read_challenges(r, &l->dialog, in->dialog) && read_acks(r, l, in);
}

static uint32_t leg_index_of(const Tandem__Call__Call *in, size_t place)
{
	return in->legs[place]->index ? in->legs[place]->index : (uint32_t)place;
}

static bool make_leg(struct reading *r, uint32_t index)
{
	struct call *c = r->c;

	if (index >= LEGS_MAX || index < c->leg_count)
		return reading_wrong(r, "leg: index");
	c->legs[index] = calloc(1, sizeof(struct leg));
	if (!c->legs[index])
		return reading_wrong(r, "out of memory");
	c->leg_count = (uint8_t)(index + 1);
	return true;
}

/* All legs first: what an INVITE says may name any of them. */
bool reading_legs(struct reading *r, const Tandem__Call__Call *in)
{
	if (in->n_legs == 0 || in->n_legs > LEGS_MAX)
		return reading_wrong(r, "call: number of legs");
	r->c->legs = calloc(LEGS_MAX, sizeof(struct leg *));
	if (!r->c->legs)
		return reading_wrong(r, "out of memory");
	for (size_t i = 0; i < in->n_legs; i++) {
		uint32_t index = leg_index_of(in, i);

		if (!make_leg(r, index) ||
		    !record_read_leg(r, (uint8_t)index, index == in->caller, in->legs[i]))
			return false;
	}
	return true;
}

/* A record of format 0 or 1 does not say who was called: all but the first, and the first by command. */
static bool was_called(const Tandem__Call__Call *in, size_t place)
{
	return in->format <= FORMAT_CARRIED ? leg_index_of(in, place) != 0 || in->originated
					    : in->legs[place]->outbound;
}

static bool record_is_leg(const struct call *c, uint32_t leg)
{
	return leg < LEGS_MAX && call_leg(c, (uint8_t)leg);
}

bool reading_bridge(struct reading *r, const Tandem__Call__Call *in)
{
	uint32_t callee = in->callee_place ? in->callee_place - 1 : in->callee ? in->callee : 1;
	struct call *c = r->c;

	for (size_t i = 0; i < in->n_legs; i++)
		c->legs[leg_index_of(in, i)]->outbound = was_called(in, i);
	if (!record_is_leg(c, in->caller))
		return reading_wrong(r, "call: no caller");
	c->bridge.caller = (uint8_t)in->caller;
	if (in->alone || (in->callee == 0 && !in->callee_place && c->leg_count == 1 &&
			  call_caller(c)->outbound)) {
		c->bridge.callee = LEG_NONE; /* nobody else is asked yet */
		return true;
	}
	if (!record_is_leg(c, callee) || callee == in->caller)
		return reading_wrong(r, "call: callee");
	c->bridge.callee = (uint8_t)callee;
	return true;
}
