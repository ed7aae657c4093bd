/* SPDX-License-Identifier: Apache-2.0 */
#include "app/live/live_metric.h"

#include "base/metric.h"

static struct {
	metric_id streams, connected, lost, failed, missed;
} g_live_metrics;

void live_metric_setup(void)
{
	g_live_metrics.streams = metric_register(METRIC_GAUGE, "tandem_live_streams", NULL,
						 "Parties whose sound is with an application.");
	g_live_metrics.connected =
		metric_register(METRIC_COUNTER, "tandem_live_connections_total", NULL,
				"Connections to applications of live sound.");
	g_live_metrics.lost =
		metric_register(METRIC_COUNTER, "tandem_live_connections_lost_total", NULL,
				"Connections of live sound that ended before their stream.");
	g_live_metrics.failed = metric_register(METRIC_COUNTER, "tandem_live_failed_total", NULL,
						"Live streams that were given up.");
	g_live_metrics.missed =
		metric_register(METRIC_COUNTER, "tandem_live_frames_missed_total", NULL,
				"Frames of 20 ms that an application was not sent, as "
				"it read too slowly or was away.");
}

void live_metric_streams(uint32_t n)
{
	metric_set(g_live_metrics.streams, n);
}

void live_metric_connected(void)
{
	metric_add(g_live_metrics.connected, 1);
}

void live_metric_lost(void)
{
	metric_add(g_live_metrics.lost, 1);
}

void live_metric_failed(void)
{
	metric_add(g_live_metrics.failed, 1);
}

void live_metric_missed(uint64_t frames)
{
	metric_add(g_live_metrics.missed, frames);
}
