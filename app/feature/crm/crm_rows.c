/* SPDX-License-Identifier: Apache-2.0 */
/* The row of the softphone in a CRM in the list of features, with its commands and its page, which
 * has both paths that call centres have had. */

#include "app/command/table/table.h"
#include "app/feature/crm/crm.h"

#undef FIELD_OF
#define FIELD_OF struct crm_value
static const struct command_arg g_crm_args[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Internal name of the call centre."),
	END,
};
#undef FIELD_OF
static const struct command_arg g_softphone_args[] = { NUMBER_ARG("The extension."), END };
static const struct command_arg g_definition_args[] = {
	TEXT_ARG("name", CHARSET_NAME, 1, CRM_NAME_MAX - 1, NULL,
		 "Internal name of the call centre.", .required = true),
	TEXT_ARG("url", CHARSET_TEXT, 10, 255, NULL,
		 "The HTTP API as browsers reach it: https://pbx.example.org:8443.",
		 .required = true),
	TEXT_ARG("standby", CHARSET_TEXT, 0, 255, "none",
		 "That of a second node, which the CRM takes when the first does not answer in "
		 "5 s."),
	END,
};

static const struct command g_crm_commands[] = {
	{ "crm.put", COMMAND_FOR_ADMIN, g_crm_fields,
	  "Makes the call centre of the tenant in a CRM, or changes the given fields.",
	  "the call centre", BY(document_put), .documents = BY(&g_crm_documents) },
	{ "crm.get", COMMAND_FOR_READER, g_crm_args, "Shows a call centre.", "changed_utc_ms",
	  BY(document_show), .documents = BY(&g_crm_documents), .shows = g_crm_fields },
	{ "crm.delete", COMMAND_FOR_ADMIN, g_crm_args,
	  "Deletes a call centre. No other host may show the softphone in a frame then.", "name",
	  BY(document_delete), .documents = BY(&g_crm_documents) },
	{ "crm.list", COMMAND_FOR_READER, g_no_args, "Lists the call centre of the tenant.",
	  "a list of call centres", BY(command_document_list), .documents = BY(&g_crm_documents),
	  .columns = "name,label,hosts" },
	{ "crm.softphone", COMMAND_FOR_READER, g_softphone_args,
	  "What the softphone of a user does in the CRM. The user needs a seat, crm.",
	  "name, label, match, pop, new_record, log, web_pop: as of crm.put; hosts: a list",
	  BY(crm_softphone), .own = "number" },
	{ "crm.call", COMMAND_FOR_READER, g_call_args,
	  "What the softphone of a user looks for when a call comes.",
	  "call, outside: a party is behind a trunk, data: what was tagged", BY(crm_call),
	  .own = "call", .own_part = PART_ANY },
	{ "crm.definition", COMMAND_FOR_ADMIN, g_definition_args,
	  "The file by which Salesforce imports the call centre.",
	  "name, file (how it is called), xml (its content)", BY(crm_definition),
	  .transient = true },
	{ .name = NULL },
};

static const struct app_page g_crm_pages[] = {
	{ .path = "/softphone.html",
	  .allow = "GET",
	  .bundle = "softphone.html",
	  .frames = BY(crm_frames_plain) },
	{ .path = "/softphone/",
	  .allow = "GET",
	  .bundle = "softphone.html",
	  .frames = BY(crm_frames) },
	{ .path = NULL },
};

const struct app_feature g_crm_feature = {
	.name = "crm",
	.commands = g_crm_commands,
	.documents = KINDS(&g_crm_documents),
	.pages = g_crm_pages,
};
