/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/transport/stream_connection.h"

static const char *const g_end_labels[STREAM_END_REASONS] = {
#define X(id, name) "reason=\"" name "\"",
	STREAM_ENDS(X)
#undef X
};
static const char *const g_broken_labels[STREAM_BROKEN_REASONS] = {
#define X(id, name) "reason=\"" name "\"",
	STREAM_BROKEN(X)
#undef X
};
static const char *const g_failure_labels[TLS_FAILURE_REASONS] = {
#define X(id, name) "reason=\"" name "\"",
	TLS_FAILURES(X)
#undef X
};

static void register_ends(struct transport_stream *t)
{
	for (int i = 0; i < STREAM_END_REASONS; i++) {
		t->ends[i] = metric_register(METRIC_COUNTER, "tandem_sip_stream_ends_total",
					     i < STREAM_END_BROKEN
						     ? g_end_labels[i]
						     : g_broken_labels[i - STREAM_END_BROKEN],
					     "Ends of SIP connections");
	}
	for (int i = 0; i < TLS_FAILURE_REASONS; i++) {
		t->failures[i] = metric_register(METRIC_COUNTER, "tandem_sip_tls_failures_total",
						 g_failure_labels[i], "TLS handshakes that failed");
	}
}

void stream_metrics_register(struct transport_stream *t)
{
#define STREAM_REGISTER(id, metric, label, help) \
	t->metrics[id] = metric_register(METRIC_COUNTER, "tandem_sip_stream_" metric, label, help);
	STREAM_METRICS(STREAM_REGISTER)
#undef STREAM_REGISTER
	t->gauges[SIP_TCP] = metric_register(METRIC_GAUGE, "tandem_sip_connections",
					     "transport=\"tcp\"", "SIP connections");
	t->gauges[SIP_TLS] = metric_register(METRIC_GAUGE, "tandem_sip_connections",
					     "transport=\"tls\"", "SIP connections");
	register_ends(t);
}
