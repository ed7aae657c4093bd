/* SPDX-License-Identifier: Apache-2.0 */
/* The row of settings in the list of features, with its command. */

#include "app/command/table/table.h"
#include "app/feature/setting/setting.h"

static const struct command_arg g_setting_args[] = { NODE_ARG, END };

static const struct command g_setting_commands[] = {
	{ "setting.list", COMMAND_FOR_OPERATOR, g_setting_args,
	  "Lists the settings of each node, as its file says them now: what it sets and in which "
	  "line, what is at its default, and what waits for a restart. Nothing sets them but the "
	  "file, which a node needs before it can be asked. Secrets are ***. conflict: the file is "
	  "wrong by now, and the node has the settings of before.",
	  "a list: node, name, value (as in the file, items of a list joined by ', '; empty: it "
	  "says nothing), default, place (FILE:LINE; empty: it says nothing), at_start (a change "
	  "needs a restart), waits (it has changed, and waits for that), help",
	  BY(command_setting_list), .columns = "node,name,value,default,place,waits",
	  LISTS("node,name", "node", false, "node,name,value,default,place,at_start,waits,help") },
	{ .name = NULL },
};

const struct app_feature g_setting_feature = { .name = "setting", .commands = g_setting_commands };
