/* SPDX-License-Identifier: Apache-2.0 */
/* Names that a call waits for, in this process; they follow from its plan. */
#ifndef SIG_MODEL_SEEK_H
#define SIG_MODEL_SEEK_H

#include "sig/host/host.h"
#include "sig/model/plan.h"

struct resolve_query {
	uint64_t serial;
	struct lookup_want want;
};

struct resolve {
	struct call_host *
		host; /* counts those of the shard, and is told of what nobody waits for any more */
	uint64_t call;
	uint64_t due_ns;
	struct resolve_query *asks;
	uint8_t count;
	uint64_t
		user; /* who is rung is looked up himself: the number of call_host.user_ask; 0: he is not */
};

/* Nobody waits for what is asked. The resolver keeps a place for each: it is free now, not when a name server was silent for long enough. */
void resolve_cancel(const struct resolve *s);
/* The last step waits for no name any more. */
void resolve_stop(struct plan *plan);

#endif
