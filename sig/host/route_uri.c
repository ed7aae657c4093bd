/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/route_uri.h"

#include "sig/sip/subscriber.h"

/* Escaped control characters are part of no number of ours, and shall not get into logs and records. */
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

bool route_is_same_domain(const struct sip_uri *a, const struct sip_uri *b)
{
	return a->host.n && bytes_ieq(a->host, b->host);
}

bool route_is_ours(const struct sip_uri *uri, const struct shard_settings *settings)
{
	struct addr host;

	if (bytes_iis(uri->scheme, "tel") || is_own_name(uri->host, settings))
		return true;
	if (addr_parse(&host, uri->host))
		return false;
	for (uint32_t i = 0; i < settings->local_count; i++) {
		if (addr_ip_eq(&host, &settings->locals[i].bind) ||
		    addr_ip_eq(&host, &settings->locals[i].advertise))
			return true;
	}
	return false;
}
