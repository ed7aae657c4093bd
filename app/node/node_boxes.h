/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailboxes in Redis (docs/adr/0123), as calls, subscriptions, commands and tandem-store read and
 * change them. Rows come from lines of tandem-store. Control thread.
 */
#ifndef APP_NODE_NODE_BOXES_H
#define APP_NODE_NODE_BOXES_H

#include <jansson.h>

#include "base/bytes.h"
#include "cluster/redis/redis.h"
#include "sig/host/box.h"

struct node;
struct box_run;

struct node_boxes {
	struct box_run *waiting; /* orders for messages that are not in their mailboxes yet */
	uint32_t count;
};

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

struct node_box_ask {
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
void node_boxes_setup(void); /* registers the metric; main thread, once */
/* done is called once: later, or at once if Redis cannot be asked. NULL: no answer is wanted. */
void node_box_ask(struct node *n, const struct node_box_ask *ask, node_box_fn *done, void *arg);
/* Makes it a request that node_box_is_full can judge by its answer. */
struct extension_box;
void node_box_ask_room(struct node_box_ask *ask, const struct extension_box *limits);
bool node_box_is_full(const struct extension_box *limits, const struct node_box_answer *answer);
/* EFFECT_BOX. */
struct effect;
void node_box_carry(const struct effect *e, void *node);
/* A recording that tandem-store reports (docs/adr/0050), known to Redis.
 * False: no message; done is not called. */
bool node_box_say(struct node *n, const json_t *line, node_box_fn *done, void *arg);
/* Counts for subscriptions (sig/host/mailboxes.h). */
struct node_messages {
	uint32_t under_way;
	uint64_t again_ns;        /* no request before: Redis did not answer */
	struct redis_guest guest; /* each new link to Redis makes all mailboxes due */
};
/* Requests the counts of due mailboxes, a bounded number at once. */
void node_messages_round(struct node *n, uint64_t now_ns);
/* Twice a second. */
void node_boxes_beat(struct node *n, uint64_t now_ns);
void node_boxes_close(struct node *n);

#endif
