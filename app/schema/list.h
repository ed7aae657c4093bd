/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists page by page: filters, order, and cursors. Any command NOUN.list takes limit, cursor, sort
 * and names of columns, besides its own arguments. A cursor is the rank of the last row of a page:
 * the next page has the rows behind that rank, whatever came or went meanwhile. Only the rows of
 * one page are in memory. Pure.
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

/* Place of a row in the list. */
struct list_rank {
	enum list_value kind; /* nothing comes first, texts last */
	double number;
	char text[LIST_TEXT_MAX];
	char key[LIST_KEY_MAX]; /* of the row alone; ascending, also where the list is not */
};

struct list_row {
	struct list_rank rank;
	uint32_t shard, place; /* its place, for making its text later */
	json_t *text;          /* by command_row, owned; NULL: made later */
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
	bool has_floor; /* rows behind it were not read */
	struct list_rank floor;
	size_t most; /* SIZE_MAX: all */
	uint32_t filter_count;
	struct list_filter filters[LIST_FILTERS_MAX];
	struct list_row *rows; /* a heap: the last one in order is on top */
	size_t count, room;
	bool more;    /* some did not fit */
	json_t *page; /* texts, in reverse order */
	struct list_rank last;
	char next[LIST_CURSOR_MAX]; /* cursor of the next page; empty: none */
	json_t *missing;            /* names of nodes that did not answer; NULL: all did */
};

/* limit (for lists without one), cursor, sort; ends with NULL. */
extern const struct command_arg g_list_args[];

bool list_is(const struct command *c);
/* A column of its rows. */
bool list_has(const struct command *c, struct bytes column);
/* One of g_list_args, or NULL. */
const struct command_arg *list_arg_find(struct bytes name);
/* An argument common to lists. */
bool list_takes(const struct command *c, struct bytes name);
/* 0, or -EINVAL and *error. out: to be closed. */
int list_open(struct command_list *out, const struct command *c, json_t *args,
	      struct command_error *error) NODISCARD;
void list_close(struct command_list *l);
/* Rows must be made before filters can be applied. */
bool list_needs_rows(const struct command_list *l);
/* Number of rows its source must give. */
size_t list_source(const struct command_list *l);

bool list_wants(const struct command_list *l, const json_t *row);
/* By a column of the row, as sort or the list's own order says. */
void list_rank_row(const struct command_list *l, const json_t *row, struct list_rank *out);
/* Below 0: a is first. */
int list_order(const struct command_list *l, const struct list_rank *a, const struct list_rank *b);
/* It belongs to this page as far as known. */
bool list_has_place(struct command_list *l, const struct list_rank *rank);
/* Takes the row's text. False: out of memory, and the text is dropped. */
bool list_put(struct command_list *l, const struct list_row *row);
/* A complete row, stolen. False: out of memory. */
bool list_put_row(struct command_list *l, json_t *row);
/* Rows behind that one were not read. */
void list_stop(struct command_list *l, const struct list_rank *rank);
/* All were put. The last one in order; false: no more. The caller owns its text. */
bool list_pop(struct command_list *l, struct list_row *out);
/* Puts it in front of the shown rows. Stolen; NULL: it is gone. */
void list_show(struct command_list *l, json_t *text);
/* The texts in order; NULL: out of memory. l->next is known then. */
json_t *list_end(struct command_list *l);
/* The same where each row was put with its text. */
json_t *list_finish(struct command_list *l);
/* Complete rows, stolen. As list_end. */
json_t *list_page(struct command_list *l, json_t *rows);

void list_cursor_write(const struct command_list *l, const struct list_rank *rank,
		       char out[LIST_CURSOR_MAX]);
/* 0 or -EINVAL. down: of the order that it is in. */
int list_cursor_read(struct bytes text, char sort[LIST_NAME_MAX], bool *down,
		     struct list_rank *out) NODISCARD;

#endif
