/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that ended in the last hour, the newest ENDED_MAX of them: their records, and the last
 * counters of their flows for the doctor. A ring of fixed size, in memory alone. Control thread.
 */
#ifndef APP_NODE_ENDED_H
#define APP_NODE_ENDED_H

#include "app/doctor/diagnosis.h"
#include "base/table.h"
#include "sig/shard/shard.h"

enum { ENDED_MAX = 1000, ENDED_FLOWS_MAX = 8 };
#define ENDED_NS (3600 * NS_PER_S)

struct ended_call {
	uint64_t call;  /* 0: free */
	uint64_t at_ns; /* when its record was written; 0: not yet */
	struct cdr cdr; /* of its last pair */
	uint32_t flow_count;
	struct diagnosis_flow *flows[ENDED_FLOWS_MAX];
};

struct ended_space;

struct ended {
	struct ended_call *ring;   /* NULL: out of memory, nothing is kept */
	struct ended_space *space; /* for findings */
	struct table by_call;      /* index + 1 */
	uint32_t next;
};

/* 0 or -ENOMEM. */
int ended_open(struct ended *e) NODISCARD;
void ended_close(struct ended *e);
/* MEDIA_FLOW_CLOSED, before the shard hears of it: afterwards the flow is gone. */
void ended_flow(struct ended *e, const struct shard *shard, enum latch_mode latch,
		const struct media_event *event);
void ended_record(struct ended *e, const struct cdr *cdr, uint64_t now_ns);
/* What is known of it, for diagnose. */
void ended_diagnosis(const struct ended_call *c, struct diagnosis *out);
/* The doctor's findings for a call's flows by their last counters, as JSON; empty: none.
 * Valid until the next call. */
struct bytes ended_findings(struct ended *e, uint64_t call);
/* NULL: it has not ended, not in the last hour, or too many have since. */
const struct ended_call *ended_find(const struct ended *e, uint64_t call, uint64_t now_ns);

#endif
