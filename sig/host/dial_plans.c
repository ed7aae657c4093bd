/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/dial_plans.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { HELP_LEN_MAX = 8 }; /* longer ones are in no document */

struct dial_plans {
	struct tenants *tenants;
	struct dial_plan *plans[TENANTS_MAX]; /* NULL: g_dial_plan_default */
	uint32_t helping;                     /* plans of which only they know what is for help */
};

/* By emergency numbers of its own, or by rules that may make one. */
static bool is_helping(const struct dial_plan *plan)
{
	return plan->emergency[0] || plan->rules[0];
}

int dial_plans_open(struct dial_plans **out, struct tenants *tenants)
{
	struct dial_plans *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->tenants = tenants;
	*out = x;
	return 0;
}

void dial_plans_close(struct dial_plans *x)
{
	if (!x)
		return;
	for (uint32_t i = 0; i < TENANTS_MAX; i++)
		dial_plans_delete(x, (uint16_t)i);
	free(x);
}

int dial_plans_put(struct dial_plans *x, uint16_t tenant, const struct dial_plan *plan)
{
	struct dial_plan *own;

	assert(tenant < TENANTS_MAX);
	own = x->plans[tenant];
	if (!own) {
		own = malloc(sizeof(*own));
		if (!own)
			return -ENOMEM;
		x->plans[tenant] = own;
		tenants_hold(x->tenants, tenant, TENANT_PLANS);
	} else {
		x->helping -= is_helping(own);
	}
	*own = *plan;
	own->given = true;
	x->helping += is_helping(own);
	return 0;
}

void dial_plans_delete(struct dial_plans *x, uint16_t tenant)
{
	struct dial_plan *own = x->plans[tenant];

	if (!own)
		return;
	x->helping -= is_helping(own);
	x->plans[tenant] = NULL;
	tenants_release(x->tenants, tenant, TENANT_PLANS);
	free(own);
}

const struct dial_plan *dial_plans_of(const struct dial_plans *x, uint16_t tenant)
{
	const struct dial_plan *own = x && tenant < TENANTS_MAX ? x->plans[tenant] : NULL;

	return own ? own : &g_dial_plan_default;
}

bool dial_plans_may_help(const struct dial_plans *x, struct bytes number)
{
	return x && x->helping && number.n <= HELP_LEN_MAX + DIAL_PREFIX_MAX;
}
