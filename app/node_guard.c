/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the SIP ports listen to before anything is parsed: base/guard.h with the settings of a node. */
#include "app/node.h"
#include "base/clock.h"
#include "base/guard.h"
#include "sig/sip/transport.h"

/* Extensions with several phones, and parties of calls that never registered. */
enum { PHONES_OF_A_REGISTRATION = 2, PARTIES_OF_A_CALL = 2 };

static uint32_t phones(const struct node *n)
{
	uint64_t most = (uint64_t)n->settings.limits.registrations * PHONES_OF_A_REGISTRATION +
			(uint64_t)n->calls_max * PARTIES_OF_A_CALL;

	return most < UINT32_MAX / 16 ? (uint32_t)most : UINT32_MAX / 16;
}

void node_guard_configure(struct node *n)
{
	struct guard_limits limits;

	static_assert(sizeof(limits.per_s) == sizeof(n->settings.limits.sip_per_s), "by class");
	memcpy(limits.per_s, n->settings.limits.sip_per_s, sizeof(limits.per_s));
	guard_configure(n->guard, &limits, node_sip_idle_ns(n));
}

int node_guard_open(struct node *n)
{
	int err = guard_open(&n->guard, phones(n), node_sip_idle_ns(n), &n->rand, NULL);

	if (!err)
		node_guard_configure(n);
	return err;
}

static void know(const struct sip_hop *hop, void *arg)
{
	struct node *n = arg;

	if (hop->transport == SIP_UDP)
		guard_know(n->guard, &hop->remote, clock_now_ns());
}

void node_guard_restore(struct node *n)
{
	shard_hops(n->shard, know, n);
}

void node_guard_close(struct node *n)
{
	guard_close(n->guard);
	n->guard = NULL;
}
