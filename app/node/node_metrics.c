/* SPDX-License-Identifier: Apache-2.0 */
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "base/guard.h"
#include "base/metric.h"
#include "base/tls/tls.h"
#include "engine/engine.h"

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
	claimant_metrics(n->claimant);
	node_edge_metrics(n);
	node_lamps_metrics(n);
	node_keeper_metrics(n);
	node_tenants_metrics(n);
	node_trunks_metrics(n);
	node_memory(&reserved, &resident);
	metric_set(g_node_metrics.info, 1);
	metric_set(g_node_metrics.extensions, extensions_count(&n->extensions));
	metric_set(g_node_metrics.calls_max, n->calls_max);
	metric_set(g_node_metrics.ports_free, counts.ports_free);
	metric_set(g_node_metrics.media_waiting, n->media_queue.count);
	metric_set(g_node_metrics.resident, resident);
	metric_add(g_node_metrics.cpu, cpu_us - g_node_metrics.cpu_us);
	g_node_metrics.cpu_us = cpu_us;
	metric_set(g_node_metrics.ready,
		   health_is_ready(health_reasons(&n->health, clock_now_ns())));
	metric_set(g_node_metrics.certificate, n->tls ? tls_not_after(n->tls) : 0);
	metric_set(g_node_metrics.degraded, counts.degraded);
	guard_count(n->guard);
	engine_host_metrics(n->engine);
}
