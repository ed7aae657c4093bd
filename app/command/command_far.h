/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that ask another node of a call there before they are carried out here. Control thread. */
#ifndef APP_COMMAND_COMMAND_FAR_H
#define APP_COMMAND_COMMAND_FAR_H

#include "app/command/waiting.h"
#include "sig/remote/remote_news.h"
#include "sig/shard/shard.h"

struct node;
/* told: NULL: it has not answered in time. */
typedef void command_far_fn(struct command_run *run, struct shard_join *join,
			    const struct remote_joined *told);

/* By the places of waiting. */
struct command_fars {
	struct command_far {
		struct node *node;
		uint64_t ticket, deadline_ns;
		struct shard_join join;
		command_far_fn *done;
	} list[WAITING_MAX];
};

/* Asks the node that has join->with. done is called later, or the run has failed. slot: where its party must wait; "": anywhere. */
void command_far_ask(struct command_run *run, const struct shard_join *join, const char *slot,
		     command_far_fn *done);
/* It has answered. */
void command_far_told(struct node *node, const struct remote_joined *told);

#endif
