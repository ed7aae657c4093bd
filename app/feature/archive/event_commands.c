/* SPDX-License-Identifier: Apache-2.0 */
/* archive.list: a page of events of the archive goes through the common pages of lists. The rank
 * of a row is its time and its id. */

#include <stdio.h>

#include "app/archive/archive_entry.h"
#include "app/command/command_walk.h"
#include "app/document/directory.h"
#include "app/feature/archive/archive_ask.h"
#include "app/node/node.h"
#include "app/schema/list.h"
#include "base/clock.h"
#include "base/json_member.h"

static void event_rank(const json_t *row, struct list_rank *out)
{
	*out = (struct list_rank){ .kind = LIST_NUMBER,
				   .number = (double)json_count(row, "utc_ms") };
	(void)snprintf(out->key, sizeof(out->key), "%s", json_text(row, "id"));
}

static void event_on_page(struct command_run *run, const json_t *rows)
{
	struct command_list *l = run->list;
	struct list_row one = { .shard = 0 };
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		event_rank(row, &one.rank);
		if (!list_wants(l, row) || !list_has_place(l, &one.rank))
			continue;
		one.text = command_row(json_incref(row));
		(void)(one.text && list_put(l, &one));
	}
	if (i == LIST_LIMIT_MAX)
		list_stop(l, &one.rank);
	command_answer_rows(run, list_finish(l));
}

void command_archive_list(struct command_run *run)
{
	const struct command_list *l = run->list;
	int64_t kind = ARCHIVE_KIND_AUDIT + command_value(run, "kind")->number;
	/* security events are of no tenant */
	bool of_node = run->role == COMMAND_FOR_OPERATOR && !run->of_tenant &&
		       (command_value(run, "operators")->number || kind == ARCHIVE_KIND_SECURITY);
	uint64_t until_ms = clock_utc_ms() + 1000;
	struct command_span span;

	if (l->sort[0]) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "sort",
			     "these have the newest first, and no other order");
		return;
	}
	if (!command_span_read(run, &span))
		return;
	if (span.until_utc_ms < until_ms)
		until_ms = span.until_utc_ms;
	/* the cursor is the client's: behind a time before 1970 there is nothing */
	if (l->goes_on && (double)until_ms > l->after.number)
		until_ms = l->after.number > 0 ? (uint64_t)l->after.number : 0;
	archive_run(
		run, "event.list",
		json_pack("{s:s, s:I, s:I, s:I, s:s, s:i, s:O?}", "tenant",
			  of_node ? DIRECTORY_OPERATORS : run->tenant, "kind", (json_int_t)kind,
			  "until_ms", (json_int_t)until_ms, "since_ms",
			  (json_int_t)(span.since_utc_ms < until_ms ? span.since_utc_ms : until_ms),
			  "after",
			  l->goes_on && (double)until_ms >= l->after.number ? l->after.key : "",
			  "limit", (int)LIST_LIMIT_MAX, "object",
			  json_object_get(run->args, "object")),
		event_on_page);
}
