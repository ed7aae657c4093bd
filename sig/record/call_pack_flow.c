/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/flow.h"
#include "sig/record/call_pack.h"

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

static Tandem__Call__Key *pack_key(Tandem__Call__Key *out, const struct media_key *key)
{
	if (key->suite == MEDIA_SUITE_NONE)
		return NULL;
	tandem__call__key__init(out);
	out->suite = key->suite;
	out->octets = packing_octets(key->octets, key->length);
	return out;
}

static Tandem__Call__Dtls *pack_dtls(struct packed_flow *to, const struct flow_dtls *dtls)
{
	Tandem__Call__Dtls *out = &to->dtls;

	tandem__call__dtls__init(out);
	out->ufrag = packing_octets(dtls->ice.ufrag, sizeof(dtls->ice.ufrag));
	out->pwd = packing_octets(dtls->ice.pwd, sizeof(dtls->ice.pwd));
	out->ice_name = dtls->ice_name;
	out->shared_port = dtls->shared_port;
	out->role = dtls->role;
	out->association = dtls->association;
	out->hash = dtls->peer.hash;
	if (dtls->peer.hash != MEDIA_HASH_NONE)
		out->fingerprint = packing_octets(dtls->peer.octets, sizeof(dtls->peer.octets));
	out->key_in = pack_key(&to->key_in, &dtls->key_in);
	out->key_out = pack_key(&to->key_out, &dtls->key_out);
	if (dtls->flight.n) {
		out->flight = packing_octets(dtls->flight.p, dtls->flight.n);
		out->flight_until_utc_ms = dtls->flight_until_utc_ms;
	}
	return out;
}

static void pack_said(const struct call_host *h, Tandem__Call__Resume *out,
		      const struct flow_said *said)
{
	uint64_t ago_ms = said->at_ns < h->now.ns ? (h->now.ns - said->at_ns) / NS_PER_MS : 0;

	if (said->units == 0 || ago_ms > h->now.utc_ms)
		return;
	out->said_utc_ms = h->now.utc_ms - ago_ms;
	out->said_timestamp = said->timestamp;
	out->said_clock_hz = said->clock_hz;
	out->said_sequence = said->sequence;
	out->said_units = said->units;
}

static void pack_flow(const struct call_host *h, struct packing *p, const struct call_flow *f)
{
	const struct shard_settings *settings = h->settings;
	struct packed_flow *to = &p->flows[p->call.n_flows];
	Tandem__Call__Flow *out = &to->flow;
	Tandem__Call__Resume *r = &to->resume;

	tandem__call__resume__init(r);
	r->rtp = packing_address(&f->resume.source_rtp, to->text[0]);
	r->rtcp = packing_address(&f->resume.source_rtcp, to->text[1]);
	r->ssrc = f->resume.source_ssrc;
	r->timestamp_offset = f->resume.timestamp_offset;
	r->sequence_offset = f->resume.sequence_offset;
	r->started = f->resume.started;
	r->srtp = f->resume.srtp_in;
	r->srtp_key = f->resume.srtp_key;
	pack_said(h, r, &f->resume.said);
	tandem__call__flow__init(out);
	out->leg = f->leg;
	out->line = f->line;
	out->kind = f->kind;
	out->been = f->been;
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

void packing_flows(const struct call_host *h, struct packing *p, const struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (!c->flows[i].closing)
			pack_flow(h, p, &c->flows[i]);
	}
	p->call.flows = p->flow_list;
}
