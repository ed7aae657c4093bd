/* SPDX-License-Identifier: Apache-2.0 */
/* A new call: from A's INVITE to the INVITE for B that waits for the first save. Or a call
 * of a process before, by its record. */
#include <assert.h>
#include <errno.h>

#include "base/log.h"
#include "sig/call/call_digits.h"
#include "sig/call/call_end.h"
#include "sig/call/cdr.h"
#include "sig/call/flow_spec.h"
#include "sig/call/fork.h"
#include "sig/call/identity.h"
#include "sig/call/invite.h"
#include "sig/call/legs.h"
#include "sig/call/module.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/reliable.h"
#include "sig/call/resolve.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"
#include "sig/model/call.h"
#include "sig/model/leg.h"
#include "sig/sip/uri.h"
#include "sig/step/step.h"

static int attach_server(struct call_host *h, struct call *c, uint8_t leg, struct text *request,
			 const struct sip_hop *source)
{
	enum txn_use use = c->legs[leg]->state == LEG_CONFIRMED ? TXN_INSIDE : TXN_NEW;
	struct message_error error;
	struct txn_slot *slot;
	struct sip_message m;

	if (message_parse(&m, text_bytes(request), &error)) {
		message_close(&m);
		return -EBADMSG;
	}
	m.hop = *source;
	slot = txns_add_server(h->txns, &m, use, h->now.ns);
	message_close(&m);
	if (!slot)
		return -ENOSPC;
	txns_belong(h->txns, slot, c->id, leg, TXN_USER_INVITE);
	slot->source = *source;
	slot->request = *request;
	*request = (struct text){ 0 };
	c->legs[leg]->uas->server = slot->self;
	return 0;
}

/* It was answered and its ACK is due: our answer identifies copies of the INVITE. Older records
 * lack its destination. */
static int attach_answered(struct call_host *h, struct call *c, uint8_t leg,
			   const struct sip_hop *source)
{
	struct leg *l = c->legs[leg];
	enum txn_use use = l->state == LEG_CONFIRMED ? TXN_INSIDE : TXN_NEW;
	struct message_error error;
	struct txn_slot *slot;
	struct sip_message m;

	if (message_parse(&m, text_bytes(&l->uas->answer), &error)) {
		message_close(&m);
		return -EBADMSG;
	}
	m.hop = source->remote.family == ADDR_NONE ? l->dialog.hop : *source;
	slot = txns_add_server(h->txns, &m, use, h->now.ns);
	message_close(&m);
	if (!slot)
		return 0; /* the answer is repeated without it */
	txns_belong(h->txns, slot, c->id, leg, TXN_USER_INVITE);
	l->uas->server = slot->self;
	return 0;
}

static bool leg_was_answered(const struct leg *l)
{
	return l && l->uas && l->uas->state == UAS_ACCEPTED && l->uas->answer.n;
}

static int attach_servers(struct call_host *h, struct call *c, struct call_seed *seed)
{
	int err = 0;

	for (uint8_t i = 0; i < c->leg_count && !err; i++) {
		if (c->lost & BIT64(i))
			continue;
		if (seed->request[i].n)
			err = attach_server(h, c, i, &seed->request[i], &seed->source[i]);
		else if (leg_was_answered(c->legs[i]))
			err = attach_answered(h, c, i, &seed->source[i]);
		else if (c->legs[i] && c->legs[i]->refusal)
			err = refusal_attach(h, c, i, &seed->source[i]);
	}
	return err;
}

static int attach_client(struct call_host *h, struct call *c, uint8_t leg, struct text *sent,
			 const struct sip_hop *to)
{
	struct invite_uac *uac = c->legs[leg]->uac;
	struct id_tag tag = c->legs[leg]->dialog.tag;
	char branch[ID_BRANCH_LEN];
	struct txn_slot *slot;

	tag.random = uac->branch;
	id_branch_put(branch, &tag);
	slot = txns_add_client(h->txns, SIP_INVITE, to, bytes_mem(branch, sizeof(branch)),
			       TXN_INSIDE, h->now.ns);
	if (!slot)
		return -ENOSPC;
	txns_belong(h->txns, slot, c->id, leg, TXN_USER_INVITE);
	slot->txn.message = *sent;
	*sent = (struct text){ 0 };
	uac->client = slot->self;
	return 0;
}

static int attach_clients(struct call_host *h, struct call *c, struct call_seed *seed)
{
	int err = 0;

	for (uint8_t i = 0; i < c->leg_count && !err; i++) {
		if (seed->sent[i].n && !(c->lost & BIT64(i)))
			err = attach_client(h, c, i, &seed->sent[i], &seed->sent_to[i]);
	}
	return err;
}

static void detach(struct call_host *h, const struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->uas)
			txns_drop(h->txns, c->legs[i]->uas->server);
		if (c->legs[i] && c->legs[i]->uac)
			txns_drop(h->txns, c->legs[i]->uac->client);
		if (c->legs[i] && c->legs[i]->refusal)
			txns_drop(h->txns, c->legs[i]->refusal->server);
	}
}

/* Parties that know addresses which are no longer ours get a re-INVITE. */
static void attach_moved(struct call *c)
{
	if (c->moved && !flows_may_move(c))
		call_obstacle(c, "an address for SIP is not the node's any more");
}

/* The record has the new address; the SDP sent shows that a predecessor moved it, and its party was
 * not told. */
static void flows_reoffer_moved(const struct call_host *h, struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (!call_leg(c, i) || !bridge_has(c, i) || !flows_moved(h, c, i))
			continue;
		if (flows_are_remote(h, c, i))
			c->moved |= (uint16_t)BIT64(i);
		c->reoffer |= bridge_reoffer_side(c, i);
		outbox_touch(&c->out);
	}
}

static void attach_media(struct call_host *h, struct call *c)
{
	attach_moved(c);
	if (c->state == CALL_ENDING ||
	    c->obstacle) { /* no media flows any more; the ports are not ours yet */
		flows_drop_all(h, c);
	} else if (flows_claim(h, c)) {
		call_obstacle(c, "a port of its media is not the node's any more");
	} else if (session_reopen(h, c)) {
		call_obstacle(c, "session descriptions do not agree any more");
		flows_drop_all(h, c);
	}
}

static void list_legs(struct call_host *h, struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (!c->legs[i])
			continue;
		leg_users_put(h->users, c->tenant, c->legs[i]);
		forward_put(h->elsewhere, &c->legs[i]->dialog);
	}
}

int call_attach(struct call_host *h, struct call *c, struct call_seed *seed, const char **reason)
{
	int err = attach_servers(h, c, seed);

	*reason = "transactions";
	if (!err)
		err = attach_clients(h, c, seed);
	if (err == -ENOSPC) {
		call_obstacle(c, "no transaction is free for it");
		err = 0;
	}
	if (err) {
		detach(h, c);
		return err;
	}
	attach_media(h, c);
	list_legs(h, c);
	return 0;
}

/* Copies of the INVITE that are still on their way want an answer: what the asker was told last. */
static void resume_server(struct call_host *h, const struct leg *l)
{
	struct txn_slot *slot = txns_get(h->txns, l->uas->server);
	struct response r = { .status = 100 };

	if (slot && l->state == LEG_EARLY && l->uas->provisional && !l->uas->rseq) {
		r.status = l->uas->provisional;
		r.dialog = &l->dialog;
		r.contact = r.record_route = true;
		r.content_type = BYTES_LIT("application/sdp");
		r.body = l->uas->early ? text_bytes(&l->open.local) : (struct bytes){ 0 };
	}
	respond(h, slot, NULL, &r);
}

static void resume_client(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];
	struct txn_slot *slot = txns_get(h->txns, l->uac->client);

	if (!slot)
		return;
	if (l->state == LEG_LEAVING && l->uac->state < UAC_PROCEEDING)
		l->uac->state = UAC_PROCEEDING; /* never asked again: it may have refused since */
	switch (l->uac->state) {
	case UAC_QUEUED:
	case UAC_CALLING: /* the same branch: for the party a retransmission */
		l->uac->state = UAC_CALLING;
		(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
		break;
	case UAC_PROCEEDING:
		prack_resume(h, c, leg);
		slot->txn.state = TXN_PROCEEDING;
		slot->started = 1;
		if (l->state == LEG_LEAVING) {
			l->leave = true;
			leg_leave_now(h, c, leg);
		}
		break;
	case UAC_ANSWERED:
		break;
	}
}

static void resume_clients(struct call_host *h, struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->uac)
			resume_client(h, c, i);
	}
}

/* The ACK may have gone to our former address: the answer is repeated, and 64*T1 start anew. */
static void resume_answer(struct call_host *h, struct call *c, uint8_t leg)
{
	struct invite_uas *uas = c->legs[leg]->uas;

	if (txns_get(h->txns, uas->server)) {
		uas->state = UAS_ANSWERED;
		invite_answer_on_saved(h, c, leg);
		return;
	}
	uas->interval_ms = TXN_T1_MS / 2; /* now, and in T1 */
	uas->deadline_ns = h->now.ns + TXN_TIMEOUT_MS * NS_PER_MS;
	invite_answer_again(h, c, leg);
}

static void resume_uas(struct call_host *h, struct call *c, uint8_t leg)
{
	if (c->legs[leg]->state == LEG_EARLY)
		reliable_on_saved(h, c, leg);
	switch (c->legs[leg]->uas->state) {
	case UAS_PROCEEDING:
		if (c->legs[leg]->uas->unacknowledged.n)
			break;
		resume_server(h, c->legs[leg]);
		break;
	case UAS_ANSWERED:
		invite_answer_on_saved(h, c, leg);
		break;
	case UAS_ACCEPTED:
		resume_answer(h, c, leg);
		break;
	}
}

/* It has no answer that its asker would still have to give. */
static bool ack_has_all(const struct leg *l)
{
	return !l->uac->late || l->open.by_18x;
}

/* Our pending ACK goes with the answer to the caller. */
static void resume_invites(struct call_host *h, struct call *c)
{
	uint16_t acks = 0;

	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && l->uac && ack_has_all(l) && l->state != LEG_LEAVING &&
		    invite_ack_waits(c, i))
			acks |= (uint16_t)BIT64(i);
	}
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && c->legs[i]->uas)
			resume_uas(h, c, i);
	}
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (acks & BIT64(i))
			invite_ack_on_saved(h, c, i);
	}
}

/* BYE again. */
static void resume_leaving(struct call_host *h, struct call *c)
{
	struct leg_farewell f = { .status = 487 };

	for (uint8_t i = 0; i < c->leg_count; i++) {
		struct leg *l = c->legs[i];

		if (!l || l->state != LEG_LEAVING || l->uac)
			continue;
		if (l->dialog.remote_tag.n == 0) {
			leg_close(l);
			continue;
		}
		l->state = LEG_CONFIRMED;
		leg_leave(h, c, i, &f);
	}
}

void call_resume(struct call_host *h, struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (!c->legs[i])
			continue;
		c->legs[i]->dialog.local_cseq += c->cseq_gap;
		early_resume(c->legs[i], c->cseq_gap);
		dialog_challenges_resume(&c->legs[i]->dialog);
		session_timer_resume(h, &c->legs[i]->timer, c->legs[i]->state == LEG_CONFIRMED);
		refusal_on_saved(h, c, i);
		if (c->lost & BIT64(i))
			forks_clear(c->legs[i]);
		else
			forks_resume(h, c, i);
		if (c->legs[i]->uac && c->legs[i]->state == LEG_CONFIRMED)
			c->legs[i]->uac->deadline_ns =
				h->now.ns + h->settings->calls.ring_timeout_ns;
	}
	if (c->obstacle) {
		call_abandon(h, c);
		return;
	}
	if (flows_may_move(c))
		flows_reoffer_moved(h, c);
	secrets_resume(h, c);
	flows_dtls_resume(h, c);
	resume_invites(h, c);
	resume_clients(h, c);
	resume_leaving(h, c);
	modules_resumed(h, c);
	wait_on_saved(h, c);
	modules_saved(h, c);
	resolve_resume(h, c);
	prompts_resume(h, c);
	call_digits_resume(h, c);
}

static int open_caller(struct call_host *h, struct call *c, const struct call_start *s)
{
	struct id_tag tag = { .call = c->id, .random = rand_u64_from(h->rand) };
	uint8_t leg;
	int err = legs_add(h, c, &leg);

	if (err)
		return err;
	assert(leg == c->bridge.caller);
	tag.leg = leg;
	leg_learn(c->legs[leg], s->invite);
	c->legs[leg]->device = s->device;
	c->legs[leg]->bare = s->bare;
	if (!session_timer_on_request(h, &c->legs[leg]->timer, s->invite))
		return -ERANGE;
	if (leg_on_invite(c->legs[leg], s->invite, s->slot->self) ||
	    leg_set_trunk(h->settings->trunks, c->legs[leg], s->trunk) ||
	    (!leg_is_trunk(c->legs[leg]) && leg_set_user(h, c->legs[leg], c->tenant, s->from)) ||
	    leg_set_terms(c->legs[leg], &s->terms))
		return -ENOMEM;
	trunks_count(h->settings->trunks, s->trunk, TRUNK_CALLS);
	err = dialog_from_request(&c->legs[leg]->dialog, &tag, s->invite, h);
	if (!err)
		err = identity_on_invite(h, c, s);
	return err ? err : conveyed_on_invite(h, c, s);
}

static enum refusal start_accept_offer(const struct call_host *h, struct call *c,
				       const struct sip_message *invite,
				       struct call_refusal *refusal)
{
	struct leg *a = call_caller(c);
	struct bytes sdp;
	int err = session_body(invite, &sdp);

	if (err)
		return call_refuse_as(refusal, err == -EBADMSG ? 400 : 415, REFUSED_BODY);
	a->uas->late = sdp.n == 0;
	a->uas->reliable = reliable_wish(invite);
	a->open.theirs = sdp.n != 0;
	if (!c->emergency)
		leg_expires(h, a, invite);
	if (text_set(&a->open.remote, sdp))
		return call_refuse(refusal, REFUSED_MEMORY);
	return 0;
}

/* An anonymous caller is named to emergency services only. */
static struct bytes caller_name(const struct call *c, const struct call_start *s)
{
	struct bytes name =
		leg_is_trunk(call_caller(c)) ? s->from : subscriber_of(&s->invite->from.uri).name;

	if (s->anonymous && c->emergency)
		(void)carried_number(text_bytes(&call_caller(c)->carried), &name);
	return name;
}

static enum refusal start_ring(struct call_host *h, struct call *c, const struct call_start *s,
			       struct call_refusal *refusal)
{
	struct bytes caller = caller_name(c, s);
	struct dialog_party from = {
		.local_display = s->display,
		.local_user = caller.n ? caller : BYTES_LIT("anonymous"),
	};
	enum refusal refused;

	if (modules_begun(h, c, s, &refused, refusal))
		return refused;
	return plan_start(h, c, s->to, s->gruu, &from, refusal);
}

static int start_fill(struct call_host *h, struct call *c, const struct call_start *s)
{
	call_init(h, c);
	c->early_media = s->early_media;
	txns_belong(h->txns, s->slot, c->id, c->bridge.caller, TXN_USER_INVITE);
	if (text_set(&c->from, s->from) || text_set(&c->to, s->to) || call_name_set(c, s->display))
		return -ENOMEM;
	call_data_hear(c, s->invite);
	return txns_keep_request(s->slot, s->invite);
}

/* The emergency is reported whether or not the call is answered. */
static void emergency_publish(struct call_host *h, const struct call *c)
{
	call_publish(h, c, SIG_CALL_EMERGENCY);
	LOG_WARN("call", c->id, "emergency call", LOG_STR("tenant", call_tenant(h, c)),
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, text_bytes(&c->to))));
}

enum refusal call_start(struct call_host *h, struct call *c, const struct call_start *start,
			struct call_refusal *refusal)
{
	int err = start_fill(h, c, start);

	if (err)
		return call_refuse_as(refusal, 513, REFUSED_MALFORMED);
	err = open_caller(h, c, start);
	if (err == -EINVAL)
		return call_refuse(refusal, REFUSED_MALFORMED);
	if (err == -ERANGE)
		return call_refuse(refusal, REFUSED_INTERVAL);
	if (err)
		return call_refuse(refusal, REFUSED_MEMORY);
	if (start_accept_offer(h, c, start->invite, refusal))
		return refusal->reason;
	respond_trying(h, c, c->bridge.caller, start->slot->self);
	if (start_ring(h, c, start, refusal))
		return refusal->reason;
	metric_add(h->metrics->calls_started, 1);
	call_publish(h, c, SIG_CALL_NEW);
	if (c->emergency)
		emergency_publish(h, c);
	LOG_INFO("call", c->id, "call started", LOG_STR("tenant", call_tenant(h, c)),
		 LOG_BYTES("from", cdr_number(h, c, text_bytes(&c->from))),
		 LOG_BYTES("to", cdr_number(h, c, text_bytes(&c->to))),
		 LOG_ADDR("source", &start->invite->hop.remote),
		 LOG_BYTES("sip_call_id", start->invite->call_id));
	return 0;
}
