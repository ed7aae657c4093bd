/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the command table that decide what happens to callers: flows, numbers that lead to them,
 * and a call's way through them. command_flow.c has the handlers; flow.try and flow.graph run
 * without a call. */

#include "app/command/table/table.h"
#include "app/schema/flow_field.h"
#include "app/schema/hours_field.h"

#define FLOW_ARG(what, needed, text) \
	TEXT_ARG(what, CHARSET_NAME, 1, FLOW_NAME_MAX - 1, NULL, text, .required = (needed))
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
#define SPOKEN_ARG(what, text) TEXT_ARG(what, CHARSET_TEXT, 0, 255, NULL, text)
static const struct command_arg g_flow_try_args[] = {
	FLOW_ARG("flow", true, "Name of the flow."),
	SPOKEN_ARG("from", "The caller's number."),
	SPOKEN_ARG("name", "The caller's name."),
	SPOKEN_ARG("to", "The number that is called."),
	SPOKEN_ARG("trunk",
		   "The trunk that the call comes by; empty: a phone of the tenant calls."),
	SPOKEN_ARG("language", "The language of the call."),
	SPOKEN_ARG("headers", "Headers of the INVITE, as X-Customer=77, joined by ';'."),
	TEXT_ARG("time", CHARSET_TEXT, 5, HOURS_UNTIL_MAX - 1, "now",
		 "Local time in the zone of each calendar, and of the tenant: 18:00 of today, or "
		 "2026-12-24 18:00."),
	SPOKEN_ARG("digits",
		   "How one verb after the other ends, joined by ',': the digits that are "
		   "pressed, an outcome such as busy or timeout, or another value, such "
		   "as the name of a recording. Verbs that have one way on pass by "
		   "themselves."),
	END,
};
static const struct command_arg g_flow_trace_args[] = {
	CALL_OR_NONE("Only those of this call, also when it is over."),
	LIMIT_ARG,
	NODE_ARG,
	END,
};
static const struct command_arg g_flow_list_args[] = {
	BOOL_ARG("shipped", "false",
		 "true: flows of the node, which every tenant has where it has no flow of that "
		 "name."),
	END,
};
static const struct command_arg g_flow_put_args[] = {
	FLOW_ARG("name", true, "Name of the flow."),
	PROGRAM_ARG(true),
	END,
};

static const struct command_arg g_call_run_args[] = {
	CALL_ARG,
	FLOW_ARG("flow", false, "Name of a flow of the call's tenant."),
	PROGRAM_ARG(false),
	END,
};

#undef FIELD_OF
#define FIELD_OF struct number_value
static const struct command_arg g_number_args[] = {
	KEY_FIELD("number", number, CHARSET_NUMBER, "The number, as it was put."),
	END,
};
#undef FIELD_OF

const struct command g_flow_commands[] = {
	{ "flow.put", COMMAND_FOR_ADMIN, g_flow_put_args,
	  "Makes a flow, or puts another program in its place: calls that are in it go on by the "
	  "one with which they began. One with errors is refused: the error has findings, a list "
	  "of all with path (a JSON pointer into the program) and message.",
	  "name, hash (SHA-256 of the program), steps (how many), changed_utc_ms; warnings: "
	  "hours, numbers and flows that it names and that are not there yet",
	  BY(command_flow_put), .documents = BY(&g_flow_documents) },
	{ "flow.get", COMMAND_FOR_READER, g_flow_args,
	  "Shows a flow: the tenant's, or else that of the node.",
	  "name, hash, steps, changed_utc_ms, program", BY(command_flow_get),
	  .documents = BY(&g_flow_documents), .transient = true },
	{ "flow.export", COMMAND_FOR_READER, g_flow_args,
	  "Shows the program of a flow as a file has it, which flow.put takes.",
	  "the program as a text, indented", BY(command_flow_export),
	  .documents = BY(&g_flow_documents), .transient = true },
	{ "flow.graph", COMMAND_FOR_READER, g_flow_args,
	  "Shows a flow as a picture for graphviz (DOT), with every branch. tandemctl has "
	  "graphviz draw it for format=svg.",
	  "the picture as a text", BY(command_flow_graph), .documents = BY(&g_flow_documents),
	  .transient = true },
	{ "flow.delete", COMMAND_FOR_ADMIN, g_flow_args, "Deletes a flow. Calls in it go on.",
	  "name", BY(document_delete), .documents = BY(&g_flow_documents) },
	{ "flow.list", COMMAND_FOR_READER, g_flow_list_args, "Lists flows by name.",
	  "a list: name, hash, steps, changed_utc_ms", BY(command_flow_list),
	  .documents = BY(&g_flow_documents), .columns = "name,steps,changed_utc_ms",
	  LISTS("name", NULL, false, "hash") },
	{ "flow.try", COMMAND_FOR_READER, g_flow_try_args,
	  "Says which way a call would take through a flow, by the interpreter of calls. Nothing "
	  "is called, played or changed.",
	  "a list: verbs (step, visit, and the verb with its arguments), left (the step) and by "
	  "(the branch), tag and value, flow (that redirect leads to), end (true; or why, such as "
	  "a word that is no outcome). It ends with the verb of which digits says no end",
	  BY(command_flow_try), .transient = true },
	{ "flow.trace", COMMAND_FOR_ADMIN, g_flow_trace_args,
	  "Shows what flows have asked web applications and speech engines lately, and what these "
	  "have answered: the newest 128 tries of a tenant that the node has. Secrets of flows, "
	  "credentials, queries of URLs and signatures are not shown, nor texts that are said.",
	  "a list, newest first: utc_ms, kind (http, say), call, flow, step, visit, id "
	  "(webhook-id), url, try (1 is the first), status (0: none), ms, reason (empty: it is "
	  "well), signed, sent and received (octets), request and answer (the first 1024 octets)",
	  BY(command_flow_trace), .transient = true,
	  .columns = "utc_ms,call,flow,step,url,status,ms,reason" },
	{ "call.run", COMMAND_FOR_APPLICATION, g_call_run_args,
	  "Sends a call through a flow: a call that is answered by tandem, with no other party, or "
	  "that waits for an application. What was played ends. An application's next order takes "
	  "the place of the prompt of a verb.",
	  "id, order", BY(command_call_run) },
	{ "call.flow", COMMAND_FOR_READER, g_call_args, "Says where a call is in a flow.",
	  "call, flow (its name; empty: a program of call.run), path (the steps that it has left, "
	  "each with the branch where that is not next), at (the verb and its step, in words)",
	  BY(command_call_flow) },
	{ "number.put", COMMAND_FOR_ADMIN, g_number_fields,
	  "Says what a number of the tenant leads to, for phones that dial it and did.put that has "
	  "it in to. It is no extension's, no room's and no feature code.",
	  "the number; warnings, of a flow or group that is not there yet", BY(command_number_put),
	  .documents = BY(&g_number_documents) },
	{ "number.get", COMMAND_FOR_READER, g_number_args, "Shows what a number leads to.",
	  "changed_utc_ms", BY(document_show), .documents = BY(&g_number_documents),
	  .shows = g_number_fields },
	{ "number.delete", COMMAND_FOR_ADMIN, g_number_args,
	  "Deletes a number: it leads nowhere. Calls that came by it go on.", "number",
	  BY(document_delete), .documents = BY(&g_number_documents) },
	{ "number.list", COMMAND_FOR_READER, g_no_args,
	  "Lists numbers that lead to flows, groups and web applications.", "a list of numbers",
	  BY(command_document_list), .documents = BY(&g_number_documents), .columns = "number,to" },
	{ .name = NULL },
};
