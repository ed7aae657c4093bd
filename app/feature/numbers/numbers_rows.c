/* SPDX-License-Identifier: Apache-2.0 */
/* The row of the table of numbers in the list of features, with its command. */

#include "app/command/table/table.h"
#include "app/feature/numbers/numbers.h"

static const struct command g_numbers_commands[] = {
	{ "dialplan.number.list", COMMAND_FOR_READER, g_no_args,
	  "Lists every number that the tenant has, and who claims it: extensions, rooms, numbers "
	  "of "
	  "flows, groups and web applications, numbers that trunks call, patterns of routes, "
	  "access "
	  "codes of trunks, feature codes and emergency numbers.",
	  "a list: number, kind (extension, room, number, did, route, trunk, code, emergency), "
	  "of (what it leads to), name, meaning (what a phone of the tenant means by it, "
	  "as dialplan.check says; empty for patterns and dids) and conflict (why it does not lead "
	  "there; empty: it does)",
	  BY(command_numbers_list), .columns = "number,kind,of,meaning,conflict",
	  LISTS("number,kind,of", NULL, false, "number,kind,of,name,meaning,conflict") },
	{ .name = NULL },
};

const struct app_feature g_numbers_feature = { .name = "numbers", .commands = g_numbers_commands };
