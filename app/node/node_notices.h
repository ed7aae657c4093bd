/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows from messages of mailboxes (docs/adr/0127): events, and what else their owner wants done. Redis has what is to be done, by when,
 * and which node does it: whoever dies is followed by another. Control thread.
 */
#ifndef APP_NODE_NODE_NOTICES_H
#define APP_NODE_NODE_NOTICES_H

#include <jansson.h>

#include "app/node/node_boxes.h"
#include "base/bytes.h"
#include "cluster/store/store.h"
#include "sig/host/box.h"
#include "sig/host/effect.h"
#include "sig/host/tenant.h"

struct node;

enum { NOTICE_WHAT_MAX = TENANT_NAME_MAX + BOX_NAME_MAX + MESSAGE_ID_MAX + 4 };
#define NOTICE_BOX "*" /* in place of a message: the box as a whole */

/* What is held by this node. */
struct notice_run {
	struct notice_run *next;
	struct node *node;
	char what[NOTICE_WHAT_MAX]; /* tenant, box and message, with blanks between */
	char tenant[TENANT_NAME_MAX], box[BOX_NAME_MAX + 1], message[MESSAGE_ID_MAX + 1];
	uint64_t hold_ns; /* when its lease is renewed */
	json_t *row; /* of the message, as message.list has it, with marks; NULL: no request is under way */
};

struct node_notices {
	struct notice_run *first; /* what is being done here */
	uint32_t count, asking;   /* asking: those that wait for a server */
	bool taking;
	uint64_t take_ns; /* when is looked next for what is due */
};

typedef void node_notice_fn(enum store_result result, void *arg);
struct node_notice {
	const char *tenant, *box, *message; /* message: or NOTICE_BOX */
	uint64_t due_utc_ms;                /* 0: now, by this node */
};
/* It will be done, by this node or another, once Redis has said so. */
void node_notice_add(struct node *n, const struct node_notice *of, node_notice_fn *done, void *arg);
/* Adds an event that is of no call to the tenant's stream. */
void node_event(struct node *n, const char *tenant, const struct sig_event *event);
/* row: as message.list has it. by: who changed it. */
void node_message_event(struct node *n, enum sig_event_kind kind, const char *tenant,
			const json_t *row, const char *by);
/* Twice a second. */
void node_notices_beat(struct node *n, uint64_t now_ns);

/* ---- node_notice_work.c: what is done, one step after the other; each ends with one of those behind it ---- */
void notice_step(struct notice_run *run, const json_t *row);
void notice_calls(struct notice_run *run);
/* It is written down, and then comes the next step. marks: stolen. */
void notice_mark(struct notice_run *run, json_t *marks);
/* due_utc_ms: when next; 0: never. */
void notice_end(struct notice_run *run, uint64_t due_utc_ms);
/* ... with the answer of what the step has asked. */
void notice_on_message(const struct node_box_answer *answer, void *arg);
struct node_box_ask notice_ask(const struct notice_run *run, enum box_act act);

#endif
