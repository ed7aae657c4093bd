/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/metrics.h"

#include <stddef.h>

static metric_id counter(const char *name, const char *labels, const char *help)
{
	return metric_register(METRIC_COUNTER, name, labels, help);
}

void media_metrics_register(struct media_metrics *m)
{
	static const char PACKETS[] = "RTP and RTCP packets on the media ports";
	static const char OCTETS[] = "UDP payload octets on the media ports";

	m->packets_in = counter("tandem_media_packets_total", "direction=\"in\"", PACKETS);
	m->packets_out = counter("tandem_media_packets_total", "direction=\"out\"", PACKETS);
	m->octets_in = counter("tandem_media_octets_total", "direction=\"in\"", OCTETS);
	m->octets_out = counter("tandem_media_octets_total", "direction=\"out\"", OCTETS);
	for (enum verdict v = VERDICT_RELAY + 1; v < VERDICT_COUNT; v++)
		m->dropped[v] = counter("tandem_media_dropped_packets_total", verdict_label(v),
					"Packets received on the media ports and not relayed");
	m->send_errors = counter("tandem_media_send_errors_total", NULL,
				 "Relayed packets that the kernel refused to send");
	m->events_lost = counter("tandem_media_events_lost_total", NULL,
				 "Digits not reported because control did not keep up");
	m->stale_commands = counter("tandem_media_stale_commands_total", NULL,
				    "Commands for flows that are gone");
	m->flows = metric_register(METRIC_GAUGE, "tandem_media_flows", NULL, "Open flows");
	m->cpu_us = counter("tandem_media_worker_cpu_microseconds_total", NULL,
			    "CPU time of the media workers");
}
