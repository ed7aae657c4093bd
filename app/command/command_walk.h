/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of very many entries: calls, registrations, subscriptions. They are walked in turns of at
 * most a millisecond, one in each round of the loop, so that no call waits for a list. Control
 * thread.
 */
#ifndef APP_COMMAND_COMMAND_WALK_H
#define APP_COMMAND_COMMAND_WALK_H

#include "app/schema/list.h"

/* Filters of a list: a number, and a span of time. */

struct command_span {
	struct bytes number; /* empty: any */
	uint64_t since_utc_ms, until_utc_ms;
};

/* A day (2026-11-25: its beginning), a time of it (2026-11-25T20:30, 2026-11-25T20:30:05, with or
 * without Z; UTC), or how long ago (90s, 30m, 12h, 7d). last: the end of that day, minute or
 * second. 0 or -EINVAL. */
int command_time_read(struct bytes text, uint64_t now_utc_ms, bool last, uint64_t *utc_ms);
/* The arguments since, until and number of the run, as far as it has them. False: it has failed. */
bool command_span_read(struct command_run *run, struct command_span *out);
/* The same, of what was: it ends now at the latest, and begins at its end at the latest. */
bool command_span_read_past(struct command_run *run, struct command_span *out);
bool command_span_has(const struct command_span *s, uint64_t utc_ms);
/* One of the two is that number, or the span has none. */
bool command_span_is_of(const struct command_span *s, const char *from, const char *to);

/* Inserts an entry (reference stolen) into a list, newest first by that time;
 * drops the oldest beyond most. */
void command_newest_put(json_t *list, json_t *entry, const char *time, size_t most);

/* Place of an entry: its shard, and its place there; all zero: the first one. */
struct command_walk_at {
	uint32_t shard, place;
};

struct command_walk_entry {
	bool wanted;
	uint64_t utc_ms; /* the list has the newest first; 0: it is in order of the keys */
	char key[LIST_KEY_MAX];
	json_t *json; /* if shown and wanted: a new reference, which the caller drops */
};

/* Reads the entry at that place or the next one, and moves *at behind it. False: no more.
 * show: its JSON is wanted. */
typedef bool command_walk_fn(const struct command_run *run, const struct command_span *span,
			     struct command_walk_at *at, bool show, struct command_walk_entry *out);

/* Answers a list run with a page of its entries. It may have the arguments of command_span_read. */
void command_walk_start(struct command_run *run, command_walk_fn *look);
/* Documents of the command's kind, for lists that say more of each. */
command_walk_fn command_document_look;
/* The shard of that place, or the next one on this node; NULL: no more. */
struct shard *command_walk_shard(const struct command_run *run, struct command_walk_at *at);
/* To the next shard. */
void command_walk_past(struct command_walk_at *at);

/* A turn. */
void command_walks_round(struct node *n);
/* The node stops. */
void command_walks_drop(struct node *n);

#endif
