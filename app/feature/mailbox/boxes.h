/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailboxes in Redis (docs/adr/0123), as calls, subscriptions, commands and tandem-store read and
 * change them. Rows come from lines of tandem-store. Control thread.
 */
#ifndef APP_FEATURE_MAILBOX_BOXES_H
#define APP_FEATURE_MAILBOX_BOXES_H

#include <jansson.h>

#include "app/schema/command.h"
#include "app/schema/feature.h"
#include "base/bytes.h"
#include "sig/host/box.h"

struct box_run;
struct node;

struct boxes {
	struct box_run *waiting; /* orders for messages that are not in their mailboxes yet */
	uint32_t count;
};
extern struct boxes g_boxes; /* control thread */

/* counts mean nothing with BOX_UNKNOWN. rows: borrowed; of SET and DROP the message as it is. */
struct node_box_answer {
	enum box_result result;
	bool over;     /* its file is to go */
	bool secluded; /* CONFLICT: the message is private, and stays so */
	struct box_counts counts;
	json_t *rows;
};
typedef void node_box_fn(const struct node_box_answer *answer, void *arg);
/* Of one of rows, or NULL. */
bool box_row_is(const json_t *row, enum message_state state);

struct node_box_request {
	struct bytes tenant, box;
	struct box_order order;
	uint32_t most;    /* LIST: 0: BOX_PAGE */
	const char *sets; /* LIST: in place of state and urgent: names with blanks between */
	const char *one;  /* LIST: that message alone */
	struct bytes by;  /* SET: the user that changes it; empty: not named */
	json_t *marks;    /* SET: further marks besides private and by; NULL: none */
	bool quiet;       /* SET: marks alone, which do not change the message */
	bool raw;         /* rows have all marks, as marks */
};
/* done is called once: later, or at once if Redis cannot be asked. NULL: no answer is wanted. */
void node_box_request(struct node *n, const struct node_box_request *ask, node_box_fn *done,
		      void *arg);
/* Makes it a request that node_box_is_full can judge by its answer. */
struct extension_box;
void node_box_ask_room(struct node_box_request *ask, const struct extension_box *limits);
bool node_box_is_full(const struct extension_box *limits, const struct node_box_answer *answer);
/* EFFECT_BOX. */
struct effect;
void node_box_carry(const struct effect *e, void *node);
/* struct node_hooks.box, .originate */
bool command_box_of(const struct node *n, const char *tenant, struct bytes number,
		    struct extension_box *out);
void command_box_call(struct node *n, const char *tenant, const char *id, json_t *args,
		      void (*done)(json_t *answer, void *arg), void *arg);

/* ---- columns of the feature's row (app/schema/feature.h) ---- */

/* Requests the counts of due mailboxes for subscriptions, a bounded number at once. */
void node_messages_round(struct node *n, uint64_t now_ns);
extern const struct metric_def g_box_metric_rows[];
void node_boxes_setup(void);
void node_boxes_second(struct node *n, uint64_t now_ns);
void node_boxes_close(struct node *n);
/* Finds the mailboxes that get copies, by the argument to: args.copies. False: the run has
 * failed. */
bool command_message_copies(struct command_run *run);
command_fn command_message_introduce;
command_fn command_message_count, command_message_list, command_message_get, command_message_put,
	command_message_delete, command_message_undelete, command_message_forward,
	command_message_link;

#endif
