/* SPDX-License-Identifier: Apache-2.0 */
/* In-dialog requests of a party within the step of a call (step.h): checks the CSeq order, answers
 * BYE, and gives INVITE, ACK, PRACK, UPDATE, INFO, REFER and other methods to the file that handles
 * them, or to a module, or relays them to the other leg. A request that changes the call is
 * answered only after the save, so a killed process leaves no call that its party takes for ended.
 * Requests of legs outside the bridge are refused, but for BYE. */

#include "sig/step/step.h"

#include "sig/call/call_digits.h"
#include "sig/call/call_end.h"
#include "sig/call/invite.h"
#include "sig/call/module.h"
#include "sig/call/reinvite.h"
#include "sig/call/relay.h"
#include "sig/call/reliable.h"
#include "sig/call/wait.h"
#include "sig/leg/early.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/model/transfer.h"

static void request_answer(struct call_host *h, const struct call_event *ev, uint16_t status,
			   struct bytes extra)
{
	struct response r = { .status = status, .extra = extra };

	respond(h, ev->slot, ev->message, &r);
}

/* RFC 3326: why one side hangs up is told to the other. */
static struct bytes reason_lines(struct call_host *h, const struct sip_message *m)
{
	struct writer w = writer_over(h->extra, HOST_EXTRA);
	struct bytes value;

	for (unsigned i = 0; message_header(m, "Reason", i, &value); i++) {
		writer_str(&w, "Reason: ");
		writer_bytes(&w, value);
		writer_str(&w, "\r\n");
	}
	return w.overflow ? (struct bytes){ 0 } : writer_done(&w);
}

/* Answered after the save: if the node were killed behind a 200 without record, its successor would
 * hold a call that no party ends. */
static void answer_bye(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct outbox_item item = {
		.kind = OUTBOX_RESPONSE, .leg = ev->leg, .txn = ev->slot->self, .status = 200
	};
	bool waits = !h->degraded && c->end_tries == 0 && !txns_keep_request(ev->slot, ev->message);

	if (waits)
		outbox_touch_later(&c->out);
	if (!waits || !outbox_push(&c->out, &item))
		request_answer(h, ev, 200, (struct bytes){ 0 });
}

static void bye(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = c->legs[ev->leg];
	struct call_ending e = {
		.cause = CAUSE_HANGUP,
		.by = call_ended_by(c, ev->leg),
		.status = 487,
		.reason = reason_lines(h, ev->message),
	};

	if (l->state == LEG_LEAVING &&
	    l->uac) /* a cancelled branch that sends BYE needs no final response */
		txns_limit(h->txns, l->uac->client, h->now.ns);
	if (leg_is_screened(l)) {
		screen_fail(h, c, ev->leg);
		leg_close(l);
		answer_bye(h, c, ev);
		return;
	}
	if (!bridge_has(c,
			ev->leg)) { /* a losing branch only has to end, and so has the transferor */
		if (l->uac) /* its answer crossed our CANCEL, and a process was killed there */
			txns_limit(h->txns, l->uac->client, h->now.ns);
		leg_close(l);
		modules_leg_left(h, c, ev->leg);
		answer_bye(h, c, ev);
		return;
	}
	if (l->state == LEG_EARLY && l->uas) { /* RFC 3261 15.1.2 */
		e.cause = CAUSE_CANCELLED;
		call_end(h, c, &e);
		answer_bye(h, c, ev);
		return;
	}
	if (l->state == LEG_ANSWERED && !l->uas)
		leg_ack(h, c, ev->leg);
	/* closed only then: our INVITE that is open there still gets its timeout */
	l->state = LEG_CLOSED;
	call_party_left(h, c, ev->leg, &e);
	leg_close(l);
	leg_uas_clear(l); /* the ACK was lost, or is late */
	answer_bye(h, c, ev);
}

/* A PRACK is identified by RAck: one lost with a process may be repeated behind a later one. */
static bool in_order(struct dialog *d, const struct sip_message *m)
{
	if (m->cseq < d->remote_cseq)
		return m->method == SIP_PRACK;
	d->remote_cseq = m->cseq;
	return true;
}

/* There is no peer for what only a party can handle. */
static const char *allow_of(const struct call *c)
{
	return call_is_alone(c) ? RESPOND_ALLOW : RESPOND_ALLOW_CALL;
}

static void request_by_method(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct writer extra = writer_over(h->extra, HOST_EXTRA);

	if (modules_request(h, c, ev))
		return;
	switch (ev->message->method) {
	case SIP_BYE:
		bye(h, c, ev);
		break;
	case SIP_INVITE:
		invite_again(h, c, ev);
		break;
	case SIP_INFO:
		info_received(h, c, ev);
		break;
	case SIP_OPTIONS: /* RFC 3261 11.2, RFC 4579 4.3 */
		if (c->legs[ev->leg]->dialog.focus.n)
			dialog_write_contact(&extra, &c->legs[ev->leg]->dialog, h->settings);
		respond_write_options(&extra, h, allow_of(c));
		request_answer(h, ev, 200, writer_lines(&extra));
		break;
	case SIP_UPDATE:
		refresh_on_update(h, c, ev);
		break;
	case SIP_PRACK: /* one that fits nothing does not come here */
		reliable_acknowledged(h, c, ev);
		break;
	case SIP_MESSAGE:
		message_received(h, c, ev);
		break;
	case SIP_ACK:
	case SIP_CANCEL:
	case SIP_REGISTER:
	case SIP_SUBSCRIBE:
	case SIP_NOTIFY:
	case SIP_PUBLISH:
	case SIP_REFER:
		respond_refuse(h, ev, 405, REFUSED_METHOD, bytes_str(allow_of(c)));
		break;
	case SIP_UNKNOWN:
		respond_refuse(h, ev, 501, REFUSED_METHOD, bytes_str(allow_of(c)));
		break;
	}
}

/* A transferor waits for the result; a losing branch is over. */
static void refuse_other_leg(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct writer extra = writer_over(h->extra, HOST_EXTRA);

	if (!transfer_is_of_transferor(c, ev->leg) && !leg_is_screened(c->legs[ev->leg])) {
		respond_refuse(h, ev, 481, REFUSED_NO_DIALOG, (struct bytes){ 0 });
	} else if (ev->message->method == SIP_OPTIONS) {
		respond_write_options(&extra, h, RESPOND_ALLOW_CALL);
		request_answer(h, ev, 200, writer_lines(&extra));
	} else {
		respond_refuse(h, ev, 491, REFUSED_GLARE, (struct bytes){ 0 });
	}
}

static void request_go_on(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct writer extra = writer_over(h->extra, HOST_EXTRA);
	bool rings = c->legs[ev->leg]->state == LEG_EARLY && !c->legs[ev->leg]->uas;

	if (modules_repeated(h, c, ev))
		return;
	if (!in_order(&c->legs[ev->leg]->dialog, ev->message)) { /* RFC 3261 12.2.2 */
		respond_refuse(h, ev, 500, REFUSED_CSEQ, (struct bytes){ 0 });
		return;
	}
	if (respond_unsupported(&extra, h, ev->message)) {
		respond_refuse(h, ev, 420, REFUSED_EXTENSION, writer_lines(&extra));
		return;
	}
	/* RFC 3261 15: a callee ends an early dialog by its final response */
	if (rings && ev->message->method != SIP_OPTIONS && ev->message->method != SIP_UPDATE) {
		respond_refuse(h, ev, 481, REFUSED_NO_DIALOG, (struct bytes){ 0 });
		return;
	}
	if (!rings && !bridge_has(c, ev->leg) && ev->message->method != SIP_BYE &&
	    !(ev->message->method == SIP_INFO && leg_is_screened(c->legs[ev->leg]))) {
		refuse_other_leg(h, c, ev);
		return;
	}
	request_by_method(h, c, ev);
}

void request_received(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (ev->message->method == SIP_ACK) {
		invite_ack(h, c, ev);
		return;
	}
	request_go_on(h, c, ev);
	early_settle(c, ev->leg);
}
