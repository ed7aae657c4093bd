/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings of the calls of relay.c: of each one what its party A says and hears. */
#ifndef BENCH_ENGINE_RELAY_RECORD_H
#define BENCH_ENGINE_RELAY_RECORD_H

#include "app/record/recorder.h"
#include "engine/engine.h"

enum { RELAY_RECORD_NUMBER = 1 };

/* The call that a flow is of, from 1. */
static inline uint64_t relay_record_call(uint32_t flow)
{
	return flow / 2 + 1;
}

struct relay_record {
	struct recorder *recorder;
	uint32_t calls, ended, failed;
};

struct relay_record_terms {
	const char *folder;
	enum record_format format;
	uint32_t memory_mib, calls;
};

/* Before the flows are open. The bench fails where it cannot. */
void relay_record_begin(struct relay_record *r, struct engine *e,
			const struct relay_record_terms *terms);
/* All end, and are waited for. */
void relay_record_end(struct relay_record *r);

#endif
