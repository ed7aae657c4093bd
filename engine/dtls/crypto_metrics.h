/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator sees of handshakes. Registered by the main thread before others start. */
#ifndef ENGINE_DTLS_CRYPTO_METRICS_H
#define ENGINE_DTLS_CRYPTO_METRICS_H

#include "base/metric.h"
#include "engine/dtls/dtls.h"

/* Why a datagram of a handshake was not looked at. */
enum dtls_refusal {
	DTLS_REFUSED_UNEXPECTED, /* of no handshake that is under way, and begins none: after the keys, or in our role */
	DTLS_REFUSED_FLOW_RATE, /* the flow has had its share for now */
	DTLS_REFUSED_RATE,      /* handshakes begun in a second */
	DTLS_REFUSED_CAPACITY,  /* handshakes under way */
	DTLS_REFUSED_RING,      /* the thread does not keep up */
	DTLS_REFUSED_LENGTH,
	DTLS_REFUSALS,
};

struct crypto_metrics {
	metric_id begun, keyed;
	metric_id failed[DTLS_FAILURES]; /* but DTLS_FAILURE_NONE */
	metric_id refused[DTLS_REFUSALS];
	metric_id running, lost, unsaved, cpu_us;
};

void crypto_metrics_register(struct crypto_metrics *m);

#endif
