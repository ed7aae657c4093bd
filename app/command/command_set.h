/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of documents that are put together: command_set.c checks and stages them, command_set_move.c
 * moves those that count. Control thread. */
#ifndef APP_COMMAND_COMMAND_SET_H
#define APP_COMMAND_COMMAND_SET_H

#include "app/document/document.h"
#include "app/schema/command.h"
#include "app/schema/set_field.h"
#include "base/fair.h"

/* ---- between the files of sets ---- */

enum { SET_ERRORS_MAX = 1000 };

/* One document of the set. */
struct set_item {
	const struct command *put; /* KIND.put; NULL: an earlier version had it */
	const struct document_kind *kind;
	json_t *args;
	uint32_t document; /* its place in what was given */
	uint64_t made_of;  /* version that was there */
	enum set_change change;
	bool is_new, staged;
	uint16_t rank;
	char *text;      /* as it is put */
	json_t *differs; /* NULL: it is new */
	char tenant[COMMAND_TENANT_MAX];
	char name[DOCUMENT_NAME_MAX];
};

enum set_phase {
	SET_FIRST,  /* its turn has come */
	SET_NAMES,  /* which documents are meant */
	SET_BEFORE, /* what the newest version has is read */
	SET_MAKE,   /* the change of each document */
	SET_PLAN,   /* in which order */
	SET_STAGE,  /* entries are written */
	SET_START,  /* made valid */
	SET_PAUSE,  /* something has changed meanwhile: again */
	SET_MOVED,  /* command_set_move.c has it */
};

struct set_job {
	struct set_job *next;
	struct sets *sets;
	struct command_run *run;
	struct fair_held held; /* of the jobs that wait */
	bool prune, dry_run;
	uint32_t of; /* version that is rolled back to; 0: none is */
	enum set_phase phase;
	uint32_t asked; /* questions that Redis has not answered, */
	bool failed;    /* or not well */
	uint64_t again_ns, until_ns;
	json_t *documents; /* owned; NULL: a rollback */
	json_t *naming;    /* documents.naming while something of it is checked */
	json_t *numbers;   /* {tenant/number: document} */
	json_t *errors, *warnings;
	size_t error_count;
	struct set_value value;    /* with the version that is made */
	uint32_t before, entries;  /* version that was the newest; entries of source */
	struct set_version source; /* that is rolled back to */
	uint32_t i;
	struct set_item *items;
	uint32_t count, room, moves;
	char *text; /* the document of the set */
};

/* Adds an error for the caller of set.apply. */
void set_error(struct set_job *job, const struct set_item *item, const char *field,
	       const char *code, const char *message);
/* NULL: no memory. */
struct set_item *set_item_add(struct set_job *job);
/* Finds the document that the i-th given one means, and whether it is given twice. */
void set_item_start(struct set_job *job, uint32_t i);
/* What becomes of it. */
void set_item_make(struct set_job *job, struct set_item *item);
void set_item_clear(struct set_item *item);
/* Whether the set's principal may give that command for the item's kind. False: adds an error. */
bool set_item_may(struct set_job *job, const struct set_item *item, const struct command *command);
/* Seats of that kind that the document takes (1) or gives back (-1). */
int set_item_seats(const struct set_item *item, const struct document_seat *seat);
/* As this node knows it. */
struct bytes set_item_text(const struct node *n, const struct set_item *item);
uint64_t set_item_version(const struct node *n, const struct set_item *item);

/* ---- for the node ---- */

void command_sets_round(struct node *n);
uint64_t command_sets_next_ns(const struct node *n);
void command_sets_drop(struct node *n); /* the node stops */
void command_sets_close(struct node *n);

/* Moves the entries of a valid set. done: all of it was moved; NULL: nobody waits. */
typedef void set_moved_fn(bool all, void *arg);
void command_set_move(struct node *n, const char *tenant, const struct set_value *v,
		      set_moved_fn *done, void *arg);
/* A set's document has changed, by any node: the node that moves it may die. */
void command_set_moving(struct node *n, const char *tenant, const struct set_value *v);
void command_set_move_round(struct node *n);
uint64_t command_set_move_next_ns(const struct node *n);
void command_set_move_close(struct node *n);

#endif
