/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of tandem-helper and of its webhooks mode, and the figures of webhooks as metrics.
 * Commands and calls (EFFECT_HELPER) ask by node_helper_request. Every request ends once, by its
 * answer, its deadline or the death of the process, so no call waits for ever.
 */

#include "app/node/node_helper.h"

#include "app/child/child_redis.h"
#include "app/node/node.h"
#include "app/node/node_life.h"
#include "app/node/node_wait.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/metric.h"
#include "cluster/identity.h"

enum { REQUESTS_MAX = 2048, OF_TENANT_MAX = 512, GRACE_MS = 1000 };

#define HELPER_LATE "tandem-helper does not answer: the machine has no time for it"

static struct child g_helper, g_webhooks;

/* As in app/helper/hooks.h. */
static struct {
	metric_id delivered, retried, dead, lost, waiting, owned;
	struct histogram lag;
} g_hooks_metrics;

static const struct histogram_bound g_lag_bounds[] = {
	{ 10, "le=\"0.01\"" },  { 20, "le=\"0.02\"" },         { 50, "le=\"0.05\"" },
	{ 100, "le=\"0.1\"" },  { 250, "le=\"0.25\"" },        { 1000, "le=\"1\"" },
	{ 10000, "le=\"10\"" }, { UINT64_MAX, "le=\"+Inf\"" },
};

const struct metric_def g_webhook_metric_rows[] = {
	{ &g_hooks_metrics.delivered, METRIC_COUNTER, "tandem_webhook_delivered_total",
	  "Events that a server of a webhook has taken." },
	{ &g_hooks_metrics.retried, METRIC_COUNTER, "tandem_webhook_retries_total",
	  "Tries that failed; the event is posted again." },
	{ &g_hooks_metrics.dead, METRIC_COUNTER, "tandem_webhook_dead_total",
	  "Events that were given up (retry_s of webhook.put), dead letters from then on." },
	{ &g_hooks_metrics.lost, METRIC_COUNTER, "tandem_webhook_lost_total",
	  "Events that were not posted, as they had gone from their stream." },
	{ &g_hooks_metrics.waiting, METRIC_GAUGE, "tandem_webhook_waiting",
	  "Events that are being posted, or wait to be." },
	{ &g_hooks_metrics.owned, METRIC_GAUGE, "tandem_webhook_owned",
	  "Webhooks with events that this node posts." },
	{ NULL },
};

void node_helper_setup(void)
{
	histogram_open(&g_hooks_metrics.lag, "tandem_webhook_lag_seconds", NULL,
		       "From an event's entry in its stream to the answer of the server, of those "
		       "that were taken at the first try.",
		       g_lag_bounds, 1000);
}

/* Since the last line; but waiting and owned are present values. */
static void hooks_figures(const json_t *line)
{
	const json_t *lag = json_object_get(line, "lag"), *one;
	const struct histogram *h = &g_hooks_metrics.lag;
	size_t i;

#define FIGURE(name) ((uint64_t)json_integer_value(json_object_get(line, name)))
	metric_add(g_hooks_metrics.delivered, FIGURE("delivered"));
	metric_add(g_hooks_metrics.retried, FIGURE("retried"));
	metric_add(g_hooks_metrics.dead, FIGURE("dead"));
	metric_add(g_hooks_metrics.lost, FIGURE("lost"));
	metric_set(g_hooks_metrics.waiting, FIGURE("waiting"));
	metric_set(g_hooks_metrics.owned, FIGURE("owned"));
	metric_add(h->sum, FIGURE("lag_ms"));
#undef FIGURE
	json_array_foreach(lag, i, one)
	{
		metric_add(h->count, (uint64_t)json_integer_value(one));
		for (size_t k = i; k < COUNT_OF(g_lag_bounds); k++)
			metric_add(h->buckets[k], (uint64_t)json_integer_value(one));
	}
}

/* ---- the children ---- */

static void helper_on_message(struct node *n, const json_t *line)
{
	if (json_object_get(line, "told"))
		n->hooks->told(n, line);
}

/* What webhooks ask counts with the rest. */
#define ASKED_METRICS                                                                        \
	[CHILD_ASKED] = { "tandem_helper_requests_total", "What tandem-helper was asked." }, \
	[CHILD_FAILED] = { "tandem_helper_failures_total",                                   \
			   "Of these what had no answer: it ended, or was too late, or had " \
			   "too much to do." }

const struct child_kind g_helper_child = {
	.child = &g_helper,
	.program = "tandem-helper",
	.area = "helper",
	.missing = "flows ask no web server: tandem-helper cannot be started; it belongs into the "
		   "folder of tandemd",
	.ended = "tandem-helper has ended: it is started again",
	.died = "tandem-helper has ended",
	.late = HELPER_LATE,
	.metrics = { [CHILD_UP] = { "tandem_helper_up",
				    "1 while tandem-helper runs: from the first request on." },
		     [CHILD_DEATHS] = { "tandem_helper_deaths_total",
					"Times that tandem-helper ended by itself." },
		     ASKED_METRICS,
		     [CHILD_WAITING] = { "tandem_helper_requests_waiting",
					 "Requests without an answer yet." } },
	.requests_max = REQUESTS_MAX,
	.of_tenant_max = OF_TENANT_MAX,
	.again_ns = 100 * NS_PER_MS,
	.stops = node_is_stopping,
	.on_line = helper_on_message,
};

/* ---- webhooks ---- */

/* Settings for a new process. */
static void hooks_on_start(struct node *n)
{
	json_t *begin = child_redis_json(&n->redis->place);

	(void)json_object_set_new(begin, "id", json_string(n->identity->id));
	(void)json_object_set_new(begin, "name", json_string(n->settings->node.name));
	node_hooks_send(n, json_pack("{s:o}", "begin", begin));
	n->hooks->webhooks(n, "");
}

static void hooks_on_line(struct node *n, const json_t *line)
{
	const json_t *figures = json_object_get(line, "figures");

	if (figures)
		hooks_figures(figures);
	else if (json_object_get(line, "off"))
		n->hooks->webhook_on_line(n, line);
}

const struct child_kind g_webhooks_child = {
	.child = &g_webhooks,
	.program = "tandem-helper",
	.role = "webhooks",
	.area = "webhook",
	.missing = "webhooks are not delivered: tandem-helper cannot be started; it belongs into "
		   "the folder of tandemd",
	.ended = "the process that delivers webhooks has ended: it is started again",
	.died = "the process that delivers webhooks has ended",
	.late = HELPER_LATE,
	.metrics = { [CHILD_DEATHS] = { "tandem_webhook_deaths_total",
					"Times that the process which delivers webhooks ended by "
					"itself." },
		     ASKED_METRICS },
	.requests_max = REQUESTS_MAX,
	.of_tenant_max = OF_TENANT_MAX,
	.again_ns = 100 * NS_PER_MS,
	.stops = node_is_stopping,
	.on_start = hooks_on_start,
	.on_line = hooks_on_line,
};

/* ---- for callers ---- */

void node_hooks_send(struct node *n, json_t *line)
{
	(void)n;
	g_webhooks.wanted = true; /* it runs from now on */
	child_send(&g_webhooks, line);
}

static bool helper_query(struct child *c, const char *kind, json_t *args, uint16_t tenant,
			 uint32_t ms, child_answer_fn *done, void *arg)
{
	return child_query(
		c, json_pack("{s:s, s:I, s:o}", "kind", kind, "ms", (json_int_t)ms, "args", args),
		tenant, clock_now_ns() + (ms + GRACE_MS) * NS_PER_MS, done, arg);
}

bool node_helper_request(struct node *n, const char *kind, json_t *args, uint16_t tenant,
			 uint32_t ms, child_answer_fn *done, void *arg)
{
	(void)n;
	return helper_query(&g_helper, kind, args, tenant, ms, done, arg);
}

bool node_hooks_request(struct node *n, const char *kind, json_t *args, uint16_t tenant,
			uint32_t ms, child_answer_fn *done, void *arg)
{
	(void)n;
	return helper_query(&g_webhooks, kind, args, tenant, ms, done, arg);
}

bool node_helper_runs(const struct node *n)
{
	(void)n;
	return child_runs(&g_helper);
}

void node_helper_close(struct node *n)
{
	asked_clear(n->helper_asked);
}
