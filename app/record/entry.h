/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all nodes know of a finished recording: a JSON object in Redis (docs/keys.md), made of its
 * sidecar and its state. It has no secrets. Pure.
 */
#ifndef APP_RECORD_ENTRY_H
#define APP_RECORD_ENTRY_H

#include <jansson.h>

#include "base/bytes.h"

enum { ENTRY_MAX = 8192, ENTRY_STORED_MAX = 8, ENTRY_MAILBOX_MAX = 63 };
/* Prefix of a mailbox's name, which recordings are found by like a party. */
#define ENTRY_MAILBOX "mailbox:"

/* By their number; ends with NULL. */
enum entry_state {
	ENTRY_KEPT,
	ENTRY_WAITS,
	ENTRY_DELIVERED,
	ENTRY_DEAD,
	ENTRY_DELETED,
	ENTRY_LOST,
	ENTRY_STATES
};
extern const char *const g_entry_states[];

/* Copies the members of a sidecar that an entry has to json. */
void entry_facts(json_t *json, const json_t *sidecar);
/* It, or a sidecar, names that party. */
bool entry_is_of(const json_t *json, const char *party);
/* Likewise: it is in that mailbox, and was heard. */
bool entry_lies_in(const json_t *json, const char *mailbox);
bool entry_has_audio(const json_t *json);
/* It began in that time. args: of a command, with those times, or without. */
#define ENTRY_SINCE_DAY "since_day" /* their days, by which there are folders */
#define ENTRY_UNTIL_DAY "until_day"
#define ENTRY_SINCE_MS  "since_ms"
#define ENTRY_UNTIL_MS  "until_ms"
bool entry_is_between(const json_t *json, const json_t *args);
/* Neither deleted nor lost. */
bool entry_is_there(const json_t *json);
/* The segments of a message are one row of a list, the first one's (docs/api.md). Names are
 * TENANT/DATE/FILE. entry_stem: the part of FILE that segments of one recording share. Part: json,
 * with that name, is another segment of the message `first`. */
struct bytes entry_stem(const char *name);
bool entry_is_message(const json_t *json);
bool entry_is_part(const char *first, const char *name, const json_t *json);
/* Adds a part's facts to its row. */
void entry_add_part(json_t *row, const json_t *part);
/* Rows of entries that are added by descending name: a row is complete when the next recording's
 * entry comes, or at the end. */
struct entry_list {
	json_t *rows;
	size_t most;
	json_t *segments; /* of the next row, the last one first */
	bool wanted;      /* the row that they are */
};
void entry_list_start(struct entry_list *l, size_t most);
/* json is stolen. wanted: if it is the first of its recording. */
void entry_list_add(struct entry_list *l, json_t *json, bool wanted);
bool entry_list_is_full(const struct entry_list *l);
/* The rows, owned by the caller. */
json_t *entry_list_end(struct entry_list *l);
/* Parses the entry of TENANT/DATE/FILE: members that this program knows.
 * NULL: malformed, or no memory. */
json_t *entry_parse(struct bytes name, struct bytes text);
/* malloc'ed text; NULL: it is too long, or memory is out. */
char *entry_write(const json_t *json);

#endif
