/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/call/call_seal.h"
#include "sig/call/flow_dtls.h"
#include "sig/call/leg.h"

struct packed_leg {
	Tandem__Call__Leg leg;
	Tandem__Call__Dialog dialog;
	Tandem__Call__Asked asked;
	Tandem__Call__Exchange media;
	Tandem__Call__Hop hop, sent_to;
	Tandem__Call__Terms terms;
	Tandem__Call__SessionTimer timer;
	char *codecs[OFFER_CODECS_MAX];
	char hop_text[2][ADDR_TEXT_MAX], sent_text[2][ADDR_TEXT_MAX];
};

struct packed_flow {
	Tandem__Call__Flow flow;
	Tandem__Call__Dtls dtls;
	Tandem__Call__Key key_in, key_out;
	Tandem__Call__Resume resume;
	Tandem__Call__Secret secret;
	char text[2][ADDR_TEXT_MAX];
	char network[sizeof(((struct shard_network *)NULL)->name)];
};

/* Everything a record points at while it is packed; the long texts stay in the call. */
struct packing {
	Tandem__Call__Call call;
	struct packed_leg legs[LEGS_MAX];
	Tandem__Call__Leg *leg_list[LEGS_MAX];
	Tandem__Call__Hop source;
	char source_text[2][ADDR_TEXT_MAX];
	Tandem__Call__Invite invite;
	Tandem__Call__Best best;
	Tandem__Call__Exchange invite_media, media;
	struct packed_flow flows[CALL_FLOWS_MAX];
	Tandem__Call__Flow *flow_list[CALL_FLOWS_MAX];
	char tenant[sizeof(((struct shard_settings *)NULL)->tenant)];
};

static ProtobufCBinaryData binary(const struct text *t)
{
	return (ProtobufCBinaryData){ .len = t->n, .data = (uint8_t *)t->p };
}

static char *address(const struct addr *a, char text[ADDR_TEXT_MAX])
{
	text[0] = '\0';
	if (a->family != ADDR_NONE)
		(void)addr_text(a, text);
	return text;
}

static void pack_hop(const struct shard_settings *settings, Tandem__Call__Hop *out,
		     const struct sip_hop *hop, char text[2][ADDR_TEXT_MAX])
{
	tandem__call__hop__init(out);
	out->transport = hop->transport;
	out->inbound = hop->inbound;
	out->local = address(&settings->locals[hop->local].bind, text[0]);
	out->remote = address(&hop->remote, text[1]);
}

static void pack_dialog(Tandem__Call__Dialog *out, const struct dialog *d, Tandem__Call__Hop *hop)
{
	tandem__call__dialog__init(out);
	out->tag = d->tag.random;
	out->call_id = binary(&d->call_id);
	out->remote_tag = binary(&d->remote_tag);
	out->local = binary(&d->local);
	out->remote = binary(&d->remote);
	out->target = binary(&d->target);
	out->routes = binary(&d->routes);
	out->hop = hop;
	out->local_cseq = d->local_cseq;
	out->remote_cseq = d->remote_cseq;
}

static Tandem__Call__Exchange *pack_exchange(Tandem__Call__Exchange *out, const struct exchange *x)
{
	tandem__call__exchange__init(out);
	out->offerer = x->offerer;
	out->offer_in = binary(&x->offer_in);
	out->offer_out = binary(&x->offer_out);
	out->answer_in = binary(&x->answer_in);
	out->answer_out = binary(&x->answer_out);
	return out;
}

static Tandem__Call__InviteState asked_state(enum asked_state state)
{
	switch (state) {
	case ASKED_QUEUED:
		return TANDEM__CALL__INVITE_STATE__QUEUED;
	case ASKED_CALLING:
		return TANDEM__CALL__INVITE_STATE__CALLING;
	case ASKED_PROCEEDING:
		return TANDEM__CALL__INVITE_STATE__PROCEEDING;
	case ASKED_ANSWERED:
		return TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED;
	}
	return TANDEM__CALL__INVITE_STATE__NONE;
}

static Tandem__Call__Asked *pack_asked(const struct shard_settings *settings, struct packed_leg *p,
				       const struct asked *asked, const struct call_seed *seed,
				       uint8_t i)
{
	tandem__call__asked__init(&p->asked);
	p->asked.state = asked_state(asked->state);
	p->asked.branch = asked->branch;
	p->asked.media = pack_exchange(&p->media, &asked->media);
	if (seed->sent[i].n) {
		p->asked.sent = binary(&seed->sent[i]);
		pack_hop(settings, &p->sent_to, &seed->sent_to[i], p->sent_text);
		p->asked.sent_to = &p->sent_to;
	}
	return &p->asked;
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
	out->no_events = terms->no_events;
	out->no_video = terms->no_video;
	out->video_kbps = terms->video_kbps;
	out->sdes_offer = terms->sdes_offer;
	out->sdes_accept = terms->sdes_accept;
	out->sdes_only = terms->sdes_only;
	out->dtls_offer = terms->dtls_offer;
	out->dtls_accept = terms->dtls_accept;
	out->dtls_only = terms->dtls_only;
	return out;
}

static uint64_t utc_of(const struct call_host *h, uint64_t deadline_ns)
{
	if (deadline_ns == 0)
		return 0;
	if (deadline_ns <= h->now.ns)
		return h->now.utc_ms;
	return h->now.utc_ms + (deadline_ns - h->now.ns) / NS_PER_MS;
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
	out->refresh_utc_ms = utc_of(h, t->refresh_ns);
	out->expires_utc_ms = utc_of(h, t->expires_ns);
	return out;
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
	pack_hop(settings, &to->hop, &l->dialog.hop, to->hop_text);
	pack_dialog(&to->dialog, &l->dialog, &to->hop);
	out->state = (Tandem__Call__LegState)l->state;
	out->leave = l->leave;
	out->behind_nat = l->behind_nat;
	out->held = l->held;
	out->muted = l->muted;
	out->takes_talk = l->takes_talk;
	out->takes_update = l->takes_update;
	out->said = binary(&l->said);
	if (l->timer.interval_s)
		out->timer = pack_timer(h, &to->timer, &l->timer);
	out->dialog = &to->dialog;
	out->session_id = l->session_id;
	out->session_version = l->session_version;
	out->invite_cseq = l->invite_cseq;
	out->ack_branch = l->ack_branch;
	if (!bytes_eq(text_bytes(&l->user), call_leg_user(c, i)))
		out->user = binary(&l->user);
	out->index = place == i ? 0 : i;
	if (l->terms)
		out->terms = pack_terms(to, l->terms);
	if (l->asked)
		out->asked = pack_asked(settings, to, l->asked, seed, i);
	p->leg_list[place] = out;
}

static void pack_legs(const struct call_host *h, struct packing *p, const struct call *c,
		      const struct call_seed *seed)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i])
			pack_leg(h, p, c, seed, i);
	}
	p->call.legs = p->leg_list;
}

static Tandem__Call__InviteState invite_state(enum invite_state state)
{
	switch (state) {
	case INVITE_NONE:
		break;
	case INVITE_OPEN:
		return TANDEM__CALL__INVITE_STATE__CALLING;
	case INVITE_ANSWERED:
		return TANDEM__CALL__INVITE_STATE__INVITE_ANSWERED;
	case INVITE_ACCEPTED:
		return TANDEM__CALL__INVITE_STATE__ACCEPTED;
	}
	return TANDEM__CALL__INVITE_STATE__NONE;
}

static Tandem__Call__Best *pack_best(Tandem__Call__Best *out, const struct refusal_kept *best)
{
	if (best->status == 0)
		return NULL;
	tandem__call__best__init(out);
	out->status = best->status;
	out->leg = best->leg;
	out->cause = best->cause;
	out->extra = binary(&best->extra);
	return out;
}

static void pack_invite(const struct shard_settings *settings, struct packing *p,
			const struct invite *inv, const struct call_seed *seed)
{
	Tandem__Call__Invite *out = &p->invite;

	tandem__call__invite__init(out);
	out->state = invite_state(inv->state);
	out->from = inv->from;
	out->again = inv->again;
	out->late = inv->late;
	out->own = inv->own;
	out->wakes = inv->wakes;
	out->provisional = inv->provisional;
	out->server_cseq = inv->server_cseq;
	out->early = inv->early;
	out->max_forwards = inv->max_forwards + 1;
	out->best = pack_best(&p->best, &inv->best);
	tandem__call__exchange__init(&p->invite_media);
	p->invite_media.offerer = inv->from;
	p->invite_media.offer_in = binary(&inv->offer);
	out->media = &p->invite_media;
	out->answer = binary(&inv->answer);
	if (seed->request.n) {
		out->request = binary(&seed->request);
		pack_hop(settings, &p->source, &seed->source, p->source_text);
		out->source = &p->source;
	}
	p->call.invite = out;
}

static Tandem__Call__Secret *pack_secret(Tandem__Call__Secret *out,
					 const struct flow_secret *secret)
{
	tandem__call__secret__init(out);
	out->key = (ProtobufCBinaryData){ .len = secret->key.length,
					  .data = (uint8_t *)(uintptr_t)secret->key.octets };
	out->limit = secret->rtp.limit;
	out->limit_rtcp = secret->rtcp.limit;
	return out;
}

static ProtobufCBinaryData octets(const void *p, size_t n)
{
	return (ProtobufCBinaryData){ .len = n, .data = (uint8_t *)(uintptr_t)p };
}

static Tandem__Call__Key *pack_key(Tandem__Call__Key *out, const struct media_key *key)
{
	if (key->suite == MEDIA_SUITE_NONE)
		return NULL;
	tandem__call__key__init(out);
	out->suite = key->suite;
	out->octets = octets(key->octets, key->length);
	return out;
}

static Tandem__Call__Dtls *pack_dtls(struct packed_flow *to, const struct flow_dtls *dtls)
{
	Tandem__Call__Dtls *out = &to->dtls;

	tandem__call__dtls__init(out);
	out->ufrag = octets(dtls->ice.ufrag, sizeof(dtls->ice.ufrag));
	out->pwd = octets(dtls->ice.pwd, sizeof(dtls->ice.pwd));
	out->ice_name = dtls->ice_name;
	out->shared_port = dtls->shared_port;
	out->role = dtls->role;
	out->association = dtls->association;
	out->hash = dtls->peer.hash;
	if (dtls->peer.hash != MEDIA_HASH_NONE)
		out->fingerprint = octets(dtls->peer.octets, sizeof(dtls->peer.octets));
	out->key_in = pack_key(&to->key_in, &dtls->key_in);
	out->key_out = pack_key(&to->key_out, &dtls->key_out);
	return out;
}

static void pack_flow(const struct shard_settings *settings, struct packing *p,
		      const struct call_flow *f)
{
	struct packed_flow *to = &p->flows[p->call.n_flows];
	Tandem__Call__Flow *out = &to->flow;
	Tandem__Call__Resume *r = &to->resume;

	tandem__call__resume__init(r);
	r->rtp = address(&f->resume.source_rtp, to->text[0]);
	r->rtcp = address(&f->resume.source_rtcp, to->text[1]);
	r->ssrc = f->resume.source_ssrc;
	r->timestamp_offset = f->resume.timestamp_offset;
	r->sequence_offset = f->resume.sequence_offset;
	r->started = f->resume.started;
	r->srtp = f->resume.srtp_in;
	tandem__call__flow__init(out);
	out->leg = f->leg;
	out->line = f->line;
	out->kind = f->kind;
	(void)bytes_cstr(bytes_str(settings->networks[f->network].name), to->network,
			 sizeof(to->network));
	out->network = to->network;
	out->port = f->port;
	out->ssrc = f->ssrc_out;
	out->resume = r;
	if (f->secret)
		out->secret = pack_secret(&to->secret, f->secret);
	if (f->dtls)
		out->dtls = pack_dtls(to, f->dtls);
	p->flow_list[p->call.n_flows++] = out;
}

static void pack_flows(const struct shard_settings *settings, struct packing *p,
		       const struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (!c->flows[i].closing)
			pack_flow(settings, p, &c->flows[i]);
	}
	p->call.flows = p->flow_list;
}

static void pack_facts(const struct call_host *h, struct packing *p, const struct call *c)
{
	Tandem__Call__Call *out = &p->call;

	(void)bytes_cstr(bytes_str(h->settings->tenant), p->tenant, sizeof(p->tenant));
	out->id = c->id;
	out->version = c->out.version;
	out->incarnation = h->incarnation;
	out->state = (Tandem__Call__State)c->state;
	out->tenant = p->tenant;
	out->from = binary(&c->from);
	out->to = binary(&c->to);
	out->early_media = c->early_media;
	out->video = c->video;
	out->originated = c->originated;
	out->display = binary(&c->display);
	out->setup_utc_ms = c->setup_utc_ms;
	out->ringing_utc_ms = c->ringing_utc_ms;
	out->answer_utc_ms = c->answer_utc_ms;
	out->end_utc_ms = c->end_utc_ms;
	out->ring_until_utc_ms = utc_of(h, c->ring_ns);
	out->status = c->status;
	out->cause = c->cause;
	out->ended_by = c->ended_by;
	out->partner = c->partner == LEG_B ? 0 : c->partner;
}

/* Our keys, or those that a party named in its texts. */
static bool has_keys(const struct call *c, const struct text *record)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].secret)
			return true;
	}
	return memmem(record->p, record->n, "crypto:", strlen("crypto:")) != NULL;
}

int call_encode_with(const struct call_host *h, const struct call *c, const struct call_seed *seed,
		     struct text *out)
{
	struct packing *p = malloc(sizeof(*p)); /* only what is used of it is written to */
	int err;

	if (!p)
		return -ENOMEM;
	tandem__call__call__init(&p->call);
	pack_facts(h, p, c);
	pack_legs(h, p, c, seed);
	if (c->invite.state != INVITE_NONE)
		pack_invite(h->settings, p, &c->invite, seed);
	p->call.media = pack_exchange(&p->media, &c->media);
	pack_flows(h->settings, p, c);
	err = call_pack(&p->call, out);
	free(p);
	return !err && has_keys(c, out) ? call_seal(h, c, out) : err;
}

/* Slices of the living transactions. */
int call_encode(const struct call_host *h, const struct call *c, struct text *out)
{
	const struct txn_slot *server = txns_get(h->txns, c->invite.server);
	struct call_seed seed = { 0 };

	if (server) {
		seed.request = server->request;
		seed.source = server->source;
	}
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];
		const struct txn_slot *client =
			l && leg_is_open(l) ? txns_get(h->txns, l->asked->client) : NULL;

		if (client) {
			seed.sent[i] = client->txn.message;
			seed.sent_to[i] = client->txn.hop;
		}
	}
	return call_encode_with(h, c, &seed, out);
}

void call_seed_clear(struct call_seed *seed)
{
	text_clear(&seed->request);
	for (size_t i = 0; i < COUNT_OF(seed->sent); i++)
		text_clear(&seed->sent[i]);
}
