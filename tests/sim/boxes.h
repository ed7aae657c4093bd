/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes, as the store has them (cluster/lua/box_change.lua). All nodes ask here. A recording with a mailbox is a draft there from when it
 * is asked about. What a process asked and had not sent when it was killed never happens. */
#ifndef TESTS_SIM_BOXES_H
#define TESTS_SIM_BOXES_H

#include "sig/host/effect.h"
#include "tests/sim/node.h"

struct sim;

enum { BOX_ROWS_MAX = 16, BOX_ASKED_MAX = 256, BOX_KEY_MAX = 64 };

struct box_row {
	char box[BOX_KEY_MAX]; /* TENANT:BOX; "": none */
	struct box_message message;
	bool dropped;
};

struct box_asked {
	uint32_t incarnation;
	uint16_t shard;
	bool flushed;
	uint64_t call, serial;
	char box[BOX_KEY_MAX];
	struct box_order order;
};

struct boxes {
	struct box_row list[BOX_ROWS_MAX];
	uint32_t count;
	uint64_t version;
	struct box_asked asked[BOX_ASKED_MAX]; /* all of the run */
	uint32_t asked_count;
};

/* An EFFECT_BOX. */
void boxes_ask(const struct node *n, const struct node_shard *shard, const struct effect *e);
/* New messages in all of them. */
uint32_t boxes_new(const struct sim *s);
/* What processes that live have asked leaves them. */
void boxes_flush(struct sim *s);

#endif
