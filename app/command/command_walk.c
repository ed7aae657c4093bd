/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/command/command_handlers.h"
#include "app/command/command_walk.h"
#include "app/node/node.h"
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
	return span_time_read(run, "since", false, &out->since_utc_ms) &&
	       span_time_read(run, "until", true, &out->until_utc_ms);
}

bool command_span_has(const struct command_span *s, uint64_t utc_ms)
{
	return utc_ms >= s->since_utc_ms && utc_ms <= s->until_utc_ms;
}

bool command_span_is_of(const struct command_span *s, const char *from, const char *to)
{
	return !s->number.n || bytes_is(s->number, from) || bytes_is(s->number, to);
}

static json_int_t newest_time(const json_t *list, size_t i, const char *time)
{
	return json_integer_value(json_object_get(json_array_get(list, i), time));
}

void command_newest_put(json_t *list, json_t *entry, const char *time, size_t most)
{
	json_int_t at = json_integer_value(json_object_get(entry, time));
	size_t from = 0, to = json_array_size(list);

	/* behind those that are as new */
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (newest_time(list, middle, time) >= at)
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

	for (; at->shard < n->shards.count; command_walk_past(at)) {
		if (n->shards.list[at->shard].state == NODE_SHARD_LIVE)
			return n->shards.list[at->shard].core;
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
	struct command_walk *w, **last = &run->node->api.walks;
	struct command_span span;

	if (!command_span_read(run, &span))
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
	(void)json_array_insert_new(w->list, i, command_row(entry.json));
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
	uint64_t until_ns = n->api.walks ? clock_now_ns() + TURN_NS : 0;

	while (n->api.walks) {
		struct command_walk *w = n->api.walks, **last = &n->api.walks;

		if (walk_turn(w, until_ns)) {
			n->api.walks = w->next;
			command_answer_rows(w->run, w->list);
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
		json_decref(w->list);
		command_fail(w->run, COMMAND_UNAVAILABLE, NULL, "the node stops");
		free(w);
	}
}
