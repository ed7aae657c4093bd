/* SPDX-License-Identifier: Apache-2.0 */
/* The early dialogs of our INVITE (early.h): enters the dialog of each response by its To tag,
 * swaps dialog, PRACK and SDP when another one becomes current, and shows the caller a matching
 * early dialog of ours for each. Further forks that answer with 2xx are acknowledged and ended by
 * BYE, repeated by a successor until answered (RFC 3261 13.2.2.4). The usual single early dialog
 * costs no memory. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/table.h"
#include "sig/host/location.h"
#include "sig/leg/early.h"
#include "sig/leg/leg.h"

static struct leg_fork *fork_find(const struct leg *l, uint32_t tag)
{
	for (uint8_t i = 0; l->forks && i < l->forks->count; i++) {
		if (l->forks->list[i].tag == tag)
			return &l->forks->list[i];
	}
	return NULL;
}

/* NULL: too many, or no memory. */
static struct leg_fork *fork_new(struct leg *l, uint32_t tag)
{
	if (!l->forks)
		l->forks = calloc(1, sizeof(*l->forks));
	if (!l->forks || l->forks->count == LEG_FORKS_MAX)
		return NULL;
	l->forks->list[l->forks->count].tag = tag;
	return &l->forks->list[l->forks->count++];
}

static int fork_write(struct call_host *h, struct dialog *d, enum sip_method method, uint32_t cseq,
		      uint64_t branch, struct text *out)
{
	struct writer w = writer_over(h->space, HOST_SPACE);
	const struct dialog_request r = {
		.method = method,
		.cseq = cseq,
		.branch = branch,
		.max_forwards = -1,
		.target = h->services->location->gruu_contact(h->owner, d),
	};

	dialog_write_request(&w, d, &r, h->settings);
	if (method == SIP_BYE)
		dialog_prove(d, h, &w, method, 0);
	return w.overflow ? -ENOSPC : text_set(out, writer_done(&w));
}

/* PRACKs may have gone before its BYE in an early dialog. */
static int fork_fill(struct call_host *h, struct leg *l, struct dialog *d, struct leg_fork *f,
		     const struct sip_message *m)
{
	int err = fork_write(h, d, SIP_ACK, m->cseq, d->tag.random ^ f->tag ^ m->cseq, &f->ack);

	f->hop = d->hop;
	d->challenges = l->dialog.challenges; /* lent: a party that has challenged does so again */
	if (!err)
		err = fork_write(h, d, SIP_BYE, m->cseq + RESUME_CSEQ_GAP, rand_u64_from(h->rand),
				 &f->bye);
	d->challenges = NULL;
	return err;
}

void forks_hold_for_save(struct call_host *h, struct call *c, uint8_t leg, uint8_t at)
{
	const struct outbox_item item = { .kind = OUTBOX_FORK, .leg = leg, .line = at };

	outbox_touch(&c->out);
	if (!outbox_push(&c->out, &item))
		forks_on_saved(h, c, leg, at);
}

static void fork_add(struct call_host *h, struct call *c, uint8_t leg, struct dialog *d,
		     const struct sip_message *m)
{
	struct leg *l = c->legs[leg];
	struct leg_fork *f = fork_new(l, hash_crc32c(0, m->to.tag));
	int err = f ? fork_fill(h, l, d, f, m) : -ENOSPC;

	if (!err) {
		forks_hold_for_save(h, c, leg, (uint8_t)(f - l->forks->list));
		return;
	}
	sig_count_dropped(h->metrics, DROPPED_FORKS);
	if (f) { /* it says so again */
		text_clear(&f->ack);
		l->forks->count--;
	}
}

void forks_on_answer(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	struct leg *l = c->legs[leg];
	uint32_t tag = hash_crc32c(0, m->to.tag);
	const struct leg_fork *f = fork_find(l, tag);
	struct dialog d = { 0 };

	if (f && f->ack.n)
		return; /* it is told when that is saved */
	if (dialog_fork(&d, &l->dialog, m, h))
		sig_count_dropped(h->metrics, DROPPED_FORKS);
	else if (f)
		leg_send_ack(h, &d, m->cseq, d.tag.random ^ tag ^ m->cseq, (struct bytes){ 0 });
	else
		fork_add(h, c, leg, &d, m);
	dialog_clear(&d);
}

static struct txn_slot *fork_client(struct call_host *h, const struct leg_fork *f)
{
	char branch[ID_BRANCH_LEN];
	struct txn_slot *slot;

	if (!dialog_read_branch(text_bytes(&f->bye), branch))
		return NULL;
	slot = txns_add_client(h->txns, SIP_BYE, &f->hop, bytes_mem(branch, sizeof(branch)),
			       TXN_INSIDE, h->now.ns);
	if (!slot || !text_set(&slot->txn.message, text_bytes(&f->bye)))
		return slot;
	txns_drop(h->txns, slot->self);
	return NULL;
}

void forks_on_saved(struct call_host *h, struct call *c, uint8_t leg, uint8_t at)
{
	struct leg *l = call_leg(c, leg);
	struct leg_fork *f = l && l->forks && at < l->forks->count ? &l->forks->list[at] : NULL;
	struct txn_slot *slot;

	if (!f || !f->bye.n || f->client)
		return;
	if (f->ack.n)
		txns_send(h->txns, &f->hop, text_bytes(&f->ack));
	text_clear(&f->ack);
	slot = fork_client(h, f);
	if (!slot) {
		LOG_WARN("call", c->id, "no transaction left for the BYE to a fork",
			 LOG_U64("leg", leg));
		text_clear(&f->bye);
		return;
	}
	f->client = slot->self;
	txns_belong(h->txns, slot, c->id, leg, TXN_USER_FORK);
	(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
}

void forks_answered(struct call *c, uint8_t leg, pool_handle client)
{
	struct leg *l = c->legs[leg];

	for (uint8_t i = 0; l->forks && i < l->forks->count; i++) {
		if (l->forks->list[i].client != client)
			continue;
		text_clear(&l->forks->list[i].bye);
		if (c->state != CALL_ENDING)
			outbox_touch_later(&c->out);
	}
}

bool forks_are_open(const struct leg *l)
{
	for (uint8_t i = 0; l->forks && i < l->forks->count; i++) {
		if (l->forks->list[i].bye.n)
			return true;
	}
	return false;
}

static bool fork_is_of(const struct sip_message *m, const struct leg *l)
{
	struct dialog_tag own = dialog_tag(&l->dialog);

	return m->request && m->method == SIP_BYE && m->to.tag.n && l->outbound &&
	       bytes_eq(m->call_id, text_bytes(&l->dialog.call_id)) &&
	       bytes_ieq(m->from.tag, bytes_mem(own.text, sizeof(own.text)));
}

bool forks_read(const struct leg *l, struct leg_fork *f)
{
	struct message_error error;
	struct sip_message m;
	bool ok = !message_parse(&m, text_bytes(&f->bye), &error) && fork_is_of(&m, l);

	f->tag = ok ? hash_crc32c(0, m.to.tag) : 0;
	message_close(&m);
	return ok;
}

void forks_resume(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct leg_forks *forks = c->legs[leg]->forks;

	for (uint8_t i = 0; forks && i < forks->count; i++)
		forks_on_saved(h, c, leg, i);
}

void forks_clear(struct leg *l)
{
	for (uint8_t i = 0; l->forks && i < l->forks->count; i++) {
		text_clear(&l->forks->list[i].ack);
		text_clear(&l->forks->list[i].bye);
	}
	free(l->forks);
	l->forks = NULL;
}

#define SWAP(a, b)                           \
	do {                                 \
		__typeof__(a) swapped = (a); \
		(a) = (b);                   \
		(b) = swapped;               \
	} while (0)

static struct early *early_list(struct invite_uac *uac)
{
	if (!uac->early)
		uac->early = calloc(EARLY_MAX, sizeof(*uac->early));
	return uac->early;
}

static void party_clear(struct early_party *p)
{
	text_clear(&p->tag);
	text_clear(&p->target);
	text_clear(&p->routes);
	leg_sdp_clear(&p->open);
	*p = (struct early_party){ 0 };
}

static void asker_clear(struct early_asker *a)
{
	leg_sdp_clear(&a->open);
	*a = (struct early_asker){ 0 };
}

static void early_clear(struct early *e)
{
	party_clear(&e->party);
	asker_clear(&e->asker);
	*e = (struct early){ 0 };
}

void early_forget(struct invite_uac *uac)
{
	for (unsigned i = 0; uac->early && i < EARLY_MAX; i++)
		early_clear(&uac->early[i]);
	free(uac->early);
	uac->early = NULL;
	uac->early_at = 0;
	text_clear(&uac->target);
	text_clear(&uac->routes);
	text_clear(&uac->offer);
}

/* ---- with its party ---- */

/* Requests that wait for a look-up are sent where they were written for: the look-up of a dialog
 * that is not current has no receiver. */
static void party_swap(struct leg *l, struct early_party *p)
{
	struct dialog *d = &l->dialog;

	dialog_places_clear(d);
	SWAP(d->remote_tag, p->tag);
	SWAP(d->target, p->target);
	SWAP(d->routes, p->routes);
	SWAP(d->hop, p->hop);
	SWAP(d->named, p->named);
	SWAP(d->confers, p->confers);
	SWAP(d->local_cseq, p->local_cseq);
	SWAP(d->remote_cseq, p->remote_cseq);
	SWAP(l->uac->prack, p->prack);
	SWAP(l->open, p->open);
}

void early_use(struct leg *l, uint8_t at)
{
	struct early *all = l->uac->early;
	uint8_t before = l->uac->early_at;

	if (at == before || !all)
		return;
	party_swap(l, &all[at].party);
	SWAP(all[at].party, all[before].party);
	all[before].used = true;
	l->uac->early_at = at;
}

bool early_has(const struct leg *l, uint8_t at)
{
	return at < EARLY_MAX &&
	       (at == l->uac->early_at || (l->uac->early && l->uac->early[at].used));
}

static int early_of_tag(const struct leg *l, struct bytes remote_tag)
{
	const struct early *all = l->uac->early;

	if (bytes_eq(remote_tag, text_bytes(&l->dialog.remote_tag)))
		return l->uac->early_at;
	for (uint8_t i = 0; all && i < EARLY_MAX; i++) {
		if (all[i].used && i != l->uac->early_at &&
		    bytes_eq(remote_tag, text_bytes(&all[i].party.tag)))
			return i;
	}
	return -1;
}

struct prack *early_prack(struct leg *l, uint8_t at)
{
	return at == l->uac->early_at ? &l->uac->prack : &l->uac->early[at].party.prack;
}

int early_of_prack(const struct leg *l, pool_handle txn)
{
	const struct early *all = l->uac->early;

	if (txn && l->uac->prack.txn == txn)
		return l->uac->early_at;
	for (uint8_t i = 0; txn && all && i < EARLY_MAX; i++) {
		if (all[i].used && i != l->uac->early_at && all[i].party.prack.txn == txn)
			return i;
	}
	return -1;
}

bool early_are_several(const struct leg *l)
{
	for (uint8_t i = 0; l->uac->early && i < EARLY_MAX; i++) {
		if (l->uac->early[i].used && i != l->uac->early_at)
			return true;
	}
	return false;
}

struct bytes early_first_target(const struct leg *l)
{
	return text_bytes(l->uac && l->uac->target.n ? &l->uac->target : &l->dialog.target);
}

struct bytes early_first_routes(const struct leg *l)
{
	return text_bytes(l->uac && l->uac->target.n ? &l->uac->routes : &l->dialog.routes);
}

/* The offer sent to all; in one of the dialogs the leg may have sent another SDP in answer to an
 * UPDATE. */
static const struct text *early_offer(const struct leg *l)
{
	return l->uac->offer.n ? &l->uac->offer : &l->open.local;
}

static int early_party_init(struct call_host *h, const struct leg *l, struct early_party *p)
{
	const struct txn_slot *invite = txns_get(h->txns, l->uac->client);
	int err = text_set(&p->target, early_first_target(l));

	if (!err)
		err = text_set(&p->routes, early_first_routes(l));
	if (!err && !l->uac->late)
		err = text_set(&p->open.local, text_bytes(early_offer(l)));
	p->hop = invite ? invite->txn.hop : l->dialog.hop;
	p->local_cseq = l->invite_cseq; /* RFC 3261 12.1.2 */
	return err;
}

static int early_first(struct call_host *h, struct leg *l, const struct sip_message *m)
{
	struct invite_uac *uac = l->uac;
	int err = 0;

	if (!uac->target.n && (text_set(&uac->target, text_bytes(&l->dialog.target)) ||
			       text_set(&uac->routes, text_bytes(&l->dialog.routes))))
		err = -ENOMEM;
	if (!err)
		err = dialog_confirm(&l->dialog, m, l->behind_nat, h);
	if (err)
		text_clear(&l->dialog.remote_tag);
	return err;
}

/* The 2xx takes the place of one that will not answer, and that the asker is not in. */
static int early_place(const struct call *c, uint8_t leg, bool final)
{
	const struct invite_uac *uac = c->legs[leg]->uac;
	const struct invite_uas *uas = c->legs[uac->from]->uas;
	int last = -1;

	for (uint8_t i = 0; i < EARLY_MAX; i++) {
		if (i == uac->early_at || (uas && uas->early == leg && uas->early_at == i))
			continue;
		if (!uac->early[i].used)
			return i;
		last = i;
	}
	return final ? last : -1;
}

static int early_start(struct call_host *h, struct call *c, uint8_t leg,
		       const struct sip_message *m, bool final)
{
	struct leg *l = c->legs[leg];
	struct early *all = early_list(l->uac);
	int at = all ? early_place(c, leg, final) : -1;
	uint8_t before = l->uac->early_at;
	int err;

	if (at < 0)
		return all ? -ENOSPC : -ENOMEM;
	early_clear(&all[at]);
	err = early_party_init(h, l, &all[at].party);
	if (!err) {
		all[at].used = true;
		early_use(l, (uint8_t)at);
		err = dialog_confirm(&l->dialog, m, l->behind_nat, h);
	}
	if (!err)
		return 0;
	early_use(l, before);
	early_clear(&all[at]);
	return err;
}

int early_enter(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m,
		bool final)
{
	struct leg *l = c->legs[leg];
	int at = early_of_tag(l, m->to.tag);

	if (m->to.tag.n == 0)
		return 0; /* RFC 2543 */
	if (at >= 0) {
		early_use(l, (uint8_t)at);
		return 0;
	}
	return l->dialog.remote_tag.n ? early_start(h, c, leg, m, final) : early_first(h, l, m);
}

/* ---- towards the caller ---- */

bool early_is_selected(const struct call *c, uint8_t leg)
{
	const struct invite_uac *uac = c->legs[leg]->uac;
	const struct invite_uas *uas = c->legs[uac->from]->uas;

	return uas && uas->early == leg && uas->early_at == uac->early_at;
}

bool early_was_selected(const struct call *c, uint8_t leg)
{
	const struct invite_uac *uac = c->legs[leg]->uac;

	return early_is_selected(c, leg) || (uac->early && uac->early[uac->early_at].asker.told);
}

static void asker_swap(struct leg *from, struct early_asker *a)
{
	struct invite_uas *uas = from->uas;

	SWAP(from->dialog.tag.random, a->tag);
	SWAP(from->dialog.remote_cseq, a->remote_cseq);
	SWAP(from->session_version, a->version);
	SWAP(from->open, a->open);
	SWAP(uas->rseq, a->rseq);
	SWAP(uas->prack_cseq, a->prack_cseq);
	SWAP(uas->turned, a->turned);
	SWAP(uas->told_otherwise, a->told_otherwise);
}

/* As it was when the INVITE came, under another tag. */
static void early_asker_init(struct call_host *h, const struct leg *from, struct early_asker *a)
{
	const struct invite_uas *uas = from->uas;
	const struct text *offer = uas->offer.n ? &uas->offer : &from->open.remote;

	*a = (struct early_asker){ .tag = rand_u64_from(h->rand),
				   .remote_cseq = uas->cseq,
				   .version = from->session_version };
	a->open.theirs = !uas->late;
	if (!uas->late && text_set(&a->open.remote, text_bytes(offer)))
		sig_count_dropped(h->metrics, DROPPED_OOM); /* what is answered then is refused */
}

/* NULL: that early dialog is over, or there is no memory for it. */
static struct early_asker *asker_place(const struct call *c, const struct invite_uas *uas)
{
	struct leg *l = call_leg(c, uas->early);

	return l && l->uac && l->uac->early && early_has(l, uas->early_at)
		       ? &l->uac->early[uas->early_at].asker
		       : NULL;
}

void early_untell(struct call_host *h, struct leg *asker)
{
	struct early_asker other;

	early_asker_init(h, asker, &other);
	asker_swap(asker, &other);
	asker_clear(&other);
	asker->uas->early = asker->uas->early_at = 0;
}

/* It is told of another one. */
static void asker_leave(struct call_host *h, struct call *c, struct leg *from)
{
	struct leg *l = call_leg(c, from->uas->early);
	bool goes_on = l && l->uac && early_has(l, from->uas->early_at) && early_list(l->uac);
	struct early_asker *kept = goes_on ? asker_place(c, from->uas) : NULL, other;

	if (!kept) {
		early_untell(h, from);
		return;
	}
	early_asker_init(h, from, &other);
	asker_swap(from, &other);
	asker_clear(kept);
	*kept = other;
	kept->told = true;
}

static bool asker_enter(struct call_host *h, struct call *c, struct leg *from, uint8_t leg,
			uint8_t at)
{
	struct early_asker *kept;

	if (from->uas->early)
		asker_leave(h, c, from);
	from->uas->early = leg;
	from->uas->early_at = at;
	kept = asker_place(c, from->uas);
	if (!kept || !kept->told)
		return false;
	asker_swap(from, kept);
	asker_clear(kept);
	return true;
}

bool early_select(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct invite_uac *uac = c->legs[leg]->uac;
	struct leg *from = c->legs[uac->from];

	if (!from->uas || early_is_selected(c, leg) || !asker_enter(h, c, from, leg, uac->early_at))
		return false;
	bridge_join(c, uac->from, leg);
	return true;
}

void early_select_back(struct call_host *h, struct call *c, struct leg *asker, uint8_t leg,
		       uint8_t at)
{
	if (!leg)
		asker->uas->early = asker->uas->early_at = 0;
	else if (asker->uas->early != leg || asker->uas->early_at != at)
		(void)asker_enter(h, c, asker, leg, at);
}

void early_settle(const struct call *c, uint8_t leg)
{
	struct leg *l = call_leg(c, leg);
	const struct invite_uas *uas = l && l->uac ? c->legs[l->uac->from]->uas : NULL;

	if (uas && uas->early == leg && early_has(l, uas->early_at))
		early_use(l, uas->early_at);
}

/* ---- their end ---- */

void early_end(struct call *c, uint8_t leg, uint8_t at)
{
	struct leg *l = c->legs[leg];
	struct leg *from = c->legs[l->uac->from];

	if (from->uas && from->uas->early == leg && from->uas->early_at == at)
		from->uas->early_at =
			EARLY_MAX; /* none's: what follows is told in another dialog */
	for (uint8_t i = 0; i < EARLY_MAX && l->uac->early_at == at; i++) {
		if (i != at && early_has(l, i))
			early_use(l, i);
	}
	early_clear(&l->uac->early[at]);
}

void early_over(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];
	struct leg *from = c->legs[l->uac->from];
	const struct txn_slot *invite = txns_get(h->txns, l->uac->client);

	if (!l->dialog.remote_tag.n) /* there was none */
		return;
	dialog_places_clear(&l->dialog);
	text_clear(&l->dialog.remote_tag);
	if (l->uac->target.n) {
		SWAP(l->dialog.target, l->uac->target);
		SWAP(l->dialog.routes, l->uac->routes);
	}
	l->dialog.named = false;
	if (invite)
		l->dialog.hop = invite->txn.hop;
	l->uac->prack = (struct prack){ 0 };
	text_clear(&l->open.remote);
	if (l->uac->offer.n)
		SWAP(l->open.local, l->uac->offer);
	l->open.theirs = l->open.by_18x = false;
	early_forget(l->uac);
	if (from->uas && from->uas->early == leg)
		from->uas->early_at = EARLY_MAX;
}

struct early_mark early_mark(const struct leg *l)
{
	return (struct early_mark){ .tag = l->dialog.tag.random,
				    .at = l->uac ? l->uac->early_at : 0 };
}

static const struct early *early_of_asker_tag(const struct call *c, uint8_t leg, uint64_t tag)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (!l || !l->uac || l->uac->from != leg || !l->uac->early)
			continue;
		for (uint8_t k = 0; k < EARLY_MAX; k++) {
			if (l->uac->early[k].asker.told && l->uac->early[k].asker.tag == tag)
				return &l->uac->early[k];
		}
	}
	return NULL;
}

struct bytes early_local_sdp(const struct call *c, uint8_t leg, const struct early_mark *mark)
{
	const struct leg *l = c->legs[leg];
	const struct early *e;

	if (l->uac && l->uac->early && mark->at != l->uac->early_at)
		return text_bytes(&l->uac->early[mark->at % EARLY_MAX].party.open.local);
	if (mark->tag == l->dialog.tag.random)
		return text_bytes(&l->open.local);
	e = early_of_asker_tag(c, leg, mark->tag);
	return e ? text_bytes(&e->asker.open.local) : (struct bytes){ 0 };
}

void early_resume(struct leg *l, uint32_t cseq_gap)
{
	for (uint8_t i = 0; l->uac && l->uac->early && i < EARLY_MAX; i++) {
		if (l->uac->early[i].used && i != l->uac->early_at)
			l->uac->early[i].party.local_cseq += cseq_gap;
	}
}

void early_moved(struct leg *l, const struct sip_hop *from, const struct sip_hop *to)
{
	for (uint8_t i = 0; l->uac && l->uac->early && i < EARLY_MAX; i++) {
		if (l->uac->early[i].used && sip_hop_equal(&l->uac->early[i].party.hop, from))
			l->uac->early[i].party.hop = *to;
	}
}

/* ---- requests in them ---- */

static bool is_tag(const struct dialog *d, uint64_t random, struct bytes text)
{
	struct id_tag tag = d->tag;
	char own[ID_TAG_LEN];

	tag.random = random;
	id_tag_put(own, &tag);
	return bytes_ieq(text, bytes_mem(own, sizeof(own)));
}

static bool early_find_by_tag(const struct call *c, uint8_t leg, struct bytes local, uint8_t *of,
			      uint8_t *at)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (!l || !l->uac || l->uac->from != leg || !l->uac->early)
			continue;
		for (uint8_t k = 0; k < EARLY_MAX; k++) {
			if (!l->uac->early[k].asker.told || !early_has(l, k) ||
			    !is_tag(&c->legs[leg]->dialog, l->uac->early[k].asker.tag, local))
				continue;
			*of = i;
			*at = k;
			return true;
		}
	}
	return false;
}

bool early_find(const struct call *c, uint8_t leg, const struct sip_message *request, uint8_t *of,
		uint8_t *at)
{
	const struct leg *l = c->legs[leg];
	int found;

	if (!bytes_eq(request->call_id, text_bytes(&l->dialog.call_id)))
		return false;
	if (l->uas)
		return (l->uas->state == UAS_PROCEEDING || request->method == SIP_PRACK) &&
		       bytes_eq(request->from.tag, text_bytes(&l->dialog.remote_tag)) &&
		       early_find_by_tag(c, leg, request->to.tag, of, at);
	if (l->state != LEG_EARLY || !l->uac || !l->uac->early || !leg_is_open(l) ||
	    !is_tag(&l->dialog, l->dialog.tag.random, request->to.tag))
		return false;
	found = early_of_tag(l, request->from.tag);
	*of = leg;
	*at = (uint8_t)found;
	return found >= 0;
}

const struct sip_hop *early_hop(const struct call *c, uint8_t leg,
				const struct sip_message *request)
{
	const struct leg *l = c->legs[leg];
	uint8_t of, at;

	if (!early_find(c, leg, request, &of, &at) || of != leg || at == l->uac->early_at)
		return &l->dialog.hop;
	return &l->uac->early[at].party.hop;
}
