/* SPDX-License-Identifier: Apache-2.0 */
/* Each field of a record was within its bounds; here they must make a call. */
#include "sig/record/call_check.h"

#include "sig/leg/leg.h"
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

static const char *check_request(const struct call *c, const struct call_seed *seed)
{
	const struct dialog *d = &c->legs[c->invite.from]->dialog;
	struct sip_message m;
	bool ok;

	if (!parses_as(&seed->request, true, d, &m))
		return "invite: request";
	ok = m.cseq == c->invite.server_cseq && m.has_contact && m.contact.uri.all.n;
	message_close(&m);
	return ok ? NULL : "invite: request";
}

static const char *check_sent(const struct call *c, const struct call_seed *seed, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	struct id_tag want = { .call = c->id, .leg = leg, .random = l->uac->branch };
	struct sip_message m;
	char branch[ID_BRANCH_LEN];
	bool ok;

	if (!parses_as(&seed->sent[leg], true, &l->dialog, &m))
		return "asked: sent";
	id_branch_put(branch, &want);
	ok = bytes_eq(m.via.branch, bytes_mem(branch, sizeof(branch))) && m.cseq == l->invite_cseq;
	message_close(&m);
	return ok ? NULL : "asked: sent";
}

static const char *check_answer(const struct call *c)
{
	struct sip_message m;
	bool ok;

	if (!parses_as(&c->invite.answer, false, &c->legs[c->invite.from]->dialog, &m))
		return "invite: answer";
	ok = m.status == 200 && m.cseq == c->invite.server_cseq;
	message_close(&m);
	return ok ? NULL : "invite: answer";
}

/* Whether the INVITE to a leg and its state go together. */
static bool uac_fits(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	if (l->state == LEG_LEAVING) /* a branch that is being cancelled */
		return (leg != LEG_A || c->originated) && leg_is_open(l);
	if (c->invite.state == INVITE_NONE)
		return false;
	if (c->invite.again)
		return leg == leg_other(c, c->invite.from) && l->state == LEG_CONFIRMED;
	if (leg == LEG_A)
		return c->originated && l->state == LEG_EARLY && leg_is_open(l);
	return leg_is_open(l) ? l->state == LEG_EARLY
			      : l->state == LEG_ANSWERED || l->state == LEG_CONFIRMED;
}

static const char *check_uac(const struct call *c, const struct call_seed *seed, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	const struct invite *inv = &c->invite;

	if (!l->uac)
		return l->state == LEG_EARLY && leg != LEG_A ? "leg: state" : NULL;
	if (!uac_fits(c, leg))
		return "asked: state";
	if (l->state != LEG_LEAVING && l->open.theirs != (inv->late && l->open.heard.n))
		return "asked: offerer";
	if (leg_is_open(l))
		return check_sent(c, seed, leg);
	return seed->sent[leg].n || leg_sdp_offer(&l->open).n == 0 ? "asked: offer" : NULL;
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
	}
	return wrong;
}

/* The one leg whose 2xx is being carried to the asker. */
static const struct leg *answerer_of(const struct call *c)
{
	return c->legs[leg_other(c, c->invite.from)];
}

static const char *check_invite(const struct call *c, const struct call_seed *seed)
{
	const struct invite *inv = &c->invite;
	const struct leg *l = answerer_of(c);
	bool over = c->state == CALL_ENDING && c->legs[LEG_A]->state != LEG_ANSWERED;
	bool said = inv->state ==
		    INVITE_ACCEPTED; /* its transaction may have ended before the ACK came */
	const char *wrong = NULL;

	if (inv->state == INVITE_NONE)
		return seed->request.n ? "invite: state" : NULL;
	if (!inv->again && inv->from != LEG_A)
		return "invite: from";
	if (inv->state >= INVITE_ANSWERED && c->state != CALL_ENDING && (!l->uac || leg_is_open(l)))
		return "invite: nobody answered";
	if (inv->state == INVITE_OPEN && inv->again && (!l->uac || !leg_is_open(l)))
		return "invite: nobody is asked";
	if (inv->own) /* nobody asked: no request, no answer */
		return (!inv->again && !c->originated) || inv->late ||
				       inv->state == INVITE_ACCEPTED || seed->request.n
			       ? "invite: own"
			       : NULL;
	if (!(over || said) || seed->request.n)
		wrong = check_request(c, seed);
	if (!wrong && inv->state >= INVITE_ANSWERED && !over)
		wrong = check_answer(c);
	return wrong;
}

static bool has_state(const struct call *c, enum leg_state state)
{
	for (uint8_t i = LEG_B; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->state == state)
			return true;
	}
	return false;
}

/* The legs beside A and its partner have lost, and go. */
static bool others_go(const struct call *c)
{
	for (uint8_t i = LEG_B; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (i != c->partner && l && l->state != LEG_LEAVING && l->state != LEG_CLOSED)
			return false;
	}
	return true;
}

/* A is asked, or has answered and others are asked. */
static const char *check_originating(const struct call *c)
{
	enum leg_state a = c->legs[LEG_A]->state;
	bool others = has_state(c, LEG_EARLY);

	if (c->invite.state != INVITE_OPEN || !c->invite.own || c->invite.again ||
	    c->ring_ns == 0 || has_state(c, LEG_ANSWERED) || has_state(c, LEG_CONFIRMED))
		return "call: originating";
	return a == (others ? LEG_CONFIRMED : LEG_EARLY) ? NULL : "call: originating";
}

/* An open first INVITE, and somebody who may answer it. */
static const char *check_setup(const struct call *c)
{
	if (c->originated)
		return check_originating(c);
	if (c->invite.state != INVITE_OPEN || c->invite.again ||
	    c->legs[LEG_A]->state != LEG_EARLY || !has_state(c, LEG_EARLY) ||
	    has_state(c, LEG_ANSWERED) || has_state(c, LEG_CONFIRMED) || c->ring_ns == 0)
		return "call: setup";
	return NULL;
}

static const char *check_answering(const struct call *c)
{
	enum leg_state a = c->legs[LEG_A]->state;
	enum leg_state b = c->legs[c->partner]->state;
	bool said = c->invite.state == INVITE_ACCEPTED;

	if (c->invite.again || c->invite.state < INVITE_ANSWERED || !others_go(c))
		return "call: answering";
	if (a != (c->originated ? LEG_CONFIRMED : said ? LEG_ANSWERED : LEG_EARLY))
		return "call: answering";
	return b == LEG_ANSWERED || b == LEG_CONFIRMED ? NULL : "call: answering";
}

static const char *check_established(const struct call *c)
{
	if (c->legs[LEG_A]->state != LEG_CONFIRMED || c->legs[c->partner]->state != LEG_CONFIRMED ||
	    !others_go(c))
		return "call: established";
	return c->invite.state == INVITE_NONE || c->invite.again ? NULL : "call: established";
}

/* A leg still to be left needs what it is left by. */
static const char *check_ending(const struct call *c)
{
	const struct leg *a = c->legs[LEG_A];

	if (c->end_utc_ms == 0 || c->cause == CAUSE_NONE)
		return "call: how it ended";
	if (a->state == LEG_ANSWERED &&
	    (c->invite.state != INVITE_ACCEPTED || c->invite.again || !a->leave))
		return "call: ending";
	if (a->state == LEG_EARLY || a->state == LEG_CONFIRMED)
		return "call: ending";
	return has_state(c, LEG_EARLY) || has_state(c, LEG_ANSWERED) || has_state(c, LEG_CONFIRMED)
		       ? "call: ending"
		       : NULL;
}

static const char *check_state(const struct call *c)
{
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

const char *call_check(const struct call *c, const struct call_seed *seed)
{
	const char *wrong = c->legs[LEG_A] ? check_legs(c, seed) : "call: no caller";

	if (!wrong)
		wrong = check_invite(c, seed);
	return wrong ? wrong : check_state(c);
}
