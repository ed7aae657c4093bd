/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/forks.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
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
		.target = h->contact_of ? h->contact_of(h->owner, d) : (struct bytes){ 0 },
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
	d->challenges = l->dialog.challenges; /* lent: who asked before asks once more */
	if (!err)
		err = fork_write(h, d, SIP_BYE, m->cseq + RESUME_CSEQ_GAP, rand_u64_from(h->rand),
				 &f->bye);
	d->challenges = NULL;
	return err;
}

void forks_wait(struct call_host *h, struct call *c, uint8_t leg, uint8_t at)
{
	const struct outbox_item item = { .kind = OUTBOX_FORK, .leg = leg, .line = at };

	outbox_touch(&c->out);
	if (!outbox_push(&c->out, &item))
		forks_go(h, c, leg, at);
}

static void fork_begin(struct call_host *h, struct call *c, uint8_t leg, struct dialog *d,
		       const struct sip_message *m)
{
	struct leg *l = c->legs[leg];
	struct leg_fork *f = fork_new(l, hash_crc32c(0, m->to.tag));
	int err = f ? fork_fill(h, l, d, f, m) : -ENOSPC;

	if (!err) {
		forks_wait(h, c, leg, (uint8_t)(f - l->forks->list));
		return;
	}
	sig_count_dropped(h->metrics, DROPPED_FORKS);
	if (f) { /* it says so again */
		text_clear(&f->ack);
		l->forks->count--;
	}
}

void forks_take(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
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
		fork_begin(h, c, leg, &d, m);
	dialog_clear(&d);
}

static struct txn_slot *fork_client(struct call_host *h, const struct leg_fork *f)
{
	char branch[ID_BRANCH_LEN];
	struct txn_slot *slot;

	if (!dialog_read_branch(text_bytes(&f->bye), branch))
		return NULL;
	slot = txns_take_client(h->txns, SIP_BYE, &f->hop, bytes_mem(branch, sizeof(branch)),
				TXN_INSIDE, h->now.ns);
	if (!slot || !text_set(&slot->txn.message, text_bytes(&f->bye)))
		return slot;
	txns_drop(h->txns, slot->self);
	return NULL;
}

void forks_go(struct call_host *h, struct call *c, uint8_t leg, uint8_t at)
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

	return m->request && m->method == SIP_BYE && m->to.tag.n && l->called &&
	       bytes_eq(m->call_id, text_bytes(&l->dialog.call_id)) &&
	       bytes_ieq(m->from.tag, bytes_mem(own.text, sizeof(own.text)));
}

int forks_add(struct leg *l, struct bytes bye, const struct sip_hop *hop)
{
	struct message_error error;
	struct leg_fork *f = NULL;
	struct sip_message m;
	int err = -EBADMSG;

	if (!message_parse(&m, bye, &error) && fork_is_of(&m, l)) {
		f = fork_new(l, hash_crc32c(0, m.to.tag));
		err = f ? text_set(&f->bye, bye) : -ENOSPC;
	}
	message_close(&m);
	if (!err)
		f->hop = *hop;
	return err;
}

void forks_resume(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct leg_forks *forks = c->legs[leg]->forks;

	for (uint8_t i = 0; forks && i < forks->count; i++)
		forks_go(h, c, leg, i);
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
