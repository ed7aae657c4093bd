/* SPDX-License-Identifier: Apache-2.0 */
/* Opening hours: their time zones, and the BLF that shows them. Control thread. */
#ifndef APP_COMMAND_COMMAND_HOURS_H
#define APP_COMMAND_COMMAND_HOURS_H

#include <stdbool.h>

#include "app/schema/command.h"

struct node;

/* Loads a time zone; false: the run has failed. The other one: 0 or -errno, which is logged. */
bool command_zone_is_there(struct command_run *run, const char *name);
int command_zone_read(struct node *node, const char *name);
/* Twice a second: BLF of opening hours. */
void command_hours_beat(struct node *n, uint64_t now_ns);

#endif
