/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/flow_dtls.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "media/crypto.h"
#include "sig/call.pb-c.h"
#include "sig/leg/flow.h"
#include "sig/leg/secret.h"

enum { FLIGHT_MS = 30000 }; /* as long as a handshake may last (engine/dtls/dtls.h) */

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

static void share_port(const struct call_host *h, const struct call *c, struct call_flow *f)
{
	const struct shard_shared_ports *shared = &h->settings->shared;

	if (shared->take && !f->open && f->dtls->shared_port == 0)
		f->dtls->shared_port = shared->take(shared->arg, c->id, f->network);
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

void flow_dtls_move(struct call_host *h, const struct call *c, struct call_flow *f)
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

/* Those that share a transport have the keys of one of them. */
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
	if (d->role !=
	    DTLS_NONE) /* the keys of the old one go on in the engine until there are others */
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
	/* without it a successor has the keys all the same */
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

static bool restore_key(struct media_key *out, const Tandem__Call__Key *in)
{
	if (!in)
		return true;
	if (in->suite == MEDIA_SUITE_NONE || in->suite > UINT8_MAX ||
	    !crypto_suite_name((enum media_suite)in->suite) ||
	    in->octets.len != crypto_key_length((enum media_suite)in->suite))
		return false;
	out->suite = (uint8_t)in->suite;
	out->length = (uint8_t)in->octets.len;
	memcpy(out->octets, in->octets.data, in->octets.len);
	return true;
}

static bool is_restorable(const Tandem__Call__Dtls *in)
{
	return in->ufrag.len == ICE_UFRAG_LEN && in->pwd.len == ICE_PWD_LEN &&
	       in->role <= DTLS_CLIENT && in->association <= UINT8_MAX &&
	       in->hash <= MEDIA_HASH_SHA512 && in->shared_port <= UINT16_MAX &&
	       (in->fingerprint.len == 0 ||
		in->fingerprint.len == sizeof(((struct media_fingerprint *)0)->octets)) &&
	       !in->key_in == !in->key_out && in->flight.len <= MEDIA_FLIGHT_MAX &&
	       (in->flight.len == 0 || in->key_in);
}

static bool restore_flight(struct flow_dtls *d, const Tandem__Call__Dtls *in, uint64_t utc_ms)
{
	if (in->flight.len == 0 || utc_ms >= in->flight_until_utc_ms)
		return true;
	d->flight_until_utc_ms = in->flight_until_utc_ms;
	return !text_set(&d->flight, bytes_mem(in->flight.data, in->flight.len));
}

bool flow_dtls_restore(struct call_flow *f, const Tandem__Call__Dtls *in, uint64_t utc_ms)
{
	struct flow_dtls *d;

	if (!is_restorable(in))
		return false;
	d = f->dtls = calloc(1, sizeof(*d));
	if (!d)
		return false;
	d->ice.on = 1;
	memcpy(d->ice.ufrag, in->ufrag.data, in->ufrag.len);
	memcpy(d->ice.pwd, in->pwd.data, in->pwd.len);
	d->ice_name = in->ice_name;
	d->shared_port = (uint16_t)in->shared_port;
	d->role = (uint8_t)in->role;
	d->association = (uint8_t)in->association;
	d->peer.hash = (uint8_t)in->hash;
	if (in->fingerprint.len) /* a party that moves is not heard yet */
		memcpy(d->peer.octets, in->fingerprint.data, in->fingerprint.len);
	return restore_flight(d, in, utc_ms) && restore_key(&d->key_in, in->key_in) &&
	       restore_key(&d->key_out, in->key_out);
}

void flow_dtls_free(struct call_flow *f)
{
	if (f->dtls) {
		text_clear(&f->dtls->flight);
		explicit_bzero(f->dtls, sizeof(*f->dtls));
	}
	free(f->dtls);
	f->dtls = NULL;
}
