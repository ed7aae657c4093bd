/* SPDX-License-Identifier: Apache-2.0 */
/* What the table of commands says of conferences. */
#ifndef APP_COMMAND_COMMAND_CONFERENCE_H
#define APP_COMMAND_COMMAND_CONFERENCE_H

/* struct command.order of command_conference_member: enum order_member, and whether it is to be so. */
#define CONFERENCE_ORDER(member, on) ((uint8_t)((member)*2 + (on)))
#define CONFERENCE_MEMBER(order)     ((uint8_t)((order) / 2))
#define CONFERENCE_ON(order)         ((order) % 2 != 0)

#endif
