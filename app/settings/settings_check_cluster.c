/* SPDX-License-Identifier: Apache-2.0 */
/* Where messages of other nodes come in. */
#include "app/settings/settings_rule.h"

static bool any_floats(const struct settings *s)
{
	bool any = false;

	for (uint32_t i = 0; i < s->network_count; i++)
		any |= s->networks[i].floating;
	return any;
}

static void check_address_hook(const struct check *c)
{
	const char *hook = c->s->cluster.address_hook;

	if (!hook[0])
		return;
	if (hook[0] != '/')
		REPORT(c, "cluster.address_hook",
		       "cluster.address_hook must be an absolute path, such as "
		       "/etc/tandem/address-hook");
	else if (!any_floats(c->s))
		REPORT(c, "cluster.address_hook",
		       "cluster.address_hook has nothing to tell: no network is floating");
}

void rule_cluster(const struct check *c)
{
	const struct addr *listen = &c->s->cluster.listen;

	check_address_hook(c);
	if (listen->family == ADDR_NONE)
		return;
	if (!listen->port || addr_is_any(listen) || addr_is_multicast(listen))
		REPORT(c, "cluster.listen",
		       "cluster.listen must be an address of this machine with a port, such as "
		       "192.0.2.10:7946: other nodes send there");
	if (!c->s->redis.place.url[0])
		REPORT(c, "cluster.listen",
		       "cluster.listen needs redis.url: nodes of a cluster share one Redis, and "
		       "without redis.url each has its own");
	if (!c->s->redis.save_calls)
		REPORT(c, "redis.save_calls",
		       "redis.save_calls must be true with cluster.listen: other nodes take over "
		       "what is saved, and a drain hands that over");
}
