/* SPDX-License-Identifier: Apache-2.0 */
/* The row of supervisors in the list of features, with their commands and feature codes. */

#include "app/command/table/table.h"
#include "app/feature/monitor/monitor.h"

#undef FIELD_OF
#define FIELD_OF struct supervisor_value
static const struct command_arg g_supervisor_args[] = {
	{ .name = "number",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .required = true,
	  .min = 1,
	  .max = DIAL_NUMBER_MAX - 1,
	  .help = "The extension that may.",
	  .field = { FIELD_AT(FIELD_TEXT, number) } },
	END,
};
#undef FIELD_OF
static const struct command_arg g_monitor_args[] = {
	TEXT_ARG("number", CHARSET_NUMBER, 1, DIAL_NUMBER_MAX - 1, NULL,
		 "The supervisor: the extension that is rung.", .required = true),
	TEXT_ARG("extension", CHARSET_NUMBER, 1, DIAL_NUMBER_MAX - 1, NULL,
		 "The extension that has the call.", .required = true),
	ENUM_ARG("mode", g_monitor_modes, NULL, "What the supervisor does in it.",
		 .required = true),
	{ .name = "call",
	  .type = ARG_STRING,
	  .charset = CHARSET_ID,
	  .min = 13,
	  .max = 13,
	  .preset = "its newest one",
	  .help = "Id of the call, as call.list shows it.",
	  .place = PLACE_ID },
	END,
};

static const struct command g_monitor_commands[] = {
	{ "supervisor.put", COMMAND_FOR_ADMIN, g_supervisor_fields,
	  "Makes an extension a supervisor, or changes the given fields: which calls it may "
	  "monitor, and how.",
	  "the supervisor; warnings, of extensions and groups that are not there", BY(document_put),
	  .documents = BY(&g_supervisor_documents) },
	{ "supervisor.get", COMMAND_FOR_READER, g_supervisor_args,
	  "Shows which calls an extension may monitor.", "changed_utc_ms", BY(document_show),
	  .documents = BY(&g_supervisor_documents), .shows = g_supervisor_fields, .own = "number" },
	{ "supervisor.delete", COMMAND_FOR_ADMIN, g_supervisor_args,
	  "The extension may monitor nobody. Calls that it monitors go on.", "number",
	  BY(document_delete), .documents = BY(&g_supervisor_documents) },
	{ "supervisor.list", COMMAND_FOR_READER, g_no_args, "Lists supervisors.",
	  "a list of supervisors", BY(command_document_list),
	  .documents = BY(&g_supervisor_documents), .columns = "number,modes,whom" },
	{ "supervisor.monitor", COMMAND_FOR_APPLICATION, g_monitor_args,
	  "Rings a supervisor, who monitors a call of an extension as conference.monitor says, "
	  "wherever that call is. Two parties must talk in it, and the document of the supervisor "
	  "must name the extension and the mode. monitor_told of the tenant says whether a tone "
	  "tells the two. A supervisor who is in that call already is not rung: the mode changes.",
	  "id: of the conference", BY(monitor_start), .own = "number" },
	{ .name = NULL },
};

const struct app_feature g_monitor_feature = {
	.name = "monitor",
	.commands = g_monitor_commands,
	.documents = KINDS(&g_supervisor_documents),
	.codes = CODES({ "supervisor.monitor", FEATURE_LISTEN, monitor_code_args },
		       { "supervisor.monitor", FEATURE_COACH, monitor_code_args },
		       { "supervisor.monitor", FEATURE_BARGE, monitor_code_args },
		       { "supervisor.monitor", FEATURE_TAKE_OVER, monitor_code_args }),
};
