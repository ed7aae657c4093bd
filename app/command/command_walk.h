/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of what a node may have very many of: calls, registrations, subscriptions. Going through them takes turns of at most a millisecond, one
 * in each round of the loop, so that no call waits for a list. Control thread.
 */
#ifndef APP_COMMAND_COMMAND_WALK_H
#define APP_COMMAND_COMMAND_WALK_H

#include "app/schema/list.h"

/* What a list is narrowed by: a number, and from when until when. */

struct command_span {
	struct bytes number; /* empty: any */
	uint64_t since_utc_ms, until_utc_ms;
};

/*
 * A day (2026-11-25: its beginning), a time of it (2026-11-25T20:30, 2026-11-25T20:30:05, with Z behind or without; UTC), or how long ago
 * that is (90s, 30m, 12h, 7d). last: of a day, a minute or a second its end is meant. 0 or -EINVAL.
 */
int command_time_read(struct bytes text, uint64_t now_utc_ms, bool last, uint64_t *utc_ms);
/* The arguments since and until of the run, and number, where it has that one. False: it has failed. */
bool command_span_read(struct command_run *run, struct command_span *out);
bool command_span_has(const struct command_span *s, uint64_t utc_ms);
/* One of the two is that number, or there is none to be. */
bool command_span_is_of(const struct command_span *s, const char *from, const char *to);

/* Inserts an entry (its reference is stolen) into a list sorted newest first by that time; the oldest beyond most is dropped. */
void command_newest_put(json_t *list, json_t *entry, const char *time, size_t most);

/* Of an entry of a shard, or of all of them; all zero: the first one. */
struct command_walk_at {
	uint32_t shard, place;
};

struct command_walk_entry {
	bool wanted;
	uint64_t utc_ms; /* the list has the newest first; 0: it is in order of the keys */
	char key[LIST_KEY_MAX];
	json_t *json; /* if shown and wanted: a new reference, which the caller drops */
};

/* Looks at the entry of that place, or the next one that is there, and moves *at to the place behind it. False: none is left. show: its JSON
 * is asked for. */
typedef bool command_walk_fn(const struct command_run *run, const struct command_span *span,
			     struct command_walk_at *at, bool show, struct command_walk_entry *out);

/* Answers the run, of a list, with a page of what there is. It may have the arguments of command_span_read. */
void command_walk_start(struct command_run *run, command_walk_fn *look);
/* The shard of that place, or the next one that is here; NULL: none is left. */
struct shard *command_walk_shard(const struct command_run *run, struct command_walk_at *at);
/* To the next shard. */
void command_walk_past(struct command_walk_at *at);

/* A turn. */
void command_walks_round(struct node *n);
/* The node stops. */
void command_walks_drop(struct node *n);

#endif
