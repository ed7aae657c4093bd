/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs tandem-archive beside the node: its start and end, its terms, its figures as metrics, and
 * who of several nodes reads. What it saves, and how far, is in its database: a process that dies
 * loses nothing, but for the answers that are awaited. A second process of it says who calls, so no
 * call waits for a batch, a page or a file.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/archive/archive_entry.h"
#include "app/child/child_redis.h"
#include "app/command/command_request.h"
#include "app/command/others.h"
#include "app/document/directory.h"
#include "app/feature/archive/archive_client.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_cluster.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/schema/tenant_field.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "base/log.h"
#include "base/metric.h"

enum {
	ARCHIVE_REQUESTS = 512,
	ARCHIVE_OF_TENANT = 64,
	ANSWER_MS = 10000,
	FAR_ID_MAX = 32,
	SHARDS_MAX = ROSTER_NODES_MAX * 4,
	LATE_S = 10, /* so long it may take to start again */
};

static struct {
	struct child child, finder;
	bool stale; /* its terms are others than it was told */
	bool reads;
	uint32_t epoch;  /* archive_reader_epoch */
	uint32_t held;   /* as the store was told */
	char counts[64]; /* name of the node that reads; "": not known yet */
	uint16_t shards[SHARDS_MAX];
	uint32_t shard_count;
	uint64_t up_ns;                  /* it ran then */
	char trouble[HEALTH_DETAIL_MAX]; /* of its database */
	uint64_t aside;                  /* files that it could not read whole */
} g_archive;

static struct {
	metric_id saved, spooled, lag, reads, aside;
} g_archive_metrics;

const struct metric_def g_archive_metric_rows[] = {
	{ &g_archive_metrics.saved, METRIC_COUNTER, "tandem_archive_entries_total",
	  "Entries of streams that the archive has saved." },
	{ &g_archive_metrics.spooled, METRIC_COUNTER, "tandem_archive_spooled_total",
	  "Entries that went to the disk, as the database was away, or slow, for long." },
	{ &g_archive_metrics.lag, METRIC_GAUGE, "tandem_archive_lag_seconds",
	  "Age of the entry that was saved last, in the last second; 0: none was." },
	{ &g_archive_metrics.reads, METRIC_GAUGE, "tandem_archive_reads",
	  "1 while this node's archive reads streams: one node of a cluster does." },
	{ &g_archive_metrics.aside, METRIC_GAUGE, "tandem_archive_files_aside",
	  "Files of what went to the disk that could not be read whole, and are kept." },
	{ NULL },
};

/* ---- who reads ---- */

/* The live node with the lowest name: it reads, and without archive.url its archive counts. Of one
 * database any may read, and one that is not heard does not; a file of SQLite stays with its node
 * over a restart. False: Redis has not said yet who there is. */
static bool archive_reader_name(const struct node *n, char out[sizeof(g_archive.counts)])
{
	struct claimant_node one;
	bool known = !n->cluster->claimant;

	(void)snprintf(out, sizeof(g_archive.counts), "%s", n->settings->node.name);
	for (uint32_t i = 0; n->cluster->claimant && claimant_node(n->cluster->claimant, i, &one);
	     i++) {
		known |= one.node.id == identity_node(n->identity);
		if ((n->settings->archive.url[0] ? one.heard : one.alive) &&
		    !roster_has_left(&one.node) && strcmp(one.node.name, out) < 0)
			(void)snprintf(out, sizeof(g_archive.counts), "%s", one.node.name);
	}
	return known;
}

static void archive_reader_look(struct node *n)
{
	char name[sizeof(g_archive.counts)];

	if (!archive_reader_name(n, name) || !strcmp(name, g_archive.counts))
		return;
	memcpy(g_archive.counts, name, sizeof(name));
	g_archive.reads = !strcmp(name, n->settings->node.name);
	g_archive.stale = true;
	g_archive.epoch++;
	if (n->cluster->claimant)
		LOG_INFO("archive", 0,
			 n->settings->archive.url[0]
				 ? "one node reads for the archive of all"
				 : "without archive.url the archive of one node counts, and "
				   "others ask it",
			 LOG_STR("node", name));
}

/* ---- terms ---- */

static void shard_note(uint16_t *list, uint32_t *count, uint16_t shard)
{
	for (uint32_t i = 0; i < *count; i++) {
		if (list[i] == shard)
			return;
	}
	if (*count < SHARDS_MAX)
		list[(*count)++] = shard;
}

/* All shards of the cluster that this node knows. */
static void archive_shards_look(const struct node *n)
{
	static uint16_t list[SHARDS_MAX];
	struct claimant_node one;
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->shards->count; i++)
		shard_note(list, &count, n->shards->list[i].number);
	for (uint32_t i = 0; n->cluster->claimant && claimant_node(n->cluster->claimant, i, &one);
	     i++) {
		for (uint32_t k = 0; k < one.node.shard_count; k++)
			shard_note(list, &count, one.node.shards[k]);
	}
	if (count == g_archive.shard_count &&
	    !memcmp(list, g_archive.shards, count * sizeof(list[0])))
		return;
	memcpy(g_archive.shards, list, count * sizeof(list[0]));
	g_archive.shard_count = count;
	g_archive.stale = true;
}

static void stream_put(json_t *list, enum archive_stream kind, const char *key, const char *tenant)
{
	(void)json_array_append_new(list, json_pack("[i, s, s]", (int)kind, key, tenant));
}

static void tenant_put(json_t *list, const char *tenant)
{
	char key[STORE_AUDIT_KEY_MAX];

	stream_put(list, ARCHIVE_AUDIT, store_audit_key(key, bytes_str(tenant), false), tenant);
	stream_put(list, ARCHIVE_AUDIT_CALLS, store_audit_key(key, bytes_str(tenant), true),
		   tenant);
	(void)snprintf(key, sizeof(key), "td:{ev:%s}", tenant);
	stream_put(list, ARCHIVE_EVENTS, key, tenant);
}

static json_t *archive_streams(const struct node *n)
{
	json_t *list = json_array();
	char key[STORE_AUDIT_KEY_MAX];

	for (uint32_t i = 0; i < g_archive.shard_count; i++) {
		(void)snprintf(key, sizeof(key), "td:{s%u}:cdr", g_archive.shards[i]);
		stream_put(list, ARCHIVE_CDRS, key, NODE_TENANT);
	}
	for (uint16_t i = 0; tenants_next(n->common.tenants, &i); i++)
		tenant_put(list, tenants_name(n->common.tenants, i));
	stream_put(list, ARCHIVE_AUDIT, store_audit_key(key, BYTES_LIT(DIRECTORY_OPERATORS), false),
		   DIRECTORY_OPERATORS);
	stream_put(list, ARCHIVE_SECURITY, "td:security", DIRECTORY_OPERATORS);
	return list;
}

/* Days of tenants that keep history for so long alone. */
static json_t *archive_days(const struct node *n)
{
	json_t *days = json_object();

	for (uint16_t i = 0; tenants_next(n->common.tenants, &i); i++) {
		const char *name = tenants_name(n->common.tenants, i);
		struct tenant_value t;

		if (n->hooks->tenant_value(n, name, &t) && t.history.days)
			(void)json_object_set_new(days, name, json_integer(t.history.days));
	}
	return days;
}

static void archive_terms_send_to(struct node *n, struct child *c)
{
	bool finds = c == &g_archive.finder;
	char file[SETTINGS_STATE_DIR_MAX + sizeof("/archive/history.sqlite")];
	char folder[SETTINGS_STATE_DIR_MAX + sizeof("/archive")];
	const char *url = n->settings->archive.url;

	(void)snprintf(folder, sizeof(folder), "%s/archive", n->settings->node.state_dir);
	(void)snprintf(file, sizeof(file), "%s/history.sqlite", folder);
	child_send(c, json_pack("{s:{s:s, s:s, s:I, s:b, s:o, s:o}}", "terms", "database",
				url[0] ? url : file, "folder", folder, "stream_max",
				(json_int_t)n->settings->archive.stream_max, "reads",
				(int)(g_archive.reads && !finds), "streams",
				finds ? json_array() : archive_streams(n), "days",
				finds ? json_object() : archive_days(n)));
}

static void archive_terms_send(struct node *n)
{
	g_archive.stale = false;
	if (child_runs(&g_archive.child))
		archive_terms_send_to(n, &g_archive.child);
	if (child_runs(&g_archive.finder))
		archive_terms_send_to(n, &g_archive.finder);
}

/* ---- its life ---- */

static void archive_on_start(struct node *n)
{
	g_archive.epoch++;
	child_send(&g_archive.child,
		   json_pack("{s:o}", "begin", child_redis_json(&n->redis->place)));
	archive_terms_send_to(n, &g_archive.child);
}

static void finder_on_start(struct node *n)
{
	archive_terms_send_to(n, &g_archive.finder);
}

static void finder_on_line(struct node *n, const json_t *line)
{
	(void)n;
	(void)line;
}

static void archive_on_line(struct node *n, const json_t *line)
{
	const json_t *figures = json_object_get(line, "figures");

	(void)n;
	if (!figures)
		return;
	metric_add(g_archive_metrics.saved, json_count(figures, "saved"));
	metric_add(g_archive_metrics.spooled, json_count(figures, "spooled"));
	metric_set(g_archive_metrics.lag, json_count(figures, "lag_ms") / 1000);
	g_archive.aside = json_count(figures, "aside");
	metric_set(g_archive_metrics.aside, g_archive.aside);
	(void)snprintf(g_archive.trouble, sizeof(g_archive.trouble), "%s",
		       json_text(figures, "trouble"));
}

static bool archive_is_wanted(struct node *n)
{
	return n->settings->archive.enabled;
}

static void archive_on_end(struct node *n)
{
	(void)n;
	g_archive.trouble[0] = '\0';
}

const struct child_kind g_archive_child = {
	.child = &g_archive.child,
	.program = "tandem-archive",
	.area = "archive",
	.missing = "nothing is archived: tandem-archive cannot be started; it belongs into the "
		   "folder of tandemd",
	.ended = "tandem-archive has ended: it is started again",
	.died = "the process of the archive has ended: try again",
	.late = "the process of the archive does not answer in time",
	.metrics = { [CHILD_UP] = { "tandem_archive_up", "1 while tandem-archive runs." },
		     [CHILD_DEATHS] = { "tandem_archive_deaths_total",
					"Times that tandem-archive ended by itself." },
		     [CHILD_ASKED] = { "tandem_archive_requests_total",
				       "What tandem-archive was asked." },
		     [CHILD_FAILED] = { "tandem_archive_failures_total",
					"Of these what had no answer." },
		     [CHILD_WAITING] = { "tandem_archive_requests_waiting",
					 "Requests without an answer yet." } },
	.requests_max = ARCHIVE_REQUESTS,
	.of_tenant_max = ARCHIVE_OF_TENANT,
	.again_ns = 200 * NS_PER_MS,
	.stops = node_is_stopping,
	.wanted = archive_is_wanted,
	.on_start = archive_on_start,
	.on_line = archive_on_line,
	.on_end = archive_on_end,
};

const struct child_kind g_archive_finder = {
	.child = &g_archive.finder,
	.program = "tandem-archive",
	.role = "find",
	.area = "archive",
	.missing = "nobody is told who calls: tandem-archive cannot be started; it belongs into "
		   "the folder of tandemd",
	.ended = "tandem-archive, which says who calls, has ended: it is started again",
	.died = "the process that says who calls has ended: try again",
	.late = "the process that says who calls does not answer in time",
	.metrics = { [CHILD_ASKED] = { "tandem_archive_finds_total",
				       "How often tandem-archive was asked who calls." },
		     [CHILD_FAILED] = { "tandem_archive_finds_failed_total",
					"Of these what had no answer." } },
	.requests_max = ARCHIVE_REQUESTS,
	.of_tenant_max = ARCHIVE_OF_TENANT,
	.again_ns = 200 * NS_PER_MS,
	.stops = node_is_stopping,
	.wanted = archive_is_wanted,
	.on_start = finder_on_start,
	.on_line = finder_on_line,
};

void archive_tenants(struct node *n)
{
	(void)n;
	g_archive.stale = true;
}

void archive_reload(struct node *n)
{
	(void)n;
	g_archive.stale = true;
	g_archive.child.missing_logged = g_archive.finder.missing_logged = false;
}

static void archive_health(struct node *n, uint64_t now_ns)
{
	const char *trouble = g_archive.trouble;
	char aside[HEALTH_DETAIL_MAX] = "";

	if (!trouble[0] && g_archive.aside) {
		(void)snprintf(aside, sizeof(aside),
			       "%" PRIu64 " files that could not be read whole are kept aside: "
			       "archive/spool/*.broken in node.state_dir, until you remove them",
			       g_archive.aside);
		trouble = aside;
	}
	if (!g_archive.up_ns || child_runs(&g_archive.child))
		g_archive.up_ns = now_ns;
	if (now_ns - g_archive.up_ns > LATE_S * NS_PER_S)
		trouble = "tandem-archive does not run: the log says why";
	health_set_reason(&n->web->health, HEALTH_ARCHIVE,
			  n->settings->archive.enabled ? trouble : "");
}

/* Streams keep what waits for the archive. */
static void archive_hold(struct node *n)
{
	const struct settings_archive *a = &n->settings->archive;
	uint32_t most = a->enabled ? a->stream_max : 0;

	if (!n->redis->store || g_archive.held == most)
		return;
	store_streams_hold(n->redis->store, most);
	g_archive.held = most;
}

void archive_second(struct node *n, uint64_t now_ns)
{
	struct child *c = &g_archive.child;

	archive_hold(n);
	if (!c->wanted && child_runs(c))
		child_close(c);
	if (!g_archive.finder.wanted && child_runs(&g_archive.finder))
		child_close(&g_archive.finder);
	archive_reader_look(n);
	archive_shards_look(n);
	if (g_archive.stale && child_runs(c))
		archive_terms_send(n);
	metric_set(g_archive_metrics.reads, child_runs(c) && g_archive.reads);
	if (c->wanted)
		archive_health(n, now_ns);
	else
		health_set_reason(&n->web->health, HEALTH_ARCHIVE, NULL);
}

uint32_t archive_reader_epoch(void)
{
	return g_archive.reads && child_runs(&g_archive.child) ? g_archive.epoch : 0;
}

/* ---- requests ---- */

/* Calls wait for who calls: that goes by a process of its own. */
static struct child *archive_child_of(const char *request)
{
	return strcmp(request, "contact.find") != 0 ? &g_archive.child : &g_archive.finder;
}

/* A request to the node that reads: without archive.url its archive counts. */
struct archive_far {
	struct others_ticket ticket;
	struct node *node;
	char id[FAR_ID_MAX];
	child_answer_fn *done;
	void *arg;
};

static void far_on_answer(struct others_ticket *t, struct bytes text)
{
	struct archive_far *far = CONTAINER_OF(t, struct archive_far, ticket);
	json_t *answer = text.p ? json_loadb((const char *)text.p, text.n, 0, NULL) : NULL;
	const json_t *result = json_object_get(answer, "result");
	const char *why =
		json_string_value(json_object_get(json_object_get(answer, "error"), "message"));

	far->done(far->node, result,
		  result ? NULL
		  : why  ? why
			 : "the node with the archive does not answer",
		  far->arg);
	json_decref(answer);
	free(far);
}

static bool far_request(struct node *n, const char *name, json_t *args, uint32_t ms,
			child_answer_fn *done, void *arg)
{
	struct archive_far *far = calloc(1, sizeof(*far));
	json_t *all = json_pack("{s:s, s:s, s:o}", "node", g_archive.counts, "request", name,
				"args", args);
	char *text = all ? json_dumps(all, JSON_COMPACT) : NULL;
	struct others_question q = { .command = "archive.query", .args = text, .ttl_ms = "10000" };
	bool sent = false;

	if (far && text && n->api.others) {
		*far = (struct archive_far){ .node = n, .done = done, .arg = arg };
		(void)snprintf(far->id, sizeof(far->id), "archive-%016" PRIx64,
			       rand_u64_from(&n->rand));
		far->ticket = (struct others_ticket){ .id = far->id,
						      .until_ns = clock_now_ns() + ms * NS_PER_MS,
						      .done = far_on_answer };
		q.id = far->id;
		sent = others_request(n->api.others, &far->ticket, &q);
	}
	if (!sent)
		free(far);
	free(text);
	json_decref(all);
	return sent;
}

bool archive_query_send(struct node *n, const char *name, json_t *args, uint16_t tenant,
			uint32_t ms, child_answer_fn *done, void *arg)
{
	if (!g_archive.counts[0])
		archive_reader_look(n);
	if (!n->settings->archive.enabled || !g_archive.counts[0]) {
		json_decref(args);
		return false;
	}
	if (!g_archive.reads && !n->settings->archive.url[0])
		return far_request(n, name, args, ms, done, arg);
	if (g_archive.stale && child_runs(&g_archive.child))
		archive_terms_send(n);
	return child_query(archive_child_of(name),
			   json_pack("{s:s, s:o}", "kind", name, "args", args), tenant,
			   clock_now_ns() + ms * NS_PER_MS, done, arg);
}

/* ---- commands ---- */

struct archive_wait {
	uint64_t ticket;
	archive_run_fn *done;
};

static void run_on_answer(struct node *n, const json_t *result, const char *why, void *arg)
{
	struct archive_wait *wait = arg;
	struct command_run *run = waiting_pop(n->api.waiting, wait->ticket);
	archive_run_fn *done = wait->done;
	const char *code = json_string_value(json_object_get(result, "error"));

	free(wait);
	if (!run)
		return;
	if (!result)
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "%s", why);
	else if (code)
		command_fail(run, command_error_named(code), NULL, "%s", json_text(result, "why"));
	else if (done)
		done(run, json_object_get(result, "result"));
	else
		command_answer(run, json_incref(json_object_get(result, "result")));
}

void archive_run(struct command_run *run, const char *name, json_t *args, archive_run_fn *done)
{
	struct node *n = run->node;
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(run->tenant));
	struct archive_wait *wait = malloc(sizeof(*wait));
	uint64_t ticket;

	if (!n->settings->archive.enabled || !wait || !args) {
		json_decref(args);
		free(wait);
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "the archive is off: archive.enabled in the node file");
		return;
	}
	ticket = waiting_put(n->api.waiting, run);
	if (!ticket) {
		json_decref(args);
		free(wait);
		command_fail(run, COMMAND_BUSY, NULL, "too many questions at once");
		return;
	}
	*wait = (struct archive_wait){ ticket, done };
	if (archive_query_send(n, name, args, tenant, ANSWER_MS, run_on_answer, wait))
		return;
	free(wait);
	run = waiting_pop(n->api.waiting, ticket);
	if (run)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "the process of the archive does not run, or has too much to do");
}

/* Another node asks: its run has been checked there. */
static void query_on_answer(struct node *n, const json_t *result, const char *why, void *arg)
{
	struct command_run *run = waiting_pop(n->api.waiting, (uint64_t)(uintptr_t)arg);

	if (run && result)
		command_answer(run, json_deep_copy(result));
	else if (run)
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "%s", why);
}

void command_archive_query(struct command_run *run)
{
	const char *request = json_text(run->args, "request");
	struct child *c = archive_child_of(request);
	struct node *n = run->node;
	uint64_t ticket;

	if (!child_runs(c)) {
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "the process of the archive does not run");
		return;
	}
	ticket = waiting_put(n->api.waiting, run);
	if (!ticket)
		command_fail(run, COMMAND_BUSY, NULL, "too many questions at once");
	else if (!child_query(c,
			      json_pack("{s:s, s:O}", "kind", request, "args",
					json_object_get(run->args, "args")),
			      0, clock_now_ns() + ANSWER_MS * NS_PER_MS, query_on_answer,
			      (void *)(uintptr_t)ticket) &&
		 (run = waiting_pop(n->api.waiting, ticket)) != NULL)
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "the process of the archive has too much to do");
}
