/* SPDX-License-Identifier: Apache-2.0 */
/* What crypto.c, which does the work, and crypto_thread.c, which has the thread, both know. */
#ifndef ENGINE_DTLS_CRYPTO_STATE_H
#define ENGINE_DTLS_CRYPTO_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/wheel.h"
#include "engine/dtls/crypto.h"
#include "engine/dtls/crypto_metrics.h"

enum association_state {
	ASSOCIATION_FREE,
	ASSOCIATION_RUNNING,
	ASSOCIATION_TELLING, /* the outcome did not fit into the ring yet */
	ASSOCIATION_DONE,    /* and told */
};

struct association {
	struct dtls dtls;
	struct wheel_timer timer;
	uint64_t handle;
	uint64_t call;
	uint32_t worker;
	uint8_t state; /* enum association_state */
	uint8_t quiet;
	uint8_t made; /* 1: CRYPTO_MADE was told */
};

struct crypto {
	struct dtls_context *context;
	struct crypto_metrics metrics;
	struct crypto_link *links;
	struct association *list; /* of each worker per_worker, one after the other */
	uint32_t workers, per_worker;
	uint32_t running;
	uint64_t cpu_us;
	int wake_fd;
	bool started;
	_Atomic bool stopping;
	pthread_t thread;
	struct wheel wheel;
};

/* Without an outcome, and without a word to the worker. */
void association_forget(struct crypto *x, struct association *a);

#endif
