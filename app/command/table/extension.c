/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions, and profiles of them. */
#include "app/document/extension.h"
#include "app/command/table/table.h"
#include "app/document/profile.h"

#define PRESENCE_ARG(text)                                                                      \
	{                                                                                       \
		.name = "state", .type = ARG_STRING, .charset = CHARSET_NAME, .required = true, \
		.min = 1, .max = PRESENCE_MAX - 1, .help = (text)                               \
	}
static const struct command_arg g_presence_args[] = {
	NUMBER_ARG("Number of the extension."),
	PRESENCE_ARG("available, busy, do_not_disturb, in_a_meeting, away, out_of_office, "
		     "off_work, or another word."),
	END,
};
static const struct command_arg g_greeting_args[] = {
	NUMBER_ARG("Number of the extension."),
	PRESENCE_ARG("The presence that it is for; default: all that have none of their own."),
	{ .name = "file",
	  .type = ARG_STRING,
	  .charset = CHARSET_TEXT,
	  .max = GREETING_FILE_MAX - 1,
	  .help = "A file in media.sounds, prompt:NAME, or recording:CALL-NUMBER, which a caller "
		  "has said (call.record_message). Empty, or without it: none." },
	END,
};

static const struct command_arg g_extension_list_args[] = {
	{ .name = "after",
	  .type = ARG_STRING,
	  .charset = CHARSET_NUMBER,
	  .min = 0,
	  .max = 63,
	  .help = "Begin behind this number: the last one of the page before." },
	LIMIT_ARG,
	END,
};

#define PROFILE_ARG(text)                                                                      \
	{                                                                                      \
		.name = "name", .type = ARG_STRING, .charset = CHARSET_NAME, .required = true, \
		.min = 1, .max = PROFILE_NAME_MAX - 1, .help = (text)                          \
	}
static const struct command_arg g_profile_args[] = { PROFILE_ARG("Name of the profile."), END };

#undef FIELD_OF
#define FIELD_OF struct profile_range
static const struct command_arg g_range_args[] = {
	ADDR_FIELD("from", core.first, "First address of the range."),
	END,
};
#undef FIELD_OF

const struct command g_extension_commands[] = {
	{ "extension.put", COMMAND_FOR_ADMIN, g_extension_fields,
	  "Makes an extension, or changes what is given of it.", "the extension", BY(document_put),
	  .documents = BY(&g_extension_documents) },
	{ "extension.get", COMMAND_FOR_READER, g_get_args, "Shows an extension.",
	  "password_valid (false: the realm was changed since), changed_utc_ms",
	  BY(command_extension_get), .shows = g_extension_fields },
	{ "extension.page", COMMAND_FOR_ADMIN, g_get_args,
	  "Shows the link to the record page of an extension, for its phone's settings. It is a "
	  "secret: who has it may record the extension's calls, at each node, until record_page or "
	  "record_page_renew of extension.put makes another one. The log says who asked for it. "
	  "conflict: record_page is false. unavailable: recordings.port is 0, or http.tls false.",
	  "number, path (behind https:// and the host), port", BY(command_extension_page),
	  .transient = true },
	{ "extension.presence", COMMAND_FOR_APPLICATION, g_presence_args,
	  "Says the presence of an extension. It chooses the greeting that callers hear "
	  "(extension.greeting), and changes nothing else. The event extension.presence tells of "
	  "it.",
	  "number, state", BY(command_extension_presence) },
	{ "extension.greeting", COMMAND_FOR_APPLICATION, g_greeting_args,
	  "Sets what callers of an extension hear while it has that presence, where an application "
	  "plays greeting:NUMBER (call.play).",
	  "number, state, file", BY(command_extension_greeting) },
	{ "extension.delete", COMMAND_FOR_ADMIN, g_get_args,
	  "Deletes an extension. Its calls go on; its phones are registered no longer.", "number",
	  BY(document_delete), .documents = BY(&g_extension_documents) },
	{ "extension.list", COMMAND_FOR_READER, g_extension_list_args,
	  "Lists extensions by number.", "a list of extensions", BY(command_extension_list),
	  .columns = "number,display_name,enabled,classes,do_not_disturb,forward_always,"
		     "forward_busy,forward_no_answer,application" },
	{ "profile.put", COMMAND_FOR_ADMIN, g_profile_fields,
	  "Makes a codec profile, or changes what is given of it. Calls that stand keep theirs.",
	  "the profile", BY(document_put), .documents = BY(&g_profile_documents) },
	{ "profile.get", COMMAND_FOR_READER, g_profile_args, "Shows a codec profile.",
	  "changed_utc_ms", BY(command_profile_get), .shows = g_profile_fields },
	{ "profile.delete", COMMAND_FOR_ADMIN, g_profile_args,
	  "Deletes a codec profile that no range uses.", "name", BY(document_delete),
	  .documents = BY(&g_profile_documents) },
	{ "profile.list", COMMAND_FOR_READER, g_no_args, "Lists codec profiles by name.",
	  "a list of profiles", BY(command_profile_list) },
	{ "profile.range.put", COMMAND_FOR_ADMIN, g_range_fields,
	  "Gives a range of addresses a codec profile. No two ranges may overlap.",
	  "changed_utc_ms", BY(document_put), .documents = BY(&g_range_documents),
	  .shows = g_range_fields },
	{ "profile.range.delete", COMMAND_FOR_ADMIN, g_range_args,
	  "Deletes a range: its phones get the profile default.", "from", BY(document_delete),
	  .documents = BY(&g_range_documents) },
	{ "profile.range.list", COMMAND_FOR_READER, g_no_args, "Lists ranges by address.",
	  "a list of ranges", BY(command_range_list) },
	{ .name = NULL },
};
