/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/dtls/crypto_metrics.h"

static metric_id crypto_counter(const char *name, const char *labels, const char *help)
{
	return metric_register(METRIC_COUNTER, name, labels, help);
}

void crypto_metrics_register(struct crypto_metrics *m)
{
	static const char *const FAILED[DTLS_FAILURES] = {
		[DTLS_FAILURE_CERTIFICATE] = "reason=\"certificate\"",
		[DTLS_FAILURE_PROFILE] = "reason=\"srtp_profile\"",
		[DTLS_FAILURE_ALERT] = "reason=\"alert\"",
		[DTLS_FAILURE_PROTOCOL] = "reason=\"protocol\"",
		[DTLS_FAILURE_DEADLINE] = "reason=\"deadline\"",
		[DTLS_FAILURE_MEMORY] = "reason=\"memory\"",
	};
	static const char *const REFUSED[DTLS_REFUSALS] = {
		[DTLS_REFUSED_UNEXPECTED] = "reason=\"unexpected\"",
		[DTLS_REFUSED_FLOW_RATE] = "reason=\"flow_rate\"",
		[DTLS_REFUSED_RATE] = "reason=\"rate\"",
		[DTLS_REFUSED_CAPACITY] = "reason=\"capacity\"",
		[DTLS_REFUSED_RING] = "reason=\"ring_full\"",
		[DTLS_REFUSED_LENGTH] = "reason=\"length\"",
	};

	m->begun = crypto_counter("tandem_dtls_handshakes_begun_total", NULL,
				  "DTLS-SRTP handshakes that were begun");
	m->keyed = crypto_counter("tandem_dtls_handshakes_keyed_total", NULL,
				  "DTLS-SRTP handshakes that ended with keys");
	for (enum dtls_failure f = DTLS_FAILURE_NONE + 1; f < DTLS_FAILURES; f++)
		m->failed[f] = crypto_counter("tandem_dtls_handshakes_failed_total", FAILED[f],
					      "DTLS-SRTP handshakes that failed");
	for (enum dtls_refusal r = 0; r < DTLS_REFUSALS; r++)
		m->refused[r] = crypto_counter("tandem_dtls_refused_datagrams_total", REFUSED[r],
					       "Datagrams of DTLS that were not looked at");
	m->running = metric_register(METRIC_GAUGE, "tandem_dtls_handshakes", NULL,
				     "DTLS-SRTP handshakes under way");
	m->lost = crypto_counter("tandem_dtls_datagrams_lost_total", NULL,
				 "Datagrams of handshakes of ours that found a full ring");
	m->unsaved = crypto_counter(
		"tandem_dtls_handshakes_unsaved_total", NULL,
		"Handshakes that went on although nothing said that their keys are saved");
	m->cpu_us = metric_register_per(METRIC_COUNTER, "tandem_dtls_cpu_seconds_total", NULL,
					"CPU time of the thread that does handshakes", 1000000);
}
