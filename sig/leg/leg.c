/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of ours in the dialog of a leg: INVITE, ACK, BYE, CANCEL and others, with their
 * transactions, credentials when challenged (RFC 3261 22), and the next place when one fails.
 * Requests are sent in the order of their CSeq, those that wait for a save or a look-up included
 * (RFC 3261 12.2.2). ACKs of each 2xx are repeated with the same answer (13.2.2.4). Also how a leg
 * is ended in each of its states (leg_leave). */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/dialog/dialog.h"
#include "sig/host/location.h"
#include "sig/leg/dtmf.h"
#include "sig/leg/early.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/model/leg.h"
#include "sig/model/payer.h"

int leg_set_user(struct call_host *h, struct leg *leg, uint16_t tenant, struct bytes user)
{
	if (text_set(&leg->user, user))
		return -ENOMEM;
	leg_users_put(h->users, tenant, leg);
	return 0;
}

int leg_to_party(struct call_host *h, struct leg *leg, const struct id_tag *tag,
		 const struct dialog_party *party)
{
	int err = dialog_to_party(&leg->dialog, tag, party, h->settings);

	if (!err && party->routes.n)
		dialog_choose_hop(&leg->dialog, h, false);
	return err;
}

/* With the names of codecs that there are. */
static size_t terms_octets(const struct offer_terms *terms)
{
	return offsetof(struct offer_terms, codecs) + terms->codec_count * sizeof(terms->codecs[0]);
}

int leg_set_terms(struct leg *leg, const struct offer_terms *terms)
{
	static const struct offer_terms none;

	if (memcmp(terms, &none, sizeof(none)) == 0)
		return 0;
	leg->terms = malloc(terms_octets(terms));
	if (!leg->terms)
		return -ENOMEM;
	memcpy(leg->terms, terms, terms_octets(terms));
	return 0;
}

void leg_terms(const struct leg *leg, struct offer_terms *out)
{
	if (leg && leg->terms)
		memcpy(out, leg->terms, terms_octets(leg->terms));
}

int leg_invite(struct leg *leg, uint8_t from)
{
	leg_uac_clear(leg);
	leg->uac = calloc(1, sizeof(*leg->uac));
	if (!leg->uac)
		return -ENOMEM;
	leg->uac->from = from;
	return 0;
}

void leg_uac_clear(struct leg *leg)
{
	if (leg->uac)
		leg_sdp_clear(&leg->open);
	if (leg->uac)
		early_forget(leg->uac);
	if (leg->uac)
		free(leg->uac->rest);
	free(leg->uac);
	leg->uac = NULL;
}

int leg_on_invite(struct leg *leg, const struct sip_message *m, pool_handle server)
{
	leg_uas_clear(leg);
	leg->uas = calloc(1, sizeof(*leg->uas));
	if (!leg->uas)
		return -ENOMEM;
	leg->uas->server = server;
	leg->uas->cseq = m->cseq;
	leg->uas->max_forwards = m->max_forwards;
	return 0;
}

void leg_expires(const struct call_host *h, struct leg *leg, const struct sip_message *invite)
{
	int64_t s = message_expires(invite);

	if (s >= 0)
		leg->uas->expires_ns =
			h->now.ns +
			(uint64_t)(s < INVITE_EXPIRES_MAX_S ? s : INVITE_EXPIRES_MAX_S) * NS_PER_S;
}

void leg_code_digits_clear(struct leg *leg)
{
	free(leg->code_digits);
	leg->code_digits = NULL;
}

void leg_uas_clear(struct leg *leg)
{
	if (!leg->uas)
		return;
	leg_sdp_clear(&leg->open);
	text_clear(&leg->uas->answer);
	text_clear(&leg->uas->unacknowledged);
	text_clear(&leg->uas->offer);
	free(leg->uas);
	leg->uas = NULL;
}

void leg_learn(struct leg *leg, const struct sip_message *m)
{
	struct bytes value;

	if (message_header(m, "Allow-Events", 0, &value))
		leg->takes_talk = message_has_token(m, "Allow-Events", "talk");
	if (message_header(m, "Allow", 0, &value))
		leg->takes_update = message_has_token(m, "Allow", "UPDATE");
	if (message_header(m, "Allow", 0, &value))
		leg->no_info = !message_has_token(m, "Allow", "INFO");
	if (message_has_token(m, "Supported", "record-aware"))
		leg->record_aware = true;
}

bool leg_is_open(const struct leg *leg)
{
	return leg->uac && leg->uac->state < UAC_ANSWERED;
}

static void branch_of(char out[ID_BRANCH_LEN], const struct dialog *d, uint64_t random)
{
	struct id_tag tag = { .call = d->tag.call, .leg = d->tag.leg, .random = random };

	id_branch_put(out, &tag);
}

static struct txn_slot *leg_txn_allocate(struct call_host *h, const struct dialog *d,
					 enum sip_method method, const struct sip_hop *hop,
					 uint64_t random, enum txn_user user, struct bytes text)
{
	char branch[ID_BRANCH_LEN];
	struct txn_slot *slot;

	branch_of(branch, d, random);
	slot = txns_add_client(h->txns, method, hop, bytes_mem(branch, sizeof(branch)), TXN_INSIDE,
			       h->now.ns);
	if (!slot)
		return NULL;
	txns_belong(h->txns, slot, dialog_call(d), dialog_leg(d), user);
	if (!text_set(&slot->txn.message, text))
		return slot;
	txns_drop(h->txns, slot->self);
	return NULL;
}

/* The GRUU is not for the phone that has it (RFC 5627 6.1). */
static struct bytes target_of(const struct call_host *h, const struct dialog *d)
{
	return h->services->location->gruu_contact(h->owner, d);
}

struct txn_slot *leg_request(struct call_host *h, struct dialog *d, struct dialog_request *r,
			     enum txn_user user)
{
	struct writer w = writer_over(h->space, HOST_SPACE);
	bool waits = dialog_resolves(d, h);
	struct txn_slot *slot;

	if (r->cseq == 0)
		r->cseq = ++d->local_cseq;
	if (r->branch == 0)
		r->branch = rand_u64_from(h->rand);
	if (!r->target.n)
		r->target = target_of(h, d);
	dialog_write_request(&w, d, r, h->settings);
	dialog_prove(d, h, &w, r->method, r->body.n);
	slot = w.overflow ? NULL
			  : leg_txn_allocate(h, d, r->method, &d->hop, r->branch, user,
					     writer_done(&w));
	if (slot && waits)
		dialog_hold(d, slot);
	return slot;
}

bool leg_send(struct call_host *h, struct dialog *d, struct dialog_request *r, enum txn_user user)
{
	struct txn_slot *slot = leg_request(h, d, r, user);

	if (!slot)
		return false;
	(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
	return true;
}

/* The answer to an offer that came in the leg's 2xx. */
static struct bytes ack_body(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	const struct leg_sdp *sdp = l->uac ? &l->open : &l->sdp;
	bool late = l->uac ? l->uac->late : l->invite_late;

	/* for a re-INVITE given up for the BYE: what was agreed before is no answer to its offer */
	if (!l->uac && (l->state == LEG_LEAVING || l->state == LEG_CLOSED))
		return (struct bytes){ 0 };
	/* what is in force may be of an offer of the party's own */
	return late && sdp->theirs && !sdp->by_18x ? text_bytes(&sdp->local) : (struct bytes){ 0 };
}

void leg_send_ack(struct call_host *h, const struct dialog *d, uint32_t cseq, uint64_t branch,
		  struct bytes answer)
{
	struct writer w = writer_over(h->space, HOST_SPACE);
	struct dialog_request r = {
		.method = SIP_ACK,
		.cseq = cseq,
		.branch = branch,
		.max_forwards = -1,
		.extra = dialog_proof(d), /* RFC 3261 22.1 */
		.content_type = BYTES_LIT("application/sdp"),
		.body = answer,
		.target = target_of(h, d),
	};

	dialog_write_request(&w, d, &r, h->settings);
	if (!w.overflow)
		txns_send(h->txns, &d->hop, writer_done(&w));
}

static const struct leg_acked *acks_find(const struct leg *l, uint32_t cseq)
{
	for (uint8_t i = 0; l->acks && i < l->acks->count; i++) {
		if (l->acks->list[i].cseq == cseq)
			return &l->acks->list[i];
	}
	return NULL;
}

static void acks_drop_oldest(struct leg_acks *acks)
{
	text_clear(&acks->list[0].answer);
	acks->count--;
	memmove(&acks->list[0], &acks->list[1], acks->count * sizeof(acks->list[0]));
	memset(&acks->list[acks->count], 0, sizeof(acks->list[0]));
}

/* An answer that an ACK had; the oldest one gives it room. NULL: out of memory. */
static struct leg_acked *leg_acks_add(struct leg *leg, uint32_t cseq, uint64_t until_ns,
				      struct bytes answer)
{
	struct leg_acked *to;

	if (!leg->acks)
		leg->acks = calloc(1, sizeof(*leg->acks));
	if (!leg->acks)
		return NULL;
	if (leg->acks->count == LEG_ACKS_MAX)
		acks_drop_oldest(leg->acks);
	to = &leg->acks->list[leg->acks->count];
	if (text_set(&to->answer, answer))
		return NULL;
	to->cseq = cseq;
	to->until_ns = until_ns;
	leg->acks->count++;
	return to;
}

void leg_acks_expire(struct leg *leg, uint64_t now_ns)
{
	while (leg->acks && leg->acks->count && leg->acks->list[0].until_ns <= now_ns)
		acks_drop_oldest(leg->acks);
	if (leg->acks && !leg->acks->count) {
		free(leg->acks);
		leg->acks = NULL;
	}
}

/* The same, and no name is looked up before. */
static void leg_ack_now(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];
	const struct leg_acked *acked = acks_find(l, l->invite_cseq);
	struct bytes answer = acked ? text_bytes(&acked->answer) : ack_body(c, leg);

	if (!acked && answer.n &&
	    !leg_acks_add(l, l->invite_cseq, h->now.ns + TXN_TIMEOUT_MS * NS_PER_MS, answer))
		LOG_WARN("call", c->id, "no memory to keep the answer of an ACK",
			 LOG_U64("leg", leg));
	leg_send_ack(h, &l->dialog, l->invite_cseq, l->ack_branch, answer);
}

/* Its branch differs from that of the first ACK, and then stays. It goes to the last hop: no name
 * is looked up for it. */
void leg_ack_older(struct call_host *h, struct call *c, uint8_t leg, uint32_t cseq)
{
	const struct leg *l = c->legs[leg];
	const struct leg_acked *acked = acks_find(l, cseq);

	leg_send_ack(h, &l->dialog, cseq, l->dialog.tag.random ^ cseq,
		     acked ? text_bytes(&acked->answer) : (struct bytes){ 0 });
}

/* The dialog of a 2xx, from its own headers. Returns 0 or -errno; *d (zeroed) is to be cleared,
 * also after an error. */
static int stray_dialog(struct call_host *h, struct dialog *d, const struct sip_message *m)
{
	char text[DIALOG_TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	size_t middle;

	writer_str(&w, "<");
	writer_bytes(&w, m->from.uri.all);
	writer_str(&w, ">");
	middle = w.n;
	writer_str(&w, "<");
	writer_bytes(&w, m->to.uri.all);
	writer_str(&w, ">");
	d->hop = m->hop;
	d->local_cseq = m->cseq;
	if (w.overflow || id_tag_get(m->from.tag, &d->tag))
		return -EINVAL;
	if (text_set(&d->call_id, m->call_id) ||
	    text_set(&d->local, bytes_sub(writer_done(&w), 0, middle)) ||
	    text_set(&d->remote, bytes_from(writer_done(&w), middle)) ||
	    text_set(&d->target, m->to.uri.all))
		return -ENOMEM;
	return dialog_confirm(d, m, true, h);
}

void leg_stray(struct call_host *h, const struct sip_message *m, bool first)
{
	struct dialog_request bye = { .method = SIP_BYE,
				      .max_forwards = -1,
				      .cseq = m->cseq + STRAY_CSEQ_GAP };
	struct dialog d = { 0 };

	if (stray_dialog(h, &d, m)) {
		sig_count_dropped(h->metrics, DROPPED_RESPONSE);
	} else {
		leg_send_ack(h, &d, m->cseq, d.tag.random ^ m->cseq, (struct bytes){ 0 });
		if (first)
			(void)leg_send(h, &d, &bye, TXN_USER_NONE);
	}
	dialog_clear(&d);
}

void leg_ack(struct call_host *h, struct call *c, uint8_t leg)
{
	struct dialog *d = &c->legs[leg]->dialog;

	if (dialog_resolves(d, h))
		dialog_hold_ack(d);
	else
		leg_ack_now(h, c, leg);
}

void leg_close(struct leg *leg)
{
	leg->state = LEG_CLOSED;
	leg_leave_channel(leg);
	leg->leave = false;
	leg->leave_ns = 0;
	leg_uac_clear(leg);
	leg_digits_clear(leg);
}

static void send_bye(struct call_host *h, struct call *c, uint8_t leg, struct bytes reason)
{
	struct dialog_request r = { .method = SIP_BYE, .max_forwards = -1, .extra = reason };
	struct leg *l = c->legs[leg];

	l->leave = false;
	l->state = LEG_LEAVING;
	leg_uac_clear(l);
	if (leg_send(h, &l->dialog, &r, TXN_USER_BYE))
		return;
	LOG_WARN("call", c->id, "no transaction left for BYE", LOG_U64("leg", leg));
	leg_close(l);
}

/* RFC 3261 9.1: the same branch, CSeq number and target. */
void leg_cancel(struct call_host *h, struct call *c, uint8_t leg, struct bytes reason)
{
	const struct leg *l = c->legs[leg];
	struct txn_slot *invite = txns_get(h->txns, l->uac->client);
	struct writer w = writer_over(h->space, HOST_SPACE);
	struct txn_slot *slot;

	if (!invite)
		return;
	dialog_write_derived(&w, text_bytes(&invite->txn.message), SIP_CANCEL, (struct bytes){ 0 },
			     reason);
	slot = w.overflow ? NULL
			  : leg_txn_allocate(h, &l->dialog, SIP_CANCEL, &invite->txn.hop,
					     l->uac->branch, TXN_USER_CANCEL, writer_done(&w));
	if (!slot)
		return;
	payer_charge_txn(h, c, slot);
	(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
}

/* Then 64*T1 for the INVITE to end. */
static void cancel(struct call_host *h, struct call *c, uint8_t leg, struct bytes reason)
{
	struct leg *l = c->legs[leg];

	l->leave = false;
	l->state = LEG_LEAVING;
	l->leave_ns = h->now.ns + TXN_TIMEOUT_MS * NS_PER_MS;
	leg_cancel(h, c, leg, reason);
	leg_sdp_clear(&l->open);
}

static void cancel_uac(struct call_host *h, struct call *c, uint8_t leg, struct bytes reason)
{
	struct leg *l = c->legs[leg];

	switch (l->uac->state) {
	case UAC_QUEUED: /* never sent */
		txns_drop(h->txns, l->uac->client);
		outbox_forget(&c->out, OUTBOX_INVITE, leg);
		leg_close(l);
		break;
	case UAC_CALLING: /* RFC 3261 9.1: not before the first response */
		l->leave = true;
		l->state = LEG_LEAVING;
		leg_leave_channel(l); /* a trunk that says nothing has no call of ours */
		leg_sdp_clear(&l->open);
		break;
	case UAC_PROCEEDING:
		cancel(h, c, leg, reason);
		break;
	case UAC_ANSWERED:
		assert(false && "a leg with an answered INVITE is not early");
		break;
	}
}

void leg_leave(struct call_host *h, struct call *c, uint8_t leg, const struct leg_farewell *f)
{
	struct leg *l = c->legs[leg];

	switch (l->state) {
	case LEG_EARLY:
		if (l->uas) {
			refusal_send(h, c, leg, f);
			leg_close(l);
		} else {
			cancel_uac(h, c, leg, f->reason);
		}
		break;
	case LEG_ANSWERED:
		if (l->uas) { /* RFC 3261 15: the callee's side waits for the ACK */
			l->leave = true;
		} else {
			leg_ack(h, c, leg);
			send_bye(h, c, leg, f->reason);
		}
		break;
	case LEG_CONFIRMED:
		send_bye(h, c, leg, f->reason);
		break;
	case LEG_LEAVING:
	case LEG_CLOSED:
		break;
	}
}

void leg_leave_now(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];

	assert(l->leave);
	if (l->uas) {
		send_bye(h, c, leg, (struct bytes){ 0 });
	} else {
		cancel(h, c, leg,
		       c->state == CALL_ENDING ? (struct bytes){ 0 } : BYTES_LIT(LEG_COMPLETED));
	}
}

void relay_on_saved(struct call_host *h, pool_handle client)
{
	struct txn_slot *slot = txns_get(h->txns, client);

	if (slot)
		(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
}

void relay_drop(struct call_host *h, pool_handle client)
{
	struct txn_slot *slot = txns_get(h->txns, client);
	struct response r = { .status = 481 };

	if (!slot)
		return;
	respond(h, txns_get(h->txns, slot->peer), NULL, &r);
	txns_drop(h->txns, client);
}

/* Requests that wait for their save have a lower CSeq: they go first, or the party refuses them
 * (RFC 3261 12.2.2). */
static bool has_one_before(const struct call *c, uint8_t to)
{
	const struct invite_uac *uac = c->legs[to]->uac;

	return (uac && uac->state == UAC_QUEUED) || outbox_has(&c->out, OUTBOX_RELAY, to) ||
	       outbox_has(&c->out, OUTBOX_PRACK, to);
}

void relay_start(struct call_host *h, struct call *c, uint8_t to, pool_handle client)
{
	struct outbox_item item = { .kind = OUTBOX_RELAY, .leg = to, .txn = client };

	if (has_one_before(c, to)) {
		outbox_touch(&c->out);
		if (outbox_push(&c->out, &item))
			return;
	}
	relay_on_saved(h, client);
}

/* An in-dialog request that is challenged. The party that waits for its response is not told. */

static struct bytes request_body(struct bytes request)
{
	const uint8_t *at = request.n ? memmem(request.p, request.n, "\r\n\r\n", 4) : NULL;

	return at ? bytes_from(request, (size_t)(at - request.p) + 4) : (struct bytes){ 0 };
}

static bool renew(struct call_host *h, struct leg *l, struct txn_slot *slot)
{
	struct bytes request = text_bytes(&slot->txn.message);
	struct bytes body = request_body(request);
	struct dialog_request r = { .method = slot->txn.method,
				    .cseq = ++l->dialog.local_cseq,
				    .branch = rand_u64_from(h->rand) };
	bool waits = dialog_lookup_due_ns(&l->dialog);
	struct writer w = writer_over(h->space, HOST_SPACE);
	struct id_tag tag = l->dialog.tag;
	char branch[ID_BRANCH_LEN];

	tag.random = r.branch;
	id_branch_put(branch, &tag);
	dialog_write_again(&w, &l->dialog, request, &r, h->settings);
	writer_str(&w, "\r\n");
	writer_bytes(&w, body);
	dialog_prove(&l->dialog, h, &w, r.method, body.n);
	if (w.overflow ||
	    !txns_renew(h->txns, slot, &l->dialog.hop, bytes_mem(branch, sizeof(branch)),
			writer_done(&w), h->now.ns))
		return false;
	if (waits) /* behind what waits for the same name, and has a lower CSeq number */
		dialog_hold(&l->dialog, slot);
	if (slot->user == TXN_USER_PRACK && l->uac) { /* a successor repeats this one */
		l->uac->prack.cseq = r.cseq;
		l->uac->prack.branch = r.branch;
	}
	return true;
}

static bool is_open(const struct txn_slot *slot)
{
	return slot->client && slot->txn.kind == TXN_CLIENT && slot->user != TXN_USER_CANCEL &&
	       (slot->txn.state == TXN_TRYING || slot->txn.state == TXN_PROCEEDING);
}

/* No request follows our BYE: its higher CSeq would have the BYE refused if that arrives later. */
static bool is_too_late(const struct leg *l, const struct txn_slot *slot)
{
	return l->state >= LEG_LEAVING && slot->txn.method != SIP_INVITE &&
	       slot->user != TXN_USER_BYE && slot->user != TXN_USER_PRACK;
}

/* What waits has a lower CSeq number, and goes first (RFC 3261 12.2.2). */
static void go_behind(struct call_host *h, struct call *c, uint8_t leg, const struct txn_slot *slot)
{
	struct outbox_item item = { .kind = OUTBOX_RELAY, .leg = leg, .txn = slot->self };
	bool waits = outbox_has(&c->out, OUTBOX_INVITE, leg) ||
		     outbox_has(&c->out, OUTBOX_RELAY, leg) ||
		     outbox_has(&c->out, OUTBOX_PRACK, leg);

	if (waits && slot->user != TXN_USER_BYE) {
		outbox_touch(&c->out);
		if (outbox_push(&c->out, &item))
			return;
	}
	relay_on_saved(h, slot->self);
}

static bool challenged(struct call_host *h, struct call *c, uint8_t leg, struct txn_slot *slot,
		       const struct sip_message *m)
{
	struct leg *l = c->legs[leg];

	if (!is_open(slot) || is_too_late(l, slot) ||
	    !dialog_is(&l->dialog, m->call_id, m->from.tag, m->to.tag) ||
	    dialog_challenged(&l->dialog, h, m, text_bytes(&slot->txn.message),
			      &slot->challenged) != CHALLENGE_ANSWERED ||
	    !renew(h, l, slot))
		return false;
	if (slot->user == TXN_USER_PRACK)
		outbox_touch(&c->out);
	go_behind(h, c, leg, slot);
	return true;
}

/* A PRACK may be of an early dialog that is not in use. */
bool leg_challenged(struct call_host *h, struct call *c, uint8_t leg, struct txn_slot *slot,
		    const struct sip_message *m)
{
	struct leg *l = call_leg(c, leg);
	int at = l && l->uac && slot->user == TXN_USER_PRACK ? early_of_prack(l, slot->self) : -1;
	uint8_t before;
	bool taken;

	if (!challenge_is(m) || !l)
		return false;
	if (at < 0)
		return challenged(h, c, leg, slot, m);
	before = l->uac->early_at;
	early_use(l, (uint8_t)at);
	taken = challenged(h, c, leg, slot, m);
	early_use(l, before);
	return taken;
}

/* Held requests are sent, the ACK first: RFC 3261 12.2.2 requires order, and a BYE ends what was
 * acknowledged. */
static bool told(struct call_host *h, struct call *c, uint8_t leg,
		 const struct lookup_reply *outcome)
{
	struct dialog *d = &c->legs[leg]->dialog;
	bool ack = false;

	if (!dialog_on_lookup(d, h, outcome, &ack))
		return false;
	if (ack)
		leg_ack_now(h, c, leg);
	dialog_held_go(d, h);
	return true;
}

bool leg_places_on_lookup(struct call_host *h, struct call *c, const struct lookup_reply *outcome)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && told(h, c, i, outcome))
			return true;
	}
	return false;
}

void leg_places_overdue(struct call_host *h, struct call *c, uint8_t leg)
{
	LOG_WARN("call", c->id, "a name was not looked up in time", LOG_U64("leg", leg));
	(void)told(h, c, leg, NULL);
}

/* A successor repeats it as it is now. */
static void renamed(struct call *c, struct leg *l, const struct txn_slot *slot,
		    const struct dialog_moved *as)
{
	if (!l->uac)
		return;
	if (slot->self == l->uac->client) {
		l->uac->branch = as->branch;
		if (as->cseq)
			l->invite_cseq = as->cseq;
	} else if (slot->self == l->uac->prack.txn) {
		l->uac->prack.branch = as->branch;
		if (as->cseq)
			l->uac->prack.cseq = as->cseq;
	} else {
		return;
	}
	outbox_touch(&c->out);
}

/* The first INVITE has places of its own (sig/call/resolve.h), a CANCEL follows it, and a request
 * given up goes nowhere. */
static bool has_places(const struct leg *l, const struct txn_slot *slot)
{
	return slot->client && slot->user != TXN_USER_NONE && slot->user != TXN_USER_CANCEL &&
	       !(slot->user == TXN_USER_INVITE &&
		 (l->state == LEG_EARLY || l->state >= LEG_LEAVING));
}

bool leg_forward(struct call_host *h, struct call *c, uint8_t leg, struct txn_slot *slot,
		 uint32_t for_s)
{
	struct leg *l = call_leg(c, leg);
	struct dialog_moved as;

	if (!l || !has_places(l, slot) || !dialog_forward(&l->dialog, h, slot, for_s, &as))
		return false;
	renamed(c, l, slot, &as);
	return true;
}
