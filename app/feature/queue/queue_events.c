/* SPDX-License-Identifier: Apache-2.0 */
/* Reads events of queues and agents out of the archive, page by page from the newest one on, for
 * commands that add them up (queue.report) or write them down (queue.log). Each is told by
 * whichever node has the call, and is kept once, though a node that is killed tells it again.
 * Control thread. */

#include <stdlib.h>

#include "app/archive/archive_entry.h"
#include "app/feature/archive/archive_client.h"
#include "app/feature/queue/queue.h"
#include "base/json_member.h"

enum {
	EVENTS_PAGE = 1000,
	SEQ_ANY = -2, /* as of event.list: no place in a list */
};

static archive_run_fn events_on_page;

/* behind: the last event that was read; NULL: none yet. */
static void events_page(struct command_run *run, const json_t *behind)
{
	const struct queue_events *e = run->kept;
	json_int_t seq = behind ? json_integer_value(json_object_get(behind, ".seq")) : SEQ_ANY;
	json_int_t until_ms = behind ? (json_int_t)json_count(behind, "utc_ms") : e->until_ms + 1;

	archive_run(run, "event.list",
		    json_pack("{s:s, s:i, s:i, s:I, s:I, s:I, s:s}", "tenant", run->tenant, "kind",
			      ARCHIVE_KIND_AGENT, "limit", EVENTS_PAGE, "until_ms", until_ms,
			      "since_ms", (json_int_t)(e->since_ms > 0 ? e->since_ms : 0), "seq",
			      seq, "after",
			      !behind    ? ""
			      : seq >= 0 ? "g" /* behind all ids, which are hexadecimal */
					 : json_text(behind, ".own")),
		    events_on_page);
}

static void events_on_page(struct command_run *run, const json_t *rows)
{
	struct queue_events *e = run->kept;
	json_t *event;
	size_t i;

	json_array_foreach(rows, i, event) e->each(run, event);
	e->read += (uint32_t)i;
	if (i < EVENTS_PAGE)
		e->end(run);
	else if (e->read >= e->most)
		command_fail(run, COMMAND_BAD_ARGUMENT, "since",
			     "the range has more than %u events: narrow it by since and until",
			     e->most);
	else
		events_page(run, json_array_get(rows, i - 1));
}

void queue_events_read(struct command_run *run, const struct queue_events *of)
{
	struct queue_events *e = malloc(sizeof(*e));

	if (!e) {
		command_answer(run, NULL);
		return;
	}
	*e = *of;
	e->read = 0;
	run->kept = e;
	events_page(run, NULL);
}
