/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to something of ours: responses, ACK, CANCEL, requests in dialogs. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "sig/call/invite.h"
#include "sig/call/relay.h"
#include "sig/call/reliable.h"
#include "sig/leg/early.h"
#include "sig/leg/leg.h"
#include "sig/pbx/recording/siprec.h"
#include "sig/shard/shard_state.h"
#include "sig/sip/hop.h"

/* What is needed of a client transaction after its step, which may free it. */
static struct call_event client_event(const struct txn_slot *slot)
{
	return (struct call_event){
		.user = slot->user,
		.leg = slot->leg,
		.txn = slot->self,
	};
}

static void inside_call_notify(struct shard *s, uint64_t id, const struct call_event *ev)
{
	struct call *c = id ? shard_call_find(s, id) : NULL;

	if (c)
		shard_call_step(s, c, ev);
}

static bool is_own_tag(const struct dialog *d, struct bytes call_id, struct bytes local)
{
	struct dialog_tag own = dialog_tag(d);

	return bytes_ieq(local, bytes_mem(own.text, sizeof(own.text))) &&
	       bytes_eq(call_id, text_bytes(&d->call_id));
}

/* The call with the dialog of the INVITE that a 2xx answers; NULL: none any more. */
static struct call *success_find(const struct shard *s, const struct sip_message *m, uint8_t *leg)
{
	const struct leg *l;
	struct id_tag tag;
	struct call *c;

	if (id_tag_get(m->from.tag, &tag))
		return NULL;
	forward_follow(&s->elsewhere, &tag);
	*leg = tag.leg;
	c = shard_call_find(s, tag.call);
	if (!c || tag.leg == LEG_OF_MODULE)
		return c;
	l = call_leg(c, tag.leg);
	return l && is_own_tag(&l->dialog, m->call_id, m->from.tag) ? c : NULL;
}

/* RFC 3261 13.2.2.4: it is acknowledged as long as it may be repeated, whatever became of its leg
 * and call. */
static void success_deliver(struct shard *s, uint64_t call, const struct call_event *ev)
{
	struct call_event found = *ev;
	struct call *c = success_find(s, ev->message, &found.leg);
	struct call *of = call ? shard_call_find(s, call) : NULL;
	const struct leg *l = of ? call_leg(of, ev->leg) : NULL;

	if (l && l->uac && l->uac->client == ev->txn) { /* whatever has become of From on its way */
		shard_call_step(s, of, ev);
		return;
	}
	if (c != of || found.leg != ev->leg)
		found.kind = CALL_EV_STRAY;
	if (c)
		shard_call_step(s, c, &found);
	else
		leg_stray(&s->host, ev->message, !ev->again);
}

static void inside_subscription_notify(struct shard *s, uint64_t id, const struct call_event *ev)
{
	struct subscription *sub = subscription_find(&s->subscriptions, id);

	if (sub)
		subscription_notified(&s->subscriptions, sub, ev);
}

static void event_deliver(struct shard *s, uint64_t call, pool_handle peer,
			  const struct call_event *ev)
{
	const struct shard_method *of;

	if (ev->user == TXN_USER_RELAY && ev->message)
		relay_response(&s->host, ev->message, peer);
	else if (ev->user == TXN_USER_RELAY)
		relay_timeout(&s->host, peer);
	if (ev->user == TXN_USER_SUBSCRIPTION)
		inside_subscription_notify(s, call, ev);
	else if (ev->kind == CALL_EV_SUCCESS && ev->message->method == SIP_INVITE)
		success_deliver(s, call, ev);
	else if ((of = shard_method_of_user(s, ev->user)) != NULL)
		of->answered(s, peer, ev);
	else if (ev->user != TXN_USER_NONE)
		inside_call_notify(s, call, ev);
}

/* RFC 3261 17.1.1.3 */
static void set_ack(struct shard *s, struct txn_slot *slot, const struct sip_message *m)
{
	struct writer w = writer_over(s->space, HOST_SPACE);
	struct bytes to;

	if (slot->txn.method != SIP_INVITE || slot->txn.ack.n || slot->txn.message.n == 0 ||
	    !message_header(m, "To", 0, &to))
		return;
	dialog_write_derived(&w, text_bytes(&slot->txn.message), SIP_ACK, to, (struct bytes){ 0 });
	if (w.overflow || text_set(&slot->txn.ack, writer_done(&w)))
		sig_count_dropped(&s->metrics, DROPPED_OOM); /* the response comes again */
}

bool shard_is_just_resumed(const struct shard *s)
{
	return s->resumed_ns && s->host.now.ns - s->resumed_ns < TXN_TIMEOUT_MS * NS_PER_MS;
}

static bool is_tag_of_shard(const struct shard *s, struct bytes text)
{
	struct id_tag tag;

	return !id_tag_get(text, &tag) && tag.leg != ID_LEG_NONE &&
	       id_shard(tag.call) == s->settings.number;
}

static void no_transaction(struct shard *s, const struct sip_message *m)
{
	struct call_event ev = { .kind = CALL_EV_STRAY, .message = m };
	bool success = m->method == SIP_INVITE && m->status / 100 == 2 && m->via_count == 1;
	struct call *c = success ? success_find(s, m, &ev.leg) : NULL;

	/* a 2xx sent again after a restart, or 64*T1 after the first one */
	if (c)
		shard_call_step(s, c, &ev);
	else if (success && shard_is_just_resumed(s) && is_tag_of_shard(s, m->from.tag))
		leg_stray(&s->host, m, true);
	else
		sig_count_dropped(&s->metrics, DROPPED_RESPONSE);
}

static bool is_challenged(struct shard *s, struct txn_slot *slot, const struct sip_message *m)
{
	struct call *c = challenge_is(m) && slot->call ? shard_call_find(s, slot->call) : NULL;

	return c && leg_challenged(&s->host, c, slot->leg, slot, m);
}

/* The target may be at another place, too (RFC 3263 4.3). for_s: its Retry-After; 0: none. */
static bool request_is_forwarded(struct shard *s, struct txn_slot *slot, uint32_t for_s)
{
	struct call *c = slot->call ? shard_call_find(s, slot->call) : NULL;
	struct subscription *sub =
		slot->call && !c ? subscription_find(&s->subscriptions, slot->call) : NULL;
	bool moved = c ? leg_forward(&s->host, c, slot->leg, slot, for_s)
		       : sub && subscription_forward(&s->subscriptions, sub, slot, for_s);

	if (moved && c && !shard_call_settle(s, c))
		shard_call_give(s, c);
	return moved;
}

static bool is_unavailable(struct shard *s, struct txn_slot *slot, const struct sip_message *m)
{
	struct sip_hop from = slot->txn.hop;
	struct text ack;
	bool moved;

	if (m->status != 503 || slot->txn.state >= TXN_COMPLETED)
		return false;
	set_ack(s, slot, m);
	ack = slot->txn.ack;
	slot->txn.ack = (struct text){ 0 };
	moved = request_is_forwarded(s, slot, message_retry_after_s(m));
	if (moved && ack.n)
		txns_send(&s->txns, &from, text_bytes(&ack));
	text_clear(&ack);
	return moved;
}

void shard_response(struct shard *s, const struct sip_message *m)
{
	struct txn_slot *slot = txns_find_client(&s->txns, m->via.branch, m->method);
	struct call_event ev;
	enum txn_event event;
	uint64_t call;
	pool_handle peer;

	sig_count_in(&s->metrics, m->status);
	if (m->via_count > 1 || !slot) { /* RFC 3261 8.1.3.3 */
		no_transaction(s, m);
		return;
	}
	if (is_challenged(s, slot, m) || is_unavailable(s, slot, m))
		return;
	ev = client_event(slot);
	ev.message = m;
	call = slot->call;
	peer = slot->peer;
	event = m->status < 200   ? TXN_EV_PROVISIONAL
		: m->status < 300 ? TXN_EV_SUCCESS
				  : TXN_EV_FAILURE;
	ev.kind = m->status < 200   ? CALL_EV_PROVISIONAL
		  : m->status < 300 ? CALL_EV_SUCCESS
				    : CALL_EV_FAILURE;
	ev.again = slot->txn.state == TXN_ACCEPTED;
	if (event == TXN_EV_FAILURE)
		set_ack(s, slot, m);
	if (txns_step(&s->txns, slot, event, s->host.now.ns).deliver)
		event_deliver(s, call, peer, &ev);
	if (event == TXN_EV_FAILURE)
		txns_refused(&s->txns, ev.txn);
}

static void client_failed(struct shard *s, struct txn_slot *slot, enum txn_event event)
{
	struct call_event ev = client_event(slot);
	uint64_t call = slot->call;
	pool_handle peer = slot->peer;
	struct txn_out out;
	bool silent = slot->waiting && slot->txn.timeout_ns <= s->host.now.ns;

	if ((silent || event == TXN_EV_TRANSPORT_ERROR) && request_is_forwarded(s, slot, 0))
		return;
	if (event == TXN_EV_TIMER && slot->waiting && !slot->txn.reliable)
		shard_lost_unanswered(s, slot, 0);
	ev.kind = CALL_EV_TIMEOUT;
	ev.failed = event == TXN_EV_TRANSPORT_ERROR;
	out = txns_step(&s->txns, slot, event, s->host.now.ns);
	if (out.timed_out || (ev.failed && out.deliver))
		event_deliver(s, call, peer, &ev);
}

void shard_txn_timer(struct shard *s, struct txn_slot *slot)
{
	if (slot->limit_ns && slot->limit_ns <= s->host.now.ns) {
		txns_drop(&s->txns, slot->self);
	} else if (slot->client) {
		bool gone = slot->gone_ns && slot->gone_ns <= s->host.now.ns;

		client_failed(s, slot, gone ? TXN_EV_TRANSPORT_ERROR : TXN_EV_TIMER);
	} else {
		(void)txns_step(&s->txns, slot, TXN_EV_TIMER, s->host.now.ns);
	}
}

/* Transactions that wait for a first response from there end early (RFC 3261 18.4). ICMP: one scan
 * of all transactions per 100 ms, so a flood of errors costs little; a failed connection is
 * reported once. */
void shard_send_failed(struct shard *s, const struct sip_hop *hop, int error, struct instant now)
{
	bool edge = hop_is_edge(hop->connection);
	bool told_once = sip_transport_is_stream(hop->transport) || edge;
	bool awaited = shard_hop_is_awaited(s, hop);
	struct txn_slot *slot;
	uint32_t cursor = 0;

	shard_set_now(s, now);
	if (!told_once && s->failed_ns && now.ns - s->failed_ns < 100 * NS_PER_MS)
		return;
	if (!told_once)
		s->failed_ns = now.ns;
	LOG_DEBUG("sip", 0, "cannot be reached", LOG_ADDR("remote", &hop->remote),
		  LOG_INT("error", error));
	if (edge)
		shard_hop_listeners(s, hop->connection, error);
	if (edge && error == ECONNRESET)
		locations_closed(s->locations, hop->connection);
	while ((slot = txns_next_waiting(&s->txns, hop, &cursor)) != NULL) {
		bool refused = slot->user == TXN_USER_SIPREC ||
			       (!awaited && !shard_lost_may_come(s, slot));

		/* the sender gets the failure, and sends it again later */
		if (refused || slot->user == TXN_USER_MESSAGE || shard_hop_has_other(s, slot)) {
			shard_lost_unanswered(s, slot, error); /* before its leg is given up */
			client_failed(s, slot, TXN_EV_TRANSPORT_ERROR);
		} else {
			shard_lost_note(s, slot, error);
			shard_hop_gone(s, slot, error);
		}
	}
}

/* The leg that a tag of ours means, and its call. */
static struct call *tag_find(const struct shard *s, struct bytes local, uint8_t *leg)
{
	struct id_tag tag;
	struct call *c;

	if (id_tag_get(local, &tag))
		return NULL;
	forward_follow(&s->elsewhere, &tag);
	c = shard_call_find(s, tag.call);
	*leg = tag.leg;
	return c && call_leg(c, tag.leg) ? c : NULL;
}

struct call *shard_dialog_find(const struct shard *s, uint16_t tenant, struct bytes call_id,
			       struct bytes local, struct bytes remote, uint8_t *leg)
{
	struct call *c = tag_find(s, local, leg);

	return c && c->tenant == tenant && dialog_is(&c->legs[*leg]->dialog, call_id, local, remote)
		       ? c
		       : NULL;
}

struct call *shard_early_find(const struct shard *s, uint16_t tenant, struct bytes call_id,
			      struct bytes local, uint8_t *leg)
{
	struct call *c = tag_find(s, local, leg);
	const struct leg *l = c ? c->legs[*leg] : NULL;

	if (!c || c->tenant != tenant || !l->outbound || l->state != LEG_EARLY)
		return NULL;
	return is_own_tag(&l->dialog, call_id, local) ? c : NULL;
}

/* The same of a recorder's. */
static struct call *siprec_find(const struct shard *s, const struct sip_message *m)
{
	struct id_tag tag;
	struct call *c = id_tag_get(m->to.tag, &tag) || tag.leg != LEG_OF_MODULE
				 ? NULL
				 : shard_call_find(s, tag.call);

	return c && siprec_has_dialog(c, m) ? c : NULL;
}

static void siprec_inside(struct shard *s, struct call *c, const struct sip_message *m)
{
	struct call_event ev = { .kind = CALL_EV_REQUEST, .message = m, .leg = LEG_OF_MODULE };
	struct quota_party party = shard_party(s, c->tenant, (struct bytes){ 0 }, &m->hop);

	ev.slot = shard_txn_in_dialog(s, m, &party);
	if (ev.slot)
		shard_call_step(s, c, &ev);
}

/* The call and leg of the request's dialog. */
static struct call *dialog_find(const struct shard *s, const struct sip_message *m, uint8_t *leg)
{
	struct call *c = tag_find(s, m->to.tag, leg);
	uint8_t of, at;

	if (!c || (!dialog_is(&c->legs[*leg]->dialog, m->call_id, m->to.tag, m->from.tag) &&
		   !reliable_has_dialog(c->legs[*leg], m) && !early_find(c, *leg, m, &of, &at)))
		return NULL;
	return c;
}

void shard_ack(struct shard *s, const struct sip_message *m)
{
	struct txn_slot *slot = txns_find_server(&s->txns, m, SIP_INVITE);
	struct call_event ev = { .kind = CALL_EV_REQUEST, .message = m };
	struct call *c;
	uint64_t call;

	if (slot && slot->txn.state != TXN_ACCEPTED) { /* to a refusal */
		ev.leg = slot->leg;
		call = slot->call;
		(void)txns_step(&s->txns, slot, TXN_EV_ACK, s->host.now.ns);
		inside_call_notify(s, call, &ev);
		return;
	}
	c = dialog_find(s, m, &ev.leg);
	if (c) {
		if (!shard_hop_allows_ack(s, c, ev.leg, m))
			return;
		shard_hop_follow(s, c, ev.leg, m);
		shard_call_step(s, c, &ev);
	} else if ((c = siprec_find(s, m)) != NULL) {
		ev.leg = LEG_OF_MODULE;
		shard_call_step(s, c, &ev);
	} else { /* also the ACK to a refusal that was sent without a transaction */
		sig_count_dropped(&s->metrics, DROPPED_ACK);
	}
}

/* Its To tag is that of the INVITE's responses (RFC 3261 9.2). Never refused, as it ends more than
 * it costs; but it counts for the payer of the INVITE. */
static void answer_cancel(struct shard *s, const struct sip_message *m, const struct call *c,
			  uint8_t leg, const struct quota_party *payer)
{
	struct quota_refusal none;
	const struct leg *l = c ? call_leg(c, leg) : NULL;
	struct txn_slot *slot = txns_add_server(&s->txns, m, TXN_INSIDE, s->host.now.ns);
	struct shard_reply ok = { .status = 200 };
	struct response r = { .status = 200 };

	if (slot &&
	    quota_acquire(&s->settings.quota, payer, QUOTA_TXNS, true, s->host.now.ns, &none))
		txns_charge(slot, payer);
	if (!slot) {
		shard_reply_stateless(s, m, &ok);
	} else if (!l) {
		shard_reply(s, slot, m, &ok);
	} else {
		r.dialog = &l->dialog;
		respond(&s->host, slot, m, &r);
	}
}

void shard_cancel(struct shard *s, const struct sip_message *m)
{
	struct txn_slot *invite = txns_find_server(&s->txns, m, SIP_INVITE);
	struct call_event ev = { .kind = CALL_EV_CANCEL };
	struct call *c;

	if (invite)
		invite = shard_hop_copied(s, invite, m);
	if (!invite) {
		shard_refuse(s, NULL, m, 481, REFUSED_NO_TRANSACTION, (struct bytes){ 0 });
		return;
	}
	ev.leg = invite->leg;
	c = invite->call ? shard_call_find(s, invite->call) : NULL;
	answer_cancel(s, m, c, ev.leg, &invite->payer);
	if (c)
		shard_call_step(s, c, &ev);
}

struct txn_slot *shard_txn_in_dialog(struct shard *s, const struct sip_message *m,
				     const struct quota_party *party)
{
	struct call_refusal why;
	struct txn_slot *slot;

	if (!shard_quota_charge(s, party, QUOTA_TXNS, m->method == SIP_BYE, &why)) {
		shard_quota_refuse(s, m, 503, &why);
		return NULL;
	}
	slot = txns_add_server(&s->txns, m, TXN_INSIDE, s->host.now.ns);
	if (slot) {
		txns_charge(slot, party);
		return slot;
	}
	shard_quota_release(s, party, QUOTA_TXNS);
	shard_refuse(s, NULL, m, 503, REFUSED_TXNS_FULL, BYTES_LIT("Retry-After: 5\r\n"));
	return NULL;
}

/* A party that may only make emergency calls may not transfer. */
static bool inside_is_for_help(const struct shard *s, const struct call *c, uint8_t leg,
			       const struct sip_message *m)
{
	const struct shard_extension *e;

	if (!c->emergency || shard_is_trusted(s, &m->hop))
		return false;
	e = shard_extension_find(s, c->tenant, text_bytes(&c->legs[leg]->user));
	return e && (!e->enabled || !shard_transport_allowed(s, e, &m->hop));
}

/* No dialog of ours. The previous process may have ended the call and been killed before it
 * answered: a party that hangs up repeats that, and gets 200 (RFC 3261 15.1.2 has 481 as a
 * SHOULD). */
static void refuse_inside(struct shard *s, const struct sip_message *m)
{
	struct shard_reply over = { .status = 200 };

	if (m->method == SIP_BYE && shard_is_just_resumed(s) && is_tag_of_shard(s, m->to.tag))
		shard_reply_stateless(s, m, &over);
	else
		shard_refuse(s, NULL, m, 481, REFUSED_NO_DIALOG, (struct bytes){ 0 });
}

/* A REFER waits for data on the user that it names. */
static bool inside_waits(struct shard *s, const struct sip_message *m)
{
	uint8_t leg;
	const struct call *c = dialog_find(s, m, &leg);

	return c && (shard_invite_is_waiting(s, m) || shard_refer_hold(s, c, m));
}

void shard_inside(struct shard *s, const struct sip_message *m)
{
	if (m->method != SIP_REFER || !inside_waits(s, m))
		shard_inside_resume(s, m);
}

/* It is in a dialog of a feature. */
static bool inside_is_taken(struct shard *s, const struct sip_message *m)
{
	for (const struct shard_hooks *const *f = s->shared_tables->hooks; *f; f++) {
		if ((*f)->inside && (*f)->inside(s, m))
			return true;
	}
	return false;
}

void shard_inside_resume(struct shard *s, const struct sip_message *m)
{
	struct call_event ev = { .kind = CALL_EV_REQUEST, .message = m };
	struct call *c = dialog_find(s, m, &ev.leg);
	struct quota_party party;

	if (!c && inside_is_taken(s, m))
		return;
	if (!c && (c = siprec_find(s, m)) != NULL) {
		siprec_inside(s, c, m);
		return;
	}
	if (!c) {
		refuse_inside(s, m);
		return;
	}
	if (!shard_hop_allows(s, c, ev.leg, m))
		return;
	/* without a transaction: many of them cost little */
	if (m->method == SIP_PRACK && !reliable_is_acknowledged(c->legs[ev.leg], m)) {
		shard_refuse(s, NULL, m, 481, REFUSED_NO_TRANSACTION, (struct bytes){ 0 });
		return;
	}
	if (m->method == SIP_REFER && inside_is_for_help(s, c, ev.leg, m)) {
		shard_refuse(s, NULL, m, 403, REFUSED_TRANSFER, (struct bytes){ 0 });
		return;
	}
	shard_hop_follow(s, c, ev.leg, m);
	party = shard_party(s, c->tenant, text_bytes(&c->legs[ev.leg]->user), &m->hop);
	ev.slot = shard_txn_in_dialog(s, m, &party);
	if (ev.slot)
		shard_call_step(s, c, &ev);
}
