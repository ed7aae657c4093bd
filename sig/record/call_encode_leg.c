/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/leg.h"
#include "sig/model/call.h"
#include "sig/model/leg.h"
#include "sig/record/call_codec.h"

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

static Tandem__Call__Asked *packing_uac(const struct shard_settings *settings, struct packed_leg *p,
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

static Tandem__Call__Uas *packing_uas(const struct call_host *h, struct packed_leg *p,
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
static Tandem__Call__Refusal *packing_refusal(const struct shard_settings *settings,
					      struct packed_leg *p,
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

void packing_dialog(Tandem__Call__Dialog *out, const struct dialog *d, Tandem__Call__Hop *hop)
{
	tandem__call__dialog__init(out);
	out->tag = d->tag.random;
	out->call_id = packing_text(&d->call_id);
	out->remote_tag = packing_text(&d->remote_tag);
	out->local = packing_text(&d->local);
	out->remote = packing_text(&d->remote);
	out->target = packing_text(&d->target);
	out->routes = packing_text(&d->routes);
	out->hop = hop;
	out->named = d->named;
	out->confers = d->confers;
	out->local_cseq = d->local_cseq;
	out->remote_cseq = d->remote_cseq;
	if (d->elsewhere) {
		out->born_call = d->tag.call;
		out->born_leg = d->tag.leg;
	}
}

static void pack_challenges(Tandem__Call__Dialog *out, struct packed_dialog *p,
			    const struct dialog *d)
{
	for (size_t i = 0; d->challenges && i < COUNT_OF(p->list); i++) {
		const struct dialog_challenge *from = &d->challenges->of[i];
		Tandem__Call__Challenge *to = &p->challenges[out->n_challenges];

		if (!from->nonce.n)
			continue;
		tandem__call__challenge__init(to);
		to->proxy = i == 1;
		to->nonce = packing_text(&from->nonce);
		to->opaque = packing_text(&from->opaque);
		to->algorithm = from->algorithm;
		to->qop = from->qop;
		to->session = from->session;
		to->count = from->count;
		to->cnonce = from->cnonce;
		p->list[out->n_challenges++] = to;
	}
	out->challenges = p->list;
	if (d->challenges)
		out->proof = packing_text(&d->challenges->invite);
}

static Tandem__Call__Terms *pack_terms(struct packed_leg *p, const struct offer_terms *terms)
{
	Tandem__Call__Terms *out = &p->terms;

	tandem__call__terms__init(out);
	for (uint8_t i = 0; i < terms->codec_count; i++)
		p->codecs[i] = (char *)(uintptr_t)terms->codecs[i];
	out->codecs = p->codecs;
	out->n_codecs = terms->codec_count;
	out->ptime_g711 = terms->ptime_g711;
	out->ptime_g729 = terms->ptime_g729;
	out->no_events = terms->digits;
	out->no_video = terms->no_video;
	out->video_kbps = terms->video_kbps;
	out->sdes_offer = terms->sdes_offer;
	out->sdes_accept = terms->sdes_accept;
	out->sdes_only = terms->sdes_only;
	out->dtls_offer = terms->dtls_offer;
	out->dtls_accept = terms->dtls_accept;
	out->dtls_only = terms->dtls_only;
	out->video_codecs = terms->video_codecs;
	out->media_elsewhere = terms->media_elsewhere;
	out->lines = terms->lines;
	out->transcode = terms->transcode;
	return out;
}

static Tandem__Call__SessionTimer *pack_timer(const struct call_host *h,
					      Tandem__Call__SessionTimer *out,
					      const struct session_timer *t)
{
	tandem__call__session_timer__init(out);
	out->interval_s = t->interval_s;
	out->min_s = t->min_s;
	out->agreed = t->agreed;
	out->ours = t->ours;
	out->refresh_utc_ms = packing_utc(h, t->refresh_ns);
	out->expires_utc_ms = packing_utc(h, t->expires_ns);
	return out;
}

static void pack_acks(const struct call_host *h, struct packed_leg *p, const struct leg *l)
{
	Tandem__Call__Leg *leg = &p->leg;

	for (uint8_t i = 0; l->acks && i < l->acks->count; i++) {
		const struct leg_acked *from = &l->acks->list[i];
		Tandem__Call__Acked *to = &p->acked[leg->n_acked];

		if (from->until_ns <= h->now.ns)
			continue;
		tandem__call__acked__init(to);
		to->cseq = from->cseq;
		to->in_force = bytes_eq(text_bytes(&from->answer), text_bytes(&l->sdp.local));
		if (!to->in_force)
			to->answer = packing_text(&from->answer);
		to->until_utc_ms = packing_utc(h, from->until_ns);
		p->acked_list[leg->n_acked++] = to;
	}
	leg->acked = p->acked_list;
}

static void pack_forks(const struct shard_settings *settings, struct packed_leg *p,
		       const struct leg *l)
{
	for (uint8_t i = 0; l->forks && i < l->forks->count; i++) {
		struct packed_fork *to = &p->forks[i];

		if (!l->forks->list[i].bye.n)
			continue;
		tandem__call__fork__init(&to->fork);
		to->fork.bye = packing_text(&l->forks->list[i].bye);
		packing_hop(settings, &to->hop, &l->forks->list[i].hop, to->text);
		to->fork.hop = &to->hop;
		p->fork_list[p->leg.n_forks++] = &to->fork;
	}
	p->leg.forks = p->fork_list;
}

static void pack_leg(const struct call_host *h, struct packing *p, const struct call *c,
		     const struct call_seed *seed, uint8_t i)
{
	const struct shard_settings *settings = h->settings;
	const struct leg *l = c->legs[i];
	struct packed_leg *to = &p->legs[i];
	Tandem__Call__Leg *out = &to->leg;
	size_t place = p->call.n_legs++;

	tandem__call__leg__init(out);
	to->of = l;
	to->index = i;
	packing_hop(settings, &to->hop, &l->dialog.hop, to->hop_text);
	packing_dialog(&to->dialog, &l->dialog, &to->hop);
	pack_challenges(&to->dialog, &to->of_dialog, &l->dialog);
	out->state = (Tandem__Call__LegState)l->state;
	out->outbound = l->outbound;
	out->holds = l->holds;
	out->leave = l->leave;
	out->behind_nat = l->behind_nat;
	out->held = l->held;
	out->muted = l->muted;
	out->takes_talk = l->takes_talk;
	out->takes_update = l->takes_update;
	out->no_info = l->no_info;
	out->info_digits = l->info_digits;
	out->record_aware = l->record_aware;
	out->record_preference = l->record_preference;
	out->sdp = packing_sdp(&to->sdp, &l->sdp);
	out->open = packing_sdp(&to->open, &l->open);
	if (l->timer.interval_s)
		out->timer = pack_timer(h, &to->timer, &l->timer);
	out->dialog = &to->dialog;
	out->session_id = l->session_id;
	out->session_version = l->session_version;
	out->invite_cseq = l->invite_cseq;
	out->invite_late = l->invite_late;
	out->ack_branch = l->ack_branch;
	if (!bytes_eq(text_bytes(&l->user), call_leg_user(c, i)))
		out->user = packing_text(&l->user);
	out->trunk = packing_text(&l->trunk);
	out->index = place == i ? 0 : i;
	out->carried = packing_text(&l->carried);
	out->pidf = packing_text(&l->pidf);
	out->callback = packing_text(&l->callback);
	if (l->terms)
		out->terms = pack_terms(to, l->terms);
	out->asked = packing_uac(settings, to, l->uac, &l->dialog, seed, i);
	out->uas = packing_uas(h, to, l->uas, seed, i);
	out->refusal = packing_refusal(settings, to, l->refusal, seed, i);
	pack_acks(h, to, l);
	pack_forks(settings, to, l);
	packing_once(p, out);
	p->leg_list[place] = out;
}

void packing_legs(const struct call_host *h, struct packing *p, const struct call *c,
		  const struct call_seed *seed)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i])
			pack_leg(h, p, c, seed, i);
	}
	p->call.legs = p->leg_list;
}
