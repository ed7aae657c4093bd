/* SPDX-License-Identifier: Apache-2.0 */
/* Why there is no link, for people and for a start that waits. */
#include "cluster/redis/link.h"

/* Whoever is to say where Redis is, then one of the servers of a cluster, then the link itself. */
static const struct redis *link_in_trouble(const struct redis *r)
{
	const struct redis *asker = r->route ? r->route->asker : r->sentinel.link;

	if (asker && !redis_is_connected(asker) && asker->lost)
		return asker;
	for (uint32_t i = 0; r->route && i < REDIS_SERVERS_MAX && r->route->links[i]; i++) {
		if (r->route->links[i]->addr.port && r->route->links[i]->lost)
			return r->route->links[i];
	}
	return r;
}

void redis_trouble(const struct redis *r, struct redis_trouble *out)
{
	const struct redis *link = link_in_trouble(r);

	*out = (struct redis_trouble){ .why = link->lost,
				       .detail = link->lost ? link->lost_detail : "",
				       .server = link->addr,
				       .refused_ns = link->refused_ns };
	if (!out->why && r->sentinel.link && r->sentinel.missed)
		out->why = "no Sentinel tells an address of the primary";
	else if (!out->why && r->route)
		out->why = "no server of the cluster says who has each slot";
}
