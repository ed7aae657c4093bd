/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gauges of the node that are computed when metrics are read or a round ends: totals, and tables by
 * tenant and by trunk. round.c calls node_metrics_update. The number of label values is bounded:
 * the first rows by number, all others together in one, so a node with many tenants does not flood
 * a scraper.
 */

#include <stdio.h>

#include "app/daemon/daemon.h"
#include "app/document/extensions.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_capacity.h"
#include "app/node/node_cluster.h"
#include "app/node/node_media.h"
#include "app/node/node_sip.h"
#include "base/clock.h"
#include "base/guard.h"
#include "base/metric.h"
#include "base/tls/tls.h"
#include "engine/engine.h"
#include "sig/host/toll.h"
#include "sig/host/trunk.h"

/* Metrics by tenant: the first hundred by their stable numbers, all others together. */

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
	struct toll_usage used =
		toll_look(n->common.toll, &(struct toll_payer){ .tenant = tenant }, &now);
	const struct tenants *t = n->common.tenants;

	row->values[OUTSIDE] += used.calls;
	row->values[SPENT] += used.ms > 0 ? (uint64_t)used.ms / 1000 : 0;
	row->values[GAUGE_CALLS] += tenants_held(t, tenant, TENANT_CALLS);
	row->values[REGISTRATIONS] += tenants_held(t, tenant, TENANT_REGISTRATIONS);
}

static void node_tenants_metrics(const struct node *n)
{
	static struct metric_table_row rows[TENANT_ROWS_MAX + 1];
	struct metric_table_row others = { .name = OTHER_TENANTS };
	uint32_t count = 0;
	bool more = false;

	for (uint16_t i = 0; tenants_next(n->common.tenants, &i); i++) {
		bool own = tenants_has(n->common.tenants, i) && count < TENANT_ROWS_MAX;

		more |= !own;
		if (own) {
			rows[count] = (struct metric_table_row){ { 0 } };
			(void)snprintf(rows[count].name, sizeof(rows[count].name), "%s",
				       tenants_name(n->common.tenants, i));
		}
		row_add(own ? &rows[count++] : &others, n, i);
	}
	if (more)
		rows[count++] = others;
	metric_table_set(g_tenant_table, rows, count);
}

/* Metrics by trunk:
 * the first ones by their numbers, stable while they have calls, all others together. */

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

static void node_trunks_metrics(const struct node *n)
{
	static struct metric_table_row rows[TRUNK_ROWS_MAX + 1];
	struct metric_table_row others = { .name = OTHER_TRUNKS };
	uint32_t count = 0;

	for (uint16_t i = TRUNK_NONE; trunks_next(n->common.trunks, &i); i++) {
		const struct trunk_settings *set = trunks_settings(n->common.trunks, i);
		bool own = trunks_has(n->common.trunks, i) && count < TRUNK_ROWS_MAX;

		if (own) {
			rows[count] = (struct metric_table_row){ { 0 } };
			(void)snprintf(rows[count].name, sizeof(rows[count].name), "%s/%s",
				       tenants_name(n->common.tenants, set->tenant), set->name);
		}
		trunk_row_add(own ? &rows[count++] : &others, n->common.trunks, i);
	}
	rows[count++] = others;
	metric_table_set(g_trunk_table, rows, count);
}

static struct {
	metric_id info, extensions, calls_max, ports_free, media_waiting, resident, cpu, degraded,
		ready, certificate;
	uint64_t cpu_us; /* counted so far */
} g_node_metrics;

void node_metrics_setup(void)
{
	g_node_metrics.info = metric_register(METRIC_GAUGE, "tandem_build_info",
					      "version=\"" TANDEM_VERSION "\"", "Always 1.");
	g_node_metrics.extensions =
		metric_register(METRIC_GAUGE, "tandem_extensions", NULL, "Extensions known.");
	g_node_metrics.calls_max =
		metric_register(METRIC_GAUGE, "tandem_calls_max", NULL, "Calls the node can hold.");
	g_node_metrics.ports_free = metric_register(METRIC_GAUGE, "tandem_media_ports_free", NULL,
						    "Media port pairs not in use.");
	g_node_metrics.media_waiting = metric_register(METRIC_GAUGE, "tandem_media_queue", NULL,
						       "Commands that wait for the media worker.");
	g_node_metrics.resident = metric_register(METRIC_GAUGE, "tandem_process_resident_bytes",
						  NULL, "Memory of the process.");
	g_node_metrics.cpu =
		metric_register_per(METRIC_COUNTER, "tandem_process_cpu_seconds_total", NULL,
				    "CPU time of the process, all threads.", 1000000);
	g_node_metrics.ready = metric_register(METRIC_GAUGE, "tandem_ready", NULL,
					       "1 while a new call can be taken, as /readyz says.");
	g_node_metrics.certificate = metric_register(
		METRIC_GAUGE, "tandem_tls_certificate_not_after_timestamp_seconds", NULL,
		"When the certificate of tls.certificate expires, in Unix time; 0: no TLS.");
	g_node_metrics.degraded = metric_register(METRIC_GAUGE, "tandem_degraded", NULL,
						  "1 while saves are not waited for.");
}

void node_metrics_update(const struct node *n)
{
	struct shard_counts counts;
	uint64_t reserved, resident, cpu_us = clock_process_cpu_ns() / NS_PER_US;

	node_counts(n, &counts);
	if (node_core(n, 0))
		shard_counts_show(node_core(n, 0), &counts);
	node_shards_metrics(n);
	claimant_metrics(n->cluster->claimant);
	node_edge_metrics(n);
	node_blf_metrics(n);
	node_keeper_metrics(n);
	node_tenants_metrics(n);
	node_trunks_metrics(n);
	node_memory(&reserved, &resident);
	metric_set(g_node_metrics.info, 1);
	metric_set(g_node_metrics.extensions, extensions_count(n->api.extensions));
	metric_set(g_node_metrics.calls_max, n->capacity->calls_max);
	metric_set(g_node_metrics.ports_free, counts.ports_free);
	metric_set(g_node_metrics.media_waiting, n->media->queue.count);
	metric_set(g_node_metrics.resident, resident);
	metric_add(g_node_metrics.cpu, cpu_us - g_node_metrics.cpu_us);
	g_node_metrics.cpu_us = cpu_us;
	metric_set(g_node_metrics.ready,
		   health_is_ready(health_reasons(&n->web->health, clock_now_ns())));
	metric_set(g_node_metrics.certificate, n->sip->tls ? tls_not_after(n->sip->tls) : 0);
	metric_set(g_node_metrics.degraded, counts.degraded);
	guard_count(n->sip->guard);
	engine_host_metrics(n->media->engine);
}
