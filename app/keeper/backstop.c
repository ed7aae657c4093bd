/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "app/keeper/interface.h"
#include "app/keeper/order.h"
#include "base/log.h"

/* Those that there are by now, and have frames of Ethernet: loopback's go nowhere. */
static uint32_t interfaces_of(const struct keeper_settings *s,
			      struct interface out[EGRESS_INTERFACES_MAX])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->count && count < EGRESS_INTERFACES_MAX; i++) {
		const struct keeper_address *a = &s->addresses[i];
		struct interface *at = &out[count];

		if (!interface_find(at, a->interface, &a->ip, &s->beside) && at->ethernet)
			count++;
	}
	return count;
}

static int addresses_watch(struct egress *e, const struct keeper_settings *s)
{
	int err = 0;

	for (uint32_t i = 0; i < s->count && !err; i++)
		err = egress_address(e, &s->addresses[i].ip, s->addresses[i].place);
	return err;
}

static int backstop_open(struct egress *out, const struct keeper_settings *s,
			 char why[EGRESS_WHY_MAX])
{
	struct interface interfaces[EGRESS_INTERFACES_MAX];
	const char *names[EGRESS_INTERFACES_MAX];
	uint32_t count = interfaces_of(s, interfaces);
	int err;

	for (uint32_t i = 0; i < count; i++)
		names[i] = interfaces[i].name;
	if (!count)
		return -ENODEV;
	err = egress_open(out, names, count, why);
	if (err)
		return err;
	err = addresses_watch(out, s);
	if (err)
		egress_close(out);
	return err;
}

bool keeper_backstop(struct egress *out, const struct keeper_settings *s)
{
	char why[EGRESS_WHY_MAX] = "two shards have one address";
	int err = backstop_open(out, s, why);

	if (err && err != -ENODEV)
		LOG_WARN("keeper", 0,
			 "what the kernel says for a node that stands still is not withheld",
			 LOG_STR("reason", why));
	return !err;
}
