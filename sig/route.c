/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/route.h"

#include "sig/call/dialog_hop.h"

/* Escaped control characters are part of no number of ours, and shall not get into logs and records. */
static bool is_plain(const char *user)
{
	for (; *user; user++) {
		if ((uint8_t)*user < ' ' || *user == 0x7f)
			return false;
	}
	return true;
}

enum route_verdict route_user(const struct sip_uri *uri, char user[ROUTE_USER_MAX])
{
	size_t n;

	user[0] = '\0';
	if (!bytes_iis(uri->scheme, "sip") && !bytes_iis(uri->scheme, "sips") &&
	    !bytes_iis(uri->scheme, "tel"))
		return ROUTE_SCHEME;
	if (uri->user.n && !sip_user_unescape(uri->user, user, ROUTE_USER_MAX, &n) &&
	    is_plain(user))
		return ROUTE_OK;
	user[0] = '\0';
	return ROUTE_NOT_FOUND;
}

enum route_verdict route_binding(const struct aor *aor, const struct shard_settings *settings,
				 uint64_t utc_ms, const struct binding **out)
{
	const struct binding *b = aor ? registrar_newest(aor, utc_ms) : NULL;

	*out = NULL;
	/* a record may name a listening address that is no longer configured */
	if (!b || b->hop.local >= settings->local_count)
		return ROUTE_NOT_REGISTERED;
	if (dialog_is_self(&b->hop.remote, settings))
		return ROUTE_LOOP;
	*out = b;
	return ROUTE_OK;
}
