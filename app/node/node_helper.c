/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to tandem-helper and to its webhooks mode: a table with deadlines per request and a
 * share per tenant, answers, figures as metrics. Commands and calls (EFFECT_HELP) ask by
 * node_helper_ask. Every request ends once, by its answer, its deadline or the death of the
 * process, so no call waits for ever.
 */

#include "app/node/node_helper.h"

#include <stdlib.h>

#include "app/node/node.h"
#include "base/clock.h"
#include "base/metric.h"

enum { GRACE_MS = 1000 };

static struct {
	metric_id up, deaths, asked, failed, waiting;
} g_helper_metrics;

/* As in app/helper/hooks.h. */
static struct {
	metric_id deaths, delivered, retried, dead, lost, waiting, owned;
	struct histogram lag;
} g_hooks_metrics;

static const struct histogram_bound g_lag_bounds[] = {
	{ 10, "le=\"0.01\"" },  { 20, "le=\"0.02\"" },         { 50, "le=\"0.05\"" },
	{ 100, "le=\"0.1\"" },  { 250, "le=\"0.25\"" },        { 1000, "le=\"1\"" },
	{ 10000, "le=\"10\"" }, { UINT64_MAX, "le=\"+Inf\"" },
};

static void hooks_setup(void)
{
#define METRIC(field, type, name, text) \
	g_hooks_metrics.field = metric_register(METRIC_##type, "tandem_webhook_" name, NULL, text)
	METRIC(deaths, COUNTER, "deaths_total",
	       "Times that the process which delivers webhooks ended by itself.");
	METRIC(delivered, COUNTER, "delivered_total",
	       "Events that a server of a webhook has taken.");
	METRIC(retried, COUNTER, "retries_total", "Tries that failed; the event is posted again.");
	METRIC(dead, COUNTER, "dead_total",
	       "Events that were given up (retry_s of webhook.put), dead letters from then on.");
	METRIC(lost, COUNTER, "lost_total",
	       "Events that were not posted, as they had gone from their stream.");
	METRIC(waiting, GAUGE, "waiting", "Events that are being posted, or wait to be.");
	METRIC(owned, GAUGE, "owned", "Webhooks with events that this node posts.");
#undef METRIC
	histogram_open(&g_hooks_metrics.lag, "tandem_webhook_lag_seconds", NULL,
		       "From an event's entry in its stream to the answer of the server, of those "
		       "that were taken at the first try.",
		       g_lag_bounds, 1000);
}

void node_helper_setup(void)
{
#define METRIC(field, type, name, text) \
	g_helper_metrics.field = metric_register(METRIC_##type, "tandem_helper_" name, NULL, text)
	METRIC(up, GAUGE, "up", "1 while tandem-helper runs: from the first request on.");
	METRIC(deaths, COUNTER, "deaths_total", "Times that tandem-helper ended by itself.");
	METRIC(asked, COUNTER, "requests_total", "What tandem-helper was asked.");
	METRIC(failed, COUNTER, "failures_total",
	       "Of these what had no answer: it ended, or was too late, or had too much to do.");
	METRIC(waiting, GAUGE, "requests_waiting", "Requests without an answer yet.");
#undef METRIC
	hooks_setup();
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

/* ---- answers ---- */

static void ask_end(struct node *n, struct node_helper *h, struct node_helper_ask *ask,
		    const json_t *result, const char *why)
{
	struct node_helper_ask of = *ask;

	*ask = (struct node_helper_ask){ 0 };
	h->count--;
	if (!result)
		metric_add(g_helper_metrics.failed, 1);
	of.done(n, result, why, of.arg);
}

static void asks_fail(struct node *n, struct node_helper *h, uint64_t now_ns, const char *why)
{
	for (uint32_t i = 0; h->count && i < NODE_HELPER_REQUESTS_MAX; i++) {
		if (h->asks[i].id && h->asks[i].until_ns <= now_ns)
			ask_end(n, h, &h->asks[i], NULL, why);
	}
}

static void ask_on_line(struct node *n, struct node_helper *h, const json_t *line)
{
	uint64_t id = (uint64_t)json_integer_value(json_object_get(line, "answer"));
	struct node_helper_ask *ask = h->asks ? &h->asks[id % NODE_HELPER_REQUESTS_MAX] : NULL;
	const char *why = json_string_value(json_object_get(line, "failed"));

	if (ask && id && ask->id == id)
		ask_end(n, h, ask, json_object_get(line, "result"), why ? why : "no answer");
}

static void node_helper_on_line(struct node *n, const json_t *line)
{
	if (json_object_get(line, "told"))
		n->hooks->told(n, line);
	else
		ask_on_line(n, &n->helper, line);
}

static void helper_on_start(struct node *n)
{
	metric_set(g_helper_metrics.up, n->helper.process.link >= 0);
}

static void helper_on_end(struct node *n)
{
	bool stops = n->life.phase == NODE_STOPPING;

	metric_set(g_helper_metrics.up, 0);
	if (!stops)
		metric_add(g_helper_metrics.deaths, 1);
	asks_fail(n, &n->helper, UINT64_MAX, stops ? "the node stops" : "tandem-helper has ended");
}

/* ---- requests ---- */

static const struct node_process_kind g_helper_process = {
	.program = "tandem-helper",
	.area = "helper",
	.missing = "flows ask no web server: tandem-helper cannot be started; it belongs into the "
		   "folder of tandemd",
	.ended = "tandem-helper has ended: it is started again",
	.again_ns = 100 * NS_PER_MS,
	.on_start = helper_on_start,
	.on_line = node_helper_on_line,
	.on_end = helper_on_end,
};

/* ---- webhooks ---- */

/* Settings for a new process. */
static void hooks_on_start(struct node *n)
{
	const struct redis_place *at = &n->redis.place;
	const char *member = at->meant ? at->meant->member : NULL;

	node_hooks_send(n, json_pack("{s:{s:s, s:s, s:s, s:s, s:s*, s:s, s:s}}", "begin", "url",
				     at->url, "ca", at->ca, "certificate", at->certificate, "key",
				     at->key, "member", member, "id", n->identity.id, "name",
				     n->settings.node.name));
	n->hooks->webhooks(n, "");
}

static void node_hooks_on_line(struct node *n, const json_t *line)
{
	const json_t *figures = json_object_get(line, "figures");

	if (figures)
		hooks_figures(figures);
	else if (json_object_get(line, "off"))
		n->hooks->webhook_told(n, line);
	else
		ask_on_line(n, &n->webhooks, line);
}

static void hooks_on_end(struct node *n)
{
	if (n->life.phase != NODE_STOPPING)
		metric_add(g_hooks_metrics.deaths, 1);
	asks_fail(n, &n->webhooks, UINT64_MAX, "the process that delivers webhooks has ended");
}

static const struct node_process_kind g_hooks_process = {
	.program = "tandem-helper",
	.role = "webhooks",
	.area = "webhook",
	.missing = "webhooks are not delivered: tandem-helper cannot be started; it belongs into "
		   "the folder of tandemd",
	.ended = "the process that delivers webhooks has ended: it is started again",
	.again_ns = 100 * NS_PER_MS,
	.on_start = hooks_on_start,
	.on_line = node_hooks_on_line,
	.on_end = hooks_on_end,
};

void node_hooks_send(struct node *n, json_t *line)
{
	struct node_helper *h = &n->webhooks;

	if (!h->asks) /* it runs from now on */
		h->asks = calloc(NODE_HELPER_REQUESTS_MAX, sizeof(*h->asks));
	if (h->process.link >= 0)
		node_process_send(&h->process, line);
	else
		json_decref(line);
}

void node_helper_open(struct node *n)
{
	node_process_open(&n->helper.process, n, &g_helper_process);
	node_process_open(&n->webhooks.process, n, &g_hooks_process);
}

/* ---- requests, of both ---- */

static bool helper_has_room(const struct node_helper *h, uint16_t tenant)
{
	uint32_t of_tenant = 0;

	if (h->count < NODE_HELPER_OF_TENANT_MAX)
		return true;
	for (uint32_t i = 0; i < NODE_HELPER_REQUESTS_MAX; i++)
		of_tenant += h->asks[i].id && h->asks[i].tenant == tenant;
	return h->count < NODE_HELPER_REQUESTS_MAX && of_tenant < NODE_HELPER_OF_TENANT_MAX;
}

/* A free place. */
static struct node_helper_ask *ask_place(struct node_helper *h)
{
	struct node_helper_ask *ask;

	do
		ask = &h->asks[++h->last % NODE_HELPER_REQUESTS_MAX];
	while (ask->id);
	return ask;
}

/* As node_helper_ask, for that process. */
static bool process_ask(struct node_helper *h, const char *kind, json_t *args, uint16_t tenant,
			uint32_t ms, node_helper_fn *done, void *arg)
{
	uint64_t now_ns = clock_now_ns();
	struct node_helper_ask *ask;

	metric_add(g_helper_metrics.asked, 1);
	if (!h->asks)
		h->asks = calloc(NODE_HELPER_REQUESTS_MAX, sizeof(*h->asks));
	if (!h->asks || !args || !helper_has_room(h, tenant) ||
	    !node_process_start(&h->process, now_ns)) {
		metric_add(g_helper_metrics.failed, 1);
		json_decref(args);
		return false;
	}
	ask = ask_place(h);
	h->count++;
	*ask = (struct node_helper_ask){ h->last, now_ns + (ms + GRACE_MS) * NS_PER_MS, tenant,
					 done, arg };
	node_process_send(&h->process, json_pack("{s:I, s:s, s:I, s:o}", "ask", (json_int_t)h->last,
						 "kind", kind, "ms", (json_int_t)ms, "args", args));
	return true;
}

bool node_helper_ask(struct node *n, const char *kind, json_t *args, uint16_t tenant, uint32_t ms,
		     node_helper_fn *done, void *arg)
{
	return process_ask(&n->helper, kind, args, tenant, ms, done, arg);
}

bool node_hooks_ask(struct node *n, const char *kind, json_t *args, uint16_t tenant, uint32_t ms,
		    node_helper_fn *done, void *arg)
{
	return process_ask(&n->webhooks, kind, args, tenant, ms, done, arg);
}

/* ---- its life ---- */

static void asks_beat(struct node *n, struct node_helper *h, uint64_t now_ns)
{
	asks_fail(n, h, now_ns, "tandem-helper does not answer: the machine has no time for it");
	if (h->asks)
		(void)node_process_start(&h->process, now_ns);
}

void node_helper_beat(struct node *n, uint64_t now_ns)
{
	metric_set(g_helper_metrics.waiting, n->helper.count);
	asks_beat(n, &n->helper, now_ns);
	asks_beat(n, &n->webhooks, now_ns);
}

static void helper_process_close(struct node_helper *h)
{
	node_process_close(&h->process);
	free(h->asks);
	h->asks = NULL;
}

void node_helper_close(struct node *n)
{
	helper_process_close(&n->helper);
	helper_process_close(&n->webhooks);
	asked_clear(&n->helper.asked);
}
