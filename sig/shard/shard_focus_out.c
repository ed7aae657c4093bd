/* SPDX-License-Identifier: Apache-2.0 */
/* A number outside that a member brings: its phone's extension calls it, as its dial plan has it, by the first trunk that can be asked. */
#include <errno.h>

#include "sig/call/seek.h"
#include "sig/call/way.h"
#include "sig/host/trunk_route.h"
#include "sig/model/plan.h"
#include "sig/shard/shard_dial.h"
#include "sig/shard/shard_room.h"

/* 0 or -errno: its server is not there, or its name is not known yet. */
static int out_target(struct shard *s, uint16_t tenant, const struct trunk_route_server *route,
		      uint64_t seed, struct call_target *out)
{
	const char *trunk = trunks_name(s->settings.trunks, route->trunk);
	const struct plan_step step = {
		.trunk = { .p = (char *)(uintptr_t)trunk, .n = (uint32_t)strlen(trunk) },
		.number = { .p = (char *)(uintptr_t)route->number,
			    .n = (uint32_t)strlen(route->number) },
		.server = route->server,
	};

	return shard_trunk_route_target(s, tenant, &step, (struct bytes){ 0 }, out)
		       ? resolve_known_target(&s->host, seed, out)
		       : -EHOSTUNREACH;
}

/* Those that answer first. */
static int out_way(struct shard *s, uint16_t tenant, struct bytes number, uint64_t seed,
		   struct call_target *out)
{
	struct trunk_route_server routes[TRUNK_ROUTE_SERVERS_MAX];
	uint32_t n = trunk_route(&s->settings, tenant, number, seed, routes, COUNT_OF(routes));
	int err = n ? -EBUSY : -EHOSTUNREACH;

	for (uint32_t i = 0; i < 2 * n; i++) {
		const struct trunk_route_server *route = &routes[i % n];

		if (!route->open || route->down != (i >= n))
			continue;
		if (!out_target(s, tenant, route, seed, out))
			return 0;
		err = -EBUSY;
	}
	return err;
}

int shard_room_way(struct shard *s, const struct call *by, const struct shard_confer *o,
		   char number[ROUTE_USER_MAX], struct call_target *out)
{
	const struct sip_uri uri = { .scheme = BYTES_LIT("tel"), .user = bytes_str(o->to) };
	struct bytes whose = bytes_str(o->whose);
	char help[DIAL_NUMBER_MAX];

	if (shard_is_emergency(s, by->tenant, &uri, help))
		return -EACCES; /* who makes an emergency call does so himself */
	if (!trunk_route_dialled(&s->host, by->tenant, whose, bytes_str(o->to), number)) {
		trunk_route_is_barred(&s->host, by, whose, bytes_str(o->to));
		return -EACCES;
	}
	return out_way(s, by->tenant, bytes_str(number), o->rung, out);
}
