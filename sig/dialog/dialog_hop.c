/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/dialog/dialog_hop.h"

#include "sig/host/host.h"
#include "sig/host/place_check.h"
#include "sig/host/route_uri.h"
#include "sig/sip/lex.h"

bool dialog_is_behind_nat(const struct sip_message *request)
{
	enum sip_transport transport = request->hop.transport;
	struct addr sent_by;

	if (addr_parse(&sent_by, request->via.host))
		return true; /* a name: only the source is known to reach it */
	sent_by.port = request->via.port ? request->via.port : sip_transport_port(transport);
	/* a connection comes from any port, and a phone that sends from elsewhere than it listens, too */
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
		   d->hop.transport != SIP_INTER_SHARD && (d->trunk || host_trusts(h, &d->hop));
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
	trusted = d->trunk || host_trusts(h, &d->hop);
	if ((trusted || is_own_host(d, &to)) && dialog_hop_leads(&to, &d->hop, h, trusted))
		d->hop = to;
}
