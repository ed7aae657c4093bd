/* SPDX-License-Identifier: Apache-2.0 */
/* The row of ring and hunt groups in the list of features, with their commands. */

#include "app/command/command_flow.h"
#include "app/command/table/table.h"
#include "app/feature/group/group.h"
#include "app/schema/group_field.h"

#undef FIELD_OF
#define FIELD_OF struct group_value
static const struct command_arg g_group_args[] = {
	KEY_FIELD("name", core.name, CHARSET_NAME, "Name of the group."),
	END,
};
#undef FIELD_OF
static const struct command_arg g_group_log_args[] = {
	TEXT_ARG("number", CHARSET_NUMBER, 1, DIAL_NUMBER_MAX - 1, NULL, "The extension.",
		 .required = true),
	TEXT_ARG("group", CHARSET_NAME, 1, GROUP_NAME_MAX - 1, "all groups", "Name of the group."),
	END,
};

static const struct command g_group_commands[] = {
	{ "group.put", COMMAND_FOR_ADMIN, g_group_fields,
	  "Makes a ring or hunt group, or changes the given fields. A number leads to it by "
	  "number.put with to=group:NAME, and the verb dial of a flow by the target group:NAME.",
	  "the group; warnings, of numbers that are not there yet", BY(command_flow_kind_put),
	  .documents = BY(&g_group_documents) },
	{ "group.get", COMMAND_FOR_READER, g_group_args, "Shows a group.",
	  "changed_utc_ms, logged_out (a list of members)", BY(document_show),
	  .documents = BY(&g_group_documents), .shows = g_group_fields },
	{ "group.delete", COMMAND_FOR_ADMIN, g_group_args,
	  "Deletes a group. Phones that ring by it ring on.", "name", BY(document_delete),
	  .documents = BY(&g_group_documents) },
	{ "group.list", COMMAND_FOR_READER, g_no_args, "Lists groups by name.", "a list of groups",
	  BY(command_document_list), .documents = BY(&g_group_documents),
	  .columns = "name,how,members,logged_out" },
	{ "group.login", COMMAND_FOR_APPLICATION, g_group_log_args,
	  "Logs an extension in to a group, or to all: they ring it from the next call on. On all "
	  "nodes, and over a restart.",
	  "number, groups_out", BY(document_put), .documents = BY(&g_login_documents),
	  .own = "number" },
	{ "group.logout", COMMAND_FOR_APPLICATION, g_group_log_args,
	  "Logs an extension out of a group, or of all: they do not ring it.", "number, groups_out",
	  BY(document_put), .documents = BY(&g_login_documents), .own = "number" },
	{ .name = NULL },
};

const struct app_feature g_group_feature = {
	.name = "group",
	.commands = g_group_commands,
	.documents = KINDS(&g_group_documents),
};
