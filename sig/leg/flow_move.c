/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/flow_move.h"

#include <errno.h>
#include <string.h>

#include "media/offer/line.h"
#include "sig/leg/flow.h"
#include "sig/leg/flow_dtls.h"

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

int flow_move(struct call_host *h, const struct call *c, struct call_flow *f)
{
	f->network = (uint8_t)flow_network(h, c->legs[f->leg]);
	if (ports_take(&h->ports[f->network], h->now.ns, &f->id))
		return -EAGAIN;
	f->port = ports_rtp_port(&h->ports[f->network], f->id);
	flow_dtls_move(h, c, f);
	return 0;
}

/* Where the line says that it is heard. False: nowhere, or by a name. */
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

/* At a port that flows share credentials tell them apart: those of one of the leg's flows, where they have one transport. */
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
static bool line_is_elsewhere(const struct call *c, const struct call_flow *f,
			      const struct addr *told, const struct addr *own)
{
	return !addr_ip_eq(told, own) ||
	       (flow_port(f) == f->port && !leg_is_heard_at(c, f->leg, told->port));
}

bool flows_are_elsewhere(const struct call_host *h, const struct call *c, uint8_t leg)
{
	return any_line(h, c, leg, line_is_elsewhere);
}
