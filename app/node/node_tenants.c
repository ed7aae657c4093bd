/* SPDX-License-Identifier: Apache-2.0 */
/* What each tenant has, as metrics: of the first hundred by their numbers, which they keep; of all others together. */
#include <stdio.h>

#include "app/node/node.h"
#include "base/metric_table.h"
#include "sig/host/toll.h"

/* No tenant's name begins so. */
#define OTHER_TENANTS "_other"

enum { GAUGE_CALLS, REGISTRATIONS, OUTSIDE, SPENT, TENANT_GAUGES, TENANT_ROWS_MAX = 100 };
static_assert((int)TENANT_ROWS_MAX < (int)METRIC_TABLE_ROWS, "and one of all others");

static uint32_t g_tenant_table;

void node_tenants_setup(void)
{
	static const struct metric_table_gauge gauges[TENANT_GAUGES] = {
		[GAUGE_CALLS] = { "tandem_tenant_calls", "Calls in memory, by tenant." },
		[REGISTRATIONS] = { "tandem_tenant_registrations",
				    "Addresses of record, by tenant." },
		[OUTSIDE] = { "tandem_tenant_calls_outside",
			      "Calls over trunks that its extensions have, by tenant." },
		[SPENT] = { "tandem_tenant_outside_seconds",
			    "Seconds that they have talked today, by tenant." },
	};

	g_tenant_table = metric_table_register("tenant", gauges, TENANT_GAUGES);
}

static void row_add(struct metric_table_row *row, const struct node *n, uint16_t tenant)
{
	const struct toll_now now = node_toll_now(n, tenant);
	struct toll_usage used = toll_look(n->toll, &(struct toll_payer){ .tenant = tenant }, &now);
	const struct tenants *t = n->tenants;

	row->values[OUTSIDE] += used.calls;
	row->values[SPENT] += used.ms > 0 ? (uint64_t)used.ms / 1000 : 0;
	row->values[GAUGE_CALLS] += tenants_held(t, tenant, TENANT_CALLS);
	row->values[REGISTRATIONS] += tenants_held(t, tenant, TENANT_REGISTRATIONS);
}

void node_tenants_metrics(const struct node *n)
{
	static struct metric_table_row rows[TENANT_ROWS_MAX + 1];
	struct metric_table_row others = { .name = OTHER_TENANTS };
	uint32_t count = 0;
	bool more = false;

	for (uint16_t i = 0; tenants_next(n->tenants, &i); i++) {
		bool own = tenants_has(n->tenants, i) && count < TENANT_ROWS_MAX;

		more |= !own;
		if (own) {
			rows[count] = (struct metric_table_row){ { 0 } };
			(void)snprintf(rows[count].name, sizeof(rows[count].name), "%s",
				       tenants_name(n->tenants, i));
		}
		row_add(own ? &rows[count++] : &others, n, i);
	}
	if (more)
		rows[count++] = others;
	metric_table_set(g_tenant_table, rows, count);
}
