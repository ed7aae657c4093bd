/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks all calls, registrations, subscriptions or documents of a node for a list command, in turns
 * of a millisecond per round of the loop. First the walk chooses the rows of the page by rank, then
 * it makes their JSON; an entry that ends in between is left out. Parsing of times and spans is
 * here too, as every such list has them.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/command/command_walk.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "base/clock.h"

enum { MS_PER_S = 1000, S_PER_MIN = 60, S_PER_DAY = 86400 };

static int time_digits_read(struct bytes *rest, size_t n, unsigned from, unsigned to, int *out)
{
	struct bytes text = bytes_sub(*rest, 0, n);
	uint64_t number;

	if (text.n != n || bytes_u64(text, &number) || number < from || number > to)
		return -EINVAL;
	*rest = bytes_from(*rest, n);
	*out = (int)number;
	return 0;
}

static int time_mark_read(struct bytes *rest, char mark)
{
	if (!rest->n || rest->p[0] != (uint8_t)mark)
		return -EINVAL;
	*rest = bytes_from(*rest, 1);
	return 0;
}

/* 90s, 30m, 12h, 7d. */
static int ago_read(struct bytes text, uint64_t now_utc_ms, uint64_t *utc_ms)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', S_PER_MIN }, { 'h', 60 * S_PER_MIN }, { 'd', S_PER_DAY } };
	uint64_t number, ago_ms;

	if (text.n < 2 || bytes_u64(bytes_sub(text, 0, text.n - 1), &number) || number > UINT32_MAX)
		return -EINVAL;
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (text.p[text.n - 1] != (uint8_t)units[i].unit)
			continue;
		ago_ms = number * units[i].seconds * MS_PER_S;
		*utc_ms = ago_ms < now_utc_ms ? now_utc_ms - ago_ms : 0;
		return 0;
	}
	return -EINVAL;
}

/* THH:MM, with :SS behind or without. What it names lasts so many seconds. */
static int time_hour_read(struct bytes *rest, struct tm *tm, uint64_t *lasts_s)
{
	if (time_mark_read(rest, 'T') || time_digits_read(rest, 2, 0, 23, &tm->tm_hour) ||
	    time_mark_read(rest, ':') || time_digits_read(rest, 2, 0, 59, &tm->tm_min))
		return -EINVAL;
	*lasts_s = S_PER_MIN;
	if (time_mark_read(rest, ':'))
		return 0;
	*lasts_s = 1;
	return time_digits_read(rest, 2, 0, 59, &tm->tm_sec);
}

int command_time_read(struct bytes text, uint64_t now_utc_ms, bool last, uint64_t *utc_ms)
{
	struct tm tm = { .tm_mday = 0 };
	uint64_t lasts_s = S_PER_DAY;
	struct bytes rest = text;
	int month, day;

	if (!ago_read(text, now_utc_ms, utc_ms))
		return 0;
	if (time_digits_read(&rest, 4, 1970, 9999, &tm.tm_year) || time_mark_read(&rest, '-') ||
	    time_digits_read(&rest, 2, 1, 12, &month) || time_mark_read(&rest, '-') ||
	    time_digits_read(&rest, 2, 1, 31, &day))
		return -EINVAL;
	if (rest.n && time_hour_read(&rest, &tm, &lasts_s))
		return -EINVAL;
	if (lasts_s < S_PER_DAY)
		(void)time_mark_read(&rest, 'Z');
	tm.tm_year -= 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	*utc_ms = (uint64_t)timegm(&tm) * MS_PER_S;
	if (rest.n || tm.tm_mday != day)
		return -EINVAL; /* 30 February is made 2 March */
	if (last)
		*utc_ms += lasts_s * MS_PER_S - 1;
	return 0;
}

static bool span_time_read(struct command_run *run, const char *name, bool last, uint64_t *utc_ms)
{
	const struct command_value *value = command_value(run, name);

	if (!value->given || !command_time_read(value->text, clock_utc_ms(), last, utc_ms))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, name,
		     "%s must be a day such as 2026-11-25, a time of UTC such as 2026-11-25T20:30, "
		     "or how long ago: 90s, 30m, 12h, 7d",
		     name);
	return false;
}

bool command_span_read(struct command_run *run, struct command_span *out)
{
	*out = (struct command_span){ .until_utc_ms = UINT64_MAX };
	if (command_arg_find(run->command, BYTES_LIT("number")) &&
	    command_value(run, "number")->given)
		out->number = command_value(run, "number")->text;
	if (!command_arg_find(run->command, BYTES_LIT("since")))
		return true;
	return span_time_read(run, "since", false, &out->since_utc_ms) &&
	       span_time_read(run, "until", true, &out->until_utc_ms);
}

bool command_span_read_past(struct command_run *run, struct command_span *out)
{
	uint64_t now_ms = clock_utc_ms();

	if (!command_span_read(run, out))
		return false;
	if (out->until_utc_ms > now_ms)
		out->until_utc_ms = now_ms;
	if (out->since_utc_ms > out->until_utc_ms)
		out->since_utc_ms = out->until_utc_ms;
	return true;
}

bool command_span_has(const struct command_span *s, uint64_t utc_ms)
{
	return utc_ms >= s->since_utc_ms && utc_ms <= s->until_utc_ms;
}

bool command_span_is_of(const struct command_span *s, const char *from, const char *to)
{
	return !s->number.n || bytes_is(s->number, from) || bytes_is(s->number, to);
}

void command_newest_put(json_t *list, json_t *entry, const char *time, size_t most)
{
	json_int_t at = json_integer_value(json_object_get(entry, time));
	size_t from = 0, to = json_array_size(list);

	/* behind those that are as new */
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (json_integer_value(json_object_get(json_array_get(list, middle), time)) >= at)
			from = middle + 1;
		else
			to = middle;
	}
	if (from < most)
		(void)json_array_insert_new(list, from, entry);
	else
		json_decref(entry);
	if (json_array_size(list) > most)
		(void)json_array_remove(list, most);
}

#define TURN_NS NS_PER_MS

struct command_walk {
	struct command_walk *next; /* that waits for its turn */
	struct command_run *run;
	command_walk_fn *look;
	struct command_span span;
	struct command_walk_at at;
	bool chosen; /* all were looked at: the list is written */
	bool failed;
};

struct shard *command_walk_shard(const struct command_run *run, struct command_walk_at *at)
{
	const struct node *n = run->node;

	for (; at->shard < n->shards->count; command_walk_past(at)) {
		if (n->shards->list[at->shard].state == NODE_SHARD_LIVE)
			return n->shards->list[at->shard].core;
	}
	return NULL;
}

void command_walk_past(struct command_walk_at *at)
{
	*at = (struct command_walk_at){ .shard = at->shard + 1 };
}

/* after: a cursor that clients write themselves. */
static void walk_after(struct command_run *run)
{
	struct command_list *l = run->list;

	if (l->goes_on || l->sort[0] || !command_arg_find(run->command, BYTES_LIT("after")) ||
	    !command_value(run, "after")->text.n)
		return;
	l->after = (struct list_rank){ .kind = LIST_NUMBER };
	l->goes_on =
		!bytes_cstr(command_value(run, "after")->text, l->after.key, sizeof(l->after.key));
}

void command_walk_start(struct command_run *run, command_walk_fn *look)
{
	struct command_walk *w, **last = &run->node->api.walks;
	struct command_span span;

	assert(run->list);
	if (!command_span_read(run, &span))
		return;
	w = calloc(1, sizeof(*w));
	if (!w) {
		command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
		return;
	}
	*w = (struct command_walk){ .run = run, .look = look, .span = span };
	walk_after(run);
	while (*last)
		last = &(*last)->next;
	*last = w;
}

static void walk_rank(const struct command_list *l, const struct command_walk_entry *entry,
		      struct list_rank *out)
{
	if (l->sort[0]) {
		list_rank_row(l, entry->json, out);
	} else {
		*out = (struct list_rank){ .kind = LIST_NUMBER, .number = (double)entry->utc_ms };
		memcpy(out->key, entry->key, sizeof(out->key));
	}
}

/* Keeps the row if it is needed now; else it is made when it is shown. */
static void walk_choose(struct command_walk *w)
{
	struct command_list *l = w->run->list;
	struct command_walk_entry entry = { 0 };
	struct list_row row = { 0 };

	w->chosen = !w->look(w->run, &w->span, &w->at, list_needs_rows(l), &entry);
	if (!w->chosen && entry.wanted && list_wants(l, entry.json)) {
		walk_rank(l, &entry, &row.rank);
		if (list_has_place(l, &row.rank)) {
			row.shard = w->at.shard;
			row.place = w->at.place - 1;
			if (entry.json)
				row.text = command_row(json_incref(entry.json));
			w->failed |= !list_put(l, &row);
		}
	}
	json_decref(entry.json);
}

/* An entry that ended meanwhile is left out, and so is a new one at its place. */
static json_t *walk_row(const struct command_walk *w, const struct list_row *row)
{
	struct command_walk_at at = { row->shard, row->place };
	struct command_walk_entry entry = { 0 };

	if (row->text)
		return row->text;
	if (w->look(w->run, &w->span, &at, true, &entry) && at.shard == row->shard &&
	    at.place == row->place + 1 && entry.json && !strcmp(entry.key, row->rank.key))
		return command_row(entry.json);
	json_decref(entry.json);
	return NULL;
}

/* False: that was the last one. */
static bool walk_show(struct command_walk *w)
{
	struct list_row row;

	if (!list_pop(w->run->list, &row))
		return false;
	list_show(w->run->list, walk_row(w, &row));
	return true;
}

/* False: its time is over. */
static bool walk_turn(struct command_walk *w, uint64_t until_ns)
{
	do {
		if (clock_now_ns() >= until_ns)
			return false;
		if (!w->chosen)
			walk_choose(w);
	} while (!w->chosen || walk_show(w));
	return true;
}

void command_walks_round(struct node *n)
{
	uint64_t until_ns = n->api.walks ? clock_now_ns() + TURN_NS : 0;

	while (n->api.walks) {
		struct command_walk *w = n->api.walks, **last = &n->api.walks;

		if (walk_turn(w, until_ns)) {
			n->api.walks = w->next;
			command_answer_rows(w->run, w->failed ? NULL : list_end(w->run->list));
			free(w);
			continue;
		}
		/* the others have their turns first */
		n->api.walks = w->next;
		w->next = NULL;
		while (*last)
			last = &(*last)->next;
		*last = w;
		return;
	}
}

void command_walks_drop(struct node *n)
{
	while (n->api.walks) {
		struct command_walk *w = n->api.walks;

		n->api.walks = w->next;
		command_fail(w->run, COMMAND_UNAVAILABLE, NULL, "the node stops");
		free(w);
	}
}

bool command_document_look(const struct command_run *run, const struct command_span *span,
			   struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	struct snapshot_document d;

	(void)span;
	if (!mirror_next(&run->node->api.documents->keep.mirror, &at->place, &d))
		return false;
	out->wanted = bytes_is(d.tenant, run->tenant) &&
		      bytes_is(d.kind, run->command->documents->name) &&
		      !bytes_cstr(d.name, out->key, sizeof(out->key));
	/* of a user's own alone: another one's has no view */
	show |= run->user[0] && run->command->documents->owner;
	out->json = show && out->wanted ? document_view_stored(run, d.name) : NULL;
	out->wanted &= !show || out->json;
	return true;
}

void command_document_list(struct command_run *run)
{
	command_walk_start(run, command_document_look);
}
