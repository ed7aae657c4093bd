/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides whether a page's Origin may use the node: for SIP over WebSocket and for CORS of the HTTP
 * API. app/web calls it for each upgrade and each request with an Origin. Without patterns only the
 * same host is allowed, and only over TLS, an IP literal or localhost, since a name may be an
 * attacker's DNS rebinding.
 */

#include "app/settings/origin.h"

#include <string.h>

#include "base/addr.h"

static bool origin_skip(struct bytes *text, const char *prefix)
{
	if (!bytes_starts(*text, prefix))
		return false;
	*text = bytes_from(*text, strlen(prefix));
	return true;
}

/* The text behind the scheme; false: not the origin of a page over HTTP. */
static bool authority_of(struct bytes origin, struct bytes *out, bool *secure)
{
	*secure = origin_skip(&origin, "https://");
	*out = origin;
	return *secure || origin_skip(out, "http://");
}

static bool is_host_octet(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr(".-:[]_", c);
}

bool origin_is_pattern(struct bytes text)
{
	struct bytes authority;
	bool secure;

	if (bytes_is(text, "*"))
		return true;
	if (!authority_of(text, &authority, &secure) || authority.n == 0)
		return false;
	for (size_t i = 0; i < authority.n; i++) {
		if (!authority.p[i] || !is_host_octet(authority.p[i]))
			return false;
	}
	return true;
}

/* A name proves nothing: an attacker's DNS may resolve it to us. */
static bool is_literal(struct bytes host)
{
	struct bytes name = host, rest = host;
	struct addr a;

	(void)bytes_cut(&rest, ':', &name); /* an address in brackets is no name */
	return bytes_iis(name, "localhost") || !addr_parse(&a, host);
}

static bool is_same_host(const struct origin_request *r)
{
	struct bytes authority;
	bool secure;

	return authority_of(r->origin, &authority, &secure) && secure == r->secure && authority.n &&
	       bytes_ieq(authority, r->host) && (secure || is_literal(r->host));
}

bool origin_is_allowed(const struct origin_request *request, const char (*patterns)[ORIGIN_MAX],
		       uint32_t count)
{
	if (!request->origin.p)
		return true;
	if (count == 0)
		return is_same_host(request);
	for (uint32_t i = 0; i < count; i++) {
		if (!strcmp(patterns[i], "*") || bytes_iis(request->origin, patterns[i]))
			return true;
	}
	return false;
}

bool origin_offers(struct bytes list, const char *protocol)
{
	struct bytes one;

	while (bytes_cut(&list, ',', &one)) {
		if (bytes_is(bytes_trim(one), protocol))
			return true;
	}
	return false;
}
