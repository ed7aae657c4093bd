/* SPDX-License-Identifier: Apache-2.0 */
/* Each field of a record was within its bounds; here they must make a call. */
#include "sig/record/call_codec.h"

#include <string.h>

#include "sig/call/cdr.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/wait.h"
#include "sig/leg/leg.h"
#include "sig/model/transfer.h"
#include "sig/sip/lex.h"

static const char *check_routes(const struct dialog *d)
{
	struct bytes rest = text_bytes(&d->routes);
	struct bytes element;
	struct sip_name_addr a;

	while (lex_element(&rest, &element)) {
		if (sip_name_addr_parse(&a, element))
			return "dialog: routes";
	}
	return NULL;
}

static const char *check_dialog(const struct dialog *d)
{
	struct sip_name_addr a;
	struct sip_uri uri;

	if (d->call_id.n == 0 || bytes_find(text_bytes(&d->call_id), ' ') < d->call_id.n)
		return "dialog: Call-ID";
	if (d->remote_tag.n && !lex_is_token(text_bytes(&d->remote_tag)))
		return "dialog: tag";
	if (sip_name_addr_parse(&a, text_bytes(&d->local)) || a.params.n)
		return "dialog: local";
	if (sip_name_addr_parse(&a, text_bytes(&d->remote)) || a.params.n)
		return "dialog: remote";
	if (sip_uri_parse(&uri, text_bytes(&d->target)))
		return "dialog: target";
	return check_routes(d);
}

/* As we write them: it is sent again unchanged, also over a stream, where a wrong length would take
 * from the next message. */
static bool is_whole_message(struct bytes message, const struct sip_message *m)
{
	const uint8_t *end = memmem(message.p, message.n, "\r\n\r\n", 4);
	struct bytes head, line;

	if (!end || (size_t)(end + 4 - message.p) + m->body.n != message.n ||
	    !message_header(m, "Content-Length", 0, &line))
		return false;
	head = bytes_sub(message, 0, (size_t)(end - message.p) + 2);
	while (bytes_cut(&head, '\n', &line)) {
		if (!line.n || line.p[line.n - 1] != '\r' || line.p[0] == ' ' || line.p[0] == '\t')
			return false;
	}
	return true;
}

static bool parses_as(const struct text *t, bool request, const struct dialog *d,
		      struct sip_message *m)
{
	struct message_error error;

	if (message_parse(m, text_bytes(t), &error)) {
		message_close(m);
		return false;
	}
	if (m->request == request && m->method == SIP_INVITE &&
	    bytes_eq(m->call_id, text_bytes(&d->call_id)))
		return true;
	message_close(m);
	return false;
}

/* The same, written by us. */
static bool parses_as_ours(const struct text *t, bool request, const struct dialog *d,
			   struct sip_message *m)
{
	if (!parses_as(t, request, d, m))
		return false;
	if (is_whole_message(text_bytes(t), m))
		return true;
	message_close(m);
	return false;
}

static const char *check_request(const struct leg *l, const struct text *request)
{
	struct sip_message m;
	bool ok;

	if (!parses_as(request, true, &l->dialog, &m))
		return "invite: request";
	ok = m.cseq == l->uas->cseq && m.has_contact && m.contact.uri.all.n;
	message_close(&m);
	return ok ? NULL : "invite: request";
}

static const char *check_sent(const struct call *c, const struct call_seed *seed, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	struct id_tag want = l->dialog.tag;
	struct sip_message m;
	char branch[ID_BRANCH_LEN];
	bool ok;

	if (!parses_as_ours(&seed->sent[leg], true, &l->dialog, &m))
		return "asked: sent";
	want.random = l->uac->branch;
	id_branch_put(branch, &want);
	ok = bytes_eq(m.via.branch, bytes_mem(branch, sizeof(branch))) && m.cseq == l->invite_cseq;
	message_close(&m);
	return ok ? NULL : "asked: sent";
}

static const char *check_answer(const struct leg *l)
{
	struct sip_message m;
	bool ok;

	if (!parses_as_ours(&l->uas->answer, false, &l->dialog, &m))
		return "invite: answer";
	ok = m.status == 200 && m.cseq == l->uas->cseq;
	message_close(&m);
	return ok ? NULL : "invite: answer";
}

static const char *check_unacknowledged(const struct leg *l)
{
	struct sip_message m;
	bool ok;

	if (l->uas->unacknowledged.n == 0)
		return NULL;
	if (!parses_as_ours(&l->uas->unacknowledged, false, &l->dialog, &m))
		return "invite: unacknowledged";
	ok = m.status == l->uas->provisional && m.cseq == l->uas->cseq && l->uas->rseq;
	message_close(&m);
	return ok ? NULL : "invite: unacknowledged";
}

/* Whether our INVITE to a leg and its state go together. */
static bool uac_fits(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	if (l->state == LEG_LEAVING) /* a branch that is being cancelled */
		return l->outbound && leg_is_open(l);
	if (c->state == CALL_ENDING)
		return false;
	if (c->state == CALL_ESTABLISHED)
		return l->uac->from == (call_is_alone(c) ? leg : bridge_peer(c, leg)) &&
		       l->state == LEG_CONFIRMED;
	if (l->uac->from != c->bridge.caller)
		return false;
	if (leg == c->bridge.caller)
		return l->outbound && l->state == LEG_EARLY && leg_is_open(l);
	if (leg_is_screened(l) && (c->state > CALL_RINGING || leg_is_open(l) || bridge_has(c, leg)))
		return false;
	return leg_is_open(l) ? l->state == LEG_EARLY
			      : l->state == LEG_ANSWERED || l->state == LEG_CONFIRMED;
}

/* Of the party for which we ask: without its INVITE there is an offer of ours. */
static bool asker_fits(const struct call *c, const struct invite_uac *uac)
{
	const struct leg *from = c->legs[uac->from];

	if (from->uas)
		return from->uas->late == uac->late;
	return !uac->late && (c->state == CALL_ESTABLISHED || call_caller_is_up(c));
}

/* The side that made the open offer of the leg: the party's, if it was asked for one, or has
 * offered anew (RFC 3311). */
static bool offerer_fits(const struct leg *l)
{
	if (l->uac->late)
		return l->open.theirs == (l->open.remote.n != 0);
	return !l->open.theirs || (l->open.by_18x && leg_sdp_is_agreed(&l->open));
}

static const char *check_uac(const struct call *c, const struct call_seed *seed, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	if (!l->uac)
		return l->state == LEG_EARLY && !l->uas && c->state != CALL_ENDING ? "leg: state"
										   : NULL;
	if (!uac_fits(c, leg))
		return "asked: state";
	if (l->state != LEG_LEAVING && (!asker_fits(c, l->uac) || !offerer_fits(l)))
		return "asked: offerer";
	if (leg_is_open(l))
		return check_sent(c, seed, leg);
	return seed->sent[leg].n || leg_sdp_offer(&l->open).n == 0 ? "asked: offer" : NULL;
}

/* The leg has an open INVITE for another, or (answered) its answer. */
static bool check_is_carried(const struct call *c, uint8_t leg, bool answered)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && i != leg && l->uac && l->uac->from == leg && leg_is_open(l) != answered)
			return true;
	}
	return false;
}

/* A first INVITE is the caller's; one of an established call comes from either side. */
static bool uas_fits(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	if (c->state == CALL_ESTABLISHED)
		return l->state == LEG_CONFIRMED && bridge_has(c, leg);
	return leg == c->bridge.caller && !l->outbound;
}

static const char *check_uas(const struct call *c, const struct call_seed *seed, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	bool over = c->state == CALL_ENDING && l->state != LEG_ANSWERED;
	bool said = l->uas->state ==
		    UAS_ACCEPTED; /* its transaction may have ended before the ACK came */
	const char *wrong = NULL;

	if (!uas_fits(c, leg))
		return "invite: from";
	if (l->uas->state >= UAS_ANSWERED && c->state != CALL_ENDING && !call_is_alone(c) &&
	    !check_is_carried(c, leg, true))
		return "invite: nobody answered";
	if (l->uas->state == UAS_PROCEEDING && c->state == CALL_ESTABLISHED &&
	    !check_is_carried(c, leg, false))
		return "invite: nobody is asked";
	if (!(over || said) || seed->request[leg].n)
		wrong = check_request(l, &seed->request[leg]);
	if (!wrong && l->uas->state >= UAS_ANSWERED && !over)
		wrong = check_answer(l);
	return wrong ? wrong : check_unacknowledged(l);
}

/* Of an INVITE that is over but for its ACK. */
static const char *check_refusal(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	struct sip_message m;
	bool ok;

	if (!l->refusal)
		return NULL;
	if (c->state != CALL_ENDING || l->state != LEG_CLOSED || l->uas || l->outbound ||
	    !parses_as_ours(&l->refusal->response, false, &l->dialog, &m))
		return "leg: refusal";
	ok = m.status >= 300;
	message_close(&m);
	return ok ? NULL : "leg: refusal";
}

static const char *check_legs(const struct call *c, const struct call_seed *seed)
{
	const char *wrong = NULL;

	for (uint8_t i = 0; i < c->leg_count && !wrong; i++) {
		if (!c->legs[i])
			continue;
		wrong = check_dialog(&c->legs[i]->dialog);
		if (!wrong)
			wrong = check_uac(c, seed, i);
		if (!wrong && c->legs[i]->uas)
			wrong = check_uas(c, seed, i);
		if (!wrong)
			wrong = check_refusal(c, i);
	}
	return wrong;
}

/* A callee that is to confirm by a digit counts as ringing. */
static bool leg_has_state(const struct leg *l, enum leg_state state)
{
	return l && (leg_is_screened(l) ? LEG_EARLY : l->state) == state;
}

static bool has_state(const struct call *c, enum leg_state state)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (i != c->bridge.caller && !transfer_is_of_transferor(c, i) &&
		    leg_has_state(c->legs[i], state))
			return true;
	}
	return false;
}

/* Legs outside the bridge are losing branches, and end. */
static bool others_go(const struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (!bridge_has(c, i) && !transfer_is_of_transferor(c, i) && l &&
		    l->state != LEG_LEAVING && l->state != LEG_CLOSED)
			return false;
	}
	return true;
}

/* A is asked, or has answered and others are asked. */
static const char *check_originating(const struct call *c)
{
	enum leg_state a = call_caller(c)->state;
	bool others = has_state(c, LEG_EARLY);

	if (call_caller(c)->uas || c->ring_ns == 0 || has_state(c, LEG_ANSWERED) ||
	    has_state(c, LEG_CONFIRMED))
		return "call: originating";
	return a == (others ? LEG_CONFIRMED : LEG_EARLY) ? NULL : "call: originating";
}

/* A has answered, and no branch is left. */
static const char *check_parting(const struct call *c)
{
	const struct leg *a = call_caller(c);

	if (c->state >= CALL_ANSWERING || !call_caller_is_up(c) || a->uas || a->uac ||
	    a->state != LEG_CONFIRMED || c->ring_ns || c->cause == CAUSE_NONE ||
	    has_state(c, LEG_EARLY) || has_state(c, LEG_ANSWERED) || has_state(c, LEG_CONFIRMED))
		return "call: parting";
	return NULL;
}

/* It is up, or asks to be answered. */
static bool waiting_caller_is(const struct call *c)
{
	const struct leg *a = call_caller(c);
	bool up = call_caller_is_up(c) && a->state == LEG_CONFIRMED && !a->uas && !a->uac;

	return up ||
	       (!a->outbound && a->state == LEG_EARLY && a->uas && a->uas->state == UAS_PROCEEDING);
}

/* There are no legs but ending ones and the transferor's. */
static const char *check_waiting(const struct call *c)
{
	if (!waiting_caller_is(c) || c->answer_utc_ms ||
	    (plan_awaits(&c->plan, AWAITS_USER)
		     ? c->ring_ns == 0
		     : c->plan.until_ns == 0 && !plan_resolves(&c->plan)) ||
	    !others_go(c))
		return "call: waiting";
	return NULL;
}

/* It has no other party, and its room controls it. */
static const char *check_claiming(const struct call *c)
{
	if (!waiting_caller_is(c) || c->answer_utc_ms || !others_go(c))
		return "call: waiting for a room";
	return NULL;
}

/* An open first INVITE, and a party that may answer it. */
static const char *check_setup(const struct call *c)
{
	const struct leg *a = call_caller(c);

	if (c->bridge.callee == LEG_NONE && conference_waits(c))
		return check_claiming(c);
	if (c->bridge.callee == LEG_NONE && !has_state(c, LEG_EARLY) &&
	    (plan_is_for_node(&c->plan) || slot_step_asks(c)))
		return check_waiting(c);
	if (call_caller_is_up(c))
		return check_originating(c);
	if (!a->uas || a->uas->state != UAS_PROCEEDING || a->state != LEG_EARLY ||
	    !has_state(c, LEG_EARLY) || has_state(c, LEG_ANSWERED) || has_state(c, LEG_CONFIRMED) ||
	    c->ring_ns == 0)
		return "call: setup";
	return NULL;
}

static const char *check_answering_alone(const struct call *c)
{
	const struct leg *a = call_caller(c);
	const struct invite_uas *uas = a->uas;
	bool up = !uas && call_caller_is_up(c) && a->state == LEG_CONFIRMED;
	bool answers = uas && uas->state >= UAS_ANSWERED &&
		       a->state == (uas->state == UAS_ACCEPTED ? LEG_ANSWERED : LEG_EARLY);

	return (up || answers) && others_go(c) ? NULL : "call: answering";
}

static const char *check_answering(const struct call *c)
{
	enum leg_state a = call_caller(c)->state;
	const struct leg *b = call_callee(c);
	const struct invite_uas *uas = call_caller(c)->uas;
	bool said = uas && uas->state == UAS_ACCEPTED;

	if (call_is_alone(c))
		return check_answering_alone(c);
	if (!b || !b->uac || leg_is_open(b) || (uas && uas->state < UAS_ANSWERED) ||
	    !uas != call_caller_is_up(c) || !others_go(c))
		return "call: answering";
	if (a != (call_caller_is_up(c) ? LEG_CONFIRMED : said ? LEG_ANSWERED : LEG_EARLY))
		return "call: answering";
	return b->state == LEG_ANSWERED || b->state == LEG_CONFIRMED ? NULL : "call: answering";
}

static const char *check_established(const struct call *c)
{
	if (call_is_alone(c) && call_caller(c)->state == LEG_CONFIRMED && others_go(c))
		return NULL;
	if (!call_callee(c) || call_caller(c)->state != LEG_CONFIRMED ||
	    call_callee(c)->state != LEG_CONFIRMED || !others_go(c))
		return "call: established";
	return NULL;
}

/* A leg still to be left needs what it is left by. */
static const char *check_ending(const struct call *c)
{
	const struct leg *a = call_caller(c);

	if (c->end_utc_ms == 0 || c->cause == CAUSE_NONE)
		return "call: how it ended";
	if (a->state == LEG_ANSWERED && (!a->uas || a->uas->state != UAS_ACCEPTED || !a->leave))
		return "call: ending";
	if (a->state == LEG_EARLY || a->state == LEG_CONFIRMED)
		return "call: ending";
	return has_state(c, LEG_EARLY) || has_state(c, LEG_ANSWERED) || has_state(c, LEG_CONFIRMED)
		       ? "call: ending"
		       : NULL;
}

/* The only step of a call without peer; its outcome is known when the caller is answered, and its
 * tone plays from the ACK on. */
static const char *check_set(const struct call *c)
{
	bool asked = plan_set_state(&c->plan) == SET_ASKED;

	if (plan_set_state(&c->plan) == SET_NONE || c->state == CALL_ENDING)
		return NULL;
	if (c->plan.count != 1 || c->bridge.callee != LEG_NONE || c->transfer ||
	    asked != (c->state == CALL_SETUP) ||
	    (c->parting_ns != 0) != (c->state == CALL_ESTABLISHED) ||
	    (c->parting_ns && c->cause == CAUSE_NONE))
		return "call: setting";
	return NULL;
}

/* Neither answered nor ringing. */
static bool may_ask_slot(const struct call *c)
{
	if (c->transfer && c->transfer->state != TRANSFER_RINGING)
		return false;
	return c->state <= CALL_RINGING && c->bridge.callee == LEG_NONE && c->plan.count &&
	       plan_set_state(&c->plan) == SET_NONE;
}

static const char *check_state(const struct call *c)
{
	if (slot_step_asks(c) && !may_ask_slot(c))
		return "call: slot";
	if (c->parting_ns && plan_set_state(&c->plan) == SET_NONE)
		return check_parting(c);
	switch (c->state) {
	case CALL_SETUP:
	case CALL_RINGING:
		return check_setup(c);
	case CALL_ANSWERING:
		return check_answering(c);
	case CALL_ESTABLISHED:
		return check_established(c);
	case CALL_ENDING:
		return check_ending(c);
	}
	return "call: state";
}

/* The pair of the transferor and the party that it gives away. */
static bool is_pair_of(const struct transfer *t, const struct bridge *pair)
{
	if (t->leg != LEG_NONE && t->leg != pair->caller && t->leg != pair->callee)
		return false;
	return t->given == transfer_given(pair, t->leg) && t->leg != t->given &&
	       (t->leg == LEG_NONE) == (pair->callee == LEG_NONE);
}

/* The transferor is one of the two, or outside the bridge. */
static const char *check_transfer(const struct call *c)
{
	const struct transfer *t = c->transfer;
	enum call_state s = c->state;
	bool fits = false;

	if (!t)
		return NULL;
	switch (t->state) {
	case TRANSFER_WAITING:
		fits = (s == CALL_ANSWERING || s == CALL_ESTABLISHED) && is_pair_of(t, &c->bridge);
		break;
	case TRANSFER_FAILED:
		fits = s == CALL_ESTABLISHED && is_pair_of(t, &c->bridge);
		break;
	case TRANSFER_RINGING:
		fits = s != CALL_ENDING; /* established: one of the two is asked again */
		break;
	case TRANSFER_DONE:
		fits = s == CALL_ESTABLISHED;
		break;
	}
	if (transfer_has_begun(t))
		fits = fits && is_pair_of(t, &t->other) && bridge_has(c, t->given) &&
		       (t->leg == LEG_NONE || !bridge_has(c, t->leg));
	if (fits && t->outside)
		return check_dialog(t->outside);
	return fits ? NULL : "transfer: state";
}

static bool prompts_fit(const struct call *c)
{
	uint8_t leg = c->prompts->leg;

	if (c->state == CALL_ENDING)
		return false;
	if (leg == LEG_NONE)
		return call_is_alone(c);
	return leg_is_screened(call_leg(c, leg)) ||
	       (call_leg(c, leg) && bridge_has(c, leg) && bridge_peer(c, leg) != LEG_NONE);
}

const char *call_check(const struct call *c, const struct call_seed *seed)
{
	const char *wrong = check_legs(c, seed);

	if (!wrong && c->prompts && !prompts_fit(c))
		wrong = "acts: state";
	if (!wrong)
		wrong = segments_check(c);
	if (!wrong)
		wrong = check_transfer(c);
	if (!wrong)
		wrong = check_set(c);
	return wrong ? wrong : check_state(c);
}
