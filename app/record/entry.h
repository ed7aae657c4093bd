/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all nodes know of a finished recording: a JSON object in Redis (docs/keys.md), made of its sidecar and of what became of it. Nothing
 * in it is secret. Pure.
 */
#ifndef APP_RECORD_ENTRY_H
#define APP_RECORD_ENTRY_H

#include <jansson.h>

#include "base/bytes.h"

enum { ENTRY_MAX = 8192, ENTRY_STORED_MAX = 8, ENTRY_MAILBOX_MAX = 63 };
/* Before the name of a mailbox, where recordings are found by it as by a party. */
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

/* What of a sidecar stands in it: adds that to json. */
void entry_facts(json_t *json, const json_t *sidecar);
/* It, or a sidecar, names that party. */
bool entry_is_of(const json_t *json, const char *party);
/* Likewise: it lies in that mailbox, and somebody has heard it. */
bool entry_lies_in(const json_t *json, const char *mailbox);
bool entry_is_heard(const json_t *json);
/* It began in that time. args: of a command, with those times, or without. */
#define ENTRY_SINCE_DAY "since_day" /* their days, by which there are folders */
#define ENTRY_UNTIL_DAY "until_day"
#define ENTRY_SINCE_MS  "since_ms"
#define ENTRY_UNTIL_MS  "until_ms"
bool entry_is_between(const json_t *json, const json_t *args);
/* Neither deleted nor lost. */
bool entry_is_there(const json_t *json);
/*
 * The segments of a message are one row of a list, that of the first (docs/api.md). Names are TENANT/DATE/FILE. entry_stem: what those of one
 * recording have in common in FILE. Part: json, of that name, is another segment of the message which has the name first.
 */
struct bytes entry_stem(const char *name);
bool entry_is_message(const json_t *json);
bool entry_is_part(const char *first, const char *name, const json_t *json);
/* What a part says becomes what its row says. */
void entry_add_part(json_t *row, const json_t *part);
/* Rows as entries come that are added the last name first: so a row is put when that of another recording comes, or at the end. */
struct entry_list {
	json_t *rows;
	size_t most;
	json_t *segments; /* no row yet, the last one first */
	bool wanted;      /* the row that they are */
};
void entry_list_begin(struct entry_list *l, size_t most);
/* json is stolen. wanted: if it is the first of its recording. */
void entry_list_add(struct entry_list *l, json_t *json, bool wanted);
bool entry_list_is_full(const struct entry_list *l);
/* The rows, which are the caller's. */
json_t *entry_list_end(struct entry_list *l);
/* Of the recording of that name (TENANT/DATE/FILE): what is known to this program, or NULL: it is not what a node writes, or memory is out. */
json_t *entry_parse(struct bytes name, struct bytes text);
/* malloc'ed text; NULL: it is too long, or memory is out. */
char *entry_write(const json_t *json);

#endif
