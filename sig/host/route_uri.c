/* SPDX-License-Identifier: Apache-2.0 */
/* Decides which user of a tenant a URI means (route_uri.h): scheme and user part, a GRUU of one
 * phone, and whether its host is a domain or address of ours. Pure: known facts go in, a decision
 * comes out, and the shard looks things up. Used for Request-URIs, Refer-To and the like. */

#include "sig/host/route_uri.h"

#include <errno.h>

#include "sig/host/settings.h"
#include "sig/host/tenant.h"
#include "sig/sip/uri.h"

/* Escaped control characters occur in no number of ours, and must not get into logs and records. */
static bool user_is_plain(const char *user)
{
	for (; *user; user++) {
		if ((uint8_t)*user < ' ' || *user == 0x7f)
			return false;
	}
	return true;
}

enum route_verdict route_user(const struct sip_uri *uri, char user[ROUTE_USER_MAX])
{
	struct subscriber s = subscriber_of(uri);

	user[0] = '\0';
	if (!bytes_iis(uri->scheme, "sip") && !bytes_iis(uri->scheme, "sips") &&
	    !bytes_iis(uri->scheme, "tel"))
		return ROUTE_SCHEME;
	if (!subscriber_text(&s, user, ROUTE_USER_MAX) && user_is_plain(user))
		return ROUTE_OK;
	user[0] = '\0';
	return ROUTE_NOT_FOUND;
}

enum route_verdict route_phone(const struct sip_uri *uri, uint16_t tenant,
			       const struct shard_settings *settings, char user[ROUTE_USER_MAX],
			       struct gruu *gruu)
{
	const char *name =
		settings->tenants ? tenants_name(settings->tenants, tenant) : TENANT_DEFAULT_NAME;
	int err = gruu_read(gruu, uri, bytes_str(name), &settings->gruu_key);

	if (err != -EBADMSG && !gruu->temporary)
		return route_user(uri, user);
	(void)bytes_cstr(bytes_str(gruu->user), user, ROUTE_USER_MAX);
	return err ? ROUTE_NO_GRUU : ROUTE_OK;
}

/* A wildcard is for one label (RFC 9525 6.3); a dot at the end says that the name is whole. */
static bool is_domain(struct bytes host, const char *domain)
{
	struct bytes name = bytes_str(domain);

	if (host.n && host.p[host.n - 1] == '.')
		host.n--;
	if (bytes_starts(name, "*.")) {
		host = bytes_from(host, bytes_find(host, '.') + 1);
		name = bytes_from(name, 2);
	}
	return host.n && bytes_ieq(host, name);
}

static bool is_own_name(struct bytes host, const struct shard_settings *settings)
{
	for (uint32_t i = 0; i < settings->domain_count; i++) {
		if (is_domain(host, settings->domains[i]))
			return true;
	}
	return is_domain(host, settings->digest.realm);
}

bool route_is_own_address(struct bytes host, const struct shard_settings *settings)
{
	struct addr a;

	if (addr_parse(&a, host))
		return false;
	for (uint32_t i = 0; i < settings->local_count; i++) {
		if (addr_ip_eq(&a, &settings->locals[i].bind) ||
		    addr_ip_eq(&a, &settings->locals[i].advertise))
			return true;
	}
	return false;
}

/* TENANT_NONE: unknown. */
static uint16_t host_owner(struct bytes host, const struct shard_settings *settings)
{
	return settings->tenants ? tenants_owner(settings->tenants, host) : TENANT_NONE;
}

bool route_is_ours(const struct sip_uri *uri, uint16_t tenant,
		   const struct shard_settings *settings)
{
	uint16_t subject = host_owner(uri->host, settings);

	if (bytes_iis(uri->scheme, "tel"))
		return true;
	if (subject != TENANT_NONE)
		return subject == tenant;
	return (tenant == TENANT_DEFAULT && is_own_name(uri->host, settings)) ||
	       route_is_own_address(uri->host, settings);
}

bool route_is_near(const struct sip_uri *uri, const struct sip_uri *sender, uint16_t tenant,
		   const struct shard_settings *settings)
{
	if (route_is_ours(uri, tenant, settings))
		return true;
	return uri->host.n && bytes_ieq(uri->host, sender->host) &&
	       host_owner(uri->host, settings) == TENANT_NONE;
}
