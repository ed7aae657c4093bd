/* SPDX-License-Identifier: Apache-2.0 */
/* What the table of commands says of conferences. */
#ifndef APP_COMMAND_COMMAND_CONFERENCE_H
#define APP_COMMAND_COMMAND_CONFERENCE_H

/* struct command.order of command_conference_member: enum order_member, and whether it is to be so. */
#include "app/command/command.h"

struct shard_room_order;

/* The conference that is named. False: the run has failed. */
bool conference_id(struct command_run *run, uint64_t *room);
/* It is told to do that, in the name of whoever is named. */
void conference_order(struct command_run *run, struct shard_room_order *order);

#define CONFERENCE_ORDER(member, on) ((uint8_t)((member)*2 + (on)))
#define CONFERENCE_MEMBER(order)     ((uint8_t)((order) / 2))
#define CONFERENCE_ON(order)         ((order) % 2 != 0)

#endif
