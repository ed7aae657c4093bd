/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/command_walk.h"

#include <stdlib.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/node/node.h"

#define TURN_NS NS_PER_MS

struct command_walk {
	struct command_walk *next; /* that waits for its turn */
	struct command_run *run;
	command_walk_fn *look;
	struct command_span span;
	struct command_walk_at at;
	bool chosen; /* all were looked at: the list is written */
	json_t *list;
	uint32_t most, count, shown;
	struct walk_row {
		uint64_t utc_ms;
		struct command_walk_at at;
	} rows[]; /* the newest of those that are wanted */
};

struct shard *command_walk_shard(const struct command_run *run, struct command_walk_at *at)
{
	const struct node *n = run->node;

	for (; at->shard < n->shard_count; command_walk_past(at)) {
		if (n->shards[at->shard].state == NODE_SHARD_LIVE)
			return n->shards[at->shard].core;
	}
	return NULL;
}

void command_walk_past(struct command_walk_at *at)
{
	*at = (struct command_walk_at){ .shard = at->shard + 1 };
}

void command_walk_start(struct command_run *run, command_walk_fn *look)
{
	uint32_t most = (uint32_t)command_limit(run);
	struct command_walk *w, **last = &run->node->walks;
	struct command_span span;

	if (!command_span_take(run, &span))
		return;
	w = calloc(1, sizeof(*w) + most * sizeof(w->rows[0]));
	if (!w) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	*w = (struct command_walk){
		.run = run, .look = look, .span = span, .list = json_array(), .most = most
	};
	while (*last)
		last = &(*last)->next;
	*last = w;
}

/* Behind those that are as new; the oldest one makes room. */
static void walk_put(struct command_walk *w, uint64_t utc_ms, struct command_walk_at at)
{
	uint32_t from = 0, to = w->count;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (w->rows[middle].utc_ms >= utc_ms)
			from = middle + 1;
		else
			to = middle;
	}
	if (from == w->most)
		return;
	if (w->count < w->most)
		w->count++;
	memmove(&w->rows[from + 1], &w->rows[from], (w->count - from - 1) * sizeof(w->rows[0]));
	w->rows[from] = (struct walk_row){ utc_ms, at };
}

static void walk_choose(struct command_walk *w)
{
	struct command_walk_entry entry = { 0 };

	w->chosen = !w->look(w->run, &w->span, &w->at, false, &entry);
	if (!w->chosen && entry.wanted)
		walk_put(w, entry.utc_ms, (struct command_walk_at){ w->at.shard, w->at.place - 1 });
}

/* One that has ended since then is left out. One that is newer by now, as a phone that has registered again, moves up: the first rows are of
 * what the list has already. */
static void walk_show(struct command_walk *w)
{
	struct command_walk_at place = w->rows[w->shown++].at, at = place;
	struct command_walk_entry entry = { 0 };
	size_t i = json_array_size(w->list);

	if (!w->look(w->run, &w->span, &at, true, &entry) || at.shard != place.shard ||
	    at.place != place.place + 1 || !entry.json) {
		json_decref(entry.json);
		return;
	}
	for (; i && w->rows[i - 1].utc_ms < entry.utc_ms; i--)
		w->rows[i] = w->rows[i - 1];
	w->rows[i].utc_ms = entry.utc_ms;
	(void)json_array_insert_new(w->list, i, entry.json);
}

/* False: its time is over. */
static bool walk_turn(struct command_walk *w, uint64_t until_ns)
{
	while (!w->chosen || w->shown < w->count) {
		if (clock_now_ns() >= until_ns)
			return false;
		if (w->chosen)
			walk_show(w);
		else
			walk_choose(w);
	}
	return true;
}

void command_walks_round(struct node *n)
{
	uint64_t until_ns = n->walks ? clock_now_ns() + TURN_NS : 0;

	while (n->walks) {
		struct command_walk *w = n->walks, **last = &n->walks;

		if (walk_turn(w, until_ns)) {
			n->walks = w->next;
			command_answer(w->run, w->list);
			free(w);
			continue;
		}
		/* the others have their turns first */
		n->walks = w->next;
		w->next = NULL;
		while (*last)
			last = &(*last)->next;
		*last = w;
		return;
	}
}

void command_walks_drop(struct node *n)
{
	while (n->walks) {
		struct command_walk *w = n->walks;

		n->walks = w->next;
		json_decref(w->list);
		command_fail(w->run, COMMAND_UNAVAILABLE, NULL, "the node stops");
		free(w);
	}
}
