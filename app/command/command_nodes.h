/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of all nodes of a cluster. Control thread. */
#ifndef APP_COMMAND_COMMAND_NODES_H
#define APP_COMMAND_COMMAND_NODES_H

#include "app/schema/command.h"

/* Collects the rows of all other live nodes in run->list, unless the run names a node. Then calls
 * list, which adds the rows of this node and answers. Nodes without an answer are in
 * run->list->missing. */
void command_nodes_request(struct command_run *run, command_fn *list);
/* Likewise of a command that is no list: merge is handed the result of each other live node, an
 * object. Then calls end, which answers. */
typedef void command_merge_fn(struct command_run *run, const json_t *result);
void command_nodes_merge(struct command_run *run, command_merge_fn *merge, command_fn *end);

#endif
