/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/dialog_hop.h"

#include "sig/sip/lex.h"

enum { SIP_PORT = 5060 };

bool dialog_is_behind_nat(const struct sip_message *request)
{
	struct addr sent_by;

	if (addr_parse(&sent_by, request->via.host))
		return true; /* a name: only the source is known to reach it */
	sent_by.port = request->via.port ? request->via.port : SIP_PORT;
	return !addr_eq(&sent_by, &request->hop.remote);
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

static bool next_uri(const struct dialog *d, struct sip_uri *out)
{
	struct bytes rest = text_bytes(&d->routes);
	struct bytes first;
	struct sip_name_addr a;

	if (rest.n == 0)
		return sip_uri_parse(out, text_bytes(&d->target)) == 0;
	if (!lex_element(&rest, &first) || sip_name_addr_parse(&a, first))
		return false;
	*out = a.uri;
	return true;
}

void dialog_choose_hop(struct dialog *d, const struct shard_settings *settings, bool behind_nat)
{
	struct sip_uri uri;
	struct addr to;

	if (behind_nat || !next_uri(d, &uri) || addr_parse(&to, uri.host))
		return;
	to.port = uri.port ? uri.port : SIP_PORT;
	if (to.family != d->hop.remote.family || addr_is_any(&to) || addr_is_multicast(&to) ||
	    dialog_is_self(&to, settings))
		return;
	to.scope = d->hop.remote.scope;
	d->hop.remote = to;
}
