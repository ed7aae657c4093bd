/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consequences of messages of mailboxes (docs/adr/0127): events, and whatever else their owner
 * wants. Redis has the tasks, their times and their holders: when a holder dies, another node
 * continues. Control thread.
 */
#ifndef APP_FEATURE_MAILBOX_NOTICES_H
#define APP_FEATURE_MAILBOX_NOTICES_H

#include <jansson.h>

#include "app/feature/mailbox/boxes.h"
#include "base/bytes.h"
#include "cluster/store/store.h"
#include "sig/host/box.h"
#include "sig/host/effect.h"
#include "sig/host/tenant.h"

struct node;

enum { NOTIFY_WHAT_MAX = TENANT_NAME_MAX + BOX_NAME_MAX + MESSAGE_ID_MAX + 4 };
#define NOTIFY_BOX "*" /* in place of a message: the whole mailbox */

/* A task held by this node. */
struct notify_run {
	struct notify_run *next;
	struct node *node;
	char what[NOTIFY_WHAT_MAX]; /* tenant, mailbox and message, with blanks between */
	char tenant[TENANT_NAME_MAX], box[BOX_NAME_MAX + 1], message[MESSAGE_ID_MAX + 1];
	uint64_t hold_ns; /* when it renews its hold */
	/* Of the message, as message.list has it, with marks; NULL: no request is under way. */
	json_t *row;
};

struct notices {
	struct notify_run *first; /* tasks held here */
	uint32_t count, asking;   /* asking: those that wait for a server */
	bool taking;
	uint64_t take_ns; /* when due tasks are taken next */
};
extern struct notices g_notifications; /* control thread */

typedef void node_notice_fn(enum store_result result, void *arg);
struct node_notify {
	const char *tenant, *box, *message; /* message: or NOTIFY_BOX */
	uint64_t due_utc_ms;                /* 0: now, by this node */
};
/* It will be done, by this node or another, once Redis has confirmed. */
void node_notice_add(struct node *n, const struct node_notify *of, node_notice_fn *done, void *arg);
/* row: as message.list has it. by: the user that changed it. */
void node_message_event(struct node *n, enum sig_event_kind kind, const char *tenant,
			const json_t *row, const char *by);
/* Twice a second. */
void node_notices_beat(struct node *n, uint64_t now_ns);

/* ---- notify_work.c: steps in order; each ends with one of those below ---- */
void notify_step(struct notify_run *run, const json_t *row);
void notify_calls(struct notify_run *run);
/* Writes the marks, then goes on with the next step. marks: stolen. */
void notify_mark(struct notify_run *run, json_t *marks);
/* due_utc_ms: when next; 0: never. */
void notify_end(struct notify_run *run, uint64_t due_utc_ms);
/* ... with the answer to the step's request. */
void notify_on_message(const struct node_box_answer *answer, void *arg);
struct node_box_request notify_request(const struct notify_run *run, enum box_act act);

#endif
