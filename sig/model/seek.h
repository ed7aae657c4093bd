/* SPDX-License-Identifier: Apache-2.0 */
/* Names that a call waits for, in this process; they follow from its plan. */
#ifndef SIG_MODEL_SEEK_H
#define SIG_MODEL_SEEK_H

#include "sig/lookup/lookup.h"
#include "sig/model/plan.h"

struct seek_ask {
	uint64_t serial;
	struct lookup_want want;
};

struct seek {
	uint32_t *among; /* calls of the shard that have one */
	uint64_t due_ns;
	struct seek_ask *asks;
	uint8_t count;
};

/* The last step waits for no name any more. */
void seek_stop(struct plan *plan);

#endif
