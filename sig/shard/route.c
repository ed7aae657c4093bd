/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/route.h"

#include "sig/dialog/dialog_hop.h"
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

/* One that is there before one that may come back; a higher q; as high and newer (RFC 3261 20.10). */
static bool is_before(const struct binding *a, const struct binding *b)
{
	bool lost = binding_is_lost(a);

	return lost != binding_is_lost(b) ? !lost : a->q > b->q;
}

static void insert(const struct binding **list, uint32_t n, const struct binding *b)
{
	while (n && is_before(b, list[n - 1])) {
		list[n] = list[n - 1];
		n--;
	}
	list[n] = b;
}

enum route_verdict route_bindings(const struct aor *aor, const struct shard_settings *settings,
				  uint64_t utc_ms, const struct binding **out, uint32_t cap,
				  uint32_t *count)
{
	enum route_verdict verdict = ROUTE_NOT_REGISTERED;

	*count = 0;
	for (uint32_t i = aor ? aor->count : 0; i-- > 0 && *count < cap;) {
		const struct binding *b = &aor->bindings[i];

		/* a record may name a listening address that is no longer configured */
		if (b->expires_utc_ms <= utc_ms || b->hop.local >= settings->local_count)
			continue;
		if (dialog_is_self(&b->hop.remote, settings))
			verdict = ROUTE_LOOP;
		else
			insert(out, (*count)++, b);
	}
	return *count ? ROUTE_OK : verdict;
}
