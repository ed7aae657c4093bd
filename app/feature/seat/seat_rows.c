/* SPDX-License-Identifier: Apache-2.0 */
/* The row of seats in the list of features, with its command. Giving seats is a field of
 * extension.put, and their numbers are one of tenant.put. */

#include "app/command/table/table.h"
#include "app/feature/seat/seat.h"

static const struct command g_seat_commands[] = {
	{ "seat.list", COMMAND_FOR_READER, g_no_args,
	  "Lists the kinds of seats of the tenant, how many it has, and how many are given. Those "
	  "of "
	  "session are taken by users that are logged in, on all nodes, without a seat web of "
	  "their "
	  "own; those of recording by extensions, groups and queues with record on (max_recorded).",
	  "a list: seat, counted (false: everybody has one), total, given, left",
	  BY(command_seat_list), .columns = "seat,counted,total,given,left",
	  LISTS("seat", NULL, false, "seat,counted,total,given,left") },
	{ .name = NULL },
};

const struct app_feature g_seat_feature = { .name = "seat", .commands = g_seat_commands };
