/* SPDX-License-Identifier: Apache-2.0 */
#include "app/node/node_helper.h"

#include <stdlib.h>

#include "app/node/node.h"
#include "base/clock.h"
#include "base/metric.h"

enum { GRACE_MS = 1000 };

static struct {
	metric_id up, deaths, asked, failed, waiting;
} g_helper_metrics;

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
}

/* ---- answers ---- */

static void ask_end(struct node *n, struct node_helper_ask *ask, const json_t *result,
		    const char *why)
{
	struct node_helper_ask of = *ask;

	*ask = (struct node_helper_ask){ 0 };
	n->helper.count--;
	if (!result)
		metric_add(g_helper_metrics.failed, 1);
	of.done(n, result, why, of.arg);
}

static void asks_fail(struct node *n, uint64_t now_ns, const char *why)
{
	struct node_helper *h = &n->helper;

	for (uint32_t i = 0; h->count && i < NODE_HELPER_REQUESTS_MAX; i++) {
		if (h->asks[i].id && h->asks[i].until_ns <= now_ns)
			ask_end(n, &h->asks[i], NULL, why);
	}
}

static void node_helper_on_line(struct node *n, const json_t *line)
{
	uint64_t id = (uint64_t)json_integer_value(json_object_get(line, "answer"));
	struct node_helper_ask *ask = &n->helper.asks[id % NODE_HELPER_REQUESTS_MAX];
	const char *why = json_string_value(json_object_get(line, "failed"));

	if (json_object_get(line, "told"))
		n->hooks->told(n, line);
	else if (id && ask->id == id)
		ask_end(n, ask, json_object_get(line, "result"), why ? why : "no answer");
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
	asks_fail(n, UINT64_MAX, stops ? "the node stops" : "tandem-helper has ended");
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

void node_helper_open(struct node *n)
{
	node_process_open(&n->helper.process, n, &g_helper_process);
}

static bool helper_has_room(const struct node_helper *h, uint16_t tenant)
{
	uint32_t of_tenant = 0;

	if (h->count < NODE_HELPER_OF_TENANT_MAX)
		return true;
	for (uint32_t i = 0; i < NODE_HELPER_REQUESTS_MAX; i++)
		of_tenant += h->asks[i].id && h->asks[i].tenant == tenant;
	return h->count < NODE_HELPER_REQUESTS_MAX && of_tenant < NODE_HELPER_OF_TENANT_MAX;
}

/* Where nobody is. */
static struct node_helper_ask *ask_place(struct node_helper *h)
{
	struct node_helper_ask *ask;

	do
		ask = &h->asks[++h->last % NODE_HELPER_REQUESTS_MAX];
	while (ask->id);
	return ask;
}

bool node_helper_ask(struct node *n, const char *kind, json_t *args, uint16_t tenant, uint32_t ms,
		     node_helper_fn *done, void *arg)
{
	struct node_helper *h = &n->helper;
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

/* ---- its life ---- */

void node_helper_beat(struct node *n, uint64_t now_ns)
{
	struct node_helper *h = &n->helper;

	metric_set(g_helper_metrics.waiting, h->count);
	asks_fail(n, now_ns, "tandem-helper does not answer: the machine has no time for it");
	if (h->asks)
		(void)node_process_start(&h->process, now_ns);
}

void node_helper_close(struct node *n)
{
	node_process_close(&n->helper.process);
	free(n->helper.asks);
	n->helper.asks = NULL;
	asked_clear(&n->helper.asked);
}
