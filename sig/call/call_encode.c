/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "sig/call.pb-c.h"
#include "sig/call/call_record.h"

/* Everything a record points at while it is packed; the long texts stay in the call. */
struct packing {
	Tandem__Call__Call call;
	Tandem__Call__Leg legs[LEGS], *leg_list[LEGS];
	Tandem__Call__Dialog dialogs[LEGS];
	Tandem__Call__Hop hops[LEGS], source, sent_to;
	Tandem__Call__Invite invite;
	Tandem__Call__Exchange invite_media, media;
	Tandem__Call__Flow flows[CALL_FLOWS_MAX], *flow_list[CALL_FLOWS_MAX];
	Tandem__Call__Resume resumes[CALL_FLOWS_MAX];
	char hop_text[LEGS + 2][2][ADDR_TEXT_MAX];
	char flow_text[CALL_FLOWS_MAX][2][ADDR_TEXT_MAX];
	char network[CALL_FLOWS_MAX][sizeof(((struct shard_network *)NULL)->name)];
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

static void pack_leg(const struct shard_settings *settings, struct packing *p, const struct leg *l,
		     uint8_t i)
{
	Tandem__Call__Leg *out = &p->legs[i];

	tandem__call__leg__init(out);
	pack_hop(settings, &p->hops[i], &l->dialog.hop, p->hop_text[i]);
	pack_dialog(&p->dialogs[i], &l->dialog, &p->hops[i]);
	out->state = (Tandem__Call__LegState)l->state;
	out->leave = l->leave;
	out->behind_nat = l->behind_nat;
	out->dialog = &p->dialogs[i];
	out->session_id = l->session_id;
	out->session_version = l->session_version;
	out->invite_cseq = l->invite_cseq;
	out->ack_branch = l->ack_branch;
	p->leg_list[i] = out;
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

static void pack_invite(const struct shard_settings *settings, struct packing *p,
			const struct invite *inv, const struct call_seed *seed)
{
	Tandem__Call__Invite *out = &p->invite;

	tandem__call__invite__init(out);
	out->state = (Tandem__Call__InviteState)inv->state;
	out->from = inv->from;
	out->again = inv->again;
	out->late = inv->late;
	out->provisional = inv->provisional;
	out->server_cseq = inv->server_cseq;
	out->branch = inv->branch;
	out->media = pack_exchange(&p->invite_media, &inv->media);
	out->answer = binary(&inv->answer);
	if (seed->request.n) {
		out->request = binary(&seed->request);
		pack_hop(settings, &p->source, &seed->source, p->hop_text[LEGS]);
		out->source = &p->source;
	}
	if (seed->sent.n) {
		out->sent = binary(&seed->sent);
		pack_hop(settings, &p->sent_to, &seed->sent_to, p->hop_text[LEGS + 1]);
		out->sent_to = &p->sent_to;
	}
	p->call.invite = out;
}

static void pack_flow(const struct shard_settings *settings, struct packing *p,
		      const struct call_flow *f, uint32_t i)
{
	Tandem__Call__Flow *out = &p->flows[i];
	Tandem__Call__Resume *r = &p->resumes[i];

	tandem__call__resume__init(r);
	r->rtp = address(&f->resume.source_rtp, p->flow_text[i][0]);
	r->rtcp = address(&f->resume.source_rtcp, p->flow_text[i][1]);
	r->ssrc = f->resume.source_ssrc;
	r->timestamp_offset = f->resume.timestamp_offset;
	r->sequence_offset = f->resume.sequence_offset;
	r->started = f->resume.started;
	tandem__call__flow__init(out);
	out->leg = f->leg;
	out->line = f->line;
	out->kind = f->kind;
	(void)bytes_cstr(bytes_str(settings->networks[f->network].name), p->network[i],
			 sizeof(p->network[i]));
	out->network = p->network[i];
	out->port = f->port;
	out->ssrc = f->ssrc_out;
	out->resume = r;
	p->flow_list[i] = out;
}

static uint64_t utc_of(const struct call_host *h, uint64_t deadline_ns)
{
	if (deadline_ns == 0)
		return 0;
	if (deadline_ns <= h->now.ns)
		return h->now.utc_ms;
	return h->now.utc_ms + (deadline_ns - h->now.ns) / NS_PER_MS;
}

static void pack_facts(const struct call_host *h, struct packing *p, const struct call *c)
{
	Tandem__Call__Call *out = &p->call;

	(void)bytes_cstr(bytes_str(h->settings->tenant), p->tenant, sizeof(p->tenant));
	out->id = c->id;
	out->version = c->out.version;
	out->state = (Tandem__Call__State)c->state;
	out->tenant = p->tenant;
	out->from = binary(&c->from);
	out->to = binary(&c->to);
	out->early_media = c->early_media;
	out->video = c->video;
	out->setup_utc_ms = c->setup_utc_ms;
	out->ringing_utc_ms = c->ringing_utc_ms;
	out->answer_utc_ms = c->answer_utc_ms;
	out->end_utc_ms = c->end_utc_ms;
	out->ring_until_utc_ms = utc_of(h, c->ring_ns);
	out->status = c->status;
	out->cause = c->cause;
	out->ended_by = c->ended_by;
}

static int pack(const Tandem__Call__Call *call, struct text *out)
{
	size_t n = tandem__call__call__get_packed_size(call);
	char *p = malloc(n + 1);

	if (!p)
		return -ENOMEM;
	(void)tandem__call__call__pack(call, (uint8_t *)p);
	p[n] = '\0';
	*out = (struct text){ .p = p, .n = (uint32_t)n };
	return 0;
}

int call_encode_with(const struct call_host *h, const struct call *c, const struct call_seed *seed,
		     struct text *out)
{
	struct packing p;

	tandem__call__call__init(&p.call);
	pack_facts(h, &p, c);
	for (uint8_t leg = LEG_A; leg <= (uint8_t)LEG_B; leg++)
		pack_leg(h->settings, &p, &c->legs[leg], leg);
	p.call.n_legs = LEGS;
	p.call.legs = p.leg_list;
	if (c->invite.state != INVITE_NONE)
		pack_invite(h->settings, &p, &c->invite, seed);
	p.call.media = pack_exchange(&p.media, &c->media);
	for (uint32_t i = 0; i < c->flow_count; i++)
		pack_flow(h->settings, &p, &c->flows[i], i);
	p.call.n_flows = c->flow_count;
	p.call.flows = p.flow_list;
	return pack(&p.call, out);
}

/* Slices of the living transactions. */
int call_encode(const struct call_host *h, const struct call *c, struct text *out)
{
	const struct txn_slot *server = txns_get(h->txns, c->invite.server);
	const struct txn_slot *client = txns_get(h->txns, c->invite.client);
	struct call_seed seed = { 0 };

	if (server) {
		seed.request = server->request;
		seed.source = server->source;
	}
	if (client && c->invite.state < INVITE_ANSWERED) {
		seed.sent = client->txn.message;
		seed.sent_to = client->txn.hop;
	}
	return call_encode_with(h, c, &seed, out);
}

void call_seed_clear(struct call_seed *seed)
{
	text_clear(&seed->request);
	text_clear(&seed->sent);
}
