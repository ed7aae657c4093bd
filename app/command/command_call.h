/* SPDX-License-Identifier: Apache-2.0 */
/* The call that a command names, and who may see it. Control thread. */
#ifndef APP_COMMAND_COMMAND_CALL_H
#define APP_COMMAND_COMMAND_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/schema/command.h"

struct call_view;
struct ended_call;
struct shard;

/* Operators see calls and phones of all tenants unless they name one; others their own. */
bool command_may_see(const struct command_run *run, const char *tenant);
/* The argument "call"; fails the run and returns false when it is no call id. */
bool command_call_id(struct command_run *run, uint64_t *call);
/* The call it names, where it ended in the last hour; else NULL. */
const struct ended_call *command_call_ended(const struct command_run *run);
/* The call it names; fails the run and returns false if it does not exist. */
bool command_call_view(struct command_run *run, struct call_view *view);
/* Adds what is played to the call, if anything. */
void command_play_put(json_t *json, const struct shard *core, uint64_t call);
/* Finds the records of the named call, newest first; done owns the list; NULL: no answer. */
typedef void command_cdrs_fn(struct command_run *run, json_t *list);
void command_cdrs_find(struct command_run *run, command_cdrs_fn *done);

#endif
