/* SPDX-License-Identifier: Apache-2.0 */
/* Groups, as other commands need them. Control thread. */
#ifndef APP_COMMAND_COMMAND_GROUP_H
#define APP_COMMAND_COMMAND_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "app/schema/command.h"
#include "base/bytes.h"

struct extension;
struct node;

/* The extension logs in to the group of the run, or out. False: the run has failed. */
bool command_group_log(struct command_run *run, struct extension *e);
/* The group that a number leads to; empty: none. */
struct bytes command_group_of_number(const struct node *n, uint16_t tenant, struct bytes number);

#endif
