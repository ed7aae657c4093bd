/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of queues (docs/metrics.md). No label names a queue or an agent: there may be thousands
 * of them. */

#include "app/feature/queue/queue.h"
#include "app/node/node.h"
#include "sig/pbx/queue/queues.h"
#include "sig/shard/shared_tables.h"

static struct {
	metric_id answered, left, wait, waiting, ready, not_ready;
} g_metrics;

#define CALLS  "Callers that an agent of a queue has taken at this node, and that left without one."
#define AGENTS "Agents that are logged in, at all nodes."
const struct metric_def g_queue_metric_rows[] = {
	{ &g_metrics.answered, METRIC_COUNTER, "tandem_queue_calls_total", CALLS,
	  "result=\"answered\"" },
	{ &g_metrics.left, METRIC_COUNTER, "tandem_queue_calls_total", CALLS, "result=\"left\"" },
	{ &g_metrics.wait, METRIC_COUNTER, "tandem_queue_wait_seconds_total",
	  "How long those waited that an agent has taken." },
	{ &g_metrics.waiting, METRIC_GAUGE, "tandem_queue_callers",
	  "Callers that wait in queues at this node." },
	{ &g_metrics.ready, METRIC_GAUGE, "tandem_queue_agents", AGENTS, "state=\"ready\"" },
	{ &g_metrics.not_ready, METRIC_GAUGE, "tandem_queue_agents", AGENTS,
	  "state=\"not_ready\"" },
	{ NULL },
};

/* Adds what is new of a counter. */
static void count_more(metric_id id, uint64_t now, uint64_t *shown)
{
	metric_add(id, now - *shown);
	*shown = now;
}

void queue_second(struct node *n, uint64_t now_ns)
{
	static struct queues_counts shown; /* wait_ms: seconds */
	struct queues_counts now;

	(void)now_ns;
	queue_callbacks_second(n);
	queues_count(n->common.shared_tables->queues, &now);
	count_more(g_metrics.answered, now.answered, &shown.answered);
	count_more(g_metrics.left, now.left, &shown.left);
	count_more(g_metrics.wait, now.wait_ms / 1000, &shown.wait_ms);
	metric_set(g_metrics.waiting, now.waiting);
	metric_set(g_metrics.ready, now.ready);
	metric_set(g_metrics.not_ready, now.agents - now.ready);
}
