/* SPDX-License-Identifier: Apache-2.0 */
#include "app/node/capacity.h"

static uint32_t capacity_least(uint32_t a, uint64_t b)
{
	return a < b ? a : (uint32_t)b;
}

/* Gives of what is left, up to what is wanted. */
static void capacity_raise(uint32_t *has, uint32_t wanted, uint64_t *left)
{
	uint32_t more = capacity_least(wanted - *has, *left);

	*has += more;
	*left -= more;
}

struct capacity capacity_fit(uint64_t fds, const struct capacity *wanted)
{
	uint64_t usable = fds > CAPACITY_OTHER_FDS ? fds - CAPACITY_OTHER_FDS : 0, left, used;
	struct capacity out = {
		.connections = capacity_least(wanted->connections, usable / CAPACITY_SHARE),
		.websockets = capacity_least(wanted->websockets, usable / CAPACITY_SHARE),
	};

	left = usable - out.connections - out.websockets;
	out.calls = capacity_least(wanted->calls, left / CAPACITY_CALL_FDS);
	used = (uint64_t)out.calls * CAPACITY_VIDEO_FDS;
	left = left > used ? left - used : 0;
	capacity_raise(&out.connections, wanted->connections, &left);
	capacity_raise(&out.websockets, wanted->websockets, &left);
	return out;
}
