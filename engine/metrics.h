/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of the media path that an operator sees. Registered by the main thread before the workers start. */
#ifndef ENGINE_METRICS_H
#define ENGINE_METRICS_H

#include "base/metric.h"
#include "engine/verdict.h"

struct media_metrics {
	metric_id packets_in, packets_out; /* RTP and RTCP; in = out + dropped */
	metric_id octets_in, octets_out;   /* UDP payload */
	metric_id dropped[VERDICT_COUNT];  /* of VERDICT_NONE and VERDICT_RELAY: not registered */
	metric_id send_errors, events_lost, stale_commands;
	metric_id flows;
	metric_id cpu_us; /* of the workers */
};

void media_metrics_register(struct media_metrics *m);

#endif
