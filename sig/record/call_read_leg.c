/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "sig/identity/carried.h"
#include "sig/identity/pidf.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/leg.h"
#include "sig/leg/session_timer.h"
#include "sig/model/call.h"
#include "sig/model/leg.h"
#include "sig/record/call_read.h"
#include "sig/sip/lex.h"

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
	       !(in->called && in->leave && in->state == TANDEM__CALL__LEG_STATE__LEAVING);
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
	l->called = in->called; /* says which way its channel goes */
	l->dialog.trunk = true;
	trunk = all && has_channel(in) ? trunks_claim(all, r->c->tenant, text_bytes(&l->trunk))
				       : TRUNK_NONE;
	return !leg_set_trunk(all, l, trunk) || reading_wrong(r, "out of memory");
}

/* Of a party that nobody was with for so long: what it pressed is forgotten. */
enum { DIGITS_OLD_MS = 30000 };

static bool digits_fit(const Tandem__Call__Digits *in)
{
	if (!in->list.len || in->list.len >= CALL_CODE_LEN || in->peer >= LEGS_MAX)
		return false;
	for (size_t i = 0; i < in->list.len; i++) {
		if (!in->list.data[i] || !strchr("0123456789*#", in->list.data[i]))
			return false;
	}
	return true;
}

/* How long each was pressed is not there. */
static bool read_digits(struct reading *r, struct leg *l, const Tandem__Call__Digits *in)
{
	const uint64_t now_ms = r->h->now.utc_ms;

	if (!in)
		return true;
	if (!digits_fit(in))
		return reading_wrong(r, "leg: keys");
	if (reading_time(r, in->until_utc_ms) + DIGITS_OLD_MS < now_ms)
		return true;
	l->code_digits = calloc(1, sizeof(*l->code_digits));
	if (!l->code_digits)
		return reading_wrong(r, "out of memory");
	l->code_digits->peer = (uint8_t)in->peer;
	l->code_digits->count = (uint8_t)in->list.len;
	for (size_t i = 0; i < in->list.len; i++) {
		l->code_digits->list[i] = (char)in->list.data[i];
		l->code_digits->duration_ms[i] = DTMF_DURATION_MS;
	}
	return true;
}

static bool read_account(struct reading *r, struct leg *l, const Tandem__Call__AccountDigits *in)
{
	struct bytes list = in ? bytes_mem(in->list.data, in->list.len) : (struct bytes){ 0 };

	if (!in)
		return true;
	if (list.n >= ACCOUNT_DIGITS_MAX || !account_digits_are_good(list))
		return reading_wrong(r, "leg: account code");
	if (reading_time(r, in->until_utc_ms) + DIGITS_OLD_MS < r->h->now.utc_ms)
		return true;
	l->account = calloc(1, sizeof(*l->account));
	if (!l->account)
		return reading_wrong(r, "out of memory");
	l->account->count = (uint8_t)list.n;
	if (list.n)
		memcpy(l->account->list, list.p, list.n);
	return true;
}

static bool read_toll(struct reading *r, struct leg_toll *t, const Tandem__Call__Toll *in)
{
	if (!in)
		return true;
	t->counted = true;
	t->answer_utc_ms = reading_time(r, in->answer_utc_ms);
	return reading_line(r, &t->user, &in->user, TOLL_USER_MAX - 1, "leg: charged");
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
	       read_toll(r, &l->toll, in->toll) && read_timer(r, &l->timer, in->timer) &&
	       leg_read_terms(r, l, in->terms) && read_carried(r, l, &in->carried) &&
	       read_pidf(r, l, &in->pidf) && read_digits(r, l, in->digits) &&
	       read_account(r, l, in->account) &&
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
					    : in->legs[place]->called;
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
		c->legs[leg_index_of(in, i)]->called = was_called(in, i);
	if (!record_is_leg(c, in->caller))
		return reading_wrong(r, "call: no caller");
	c->bridge.caller = (uint8_t)in->caller;
	if (in->alone ||
	    (in->callee == 0 && !in->callee_place && c->leg_count == 1 && call_caller(c)->called)) {
		c->bridge.callee = LEG_NONE; /* nobody else is asked yet */
		return true;
	}
	if (!record_is_leg(c, callee) || callee == in->caller)
		return reading_wrong(r, "call: callee");
	c->bridge.callee = (uint8_t)callee;
	return true;
}
