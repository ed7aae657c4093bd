/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a request is charged to, and what it hears when that one has had enough (sig/host/quota.h). */
#include <errno.h>
#include <inttypes.h>

#include "sig/call/session.h"
#include "sig/host/share.h"
#include "sig/model/payer.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/trust.h"

enum { TENANT_WAIT_S = 5 }; /* until some call may have ended */

/* A rule with limits has them for all its peers together; without, each address is a peer. */
static void name_peer(struct quota_name *name, const struct shard_trusted *rule)
{
	name->kind = QUOTA_PEER;
	name->calls = rule->calls_max;
	name->calls_per_s = rule->calls_per_second;
	name->user = bytes_mem(name->source.ip, sizeof(name->source.ip));
	if (name->calls || name->calls_per_s)
		name->user = bytes_mem(rule, offsetof(struct shard_trusted, calls_max));
}

/* All that comes from it is one peer's. */
static bool name_trunk(const struct shard *s, struct quota_name *name, const struct sip_hop *hop)
{
	uint16_t trunk = shard_trunk_of(s, hop);
	const struct trunk_settings *set = trunks_settings(s->settings.trunks, trunk);

	if (!set)
		return false;
	name->kind = QUOTA_PEER;
	name->tenant = set->tenant;
	name->user = bytes_str(set->name);
	name->calls_per_s = set->calls_per_second;
	return true;
}

bool shard_payer(const struct shard *s, uint16_t tenant, struct bytes user,
		 const struct sip_hop *hop, struct quota_name *out)
{
	const struct shard_trusted *rule;

	*out = (struct quota_name){
		.kind = QUOTA_EXTENSION, .tenant = tenant, .user = user, .source = hop->remote
	};
	if (hop->transport == SIP_INTER_SHARD) { /* where it comes from is known in its shard */
		out->source = (struct addr){ 0 };
		return user.n;
	}
	if (name_trunk(s, out, hop))
		return true;
	rule = trust_find(&s->settings, hop);
	if (rule)
		name_peer(out, rule);
	else if (user.n == 0)
		out->kind = QUOTA_SOURCE;
	return true;
}

struct quota_party shard_party(const struct shard *s, uint16_t tenant, struct bytes user,
			       const struct sip_hop *hop)
{
	struct quota_name name;

	if (hop->transport == SIP_INTER_SHARD) /* what it brings was charged in its shard */
		return (struct quota_party){ { 0 } };
	(void)shard_payer(s, tenant, user, hop, &name);
	return quota_party(&s->settings.quota, &name, s->host.now.ns);
}

bool shard_quota_charge(const struct shard *s, const struct quota_party *party,
			enum quota_item item, bool always, struct call_refusal *why)
{
	struct quota_refusal refusal;

	if (quota_take(&s->settings.quota, party, item, always, s->host.now.ns, &refusal))
		return true;
	call_refuse_quota(why, &refusal);
	return false;
}

int shard_call_charge(struct shard *s, struct call *c, const struct quota_name *name,
		      struct call_refusal *why)
{
	int err = payer_begin(&s->host, c, name, false);

	if (!err)
		return 0;
	if (err == -ENOMEM)
		*why = (struct call_refusal){ .status = 500, .reason = REFUSED_MEMORY };
	else
		call_refuse_quota(why, &s->host.quota_refusal);
	if (err == -EDQUOT)
		security_event(&s->security, SECURITY_QUOTA, &name->source, name->user, why->text,
			       s->host.now.ns);
	return -EDQUOT;
}

void shard_quota_release(const struct shard *s, const struct quota_party *party,
			 enum quota_item item)
{
	quota_give(&s->settings.quota, party, item);
}

/* Also from a trunk or a trusted peer: who hears 503 may take the node for gone, with all tenants that it has (RFC 3263 4.3). */
static bool tenant_refuses(struct call_refusal *why, enum sig_refused reason, const char *text,
			   uint32_t wait_s)
{
	*why = (struct call_refusal){
		.status = 486, .reason = reason, .text = text, .retry_after_s = wait_s
	};
	return false;
}

bool shard_tenant_may_begin(const struct shard *s, uint16_t tenant, struct call_refusal *why)
{
	uint32_t wait_s =
		tenants_spend(s->settings.tenants, tenant, TENANT_CALL_RATE, s->host.now.ns);

	return !wait_s || tenant_refuses(why, REFUSED_TENANT_CALL_RATE,
					 "too many calls a second of this tenant", wait_s);
}

static uint64_t tenant_share(const struct shard *s, uint16_t tenant)
{
	return share_id(s->settings.shares, SHARE_CALLS, tenant, (struct bytes){ 0 }, 0);
}

static bool tenant_share_is_full(const struct shard *s, uint16_t tenant)
{
	uint32_t most = tenants_most(s->settings.tenants, tenant, TENANT_CALLS);
	uint32_t held = tenants_held(s->settings.tenants, tenant, TENANT_CALLS);

	return s->settings.shares && most &&
	       held >= share_of(s->settings.shares, tenant_share(s, tenant), most, held,
				s->host.now.ns);
}

void shard_tenant_publish_calls(const struct shard *s, uint16_t tenant)
{
	if (s->settings.shares)
		share_note(s->settings.shares, tenant_share(s, tenant),
			   tenants_held(s->settings.tenants, tenant, TENANT_CALLS));
}

bool shard_tenant_may_call(const struct shard *s, uint16_t tenant, struct call_refusal *why)
{
	if (tenants_is_full(s->settings.tenants, tenant, TENANT_CALLS) ||
	    tenant_share_is_full(s, tenant))
		return tenant_refuses(why, REFUSED_TENANT_CALLS,
				      "too many calls at once of this tenant", TENANT_WAIT_S);
	return shard_tenant_may_begin(s, tenant, why);
}

void shard_quota_note(struct shard *s, const struct sip_message *m, const struct call_refusal *why)
{
	security_event(&s->security, SECURITY_QUOTA, &m->hop.remote, m->from.uri.user, why->text,
		       s->host.now.ns);
}

void shard_quota_refuse(struct shard *s, const struct sip_message *m, uint16_t status,
			const struct call_refusal *why)
{
	uint8_t space[256];
	struct writer extra = writer_over(space, sizeof(space));

	shard_quota_note(s, m, why);
	session_write_warning(&extra, &s->host, why->text);
	writer_fmt(&extra, "Retry-After: %" PRIu32 "\r\n", why->retry_after_s);
	shard_refuse(s, NULL, m, status, why->reason, writer_lines(&extra));
}
