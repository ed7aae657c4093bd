/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists page by page: which rows, in which order, and where the next page begins. Any command NOUN.list takes limit, cursor, sort and the name of
 * a column, beside its own arguments. A cursor is the rank of the last row of a page: the next page has the rows behind that rank, whatever came
 * or went meanwhile. Only as many rows are kept as the page has. Pure.
 */
#ifndef APP_SCHEMA_LIST_H
#define APP_SCHEMA_LIST_H

#include "app/schema/command.h"

enum {
	LIST_FILTERS_MAX = 8,
	LIST_NAME_MAX = 48,
	LIST_VALUE_MAX = 160,
	LIST_KEY_MAX = 160,
	LIST_TEXT_MAX = 64, /* octets of a value that are compared */
	LIST_CURSOR_MAX = 640,
	LIST_LIMIT_MAX = 1000,
};

enum list_value { LIST_NOTHING, LIST_NUMBER, LIST_TEXT };

/* Where a row is in the list. */
struct list_rank {
	enum list_value kind; /* nothing comes first, texts last */
	double number;
	char text[LIST_TEXT_MAX];
	char key[LIST_KEY_MAX]; /* of the row alone; ascending, also where the list is not */
};

struct list_row {
	struct list_rank rank;
	uint32_t shard, place; /* where it lies; who shows rows later knows */
	json_t *text;          /* as command_row makes it, owned; NULL: it is shown later */
};

struct list_filter {
	char name[LIST_NAME_MAX], value[LIST_VALUE_MAX];
};

struct command_list {
	const struct command *command;
	char sort[LIST_NAME_MAX]; /* empty: its own order */
	bool down;                /* the highest first */
	bool goes_on;             /* behind: */
	struct list_rank after;
	bool has_floor; /* rows behind it were not looked at */
	struct list_rank floor;
	size_t most; /* SIZE_MAX: all */
	uint32_t filter_count;
	struct list_filter filters[LIST_FILTERS_MAX];
	struct list_row *rows; /* a heap: the last one in order is on top */
	size_t count, room;
	bool more;    /* some did not fit */
	json_t *page; /* texts, the last one first */
	struct list_rank last;
	char next[LIST_CURSOR_MAX]; /* the cursor of the next page; empty: there is none */
	json_t *missing;            /* names of nodes that did not answer; NULL: all did */
};

/* limit (of those that have no other), cursor, sort; ends with NULL. */
extern const struct command_arg g_list_args[];

bool list_is(const struct command *c);
/* A column of its rows. */
bool list_has(const struct command *c, struct bytes column);
/* One of g_list_args, or NULL. */
const struct command_arg *list_arg_find(struct bytes name);
/* An argument that lists have beside their own. */
bool list_takes(const struct command *c, struct bytes name);
/* 0, or -EINVAL and *error. out: to be closed. */
int list_open(struct command_list *out, const struct command *c, json_t *args,
	      struct command_error *error) NODISCARD;
void list_close(struct command_list *l);
/* Rows are needed before it is known which ones are wanted. */
bool list_needs_rows(const struct command_list *l);
/* As many rows as its source must give. */
size_t list_source(const struct command_list *l);

bool list_wants(const struct command_list *l, const json_t *row);
/* By a column of the row, as sort or the list's own order says. */
void list_rank_row(const struct command_list *l, const json_t *row, struct list_rank *out);
/* Below 0: a is first. */
int list_order(const struct command_list *l, const struct list_rank *a, const struct list_rank *b);
/* It is of this page, as far as is known by now. */
bool list_has_place(struct command_list *l, const struct list_rank *rank);
/* Takes the row's text. False: out of memory, and that is dropped. */
bool list_put(struct command_list *l, const struct list_row *row);
/* A row that is all there, stolen. False: out of memory. */
bool list_put_row(struct command_list *l, json_t *row);
/* Rows behind that one were not looked at. */
void list_stop(struct command_list *l, const struct list_rank *rank);
/* All were put. The last one in order; false: no more. Its text is the caller's. */
bool list_pop(struct command_list *l, struct list_row *out);
/* Of the page, before those that were shown. Stolen; NULL: it has gone. */
void list_show(struct command_list *l, json_t *text);
/* The texts in order; NULL: out of memory. l->next is known then. */
json_t *list_end(struct command_list *l);
/* The same where each row was put with its text. */
json_t *list_finish(struct command_list *l);
/* Rows that are all there. Stolen. As list_end. */
json_t *list_page(struct command_list *l, json_t *rows);

void list_cursor_write(const struct command_list *l, const struct list_rank *rank,
		       char out[LIST_CURSOR_MAX]);
/* 0 or -EINVAL. down: of the order that it is in. */
int list_cursor_read(struct bytes text, char sort[LIST_NAME_MAX], bool *down,
		     struct list_rank *out) NODISCARD;

#endif
