/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a request outside of a dialog is: of which tenant its sender is, and the users that it names. */
#include "sig/host/trunk.h"
#include "sig/shard/shard_state.h"

/* Whoever is at a tenant's domain is that one's, whomever it calls: the other tenant is elsewhere for it. A sender at no domain of ours
 * is asked for the password of whose domain it calls. */
static uint16_t tenant_of_sender(const struct shard *s, const struct sip_message *m)
{
	const struct tenants *all = s->settings.tenants;
	uint16_t called = tenants_of_domain(all, m->uri.host);
	uint16_t sender = tenants_of_domain(all, m->from.uri.host);

	if (sender != TENANT_NONE || called == TENANT_NONE)
		return sender;
	return route_is_ours(&m->from.uri, TENANT_DEFAULT, &s->settings) ? TENANT_DEFAULT : called;
}

/* The other shard says it by name, also where its calls go on without it: the default one's is left out. */
static uint16_t tenant_in_inter_shard(const struct shard *s, const struct sip_message *m)
{
	struct bytes name;

	return message_header(m, "Tandem-Tenant", 0, &name)
		       ? tenants_number(s->settings.tenants, name)
		       : TENANT_DEFAULT;
}

uint16_t shard_tenant_of(const struct shard *s, const struct sip_message *m)
{
	uint16_t listener = m->hop.local < s->settings.local_count
				    ? s->settings.locals[m->hop.local].tenant
				    : 0;
	uint16_t trunk = shard_trunk_of(s, &m->hop), tenant;

	if (trunk != TRUNK_NONE)
		return trunks_settings(s->settings.trunks, trunk)->tenant;
	if (m->hop.transport != SIP_INTER_SHARD && listener)
		return listener - 1;
	if (m->hop.transport == SIP_INTER_SHARD)
		tenant = tenant_in_inter_shard(s, m);
	else
		tenant = m->method == SIP_REGISTER
				 ? tenants_of_domain(s->settings.tenants, m->to.uri.host)
				 : tenant_of_sender(s, m);
	return tenant == TENANT_NONE ? TENANT_DEFAULT : tenant;
}
