/* SPDX-License-Identifier: Apache-2.0 */
/* What each trunk has, as metrics: of the first ones by their numbers, which they keep while they have calls; of all others together. */
#include <stdio.h>

#include "app/node/node.h"
#include "base/metric_table.h"
#include "sig/host/trunk.h"

/* No tenant's name begins so. */
#define OTHER_TRUNKS "_other"

enum {
	CALLS_IN,
	CALLS_OUT,
	SERVERS_UP,
	BEGUN,
	REFUSED,
	FAILOVERS,
	TRUNK_GAUGES,
	TRUNK_ROWS_MAX = 50
};
static_assert((int)TRUNK_ROWS_MAX < (int)METRIC_TABLE_ROWS, "and one of all others");

static uint32_t g_trunk_table;

void node_trunks_setup(void)
{
	static const struct metric_table_gauge gauges[TRUNK_GAUGES] = {
		[CALLS_IN] = { "tandem_trunk_calls_in", "Channels of calls from the trunk." },
		[CALLS_OUT] = { "tandem_trunk_calls_out", "Channels of calls to the trunk." },
		[SERVERS_UP] = { "tandem_trunk_servers_up",
				 "Servers of the trunk that are not known to be down." },
		[BEGUN] = { "tandem_trunk_calls_total",
			    "Calls that came from the trunk, and that its servers were asked for.",
			    true },
		[REFUSED] = { "tandem_trunk_refused_total",
			      "Calls from the trunk that the node refused.", true },
		[FAILOVERS] = { "tandem_trunk_failovers_total",
				"Calls that went another way because of a server of the trunk.",
				true },
	};

	g_trunk_table = metric_table_register("trunk", gauges, TRUNK_GAUGES);
}

static void trunk_row_add(struct metric_table_row *row, const struct trunks *t, uint16_t trunk)
{
	row->values[CALLS_IN] += trunks_held(t, trunk, TRUNK_IN);
	row->values[CALLS_OUT] += trunks_held(t, trunk, TRUNK_OUT);
	for (uint8_t i = 0; trunks_has(t, trunk) && i < trunks_settings(t, trunk)->server_count;
	     i++)
		row->values[SERVERS_UP] += trunks_is_up(t, trunk, i);
	row->values[BEGUN] += trunks_counted(t, trunk, TRUNK_CALLS);
	row->values[REFUSED] += trunks_counted(t, trunk, TRUNK_REFUSED);
	row->values[FAILOVERS] += trunks_counted(t, trunk, TRUNK_FAILOVERS);
}

void node_trunks_metrics(const struct node *n)
{
	static struct metric_table_row rows[TRUNK_ROWS_MAX + 1];
	struct metric_table_row others = { .name = OTHER_TRUNKS };
	uint32_t count = 0;

	for (uint16_t i = TRUNK_NONE; trunks_next(n->trunks, &i); i++) {
		const struct trunk_settings *set = trunks_settings(n->trunks, i);
		bool own = trunks_has(n->trunks, i) && count < TRUNK_ROWS_MAX;

		if (own) {
			rows[count] = (struct metric_table_row){ { 0 } };
			(void)snprintf(rows[count].name, sizeof(rows[count].name), "%s/%s",
				       tenants_name(n->tenants, set->tenant), set->name);
		}
		trunk_row_add(own ? &rows[count++] : &others, n->trunks, i);
	}
	rows[count++] = others;
	metric_table_set(g_trunk_table, rows, count);
}
