/* SPDX-License-Identifier: Apache-2.0 */
/* The media flows of a call (flow.h): allocates ports for each relayed line and leg, creates SRTP
 * keys, ICE credentials and DTLS state, and claims them again after a restart or moves the call to
 * other addresses after a takeover. SRTP indexes are granted in advance and saved (RFC 3711 9.1),
 * so no keystream is ever reused. Also the record rows of all this. The engine does the media; this
 * file has only its parameters. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "media/crypto.h"
#include "media/offer/line.h"
#include "sig/host/settings.h"
#include "sig/leg/flow.h"
#include "sig/model/payer.h"
#include "sig/model/saved.h"

bool flows_may_move(const struct call *c)
{
	if (c->state != CALL_ESTABLISHED)
		return false;
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && l->state != LEG_CLOSED &&
		    (l->state != LEG_CONFIRMED || l->uas || l->uac || !bridge_has(c, i)))
			return false;
	}
	return true;
}

/* RFC 8839 5.4: ice-char; 64 of them. */
static void ice_chars(struct rand_source *r, char *out, size_t n)
{
	static const char chars[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	rand_fill(r, (uint8_t *)out, n);
	for (size_t i = 0; i < n; i++)
		out[i] = chars[(uint8_t)out[i] % 64];
}

static void ice_make(struct rand_source *r, struct media_ice *ice)
{
	ice->on = 1;
	ice_chars(r, ice->ufrag, sizeof(ice->ufrag));
	ice_chars(r, ice->pwd, sizeof(ice->pwd));
}

static void share_port(const struct call_host *h, const struct call *c, struct call_flow *f)
{
	const struct shard_shared_ports *shared = &h->settings->shared;

	if (shared->take && !f->open && f->dtls->shared_port == 0)
		f->dtls->shared_port = shared->take(shared->arg, c->id, f->network);
}

/* It has other ports than its party knows: it shares another one, with other credentials. */
static void flow_dtls_move(struct call_host *h, const struct call *c, struct call_flow *f)
{
	if (!f->dtls)
		return;
	if (f->dtls->shared_port) {
		f->dtls->shared_port = 0;
		share_port(h, c, f);
	}
	ice_make(h->rand, &f->dtls->ice);
	f->resume.source_rtp = f->resume.source_rtcp = (struct addr){ 0 };
}

int flow_move(struct call_host *h, const struct call *c, struct call_flow *f)
{
	f->network = (uint8_t)flow_network(h, c->legs[f->leg]);
	if (ports_alloc(&h->ports[f->network], h->now.ns, &f->id))
		return -EAGAIN;
	f->port = ports_rtp_port(&h->ports[f->network], f->id);
	flow_dtls_move(h, c, f);
	return 0;
}

/* The address and port of the line. Returns false if absent, or a host name. */
static bool line_place(const struct sdp *said, const struct call_flow *f, struct addr *out)
{
	struct sdp_connection at;

	if (f->line >= said->media_count || !said->sections[f->line + 1].port ||
	    sdp_connection(said, f->line + 1U, &at))
		return false;
	*out = at.address;
	out->port = said->sections[f->line + 1].port;
	return out->family != ADDR_NONE;
}

/* Lines of one transport are told the same port (RFC 9143). */
static bool leg_is_heard_at(const struct call *c, uint8_t leg, uint16_t port)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		const struct call_flow *f = &c->flows[i];

		if (f->leg == leg && !f->closing && flow_port(f) == port)
			return true;
	}
	return false;
}

/* At a shared port the credentials tell flows apart: those of one of the leg's flows if they share
 * one transport. */
static bool knows_credentials(const struct call *c, uint8_t leg)
{
	struct bytes said = text_bytes(&c->legs[leg]->sdp.local);
	bool shares = false;

	for (uint32_t i = 0; i < c->flow_count; i++) {
		const struct call_flow *f = &c->flows[i];

		if (f->leg != leg || f->closing || flow_port(f) == f->port)
			continue;
		if (memmem(said.p, said.n, f->dtls->ice.ufrag, ICE_UFRAG_LEN))
			return true;
		shares = true;
	}
	return !shares;
}

/* The line's flow, where the party knows a place for it that is not the one. */
typedef bool line_fn(const struct call *c, const struct call_flow *f, const struct addr *told,
		     const struct addr *own);

static bool any_line(const struct call_host *h, const struct call *c, uint8_t leg, line_fn *is)
{
	const struct addr *own = flow_address(h, c->legs[leg]);
	struct offer_error error;
	struct sdp said;

	if (!c->legs[leg]->sdp.local.n ||
	    offer_parse_own(&said, text_bytes(&c->legs[leg]->sdp.local), &error))
		return false;
	for (uint32_t i = 0; i < c->flow_count; i++) {
		const struct call_flow *f = &c->flows[i];
		struct addr told;

		if (f->leg == leg && !f->closing && line_place(&said, f, &told) &&
		    is(c, f, &told, own))
			return true;
	}
	return false;
}

static bool line_moved(const struct call *c, const struct call_flow *f, const struct addr *told,
		       const struct addr *own)
{
	return !addr_ip_eq(told, own) || !leg_is_heard_at(c, f->leg, told->port);
}

bool flows_moved(const struct call_host *h, const struct call *c, uint8_t leg)
{
	return c->legs[leg]->sdp.local.n &&
	       (any_line(h, c, leg, line_moved) || !knows_credentials(c, leg));
}

/* At a port that flows share it is this node's other worker that it knows. */
static bool line_is_moved(const struct call *c, const struct call_flow *f, const struct addr *told,
			  const struct addr *own)
{
	return !addr_ip_eq(told, own) ||
	       (flow_port(f) == f->port && !leg_is_heard_at(c, f->leg, told->port));
}

bool flows_are_remote(const struct call_host *h, const struct call *c, uint8_t leg)
{
	return any_line(h, c, leg, line_is_moved);
}

static void secret_init(struct flow_secret *s, uint64_t first)
{
	s->rtp.first = first;
	s->rtp.limit = s->rtp.granted = first + SRTP_RESERVE;
}

/* The party begins with unrelated keys: another key, and another first grant. */
static void secret_renew(struct call_host *h, struct flow_secret *s)
{
	*s = (struct flow_secret){ .key = { .length = SECRET_LEN } };
	rand_fill(h->rand, s->key.octets, SECRET_LEN);
	secret_init(s, 1 + rand_below(h->rand, SRTP_FIRST_END - 1));
	s->rtcp.limit = s->rtcp.granted = SRTCP_RESERVE;
}

/* A random key, and a first grant: it is in the record that is saved before the first SDP with it
 * is sent. Returns 0 or -ENOMEM. */
static int secret_make(struct call_host *h, struct call_flow *f)
{
	f->secret = calloc(1, sizeof(*f->secret));
	if (!f->secret)
		return -ENOMEM;
	secret_renew(h, f->secret);
	return 0;
}

/* A handshake made new keys, with indexes beginning anew (srtp_index_anew). Returns true if the
 * grant has changed. */
static bool secret_rekey(struct flow_secret *s)
{
	uint64_t limit = s->rtp.limit;

	secret_init(s, srtp_index_anew(s->rtp.first));
	return s->rtp.limit != limit;
}

/* What a restart may add to an index before it says so. */
enum { SRTP_HEADROOM = 1 << 16 };

/* A successor must not wait for a save before it sends, or encrypted calls would be silent for as
 * long as the saves of a restart take. So each incarnation has a share of its own above the
 * recorded limit, in which no other begins; beyond SECRET_SHARES, or without a known order, it
 * waits. */
static bool secret_check(struct schema_reader *r, void *object)
{
	uint64_t wrote = loader_of(r)->incarnation, now = loader_of(r)->h->incarnation;
	uint64_t later = wrote && now > wrote ? now - wrote : 0;
	uint64_t before = later > SECRET_SHARES ? SECRET_SHARES : later - (later > 0);
	uint64_t own = later > 0 && later <= SECRET_SHARES;
	struct flow_secret *s = object;

	if (s->key.length != SECRET_LEN && s->key.length != SECRET_LEN_BEFORE)
		return false;
	s->rtp.first = s->rtp.limit + before * SECRET_SHARE;
	s->rtcp.first = s->rtcp.limit + before * SECRET_SHARE_RTCP;
	s->rtp.limit = s->rtp.granted = s->rtp.first + own * SECRET_SHARE;
	s->rtcp.limit = s->rtcp.granted = s->rtcp.first + own * SECRET_SHARE_RTCP;
	return true;
}

static const struct schema secret_rows[] = {
	{ "key", 1, SCHEMA_CHARS, SCHEMA_SECRET, SCHEMA_AT(struct flow_secret, key.octets),
	  .count = offsetof(struct flow_secret, key.length), .min = SECRET_LEN_BEFORE },
	{ "limit", 2, SCHEMA_UINT, SCHEMA_AT(struct flow_secret, rtp.limit), .min = 1,
	  .max = SRTP_INDEX_END - SRTP_HEADROOM - 1 },
	{ "limit_rtcp", 3, SCHEMA_UINT, SCHEMA_AT(struct flow_secret, rtcp.limit),
	  .max = SRTCP_INDEX_END - SRTP_HEADROOM - 1 },
	{ 0 },
};

void secret_free(struct call_flow *f)
{
	if (f->secret)
		explicit_bzero(f->secret, sizeof(*f->secret));
	free(f->secret);
	f->secret = NULL;
}

struct call_flow *call_flow_find(const struct call *c, uint8_t leg, uint8_t line)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		struct call_flow *f = &c->flows[i];

		if (f->leg == leg && f->line == line && !f->closing)
			return f;
	}
	return NULL;
}

struct call_flow *flow_by_id(const struct call *c, struct flow_id id)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		if (c->flows[i].id.generation && flow_id_eq(c->flows[i].id, id))
			return &c->flows[i];
	}
	return NULL;
}

/* A phone connected to an address of another shard gets media from ours: the other may move to
 * another node. */
uint16_t flow_network(const struct call_host *h, const struct leg *l)
{
	const struct shard_settings *set = h->settings;
	const struct shard_local *local = &set->locals[l->dialog.hop.local];

	if (shard_network_is_own(set, local->network))
		return local->network;
	for (uint32_t i = 0; i < set->local_count; i++) {
		const struct shard_local *other = &set->locals[i];

		if (shard_network_is_own(set, other->network) &&
		    other->bind.family == local->bind.family)
			return other->network;
	}
	return local->network;
}

const struct addr *flow_address(const struct call_host *h, const struct leg *l)
{
	const struct shard_network *at = &h->settings->networks[flow_network(h, l)];

	/* no NAT stands between shards */
	return l->dialog.hop.transport == SIP_INTER_SHARD ? &at->media_bind : &at->media_advertise;
}

static bool may_be_secure(const struct leg *l)
{
	return l->terms && (l->terms->sdes_offer || l->terms->sdes_accept);
}

/* Some are left for emergency calls, where there are many. */
enum { PORTS_SHARE_KEPT = 128, PORTS_KEPT_MAX = 16 };

static bool media_port_allocate(struct call_host *h, const struct call *c, struct call_flow *f)
{
	struct ports *ports = &h->ports[f->network];
	uint32_t kept = ports->pair_count / PORTS_SHARE_KEPT;

	if (!c->emergency && ports->free_count <= (kept < PORTS_KEPT_MAX ? kept : PORTS_KEPT_MAX))
		return false;
	return !ports_alloc(ports, h->now.ns, &f->id);
}

static enum refusal flow_allocate(struct call_host *h, struct call *c, uint8_t leg, uint8_t line,
				  enum media_kind kind)
{
	struct call_flow *f = &c->flows[c->flow_count];
	uint8_t network = (uint8_t)flow_network(h, c->legs[leg]);
	enum refusal refused;

	*f = (struct call_flow){ .leg = leg, .line = line, .network = network, .kind = kind };
	f->event_pt = PAYLOAD_NONE;
	if (may_be_secure(c->legs[leg]) && secret_make(h, f))
		return REFUSED_MEMORY;
	refused = payer_charge_port(h, c);
	if (!refused && !media_port_allocate(h, c, f)) {
		payer_release_port(h, c);
		refused = REFUSED_PORTS_FULL;
	}
	if (refused) {
		secret_free(f);
		return refused;
	}
	f->port = ports_rtp_port(&h->ports[network], f->id);
	f->ssrc_out = rand_u32_from(h->rand);
	c->flow_count++;
	return 0;
}

static uint32_t lines_without_flow(const struct call *c, uint8_t leg,
				   const struct media_plan *lines)
{
	uint32_t n = 0;

	for (uint8_t i = 0; i < lines->line_count; i++)
		n += lines->line[i].active && !call_flow_find(c, leg, i);
	return n;
}

static enum refusal flows_allocate(struct call_host *h, struct call *c, uint8_t leg,
				   const struct media_plan *lines)
{
	enum refusal refused = REFUSED_NOT;

	for (uint8_t i = 0; i < lines->line_count && !refused; i++) {
		if (lines->line[i].active && !call_flow_find(c, leg, i))
			refused = flow_allocate(h, c, leg, i, lines->line[i].kind);
	}
	return refused;
}

enum refusal flows_open_ports(struct call_host *h, struct call *c, uint8_t a, uint8_t b,
			      const struct media_plan *lines)
{
	uint32_t before = c->flow_count;
	uint32_t more = lines_without_flow(c, a, lines) + lines_without_flow(c, b, lines);
	struct call_flow *list;
	enum refusal refused;

	if (more == 0)
		return 0;
	list = reallocarray(c->flows, before + more, sizeof(*list));
	if (!list)
		return REFUSED_MEMORY;
	c->flows = list;
	refused = flows_allocate(h, c, a, lines);
	if (!refused)
		refused = flows_allocate(h, c, b, lines);
	while (refused && c->flow_count > before)
		flow_drop(h, c, &c->flows[c->flow_count - 1]);
	return refused;
}

int flow_retake(struct call_host *h, struct call_flow *f)
{
	struct ports *ports = &h->ports[f->network];
	struct flow_id id;

	assert(!f->open);
	if (ports_alloc(ports, h->now.ns, &id))
		return -EAGAIN;
	(void)ports_release(ports, f->id, h->now.ns);
	f->id = id;
	f->port = ports_rtp_port(ports, id);
	return 0;
}

/* The very port of the record, and with it the worker. */
static int port_claim(struct call_host *h, const struct call *c, struct call_flow *f)
{
	const struct shard_shared_ports *shared = &h->settings->shared;

	if (flow_port(f) != f->port &&
	    (!shared->claim || !shared->claim(shared->arg, c->id, f->network, flow_port(f))))
		return -ERANGE;
	return ports_claim(&h->ports[f->network], f->port, &f->id);
}

static int flow_claim(struct call_host *h, const struct call *c, struct call_flow *f)
{
	int err = c->moved & BIT64(f->leg) ? -ERANGE : port_claim(h, c, f);

	return err && flows_may_move(c) ? flow_move(h, c, f) : err;
}

int flows_claim(struct call_host *h, struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		struct call_flow *f = &c->flows[i];
		int err = flow_claim(h, c, f);

		if (!err && payer_charge_port(h, c)) /* not of a call that was restored */
			err = -EDQUOT;
		if (err) {
			f->id = (struct flow_id){ 0 };
			flows_drop_all(h, c);
			return err;
		}
	}
	return 0;
}

void flow_drop(struct call_host *h, struct call *c, struct call_flow *f)
{
	size_t at = (size_t)(f - c->flows);

	assert(f >= c->flows && at < c->flow_count);
	if (f->id.generation && ports_release(&h->ports[f->network], f->id, h->now.ns))
		payer_release_port(h, c);
	secret_free(f);
	flow_dtls_free(f);
	memmove(f, f + 1, (--c->flow_count - at) * sizeof(*f));
	if (c->flow_count == 0) {
		free(c->flows);
		c->flows = NULL;
	}
}

void flows_drop_all(struct call_host *h, struct call *c)
{
	const struct shard_shared_ports *shared = &h->settings->shared;

	while (c->flow_count)
		flow_drop(h, c, &c->flows[c->flow_count - 1]);
	if (shared->release)
		shared->release(shared->arg, c->id);
}

enum { FLIGHT_MS = 30000 }; /* as long as a handshake may last (engine/dtls/dtls.h) */

static int dtls_flow_prepare(struct call_host *h, struct call_flow *f)
{
	if (f->dtls)
		return 0;
	if (!f->secret && secret_make(h, f)) /* the indexes of its streams */
		return -ENOMEM;
	f->dtls = calloc(1, sizeof(*f->dtls));
	if (!f->dtls)
		return -ENOMEM;
	ice_make(h->rand, &f->dtls->ice);
	return 0;
}

uint16_t flow_port(const struct call_flow *f)
{
	return f->dtls && f->dtls->shared_port ? f->dtls->shared_port : f->port;
}

void flow_dtls_follow(struct call_host *h, const struct call *c, struct call_flow *f)
{
	const struct shard_shared_ports *shared = &h->settings->shared;

	if (flow_port(f) == f->port ||
	    shared->claim(shared->arg, c->id, f->network, f->dtls->shared_port))
		return;
	f->dtls->shared_port = shared->take(shared->arg, c->id, f->network);
	ice_make(h->rand, &f->dtls->ice);
	f->resume.source_rtp = f->resume.source_rtcp = (struct addr){ 0 };
}

/* Lines that share a transport have the keys of one of them. */
bool flows_dtls_may_move(const struct call *c, uint8_t leg)
{
	bool waits = false;

	for (uint32_t i = 0; i < c->flow_count; i++) {
		const struct call_flow *f = &c->flows[i];

		if (f->leg != leg || f->closing || !f->dtls || f->dtls->role == DTLS_NONE)
			continue;
		if (f->dtls->key_out.suite != MEDIA_SUITE_NONE)
			return true;
		waits = true;
	}
	return !waits;
}

static void hear(struct call_host *h, struct flow_dtls *d, const struct media_side *party)
{
	if (d->ice_name && d->ice_name != party->ice_name)
		ice_make(h->rand, &d->ice);
	d->ice_name = party->ice_name;
}

int flows_dtls_prepare(struct call_host *h, struct call *c, uint8_t offerer, uint8_t to,
		       const struct media_plan *lines)
{
	const struct offer_terms *terms = c->legs[to]->terms;
	bool offered = terms && terms->dtls_offer;
	bool is_web = sip_transport_is_web(c->legs[to]->dialog.hop.transport);

	for (uint8_t i = 0; i < lines->line_count; i++) {
		struct call_flow *from = call_flow_find(c, offerer, i);
		struct call_flow *into = offered ? call_flow_find(c, to, i) : NULL;
		const struct media_side *party = &lines->line[i].a;

		if (!lines->line[i].active)
			continue;
		if (into && dtls_flow_prepare(h, into))
			return -ENOMEM;
		if (into && is_web)
			share_port(h, c, into);
		if (!from || (!party->dtls && !party->ice))
			continue;
		if (dtls_flow_prepare(h, from))
			return -ENOMEM;
		hear(h, from->dtls, party);
		if (party->ice && party->mux)
			share_port(h, c, from);
	}
	return 0;
}

static void keys_forget(struct flow_dtls *d)
{
	text_clear(&d->flight);
	explicit_bzero(&d->key_in, sizeof(d->key_in));
	explicit_bzero(&d->key_out, sizeof(d->key_out));
}

void flow_dtls_agree(struct call_host *h, struct call_flow *f, const struct media_side *party)
{
	struct flow_dtls *d = f->dtls;

	if (!d || party->dtls == DTLS_NONE)
		return;
	if (party->ice_name)
		d->ice_name = party->ice_name;
	if (d->role == party->dtls && !memcmp(&d->peer, &party->fingerprint, sizeof(d->peer)))
		return;
	/* the keys of the old association stay in the engine until there are new ones */
	if (d->role != DTLS_NONE)
		d->association++;
	if (f->secret && (d->role != DTLS_NONE || f->secret->used))
		secret_renew(h, f->secret);
	d->role = party->dtls;
	d->peer = party->fingerprint;
	keys_forget(d);
}

void flow_dtls_spec(struct flow_spec *s, const struct call *c, const struct call_flow *f,
		    const struct media_side *party)
{
	const struct call_flow *owner = f;

	if (f->dtls)
		s->ice = f->dtls->ice;
	if (!party)
		return;
	s->ice.on = f->dtls && party->ice;
	if (!f->dtls || party->dtls == DTLS_NONE)
		return;
	s->dtls = (struct media_dtls){ .role = f->dtls->role,
				       .association = f->dtls->association,
				       .peer = f->dtls->peer };
	s->cc_extension = party->cc_extension;
	s->mid_extension = party->mid_extension;
	s->mid_length = party->mid_length;
	memcpy(s->mid, party->mid, sizeof(s->mid));
	if (party->bundle != f->line) {
		const struct call_flow *found = call_flow_find(c, f->leg, party->bundle);

		owner = found && found->dtls ? found : f;
		s->bundle = owner == f ? (struct flow_id){ 0 } : owner->id;
	}
	s->key_in = owner->dtls->key_in;
	s->key_out = owner->dtls->key_out;
}

static void flight_keep(const struct call_host *h, struct flow_dtls *d,
			const struct media_flight *flight)
{
	/* without it a successor still has the keys */
	if (text_set(&d->flight, bytes_mem(flight->octets, flight->length)))
		text_clear(&d->flight);
	d->flight_until_utc_ms = h->now.utc_ms + FLIGHT_MS;
}

static bool dtls_key_eq(const struct media_key *a, const struct media_key *b)
{
	return a->suite == b->suite &&
	       bytes_eq_secret(bytes_mem(a->octets, a->length), bytes_mem(b->octets, b->length));
}

/* All lines of a leg may share its transport. */
static bool secrets_rekey(struct call *c, uint8_t leg, bool anew)
{
	bool changed = false;

	for (uint32_t i = 0; i < c->flow_count; i++) {
		struct call_flow *f = &c->flows[i];

		if (f->leg != leg || !f->dtls || !f->secret)
			continue;
		changed |= anew && secret_rekey(f->secret);
		f->secret->used = true;
	}
	return changed;
}

bool flow_dtls_keyed(struct call_host *h, struct call *c, struct call_flow *f,
		     const struct media_event *ev)
{
	struct outbox_item item = { .kind = OUTBOX_FLIGHT,
				    .leg = f->leg,
				    .line = f->line,
				    .association = ev->association };
	struct flow_dtls *d = f->dtls;
	bool anew;

	if (!d || ev->association != d->association || c->state == CALL_ENDING)
		return false;
	outbox_touch(&c->out);
	if (ev->key_in.suite == MEDIA_SUITE_NONE) {
		keys_forget(d);
		return false;
	}
	anew = secrets_rekey(c, f->leg, !dtls_key_eq(&d->key_out, &ev->key_out));
	f->resume = ev->resume; /* a successor must know where the party is */
	d->key_in = ev->key_in;
	d->key_out = ev->key_out;
	flight_keep(h, d, &ev->flight);
	if (h->degraded)
		metric_add(h->metrics->saves[SAVE_SKIPPED], 1);
	if (!outbox_push(&c->out, &item))
		flow_dtls_saved(h, c, &item);
	return anew;
}

static void flight_command(struct call_host *h, const struct call *c, const struct call_flow *f,
			   struct bytes flight)
{
	struct media_command *command = effects_media(h->effects, c->id, MEDIA_FLOW_FLIGHT, f->id);

	if (!command)
		return;
	assert(flight.n <= sizeof(command->flight.octets));
	command->association = f->dtls->association;
	command->flight.length = (uint16_t)flight.n;
	if (flight.n > 0)
		memcpy(command->flight.octets, flight.p, flight.n);
}

/* The engine has the octets. */
void flow_dtls_saved(struct call_host *h, const struct call *c, const struct outbox_item *item)
{
	const struct call_flow *f = call_flow_find(c, item->leg, item->line);

	if (f && f->open && f->dtls && f->dtls->association == item->association)
		flight_command(h, c, f, (struct bytes){ 0 });
}

void flows_dtls_resume(struct call_host *h, const struct call *c)
{
	for (uint32_t i = 0; i < c->flow_count; i++) {
		const struct call_flow *f = &c->flows[i];

		if (f->open && !f->closing && f->dtls && f->dtls->flight.n)
			flight_command(h, c, f, text_bytes(&f->dtls->flight));
	}
}

void flow_dtls_age(const struct call_host *h, const struct call_flow *f)
{
	if (f->dtls && h->now.utc_ms >= f->dtls->flight_until_utc_ms)
		text_clear(&f->dtls->flight);
}

static bool media_key_is(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct media_key *)object)->suite != MEDIA_SUITE_NONE;
}

static bool media_key_check(struct schema_reader *r, void *object)
{
	const struct media_key *key = object;
	enum media_suite suite = key->suite;

	(void)r;
	return suite != MEDIA_SUITE_NONE && crypto_suite_name(suite) &&
	       key->length == crypto_key_length(suite);
}

static bool dtls_has_peer(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct flow_dtls *)object)->peer.hash != MEDIA_HASH_NONE;
}

static bool dtls_has_flight(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct flow_dtls *)object)->flight.n != 0;
}

static bool dtls_check(struct schema_reader *r, void *object)
{
	struct flow_dtls *d = object;
	bool in = d->key_in.suite != MEDIA_SUITE_NONE, out = d->key_out.suite != MEDIA_SUITE_NONE;

	d->ice.on = 1;
	if (in != out || (d->flight.n && !in))
		return false;
	if (!d->flight.n || r->now.utc_ms >= d->flight_until_utc_ms) {
		text_clear(&d->flight);
		d->flight_until_utc_ms = 0;
	}
	return true;
}

static const struct schema media_key_rows[] = {
	{ "suite", 1, SCHEMA_UINT, SCHEMA_AT(struct media_key, suite) },
	{ "octets", 2, SCHEMA_CHARS, SCHEMA_SECRET, SCHEMA_AT(struct media_key, octets),
	  .count = offsetof(struct media_key, length) },
	{ 0 },
};

/* A party that never sent a handshake message has no fingerprint yet. */
static const struct schema fingerprint_rows[] = {
	{ "fingerprint", 7, SCHEMA_OCTETS, SCHEMA_AT(struct flow_dtls, peer.octets) },
	{ 0 },
};

static const struct schema flight_rows[] = {
	{ "flight", 11, SCHEMA_TEXT, SCHEMA_AT(struct flow_dtls, flight), .max = MEDIA_FLIGHT_MAX },
	{ "flight_until_utc_ms", 12, SCHEMA_TIME,
	  SCHEMA_AT(struct flow_dtls, flight_until_utc_ms) },
	{ 0 },
};

static const struct schema dtls_rows[] = {
	{ "ufrag", 1, SCHEMA_OCTETS, SCHEMA_AT(struct flow_dtls, ice.ufrag), .min = ICE_UFRAG_LEN },
	{ "pwd", 2, SCHEMA_OCTETS, SCHEMA_SECRET, SCHEMA_AT(struct flow_dtls, ice.pwd),
	  .min = ICE_PWD_LEN },
	{ "ice_name", 3, SCHEMA_FIXED64, SCHEMA_AT(struct flow_dtls, ice_name) },
	{ "role", 4, SCHEMA_UINT, SCHEMA_AT(struct flow_dtls, role), .max = DTLS_CLIENT },
	{ "association", 5, SCHEMA_UINT, SCHEMA_AT(struct flow_dtls, association) },
	{ "hash", 6, SCHEMA_UINT, SCHEMA_AT(struct flow_dtls, peer.hash),
	  .max = MEDIA_HASH_SHA512 },
	{ "fingerprint", 7, SCHEMA_GROUP, .of = fingerprint_rows, .is = dtls_has_peer },
	{ "key_in", 8, SCHEMA_MESSAGE, SCHEMA_AT(struct flow_dtls, key_in), .of = media_key_rows,
	  .is = media_key_is, .check = media_key_check },
	{ "key_out", 9, SCHEMA_MESSAGE, SCHEMA_AT(struct flow_dtls, key_out), .of = media_key_rows,
	  .is = media_key_is, .check = media_key_check },
	{ "shared_port", 10, SCHEMA_UINT, SCHEMA_AT(struct flow_dtls, shared_port) },
	{ "flight", 11, SCHEMA_GROUP, .of = flight_rows, .is = dtls_has_flight },
	{ 0 },
};

/* ---- where a successor goes on ---- */

enum { SENT_CLOCK_MAX = 192000 };

static uint64_t sent_ago_ms(const struct instant *now, const struct flow_last_sent *sent)
{
	return sent->at_ns < now->ns ? (now->ns - sent->at_ns) / NS_PER_MS : 0;
}

static bool sent_is(const struct schema_writer *w, const void *object)
{
	const struct flow_last_sent *sent = &((const struct flow_resume *)object)->sent;

	return sent->units && sent_ago_ms(&w->now, sent) <= w->now.utc_ms;
}

static void sent_at_write(struct schema_writer *w, const struct schema *row, const void *object)
{
	const struct flow_resume *x = object;

	schema_put_number(w, row->tag, w->now.utc_ms - sent_ago_ms(&w->now, &x->sent));
}

/* 0: before this machine started. */
static bool sent_at_read(struct schema_reader *r, const struct schema *row, void *object,
			 const struct schema_wire *in)
{
	const struct instant *now = &r->now;
	uint64_t at_ms = steady_add(in->number, r->shift_ms);
	uint64_t ago_ms = at_ms < now->utc_ms ? now->utc_ms - at_ms : 0;

	(void)row;
	((struct flow_resume *)object)->sent.at_ns =
		ago_ms < now->ns / NS_PER_MS ? now->ns - ago_ms * NS_PER_MS : 0;
	return in->kind == SCHEMA_WIRE_VARINT;
}

static bool resume_check(struct schema_reader *r, void *object)
{
	struct flow_last_sent *sent = &((struct flow_resume *)object)->sent;

	if (sent->units && (!sent->clock_hz || sent->clock_hz > SENT_CLOCK_MAX))
		return schema_wrong(r, "flow: what its party heard");
	if (!sent->units || !sent->at_ns)
		*sent = (struct flow_last_sent){ 0 };
	return true;
}

static const struct schema sent_rows[] = {
	{ "sent_utc_ms", 8, SCHEMA_HAND, .write = sent_at_write, .read = sent_at_read },
	{ "sent_timestamp", 9, SCHEMA_FIXED32, SCHEMA_AT(struct flow_resume, sent.timestamp) },
	{ "sent_clock_hz", 10, SCHEMA_UINT, SCHEMA_AT(struct flow_resume, sent.clock_hz) },
	{ "sent_sequence", 11, SCHEMA_UINT, SCHEMA_AT(struct flow_resume, sent.sequence) },
	{ "sent_units", 12, SCHEMA_UINT, SCHEMA_AT(struct flow_resume, sent.units) },
	{ 0 },
};

static const struct schema resume_rows[] = {
	{ "rtp", 1, SCHEMA_ADDR, SCHEMA_AT(struct flow_resume, source_rtp),
	  .wrong = "flow: latched address" },
	{ "rtcp", 2, SCHEMA_ADDR, SCHEMA_AT(struct flow_resume, source_rtcp),
	  .wrong = "flow: latched address" },
	{ "ssrc", 3, SCHEMA_FIXED32, SCHEMA_AT(struct flow_resume, source_ssrc) },
	{ "timestamp_offset", 4, SCHEMA_FIXED32, SCHEMA_AT(struct flow_resume, timestamp_offset) },
	{ "sequence_offset", 5, SCHEMA_UINT, SCHEMA_AT(struct flow_resume, sequence_offset),
	  .wrong = "flow: sequence offset" },
	{ "started", 6, SCHEMA_UINT, SCHEMA_AT(struct flow_resume, started), .max = 1 },
	{ "srtp", 7, SCHEMA_UINT, SCHEMA_AT(struct flow_resume, srtp_in), .max = SRTP_INDEX_END - 1,
	  .wrong = "flow: SRTP index" },
	{ "sent_utc_ms", 8, SCHEMA_GROUP, .of = sent_rows, .is = sent_is },
	{ "srtp_key", 13, SCHEMA_FIXED32, SCHEMA_AT(struct flow_resume, srtp_key) },
	{ 0 },
};

/* ---- a flow ---- */

static void flow_network_write(struct schema_writer *w, const struct schema *row,
			       const void *object)
{
	const struct call_flow *f = object;

	schema_put_octets(w, row->tag,
			  bytes_str(saver_of(w)->h->settings->networks[f->network].name));
}

static bool flow_network_read(struct schema_reader *r, const struct schema *row, void *object,
			      const struct schema_wire *in)
{
	(void)row;
	(void)object;
	loader_of(r)->network = in->octets;
	return in->kind == SCHEMA_WIRE_OCTETS;
}

/* One that is not there any more is no error: its flows have to move. */
static void flow_network_find(struct call_loader *l, struct call_flow *f)
{
	const struct shard_settings *s = l->h->settings;
	uint32_t i = 0;

	while (i < s->network_count && !bytes_is(l->network, s->networks[i].name))
		i++;
	f->network = (uint8_t)(i < s->network_count ? i : 0);
	if (i == s->network_count)
		l->c->moved |= (uint16_t)BIT64(f->leg);
	l->network = (struct bytes){ 0 };
}

static bool flow_check(struct schema_reader *r, void *object)
{
	struct call_loader *l = loader_of(r);
	struct call_flow *f = object;

	if (!call_leg(l->c, f->leg))
		return false;
	if (!f->port || f->port % 2)
		return schema_wrong(r, "flow: port");
	if (f->dtls && !f->secret)
		return schema_wrong(r, "flow: DTLS");
	f->been &= OFFER_LINES_ALL | FLOW_BEEN_AUDIO;
	f->event_pt = PAYLOAD_NONE;
	flow_network_find(l, f);
	return true;
}

static bool flow_is_saved(const struct schema_writer *w, const void *object)
{
	(void)w;
	return !((const struct call_flow *)object)->closing;
}

static uint64_t flow_called(const void *element, size_t position)
{
	const struct call_flow *f = element;

	(void)position;
	return (uint64_t)f->leg << 32 | f->line;
}

static const struct schema flow_rows[] = {
	{ "leg", 1, SCHEMA_UINT, SCHEMA_AT(struct call_flow, leg), .max = LEGS_MAX - 1 },
	{ "line", 2, SCHEMA_UINT, SCHEMA_AT(struct call_flow, line), .max = MEDIA_LINES_MAX - 1 },
	{ "kind", 3, SCHEMA_UINT, SCHEMA_AT(struct call_flow, kind), .max = MEDIA_KINDS - 1 },
	{ "network", 4, SCHEMA_HAND, .write = flow_network_write, .read = flow_network_read },
	{ "port", 5, SCHEMA_UINT, SCHEMA_AT(struct call_flow, port), .wrong = "flow: port" },
	{ "ssrc", 6, SCHEMA_FIXED32, SCHEMA_AT(struct call_flow, ssrc_out) },
	{ "resume", 7, SCHEMA_MESSAGE, SCHEMA_AT(struct call_flow, resume), .of = resume_rows,
	  .check = resume_check },
	{ "secret", 8, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct call_flow, secret, struct flow_secret), .of = secret_rows,
	  .check = secret_check, .wrong = "flow: SRTP key" },
	{ "dtls", 9, SCHEMA_MESSAGE, SCHEMA_POINTER,
	  SCHEMA_OF(struct call_flow, dtls, struct flow_dtls), .of = dtls_rows, .check = dtls_check,
	  .wrong = "flow: DTLS" },
	{ "been", 10, SCHEMA_UINT, SCHEMA_AT(struct call_flow, been) },
	{ 0 },
};

const struct schema flows_saved[] = {
	{ "flows", 20, SCHEMA_MESSAGE, SCHEMA_LIST | SCHEMA_POINTER | SCHEMA_COUNT32,
	  SCHEMA_OF(struct call, flows, struct call_flow), .of = flow_rows,
	  .count = offsetof(struct call, flow_count), .most = CALL_FLOWS_MAX, .is = flow_is_saved,
	  .check = flow_check, .called = flow_called, .wrong = "flow: place" },
	{ 0 },
};

void flow_dtls_free(struct call_flow *f)
{
	if (f->dtls) {
		text_clear(&f->dtls->flight);
		explicit_bzero(f->dtls, sizeof(*f->dtls));
	}
	free(f->dtls);
	f->dtls = NULL;
}
