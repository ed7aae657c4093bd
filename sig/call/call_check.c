/* SPDX-License-Identifier: Apache-2.0 */
/* Each field of a record was within its bounds; here they must make a call. */
#include "sig/call/call_check.h"

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
	const struct dialog *d = &c->legs[c->invite.from].dialog;
	struct sip_message m;
	bool ok;

	if (!parses_as(&seed->request, true, d, &m))
		return "invite: request";
	ok = m.cseq == c->invite.server_cseq && m.has_contact && m.contact.uri.all.n;
	message_close(&m);
	return ok ? NULL : "invite: request";
}

static const char *check_sent(const struct call *c, const struct call_seed *seed)
{
	uint8_t leg = leg_other(c->invite.from);
	struct id_tag want = { .call = c->id, .leg = leg, .random = c->invite.branch };
	struct sip_message m;
	char branch[ID_BRANCH_LEN];
	bool ok;

	if (!parses_as(&seed->sent, true, &c->legs[leg].dialog, &m))
		return "invite: sent";
	id_branch_put(branch, &want);
	ok = bytes_eq(m.via.branch, bytes_mem(branch, sizeof(branch))) &&
	     m.cseq == c->legs[leg].invite_cseq;
	message_close(&m);
	return ok ? NULL : "invite: sent";
}

static const char *check_answer(const struct call *c)
{
	struct sip_message m;
	bool ok;

	if (!parses_as(&c->invite.answer, false, &c->legs[c->invite.from].dialog, &m))
		return "invite: answer";
	ok = m.status == 200 && m.cseq == c->invite.server_cseq;
	message_close(&m);
	return ok ? NULL : "invite: answer";
}

static bool in_flight(const struct call *c)
{
	return c->invite.state > INVITE_NONE && c->invite.state < INVITE_ANSWERED;
}

static const char *check_invite(const struct call *c, const struct call_seed *seed)
{
	const struct invite *inv = &c->invite;
	bool over = c->state == CALL_ENDING && c->legs[LEG_A].state != LEG_ANSWERED;
	const char *wrong = NULL;

	if (inv->state == INVITE_NONE)
		return NULL;
	if (!inv->again && inv->from != LEG_A)
		return "invite: from";
	if (inv->media.offerer != (inv->late ? leg_other(inv->from) : inv->from))
		return "invite: offerer";
	if (inv->state >= INVITE_ANSWERED && (inv->media.offer_out.n == 0 || seed->sent.n))
		return "invite: offer";
	if (!over || seed->request.n)
		wrong = check_request(c, seed);
	if (!wrong && in_flight(c))
		wrong = check_sent(c, seed);
	if (!wrong && inv->state >= INVITE_ANSWERED && !over)
		wrong = check_answer(c);
	return wrong;
}

/* An open first INVITE, both legs early. */
static const char *check_setup(const struct call *c)
{
	if (!in_flight(c) || c->invite.again || c->legs[LEG_A].state != LEG_EARLY ||
	    c->legs[LEG_B].state != LEG_EARLY || c->ring_ns == 0)
		return "call: setup";
	return NULL;
}

static const char *check_answering(const struct call *c)
{
	enum leg_state a = c->legs[LEG_A].state;
	enum leg_state b = c->legs[LEG_B].state;
	bool said = c->invite.state == INVITE_ACCEPTED;

	if (c->invite.again || c->invite.state < INVITE_ANSWERED)
		return "call: answering";
	if (a != (said ? LEG_ANSWERED : LEG_EARLY))
		return "call: answering";
	return b == LEG_ANSWERED || b == LEG_CONFIRMED ? NULL : "call: answering";
}

static const char *check_established(const struct call *c)
{
	if (c->legs[LEG_A].state != LEG_CONFIRMED || c->legs[LEG_B].state != LEG_CONFIRMED)
		return "call: established";
	return c->invite.state == INVITE_NONE || c->invite.again ? NULL : "call: established";
}

/* A leg still to be left needs what it is left by. */
static const char *check_ending(const struct call *c)
{
	const struct leg *a = &c->legs[LEG_A];
	const struct leg *b = &c->legs[LEG_B];

	if (c->end_utc_ms == 0 || c->cause == CAUSE_NONE)
		return "call: how it ended";
	if (a->state == LEG_ANSWERED &&
	    (c->invite.state != INVITE_ACCEPTED || c->invite.again || !a->leave))
		return "call: ending";
	if (a->state == LEG_EARLY || a->state == LEG_CONFIRMED)
		return "call: ending";
	return b->state == LEG_LEAVING || b->state == LEG_CLOSED ? NULL : "call: ending";
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
	const char *wrong = check_dialog(&c->legs[LEG_A].dialog);

	if (!wrong)
		wrong = check_dialog(&c->legs[LEG_B].dialog);
	if (!wrong && c->invite.state == INVITE_NONE && (seed->request.n || seed->sent.n))
		wrong = "invite: state";
	if (!wrong)
		wrong = check_invite(c, seed);
	return wrong ? wrong : check_state(c);
}
