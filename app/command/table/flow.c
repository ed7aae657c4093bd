/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to callers: flows, and the numbers that lead to them. */
#include "app/command/table/table.h"
#include "app/schema/flow_field.h"

#define FLOW_ARG(what, needed, text)                                                               \
	{                                                                                          \
		.name = (what), .type = ARG_STRING, .charset = CHARSET_NAME, .required = (needed), \
		.min = 1, .max = FLOW_NAME_MAX - 1, .help = (text)                                 \
	}
#define PROGRAM_ARG(needed)                                                                   \
	{                                                                                     \
		.name = "program", .type = ARG_JSON, .required = (needed),                    \
		.help = "The program: steps by name, or a list of verbs (docs/flows.md), of " \
			"up to 65000 octets without spaces. With tandemctl @FILE."            \
	}
static const struct command_arg g_flow_args[] = {
	FLOW_ARG("name", true, "Name of the flow."),
	END,
};
static const struct command_arg g_flow_put_args[] = {
	FLOW_ARG("name", true, "Name of the flow."),
	PROGRAM_ARG(true),
	END,
};

const struct command g_flow_commands[] = {
	{ "flow.put", COMMAND_FOR_ADMIN, g_flow_put_args,
	  "Makes a flow, or puts another program in its place: calls that are in it go on by the "
	  "one with which they began. One with errors is refused: the error has findings, a list "
	  "of all with path (a JSON pointer into the program) and message.",
	  "name, hash (SHA-256 of the program), steps (how many), changed_utc_ms; warnings, such "
	  "as prompts, hours, numbers or flows that it names and that are not there yet",
	  BY(command_flow_put), .documents = BY(&g_flow_documents) },
	{ "flow.get", COMMAND_FOR_READER, g_flow_args, "Shows a flow.",
	  "name, hash, steps, changed_utc_ms, program", BY(command_flow_get),
	  .documents = BY(&g_flow_documents), .transient = true },
	{ "flow.export", COMMAND_FOR_READER, g_flow_args,
	  "Shows the program of a flow as a file has it, which flow.put takes.",
	  "the program as a text, indented", BY(command_flow_export),
	  .documents = BY(&g_flow_documents), .transient = true },
	{ "flow.delete", COMMAND_FOR_ADMIN, g_flow_args, "Deletes a flow. Calls in it go on.",
	  "name", BY(document_delete), .documents = BY(&g_flow_documents) },
	{ "flow.list", COMMAND_FOR_READER, g_no_args, "Lists flows by name.",
	  "a list: name, hash, steps, changed_utc_ms", BY(document_list),
	  .documents = BY(&g_flow_documents), .columns = "name,steps,changed_utc_ms" },
	{ .name = NULL },
};
