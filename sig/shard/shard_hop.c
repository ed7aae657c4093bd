/* SPDX-License-Identifier: Apache-2.0 */
/* Parties that return by another hop: after its connection died, a phone registers again, or
 * continues in its dialog from another address (RFC 5626). Requests that waited for it go there. */
#include <errno.h>

#include "base/log.h"
#include "sig/call/invite.h"
#include "sig/call/legs.h"
#include "sig/call/session.h"
#include "sig/dialog/dialog.h"
#include "sig/host/destination.h"
#include "sig/leg/early.h"
#include "sig/pbx/transfer.h"
#include "sig/shard/shard_parts.h"
#include "sig/sip/hop.h"

/* After a restart no connection has its old name. Without NAT the address is the machine's, and its
 * Contacts may have different ports: that of its connection in a call, and the one it listens on
 * when it registers. */
bool shard_is_same_phone(const struct sip_hop *known, const struct sip_hop *from)
{
	if (sip_hop_same(known, from))
		return true;
	return sip_transport_is_stream(known->transport) && known->transport == from->transport &&
	       !(known->connection && from->connection) && !(known->inbound && from->inbound) &&
	       addr_ip_eq(&known->remote, &from->remote);
}

/* A page that is loaded again is back within it, mostly after 1 to 3 s; then a new call goes on
 * without the phone. */
#define FLOW_BACK_NS (4 * NS_PER_S)

/* The dialog created by its REFER outside of this one: its NOTIFYs go by the new hop. */
static void outside_moved(struct shard *s, const struct leg *l, const struct sip_hop *from,
			  const struct sip_hop *to)
{
	const struct call *c = shard_call_find(s, dialog_call(&l->dialog));
	struct dialog *d = c ? transfer_outside(c, dialog_leg(&l->dialog)) : NULL;
	struct sip_hop known;

	if (!d || !shard_is_same_phone(&d->hop, from))
		return;
	known = d->hop;
	d->hop = *to;
	txns_hop_moved(shard_txns(s), c->id, dialog_leg(d), &known, to, shard_host(s)->now.ns);
}

static struct hop_party hop_party_of(const struct call *c, uint8_t leg, const struct sip_hop *hop)
{
	const struct leg *l = c->legs[leg];

	return (struct hop_party){
		.call = c->id,
		.hop = hop,
		.tenant = c->tenant,
		.user = text_bytes(&l->user),
		.trunk = l->dialog.trunk,
		.of = l->channel,
	};
}

/* An address proves less than the party has shown: it can be forged in a datagram, and an on-path
 * attacker may have it. RFC 3261 18.1.1 lets one party use both UDP and TCP. */
static bool hop_shows_less(const struct sip_hop *known, const struct sip_hop *from)
{
	if (sip_transport_is_secure(known->transport))
		return !sip_transport_is_secure(from->transport);
	return sip_transport_is_web(known->transport) && from->transport != known->transport &&
	       !sip_transport_is_secure(from->transport);
}

/* The host or connection that its requests come from; a trusted neighbour may be anywhere, and a
 * trunk's party wherever that trunk is. */
static bool hop_is_known(const struct shard *s, const struct hop_party *p,
			 const struct sip_hop *from)
{
	if (p->hop->transport == SIP_INTER_SHARD || from->transport == SIP_INTER_SHARD)
		return p->hop->transport == from->transport;
	if ((sip_transport_is_stream(from->transport) && from->connection &&
	     from->connection == p->hop->connection) ||
	    trust_find(shard_settings(s), from))
		return true;
	if (hop_shows_less(p->hop, from))
		return false;
	return addr_ip_eq(&p->hop->remote, &from->remote) ||
	       (p->trunk && trust_is_of_trunk(shard_settings(s), p->of, from));
}

static bool phone_moved(struct shard *s, struct call *c, struct leg *l, const struct sip_hop *from,
			const struct sip_hop *to)
{
	const struct sip_hop known = l->dialog.hop;

	if (!shard_is_same_phone(&known, from))
		return false;
	l->dialog.hop = *to;
	leg_moved(shard_host(s), c, dialog_leg(&l->dialog), &known);
	outside_moved(s, l, from, to);
	return true;
}

static void subscriptions_move(struct shard *s, uint16_t tenant, struct bytes user,
			       const struct sip_hop *from, const struct sip_hop *to)
{
	struct subscription *sub = NULL;

	while ((sub = subscription_of_watcher(shard_subscriptions(s), tenant, user, sub)) != NULL) {
		if (shard_is_same_phone(&sub->dialog.hop, from))
			subscription_moved(shard_subscriptions(s), sub, to);
	}
}

/* Only for the user's own: the forged source of one REGISTER must not divert another user's calls.
 * A successor needs it; nothing waits for that save. */
void shard_hop_moved(struct shard *s, uint16_t tenant, struct bytes user,
		     const struct sip_hop *from, const struct sip_hop *to)
{
	const struct call_event ev = { .kind = CALL_EV_ASSERT };
	struct leg *l = NULL;

	if (sip_hop_equal(from, to))
		return;
	subscriptions_move(s, tenant, user, from, to);
	while ((l = leg_users_next(shard_legs(s), tenant, user, l)) != NULL) {
		struct call *c = shard_call_find(s, dialog_call(&l->dialog));

		if (c && phone_moved(s, c, l, from, to))
			shard_call_step(s, c, &ev);
	}
}

struct sip_hop shard_hop_own(const struct shard *s, const struct sip_hop *hop)
{
	struct sip_hop own = *hop;

	if (!hop->inbound && hop->local < shard_settings(s)->local_count &&
	    !shard_local_is_own(shard_settings(s), hop->local))
		(void)hop_local_for(&own, shard_settings(s));
	return own;
}

/* It may have registered at an address of another shard, which may move to another node: its
 * dialogs use ours. */
void shard_phone_moved(void *owner, uint16_t tenant, struct bytes user, const struct sip_hop *from,
		       const struct sip_hop *to, struct instant now)
{
	struct sip_hop own_from = shard_hop_own(owner, from), own_to = shard_hop_own(owner, to);

	shard_set_now(owner, now);
	shard_hop_moved(owner, tenant, user, from, &own_to);
	if (own_from.local != from->local)
		shard_hop_moved(owner, tenant, user, &own_from, &own_to);
}

/* ---- a request that changes its dialog (RFC 3261 12.2), or its call, from a new host ---- */

/* Call-ID and tags are not secret: watchers of an extension get them (RFC 4235). */
static bool hop_is_guarded(const struct sip_message *m)
{
	return m->method == SIP_INVITE || m->method == SIP_UPDATE || m->method == SIP_REFER ||
	       m->method == SIP_SUBSCRIBE || m->method == SIP_BYE || m->method == SIP_INFO ||
	       m->method == SIP_MESSAGE || m->method == SIP_NOTIFY || m->method == SIP_PRACK;
}

static void hop_note(struct shard *s, const struct hop_party *p, const struct sip_message *m,
		     enum security_kind kind, struct bytes user)
{
	LOG_WARN("call", p->call, "a request in a dialog came from another host, and is refused",
		 LOG_BYTES("method", m->method_name), LOG_ADDR("source", &m->hop.remote),
		 LOG_ADDR("party", &p->hop->remote));
	shard_misuse(s, m, kind, user);
}

static bool hop_refuse(struct shard *s, const struct hop_party *p, const struct sip_message *m,
		       enum security_kind kind, struct bytes user)
{
	struct writer extra = writer_over(shard_host(s)->extra, HOST_EXTRA);

	hop_note(s, p, m, kind, user);
	session_write_warning(&extra, shard_host(s), "this dialog is another host's");
	shard_refuse(s, NULL, m, 403, REFUSED_SOURCE, writer_lines(&extra));
	return false;
}

/* Its credentials show its user. */
static bool hop_prove(struct shard *s, const struct hop_party *p, const struct sip_message *m)
{
	const struct shard_extension *e = shard_authenticate(s, m, p->tenant, true);

	if (!e)
		return false;
	if (!bytes_is(p->user, e->number))
		return hop_refuse(s, p, m, SECURITY_FOREIGN_IDENTITY, bytes_str(e->number));
	if (shard_transport_allowed(s, e, &m->hop))
		return true;
	shard_transport_refuse(s, NULL, m, e);
	return false;
}

bool shard_hop_judge(struct shard *s, const struct hop_party *p, const struct sip_message *m)
{
	bool known = hop_is_known(s, p, &m->hop);

	if (!addr_ip_eq(&p->hop->remote, &m->hop.remote) &&
	    place_check(shard_host(s), p->hop, &m->hop.remote, true) != DESTINATION_OK)
		return hop_refuse(s, p, m, SECURITY_FOREIGN_SOURCE, p->user);
	if (!known && (!p->user.n || !shard_extension_find(s, p->tenant, p->user)))
		return hop_refuse(s, p, m, SECURITY_FOREIGN_SOURCE, p->user);
	return known || hop_prove(s, p, m);
}

/* A phone at the leg's address has both the request's dialog and the one in use: the request is
 * judged by the latter, before any state changes. */
bool shard_hop_allows(struct shard *s, struct call *c, uint8_t leg, const struct sip_message *m)
{
	const struct hop_party party = hop_party_of(c, leg, early_hop(c, leg, m));
	bool known = hop_is_guarded(m) || hop_is_known(s, &party, &m->hop);

	if (hop_is_guarded(m) && !shard_hop_judge(s, &party, m))
		return false;
	if (known)
		shard_trust(s, &m->hop);
	if (known && !dialog_is(&c->legs[leg]->dialog, m->call_id, m->to.tag, m->from.tag))
		invite_enter(shard_host(s), c, leg, m);
	return true;
}

/* After a late offer the call ends if the ACK has no answer. Any other ACK may come past a proxy
 * without Record-Route. */
bool shard_hop_allows_ack(struct shard *s, const struct call *c, uint8_t leg,
			  const struct sip_message *m)
{
	const struct hop_party party = hop_party_of(c, leg, early_hop(c, leg, m));
	const struct invite_uas *uas = c->legs[leg]->uas;

	if (hop_is_known(s, &party, &m->hop)) {
		shard_trust(s, &m->hop);
		return true;
	}
	if (!m->body.n && !(uas && uas->late))
		return true;
	hop_note(s, &party, m, SECURITY_FOREIGN_SOURCE, party.user);
	sig_count_dropped(shard_metrics(s), DROPPED_SOURCE);
	return false;
}

/* The hop of an in-dialog request becomes the hop to its sender, as long as that is the machine
 * known. */
void shard_hop_follow(struct shard *s, struct call *c, uint8_t leg, const struct sip_message *m)
{
	struct dialog *d = &c->legs[leg]->dialog;
	const struct sip_hop from = d->hop;

	if (!sip_transport_is_stream(m->hop.transport) || m->hop.transport != from.transport ||
	    m->hop.connection == from.connection || !addr_ip_eq(&from.remote, &m->hop.remote))
		return;
	if (from.inbound)
		d->hop.remote = m->hop.remote;
	d->hop.local = m->hop.local;
	d->hop.connection = m->hop.connection;
	txns_hop_moved(shard_txns(s), c->id, leg, &from, &d->hop, shard_host(s)->now.ns);
	outbox_touch(&c->out);
}

/* A repeated request, or its CANCEL, over a new connection is answered there, as the old one is
 * dead (RFC 3261 18.2.2). */
struct txn_slot *shard_hop_copied(struct shard *s, struct txn_slot *slot,
				  const struct sip_message *m)
{
	pool_handle self = slot->self;
	const struct call_event ev = { .kind = CALL_EV_ASSERT };
	struct call *c;

	if (!sip_transport_is_stream(m->hop.transport) ||
	    m->hop.transport != slot->source.transport ||
	    m->hop.connection == slot->source.connection)
		return slot;
	slot->source = m->hop;
	message_response_hop(m, &slot->txn.hop);
	c = slot->call ? shard_call_find(s, slot->call) : NULL;
	if (!c || !call_leg(c, slot->leg))
		return slot;
	shard_hop_follow(s, c, slot->leg, m);
	shard_call_step(s, c, &ev);
	return txns_get(shard_txns(s), self);
}

void shard_hop_gone(struct shard *s, struct txn_slot *slot, int error)
{
	const struct call *c = slot->call ? shard_call_find(s, slot->call) : NULL;
	const struct leg *l = c ? call_leg(c, slot->leg) : NULL;
	uint64_t was = l ? l->dialog.hop.connection : 0;

	if (was && (!hop_is_edge(was) || error == ECONNRESET) && l->state == LEG_EARLY &&
	    slot->txn.method == SIP_INVITE)
		txns_gone(shard_txns(s), slot, shard_host(s)->now.ns + FLOW_BACK_NS);
}

void shard_hop_listeners(struct shard *s, uint64_t connection, int error)
{
	struct txn_slot *slot;

	while ((slot = txns_detach_from(shard_txns(s), connection)) != NULL) {
		shard_hop_gone(s, slot, error);
		txns_send(shard_txns(s), &slot->txn.hop, text_bytes(&slot->txn.message));
	}
}

/* Costs only what was on that connection, so a storm of closes costs no more than the opens did.
 * Parties that connected to us return, or are forgotten. */
void shard_connection_closed(struct shard *s, const struct sip_hop *hop, struct instant now)
{
	shard_set_now(s, now);
	shard_hop_listeners(s, hop->connection, ECONNRESET);
	locations_closed(shard_locations(s), hop->connection);
}

void shard_withheld(struct shard *s, struct instant now)
{
	shard_set_now(s, now);
	txns_say_again(shard_txns(s));
}

bool shard_hop_has_other(struct shard *s, const struct txn_slot *slot)
{
	const struct call *c = slot->call ? shard_call_find(s, slot->call) : NULL;
	const struct leg *l = c ? call_leg(c, slot->leg) : NULL;
	struct call_target other;

	if (l && dialog_has_place(&l->dialog))
		return true;
	return l && l->outbound && l->state == LEG_EARLY && slot->txn.method == SIP_INVITE &&
	       ((l->uac && l->uac->named) || shard_flows_of(s, l, &other, 1));
}

/* Phones come back: requests to them wait for that, those in a dialog until the transaction ends.
 * An unreachable neighbour fails at once. */
bool shard_hop_is_awaited(const struct shard *s, const struct sip_hop *hop)
{
	if (hop_is_edge(hop->connection))
		return true;
	return sip_transport_is_stream(hop->transport) &&
	       (hop->inbound || !shard_is_trusted(s, hop));
}

enum {
	TRANSPORTS_ALL = (1U << SIP_TRANSPORTS) - 1,
	TRANSPORTS_SECURE = 1U << SIP_TLS | 1U << SIP_WSS
};

bool shard_transport_allowed(const struct shard *s, const struct shard_extension *e,
			     const struct sip_hop *hop)
{
	const struct shard_profile *profile = shard_profile_of(s, e->tenant, &hop->remote);
	unsigned allowed = profile->transports ? profile->transports : TRANSPORTS_ALL;

	if (e->tls_srtp)
		allowed &= TRANSPORTS_SECURE;
	return (allowed & 1U << hop->transport) != 0;
}

void shard_transport_refuse(struct shard *s, struct txn_slot *slot, const struct sip_message *m,
			    const struct shard_extension *e)
{
	uint8_t space[256];
	struct writer w = writer_over(space, sizeof(space));

	/* RFC 3261 20.43: 399 is for people */
	writer_str(&w, "Warning: 399 tandem \"");
	writer_str(&w, e->tls_srtp ? "this extension is for TLS only"
				   : "this transport is not for phones of that address");
	writer_str(&w, "\"\r\n");
	shard_misuse(s, m, SECURITY_TRANSPORT, bytes_str(e->number));
	shard_refuse(s, slot, m, 403, REFUSED_TRANSPORT, writer_lines(&w));
}
