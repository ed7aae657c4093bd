/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/place.h"

#include "sig/host/place_check.h"

static bool may_name_others(const struct call_host *h, const struct leg *l)
{
	return (l->terms && l->terms->media_elsewhere) || l->dialog.trunk ||
	       host_trusts(h, &l->dialog.hop);
}

/* Whoever has keys shows by them where it is, unless nobody can be there. */
static bool is_shown_by_keys(const struct call_host *h, const struct leg *l,
			     const struct media_side *own)
{
	struct destination d = { .to = &own->rtp, .party = &l->dialog.hop, .elsewhere = true };

	return (own->key_in.suite != MEDIA_SUITE_NONE || own->dtls != DTLS_NONE) &&
	       destination_check(h->settings, h->ports, &d) == DESTINATION_OK;
}

/* The same port of another host. 0.0.0.0 is how RFC 2543 said hold. */
static void move_to(struct addr *a, const struct addr *host)
{
	uint16_t port = a->port;

	if (addr_is_any(a))
		return;
	*a = *host;
	a->port = port;
}

/* A party that names in SDP the very address of its Contact, and whose signalling comes from elsewhere without a proxy in between,
 * is behind a NAT: its media is expected from where its signalling comes from. */
static bool is_behind_nat(const struct dialog *d, const struct addr *named)
{
	const struct addr *outer = &d->hop.remote;
	struct addr inner;
	struct sip_uri target;

	return d->routes.n == 0 && !sip_uri_parse(&target, text_bytes(&d->target)) &&
	       !addr_parse(&inner, target.host) && !addr_ip_eq(&inner, outer) &&
	       addr_ip_eq(&inner, named) && inner.family == outer->family;
}

static void resolve(const struct call_host *h, const struct leg *l, const struct media_side *own,
		    struct addr *rtp, struct addr *rtcp)
{
	const struct addr *host = &l->dialog.hop.remote;
	bool phone = !may_name_others(h, l) && !is_shown_by_keys(h, l, own);

	if (!phone && !is_behind_nat(&l->dialog, rtp))
		return;
	if (phone || addr_ip_eq(rtp, rtcp))
		move_to(rtcp, host);
	move_to(rtp, host);
}

static void drop_bad(const struct call_host *h, const struct leg *l, struct addr *a)
{
	if (a->family != ADDR_NONE && !addr_is_any(a) &&
	    place_check(h, &l->dialog.hop, a, true) != DESTINATION_OK)
		*a = (struct addr){ 0 };
}

void place_spec(const struct call_host *h, const struct leg *l, const struct media_side *own,
		struct flow_spec *s)
{
	if (own->ice)
		return;
	resolve(h, l, own, &s->remote_rtp, &s->remote_rtcp);
	drop_bad(h, l, &s->remote_rtp);
	drop_bad(h, l, &s->remote_rtcp);
	s->own = l->dialog.hop.transport == SIP_INTER_SHARD;
	s->unproven = !s->own && !addr_ip_eq(&s->remote_rtp, &l->dialog.hop.remote);
}

static const char *place_reason_of(enum destination_verdict verdict)
{
	return verdict == DESTINATION_OWN_PORT ? "a media address of this node"
					       : "a media address that is not allowed";
}

/* A phone that names another host is heard and reached at its own: that is no reason to refuse. */
static const char *side_refusal(const struct call_host *h, const struct leg *l,
				const struct media_side *side)
{
	const struct sip_hop *party = &l->dialog.hop;
	struct addr rtp = side->rtp, rtcp = side->rtcp;
	enum destination_verdict verdict = DESTINATION_OK;

	if (side->ice || addr_is_any(&rtp))
		return NULL;
	if (party->transport != SIP_INTER_SHARD &&
	    destination_is_own_port(h->settings, h->ports, &side->rtp)) {
		place_misused(h, party, DESTINATION_OWN_PORT);
		return place_reason_of(DESTINATION_OWN_PORT);
	}
	resolve(h, l, side, &rtp, &rtcp);
	verdict = place_check(h, party, &rtp, true);
	return verdict == DESTINATION_OK ? NULL : place_reason_of(verdict);
}

const char *place_refusal(const struct call_host *h, const struct leg *l,
			  const struct media_plan *plan, bool first)
{
	const char *why = NULL;

	for (uint8_t i = 0; i < plan->line_count && !why; i++) {
		const struct media_line *line = &plan->line[i];

		if (line->active)
			why = side_refusal(h, l, first ? &line->a : &line->b);
	}
	return why;
}
