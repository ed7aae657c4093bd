/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side is asked to call a target itself: REFER in the caller's dialog (RFC 3515), and
 * its NOTIFYs with the result. The REFER is sent when its number and branch are saved. A process
 * that takes the call over sends the same one again until it is known to have been accepted: its
 * party sees a retransmission. */
#include "sig/pbx/refer.h"
#include "base/log.h"
#include "sig/call/relay.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/pbx/flow/flow.h"

enum { REFER_ACCEPTED = 202, REFER_LINES_MAX = 768 };

static bool flow_refers(const struct call *c)
{
	return c->run && c->run->state == RUN_WAITS && c->run->kind == RUN_REFER;
}

/* ---- the target ---- */

/* RFC 3323: an anonymous caller. */
static bool is_nowhere(struct bytes host)
{
	static const char suffix[] = ".invalid";
	size_t n = sizeof(suffix) - 1;

	return host.n >= n && bytes_iis(bytes_from(host, host.n - n), suffix);
}

/* The host part by which the caller's side knows a number: ours for a phone of ours, else the
 * trunk's, or its address if it hides the caller. */
static bool refer_host(const struct leg *l, struct sip_name_addr *at)
{
	const struct dialog *d = &l->dialog;
	bool known = !sip_name_addr_parse(at, text_bytes(l->trunk.n ? &d->remote : &d->local));

	if (l->trunk.n && (!known || is_nowhere(at->uri.host)))
		known = !sip_name_addr_parse(at, text_bytes(&d->target));
	return known && at->uri.host.n;
}

static void write_number(struct writer *w, struct bytes number, const struct sip_uri *at)
{
	bool v6 = bytes_find(at->host, ':') < at->host.n;

	writer_str(w, "sip:");
	for (size_t i = 0; i < number.n; i++) {
		if (number.p[i] == '#')
			writer_str(w, "%23");
		else
			writer_u8(w, number.p[i]);
	}
	WRITER_TEXTS(w, "@", v6 ? "[" : "");
	writer_bytes(w, at->host);
	writer_str(w, v6 ? "]" : "");
	if (at->port)
		writer_fmt(w, ":%u", at->port);
}

/* A literal in the program is the tenant's. A value put in by the caller is the caller's: a phone
 * may call any number itself, with its own rights; a trunk would call at the tenant's cost. */
static bool refer_may(const struct flow_turn_of *t, struct bytes to)
{
	bool number = !bytes_starts(to, "sip:") && !bytes_starts(to, "sips:");

	if (bytes_starts(to, "group:"))
		return false;
	return step_text_is_plain(t->v->step, "to", 0) || (number && !call_caller(t->c)->trunk.n);
}

int verb_refer(struct flow_turn_of *t)
{
	uint8_t space[VERB_TEXT_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct bytes to = verb_text(t->v, "to");
	struct flow_run *r = t->c->run;
	struct sip_name_addr at;

	if (!refer_may(t, to))
		return OUTCOME_FAILED;
	if (bytes_starts(to, "sip:") || bytes_starts(to, "sips:"))
		writer_bytes(&w, to);
	else if (refer_host(call_caller(t->c), &at))
		write_number(&w, to, &at.uri);
	if (w.overflow || !w.n || text_set(&r->value, writer_done(&w)))
		return OUTCOME_FAILED;
	r->kind = RUN_REFER;
	r->status = 0;
	r->refer_cseq = 0;
	r->refer_branch = r->refer_txn = 0;
	r->until_ns = t->h->now.ns + verb_number(t->v, "timeout_s") * NS_PER_MS;
	return VERB_BEGUN;
}

/* ---- the request ---- */

static struct txn_slot *refer_make(struct call_host *h, struct call *c)
{
	uint8_t space[REFER_LINES_MAX + VERB_TEXT_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct flow_run *r = c->run;
	struct dialog *d = &call_caller(c)->dialog;
	struct dialog_request q = { .method = SIP_REFER,
				    .cseq = r->refer_cseq,
				    .branch = r->refer_branch,
				    .max_forwards = -1,
				    .contact = true };
	struct sip_name_addr by;
	struct txn_slot *slot;

	writer_str(&w, "Refer-To: <");
	writer_bytes(&w, text_bytes(&r->value));
	writer_str(&w, ">\r\n");
	if (!sip_name_addr_parse(&by, text_bytes(&d->local))) {
		writer_str(&w, "Referred-By: <");
		writer_bytes(&w, by.uri.all);
		writer_str(&w, ">\r\n");
	}
	q.extra = writer_lines(&w);
	slot = w.overflow ? NULL : leg_request(h, d, &q, TXN_USER_FLOW_REFER);
	r->refer_cseq = q.cseq;
	r->refer_branch = q.branch;
	r->refer_txn = slot ? slot->self : 0;
	return slot;
}

int refer_look(struct call_host *h, struct call *c)
{
	struct outbox_item item = { .kind = OUTBOX_RELAY, .leg = c->bridge.caller };
	struct flow_run *r = c->run;

	if (r->refer_txn || r->status || c->state != CALL_ESTABLISHED || !call_is_alone(c))
		return VERB_BEGUN;
	if (!refer_make(h, c))
		return OUTCOME_FAILED;
	outbox_touch(&c->out);
	item.txn = r->refer_txn;
	if (!outbox_push(&c->out, &item))
		relay_on_saved(h, item.txn);
	return VERB_BEGUN;
}

void refer_answered(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct flow_run *r = c->run;

	(void)h;
	if (ev->user != TXN_USER_FLOW_REFER || !flow_refers(c) || ev->txn != r->refer_txn ||
	    ev->kind == CALL_EV_PROVISIONAL)
		return;
	if (ev->kind != CALL_EV_SUCCESS) {
		LOG_INFO("flow", c->id, "the caller's side takes no REFER",
			 LOG_U64("status", ev->message ? ev->message->status : 408));
		flow_ended(c, OUTCOME_FAILED);
	} else if (!refer_wants_notify(ev->message)) { /* no NOTIFY will come */
		flow_ended(c, OUTCOME_NEXT);
	} else {
		r->status = REFER_ACCEPTED;
		outbox_touch_later(&c->out);
	}
}

/* ---- what becomes of it ---- */

/* The status line of a message/sipfrag (RFC 3420); 0 if it is absent. */
static uint16_t fragment_status(struct bytes body)
{
	static const char version[] = "SIP/2.0 ";
	uint32_t status;

	if (!bytes_istarts(body, version) ||
	    bytes_u32(bytes_sub(body, sizeof(version) - 1, 3), &status) || status < 100)
		return 0;
	return (uint16_t)status;
}

/* Returns -1 while it goes on. A subscription may end with the last state known: a party that
 * accepted and reports no more has taken it. */
static int notified_outcome(const struct sip_message *m)
{
	uint16_t status = fragment_status(m->body);
	struct bytes state, reason;

	if (status >= 200)
		return status < 300 ? OUTCOME_NEXT : OUTCOME_REJECTED;
	if (!refer_is_last_notify(m) || !message_header(m, "Subscription-State", 0, &state))
		return -1;
	return sip_param(bytes_from(state, bytes_find(state, ';')), "reason", &reason) &&
			       bytes_iis(reason, "rejected")
		       ? OUTCOME_REJECTED
		       : OUTCOME_NEXT;
}

/* Sent after the save, so no process answers it twice. A BYE may follow, which must not overtake
 * the answer. */
void refer_notify_answer(struct call_host *h, struct call *c)
{
	struct flow_run *r = c->run;
	struct outbox_item item = { .kind = OUTBOX_RESPONSE,
				    .leg = c->bridge.caller,
				    .txn = r->notified,
				    .status = 200 },
			   wait = { .kind = OUTBOX_WAIT, .leg = c->bridge.caller };

	r->notified = 0;
	if (!outbox_push(&c->out, &item))
		respond_later(h, c, &item);
	else if (outbox_push(&c->out, &wait))
		r->answers_notify = true;
}

bool refer_notified(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct flow_run *r = c->run;
	uint32_t number; /* RFC 3515 2.4.6: without one it is of the only REFER */
	struct response ok = { .status = 200 };
	int outcome;

	if (!r || ev->message->method != SIP_NOTIFY || !refer_is_notified(ev->message, &number))
		return false;
	if (!flow_refers(c) || ev->leg != c->bridge.caller ||
	    (number && number != r->refer_cseq)) { /* RFC 6665 4.1.3 */
		respond_refuse(h, ev, 481, REFUSED_NO_DIALOG, (struct bytes){ 0 });
		return true;
	}
	outcome = notified_outcome(ev->message);
	r->status = REFER_ACCEPTED; /* it may come before the answer (RFC 3515 2.4.4) */
	if (outcome >= 0 && !txns_keep_request(ev->slot, ev->message)) {
		r->notified = ev->slot->self;
	} else {
		outbox_touch_later(&c->out);
		respond(h, ev->slot, ev->message, &ok);
	}
	if (outcome >= 0)
		flow_ended(c, (enum flow_outcome)outcome);
	return true;
}
