/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive.list: a page of events of the archive goes through the common pages of lists. And
 * audit.list behind what Redis has: a row is in the same place of the list wherever it comes from,
 * by its time and its number in the stream, so one cursor leads through both.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/archive/archive_entry.h"
#include "app/command/command_request.h"
#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/feature/archive/archive_client.h"
#include "app/node/node.h"
#include "app/schema/list.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/json_member.h"

/* Sort keys have the form of command_cdr.c, as entries of the first stream. An entry without a
 * stream number sorts by our id, behind the others. */
#define KEY_HEAD    "00000."
#define KEY_UNKNOWN "~"
#define OWN_LAST    "g" /* behind all ids of ours, which are hexadecimal, in any collation */

enum { AUDIT_MS = 2000, SEQ_NOWHERE = -2 };

/* Takes from the row what is not shown. */
static void event_rank(json_t *row, struct list_rank *out)
{
	json_int_t seq = json_integer_value(json_object_get(row, ".seq"));

	*out = (struct list_rank){ .kind = LIST_NUMBER,
				   .number = (double)json_count(row, "utc_ms") };
	if (seq >= 0)
		(void)snprintf(out->key, sizeof(out->key), KEY_HEAD "%020" PRIu64,
			       UINT64_MAX - (uint64_t)seq);
	else
		(void)snprintf(out->key, sizeof(out->key), KEY_UNKNOWN "%s",
			       json_text(row, ".own"));
	(void)json_object_del(row, ".seq");
	(void)json_object_del(row, ".own");
}

/* False: there are as many as were asked for, and more behind the last. */
static bool event_rows_put(struct command_list *l, json_t *rows, struct list_rank *last)
{
	struct list_row one = { .shard = 0 };
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		event_rank(row, last);
		one.rank = *last;
		if (l->sort[0]) {
			list_rank_row(l, row, &one.rank);
			memcpy(one.rank.key, last->key, sizeof(last->key));
		}
		if (!list_wants(l, row) || !list_has_place(l, &one.rank))
			continue;
		one.text = command_row(json_incref(row));
		(void)(one.text && list_put(l, &one));
	}
	return i < LIST_LIMIT_MAX;
}

static void event_page_end(struct command_run *run, json_t *rows)
{
	struct list_rank last;
	bool all = event_rows_put(run->list, rows, &last);

	if (!all && run->list->sort[0]) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "sort",
			     "there are too many to sort: narrow them by since and until");
		return;
	}
	if (!all)
		list_stop(run->list, &last);
	command_answer_rows(run, list_finish(run->list));
}

static void event_on_page(struct command_run *run, const json_t *rows)
{
	json_t *own = json_deep_copy(rows);

	event_page_end(run, own);
	json_decref(own);
}

/* Behind that place, which a cursor may have: whatever it says. number: at most now. */
static void event_place(json_t *args, double number, const char *key)
{
	uint64_t ms = number > 0 ? (uint64_t)number : 0, left = 0;
	bool known = bytes_starts(bytes_str(key), KEY_HEAD) &&
		     !bytes_u64(bytes_from(bytes_str(key), strlen(KEY_HEAD)), &left) &&
		     UINT64_MAX - left <= INT64_MAX;

	(void)json_object_set_new(args, "until_ms", json_integer((json_int_t)ms));
	(void)json_object_set_new(args, "seq",
				  json_integer(known ? (json_int_t)(UINT64_MAX - left) : -1));
	(void)json_object_set_new(args, "after",
				  command_text_json(bytes_str(known   ? OWN_LAST
							      : !*key ? ""
								      : key + 1)));
}

/* What event.list needs; the caller's. */
static json_t *event_args(const struct command_run *run, const struct command_span *span,
			  const char *tenant, int64_t kind)
{
	uint64_t until_ms = clock_utc_ms() + 1000;
	json_t *args =
		json_pack("{s:s, s:I, s:i, s:O?, s:s, s:i}", "tenant", tenant, "kind",
			  (json_int_t)kind, "limit", (int)LIST_LIMIT_MAX, "object",
			  json_object_get(run->args, "object"), "after", "", "seq", SEQ_NOWHERE);

	if (span->until_utc_ms < until_ms)
		until_ms = span->until_utc_ms;
	(void)json_object_set_new(args, "until_ms", json_integer((json_int_t)until_ms + 1));
	(void)json_object_set_new(args, "since_ms",
				  json_integer((json_int_t)(span->since_utc_ms < until_ms
								    ? span->since_utc_ms
								    : until_ms)));
	return args;
}

void command_archive_list(struct command_run *run)
{
	const struct command_list *l = run->list;
	int64_t kind = ARCHIVE_KIND_AUDIT + command_value(run, "kind")->number;
	/* security events are of no tenant */
	bool of_node = run->role == COMMAND_FOR_OPERATOR && !run->of_tenant &&
		       (command_value(run, "operators")->number || kind == ARCHIVE_KIND_SECURITY);
	struct command_span span;
	json_t *args;

	if (l->sort[0]) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "sort",
			     "these have the newest first, and no other order");
		return;
	}
	if (!command_span_read(run, &span))
		return;
	args = event_args(run, &span, of_node ? DIRECTORY_OPERATORS : run->tenant, kind);
	if (l->goes_on && l->after.number <= (double)json_count(args, "until_ms"))
		event_place(args, l->after.number, l->after.key);
	archive_run(run, "event.list", args, event_on_page);
}

/* ---- the audit, behind what Redis has ---- */

static void audit_on_page(struct node *n, const json_t *result, const char *why, void *arg)
{
	struct command_run *run = waiting_pop(n->api.waiting, (uint64_t)(uintptr_t)arg);
	const json_t *rows = json_object_get(result, "result");

	(void)why;
	if (!run)
		return;
	if (!rows)
		run->list->missing = json_pack("[s]", "archive");
	event_on_page(run, rows);
}

/* The ticket is taken first, as the archive answers by it. */
bool archive_audit(struct command_run *run, const char *tenant, const struct list_rank *last)
{
	int64_t kind =
		command_value(run, "calls")->number ? ARCHIVE_KIND_AUDIT_CALLS : ARCHIVE_KIND_AUDIT;
	struct node *n = run->node;
	struct command_span span;
	uint64_t ticket;
	json_t *args;

	if (!n->settings->archive.enabled)
		return false;
	if (!command_span_read(run, &span))
		return true;
	if (last->kind == LIST_NOTHING && run->list->goes_on && !run->list->sort[0])
		last = &run->list->after;
	args = event_args(run, &span, tenant, kind);
	(void)json_object_del(args, "object"); /* a filter of the list, of all its octets */
	(void)json_object_set_new(args, "plain", json_true());
	if (last->kind != LIST_NOTHING && last->number <= (double)json_count(args, "until_ms"))
		event_place(args, last->number, last->key);
	ticket = waiting_put(n->api.waiting, run);
	if (!ticket) {
		json_decref(args);
		command_fail(run, COMMAND_BUSY, NULL, "too many questions at once");
		return true;
	}
	if (!archive_query_send(n, "event.list", args,
				tenants_find(n->common.tenants, bytes_str(run->tenant)), AUDIT_MS,
				audit_on_page, (void *)(uintptr_t)ticket))
		audit_on_page(n, NULL, NULL, (void *)(uintptr_t)ticket);
	return true;
}
