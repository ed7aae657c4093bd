/* SPDX-License-Identifier: Apache-2.0 */
/* What the table of queues is made of (queues.h), for the files of this folder that read or change
 * it: the queues of each tenant, their agents and callers. One thread. */
#ifndef SIG_PBX_QUEUE_QUEUES_TABLE_H
#define SIG_PBX_QUEUE_QUEUES_TABLE_H

#include "base/named.h"
#include "sig/pbx/queue/queues.h"

#define QUEUES_NOWHERE UINT64_MAX /* the process of what no node has now */

struct queues {
	struct table by_name;    /* struct queue */
	struct table agents;     /* struct queue_agent, by number */
	struct table by_call;    /* struct queue_caller */
	uint64_t agents_version; /* that are there */
	struct queues_listener listener;
	uint32_t seconds;            /* since there is one */
	struct queues_counts counts; /* without those of now */
	struct queues_tenant {
		struct queue *first;
		uint32_t looks; /* picks so far */
	} * tenants;            /* one of each number, once there is a queue */
};

/* Also one that no document has yet. Returns NULL with *err = -ENOSPC or -ENOMEM. */
struct queue *queues_make(struct queues *x, uint16_t tenant, struct bytes name, int *err);
/* Once neither a document nor a caller has it. */
void queues_drop(struct queues *x, struct queue *q);
/* The call of another node that claimed the agent meanwhile has him now. */
void queue_agent_yield(struct queue_agent *a);
/* Members who need not log in, who have no call and have had none. A queue that has them, too,
 * makes them anew. */
void queue_agents_forget(struct queues *x, const struct queue_terms *terms);
/* Other nodes are told. by: the call that has the agent, or had him last. */
void queue_agent_notify(const struct queues *x, const struct queue_agent *a, uint64_t by);
void queue_caller_notify(const struct queues *x, const struct queue_caller *c, bool gone);
/* Of two in one line: time does not change that. Of two who have joined in the same moment the
 * smaller id is first, on all nodes. */
bool queue_caller_is_before(const struct queue_caller *a, const struct queue_caller *b);
/* Of any two, at that moment. */
bool queue_caller_is_next(const struct queue_caller *a, const struct queue_caller *b,
			  uint64_t now_utc_ms);
/* Its lines are in order by other terms. */
void queue_lines_sort(struct queue *q);
/* Other nodes must not take the caller for one that does not compete: he waits again before his
 * agents are free, and rings only when they are reserved for him. */
void queue_caller_rings(const struct queues *x, struct queue_caller *c, bool rings);

#endif
