/* SPDX-License-Identifier: Apache-2.0 */
/* The next hop of a dialog's requests (RFC 3261 12.2.1.1, RFC 3263): a numeric route or target, the
 * source of the party's signalling behind NAT, or a host name that is looked up. Requests to a name
 * are held until it resolves, and go to its next place when one fails (RFC 3263 4.3). A phone may
 * not redirect requests to other hosts by its Contact; trusted parties may. Look-up state is not
 * saved. */

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sig/dialog/dialog.h"
#include "sig/host/destination.h"
#include "sig/host/host.h"
#include "sig/host/location.h"
#include "sig/host/network.h"
#include "sig/host/route_uri.h"
#include "sig/host/settings.h"
#include "sig/sip/hop.h"
#include "sig/sip/lex.h"

bool dialog_is_behind_nat(const struct sip_message *request)
{
	enum sip_transport transport = request->hop.transport;
	struct addr sent_by;

	if (addr_parse(&sent_by, request->via.host))
		return true; /* a name: only the source is known to reach it */
	sent_by.port = request->via.port ? request->via.port : sip_transport_port(transport);
	/* a connection comes from any port, as do phones that send and listen on different ports */
	return sip_transport_is_stream(transport) || !message_is_symmetric(request)
		       ? !addr_ip_eq(&sent_by, &request->hop.remote)
		       : !addr_eq(&sent_by, &request->hop.remote);
}

bool dialog_is_self(const struct addr *remote, const struct shard_settings *settings)
{
	for (uint32_t i = 0; i < settings->local_count; i++) {
		if (addr_eq(remote, &settings->locals[i].bind) ||
		    addr_eq(remote, &settings->locals[i].advertise))
			return true;
	}
	return false;
}

bool dialog_next_uri(struct bytes routes, struct bytes target, struct sip_uri *out)
{
	struct bytes first;
	struct sip_name_addr a;

	if (routes.n == 0)
		return sip_uri_parse(out, target) == 0;
	if (!lex_element(&routes, &first) || sip_name_addr_parse(&a, first))
		return false;
	*out = a.uri;
	return true;
}

bool hop_local_for(struct sip_hop *hop, const struct shard_settings *settings)
{
	uint16_t network = hop->local < settings->local_count ? settings->locals[hop->local].network
							      : UINT16_MAX;
	uint32_t found = UINT32_MAX;

	for (uint32_t i = 0; i < settings->local_count; i++) {
		const struct shard_local *l = &settings->locals[i];

		if (l->transport != hop->transport || l->bind.family != hop->remote.family ||
		    !shard_local_is_own(settings, i))
			continue;
		if (i == hop->local)
			return true;
		if (found == UINT32_MAX ||
		    (l->network == network && settings->locals[found].network != network))
			found = i;
	}
	if (found == UINT32_MAX)
		return false;
	hop->local = (uint16_t)found;
	return true;
}

/* What a phone says of itself, not of others. */
static bool is_own_host(const struct dialog *d, const struct sip_hop *to)
{
	return d->routes.n == 0 && to->transport == d->hop.transport &&
	       addr_ip_eq(&to->remote, &d->hop.remote);
}

bool dialog_hop_leads(struct sip_hop *to, const struct sip_hop *party, const struct call_host *h,
		      bool trusted)
{
	if (place_check(h, party, &to->remote, trusted) != DESTINATION_OK ||
	    !hop_local_for(to, h->settings))
		return false;
	if (to->transport != party->transport || !addr_ip_eq(&to->remote, &party->remote)) {
		to->connection = 0;
		to->certified = false;
	}
	to->inbound = false;
	return true;
}

/* A GRUU of ours (RFC 5627) has our address. The way to its phone is the one that it came. */
static bool is_gruu_here(const struct sip_uri *uri, const struct shard_settings *settings)
{
	struct bytes value;

	return sip_param(uri->params, "gr", &value) && route_is_own_address(uri->host, settings);
}

void dialog_choose_names(struct dialog *d, const struct call_host *h, bool behind_nat)
{
	d->named = !behind_nat && !sip_transport_is_web(d->hop.transport) &&
		   d->hop.transport != SIP_INTER_SHARD &&
		   (d->trunk || h->services->identity->trusts(h->owner, &d->hop));
}

void dialog_choose_hop(struct dialog *d, const struct call_host *h, bool behind_nat)
{
	struct sip_hop to = d->hop;
	struct sip_uri uri;
	bool trusted;

	if (behind_nat || sip_transport_is_web(to.transport) || to.transport == SIP_INTER_SHARD ||
	    !dialog_next_uri(text_bytes(&d->routes), text_bytes(&d->target), &uri) ||
	    is_gruu_here(&uri, h->settings) || !sip_hop_from_uri(&to, &uri))
		return;
	to.remote.scope = d->hop.remote.scope;
	trusted = d->trunk || h->services->identity->trusts(h->owner, &d->hop);
	if ((trusted || is_own_host(d, &to)) && dialog_hop_leads(&to, &d->hop, h, trusted))
		d->hop = to;
}

/* ---- which name ---- */

static void want_ways(struct lookup_want *want, const struct shard_settings *s)
{
	for (uint32_t i = 0; i < s->local_count; i++) {
		if (sip_transport_is_web(s->locals[i].transport))
			continue;
		want->speaks |= (uint8_t)(1U << s->locals[i].transport);
		want->v4 |= s->locals[i].bind.family == ADDR_V4;
		want->v6 |= s->locals[i].bind.family == ADDR_V6;
	}
}

/* RFC 6761 6.4, RFC 7118: never exists, and needs no look-up. */
static bool is_invalid(struct bytes host)
{
	const struct bytes none = BYTES_LIT(".invalid");

	return host.n >= none.n && bytes_ieq(bytes_from(host, host.n - none.n), none);
}

bool places_want(const struct shard_settings *settings, const struct sip_uri *uri,
		 struct lookup_want *out)
{
	struct addr numeric;

	if (!settings->lookup.find || is_invalid(uri->host) || !addr_parse(&numeric, uri->host) ||
	    lookup_want_from_uri(out, uri))
		return false;
	want_ways(out, settings);
	return true;
}

/* A GRUU of ours leads to what is registered, by the way of the dialog. */
static bool place_uri(const struct dialog *d, const struct call_host *h, struct sip_uri *uri)
{
	if (!d->routes.n && h->services->location->gruu_contact(h->owner, d).n)
		return false;
	return dialog_next_uri(text_bytes(&d->routes), text_bytes(&d->target), uri);
}

static struct dialog_places *places_of(struct dialog *d, struct call_host *h)
{
	if (!d->places)
		d->places = calloc(1, sizeof(*d->places));
	if (d->places)
		d->places->host = h;
	return d->places;
}

/* ---- one of its places ---- */

/* Requests of a TLS dialog are never sent in clear. */
static bool place_leads(const struct dialog *d, const struct call_host *h,
			const struct lookup_target *t, struct sip_hop *to)
{
	enum sip_transport transport = (enum sip_transport)t->transport;
	struct sip_uri uri;
	bool same = addr_ip_eq(&t->to, &d->hop.remote) && transport == d->hop.transport;

	if (sip_transport_is_secure(d->hop.transport) && !sip_transport_is_secure(transport))
		return false;
	*to = d->hop;
	to->remote = t->to;
	to->remote.scope = d->hop.remote.scope;
	to->transport = transport;
	if (!dialog_hop_leads(to, &d->hop, h, true))
		return false;
	if (same && to->name)
		return true;
	to->name = transport == SIP_TLS && place_uri(d, h, &uri)
			   ? hop_names_put(h->settings->names, uri.host)
			   : 0;
	return true;
}

static bool has_failed(const struct call_host *h, const struct lookup_target *t)
{
	const struct shard_lookup *l = &h->settings->lookup;

	return l->blocked && l->blocked(l->arg, t, h->now.ns);
}

/* The place in use, at best by its very port. */
static uint32_t place_in_use(const struct dialog *d, const struct call_host *h,
			     const struct lookup_target *list, uint32_t count, struct sip_hop *to)
{
	for (unsigned exact = 2; exact-- > 0;) {
		for (uint32_t i = 0; i < count; i++) {
			const struct lookup_target *t = &list[i];

			if (t->transport == d->hop.transport &&
			    (exact ? addr_eq(&t->to, &d->hop.remote)
				   : addr_ip_eq(&t->to, &d->hop.remote)) &&
			    !has_failed(h, t) && place_leads(d, h, t, to))
				return i;
		}
	}
	return count;
}

static uint32_t first_place(const struct dialog *d, const struct call_host *h,
			    const struct lookup_target *list, uint32_t count, struct sip_hop *to)
{
	uint32_t i = place_in_use(d, h, list, count, to);

	if (i < count)
		return i;
	for (i = 0; i < count; i++) {
		if (place_leads(d, h, &list[i], to))
			break;
	}
	return i;
}

static void places_keep(struct dialog *d, struct call_host *h, const struct lookup_target *list,
			uint32_t count, uint32_t but)
{
	struct dialog_places *p = count > 1 ? places_of(d, h) : d->places;

	if (!p)
		return;
	p->rest_count = 0;
	for (uint32_t i = 0; i < count && p->rest_count < DIALOG_PLACES_MAX; i++) {
		if (i != but)
			p->rest[p->rest_count++] = list[i];
	}
}

static void places_go(struct dialog *d, struct call_host *h, const struct lookup_target *list,
		      uint32_t count)
{
	struct sip_hop to;
	uint32_t i = first_place(d, h, list, count, &to);

	if (i == count)
		return;
	d->hop = to;
	places_keep(d, h, list, count, i);
}

/* ---- looking up ---- */

static bool lookup_start(struct dialog *d, struct call_host *h, const struct lookup_want *want)
{
	struct dialog_places *p = h->lookups < DIALOG_LOOKUPS_MAX ? places_of(d, h) : NULL;
	uint64_t serial;

	if (!p)
		return false;
	serial = rand_u64_from(h->rand) | 1;
	if (!effects_lookup(h->effects, want->seed, serial, want))
		return false;
	p->call = want->seed;
	p->serial = serial;
	p->due_ns = h->now.ns + DIALOG_LOOKUP_MS * NS_PER_MS;
	h->lookups++;
	return true;
}

static void lookup_over(struct dialog_places *p)
{
	p->serial = p->due_ns = 0;
	p->host->lookups--;
}

static void lookup_leave(struct dialog_places *p)
{
	/* without memory it ends by itself */
	(void)effects_add(p->host->effects, EFFECT_LOOKUP_STOP, p->call, p->serial);
	lookup_over(p);
}

bool dialog_resolves(struct dialog *d, struct call_host *h)
{
	struct lookup_want want;
	struct lookup *found; /* large for a stack */
	struct sip_uri uri;
	bool waits;

	if (!d->named)
		return false;
	if (d->places && d->places->serial)
		return true;
	if (!place_uri(d, h, &uri) || !places_want(h->settings, &uri, &want))
		return false;
	found = malloc(sizeof(*found));
	if (!found)
		return false;
	want.seed = dialog_call(d);
	h->settings->lookup.find(h->settings->lookup.arg, &want, h->now.ns, found);
	waits = found->state == LOOKUP_REQUEST && lookup_start(d, h, &want);
	if (found->state == LOOKUP_DONE)
		places_go(d, h, found->targets, found->target_count);
	free(found);
	return waits;
}

void dialog_hold(struct dialog *d, struct txn_slot *slot)
{
	struct dialog_places *p = d->places;
	pool_handle *held = reallocarray(p->held, p->held_count + 1U, sizeof(*held));

	if (!held)
		return; /* it goes to the place in use */
	p->held = held;
	p->held[p->held_count++] = slot->self;
	slot->held = 1;
}

void dialog_hold_ack(struct dialog *d)
{
	d->places->ack = true;
}

/* ---- going on ---- */

/* The same request for another place; as: NULL: it was not sent yet, and is reused. */
static bool request_move(struct dialog *d, struct call_host *h, struct txn_slot *slot,
			 const struct dialog_moved *as)
{
	struct writer w = writer_over(h->space, HOST_SPACE);
	struct id_tag tag = d->tag;
	char branch[ID_BRANCH_LEN];

	tag.random = as ? as->branch : 0;
	if (as)
		id_branch_put(branch, &tag);
	else if (!dialog_read_branch(text_bytes(&slot->txn.message), branch))
		return false;
	dialog_write_moved(&w, d, text_bytes(&slot->txn.message), branch, as ? as->cseq : 0,
			   h->settings);
	return !w.overflow && txns_renew(h->txns, slot, &d->hop, bytes_mem(branch, sizeof(branch)),
					 writer_done(&w), h->now.ns);
}

static void held_go(struct dialog *d, struct call_host *h, pool_handle client)
{
	struct txn_slot *slot = txns_get(h->txns, client);

	if (!slot)
		return;
	if (!sip_hop_equal(&slot->txn.hop, &d->hop) && !request_move(d, h, slot, NULL))
		sig_count_dropped(h->metrics, DROPPED_OOM); /* it goes the way it was written for */
	txns_release(h->txns, slot, h->now.ns);
}

void dialog_held_go(struct dialog *d, struct call_host *h)
{
	struct dialog_places *p = d->places;
	pool_handle *held = p->held;
	uint32_t count = p->held_count;

	p->held = NULL;
	p->held_count = 0;
	for (uint32_t i = 0; i < count; i++)
		held_go(d, h, held[i]);
	free(held);
}

bool dialog_on_lookup(struct dialog *d, struct call_host *h, const struct lookup_reply *outcome,
		      bool *ack)
{
	struct dialog_places *p = d->places;
	struct sip_uri uri;

	if (!p || !p->serial || (outcome && outcome->serial != p->serial))
		return false;
	if (outcome)
		lookup_over(p);
	else
		lookup_leave(p);
	if (outcome && outcome->count) {
		places_go(d, h, outcome->targets, outcome->count);
	} else if (place_uri(d, h, &uri)) {
		LOG_INFO("call", dialog_call(d), "a name leads nowhere: the place in use is asked",
			 LOG_BYTES("name", uri.host),
			 LOG_STR("result",
				 outcome ? lookup_state_name(outcome->state) : "overdue"));
	}
	*ack = p->ack;
	p->ack = false;
	return true;
}

uint64_t dialog_lookup_due_ns(const struct dialog *d)
{
	return d->places ? d->places->due_ns : 0;
}

/* ---- the next place ---- */

static void place_block(const struct dialog *d, const struct call_host *h, uint32_t for_s)
{
	const struct lookup_target failed = { .to = d->hop.remote,
					      .transport = (uint8_t)d->hop.transport };

	if (h->settings->lookup.failed)
		h->settings->lookup.failed(h->settings->lookup.arg, &failed, for_s, h->now.ns);
}

static bool place_next(struct dialog *d, struct call_host *h, uint32_t for_s)
{
	struct dialog_places *p = d->places;
	struct sip_hop to;

	place_block(d, h, for_s);
	while (p->rest_count) {
		const struct lookup_target next = p->rest[0];

		memmove(p->rest, p->rest + 1, --p->rest_count * sizeof(p->rest[0]));
		if (!place_leads(d, h, &next, &to))
			continue;
		LOG_INFO("call", dialog_call(d), "a party is asked at the next place of its name",
			 LOG_ADDR("place", &to.remote), LOG_U64("left", p->rest_count));
		d->hop = to;
		return true;
	}
	return false;
}

/* A dialog that another one's request made has a Call-ID of its own. */
static bool request_is_of(const struct dialog *d, struct bytes request)
{
	struct bytes line;

	while (bytes_cut(&request, '\n', &line) && bytes_trim(line).n) {
		if (bytes_starts(line, "Call-ID: "))
			return bytes_eq(bytes_from(bytes_trim(line), strlen("Call-ID: ")),
					text_bytes(&d->call_id));
	}
	return false;
}

bool dialog_forward(struct dialog *d, struct call_host *h, struct txn_slot *slot, uint32_t for_s,
		    struct dialog_moved *out)
{
	bool here = slot->txn.hop.transport == d->hop.transport &&
		    addr_eq(&slot->txn.hop.remote, &d->hop.remote);

	if (!d->named || !d->places || d->places->serial || slot->places == DIALOG_PLACES_MAX ||
	    !request_is_of(d, text_bytes(&slot->txn.message)) || (here && !place_next(d, h, for_s)))
		return false;
	out->branch = rand_u64_from(h->rand);
	out->cseq = dialog_read_cseq(text_bytes(&slot->txn.message)) == d->local_cseq
			    ? 0
			    : ++d->local_cseq;
	if (!request_move(d, h, slot, out))
		return false;
	slot->places++;
	(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
	return true;
}

bool dialog_has_place(const struct dialog *d)
{
	return d->named && d->places && d->places->rest_count;
}

void dialog_places_clear(struct dialog *d)
{
	struct dialog_places *p = d->places;

	if (!p)
		return;
	if (p->serial)
		lookup_leave(p);
	dialog_held_go(d, p->host);
	free(p);
	d->places = NULL;
}
