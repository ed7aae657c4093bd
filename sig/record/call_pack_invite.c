/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/record/call_pack.h"

static Tandem__Call__InviteState uac_state(enum uac_state state)
{
	switch (state) {
	case UAC_QUEUED:
		return TANDEM__CALL__INVITE_STATE__QUEUED;
	case UAC_CALLING:
		return TANDEM__CALL__INVITE_STATE__CALLING;
	case UAC_PROCEEDING:
		return TANDEM__CALL__INVITE_STATE__PROCEEDING;
	case UAC_ANSWERED:
		return TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED;
	}
	return TANDEM__CALL__INVITE_STATE__NONE;
}

static Tandem__Call__InviteState uas_state(enum uas_state state)
{
	switch (state) {
	case UAS_PROCEEDING:
		return TANDEM__CALL__INVITE_STATE__CALLING;
	case UAS_ANSWERED:
		return TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED;
	case UAS_ACCEPTED:
		return TANDEM__CALL__INVITE_STATE__ACCEPTED;
	}
	return TANDEM__CALL__INVITE_STATE__NONE;
}

static Tandem__Call__Prack *pack_prack(Tandem__Call__Prack *out, const struct prack *p)
{
	if (p->state == PRACK_NONE)
		return NULL;
	tandem__call__prack__init(out);
	out->state = (Tandem__Call__PrackState)p->state;
	out->answers = p->answers;
	out->rseq = p->rseq;
	out->cseq = p->cseq;
	out->branch = p->branch;
	return out;
}

static void pack_rest(const struct shard_settings *settings, struct packed_leg *p,
		      const struct invite_uac *uac)
{
	for (uint8_t i = 0; i < uac->rest_count; i++) {
		packing_hop(settings, &p->rest[i], &uac->rest[i], p->rest_text[i]);
		p->rest_list[i] = &p->rest[i];
	}
	p->asked.rest = p->rest_list;
	p->asked.n_rest = uac->rest_count;
	p->asked.named = uac->named;
}

static void pack_early(const struct shard_settings *settings, struct packed_early *p,
		       const struct early *e, uint8_t number)
{
	Tandem__Call__Early *out = &p->early;

	tandem__call__early__init(out);
	out->number = number;
	out->used = e->used && e->party.target.n;
	if (out->used) {
		tandem__call__dialog__init(&p->dialog);
		packing_hop(settings, &p->hop, &e->party.hop, p->hop_text);
		p->dialog.hop = &p->hop;
		p->dialog.remote_tag = packing_text(&e->party.tag);
		p->dialog.target = packing_text(&e->party.target);
		p->dialog.routes = packing_text(&e->party.routes);
		p->dialog.named = e->party.named;
		p->dialog.confers = e->party.confers;
		p->dialog.local_cseq = e->party.local_cseq;
		p->dialog.remote_cseq = e->party.remote_cseq;
		out->dialog = &p->dialog;
		out->prack = pack_prack(&p->prack, &e->party.prack);
		out->open = packing_sdp(&p->open, &e->party.open);
	}
	out->told = e->asker.told;
	if (!out->told)
		return;
	out->tag = e->asker.tag;
	out->remote_cseq = e->asker.remote_cseq;
	out->rseq = e->asker.rseq;
	out->prack_cseq = e->asker.prack_cseq;
	out->version = e->asker.version;
	out->turned = e->asker.turned;
	out->told_otherwise = e->asker.told_otherwise;
	out->told_open = packing_sdp(&p->told_open, &e->asker.open);
}

static void pack_earlies(const struct shard_settings *settings, struct packed_leg *p,
			 const struct invite_uac *uac, const struct dialog *d)
{
	Tandem__Call__Asked *out = &p->asked;

	if (!bytes_eq(text_bytes(&uac->target), text_bytes(&d->target)) ||
	    !bytes_eq(text_bytes(&uac->routes), text_bytes(&d->routes))) {
		out->target = packing_text(&uac->target);
		out->routes = packing_text(&uac->routes);
	}
	out->offer = packing_text(&uac->offer);
	out->early_at = uac->early_at;
	out->early = p->early_list;
	for (uint8_t i = 0; uac->early && i < EARLY_MAX; i++) {
		if (!uac->early[i].asker.told && (!uac->early[i].used || i == uac->early_at))
			continue;
		pack_early(settings, &p->early[i], &uac->early[i], i);
		p->early_list[out->n_early++] = &p->early[i].early;
	}
}

Tandem__Call__Asked *packing_uac(const struct shard_settings *settings, struct packed_leg *p,
				 const struct invite_uac *uac, const struct dialog *d,
				 const struct call_seed *seed, uint8_t leg)
{
	Tandem__Call__Asked *out = &p->asked;

	if (!uac)
		return NULL;
	tandem__call__asked__init(out);
	out->state = uac_state(uac->state);
	out->branch = uac->branch;
	out->from = uac->from;
	out->late = uac->late;
	out->pracks = uac->pracks;
	out->joins = uac->joins;
	out->challenged = uac->challenged;
	pack_rest(settings, p, uac);
	out->prack = pack_prack(&p->prack, &uac->prack);
	pack_earlies(settings, p, uac, d);
	if (seed->sent[leg].n) {
		out->sent = packing_text(&seed->sent[leg]);
		packing_hop(settings, &p->sent_to, &seed->sent_to[leg], p->sent_text);
		out->sent_to = &p->sent_to;
	}
	return out;
}

Tandem__Call__Uas *packing_uas(const struct call_host *h, struct packed_leg *p,
			       const struct invite_uas *uas, const struct call_seed *seed,
			       uint8_t leg)
{
	Tandem__Call__Uas *out = &p->uas;

	if (!uas)
		return NULL;
	tandem__call__uas__init(out);
	out->state = uas_state(uas->state);
	out->late = uas->late;
	out->wakes = uas->wakes;
	out->held_before = uas->held_before;
	out->early = uas->early;
	out->early_at = uas->early_at;
	out->offer = packing_text(&uas->offer);
	out->provisional = uas->provisional;
	out->max_forwards = uas->max_forwards + 1;
	out->cseq = uas->cseq;
	out->answer = packing_text(&uas->answer);
	out->reliable = uas->reliable;
	out->rseq = uas->rseq;
	out->prack_cseq = uas->prack_cseq;
	out->unacknowledged = packing_text(&uas->unacknowledged);
	out->turned = uas->turned;
	out->told_otherwise = uas->told_otherwise;
	out->expires_utc_ms = packing_utc(h, uas->expires_ns);
	if (seed->request[leg].n)
		out->request = packing_text(&seed->request[leg]);
	if (seed->source[leg].remote.family != ADDR_NONE) {
		packing_hop(h->settings, &p->source, &seed->source[leg], p->source_text);
		out->source = &p->source;
	}
	return out;
}

/* Without its transaction nobody can hear it. */
Tandem__Call__Refusal *packing_refusal(const struct shard_settings *settings, struct packed_leg *p,
				       const struct leg_refusal *refusal,
				       const struct call_seed *seed, uint8_t leg)
{
	Tandem__Call__Refusal *out = &p->refusal;

	if (!refusal || seed->source[leg].remote.family == ADDR_NONE)
		return NULL;
	tandem__call__refusal__init(out);
	out->response = packing_text(&refusal->response);
	packing_hop(settings, &p->source, &seed->source[leg], p->source_text);
	out->source = &p->source;
	return out;
}

Tandem__Call__Best *packing_best(Tandem__Call__Best *out, const struct refusal_kept *best)
{
	if (best->status == 0)
		return NULL;
	tandem__call__best__init(out);
	out->status = best->status;
	out->leg = best->leg;
	out->cause = best->cause;
	out->extra = packing_text(&best->extra);
	return out;
}
