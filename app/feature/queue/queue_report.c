/* SPDX-License-Identifier: Apache-2.0 */
/* queue.report: how calls went through queues, and what agents did, out of the archive's events:
 * queue.joined, queue.left, queue.ended, agent.state and agent.disposition. They are those of all
 * nodes, so the sums are the same at each, wherever calls went. The newest event is read first: a
 * state of an agent lasts until the one that was read before. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/feature/queue/queue.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "base/json_member.h"

enum {
	REPORT_EVENTS_MAX = 200000,
	QUEUE_FIGURES_MAX = 5000,
	QUARTER_MS = 900000,
	BEFORE_MS = 86400000, /* a state that began before the range by so long counts, too */
};

#define X(word) word,
static const char *const g_queue_figures[] = { QUEUE_REPORT_NUMBERS(X) };
#undef X
enum {
	SUM_OFFERED,
	SUM_ANSWERED,
	SUM_IN_TIME,
	SUM_ABANDONED,
	SUM_SHORT,
	SUM_OTHER,
	SUM_DISPOSED,
	SUM_WAIT,
	SUM_WAIT_MAX,
	SUM_TALK,
	SUM_READY,
	SUM_NOT_READY,
	SUM_WRAPUP,
	SUMS
};
static_assert(COUNT_OF(g_queue_figures) == SUMS, "a name for each");

/* ---- sums ---- */

struct queue_report {
	struct command_run *run;
	json_t *sums, *until; /* until: of each agent, when the state ended that is read next */
	json_t *disposed;     /* calls of which a later event said what came of them */
	struct bytes only;    /* that queue; empty: all */
	const char *by;
	int64_t since_ms, until_ms;
};

static struct queue_report report_of(struct command_run *run)
{
	const json_t *report = json_object_get(run->args, "report");

	return (struct queue_report){ run,
				      json_object_get(report, "sums"),
				      json_object_get(report, "until"),
				      json_object_get(report, "disposed"),
				      command_value(run, "queue")->text,
				      json_text(run->args, "by"),
				      json_integer_value(json_object_get(report, "since_ms")),
				      json_integer_value(json_object_get(report, "until_ms")) };
}

static void quarter_text(char out[24], int64_t ms)
{
	time_t s = (time_t)(ms / QUARTER_MS * QUARTER_MS / 1000);
	struct tm tm;

	if (!gmtime_r(&s, &tm) || !strftime(out, 24, "%Y-%m-%dT%H:%MZ", &tm))
		out[0] = '\0';
}

static void queue_figures_add(const struct queue_report *r, const char *key, int sum,
			      int64_t number)
{
	json_t *row = json_object_get(r->sums, key);
	json_int_t before;

	if (!*key)
		return;
	if (!row && json_object_size(r->sums) < QUEUE_FIGURES_MAX) {
		row = json_array();
		for (int i = 0; i < SUMS; i++)
			(void)json_array_append_new(row, json_integer(0));
		(void)json_object_set_new(r->sums, key, row);
		row = json_object_get(r->sums, key);
	}
	before = json_integer_value(json_array_get(row, (size_t)sum));
	number = sum != SUM_WAIT_MAX ? before + number : number > before ? number : before;
	(void)json_array_set_new(row, (size_t)sum, json_integer(number));
}

/* ---- calls ---- */

static void report_call(const struct queue_report *r, const json_t *event)
{
	const char *type = json_text(event, "type"), *reason = json_text(event, "reason");
	const char *key = json_text(event, r->by);
	int64_t wait_s = strtoll(json_text(event, "queue_wait_s"), NULL, 10);
	char quarter[24];

	if (!strcmp(r->by, "reason") || !strcmp(r->by, "disposition")) /* of agents */
		return;
	if (!strcmp(r->by, "quarter")) {
		quarter_text(quarter, (int64_t)json_count(event, "utc_ms"));
		key = quarter;
	}
	if (!strcmp(type, "queue.joined")) {
		queue_figures_add(r, key, SUM_OFFERED, 1);
	} else if (!strcmp(type, "queue.ended")) {
		queue_figures_add(r, key, SUM_TALK, (int64_t)json_count(event, "ms"));
	} else if (!strcmp(type, "queue.left") && !strcmp(reason, "answered")) {
		queue_figures_add(r, key, SUM_ANSWERED, 1);
		queue_figures_add(r, key, SUM_IN_TIME,
				  wait_s <= (int64_t)command_value(r->run, "within_s")->number);
		queue_figures_add(r, key, SUM_WAIT, wait_s);
		queue_figures_add(r, key, SUM_WAIT_MAX, wait_s);
	} else if (!strcmp(type, "queue.left") && strcmp(reason, "abandoned") != 0) {
		queue_figures_add(r, key, SUM_OTHER, 1);
	} else if (!strcmp(type, "queue.left")) {
		queue_figures_add(r, key,
				  wait_s < (int64_t)command_value(r->run, "short_s")->number
					  ? SUM_SHORT
					  : SUM_ABANDONED,
				  1);
	}
}

/* What came of a call: the last word of it, which is read first. */
static void report_disposition(const struct queue_report *r, const json_t *event)
{
	const char *call = json_text(event, "call");
	bool by_disposition = !strcmp(r->by, "disposition");
	char quarter[24];

	if (!strcmp(r->by, "reason") || json_object_get(r->disposed, call))
		return;
	(void)json_object_set_new(r->disposed, call, json_true());
	quarter_text(quarter, (int64_t)json_count(event, "utc_ms"));
	queue_figures_add(r,
			  !strcmp(r->by, "quarter")
				  ? quarter
				  : json_text(event, by_disposition ? "reason" : r->by),
			  SUM_DISPOSED, 1);
}

/* ---- agents ---- */

/* An agent is in a state since then. queue, wrap_ms: of AGENT_WRAPUP, which ends by itself behind
 * that time; 0: it does not. */
struct stay {
	const char *number, *state, *reason, *queue;
	int64_t from_ms, wrap_ms;
};

static bool report_has(const struct queue_report *r, const char *queue)
{
	return !r->only.n || bytes_is(r->only, queue);
}

static void report_times(const struct queue_report *r, const char *key, int sum, int64_t from_ms,
			 int64_t to_ms)
{
	char quarter[24];

	from_ms = from_ms > r->since_ms ? from_ms : r->since_ms;
	while (from_ms < to_ms) {
		int64_t part_ms = to_ms;

		if (!strcmp(r->by, "quarter")) {
			part_ms = (from_ms / QUARTER_MS + 1) * QUARTER_MS;
			part_ms = part_ms < to_ms ? part_ms : to_ms;
			quarter_text(quarter, from_ms);
			key = quarter;
		}
		queue_figures_add(r, key, sum, part_ms - from_ms);
		from_ms = part_ms;
	}
}

/* Who wraps up is ready: he works. */
static void report_state(const struct queue_report *r, const struct stay *s)
{
	const json_t *end = json_object_get(r->until, s->number);
	int64_t to_ms = end ? json_integer_value(end) : r->until_ms, wrapped_ms = s->from_ms;
	bool wraps = !strcmp(s->state, AGENT_WRAPUP), by_agent = !strcmp(r->by, "agent");
	bool ready = wraps || !strcmp(s->state, g_agent_states[AGENT_READY]);
	const char *word = ready ? g_agent_states[AGENT_READY] : s->reason;
	int sum = ready ? SUM_READY : SUM_NOT_READY;

	(void)json_object_set_new(r->until, s->number, json_integer(s->from_ms));
	if (!strcmp(s->state, g_agent_states[AGENT_OUT]) || !strcmp(r->by, "disposition"))
		return;
	if (wraps)
		wrapped_ms = s->wrap_ms && s->from_ms + s->wrap_ms < to_ms ? s->from_ms + s->wrap_ms
									   : to_ms;
	if (wraps && report_has(r, s->queue))
		report_times(r,
			     by_agent                  ? s->number
			     : !strcmp(r->by, "queue") ? s->queue
						       : AGENT_WRAPUP,
			     SUM_WRAPUP, s->from_ms, wrapped_ms);
	if (r->only.n || !strcmp(r->by, "queue"))
		return;
	word = *word ? word : g_agent_states[AGENT_NOT_READY];
	report_times(r, by_agent ? s->number : AGENT_WRAPUP, sum, s->from_ms, wrapped_ms);
	report_times(r, by_agent ? s->number : word, sum, wrapped_ms, to_ms);
}

/* Adds agents without a change of state since the range began, or shortly before. */
static void report_unchanged(const struct queue_report *r)
{
	const struct queues *x = queue_table(r->run->node);
	const struct queue_agent *a;
	uint32_t cursor = 0;

	while (x && (a = queues_agent_next(x, &cursor)) != NULL) {
		bool wraps = a->wraps && a->state == AGENT_READY;
		uint64_t ms = a->until_utc_ms == AGENT_UNTIL_READY ? 0 : a->until_utc_ms - a->epoch;

		if (a->tenant == document_tenant(r->run) && !json_object_get(r->until, a->number))
			report_state(
				r, &(struct stay){ a->number,
						   wraps ? AGENT_WRAPUP : g_agent_states[a->state],
						   a->reason, "", (int64_t)a->epoch, (int64_t)ms });
	}
}

/* ---- the answer ---- */

static json_t *queue_figures_row(const struct queue_report *r, const char *key, const json_t *sum)
{
	json_t *row = json_pack("{s:s}", r->by, key);
	json_int_t ready_ms = json_integer_value(json_array_get(sum, SUM_READY));
	json_int_t talk_ms = json_integer_value(json_array_get(sum, SUM_TALK));
	json_int_t wrapup_ms = json_integer_value(json_array_get(sum, SUM_WRAPUP));

	for (size_t i = 0; row && i < SUMS; i++) {
		json_int_t number = json_integer_value(json_array_get(sum, i));

		(void)json_object_set_new(row, g_queue_figures[i],
					  json_integer(i < SUM_TALK ? number : number / 1000));
	}
	if (row && ready_ms)
		(void)json_object_set_new(row, "occupancy_percent",
					  json_integer(100 * (talk_ms + wrapup_ms) / ready_ms));
	return row;
}

static int row_order(const void *one, const void *other)
{
	return strcmp(*(const char *const *)one, *(const char *const *)other);
}

static void queue_figures_answer(struct command_run *run)
{
	struct queue_report r = report_of(run);
	size_t n = json_object_size(r.sums), i = 0;
	const char **keys, *key;
	json_t *rows = json_array(), *sum;

	report_unchanged(&r);
	n = json_object_size(r.sums);
	keys = calloc(n + 1, sizeof(*keys));
	json_object_foreach(r.sums, key, sum)
	{
		if (keys)
			keys[i++] = key;
	}
	if (keys)
		qsort(keys, i, sizeof(*keys), row_order);
	for (size_t k = 0; k < i; k++)
		(void)json_array_append_new(
			rows, queue_figures_row(&r, keys[k], json_object_get(r.sums, keys[k])));
	free(keys);
	command_answer(run, json_pack("{s:s, s:I, s:I, s:o}", "by", r.by, "since_utc_ms",
				      (json_int_t)r.since_ms, "until_utc_ms",
				      (json_int_t)r.until_ms, "rows", rows));
}

/* ---- events ---- */

static void report_event(struct command_run *run, const json_t *event)
{
	const struct queue_report of = report_of(run), *r = &of;
	const char *type = json_text(event, "type");
	int64_t at_ms = (int64_t)json_count(event, "utc_ms");

	if (!strcmp(type, "agent.state"))
		report_state(r,
			     &(struct stay){ json_text(event, "to"), json_text(event, "state"),
					     json_text(event, "reason"), json_text(event, "queue"),
					     at_ms, (int64_t)json_count(event, "ms") });
	else if (at_ms < r->since_ms || !report_has(r, json_text(event, "queue")))
		return;
	else if (!strcmp(type, "agent.disposition"))
		report_disposition(r, event);
	else
		report_call(r, event);
}

void queue_report(struct command_run *run)
{
	struct command_span span;

	if (!command_span_read_past(run, &span))
		return;
	(void)json_object_set_new(run->args, "report",
				  json_pack("{s:{}, s:{}, s:{}, s:I, s:I}", "sums", "until",
					    "disposed", "since_ms", (json_int_t)span.since_utc_ms,
					    "until_ms", (json_int_t)span.until_utc_ms));
	queue_events_read(
		run, &(struct queue_events){ .each = report_event,
					     .end = queue_figures_answer,
					     .since_ms = (int64_t)span.since_utc_ms - BEFORE_MS,
					     .until_ms = (int64_t)span.until_utc_ms,
					     .most = REPORT_EVENTS_MAX });
}
